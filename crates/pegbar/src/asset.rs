//! Assets: images, each with its file and the record of what it was made from.

mod new;
pub(crate) mod together;
mod update;
pub(crate) mod whereabouts;

use uuid::Uuid;

use crate::blob::StoredImage;
use crate::db::Session;
use crate::db::entity::entity;
use crate::db::sql::{Query, Sql, statements};
use crate::db::value::{Value, word_enum};
use crate::error::{Error, Result};
use crate::hash::Sha256;
use crate::id::{AnimationId, AssetId, CharacterId, GenerationId, ProjectId};
use crate::json::Json;
use crate::page::{Page, PageRequest};
use crate::reference::{self, References};
use crate::studio::Studio;
use crate::tag;
use crate::time::MillisSinceEpoch;

pub(crate) use new::{Facts, name_of_file};
pub use new::{ImageSource, NewAsset};
pub use update::AssetPatch;
pub(crate) use update::Changeable;
#[cfg(test)]
pub(crate) use update::STATEMENTS as UPDATE_STATEMENTS;
pub use whereabouts::{Showing, Whereabouts};

word_enum! {
    /// What an asset is for.
    pub enum AssetKind in "asset_kind" {
        /// An uploaded image that others are made from.
        Reference = "reference",
        /// A variation of a character.
        Character = "character",
        /// A take: made for an animation, shown by a frame now or earlier.
        Frame = "frame",
    }
}

entity! {
    /// An image with its record. What made it never changes; a correction is a new asset.
    pub struct Asset in asset {
        /// The id.
        pub id: AssetId,
        /// The project it belongs to.
        pub project_id: ProjectId,
        /// The id it had in the app it was imported from.
        pub source_id: Option<String>,
        /// Where it was imported from, as the importer names it.
        pub source_path: Option<String>,
        /// What it is for.
        pub kind: AssetKind,
        /// For a variation: its character.
        pub character_id: Option<CharacterId>,
        /// For a take: the animation it was made for.
        pub animation_id: Option<AnimationId>,
        /// The request to a model that it came from.
        pub generation_id: Option<GenerationId>,
        /// Its file, relative to `public/assets/`: its home by kind.
        pub file_path: Option<String>,
        /// The media type, from the bytes: `image/png`, `image/jpeg`, `image/webp`, `image/gif`.
        pub mime_type: Option<String>,
        /// The size of the file in bytes.
        pub file_size: Option<u64>,
        /// The width in pixels, as seen: after the turn that Exif metadata ask for.
        pub width: Option<u32>,
        /// The height in pixels, as seen.
        pub height: Option<u32>,
        /// The SHA-256 of the bytes.
        pub sha256: Option<Sha256>,
        /// The file name it came with.
        pub original_name: Option<String>,
        /// The prompt it was generated from; `None` for an upload.
        pub generation_prompt: Option<String>,
        /// The system prompt it was generated with.
        pub generation_system_prompt: Option<String>,
        /// The settings it was generated with.
        pub generation_settings: Option<Json>,
        /// The model that generated it.
        pub model: Option<String>,
        /// The canonical JSON (RFC 8785) of what made it.
        pub record: Option<String>,
        /// The SHA-256 of the record.
        pub record_hash: Option<Sha256>,
        /// When its bytes were dropped; `None` while they are there.
        pub bytes_dropped_at: Option<MillisSinceEpoch>,
        /// When it was made.
        pub created_at: MillisSinceEpoch,
        /// When its tags or original name last changed.
        pub updated_at: MillisSinceEpoch,
        /// How many images the file holds: 1, or more for an animated GIF, PNG or WebP; `None`
        /// where nobody has counted them.
        pub image_count: Option<u32>,
    }
    joined {
        /// Free words, in order.
        pub tags: Vec<String>,
        /// What it was made from, in the order sent.
        #[serde(flatten)]
        pub references: References,
    }
}

impl Asset {
    /// Returns the ids of what it was made from, in the order sent.
    #[must_use]
    pub fn reference_asset_ids(&self) -> Vec<AssetId> {
        self.references.ids()
    }

