//! Frames beyond one animation: who shows an asset, and moving a frame to another animation.

use uuid::Uuid;

use super::edit::{Edit, Slot};
use super::replace::Leaving;
use super::{Frame, check_version, get, of_animation, replace_list};
use crate::animation;
use crate::db::sql::statements;
use crate::db::value::Value;
use crate::error::{Error, Result};
use crate::id::{AnimationId, AssetId, FrameId, ProjectId};
use crate::project;
use crate::studio::Studio;
use crate::tree::AnimationTree;
use crate::undo::Action;
use crate::view::Stale;

statements! {
    SHOWING = "SELECT {frame} FROM frame WHERE project_id = $1 AND asset_id {in $2} \
               ORDER BY animation_id, frame_index";
}

impl Studio {
    /// Returns the frames of a project that show one of these assets, by animation, in order.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn list_frames_showing(
        &self,
        project: ProjectId,
        assets: &[AssetId],
    ) -> Result<Vec<Frame>> {
        let ids: Vec<Uuid> = assets.iter().map(|id| id.0).collect();
        let mut session = self.database().read().await?;
        session
            .list(&SHOWING, &[Value::Id(project.0), Value::Ids(&ids)])
            .await
    }

    /// Moves a frame to another animation of its project, before the frame that stands at `at`
    /// there (from 0), or at the end: removed here and shown there in one transaction, with its
    /// prompt and under a new id. What it shows stays a take of the animation it was made for.
    ///
    /// `expected` is the version of the frame's animation that the caller saw; `None` for any.
    /// Returns the animation that it is part of now.
    ///
    /// # Errors
    /// [`Error::NotFound`] for the frame or the animation; [`Error::Stale`] for another
    /// version; [`Error::Invalid`] for an animation of another project or the frame's own, and
    /// for a place beyond the end. Nothing is changed then.
    pub async fn move_frame_to_animation(
        &self,
        frame: FrameId,
        to: AnimationId,
        at: Option<u32>,
        expected: Option<i64>,
    ) -> Result<AnimationTree> {
        let mut session = self.database().write().await?;
        let project_id = animation::project_of(&mut session, to).await?;
        project::lock(&mut session, project_id).await?;
        let moved = get(&mut session, frame).await?;
        if moved.project_id != project_id || moved.animation_id == to {
            let reason = if moved.animation_id == to {
                "the frame is part of it already".to_owned()
            } else {
                format!("the frame's project has no animation {to}")
            };
            return Err(Error::invalid("animationId", reason));
        }
        let source = animation::lock(&mut session, moved.animation_id).await?;
        check_version(&source, expected)?;
        let target = animation::lock(&mut session, to).await?;
        let new_frame: FrameId = self.new_id();
        let slot = Slot {
            id: new_frame,
            ..Slot::of(&moved)
        };
        let shown = slot.shown()?;
        let mut deletion = None;
        let mut stale = Stale::new(project_id);
        let edits = [
            (source, Edit::Remove { frame }),
            (
                target,
                Edit::Insert {
                    at,
                    slots: vec![slot],
                },
            ),
        ];
        for (animation, edit) in edits {
            let old = of_animation(&mut session, project_id, animation.id).await?;
            let new = edit.apply(old.iter().map(Slot::of).collect())?;
            let leaving = Leaving::Discarded(&[]);
            let gone = replace_list(
                &mut session,
                self,
                &animation,
                &old,
                new,
                leaving,
                &mut stale,
            );
            deletion = deletion.or(gone.await?);
        }
        if let Some(deletion) = deletion {
            stale.did(&Action::MoveAcross {
                deletion,
                to,
                frame: new_frame,
                shown,
            });
        }
        self.commit(session, stale).await?;
        self.get_animation_tree(to).await
    }
}
