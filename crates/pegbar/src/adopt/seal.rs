//! Completing rows: facts, records and paths, inputs first, some hundred in a transaction.

use std::collections::{HashMap, HashSet};

use uuid::Uuid;

use super::order::inputs_first;
use super::report::Disagreement;
use super::row::{self, Edge, Making, Sealed, Settings};
use super::{Run, Work};
use crate::blob::StoredImage;
use crate::change::{ChangeKind, EntityKind};
use crate::claim::{self, NewClaim};
use crate::db::Session;
use crate::db::sql::statements;
use crate::db::value::Value;
use crate::error::Result;
use crate::hash::Sha256;
use crate::id::{AnimationId, AssetId};
use crate::integrity;
use crate::json::Json;
use crate::record::{Canonical, Format, Record, RecordInput};
use crate::trash;
use crate::view::{self, Scope, Stale};

statements! {
    FILL = "UPDATE asset SET mime_type = $3, file_size = $4, width = $5, height = $6, \
            image_count = $7, sha256 = $8 WHERE project_id = $1 AND id = $2";
    SEAL = "UPDATE asset SET record = $3, record_hash = $4 WHERE project_id = $1 AND id = $2";
    SET_SETTINGS = "UPDATE asset SET generation_settings = $3 \
                    WHERE project_id = $1 AND id = $2";
    SET_NAME = "UPDATE asset SET original_name = $3 \
                WHERE project_id = $1 AND id = $2 AND original_name IS NULL";
    FILL_REFERENCE = "UPDATE asset_reference SET sha256 = $4 \
                      WHERE project_id = $1 AND asset_id = $2 AND position = $3";
    SHOWN_BY = "SELECT DISTINCT animation_id FROM frame WHERE project_id = $1 \
                AND asset_id {in $2}";
}

/// How many rows one transaction completes.
const BATCH: usize = 500;

/// What is written into a row.
struct Completed {
    id: AssetId,
    /// What its bytes say, where the row does not say so yet.
    image: Option<StoredImage>,
    /// No Pegbar has known it before.
    is_new: bool,
    seal: Option<(String, Sha256)>,
    settings: Option<Json>,
    /// References whose hash is filled in, by their positions.
    references: Vec<(u32, Sha256)>,
    /// What its file says of itself.
    claims: Vec<NewClaim>,
}

/// What one batch knows of its rows.
struct Batch {
    makings: HashMap<AssetId, Making>,
    edges: HashMap<AssetId, Vec<Edge>>,
    /// Inputs that were complete before.
    inputs: HashMap<AssetId, Sealed>,
}

