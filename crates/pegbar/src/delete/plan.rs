//! What a deletion would do, said without doing it.

use std::collections::BTreeMap;

use serde::Serialize;
use uuid::Uuid;

use super::decide::{Decision, DeletionTarget};
use crate::animation;
use crate::asset::whereabouts;
use crate::change::EntityKind;
use crate::db::Session;
use crate::db::sql::statements;
use crate::db::value::Value;
use crate::error::{Error, Result, User};
use crate::fingerprint::Fingerprint;
use crate::id::{AnimationId, AssetId, ProjectId};
use crate::project;
use crate::studio::Studio;
use crate::trash::{DeletionEffects, DeletionKind};

/// How many of what goes, and of the takes that stay, a plan names.
pub const MAX_PLANNED: usize = 20;

statements! {
    CHARACTER_NAMES = "SELECT id, name FROM character WHERE project_id = $1 AND id {in $2}";
    SIZE = "SELECT CAST(coalesce(sum(file_size), 0) AS {big}) FROM asset \
            WHERE project_id = $1 AND id {in $2} AND bytes_dropped_at IS NULL";
}

/// What a deletion would do: [`Studio::plan_deletion`] makes it, and
/// [`Studio::delete_as_planned`] does just that.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct DeletionPlan {
    #[serde(skip)]
    pub(super) target: DeletionTarget,
    /// The project that it is in.
    pub project_id: ProjectId,
    /// What it is a deletion of.
    pub kind: DeletionKind,
    /// The id of what is to be deleted.
    pub id: Uuid,
    /// What people know it by.
    pub name: String,
    /// How many characters go.
    pub characters: u64,
    /// How many animations go.
    pub animations: u64,
    /// How many frames go.
    pub frames: u64,
    /// How many assets go.
    pub assets: u64,
    /// The size of the images that go, in bytes.
    pub file_size: u64,
    /// What goes, by name: the first 20.
    pub named: Vec<PlannedEntity>,
    /// Who stays and uses something that goes, the first hundred: while there are any, the
    /// deletion is refused.
    pub users: Vec<User>,
    /// How many more there are.
    pub more_users: u64,
    /// What it changes of what stays.
    pub effects: DeletionEffects,
    /// The takes that stay, and the variation that becomes primary, by name: the first 20.
    pub staying: Vec<PlannedEntity>,
    /// Tells whether another plan would be the same.
    pub fingerprint: String,
}

/// Something that a plan names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct PlannedEntity {
    /// What it is.
    pub entity: EntityKind,
    /// Its id.
    pub id: Uuid,
    /// What people know it by.
    pub name: String,
}

impl DeletionPlan {
    /// Returns whether something that stays uses something that would go: then the deletion is
    /// refused.
    #[must_use]
    pub fn is_refused(&self) -> bool {
        !self.users.is_empty()
    }

    /// Refuses a deletion that would not be the one that was planned.
    pub(super) fn check_unchanged(&self, decision: &Decision) -> Result<()> {
        if fingerprint(decision)? == self.fingerprint {
            return Ok(());
        }
        Err(Error::Stale {
            message: format!(
                "what the deletion of {:?} would take has changed since it was planned",
                self.name
            ),
            hint: "look at the new plan and decide anew; nothing was changed".to_owned(),
        })
    }
}

/// Takes the fingerprint of all that a deletion does.
fn fingerprint(decision: &Decision) -> Result<String> {
    let Decision {
        target,
        doomed,
        effects,
        name,
        ..
    } = decision;
    let mut going = [
        &doomed.characters,
        &doomed.animations,
        &doomed.frames,
        &doomed.assets,
    ]
    .map(Clone::clone);
    for ids in &mut going {
        ids.sort_unstable();
    }
    let all = (target.id(), name, going, effects, decision.uses.ids());
    Ok(Fingerprint::of(&all)?.to_string())
}

