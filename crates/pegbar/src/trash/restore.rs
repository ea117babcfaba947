//! Restoring: all that a deletion took comes back, in one transaction.

mod made;
mod place;

use std::borrow::Cow;
use std::fmt::Write as _;

use serde::Serialize;
use uuid::Uuid;

use super::entry::{self, DeletionKind, FormerDeletion, TrashEntry};
use super::{DISCARDS, owner};
use crate::change::{ChangeKind, EntityKind};
use crate::db::Session;
use crate::db::entity::Table;
use crate::db::sql::{self, Engine, Statement, statements};
use crate::db::value::{ColumnType, Value};
use crate::error::{Error, Result};
use crate::hash::Sha256;
use crate::id::{AnimationId, AssetId, DeletionId, ProjectId};
use crate::json::Json;
use crate::studio::Studio;
use crate::undo::Action;
use crate::view::{self, Scope, Stale};
use crate::{frame, variation};
use made::Back;

/// How many missing blobs are listed.
const MAX_LISTED_MISSING: usize = 100;

/// How many rows of the trash are read at once.
const PAGE: usize = 1000;

statements! {
    FIRST_ROW = "SELECT content FROM trash WHERE deletion_id = $1 AND entity = $2 \
                 ORDER BY position LIMIT 1";
    IDS = "SELECT t.content ->> 'id' FROM trash t WHERE t.deletion_id = $1 AND t.entity = $2 \
           ORDER BY t.position";
    ROWS = "SELECT position, content FROM trash WHERE deletion_id = $1 AND entity = $2 \
            AND position > $3 ORDER BY position LIMIT $4";
    BLOBS = "SELECT id, sha256, file_size FROM asset WHERE project_id = $1 AND id {in $2} \
             AND sha256 IS NOT NULL AND bytes_dropped_at IS NULL ORDER BY id";
    SET_THUMBNAIL = "UPDATE project SET thumbnail_id = $2, updated_at = $3 \
                     WHERE id = $1 AND thumbnail_id IS NULL";
    // Only where nobody has chosen another meanwhile.
    PRIMARY = "SELECT primary_asset_id FROM character WHERE project_id = $1 AND id = $2";
    GIVE_BACK = "UPDATE asset SET animation_id = $3 \
                 WHERE project_id = $1 AND id = $2 AND animation_id = $4";
    BYTES_BACK = "UPDATE asset SET bytes_dropped_at = NULL WHERE project_id = $1 AND id = $2";
}

/// What came back from the trash.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct RestoredDeletion {
    /// What was deleted, as the trash had it.
    pub deletion: TrashEntry,
    /// Names that were taken meanwhile: these have another ending as part of paths now.
    pub renamed: Vec<RenamedSegment>,
    /// What was changed of what stayed, and was not put back, since it was changed again.
    pub left: Vec<String>,
    /// Images whose bytes the store does not have, or not all of: the first 100.
    pub missing: Vec<MissingBlob>,
    /// How many more there are.
    pub more_missing: u64,
}

/// Something whose name as part of paths was taken meanwhile.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct RenamedSegment {
    /// The name, which it keeps.
    pub name: String,
    /// The name as part of paths, before.
    pub from: String,
    /// The name as part of paths, now.
    pub to: String,
}

/// An image that came back, and whose bytes did not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct MissingBlob {
    /// The asset.
    pub asset_id: AssetId,
    /// The SHA-256 of its bytes.
    pub sha256: Sha256,
}

/// The expression that reads a column back from a row that is kept as JSON; the other way round
/// it is [`sql::row_as_json`].
pub(super) fn stored(column: &str, kind: ColumnType, alias: &str, engine: Engine) -> String {
    let text = format!("({alias}.content ->> '{column}')");
    match (kind, engine) {
        // Before V7, SQLite kept no id as the empty text.
        (ColumnType::Id, Engine::Sqlite) => format!("unhex(nullif({text}, ''))"),
        (ColumnType::Json, Engine::Sqlite) => {
            format!("CASE WHEN {text} IS NULL THEN NULL ELSE {alias}.content -> '{column}' END")
        }
        (_, Engine::Sqlite) | (ColumnType::Text, Engine::Postgres) => text,
        (ColumnType::Id, Engine::Postgres) => format!("{text}::uuid"),
        (ColumnType::Int, Engine::Postgres) => format!("{text}::integer"),
        (ColumnType::Big, Engine::Postgres) => format!("{text}::bigint"),
        (ColumnType::Time, Engine::Postgres) => {
            format!("to_timestamp({text}::bigint / 1000.0)")
        }
        (ColumnType::Json, Engine::Postgres) => {
            format!("NULLIF({alias}.content -> '{column}', 'null'::jsonb)")
        }
        (ColumnType::Enum(name), Engine::Postgres) => format!("{text}::{name}"),
    }
}

