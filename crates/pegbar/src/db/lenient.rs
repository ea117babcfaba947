//! Reading rows that other programs may have written, without believing any of it.

use super::value::{Column, Row};

/// Reads columns one by one, and remembers the first that can't be read.
pub(crate) struct Reader<'r, 'a> {
    row: &'r Row<'a>,
    unreadable: Option<(&'static str, String)>,
}

impl<'r, 'a> Reader<'r, 'a> {
    pub(crate) fn new(row: &'r Row<'a>) -> Self {
        Self {
            row,
            unreadable: None,
        }
    }

    /// Returns a column's value; `None` where it is null or can't be read.
    pub(crate) fn get<T: Column>(&mut self, index: usize, field: &'static str) -> Option<T> {
        match self.row.get::<Option<T>>(index) {
            Ok(value) => value,
            Err(error) => {
                self.unreadable.get_or_insert((field, error.to_string()));
                None
            }
        }
    }

    /// Returns the first field that could not be read, and why.
    pub(crate) fn into_unreadable(self) -> Option<(&'static str, String)> {
        self.unreadable
    }
}
