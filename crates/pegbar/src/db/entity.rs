//! One declaration per table: the struct, how a row is read and how it is written.

use super::value::{ColumnType, Row, Value};
use crate::error::{Error, Result};

/// A table as the layer sees it.
#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) name: &'static str,
    pub(crate) columns: &'static [(&'static str, ColumnType)],
}

/// A struct that is one row of one table.
pub(crate) trait Entity: Sized + Send + Sync {
    const TABLE: &'static Table;

    /// Reads the row from the columns in the order of the declaration.
    fn read(row: &Row<'_>) -> Result<Self>;

    /// Returns the value of a column, counted from 0.
    fn bind(&self, column: usize) -> Value<'_>;
}

/// Names table, column and row of a value that can't be read.
pub(crate) fn unreadable(
    table: &'static str,
    column: &'static str,
    row: &Row<'_>,
    source: Box<dyn std::error::Error + Send + Sync>,
) -> Error {
    let id = row.get::<uuid::Uuid>(0);
    let id = id.map_or_else(|_| "?".to_owned(), |id| id.to_string());
    Error::Damaged {
        place: format!("{table}.{column} of the row {id}"),
        reason: source.to_string(),
        source: Some(source),
    }
}

/// Declares a struct whose fields are the columns of a table, in order. Fields under
/// `joined` come from other tables: they are empty until their query has filled them.
macro_rules! entity {
    (
        $(#[$doc:meta])*
        $vis:vis struct $name:ident in $table:ident {
            $($(#[$field_doc:meta])* $field_vis:vis $field:ident: $type:ty,)+
        }
        $(joined { $($(#[$joined_doc:meta])* $joined_vis:vis $joined:ident: $joined_type:ty,)+ })?
    ) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
        #[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
        #[serde(rename_all = "camelCase")]
        $vis struct $name {
            $($(#[$field_doc])* $field_vis $field: $type,)+
            $($($(#[$joined_doc])* $joined_vis $joined: $joined_type,)+)?
        }

        impl $crate::db::entity::Entity for $name {
            const TABLE: &'static $crate::db::entity::Table = &$crate::db::entity::Table {
                name: stringify!($table),
                columns: &[$((
                    stringify!($field),
                    <$type as $crate::db::value::Column>::TYPE,
                )),+],
            };

            fn read(row: &$crate::db::value::Row<'_>) -> $crate::error::Result<Self> {
                let mut next = 0..;
                Ok(Self {
                    $($field: row.get(next.next().unwrap_or_default()).map_err(|source| {
                        $crate::db::entity::unreadable(
                            stringify!($table), stringify!($field), row, source,
                        )
                    })?,)+
                    $($($joined: Default::default(),)+)?
                })
            }

            fn bind(&self, column: usize) -> $crate::db::value::Value<'_> {
                let columns: &[fn(&Self) -> $crate::db::value::Value<'_>] =
                    &[$(|row| $crate::db::value::Column::bind(&row.$field)),+];
                columns[column](self)
            }
        }
    };
}
pub(crate) use entity;