/// Inserts the rows of one table that a deletion took. Columns that the rows do not have, since
/// they are older than those, get what the table says for them.
struct Insert {
    table: &'static Table,
    columns: Vec<(&'static str, ColumnType)>,
}

impl Insert {
    fn new(table: &'static Table, has: impl Fn(&str) -> bool) -> Self {
        let columns = table.columns.iter().copied();
        Self {
            table,
            columns: columns.filter(|(column, _)| has(column)).collect(),
        }
    }
}

impl Statement for Insert {
    fn text(&self, engine: Engine) -> Cow<'_, str> {
        let (mut columns, mut values) = (String::new(), String::new());
        for (index, (column, kind)) in self.columns.iter().enumerate() {
            let separator = if index > 0 { ", " } else { "" };
            // Writing to a String cannot fail.
            let _ = write!(columns, "{separator}{column}");
            let _ = write!(values, "{separator}{}", stored(column, *kind, "t", engine));
        }
        let name = self.table.name;
        let template = format!(
            "INSERT INTO {name} ({columns}) SELECT {values} FROM trash t \
             WHERE t.deletion_id = $1 AND t.entity = '{name}' ORDER BY t.position"
        );
        sql::render(&template, engine).into()
    }
}

/// The statements that bring rows back, for the test that prepares them.
#[cfg(test)]
pub(crate) fn every_insert(mut prepare: impl FnMut(&dyn Statement)) {
    for discard in DISCARDS {
        prepare(&Insert::new(discard.table, |_| true));
    }
    for sql in place::STATEMENTS {
        prepare(*sql);
    }
}

/// One restoration, while it is carried out.
struct Restore<'a> {
    studio: &'a Studio,
    session: Session,
    entry: TrashEntry,
    project: ProjectId,
    stale: Stale,
    renamed: Vec<RenamedSegment>,
    left: Vec<String>,
}

