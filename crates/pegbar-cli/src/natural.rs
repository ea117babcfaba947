//! The order of files with numbers in their names, as people count.

use std::cmp::Ordering;
use std::path::Path;

use pegbar::natural_order;

/// Compares the names of two files so that `walk_2.png` comes before `walk_10.png`.
pub(crate) fn by_file_name(a: &Path, b: &Path) -> Ordering {
    let name = |path: &Path| {
        path.file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned()
    };
    natural_order(&name(a), &name(b)).then_with(|| a.cmp(b))
}
