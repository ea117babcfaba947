//! Tables: they fit the terminal, and are plain columns where nobody looks.

mod fit;

use comfy_table::presets::NOTHING;
use comfy_table::{ColumnConstraint, ContentArrangement, LineStyle, Width};

use unicode_width::UnicodeWidthStr;

use super::printable;
use crate::color::{self, painted};
use fit::{Column, GAP, fit};

/// What the line below a header is made of, before it is taken away.
const BELOW_HEADER: char = '\u{1}';

/// The columns whose cells stand on one line however narrow the screen is: half an id can't be
/// copied.
const WHOLE: &[&str] = &["ID", "TAKE", "FRAME ID", "ASSET", "ASSET ID", "SHOWS"];

/// A table with a header, printed at once or page by page.
pub(crate) struct Table {
    header: &'static [&'static str],
    rows: Vec<Vec<String>>,
    /// How wide the columns of the page before were, where the width is not limited.
    widths: Vec<u16>,
    is_empty: bool,
    /// The columns that there was no room for.
    dropped: Vec<&'static str>,
}

impl Table {
    pub(crate) fn new(header: &'static [&'static str]) -> Self {
        Self {
            header,
            rows: Vec::new(),
            widths: Vec::new(),
            is_empty: true,
            dropped: Vec::new(),
        }
    }

    /// Adds a row with a cell for each column.
    pub(crate) fn row(&mut self, cells: Vec<String>) {
        self.rows.push(cells);
    }

    /// Returns the names of the columns that there was no room for, and forgets them.
    pub(super) fn take_dropped(&mut self) -> Vec<&'static str> {
        std::mem::take(&mut self.dropped)
    }

    /// Returns what is known of the columns.
    fn columns(&self) -> Vec<Column<'static>> {
        let columns = self.header.iter().enumerate().map(|(index, name)| {
            let cells = self.rows.iter().filter_map(|row| row.get(index));
            let texts = || std::iter::once(*name).chain(cells.clone().map(String::as_str));
            let widest = |pieces: &mut dyn Iterator<Item = &str>| {
                pieces.map(UnicodeWidthStr::width).max().unwrap_or(0)
            };
            Column {
                name,
                natural: widest(&mut texts().flat_map(str::lines)),
                word: widest(&mut texts().flat_map(str::split_whitespace)),
                is_whole: WHOLE.contains(name),
            }
        });
        columns.collect()
    }

    /// Returns the rows so far as text and forgets them. The first page has the header; later
    /// pages repeat it where they may have other widths.
    pub(super) fn take_text(&mut self, width: Option<u16>, is_coloured: bool) -> String {
        if self.rows.is_empty() {
            return String::new();
        }
        let is_empty = |column: usize| {
            let mut cells = self.rows.iter().filter_map(|row| row.get(column));
            cells.all(String::is_empty)
        };
        let empty: Vec<bool> = (0..self.header.len()).map(is_empty).collect();
        let columns = self.columns();
        let mut table = comfy_table::Table::new();
        table.load_style(NOTHING.header_separator(LineStyle::none().fill(BELOW_HEADER)));
        if self.is_empty || width.is_some() {
            table.set_header(self.header);
        }
        for row in self.rows.drain(..) {
            table.add_row(row.iter().map(|cell| printable(cell)));
        }
        let count = table.column_count();
        if let Some(width) = width {
            table.set_content_arrangement(ContentArrangement::Dynamic);
            table.set_width(width);
            // What says nothing leaves its room to the others.
            let filled = columns.iter().zip(&empty);
            let filled: Vec<Column<'_>> = filled
                .filter(|(_, is_empty)| !**is_empty)
                .map(|(column, _)| *column)
                .collect();
            let mut widths = fit(&filled, width.into()).into_iter();
            for (index, column) in table.column_iter_mut().enumerate() {
                let fitted = if empty[index] {
                    None
                } else {
                    widths.next().flatten()
                };
                column.set_constraint(match fitted {
                    Some(fitted) => {
                        let padding = if index + 1 < count { GAP } else { 0 };
                        let fitted = u16::try_from(fitted + padding).unwrap_or(u16::MAX);
                        ColumnConstraint::Absolute(Width::Fixed(fitted))
                    }
                    None => ColumnConstraint::Hidden,
                });
                let name = self.header[index];
                if fitted.is_none() && !empty[index] && !self.dropped.contains(&name) {
                    self.dropped.push(name);
                }
            }
        } else {
            let bounds = self.widths.iter().map(|width| Width::Fixed(*width));
            table.set_constraints(bounds.map(ColumnConstraint::LowerBoundary));
        }
        for (index, column) in table.column_iter_mut().enumerate() {
            let right = if index + 1 < count { 2 } else { 0 };
            column.set_padding((0, right));
        }
        let contents = table.column_max_content_widths();
        self.widths.resize(contents.len(), 0);
        for (index, (known, content)) in self.widths.iter_mut().zip(contents).enumerate() {
            let padding = if index + 1 < count { 2 } else { 0 };
            *known = (*known).max(content + padding);
        }
        self.is_empty = false;
        let lines: Vec<String> = table.lines().collect();
        let below_header = lines.iter().position(|line| line.contains(BELOW_HEADER));
        let mut text = String::new();
        for (index, line) in lines.iter().enumerate() {
            let line = line.trim_end();
            match below_header {
                Some(below) if index < below => {
                    text.push_str(&painted(line, color::TITLE, is_coloured));
                }
                Some(below) if index == below => continue,
                _ => text.push_str(line),
            }
            text.push('\n');
        }
        text
    }
}
