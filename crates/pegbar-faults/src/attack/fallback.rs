//! What the library does without what not every system has: the same kills, with blocks that
//! can't be shared, without hard links, without a rename that refuses to replace.

use super::{Figure, Setting, during, kill};
use crate::Result;

/// What is missing, and how it is called in `planted.rs` of the library.
const MISSING: &[(&str, &str)] = &[
    ("no reflink", "no-reflink"),
    ("no rename that refuses to replace", "no-rename-new"),
    (
        "neither that nor hard links nor reflink",
        "no-rename-new,no-hard-link,no-reflink",
    ),
];

/// Kills every operation on systems that lack something.
///
/// # Errors
/// What was broken, and what was missing.
pub fn attack(setting: &Setting) -> Result<Vec<Figure>> {
    if !cfg!(feature = "planted") {
        eprintln!("skipped: what systems lack can be switched off with the feature `planted` only");
        return Ok(Vec::new());
    }
    let mut figures = Vec::new();
    for (missing, name) in MISSING {
        let without = Setting {
            planted: (*name).to_owned(),
            ..setting.clone()
        };
        let found = during(|| (*missing).to_owned(), kill::attack(&without))?;
        figures.extend(found.into_iter().map(|figure| Figure {
            attack: format!("{}, {missing}", figure.attack),
            ..figure
        }));
    }
    Ok(figures)
}
