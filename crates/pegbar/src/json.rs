//! JSON as Pegbar keeps it: I-JSON (RFC 7493), the same on both engines and in JavaScript.

use std::collections::HashSet;
use std::fmt;

use serde::de::{DeserializeOwned, MapAccess, Visitor};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Map, Number, Value};

/// How deep arrays and objects may nest.
const MAX_DEPTH: usize = 64;

/// The largest integer that JavaScript and I-JSON keep exactly: 2^53 − 1.
const MAX_SAFE_INTEGER: u64 = (1 << 53) - 1;

/// A JSON value that every engine and every client reads back as it was written.
///
/// At entry, duplicate names, NUL, lone surrogates, numbers beyond a double and nesting
/// deeper than 64 are refused; integers beyond ±(2^53 − 1) become strings, since JavaScript
/// would round them. Values are kept, spelling (spaces, `1.0` or `1`) is not.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default)]
pub struct Json(Value);

/// Why a text or value is not JSON that Pegbar keeps.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JsonError {
    /// The text is not JSON.
    #[error("not JSON: {0}")]
    Syntax(#[from] serde_json::Error),
    /// An object has the same name twice.
    #[error("the name {name:?} stands twice in one object")]
    DuplicateName {
        /// The name.
        name: String,
    },
    /// A string or a name holds U+0000.
    #[error("a string holds the character NUL, which PostgreSQL cannot keep")]
    Nul,
    /// Arrays and objects nest deeper than 64.
    #[error("nested deeper than {MAX_DEPTH} levels")]
    TooDeep,
    /// A number is too large for a double (RFC 7493 section 2.2).
    #[error("the number {number} is too large for a double")]
    NumberRange {
        /// The number as written.
        number: String,
    },
}

impl Json {
    /// Reads JSON text.
    ///
    /// # Errors
    /// Says what is not I-JSON.
    pub fn parse(text: &str) -> Result<Self, JsonError> {
        let raw: &RawValue = serde_json::from_str(text)?;
        from_raw(raw, 0).map(Self)
    }

    /// Takes over a value made in Rust.
    ///
    /// # Errors
    /// Refuses NUL and nesting deeper than 64.
    pub fn from_value(value: Value) -> Result<Self, JsonError> {
        normalize(value, 0).map(Self)
    }

    /// Writes any serializable value as JSON.
    ///
    /// # Errors
    /// Refuses what [`Json::from_value`] refuses, and what serde cannot write as JSON.
    pub fn from_typed<T: Serialize>(value: &T) -> Result<Self, JsonError> {
        Self::from_value(serde_json::to_value(value)?)
    }

    /// Reads the value as a type of your own.
    ///
    /// # Errors
    /// Says where the value does not fit the type.
    pub fn to_typed<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        T::deserialize(&self.0)
    }

    /// Returns an empty object, `{}`.
    #[must_use]
    pub fn empty_object() -> Self {
        Self(Value::Object(Map::new()))
    }

    /// Returns the value.
    #[must_use]
    pub fn as_value(&self) -> &Value {
        &self.0
    }

    /// Returns the value of a name of an object.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    /// Takes a part out of a value that was checked.
    pub(crate) fn part(value: &Value) -> Self {
        Self(value.clone())
    }

    /// Reads what the database kept: checked when it was written.
    pub(crate) fn from_stored(text: &str) -> Result<Self, serde_json::Error> {
        let mut value = serde_json::from_str(text)?;
        restore_doubles(&mut value);
        Ok(Self(value))
    }
}

/// jsonb writes large doubles out as integers: `1e16` becomes `10000000000000000`. Integers
/// of that size never enter, so it was a double.
fn restore_doubles(value: &mut Value) {
    match value {
        Value::Number(number) if !number.is_f64() => {
            let is_safe = |n: u64| n <= MAX_SAFE_INTEGER;
            if number.as_u64().is_some_and(is_safe)
                || number.as_i64().is_some_and(|n| is_safe(n.unsigned_abs()))
            {
                return;
            }
            // What another program wrote may have more digits than a double holds.
            let double = number.as_f64();
            let double = double.filter(|double| double.to_string() == number.to_string());
            if let Some(double) = double.and_then(Number::from_f64) {
                *number = double;
            }
        }
        Value::Array(elements) => elements.iter_mut().for_each(restore_doubles),
        Value::Object(members) => members.values_mut().for_each(restore_doubles),
        _ => {}
    }
}

/// Returns whether two values are the same, numbers as numbers: 20 is 20.0, and "20" is neither.
pub(crate) fn is_same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        // Integers are exact in a double: larger ones never enter.
        (Value::Number(a), Value::Number(b)) => a == b || a.as_f64() == b.as_f64(),
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| is_same(a, b))
        }
        (Value::Object(a), Value::Object(b)) => {
            let has = |(name, a): (&String, &Value)| b.get(name).is_some_and(|b| is_same(a, b));
            a.len() == b.len() && a.iter().all(has)
        }
        _ => a == b,
    }
}

impl fmt::Display for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Serialize for Json {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Json {
    /// Reads from `serde_json` only: other formats have no JSON text to check.
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        from_raw(&raw, 0)
            .map(Self)
            .map_err(serde::de::Error::custom)
    }
}

