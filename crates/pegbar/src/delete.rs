//! Deleting: what goes, who uses it, and the move into the trash, in one transaction.

mod bytes;
mod user;

use std::collections::HashSet;

use serde::Serialize;
use uuid::Uuid;

use crate::asset::{self, AssetKind};
use crate::change::{ChangeKind, EntityKind};
use crate::db::Session;
use crate::db::sql::{Sql, statements};
use crate::db::value::Value;
use crate::error::Result;
use crate::fingerprint::{AsSeen, Fingerprint};
use crate::id::{AnimationId, AssetId, CharacterId, DeletionId, ProjectId};
use crate::planted::{self, Planted};
use crate::studio::Studio;
use crate::trash::{self, Doomed};
use crate::view::{self, Scope, Stale};
use crate::{animation, character, frame, project, reference, variation};
pub use bytes::DroppedBytes;
#[cfg(test)]
pub(crate) use bytes::STATEMENTS as BYTES_STATEMENTS;
use user::{Use, Uses};

statements! {
    DELETE_PROJECT = "DELETE FROM project WHERE id = $1";
    DELETE_CHARACTERS = "DELETE FROM character WHERE project_id = $1 AND id {in $2}";
    DELETE_ANIMATIONS = "DELETE FROM animation WHERE project_id = $1 AND id {in $2}";
    DELETE_ASSETS = "DELETE FROM asset WHERE project_id = $1 AND id {in $2}";
    SHOWING = "SELECT {frame} FROM frame WHERE project_id = $1 AND asset_id {in $2} \
               ORDER BY animation_id, frame_index";
    // Sorted, SQLite would read every reference of the project in that order.
    MADE_FROM = "SELECT {asset_reference} FROM asset_reference \
                 WHERE project_id = $1 AND referenced_asset_id {in $2}";
    MAKE_TAKE_OF = "UPDATE asset SET animation_id = $3 WHERE project_id = $1 AND id = $2";
    CHARACTERS = "SELECT id FROM character WHERE project_id = $1";
    ANIMATIONS = "SELECT id FROM animation WHERE project_id = $1";
    ASSETS = "SELECT id FROM asset WHERE project_id = $1";
    FRAMES = "SELECT id FROM frame WHERE project_id = $1 AND animation_id {in $2}";
    SHOWN_IN = "SELECT DISTINCT asset_id FROM frame \
                WHERE project_id = $1 AND animation_id {in $2}";
}

/// What a deletion removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Deletion {
    /// Names the deletion in the trash.
    pub id: DeletionId,
    /// How many characters went.
    pub characters: u64,
    /// How many animations went.
    pub animations: u64,
    /// How many frames went.
    pub frames: u64,
    /// How many assets went.
    pub assets: u64,
}

/// One deletion, while it is decided and carried out.
struct Delete<'a> {
    studio: &'a Studio,
    session: Session,
    project: project::Project,
    doomed: Doomed,
    stale: Stale,
}

impl<'a> Delete<'a> {
    async fn begin(studio: &'a Studio, mut session: Session, project: ProjectId) -> Result<Self> {
        let project = project::lock(&mut session, project).await?;
        Ok(Self {
            studio,
            session,
            doomed: Doomed::default(),
            stale: Stale::new(project.id),
            project,
        })
    }

