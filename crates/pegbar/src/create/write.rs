//! Writing what one call adds, in one transaction.

use std::collections::HashSet;

use uuid::Uuid;

use super::{Created, Owner, Plan, UNKNOWN_PROJECT, records};
use crate::asset::{self, AssetKind};
use crate::change::{ChangeKind, EntityKind};
use crate::character::{self};
use crate::db::{Session, blocking};
use crate::error::Result;
use crate::hash::Sha256;
use crate::id::{AssetId, ProjectId};
use crate::planted::{self, Planted};
use crate::project::{self};
use crate::trash;
use crate::undo::Action;
use crate::view::{self, Scope, Stale};

impl Plan<'_> {
    /// Makes the bytes of the new assets durable: the database must not know them before.
    pub(crate) fn store_blobs(&mut self) -> Result<()> {
        blocking(|| self.blobs.finish())
    }

    /// Writes everything in one transaction and returns the rows.
    pub(crate) async fn commit(mut self) -> Result<Created> {
        self.store_blobs()?;
        let studio = self.studio;
        let mut session = studio.database().write().await?;
        let (created, mut stale) = self.write(&mut session, None).await?;
        if let Some(made) = created.made() {
            stale.did(&Action::Create { made });
        }
        studio.commit(session, stale).await?;
        Ok(created)
    }

    /// Writes everything within a transaction: locks the project, then one batch per table.
    pub(crate) async fn write(
        mut self,
        session: &mut Session,
        project: Option<ProjectId>,
    ) -> Result<(Created, Stale)> {
        let project_id = match (project, self.owner, &self.project) {
            (Some(id), ..) | (None, Owner::Project(id), _) => id,
            (None, Owner::Character(id), _) => character::project_of(session, id).await?,
            (None, Owner::Animation(id), _) => crate::animation::project_of(session, id).await?,
            (None, Owner::None, Some(project)) => project.id,
            (None, Owner::None, None) => UNKNOWN_PROJECT,
        };
        let is_new_project = self.project.is_some();
        if !is_new_project {
            project::lock(session, project_id).await?;
            self.belong_to(project_id);
        }
        let segments = self
            .name_segments(session, project_id, is_new_project)
            .await?;
        self.name_files(project_id, &segments);
        records::seal(
            session,
            self.studio,
            project_id,
            &mut self.assets,
            &self.origins,
            self.is_made_here,
        )
        .await?;
        let named = self.assets.iter();
        let named = named.filter(|row| row.bytes_dropped_at.is_none());
        let named: Vec<Sha256> = named.filter_map(|row| row.sha256).collect();
        trash::ensure_named(session, self.studio, named, &self.sources).await?;
        let elsewhere = self.insert(session, project_id).await?;
        self.publish_if_planted();
        for asset in asset::get_many(session, project_id, &elsewhere).await? {
            asset.check_has_bytes("assetId")?;
        }
        view::rehome(session, project_id, &elsewhere).await?;
        let stale = self.stale(project_id, is_new_project, &elsewhere);
        let created = Created {
            project: self.project,
            characters: self.characters,
            animations: self.animations,
            generation: self.generation,
            assets: self.assets,
            frames: self.frames,
        };
        Ok((created, stale))
    }

    /// Does what must not be done before the commit.
    fn publish_if_planted(&self) {
        if !planted::is(Planted::PublishBeforeCommit) {
            return;
        }
        for row in &self.assets {
            if let (Some(sha256), Some(path)) = (row.sha256, &row.file_path) {
                let place = self.studio.assets_folder().join(path);
                planted::publish(&self.studio.blobs().path(sha256), &place);
            }
        }
    }

    fn belong_to(&mut self, project: ProjectId) {
        self.characters
            .iter_mut()
            .for_each(|row| row.project_id = project);
        self.animations
            .iter_mut()
            .for_each(|row| row.project_id = project);
        self.assets
            .iter_mut()
            .for_each(|row| row.project_id = project);
        self.frames
            .iter_mut()
            .for_each(|row| row.project_id = project);
    }

    /// Says which parts of the view the new rows make stale.
    fn stale(&self, project: ProjectId, is_new_project: bool, elsewhere: &[Uuid]) -> Stale {
        let mut stale = Stale::new(project);
        let new = self.project.iter().map(|row| row.id);
        stale.tell(EntityKind::Project, ChangeKind::Created, new);
        let new = self.characters.iter().map(|row| row.id);
        stale.tell(EntityKind::Character, ChangeKind::Created, new);
        let promoted = self.promoted.iter().copied();
        stale.tell(EntityKind::Character, ChangeKind::Updated, promoted);
        let new = self.animations.iter().map(|row| row.id);
        stale.tell(EntityKind::Animation, ChangeKind::Created, new);
        let new = self.generation.iter().map(|row| row.id);
        stale.tell(EntityKind::Generation, ChangeKind::Created, new);
        let new = self.assets.iter().map(|row| row.id);
        stale.tell(EntityKind::Asset, ChangeKind::Created, new);
        let new = self.frames.iter().map(|row| row.id);
        stale.tell(EntityKind::Frame, ChangeKind::Created, new);
        if is_new_project {
            stale.add(Scope::Project);
            return stale;
        }
        stale.add_all(self.animations.iter().map(|row| Scope::Animation(row.id)));
        stale.add_all(elsewhere.iter().map(|id| Scope::Home(AssetId(*id))));
        let shown: HashSet<AssetId> = self.frames.iter().map(|frame| frame.asset_id).collect();
        let homes = self.assets.iter();
        let homes = homes.filter(|row| row.kind != AssetKind::Frame || !shown.contains(&row.id));
        stale.add_all(homes.map(|row| Scope::Home(row.id)));
        stale
    }
}
