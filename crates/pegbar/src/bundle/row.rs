//! What a row of a bundle may say: as much as Pegbar itself would write.

use uuid::Uuid;

use super::map::Ids;
use crate::db::field::Field;
use crate::db::schema::TableSchema;
use crate::db::value::ColumnType;
use crate::hash::Sha256;
use crate::rows::Row;
use crate::segment::taken_over;
use crate::text::{MAX_SOURCE_BYTES, check_name, check_time};

/// Columns that an index has: longer texts would not fit into it.
const INDEXED: &[&str] = &["source_id", "source_path", "model", "tool"];

/// Checks a row by itself, and makes it what is written: where its file lies is found anew.
pub(super) fn check(schema: &TableSchema, row: &mut Row, project: Uuid) -> Result<(), String> {
    let owner = crate::rows::owner(&schema.table);
    let is_own = schema
        .column(owner)
        .is_some_and(|place| row[place] == Field::Id(project));
    if !is_own {
        return Err(format!("{owner}: it belongs to another project"));
    }
    for ((name, kind), field) in schema.table.columns.iter().zip(row.iter()) {
        check_field(schema, name, *kind, field).map_err(|reason| format!("{name}: {reason}"))?;
    }
    check_segment(schema, row)?;
    if schema.table.name == "asset" {
        check_record(schema, row)?;
        if let Some(place) = schema.column("file_path") {
            row[place] = Field::Null;
        }
    }
    Ok(())
}

fn check_field(
    schema: &TableSchema,
    name: &str,
    kind: ColumnType,
    field: &Field,
) -> Result<(), String> {
    let said = |error: crate::Error| match error {
        crate::Error::Invalid { reason, .. } => reason,
        error => error.to_string(),
    };
    match field {
        Field::Text(text) if INDEXED.contains(&name) && text.len() > MAX_SOURCE_BYTES => {
            Err(format!("it is longer than {MAX_SOURCE_BYTES} bytes"))
        }
        Field::Text(text) if name == "name" => check_name(name, text).map_err(said),
        Field::Text(text) if name == "sha256" || name == "record_hash" => {
            let parsed = text.parse::<Sha256>();
            parsed.map(drop).map_err(|error| error.to_string())
        }
        Field::Time(time) => check_time(name, Some(*time)).map_err(said),
        Field::Int(number) if *number < 0 && name != "version" => {
            Err(format!("{number} is below 0"))
        }
        Field::Text(word) => match kind {
            ColumnType::Enum(list) => check_word(list, word),
            _ => Ok(()),
        },
        Field::Null
            if schema
                .key
                .iter()
                .any(|place| schema.table.columns[*place].0 == name) =>
        {
            Err("it is missing".to_owned())
        }
        _ => Ok(()),
    }
}

fn check_word(list: &str, word: &str) -> Result<(), String> {
    let is_known = match list {
        "asset_kind" => word.parse::<crate::AssetKind>().is_ok(),
        "reference_role" => word.parse::<crate::ReferenceRole>().is_ok(),
        "generation_status" => word.parse::<crate::GenerationStatus>().is_ok(),
        _ => true,
    };
    is_known
        .then_some(())
        .ok_or_else(|| format!("{word:?} is not one of its words"))
}

/// A segment becomes part of a path: it stays within its folder, and its key is its own.
fn check_segment(schema: &TableSchema, row: &mut Row) -> Result<(), String> {
    let (Some(text), Some(key)) = (schema.column("segment"), schema.column("segment_key")) else {
        return Ok(());
    };
    let Some(segment) = row[text].text() else {
        row[key] = Field::Null;
        return Ok(());
    };
    let Some(taken) = taken_over(segment) else {
        return Err(format!("segment: {segment:?} can't be part of a path"));
    };
    row[key] = Field::Text(taken.key);
    Ok(())
}

fn check_record(schema: &TableSchema, row: &[Field]) -> Result<(), String> {
    let text = |name| schema.column(name).and_then(|place| row[place].text());
    let (Some(record), Some(hash)) = (text("record"), text("record_hash")) else {
        return Ok(());
    };
    let found = Sha256::of(record.as_bytes()).to_string();
    if found == hash {
        return Ok(());
    }
    Err(format!("record: its SHA-256 is {found}, not {hash}"))
}

/// Refuses a row that points at something that the bundle does not have.
pub(super) fn check_ids(schema: &TableSchema, row: &[Field], ids: &Ids) -> Result<(), String> {
    for ((name, _), field) in schema.table.columns.iter().zip(row) {
        if let Some(id) = field.id()
            && !ids.has(id)
        {
            return Err(format!("{name}: nothing in the bundle has the id {id}"));
        }
    }
    Ok(())
}
