//! What the studio has already of what is imported.

use std::collections::{HashMap, HashSet};

use uuid::Uuid;

use super::{Entry, Input};
use crate::db::Session;
use crate::db::sql::{Sql, statements};
use crate::db::value::Value;
use crate::error::{Error, Result};
use crate::generation::Generation;
use crate::hash::Sha256;
use crate::id::{AnimationId, AssetId, CharacterId, FrameId, ProjectId};
use crate::project::Project;

statements! {
    PROJECT_BY_SOURCE = "SELECT {project} FROM project WHERE source_id = $1";
    ASSETS_BY_ID = "SELECT id, project_id, record_hash FROM asset WHERE id {in $1}";
    ASSETS_BY_SOURCE = "SELECT id, source_id, record_hash FROM asset \
                        WHERE project_id = $1 AND source_id {in $2}";
    ASSETS_BY_BYTES = "SELECT id, record_hash FROM asset \
                       WHERE sha256 {in $2} AND project_id = $1";
    FRAMES_BY_ID = "SELECT id FROM frame WHERE id {in $1}";
    GENERATIONS_BY_ID = "SELECT {generation} FROM generation WHERE id {in $1}";
    GENERATIONS_OF = "SELECT DISTINCT generation_id FROM asset \
                      WHERE project_id = $1 AND id {in $2} AND generation_id IS NOT NULL";
    CHARACTER_BY_ID = "SELECT id, project_id FROM character WHERE id = $1";
    CHARACTER_BY_SOURCE = "SELECT id FROM character WHERE project_id = $1 AND source_id = $2";
    CHARACTER_BY_NAME = "SELECT id FROM character WHERE project_id = $1 AND name = $2";
    ANIMATION_BY_ID = "SELECT id, project_id FROM animation WHERE id = $1";
    ANIMATION_BY_SOURCE = "SELECT id FROM animation WHERE project_id = $1 AND source_id = $2";
    ANIMATION_BY_NAME = "SELECT id FROM animation WHERE project_id = $1 \
                         AND character_id = $2 AND name = $3";
}

/// How an owner is found that is there already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found<T> {
    /// It came from the same export: by its id, or with it as `source_id`.
    Same(T),
    /// It has the name.
    ByName(T),
    /// There is none; the id is free.
    None,
    /// There is none, and something else has the id.
    Taken,
}

/// Returns the project that has an id as its `source_id`.
pub(super) async fn project(session: &mut Session, source_id: &str) -> Result<Option<Project>> {
    let parameters = [source_id.into()];
    let found = session.list::<Project>(&PROJECT_BY_SOURCE, &parameters);
    Ok(found.await?.into_iter().min_by_key(|project| project.id))
}

/// Returns which of the entries a project has, with the same records, and as what.
pub(super) async fn assets<'e>(
    session: &mut Session,
    project: ProjectId,
    entries: impl Iterator<Item = &'e Entry>,
) -> Result<HashMap<AssetId, AssetId>> {
    let wanted = entries.map(|entry| (entry.id, entry.record_hash));
    by_ids(session, project, &wanted.collect::<Vec<_>>()).await
}

async fn by_ids(
    session: &mut Session,
    project: ProjectId,
    wanted: &[(AssetId, Sha256)],
) -> Result<HashMap<AssetId, AssetId>> {
    let hashes: HashMap<AssetId, Sha256> = wanted.iter().copied().collect();
    let ids: Vec<Uuid> = hashes.keys().map(|id| id.0).collect();
    let texts: Vec<String> = hashes.keys().map(ToString::to_string).collect();
    let mut found = HashMap::new();
    let parameters = [Value::Id(project.0), Value::Texts(&texts)];
    let rows = session.query(&ASSETS_BY_SOURCE, &parameters, |row| {
        let source: String = row.at(1, "asset.source_id")?;
        let hash: Option<Sha256> = row.at(2, "asset.record_hash")?;
        Ok((source, row.at::<AssetId>(0, "asset.id")?, hash))
    });
    for (source, id, hash) in rows.await? {
        let old = source.parse::<AssetId>().ok();
        if let Some(old) = old.filter(|old| hash.is_some() && hashes.get(old) == hash.as_ref()) {
            found.insert(old, id);
        }
    }
    // The id itself goes before a source id.
    let parameters = [Value::Ids(&ids)];
    let rows = session.query(&ASSETS_BY_ID, &parameters, |row| {
        let owner: ProjectId = row.at(1, "asset.project_id")?;
        let hash: Option<Sha256> = row.at(2, "asset.record_hash")?;
        Ok((row.at::<AssetId>(0, "asset.id")?, owner, hash))
    });
    for (id, owner, hash) in rows.await? {
        if owner == project && hash.is_some() && hashes.get(&id) == hash.as_ref() {
            found.insert(id, id);
        }
    }
    Ok(found)
}

/// Returns which inputs a project has, with the records that they had: by their ids, else any
/// asset with that record.
pub(super) async fn inputs(
    session: &mut Session,
    project: ProjectId,
    inputs: &[Input],
) -> Result<HashMap<AssetId, AssetId>> {
    if inputs.is_empty() {
        return Ok(HashMap::new());
    }
    let wanted: Vec<_> = inputs
        .iter()
        .map(|input| (input.id, input.record_hash))
        .collect();
    let mut found = by_ids(session, project, &wanted).await?;
    let missing = inputs.iter().filter(|input| !found.contains_key(&input.id));
    let bytes: Vec<String> = missing.map(|input| input.sha256.to_string()).collect();
    if bytes.is_empty() {
        return Ok(found);
    }
    let parameters = [Value::Id(project.0), Value::Texts(&bytes)];
    let rows = session.query(&ASSETS_BY_BYTES, &parameters, |row| {
        let hash: Option<Sha256> = row.at(1, "asset.record_hash")?;
        Ok((hash, row.at::<AssetId>(0, "asset.id")?))
    });
    let mut rows = rows.await?;
    // The first of several is meant.
    rows.sort_unstable_by_key(|(_, id)| std::cmp::Reverse(*id));
    let by_record: HashMap<Option<Sha256>, AssetId> = rows.into_iter().collect();
    for input in inputs {
        if let Some(id) = by_record.get(&Some(input.record_hash)) {
            found.entry(input.id).or_insert(*id);
        }
    }
    Ok(found)
}

