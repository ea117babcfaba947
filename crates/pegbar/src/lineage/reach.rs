//! What assets were made from, and what was made from one, as ids alone.

use uuid::Uuid;

use crate::db::Session;
use crate::db::sql::statements;
use crate::db::value::Value;
use crate::error::Result;
use crate::id::{AssetId, ProjectId};

statements! {
    // Carrying the depth along would look at an asset once for each way to it. CROSS keeps
    // SQLite from going through all references of the project for each of them.
    ANCESTORS = "WITH RECURSIVE input(id) AS (\
                 SELECT referenced_asset_id FROM asset_reference \
                 WHERE project_id = $1 AND asset_id {in $2} \
                 UNION SELECT r.referenced_asset_id FROM input i CROSS JOIN asset_reference r \
                 WHERE r.project_id = $1 AND r.asset_id = i.id) SELECT id FROM input";
    DESCENDANTS = "WITH RECURSIVE made(id) AS (\
                   SELECT asset_id FROM asset_reference \
                   WHERE project_id = $1 AND referenced_asset_id = $2 \
                   UNION SELECT r.asset_id FROM made m CROSS JOIN asset_reference r \
                   WHERE r.project_id = $1 AND r.referenced_asset_id = m.id) \
                   SELECT id FROM made LIMIT $3";
}

/// Returns everything that assets of one project were made from, directly or not, in the order
/// of ids. The assets themselves are among it only where one of them was made from another.
pub(crate) async fn ancestors(
    session: &mut Session,
    project: ProjectId,
    assets: &[Uuid],
) -> Result<Vec<Uuid>> {
    let parameters = [Value::Id(project.0), Value::Ids(assets)];
    let read = session.query(&ANCESTORS, &parameters, |row| {
        row.at(0, "asset_reference.referenced_asset_id")
    });
    let mut found: Vec<Uuid> = read.await?;
    found.sort_unstable();
    Ok(found)
}

/// Returns what was made from an asset, directly or not, in the order of ids: all of it, or any
/// `at_most` of it.
pub(crate) async fn descendants(
    session: &mut Session,
    project: ProjectId,
    asset: AssetId,
    at_most: Option<u64>,
) -> Result<Vec<Uuid>> {
    let at_most = at_most.and_then(|count| i64::try_from(count).ok());
    let at_most = Value::Int(at_most.unwrap_or(i64::MAX));
    let parameters = [Value::Id(project.0), Value::Id(asset.0), at_most];
    let read = session.query(&DESCENDANTS, &parameters, |row| {
        row.at(0, "asset_reference.asset_id")
    });
    let mut found: Vec<Uuid> = read.await?;
    found.sort_unstable();
    Ok(found)
}
