//! Tags of projects, characters and assets: short free words, in order.

mod change;

use std::collections::HashMap;

use uuid::Uuid;

use crate::db::Session;
use crate::db::entity::entity;
use crate::db::sql::{Sql, statements};
use crate::db::value::{Row, Value};
use crate::error::Result;
use crate::id::{AssetId, CharacterId, ProjectId};

#[cfg(test)]
pub(crate) use change::STATEMENTS as CHANGE_STATEMENTS;
pub use change::{TagCount, Tagged};

entity! {
    /// One tag of a project.
    pub(crate) struct ProjectTag in project_tag {
        pub(crate) project_id: ProjectId,
        pub(crate) tag: String,
        pub(crate) position: u32,
    }
}

entity! {
    /// One tag of a character.
    pub(crate) struct CharacterTag in character_tag {
        pub(crate) project_id: ProjectId,
        pub(crate) tag: String,
        pub(crate) character_id: CharacterId,
        pub(crate) position: u32,
    }
}

entity! {
    /// One tag of an asset.
    pub(crate) struct AssetTag in asset_tag {
        pub(crate) project_id: ProjectId,
        pub(crate) tag: String,
        pub(crate) asset_id: AssetId,
        pub(crate) position: u32,
    }
}

statements! {
    OF_PROJECTS = "SELECT project_id, tag FROM project_tag WHERE project_id {in $1} \
                   ORDER BY project_id, position";
    OF_CHARACTERS = "SELECT character_id, tag FROM character_tag \
                     WHERE project_id = $1 AND character_id {in $2} \
                     ORDER BY character_id, position";
    OF_ASSETS = "SELECT asset_id, tag FROM asset_tag \
                 WHERE project_id = $1 AND asset_id {in $2} ORDER BY asset_id, position";
    OF_ALL_CHARACTERS = "SELECT character_id, tag FROM character_tag WHERE project_id = $1 \
                         ORDER BY character_id, position";
    OF_ALL_ASSETS = "SELECT asset_id, tag FROM asset_tag WHERE project_id = $1 \
                     ORDER BY asset_id, position";
    CLEAR_PROJECT = "DELETE FROM project_tag WHERE project_id = $1";
    CLEAR_CHARACTER = "DELETE FROM character_tag WHERE project_id = $1 AND character_id = $2";
    CLEAR_ASSET = "DELETE FROM asset_tag WHERE project_id = $1 AND asset_id = $2";
}

/// Tags by the id of their owner, in order.
pub(crate) type Tags = HashMap<Uuid, Vec<String>>;

async fn load(session: &mut Session, sql: &Sql, parameters: &[Value<'_>]) -> Result<Tags> {
    let read = |row: &Row<'_>| Ok((row.at::<Uuid>(0, "tag owner")?, row.at(1, "tag")?));
    let mut tags = Tags::new();
    for (owner, tag) in session.query(sql, parameters, read).await? {
        tags.entry(owner).or_default().push(tag);
    }
    Ok(tags)
}

pub(crate) async fn of_projects(session: &mut Session, ids: &[Uuid]) -> Result<Tags> {
    load(session, &OF_PROJECTS, &[Value::Ids(ids)]).await
}

pub(crate) async fn of_characters(
    session: &mut Session,
    project: ProjectId,
    ids: &[Uuid],
) -> Result<Tags> {
    load(
        session,
        &OF_CHARACTERS,
        &[Value::Id(project.0), Value::Ids(ids)],
    )
    .await
}

pub(crate) async fn of_assets(
    session: &mut Session,
    project: ProjectId,
    ids: &[Uuid],
) -> Result<Tags> {
    load(
        session,
        &OF_ASSETS,
        &[Value::Id(project.0), Value::Ids(ids)],
    )
    .await
}

pub(crate) async fn of_all_characters(session: &mut Session, project: ProjectId) -> Result<Tags> {
    load(session, &OF_ALL_CHARACTERS, &[Value::Id(project.0)]).await
}

pub(crate) async fn of_all_assets(session: &mut Session, project: ProjectId) -> Result<Tags> {
    load(session, &OF_ALL_ASSETS, &[Value::Id(project.0)]).await
}

/// Numbers tags in their order.
pub(crate) fn numbered(tags: &[String]) -> impl Iterator<Item = (u32, String)> {
    (0..).zip(tags.iter().cloned())
}

pub(crate) async fn replace_of_project(
    session: &mut Session,
    project_id: ProjectId,
    tags: &[String],
) -> Result<()> {
    session
        .execute(&CLEAR_PROJECT, &[Value::Id(project_id.0)])
        .await?;
    let rows: Vec<_> = numbered(tags)
        .map(|(position, tag)| ProjectTag {
            project_id,
            tag,
            position,
        })
        .collect();
    session.insert(&rows).await
}

pub(crate) async fn replace_of_character(
    session: &mut Session,
    project_id: ProjectId,
    character_id: CharacterId,
    tags: &[String],
) -> Result<()> {
    let owner = [Value::Id(project_id.0), Value::Id(character_id.0)];
    session.execute(&CLEAR_CHARACTER, &owner).await?;
    let rows: Vec<_> = numbered(tags)
        .map(|(position, tag)| CharacterTag {
            project_id,
            tag,
            character_id,
            position,
        })
        .collect();
    session.insert(&rows).await
}

pub(crate) async fn replace_of_asset(
    session: &mut Session,
    project_id: ProjectId,
    asset_id: AssetId,
    tags: &[String],
) -> Result<()> {
    let owner = [Value::Id(project_id.0), Value::Id(asset_id.0)];
    session.execute(&CLEAR_ASSET, &owner).await?;
    let rows: Vec<_> = numbered(tags)
        .map(|(position, tag)| AssetTag {
            project_id,
            tag,
            asset_id,
            position,
        })
        .collect();
    session.insert(&rows).await
}
