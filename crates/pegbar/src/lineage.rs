//! Lineage: what an asset was made from, what was made from it, and which frames of an
//! animation come from something that is no longer meant.

mod frames;
mod graph;
mod reach;
mod stale;
mod walk;

use serde::{Deserialize, Serialize};

use crate::asset::AssetKind;
use crate::error::{Error, Result};
use crate::hash::Sha256;
use crate::id::{AnimationId, AssetId, CharacterId, ProjectId};
use crate::reference::ReferenceRole;
use crate::studio::Studio;
use crate::time::MillisSinceEpoch;
#[cfg(test)]
pub(crate) use frames::STATEMENTS as FRAMES_STATEMENTS;
pub use frames::{DescendedAnimation, DescendedFrame};
use graph::Graph;
#[cfg(test)]
pub(crate) use reach::STATEMENTS as REACH_STATEMENTS;
pub(crate) use reach::{ancestors, descendants};
#[cfg(test)]
pub(crate) use stale::every_query as every_stale_query;
pub use stale::{StaleAnimation, StaleCause, StaleFrame, StaleOptions, StaleReason, StaleScope};
use walk::Walk;
#[cfg(test)]
pub(crate) use walk::every_query as every_walk;

/// How many assets a lineage has at most, unless more are asked for.
pub const DEFAULT_LINEAGE_LIMIT: u32 = 10_000;

/// How many assets of a lineage can be asked for.
pub const MAX_LINEAGE_LIMIT: u32 = 1_000_000;

/// Which way a lineage is followed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub enum LineageDirection {
    /// To what the asset was made from.
    #[default]
    Ancestors,
    /// To what was made from the asset.
    Descendants,
    /// Both ways; not to what else was made from its ancestors.
    Both,
}

/// How much of a lineage is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineageOptions {
    /// Which way it is followed.
    pub direction: LineageDirection,
    /// How many steps from the asset, at most; `None` for all. 0 is the asset alone.
    pub max_depth: Option<u32>,
    /// Only inputs of these roles are followed; none stand for all.
    pub roles: Vec<ReferenceRole>,
    /// How many assets each way, at most: from 1 to [`MAX_LINEAGE_LIMIT`]. The asset itself
    /// counts. The nearest are there.
    pub limit: u32,
}

impl Default for LineageOptions {
    fn default() -> Self {
        Self {
            direction: LineageDirection::default(),
            max_depth: None,
            roles: Vec::new(),
            limit: DEFAULT_LINEAGE_LIMIT,
        }
    }
}

impl LineageOptions {
    /// Begins with everything in one direction.
    #[must_use]
    pub fn new(direction: LineageDirection) -> Self {
        Self {
            direction,
            ..Self::default()
        }
    }

    fn check(&self) -> Result<()> {
        if (1..=MAX_LINEAGE_LIMIT).contains(&self.limit) {
            return Ok(());
        }
        let reason = format!("{} is not from 1 to {MAX_LINEAGE_LIMIT}", self.limit);
        Err(Error::invalid("limit", reason))
    }
}

/// The graph of what an asset was made from, what was made from it, or both.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Lineage {
    /// The asset whose lineage it is.
    pub root: AssetId,
    /// The project of all of them.
    pub project_id: ProjectId,
    /// The assets: the root, then its ancestors, then its descendants, each by depth and, for
    /// one depth, by id. Each is there once.
    pub nodes: Vec<LineageNode>,
    /// Every input, of the roles wanted, that both ends of are among the nodes: by the made
    /// asset in the order of the nodes, then in the order sent.
    pub edges: Vec<LineageEdge>,
    /// There is more than the limit lets in. The depths are right all the same.
    pub has_more: bool,
}

/// On which side of the root an asset is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub enum LineageSide {
    /// It is the root.
    Root,
    /// The root was made from it.
    Ancestor,
    /// It was made from the root.
    Descendant,
}

