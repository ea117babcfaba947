//! JSON as strangers write it: what is not quite JSON is read all the same, and said.

use serde_json::{Map, Value};

use crate::json::Json;

/// Texts up to this length, in bytes, are read by the strict reader, which sees more and goes
/// through a text once for each level.
const STRICT: usize = 1 << 20;

pub(super) const REPAIRED: &str = "not quite JSON: what is no number, like NaN, was read as null, and half \
                        a character as U+FFFD";

/// An object, and what was odd about its text.
#[derive(Debug, PartialEq)]
pub(super) struct Loose {
    pub(super) members: Map<String, Value>,
    pub(super) problem: Option<String>,
}

/// Reads an object; `None` for what is no JSON, or no object.
pub(super) fn object(text: &str) -> Option<Loose> {
    let text = text.trim_matches(|c: char| c.is_whitespace() || matches!(c, '\0' | '\u{feff}'));
    if !text.starts_with('{') {
        return None;
    }
    let (value, problem) = read(text)?;
    let Value::Object(members) = value else {
        return None;
    };
    Some(Loose { members, problem })
}

fn read(text: &str) -> Option<(Value, Option<String>)> {
    let strict = if text.len() <= STRICT {
        match Json::parse(text) {
            Ok(json) => return Some((json.as_value().clone(), None)),
            Err(error) => Some(error.to_string()),
        }
    } else {
        None
    };
    if let Ok(value) = serde_json::from_str(text) {
        return Some((value, strict));
    }
    let value = serde_json::from_str(&repaired(text)).ok()?;
    Some((value, Some(REPAIRED.to_owned())))
}

/// Replaces the numbers that Python writes and JSON does not have by null, and halves of
/// characters by U+FFFD.
fn repaired(text: &str) -> String {
    let mut repaired = String::with_capacity(text.len());
    let mut rest = text;
    let mut is_string = false;
    while let Some(c) = rest.chars().next() {
        if is_string && c == '\\' {
            let length = escape(rest, &mut repaired);
            rest = &rest[length..];
            continue;
        }
        is_string ^= c == '"';
        let word = ["NaN", "-Infinity", "Infinity"]
            .iter()
            .find(|word| !is_string && rest.starts_with(**word));
        if let Some(word) = word {
            repaired.push_str("null");
            rest = &rest[word.len()..];
        } else {
            repaired.push(c);
            rest = &rest[c.len_utf8()..];
        }
    }
    repaired
}

/// Copies what begins with a backslash, and returns how long it is in the text.
fn escape(text: &str, repaired: &mut String) -> usize {
    let unit = |text: &str| {
        let digits = text.strip_prefix("\\u")?.get(..4)?;
        u16::from_str_radix(digits, 16).ok()
    };
    let Some(first) = unit(text) else {
        let length = 1 + text[1..].chars().next().map_or(0, char::len_utf8);
        repaired.push_str(&text[..length]);
        return length;
    };
    let second = unit(&text[6..]).filter(|_| matches!(first, 0xd800..0xdc00));
    let units = [first, second.unwrap_or(0)];
    let length = if second.is_some() { 12 } else { 6 };
    match char::decode_utf16(units).next() {
        Some(Ok(c)) if length == 12 || c.len_utf16() == 1 => {
            repaired.push_str(&text[..length]);
            length
        }
        _ => {
            repaired.push_str("\\ufffd");
            6
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_python_writes_is_read_and_said() {
        let read = |text| {
            let Loose { members, problem } = object(text).unwrap();
            (Value::Object(members), problem.unwrap_or_default())
        };
        let (value, problem) = read(r#"{"a":[NaN,-Infinity],"b":"NaN \" Infinity"}"#);
        assert_eq!(value, json!({ "a": [null, null], "b": "NaN \" Infinity" }));
        assert!(problem.contains("NaN"), "{problem}");
        let (value, _) = read(r#"{"a":"\ud83d\ude00","b":"\ud83d!\ude00\ud83d\u0041","c":NaN}"#);
        let expected = json!({ "a": "😀", "b": "\u{fffd}!\u{fffd}\u{fffd}A", "c": null });
        assert_eq!(value, expected);
        let (value, problem) = read(r#"{"seed":1,"seed":2}"#);
        assert_eq!(
            (value, problem.contains("twice")),
            (json!({ "seed": 2 }), true)
        );
        let (value, problem) = read("\u{feff}{\"seed\":18446744073709551615}\n");
        assert_eq!(
            (value, problem),
            (json!({ "seed": "18446744073709551615" }), String::new())
        );
        for text in [
            "",
            "[1]",
            "{",
            "{\"a\":1} and more",
            "{\"a\":\\",
            "{\"\\u",
            "{\"\\ud800\\u\"",
        ] {
            assert_eq!(object(text), None, "{text}");
        }
        let deep = "{\"a\":".repeat(100_000) + "1" + &"}".repeat(100_000);
        assert_eq!(object(&deep), None);
    }
}
