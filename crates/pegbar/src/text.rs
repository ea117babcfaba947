//! Which texts and times are accepted.

use std::ops::RangeInclusive;
use std::path::Path;

use serde::Serializer;
use serde_json::Value;

use crate::error::{Error, Result};
use crate::json::Json;
use crate::time::MillisSinceEpoch;

/// The longest display name, in bytes.
pub const MAX_NAME_BYTES: usize = 255;

/// The longest tag, in bytes.
pub const MAX_TAG_BYTES: usize = 64;

/// The longest prompt or description, in bytes.
pub const MAX_TEXT_BYTES: usize = 1 << 20;

/// The longest id or path of another app, in bytes: it becomes part of an index, whose entries
/// PostgreSQL keeps below 2704 bytes.
pub const MAX_SOURCE_BYTES: usize = 2048;

/// The years 1 to 9999, which PostgreSQL, JavaScript and RFC 3339 all know.
const TIMES: RangeInclusive<MillisSinceEpoch> =
    MillisSinceEpoch(-62_135_596_800_000)..=MillisSinceEpoch(253_402_300_799_999);

pub(crate) fn check_source(field: &str, text: Option<&String>) -> Result<()> {
    text.map_or(Ok(()), |text| check(field, text, MAX_SOURCE_BYTES))
}

pub(crate) fn check_time(field: &str, time: Option<MillisSinceEpoch>) -> Result<()> {
    match time {
        Some(time) if !TIMES.contains(&time) => Err(Error::invalid(
            field,
            format!("{time} is not in the years 1 to 9999"),
        )),
        _ => Ok(()),
    }
}

pub(crate) fn check_name(field: &str, name: &str) -> Result<()> {
    if name.trim().is_empty() {
        return Err(Error::invalid(field, "a name can't be empty"));
    }
    check(field, name, MAX_NAME_BYTES)
}

pub(crate) fn check_text(field: &str, text: &str) -> Result<()> {
    check(field, text, MAX_TEXT_BYTES)
}

pub(crate) fn check_optional(field: &str, text: Option<&String>) -> Result<()> {
    text.map_or(Ok(()), |text| check_text(field, text))
}

/// Refuses settings without names: who reads them asks for `seed`, not for the first of a list.
pub(crate) fn check_settings(field: &str, settings: Option<&Json>) -> Result<()> {
    let kind = match settings.map(Json::as_value) {
        None | Some(Value::Object(_)) => return Ok(()),
        Some(Value::Null) => "null",
        Some(Value::Bool(_)) => "true or false",
        Some(Value::Number(_)) => "a number",
        Some(Value::String(_)) => "a string",
        Some(Value::Array(_)) => "a list",
    };
    let reason = format!("settings have names, as in {{\"seed\": 7}}: a JSON object, not {kind}");
    Err(Error::invalid(field, reason))
}

/// Checks tags and drops the ones that stand twice; the order is kept.
pub(crate) fn checked_tags(tags: Vec<String>) -> Result<Vec<String>> {
    let mut kept = Vec::with_capacity(tags.len());
    for tag in tags {
        if tag.trim().is_empty() {
            return Err(Error::invalid("tags", "a tag can't be empty"));
        }
        check("tags", &tag, MAX_TAG_BYTES)?;
        if !kept.contains(&tag) {
            kept.push(tag);
        }
    }
    Ok(kept)
}

fn check(field: &str, text: &str, max_bytes: usize) -> Result<()> {
    if text.len() > max_bytes {
        let reason = format!("{} bytes long; at most {max_bytes} are kept", text.len());
        return Err(Error::invalid(field, reason));
    }
    if text.contains('\0') {
        return Err(Error::invalid(field, "holds the character NUL"));
    }
    Ok(())
}

/// Writes a path as text in JSON; what is not Unicode in it can't be.
pub(crate) fn serialize_path<S: Serializer>(
    path: &impl AsRef<Path>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&path.as_ref().to_string_lossy())
}
