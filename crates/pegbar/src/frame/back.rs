//! Taking changes of an animation's frames back, within a transaction that has locked the
//! project: only where the frames still are what the change made of them.

use std::collections::HashSet;

use uuid::Uuid;

use super::edit::Slot;
use super::of_animation;
use super::replace::{Leaving, replace_list};
use crate::animation::{self, Animation};
use crate::db::Session;
use crate::error::{Error, Result};
use crate::fingerprint::Fingerprint;
use crate::id::{AnimationId, AssetId, DeletionId, FrameId};
use crate::studio::Studio;
use crate::undo::{FrameEdit, Run};
use crate::view::Stale;

/// Puts frames that stayed back as they were.
pub(crate) async fn put_back(
    session: &mut Session,
    studio: &Studio,
    animation: AnimationId,
    edit: FrameEdit,
    stale: &mut Stale,
) -> Result<()> {
    let current = animation::lock(session, animation).await?;
    let old = of_animation(session, current.project_id, animation).await?;
    let list = old.iter().map(Slot::of).collect();
    let new = before(list, edit).ok_or_else(|| changed(&current))?;
    let leaving = Leaving::Discarded(&[]);
    replace_list(session, studio, &current, &old, new, leaving, stale)
        .await
        .map(drop)
}

/// Takes frames out of an animation again: into the trash, and these takes with them, whose
/// rows the caller removes; `former` is the deletion that this is again.
pub(crate) async fn take_back(
    session: &mut Session,
    studio: &Studio,
    animation: AnimationId,
    (frames, takes): (&[FrameId], &[AssetId]),
    former: Option<DeletionId>,
    stale: &mut Stale,
) -> Result<Option<DeletionId>> {
    let current = animation::lock(session, animation).await?;
    let old = of_animation(session, current.project_id, animation).await?;
    let mut list: Vec<Slot> = old.iter().map(Slot::of).collect();
    let leaving: HashSet<FrameId> = frames.iter().copied().collect();
    list.retain(|slot| !leaving.contains(&slot.id));
    if list.len() + leaving.len() != old.len() {
        return Err(changed(&current));
    }
    let takes: Vec<Uuid> = takes.iter().map(|id| id.0).collect();
    let leaving = match former {
        Some(former) => Leaving::Again(former, &takes),
        None => Leaving::Discarded(&takes),
    };
    replace_list(session, studio, &current, &old, list, leaving, stale).await
}

/// Takes a frame out of an animation that it was moved to: the trash has it, under the id that
/// it had before. `shown` is the fingerprint of what it was.
pub(crate) async fn take_away(
    session: &mut Session,
    studio: &Studio,
    animation: AnimationId,
    (frame, shown): (FrameId, &str),
    stale: &mut Stale,
) -> Result<()> {
    let current = animation::lock(session, animation).await?;
    let old = of_animation(session, current.project_id, animation).await?;
    let mut list: Vec<Slot> = old.iter().map(Slot::of).collect();
    let place = list.iter().position(|slot| slot.id == frame);
    let moved = list.remove(place.ok_or_else(|| changed(&current))?);
    if moved.shown()? != shown {
        return Err(changed(&current));
    }
    replace_list(session, studio, &current, &old, list, Leaving::Known, stale)
        .await
        .map(drop)
}

/// Returns the list that a change found; `None` where the list is not the one that it left.
fn before(mut list: Vec<Slot>, edit: FrameEdit) -> Option<Vec<Slot>> {
    let place = |list: &[Slot], frame| list.iter().position(|slot| slot.id == frame);
    match edit {
        FrameEdit::Move { frame, from, to } => {
            let at = place(&list, frame).filter(|at| *at == to as usize)?;
            let slot = list.remove(at);
            if from as usize > list.len() {
                return None;
            }
            list.insert(from as usize, slot);
        }
        FrameEdit::Show {
            frame,
            before,
            after,
        } => {
            let at = place(&list, frame).filter(|at| list[*at].asset_id == after)?;
            list[at].asset_id = before;
        }
        FrameEdit::Prompt {
            frame,
            before,
            after,
        } => {
            let at = place(&list, frame).filter(|at| list[*at].prompt == after)?;
            list[at].prompt = before;
        }
        FrameEdit::Order { before, after } => {
            let order: Vec<FrameId> = list.iter().map(|slot| slot.id).collect();
            if Fingerprint::of(&order).ok()?.to_string() != after {
                return None;
            }
            return ordered(list, &before);
        }
    }
    Some(list)
}

/// Puts slots at the places that they had.
fn ordered(list: Vec<Slot>, places: &[Run]) -> Option<Vec<Slot>> {
    let places = places
        .iter()
        .flat_map(|(first, count)| *first..first.saturating_add(*count));
    let mut old: Vec<Option<Slot>> = vec![None; list.len()];
    let mut places = places.take(list.len() + 1);
    for slot in list {
        let free = old.get_mut(places.next()? as usize)?;
        if free.replace(slot).is_some() {
            return None;
        }
    }
    match places.next() {
        None => old.into_iter().collect(),
        Some(_) => None,
    }
}

fn changed(animation: &Animation) -> Error {
    Error::Conflict {
        message: format!(
            "the frames of {:?} have been changed since, by a program that does not say what it \
             changes",
            animation.name
        ),
        hint: "nothing was undone; look at the frames and change them by hand".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::edit::Edit;
    use super::*;

    fn frame(n: u128) -> FrameId {
        FrameId(Uuid::from_u128(n))
    }

    fn list() -> Vec<Slot> {
        let slot = |n| Slot {
            id: frame(n),
            asset_id: AssetId(Uuid::from_u128(100 + n)),
            prompt: (n == 1).then(|| "a".to_owned()),
            source_id: None,
        };
        (0..6).map(slot).collect()
    }

    #[test]
    fn every_edit_of_frames_that_stay_is_taken_back_and_only_where_nothing_else_changed() {
        let order = [3, 4, 5, 0, 2, 1].map(frame).to_vec();
        let (one, asset) = (frame(1), AssetId(Uuid::from_u128(7)));
        let edits = [
            Edit::Move { frame: one, to: 4 },
            Edit::Move {
                frame: frame(5),
                to: 0,
            },
            Edit::Show { frame: one, asset },
            Edit::Prompt {
                frame: one,
                prompt: None,
            },
            Edit::Prompt {
                frame: frame(2),
                prompt: Some("b".to_owned()),
            },
            Edit::Order(order),
        ];
        for edit in edits {
            let done = edit.of_those_there(&list()).unwrap();
            let after = edit.clone().apply(list()).unwrap();
            assert_ne!(after, list());
            assert_eq!(
                before(after.clone(), done.clone()),
                Some(list()),
                "{edit:?}"
            );
            // Everything the edit touched stands elsewhere, or is something else.
            let mut since = after;
            since.reverse();
            for slot in &mut since {
                slot.asset_id = AssetId(Uuid::nil());
                slot.prompt = Some("other".to_owned());
            }
            assert_eq!(before(since, done), None, "{edit:?}");
        }
    }

    #[test]
    fn an_order_that_does_not_name_each_place_once_is_no_order() {
        for places in [&[(0, 5)][..], &[(0, 7)], &[(0, 5), (0, 1)], &[(1, 6)]] {
            assert_eq!(ordered(list(), places), None, "{places:?}");
        }
        assert_eq!(ordered(list(), &[(0, 6)]), Some(list()));
    }
}
