//! DER (ITU-T X.690) as far as certificates (RFC 5280) and time stamps (RFC 3161) need it to
//! say who and when. Nothing is checked.

use crate::time::MillisSinceEpoch;

/// The tags that matter.
mod tag {
    pub(super) const OCTETS: u8 = 0x04;
    pub(super) const OBJECT: u8 = 0x06;
    pub(super) const UTC_TIME: u8 = 0x17;
    pub(super) const GENERALIZED_TIME: u8 = 0x18;
    pub(super) const BMP_STRING: u8 = 0x1e;
    pub(super) const SEQUENCE: u8 = 0x30;
    pub(super) const SET: u8 = 0x31;
    /// `[0]`, holding others.
    pub(super) const FIRST: u8 = 0xa0;
}

/// What a certificate says of its holder, in short.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Certificate {
    pub(super) subject: Name,
    pub(super) issuer: Name,
    pub(super) not_before: Option<MillisSinceEpoch>,
    pub(super) not_after: Option<MillisSinceEpoch>,
}

/// A distinguished name, in short.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Name {
    pub(super) organization: Option<String>,
    pub(super) common_name: Option<String>,
}

/// A value with its tag.
#[derive(Debug, Clone, Copy)]
struct Value<'a> {
    tag: u8,
    content: &'a [u8],
}

/// The values in a row.
struct Values<'a>(&'a [u8]);

impl<'a> Iterator for Values<'a> {
    type Item = Value<'a>;

    /// Takes the next value; ends where there is none that can be read.
    fn next(&mut self) -> Option<Value<'a>> {
        let (&tag, rest) = self.0.split_first()?;
        // Tags of several bytes are not used here.
        if tag & 0x1f == 0x1f {
            return None;
        }
        let (&first, rest) = rest.split_first()?;
        let (length, rest) = match first {
            0..=0x7f => (usize::from(first), rest),
            // 0x80 stands for a length that is found at the end: not in DER.
            0x81..=0x84 => {
                let (digits, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
                let length = digits
                    .iter()
                    .fold(0_u64, |n, byte| n << 8 | u64::from(*byte));
                (usize::try_from(length).ok()?, rest)
            }
            _ => return None,
        };
        let (content, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        Some(Value { tag, content })
    }
}

impl<'a> Values<'a> {
    /// Takes the next value if it has this tag.
    fn expect(&mut self, tag: u8) -> Option<&'a [u8]> {
        let value = self.next()?;
        (value.tag == tag).then_some(value.content)
    }

    /// Takes the next value if it has this tag, else leaves it.
    fn pass(&mut self, tag: u8) {
        if self.0.first() == Some(&tag) {
            self.next();
        }
    }
}

impl Certificate {
    /// Reads what a certificate says of itself (RFC 5280 section 4.1).
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let certificate = Values(bytes).expect(tag::SEQUENCE)?;
        let mut fields = Values(Values(certificate).expect(tag::SEQUENCE)?);
        fields.pass(tag::FIRST); // version
        fields.next()?; // serialNumber
        fields.expect(tag::SEQUENCE)?; // signature
        let issuer = Name::read(fields.expect(tag::SEQUENCE)?);
        let mut validity = Values(fields.expect(tag::SEQUENCE)?);
        let not_before = validity.next().and_then(time);
        let not_after = validity.next().and_then(time);
        let subject = Name::read(fields.expect(tag::SEQUENCE)?);
        Some(Self {
            subject,
            issuer,
            not_before,
            not_after,
        })
    }
}

impl Name {
    /// Reads the first organization and the first common name of an `RDNSequence`.
    fn read(content: &[u8]) -> Self {
        let mut name = Self::default();
        for set in Values(content).filter(|set| set.tag == tag::SET) {
            for attribute in Values(set.content) {
                let mut parts = Values(attribute.content);
                let (object, value) = (parts.expect(tag::OBJECT), parts.next());
                // Of the arc 2.5.4, the attributes of X.520.
                let place = match object {
                    Some([0x55, 0x04, 10]) => &mut name.organization,
                    Some([0x55, 0x04, 3]) => &mut name.common_name,
                    _ => continue,
                };
                if place.is_none() {
                    *place = value.map(text);
                }
            }
        }
        name
    }
}

