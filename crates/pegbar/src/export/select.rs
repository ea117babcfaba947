//! Which assets are given on, and reading them page by page.

use uuid::Uuid;

use crate::asset::{self, Asset};
use crate::db::Session;
use crate::db::sql::statements;
use crate::db::value::Value;
use crate::error::{Error, Result};
use crate::id::{AnimationId, AssetId, CharacterId, ProjectId};
use crate::lineage;
use crate::project::{self, Project};
use crate::{animation, character};

/// How many assets are read at once.
pub(super) const PAGE: usize = 1000;

statements! {
    PAGE_OF_PROJECT = "SELECT {asset} FROM asset WHERE project_id = $1 AND id > $2 \
                       ORDER BY id LIMIT 1000";
    COUNT = "SELECT count(*) FROM asset WHERE project_id = $1";
    OF_CHARACTER = "SELECT id FROM asset WHERE project_id = $1 AND character_id = $2 \
        UNION SELECT a.id FROM animation n JOIN asset a ON a.project_id = n.project_id \
        AND a.animation_id = n.id WHERE n.project_id = $1 AND n.character_id = $2 \
        UNION SELECT f.asset_id FROM animation n JOIN frame f ON f.project_id = n.project_id \
        AND f.animation_id = n.id WHERE n.project_id = $1 AND n.character_id = $2";
    OF_ANIMATION = "SELECT id FROM asset WHERE project_id = $1 AND animation_id = $2 \
        UNION SELECT asset_id FROM frame WHERE project_id = $1 AND animation_id = $2";
}

/// What is given on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExportScope {
    /// Every asset of a project.
    Project(ProjectId),
    /// The variations of a character, the takes of its animations, and what their frames show.
    Character(CharacterId),
    /// The takes of an animation, and what its frames show.
    Animation(AnimationId),
    /// These assets, all of one project.
    Assets(Vec<AssetId>),
}

/// The assets that are meant.
pub(super) struct Selection {
    pub(super) project: Project,
    /// In order; `None` for every asset of the project.
    ids: Option<Vec<Uuid>>,
}

impl Selection {
    /// Finds out which assets are meant; `with_inputs` adds what they were made from, back to
    /// the beginning.
    pub(super) async fn load(
        session: &mut Session,
        scope: &ExportScope,
        with_inputs: bool,
    ) -> Result<Self> {
        let (project, mut ids) = match scope {
            ExportScope::Project(id) => {
                let project = project::get(session, *id).await?;
                return Ok(Self { project, ids: None });
            }
            ExportScope::Character(id) => {
                let project = character::project_of(session, *id).await?;
                let parameters = [Value::Id(project.0), Value::Id(id.0)];
                (project, ids(session, &OF_CHARACTER, &parameters).await?)
            }
            ExportScope::Animation(id) => {
                let project = animation::project_of(session, *id).await?;
                let parameters = [Value::Id(project.0), Value::Id(id.0)];
                (project, ids(session, &OF_ANIMATION, &parameters).await?)
            }
            ExportScope::Assets(assets) => of_assets(session, assets).await?,
        };
        if with_inputs {
            ids.extend(lineage::ancestors(session, project, &ids).await?);
        }
        ids.sort_unstable();
        ids.dedup();
        Ok(Self {
            project: project::get(session, project).await?,
            ids: Some(ids),
        })
    }

    /// Returns whether every asset of the project is meant.
    pub(super) fn is_whole_project(&self) -> bool {
        self.ids.is_none()
    }

    pub(super) async fn count(&self, session: &mut Session) -> Result<u64> {
        if let Some(ids) = &self.ids {
            return Ok(ids.len() as u64);
        }
        let parameters = [Value::Id(self.project.id.0)];
        let count = session.optional(&COUNT, &parameters, |row| row.at(0, "count"));
        Ok(count.await?.unwrap_or(0))
    }

    /// Returns the assets behind one, in the order of their ids, up to [`PAGE`] of them.
    pub(super) async fn page(
        &self,
        session: &mut Session,
        after: Option<AssetId>,
    ) -> Result<Vec<Asset>> {
        let after = after.map_or(Uuid::nil(), |id| id.0);
        let project = self.project.id;
        let mut assets = match &self.ids {
            None => {
                let parameters = [Value::Id(project.0), Value::Id(after)];
                session.list(&PAGE_OF_PROJECT, &parameters).await?
            }
            Some(ids) => {
                let begin = ids.partition_point(|id| *id <= after);
                let end = ids.len().min(begin + PAGE);
                let mut assets = asset::get_many(session, project, &ids[begin..end]).await?;
                assets.sort_unstable_by_key(|asset| asset.id);
                assets
            }
        };
        asset::join(session, project, &mut assets).await?;
        Ok(assets)
    }
}

async fn ids(
    session: &mut Session,
    statement: &crate::db::sql::Sql,
    parameters: &[Value<'_>],
) -> Result<Vec<Uuid>> {
    session
        .query(statement, parameters, |row| row.at(0, "asset.id"))
        .await
}

/// Refuses assets of several projects: a lineage never leaves one.
async fn of_assets(session: &mut Session, assets: &[AssetId]) -> Result<(ProjectId, Vec<Uuid>)> {
    let Some(first) = assets.first() else {
        return Err(Error::invalid("assets", "none is named"));
    };
    let project = asset::project_of(session, *first).await?;
    for asset in assets {
        asset::get_in_project(session, project, *asset, "assets").await?;
    }
    Ok((project, assets.iter().map(|asset| asset.0).collect()))
}
