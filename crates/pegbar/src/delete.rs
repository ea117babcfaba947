//! Deleting: what goes, who uses it, and the move into the trash, in one transaction.

mod bytes;
mod decide;
mod plan;
mod user;

use serde::Serialize;

use crate::asset;
use crate::change::{ChangeKind, EntityKind};
use crate::db::Session;
use crate::db::sql::{Sql, statements};
use crate::db::value::Value;
use crate::error::{Error, Result};
use crate::fingerprint::{AsSeen, Fingerprint};
use crate::id::{AnimationId, AssetId, CharacterId, DeletionId, FrameId, ProjectId};
use crate::planted::{self, Planted};
use crate::project::Project;
use crate::studio::Studio;
use crate::trash::{self, Doomed, FormerDeletion, Note};
use crate::undo::Action;
use crate::view::{self, Scope, Stale};
use crate::{animation, character, frame, project, variation};
pub use bytes::DroppedBytes;
#[cfg(test)]
pub(crate) use bytes::STATEMENTS as BYTES_STATEMENTS;
use decide::Decision;
pub use decide::DeletionTarget;
#[cfg(test)]
pub(crate) use decide::STATEMENTS as DECIDE_STATEMENTS;
#[cfg(test)]
pub(crate) use plan::STATEMENTS as PLAN_STATEMENTS;
pub use plan::{DeletionPlan, MAX_PLANNED, PlannedEntity};

