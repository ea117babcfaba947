//! Values as PostgreSQL takes them.

use std::error::Error as StdError;

use pegbar::MillisSinceEpoch;
use tokio_postgres::types::private::BytesMut;
use tokio_postgres::types::{IsNull, ToSql, Type, to_sql_checked};
use uuid::Uuid;

/// Microseconds from 1970-01-01 to 2000-01-01, where PostgreSQL counts from.
pub(super) const EPOCH_US: i64 = 946_684_800_000_000;

pub(super) fn column<'a, T, U>(rows: &'a [T], value: impl FnMut(&'a T) -> U) -> Vec<U> {
    rows.iter().map(value).collect()
}

pub(super) struct TagColumns<'a>(Vec<Uuid>, Vec<&'a str>, Vec<Uuid>, Vec<i32>);

pub(super) fn tag_columns<'a>(project: Uuid, tags: &[(&'a str, Uuid, i32)]) -> TagColumns<'a> {
    TagColumns(
        vec![project; tags.len()],
        column(tags, |row| row.0),
        column(tags, |row| row.1),
        column(tags, |row| row.2),
    )
}

impl TagColumns<'_> {
    pub(super) fn list(&self) -> [&(dyn ToSql + Sync); 4] {
        [&self.0, &self.1, &self.2, &self.3]
    }
}

/// The label of an enum.
#[derive(Debug)]
pub(super) struct Word(pub(super) &'static str);

impl ToSql for Word {
    fn to_sql(
        &self,
        _: &Type,
        out: &mut BytesMut,
    ) -> Result<IsNull, Box<dyn StdError + Sync + Send>> {
        out.extend_from_slice(self.0.as_bytes());
        Ok(IsNull::No)
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

/// A time in milliseconds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Millis(pub(super) MillisSinceEpoch);

impl ToSql for Millis {
    fn to_sql(
        &self,
        _: &Type,
        out: &mut BytesMut,
    ) -> Result<IsNull, Box<dyn StdError + Sync + Send>> {
        (self.0.0 * 1000 - EPOCH_US).to_sql(&Type::INT8, out)
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}
