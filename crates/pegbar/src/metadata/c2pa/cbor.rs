//! CBOR (RFC 8949) as manifests use it, read from strangers: bounded in depth and in the
//! number of values, borrowing from the bytes.

use std::borrow::Cow;

/// How deep arrays, maps and tags may nest.
const MAX_DEPTH: u32 = 24;

/// How many values one document may hold.
const MAX_VALUES: u32 = 20_000;

/// A value of CBOR. Tags are left out: what they say of a text (that it is a time, a URI) shows
/// in the text.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Cbor<'a> {
    Integer(i128),
    Float(f64),
    Bytes(Cow<'a, [u8]>),
    Text(Cow<'a, str>),
    Array(Vec<Cbor<'a>>),
    Map(Vec<(Cbor<'a>, Cbor<'a>)>),
    Bool(bool),
    /// `null`, `undefined`, and simple values without a meaning of their own.
    Null,
}

impl<'a> Cbor<'a> {
    /// Reads the one value that the bytes are.
    pub(super) fn read(bytes: &'a [u8]) -> Result<Self, String> {
        let mut reader = Reader {
            bytes,
            position: 0,
            left: MAX_VALUES,
        };
        let value = reader.value(0)?;
        match bytes.len() - reader.position {
            0 => Ok(value),
            more => Err(format!("{more} bytes follow its end")),
        }
    }

    pub(super) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    pub(super) fn bytes(&self) -> Option<&[u8]> {
        match self {
            Self::Bytes(bytes) => Some(bytes),
            _ => None,
        }
    }

    pub(super) fn integer(&self) -> Option<i128> {
        match self {
            Self::Integer(integer) => Some(*integer),
            _ => None,
        }
    }

    pub(super) fn array(&self) -> Option<&[Self]> {
        match self {
            Self::Array(elements) => Some(elements),
            _ => None,
        }
    }

    /// Returns the value of a name of a map.
    pub(super) fn get(&self, name: &str) -> Option<&Self> {
        self.find(|key| key.text() == Some(name))
    }

    /// Returns the value of a number of a map, as COSE has them.
    pub(super) fn at(&self, number: i128) -> Option<&Self> {
        self.find(|key| key.integer() == Some(number))
    }

    fn find(&self, is_meant: impl Fn(&Self) -> bool) -> Option<&Self> {
        let Self::Map(members) = self else {
            return None;
        };
        let found = members.iter().find(|(key, _)| is_meant(key));
        found.map(|(_, value)| value)
    }
}

struct Reader<'a> {
    bytes: &'a [u8],
    position: usize,
    left: u32,
}

/// The head of a value (section 3): what it is, and the number that says which or how long;
/// `None` for an indefinite length.
struct Head {
    major: u8,
    argument: Option<u64>,
    /// The five bits that tell simple values from floats of each width.
    minor: u8,
}

impl<'a> Reader<'a> {
    fn take(&mut self, length: u64) -> Result<&'a [u8], String> {
        let end = usize::try_from(length)
            .ok()
            .and_then(|length| self.position.checked_add(length));
        let taken = end.and_then(|end| self.bytes.get(self.position..end));
        let taken =
            taken.ok_or_else(|| format!("it ends inside the value at {}", self.position))?;
        self.position += taken.len();
        Ok(taken)
    }

    fn head(&mut self) -> Result<Head, String> {
        let start = self.position;
        let first = self.take(1)?[0];
        let (major, minor) = (first >> 5, first & 0x1f);
        let argument = match minor {
            0..=23 => Some(u64::from(minor)),
            24..=27 => {
                let bytes = self.take(1 << (minor - 24))?;
                Some(bytes.iter().fold(0, |n, byte| n << 8 | u64::from(*byte)))
            }
            31 if matches!(major, 2..=5 | 7) => None,
            _ => return Err(format!("no value begins with {first:#04x}, as at {start}")),
        };
        Ok(Head {
            major,
            argument,
            minor,
        })
    }

    /// Says whether the end of something of indefinite length is next, and passes over it.
    fn at_break(&mut self) -> bool {
        let is_break = self.bytes.get(self.position) == Some(&0xff);
        self.position += usize::from(is_break);
        is_break
    }

    fn value(&mut self, depth: u32) -> Result<Cbor<'a>, String> {
        if depth > MAX_DEPTH {
            return Err(format!("nested deeper than {MAX_DEPTH} levels"));
        }
        self.left = self
            .left
            .checked_sub(1)
            .ok_or_else(|| format!("more than {MAX_VALUES} values"))?;
        let start = self.position;
        let head = self.head()?;
        match (head.major, head.argument) {
            (0, Some(number)) => Ok(Cbor::Integer(i128::from(number))),
            (1, Some(number)) => Ok(Cbor::Integer(-1 - i128::from(number))),
            (2, Some(length)) => Ok(Cbor::Bytes(self.take(length)?.into())),
            (2, None) => Ok(Cbor::Bytes(self.pieces(2)?.into())),
            (3, Some(length)) => {
                let text = std::str::from_utf8(self.take(length)?);
                let text = text.map_err(|_| format!("the text at {start} is not UTF-8"))?;
                Ok(Cbor::Text(text.into()))
            }
            (3, None) => {
                let text = String::from_utf8(self.pieces(3)?);
                let text = text.map_err(|_| format!("the text at {start} is not UTF-8"))?;
                Ok(Cbor::Text(text.into()))
            }
            (4, length) => {
                let mut elements = Vec::new();
                let mut left = length.unwrap_or(u64::MAX);
                // Not reserved: a length of strangers is believed when its values are there.
                while left > 0 && !(length.is_none() && self.at_break()) {
                    elements.push(self.value(depth + 1)?);
                    left -= 1;
                }
                Ok(Cbor::Array(elements))
            }
            (5, length) => {
                let mut members = Vec::new();
                let mut left = length.unwrap_or(u64::MAX);
                while left > 0 && !(length.is_none() && self.at_break()) {
                    members.push((self.value(depth + 1)?, self.value(depth + 1)?));
                    left -= 1;
                }
                Ok(Cbor::Map(members))
            }
            (6, Some(_)) => self.value(depth + 1),
            (7, Some(bits)) => Ok(simple(head.minor, bits)),
            _ => Err(format!("an end at {start} where nothing had begun")),
        }
    }

    /// Reads the pieces of bytes or text of indefinite length (section 3.2.3).
    fn pieces(&mut self, major: u8) -> Result<Vec<u8>, String> {
        let mut whole = Vec::new();
        while !self.at_break() {
            let start = self.position;
            match self.head()? {
                Head {
                    major: same,
                    argument: Some(length),
                    ..
                } if same == major => whole.extend_from_slice(self.take(length)?),
                _ => return Err(format!("something else inside a text, at {start}")),
            }
        }
        Ok(whole)
    }
}

