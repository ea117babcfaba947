//! The record of an asset: what made it, as canonical JSON, and the hash of that.
//!
//! Format 1 is one JSON object in canonical form (RFC 8785) with the names below. Each input
//! carries its own record's hash, so that one hash stands for the whole history (a Merkle
//! graph). Ids, names, tags and paths are outside: they may change.

use serde::ser::Error as _;
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

use crate::error::{Error, Result};
use crate::hash::Sha256;
use crate::json::Json;
use crate::reference::ReferenceRole;
use crate::time::MillisSinceEpoch;

/// The format that is written.
const FORMAT: u32 = 1;

/// What made an asset.
///
/// The fields stand in the order of their names as written: that order is the canonical one.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Record<'a> {
    pub(crate) format: Format,
    /// What went in, in the order sent.
    pub(crate) inputs: Vec<RecordInput>,
    pub(crate) model: Option<&'a str>,
    pub(crate) prompt: Option<&'a str>,
    pub(crate) settings: Option<Canonical<'a>>,
    /// The bytes that came out.
    pub(crate) sha256: Sha256,
    pub(crate) system_prompt: Option<&'a str>,
    /// When it was made.
    pub(crate) time: MillisSinceEpoch,
}

/// Settings, whose names may stand in any order, written in canonical form.
#[derive(Debug)]
pub(crate) struct Canonical<'a>(pub(crate) &'a Json);

impl Serialize for Canonical<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let text = serde_json_canonicalizer::to_string(self.0).map_err(S::Error::custom)?;
        let text = RawValue::from_string(text).map_err(S::Error::custom)?;
        text.serialize(serializer)
    }
}

/// The number of the format.
#[derive(Debug)]
pub(crate) struct Format;

impl Serialize for Format {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u32(FORMAT)
    }
}

/// One input of a record; the fields stand in canonical order.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RecordInput {
    /// The hash of that input's own record.
    pub(crate) record_hash: Sha256,
    pub(crate) role: ReferenceRole,
    /// The bytes that were sent.
    pub(crate) sha256: Sha256,
}

impl Record<'_> {
    /// Returns the record's text and its hash.
    ///
    /// The text is the canonical one without sorting it again: the names stand in order, all
    /// numbers are in the settings, and `serde_json` escapes strings as RFC 8785 section
    /// 3.2.2.2 asks.
    pub(crate) fn seal(&self) -> Result<(String, Sha256)> {
        let text = serde_json::to_string(self)
            .map_err(|error| Error::invalid("generationSettings", error.to_string()))?;
        let hash = Sha256::of(text.as_bytes());
        Ok((text, hash))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_canonical_json_with_a_known_hash() {
        let settings = Json::parse(r#"{ "seed": 7, "cfg": 7.50, "ä": 1e2 }"#).unwrap();
        let record = Record {
            format: Format,
            sha256: Sha256::of(b"abc"),
            prompt: Some("a cat, \"walking\""),
            system_prompt: None,
            model: Some("m"),
            settings: Some(Canonical(&settings)),
            time: MillisSinceEpoch(1_767_250_949_000),
            inputs: vec![RecordInput {
                role: ReferenceRole::PreviousFrame,
                sha256: Sha256::of(b""),
                record_hash: Sha256::of(b"{}"),
            }],
        };
        let (text, hash) = record.seal().unwrap();
        assert_eq!(
            text,
            concat!(
                r#"{"format":1,"inputs":[{"recordHash":"#,
                r#""44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a","#,
                r#""role":"previous_frame","sha256":"#,
                r#""e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"}],"#,
                r#""model":"m","prompt":"a cat, \"walking\"","#,
                r#""settings":{"cfg":7.5,"seed":7,"ä":100},"sha256":"#,
                r#""ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad","#,
                r#""systemPrompt":null,"time":"2026-01-01T07:02:29.000Z"}"#,
            )
        );
        assert_eq!(hash, Sha256::of(text.as_bytes()));
    }

    #[test]
    fn a_record_needs_no_sorting_to_be_canonical() {
        let every_ascii: String = (1..0x7f_u8)
            .map(char::from)
            .chain("é\u{7f}走🏃".chars())
            .collect();
        let settings = Json::from_value(serde_json::json!({
            "\u{e000}": every_ascii, "🏃": 1e21, "b": [0.1, -1.5e-7, 3], "a": {"z": null, "y": true},
        }))
        .unwrap();
        let text = every_ascii.as_str();
        let record = Record {
            format: Format,
            inputs: vec![RecordInput {
                record_hash: Sha256::of(b"r"),
                role: ReferenceRole::Style,
                sha256: Sha256::of(b"s"),
            }],
            model: Some(text),
            prompt: Some(text),
            settings: Some(Canonical(&settings)),
            sha256: Sha256::of(b"abc"),
            system_prompt: Some(text),
            time: MillisSinceEpoch(0),
        };
        let sealed = record.seal().unwrap().0;
        let value: serde_json::Value = serde_json::from_str(&sealed).unwrap();
        assert_eq!(sealed, serde_json_canonicalizer::to_string(&value).unwrap());
    }
}
