//! Texts and values of strangers, made fit to be kept.

use serde_json::{Map, Number, Value};

use super::cbor::Cbor;

/// The longest text that is kept whole, in characters.
const MAX_CHARS: usize = 1000;

/// The longest bytes that are written out, in hexadecimal: a hash of 512 bits.
const MAX_BYTES: usize = 64;

/// Returns a text that both engines keep, cut if it is very long.
pub(super) fn kept(text: &str) -> String {
    let mut chars = text.chars();
    let mut kept: String = chars.by_ref().take(MAX_CHARS).collect();
    if chars.next().is_some() {
        kept.push('…');
    }
    kept.replace('\0', "\u{fffd}")
}

/// Returns a text value as it is kept.
pub(super) fn text_of(value: Option<&Cbor<'_>>) -> Option<String> {
    let text = value?.text()?.trim();
    (!text.is_empty()).then(|| kept(text))
}

/// Writes a value as JSON. Bytes are written in hexadecimal up to the length of a hash, else
/// only counted.
pub(super) fn json(value: &Cbor<'_>) -> Value {
    match value {
        Cbor::Integer(integer) => {
            Number::from_i128(*integer).map_or_else(|| integer.to_string().into(), Value::Number)
        }
        Cbor::Float(float) => Number::from_f64(*float).map_or(Value::Null, Value::Number),
        Cbor::Bytes(bytes) if bytes.len() <= MAX_BYTES => {
            use std::fmt::Write as _;
            let mut text = String::with_capacity(2 * bytes.len());
            for byte in bytes.iter() {
                // Writing to a String cannot fail.
                let _ = write!(text, "{byte:02x}");
            }
            text.into()
        }
        Cbor::Bytes(bytes) => format!("({} bytes)", bytes.len()).into(),
        Cbor::Text(text) => kept(text).into(),
        Cbor::Array(elements) => elements.iter().map(json).collect(),
        Cbor::Map(members) => {
            let member = |(name, value): &(Cbor<'_>, Cbor<'_>)| {
                let name = match name {
                    Cbor::Text(name) => kept(name),
                    other => json(other).to_string(),
                };
                (name, json(value))
            };
            Value::Object(members.iter().map(member).collect::<Map<_, _>>())
        }
        Cbor::Bool(value) => (*value).into(),
        Cbor::Null => Value::Null,
    }
}
