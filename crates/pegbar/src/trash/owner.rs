//! Whether rows can come back: whether their ids are free, and what they belong to is there.

use std::borrow::Cow;
use std::fmt::Display;

use uuid::Uuid;

use super::entry::{self, DeletionKind, TrashEntry};
use super::restore::stored;
use crate::db::Session;
use crate::db::sql::{self, Statement, statements};
use crate::db::value::{ColumnType, Value};
use crate::error::{Error, Result};
use crate::id::{DeletionId, ProjectId};
use crate::project;

statements! {
    IN_TRASH = "SELECT t.deletion_id FROM trash t WHERE t.project_id = $1 AND t.entity = $2 \
                AND t.content ->> 'id' = $3 ORDER BY t.deleted_at DESC LIMIT 1";
    PROJECT_DELETION = "SELECT id FROM deletion WHERE project_id = $1 AND kind = 'project'";
}

/// Rows of one table that point at rows of another, which may go without them.
struct Owner {
    entity: &'static str,
    column: &'static str,
    owned_by: &'static str,
}

static OWNERS: &[Owner] = &[
    owner("animation", "character_id", "character"),
    owner("asset", "character_id", "character"),
    owner("asset", "animation_id", "animation"),
    owner("asset", "generation_id", "generation"),
    owner("asset_reference", "referenced_asset_id", "asset"),
    owner("frame", "animation_id", "animation"),
    owner("frame", "asset_id", "asset"),
    owner("asset_annotation", "asset_id", "asset"),
    owner("asset_bytes", "asset_id", "asset"),
];

const fn owner(entity: &'static str, column: &'static str, owned_by: &'static str) -> Owner {
    Owner {
        entity,
        column,
        owned_by,
    }
}

impl Statement for Owner {
    /// The first owner that is neither there nor comes back with the rows.
    fn text(&self, engine: sql::Engine) -> Cow<'_, str> {
        let Self {
            entity,
            column,
            owned_by,
        } = self;
        let id = stored(column, ColumnType::Id, "t", engine);
        let template = format!(
            "SELECT t.content ->> '{column}' FROM trash t WHERE t.deletion_id = $1 \
             AND t.entity = '{entity}' AND nullif(t.content ->> '{column}', '') IS NOT NULL \
             AND NOT EXISTS (SELECT 1 FROM {owned_by} o WHERE o.project_id = $2 AND o.id = {id}) \
             AND t.content ->> '{column}' NOT IN (SELECT s.content ->> 'id' FROM trash s \
             WHERE s.deletion_id = $1 AND s.entity = '{owned_by}') LIMIT 1"
        );
        sql::render(&template, engine).into()
    }
}

/// Rows of one table whose ids may have been given to others.
struct Taken(&'static str);

static TAKEN: &[Taken] = &[
    Taken("project"),
    Taken("character"),
    Taken("animation"),
    Taken("generation"),
    Taken("asset"),
    Taken("frame"),
    Taken("asset_annotation"),
];

impl Statement for Taken {
    fn text(&self, engine: sql::Engine) -> Cow<'_, str> {
        let entity = self.0;
        let id = stored("id", ColumnType::Id, "t", engine);
        let template = format!(
            "SELECT t.content ->> 'id' FROM trash t WHERE t.deletion_id = $1 \
             AND t.entity = '{entity}' AND EXISTS (SELECT 1 FROM {entity} o WHERE o.id = {id}) \
             LIMIT 1"
        );
        sql::render(&template, engine).into()
    }
}

/// The statements that look for owners and ids, for the test that prepares them.
#[cfg(test)]
pub(crate) fn every_check(mut prepare: impl FnMut(&dyn Statement)) {
    for owner in OWNERS {
        prepare(owner);
    }
    for taken in TAKEN {
        prepare(taken);
    }
    for sql in STATEMENTS {
        prepare(*sql);
    }
}

