//! Reproducing: the request that would make an asset again, and what is missing of it.

mod deep;

use std::collections::HashMap;
use std::io;
use std::path::PathBuf;

use serde::Serialize;
use uuid::Uuid;

use crate::asset::{self, Asset};
use crate::claim::{self, Claim};
use crate::db::{Session, blocking};
use crate::error::{IoContext, Result};
use crate::hash::Sha256;
use crate::id::{AssetId, GenerationId, ProjectId};
use crate::json::Json;
use crate::reference::{Reference, ReferenceRole};
use crate::studio::Studio;
use crate::text::serialize_path;
use crate::time::MillisSinceEpoch;

/// The request that would make an asset again, as far as it is recorded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Reproduction {
    /// The asset.
    pub asset_id: AssetId,
    /// The request to a model that it came from, where that was recorded.
    pub generation_id: Option<GenerationId>,
    /// The SHA-256 of the bytes that came out.
    pub sha256: Option<Sha256>,
    /// When it was made.
    pub created_at: MillisSinceEpoch,
    /// What was sent.
    pub request: RequestAgain,
    /// What is missing of the request, or keeps it from being sent again.
    pub missing: Vec<MissingPart>,
}

/// What was sent to a model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct RequestAgain {
    /// The system prompt.
    pub system_prompt: Option<String>,
    /// The prompt.
    pub prompt: Option<String>,
    /// The model.
    pub model: Option<String>,
    /// The settings.
    pub settings: Option<Json>,
    /// The inputs, in the order sent.
    pub inputs: Vec<RequestInput>,
}

/// An input of a request, and where its bytes are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct RequestInput {
    /// The input.
    pub asset_id: AssetId,
    /// What it was for.
    pub role: ReferenceRole,
    /// Its place in the order sent, from 0.
    pub position: u32,
    /// The SHA-256 of the bytes that were sent; `None` where it is not known.
    pub sha256: Option<Sha256>,
    /// The media type of the input's bytes.
    pub mime_type: Option<String>,
    /// The size of the input's bytes.
    pub file_size: Option<u64>,
    /// The file with the bytes that were sent, in the store; `None` where they are not there,
    /// or were dropped.
    #[serde(serialize_with = "serialize_optional_path")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub blob: Option<PathBuf>,
    /// The input's file below `public/assets`, which someone may have edited since; `None` where
    /// there is none, or where other bytes were sent than the input has.
    #[serde(serialize_with = "serialize_optional_path")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub file: Option<PathBuf>,
}

#[expect(clippy::ref_option, reason = "serde hands it over so")]
fn serialize_optional_path<S: serde::Serializer>(
    path: &Option<PathBuf>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match path {
        Some(path) => serialize_path(path, serializer),
        None => serializer.serialize_none(),
    }
}

/// Why a request is not whole, or can't be sent again as it was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(
    tag = "reason",
    rename_all = "snake_case",
    rename_all_fields = "camelCase"
)]
pub enum MissingPart {
    /// The asset was uploaded, not generated: no prompt is recorded.
    Prompt {
        /// The programs whose claims say something of how it was made.
        claimed_by: Vec<String>,
    },
    /// No model is recorded.
    Model,
    /// The settings, if there are any, name no seed: the model decides by chance.
    Seed,
    /// The asset has no record: another program wrote its row, and it was not adopted.
    Record,
    /// An input's bytes are not known: another program wrote the row, and it was not adopted.
    InputHash {
        /// The input's place in the order sent, from 0.
        position: u32,
        /// The input.
        asset_id: AssetId,
    },
    /// An input is no longer there.
    Input {
        /// The input's place in the order sent, from 0.
        position: u32,
        /// The input.
        asset_id: AssetId,
    },
    /// An input's bytes were dropped; its record and hash stay.
    InputBytesDropped {
        /// The input's place in the order sent, from 0.
        position: u32,
        /// The input.
        asset_id: AssetId,
        /// When they were dropped.
        dropped_at: MillisSinceEpoch,
    },
    /// The store does not have the bytes of an input.
    InputBlob {
        /// The input's place in the order sent, from 0.
        position: u32,
        /// The input.
        asset_id: AssetId,
        /// The file that is not there.
        #[serde(serialize_with = "serialize_path")]
        #[cfg_attr(feature = "openapi", schema(value_type = String))]
        path: PathBuf,
    },
    /// The store's file for an input has another size than was recorded.
    InputBlobSize {
        /// The input's place in the order sent, from 0.
        position: u32,
        /// The input.
        asset_id: AssetId,
        /// The file.
        #[serde(serialize_with = "serialize_path")]
        #[cfg_attr(feature = "openapi", schema(value_type = String))]
        path: PathBuf,
        /// The size that was recorded, in bytes.
        recorded: u64,
        /// The size of the file, in bytes.
        found: u64,
    },
}

