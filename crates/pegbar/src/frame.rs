//! Frames: what an animation shows, in order. Every change of the order is one primitive:
//! replace the animation's list, if its version is the one the caller saw.

mod back;
pub(crate) mod edit;
mod elsewhere;
mod replace;

use uuid::Uuid;

use crate::animation;
use crate::asset::{self, NewAsset};
use crate::create::Plan;
use crate::db::Session;
use crate::db::entity::entity;
use crate::db::sql::statements;
use crate::db::value::Value;
use crate::error::{Error, Result};
use crate::id::{AnimationId, AssetId, FrameId, ProjectId};
use crate::studio::Studio;
use crate::text::check_optional;
use crate::time::MillisSinceEpoch;
use crate::tree::AnimationTree;
use crate::undo::{Action, Made};
pub(crate) use back::{put_back, take_away, take_back};
pub(crate) use edit::Edit;
#[cfg(test)]
pub(crate) use elsewhere::STATEMENTS as ELSEWHERE_STATEMENTS;
pub(crate) use replace::{apply, edit_list};
use replace::{check_version, replace_list};

entity! {
    /// A place in an animation, and the asset that it shows.
    pub struct Frame in frame {
        /// The id; it stays when the frame moves or shows another asset.
        pub id: FrameId,
        /// The project it belongs to.
        pub project_id: ProjectId,
        /// The animation it is part of.
        pub animation_id: AnimationId,
        /// The asset it shows.
        pub asset_id: AssetId,
        /// Its place, from 0, without gaps.
        pub frame_index: u32,
        /// What this frame in particular was to show.
        pub frame_prompt: Option<String>,
        /// When it was created.
        pub created_at: MillisSinceEpoch,
        /// The id it had in the app it was imported from.
        pub source_id: Option<String>,
    }
}

statements! {
    GET = "SELECT {frame} FROM frame WHERE id = $1";
    OF_ANIMATION = "SELECT {frame} FROM frame WHERE project_id = $1 AND animation_id = $2 \
                    ORDER BY frame_index";
    OF_PROJECT = "SELECT {frame} FROM frame WHERE project_id = $1 \
                  ORDER BY animation_id, frame_index";
    OF_CHARACTER = "SELECT {frame f} FROM animation n JOIN frame f \
                    ON f.project_id = n.project_id AND f.animation_id = n.id \
                    WHERE n.project_id = $1 AND n.character_id = $2 \
                    ORDER BY f.animation_id, f.frame_index";
    SHOWN_IN = "SELECT DISTINCT asset_id FROM frame \
                WHERE project_id = $1 AND animation_id {in $2}";
    BY_ID_ENDING = "SELECT {frame} FROM frame WHERE project_id = $1 AND {hex id} LIKE $2 \
                    ORDER BY id LIMIT $3";
    BY_SOURCE_ID = "SELECT {frame} FROM frame WHERE project_id = $1 AND source_id = $2 \
                    ORDER BY id LIMIT $3";
    DELETE = "DELETE FROM frame WHERE project_id = $1 AND id {in $2}";
    // The first of two phases: SQLite checks uniqueness at every row.
    SET_ASIDE = "UPDATE frame SET frame_index = frame_index + 1073741824 \
                 WHERE project_id = $1 AND id {in $2}";
    PLACE = "UPDATE frame SET frame_index = $3 WHERE project_id = $1 AND id = $2";
    SHOW = "UPDATE frame SET asset_id = $3, frame_prompt = $4 WHERE project_id = $1 AND id = $2";
}

/// What a new or changed frame shows.
#[derive(Clone, Debug)]
pub enum FrameImage {
    /// An asset that is there, or is created by the same call.
    Asset(AssetId),
    /// A new take.
    New(Box<NewAsset>),
}

/// A frame to create.
#[derive(Clone, Debug)]
pub struct NewFrame {
    /// The id; `None` to have one made.
    pub id: Option<FrameId>,
    /// What it shows.
    pub image: FrameImage,
    /// What this frame in particular is to show.
    pub prompt: Option<String>,
    /// The id it has in the app it comes from.
    pub source_id: Option<String>,
}

impl NewFrame {
    /// Begins a frame that shows a new take.
    #[must_use]
    pub fn new(asset: NewAsset) -> Self {
        Self {
            id: None,
            image: FrameImage::New(Box::new(asset)),
            prompt: None,
            source_id: None,
        }
    }

    /// Begins a frame that shows an asset.
    #[must_use]
    pub fn showing(asset: AssetId) -> Self {
        Self {
            id: None,
            image: FrameImage::Asset(asset),
            prompt: None,
            source_id: None,
        }
    }

