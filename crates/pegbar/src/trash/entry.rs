//! What is in the trash: one entry for each deletion.

use std::collections::HashSet;

use crate::db::Session;
use crate::db::entity::entity;
use crate::db::sql::{Query, Sql, statements};
use crate::db::value::{Value, word_enum};
use crate::error::{Error, Result};
use crate::id::{AnimationId, AssetId, CharacterId, DeletionId, ProjectId};
use crate::json::Json;
use crate::page::{Page, PageRequest};
use crate::studio::Studio;
use crate::time::MillisSinceEpoch;
use serde::{Deserialize, Serialize};

word_enum! {
    /// What a deletion was a deletion of.
    pub enum DeletionKind in "text" {
        /// A project with everything in it.
        Project = "project",
        /// A character with its variations and animations.
        Character = "character",
        /// An animation with its frames and takes.
        Animation = "animation",
        /// Frames of an animation that stays.
        Frames = "frames",
        /// A single asset.
        Asset = "asset",
        /// The bytes of an asset that stays.
        Bytes = "bytes",
        /// An annotation of an asset.
        Annotation = "annotation",
    }
}

entity! {
    /// A deletion that the trash keeps: what went together, and can come back together.
    pub struct TrashEntry in deletion {
        /// Names the deletion.
        pub id: DeletionId,
        /// The project that it was in, or that went.
        pub project_id: ProjectId,
        /// The project's name at that time.
        pub project: String,
        /// What it was a deletion of.
        pub kind: DeletionKind,
        /// What people know by it what went: `Tabby/Walk` for an animation; may be empty.
        pub name: String,
        /// How many characters went.
        pub characters: u64,
        /// How many animations went.
        pub animations: u64,
        /// How many frames went.
        pub frames: u64,
        /// How many assets went.
        pub assets: u64,
        /// The size of the images that went, in bytes. Their room is free once they are purged.
        pub file_size: u64,
        /// What the deletion changed of what stays, as JSON; [`TrashEntry::effects`] reads it.
        pub effects: Json,
        /// When it was deleted.
        pub deleted_at: MillisSinceEpoch,
    }
}

/// What a deletion changes of what stays.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", default)]
pub struct DeletionEffects {
    /// The thumbnail of the project, which goes and is cleared.
    pub cleared_thumbnail: Option<AssetId>,
    /// The primary variation, which goes, and the one that takes its place.
    pub promoted: Option<PromotedVariation>,
    /// Takes of animations that go, and that others show: they stay, as takes of those.
    pub kept_takes: Vec<KeptTake>,
}

impl DeletionEffects {
    /// Adds what an earlier deletion of the same had changed and this one did not have to.
    pub(crate) fn or(mut self, former: Self) -> Self {
        self.cleared_thumbnail = self.cleared_thumbnail.or(former.cleared_thumbnail);
        self.promoted = self.promoted.or(former.promoted);
        let own: HashSet<AssetId> = self.kept_takes.iter().map(|take| take.asset_id).collect();
        let others = former.kept_takes.into_iter();
        let others = others.filter(|take| !own.contains(&take.asset_id));
        self.kept_takes.extend(others);
        self
    }
}

/// A deletion that was restored: what is deleted again as it was then is in the trash as the
/// same one, for those who know it by its id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct FormerDeletion {
    pub(crate) id: DeletionId,
    /// What it had changed of what stayed.
    pub(crate) effects: DeletionEffects,
}

/// A primary variation that goes, and the one that takes its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct PromotedVariation {
    /// The character.
    pub character_id: CharacterId,
    /// The variation that goes.
    pub from: AssetId,
    /// The one that becomes primary; `None` where there is no other.
    pub to: Option<AssetId>,
}

/// A take that stays although its animation goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct KeptTake {
    /// The take.
    pub asset_id: AssetId,
    /// The animation that goes.
    pub from: AnimationId,
    /// The animation that shows it, and whose take it becomes.
    pub to: AnimationId,
}

statements! {
    GET = "SELECT {deletion} FROM deletion WHERE id = $1";
    LOCK = "SELECT {deletion} FROM deletion WHERE id = $1 {for update}";
    FORGET_ROWS = "DELETE FROM trash WHERE deletion_id = $1";
    FORGET_BLOBS = "DELETE FROM trash_blob WHERE deletion_id = $1";
    FORGET = "DELETE FROM deletion WHERE id = $1";
    // By what people see of an id.
    BY_ID_ENDING = "SELECT {deletion} FROM deletion WHERE {hex id} LIKE $1 ORDER BY id LIMIT $2";
}

