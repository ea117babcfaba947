//! Sidecars: all that is recorded of an image, in a file beside it, from which another studio
//! takes it in with the same record and hash.
//!
//! Format 1 is the JSON object described in `docs/schema/sidecar-1.schema.json`. The record is
//! its canonical text, so that one SHA-256 tells whether it is what was recorded.

mod check;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::asset::{Asset, AssetKind};
use crate::generation::GenerationStatus;
use crate::hash::Sha256;
use crate::id::{AnimationId, AssetId, CharacterId, FrameId, GenerationId, ProjectId};
use crate::json::Json;
use crate::reference::ReferenceRole;
use crate::time::MillisSinceEpoch;

pub(crate) use check::{Checked, Fault};

/// What the name of an image has behind it in the name of its sidecar.
pub(crate) const SUFFIX: &str = ".pegbar.json";

/// The largest sidecar, in bytes: what is read is held in memory for a moment.
pub(crate) const MAX_BYTES: u64 = 32 << 20;

/// How many claims a sidecar has at most.
pub(crate) const MAX_CLAIMS: usize = 1000;

/// How many annotations a sidecar has at most.
pub(crate) const MAX_ANNOTATIONS: usize = 10_000;

/// The format that is written.
const FORMAT: u32 = 1;

/// What stands in a sidecar.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Sidecar {
    pub(crate) format: Format,
    /// How the file beside differs from the asset's bytes; `None` if it does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) copy: Option<CopyOf>,
    pub(crate) asset: AssetSaid,
    pub(crate) project: ProjectSaid,
    /// Every character that is mentioned.
    pub(crate) characters: Vec<CharacterSaid>,
    /// Every animation that is mentioned.
    pub(crate) animations: Vec<AnimationSaid>,
    /// The frames that show the asset.
    pub(crate) frames: Vec<FrameSaid>,
    /// The request to a model that the asset came from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) generation: Option<GenerationSaid>,
}

/// The number of the format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Format;

impl Serialize for Format {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u32(FORMAT)
    }
}

impl<'de> Deserialize<'de> for Format {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match u32::deserialize(deserializer)? {
            FORMAT => Ok(Self),
            other => {
                let reason = format!("format {other} is not known, only {FORMAT} is");
                Err(serde::de::Error::custom(reason))
            }
        }
    }
}

/// A file that is a copy of an asset's bytes with pieces exchanged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct CopyOf {
    /// The SHA-256 of the file beside.
    pub(crate) sha256: Sha256,
    /// The pieces, in order, that make it the original again.
    pub(crate) undo: Vec<Undo>,
}

/// A piece of a copy, and what the original has there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Undo {
    /// Where it begins in the copy, in bytes.
    pub(crate) at: u64,
    /// How many bytes of the copy it takes.
    pub(crate) length: u64,
    /// What the original has there.
    pub(crate) original: Hex,
}

/// Bytes, written as hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Hex(pub(crate) Vec<u8>);

impl Serialize for Hex {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use std::fmt::Write as _;
        let mut text = String::with_capacity(self.0.len() * 2);
        for byte in &self.0 {
            // Writing to a String cannot fail.
            let _ = write!(text, "{byte:02x}");
        }
        text.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Hex {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        let digit = |byte: u8| char::from(byte).to_digit(16);
        let bytes = text.as_bytes().chunks(2).map(|pair| match pair {
            [high, low] => u8::try_from(digit(*high)? << 4 | digit(*low)?).ok(),
            _ => None,
        });
        let bytes: Option<Vec<u8>> = bytes.collect();
        let bytes = bytes.ok_or("not pairs of hexadecimal digits");
        bytes.map(Self).map_err(serde::de::Error::custom)
    }
}

/// The asset. What its record says is not said again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct AssetSaid {
    pub(crate) id: AssetId,
    pub(crate) kind: AssetKind,
    /// For a variation: its character.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) character_id: Option<CharacterId>,
    /// For a take: the animation it was made for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) animation_id: Option<AnimationId>,
    /// The SHA-256 of the asset's bytes.
    pub(crate) sha256: Sha256,
    pub(crate) file_size: u64,
    pub(crate) mime_type: String,
    pub(crate) width: u32,
    pub(crate) height: u32,
    /// When its bytes were dropped; there is no file beside then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) bytes_dropped_at: Option<MillisSinceEpoch>,
    /// The canonical JSON (RFC 8785) of what made it.
    pub(crate) record: String,
    /// The SHA-256 of that text.
    pub(crate) record_hash: Sha256,
    /// The record's inputs, in its order, by their ids.
    pub(crate) references: Vec<ReferenceSaid>,
    pub(crate) original_name: Option<String>,
    pub(crate) source_id: Option<String>,
    pub(crate) source_path: Option<String>,
    pub(crate) tags: Vec<String>,
    pub(crate) claims: Vec<ClaimSaid>,
    pub(crate) annotations: Vec<AnnotationSaid>,
}

