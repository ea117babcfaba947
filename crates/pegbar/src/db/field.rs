//! One value of one column, whatever the row means, the same from both engines.

use std::borrow::Cow;

use uuid::Uuid;

use super::value::{ColumnType, Row, Value};
use crate::error::{Error, Result};
use crate::json::Json;
use crate::time::MillisSinceEpoch;

/// A value of a row.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Field {
    Null,
    Id(Uuid),
    Int(i64),
    /// Text, or a word of a closed list.
    Text(String),
    Time(MillisSinceEpoch),
    Json(Json),
}

impl Field {
    pub(crate) fn bind(&self) -> Value<'_> {
        match self {
            Self::Null => Value::Null,
            Self::Id(id) => Value::Id(*id),
            Self::Int(number) => Value::Int(*number),
            Self::Text(text) => Value::Text(Cow::Borrowed(text)),
            Self::Time(time) => Value::Time(*time),
            Self::Json(json) => Value::Json(json),
        }
    }

    /// Reads the value of a column, counted from 0.
    pub(crate) fn read(
        row: &Row<'_>,
        index: usize,
        table: &'static str,
        (name, kind): (&'static str, ColumnType),
    ) -> Result<Self> {
        let read = match kind {
            ColumnType::Id => row.get::<Option<Uuid>>(index).map(|id| id.map(Self::Id)),
            ColumnType::Text | ColumnType::Enum(_) => row
                .get::<Option<String>>(index)
                .map(|text| text.map(Self::Text)),
            ColumnType::Int | ColumnType::Big => row
                .get::<Option<i64>>(index)
                .map(|number| number.map(Self::Int)),
            ColumnType::Time => row
                .get::<Option<MillisSinceEpoch>>(index)
                .map(|time| time.map(Self::Time)),
            ColumnType::Json => row
                .get::<Option<Json>>(index)
                .map(|json| json.map(Self::Json)),
        };
        match read {
            Ok(value) => Ok(value.unwrap_or(Self::Null)),
            Err(source) => {
                let id = first_column(row);
                Err(Error::Damaged {
                    place: format!("{table}.{name} of the row {id}"),
                    reason: source.to_string(),
                    source: Some(source),
                })
            }
        }
    }

    /// Returns the id, if it is one.
    pub(crate) fn id(&self) -> Option<Uuid> {
        match self {
            Self::Id(id) => Some(*id),
            _ => None,
        }
    }

    /// Returns the text, if it is one.
    pub(crate) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Returns the number, if it is one.
    pub(crate) fn int(&self) -> Option<i64> {
        match self {
            Self::Int(number) => Some(*number),
            _ => None,
        }
    }
}

/// Returns what names a row in messages: its first column, where that is an id.
fn first_column(row: &Row<'_>) -> String {
    let id = row.get::<Uuid>(0);
    id.map_or_else(|_| "?".to_owned(), |id| id.to_string())
}