    /// Refuses to give the bytes of an asset where they were dropped.
    ///
    /// # Errors
    /// [`Error::Dropped`] says what they were, and when they were dropped.
    pub fn check_not_dropped(&self) -> Result<()> {
        let Some(dropped_at) = self.bytes_dropped_at else {
            return Ok(());
        };
        let parts = [
            self.original_name.clone(),
            self.mime_type.clone(),
            self.file_size.map(|size| format!("{size} bytes")),
            self.sha256.map(|sha256| format!("SHA-256 {sha256}")),
        ];
        let parts: Vec<String> = parts.into_iter().flatten().collect();
        Err(Error::Dropped {
            asset: self.id,
            bytes: parts.join(", "),
            dropped_at,
        })
    }

    /// Refuses to show an asset whose bytes were dropped; names the field that asked for it.
    pub(crate) fn check_has_bytes(&self, field: &str) -> Result<()> {
        match self.bytes_dropped_at {
            Some(time) => {
                let reason = format!("the bytes of the asset {} were dropped on {time}", self.id);
                Err(Error::invalid(field, reason))
            }
            None => Ok(()),
        }
    }
}

statements! {
    GET = "SELECT {asset} FROM asset WHERE id = $1";
    GET_MANY = "SELECT {asset} FROM asset WHERE project_id = $1 AND id {in $2}";
    OF_PROJECT = "SELECT {asset} FROM asset WHERE project_id = $1 ORDER BY id";
    PROJECT_OF = "SELECT project_id FROM asset WHERE id = $1";
}

/// Which assets of a project are listed.
#[derive(Clone, Debug, Default)]
pub struct AssetFilter {
    /// Of this kind.
    pub kind: Option<AssetKind>,
    /// Variations of this character.
    pub character_id: Option<CharacterId>,
    /// Takes of this animation.
    pub animation_id: Option<AnimationId>,
    /// With this tag.
    pub tag: Option<String>,
    /// With this id in the app it was imported from.
    pub source_id: Option<String>,
    /// Imported from this path.
    pub source_path: Option<String>,
    /// With these bytes.
    pub sha256: Option<Sha256>,
    /// Whose id ends with these hexadecimal digits; dashes and case do not matter.
    pub id_ending: Option<String>,
    /// Made at this time or later.
    pub created_from: Option<MillisSinceEpoch>,
    /// Made before this time.
    pub created_before: Option<MillisSinceEpoch>,
}

