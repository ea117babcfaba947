//! Replacing an animation's list of frames, if its version is the one the caller saw.

use super::edit::{self, Change, Edit, Slot};
use super::{DELETE, Frame, PLACE, SET_ASIDE, SHOW, of_animation};
use crate::animation::{self, Animation};
use crate::asset;
use crate::change::{ChangeKind, EntityKind};
use crate::db::Session;
use crate::db::value::Value;
use crate::error::{Error, Result};
use crate::id::{AnimationId, AssetId, DeletionId};
use crate::planted::{self, Planted};
use crate::studio::Studio;
use crate::trash::{self, DeletionKind, Doomed, Note};
use crate::undo::FrameEdit;
use crate::view::{self, Scope, Stale};
use uuid::Uuid;

/// What becomes of frames that a new list does not have.
#[derive(Clone, Copy, Debug)]
pub(super) enum Leaving<'a> {
    /// They go to the trash, and these takes with them, whose rows the caller removes.
    Discarded(&'a [Uuid]),
    /// As above, by a deletion that was restored.
    Again(DeletionId, &'a [Uuid]),
    /// The trash has them already, under the ids that they had before.
    Known,
}

/// What a change of a list of frames did.
pub(crate) struct Applied {
    /// The deletion that the trash keeps of frames that went.
    pub(crate) deletion: Option<DeletionId>,
    /// What it did to the others.
    pub(crate) edit: Option<FrameEdit>,
}

/// Replaces an animation's list of frames: rows, version, trash and paths. Returns the deletion
/// that the trash keeps of frames that the new list does not have.
pub(super) async fn replace_list(
    session: &mut Session,
    studio: &Studio,
    animation: &Animation,
    old: &[Frame],
    new: Vec<Slot>,
    leaving: Leaving<'_>,
    stale: &mut Stale,
) -> Result<Option<DeletionId>> {
    let project_id = animation.project_id;
    let project = Value::Id(project_id.0);
    let now = studio.now();
    let change = edit::compare(old, new, |slot, frame_index| Frame {
        id: slot.id,
        project_id,
        animation_id: animation.id,
        asset_id: slot.asset_id,
        frame_index,
        frame_prompt: slot.prompt.clone(),
        created_at: now,
        source_id: slot.source_id.clone(),
    });
    let mut deletion = None;
    let discarded = match leaving {
        Leaving::Discarded(takes) => Some((None, takes)),
        Leaving::Again(former, takes) => Some((Some(former), takes)),
        Leaving::Known => None,
    };
    if let (false, Some((former, takes))) = (change.removed.is_empty(), discarded) {
        let doomed = Doomed {
            frames: change.removed.clone(),
            assets: takes.to_vec(),
            ..Doomed::default()
        };
        let note = Note::new(
            DeletionKind::Frames,
            removed_name(session, &change, old).await?,
        );
        let id = former.unwrap_or_else(|| studio.new_id());
        trash::discard(session, project_id, id, &doomed, note, now).await?;
        deletion = Some(id);
    }
    if !change.removed.is_empty() {
        session
            .execute(&DELETE, &[project.clone(), Value::Ids(&change.removed)])
            .await?;
    }
    if !change.moved.is_empty() {
        let ids: Vec<_> = change.moved.iter().map(|frame| frame.id.0).collect();
        session
            .execute(&SET_ASIDE, &[project.clone(), Value::Ids(&ids)])
            .await?;
        let places = change.moved.iter().map(|frame| {
            vec![
                project.clone(),
                Value::Id(frame.id.0),
                Value::Int(frame.frame_index.into()),
            ]
        });
        session
            .execute_many(&PLACE, &places.collect::<Vec<_>>())
            .await?;
    }
    let shown = change.shown.iter().map(|frame| {
        let prompt = frame
            .frame_prompt
            .as_deref()
            .map_or(Value::Null, Value::from);
        vec![
            project.clone(),
            Value::Id(frame.id.0),
            Value::Id(frame.asset_id.0),
            prompt,
        ]
    });
    session
        .execute_many(&SHOW, &shown.collect::<Vec<_>>())
        .await?;
    session.insert(&change.added).await?;
    animation::touch(session, animation.id, animation.version + 1, now).await?;
    view::rehome(session, project_id, &change.assets).await?;
    stale.add(Scope::Animation(animation.id));
    stale.tell(EntityKind::Animation, ChangeKind::Updated, [animation.id]);
    stale.tell(EntityKind::Frame, ChangeKind::Deleted, change.removed);
    let added = change.added.iter().map(|frame| frame.id);
    stale.tell(EntityKind::Frame, ChangeKind::Created, added);
    let shown = change.shown.iter().map(|frame| frame.id);
    stale.tell(EntityKind::Frame, ChangeKind::Updated, shown);
    stale.add_all(change.assets.into_iter().map(|id| Scope::Home(AssetId(id))));
    Ok(deletion)
}

/// Returns what people know removed frames by: `Tabby/Walk/3`, or `Tabby/Walk` for several.
async fn removed_name(session: &mut Session, change: &Change, old: &[Frame]) -> Result<String> {
    let first = change.removed.first();
    let Some(first) = first.and_then(|id| old.iter().find(|it| it.id.0 == *id)) else {
        return Ok(String::new());
    };
    let animation = first.animation_id;
    let mut names = animation::names(session, first.project_id, &[animation.0]).await?;
    let Some(own) = names.remove(&animation) else {
        return Ok(String::new());
    };
    Ok(match change.removed.len() {
        1 => format!("{own}/{}", first.frame_index),
        _ => own.to_string(),
    })
}

/// Changes an animation's list of frames within a transaction that has locked the project.
pub(crate) async fn edit_list(
    session: &mut Session,
    studio: &Studio,
    animation: AnimationId,
    edit: impl FnOnce(Vec<Slot>) -> Vec<Slot>,
    stale: &mut Stale,
) -> Result<()> {
    let current = animation::lock(session, animation).await?;
    let old = of_animation(session, current.project_id, animation).await?;
    let list: Vec<Slot> = old.iter().map(Slot::of).collect();
    let new = edit(list.clone());
    if new == list {
        return Ok(());
    }
    let leaving = Leaving::Discarded(&[]);
    replace_list(session, studio, &current, &old, new, leaving, stale)
        .await
        .map(drop)
}

/// Changes an animation's list of frames within a transaction that has locked the project, if
/// its version is the expected one.
pub(crate) async fn apply(
    session: &mut Session,
    studio: &Studio,
    animation: AnimationId,
    expected: Option<i64>,
    edit: Edit,
    stale: &mut Stale,
) -> Result<Applied> {
    let current = animation::lock(session, animation).await?;
    check_version(&current, expected)?;
    let old = of_animation(session, current.project_id, animation).await?;
    for asset in edit.assets() {
        let asset = asset::get_in_project(session, current.project_id, asset, "assetId").await?;
        asset.check_has_bytes("assetId")?;
    }
    let list: Vec<Slot> = old.iter().map(Slot::of).collect();
    let done = edit.of_those_there(&list);
    let new = edit.apply(list)?;
    let leaving = Leaving::Discarded(&[]);
    let deletion = replace_list(session, studio, &current, &old, new, leaving, stale).await?;
    Ok(Applied {
        deletion,
        edit: done,
    })
}

/// Refuses a change that was decided on a list which is no longer there.
pub(super) fn check_version(animation: &Animation, expected: Option<i64>) -> Result<()> {
    match expected {
        Some(expected)
            if expected != animation.version && !planted::is(Planted::NoVersionCheck) =>
        {
            Err(Error::Stale {
                message: format!(
                    "the frames of {:?} have changed meanwhile: version {} was expected, {} is there",
                    animation.name, expected, animation.version
                ),
                hint: "look at the frames again and decide anew".to_owned(),
            })
        }
        _ => Ok(()),
    }
}
