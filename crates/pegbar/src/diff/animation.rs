//! Two animations, frame by frame.

use std::collections::HashMap;
use std::time::Instant;

use serde::Serialize;
use similar::{Algorithm, capture_diff_slices_deadline};

use super::asset::{AssetDiff, Side, sides};
use super::{Change, TextDiff, deadline};
use crate::animation::{self, Animation};
use crate::asset;
use crate::db::Session;
use crate::error::Result;
use crate::frame::{self, Frame};
use crate::hash::Sha256;
use crate::id::{AnimationId, AssetId, CharacterId, FrameId};
use crate::studio::Studio;

/// What sets two animations apart. A field is `None`, and a list empty, where they are alike.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct AnimationDiff {
    /// The first.
    pub before_id: AnimationId,
    /// The second.
    pub after_id: AnimationId,
    /// The names.
    pub name: Option<Change<String>>,
    /// The characters that move.
    pub character_id: Option<Change<CharacterId>>,
    /// The descriptions, word by word.
    pub description: Option<TextDiff>,
    /// What the user asked for, word by word.
    pub user_prompt: Option<TextDiff>,
    /// How long each frame is shown, in milliseconds.
    pub frame_duration_ms: Option<Change<u32>>,
    /// How many frames they have.
    pub frame_count: Option<Change<u64>>,
    /// How many frames they have in common: the same image, made alike, with the same prompt.
    pub equal_frames: u64,
    /// All other frames, in order. Frames that show the same bytes belong together, so that one
    /// more frame does not make all behind it differ; what lies between is compared one by one.
    pub frames: Vec<FrameDiff>,
}

/// A frame that two animations do not have alike.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct FrameDiff {
    /// The frame of the first; `None` where it was added.
    pub before: Option<FramePlace>,
    /// The frame of the second; `None` where it was removed.
    pub after: Option<FramePlace>,
    /// What the frames in particular were to show, word by word.
    pub prompt: Option<TextDiff>,
    /// What sets the images apart that they show; `None` where nothing does, or where there is
    /// only one.
    pub asset: Option<Box<AssetDiff>>,
}

/// A frame in its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct FramePlace {
    /// Its place, from 0.
    pub frame_index: u32,
    /// The frame.
    pub frame_id: FrameId,
    /// The asset that it shows.
    pub asset_id: AssetId,
}

impl FramePlace {
    fn of(frame: &Frame) -> Self {
        Self {
            frame_index: frame.frame_index,
            frame_id: frame.id,
            asset_id: frame.asset_id,
        }
    }
}

/// By what frames of two animations belong together: the bytes, where they are known.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Shown {
    Bytes(Sha256),
    Asset(AssetId),
}

/// An animation with what is compared of its frames.
struct Moving {
    animation: Animation,
    frames: Vec<Frame>,
    sides: HashMap<AssetId, Side>,
}

impl Moving {
    async fn load(session: &mut Session, id: AnimationId) -> Result<Self> {
        let animation = animation::get(session, id).await?;
        let project = animation.project_id;
        let frames = frame::of_animation(session, project, id).await?;
        let mut ids: Vec<_> = frames.iter().map(|frame| frame.asset_id.0).collect();
        ids.sort_unstable();
        ids.dedup();
        let mut assets = asset::get_many(session, project, &ids).await?;
        asset::join(session, project, &mut assets).await?;
        let sides = sides(session, assets).await?;
        Ok(Self {
            animation,
            frames,
            sides: sides
                .into_iter()
                .map(|side| (side.asset.id, side))
                .collect(),
        })
    }

    fn shown(&self) -> Vec<Shown> {
        let shown = |frame: &Frame| {
            let side = self.sides.get(&frame.asset_id);
            let sha256 = side.and_then(|side| side.asset.sha256);
            sha256.map_or(Shown::Asset(frame.asset_id), Shown::Bytes)
        };
        self.frames.iter().map(shown).collect()
    }
}

