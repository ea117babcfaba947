//! Where the frames of an import stand among those that an animation has. Pure.

use std::collections::HashMap;

use crate::frame::edit::Slot;
use crate::id::AssetId;

/// What becomes of a planned frame.
#[derive(Debug)]
pub(super) enum Step {
    /// It stays as it is.
    Keep,
    /// A new frame.
    Insert(Slot),
    /// The frame that shows an earlier version of its file shows this asset.
    Show(AssetId),
}

/// Brings planned frames into an animation's list.
///
/// `versions` are the assets of every planned frame of the animation, also of those outside of
/// this batch: what shows one of them stands for the frame. `steps` begin at the planned frame
/// number `first`. A new frame stands behind the nearest planned frame before it that is shown;
/// where there is none, before the nearest one behind it, else at the end.
pub(super) fn merge(
    list: Vec<Slot>,
    versions: &[Vec<AssetId>],
    first: usize,
    steps: &[Step],
) -> Merged {
    let mut places: HashMap<AssetId, usize> = HashMap::with_capacity(list.len());
    for (place, slot) in list.iter().enumerate() {
        places.insert(slot.asset_id, place);
    }
    let place_of = |planned: usize| {
        let versions = versions.get(planned)?.iter();
        versions.rev().find_map(|asset| places.get(asset)).copied()
    };
    // What stands before the list's place with this number.
    let mut inserted: HashMap<usize, Vec<Slot>> = HashMap::new();
    let mut shown: HashMap<usize, AssetId> = HashMap::new();
    let mut merged = Merged::default();
    // Where the frame before this one went, for frames in a row.
    let mut behind: Option<usize> = None;
    let end = list.len();
    for (planned, step) in (first..).zip(steps) {
        match step {
            Step::Keep => behind = place_of(planned).map(|place| place + 1).or(behind),
            Step::Show(asset) => {
                if let Some(place) = place_of(planned) {
                    behind = Some(place + 1);
                    let earlier = list[place].asset_id;
                    if earlier != *asset {
                        // A frame may stand twice: in a loop, both show the file.
                        let same = list.iter().enumerate();
                        let same = same.filter(|(_, slot)| slot.asset_id == earlier);
                        shown.extend(same.map(|(place, _)| (place, *asset)));
                        merged.shown.push(*asset);
                    }
                }
            }
            Step::Insert(slot) => {
                let before = || (0..planned).rev().find_map(place_of).map(|place| place + 1);
                let after = || (planned + 1..versions.len()).find_map(place_of);
                let place = behind.or_else(before).or_else(after).unwrap_or(end);
                behind = Some(place);
                inserted.entry(place).or_default().push(slot.clone());
                merged.inserted += 1;
            }
        }
    }
    merged.list = Vec::with_capacity(end + inserted.len());
    for (place, mut slot) in list.into_iter().enumerate() {
        merged
            .list
            .extend(inserted.remove(&place).into_iter().flatten());
        if let Some(asset) = shown.remove(&place) {
            slot.asset_id = asset;
        }
        merged.list.push(slot);
    }
    merged
        .list
        .extend(inserted.remove(&end).into_iter().flatten());
    merged
}

/// A list after an import, and what is new in it.
#[derive(Debug, Default)]
pub(super) struct Merged {
    pub(super) list: Vec<Slot>,
    pub(super) inserted: u64,
    /// Assets that a frame shows now instead of an earlier version.
    pub(super) shown: Vec<AssetId>,
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::id::FrameId;

    fn asset(n: u128) -> AssetId {
        AssetId(Uuid::from_u128(n))
    }

    fn slot(n: u128) -> Slot {
        Slot {
            id: FrameId(Uuid::from_u128(n)),
            asset_id: asset(n),
            prompt: None,
            source_id: None,
        }
    }

    fn merged(list: &[u128], versions: &[&[u128]], first: usize, steps: &[Step]) -> Vec<u128> {
        let list = list.iter().map(|n| slot(*n)).collect();
        let of = |ids: &&[u128]| ids.iter().map(|n| asset(*n)).collect();
        let versions: Vec<Vec<AssetId>> = versions.iter().map(of).collect();
        let merged = merge(list, &versions, first, steps);
        merged
            .list
            .iter()
            .map(|slot| slot.asset_id.0.as_u128())
            .collect()
    }

    #[test]
    fn new_frames_stand_behind_the_one_they_follow() {
        let new = |n| Step::Insert(slot(n));
        let keep = || Step::Keep;
        let (none, one, two, three): (&[u128], &[u128], &[u128], &[u128]) = (&[], &[1], &[2], &[3]);
        let list = [1, 2, 3];
        let versions = [one, none, none, two, none, three];
        let steps = vec![keep(), new(8), new(9), keep(), new(7), keep()];
        assert_eq!(merged(&list, &versions, 0, &steps), [1, 8, 9, 2, 7, 3]);
        // The user has reordered and removed: what is there stays in its order.
        let steps = vec![keep(), new(8), new(9), keep(), new(7), keep()];
        assert_eq!(merged(&[3, 1], &versions, 0, &steps), [3, 1, 8, 9, 7]);
        // The first frame of all.
        assert_eq!(merged(&list, &[none, one, two], 0, &[new(8)]), [8, 1, 2, 3]);
        // The second batch of a long animation.
        let versions = [one, two, three, none, none];
        assert_eq!(
            merged(&list, &versions, 3, &[new(4), new(5)]),
            [1, 2, 3, 4, 5]
        );
        assert_eq!(merged(&[6], &[none], 0, &[new(8)]), [6, 8]);
    }

    #[test]
    fn a_changed_file_is_shown_where_the_earlier_one_was() {
        let versions: [&[u128]; 2] = [&[1, 11], &[2]];
        let steps = vec![Step::Show(asset(11)), Step::Keep];
        assert_eq!(merged(&[2, 1], &versions, 0, &steps), [2, 11]);
        // No frame shows it any more: nothing is shown.
        let steps = vec![Step::Show(asset(11)), Step::Keep];
        assert_eq!(merged(&[2], &versions, 0, &steps), [2]);
    }
}