impl Run<'_> {
    /// Completes the rows of a project whose bytes are there, inputs first.
    pub(super) async fn complete(&mut self, work: &mut Work) -> Result<()> {
        let mut ids: Vec<AssetId> = work.pending.keys().copied().collect();
        ids.sort_unstable();
        let mut session = self.studio.database().snapshot().await?;
        let is_pending = |id| work.pending.contains_key(&id);
        let edges = row::graph(&mut session, work.project, is_pending).await?;
        session.end().await?;
        let found = inputs_first(&ids, &edges);
        drop((ids, edges));
        let cycles: HashMap<AssetId, Vec<AssetId>> = found
            .cycles
            .into_iter()
            .flat_map(|cycle| {
                let through: Vec<AssetId> = cycle.iter().take(10).copied().collect();
                cycle.into_iter().map(move |id| (id, through.clone()))
            })
            .collect();
        let mut order = found.order;
        // Their bytes are known all the same.
        order.extend(cycles.keys());
        self.expect(order.len() as u64);
        for ids in order.chunks(BATCH) {
            self.complete_batch(work, ids, &cycles).await?;
            self.advance(ids.len() as u64);
        }
        Ok(())
    }

    async fn complete_batch(
        &mut self,
        work: &mut Work,
        ids: &[AssetId],
        cycles: &HashMap<AssetId, Vec<AssetId>>,
    ) -> Result<()> {
        let is_dry = self.options.dry_run;
        let mut session = if is_dry {
            self.studio.database().snapshot().await?
        } else {
            self.studio.database().write().await?
        };
        if !is_dry && !integrity::lock_project(&mut session, work.project).await? {
            return Ok(());
        }
        let batch = self.load(&mut session, work, ids).await?;
        let mut completed = Vec::with_capacity(ids.len());
        let mut named = Vec::new();
        for id in ids {
            let (Some(making), Some(pending)) = (batch.makings.get(id), work.pending.remove(id))
            else {
                // Deleted meanwhile.
                continue;
            };
            if making.file_path != pending.named || making.sha256 != pending.sha256 {
                self.leave(work, *id, Disagreement::ChangedMeanwhile);
                continue;
            }
            named.extend(pending.image.as_ref().map(StoredImage::sha256));
            let mut row = Completed {
                id: *id,
                image: pending.image.filter(|_| pending.needs_facts),
                is_new: pending.needs_record,
                seal: None,
                settings: None,
                references: Vec::new(),
                claims: Vec::new(),
            };
            if let (true, false, Some(image)) = (pending.needs_record, is_dry, &pending.image) {
                row.claims = self.studio.blobs().claims(image)?;
            }
            if let (true, Some(image)) = (pending.needs_record, pending.image) {
                let through = cycles.get(id).cloned();
                let sealed = match through {
                    Some(through) => Err(Disagreement::Cycle { through }),
                    None => self.seal(work, &batch, making, image.sha256(), &mut row),
                };
                if let Err(disagreement) = sealed {
                    // What its bytes say is kept: another asset may get the file's place.
                    self.leave(work, *id, disagreement);
                } else {
                    self.report.adopted += 1;
                }
            } else {
                self.report.adopted += 1;
            }
            completed.push(row);
        }
        if is_dry {
            return session.end().await;
        }
        // A purge that came in between is said, and adopting again finds the files where they are.
        trash::ensure_named(&mut session, self.studio, named, &HashMap::new()).await?;
        let stale = write(&mut session, work, &completed).await?;
        let found = completed.into_iter().map(|row| (row.id, row.claims));
        let found = found.filter(|(_, claims)| !claims.is_empty()).collect();
        claim::add_found(&mut session, work.project, found).await?;
        self.commit(session, stale).await
    }

    async fn load(&self, session: &mut Session, work: &Work, ids: &[AssetId]) -> Result<Batch> {
        let project = work.project;
        let ids: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
        let locks = !self.options.dry_run;
        let makings = row::makings(session, project, &ids, locks).await?;
        let edges = row::edges(session, project, &ids).await?;
        let inputs = edges.values().flatten().map(|edge| edge.input);
        let unknown: HashSet<Uuid> = inputs
            .filter(|id| !work.sealed.contains_key(id) && !work.pending.contains_key(id))
            .map(|id| id.0)
            .collect();
        let unknown: Vec<Uuid> = unknown.into_iter().collect();
        Ok(Batch {
            makings,
            edges,
            inputs: row::sealed(session, project, &unknown).await?,
        })
    }

    /// Makes the record of a row whose inputs have theirs.
    fn seal(
        &mut self,
        work: &mut Work,
        batch: &Batch,
        making: &Making,
        sha256: Sha256,
        row: &mut Completed,
    ) -> Result<(), Disagreement> {
        let unacceptable = |(field, reason)| Disagreement::Unacceptable { field, reason };
        let settings = making.check().map_err(unacceptable)?;
        let edges = batch.edges.get(&row.id).map_or(&[][..], Vec::as_slice);
        let mut inputs = Vec::with_capacity(edges.len());
        let mut references = Vec::new();
        for edge in edges {
            let input = work.sealed.get(&edge.input);
            let input = input.or_else(|| batch.inputs.get(&edge.input));
            let input = *input.ok_or(Disagreement::InputNotAdopted { input: edge.input })?;
            check_edge(edge, input.sha256)?;
            if edge.sha256.is_none() {
                references.push((edge.position, input.sha256));
            }
            inputs.push(RecordInput {
                role: edge.role,
                sha256: input.sha256,
                record_hash: input.record_hash,
            });
        }
        let (text, record_hash) = seal(making, &settings, sha256, inputs)?;
        check_seal(making, &text, record_hash)?;
        if settings.has_changed {
            let field = "generationSettings";
            self.note(work, row.id, Disagreement::NumbersAsText { field });
            row.settings = settings.value;
        }
        let sealed = Sealed {
            sha256,
            record_hash,
        };
        work.sealed.insert(row.id, sealed);
        row.references = references;
        row.seal = Some((text, record_hash));
        Ok(())
    }
}

/// Refuses a reference that says that other bytes were sent than its input has.
fn check_edge(edge: &Edge, found: Sha256) -> Result<(), Disagreement> {
    match &edge.sha256 {
        Some(recorded) if recorded.parse() != Ok(found) => Err(Disagreement::ReferenceDiffers {
            input: edge.input,
            recorded: recorded.clone(),
            found,
        }),
        _ => Ok(()),
    }
}

