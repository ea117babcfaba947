//! The records of new assets, inputs before outputs.

use std::collections::HashMap;

use uuid::Uuid;

use super::{Asset, Origin, Reference};
use crate::asset;
use crate::db::Session;
use crate::error::{Error, Result};
use crate::hash::Sha256;
use crate::id::{AssetId, ProjectId};
use crate::record::{Canonical, Format, Record, RecordInput};
use crate::studio::Studio;
use crate::time::MillisSinceEpoch;

/// What an output's record says of an input.
#[derive(Clone, Copy)]
struct Sealed {
    sha256: Sha256,
    record_hash: Sha256,
    dropped_at: Option<MillisSinceEpoch>,
}

/// Fills in each new asset's references, record and hash. Whether the bytes of an input were
/// there is only asked of what is made here: elsewhere they may have been there longer.
pub(super) async fn seal(
    session: &mut Session,
    studio: &Studio,
    project: ProjectId,
    assets: &mut [Asset],
    origins: &[Origin],
    is_made_here: bool,
) -> Result<()> {
    let places: HashMap<AssetId, usize> = assets
        .iter()
        .enumerate()
        .map(|(place, row)| (row.id, place))
        .collect();
    if places.len() < assets.len() {
        return Err(Error::invalid(
            "id",
            "two of the new assets have the same id",
        ));
    }
    let mut sealed = inputs_from_elsewhere(session, studio, project, origins, &places).await?;
    for place in inputs_first(assets, origins, &places)? {
        let origin = &origins[place];
        let mut inputs = Vec::with_capacity(origin.references.len());
        let mut references = Vec::with_capacity(origin.references.len());
        for reference in &origin.references {
            // Inputs come first, and those from elsewhere were found.
            let input = sealed.get(&reference.asset_id).copied();
            let input = input.ok_or_else(|| missing(reference.asset_id))?;
            // What was made before, and is only written down now, may have had them.
            if let Some(at) = input
                .dropped_at
                .filter(|at| is_made_here && *at <= assets[place].created_at)
            {
                let reason = format!(
                    "the bytes of the asset {} were dropped at {at}: nothing was made from them \
                     after that",
                    reference.asset_id
                );
                return Err(Error::invalid("references", reason));
            }
            inputs.push(RecordInput {
                role: reference.role,
                sha256: input.sha256,
                record_hash: input.record_hash,
            });
            references.push(Reference {
                asset_id: reference.asset_id,
                role: reference.role,
                sha256: Some(input.sha256),
            });
        }
        let row = &mut assets[place];
        let dropped_at = row.bytes_dropped_at;
        let sha256 = row.sha256.ok_or_else(|| missing(row.id))?;
        let record = Record {
            format: Format,
            sha256,
            prompt: row.generation_prompt.as_deref(),
            system_prompt: row.generation_system_prompt.as_deref(),
            model: row.model.as_deref(),
            settings: row.generation_settings.as_ref().map(Canonical),
            time: row.created_at,
            inputs,
        };
        let (text, record_hash) = record.seal()?;
        row.record = Some(text);
        row.record_hash = Some(record_hash);
        row.references = references.into();
        sealed.insert(
            row.id,
            Sealed {
                sha256,
                record_hash,
                dropped_at,
            },
        );
    }
    Ok(())
}

fn missing(asset: AssetId) -> Error {
    Error::invalid("references", format!("the project has no asset {asset}"))
}

async fn inputs_from_elsewhere(
    session: &mut Session,
    studio: &Studio,
    project: ProjectId,
    origins: &[Origin],
    places: &HashMap<AssetId, usize>,
) -> Result<HashMap<AssetId, Sealed>> {
    let inputs = origins.iter().flat_map(|origin| &origin.references);
    let elsewhere = inputs.filter(|input| !places.contains_key(&input.asset_id));
    let mut ids: Vec<Uuid> = elsewhere.map(|input| input.asset_id.0).collect();
    ids.sort_unstable();
    ids.dedup();
    let mut sealed = HashMap::with_capacity(origins.len() + ids.len());
    if ids.is_empty() {
        return Ok(sealed);
    }
    for row in asset::get_many(session, project, &ids).await? {
        let (Some(sha256), Some(record_hash)) = (row.sha256, row.record_hash) else {
            let reason = format!(
                "the asset {} was written by another program and has no record yet",
                row.id
            );
            return Err(Error::invalid("references", reason));
        };
        let size = row.file_size.unwrap_or_default();
        if row.bytes_dropped_at.is_none() && !studio.blobs().holds(sha256, size) {
            return Err(Error::Damaged {
                place: studio.blobs().path(sha256).display().to_string(),
                reason: format!(
                    "the {size} bytes of the asset {} are not there: nothing can be made from them",
                    row.id
                ),
                source: None,
            });
        }
        sealed.insert(
            row.id,
            Sealed {
                sha256,
                record_hash,
                dropped_at: row.bytes_dropped_at,
            },
        );
    }
    match ids
        .into_iter()
        .map(AssetId)
        .find(|id| !sealed.contains_key(id))
    {
        Some(id) => Err(missing(id)),
        None => Ok(sealed),
    }
}

/// Returns the places of the new assets in an order in which every input precedes its outputs.
fn inputs_first(
    assets: &[Asset],
    origins: &[Origin],
    places: &HashMap<AssetId, usize>,
) -> Result<Vec<usize>> {
    #[derive(Clone, Copy, PartialEq)]
    enum Mark {
        New,
        Open,
        Done,
    }
    let mut marks = vec![Mark::New; assets.len()];
    let mut order = Vec::with_capacity(assets.len());
    // A stack of our own: a chain of frames may be longer than the thread's stack is deep.
    let mut stack = Vec::new();
    for start in 0..assets.len() {
        stack.push((start, 0));
        while let Some((place, next)) = stack.pop() {
            if marks[place] == Mark::Done {
                continue;
            }
            marks[place] = Mark::Open;
            let inputs = &origins[place].references;
            let Some(input) = inputs.get(next) else {
                marks[place] = Mark::Done;
                order.push(place);
                continue;
            };
            stack.push((place, next + 1));
            match places.get(&input.asset_id) {
                Some(&input) if marks[input] == Mark::Open => {
                    let id = assets[input].id;
                    let reason = format!("the asset {id} would be made from itself");
                    return Err(Error::invalid("references", reason));
                }
                Some(&input) if marks[input] == Mark::New => stack.push((input, 0)),
                _ => {}
            }
        }
    }
    Ok(order)
}
