//! Stale frames: what a frame shows was made from something that is no longer meant.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::frames::by_animation;
use super::graph::nearest;
use crate::animation::{self, Named};
use crate::asset::AssetKind;
use crate::character;
use crate::db::Session;
use crate::db::sql::Query;
use crate::db::value::Value;
use crate::error::Result;
use crate::id::{AnimationId, AssetId, CharacterId, FrameId, ProjectId};
use crate::project;
use crate::reference::ReferenceRole;
use crate::studio::Studio;

/// Whose frames are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StaleScope {
    /// Every frame of a project.
    Project(ProjectId),
    /// The frames of a character's animations.
    Character(CharacterId),
    /// The frames of an animation.
    Animation(AnimationId),
}

/// Why a frame is stale.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub enum StaleReason {
    /// It was made from a take that no frame shows.
    TakeNotShown,
    /// It was made from a variation that is not the primary one of its character, and not from
    /// the primary one, too. Where a character has no primary one, none of its variations is
    /// a reason.
    VariationNotPrimary,
}

impl StaleReason {
    /// Every reason, in order.
    pub const ALL: &'static [Self] = &[Self::TakeNotShown, Self::VariationNotPrimary];

    /// Whether `r`, an input, is a reason; `i` is the asset it refers to.
    fn condition(self) -> &'static str {
        match self {
            Self::TakeNotShown => {
                "(i.kind = 'frame' AND NOT EXISTS (SELECT 1 FROM frame s \
                 WHERE s.project_id = i.project_id AND s.asset_id = i.id))"
            }
            Self::VariationNotPrimary => {
                "(i.kind = 'character' AND EXISTS (SELECT 1 FROM character c \
                 WHERE c.project_id = i.project_id AND c.id = i.character_id \
                 AND c.primary_asset_id <> i.id AND NOT EXISTS \
                 (SELECT 1 FROM asset_reference p WHERE p.project_id = r.project_id \
                 AND p.asset_id = r.asset_id AND p.referenced_asset_id = c.primary_asset_id)))"
            }
        }
    }

    fn of(kind: AssetKind) -> Self {
        match kind {
            AssetKind::Character => Self::VariationNotPrimary,
            _ => Self::TakeNotShown,
        }
    }
}

/// What makes a frame stale.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StaleOptions {
    /// Only these reasons; none stand for all.
    pub reasons: Vec<StaleReason>,
    /// Also where only an ancestor of what the frame shows was made from it.
    pub transitive: bool,
}

/// An animation some of whose frames are stale.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct StaleAnimation {
    /// The animation.
    pub animation_id: AnimationId,
    /// Its name.
    pub animation: String,
    /// Whose animation it is.
    pub character_id: CharacterId,
    /// The character's name.
    pub character: String,
    /// The stale frames, in order.
    pub frames: Vec<StaleFrame>,
}

/// A frame that shows something made from what is no longer meant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct StaleFrame {
    /// The frame.
    pub frame_id: FrameId,
    /// Its place in the animation, from 0.
    pub frame_index: u32,
    /// What it shows.
    pub asset_id: AssetId,
    /// Why it is stale, at least one: inputs of what it shows, in the order sent; then, for a
    /// reason that none of them is, the nearest ancestor that is one.
    pub causes: Vec<StaleCause>,
}

/// Something that a frame comes from and that is no longer meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct StaleCause {
    /// Why it makes the frame stale.
    pub reason: StaleReason,
    /// The take or variation.
    pub asset_id: AssetId,
    /// How many steps it is from what the frame shows: 1 for an input.
    pub depth: u32,
    /// What it was for, to what was made from it.
    pub role: ReferenceRole,
}

/// An input that is a reason.
#[derive(Clone, Copy)]
struct Outdated {
    reason: StaleReason,
    input: AssetId,
    role: ReferenceRole,
}

/// Which rows are asked for.
struct Question<'a> {
    project: ProjectId,
    scope: StaleScope,
    options: &'a StaleOptions,
}

