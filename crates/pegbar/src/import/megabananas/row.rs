//! Rows of the app, as PostgreSQL writes them as JSON: whatever columns they have.

use std::collections::BTreeMap;
use std::fmt::Display;

use serde_json::Value;
use serde_json::value::RawValue;

use super::report::MegabananasFinding as Finding;
use crate::error::{Error, Result};
use crate::json::{Json, JsonError};
use crate::text::{MAX_NAME_BYTES, check_name, check_text, check_time};
use crate::time::MillisSinceEpoch;

/// Columns by their names, in the text that the server wrote.
type Columns = BTreeMap<String, Box<RawValue>>;

/// A row of one of the app's tables.
#[derive(Debug)]
pub(super) struct AppRow {
    pub(super) table: &'static str,
    /// The row as JSON.
    pub(super) text: String,
    columns: Columns,
}

impl AppRow {
    pub(super) fn parse(table: &'static str, text: String) -> Result<Self> {
        let columns = serde_json::from_str(&text);
        let columns = columns.map_err(|source| Error::Damaged {
            place: format!("a row of the app's table {table:?}"),
            reason: source.to_string(),
            source: Some(Box::new(source)),
        })?;
        Ok(Self {
            table,
            text,
            columns,
        })
    }

    /// Parses the array of rows that an aggregate returns; `None` where there are none.
    pub(super) fn parse_all(table: &'static str, text: Option<String>) -> Result<Vec<Self>> {
        let Some(text) = text else {
            return Ok(Vec::new());
        };
        let rows: Vec<Box<RawValue>> =
            serde_json::from_str(&text).map_err(|source| Error::Damaged {
                place: format!("rows of the app's table {table:?}"),
                reason: source.to_string(),
                source: Some(Box::new(source)),
            })?;
        let rows = rows.into_iter();
        rows.map(|row| Self::parse(table, row.get().to_owned()))
            .collect()
    }

    /// Returns the text of a column; of a number its digits.
    pub(super) fn text(&self, column: &str) -> Option<String> {
        let raw = self.columns.get(column)?.get();
        match serde_json::from_str(raw).ok()? {
            Value::Null => None,
            Value::String(text) => Some(text),
            _ => Some(raw.to_owned()),
        }
    }

    /// Returns the row's id.
    pub(super) fn id(&self) -> String {
        self.text("id").unwrap_or_default()
    }

    pub(super) fn integer(&self, column: &str) -> Option<i64> {
        self.text(column)?.parse().ok()
    }

    /// Returns a JSON column; `None` for NULL.
    pub(super) fn json(&self, column: &str) -> Result<Option<Json>, JsonError> {
        match self.columns.get(column).map(|raw| raw.get()) {
            None | Some("null") => Ok(None),
            Some(raw) => Json::parse(raw).map(Some),
        }
    }

    /// Returns a point in time: Prisma keeps UTC without saying so.
    pub(super) fn time(&self, column: &str) -> Result<Option<MillisSinceEpoch>, String> {
        let Some(text) = self.text(column) else {
            return Ok(None);
        };
        let time = text.parse::<MillisSinceEpoch>();
        let time = time.or_else(|_| format!("{text}Z").parse());
        time.map(Some)
            .map_err(|_| format!("{text:?} is no time in UTC"))
    }

    /// Returns when the row was created.
    pub(super) fn created_at(&self, notes: &mut Vec<Finding>) -> Option<MillisSinceEpoch> {
        let time = self.time("createdAt").and_then(|time| {
            let checked = check_time("createdAt", time).map_err(|error| error.to_string());
            checked.map(|()| time)
        });
        time.unwrap_or_else(|reason| {
            notes.push(self.unkept("createdAt", reason));
            None
        })
    }

