//! What goes into a statement and comes out of a row, the same for both engines.

use std::borrow::Cow;

use bytes::BytesMut;
use rusqlite::types::{ToSqlOutput, Value as SqliteValue, ValueRef};
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};
use uuid::Uuid;

use crate::hash::Sha256;
use crate::json::Json;
use crate::time::MillisSinceEpoch;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Microseconds from 1970-01-01 to 2000-01-01, where PostgreSQL counts from.
const POSTGRES_EPOCH_US: i64 = 946_684_800_000_000;

/// A parameter of a statement.
#[derive(Clone, Debug)]
pub(crate) enum Value<'a> {
    Null,
    Id(Uuid),
    Int(i64),
    Text(Cow<'a, str>),
    Time(MillisSinceEpoch),
    Json(&'a Json),
    /// A list of ids for `{in $n}`.
    Ids(&'a [Uuid]),
    /// A list of texts for `{in $n}`.
    Texts(&'a [String]),
}

impl<'a> From<&'a str> for Value<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(Cow::Borrowed(text))
    }
}

impl rusqlite::ToSql for Value<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match self {
            Self::Null => ToSqlOutput::Borrowed(ValueRef::Null),
            Self::Id(id) => ToSqlOutput::Borrowed(ValueRef::Blob(id.as_bytes())),
            Self::Int(n) => ToSqlOutput::Borrowed(ValueRef::Integer(*n)),
            Self::Text(text) => ToSqlOutput::Borrowed(ValueRef::Text(text.as_bytes())),
            Self::Time(time) => ToSqlOutput::Borrowed(ValueRef::Integer(time.0)),
            Self::Json(json) => ToSqlOutput::Owned(SqliteValue::Text(json.to_string())),
            Self::Ids(ids) => {
                let blobs = ids
                    .iter()
                    .map(|id| SqliteValue::Blob(id.as_bytes().to_vec()));
                let list: rusqlite::vtab::array::Array = std::rc::Rc::new(blobs.collect());
                ToSqlOutput::from_rc(list, c"rarray")
            }
            Self::Texts(texts) => {
                let texts = texts.iter().map(|text| SqliteValue::Text(text.clone()));
                let list: rusqlite::vtab::array::Array = std::rc::Rc::new(texts.collect());
                ToSqlOutput::from_rc(list, c"rarray")
            }
        })
    }
}

impl ToSql for Value<'_> {
    fn to_sql(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, BoxError> {
        match self {
            Self::Null => Ok(IsNull::Yes),
            Self::Id(id) => id.to_sql(ty, out),
            Self::Int(n) if *ty == Type::INT4 => i32::try_from(*n)?.to_sql(ty, out),
            Self::Int(n) => n.to_sql(ty, out),
            // The binary form of text, of an enum's label and of json is the text itself.
            Self::Text(text) => {
                out.extend_from_slice(text.as_bytes());
                Ok(IsNull::No)
            }
            Self::Time(time) => {
                let micros = time.0.checked_mul(1000).ok_or("the time is out of range")?;
                (micros - POSTGRES_EPOCH_US).to_sql(&Type::INT8, out)
            }
            Self::Json(json) => {
                // jsonb begins with its version, 1.
                out.extend_from_slice(&[1]);
                serde_json::to_writer(Sink(out), json.as_value())?;
                Ok(IsNull::No)
            }
            Self::Ids(ids) => ids.to_sql(ty, out),
            Self::Texts(texts) => texts.to_sql(ty, out),
        }
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

/// Writes into PostgreSQL's buffer.
struct Sink<'a>(&'a mut BytesMut);

impl std::io::Write for Sink<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// A row that a query returned.
pub(crate) enum Row<'a> {
    Sqlite(&'a rusqlite::Row<'a>),
    Postgres(&'a tokio_postgres::Row),
}

/// A column's value before its type is known.
///
/// SQLite's values are taken apart at once: to copy one as a whole, right after its parts were
/// written, makes the processor wait, which took a tenth of reading a lineage.
pub(crate) enum Cell<'a> {
    Null,
    Integer(i64),
    Text(&'a [u8]),
    Blob(&'a [u8]),
    /// A number with a fraction, which no column of ours has.
    Real,
    Postgres(Wire, &'a [u8]),
}

impl Cell<'_> {
    /// Says what stands where something else should.
    fn is_not(&self, expected: &str) -> BoxError {
        let found = match self {
            Self::Null => return "unexpected NULL".into(),
            Self::Integer(_) => "an integer",
            Self::Text(_) => "text",
            Self::Blob(_) => "a blob",
            Self::Real => "a number with a fraction",
            Self::Postgres(..) => "another type",
        };
        format!("expected {expected}, found {found}").into()
    }
}

/// What of a PostgreSQL type decides how its bytes are read.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Wire {
    Int4,
    Int8,
    Jsonb,
    Other,
}

impl<'a> FromSql<'a> for Cell<'a> {
    fn from_sql(ty: &Type, raw: &'a [u8]) -> Result<Self, BoxError> {
        let wire = match *ty {
            Type::INT4 => Wire::Int4,
            Type::INT8 => Wire::Int8,
            Type::JSONB => Wire::Jsonb,
            _ => Wire::Other,
        };
        Ok(Self::Postgres(wire, raw))
    }

    fn from_sql_null(_: &Type) -> Result<Self, BoxError> {
        Ok(Self::Null)
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}

impl Row<'_> {
    /// Reads the value of a column, counted from 0.
    pub(crate) fn get<T: Column>(&self, index: usize) -> Result<T, BoxError> {
        T::read(self.cell(index)?)
    }

    #[inline]
    fn cell(&self, index: usize) -> Result<Cell<'_>, BoxError> {
        match self {
            Self::Sqlite(row) => Ok(match row.get_ref(index)? {
                ValueRef::Null => Cell::Null,
                ValueRef::Integer(n) => Cell::Integer(n),
                ValueRef::Real(_) => Cell::Real,
                ValueRef::Text(text) => Cell::Text(text),
                ValueRef::Blob(bytes) => Cell::Blob(bytes),
            }),
            Self::Postgres(row) => Ok(row.try_get(index)?),
        }
    }
}

