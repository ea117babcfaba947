//! Copying rows in batches that are each committed, and comparing them.

use super::{MovedTable, moved_tables};
use crate::db::field::Field;
use crate::db::schema::TableSchema;
use crate::db::sql::Query;
use crate::db::{Database, Session};
use crate::error::Result;
use crate::rows::{Digest, Pages, Row, last_key, line};

/// How many rows one transaction writes, at least.
const COMMITTED: usize = 20_000;

/// Columns that point at rows of later tables: set when those are there.
const LATE: &[(&str, &str)] = &[
    ("project", "thumbnail_id"),
    ("character", "primary_asset_id"),
];

/// A copy under way.
pub(super) struct Copy<'a> {
    pub(super) source: &'a mut Session,
    pub(super) target: &'a Database,
    pub(super) total: u64,
    pub(super) done: u64,
}

impl Copy<'_> {
    /// Copies what the target does not have yet.
    pub(super) async fn run(&mut self, progress: &mut impl FnMut(u64, u64)) -> Result<()> {
        for schema in moved_tables() {
            self.copy_table(schema, progress).await?;
        }
        for (table, column) in LATE {
            let schema = moved_tables().find(|schema| schema.table.name == *table);
            if let Some(schema) = schema {
                self.set_late(schema, column).await?;
            }
        }
        Ok(())
    }

    async fn copy_table(
        &mut self,
        schema: &'static TableSchema,
        progress: &mut impl FnMut(u64, u64),
    ) -> Result<()> {
        let late = late_column(schema);
        let mut reading = self.target.read().await?;
        let known = last_key(&mut reading, schema).await?;
        self.done += crate::rows::count(&mut reading, schema, None).await?;
        drop(reading);
        let mut pages = Pages::of(schema, None).after(known);
        let mut is_done = false;
        while !is_done {
            let mut session = self.target.write().await?;
            let mut written = 0;
            while written < COMMITTED {
                let mut rows = pages.next(self.source).await?;
                if rows.is_empty() {
                    is_done = true;
                    break;
                }
                for row in &mut rows {
                    if let Some(place) = late {
                        row[place] = Field::Null;
                    }
                }
                session.insert_cells(&schema.table, &rows).await?;
                written += rows.len();
                self.done += rows.len() as u64;
            }
            session.commit().await?;
            progress(self.done, self.total.max(self.done));
        }
        Ok(())
    }

    async fn set_late(&mut self, schema: &'static TableSchema, column: &str) -> Result<()> {
        let Some(place) = schema.column(column) else {
            return Ok(());
        };
        let mut session = self.target.write().await?;
        let mut pages = Pages::of(schema, None);
        loop {
            let rows = pages.next(self.source).await?;
            if rows.is_empty() {
                return session.commit().await;
            }
            for row in rows.iter().filter(|row| row[place] != Field::Null) {
                let text = format!("UPDATE {} SET {column} = ", schema.table.name);
                let mut update = Query::new(&text);
                update.push("? WHERE id = ?", [row[place].bind(), row[0].bind()]);
                session.execute(&update, &update.parameters).await?;
            }
        }
    }

    /// Compares all rows of all tables; returns the table that differs.
    pub(super) async fn compare(&mut self) -> Result<Result<Vec<MovedTable>, &'static str>> {
        let mut target = self.target.snapshot().await?;
        let mut compared = Vec::new();
        for schema in moved_tables() {
            let here = digest(self.source, schema).await?;
            let there = digest(&mut target, schema).await?;
            let rows = here.rows;
            let sha256 = here.finish();
            if (rows, sha256) != (there.rows, there.clone().finish()) {
                target.end().await?;
                return Ok(Err(schema.table.name));
            }
            compared.push(MovedTable {
                name: schema.table.name.to_owned(),
                rows,
                sha256,
            });
        }
        target.end().await?;
        Ok(Ok(compared))
    }
}

fn late_column(schema: &TableSchema) -> Option<usize> {
    let late = LATE.iter().find(|(table, _)| *table == schema.table.name);
    late.and_then(|(_, column)| schema.column(column))
}

async fn digest(session: &mut Session, schema: &'static TableSchema) -> Result<Digest> {
    let mut digest = Digest::default();
    let mut pages = Pages::of(schema, None);
    let mut text = Vec::new();
    loop {
        let rows: Vec<Row> = pages.next(session).await?;
        if rows.is_empty() {
            return Ok(digest);
        }
        text.clear();
        for row in &rows {
            line::write(&mut text, schema, row);
        }
        digest.add(&text, rows.len() as u64);
    }
}