impl std::fmt::Display for MissingPart {
    /// Says it in words.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Prompt { claimed_by } => {
                f.write_str("it was uploaded, not generated: no prompt is recorded")?;
                match claimed_by.as_slice() {
                    [] => Ok(()),
                    tools => write!(f, " (claims say something of it: {})", tools.join(", ")),
                }
            }
            Self::Model => f.write_str("no model is recorded"),
            Self::Seed => f.write_str("the settings name no seed: it may come out differently"),
            Self::Record => f.write_str(
                "it has no record yet: another program wrote it, and `pegbar adopt` seals it",
            ),
            Self::InputHash { position, asset_id } => write!(
                f,
                "input {position} ({asset_id}): which bytes were sent is not known until \
                 `pegbar adopt` has run"
            ),
            Self::Input { position, asset_id } => {
                write!(f, "input {position} ({asset_id}) is no longer there")
            }
            Self::InputBytesDropped {
                position,
                asset_id,
                dropped_at,
            } => write!(
                f,
                "input {position} ({asset_id}): its bytes were dropped at {dropped_at}"
            ),
            Self::InputBlob {
                position,
                asset_id,
                path,
            } => write!(
                f,
                "input {position} ({asset_id}): its bytes are missing in the store: {}",
                path.display()
            ),
            Self::InputBlobSize {
                position,
                asset_id,
                path,
                recorded,
                found,
            } => write!(
                f,
                "input {position} ({asset_id}): {} has {found} bytes, and {recorded} were recorded",
                path.display()
            ),
        }
    }
}

/// Returns whether settings name a seed, however deep: `seed`, `noise_seed`, `randomSeed` …
fn has_seed(value: &serde_json::Value) -> bool {
    match value {
        serde_json::Value::Object(members) => members.iter().any(|(name, value)| {
            let name = name.to_ascii_lowercase();
            (name.ends_with("seed") || name == "seeds") && !value.is_null() || has_seed(value)
        }),
        serde_json::Value::Array(elements) => elements.iter().any(has_seed),
        _ => false,
    }
}

/// What is known of the assets that a request may name.
struct Known {
    inputs: HashMap<AssetId, Asset>,
    claims: HashMap<AssetId, Vec<String>>,
}

impl Studio {
    /// Returns the request that would make an asset again, and what is missing of it.
    ///
    /// # Errors
    /// [`crate::Error::NotFound`]; [`crate::Error::Io`] where the store can't be looked at.
    pub async fn reproduce(&self, id: AssetId) -> Result<Reproduction> {
        let mut session = self.database().snapshot().await?;
        let asset = asset::get(&mut session, id).await?;
        let inputs: Vec<Uuid> = asset.references.iter().map(|r| r.asset_id.0).collect();
        let project = asset.project_id;
        let known = Known {
            inputs: load(&mut session, project, &inputs).await?,
            claims: claimed(&mut session, project, std::slice::from_ref(&asset)).await?,
        };
        session.end().await?;
        blocking(|| self.reproduction(&asset, &known))
    }

    fn reproduction(&self, asset: &Asset, known: &Known) -> Result<Reproduction> {
        let mut missing = Vec::new();
        if asset.generation_prompt.is_none() {
            missing.push(MissingPart::Prompt {
                claimed_by: known.claims.get(&asset.id).cloned().unwrap_or_default(),
            });
        }
        if asset.model.is_none() {
            missing.push(MissingPart::Model);
        }
        let settings = asset.generation_settings.as_ref();
        if !settings.is_some_and(|settings| has_seed(settings.as_value())) {
            missing.push(MissingPart::Seed);
        }
        if asset.record_hash.is_none() {
            missing.push(MissingPart::Record);
        }
        let mut inputs = Vec::with_capacity(asset.references.len());
        for (position, reference) in (0..).zip(asset.references.iter()) {
            let input = known.inputs.get(&reference.asset_id);
            inputs.push(self.request_input(position, reference, input, &mut missing)?);
        }
        Ok(Reproduction {
            asset_id: asset.id,
            generation_id: asset.generation_id,
            sha256: asset.sha256,
            created_at: asset.created_at,
            request: RequestAgain {
                system_prompt: asset.generation_system_prompt.clone(),
                prompt: asset.generation_prompt.clone(),
                model: asset.model.clone(),
                settings: asset.generation_settings.clone(),
                inputs,
            },
            missing,
        })
    }

