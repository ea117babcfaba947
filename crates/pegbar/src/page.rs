//! Lists in pages that stay stable while rows are added.

use serde::Serialize;

use crate::error::{Error, Result};

/// The most rows that one page holds.
pub const MAX_PAGE_SIZE: u32 = 1000;

/// Which page of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageRequest<T> {
    /// The last id of the page before; `None` for the first page.
    pub after: Option<T>,
    /// How many rows at most: 1 to [`MAX_PAGE_SIZE`].
    pub limit: u32,
    /// From the last id to the first: the newest first. All pages of a list go the same way.
    pub is_descending: bool,
}

impl<T> Default for PageRequest<T> {
    fn default() -> Self {
        Self {
            after: None,
            limit: 50,
            is_descending: false,
        }
    }
}

impl<T> PageRequest<T> {
    /// Asks for the page after an id, with 50 rows.
    #[must_use]
    pub fn after(id: T) -> Self {
        Self {
            after: Some(id),
            ..Self::default()
        }
    }

    /// Asks for another number of rows.
    #[must_use]
    pub fn limit(self, limit: u32) -> Self {
        Self { limit, ..self }
    }

    /// Asks for the newest first.
    #[must_use]
    pub fn descending(self) -> Self {
        Self {
            is_descending: true,
            ..self
        }
    }

    /// Asks in each order, for the tests that prepare every query.
    #[cfg(test)]
    pub(crate) fn both_orders(after: Option<T>) -> [Self; 2]
    where
        T: Copy,
    {
        [false, true].map(|is_descending| Self {
            after,
            limit: 2,
            is_descending,
        })
    }

    /// Returns how many rows to read: one more than asked for tells whether a page follows.
    pub(crate) fn rows_to_read(&self) -> Result<i64> {
        if (1..=MAX_PAGE_SIZE).contains(&self.limit) {
            return Ok(i64::from(self.limit) + 1);
        }
        Err(Error::invalid(
            "limit",
            format!("expected 1 to {MAX_PAGE_SIZE}, got {}", self.limit),
        ))
    }
}

/// One page of a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Page<T> {
    /// The rows, in order.
    pub rows: Vec<T>,
    /// Whether another page follows.
    pub has_more: bool,
}

impl<T> Page<T> {
    /// Takes the rows that were read, with the one beyond the page.
    pub(crate) fn of(mut rows: Vec<T>, limit: u32) -> Self {
        let has_more = rows.len() > limit as usize;
        rows.truncate(limit as usize);
        Self { rows, has_more }
    }
}
