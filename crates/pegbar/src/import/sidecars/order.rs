//! Inputs before outputs.

use std::collections::HashMap;

use super::{Entry, RefusedSidecar};
use crate::id::AssetId;

/// The places of a plan's entries in an order in which inputs come first, without those that
/// contradict another.
pub(super) struct Order {
    pub(super) places: Vec<usize>,
    pub(super) refused: Vec<RefusedSidecar>,
}

#[derive(Clone, Copy, PartialEq)]
enum Mark {
    New,
    Open,
    Done,
}

pub(super) fn inputs_first(entries: &[Entry], ids: &HashMap<AssetId, usize>) -> Order {
    let mut order = Order {
        places: Vec::with_capacity(entries.len()),
        refused: Vec::new(),
    };
    let mut marks = vec![Mark::New; entries.len()];
    // A stack of our own: a chain of frames may be longer than the thread's stack is deep.
    let mut stack = Vec::new();
    for start in 0..entries.len() {
        stack.push((start, 0));
        while let Some((place, next)) = stack.pop() {
            if marks[place] == Mark::Done {
                continue;
            }
            marks[place] = Mark::Open;
            let entry = &entries[place];
            let Some(input) = entry.inputs.get(next) else {
                marks[place] = Mark::Done;
                order.places.push(place);
                continue;
            };
            let Some(&own) = ids.get(&input.id) else {
                stack.push((place, next + 1));
                continue;
            };
            let field = format!("asset.references[{next}].assetId");
            if entries[own].record_hash != input.record_hash {
                marks[place] = Mark::Done;
                order.refused.push(RefusedSidecar {
                    path: entry.path.clone(),
                    field,
                    reason: format!(
                        "it was made from an asset with the record hash {}; {} has {}",
                        input.record_hash, entries[own].path, entries[own].record_hash
                    ),
                });
            } else if marks[own] == Mark::Open {
                // Whoever can do this can find collisions of SHA-256.
                marks[place] = Mark::Done;
                order.refused.push(RefusedSidecar {
                    path: entry.path.clone(),
                    field,
                    reason: "it would be made from itself".to_owned(),
                });
            } else {
                stack.push((place, next + 1));
                if marks[own] == Mark::New {
                    stack.push((own, 0));
                }
            }
        }
    }
    order
}
