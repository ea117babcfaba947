//! What two assets were made from, by role and order.

use serde::Serialize;

use crate::hash::Sha256;
use crate::id::AssetId;
use crate::reference::{Reference, ReferenceRole};

/// An input that two assets do not have alike.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct InputChange {
    /// The input of the first; `None` where it was added.
    pub before: Option<InputPlace>,
    /// The input of the second; `None` where it was removed.
    pub after: Option<InputPlace>,
    /// What is different, at least one.
    pub kinds: Vec<InputChangeKind>,
}

/// An input in its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct InputPlace {
    /// Its place in the order sent, from 0.
    pub position: u32,
    /// The input.
    pub asset_id: AssetId,
    /// What it was for.
    pub role: ReferenceRole,
    /// The SHA-256 of the bytes that were sent; `None` where it is not known.
    pub sha256: Option<Sha256>,
}

/// What is different about an input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum InputChangeKind {
    /// Only the second has it.
    Added,
    /// Only the first has it.
    Removed,
    /// Another asset has the same role.
    OtherAsset,
    /// The same asset has another role.
    OtherRole,
    /// Other bytes were sent.
    OtherBytes,
    /// It stands elsewhere among the inputs that both have.
    Moved,
}

fn places(references: &[Reference]) -> Vec<InputPlace> {
    let place = |(position, reference): (u32, &Reference)| InputPlace {
        position,
        asset_id: reference.asset_id,
        role: reference.role,
        sha256: reference.sha256,
    };
    (0..).zip(references).map(place).collect()
}

/// Compares the inputs of two assets. An input is the same where the asset is, else where the
/// role is and no other has it.
pub(super) fn compare(before: &[Reference], after: &[Reference]) -> Vec<InputChange> {
    let (before, after) = (places(before), places(after));
    let mut partners: Vec<Option<usize>> = vec![None; before.len()];
    let mut is_taken = vec![false; after.len()];
    let mut pair_by = |is_alike: fn(&InputPlace, &InputPlace) -> bool| {
        for (old, partner) in before.iter().zip(&mut partners) {
            if partner.is_some() {
                continue;
            }
            let mut candidates = after.iter().enumerate();
            let found = candidates.find(|(n, new)| !is_taken[*n] && is_alike(old, new));
            if let Some((n, _)) = found {
                is_taken[n] = true;
                *partner = Some(n);
            }
        }
    };
    pair_by(|old, new| (old.asset_id, old.role) == (new.asset_id, new.role));
    pair_by(|old, new| old.asset_id == new.asset_id);
    pair_by(|old, new| old.role == new.role);
    let in_order = longest_rising(&partners);
    let mut changes: Vec<InputChange> = Vec::new();
    for (place, (old, partner)) in before.iter().zip(&partners).enumerate() {
        let new = partner.map(|n| after[n]);
        let mut kinds = Vec::new();
        match new {
            None => kinds.push(InputChangeKind::Removed),
            Some(new) => {
                let differences = [
                    (InputChangeKind::OtherAsset, old.asset_id != new.asset_id),
                    (InputChangeKind::OtherRole, old.role != new.role),
                    (InputChangeKind::OtherBytes, old.sha256 != new.sha256),
                    (InputChangeKind::Moved, !in_order[place]),
                ];
                let differences = differences.iter().filter(|(_, is_different)| *is_different);
                kinds.extend(differences.map(|(kind, _)| *kind));
            }
        }
        if !kinds.is_empty() {
            let before = Some(*old);
            changes.push(InputChange {
                before,
                after: new,
                kinds,
            });
        }
    }
    for (new, _) in after.iter().zip(&is_taken).filter(|(_, taken)| !**taken) {
        changes.push(InputChange {
            before: None,
            after: Some(*new),
            kinds: vec![InputChangeKind::Added],
        });
    }
    changes
}

