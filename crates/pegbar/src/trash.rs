//! The trash: where rows go that are deleted, as JSON, with the names of their blobs.

mod entry;
mod owner;
mod purge;
mod restore;
mod sweep;
mod tombstone;
mod unnamed;

use uuid::Uuid;

use crate::asset::Asset;
use crate::character::Character;
use crate::db::Session;
use crate::db::entity::{Entity, Table};
use crate::db::sql::{self, Statement, statements};
use crate::db::value::Value;
use crate::error::{Error, Result};
use crate::id::{DeletionId, ProjectId};
use crate::json::Json;
use crate::time::MillisSinceEpoch;
use crate::{animation, annotation, claim, frame, generation, project, reference, rows, tag};

#[cfg(test)]
pub(crate) use entry::STATEMENTS as ENTRY_STATEMENTS;
pub use entry::{
    DeletionEffects, DeletionKind, KeptTake, PromotedVariation, TrashEntry, TrashFilter,
};
pub(crate) use entry::{FormerDeletion, kept};
#[cfg(test)]
pub(crate) use owner::every_check;
pub(crate) use owner::{lock_project_deletion, project_deletion};
pub use purge::{PurgeOptions, PurgeReport, PurgeScope};
#[cfg(test)]
pub(crate) use purge::{STATEMENTS as PURGE_STATEMENTS, bury};
pub(crate) use restore::bring_back;
pub use restore::{MissingBlob, RenamedSegment, RestoredDeletion};
#[cfg(test)]
pub(crate) use restore::{STATEMENTS as RESTORE_STATEMENTS, every_insert};
#[cfg(test)]
pub(crate) use sweep::STATEMENTS as SWEEP_STATEMENTS;
pub(crate) use sweep::ensure_named;
pub(crate) use sweep::named as named_blobs;
#[cfg(test)]
pub(crate) use tombstone::STATEMENTS as TOMBSTONE_STATEMENTS;
pub use tombstone::{Tombstone, TombstoneFilter};
#[cfg(test)]
pub(crate) use unnamed::STATEMENTS as UNNAMED_STATEMENTS;

statements! {
    NOTE = "INSERT INTO deletion (id, project_id, project, kind, name, characters, animations, \
            frames, assets, file_size, effects, deleted_at) \
            VALUES ($1, $2, (SELECT name FROM project WHERE id = $2), $3, $4, $5, $6, $7, $8, \
            (SELECT CAST(coalesce(sum(file_size), 0) AS {big}) FROM asset \
            WHERE project_id = $2 AND id {in $9} AND bytes_dropped_at IS NULL), $10, $11)";
    KEEP_BLOBS = "INSERT INTO trash_blob (deletion_id, sha256) \
                  SELECT DISTINCT CAST($1 AS {id}), sha256 FROM asset \
                  WHERE project_id = $2 AND id {in $3} AND sha256 IS NOT NULL";
}

/// The ids of the rows that go.
#[derive(Clone, Debug, Default)]
pub(crate) struct Doomed {
    pub(crate) project: Option<ProjectId>,
    pub(crate) characters: Vec<Uuid>,
    pub(crate) animations: Vec<Uuid>,
    pub(crate) assets: Vec<Uuid>,
    pub(crate) frames: Vec<Uuid>,
    /// Annotations that go without their assets.
    pub(crate) annotations: Vec<Uuid>,
    /// Assets whose bytes go without them.
    pub(crate) bytes: Vec<Uuid>,
}

/// A table whose rows the trash takes, found by one of its columns.
struct Discard {
    table: &'static Table,
    column: &'static str,
    ids: fn(&Doomed) -> &[Uuid],
}

impl Statement for Discard {
    fn text(&self, engine: sql::Engine) -> std::borrow::Cow<'_, str> {
        let Self { table, column, .. } = self;
        let name = table.name;
        let json = sql::row_as_json(table, "t", engine);
        let owner = rows::owner(table);
        let template = format!(
            "INSERT INTO trash (deletion_id, entity, position, project_id, content, deleted_at) \
             SELECT CAST($1 AS {{id}}), '{name}', row_number() OVER (ORDER BY t.{column}), \
             t.{owner}, {json}, CAST($3 AS {{time}}) \
             FROM {name} t WHERE t.{owner} = $2 AND t.{column} {{in $4}}"
        );
        sql::render(&template, engine).into()
    }
}

