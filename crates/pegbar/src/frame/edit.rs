//! What a change makes of a list of frames: no database, no files.

use std::collections::{HashMap, HashSet};

use uuid::Uuid;

use super::Frame;
use crate::error::{Error, Result};
use crate::fingerprint::Fingerprint;
use crate::id::{AssetId, FrameId};
use crate::undo::{self, FrameEdit};

/// A frame without its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Slot {
    pub(crate) id: FrameId,
    pub(crate) asset_id: AssetId,
    pub(crate) prompt: Option<String>,
    pub(crate) source_id: Option<String>,
}

impl Slot {
    pub(super) fn of(frame: &Frame) -> Self {
        Self {
            id: frame.id,
            asset_id: frame.asset_id,
            prompt: frame.frame_prompt.clone(),
            source_id: frame.source_id.clone(),
        }
    }

    /// Returns the fingerprint of what it is, under whatever id.
    pub(super) fn shown(&self) -> Result<String> {
        let fingerprint = Fingerprint::of(&(self.asset_id, &self.prompt, &self.source_id))?;
        Ok(fingerprint.to_string())
    }
}

/// One change of an animation's list of frames.
#[derive(Clone, Debug)]
pub(crate) enum Edit {
    Insert {
        at: Option<u32>,
        slots: Vec<Slot>,
    },
    Move {
        frame: FrameId,
        to: u32,
    },
    Show {
        frame: FrameId,
        asset: AssetId,
    },
    Prompt {
        frame: FrameId,
        prompt: Option<String>,
    },
    Remove {
        frame: FrameId,
    },
    Order(Vec<FrameId>),
}

impl Edit {
    /// Returns the assets that frames will show after the change and did not before.
    pub(super) fn assets(&self) -> Vec<AssetId> {
        match self {
            Self::Insert { slots, .. } => slots.iter().map(|slot| slot.asset_id).collect(),
            Self::Show { asset, .. } => vec![*asset],
            _ => Vec::new(),
        }
    }

    /// Says what the change does to a list, with what it takes to put that back; `None` for
    /// frames that come or go.
    pub(super) fn of_those_there(&self, list: &[Slot]) -> Option<FrameEdit> {
        let place = |frame: &FrameId| list.iter().position(|slot| slot.id == *frame);
        Some(match self {
            Self::Move { frame, to } => FrameEdit::Move {
                frame: *frame,
                from: u32::try_from(place(frame)?).ok()?,
                to: *to,
            },
            Self::Show { frame, asset } => FrameEdit::Show {
                frame: *frame,
                before: list[place(frame)?].asset_id,
                after: *asset,
            },
            Self::Prompt { frame, prompt } => FrameEdit::Prompt {
                frame: *frame,
                before: list[place(frame)?].prompt.clone(),
                after: prompt.clone(),
            },
            Self::Order(order) => {
                let places: HashMap<FrameId, u32> = (0..)
                    .zip(list)
                    .map(|(place, slot)| (slot.id, place))
                    .collect();
                let before = order.iter().filter_map(|frame| places.get(frame).copied());
                FrameEdit::Order {
                    before: undo::runs(before),
                    after: Fingerprint::of(order).ok()?.to_string(),
                }
            }
            Self::Insert { .. } | Self::Remove { .. } => return None,
        })
    }

    /// Returns the list after the change.
    pub(super) fn apply(self, mut list: Vec<Slot>) -> Result<Vec<Slot>> {
        match self {
            Self::Insert { at, slots } => {
                let at = at.map_or(list.len(), |at| at as usize);
                if at > list.len() {
                    return Err(beyond_the_end("at", at, list.len()));
                }
                list.splice(at..at, slots);
            }
            Self::Move { frame, to } => {
                let slot = list.remove(place_of(&list, frame)?);
                if to as usize > list.len() {
                    return Err(beyond_the_end("to", to as usize, list.len()));
                }
                list.insert(to as usize, slot);
            }
            Self::Show { frame, asset } => {
                let place = place_of(&list, frame)?;
                list[place].asset_id = asset;
            }
            Self::Prompt { frame, prompt } => {
                let place = place_of(&list, frame)?;
                list[place].prompt = prompt;
            }
            Self::Remove { frame } => {
                list.remove(place_of(&list, frame)?);
            }
            Self::Order(order) => return ordered(list, &order),
        }
        Ok(list)
    }
}

fn place_of(list: &[Slot], frame: FrameId) -> Result<usize> {
    let place = list.iter().position(|slot| slot.id == frame);
    place.ok_or_else(|| Error::not_found("frame", frame))
}

fn beyond_the_end(field: &str, place: usize, last: usize) -> Error {
    Error::invalid(
        field,
        format!("place {place} is beyond the end; 0 to {last} are possible"),
    )
}