/// Returns those of the ids that some asset has, in whichever project.
pub(super) async fn taken_assets(session: &mut Session, ids: &[Uuid]) -> Result<HashSet<AssetId>> {
    let parameters = [Value::Ids(ids)];
    let found = session.query(&ASSETS_BY_ID, &parameters, |row| row.at(0, "asset.id"));
    Ok(found.await?.into_iter().collect())
}

/// Returns those of the ids that some frame has.
pub(super) async fn taken_frames(session: &mut Session, ids: &[Uuid]) -> Result<HashSet<FrameId>> {
    let parameters = [Value::Ids(ids)];
    let found = session.query(&FRAMES_BY_ID, &parameters, |row| row.at(0, "frame.id"));
    Ok(found.await?.into_iter().collect())
}

/// Returns those of the generations that are there, in whichever project.
pub(super) async fn generations(session: &mut Session, ids: &[Uuid]) -> Result<Vec<Generation>> {
    let parameters = [Value::Ids(ids)];
    session.list(&GENERATIONS_BY_ID, &parameters).await
}

/// Returns what some assets of a project came from, in the order of recording.
pub(super) async fn generations_of(
    session: &mut Session,
    project: ProjectId,
    assets: &[Uuid],
) -> Result<Vec<Generation>> {
    let parameters = [Value::Id(project.0), Value::Ids(assets)];
    let ids = session.query(&GENERATIONS_OF, &parameters, |row| {
        row.at(0, "asset.generation_id")
    });
    let ids: Vec<Uuid> = ids.await?;
    let mut found = generations(session, &ids).await?;
    found.sort_unstable_by_key(|row| row.id);
    Ok(found)
}

/// Looks for a character of a project.
pub(super) async fn character(
    session: &mut Session,
    project: ProjectId,
    id: CharacterId,
    name: &str,
) -> Result<Found<CharacterId>> {
    let source = id.to_string();
    let within = Value::Id(project.0);
    let by_source = [within.clone(), source.as_str().into()];
    let by_name = [within, name.into()];
    let by_id = (&CHARACTER_BY_ID, &CHARACTER_BY_SOURCE, &CHARACTER_BY_NAME);
    let found = owner(session, project, id.0, by_id, &by_source, &by_name);
    let what = format!("the name {name:?} means more than one character");
    found_one(&found.await?, what, CharacterId)
}

/// Looks for an animation of a character.
pub(super) async fn animation(
    session: &mut Session,
    project: ProjectId,
    character: CharacterId,
    id: AnimationId,
    name: &str,
) -> Result<Found<AnimationId>> {
    let source = id.to_string();
    let within = Value::Id(project.0);
    let by_source = [within.clone(), source.as_str().into()];
    let by_name = [within, Value::Id(character.0), name.into()];
    let statements = (&ANIMATION_BY_ID, &ANIMATION_BY_SOURCE, &ANIMATION_BY_NAME);
    let found = owner(session, project, id.0, statements, &by_source, &by_name);
    let what = format!("the name {name:?} means more than one animation of the character");
    found_one(&found.await?, what, AnimationId)
}

/// What was found by id and by `source_id`, else what has the name.
struct Candidates {
    same: Option<Uuid>,
    by_name: Vec<Uuid>,
    is_taken: bool,
}

async fn owner(
    session: &mut Session,
    project: ProjectId,
    id: Uuid,
    (by_id, by_source, by_name): (&Sql, &Sql, &Sql),
    source: &[Value<'_>],
    name: &[Value<'_>],
) -> Result<Candidates> {
    let found = session
        .optional(by_id, &[Value::Id(id)], |row| {
            Ok((
                row.at::<Uuid>(0, "id")?,
                row.at::<ProjectId>(1, "project_id")?,
            ))
        })
        .await?;
    let mut candidates = Candidates {
        same: found
            .filter(|(_, owner)| *owner == project)
            .map(|(id, _)| id),
        by_name: Vec::new(),
        is_taken: found.is_some(),
    };
    if candidates.same.is_none() {
        let found = session.query(by_source, source, |row| row.at(0, "id"));
        candidates.same = found.await?.into_iter().min();
    }
    if candidates.same.is_none() {
        let found = session.query(by_name, name, |row| row.at(0, "id"));
        candidates.by_name = found.await?;
    }
    Ok(candidates)
}

fn found_one<T>(
    candidates: &Candidates,
    ambiguous: String,
    id: impl Fn(Uuid) -> T,
) -> Result<Found<T>> {
    match (candidates.same, candidates.by_name.as_slice()) {
        (Some(same), _) => Ok(Found::Same(id(same))),
        (None, []) if candidates.is_taken => Ok(Found::Taken),
        (None, []) => Ok(Found::None),
        (None, [one]) => Ok(Found::ByName(id(*one))),
        (None, _) => Err(Error::Conflict {
            message: ambiguous,
            hint: "rename all but one, or import into another project".to_owned(),
        }),
    }
}
