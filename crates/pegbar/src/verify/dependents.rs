//! What depends on an asset: what was made from it, and the frames that show it.

use super::report::{Dependents, MAX_DEPENDENTS, MAX_NAMED_DEPENDENTS, ShownBy};
use crate::asset::Showing;
use crate::db::Session;
use crate::db::sql::statements;
use crate::db::value::Value;
use crate::error::Result;
use crate::id::{AssetId, ProjectId};
use crate::lineage;

statements! {
    SHOWING = "SELECT f.id, f.frame_index, f.animation_id, n.name, c.name, count(*) OVER () \
               FROM frame f \
               JOIN animation n ON n.project_id = f.project_id AND n.id = f.animation_id \
               JOIN character c ON c.project_id = n.project_id AND c.id = n.character_id \
               WHERE f.project_id = $1 AND f.asset_id = $2 \
               ORDER BY f.animation_id, f.frame_index LIMIT 10";
}

/// Returns what was made from an asset, directly or not; the asset itself is not among it, even
/// where rows of another program say so.
pub(super) async fn dependents(
    session: &mut Session,
    project: ProjectId,
    asset: AssetId,
) -> Result<Dependents> {
    // One more than are counted tells whether there are more.
    let at_most = Some(MAX_DEPENDENTS + 1);
    let found = lineage::descendants(session, project, asset, at_most).await?;
    let has_more = found.len() as u64 > MAX_DEPENDENTS;
    let mut found: Vec<AssetId> = found.into_iter().map(AssetId).collect();
    found.retain(|id| *id != asset);
    let count = (found.len() as u64).min(MAX_DEPENDENTS);
    found.truncate(MAX_NAMED_DEPENDENTS);
    Ok(Dependents {
        count,
        has_more,
        first: found,
    })
}

/// Returns the frames that show an asset.
pub(super) async fn shown_by(
    session: &mut Session,
    project: ProjectId,
    asset: AssetId,
) -> Result<ShownBy> {
    let parameters = [Value::Id(project.0), Value::Id(asset.0)];
    let mut count = 0;
    let first = session
        .query(&SHOWING, &parameters, |row| {
            count = row.at(5, "count")?;
            Ok(Showing {
                frame_id: row.at(0, "frame.id")?,
                frame_index: row.at(1, "frame.frame_index")?,
                animation_id: row.at(2, "frame.animation_id")?,
                animation: row.at(3, "animation.name")?,
                character: row.at(4, "character.name")?,
            })
        })
        .await?;
    Ok(ShownBy { count, first })
}