impl Question<'_> {
    fn reasons(&self) -> &[StaleReason] {
        match self.options.reasons.as_slice() {
            [] => StaleReason::ALL,
            some => some,
        }
    }

    /// Adds which frames are meant; `f` stands for them.
    fn push_scope(&self, query: &mut Query<'_>) {
        query.push("f.project_id = $1", []);
        match self.scope {
            StaleScope::Project(_) => {}
            StaleScope::Character(id) => query.push(
                " AND f.animation_id IN (SELECT id FROM animation \
                 WHERE project_id = $1 AND character_id = ?)",
                [Value::Id(id.0)],
            ),
            StaleScope::Animation(id) => {
                query.push(" AND f.animation_id = ?", [Value::Id(id.0)]);
            }
        }
    }

    /// Begins a query over what the frames show and, if asked for, everything that was made
    /// from; `r` stands for the inputs.
    fn inputs(&self, select: &str) -> Query<'_> {
        let mut query = Query::new("");
        query.parameters.push(Value::Id(self.project.0));
        query.push(
            "WITH RECURSIVE walk(id) AS (SELECT f.asset_id FROM frame f WHERE ",
            [],
        );
        self.push_scope(&mut query);
        query.push(
            " UNION SELECT r.referenced_asset_id FROM walk CROSS JOIN asset_reference r \
             WHERE r.project_id = $1 AND r.asset_id = walk.id",
            [],
        );
        if !self.options.transitive {
            query.push(" AND 1 = 0", []);
        }
        query.push(") SELECT ", []);
        query.push(select, []);
        query
    }

    fn edges(&self) -> Query<'_> {
        self.inputs(
            "r.referenced_asset_id, r.asset_id FROM walk CROSS JOIN asset_reference r \
             WHERE r.project_id = $1 AND r.asset_id = walk.id",
        )
    }

    fn outdated(&self) -> Query<'_> {
        let mut query = self.inputs(
            "r.asset_id, r.referenced_asset_id, r.role, i.kind FROM walk \
             CROSS JOIN asset_reference r CROSS JOIN asset i \
             WHERE r.project_id = $1 AND r.asset_id = walk.id \
             AND i.project_id = r.project_id AND i.id = r.referenced_asset_id AND (",
        );
        for (index, reason) in self.reasons().iter().enumerate() {
            query.push(if index > 0 { " OR " } else { "" }, []);
            query.push(reason.condition(), []);
        }
        query.push(") ORDER BY r.asset_id, r.position", []);
        query
    }

    fn frames(&self) -> Query<'_> {
        let mut query = Query::new(
            "SELECT f.id, f.animation_id, f.frame_index, f.asset_id FROM frame f WHERE ",
        );
        query.parameters.push(Value::Id(self.project.0));
        self.push_scope(&mut query);
        query.push(" ORDER BY f.animation_id, f.frame_index", []);
        query
    }

    /// Returns the inputs that are reasons, by what was made from them.
    async fn read_outdated(
        &self,
        session: &mut Session,
    ) -> Result<HashMap<AssetId, Vec<Outdated>>> {
        let query = self.outdated();
        let mut outdated: HashMap<AssetId, Vec<Outdated>> = HashMap::new();
        session
            .query(&query, &query.parameters, |row| {
                let made = row.at(0, "asset_reference.asset_id")?;
                outdated.entry(made).or_default().push(Outdated {
                    input: row.at(1, "asset_reference.referenced_asset_id")?,
                    role: row.at(2, "asset_reference.role")?,
                    reason: StaleReason::of(row.at(3, "asset.kind")?),
                });
                Ok(())
            })
            .await?;
        Ok(outdated)
    }

    async fn read_edges(&self, session: &mut Session) -> Result<Vec<(AssetId, AssetId)>> {
        let query = self.edges();
        session
            .query(&query, &query.parameters, |row| {
                Ok((
                    row.at(0, "asset_reference.referenced_asset_id")?,
                    row.at(1, "asset_reference.asset_id")?,
                ))
            })
            .await
    }
}