/// Names the first of what goes.
async fn name_going(session: &mut Session, decision: &Decision) -> Result<Vec<PlannedEntity>> {
    let (project, doomed) = (decision.project.id, &decision.doomed);
    let first = |ids: &[Uuid], room: usize| {
        let mut ids = ids.to_vec();
        ids.sort_unstable();
        ids.truncate(room);
        ids
    };
    let mut planned = Vec::new();
    let characters = first(&doomed.characters, MAX_PLANNED);
    let parameters = [Value::Id(project.0), Value::Ids(&characters)];
    let names = session.query(&CHARACTER_NAMES, &parameters, |row| {
        let id: Uuid = row.at(0, "character.id")?;
        Ok((id, row.at::<String>(1, "character.name")?))
    });
    let names: BTreeMap<Uuid, String> = names.await?.into_iter().collect();
    planned.extend(names.into_iter().map(|(id, name)| PlannedEntity {
        entity: EntityKind::Character,
        id,
        name,
    }));
    let animations = first(
        &doomed.animations,
        MAX_PLANNED.saturating_sub(planned.len()),
    );
    let names = animation::names(session, project, &animations).await?;
    planned.extend(animations.iter().map(|id| {
        PlannedEntity {
            entity: EntityKind::Animation,
            id: *id,
            name: names
                .get(&AnimationId(*id))
                .map(ToString::to_string)
                .unwrap_or_default(),
        }
    }));
    let assets = first(&doomed.assets, MAX_PLANNED.saturating_sub(planned.len()));
    planned.extend(name_assets(session, project, &assets).await?);
    Ok(planned)
}

async fn name_assets(
    session: &mut Session,
    project: ProjectId,
    assets: &[Uuid],
) -> Result<Vec<PlannedEntity>> {
    let names = whereabouts::of_assets(session, project, assets).await?;
    let planned = assets.iter().map(|id| PlannedEntity {
        entity: EntityKind::Asset,
        id: *id,
        name: names
            .get(&AssetId(*id))
            .map(ToString::to_string)
            .unwrap_or_default(),
    });
    Ok(planned.collect())
}

async fn describe(session: &mut Session, decision: Decision) -> Result<DeletionPlan> {
    let named = name_going(session, &decision).await?;
    let fingerprint = fingerprint(&decision)?;
    let project = decision.project.id;
    let mut staying: Vec<Uuid> = Vec::new();
    staying.extend(
        decision
            .effects
            .promoted
            .and_then(|it| it.to)
            .map(|id| id.0),
    );
    staying.extend(
        decision
            .effects
            .kept_takes
            .iter()
            .map(|take| take.asset_id.0),
    );
    if let DeletionTarget::Frame(_) = decision.target {
        staying.extend(&decision.rehomed);
    }
    staying.truncate(MAX_PLANNED);
    let staying = name_assets(session, project, &staying).await?;
    let parameters = [Value::Id(project.0), Value::Ids(&decision.doomed.assets)];
    let file_size = session.optional(&SIZE, &parameters, |row| {
        row.at::<u64>(0, "asset.file_size")
    });
    let file_size = file_size.await?.unwrap_or_default();
    let Decision {
        project,
        target,
        name,
        doomed,
        uses,
        effects,
        ..
    } = decision;
    let (users, more_users) = uses.into_named(session, &project).await?;
    Ok(DeletionPlan {
        target,
        project_id: project.id,
        kind: target.kind(),
        id: target.id(),
        name,
        characters: doomed.characters.len() as u64,
        animations: doomed.animations.len() as u64,
        frames: doomed.frames.len() as u64,
        assets: doomed.assets.len() as u64,
        file_size,
        named,
        users,
        more_users,
        effects,
        staying,
        fingerprint,
    })
}

impl Studio {
    /// Says what a deletion would do, without doing anything: what goes, who uses it, and what
    /// it would change of what stays. The same code decides when it is carried out.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn plan_deletion(&self, target: DeletionTarget) -> Result<DeletionPlan> {
        let mut session = self.database().snapshot().await?;
        let project = target.project(&mut session).await?;
        let project = project::get(&mut session, project).await?;
        let decision = Decision::of(&mut session, project, target).await?;
        let plan = describe(&mut session, decision).await?;
        session.end().await?;
        Ok(plan)
    }
}