/// An input of the asset.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct ReferenceSaid {
    pub(crate) asset_id: AssetId,
    pub(crate) role: ReferenceRole,
    pub(crate) sha256: Sha256,
}

/// What a file or an app says of the asset.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct ClaimSaid {
    pub(crate) tool: String,
    pub(crate) fields: Json,
    pub(crate) raw: String,
}

/// What someone said of the asset after it was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct AnnotationSaid {
    pub(crate) author: Option<String>,
    pub(crate) text: String,
    pub(crate) created_at: MillisSinceEpoch,
}

/// A request to a model, with its outcome.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct GenerationSaid {
    pub(crate) id: GenerationId,
    pub(crate) request: Json,
    pub(crate) model: Option<String>,
    pub(crate) status: GenerationStatus,
    pub(crate) error: Option<String>,
    pub(crate) duration_ms: Option<u64>,
    pub(crate) input_tokens: Option<u64>,
    pub(crate) output_tokens: Option<u64>,
    pub(crate) price: Option<String>,
    pub(crate) created_at: MillisSinceEpoch,
}

/// The project that the asset is from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct ProjectSaid {
    pub(crate) id: ProjectId,
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) tags: Vec<String>,
    pub(crate) settings: Json,
    pub(crate) created_at: MillisSinceEpoch,
    /// The asset stands for it.
    pub(crate) is_thumbnail: bool,
}

/// A character that the asset belongs to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct CharacterSaid {
    pub(crate) id: CharacterId,
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) user_prompt: String,
    pub(crate) tags: Vec<String>,
    pub(crate) generation_settings: Json,
    pub(crate) created_at: MillisSinceEpoch,
    /// The asset is its primary variation.
    pub(crate) is_primary: bool,
}

/// An animation that the asset belongs to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct AnimationSaid {
    pub(crate) id: AnimationId,
    pub(crate) character_id: CharacterId,
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) user_prompt: String,
    pub(crate) frame_duration_ms: Option<u32>,
    pub(crate) created_at: MillisSinceEpoch,
}

/// A frame that shows the asset.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct FrameSaid {
    pub(crate) id: FrameId,
    pub(crate) animation_id: AnimationId,
    pub(crate) frame_index: u32,
    pub(crate) frame_prompt: Option<String>,
}

impl AssetSaid {
    /// Refuses more claims and annotations than are read again.
    pub(crate) fn check_counts(&self) -> Result<(), Fault> {
        let counts = [
            ("asset.claims", self.claims.len(), MAX_CLAIMS),
            ("asset.annotations", self.annotations.len(), MAX_ANNOTATIONS),
        ];
        let over = counts.into_iter().find(|(_, count, most)| count > most);
        over.map_or(Ok(()), |(field, count, most)| {
            let reason = format!("there are {count}; at most {most} are read");
            Err(Fault::new(field, reason))
        })
    }

    /// Says what is recorded; `None` for a row that another program wrote and nobody adopted.
    pub(crate) fn of(
        asset: Asset,
        claims: Vec<ClaimSaid>,
        annotations: Vec<AnnotationSaid>,
    ) -> Option<Self> {
        let references = asset.references.iter().map(|reference| {
            Some(ReferenceSaid {
                asset_id: reference.asset_id,
                role: reference.role,
                sha256: reference.sha256?,
            })
        });
        Some(Self {
            references: references.collect::<Option<_>>()?,
            id: asset.id,
            kind: asset.kind,
            character_id: asset.character_id,
            animation_id: asset.animation_id,
            sha256: asset.sha256?,
            file_size: asset.file_size?,
            mime_type: asset.mime_type?,
            width: asset.width?,
            height: asset.height?,
            bytes_dropped_at: asset.bytes_dropped_at,
            record: asset.record?,
            record_hash: asset.record_hash?,
            original_name: asset.original_name,
            source_id: asset.source_id,
            source_path: asset.source_path,
            tags: asset.tags,
            claims,
            annotations,
        })
    }
}