/// Refuses to bring back what has no place any more.
pub(super) async fn check(
    session: &mut Session,
    project: ProjectId,
    deletion: DeletionId,
) -> Result<()> {
    let of_deletion = [Value::Id(deletion.0)];
    for taken in TAKEN {
        let found = session.optional(taken, &of_deletion, |row| {
            row.at::<String>(0, "trash.content")
        });
        if let Some(id) = found.await? {
            let entity = word(taken.0);
            return Err(Error::Conflict {
                message: format!(
                    "the {entity} {} can't come back: its id is taken by another",
                    hyphenated(&id)
                ),
                hint: format!("delete the other {entity} first; nothing was changed"),
            });
        }
    }
    let parameters = [Value::Id(deletion.0), Value::Id(project.0)];
    for owner in OWNERS {
        let found = session.optional(owner, &parameters, |row| {
            row.at::<String>(0, "trash.content")
        });
        if let Some(id) = found.await? {
            return Err(missing(session, project, owner.owned_by, &id).await?);
        }
    }
    Ok(())
}

/// Says what has to come back first.
pub(super) async fn missing(
    session: &mut Session,
    project: ProjectId,
    entity: &'static str,
    id: &str,
) -> Result<Error> {
    let parameters = [Value::Id(project.0), entity.into(), id.into()];
    let deletion = session
        .optional(&IN_TRASH, &parameters, |row| {
            row.at::<DeletionId>(0, "trash.deletion_id")
        })
        .await?;
    Ok(gone(entity, hyphenated(id), deletion))
}

/// Says how what a deletion needs comes back, if at all: `deletion` is the one that took it.
fn gone(entity: &str, id: impl Display, deletion: Option<DeletionId>) -> Error {
    match deletion {
        Some(deletion) => Error::Conflict {
            message: format!(
                "the {entity} {id} that it belongs to is in the trash itself, by the deletion \
                 {deletion}"
            ),
            hint: format!("restore that one first: `pegbar trash restore {deletion}`"),
        },
        None => Error::Conflict {
            message: format!("the {entity} {id} that it belongs to is gone for good"),
            hint: "nothing was changed; what is in the trash stays there".to_owned(),
        },
    }
}

/// Returns the deletion of a whole project, if the trash keeps it.
pub(crate) async fn project_deletion(
    session: &mut Session,
    project: ProjectId,
) -> Result<Option<TrashEntry>> {
    let of_project = [Value::Id(project.0)];
    let deletion = session.optional(&PROJECT_DELETION, &of_project, |row| {
        row.at::<DeletionId>(0, "deletion.id")
    });
    match deletion.await? {
        Some(deletion) => entry::kept(session, deletion).await,
        None => Ok(None),
    }
}

/// Locks the deletion of a whole project that the trash keeps.
pub(crate) async fn lock_project_deletion(session: &mut Session, project: ProjectId) -> Result<()> {
    let deletion = project_deletion(session, project).await?;
    let deletion = deletion.ok_or_else(|| Error::not_found("project", project))?;
    entry::lock(session, deletion.id).await.map(drop)
}

/// Reads a deletion and locks it, and the project that it is in before: whoever undoes has that
/// one locked already.
pub(super) async fn lock(session: &mut Session, id: DeletionId) -> Result<TrashEntry> {
    let seen = entry::kept(session, id).await?;
    let seen = seen.ok_or_else(|| Error::not_found("deletion", id))?;
    if seen.kind != DeletionKind::Project {
        let project = seen.project_id;
        match project::lock(session, project).await {
            Err(Error::NotFound { .. }) => return Err(project_gone(session, project).await?),
            locked => drop(locked?),
        }
    }
    entry::lock(session, id).await
}

/// Says how the project of a deletion comes back.
async fn project_gone(session: &mut Session, project: ProjectId) -> Result<Error> {
    let deletion = project_deletion(session, project).await?;
    Ok(gone("project", project, deletion.map(|it| it.id)))
}

/// Writes an id as it is written everywhere but in the trash.
fn hyphenated(id: &str) -> String {
    id.parse::<Uuid>()
        .map_or_else(|_| id.to_owned(), |id| id.to_string())
}

fn word(table: &str) -> &str {
    match table {
        "asset_annotation" => "annotation",
        table => table,
    }
}