/// The members of an object in their order, duplicates included.
struct Members<'a>(Vec<(String, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct MembersVisitor;
        impl<'de> Visitor<'de> for MembersVisitor {
            type Value = Members<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(MembersVisitor)
    }
}

/// Checks the text itself: a parsed value would already have lost duplicates and digits.
fn from_raw(raw: &RawValue, depth: usize) -> Result<Value, JsonError> {
    let text = raw.get();
    match text.as_bytes().first() {
        Some(b'{') => {
            if depth == MAX_DEPTH {
                return Err(JsonError::TooDeep);
            }
            let Members(members) = serde_json::from_str(text)?;
            let mut seen = HashSet::with_capacity(members.len());
            let mut object = Map::with_capacity(members.len());
            for (name, value) in members {
                if !seen.insert(name.clone()) {
                    return Err(JsonError::DuplicateName { name });
                }
                object.insert(checked_text(name)?, from_raw(value, depth + 1)?);
            }
            Ok(Value::Object(object))
        }
        Some(b'[') => {
            if depth == MAX_DEPTH {
                return Err(JsonError::TooDeep);
            }
            let elements: Vec<&RawValue> = serde_json::from_str(text)?;
            elements
                .into_iter()
                .map(|element| from_raw(element, depth + 1))
                .collect::<Result<_, _>>()
                .map(Value::Array)
        }
        Some(b'"') => Ok(Value::String(checked_text(serde_json::from_str(text)?)?)),
        Some(b'-' | b'0'..=b'9') => number_from_text(text),
        _ => Ok(serde_json::from_str(text)?),
    }
}

fn normalize(value: Value, depth: usize) -> Result<Value, JsonError> {
    if depth == MAX_DEPTH && matches!(value, Value::Array(_) | Value::Object(_)) {
        return Err(JsonError::TooDeep);
    }
    match value {
        Value::Null | Value::Bool(_) => Ok(value),
        Value::Number(number) => number_from_text(&number.to_string()),
        Value::String(text) => checked_text(text).map(Value::String),
        Value::Array(elements) => elements
            .into_iter()
            .map(|element| normalize(element, depth + 1))
            .collect::<Result<_, _>>()
            .map(Value::Array),
        Value::Object(members) => members
            .into_iter()
            .map(|(name, value)| Ok((checked_text(name)?, normalize(value, depth + 1)?)))
            .collect::<Result<_, _>>()
            .map(Value::Object),
    }
}

fn number_from_text(text: &str) -> Result<Value, JsonError> {
    let is_integer = !text.contains(['.', 'e', 'E']);
    if is_integer {
        let safe = |n: &i64| n.unsigned_abs() <= MAX_SAFE_INTEGER;
        return Ok(match text.parse::<i64>().ok().filter(safe) {
            // `-0` comes out as 0: jsonb has no negative zero.
            Some(integer) => Value::Number(integer.into()),
            None => Value::String(text.to_owned()),
        });
    }
    let out_of_range = || JsonError::NumberRange {
        number: text.to_owned(),
    };
    let double: f64 = text.parse().map_err(|_| out_of_range())?;
    let number = Number::from_f64(if double == 0.0 { 0.0 } else { double });
    number.map(Value::Number).ok_or_else(out_of_range)
}

fn checked_text(text: String) -> Result<String, JsonError> {
    if text.contains('\0') {
        return Err(JsonError::Nul);
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_that_javascript_would_round_become_strings() {
        let json = Json::parse(r#"{"seed": 9007199254740993, "n": 9007199254740991}"#).unwrap();
        assert_eq!(
            json.to_string(),
            r#"{"n":9007199254740991,"seed":"9007199254740993"}"#
        );
        let beyond_u64 = Json::parse("-123456789012345678901234567890").unwrap();
        assert_eq!(
            beyond_u64.to_string(),
            "\"-123456789012345678901234567890\""
        );
        let typed = Json::from_typed(&u64::MAX).unwrap();
        assert_eq!(typed.to_string(), "\"18446744073709551615\"");
    }

    #[test]
    fn what_is_not_i_json_is_refused() {
        let refused = |text: &str| Json::parse(text).unwrap_err().to_string();
        assert!(refused(r#"{"a":1,"b":{"c":1,"c":2}}"#).contains("\"c\" stands twice"));
        assert!(refused(r#"{"a":1,"\u0061":2}"#).contains("\"a\" stands twice"));
        assert!(refused(r#"["\u0000"]"#).contains("NUL"));
        assert!(refused(r#"["\ud800"]"#).contains("not JSON"));
        assert!(refused("[1e999]").contains("too large"));
        assert!(refused("NaN").contains("not JSON"));
        assert!(refused(&("[".repeat(65) + &"]".repeat(65))).contains("deeper"));
        assert!(Json::parse(&("[".repeat(64) + &"]".repeat(64))).is_ok());
    }

    #[test]
    fn it_checks_inside_other_types_too() {
        #[derive(Debug, Deserialize)]
        struct Request {
            settings: Json,
        }
        let request: Request = serde_json::from_str(r#"{"settings":{"cfg":7.50}}"#).unwrap();
        assert_eq!(request.settings.to_string(), r#"{"cfg":7.5}"#);
        let refused = serde_json::from_str::<Request>(r#"{"settings":{"a":1,"a":1}}"#);
        assert!(refused.unwrap_err().to_string().contains("stands twice"));
    }
}
