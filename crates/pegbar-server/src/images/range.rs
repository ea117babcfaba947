//! Parts of images: `Range` and `If-Range` (RFC 9110, sections 13.1.5 and 14).

use std::ops::Range;

use http::{HeaderMap, Method, header};

/// What is asked for of some bytes.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// All of them.
    Whole,
    /// These.
    Of(Range<u64>),
    /// Those beyond the end.
    None,
}

/// Reads what is asked for. What is not understood, and more than one range, asks for all, as
/// RFC 9110 lets a server do.
pub(super) fn asked_for(method: &Method, headers: &HeaderMap, tag: &str, size: u64) -> Part {
    let Some(range) = headers.get(header::RANGE) else {
        return Part::Whole;
    };
    // A range means something to GET alone. A date, and a weak tag, say too little.
    let is_same = headers.get(header::IF_RANGE).is_none_or(|seen| seen == tag);
    if method != Method::GET || !is_same {
        return Part::Whole;
    }
    let range = range.to_str().ok().and_then(read);
    match range {
        None => Part::Whole,
        Some((None, 0)) => Part::None,
        Some((None, last)) => part(size.saturating_sub(last), size, size),
        Some((Some(first), end)) => part(first, end.min(size), size),
    }
}

fn part(start: u64, end: u64, size: u64) -> Part {
    if start < size {
        Part::Of(start..end)
    } else {
        Part::None
    }
}

/// Reads `bytes=FIRST-LAST`, `bytes=FIRST-` and `bytes=-LAST`: where it begins and ends, or how
/// many bytes from the end.
fn read(text: &str) -> Option<(Option<u64>, u64)> {
    let (unit, range) = text.split_once('=')?;
    if !unit.trim().eq_ignore_ascii_case("bytes") {
        return None;
    }
    let (first, last) = range.trim().split_once('-')?;
    match (first, last) {
        ("", last) => Some((None, number(last)?)),
        (first, "") => Some((Some(number(first)?), u64::MAX)),
        (first, last) => {
            let (first, last) = (number(first)?, number(last)?);
            (first <= last).then_some((Some(first), last.saturating_add(1)))
        }
    }
}

/// Reads digits; numbers beyond what can be counted are greater than all.
fn number(text: &str) -> Option<u64> {
    let is_number = !text.is_empty() && text.bytes().all(|digit| digit.is_ascii_digit());
    is_number.then(|| text.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn of(range: &str, seen: Option<&str>, method: &Method, size: u64) -> Part {
        let mut headers = HeaderMap::new();
        headers.insert(header::RANGE, HeaderValue::from_str(range).unwrap());
        if let Some(seen) = seen {
            headers.insert(header::IF_RANGE, HeaderValue::from_str(seen).unwrap());
        }
        asked_for(method, &headers, "\"t\"", size)
    }

    #[test]
    fn one_range_is_a_part_and_what_is_not_understood_is_all() {
        for (range, expected) in [
            ("bytes=0-0", Part::Of(0..1)),
            ("bytes=2-5", Part::Of(2..6)),
            ("Bytes=2-", Part::Of(2..10)),
            ("bytes=-3", Part::Of(7..10)),
            ("bytes=-30", Part::Of(0..10)),
            ("bytes=9-99999999999999999999999", Part::Of(9..10)),
            ("bytes=10-", Part::None),
            ("bytes=10-20", Part::None),
            ("bytes=99999999999999999999999-", Part::None),
            ("bytes=-0", Part::None),
            ("bytes=5-2", Part::Whole),
            ("bytes=0-1,3-4", Part::Whole),
            ("bytes=", Part::Whole),
            ("bytes=-", Part::Whole),
            ("bytes=+1-2", Part::Whole),
            ("bytes=a-b", Part::Whole),
            ("lines=1-2", Part::Whole),
        ] {
            assert_eq!(of(range, None, &Method::GET, 10), expected, "{range}");
        }
        assert_eq!(of("bytes=0-", None, &Method::GET, 0), Part::None);
    }

    #[test]
    fn a_part_of_another_version_is_not_asked_for() {
        for (seen, expected) in [
            ("\"t\"", Part::Of(0..1)),
            ("\"u\"", Part::Whole),
            ("W/\"t\"", Part::Whole),
            ("Wed, 21 Oct 2015 07:28:00 GMT", Part::Whole),
        ] {
            assert_eq!(
                of("bytes=0-0", Some(seen), &Method::GET, 10),
                expected,
                "{seen}"
            );
        }
        assert_eq!(of("bytes=0-0", None, &Method::HEAD, 10), Part::Whole);
    }
}