impl Studio {
    /// Returns the stale frames of a project, a character or an animation, as they are at one
    /// moment: those that show something made from a take that no frame shows, or from a
    /// variation that is not primary; by animation, in the order of the animations' ids.
    ///
    /// Which take a frame showed earlier is not recorded, so a take that was never shown counts
    /// like one that is no longer shown, and a second view of a character like a former design.
    ///
    /// # Errors
    /// [`crate::Error::NotFound`] for the project, character or animation.
    pub async fn stale_frames(
        &self,
        scope: StaleScope,
        options: &StaleOptions,
    ) -> Result<Vec<StaleAnimation>> {
        let mut session = self.database().snapshot().await?;
        let project = match scope {
            StaleScope::Project(id) => project::get(&mut session, id).await?.id,
            StaleScope::Character(id) => character::project_of(&mut session, id).await?,
            StaleScope::Animation(id) => animation::project_of(&mut session, id).await?,
        };
        let question = Question {
            project,
            scope,
            options,
        };
        let outdated = question.read_outdated(&mut session).await?;
        let mut far = Vec::new();
        if options.transitive && !outdated.is_empty() {
            let edges = question.read_edges(&mut session).await?;
            far.extend(question.reasons().iter().map(|reason| {
                let made = outdated.iter().filter_map(|(made, causes)| {
                    let cause = causes.iter().find(|cause| cause.reason == *reason);
                    cause.map(|cause| (*made, 1, *cause))
                });
                let mut made: Vec<_> = made.collect();
                // Of several as near, always the same one.
                made.sort_unstable_by_key(|(made, ..)| *made);
                nearest(&edges, made)
            }));
        }
        let mut stale = Vec::new();
        if !outdated.is_empty() {
            let query = question.frames();
            session
                .query(&query, &query.parameters, |row| {
                    let asset_id = row.at(3, "frame.asset_id")?;
                    let direct = outdated.get(&asset_id).into_iter().flatten();
                    let direct = direct.map(|cause| cause.at(1));
                    let further = far.iter().filter_map(|far| far.get(&asset_id));
                    let further = further.filter(|(depth, _)| *depth > 1);
                    let further = further.map(|(depth, cause)| cause.at(*depth));
                    let frame = StaleFrame {
                        frame_id: row.at(0, "frame.id")?,
                        frame_index: row.at(2, "frame.frame_index")?,
                        asset_id,
                        causes: direct.chain(further).collect(),
                    };
                    if !frame.causes.is_empty() {
                        stale.push((row.at(1, "frame.animation_id")?, frame));
                    }
                    Ok(())
                })
                .await?;
        }
        let group = |animation_id, named: Named, frames| StaleAnimation {
            animation_id,
            animation: named.animation,
            character_id: named.character_id,
            character: named.character,
            frames,
        };
        let animations = by_animation(&mut session, project, stale, group).await?;
        session.end().await?;
        Ok(animations)
    }
}

impl Outdated {
    fn at(self, depth: u32) -> StaleCause {
        StaleCause {
            reason: self.reason,
            asset_id: self.input,
            depth,
            role: self.role,
        }
    }
}

/// Every form of the queries, for the test that prepares them.
#[cfg(test)]
pub(crate) fn every_query(mut prepare: impl FnMut(Query<'_>)) {
    let nil = uuid::Uuid::nil();
    for scope in [
        StaleScope::Project(ProjectId(nil)),
        StaleScope::Character(CharacterId(nil)),
        StaleScope::Animation(AnimationId(nil)),
    ] {
        for transitive in [false, true] {
            for reasons in [&[][..], &[StaleReason::VariationNotPrimary]] {
                let reasons = reasons.to_vec();
                let options = StaleOptions {
                    reasons,
                    transitive,
                };
                let question = Question {
                    project: ProjectId(nil),
                    scope,
                    options: &options,
                };
                prepare(question.edges());
                prepare(question.outdated());
                prepare(question.frames());
            }
        }
    }
}
