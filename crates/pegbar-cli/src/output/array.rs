//! JSON arrays that may be long, printed as their elements come.

use std::io::Write as _;

use serde::Serialize;

use super::{Output, unwritten};
use crate::error::CommandError;

/// An array that is printed element by element, each on several lines.
pub(crate) struct Array<'a> {
    output: &'a Output,
    is_empty: bool,
}

impl<'a> Array<'a> {
    pub(super) fn new(output: &'a Output) -> Self {
        Self {
            output,
            is_empty: true,
        }
    }

    /// Prints an element.
    pub(crate) fn element<T: Serialize>(&mut self, value: &T) -> Result<(), CommandError> {
        let text = serde_json::to_string_pretty(value).map_err(unwritten)?;
        // No string of JSON has a line break in it.
        let indented = text.replace('\n', "\n  ");
        let before = if self.is_empty { "[" } else { "," };
        self.is_empty = false;
        write!(self.output.stdout(), "{before}\n  {indented}").map_err(CommandError::Output)
    }

    /// Ends the array.
    pub(crate) fn finish(self) -> Result<(), CommandError> {
        let end = if self.is_empty { "[]\n" } else { "\n]\n" };
        self.output.verbatim(end.as_bytes())
    }
}
