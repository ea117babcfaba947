//! A lineage as a tree.

use std::collections::{HashMap, HashSet};

use pegbar::{AssetId, LineageDirection, LineageEdge, LineageNode, LineageSide};

use super::Named;
use crate::command::tree::Branch;
use crate::error::CommandError;
use crate::output::Output;
use crate::text::count;

/// How deep the tree is drawn: what is deeper would begin beyond any screen.
const DRAWN_DEPTH: u32 = 40;

/// Prints the asset, and below it what it was made from, what was made from it, or both; without
/// a direction, the asset alone.
///
/// `claimed_inputs` is how many the asset's file claims, which is said where none is recorded.
pub(super) fn print(
    output: &Output,
    named: &Named,
    direction: Option<LineageDirection>,
    claimed_inputs: usize,
) -> Result<(), CommandError> {
    let root = named.lineage.root;
    output.line(line(output, named, root, ""))?;
    let Some(direction) = direction else {
        return Ok(());
    };
    let sides = [
        (
            LineageDirection::Ancestors,
            LineageSide::Ancestor,
            "made from",
        ),
        (
            LineageDirection::Descendants,
            LineageSide::Descendant,
            "what was made from it",
        ),
    ];
    for (wanted, side, title) in sides {
        if direction != wanted && direction != LineageDirection::Both {
            continue;
        }
        let mut tree = Tree::new(output, named, side);
        let mut top = Branch::new(title.to_owned());
        top.below = tree.below(root, 0);
        if top.below.is_empty() {
            let claimed = match side {
                LineageSide::Ancestor if claimed_inputs > 0 => {
                    let inputs = count(claimed_inputs as u64, "input");
                    format!(" (the file claims {inputs}: `pegbar asset show {root}`)")
                }
                _ => String::new(),
            };
            output.line(format_args!("{title}: nothing recorded{claimed}"))?;
            continue;
        }
        let lines = top.lines("", "");
        lines.into_iter().try_for_each(|line| output.line(line))?;
    }
    Ok(())
}

fn line(output: &Output, named: &Named, id: AssetId, role: &str) -> String {
    let role = if role.is_empty() {
        String::new()
    } else {
        format!("{role}: ")
    };
    format!("{role}{}  {}", named.name(id), output.id(id))
}

/// One side of a lineage, while it is drawn.
struct Tree<'a> {
    output: &'a Output,
    named: &'a Named,
    side: LineageSide,
    /// The edges that lead on from each asset.
    next: HashMap<AssetId, Vec<&'a LineageEdge>>,
    nodes: HashMap<AssetId, &'a LineageNode>,
    drawn: HashSet<AssetId>,
}

impl<'a> Tree<'a> {
    fn new(output: &'a Output, named: &'a Named, side: LineageSide) -> Self {
        let nodes = named.lineage.nodes.iter().map(|node| (node.id, node));
        let nodes: HashMap<AssetId, &LineageNode> = nodes.collect();
        let mut next: HashMap<AssetId, Vec<&LineageEdge>> = HashMap::new();
        for edge in &named.lineage.edges {
            let (from, to) = match side {
                LineageSide::Descendant => (edge.input_id, edge.asset_id),
                _ => (edge.asset_id, edge.input_id),
            };
            let is_on_side = |id| nodes.get(&id).is_some_and(|node| node.side == side);
            if is_on_side(to) {
                next.entry(from).or_default().push(edge);
            }
        }
        Self {
            output,
            named,
            side,
            next,
            nodes,
            drawn: HashSet::new(),
        }
    }

    /// Returns the branches below an asset that stands so many steps from the root. Each asset
    /// is drawn with what is beyond it where it stands nearest to the root.
    fn below(&mut self, from: AssetId, depth: u32) -> Vec<Branch> {
        let edges = self.next.get(&from).cloned().unwrap_or_default();
        if depth >= DRAWN_DEPTH && !edges.is_empty() {
            let text = format!(
                "… {} more below: ask for the lineage of this one, or say --json",
                count(edges.len() as u64, "asset")
            );
            return vec![Branch::new(text)];
        }
        let mut branches = Vec::with_capacity(edges.len());
        for edge in edges {
            let id = match self.side {
                LineageSide::Descendant => edge.asset_id,
                _ => edge.input_id,
            };
            let text = line(self.output, self.named, id, edge.role.as_str());
            let is_nearest = self
                .nodes
                .get(&id)
                .is_some_and(|node| node.depth == depth + 1);
            let mut branch = Branch::new(text);
            if is_nearest && self.drawn.insert(id) {
                branch.below = self.below(id, depth + 1);
            } else if self.next.contains_key(&id) {
                let is_drawn = self.drawn.contains(&id);
                let see = if is_drawn {
                    "  (see above)"
                } else {
                    "  (see below)"
                };
                branch.text.push_str(see);
            }
            branches.push(branch);
        }
        branches
    }
}