    /// Sets the id.
    #[must_use]
    pub fn id(self, id: FrameId) -> Self {
        Self {
            id: Some(id),
            ..self
        }
    }

    /// Sets the id it has in the app it comes from.
    #[must_use]
    pub fn source_id(self, id: impl Into<String>) -> Self {
        Self {
            source_id: Some(id.into()),
            ..self
        }
    }

    /// Sets what this frame in particular is to show.
    #[must_use]
    pub fn prompt(self, prompt: impl Into<String>) -> Self {
        Self {
            prompt: Some(prompt.into()),
            ..self
        }
    }
}

pub(crate) async fn get(session: &mut Session, id: FrameId) -> Result<Frame> {
    let mut found = session.list::<Frame>(&GET, &[Value::Id(id.0)]).await?;
    found.pop().ok_or_else(|| Error::not_found("frame", id))
}

/// Returns the frames of an animation, in order.
pub(crate) async fn of_animation(
    session: &mut Session,
    project: ProjectId,
    animation: AnimationId,
) -> Result<Vec<Frame>> {
    session
        .list(
            &OF_ANIMATION,
            &[Value::Id(project.0), Value::Id(animation.0)],
        )
        .await
}

/// Returns every frame of a project, by animation, in order.
pub(crate) async fn of_project(session: &mut Session, project: ProjectId) -> Result<Vec<Frame>> {
    session.list(&OF_PROJECT, &[Value::Id(project.0)]).await
}

/// Returns every frame of a character, by animation, in order.
pub(crate) async fn of_character(
    session: &mut Session,
    project: ProjectId,
    character: crate::id::CharacterId,
) -> Result<Vec<Frame>> {
    session
        .list(
            &OF_CHARACTER,
            &[Value::Id(project.0), Value::Id(character.0)],
        )
        .await
}

/// Returns the assets that frames of animations show.
pub(crate) async fn shown_in(
    session: &mut Session,
    project: ProjectId,
    animations: &[Uuid],
) -> Result<Vec<Uuid>> {
    let parameters = [Value::Id(project.0), Value::Ids(animations)];
    session
        .query(&SHOWN_IN, &parameters, |row| row.at(0, "frame.asset_id"))
        .await
}

impl Studio {
    async fn edit_frames(
        &self,
        animation: AnimationId,
        expected: Option<i64>,
        mut plan: Plan<'_>,
        edit: Edit,
    ) -> Result<AnimationTree> {
        plan.store_blobs()?;
        let mut session = self.database().write().await?;
        let project_id = animation::project_of(&mut session, animation).await?;
        let (created, mut stale) = plan.write(&mut session, Some(project_id)).await?;
        let takes = created.asset_ids();
        let inserted = match &edit {
            Edit::Insert { slots, .. } => slots.iter().map(|slot| slot.id).collect(),
            _ => Vec::new(),
        };
        let applied = apply(&mut session, self, animation, expected, edit, &mut stale).await?;
        let action = match (applied.deletion, applied.edit) {
            (Some(deletion), _) => Action::Delete { deletion },
            (None, Some(edit)) => Action::Edit {
                animation,
                edit,
                takes,
            },
            (None, None) => Action::Create {
                made: Made::Frames {
                    animation,
                    ids: inserted,
                    takes,
                },
            },
        };
        stale.did(&action);
        self.commit(session, stale).await?;
        self.get_animation_tree(animation).await
    }

    /// Adds frames at the end of an animation.
    ///
    /// `expected` is the version of the animation that the caller saw; `None` for any.
    ///
    /// # Errors
    /// [`Error::NotFound`] for the animation; [`Error::Stale`] for another version;
    /// [`Error::NotAnImage`], [`Error::Invalid`], [`Error::Io`]. Nothing is changed then.
    pub async fn append_frames(
        &self,
        animation: AnimationId,
        frames: Vec<NewFrame>,
        expected: Option<i64>,
    ) -> Result<AnimationTree> {
        let mut plan = Plan::new(self);
        let slots = plan.slots(animation, frames)?;
        self.edit_frames(animation, expected, plan, Edit::Insert { at: None, slots })
            .await
    }

    /// Adds frames before the one that stands at `at` (from 0); at the end, if `at` is the
    /// count of frames.
    ///
    /// # Errors
    /// As [`Studio::append_frames`]; [`Error::Invalid`] for a place beyond the end.
    pub async fn insert_frames(
        &self,
        animation: AnimationId,
        at: u32,
        frames: Vec<NewFrame>,
        expected: Option<i64>,
    ) -> Result<AnimationTree> {
        let mut plan = Plan::new(self);
        let slots = plan.slots(animation, frames)?;
        self.edit_frames(
            animation,
            expected,
            plan,
            Edit::Insert {
                at: Some(at),
                slots,
            },
        )
        .await
    }

