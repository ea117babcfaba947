//! Which tables and columns the app's database has: the app grows, and may lack some.

use std::collections::BTreeMap;

use tokio_postgres::Transaction;

use super::failed;
use crate::db::TABLES;
use crate::error::{Error, Result};

/// What the import can't do without.
const REQUIRED: &[(&str, &[&str])] = &[
    ("Project", &["id", "name"]),
    ("Asset", &["id", "projectId", "filePath", "type"]),
    ("Character", &["id", "projectId", "name"]),
    ("Animation", &["id", "projectId", "characterId", "name"]),
    ("Frame", &["id", "animationId", "assetId", "frameIndex"]),
];

/// What it knows besides.
const OPTIONAL: &[(&str, &[&str])] = &[
    (
        "Project",
        &[
            "description",
            "thumbnailId",
            "createdAt",
            "updatedAt",
            "artStyle",
            "theme",
            "colorPalette",
            "styleNotes",
        ],
    ),
    (
        "Asset",
        &[
            "createdAt",
            "systemPrompt",
            "userPrompt",
            "referenceAssetIds",
            "generationSettings",
            "characterId",
            "sceneId",
        ],
    ),
    (
        "Character",
        &["userPrompt", "createdAt", "updatedAt", "primaryAssetId"],
    ),
    (
        "Animation",
        &[
            "description",
            "frameCount",
            "createdAt",
            "updatedAt",
            "generationSettings",
        ],
    ),
    ("Frame", &["createdAt"]),
    (
        "SpriteSheet",
        &[
            "id",
            "projectId",
            "characterId",
            "name",
            "description",
            "createdAt",
            "updatedAt",
            "assetId",
            "generationSettings",
        ],
    ),
    (
        "Scene",
        &[
            "id",
            "projectId",
            "name",
            "description",
            "createdAt",
            "updatedAt",
            "artStyle",
            "mood",
            "timeOfDay",
            "environment",
            "colorPalette",
            "styleNotes",
            "primaryAssetId",
        ],
    ),
];

/// What is not the app's: Prisma's list of what it has run, and what Pegbar keeps beside its
/// entities, where both share a database.
const FOREIGN: &[&str] = &[
    "_prisma_migrations",
    "pegbar_migration",
    "change",
    "idempotent_request",
    "released_blob",
    "scrub",
    "scrub_claim",
    "scrub_finding",
    "trash",
    "trash_blob",
];

/// What the app's database has.
pub(in super::super) struct Schema {
    /// The schema's name, quoted.
    quoted: String,
    /// The types of the columns, by the names of tables and columns.
    tables: BTreeMap<String, BTreeMap<String, String>>,
}

impl Schema {
    pub(super) async fn read(transaction: &Transaction<'_>, name: &str) -> Result<Self> {
        let query = "SELECT table_name::text, column_name::text, udt_name::text \
                     FROM information_schema.columns WHERE table_schema = $1";
        let rows = transaction.query(query, &[&name]).await.map_err(failed)?;
        let mut tables: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
        for row in rows {
            let (table, column, kind): (String, String, String) = (
                row.try_get(0).map_err(failed)?,
                row.try_get(1).map_err(failed)?,
                row.try_get(2).map_err(failed)?,
            );
            tables.entry(table).or_default().insert(column, kind);
        }
        let schema = Self {
            quoted: quote(name),
            tables,
        };
        schema.check(name)?;
        Ok(schema)
    }

    fn check(&self, name: &str) -> Result<()> {
        let mut missing = Vec::new();
        for (table, columns) in REQUIRED {
            if !self.tables.contains_key(*table) {
                missing.push(format!("the table {table:?}"));
                continue;
            }
            let columns = columns.iter().filter(|column| !self.has(table, column));
            missing.extend(columns.map(|column| format!("the column \"{table}\".\"{column}\"")));
        }
        if missing.is_empty() {
            return Ok(());
        }
        Err(Error::Unavailable {
            message: format!(
                "this is not the database of megabananas, or its user may not read it: the schema \
                 {name:?} lacks {}",
                missing.join(", ")
            ),
            hint: "check the name of the database in its address, and ?schema=NAME there"
                .to_owned(),
            source: None,
        })
    }

    pub(in super::super) fn has(&self, table: &str, column: &str) -> bool {
        let table = self.tables.get(table);
        table.is_some_and(|columns| columns.contains_key(column))
    }

    /// Returns the tables, and the columns of known tables, that the import does not know.
    pub(in super::super) fn unknown(&self) -> Vec<(&str, Option<&str>)> {
        let known = |table: &str| -> Vec<&[&str]> {
            let lists = REQUIRED.iter().chain(OPTIONAL);
            let lists = lists.filter(|(known, _)| *known == table);
            lists.map(|(_, columns)| *columns).collect()
        };
        let mut unknown = Vec::new();
        for (table, columns) in &self.tables {
            let is_ours = TABLES.iter().any(|ours| ours.name == table);
            if is_ours || FOREIGN.contains(&table.as_str()) {
                continue;
            }
            let known = known(table);
            if known.is_empty() {
                unknown.push((table.as_str(), None));
                continue;
            }
            let columns = columns.keys().map(String::as_str);
            let columns = columns.filter(|column| !known.iter().any(|list| list.contains(column)));
            unknown.extend(columns.map(|column| (table.as_str(), Some(column))));
        }
        unknown
    }

    pub(super) fn table(&self, table: &str) -> String {
        format!("{}.{}", self.quoted, quote(table))
    }

    /// Names a column that may not be there.
    pub(super) fn column(&self, table: &str, alias: &str, column: &str) -> String {
        if self.has(table, column) {
            format!("{alias}.{}", quote(column))
        } else {
            "NULL".to_owned()
        }
    }

    /// Says that a column which holds the id of a project has the first parameter, a text.
    pub(super) fn is_first_parameter(&self, alias: &str, column: &str) -> String {
        let kind = self
            .tables
            .get("Project")
            .and_then(|columns| columns.get("id"));
        let kind = quote(kind.map_or("text", String::as_str));
        format!(
            "{alias}.{} = CAST(CAST($1 AS text) AS {kind})",
            quote(column)
        )
    }

    /// Orders the rows of a table by their time, where they have one.
    pub(super) fn order(&self, table: &str, alias: &str) -> String {
        if self.has(table, "createdAt") {
            format!("{alias}.\"createdAt\", {alias}.\"id\"")
        } else {
            format!("{alias}.\"id\"")
        }
    }

    /// Selects an asset `a` as three columns: its row, and the rows of sprite sheets and of
    /// scenes that point at it.
    pub(super) fn asset(&self) -> String {
        let sheets = if self.has("SpriteSheet", "assetId") {
            self.aggregate("SpriteSheet", "s.\"assetId\" = a.\"id\"")
        } else {
            "NULL::text".to_owned()
        };
        let mut scene = Vec::new();
        if self.has("Asset", "sceneId") {
            scene.push("s.\"id\" = a.\"sceneId\"");
        }
        if self.has("Scene", "primaryAssetId") {
            scene.push("s.\"primaryAssetId\" = a.\"id\"");
        }
        let scenes = if self.has("Scene", "id") && !scene.is_empty() {
            self.aggregate("Scene", &scene.join(" OR "))
        } else {
            "NULL::text".to_owned()
        };
        format!("row_to_json(a)::text, {sheets}, {scenes}")
    }

    fn aggregate(&self, table: &str, condition: &str) -> String {
        let table = self.table(table);
        format!(
            "(SELECT json_agg(row_to_json(s) ORDER BY s.\"id\")::text FROM {table} s \
             WHERE {condition})"
        )
    }
}

fn quote(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