/// Compares two frames that belong together; `None` where nothing sets them apart. Which
/// animations their takes were made for is said by the animations themselves.
fn compare(
    (before, old): (&Moving, &Frame),
    (after, new): (&Moving, &Frame),
    deadline: Instant,
) -> Option<FrameDiff> {
    let prompt = TextDiff::of(
        old.frame_prompt.as_deref(),
        new.frame_prompt.as_deref(),
        deadline,
    );
    let sides = before.sides.get(&old.asset_id);
    let sides = sides.zip(after.sides.get(&new.asset_id));
    let asset = sides.map(|(old, new)| AssetDiff {
        animation_id: None,
        ..AssetDiff::of(old, new, deadline)
    });
    // Two takes are hardly ever made in one millisecond: by itself that says nothing.
    let asset = asset.filter(|asset| !asset.is_same_but_for_time());
    (prompt.is_some() || asset.is_some()).then(|| FrameDiff {
        before: Some(FramePlace::of(old)),
        after: Some(FramePlace::of(new)),
        prompt,
        asset: asset.map(Box::new),
    })
}

fn alone(before: Option<&Frame>, after: Option<&Frame>) -> FrameDiff {
    FrameDiff {
        before: before.map(FramePlace::of),
        after: after.map(FramePlace::of),
        prompt: None,
        asset: None,
    }
}

/// Compares the frames; returns those that differ, and how many do not.
fn frames(before: &Moving, after: &Moving, deadline: Instant) -> (Vec<FrameDiff>, u64) {
    let (old, new) = (before.shown(), after.shown());
    let operations = capture_diff_slices_deadline(Algorithm::Myers, &old, &new, Some(deadline));
    let (mut differing, mut equal) = (Vec::new(), 0);
    for (old, new) in operations.iter().map(|op| (op.old_range(), op.new_range())) {
        let (old, new) = (&before.frames[old], &after.frames[new]);
        let pairs = old.len().min(new.len());
        for (old, new) in old.iter().zip(new) {
            match compare((before, old), (after, new), deadline) {
                Some(difference) => differing.push(difference),
                None => equal += 1,
            }
        }
        differing.extend(old[pairs..].iter().map(|frame| alone(Some(frame), None)));
        differing.extend(new[pairs..].iter().map(|frame| alone(None, Some(frame))));
    }
    (differing, equal)
}

impl AnimationDiff {
    /// Returns whether nothing sets them apart.
    #[must_use]
    pub fn is_same(&self) -> bool {
        let Self {
            before_id: _,
            after_id: _,
            equal_frames: _,
            name,
            character_id,
            description,
            user_prompt,
            frame_duration_ms,
            frame_count,
            frames,
        } = self;
        name.is_none()
            && character_id.is_none()
            && description.is_none()
            && user_prompt.is_none()
            && frame_duration_ms.is_none()
            && frame_count.is_none()
            && frames.is_empty()
    }

    fn of(before: &Moving, after: &Moving, deadline: Instant) -> Self {
        let (a, b) = (&before.animation, &after.animation);
        let (frames, equal_frames) = frames(before, after, deadline);
        let text = |a: &String, b: &String| TextDiff::of(Some(a), Some(b), deadline);
        Self {
            before_id: a.id,
            after_id: b.id,
            name: Change::of(Some(&a.name), Some(&b.name)),
            character_id: Change::of(Some(&a.character_id), Some(&b.character_id)),
            description: text(&a.description, &b.description),
            user_prompt: text(&a.user_prompt, &b.user_prompt),
            frame_duration_ms: Change::of(
                a.frame_duration_ms.as_ref(),
                b.frame_duration_ms.as_ref(),
            ),
            frame_count: Change::of(Some(&a.frame_count), Some(&b.frame_count)),
            equal_frames,
            frames,
        }
    }
}

impl Studio {
    /// Compares two animations, frame by frame. They may belong to different projects.
    ///
    /// # Errors
    /// [`crate::Error::NotFound`].
    pub async fn diff_animations(
        &self,
        before: AnimationId,
        after: AnimationId,
    ) -> Result<AnimationDiff> {
        let mut session = self.database().snapshot().await?;
        let before = Moving::load(&mut session, before).await?;
        let after = Moving::load(&mut session, after).await?;
        session.end().await?;
        let deadline = deadline();
        Ok(crate::db::blocking(|| {
            AnimationDiff::of(&before, &after, deadline)
        }))
    }
}