impl Row<'_> {
    /// Reads a value that belongs to no declaration; `place` names it if it can't be read.
    pub(crate) fn at<T: Column>(&self, index: usize, place: &'static str) -> crate::Result<T> {
        self.get(index).map_err(unreadable(place))
    }

    /// Reads text that is only looked at, without copying it.
    pub(crate) fn text_at(&self, index: usize, place: &'static str) -> crate::Result<&str> {
        let text = self.cell(index).and_then(read_text);
        text.map_err(unreadable(place))
    }
}

fn unreadable(place: &'static str) -> impl Fn(BoxError) -> crate::Error {
    move |source| crate::Error::Damaged {
        place: place.to_owned(),
        reason: source.to_string(),
        source: Some(source),
    }
}

/// The type of a column, as the engines call it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ColumnType {
    Id,
    Text,
    Int,
    Big,
    Time,
    Json,
    /// A closed list of words: a type of its own on PostgreSQL.
    Enum(&'static str),
}

/// A Rust type that a column can hold.
pub(crate) trait Column: Sized {
    const TYPE: ColumnType;

    fn bind(&self) -> Value<'_>;

    fn read(cell: Cell<'_>) -> Result<Self, BoxError>;
}

impl<T: Column> Column for Option<T> {
    const TYPE: ColumnType = T::TYPE;

    fn bind(&self) -> Value<'_> {
        self.as_ref().map_or(Value::Null, Column::bind)
    }

    fn read(cell: Cell<'_>) -> Result<Self, BoxError> {
        match cell {
            Cell::Null => Ok(None),
            cell => T::read(cell).map(Some),
        }
    }
}

/// Reads text, and the label of an enum, without copying.
pub(crate) fn read_text(cell: Cell<'_>) -> Result<&str, BoxError> {
    match cell {
        Cell::Text(raw) | Cell::Postgres(_, raw) => Ok(std::str::from_utf8(raw)?),
        cell => Err(cell.is_not("text")),
    }
}

/// Reads the bytes of a text that is checked by whoever reads it.
fn read_digits(cell: Cell<'_>) -> Result<&[u8], BoxError> {
    match cell {
        Cell::Text(raw) | Cell::Postgres(_, raw) => Ok(raw),
        cell => Err(cell.is_not("text")),
    }
}

fn read_integer(cell: &Cell<'_>) -> Result<i64, BoxError> {
    match cell {
        Cell::Integer(n) => Ok(*n),
        Cell::Postgres(Wire::Int4, raw) => Ok(i32::from_sql(&Type::INT4, raw)?.into()),
        Cell::Postgres(Wire::Int8, raw) => i64::from_sql(&Type::INT8, raw),
        cell => Err(cell.is_not("an integer")),
    }
}

impl Column for Uuid {
    const TYPE: ColumnType = ColumnType::Id;

    fn bind(&self) -> Value<'_> {
        Value::Id(*self)
    }

    fn read(cell: Cell<'_>) -> Result<Self, BoxError> {
        match cell {
            Cell::Blob(raw) | Cell::Postgres(_, raw) => Ok(Self::from_slice(raw)?),
            cell => Err(cell.is_not("16 bytes")),
        }
    }
}