statements! {
    DELETE_PROJECT = "DELETE FROM project WHERE id = $1";
    DELETE_CHARACTERS = "DELETE FROM character WHERE project_id = $1 AND id {in $2}";
    DELETE_ANIMATIONS = "DELETE FROM animation WHERE project_id = $1 AND id {in $2}";
    DELETE_ASSETS = "DELETE FROM asset WHERE project_id = $1 AND id {in $2}";
    SHOWING = "SELECT {frame} FROM frame WHERE project_id = $1 AND asset_id {in $2} \
               ORDER BY animation_id, frame_index";
    MAKE_TAKE_OF = "UPDATE asset SET animation_id = $3 WHERE project_id = $1 AND id = $2";
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

/// Carries out what was decided: moves the rows into the trash and finds new paths for what lost
/// a place.
async fn carry_out(
    studio: &Studio,
    session: &mut Session,
    decision: Decision,
) -> Result<(Deletion, Stale)> {
    let (delete, going): (&Sql, fn(&Doomed) -> &[uuid::Uuid]) = match decision.target {
        DeletionTarget::Frame(frame) => {
            return remove_frame(studio, session, frame, decision).await;
        }
        DeletionTarget::Project(_) => (&DELETE_PROJECT, Doomed::project_ids),
        DeletionTarget::Character(_) => (&DELETE_CHARACTERS, |doomed| &doomed.characters),
        DeletionTarget::Animation(_) => (&DELETE_ANIMATIONS, |doomed| &doomed.animations),
        DeletionTarget::Asset(_) => (&DELETE_ASSETS, |doomed| &doomed.assets),
    };
    let Decision {
        project,
        target,
        name,
        doomed,
        effects,
        rehomed,
        former,
        ..
    } = decision;
    let now = studio.now();
    let former_id = former.as_ref().map(|former| former.id);
    let id = former_id.unwrap_or_else(|| studio.new_id());
    let mut stale = Stale::new(project.id);
    let project_value = Value::Id(project.id.0);
    for (entity, ids) in [
        (EntityKind::Project, doomed.project_ids()),
        (EntityKind::Character, &doomed.characters),
        (EntityKind::Animation, &doomed.animations),
        (EntityKind::Frame, &doomed.frames),
        (EntityKind::Asset, &doomed.assets),
    ] {
        stale.tell(entity, ChangeKind::Deleted, ids.iter().copied());
    }
    for take in &effects.kept_takes {
        let asset = Value::Id(take.asset_id.0);
        let parameters = [project_value.clone(), asset, Value::Id(take.to.0)];
        session.execute(&MAKE_TAKE_OF, &parameters).await?;
        stale.tell(EntityKind::Asset, ChangeKind::Updated, [take.asset_id]);
    }
    if let Some(promoted) = effects.promoted {
        let character = promoted.character_id;
        variation::set_primary(session, character, promoted.to, now).await?;
        stale.tell(EntityKind::Character, ChangeKind::Updated, [character]);
    }
    if effects.cleared_thumbnail.is_some() {
        project::set_thumbnail(session, project.id, None, now).await?;
        stale.tell(EntityKind::Project, ChangeKind::Updated, [project.id]);
    }
    let note = Note {
        kind: target.kind(),
        name,
        effects: match former {
            Some(former) => effects.or(former.effects),
            None => effects,
        },
    };
    trash::discard(session, project.id, id, &doomed, note, now).await?;
    if planted::is(Planted::UnlinkBeforeCommit) {
        let folder = studio.assets_folder().join(project.id.to_string());
        let _ = std::fs::remove_dir_all(folder);
    }
    if doomed.project.is_some() {
        session.execute(delete, &[project_value]).await?;
        stale.add(Scope::Project);
    } else {
        let parameters = [project_value, Value::Ids(going(&doomed))];
        session.execute(delete, &parameters).await?;
        view::rehome(session, project.id, &rehomed).await?;
        let animations = doomed.animations.iter();
        stale.add_all(animations.map(|id| Scope::Animation(AnimationId(*id))));
        let homes = doomed.assets.iter().chain(&rehomed);
        stale.add_all(homes.map(|id| Scope::Home(AssetId(*id))));
    }
    stale.did(&Action::Delete { deletion: id });
    Ok((Deletion::of(id, &doomed), stale))
}

/// Deletes something within a transaction that has locked the project; `former` is the deletion
/// that this is again.
pub(crate) async fn delete_in(
    studio: &Studio,
    session: &mut Session,
    project: Project,
    target: DeletionTarget,
    former: Option<FormerDeletion>,
) -> Result<(Deletion, Stale)> {
    let decision = Decision::again(session, project, target, former).await?;
    decision.refuse_if_used(session).await?;
    carry_out(studio, session, decision).await
}

/// Deletes several assets together, within a transaction that has locked the project; `former`
/// is the deletion that this is again.
pub(crate) async fn delete_assets_in(
    studio: &Studio,
    session: &mut Session,
    project: Project,
    assets: &[AssetId],
    former: Option<FormerDeletion>,
) -> Result<(Deletion, Stale)> {
    let decision = Decision::of_assets(session, project, assets, former).await?;
    decision.refuse_if_used(session).await?;
    carry_out(studio, session, decision).await
}

/// Removes the rows of takes that no frame shows any more and that the trash has already, within
/// a transaction that has locked the project.
pub(crate) async fn remove_discarded(
    session: &mut Session,
    project: Project,
    takes: &[AssetId],
    stale: &mut Stale,
) -> Result<()> {
    let id = project.id;
    let decision = Decision::of_assets(session, project, takes, None).await?;
    decision.refuse_if_used(session).await?;
    let gone = &decision.doomed.assets;
    let parameters = [Value::Id(id.0), Value::Ids(gone)];
    session.execute(&DELETE_ASSETS, &parameters).await?;
    stale.tell(EntityKind::Asset, ChangeKind::Deleted, gone.iter().copied());
    stale.add_all(takes.iter().map(|id| Scope::Home(*id)));
    Ok(())
}

/// Takes a frame out of the list of its animation; the others move up.
async fn remove_frame(
    studio: &Studio,
    session: &mut Session,
    frame: FrameId,
    decision: Decision,
) -> Result<(Deletion, Stale)> {
    let gone = || Error::not_found("frame", frame);
    let animation = decision.animation.ok_or_else(gone)?;
    let edit = frame::edit::Edit::Remove { frame };
    let mut stale = Stale::new(decision.project.id);
    let removed = frame::apply(session, studio, animation, None, edit, &mut stale).await?;
    let id = removed.deletion.ok_or_else(gone)?;
    stale.did(&Action::Delete { deletion: id });
    Ok((Deletion::of(id, &decision.doomed), stale))
}

impl Deletion {
    /// A deletion that took nothing as a whole.
    pub(crate) fn empty(id: DeletionId) -> Self {
        Self::of(id, &Doomed::default())
    }

    fn of(id: DeletionId, doomed: &Doomed) -> Self {
        Self {
            id,
            characters: doomed.characters.len() as u64,
            animations: doomed.animations.len() as u64,
            frames: doomed.frames.len() as u64,
            assets: doomed.assets.len() as u64,
        }
    }
}

impl Studio {
    /// Deletes what a session that has locked the project decides on.
    async fn delete(
        &self,
        mut session: Session,
        project: Project,
        target: DeletionTarget,
    ) -> Result<Deletion> {
        let (deletion, stale) = delete_in(self, &mut session, project, target, None).await?;
        self.commit(session, stale).await?;
        Ok(deletion)
    }

    /// Deletes just what a plan says: [`Studio::plan_deletion`] made it. A frame goes from its
    /// animation, and its image stays a take.
    ///
    /// # Errors
    /// [`crate::Error::Stale`] where by now another plan would be made;
    /// [`crate::Error::NotFound`]; [`crate::Error::InUse`] where the plan has users.
    pub async fn delete_as_planned(&self, plan: &DeletionPlan) -> Result<Deletion> {
        let mut session = self.database().write().await?;
        let target = plan.target;
        let project = target.project(&mut session).await?;
        let project = project::lock(&mut session, project).await?;
        let decision = Decision::of(&mut session, project, target).await?;
        plan.check_unchanged(&decision)?;
        decision.refuse_if_used(&mut session).await?;
        let (deletion, stale) = carry_out(self, &mut session, decision).await?;
        self.commit(session, stale).await?;
        Ok(deletion)
    }

    /// Moves a project with everything in it into the trash.
    ///
    /// # Errors
    /// [`crate::Error::NotFound`]; [`crate::Error::Stale`] where it is not what was seen.
    pub async fn delete_project(&self, project: impl Into<AsSeen<ProjectId>>) -> Result<Deletion> {
        let AsSeen { id, expected } = project.into();
        let mut session = self.database().write().await?;
        let project = project::lock(&mut session, id).await?;
        if expected.is_some() {
            let found = project::get(&mut session, id).await?;
            Fingerprint::check(expected, "project", &found)?;
        }
        self.delete(session, project, DeletionTarget::Project(id))
            .await
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
        let project = project::lock(&mut session, project).await?;
        if expected.is_some() {
            let found = character::get(&mut session, id).await?;
            Fingerprint::check(expected, "character", &found)?;
        }
        self.delete(session, project, DeletionTarget::Character(id))
            .await
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
        let project = project::lock(&mut session, project).await?;
        if expected.is_some() {
            let found = animation::get(&mut session, id).await?;
            Fingerprint::check(expected, "animation", &found)?;
        }
        self.delete(session, project, DeletionTarget::Animation(id))
            .await
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
        let project = project::lock(&mut session, project).await?;
        if expected.is_some() {
            let found = asset::get(&mut session, id).await?;
            Fingerprint::check(expected, "asset", &found)?;
        }
        self.delete(session, project, DeletionTarget::Asset(id))
            .await
    }
}
