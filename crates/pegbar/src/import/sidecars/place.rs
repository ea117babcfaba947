//! Where new frames stand among those that are there.

use std::collections::HashSet;

use crate::frame::edit::Slot;
use crate::id::FrameId;

/// Puts new frames into a list: each behind the one it follows in the export, as far as that is
/// there. `order` is the whole order there; `new` has the frames with their places in it.
pub(super) fn insert(
    mut list: Vec<Slot>,
    order: &[(u32, FrameId)],
    new: Vec<(usize, Slot)>,
) -> Vec<Slot> {
    let mut there: HashSet<FrameId> = list.iter().map(|slot| slot.id).collect();
    // One that could not keep its id has it as its source id.
    there.extend(
        list.iter()
            .filter_map(|slot| slot.source_id.as_ref()?.parse::<FrameId>().ok()),
    );
    for (place, slot) in new {
        let (before, behind) = order.split_at(place);
        let is_there = |(_, id): &&(u32, FrameId)| there.contains(id);
        let follows = before.iter().rev().find(is_there);
        let follows = follows.and_then(|(_, id)| position(&list, *id));
        let precedes = || {
            let next = behind.iter().skip(1).find(is_there);
            next.and_then(|(_, id)| position(&list, *id))
        };
        let at = match follows {
            Some(at) => at + 1,
            None => precedes().unwrap_or(list.len()),
        };
        there.insert(order[place].1);
        list.insert(at, slot);
    }
    list
}

fn position(list: &[Slot], id: FrameId) -> Option<usize> {
    let source = id.to_string();
    list.iter()
        .position(|slot| slot.id == id || slot.source_id.as_deref() == Some(&source))
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::id::AssetId;

    fn slot(n: u128) -> Slot {
        Slot {
            id: FrameId(Uuid::from_u128(n)),
            asset_id: AssetId(Uuid::from_u128(n)),
            prompt: None,
            source_id: None,
        }
    }

    fn merged(there: &[u128], new: &[u128]) -> Vec<u128> {
        let order: Vec<_> = (0..6).map(|n| (n, slot(u128::from(n)).id)).collect();
        let new = new.iter().map(|n| (usize::try_from(*n).unwrap(), slot(*n)));
        let list = insert(
            there.iter().map(|n| slot(*n)).collect(),
            &order,
            new.collect(),
        );
        list.iter().map(|slot| slot.id.0.as_u128()).collect()
    }

    #[test]
    fn a_new_frame_follows_the_one_it_follows_in_the_export() {
        assert_eq!(merged(&[], &[0, 1, 2]), [0, 1, 2]);
        assert_eq!(merged(&[0, 1, 4], &[2, 3, 5]), [0, 1, 2, 3, 4, 5]);
        assert_eq!(merged(&[2, 3], &[0, 1]), [0, 1, 2, 3]);
        // What the user moved stays where it was moved to; 90 is not from the export.
        assert_eq!(merged(&[4, 90, 1], &[0, 2]), [4, 90, 0, 1, 2]);
        assert_eq!(merged(&[90], &[3]), [90, 3]);
    }

    #[test]
    fn a_frame_is_known_by_its_source_id() {
        let mut renumbered = slot(90);
        renumbered.source_id = Some(slot(1).id.to_string());
        let order: Vec<_> = (0..3).map(|n| (n, slot(u128::from(n)).id)).collect();
        let list = insert(vec![renumbered, slot(91)], &order, vec![(2, slot(2))]);
        let list: Vec<_> = list.iter().map(|slot| slot.id.0.as_u128()).collect();
        assert_eq!(list, [90, 2, 91]);
    }
}