/// An asset of a lineage.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct LineageNode {
    /// The asset.
    pub id: AssetId,
    /// On which side of the root it is.
    pub side: LineageSide,
    /// How many steps it is from the root, on the shortest way; 0 for the root.
    pub depth: u32,
    /// What it is for.
    pub kind: AssetKind,
    /// For a variation: its character.
    pub character_id: Option<CharacterId>,
    /// For a take: the animation it was made for.
    pub animation_id: Option<AnimationId>,
    /// The SHA-256 of its bytes; `None` where another program wrote the row and it has not
    /// been adopted yet.
    pub sha256: Option<Sha256>,
    /// The file name it came with.
    pub original_name: Option<String>,
    /// When its bytes were dropped; `None` while they are there.
    pub bytes_dropped_at: Option<MillisSinceEpoch>,
}

/// An input of an asset: one was made from the other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct LineageEdge {
    /// The asset that was made.
    pub asset_id: AssetId,
    /// What it was made from.
    pub input_id: AssetId,
    /// What the input was for.
    pub role: ReferenceRole,
    /// The input's place in the order sent, from 0.
    pub position: u32,
    /// The SHA-256 of the bytes that were sent; `None` where another program wrote the row and
    /// it has not been adopted yet.
    pub sha256: Option<Sha256>,
}

impl Studio {
    /// Returns what an asset was made from, what was made from it, or both, as it was at one
    /// moment: one query each way.
    ///
    /// # Errors
    /// [`Error::NotFound`] for the asset; [`Error::Invalid`] for a limit out of range.
    pub async fn lineage(&self, asset: AssetId, options: &LineageOptions) -> Result<Lineage> {
        options.check()?;
        let sides: &[LineageSide] = match options.direction {
            LineageDirection::Ancestors => &[LineageSide::Ancestor],
            LineageDirection::Descendants => &[LineageSide::Descendant],
            LineageDirection::Both => &[LineageSide::Ancestor, LineageSide::Descendant],
        };
        // A single query sees one state anyway.
        let is_one_query = sides.len() == 1;
        let mut session = if is_one_query {
            self.database().read().await?
        } else {
            self.database().snapshot().await?
        };
        let mut graph = Graph::new(asset);
        for &side in sides {
            let walk = Walk::new(asset, side, options);
            graph.add(walk.read(&mut session).await?, side, options);
        }
        if !is_one_query {
            session.end().await?;
        }
        graph
            .finish()
            .ok_or_else(|| Error::not_found("asset", asset))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::tests::QUERIES;
    use crate::{ImageSource, NewAsset, NewProject};

    #[tokio::test]
    async fn a_lineage_takes_one_query_each_way_whatever_is_in_it() {
        let folder = tempfile::tempdir().unwrap();
        let studio = Studio::create(folder.path()).await.unwrap();
        let mut png = std::io::Cursor::new(Vec::new());
        let picture = image::RgbaImage::new(2, 2);
        picture.write_to(&mut png, image::ImageFormat::Png).unwrap();
        let stored = studio.store_image(&ImageSource::Bytes(png.into_inner()));
        let image = ImageSource::Stored(stored.unwrap());
        let ids: Vec<AssetId> = (0..60).map(|_| studio.new_id()).collect();
        let mut project = NewProject::new("P");
        for (place, id) in ids.iter().enumerate() {
            let inputs = ids[place.saturating_sub(3)..place].iter();
            let new = NewAsset::new(image.clone()).id(*id);
            project = project.reference(inputs.fold(new, |new, input| {
                new.made_from(*input, ReferenceRole::PreviousFrame)
            }));
        }
        studio.create_project(project).await.unwrap();
        for (direction, queries) in [
            (LineageDirection::Ancestors, 1),
            (LineageDirection::Descendants, 1),
            (LineageDirection::Both, 2),
        ] {
            for (root, max_depth) in [(0, None), (30, None), (59, None), (30, Some(2))] {
                let options = LineageOptions {
                    max_depth,
                    ..LineageOptions::new(direction)
                };
                let before = QUERIES.get();
                let found = studio.lineage(ids[root], &options).await.unwrap();
                assert_eq!(QUERIES.get() - before, queries, "{direction:?} of {root}");
                assert!(found.nodes.len() < 61);
            }
        }
    }
}
