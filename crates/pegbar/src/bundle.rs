//! Bundles: one project, with all of its records and images, in one file (`docs/bundle.md`).
//!
//! A bundle is an archive that describes itself first, then has the rows of each table as lines
//! of JSON, then the blobs, and the checksums of all that last.

mod export;
mod import;
mod map;
mod read;
mod row;
#[cfg(test)]
mod schema;

use serde::{Deserialize, Serialize};

#[cfg(test)]
use crate::db::latest_version;
use crate::db::schema::{TableSchema, tables};
use crate::id::ProjectId;
use crate::time::MillisSinceEpoch;

pub use export::ExportedBundle;
#[cfg(test)]
pub(crate) use export::STATEMENTS as EXPORT_STATEMENTS;
#[cfg(test)]
pub(crate) use import::STATEMENTS as IMPORT_STATEMENTS;
pub use import::{BundleImport, ImportedBundle};

const FORMAT: &str = "pegbar-bundle";
const VERSION: u32 = 1;

/// The first file of the archive.
const ABOUT: &str = "bundle.json";
/// The last.
const CHECKSUMS: &str = "checksums.txt";

/// The largest description, in bytes.
const MAX_ABOUT: u64 = 1 << 20;
/// The largest list of checksums, in bytes.
const MAX_CHECKSUMS: u64 = 64 << 20;
/// How many bytes of rows one file has: once it has more than this, or one row beyond.
const PART: usize = 4 << 20;
/// The largest file of rows that is read, in bytes.
const MAX_PART: u64 = (PART + crate::rows::line::MAX_BYTES) as u64;
/// How many rows all tables have together, at most.
const MAX_ROWS: u64 = 50_000_000;
/// How many blobs a bundle has at most.
const MAX_BLOBS: u64 = 10_000_000;

/// The tables of a bundle, each behind those that its rows belong to.
const TABLES: &[&str] = &[
    "project",
    "character",
    "animation",
    "generation",
    "asset",
    "asset_reference",
    "asset_claim",
    "frame",
    "project_tag",
    "character_tag",
    "asset_tag",
    "asset_annotation",
];

/// What a project leaves behind in its studio: what happened there, and what was deleted.
#[cfg(test)]
const LEFT_BEHIND: &[&str] = &[
    "view_file",
    "outbox",
    "trash",
    "change",
    "deletion",
    "tombstone",
];

/// Returns the tables of a bundle as they are in a version of the schema.
fn schemas(version: u32) -> impl Iterator<Item = &'static TableSchema> {
    let all = tables(version);
    TABLES
        .iter()
        .filter_map(|name| all.iter().find(|schema| schema.table.name == *name))
}

/// What a bundle says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct About {
    format: String,
    version: u32,
    created_at: MillisSinceEpoch,
    /// The version of the program that wrote it.
    pegbar: String,
    schema_version: u32,
    project: AboutProject,
    tables: Vec<AboutTable>,
    blobs: AboutBlobs,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct AboutProject {
    id: ProjectId,
    name: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct AboutTable {
    name: String,
    rows: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct AboutBlobs {
    count: u64,
    bytes: u64,
}

/// Returns the name of a file of rows, numbered from 1.
fn part_name(table: &str, number: u64) -> String {
    format!("records/{table}-{number:06}.jsonl")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_table_of_a_project_is_in_a_bundle_or_left_behind_on_purpose() {
        for schema in tables(latest_version()) {
            let name = schema.table.name;
            let is_of_project = name == "project" || schema.column("project_id").is_some();
            let is_told = TABLES.contains(&name) || LEFT_BEHIND.contains(&name);
            assert_eq!(is_of_project, is_told, "{name}");
        }
        assert_eq!(schemas(latest_version()).count(), TABLES.len());
    }
}
