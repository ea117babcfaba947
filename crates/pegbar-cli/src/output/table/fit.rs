//! How wide the columns of a table are, and which there is no room for.

/// Between two columns.
pub(super) const GAP: usize = 2;

/// What says least stands first: where there is no room, these columns go, one by one. All
/// others stay.
const EXPENDABLE: &[&str] = &[
    "VERSION",
    "FRAME ID",
    "OUTPUTS",
    "CREATED",
    "SENT",
    "PIXELS",
    "SIZE",
    "FRAMES",
    "KIND",
    "STEPS",
    "AS",
    "ASSET ID",
    "WHICH IS",
    "FROM",
    "MODEL",
    "TAGS",
    "FRAME PROMPT",
    "PROMPT",
    "FILE",
];

/// A text is not narrower than this, so that a line has room for a word or two.
const MIN_TEXT: usize = 12;
/// A word may be broken where it is longer than this.
const MAX_WORD: usize = 20;

/// What is known of a column before it is laid out; widths are in columns of the terminal.
#[derive(Clone, Copy, Debug)]
pub(super) struct Column<'a> {
    pub(super) name: &'a str,
    /// The width of its longest line.
    pub(super) natural: usize,
    /// The width of its longest word.
    pub(super) word: usize,
    /// Its cells stand on one line however narrow the screen is: half an id can't be copied.
    pub(super) is_whole: bool,
}

impl Column<'_> {
    /// Returns how narrow it may be.
    fn least(&self) -> usize {
        if self.is_whole {
            return self.natural;
        }
        self.natural.min(self.word.clamp(MIN_TEXT, MAX_WORD))
    }
}

/// Returns how wide each column is, `None` where there is no room for it. Together with the gaps
/// between them they fit, but for whole columns that are wider alone.
pub(super) fn fit(columns: &[Column<'_>], width: usize) -> Vec<Option<usize>> {
    let mut widths: Vec<Option<usize>> = columns.iter().map(|it| Some(it.least())).collect();
    for name in EXPENDABLE {
        if taken(&widths) <= width {
            break;
        }
        if let Some(column) = columns.iter().position(|column| column.name == *name)
            && widths.iter().flatten().count() > 1
        {
            widths[column] = None;
        }
    }
    if taken(&widths) > width {
        squeeze(columns, &mut widths, width);
    }
    widen(columns, &mut widths, width);
    widths
}

/// Returns the room that columns take with the gaps between them.
fn taken(widths: &[Option<usize>]) -> usize {
    let count = widths.iter().flatten().count();
    widths.iter().flatten().sum::<usize>() + GAP * count.saturating_sub(1)
}

/// Takes room from the widest texts until all fits, or each has one column.
fn squeeze(columns: &[Column<'_>], widths: &mut [Option<usize>], width: usize) {
    while taken(widths) > width {
        let texts = widths.iter_mut().zip(columns);
        let texts = texts.filter(|(_, column)| !column.is_whole);
        let widest = texts.filter_map(|(width, _)| width.as_mut()).max();
        match widest {
            Some(widest) if *widest > 1 => *widest -= 1,
            _ => return,
        }
    }
}

/// Gives the room that is left to the columns that want more, the narrowest first.
fn widen(columns: &[Column<'_>], widths: &mut [Option<usize>], width: usize) {
    let mut left = width.saturating_sub(taken(widths));
    while left > 0 {
        let wanting = widths.iter_mut().zip(columns);
        let wanting = wanting.filter_map(|(width, column)| {
            let width = width.as_mut()?;
            (*width < column.natural).then_some(width)
        });
        let Some(narrowest) = wanting.min() else {
            return;
        };
        *narrowest += 1;
        left -= 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(name: &str, natural: usize, word: usize) -> Column<'_> {
        Column {
            name,
            natural,
            word,
            is_whole: name == "ID",
        }
    }

    fn assets() -> [Column<'static>; 5] {
        [
            column("ID", 12, 12),
            column("KIND", 9, 9),
            column("SIZE", 8, 5),
            column("CREATED", 10, 10),
            column("PROMPT", 60, 8),
        ]
    }

    #[test]
    fn what_says_least_goes_first_and_the_rest_uses_the_room() {
        let at = |width| fit(&assets(), width);
        let all = [Some(12), Some(9), Some(8), Some(10), Some(60)];
        assert_eq!(at(200), all);
        assert_eq!(at(80), [Some(12), Some(9), Some(8), Some(10), Some(33)]);
        assert_eq!(at(50), [Some(12), Some(9), Some(8), None, Some(15)]);
        assert_eq!(at(40), [Some(12), Some(9), None, None, Some(15)]);
        assert_eq!(at(30), [Some(12), None, None, None, Some(16)]);
        assert_eq!(at(12), [Some(12), None, None, None, None]);
    }

    #[test]
    fn whatever_the_width_is_everything_fits_but_for_ids() {
        for width in 1..120 {
            let widths = fit(&assets(), width);
            assert!(taken(&widths) <= width.max(12), "{width}: {widths:?}");
            assert_eq!(widths[0], Some(12));
            let names = [column("FRAME", 40, 40), column("COMES FROM", 30, 9)];
            let widths = fit(&names, width);
            assert!(taken(&widths) <= width.max(4), "{width}: {widths:?}");
            assert!(widths.iter().flatten().all(|width| *width > 0));
        }
    }
}
