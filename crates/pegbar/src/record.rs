//! The record of an asset: what made it, as canonical JSON, and the hash of that.
//!
//! Format 1 is one JSON object in canonical form (RFC 8785) with the names below. Each input
//! carries its own record's hash, so that one hash stands for the whole history (a Merkle
//! graph). Ids, names, tags and paths are outside: they may change.

use serde::Serialize;

use crate::error::{Error, Result};
use crate::hash::Sha256;
use crate::json::Json;
use crate::reference::ReferenceRole;
use crate::time::MillisSinceEpoch;

/// The format that is written.
const FORMAT: u32 = 1;

/// What made an asset.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Record<'a> {
    pub(crate) format: Format,
    /// The bytes that came out.
    pub(crate) sha256: Sha256,
    pub(crate) prompt: Option<&'a str>,
    pub(crate) system_prompt: Option<&'a str>,
    pub(crate) model: Option<&'a str>,
    pub(crate) settings: Option<&'a Json>,
    /// When it was made.
    pub(crate) time: MillisSinceEpoch,
    /// What went in, in the order sent.
    pub(crate) inputs: Vec<RecordInput>,
}

/// The number of the format.
#[derive(Debug)]
pub(crate) struct Format;

impl Serialize for Format {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u32(FORMAT)
    }
}

/// One input of a record.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RecordInput {
    pub(crate) role: ReferenceRole,
    /// The bytes that were sent.
    pub(crate) sha256: Sha256,
    /// The hash of that input's own record.
    pub(crate) record_hash: Sha256,
}

impl Record<'_> {
    /// Returns the record's text and its hash.
    pub(crate) fn seal(&self) -> Result<(String, Sha256)> {
        let text = serde_json_canonicalizer::to_string(self)
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
            settings: Some(&settings),
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
}