impl Restore<'_> {
    fn project_value(&self) -> Value<'static> {
        Value::Id(self.project.0)
    }

    /// Returns the ids of the rows that come back to a table.
    async fn ids(&mut self, entity: &str) -> Result<Vec<Uuid>> {
        let parameters = [Value::Id(self.entry.id.0), entity.into()];
        let ids = self.session.query(&IDS, &parameters, |row| {
            let text: String = row.at(0, "trash.content")?;
            text.parse::<Uuid>().map_err(|source| Error::Damaged {
                place: "trash.content".to_owned(),
                reason: source.to_string(),
                source: Some(Box::new(source)),
            })
        });
        ids.await
    }

    /// Reads rows of the trash one after another, a page at a time.
    async fn rows(&mut self, entity: &str, mut each: impl FnMut(Json) + Send) -> Result<()> {
        let mut after = 0_i64;
        loop {
            let parameters = [
                Value::Id(self.entry.id.0),
                entity.into(),
                Value::Int(after),
                Value::Int(i64::try_from(PAGE).unwrap_or(i64::MAX)),
            ];
            let rows = self.session.query(&ROWS, &parameters, |row| {
                Ok((
                    row.at::<i64>(0, "trash.position")?,
                    row.at(1, "trash.content")?,
                ))
            });
            let rows: Vec<(i64, Json)> = rows.await?;
            let is_last = rows.len() < PAGE;
            for (position, content) in rows {
                after = position;
                each(content);
            }
            if is_last {
                return Ok(());
            }
        }
    }

    /// Inserts the rows of one table; those of `without` are left for later.
    async fn insert(&mut self, table: &'static Table, without: &[&str]) -> Result<()> {
        let deletion = Value::Id(self.entry.id.0);
        let parameters = [deletion.clone(), table.name.into()];
        let first = self.session.optional(&FIRST_ROW, &parameters, |row| {
            row.at::<Json>(0, "trash.content")
        });
        let Some(first) = first.await? else {
            return Ok(());
        };
        let insert = Insert::new(table, |column| {
            first.get(column).is_some() && !without.contains(&column)
        });
        self.session.execute(&insert, &[deletion]).await.map(drop)
    }

    /// Inserts all rows, those that others belong to first.
    async fn insert_all(&mut self) -> Result<()> {
        let is_whole = self.entry.kind == DeletionKind::Project;
        let mut done: Vec<&str> = Vec::new();
        for discard in DISCARDS {
            let table = discard.table;
            let is_listed = table.name == "frame" && self.entry.kind == DeletionKind::Frames;
            if done.contains(&table.name) || is_listed {
                continue;
            }
            done.push(table.name);
            match table.name {
                // With a whole project nothing is there that could have taken their names.
                "character" | "animation" if !is_whole => {
                    self.insert(table, &["segment", "segment_key"]).await?;
                    self.name_again(table.name).await?;
                }
                _ => self.insert(table, &[]).await?,
            }
        }
        Ok(())
    }

    /// Undoes what the deletion changed of what stayed, where nobody has changed it since.
    /// Returns the takes that went back to their animations.
    async fn undo_effects(&mut self) -> Result<Vec<Uuid>> {
        let effects = self.entry.effects()?;
        let (project, now) = (self.project, self.studio.now());
        if let Some(thumbnail) = effects.cleared_thumbnail {
            let parameters = [
                self.project_value(),
                Value::Id(thumbnail.0),
                Value::Time(now),
            ];
            if self.session.execute(&SET_THUMBNAIL, &parameters).await? > 0 {
                let (entity, change) = (EntityKind::Project, ChangeKind::Updated);
                self.stale.tell(entity, change, [project]);
            } else {
                let left = "the project has another thumbnail by now, and keeps it";
                self.left.push(left.to_owned());
            }
        }
        if let Some(promoted) = effects.promoted {
            let parameters = [self.project_value(), Value::Id(promoted.character_id.0)];
            let primary = self.session.optional(&PRIMARY, &parameters, |row| {
                row.at::<Option<AssetId>>(0, "character.primary_asset_id")
            });
            if primary.await? == Some(promoted.to) {
                let id = promoted.character_id;
                variation::set_primary(&mut self.session, id, Some(promoted.from), now).await?;
                let (entity, change) = (EntityKind::Character, ChangeKind::Updated);
                self.stale.tell(entity, change, [id]);
            } else {
                let left = "the character has another primary variation by now, and keeps it";
                self.left.push(left.to_owned());
            }
        }
        let mut given_back = Vec::new();
        for take in effects.kept_takes {
            let parameters = [
                self.project_value(),
                Value::Id(take.asset_id.0),
                Value::Id(take.from.0),
                Value::Id(take.to.0),
            ];
            if self.session.execute(&GIVE_BACK, &parameters).await? > 0 {
                given_back.push(take.asset_id.0);
                let (entity, change) = (EntityKind::Asset, ChangeKind::Updated);
                self.stale.tell(entity, change, [take.asset_id]);
            }
        }
        Ok(given_back)
    }

    /// Gives an asset its bytes back.
    async fn bytes_back(&mut self) -> Result<Vec<Uuid>> {
        let mut assets = Vec::new();
        self.rows("asset_bytes", |content| {
            let id = content.get("asset_id").and_then(|id| id.as_str());
            assets.extend(id.and_then(|id| id.parse::<Uuid>().ok()));
        })
        .await?;
        for id in &assets {
            let parameters = [self.project_value(), Value::Id(*id)];
            self.session.execute(&BYTES_BACK, &parameters).await?;
            let (entity, change) = (EntityKind::Asset, ChangeKind::Updated);
            self.stale.tell(entity, change, [*id]);
        }
        Ok(assets)
    }

    /// Looks which images have no bytes in the store, by their sizes.
    async fn missing(&mut self, assets: &[Uuid]) -> Result<(Vec<MissingBlob>, u64)> {
        let (mut listed, mut more) = (Vec::new(), 0);
        for page in assets.chunks(PAGE) {
            let parameters = [self.project_value(), Value::Ids(page)];
            let rows = self.session.query(&BLOBS, &parameters, |row| {
                let asset_id = row.at::<AssetId>(0, "asset.id")?;
                let sha256 = row.at::<Sha256>(1, "asset.sha256")?;
                let file_size = row.at::<Option<u64>>(2, "asset.file_size")?;
                Ok((MissingBlob { asset_id, sha256 }, file_size))
            });
            for (blob, file_size) in rows.await? {
                let found = std::fs::metadata(self.studio.blobs().path(blob.sha256));
                let is_there =
                    found.is_ok_and(|found| file_size.is_none_or(|size| size == found.len()));
                if !is_there && listed.len() < MAX_LISTED_MISSING {
                    listed.push(blob);
                } else if !is_there {
                    more += 1;
                }
            }
        }
        Ok((listed, more))
    }

    /// Says what is new, to the view and to those who follow the project.
    fn tell(&mut self, kinds: [(EntityKind, &[Uuid]); 6]) {
        for (entity, ids) in kinds {
            let ids = ids.iter().copied();
            self.stale.tell(entity, ChangeKind::Created, ids);
        }
    }

    async fn carry_out(mut self) -> Result<(Session, Stale, RestoredDeletion)> {
        let is_whole = self.entry.kind == DeletionKind::Project;
        owner::check(&mut self.session, self.project, self.entry.id).await?;
        let project = if is_whole {
            vec![self.project.0]
        } else {
            Vec::new()
        };
        let characters = self.ids("character").await?;
        let animations = self.ids("animation").await?;
        let assets = self.ids("asset").await?;
        let frames = self.ids("frame").await?;
        let annotations = if self.entry.kind == DeletionKind::Annotation {
            self.ids("asset_annotation").await?
        } else {
            Vec::new()
        };
        self.insert_all().await?;
        let mut extended = None;
        if self.entry.kind == DeletionKind::Frames {
            let assets = assets.iter().copied();
            self.stale
                .tell(EntityKind::Asset, ChangeKind::Created, assets);
            extended = self.frames_back().await?;
        } else {
            self.tell([
                (EntityKind::Project, &project),
                (EntityKind::Character, &characters),
                (EntityKind::Animation, &animations),
                (EntityKind::Asset, &assets),
                (EntityKind::Frame, &frames),
                (EntityKind::Annotation, &annotations),
            ]);
        }
        let mut homes = self.undo_effects().await?;
        let bytes = self.bytes_back().await?;
        homes.extend(&bytes);
        homes.extend(&assets);
        // What animations that came back show may have a lower place now.
        homes.extend(frame::shown_in(&mut self.session, self.project, &animations).await?);
        homes.sort_unstable();
        homes.dedup();
        view::rehome(&mut self.session, self.project, &homes).await?;
        if is_whole {
            self.stale.add(Scope::Project);
        } else {
            let animations = animations.iter();
            self.stale
                .add_all(animations.map(|id| Scope::Animation(AnimationId(*id))));
            let homes = homes.iter();
            self.stale
                .add_all(homes.map(|id| Scope::Home(AssetId(*id))));
        }
        entry::forget(&mut self.session, self.entry.id).await?;
        let (missing, more_missing) = self.missing(&homes).await?;
        let back = Back {
            characters: &characters,
            animations: &animations,
            assets: &assets,
            frames: &frames,
            bytes: &bytes,
            annotations: &annotations,
            extended,
        };
        self.stale.did(&Action::Restore {
            kind: self.entry.kind,
            name: self.entry.name.clone(),
            made: back.made(&self.entry),
            former: FormerDeletion {
                id: self.entry.id,
                effects: self.entry.effects()?,
            },
        });
        let restored = RestoredDeletion {
            deletion: self.entry,
            renamed: self.renamed,
            left: self.left,
            missing,
            more_missing,
        };
        Ok((self.session, self.stale, restored))
    }
}

