//! `docs/schema/bundle-1.schema.json`, made from the tables themselves.

use std::path::Path;

use serde_json::{Map, Value, json};

use super::{FORMAT, VERSION, schemas};
use crate::db::latest_version;
use crate::db::schema::TableSchema;
use crate::db::value::ColumnType;

fn column(kind: ColumnType) -> Value {
    match kind {
        ColumnType::Id => json!({"type": "string", "format": "uuid"}),
        ColumnType::Text | ColumnType::Enum(_) => json!({"type": "string"}),
        ColumnType::Int => {
            json!({"type": "integer", "minimum": -(1_i64 << 31), "maximum": (1_i64 << 31) - 1})
        }
        ColumnType::Big => json!({"type": "integer"}),
        ColumnType::Time => {
            json!({"type": "integer", "description": "Milliseconds since 1970-01-01T00:00:00Z."})
        }
        ColumnType::Json => json!({"description": "Any JSON (RFC 7493)."}),
    }
}

fn row(schema: &TableSchema) -> Value {
    let columns = schema.table.columns.iter();
    let properties: Map<String, Value> = columns
        .map(|(name, kind)| ((*name).to_owned(), column(*kind)))
        .collect();
    let key: Vec<&str> = schema
        .key
        .iter()
        .map(|place| schema.table.columns[*place].0)
        .collect();
    json!({
        "description": format!("A line of records/{}-NNNNNN.jsonl; a column that is null is left out.", schema.table.name),
        "type": "object",
        "properties": properties,
        "required": key,
        "additionalProperties": false,
    })
}

fn whole() -> Value {
    let count = json!({"type": "integer", "minimum": 0});
    let tables: Vec<&str> = schemas(latest_version())
        .map(|schema| schema.table.name)
        .collect();
    let rows: Map<String, Value> = schemas(latest_version())
        .map(|schema| (schema.table.name.to_owned(), row(schema)))
        .collect();
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:uuid:0c0b7a5e-52f7-4a39-8d6f-0a1d3d6a7b52",
        "title": "Pegbar bundle, format 1",
        "description": "The file bundle.json of a bundle; $defs has a line of each of its tables.",
        "type": "object",
        "properties": {
            "format": {"const": FORMAT},
            "version": {"const": VERSION},
            "createdAt": {"type": "string", "format": "date-time"},
            "pegbar": {"description": "The version of the program that wrote it.", "type": "string"},
            "schemaVersion": {"description": "The version of the schema that its rows have.", "type": "integer", "minimum": 1},
            "project": {
                "type": "object",
                "properties": {"id": {"type": "string", "format": "uuid"}, "name": {"type": "string"}},
                "required": ["id", "name"],
                "additionalProperties": false,
            },
            "tables": {
                "description": "Every table, in this order.",
                "type": "array",
                "items": {
                    "type": "object",
                    "properties": {"name": {"enum": tables}, "rows": count},
                    "required": ["name", "rows"],
                    "additionalProperties": false,
                },
            },
            "blobs": {
                "type": "object",
                "properties": {"count": count, "bytes": count},
                "required": ["count", "bytes"],
                "additionalProperties": false,
            },
        },
        "required": ["format", "version", "createdAt", "pegbar", "schemaVersion", "project", "tables", "blobs"],
        "additionalProperties": false,
        "$defs": rows,
    })
}

#[test]
fn the_schema_in_the_docs_is_that_of_the_tables() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"));
    let path = path.join("../../docs/schema/bundle-1.schema.json");
    let text = serde_json::to_string_pretty(&whole()).unwrap() + "\n";
    if std::env::var_os("PEGBAR_UPDATE").is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    let known = std::fs::read_to_string(&path).unwrap_or_default();
    let hint = "PEGBAR_UPDATE=1 cargo test -p pegbar --lib bundle renews it";
    assert_eq!(known, text, "{hint}");
}
