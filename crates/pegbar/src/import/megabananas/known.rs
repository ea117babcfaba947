//! What the studio has of the app already: found by the ids that rows have in the app.

use std::collections::{HashMap, HashSet};

use uuid::Uuid;

use crate::animation::Animation;
use crate::character::Character;
use crate::db::Session;
use crate::db::sql::{Sql, statements};
use crate::db::value::Value;
use crate::error::Result;
use crate::hash::Sha256;
use crate::id::{AssetId, ProjectId};
use crate::project::Project;

// Without an order: for one by id, SQLite would go through the whole project.
statements! {
    PROJECT = "SELECT {project} FROM project WHERE source_id = $1";
    // The one row that every import can lock before its project is there.
    LOCK_STORE = "SELECT id FROM store {for update}";
    CHARACTER = "SELECT {character} FROM character WHERE project_id = $1 AND source_id = $2";
    ANIMATION = "SELECT {animation} FROM animation WHERE project_id = $1 AND source_id = $2";
    ASSETS = "SELECT a.id, a.source_id, a.sha256, c.raw FROM asset a \
              LEFT JOIN asset_claim c ON c.project_id = a.project_id AND c.asset_id = a.id \
              AND c.tool = 'megabananas' \
              WHERE a.project_id = $1 AND a.source_id {in $2}";
    ANY_ASSET = "SELECT id FROM asset WHERE project_id = $1 AND source_id {in $2} LIMIT 1";
    FRAMES = "SELECT source_id FROM frame WHERE project_id = $1 AND source_id {in $2}";
    FILES = "SELECT path FROM view_file WHERE path {in $1}";
    TAKEN_PROJECTS = "SELECT id FROM project WHERE id {in $1}";
    TAKEN_CHARACTERS = "SELECT id FROM character WHERE id {in $1}";
    TAKEN_ANIMATIONS = "SELECT id FROM animation WHERE id {in $1}";
    TAKEN_ASSETS = "SELECT id FROM asset WHERE id {in $1}";
    TAKEN_FRAMES = "SELECT id FROM frame WHERE id {in $1}";
}

/// An asset that came from the app.
#[derive(Debug)]
pub(super) struct KnownAsset {
    pub(super) id: AssetId,
    /// `None` where another program wrote the row.
    pub(super) sha256: Option<Sha256>,
    /// The rows of the app that it was made of.
    pub(super) claim: Option<String>,
}

/// The entities whose ids an import may keep.
#[derive(Clone, Copy, Debug)]
pub(super) enum Table {
    Project,
    Character,
    Animation,
    Asset,
    Frame,
}

pub(super) async fn project(session: &mut Session, source_id: &str) -> Result<Option<Project>> {
    let found = session
        .list::<Project>(&PROJECT, &[source_id.into()])
        .await?;
    Ok(found.into_iter().min_by_key(|project| project.id))
}

/// Waits until no other import is about to create a project.
pub(super) async fn lock_store(session: &mut Session) -> Result<()> {
    let locked = session.query(&LOCK_STORE, &[], |row| row.at::<Uuid>(0, "store.id"));
    locked.await.map(drop)
}

pub(super) async fn character(
    session: &mut Session,
    project: ProjectId,
    source_id: &str,
) -> Result<Option<Character>> {
    let parameters = [Value::Id(project.0), source_id.into()];
    let found = session.list::<Character>(&CHARACTER, &parameters).await?;
    Ok(found.into_iter().min_by_key(|character| character.id))
}

pub(super) async fn animation(
    session: &mut Session,
    project: ProjectId,
    source_id: &str,
) -> Result<Option<Animation>> {
    let parameters = [Value::Id(project.0), source_id.into()];
    let found = session.list::<Animation>(&ANIMATION, &parameters).await?;
    Ok(found.into_iter().min_by_key(|animation| animation.id))
}

/// Returns those of the app's assets that a project has, by their ids in the app.
pub(super) async fn assets(
    session: &mut Session,
    project: ProjectId,
    source_ids: &[String],
) -> Result<HashMap<String, KnownAsset>> {
    let parameters = [Value::Id(project.0), Value::Texts(source_ids)];
    let mut found: Vec<(String, KnownAsset)> = session
        .query(&ASSETS, &parameters, |row| {
            let known = KnownAsset {
                id: row.at(0, "asset.id")?,
                sha256: row.at(2, "asset.sha256")?,
                claim: row.at(3, "asset_claim.raw")?,
            };
            Ok((row.at(1, "asset.source_id")?, known))
        })
        .await?;
    // The first of several is meant.
    found.sort_unstable_by_key(|(_, known)| std::cmp::Reverse(known.id));
    Ok(found.into_iter().collect())
}

pub(super) async fn has_any(
    session: &mut Session,
    project: ProjectId,
    source_ids: &[String],
) -> Result<bool> {
    let parameters = [Value::Id(project.0), Value::Texts(source_ids)];
    let found = session
        .optional(&ANY_ASSET, &parameters, |row| row.at::<Uuid>(0, "asset.id"))
        .await?;
    Ok(found.is_some())
}

/// Returns those of the app's frames that a project has.
pub(super) async fn frames(
    session: &mut Session,
    project: ProjectId,
    source_ids: &[String],
) -> Result<HashSet<String>> {
    let parameters = [Value::Id(project.0), Value::Texts(source_ids)];
    let found = session
        .query(&FRAMES, &parameters, |row| row.at(0, "frame.source_id"))
        .await?;
    Ok(found.into_iter().collect())
}

/// Returns those of the paths below `public/assets` that Pegbar wrote.
pub(super) async fn files(session: &mut Session, paths: &[String]) -> Result<HashSet<String>> {
    let found = session
        .query(&FILES, &[Value::Texts(paths)], |row| {
            row.at(0, "view_file.path")
        })
        .await?;
    Ok(found.into_iter().collect())
}

/// Returns the ids that rows of the app can keep: those that are UUIDs and not taken.
pub(super) async fn free_ids<'a>(
    session: &mut Session,
    table: Table,
    source_ids: impl Iterator<Item = &'a str>,
) -> Result<HashMap<String, Uuid>> {
    let mut ids: HashMap<String, Uuid> = HashMap::new();
    for source_id in source_ids {
        // Other spellings of a UUID would not be found by the id as the app writes it.
        let id = Uuid::parse_str(source_id).ok();
        let id = id.filter(|id| id.hyphenated().to_string() == source_id);
        ids.extend(id.map(|id| (source_id.to_owned(), id)));
    }
    if ids.is_empty() {
        return Ok(ids);
    }
    let sql: &Sql = match table {
        Table::Project => &TAKEN_PROJECTS,
        Table::Character => &TAKEN_CHARACTERS,
        Table::Animation => &TAKEN_ANIMATIONS,
        Table::Asset => &TAKEN_ASSETS,
        Table::Frame => &TAKEN_FRAMES,
    };
    let wanted: Vec<Uuid> = ids.values().copied().collect();
    let taken: Vec<Uuid> = session
        .query(sql, &[Value::Ids(&wanted)], |row| row.at(0, "id"))
        .await?;
    ids.retain(|_, id| !taken.contains(id));
    Ok(ids)
}
