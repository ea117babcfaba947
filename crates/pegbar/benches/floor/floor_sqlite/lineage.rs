//! Lineages on SQLite.

use pegbar::MillisSinceEpoch;
use rusqlite::params;
use uuid::Uuid;

use super::{Read, SqliteFloor, asset_kind, id, optional_id, reference_role, sha256};
use crate::lineage::{EdgeRow, RawInput, RawRow};

impl SqliteFloor {
    /// Writes a graph as quickly as it goes.
    pub(crate) fn load_graph(&self, project: Uuid, assets: &[Uuid], edges: &[EdgeRow]) -> Read<()> {
        let project = project.as_bytes();
        self.writer.execute_batch("BEGIN IMMEDIATE")?;
        let mut asset = self.writer.prepare_cached(
            "INSERT INTO asset (id, project_id, kind, sha256, original_name) \
             VALUES (?1, ?2, 'reference', ?3, 'image.png')",
        )?;
        let hash = "ab".repeat(32);
        for id in assets {
            asset.execute(params![id.as_bytes(), project, hash])?;
        }
        let mut reference = self.writer.prepare_cached(
            "INSERT INTO asset_reference \
             (project_id, asset_id, position, referenced_asset_id, role, sha256) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?;
        for edge in edges {
            let (made, input) = (edge.made.as_bytes(), edge.input.as_bytes());
            let role = edge.role.as_str();
            reference.execute(params![project, made, edge.position, input, role, hash])?;
        }
        self.writer.execute_batch("COMMIT")
    }

    /// Says whether keys are checked while a graph is written.
    pub(crate) fn without_keys(&self, without: bool) -> Read<()> {
        self.writer.pragma_update(None, "foreign_keys", !without)
    }

    /// Runs a query for a lineage.
    pub(crate) fn lineage(&self, text: &str, root: Uuid) -> Read<Vec<RawRow>> {
        let mut statement = self.reader.prepare_cached(text)?;
        let has_depth = statement.column_count() > 11;
        let rows = statement.query_map(params![root.as_bytes()], |row| {
            let input = match optional_id(row, 7)? {
                None => None,
                Some(id) => Some(RawInput {
                    id,
                    role: reference_role(row, 8)?,
                    position: row.get(9)?,
                    sha256: sha256(row, 10)?,
                }),
            };
            Ok(RawRow {
                id: id(row, 0)?,
                kind: asset_kind(row, 1)?,
                character_id: optional_id(row, 2)?,
                animation_id: optional_id(row, 3)?,
                sha256: sha256(row, 4)?,
                original_name: row.get(5)?,
                bytes_dropped_at: row.get::<_, Option<i64>>(6)?.map(MillisSinceEpoch),
                input,
                depth: if has_depth { row.get(11)? } else { None },
            })
        })?;
        rows.collect()
    }
}