    /// Finds the bytes of an input, and notes what keeps them from being sent again.
    fn request_input(
        &self,
        position: u32,
        reference: &Reference,
        input: Option<&Asset>,
        missing: &mut Vec<MissingPart>,
    ) -> Result<RequestInput> {
        let asset_id = reference.asset_id;
        // What the row says of its bytes counts only where those are the ones that were sent.
        let same = input.filter(|input| input.sha256 == reference.sha256);
        let mut found = RequestInput {
            asset_id,
            role: reference.role,
            position,
            sha256: reference.sha256,
            mime_type: same.and_then(|input| input.mime_type.clone()),
            file_size: same.and_then(|input| input.file_size),
            blob: None,
            file: None,
        };
        let dropped_at = input.and_then(|input| input.bytes_dropped_at);
        if let (Some(input), None) = (same, dropped_at) {
            let path = input.file_path.as_ref();
            let file = path.map(|path| self.assets_folder().join(path));
            found.file = file.filter(|file| file.is_file());
        }
        if input.is_none() {
            missing.push(MissingPart::Input { position, asset_id });
        }
        let Some(sha256) = reference.sha256 else {
            missing.push(MissingPart::InputHash { position, asset_id });
            return Ok(found);
        };
        // They may lie in the store still, for the trash: that is not for sending them again.
        if let (Some(_), Some(dropped_at)) = (same, dropped_at) {
            missing.push(MissingPart::InputBytesDropped {
                position,
                asset_id,
                dropped_at,
            });
            return Ok(found);
        }
        let path = self.blobs().path(sha256);
        match std::fs::metadata(&path) {
            Ok(blob) => {
                let recorded = found.file_size.filter(|recorded| *recorded != blob.len());
                missing.extend(recorded.map(|recorded| MissingPart::InputBlobSize {
                    position,
                    asset_id,
                    path: path.clone(),
                    recorded,
                    found: blob.len(),
                }));
                found.blob = Some(path);
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                missing.push(MissingPart::InputBlob {
                    position,
                    asset_id,
                    path,
                });
            }
            Err(error) => return Err(error).at("looking at", &path),
        }
        Ok(found)
    }
}

/// Reads assets of one project with their references.
async fn load(
    session: &mut Session,
    project: ProjectId,
    ids: &[Uuid],
) -> Result<HashMap<AssetId, Asset>> {
    let mut assets = asset::get_many(session, project, ids).await?;
    asset::join(session, project, &mut assets).await?;
    Ok(assets.into_iter().map(|asset| (asset.id, asset)).collect())
}

/// Returns who claims something about those of the assets that have no prompt.
async fn claimed(
    session: &mut Session,
    project: ProjectId,
    assets: &[Asset],
) -> Result<HashMap<AssetId, Vec<String>>> {
    let uploads = assets.iter();
    let uploads = uploads.filter(|asset| asset.generation_prompt.is_none());
    let ids: Vec<Uuid> = uploads.map(|asset| asset.id.0).collect();
    let mut tools: HashMap<AssetId, Vec<String>> = HashMap::new();
    for Claim { asset_id, tool, .. } in claim::of_assets(session, project, &ids).await? {
        let tools = tools.entry(asset_id).or_default();
        if !tools.contains(&tool) {
            tools.push(tool);
        }
    }
    Ok(tools)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_is_found_however_deep_and_whatever_it_is_called() {
        let has = |text: &str| has_seed(Json::parse(text).unwrap().as_value());
        assert!(has(r#"{"seed":0}"#) && has(r#"{"sampler":[{"noise_seed":"9"}]}"#));
        assert!(has(r#"{"randomSeed":7}"#) && has(r#"{"seeds":[1,2]}"#));
        assert!(!has(r#"{"seed":null}"#) && !has(r#"{"steps":20,"note":"seed"}"#));
        assert!(!has("{}") && !has("7"));
    }
}