/// Reads a text of any of the kinds that names have.
fn text(value: Value<'_>) -> String {
    if value.tag == tag::BMP_STRING {
        let units = value.content.chunks_exact(2);
        let units = units.map(|pair| u16::from_be_bytes([pair[0], pair[1]]));
        return char::decode_utf16(units)
            .map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER))
            .collect();
    }
    String::from_utf8_lossy(value.content).into_owned()
}

/// Reads a time: `YYMMDDhhmmssZ`, or `YYYYMMDDhhmmss[.f…]Z` (RFC 5280 section 4.1.2.5, RFC 3161
/// section 2.4.2).
fn time(value: Value<'_>) -> Option<MillisSinceEpoch> {
    let text = std::str::from_utf8(value.content).ok()?;
    let text = match value.tag {
        tag::UTC_TIME => {
            let year: u32 = text.get(..2)?.parse().ok()?;
            format!("{}{text}", if year < 50 { 20 } else { 19 })
        }
        tag::GENERALIZED_TIME => text.to_owned(),
        _ => return None,
    };
    let part = |range| text.get(range);
    let (date, clock) = (part(0..8)?, part(8..14)?);
    if !date
        .bytes()
        .chain(clock.bytes())
        .all(|b| b.is_ascii_digit())
    {
        return None;
    }
    let end = text.get(14..)?;
    format!(
        "{}-{}-{}T{}:{}:{}{end}",
        &date[..4],
        &date[4..6],
        &date[6..],
        &clock[..2],
        &clock[2..4],
        &clock[4..]
    )
    .parse()
    .ok()
}

/// Reads the time of a time stamp: a `TimeStampResp` or the `TimeStampToken` in it (RFC 3161
/// section 2.4.2).
pub(super) fn stamped_at(bytes: &[u8]) -> Option<MillisSinceEpoch> {
    let outer = Values(bytes).expect(tag::SEQUENCE)?;
    let mut parts = Values(outer);
    let first = parts.next()?;
    // Either a response: its status, then the token; or the token: its type first.
    let mut token = match first.tag {
        tag::SEQUENCE => Values(parts.expect(tag::SEQUENCE)?),
        _ => Values(outer),
    };
    token.expect(tag::OBJECT)?; // id-signedData
    let mut signed = Values(Values(token.expect(tag::FIRST)?).expect(tag::SEQUENCE)?);
    signed.next()?; // version
    signed.expect(tag::SET)?; // digestAlgorithms
    let mut encapsulated = Values(signed.expect(tag::SEQUENCE)?);
    encapsulated.expect(tag::OBJECT)?; // id-ct-TSTInfo
    let octets = Values(encapsulated.expect(tag::FIRST)?).expect(tag::OCTETS)?;
    let mut stamp = Values(Values(octets).expect(tag::SEQUENCE)?);
    // version, policy, messageImprint, serialNumber
    stamp.nth(3)?;
    stamp.next().and_then(time)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(tag: u8, text: &str) -> Option<String> {
        let content = text.as_bytes();
        time(Value { tag, content }).map(|time| time.to_string())
    }

    #[test]
    fn times_are_read_in_both_forms() {
        let utc = |text| at(tag::UTC_TIME, text);
        assert_eq!(utc("261025000000Z").unwrap(), "2026-10-25T00:00:00.000Z");
        assert_eq!(utc("500101000000Z").unwrap(), "1950-01-01T00:00:00.000Z");
        let general = |text| at(tag::GENERALIZED_TIME, text);
        assert_eq!(
            general("20260101070229.25Z").unwrap(),
            "2026-01-01T07:02:29.250Z"
        );
        assert_eq!(
            general("20260101070229Z").unwrap(),
            "2026-01-01T07:02:29.000Z"
        );
        for wrong in [
            "",
            "2026",
            "20261301000000Z",
            "2026010107022",
            "２０2601010702Z",
        ] {
            assert_eq!(general(wrong), None, "{wrong}");
            assert_eq!(utc(wrong), None, "{wrong}");
        }
    }
}
