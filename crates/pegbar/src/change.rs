//! Changes: what each committed change of a project did, in order, for those who follow it.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::db::Session;
use crate::db::sql::statements;
use crate::db::value::{Row, Value, word_enum};
use crate::error::{Error, Result};
use crate::id::ProjectId;
use crate::json::Json;
use crate::page::MAX_PAGE_SIZE;
use crate::studio::Studio;
use crate::time::MillisSinceEpoch;

/// How many of a project's changes are kept, at least.
const KEPT: u64 = 10_000;

/// How many changes pass from one removal of those that are too old to the next.
const PRUNED_AT: u64 = 500;

/// How many entities one change names.
pub const MAX_CHANGED_ENTITIES: usize = 100;

statements! {
    // Whoever changes a project holds its lock: two never take the same number.
    ADD = "INSERT INTO change (project_id, number, created_at, content) VALUES ($1, \
           (SELECT coalesce(max(number), 0) + 1 FROM change WHERE project_id = $1), $2, $3) \
           RETURNING number";
    PRUNE = "DELETE FROM change WHERE project_id = $1 AND number <= $2";
    LIST = "SELECT number, created_at, content FROM change \
            WHERE project_id = $1 AND number > $2 ORDER BY number LIMIT $3";
    // Each by itself: together, SQLite would read them all.
    BOUNDS = "SELECT (SELECT min(number) FROM change WHERE project_id = $1), \
              (SELECT max(number) FROM change WHERE project_id = $1)";
    THERE = "SELECT id FROM project WHERE id = $1";
    LAST = "SELECT number, created_at, content FROM change \
            WHERE project_id = $1 AND number <= $2 ORDER BY number DESC LIMIT 1";
    NEWEST = "SELECT c.project_id, c.created_at FROM (SELECT id FROM project \
              UNION SELECT project_id FROM deletion WHERE kind = 'project') p \
              JOIN change c ON c.project_id = p.id AND c.number = \
              (SELECT max(m.number) FROM change m WHERE m.project_id = p.id) \
              ORDER BY c.created_at DESC, c.project_id DESC";
}

word_enum! {
    /// The kinds of things whose changes are told.
    pub enum EntityKind in "text" {
        /// A project: its own fields.
        Project = "project",
        /// A character: its own fields, and which variation is primary.
        Character = "character",
        /// An animation: its own fields, and which frames stand where.
        Animation = "animation",
        /// A frame: what it shows. Where it stands is told by its animation.
        Frame = "frame",
        /// An asset: its own fields, and its claims. Where its file lies follows the names and
        /// places of what it belongs to, and is told by those.
        Asset = "asset",
        /// A generation.
        Generation = "generation",
        /// An annotation of an asset.
        Annotation = "annotation",
    }
}

word_enum! {
    /// What became of something.
    pub enum ChangeKind in "text" {
        /// It is new.
        Created = "created",
        /// It is there as before, and not the same.
        Updated = "updated",
        /// It is gone.
        Deleted = "deleted",
    }
}

/// Something that a change created, updated or deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct ChangedEntity {
    /// Its kind.
    pub entity: EntityKind,
    /// Its id.
    pub id: Uuid,
    /// What became of it.
    pub change: ChangeKind,
}

/// One committed change of a project.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct ProjectChange {
    /// Its number: 1 for the project's first, and one more for each that follows, without gaps.
    pub number: u64,
    /// When it was made.
    pub created_at: MillisSinceEpoch,
    /// What it created, updated or deleted: each thing once, at most 100.
    pub entities: Vec<ChangedEntity>,
    /// Whether it changed more than `entities` names, as imports do: then all of the project
    /// may be different.
    pub has_more: bool,
}

/// Changes of a project, in order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct ProjectChanges {
    /// The changes, the oldest first.
    pub changes: Vec<ProjectChange>,
    /// The number of the oldest change that is kept; one more than `last` where none is. Who
    /// asked for those after a number below `firstKept` − 1 has missed some for good, and reads
    /// the project anew.
    pub first_kept: u64,
    /// The number of the newest change; 0 where there was none yet.
    pub last: u64,
}

