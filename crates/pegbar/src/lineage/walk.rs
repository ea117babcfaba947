//! The query behind a lineage: everything that can be reached, with the edges between.
//!
//! The recursion carries ids alone, so that an asset is looked at once however many ways lead
//! to it; depths are found afterwards. Carrying the depth along would look at it once for each
//! length that a way to it has, which a small limit keeps small.
//!
//! `CROSS JOIN` keeps SQLite from looking at every reference of the project first.

use std::collections::HashMap;

use foldhash::fast::RandomState;

use super::{LineageOptions, LineageSide};
use crate::asset::AssetKind;
use crate::db::Session;
use crate::db::sql::Query;
use crate::db::value::{Row, Value};
use crate::error::Result;
use crate::hash::Sha256;
use crate::id::{AnimationId, AssetId, CharacterId, ProjectId};
use crate::reference::ReferenceRole;
use crate::time::MillisSinceEpoch;

/// Up to how many steps the recursion itself counts; beyond, everything is read up to the limit
/// of assets, and what lies deeper is left out.
const COUNTED_DEPTH: u32 = 4;

/// One way through the graph from an asset.
pub(super) struct Walk<'a> {
    root: AssetId,
    side: LineageSide,
    roles: Vec<String>,
    options: &'a LineageOptions,
}

/// What was read, and where each asset stands in it.
#[derive(Default)]
pub(super) struct Readings {
    /// The project of all of them; `None` where the root is not there.
    pub(super) project: Option<ProjectId>,
    pub(super) assets: Vec<Reached>,
    pub(super) places: HashMap<AssetId, usize, RandomState>,
}

impl Readings {
    /// Adds a row: an asset with one of its inputs, or with none.
    fn add(&mut self, row: &Row<'_>) -> Result<()> {
        let id: AssetId = row.at(0, "asset.id")?;
        if self.project.is_none() {
            self.project = row.at(1, "asset.project_id")?;
        }
        let end = self.assets.len();
        let place = match self.assets.last() {
            // The rows of one asset mostly follow each other.
            Some(last) if last.id == id => end - 1,
            _ => *self.places.entry(id).or_insert(end),
        };
        if place == end {
            self.assets.push(Reached::read(id, row)?);
        }
        self.assets[place].inputs.extend(read_input(row)?);
        Ok(())
    }
}

/// An asset that was reached, and its inputs.
pub(super) struct Reached {
    pub(super) id: AssetId,
    pub(super) kind: AssetKind,
    pub(super) character_id: Option<CharacterId>,
    pub(super) animation_id: Option<AnimationId>,
    pub(super) sha256: Option<Sha256>,
    pub(super) original_name: Option<String>,
    pub(super) bytes_dropped_at: Option<MillisSinceEpoch>,
    pub(super) inputs: Vec<Input>,
}

/// An input of an asset that was reached.
pub(super) struct Input {
    pub(super) asset_id: AssetId,
    pub(super) role: ReferenceRole,
    pub(super) position: u32,
    pub(super) sha256: Option<Sha256>,
}

impl<'a> Walk<'a> {
    pub(super) fn new(root: AssetId, side: LineageSide, options: &'a LineageOptions) -> Self {
        let roles = options.roles.iter().map(ToString::to_string);
        Self {
            root,
            side,
            roles: roles.collect(),
            options,
        }
    }

    /// Reads the root, what can be reached from it, and the inputs of all of them; one asset
    /// more than the limit, where there are more.
    pub(super) async fn read(&self, session: &mut Session) -> Result<Readings> {
        let query = self.query();
        let mut readings = Readings::default();
        session
            .query(&query, &query.parameters, |row| readings.add(row))
            .await?;
        Ok(readings)
    }

