//! What `sync` checks beside the files: the keys between rows, and the orders of frames.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use tokio::task::JoinHandle;
use uuid::Uuid;

use crate::animation;
use crate::change::{ChangeKind, EntityKind};
use crate::db::sql::{Engine, statements};
use crate::db::value::Value;
use crate::db::{Session, aside, constraint_names};
use crate::error::Result;
use crate::id::{AnimationId, AssetId, ProjectId};
use crate::studio::Studio;
use crate::view::{self, Scope, Stale};

statements! {
    // Indices are unique and not negative: without a gap, the last is one less than their count.
    GAPS = "SELECT project_id, animation_id FROM frame GROUP BY project_id, animation_id \
            HAVING max(frame_index) >= count(*) ORDER BY project_id, animation_id";
    LOCK_PROJECT = "SELECT id FROM project WHERE id = $1 {for update}";
    LOCK_ANIMATION = "SELECT version FROM animation WHERE project_id = $1 AND id = $2 \
                      {for update}";
    FRAMES = "SELECT id, asset_id, frame_index FROM frame \
              WHERE project_id = $1 AND animation_id = $2 ORDER BY frame_index, id";
    PLACE = "UPDATE frame SET frame_index = $3 WHERE project_id = $1 AND id = $2";
    KEYS = "{key check}";
}

/// What was found in the rows, beside the files.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct IntegrityReport {
    /// Animations whose frames had gaps in their order; the gaps are closed.
    pub closed_gaps: Vec<AnimationId>,
    /// Keys between rows that do not hold. Nothing was changed about them.
    pub broken_keys: Vec<BrokenKey>,
}

/// A key between rows that does not hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(
    tag = "kind",
    rename_all = "camelCase",
    rename_all_fields = "camelCase"
)]
#[non_exhaustive]
pub enum BrokenKey {
    /// Rows point at something that is not there: a program wrote without foreign keys.
    DanglingRows {
        /// The table of the rows.
        table: String,
        /// The table of what they should point at.
        parent: String,
        /// How many rows there are.
        rows: u64,
    },
    /// A constraint of Pegbar's is gone.
    MissingConstraint {
        /// Its name.
        constraint: String,
    },
    /// A constraint is there, and the server does not enforce it for every row.
    UncheckedConstraint {
        /// The table it belongs to.
        table: String,
        /// Its name.
        constraint: String,
    },
}

impl std::fmt::Display for BrokenKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::DanglingRows {
                table,
                parent,
                rows,
            } => write!(f, "{rows} of the table {table} point at no {parent}"),
            Self::MissingConstraint { constraint } => {
                write!(f, "the constraint {constraint} is gone")
            }
            Self::UncheckedConstraint { table, constraint } => write!(
                f,
                "the constraint {constraint} of the table {table} is not enforced"
            ),
        }
    }
}

/// Returns the animations whose frames have gaps in their order, with one query.
pub(crate) async fn animations_with_gaps(
    session: &mut Session,
) -> Result<BTreeMap<ProjectId, Vec<AnimationId>>> {
    let found = session
        .query(&GAPS, &[], |row| {
            Ok((
                row.at::<ProjectId>(0, "frame.project_id")?,
                row.at::<AnimationId>(1, "frame.animation_id")?,
            ))
        })
        .await?;
    let mut gaps: BTreeMap<ProjectId, Vec<AnimationId>> = BTreeMap::new();
    for (project, animation) in found {
        gaps.entry(project).or_default().push(animation);
    }
    Ok(gaps)
}

/// Locks a project as every change does; says whether it is there. Unlike a change, it does
/// not read what another program may have written into the row.
pub(crate) async fn lock_project(session: &mut Session, project: ProjectId) -> Result<bool> {
    let found = session
        .optional(&LOCK_PROJECT, &[Value::Id(project.0)], |_| Ok(()))
        .await?;
    Ok(found.is_some())
}