/// Returns which of the places belong to a longest list of partners that only rises: the
/// others have moved. So one input put first does not make all others move.
fn longest_rising(partners: &[Option<usize>]) -> Vec<bool> {
    // For each length, the place that ends the lowest list of that length (patience sorting).
    let mut ends: Vec<usize> = Vec::new();
    let mut before: Vec<Option<usize>> = vec![None; partners.len()];
    for (place, partner) in partners.iter().enumerate() {
        if partner.is_none() {
            continue;
        }
        let length = ends.partition_point(|&end| partners[end] < *partner);
        before[place] = length.checked_sub(1).map(|shorter| ends[shorter]);
        if length == ends.len() {
            ends.push(place);
        } else {
            ends[length] = place;
        }
    }
    let mut is_in = vec![false; partners.len()];
    let mut next = ends.last().copied();
    while let Some(place) = next {
        is_in[place] = true;
        next = before[place];
    }
    is_in
}

#[cfg(test)]
mod tests {
    use InputChangeKind::{Added, Moved, OtherAsset, OtherBytes, OtherRole, Removed};
    use ReferenceRole::{Character, Pose, PreviousFrame, Style};
    use uuid::Uuid;

    use super::*;

    fn inputs(list: &[(u128, ReferenceRole)]) -> Vec<Reference> {
        let input = |(id, role): &(u128, ReferenceRole)| Reference {
            asset_id: AssetId(Uuid::from_u128(*id)),
            role: *role,
            sha256: Some(Sha256::of(&id.to_be_bytes())),
        };
        list.iter().map(input).collect()
    }

    /// What changed: the position before, the one after, and how.
    fn changes(
        before: &[(u128, ReferenceRole)],
        after: &[(u128, ReferenceRole)],
    ) -> Vec<(Option<u32>, Option<u32>, Vec<InputChangeKind>)> {
        let changes = compare(&inputs(before), &inputs(after));
        let place = |place: Option<InputPlace>| place.map(|place| place.position);
        changes
            .into_iter()
            .map(|change| (place(change.before), place(change.after), change.kinds))
            .collect()
    }

    #[test]
    fn an_input_put_first_moves_no_other() {
        assert_eq!(
            changes(
                &[(1, Character), (2, PreviousFrame)],
                &[(9, Style), (1, Character), (2, PreviousFrame)]
            ),
            [(None, Some(0), vec![Added])]
        );
        assert_eq!(
            changes(&[(1, Character), (2, Style)], &[(1, Character)]),
            [(Some(1), None, vec![Removed])]
        );
    }

    #[test]
    fn inputs_in_another_order_have_moved() {
        assert_eq!(
            changes(
                &[(1, Character), (2, Style), (3, Pose)],
                &[(3, Pose), (1, Character), (2, Style)]
            ),
            [(Some(2), Some(0), vec![Moved])]
        );
    }

    #[test]
    fn another_asset_of_the_same_role_stands_in_its_place() {
        assert_eq!(
            changes(
                &[(1, Character), (2, PreviousFrame)],
                &[(1, Character), (3, PreviousFrame)]
            ),
            [(Some(1), Some(1), vec![OtherAsset, OtherBytes])]
        );
        assert_eq!(
            changes(&[(1, Character)], &[(1, Style)]),
            [(Some(0), Some(0), vec![OtherRole])]
        );
    }

    #[test]
    fn other_bytes_of_the_same_asset_are_told() {
        let before = inputs(&[(1, Character)]);
        let mut after = before.clone();
        after[0].sha256 = Some(Sha256::of(b"other"));
        assert_eq!(compare(&before, &after)[0].kinds, [OtherBytes]);
        assert_eq!(compare(&before, &before), []);
    }

    #[test]
    fn an_asset_that_was_sent_twice_is_two_inputs() {
        assert_eq!(
            changes(&[(1, Style), (1, Style)], &[(1, Style)]),
            [(Some(1), None, vec![Removed])]
        );
    }
}