    fn project_value(&self) -> Value<'static> {
        Value::Id(self.project.id.0)
    }

    /// Adds the frames of the animations that go.
    async fn add_frames(&mut self) -> Result<()> {
        let parameters = [self.project_value(), Value::Ids(&self.doomed.animations)];
        self.doomed.frames = ids(&mut self.session, &FRAMES, &parameters).await?;
        Ok(())
    }

    /// Deletes a character or an animation with everything in it.
    async fn tree(mut self, entity: &'static str, id: Uuid, delete: &Sql) -> Result<Deletion> {
        self.add_frames().await?;
        let parameters = [self.project_value(), Value::Ids(&self.doomed.animations)];
        let mut rehomed = ids(&mut self.session, &SHOWN_IN, &parameters).await?;
        rehomed.extend(self.spare_shown_takes().await?);
        self.refuse_if_used(entity, id).await?;
        let going: HashSet<Uuid> = self.doomed.assets.iter().copied().collect();
        rehomed.retain(|asset| !going.contains(asset));
        self.carry_out(delete, &[id], &rehomed).await
    }

    /// Returns the frames that stay and show something that goes.
    async fn showing(&mut self) -> Result<Vec<frame::Frame>> {
        let going: HashSet<Uuid> = self.doomed.animations.iter().copied().collect();
        let parameters = [self.project_value(), Value::Ids(&self.doomed.assets)];
        let mut shown: Vec<frame::Frame> = self.session.list(&SHOWING, &parameters).await?;
        shown.retain(|frame| !going.contains(&frame.animation_id.0));
        Ok(shown)
    }

    /// Keeps takes that other animations show, each as a take of the lowest of them.
    async fn spare_shown_takes(&mut self) -> Result<HashSet<Uuid>> {
        let shown = self.showing().await?;
        let ids: Vec<Uuid> = shown.iter().map(|frame| frame.asset_id.0).collect();
        let assets = asset::get_many(&mut self.session, self.project.id, &ids).await?;
        let takes = assets.iter().filter(|asset| asset.kind == AssetKind::Frame);
        let takes: HashSet<Uuid> = takes.map(|asset| asset.id.0).collect();
        let mut spared = HashSet::new();
        for frame in shown
            .iter()
            .filter(|frame| takes.contains(&frame.asset_id.0))
        {
            // The frames come in the order of their animations.
            if spared.insert(frame.asset_id.0) {
                let asset = Value::Id(frame.asset_id.0);
                let parameters = [self.project_value(), asset, Value::Id(frame.animation_id.0)];
                self.session.execute(&MAKE_TAKE_OF, &parameters).await?;
                let asset = [frame.asset_id];
                self.stale
                    .tell(EntityKind::Asset, ChangeKind::Updated, asset);
            }
        }
        self.doomed.assets.retain(|asset| !spared.contains(asset));
        Ok(spared)
    }

    /// Refuses where something that stays uses something that goes.
    async fn refuse_if_used(&mut self, entity: &'static str, id: Uuid) -> Result<()> {
        let mut uses = Uses::default();
        for frame in self.showing().await? {
            uses.add(Use::Shows(frame));
        }
        let parameters = [self.project_value(), Value::Ids(&self.doomed.assets)];
        let edges: Vec<reference::ReferenceRow> =
            self.session.list(&MADE_FROM, &parameters).await?;
        let going: HashSet<Uuid> = self.doomed.assets.iter().copied().collect();
        let mut outputs: Vec<AssetId> = edges.iter().map(|edge| edge.asset_id).collect();
        outputs.sort_unstable();
        // One may have been sent it twice.
        outputs.dedup();
        outputs.retain(|output| !going.contains(&output.0));
        for output in outputs {
            uses.add(Use::MadeFrom(output));
        }
        if entity == "asset" && self.project.thumbnail_id == Some(AssetId(id)) {
            uses.add(Use::Thumbnail);
        }
        uses.refuse(&mut self.session, &self.project, entity, id)
            .await
    }

    /// Moves the rows into the trash and finds new paths for what lost a place.
    async fn carry_out(
        mut self,
        delete: &Sql,
        owners: &[Uuid],
        rehomed: &[Uuid],
    ) -> Result<Deletion> {
        let now = self.studio.now();
        let id: DeletionId = self.studio.new_id();
        let project = self.project.id;
        let doomed = &self.doomed;
        let mut stale = self.stale;
        for (entity, ids) in [
            (EntityKind::Project, doomed.project_ids()),
            (EntityKind::Character, &doomed.characters),
            (EntityKind::Animation, &doomed.animations),
            (EntityKind::Frame, &doomed.frames),
            (EntityKind::Asset, &doomed.assets),
        ] {
            stale.tell(entity, ChangeKind::Deleted, ids.iter().copied());
        }
        trash::discard(&mut self.session, project, id, doomed, now).await?;
        if planted::is(Planted::UnlinkBeforeCommit) {
            let folder = self.studio.assets_folder().join(project.to_string());
            let _ = std::fs::remove_dir_all(folder);
        }
        if doomed.project.is_some() {
            self.session
                .execute(delete, &[Value::Id(project.0)])
                .await?;
            stale.add(Scope::Project);
        } else {
            let thumbnail = self.project.thumbnail_id;
            if thumbnail.is_some_and(|thumbnail| doomed.assets.contains(&thumbnail.0)) {
                project::set_thumbnail(&mut self.session, project, None, now).await?;
                stale.tell(EntityKind::Project, ChangeKind::Updated, [project]);
            }
            let parameters = [Value::Id(project.0), Value::Ids(owners)];
            self.session.execute(delete, &parameters).await?;
            view::rehome(&mut self.session, project, rehomed).await?;
            let animations = doomed.animations.iter();
            stale.add_all(animations.map(|id| Scope::Animation(AnimationId(*id))));
            let homes = doomed.assets.iter().chain(rehomed);
            stale.add_all(homes.map(|id| Scope::Home(AssetId(*id))));
        }
        let deletion = Deletion {
            id,
            characters: doomed.characters.len() as u64,
            animations: doomed.animations.len() as u64,
            frames: doomed.frames.len() as u64,
            assets: doomed.assets.len() as u64,
        };
        self.studio.commit(self.session, stale).await?;
        Ok(deletion)
    }
}