macro_rules! discards {
    ($($entity:ty, $column:literal, $ids:expr;)+) => {
        &[$(Discard { table: <$entity>::TABLE, column: $column, ids: $ids }),+]
    };
}

/// Every table below a project, and by which column its rows go.
static DISCARDS: &[Discard] = discards! {
    project::Project, "id", |doomed| doomed.project_ids();
    tag::ProjectTag, "project_id", |doomed| doomed.project_ids();
    generation::Generation, "project_id", |doomed| doomed.project_ids();
    Character, "id", |doomed| &doomed.characters;
    tag::CharacterTag, "character_id", |doomed| &doomed.characters;
    animation::Animation, "id", |doomed| &doomed.animations;
    Asset, "id", |doomed| &doomed.assets;
    tag::AssetTag, "asset_id", |doomed| &doomed.assets;
    reference::ReferenceRow, "asset_id", |doomed| &doomed.assets;
    claim::Claim, "asset_id", |doomed| &doomed.assets;
    annotation::Annotation, "asset_id", |doomed| &doomed.assets;
    annotation::Annotation, "id", |doomed| &doomed.annotations;
    frame::Frame, "id", |doomed| &doomed.frames;
};

/// The statements that fill the trash, for the test that prepares them.
#[cfg(test)]
pub(crate) fn every_discard() -> impl Iterator<Item = &'static (impl Statement + 'static)> {
    DISCARDS.iter()
}

impl Doomed {
    pub(crate) fn project_ids(&self) -> &[Uuid] {
        self.project
            .as_ref()
            .map_or(&[], |id| std::slice::from_ref(&id.0))
    }
}

/// What the trash says of a deletion as a whole.
pub(crate) struct Note {
    pub(crate) kind: DeletionKind,
    /// What people know by it what went.
    pub(crate) name: String,
    /// What it changed of what stays.
    pub(crate) effects: DeletionEffects,
}

impl Note {
    pub(crate) fn new(kind: DeletionKind, name: impl Into<String>) -> Self {
        Self {
            kind,
            name: name.into(),
            effects: DeletionEffects::default(),
        }
    }

    /// Writes it, before the rows go.
    pub(crate) async fn write(
        self,
        session: &mut Session,
        (project, deletion): (ProjectId, DeletionId),
        doomed: &Doomed,
        now: MillisSinceEpoch,
    ) -> Result<()> {
        let effects = Json::from_typed(&self.effects)
            .map_err(|error| Error::invalid("effects", error.to_string()))?;
        let count = |ids: &[Uuid]| Value::Int(i64::try_from(ids.len()).unwrap_or(i64::MAX));
        let sized = [&doomed.assets[..], &doomed.bytes].concat();
        let parameters = [
            Value::Id(deletion.0),
            Value::Id(project.0),
            self.kind.as_str().into(),
            Value::Text(self.name.into()),
            count(&doomed.characters),
            count(&doomed.animations),
            count(&doomed.frames),
            count(&doomed.assets),
            Value::Ids(&sized),
            Value::Json(&effects),
            Value::Time(now),
        ];
        session.execute(&NOTE, &parameters).await.map(drop)
    }
}

/// Copies rows into the trash, as JSON.
pub(crate) async fn discard(
    session: &mut Session,
    project: ProjectId,
    deletion: DeletionId,
    doomed: &Doomed,
    note: Note,
    now: MillisSinceEpoch,
) -> Result<()> {
    note.write(session, (project, deletion), doomed, now)
        .await?;
    let (deletion, project) = (Value::Id(deletion.0), Value::Id(project.0));
    for table in DISCARDS {
        let ids = (table.ids)(doomed);
        if !ids.is_empty() {
            let parameters = [
                deletion.clone(),
                project.clone(),
                Value::Time(now),
                Value::Ids(ids),
            ];
            session.execute(table, &parameters).await?;
        }
    }
    session
        .execute(
            &KEEP_BLOBS,
            &[deletion, project, Value::Ids(&doomed.assets)],
        )
        .await
        .map(drop)
}
