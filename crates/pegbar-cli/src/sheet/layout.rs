//! Where everything is on a contact sheet.

use super::{SheetOptions, text::LINE_HEIGHT};

/// Space around the sheet, in pixels.
pub(super) const MARGIN: u32 = 24;
/// Height of the title with the space below it.
pub(super) const TITLE_HEIGHT: u32 = 48;
/// Space between a picture and its label.
pub(super) const LABEL_GAP: u32 = 6;
/// Space between cells.
const GAP: u32 = 18;
/// The longest side of a sheet.
const LONGEST_SIDE: u32 = 8192;
/// The most pixels of a sheet: 128 MB in memory.
const MOST_PIXELS: u64 = 32_000_000;
/// Smaller cells have no labels: too few letters would fit.
const LEAST_LABELLED: u32 = 56;
const LEAST_CELL: u32 = 16;
/// Room for the title of a narrow sheet.
const LEAST_WIDTH: u32 = 480;

/// Width by height that is pleasant to look at, times 100.
const PLEASANT: u64 = 145;

/// The square a picture goes into, in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Slot {
    pub(super) left: u32,
    pub(super) top: u32,
    pub(super) size: u32,
}

/// A grid of equal cells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Layout {
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) labelled: bool,
    /// How many lines there are below a picture.
    pub(super) lines: u32,
    columns: u32,
    rows: u32,
    cell: u32,
}

impl Layout {
    /// The layout with the largest cells that fit, at most as large as asked for.
    pub(super) fn of(count: usize, options: &SheetOptions) -> Self {
        let count = u32::try_from(count).unwrap_or(u32::MAX);
        let wanted = options.cell_size.clamp(LEAST_CELL, 4096);
        let smaller = (LEAST_CELL..=wanted).rev().step_by(4);
        smaller
            .chain([LEAST_CELL])
            .find_map(|cell| Self::with_cells(cell, count, options))
            .unwrap_or_else(|| Self::full(options))
    }

    fn with_cells(cell: u32, count: u32, options: &SheetOptions) -> Option<Self> {
        let (most, lines) = (Self::most_columns(cell).min(count.max(1)), options.lines);
        match options.columns {
            Some(columns) => Self::grid(cell, columns.clamp(1, most), count, lines),
            None => (1..=most)
                .filter_map(|columns| Self::grid(cell, columns, count, lines))
                .min_by_key(|layout| layout.ugliness(count)),
        }
    }

    /// As many of the smallest cells as a sheet can hold.
    fn full(options: &SheetOptions) -> Self {
        let most = Self::most_columns(LEAST_CELL);
        let columns = options.columns.unwrap_or(most).clamp(1, most);
        (1..=most)
            .rev()
            .find_map(|rows| Self::grid(LEAST_CELL, columns, columns * rows, options.lines))
            .unwrap_or(Self {
                width: LEAST_WIDTH,
                height: LEAST_WIDTH,
                labelled: false,
                lines: options.lines,
                columns: 0,
                rows: 0,
                cell: LEAST_CELL,
            })
    }

    fn most_columns(cell: u32) -> u32 {
        (LONGEST_SIDE - 2 * MARGIN + GAP) / (cell + GAP)
    }

    /// `None` if the sheet would be too large.
    fn grid(cell: u32, columns: u32, count: u32, lines: u32) -> Option<Self> {
        let rows = count.div_ceil(columns);
        let labelled = cell >= LEAST_LABELLED;
        let across = u64::from(columns) * u64::from(cell + GAP) - u64::from(GAP);
        let down = u64::from(rows) * u64::from(row_pitch(cell, lines));
        let width = (across + u64::from(2 * MARGIN)).max(u64::from(LEAST_WIDTH));
        let height = down + u64::from(2 * MARGIN + TITLE_HEIGHT);
        let longest = u64::from(LONGEST_SIDE);
        if width > longest || height > longest || width * height > MOST_PIXELS {
            return None;
        }
        Some(Self {
            width: u32::try_from(width).ok()?,
            height: u32::try_from(height).ok()?,
            labelled,
            lines,
            columns,
            rows,
            cell,
        })
    }

    /// How far the shape is from a pleasant one, and how much of the last row is empty.
    fn ugliness(&self, count: u32) -> u64 {
        let across = u64::from(self.columns) * u64::from(self.cell + GAP);
        let down = u64::from(self.rows) * u64::from(row_pitch(self.cell, self.lines))
            + u64::from(TITLE_HEIGHT);
        let shape = across * 10_000 / down.max(1);
        let pleasant = PLEASANT * 100;
        let off = shape.max(pleasant) * 1000 / shape.min(pleasant).max(1);
        let places = u64::from(self.columns) * u64::from(self.rows);
        let holes = places.saturating_sub(u64::from(count));
        off + holes * 1000 / places.max(1)
    }

    /// How many pictures have a place.
    pub(super) fn capacity(&self) -> usize {
        usize::try_from(u64::from(self.columns) * u64::from(self.rows)).unwrap_or(usize::MAX)
    }

    /// The place of a picture, counted from 0; `None` beyond the last.
    pub(super) fn slot(&self, index: usize) -> Option<Slot> {
        let index = u32::try_from(index).ok()?;
        let row = index.checked_div(self.columns)?;
        (row < self.rows).then(|| Slot {
            left: MARGIN + index % self.columns * (self.cell + GAP),
            top: MARGIN + TITLE_HEIGHT + row * row_pitch(self.cell, self.lines),
            size: self.cell,
        })
    }
}

/// From the top of one row to the top of the next.
fn row_pitch(cell: u32, lines: u32) -> u32 {
    let labels = if cell >= LEAST_LABELLED {
        LABEL_GAP + lines * LINE_HEIGHT
    } else {
        0
    };
    cell + labels + GAP
}