    fn query(&self) -> Query<'_> {
        let (known, next) = match self.side {
            LineageSide::Descendant => ("referenced_asset_id", "asset_id"),
            _ => ("asset_id", "referenced_asset_id"),
        };
        let rows = i64::from(self.options.limit) + 1;
        let counted = self.options.max_depth.filter(|max| *max <= COUNTED_DEPTH);
        let (depth, start, step) = match counted {
            Some(_) => (", depth", ", 0", ", walk.depth + 1"),
            None => ("", "", ""),
        };
        let mut query = Query::new("");
        query.push(
            &format!(
                "WITH RECURSIVE walk(id{depth}) AS (SELECT id{start} FROM asset WHERE id = ? "
            ),
            [self.root()],
        );
        query.push(
            &format!(
                "UNION SELECT r.{next}{step} FROM walk CROSS JOIN asset_reference r \
                 WHERE r.project_id = (SELECT project_id FROM asset WHERE id = $1) \
                 AND r.{known} = walk.id"
            ),
            [],
        );
        self.push_roles(&mut query);
        match counted {
            None => query.push(
                "), reached(id) AS (SELECT id FROM walk LIMIT ?)",
                [Value::Int(rows)],
            ),
            Some(max) => {
                let max = i64::from(max);
                query.push(
                    " AND walk.depth < ?), reached(id) AS (SELECT w.id FROM ",
                    [Value::Int(max)],
                );
                // Enough rows for as many assets, each at every depth.
                let counted = rows * (max + 1);
                query.push(
                    "(SELECT id, depth FROM walk LIMIT ?) w GROUP BY w.id \
                     ORDER BY min(w.depth) LIMIT ?)",
                    [Value::Int(counted), Value::Int(rows)],
                );
            }
        }
        query.push(
            " SELECT a.id, (SELECT project_id FROM asset WHERE id = $1), a.kind, a.character_id, a.animation_id, a.sha256, \
             a.original_name, a.bytes_dropped_at, \
             r.referenced_asset_id, r.role, r.position, r.sha256 \
             FROM reached CROSS JOIN asset a LEFT JOIN asset_reference r \
             ON r.project_id = a.project_id AND r.asset_id = a.id",
            [],
        );
        self.push_roles(&mut query);
        query.push(
            " WHERE a.project_id = (SELECT project_id FROM asset WHERE id = $1) \
             AND a.id = reached.id",
            [],
        );
        query
    }

    fn root(&self) -> Value<'static> {
        Value::Id(self.root.0)
    }

    fn push_roles<'q>(&'q self, query: &mut Query<'q>) {
        if !self.roles.is_empty() {
            // One parameter for each: a list of texts is not one of roles to PostgreSQL.
            let mut before = " AND r.role IN (";
            for role in &self.roles {
                query.push(&format!("{before}?"), [role.as_str().into()]);
                before = ", ";
            }
            query.push(")", []);
        }
    }
}

impl Reached {
    fn read(id: AssetId, row: &Row<'_>) -> Result<Self> {
        Ok(Self {
            id,
            kind: row.at(2, "asset.kind")?,
            character_id: row.at(3, "asset.character_id")?,
            animation_id: row.at(4, "asset.animation_id")?,
            sha256: row.at(5, "asset.sha256")?,
            original_name: row.at(6, "asset.original_name")?,
            bytes_dropped_at: row.at(7, "asset.bytes_dropped_at")?,
            inputs: Vec::new(),
        })
    }
}

/// Reads an input; `None` for an asset that has none.
fn read_input(row: &Row<'_>) -> Result<Option<Input>> {
    let Some(asset_id) = row.at(8, "asset_reference.referenced_asset_id")? else {
        return Ok(None);
    };
    Ok(Some(Input {
        asset_id,
        role: row.at(9, "asset_reference.role")?,
        position: row.at(10, "asset_reference.position")?,
        sha256: row.at(11, "asset_reference.sha256")?,
    }))
}

/// Every form of the query, for the test that prepares them.
#[cfg(test)]
pub(crate) fn every_query(mut prepare: impl FnMut(Query<'_>)) {
    for side in [LineageSide::Ancestor, LineageSide::Descendant] {
        for max_depth in [None, Some(COUNTED_DEPTH)] {
            for roles in [&[][..], ReferenceRole::ALL] {
                let options = LineageOptions {
                    max_depth,
                    roles: roles.to_vec(),
                    ..LineageOptions::default()
                };
                prepare(Walk::new(AssetId(uuid::Uuid::nil()), side, &options).query());
            }
        }
    }
}
