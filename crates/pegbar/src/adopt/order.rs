//! In which order assets are adopted: inputs before what was made from them.

use std::collections::{HashMap, HashSet};

use crate::id::AssetId;

/// The order, and what has none.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Order {
    /// Every input precedes its outputs.
    pub(super) order: Vec<AssetId>,
    /// Assets that would be made from themselves by way of each other.
    pub(super) cycles: Vec<Vec<AssetId>>,
}

/// How far an asset has been visited.
struct Visit {
    number: usize,
    /// The least number that can be reached from it.
    low: usize,
    is_open: bool,
}

/// Orders assets by their inputs, of which those that are not among the assets do not count.
///
/// These are the strongly connected components of the graph, which come inputs first (R.
/// Tarjan, *Depth-First Search and Linear Graph Algorithms*, 1972); with a stack of our own,
/// for a chain of frames may be longer than the thread's stack is deep.
pub(super) fn inputs_first(assets: &[AssetId], edges: &HashMap<AssetId, Vec<AssetId>>) -> Order {
    let own: HashSet<AssetId> = assets.iter().copied().collect();
    let mut visits: HashMap<AssetId, Visit> = HashMap::with_capacity(assets.len());
    let mut open = Vec::new();
    let mut found = Order::default();
    for &start in assets {
        if visits.contains_key(&start) {
            continue;
        }
        let mut path = vec![(start, 0)];
        while let Some((asset, next)) = path.pop() {
            let number = visits.len();
            visits.entry(asset).or_insert_with(|| {
                open.push(asset);
                Visit {
                    number,
                    low: number,
                    is_open: true,
                }
            });
            if let Some(&input) = edges.get(&asset).and_then(|inputs| inputs.get(next)) {
                path.push((asset, next + 1));
                match visits.get(&input) {
                    Some(visit) if visit.is_open => {
                        let number = visit.number;
                        lower(&mut visits, asset, number);
                    }
                    None if own.contains(&input) => path.push((input, 0)),
                    _ => {}
                }
                continue;
            }
            let (number, low) = visits
                .get(&asset)
                .map_or((0, 0), |visit| (visit.number, visit.low));
            if let Some((above, _)) = path.last() {
                lower(&mut visits, *above, low);
            }
            if low == number {
                close(asset, &mut open, &mut visits, &mut found);
            }
        }
    }
    found
}

fn lower(visits: &mut HashMap<AssetId, Visit>, asset: AssetId, low: usize) {
    if let Some(visit) = visits.get_mut(&asset) {
        visit.low = visit.low.min(low);
    }
}

/// Takes a component off the open assets: one asset, or a cycle.
fn close(
    root: AssetId,
    open: &mut Vec<AssetId>,
    visits: &mut HashMap<AssetId, Visit>,
    found: &mut Order,
) {
    let mut component = Vec::new();
    while let Some(asset) = open.pop() {
        if let Some(visit) = visits.get_mut(&asset) {
            visit.is_open = false;
        }
        component.push(asset);
        if asset == root {
            break;
        }
    }
    if let [asset] = component.as_slice() {
        found.order.push(*asset);
    } else {
        component.sort_unstable();
        found.cycles.push(component);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn id(number: u128) -> AssetId {
        AssetId(Uuid::from_u128(number))
    }

    fn order(count: u128, edges: &[(u128, u128)]) -> Order {
        let assets: Vec<AssetId> = (0..count).map(id).collect();
        let mut inputs: HashMap<AssetId, Vec<AssetId>> = HashMap::new();
        for (output, input) in edges {
            inputs.entry(id(*output)).or_default().push(id(*input));
        }
        inputs_first(&assets, &inputs)
    }

    #[test]
    fn every_input_precedes_its_outputs() {
        // 99 is not among them.
        let found = order(5, &[(0, 1), (1, 4), (0, 3), (3, 4), (2, 0), (4, 99)]);
        let place = |n| found.order.iter().position(|each| *each == id(n)).unwrap();
        assert_eq!(found.order.len(), 5);
        for (output, input) in [(0, 1), (1, 4), (0, 3), (3, 4), (2, 0)] {
            assert!(place(input) < place(output), "{found:?}");
        }
    }

    #[test]
    fn cycles_are_told_from_what_hangs_on_them() {
        // 0 → 1 → 2 → 0, 3 hangs on it, 4 feeds it; 5 ⇄ 6.
        let edges = [
            (0, 1),
            (1, 2),
            (2, 0),
            (3, 2),
            (1, 4),
            (5, 6),
            (6, 5),
            (6, 0),
        ];
        let found = order(7, &edges);
        assert_eq!(
            found.cycles,
            [vec![id(0), id(1), id(2)], vec![id(5), id(6)]]
        );
        assert_eq!(found.order, [id(4), id(3)]);
    }

    #[test]
    fn a_chain_of_100_000_is_no_deeper_than_any_other() {
        let edges: Vec<(u128, u128)> = (0..99_999).map(|n| (n, n + 1)).collect();
        let found = order(100_000, &edges);
        assert_eq!(found.order.first(), Some(&id(99_999)));
        assert_eq!((found.order.len(), found.cycles.len()), (100_000, 0));
    }
}
