//! A row as a line of JSON: an object with the columns that are not null, in their order.
//!
//! Ids are written with hyphens, times as milliseconds since 1970, JSON as itself.

use std::io::Write as _;

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::Row;
use crate::db::field::Field;
use crate::db::schema::TableSchema;
use crate::db::value::ColumnType;
use crate::json::Json;
use crate::time::MillisSinceEpoch;

/// The longest line, in bytes: a row of ours has at most a handful of texts of 1 MiB.
pub(crate) const MAX_BYTES: usize = 64 << 20;

/// Adds a row to a text, with a line end.
pub(crate) fn write(text: &mut Vec<u8>, schema: &TableSchema, row: &[Field]) {
    text.push(b'{');
    let mut separator = "";
    for ((name, _), field) in schema.table.columns.iter().zip(row) {
        if *field == Field::Null {
            continue;
        }
        // Writing to a Vec cannot fail.
        let _ = write!(text, "{separator}\"{name}\":");
        let _ = match field {
            Field::Null => Ok(()),
            Field::Id(id) => write!(text, "\"{}\"", id.hyphenated()),
            Field::Int(number) => write!(text, "{number}"),
            Field::Time(time) => write!(text, "{}", time.0),
            Field::Text(value) => serde_json::to_writer(&mut *text, value).map_err(Into::into),
            Field::Json(json) => write!(text, "{json}"),
        };
        separator = ",";
    }
    text.extend_from_slice(b"}\n");
}

/// How a line is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trust {
    /// What a database of ours held, whoever wrote it there.
    Own,
    /// What anybody may have written: JSON is checked as at every entry.
    Foreign,
}

/// Reads a line, without its end. What is wrong with it is said in a few words.
pub(crate) fn read(line: &[u8], schema: &TableSchema, trust: Trust) -> Result<Row, String> {
    let text = std::str::from_utf8(line).map_err(|_| "it is not UTF-8".to_owned())?;
    let Members(members) = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let columns = schema.table.columns;
    let mut row = vec![Field::Null; columns.len()];
    for (name, value) in members {
        let place = columns.iter().position(|(column, _)| *column == name);
        let place = place.ok_or_else(|| format!("there is no column {name:?}"))?;
        if row[place] != Field::Null {
            return Err(format!("the column {name} stands twice"));
        }
        let field = read_field(value, columns[place].1, trust);
        row[place] = field.map_err(|reason| format!("{name}: {reason}"))?;
    }
    Ok(row)
}

fn read_field(value: &RawValue, kind: ColumnType, trust: Trust) -> Result<Field, String> {
    fn of<'a, T: Deserialize<'a>>(value: &'a RawValue) -> Result<T, String> {
        serde_json::from_str(value.get()).map_err(|error| error.to_string())
    }
    Ok(match kind {
        ColumnType::Id => Field::Id(of(value)?),
        ColumnType::Text | ColumnType::Enum(_) => {
            let text: String = of(value)?;
            if trust == Trust::Foreign && text.contains('\0') {
                return Err("it holds the character NUL".to_owned());
            }
            Field::Text(text)
        }
        ColumnType::Int => Field::Int(of::<i32>(value)?.into()),
        ColumnType::Big => Field::Int(of(value)?),
        ColumnType::Time => Field::Time(MillisSinceEpoch(of(value)?)),
        ColumnType::Json if trust == Trust::Foreign => {
            Field::Json(Json::parse(value.get()).map_err(|error| error.to_string())?)
        }
        ColumnType::Json => {
            Field::Json(Json::from_stored(value.get()).map_err(|error| error.to_string())?)
        }
    })
}

/// The members of an object in their order, as they are written.
struct Members<'a>(Vec<(String, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct MembersVisitor;
        impl<'de> Visitor<'de> for MembersVisitor {
            type Value = Members<'de>;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                    // More than any table has: an object of millions is not read to its end.
                    if members.len() > 1000 {
                        return Err(serde::de::Error::custom("it has too many columns"));
                    }
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(MembersVisitor)
    }
}