fn ordered(list: Vec<Slot>, order: &[FrameId]) -> Result<Vec<Slot>> {
    let count = list.len();
    let mut slots: HashMap<FrameId, Slot> = list.into_iter().map(|slot| (slot.id, slot)).collect();
    let mut new = Vec::with_capacity(count);
    for frame in order {
        let slot = slots.remove(frame).ok_or_else(|| {
            let reason = format!("the frame {frame} stands twice or belongs to another animation");
            Error::invalid("order", reason)
        })?;
        new.push(slot);
    }
    if let Some(missing) = slots.keys().min() {
        let reason = format!(
            "{} of {count} frames are missing, {missing} among them; name every frame once",
            slots.len()
        );
        return Err(Error::invalid("order", reason));
    }
    Ok(new)
}

/// How two lists differ, as rows to write.
#[derive(Debug, Default)]
pub(super) struct Change {
    pub(super) added: Vec<Frame>,
    /// Frames that stay, at another place.
    pub(super) moved: Vec<Frame>,
    /// Frames that stay and show another asset or have another prompt.
    pub(super) shown: Vec<Frame>,
    pub(super) removed: Vec<Uuid>,
    /// Assets whose places among the frames may have changed.
    pub(super) assets: Vec<Uuid>,
}

/// Compares an animation's frames with the list they become.
pub(super) fn compare(
    old: &[Frame],
    new: Vec<Slot>,
    create: impl Fn(&Slot, u32) -> Frame,
) -> Change {
    let mut left: HashMap<FrameId, &Frame> = old.iter().map(|frame| (frame.id, frame)).collect();
    let mut change = Change::default();
    let mut assets = HashSet::new();
    for (index, slot) in (0..).zip(new) {
        match left.remove(&slot.id) {
            None => {
                assets.insert(slot.asset_id.0);
                change.added.push(create(&slot, index));
            }
            Some(before) => {
                let mut after = before.clone();
                after.frame_index = index;
                after.asset_id = slot.asset_id;
                after.frame_prompt = slot.prompt;
                if after.frame_index != before.frame_index {
                    assets.insert(before.asset_id.0);
                    change.moved.push(after.clone());
                }
                if after.asset_id != before.asset_id {
                    assets.extend([before.asset_id.0, after.asset_id.0]);
                }
                if (after.asset_id, &after.frame_prompt) != (before.asset_id, &before.frame_prompt)
                {
                    change.shown.push(after);
                }
            }
        }
    }
    for frame in old {
        if left.contains_key(&frame.id) {
            assets.insert(frame.asset_id.0);
            change.removed.push(frame.id.0);
        }
    }
    change.assets = assets.into_iter().collect();
    change.assets.sort_unstable();
    change
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slot(n: u128) -> Slot {
        Slot {
            id: FrameId(Uuid::from_u128(n)),
            asset_id: AssetId(Uuid::from_u128(100 + n)),
            prompt: None,
            source_id: None,
        }
    }

    fn ids(list: &[Slot]) -> Vec<u128> {
        list.iter().map(|slot| slot.id.0.as_u128()).collect()
    }

    fn list() -> Vec<Slot> {
        (0..4).map(slot).collect()
    }

    fn frame(n: u128) -> FrameId {
        FrameId(Uuid::from_u128(n))
    }

    #[test]
    fn a_moved_frame_stands_where_it_was_sent() {
        let to = |from, to| {
            ids(&Edit::Move {
                frame: frame(from),
                to,
            }
            .apply(list())
            .unwrap())
        };
        assert_eq!(to(0, 2), [1, 2, 0, 3]);
        assert_eq!(to(3, 0), [3, 0, 1, 2]);
        assert_eq!(to(1, 3), [0, 2, 3, 1]);
        assert_eq!(to(2, 2), [0, 1, 2, 3]);
        assert!(
            Edit::Move {
                frame: frame(0),
                to: 4
            }
            .apply(list())
            .is_err()
        );
    }

    #[test]
    fn inserted_frames_stand_before_the_place_in_their_order() {
        let insert = |at| {
            Edit::Insert {
                at,
                slots: vec![slot(8), slot(9)],
            }
            .apply(list())
        };
        assert_eq!(ids(&insert(Some(1)).unwrap()), [0, 8, 9, 1, 2, 3]);
        assert_eq!(ids(&insert(None).unwrap()), [0, 1, 2, 3, 8, 9]);
        assert_eq!(ids(&insert(Some(4)).unwrap()), [0, 1, 2, 3, 8, 9]);
        assert!(insert(Some(5)).is_err());
    }

    #[test]
    fn an_order_names_every_frame_once() {
        let order =
            |ids: &[u128]| Edit::Order(ids.iter().map(|id| frame(*id)).collect()).apply(list());
        assert_eq!(ids(&order(&[2, 0, 3, 1]).unwrap()), [2, 0, 3, 1]);
        assert!(
            order(&[0, 1, 2])
                .unwrap_err()
                .to_string()
                .contains("1 of 4")
        );
        assert!(
            order(&[0, 1, 2, 2])
                .unwrap_err()
                .to_string()
                .contains("twice")
        );
        assert!(order(&[0, 1, 2, 3, 7]).is_err());
    }
}