impl Studio {
    /// Brings back from the trash all that one deletion took, in one transaction: ids, order,
    /// tags, references, claims, annotations and generations included. A thumbnail that it
    /// cleared, and a primary variation that it replaced, come back too, unless someone has
    /// chosen another since; takes that stayed go back to their animations.
    ///
    /// Where a name as part of paths was taken meanwhile, the next free ending is used, and the
    /// display name stays; frames of an animation that stayed are put in at their old places, and
    /// the others move on.
    ///
    /// # Errors
    /// [`Error::NotFound`] for one that is not there, or was restored or purged, by whoever;
    /// [`Error::Conflict`] where an id is taken, and where what it belongs to is not there: that
    /// is to be restored first, and the hint says so. Nothing is changed then.
    pub async fn restore(&self, id: DeletionId) -> Result<RestoredDeletion> {
        let session = self.database().write().await?;
        let (session, stale, restored) = bring_back(self, session, id, None).await?;
        self.commit(session, stale).await?;
        Ok(restored)
    }
}

/// Brings back what a deletion took within a transaction, and locks the project; what is stale
/// already may be given. Nothing was changed for good where it fails.
pub(crate) async fn bring_back(
    studio: &Studio,
    mut session: Session,
    id: DeletionId,
    stale: Option<Stale>,
) -> Result<(Session, Stale, RestoredDeletion)> {
    let entry = owner::lock(&mut session, id).await?;
    let project = entry.project_id;
    let restore = Restore {
        studio,
        session,
        project,
        entry,
        stale: stale.unwrap_or_else(|| Stale::new(project)),
        renamed: Vec::new(),
        left: Vec::new(),
    };
    restore.carry_out().await
}