/// What one transaction does to the things of a project.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Content {
    pub(crate) entities: Vec<ChangedEntity>,
    pub(crate) has_more: bool,
    /// What was done, and what undoes it: an `Action` as text, since its values nest as deep
    /// as JSON may. `None` for what can't be undone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) did: Option<String>,
    /// The number of the change that this one undid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) undid: Option<u64>,
}

/// What those who follow a project are told of a change.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Told {
    entities: Vec<ChangedEntity>,
    has_more: bool,
}

/// A change as it was written.
#[derive(Clone)]
pub(crate) struct Written {
    pub(crate) number: u64,
    pub(crate) created_at: MillisSinceEpoch,
    pub(crate) content: Content,
}

impl Content {
    /// Adds something; what is created stays new whatever else becomes of it.
    pub(crate) fn add(&mut self, entity: EntityKind, change: ChangeKind, id: Uuid) {
        if self.has_more {
            return;
        }
        let is_full = self.entities.len() == MAX_CHANGED_ENTITIES;
        let mut known = self.entities.iter_mut();
        match known.find(|known| known.id == id && known.entity == entity) {
            Some(known) if change == ChangeKind::Deleted => known.change = change,
            Some(_) => {}
            None if is_full => self.has_more = true,
            None => self.entities.push(ChangedEntity { entity, id, change }),
        }
    }

    /// Writes it as the project's next change, within a transaction that has locked the
    /// project; what changes nothing is none.
    pub(crate) async fn write(
        &self,
        session: &mut Session,
        project: ProjectId,
        now: MillisSinceEpoch,
    ) -> Result<()> {
        if self.entities.is_empty() {
            return Ok(());
        }
        let content =
            Json::from_typed(self).map_err(|error| Error::invalid("change", error.to_string()))?;
        let project = Value::Id(project.0);
        let parameters = [project.clone(), Value::Time(now), Value::Json(&content)];
        let number = session
            .optional(&ADD, &parameters, |row| row.at::<u64>(0, "change.number"))
            .await?;
        let number = number.unwrap_or_default();
        if number > KEPT && number.is_multiple_of(PRUNED_AT) {
            let parameters = [project, big(number - KEPT)];
            session.execute(&PRUNE, &parameters).await?;
        }
        Ok(())
    }
}

/// A number as a parameter; those beyond what an engine can count are greater than all.
fn big(number: u64) -> Value<'static> {
    Value::Int(i64::try_from(number).unwrap_or(i64::MAX))
}

fn content_of<T: DeserializeOwned>(number: u64, row: &Row<'_>) -> Result<T> {
    let content: Json = row.at(2, "change.content")?;
    content.to_typed().map_err(|error| Error::Damaged {
        place: format!("change.content of the change {number}"),
        reason: error.to_string(),
        source: Some(Box::new(error)),
    })
}

fn read_written(row: &Row<'_>) -> Result<Written> {
    let number: u64 = row.at(0, "change.number")?;
    Ok(Written {
        number,
        created_at: row.at(1, "change.created_at")?,
        content: content_of(number, row)?,
    })
}

/// Returns a project's newest change that is neither undone nor the undoing of another; `None`
/// where none is kept.
pub(crate) async fn last_action(
    session: &mut Session,
    project: ProjectId,
) -> Result<Option<Written>> {
    let mut up_to = u64::MAX;
    loop {
        let parameters = [Value::Id(project.0), big(up_to)];
        let found = session.optional(&LAST, &parameters, read_written).await?;
        let Some(found) = found else {
            return Ok(None);
        };
        let Some(undid) = found.content.undid else {
            return Ok(Some(found));
        };
        // What was done between the two is undone, too, or it could not have been undone.
        up_to = undid.min(found.number).saturating_sub(1);
    }
}

/// Returns the projects that are there or in the trash, and when each last changed: the newest
/// change first.
pub(crate) async fn newest(session: &mut Session) -> Result<Vec<(ProjectId, MillisSinceEpoch)>> {
    let rows = session.query(&NEWEST, &[], |row| {
        let project: ProjectId = row.at(0, "change.project_id")?;
        Ok((project, row.at(1, "change.created_at")?))
    });
    rows.await
}