async fn ids(session: &mut Session, sql: &Sql, parameters: &[Value<'_>]) -> Result<Vec<Uuid>> {
    session.query(sql, parameters, |row| row.at(0, "id")).await
}

impl Studio {
    /// Moves a project with everything in it into the trash.
    ///
    /// # Errors
    /// [`crate::Error::NotFound`]; [`crate::Error::Stale`] where it is not what was seen.
    pub async fn delete_project(&self, project: impl Into<AsSeen<ProjectId>>) -> Result<Deletion> {
        let AsSeen { id, expected } = project.into();
        let session = self.database().write().await?;
        let mut delete = Delete::begin(self, session, id).await?;
        if expected.is_some() {
            let found = project::get(&mut delete.session, id).await?;
            Fingerprint::check(expected, "project", &found)?;
        }
        let project = [Value::Id(id.0)];
        delete.doomed = Doomed {
            project: Some(id),
            characters: ids(&mut delete.session, &CHARACTERS, &project).await?,
            animations: ids(&mut delete.session, &ANIMATIONS, &project).await?,
            assets: ids(&mut delete.session, &ASSETS, &project).await?,
            ..Doomed::default()
        };
        delete.add_frames().await?;
        delete.carry_out(&DELETE_PROJECT, &[], &[]).await
    }

    /// Moves a character with its variations, animations and takes into the trash. A take
    /// that another character's animation shows stays, as a take of that one; a thumbnail
    /// among what goes is cleared.
    ///
    /// # Errors
    /// [`crate::Error::NotFound`]; [`crate::Error::Stale`] where it is not what was seen;
    /// [`crate::Error::InUse`] lists who outside still uses something of it.
    pub async fn delete_character(
        &self,
        character: impl Into<AsSeen<CharacterId>>,
    ) -> Result<Deletion> {
        let AsSeen { id, expected } = character.into();
        let mut session = self.database().write().await?;
        let project = character::project_of(&mut session, id).await?;
        let mut delete = Delete::begin(self, session, project).await?;
        let session = &mut delete.session;
        if expected.is_some() {
            let found = character::get(session, id).await?;
            Fingerprint::check(expected, "character", &found)?;
        }
        let animations = character::animation_ids(session, project, id).await?;
        let mut assets = variation::ids(session, project, id).await?;
        assets.extend(animation::take_ids(session, project, &animations).await?);
        delete.doomed = Doomed {
            characters: vec![id.0],
            animations,
            assets,
            ..Doomed::default()
        };
        delete.tree("character", id.0, &DELETE_CHARACTERS).await
    }

    /// Moves an animation with its frames and takes into the trash. A take that another
    /// animation shows stays, as a take of that one; a thumbnail among what goes is cleared.
    ///
    /// # Errors
    /// [`crate::Error::NotFound`]; [`crate::Error::Stale`] where it is not what was seen;
    /// [`crate::Error::InUse`] lists what outside was made from its takes.
    pub async fn delete_animation(
        &self,
        animation: impl Into<AsSeen<AnimationId>>,
    ) -> Result<Deletion> {
        let AsSeen { id, expected } = animation.into();
        let mut session = self.database().write().await?;
        let project = animation::project_of(&mut session, id).await?;
        let mut delete = Delete::begin(self, session, project).await?;
        if expected.is_some() {
            let found = animation::get(&mut delete.session, id).await?;
            Fingerprint::check(expected, "animation", &found)?;
        }
        let assets = animation::take_ids(&mut delete.session, project, &[id.0]).await?;
        delete.doomed = Doomed {
            animations: vec![id.0],
            assets,
            ..Doomed::default()
        };
        delete.tree("animation", id.0, &DELETE_ANIMATIONS).await
    }

    /// Moves an asset into the trash: a reference, a variation, or a take that no frame
    /// shows. If it was the primary variation, the newest remaining one becomes primary.
    ///
    /// What others were made from does not go; [`Studio::drop_bytes`] is for that.
    ///
    /// # Errors
    /// [`crate::Error::NotFound`]; [`crate::Error::Stale`] where it is not what was seen;
    /// [`crate::Error::InUse`] lists who uses it.
    pub async fn delete_asset(&self, asset: impl Into<AsSeen<AssetId>>) -> Result<Deletion> {
        let AsSeen { id, expected } = asset.into();
        let mut session = self.database().write().await?;
        let project = asset::project_of(&mut session, id).await?;
        let mut delete = Delete::begin(self, session, project).await?;
        let asset = asset::get(&mut delete.session, id).await?;
        Fingerprint::check(expected, "asset", &asset)?;
        delete.doomed.assets = vec![id.0];
        delete.refuse_if_used("asset", id.0).await?;
        if let Some(character) = asset.character_id {
            let character = character::get(&mut delete.session, character).await?;
            if character.primary_asset_id == Some(id) {
                let now = self.now();
                variation::promote_another(&mut delete.session, &character, id, now).await?;
                let character = [character.id];
                delete
                    .stale
                    .tell(EntityKind::Character, ChangeKind::Updated, character);
            }
        }
        delete.carry_out(&DELETE_ASSETS, &[id.0], &[]).await
    }
}