macro_rules! id_columns {
    ($($id:ident),+) => {$(
        impl Column for crate::id::$id {
            const TYPE: ColumnType = ColumnType::Id;

            fn bind(&self) -> Value<'_> {
                Value::Id(self.0)
            }

            fn read(cell: Cell<'_>) -> Result<Self, BoxError> {
                Uuid::read(cell).map(Self)
            }
        }
    )+};
}
id_columns!(
    ProjectId,
    AssetId,
    CharacterId,
    AnimationId,
    FrameId,
    GenerationId,
    AnnotationId,
    DeletionId,
    TokenId,
    StoreId,
    OutboxId
);

impl Column for String {
    const TYPE: ColumnType = ColumnType::Text;

    fn bind(&self) -> Value<'_> {
        Value::Text(Cow::Borrowed(self))
    }

    fn read(cell: Cell<'_>) -> Result<Self, BoxError> {
        read_text(cell).map(str::to_owned)
    }
}

impl Column for Sha256 {
    const TYPE: ColumnType = ColumnType::Text;

    fn bind(&self) -> Value<'_> {
        Value::Text(Cow::Owned(self.to_string()))
    }

    fn read(cell: Cell<'_>) -> Result<Self, BoxError> {
        Ok(Self::from_digits(read_digits(cell)?)?)
    }
}

macro_rules! integer_columns {
    ($($int:ty => $column:ident),+) => {$(
        impl Column for $int {
            const TYPE: ColumnType = ColumnType::$column;

            fn bind(&self) -> Value<'_> {
                // Beyond i64 there is nothing that either engine could keep.
                Value::Int(i64::try_from(*self).unwrap_or(i64::MAX))
            }

            fn read(cell: Cell<'_>) -> Result<Self, BoxError> {
                Ok(read_integer(&cell)?.try_into()?)
            }
        }
    )+};
}
integer_columns!(u32 => Int, u64 => Big, i64 => Big);

impl Column for MillisSinceEpoch {
    const TYPE: ColumnType = ColumnType::Time;

    fn bind(&self) -> Value<'_> {
        Value::Time(*self)
    }

    fn read(cell: Cell<'_>) -> Result<Self, BoxError> {
        match cell {
            Cell::Integer(millis) => Ok(Self(millis)),
            Cell::Postgres(_, raw) => {
                let micros = i64::from_sql(&Type::INT8, raw)?;
                // Another program may have written `infinity`.
                let micros = micros.checked_add(POSTGRES_EPOCH_US);
                let micros = micros.ok_or("the time is out of range")?;
                Ok(Self(micros.div_euclid(1000)))
            }
            cell => Err(cell.is_not("a time")),
        }
    }
}

impl Column for Json {
    const TYPE: ColumnType = ColumnType::Json;

    fn bind(&self) -> Value<'_> {
        Value::Json(self)
    }

    fn read(cell: Cell<'_>) -> Result<Self, BoxError> {
        match cell {
            Cell::Postgres(Wire::Jsonb, [1, text @ ..]) => {
                Ok(Self::from_stored(std::str::from_utf8(text)?)?)
            }
            cell => Ok(Self::from_stored(read_text(cell)?)?),
        }
    }
}

/// Declares an enum whose words are the same in Rust, SQL, JSON and on the command line.
macro_rules! word_enum {
    (
        $(#[doc = $doc:literal])*
        pub enum $name:ident in $sql_type:literal {
            $($(#[$variant_doc:meta])* $variant:ident = $word:literal,)+
        }
    ) => {
        $(#[doc = $doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[derive(serde::Serialize, serde::Deserialize)]
        pub enum $name {
            $($(#[$variant_doc])* #[serde(rename = $word)] $variant,)+
        }

        impl $name {
            /// Every value, in order.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// Returns the word that stands for it in SQL, JSON and on the command line.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)+
                }
            }
        }

        // The macro of `utoipa` does not see words that come from a macro.
        #[cfg(feature = "openapi")]
        impl utoipa::PartialSchema for $name {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
                $crate::openapi::words(concat!($($doc, "\n"),*), &[$($word),+])
            }
        }

        #[cfg(feature = "openapi")]
        impl utoipa::ToSchema for $name {}

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl std::str::FromStr for $name {
            type Err = String;
            fn from_str(word: &str) -> std::result::Result<Self, String> {
                let found = Self::ALL.iter().copied().find(|value| value.as_str() == word);
                found.ok_or_else(|| {
                    let words = [$($word),+].join(", ");
                    format!("unknown word {word:?}; expected one of {words}")
                })
            }
        }

        impl $crate::db::value::Column for $name {
            const TYPE: $crate::db::value::ColumnType =
                $crate::db::value::ColumnType::Enum($sql_type);

            fn bind(&self) -> $crate::db::value::Value<'_> {
                self.as_str().into()
            }

            fn read(
                cell: $crate::db::value::Cell<'_>,
            ) -> std::result::Result<Self, Box<dyn std::error::Error + Send + Sync>> {
                Ok($crate::db::value::read_text(cell)?.parse::<Self>()?)
            }
        }
    };
}
pub(crate) use word_enum;