fn read(row: &Row<'_>) -> Result<ProjectChange> {
    let number: u64 = row.at(0, "change.number")?;
    let content: Told = content_of(number, row)?;
    Ok(ProjectChange {
        number,
        created_at: row.at(1, "change.created_at")?,
        entities: content.entities,
        has_more: content.has_more,
    })
}

/// Returns the numbers of a project's first and last change.
async fn bounds(session: &mut Session, project: ProjectId) -> Result<(u64, u64)> {
    let own = [Value::Id(project.0)];
    let found = session
        .optional(&BOUNDS, &own, |row| {
            let first: Option<u64> = row.at(0, "change.number")?;
            let last: Option<u64> = row.at(1, "change.number")?;
            Ok(first.zip(last))
        })
        .await?;
    if let Some(bounds) = found.flatten() {
        return Ok(bounds);
    }
    let there = session.optional(&THERE, &own, |_| Ok(())).await?;
    there.ok_or_else(|| Error::not_found("project", project))?;
    Ok((1, 0))
}

impl Studio {
    /// Lists the changes of a project after the one with a number, 0 for all that are kept: at
    /// most `limit`, from 1 to [`MAX_PAGE_SIZE`]. Each change by Pegbar is one, whichever
    /// process made it, from the moment when it is committed; what other programs write into
    /// the database is none.
    ///
    /// The newest 10,000 of each project are kept, also after it was deleted, which is its last.
    /// Asking where nothing is new is cheap: one look into an index.
    ///
    /// # Errors
    /// [`Error::NotFound`] where no such project was ever changed; [`Error::Invalid`] for a
    /// limit out of range.
    pub async fn list_changes(
        &self,
        project: ProjectId,
        after: u64,
        limit: u32,
    ) -> Result<ProjectChanges> {
        if !(1..=MAX_PAGE_SIZE).contains(&limit) {
            let reason = format!("expected 1 to {MAX_PAGE_SIZE}, got {limit}");
            return Err(Error::invalid("limit", reason));
        }
        let mut session = self.database().read().await?;
        let (mut first_kept, mut last) = bounds(&mut session, project).await?;
        let mut changes = Vec::new();
        if last > after {
            let parameters = [Value::Id(project.0), big(after), Value::Int(limit.into())];
            changes = session.query(&LIST, &parameters, read).await?;
        }
        // Between the two queries more may have come, and the oldest may have gone: there are
        // no other gaps.
        if let (Some(oldest), Some(newest)) = (changes.first(), changes.last()) {
            last = last.max(newest.number);
            if oldest.number > after.saturating_add(1) {
                first_kept = oldest.number;
            }
        }
        Ok(ProjectChanges {
            changes,
            first_kept,
            last,
        })
    }

    /// Returns the number of the newest change of a project; 0 where there was none yet.
    ///
    /// # Errors
    /// [`Error::NotFound`] where no such project was ever changed.
    pub async fn last_change(&self, project: ProjectId) -> Result<u64> {
        let mut session = self.database().read().await?;
        let (_, last) = bounds(&mut session, project).await?;
        Ok(last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_names_each_thing_once_and_no_more_than_a_hundred() {
        use ChangeKind::{Created, Deleted, Updated};
        let mut content = Content::default();
        let id = Uuid::from_u128;
        content.add(EntityKind::Asset, Created, id(1));
        content.add(EntityKind::Asset, Updated, id(1));
        content.add(EntityKind::Frame, Updated, id(1));
        content.add(EntityKind::Frame, Deleted, id(1));
        let changes: Vec<_> = content
            .entities
            .iter()
            .map(|it| (it.entity, it.change))
            .collect();
        assert_eq!(
            changes,
            [(EntityKind::Asset, Created), (EntityKind::Frame, Deleted)]
        );
        for n in 2..100 {
            content.add(EntityKind::Asset, Created, id(n));
        }
        content.add(EntityKind::Asset, Updated, id(99));
        assert_eq!((content.entities.len(), content.has_more), (100, false));
        content.add(EntityKind::Asset, Updated, id(100));
        assert_eq!((content.entities.len(), content.has_more), (100, true));
    }
}