impl AssetFilter {
    fn query(&self, project: ProjectId, page: PageRequest<AssetId>) -> Result<Query<'_>> {
        let (mut query, id) = self.select("{asset a}", Some(project));
        query.page(id, page)?;
        Ok(query)
    }

    /// Begins to select of the assets, called `a`, of one project or of all; returns also what
    /// orders them by their ids.
    pub(crate) fn select(
        &self,
        columns: &str,
        project: Option<ProjectId>,
    ) -> (Query<'_>, &'static str) {
        let mut query;
        // The page is one range of the index that names project, tag and asset.
        let order = if let Some(tag) = &self.tag {
            let from = format!("SELECT {columns} FROM asset_tag t CROSS JOIN asset a");
            query = Query::new(&from);
            if let Some(project) = project {
                query.filter("t.project_id = ?", [Value::Id(project.0)]);
            }
            query.filter("t.tag = ?", [tag.as_str().into()]);
            query.filter("a.project_id = t.project_id AND a.id = t.asset_id", []);
            "t.asset_id"
        } else {
            query = Query::new(&format!("SELECT {columns} FROM asset a"));
            if let Some(project) = project {
                query.filter("a.project_id = ?", [Value::Id(project.0)]);
            }
            "a.id"
        };
        if let Some(kind) = self.kind {
            query.filter("a.kind = ?", [kind.as_str().into()]);
        }
        if let Some(character) = self.character_id {
            query.filter("a.character_id = ?", [Value::Id(character.0)]);
        }
        if let Some(animation) = self.animation_id {
            query.filter("a.animation_id = ?", [Value::Id(animation.0)]);
        }
        if let Some(source_id) = &self.source_id {
            // By itself it would not keep SQLite from going through the project by id.
            if let Some(project) = project {
                let of_source = "a.id IN (SELECT s.id FROM asset s \
                                 WHERE s.project_id = ? AND s.source_id = ?)";
                query.filter(of_source, [Value::Id(project.0), source_id.as_str().into()]);
            } else {
                query.filter("a.source_id = ?", [source_id.as_str().into()]);
            }
        }
        if let Some(path) = &self.source_path {
            query.filter("a.source_path = ?", [path.as_str().into()]);
        }
        if let Some(sha256) = self.sha256 {
            query.filter("a.sha256 = ?", [Value::Text(sha256.to_string().into())]);
        }
        if let Some(ending) = &self.id_ending {
            let pattern = Value::Text(id_pattern(ending).into());
            query.filter("{hex a.id} LIKE ?", [pattern]);
        }
        if let Some(from) = self.created_from {
            query.filter("a.created_at >= ?", [Value::Time(from)]);
        }
        if let Some(before) = self.created_before {
            query.filter("a.created_at < ?", [Value::Time(before)]);
        }
        (query, order)
    }

    /// Every combination of conditions, for the test that prepares them.
    #[cfg(test)]
    pub(crate) fn every_query(mut prepare: impl FnMut(Query<'_>)) {
        let time = Some(MillisSinceEpoch(0));
        for bits in 0..2048_u32 {
            let on = |bit: u32| bits & (1 << bit) > 0;
            let filter = Self {
                kind: on(0).then_some(AssetKind::Frame),
                character_id: on(1).then(|| CharacterId(Uuid::nil())),
                animation_id: on(2).then(|| AnimationId(Uuid::nil())),
                tag: on(3).then(|| "t".to_owned()),
                source_path: on(4).then(|| "p".to_owned()),
                source_id: on(10).then(|| "s".to_owned()),
                sha256: on(5).then(|| Sha256::of(b"")),
                id_ending: on(8).then(|| "ab".to_owned()),
                created_from: time.filter(|_| on(6)),
                created_before: time.filter(|_| on(7)),
            };
            let after = on(9).then(|| AssetId(Uuid::nil()));
            for page in PageRequest::both_orders(after) {
                prepare(filter.query(ProjectId(Uuid::nil()), page).unwrap());
            }
        }
    }
}

/// Returns what the digits of an id are like that has this end. Only hexadecimal digits
/// count: nothing of it means something to LIKE.
pub(crate) fn id_pattern(ending: &str) -> String {
    let digits = ending.chars().filter(char::is_ascii_hexdigit);
    let digits: String = digits.map(|c| c.to_ascii_lowercase()).collect();
    format!("%{digits}")
}

/// Fills in tags and references of assets of one project.
pub(crate) async fn join(
    session: &mut Session,
    project: ProjectId,
    assets: &mut [Asset],
) -> Result<()> {
    let ids: Vec<Uuid> = assets.iter().map(|asset| asset.id.0).collect();
    let mut tags = tag::of_assets(session, project, &ids).await?;
    let mut references = reference::of_assets(session, project, &ids).await?;
    for asset in assets {
        asset.tags = tags.remove(&asset.id.0).unwrap_or_default();
        asset.references = references.remove(&asset.id).unwrap_or_default();
    }
    Ok(())
}

/// Returns an asset without its tags and references.
pub(crate) async fn get_row(session: &mut Session, id: AssetId) -> Result<Asset> {
    let mut found = session.list::<Asset>(&GET, &[Value::Id(id.0)]).await?;
    found.pop().ok_or_else(|| Error::not_found("asset", id))
}

/// Another program wrote the row, and nobody has taken the bytes in yet.
pub(crate) fn not_taken_in(id: AssetId) -> Error {
    Error::Conflict {
        message: format!("the bytes of the asset {id} were never taken in"),
        hint: "another program wrote its row: `pegbar adopt` completes it".to_owned(),
    }
}

pub(crate) async fn get(session: &mut Session, id: AssetId) -> Result<Asset> {
    let mut found = session.list::<Asset>(&GET, &[Value::Id(id.0)]).await?;
    let Some(asset) = found.first() else {
        return Err(Error::not_found("asset", id));
    };
    join(session, asset.project_id, &mut found).await?;
    found.pop().ok_or_else(|| Error::not_found("asset", id))
}