/// Which deletions are listed.
#[derive(Clone, Debug, Default)]
pub struct TrashFilter {
    /// In this project, which may have gone itself; `None` for all.
    pub project: Option<ProjectId>,
    /// Of this kind.
    pub kind: Option<DeletionKind>,
    /// Deleted before this time.
    pub deleted_before: Option<MillisSinceEpoch>,
}

impl TrashFilter {
    pub(super) fn query(&self, page: PageRequest<DeletionId>) -> Result<Query<'_>> {
        let mut query = Query::new("SELECT {deletion d} FROM deletion d");
        if let Some(project) = self.project {
            query.filter("d.project_id = ?", [Value::Id(project.0)]);
        }
        if let Some(kind) = self.kind {
            query.filter("d.kind = ?", [kind.as_str().into()]);
        }
        if let Some(time) = self.deleted_before {
            query.filter("d.deleted_at < ?", [Value::Time(time)]);
        }
        query.page("d.id", page)?;
        Ok(query)
    }

    /// Every combination of conditions, for the test that prepares them.
    #[cfg(test)]
    pub(crate) fn every_query(mut prepare: impl FnMut(Query<'_>)) {
        for bits in 0..16_u32 {
            let filter = Self {
                project: (bits & 1 > 0).then(|| ProjectId(uuid::Uuid::nil())),
                kind: (bits & 2 > 0).then_some(DeletionKind::Asset),
                deleted_before: (bits & 8 > 0).then_some(MillisSinceEpoch(0)),
            };
            let after = (bits & 4 > 0).then(|| DeletionId(uuid::Uuid::nil()));
            for page in PageRequest::both_orders(after) {
                prepare(filter.query(page).unwrap());
            }
        }
    }
}

impl TrashEntry {
    /// Returns what the deletion changed of what stays.
    ///
    /// # Errors
    /// [`Error::Damaged`].
    pub fn effects(&self) -> Result<DeletionEffects> {
        self.effects.to_typed().map_err(|error| Error::Damaged {
            place: format!("deletion.effects of the row {}", self.id),
            reason: error.to_string(),
            source: Some(Box::new(error)),
        })
    }
}

/// Reads a deletion and locks it: of several that restore or purge it, one finds it.
pub(super) async fn lock(session: &mut Session, id: DeletionId) -> Result<TrashEntry> {
    find(session, &LOCK, id).await
}

/// Removes a deletion from the trash, with its rows and its names of blobs.
pub(super) async fn forget(session: &mut Session, id: DeletionId) -> Result<()> {
    let deletion = [Value::Id(id.0)];
    for forget in [&FORGET_ROWS, &FORGET_BLOBS, &FORGET] {
        session.execute(forget, &deletion).await?;
    }
    Ok(())
}

/// Returns a deletion that the trash keeps; `None` for one that was restored or purged.
pub(crate) async fn kept(session: &mut Session, id: DeletionId) -> Result<Option<TrashEntry>> {
    let mut found = session.list(&GET, &[Value::Id(id.0)]).await?;
    Ok(found.pop())
}

async fn find(session: &mut Session, sql: &Sql, id: DeletionId) -> Result<TrashEntry> {
    let mut found = session.list::<TrashEntry>(sql, &[Value::Id(id.0)]).await?;
    found.pop().ok_or_else(|| Error::not_found("deletion", id))
}

impl Studio {
    /// Lists what is in the trash, in the order of deletion: also of projects that went
    /// themselves. What was restored stands where it stood before, once that is undone.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a page size out of range.
    pub async fn list_deletions(
        &self,
        filter: &TrashFilter,
        page: PageRequest<DeletionId>,
    ) -> Result<Page<TrashEntry>> {
        let query = filter.query(page)?;
        let mut session = self.database().read().await?;
        let rows = session.list(&query, &query.parameters).await?;
        Ok(Page::of(rows, page.limit))
    }

    /// Returns one deletion that the trash keeps.
    ///
    /// # Errors
    /// [`Error::NotFound`] for one that is not there, or was restored or purged.
    pub async fn get_deletion(&self, id: DeletionId) -> Result<TrashEntry> {
        find(&mut self.database().read().await?, &GET, id).await
    }

    /// Returns the deletions whose ids end with these hexadecimal digits, at most `limit`, in the
    /// order of their ids; dashes and case do not matter.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn find_deletions(&self, id_ending: &str, limit: u32) -> Result<Vec<TrashEntry>> {
        let pattern = Value::Text(crate::asset::id_pattern(id_ending).into());
        let mut session = self.database().read().await?;
        session
            .list(&BY_ID_ENDING, &[pattern, Value::Int(limit.into())])
            .await
    }
}