/// Reads what is neither a number nor holds others (section 3.3).
fn simple(minor: u8, bits: u64) -> Cbor<'static> {
    let low = |bits: u64| u32::try_from(bits).unwrap_or_default();
    match (minor, bits) {
        (20, _) => Cbor::Bool(false),
        (21, _) => Cbor::Bool(true),
        (25, bits) => Cbor::Float(half(low(bits))),
        (26, bits) => Cbor::Float(f64::from(f32::from_bits(low(bits)))),
        (27, bits) => Cbor::Float(f64::from_bits(bits)),
        _ => Cbor::Null,
    }
}

/// Reads a float of 16 bits (RFC 8949 appendix D).
fn half(bits: u32) -> f64 {
    let exponent = bits >> 10 & 0x1f;
    let fraction = f64::from(bits & 0x3ff);
    let size = match exponent {
        0 => fraction * 2_f64.powi(-24),
        31 if fraction == 0.0 => f64::INFINITY,
        31 => f64::NAN,
        _ => (1024.0 + fraction) * 2_f64.powi(i32::try_from(exponent).unwrap_or_default() - 25),
    };
    if bits & 0x8000 == 0 { size } else { -size }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(text: &str) -> Vec<u8> {
        let digits = text.as_bytes().chunks(2);
        let byte = |pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
        digits.map(byte).collect()
    }

    fn text(value: &str) -> Cbor<'_> {
        Cbor::Text(value.into())
    }

    /// From RFC 8949 appendix A.
    #[test]
    fn the_examples_of_the_rfc_are_read() {
        let numbers = [
            ("00", 0),
            ("1818", 24),
            ("1b000000e8d4a51000", 1_000_000_000_000),
            ("1bffffffffffffffff", 18_446_744_073_709_551_615),
            ("3bffffffffffffffff", -18_446_744_073_709_551_616),
            ("3903e7", -1000),
            ("c11a514b67b0", 1_363_896_240),
        ];
        for (bytes, number) in numbers {
            assert_eq!(
                Cbor::read(&hex(bytes)),
                Ok(Cbor::Integer(number)),
                "{bytes}"
            );
        }
        let floats = [
            ("f93c00", 1.0),
            ("f90001", 5.960_464_477_539_063e-8),
            ("f9c400", -4.0),
            ("fa47c35000", 100_000.0),
            ("fbc010666666666666", -4.1),
            ("f9fc00", f64::NEG_INFINITY),
        ];
        for (bytes, number) in floats {
            assert_eq!(Cbor::read(&hex(bytes)), Ok(Cbor::Float(number)), "{bytes}");
        }
        assert_eq!(Cbor::read(&hex("f5")), Ok(Cbor::Bool(true)));
        assert_eq!(Cbor::read(&hex("f7")), Ok(Cbor::Null));
        let streamed = [
            (
                "5f42010243030405ff",
                Cbor::Bytes(vec![1, 2, 3, 4, 5].into()),
            ),
            ("7f657374726561646d696e67ff", text("streaming")),
            ("62c3bc", text("ü")),
        ];
        for (bytes, value) in streamed {
            assert_eq!(Cbor::read(&hex(bytes)), Ok(value), "{bytes}");
        }
        let nested = hex("bf61610161629f0203ffff");
        let nested = Cbor::read(&nested).unwrap();
        assert_eq!(nested.get("a"), Some(&Cbor::Integer(1)));
        let numbers = [Cbor::Integer(2), Cbor::Integer(3)];
        assert_eq!(nested.get("b").and_then(Cbor::array), Some(&numbers[..]));
        let numbered = hex("a201020304");
        let numbered = Cbor::read(&numbered).unwrap();
        assert_eq!(numbered.at(3), Some(&Cbor::Integer(4)));
        assert_eq!(numbered.at(5), None);
    }

    #[test]
    fn what_is_no_cbor_is_refused_and_what_is_too_much_too() {
        let refused = |bytes: &[u8]| Cbor::read(bytes).unwrap_err();
        assert!(refused(&hex("1c")).contains("begins with 0x1c"));
        assert!(refused(&hex("ff")).contains("an end at 0"));
        assert!(refused(&hex("61ff")).contains("not UTF-8"));
        assert!(refused(&hex("5f00ff")).contains("something else"));
        assert!(refused(&hex("0000")).contains("1 bytes follow"));
        assert!(refused(&hex("1b00")).contains("it ends inside"));
        // Lengths beyond what is there, up to the whole range.
        for head in [
            "9bffffffffffffffff",
            "bbffffffffffffffff",
            "5bffffffffffffffff",
        ] {
            assert!(refused(&hex(head)).contains("it ends inside"), "{head}");
        }
        assert!(refused(&[0x81; 1000]).contains("deeper than 24"));
        assert!(refused(&[0xc1; 1000]).contains("deeper than 24"));
        let mut many = hex("9a00010000");
        many.extend(std::iter::repeat_n(0, 0x1_0000));
        assert!(refused(&many).contains("more than 20000 values"));
    }
}
