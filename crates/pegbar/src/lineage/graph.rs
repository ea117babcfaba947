//! The graph that was read: depths, and what of it is given.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};

use foldhash::fast::RandomState;

use super::walk::{Input, Readings};
use super::{Lineage, LineageEdge, LineageNode, LineageOptions, LineageSide};
use crate::id::{AssetId, ProjectId};

type Map<T> = HashMap<AssetId, T, RandomState>;

/// A lineage, while it is put together.
pub(super) struct Graph {
    root: AssetId,
    project: Option<ProjectId>,
    nodes: Vec<LineageNode>,
    /// The inputs of each node.
    inputs: Vec<Vec<Input>>,
    /// The nodes by their ids; their places are not used.
    known: Map<usize>,
    has_more: bool,
}

impl Graph {
    pub(super) fn new(root: AssetId) -> Self {
        Self {
            root,
            project: None,
            nodes: Vec::new(),
            inputs: Vec::new(),
            known: Map::default(),
            has_more: false,
        }
    }

    /// Adds what was reached on one side of the root.
    pub(super) fn add(&mut self, readings: Readings, side: LineageSide, options: &LineageOptions) {
        self.project = self.project.or(readings.project);
        let depths = depths(&readings, self.root, side).into_iter();
        let Readings { assets, places, .. } = readings;
        let (read, max) = (assets.len(), options.max_depth.unwrap_or(u32::MAX));
        let mut found = Vec::with_capacity(read);
        for (depth, asset) in depths.zip(assets) {
            if let Some(depth) = depth.filter(|depth| *depth <= max) {
                found.push((depth, asset));
            }
        }
        found.sort_unstable_by_key(|(depth, asset)| (*depth, asset.id));
        let limit = usize::try_from(options.limit).unwrap_or(usize::MAX);
        self.has_more |= found.len() > limit;
        found.truncate(limit);
        let is_all = self.nodes.is_empty() && found.len() == read;
        if is_all {
            self.known = places;
        }
        self.nodes.reserve(found.len());
        self.inputs.reserve(found.len());
        for (depth, asset) in found {
            // In rows that others wrote there may be circles: what is on both sides is there once.
            if !is_all && self.known.insert(asset.id, self.nodes.len()).is_some() {
                continue;
            }
            self.nodes.push(LineageNode {
                id: asset.id,
                side: if depth == 0 { LineageSide::Root } else { side },
                depth,
                kind: asset.kind,
                character_id: asset.character_id,
                animation_id: asset.animation_id,
                sha256: asset.sha256,
                original_name: asset.original_name,
                bytes_dropped_at: asset.bytes_dropped_at,
            });
            self.inputs.push(asset.inputs);
        }
    }

    /// Returns the lineage; `None` where the root is not there.
    pub(super) fn finish(self) -> Option<Lineage> {
        let known = self.known;
        let mut edges = Vec::with_capacity(self.inputs.iter().map(Vec::len).sum());
        for (node, mut inputs) in self.nodes.iter().zip(self.inputs) {
            inputs.sort_unstable_by_key(|input| input.position);
            let inputs = inputs.into_iter();
            let inputs = inputs.filter(|input| known.contains_key(&input.asset_id));
            edges.extend(inputs.map(|input| LineageEdge {
                asset_id: node.id,
                input_id: input.asset_id,
                role: input.role,
                position: input.position,
                sha256: input.sha256,
            }));
        }
        Some(Lineage {
            root: self.root,
            project_id: self.project?,
            nodes: self.nodes,
            edges,
            has_more: self.has_more,
        })
    }
}

/// Returns how far each of the assets is from the root on the shortest way.
fn depths(readings: &Readings, root: AssetId, side: LineageSide) -> Vec<Option<u32>> {
    let Readings { assets, places, .. } = readings;
    let mut next: Vec<Vec<usize>> = vec![Vec::new(); assets.len()];
    for (made, asset) in assets.iter().enumerate() {
        let inputs = asset.inputs.iter();
        for &input in inputs.filter_map(|input| places.get(&input.asset_id)) {
            match side {
                LineageSide::Descendant => next[input].push(made),
                _ => next[made].push(input),
            }
        }
    }
    let mut depths = vec![None; assets.len()];
    let mut queue: VecDeque<(usize, u32)> = VecDeque::new();
    queue.extend(places.get(&root).map(|&place| (place, 0)));
    while let Some((place, depth)) = queue.pop_front() {
        if depths[place].is_none() {
            depths[place] = Some(depth);
            queue.extend(next[place].iter().map(|&neighbour| (neighbour, depth + 1)));
        }
    }
    depths
}

/// Returns how far each asset is from the nearest of some that it was made from, and which one
/// that is. `edges` lead from an input to what was made from it.
pub(super) fn nearest<S: Copy>(
    edges: &[(AssetId, AssetId)],
    sources: impl IntoIterator<Item = (AssetId, u32, S)>,
) -> Map<(u32, S)> {
    let mut made: Map<Vec<AssetId>> = Map::default();
    for &(input, asset) in edges {
        made.entry(input).or_default().push(asset);
    }
    let mut nearest = Map::default();
    let mut queue: VecDeque<(AssetId, u32, S)> = sources.into_iter().collect();
    while let Some((asset, depth, source)) = queue.pop_front() {
        if let Entry::Vacant(free) = nearest.entry(asset) {
            free.insert((depth, source));
            let made = made.get(&asset).into_iter().flatten();
            queue.extend(made.map(|&asset| (asset, depth + 1, source)));
        }
    }
    nearest
}