/// Returns an asset without its tags and references, if it belongs to the project; a
/// refusal names the field that asked for it.
pub(crate) async fn get_in_project(
    session: &mut Session,
    project: ProjectId,
    id: AssetId,
    field: &str,
) -> Result<Asset> {
    let mut found = get_many(session, project, &[id.0]).await?;
    found
        .pop()
        .ok_or_else(|| Error::invalid(field, format!("the project has no asset {id}")))
}

/// Returns those of the assets that the project has, without tags and references.
pub(crate) async fn get_many(
    session: &mut Session,
    project: ProjectId,
    ids: &[Uuid],
) -> Result<Vec<Asset>> {
    session
        .list(&GET_MANY, &[Value::Id(project.0), Value::Ids(ids)])
        .await
}

/// Returns every asset of a project, in order.
pub(crate) async fn of_project(session: &mut Session, project: ProjectId) -> Result<Vec<Asset>> {
    session.list(&OF_PROJECT, &[Value::Id(project.0)]).await
}

/// Returns the project of a row, by a statement that selects it.
pub(crate) async fn owner(
    session: &mut Session,
    sql: &Sql,
    entity: &'static str,
    id: Uuid,
) -> Result<ProjectId> {
    let found = session
        .optional(sql, &[Value::Id(id)], |row| row.at(0, "project_id"))
        .await?;
    found.ok_or_else(|| Error::not_found(entity, id))
}

pub(crate) async fn project_of(session: &mut Session, id: AssetId) -> Result<ProjectId> {
    owner(session, &PROJECT_OF, "asset", id.0).await
}

impl Studio {
    /// Takes bytes in without making an asset of them yet.
    ///
    /// # Errors
    /// [`Error::NotAnImage`] for what is not a whole PNG, JPEG, WebP or GIF or is over the
    /// limits; [`Error::Conflict`] for a file that changes while it is read; [`Error::Io`],
    /// [`Error::Unavailable`].
    pub fn store_image(&self, image: &ImageSource) -> Result<StoredImage> {
        let batch = self.blobs().batch();
        let stored = batch.store(image)?;
        batch.finish()?;
        Ok(stored)
    }

    /// Creates an uploaded image that belongs to no character (kind `reference`).
    ///
    /// # Errors
    /// [`Error::NotFound`] for the project; [`Error::Invalid`], and what
    /// [`Studio::store_image`] refuses. Nothing is created then.
    pub async fn create_asset(&self, project: ProjectId, new: NewAsset) -> Result<Asset> {
        let mut created = self.create_assets(project, vec![new]).await?;
        created
            .pop()
            .ok_or_else(|| Error::not_found("asset", "just created"))
    }

    /// Creates many uploaded images in one transaction, in their order.
    ///
    /// Calls that come at the same time share a transaction where that is possible: each returns
    /// when its assets are durable, and fails by itself. What they share is one change, and one
    /// action to [`Studio::undo`]. A call that is dropped while it waits may still create them.
    ///
    /// # Errors
    /// As [`Studio::create_asset`].
    pub async fn create_assets(
        &self,
        project: ProjectId,
        new: Vec<NewAsset>,
    ) -> Result<Vec<Asset>> {
        self.create_beside_others(project, new).await
    }

    /// Returns an asset.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn get_asset(&self, id: AssetId) -> Result<Asset> {
        get(&mut self.database().read().await?, id).await
    }

    /// Lists a project's assets in the order of their ids, which is the order of their
    /// creation.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a page size out of range.
    pub async fn list_assets(
        &self,
        project: ProjectId,
        filter: &AssetFilter,
        page: PageRequest<AssetId>,
    ) -> Result<Page<Asset>> {
        let query = filter.query(project, page)?;
        let mut session = self.database().read().await?;
        let assets = session.list::<Asset>(&query, &query.parameters).await?;
        let mut page = Page::of(assets, page.limit);
        join(&mut session, project, &mut page.rows).await?;
        Ok(page)
    }
}