fn seal(
    making: &Making,
    settings: &Settings,
    sha256: Sha256,
    inputs: Vec<RecordInput>,
) -> Result<(String, Sha256), Disagreement> {
    let record = Record {
        format: Format,
        inputs,
        model: making.model.as_deref(),
        prompt: making.prompt.as_deref(),
        settings: settings.value.as_ref().map(Canonical),
        sha256,
        system_prompt: making.system_prompt.as_deref(),
        time: making.created_at,
    };
    record.seal().map_err(|error| Disagreement::Unacceptable {
        field: "generationSettings",
        reason: error.to_string(),
    })
}

/// Refuses to complete a record that says something else: nobody knows which one is right.
fn check_seal(making: &Making, text: &str, record_hash: Sha256) -> Result<(), Disagreement> {
    let is_other_text = making
        .record
        .as_deref()
        .is_some_and(|record| record != text);
    let is_other_hash = making
        .record_hash
        .as_deref()
        .is_some_and(|hash| hash.parse() != Ok(record_hash));
    if !is_other_text && !is_other_hash {
        return Ok(());
    }
    let what = if is_other_text {
        "the record"
    } else {
        "the hash of the record"
    };
    let reason = format!("{what} says something else than the row");
    Err(Disagreement::RecordDamaged { reason })
}

/// Writes what completes the rows, and says which parts of the view that makes stale.
async fn write(session: &mut Session, work: &Work, rows: &[Completed]) -> Result<Stale> {
    let project = Value::Id(work.project.0);
    let mut stale = Stale::new(work.project);
    let (mut facts, mut seals, mut settings, mut references) = (vec![], vec![], vec![], vec![]);
    for row in rows {
        let key = || vec![project.clone(), Value::Id(row.id.0)];
        if let Some(image) = &row.image {
            let mut set = key();
            set.extend([
                Value::from(image.format().mime_type()),
                Value::Int(i64::try_from(image.file_size()).unwrap_or(i64::MAX)),
                Value::Int(image.width().into()),
                Value::Int(image.height().into()),
                Value::Int(image.image_count().into()),
                Value::Text(image.sha256().to_string().into()),
            ]);
            facts.push(set);
        }
        if let Some((text, hash)) = &row.seal {
            let mut set = key();
            set.extend([
                Value::from(text.as_str()),
                Value::Text(hash.to_string().into()),
            ]);
            seals.push(set);
        }
        if let Some(json) = &row.settings {
            let mut set = key();
            set.push(Value::Json(json));
            settings.push(set);
        }
        for (position, sha256) in &row.references {
            let mut set = key();
            set.extend([
                Value::Int((*position).into()),
                Value::Text(sha256.to_string().into()),
            ]);
            references.push(set);
        }
    }
    session.execute_many(&FILL, &facts).await?;
    session.execute_many(&SET_SETTINGS, &settings).await?;
    session.execute_many(&FILL_REFERENCE, &references).await?;
    // The last: what a record says does not change once it is there.
    session.execute_many(&SEAL, &seals).await?;
    let ids: Vec<Uuid> = rows.iter().map(|row| row.id.0).collect();
    let mut names = Vec::new();
    let mut moved = HashSet::new();
    for home in view::homes(session, work.project, &ids).await? {
        if home.named.as_ref() == Some(&home.path) {
            continue;
        }
        moved.insert(home.asset_id);
        // The name goes with the path: it is kept.
        if let Some(name) = home.named.as_deref().and_then(name_of) {
            let asset = Value::Id(home.asset_id.0);
            names.push((
                home.asset_id,
                vec![project.clone(), asset, Value::Text(name.into())],
            ));
        }
    }
    let new: HashSet<AssetId> = rows
        .iter()
        .filter(|row| row.is_new)
        .map(|row| row.id)
        .collect();
    names.retain(|(id, _)| new.contains(id));
    let names: Vec<_> = names.into_iter().map(|(_, set)| set).collect();
    session.execute_many(&SET_NAME, &names).await?;
    view::rehome(session, work.project, &ids).await?;
    stale.tell(EntityKind::Asset, ChangeKind::Updated, ids);
    let is_stale = |row: &&Completed| row.image.is_some() || moved.contains(&row.id);
    let ids: Vec<Uuid> = rows.iter().filter(is_stale).map(|row| row.id.0).collect();
    let shown_by = session
        .query(&SHOWN_BY, &[project, Value::Ids(&ids)], |row| {
            row.at::<AnimationId>(0, "frame.animation_id")
        })
        .await?;
    stale.add_all(shown_by.into_iter().map(Scope::Animation));
    stale.add_all(ids.into_iter().map(|id| Scope::Home(AssetId(id))));
    Ok(stale)
}

/// Returns the name of a file that an app gave it.
fn name_of(path: &str) -> Option<String> {
    let name = path.rsplit('/').next()?;
    (!name.is_empty() && !name.contains('\0')).then(|| name.to_owned())
}
