//! Rows as they stand in one state of the database, table by table, whatever they mean and
//! whichever engine keeps them: what backups, bundles and moving to another engine are made of.
//!
//! A row is one line of JSON (`line.rs`). The lines of a table in the order of its key have one
//! SHA-256 on both engines, by which a copy is compared with what it was copied from.

pub(crate) mod line;
pub(crate) mod load;

use sha2::Digest as _;
use uuid::Uuid;

use crate::db::Session;
use crate::db::entity::Table;
use crate::db::field::Field;
use crate::db::schema::TableSchema;
use crate::db::sql::{Query, column_list};
use crate::db::value::Value;
use crate::error::Result;
use crate::hash::Sha256;

/// How many rows are read and written at once.
const PAGE: i64 = 1001;

/// How many rows are read at first, when nothing is known of their size.
const FIRST_PAGE: i64 = 101;

/// How many bytes of texts a page holds at most before the next one is shorter.
const LARGE_PAGE: usize = 16 << 20;

/// A row, in the order of its table's columns.
pub(crate) type Row = Vec<Field>;

/// Reads the rows of a table in the order of its key, page by page.
pub(crate) struct Pages {
    schema: &'static TableSchema,
    /// The project whose rows are read; all of them without it.
    project: Option<Uuid>,
    after: Option<Row>,
    rows: i64,
    is_done: bool,
}

impl Pages {
    pub(crate) fn of(schema: &'static TableSchema, project: Option<Uuid>) -> Self {
        Self {
            schema,
            project,
            after: None,
            rows: FIRST_PAGE,
            is_done: false,
        }
    }

    /// Goes on behind a row that was read before.
    pub(crate) fn after(mut self, key: Option<Row>) -> Self {
        self.after = key;
        self
    }

    /// Returns the next rows; none when all were read.
    pub(crate) async fn next(&mut self, session: &mut Session) -> Result<Vec<Row>> {
        if self.is_done {
            return Ok(Vec::new());
        }
        let after = self.after.take();
        let query = self.query(after.as_deref());
        let table = &self.schema.table;
        let mut size = 0;
        let read = |row: &crate::db::value::Row<'_>| {
            let columns = table.columns.iter().enumerate();
            let fields =
                columns.map(|(place, column)| Field::read(row, place, table.name, *column));
            let fields = fields.collect::<Result<Row>>()?;
            size += fields.iter().map(size_of).sum::<usize>();
            Ok(fields)
        };
        let rows = session.query(&query, &query.parameters, read).await?;
        self.is_done = rows.len() < usize::try_from(self.rows).unwrap_or(usize::MAX);
        self.rows = match size {
            LARGE_PAGE.. => (self.rows / 8).max(1),
            _ if size < LARGE_PAGE / 16 => PAGE,
            _ => self.rows,
        };
        self.after = rows.last().map(|row| self.schema.key_of(row));
        Ok(rows)
    }

    fn query<'a>(&self, after: Option<&'a [Field]>) -> Query<'a> {
        let table = &self.schema.table;
        let columns = column_list(table, "");
        let mut query = Query::new(&format!("SELECT {columns} FROM {}", table.name));
        if let Some(project) = self.project {
            let owner = owner(table);
            query.filter(&format!("{owner} = ?"), [Value::Id(project)]);
        }
        let key = self.schema.key.iter().map(|place| table.columns[*place].0);
        let key = key.collect::<Vec<_>>().join(", ");
        if let Some(after) = after {
            query.filter(&format!("({key}) > ("), []);
            for (place, field) in after.iter().enumerate() {
                let separator = if place > 0 { ", " } else { "" };
                query.push(&format!("{separator}?"), [field.bind()]);
            }
            query.push(")", []);
        }
        query.order(&key, self.rows);
        query
    }
}

/// Returns the column that says which project a row belongs to.
pub(crate) fn owner(table: &Table) -> &'static str {
    if table.name == "project" {
        "id"
    } else {
        "project_id"
    }
}

fn size_of(field: &Field) -> usize {
    match field {
        Field::Text(text) => text.len(),
        Field::Json(json) => json.to_string().len(),
        _ => 16,
    }
}

impl TableSchema {
    /// Returns the values of a row's key.
    pub(crate) fn key_of(&self, row: &[Field]) -> Row {
        self.key.iter().map(|place| row[*place].clone()).collect()
    }
}

/// The hash of lines, as they go by.
#[derive(Clone, Debug, Default)]
pub(crate) struct Digest {
    hasher: sha2::Sha256,
    /// How many lines there were.
    pub(crate) rows: u64,
    /// How many bytes, line ends included.
    pub(crate) bytes: u64,
}

impl Digest {
    /// Adds lines, each with its end.
    pub(crate) fn add(&mut self, lines: &[u8], rows: u64) {
        self.hasher.update(lines);
        self.rows += rows;
        self.bytes += lines.len() as u64;
    }

    pub(crate) fn finish(self) -> Sha256 {
        Sha256(self.hasher.finalize().into())
    }
}

/// Says how many rows a table has.
pub(crate) async fn count(
    session: &mut Session,
    schema: &TableSchema,
    project: Option<Uuid>,
) -> Result<u64> {
    let mut query = Query::new(&format!("SELECT count(*) FROM {}", schema.table.name));
    if let Some(project) = project {
        query.filter(
            &format!("{} = ?", owner(&schema.table)),
            [Value::Id(project)],
        );
    }
    let read = |row: &crate::db::value::Row<'_>| row.at::<u64>(0, "count");
    let counted = session.optional(&query, &query.parameters, read).await?;
    Ok(counted.unwrap_or(0))
}

/// Returns the key of a table's last row.
pub(crate) async fn last_key(
    session: &mut Session,
    schema: &'static TableSchema,
) -> Result<Option<Row>> {
    let columns = || schema.key.iter().map(|place| schema.table.columns[*place]);
    let names: Vec<&str> = columns().map(|(name, _)| name).collect();
    let mut query = Query::new(&format!(
        "SELECT {} FROM {}",
        names.join(", "),
        schema.table.name
    ));
    query.push(
        &format!(" ORDER BY {} DESC LIMIT 1", names.join(" DESC, ")),
        [],
    );
    let read = |row: &crate::db::value::Row<'_>| {
        let fields = columns().enumerate();
        let fields = fields.map(|(at, column)| Field::read(row, at, schema.table.name, column));
        fields.collect::<Result<Row>>()
    };
    session.optional(&query, &[], read).await
}

/// Says whether a table has no rows.
pub(crate) async fn is_empty(session: &mut Session, schema: &TableSchema) -> Result<bool> {
    let query = Query::new(&format!("SELECT 1 FROM {} LIMIT 1", schema.table.name));
    Ok(session.optional(&query, &[], |_| Ok(())).await?.is_none())
}