impl Studio {
    /// Closes the gaps in the orders of a project's animations, in one transaction, and leaves
    /// the view stale; returns the animations that had any. Ids and order stay.
    pub(crate) async fn close_gaps(
        &self,
        project: ProjectId,
        animations: Vec<AnimationId>,
    ) -> Result<Vec<AnimationId>> {
        let mut session = self.database().write().await?;
        let mut closed = Vec::new();
        if !lock_project(&mut session, project).await? {
            return Ok(closed);
        }
        let mut stale = Stale::new(project);
        for animation in animations {
            let shown = self.close_gaps_of(&mut session, project, animation).await?;
            if shown.is_empty() {
                continue;
            }
            view::rehome(&mut session, project, &shown).await?;
            stale.add(Scope::Animation(animation));
            stale.tell(EntityKind::Animation, ChangeKind::Updated, [animation]);
            stale.add_all(shown.into_iter().map(|id| Scope::Home(AssetId(id))));
            closed.push(animation);
        }
        // The caller brings the view up to date: it may hold its lock.
        self.commit_rows(session, stale).await?;
        Ok(closed)
    }

    /// Moves the frames of one animation up; returns the assets that they show, or none where
    /// there was no gap.
    async fn close_gaps_of(
        &self,
        session: &mut Session,
        project: ProjectId,
        animation: AnimationId,
    ) -> Result<Vec<Uuid>> {
        let parameters = [Value::Id(project.0), Value::Id(animation.0)];
        let version = session
            .optional(&LOCK_ANIMATION, &parameters, |row| {
                row.at::<i64>(0, "animation.version")
            })
            .await?;
        let Some(version) = version else {
            return Ok(Vec::new());
        };
        let frames = session
            .query(&FRAMES, &parameters, |row| {
                Ok((
                    row.at::<Uuid>(0, "frame.id")?,
                    row.at::<Uuid>(1, "frame.asset_id")?,
                    row.at::<i64>(2, "frame.frame_index")?,
                ))
            })
            .await?;
        // From the first on, each moves to a place that is free or its own.
        let moved = (0_i64..).zip(&frames);
        let moved = moved.filter(|(place, (.., index))| place != index);
        let moved: Vec<_> = moved
            .map(|(place, (id, ..))| vec![Value::Id(project.0), Value::Id(*id), Value::Int(place)])
            .collect();
        if moved.is_empty() {
            return Ok(Vec::new());
        }
        session.execute_many(&PLACE, &moved).await?;
        animation::touch(session, animation, version.saturating_add(1), self.now()).await?;
        let mut shown: Vec<Uuid> = frames.into_iter().map(|(_, asset, _)| asset).collect();
        shown.sort_unstable();
        shown.dedup();
        Ok(shown)
    }

    /// Closes gaps in the orders of frames, wherever there are any.
    pub(crate) async fn close_all_gaps(&self) -> Result<Vec<AnimationId>> {
        let gaps = animations_with_gaps(&mut self.database().read().await?).await?;
        let mut closed = Vec::new();
        for (project, animations) in gaps {
            closed.append(&mut self.close_gaps(project, animations).await?);
        }
        Ok(closed)
    }

    /// Begins the engine's own check of the keys, on a thread of its own: it looks at every row
    /// that points at another.
    pub(crate) fn begin_key_check(&self) -> JoinHandle<Result<Vec<BrokenKey>>> {
        let studio = self.clone();
        aside(|| async move {
            let mut session = studio.database().read().await?;
            broken_keys(&mut session).await
        })
    }
}

pub(crate) async fn broken_keys(session: &mut Session) -> Result<Vec<BrokenKey>> {
    let engine = session.engine();
    let rows = session
        .query(&KEYS, &[], |row| {
            Ok((
                row.at::<String>(0, "the key check")?,
                row.at::<String>(1, "the key check")?,
                row.at::<u64>(2, "the key check")?,
            ))
        })
        .await?;
    if engine == Engine::Sqlite {
        let dangling = rows
            .into_iter()
            .map(|(table, parent, rows)| BrokenKey::DanglingRows {
                table,
                parent,
                rows,
            });
        return Ok(dangling.collect());
    }
    let mut missing: BTreeSet<String> = constraint_names();
    let mut broken = Vec::new();
    for (table, constraint, unchecked) in rows {
        if missing.remove(&constraint) && unchecked > 0 {
            broken.push(BrokenKey::UncheckedConstraint { table, constraint });
        }
    }
    let missing = missing.into_iter();
    broken.extend(missing.map(|constraint| BrokenKey::MissingConstraint { constraint }));
    Ok(broken)
}