    /// Moves a frame to another place of its animation (from 0).
    ///
    /// # Errors
    /// [`Error::NotFound`] for the frame; [`Error::Stale`] for another version;
    /// [`Error::Invalid`] for a place beyond the end.
    pub async fn move_frame(
        &self,
        frame: FrameId,
        to: u32,
        expected: Option<i64>,
    ) -> Result<AnimationTree> {
        let animation = self.get_frame(frame).await?.animation_id;
        self.edit_frames(
            animation,
            expected,
            Plan::new(self),
            Edit::Move { frame, to },
        )
        .await
    }

    /// Shows another image in a frame. The one shown before stays a take.
    ///
    /// # Errors
    /// [`Error::NotFound`] for the frame; [`Error::Stale`] for another version;
    /// [`Error::NotAnImage`], [`Error::Invalid`], [`Error::Io`]. Nothing is changed then.
    pub async fn replace_frame(
        &self,
        frame: FrameId,
        image: FrameImage,
        expected: Option<i64>,
    ) -> Result<AnimationTree> {
        let animation = self.get_frame(frame).await?.animation_id;
        let mut plan = Plan::new(self);
        let asset = plan.frame_asset(animation, image)?;
        self.edit_frames(animation, expected, plan, Edit::Show { frame, asset })
            .await
    }

    /// Removes a frame; the ones behind it move up, its image stays a take.
    ///
    /// # Errors
    /// [`Error::NotFound`] for the frame; [`Error::Stale`] for another version.
    pub async fn remove_frame(
        &self,
        frame: FrameId,
        expected: Option<i64>,
    ) -> Result<AnimationTree> {
        let animation = self.get_frame(frame).await?.animation_id;
        self.edit_frames(animation, expected, Plan::new(self), Edit::Remove { frame })
            .await
    }

    /// Sets the whole order: every frame of the animation, once.
    ///
    /// # Errors
    /// [`Error::NotFound`] for the animation; [`Error::Stale`] for another version;
    /// [`Error::Invalid`] where a frame is missing, stands twice or belongs elsewhere.
    pub async fn set_frame_order(
        &self,
        animation: AnimationId,
        order: Vec<FrameId>,
        expected: Option<i64>,
    ) -> Result<AnimationTree> {
        self.edit_frames(animation, expected, Plan::new(self), Edit::Order(order))
            .await
    }

    /// Sets or clears what a frame in particular was to show.
    ///
    /// # Errors
    /// [`Error::NotFound`] for the frame; [`Error::Stale`] for another version.
    pub async fn set_frame_prompt(
        &self,
        frame: FrameId,
        prompt: Option<String>,
        expected: Option<i64>,
    ) -> Result<AnimationTree> {
        check_optional("framePrompt", prompt.as_ref())?;
        let animation = self.get_frame(frame).await?.animation_id;
        self.edit_frames(
            animation,
            expected,
            Plan::new(self),
            Edit::Prompt { frame, prompt },
        )
        .await
    }

    /// Returns a frame.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn get_frame(&self, id: FrameId) -> Result<Frame> {
        get(&mut self.database().read().await?, id).await
    }

    /// Returns the frames of a project whose ids end with these hexadecimal digits, at most
    /// `limit`, in the order of their ids; dashes and case do not matter.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn find_frames(
        &self,
        project: ProjectId,
        id_ending: &str,
        limit: u32,
    ) -> Result<Vec<Frame>> {
        let pattern = asset::id_pattern(id_ending);
        let pattern = Value::Text(pattern.into());
        let parameters = [Value::Id(project.0), pattern, Value::Int(limit.into())];
        let mut session = self.database().read().await?;
        session.list(&BY_ID_ENDING, &parameters).await
    }

    /// Returns the frames of a project that had this id in the app they were imported from,
    /// at most `limit`, in the order of their ids.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn find_frames_by_source_id(
        &self,
        project: ProjectId,
        source_id: &str,
        limit: u32,
    ) -> Result<Vec<Frame>> {
        let limit = Value::Int(limit.into());
        let parameters = [Value::Id(project.0), source_id.into(), limit];
        let mut session = self.database().read().await?;
        session.list(&BY_SOURCE_ID, &parameters).await
    }

    /// Returns the frames of an animation, in order.
    ///
    /// # Errors
    /// [`Error::NotFound`] for the animation.
    pub async fn list_frames(&self, animation: AnimationId) -> Result<Vec<Frame>> {
        let mut session = self.database().read().await?;
        let project = animation::project_of(&mut session, animation).await?;
        of_animation(&mut session, project, animation).await
    }
}
