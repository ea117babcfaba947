//! Which frames come from an asset, by animation.

use serde::Serialize;
use uuid::Uuid;

use super::graph::nearest;
use crate::animation::{self, Named};
use crate::asset;
use crate::db::Session;
use crate::db::sql::statements;
use crate::db::value::Value;
use crate::error::Result;
use crate::id::{AnimationId, AssetId, CharacterId, FrameId, ProjectId};
use crate::studio::Studio;

statements! {
    // CROSS JOIN keeps SQLite from looking at every reference of the project first.
    DESCENT = "WITH RECURSIVE walk(id) AS (SELECT id FROM asset WHERE project_id = $1 AND id = $2 \
               UNION SELECT r.asset_id FROM walk CROSS JOIN asset_reference r \
               WHERE r.project_id = $1 AND r.referenced_asset_id = walk.id) \
               SELECT r.referenced_asset_id, r.asset_id FROM walk CROSS JOIN asset_reference r \
               WHERE r.project_id = $1 AND r.asset_id = walk.id";
    FRAMES = "WITH RECURSIVE walk(id) AS (SELECT id FROM asset WHERE project_id = $1 AND id = $2 \
              UNION SELECT r.asset_id FROM walk CROSS JOIN asset_reference r \
              WHERE r.project_id = $1 AND r.referenced_asset_id = walk.id) \
              SELECT f.id, f.animation_id, f.frame_index, f.asset_id FROM walk CROSS JOIN frame f \
              WHERE f.project_id = $1 AND f.asset_id = walk.id \
              ORDER BY f.animation_id, f.frame_index";
}

/// An animation some of whose frames come from an asset.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct DescendedAnimation {
    /// The animation.
    pub animation_id: AnimationId,
    /// Its name.
    pub animation: String,
    /// Whose animation it is.
    pub character_id: CharacterId,
    /// The character's name.
    pub character: String,
    /// The frames, in order.
    pub frames: Vec<DescendedFrame>,
}

/// A frame that shows something made from an asset, or the asset itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct DescendedFrame {
    /// The frame.
    pub frame_id: FrameId,
    /// Its place in the animation, from 0.
    pub frame_index: u32,
    /// What it shows.
    pub asset_id: AssetId,
    /// How many steps what it shows is from the asset, on the shortest way; 0 where it shows
    /// the asset itself.
    pub depth: u32,
}

/// Groups frames, which come in the order of their animations, and gives each group its names.
pub(super) async fn by_animation<F, G>(
    session: &mut Session,
    project: ProjectId,
    frames: Vec<(AnimationId, F)>,
    group: impl Fn(AnimationId, Named, Vec<F>) -> G,
) -> Result<Vec<G>> {
    let mut groups: Vec<(AnimationId, Vec<F>)> = Vec::new();
    for (animation, frame) in frames {
        match groups.last_mut() {
            Some((last, frames)) if *last == animation => frames.push(frame),
            _ => groups.push((animation, vec![frame])),
        }
    }
    let ids: Vec<Uuid> = groups.iter().map(|(animation, _)| animation.0).collect();
    let mut names = animation::names(session, project, &ids).await?;
    let groups = groups.into_iter().filter_map(|(animation, frames)| {
        // A foreign key keeps every frame's animation, and that one's character.
        Some(group(animation, names.remove(&animation)?, frames))
    });
    Ok(groups.collect())
}

impl Studio {
    /// Returns the frames that come from an asset, as they are at one moment: those that show
    /// something made from it, directly or not, and those that show it; by animation, in the
    /// order of the animations' ids. Asked of a former design, it says what still has it.
    ///
    /// # Errors
    /// [`crate::Error::NotFound`] for the asset.
    pub async fn frames_from(&self, asset: AssetId) -> Result<Vec<DescendedAnimation>> {
        let mut session = self.database().snapshot().await?;
        let project = asset::project_of(&mut session, asset).await?;
        let parameters = [Value::Id(project.0), Value::Id(asset.0)];
        let edges = session
            .query(&DESCENT, &parameters, |row| {
                Ok((
                    row.at(0, "asset_reference.referenced_asset_id")?,
                    row.at(1, "asset_reference.asset_id")?,
                ))
            })
            .await?;
        let depths = nearest(&edges, [(asset, 0, ())]);
        let frames = session
            .query(&FRAMES, &parameters, |row| {
                let asset_id = row.at(3, "frame.asset_id")?;
                let frame = DescendedFrame {
                    frame_id: row.at(0, "frame.id")?,
                    frame_index: row.at(2, "frame.frame_index")?,
                    asset_id,
                    depth: depths.get(&asset_id).map_or(0, |(depth, ())| *depth),
                };
                Ok((row.at(1, "frame.animation_id")?, frame))
            })
            .await?;
        let group = |animation_id, named: Named, frames| DescendedAnimation {
            animation_id,
            animation: named.animation,
            character_id: named.character_id,
            character: named.character,
            frames,
        };
        let animations = by_animation(&mut session, project, frames, group).await?;
        session.end().await?;
        Ok(animations)
    }
}