    /// Returns the row's name, cut to what Pegbar keeps; its id, where it has none.
    pub(super) fn name(&self, notes: &mut Vec<Finding>) -> String {
        let name = self.text("name").unwrap_or_default();
        let Err(error) = check_name("name", &name) else {
            return name;
        };
        let end = (0..=MAX_NAME_BYTES.min(name.len())).rev();
        let end = end.into_iter().find(|end| name.is_char_boundary(*end));
        let mut kept = name[..end.unwrap_or(0)].to_owned();
        if kept.trim().is_empty() {
            kept = self.id();
        }
        notes.push(self.adjusted("name", format!("became {kept:?}: {error}")));
        kept
    }

    /// Returns a description or prompt, unless Pegbar can't keep it.
    pub(super) fn prose(&self, column: &str, notes: &mut Vec<Finding>) -> Option<String> {
        let text = self.text(column)?;
        match check_text(column, &text) {
            Ok(()) => Some(text),
            Err(error) => {
                notes.push(self.unkept(column, error));
                None
            }
        }
    }

    /// Notes that a value did not arrive as it was.
    pub(super) fn adjusted(&self, column: &str, reason: String) -> Finding {
        Finding::Adjusted {
            table: self.table.to_owned(),
            source_id: self.id(),
            column: column.to_owned(),
            reason,
        }
    }

    /// Notes that a value was not kept.
    pub(super) fn unkept(&self, column: &str, reason: impl Display) -> Finding {
        self.adjusted(column, format!("not kept: {reason}"))
    }

    /// Returns the row as a JSON value; its text, where it nests too deep.
    pub(super) fn to_value(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| Value::String(self.text.clone()))
    }

    /// Names the columns whose values are not those of an earlier text of the row.
    pub(super) fn changes(&self, earlier: &str, ignored: &[&str]) -> Vec<String> {
        let Ok(earlier) = serde_json::from_str::<Columns>(earlier) else {
            return Vec::new();
        };
        let mut changed: Vec<String> = Vec::new();
        for column in self.columns.keys().chain(earlier.keys()) {
            let is_known = ignored.contains(&column.as_str()) || changed.contains(column);
            if !is_known && !is_same(text_of(&self.columns, column), text_of(&earlier, column)) {
                changed.push(column.clone());
            }
        }
        changed
    }
}

/// Returns the JSON of a column. One that is not there is as good as NULL: the app adds columns
/// while it grows.
fn text_of<'a>(columns: &'a Columns, column: &str) -> &'a str {
    columns.get(column).map_or("null", |raw| raw.get())
}

/// Compares values, not spellings.
fn is_same(a: &str, b: &str) -> bool {
    let value = |text: &str| serde_json::from_str::<Value>(text).ok();
    a == b || value(a).is_some_and(|a| value(b).as_ref() == Some(&a))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(text: &str) -> AppRow {
        AppRow::parse("Asset", text.to_owned()).unwrap()
    }

    #[test]
    fn a_time_without_a_zone_is_utc() {
        let row = row(
            r#"{"a":"2026-01-01T07:02:29.5","b":"2026-01-01T08:02:29.5+01:00",
            "c":"infinity","d":null}"#,
        );
        let time = Some(MillisSinceEpoch(1_767_250_949_500));
        assert_eq!(row.time("a"), Ok(time));
        assert_eq!(row.time("b"), Ok(time));
        assert!(row.time("c").unwrap_err().contains("infinity"));
        assert_eq!((row.time("d"), row.time("e")), (Ok(None), Ok(None)));
    }

    #[test]
    fn changes_are_of_values_and_not_of_spellings() {
        let row = row(r#"{"id":"a","n":{"x":1,"y":2},"new":null,"updatedAt":1}"#);
        let earlier = r#"{"n": {"y": 2, "x": 1}, "id": "a", "updatedAt": 2}"#;
        assert!(row.changes(earlier, &["updatedAt"]).is_empty());
        assert_eq!(row.changes(earlier, &[]), ["updatedAt"]);
        assert_eq!(
            row.changes(r#"{"id":"a","gone":1}"#, &["updatedAt"]),
            ["n", "gone"]
        );
    }
}
