//! Lineages on PostgreSQL.

use tokio_postgres::Statement;
use uuid::Uuid;

use super::read::{asset_kind, hash, optional_time, reference_role};
use super::{PostgresFloor, Read};
use crate::lineage::{EdgeRow, RawInput, RawRow};

impl PostgresFloor {
    /// Writes a graph as quickly as it goes.
    pub(crate) async fn load_graph(
        &self,
        project: Uuid,
        assets: &[Uuid],
        edges: &[EdgeRow],
    ) -> Read<()> {
        let sha256 = "ab".repeat(32);
        let text = "INSERT INTO asset (id, project_id, kind, sha256, original_name) \
                    SELECT id, $2, 'reference', $3, 'image.png' FROM unnest($1::uuid[]) AS id";
        self.client
            .execute(text, &[&assets, &project, &sha256])
            .await?;
        let made: Vec<Uuid> = edges.iter().map(|edge| edge.made).collect();
        let positions: Vec<i32> = edges.iter().map(|edge| edge.position).collect();
        let inputs: Vec<Uuid> = edges.iter().map(|edge| edge.input).collect();
        let roles: Vec<&str> = edges.iter().map(|edge| edge.role.as_str()).collect();
        let text = "INSERT INTO asset_reference \
                    (project_id, asset_id, position, referenced_asset_id, role, sha256) \
                    SELECT $1, made, position, input, role::reference_role, $6 \
                    FROM unnest($2::uuid[], $3::int[], $4::uuid[], $5::text[]) \
                    AS edge(made, position, input, role)";
        self.client
            .execute(
                text,
                &[&project, &made, &positions, &inputs, &roles, &sha256],
            )
            .await
            .map(drop)
    }

    /// Says whether keys are checked while a graph is written; they are where the user may
    /// not say so.
    pub(crate) async fn without_keys(&self, without: bool) -> Read<()> {
        let role = if without { "replica" } else { "origin" };
        let set = format!("SET session_replication_role = {role}");
        match self.client.batch_execute(&set).await {
            Err(error) if error.as_db_error().is_none() => Err(error),
            _ => Ok(()),
        }
    }

    pub(crate) async fn prepare_lineage(&self, text: &str) -> Read<Statement> {
        self.client.prepare(text).await
    }

    /// Runs a query for a lineage.
    pub(crate) async fn lineage(&self, statement: &Statement, root: Uuid) -> Read<Vec<RawRow>> {
        let rows = self.client.query(statement, &[&root]).await?;
        let has_depth = statement.columns().len() > 11;
        let rows = rows.iter().map(|row| {
            let input = match row.try_get::<_, Option<Uuid>>(7)? {
                None => None,
                Some(id) => Some(RawInput {
                    id,
                    role: reference_role(row, 8)?,
                    position: row.try_get::<_, i32>(9)?.unsigned_abs(),
                    sha256: hash(row, 10)?,
                }),
            };
            Ok(RawRow {
                id: row.try_get(0)?,
                kind: asset_kind(row, 1)?,
                character_id: row.try_get(2)?,
                animation_id: row.try_get(3)?,
                sha256: hash(row, 4)?,
                original_name: row.try_get(5)?,
                bytes_dropped_at: optional_time(row, 6)?,
                input,
                depth: if has_depth {
                    Some(row.try_get::<_, i32>(11)?.into())
                } else {
                    None
                },
            })
        });
        rows.collect()
    }
}
