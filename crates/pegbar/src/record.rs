//! The record of an asset: what made it, as canonical JSON, and the hash of that.
//!
//! Format 1 is one JSON object in canonical form (RFC 8785) with the names below. Each input
//! carries its own record's hash, so that one hash stands for the whole history (a Merkle
//! graph). Ids, names, tags and paths are outside: they may change.

use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
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

/// A record, read back.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Recorded {
    format: u32,
    pub(crate) inputs: Vec<RecordedInput>,
    pub(crate) model: Option<String>,
    pub(crate) prompt: Option<String>,
    #[serde(deserialize_with = "canonical_settings")]
    pub(crate) settings: Option<Json>,
    pub(crate) sha256: Sha256,
    pub(crate) system_prompt: Option<String>,
    pub(crate) time: MillisSinceEpoch,
}

/// One input of a record, read back.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct RecordedInput {
    pub(crate) record_hash: Sha256,
    pub(crate) role: ReferenceRole,
    pub(crate) sha256: Sha256,
}

/// Reads settings in canonical form, in which the double `1e16` is `10000000000000000`: taken
/// in as new, that integer would become a string.
fn canonical_settings<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Json>, D::Error> {
    let Some(raw) = Option::<Box<RawValue>>::deserialize(from)? else {
        return Ok(None);
    };
    Json::parse(raw.get()).map_err(de::Error::custom)?;
    let settings = Json::from_stored(raw.get());
    settings.map(Some).map_err(de::Error::custom)
}

impl Recorded {
    /// Reads the text of a record; whether it has the hash beside it is another question.
    pub(crate) fn read(text: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(text)
    }

    /// Returns the text of a record of format 1 that says the same; `None` for another format.
    pub(crate) fn text(&self) -> Option<String> {
        let inputs = self.inputs.iter().map(|input| RecordInput {
            record_hash: input.record_hash,
            role: input.role,
            sha256: input.sha256,
        });
        let record = Record {
            format: Format,
            inputs: inputs.collect(),
            model: self.model.as_deref(),
            prompt: self.prompt.as_deref(),
            settings: self.settings.as_ref().map(Canonical),
            sha256: self.sha256,
            system_prompt: self.system_prompt.as_deref(),
            time: self.time,
        };
        let sealed = record.seal().ok().filter(|_| self.format == FORMAT);
        sealed.map(|(text, _)| text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_read_back_as_it_was_written() {
        let settings = Json::parse(
            r#"{"weight": 1e16, "tiny": 1e-7, "seed": "9007199254740993",
            "big": [9007199254740991, -1e300]}"#,
        );
        let settings = settings.unwrap();
        for settings in [Some(&settings), None] {
            let record = Record {
                format: Format,
                inputs: Vec::new(),
                model: None,
                prompt: Some("a cat"),
                settings: settings.map(Canonical),
                sha256: Sha256::of(b"abc"),
                system_prompt: None,
                time: MillisSinceEpoch(0),
            };
            let (text, _) = record.seal().unwrap();
            let read = Recorded::read(&text).unwrap();
            assert_eq!(read.settings.as_ref(), settings);
            assert_eq!(read.text(), Some(text.clone()));
            let other = text.replacen("\"format\":1", "\"format\":2", 1);
            assert_eq!(Recorded::read(&other).unwrap().text(), None);
        }
    }

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
