//! What the library does without what not every system has: the same kills, with blocks that
//! can't be shared, without hard links, without a rename that refuses to replace, and on a file
//! system that ignores case.

use super::{Figure, Setting, during, kill};
use crate::Result;
use crate::mount::ExFat;

/// What is missing, and how it is called in `planted.rs` of the library.
const MISSING: &[(&str, &str)] = &[
    ("no reflink", "no-reflink"),
    ("no rename that refuses to replace", "no-rename-new"),
    ("no flush of a whole file system", "no-whole-flush"),
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
    let mut figures = ignores_case(setting)?;
    if !cfg!(feature = "planted") {
        eprintln!("skipped: what systems lack can be switched off with the feature `planted` only");
        return Ok(figures);
    }
    for (missing, name) in MISSING {
        let without = Setting {
            planted: (*name).to_owned(),
            ..setting.clone()
        };
        figures.extend(kills(&without, missing)?);
    }
    Ok(figures)
}

/// The kills on an exFAT.
fn ignores_case(setting: &Setting) -> Result<Vec<Figure>> {
    let exfat = match ExFat::new() {
        Ok(exfat) => exfat,
        Err(error) => {
            eprintln!(
                "skipped: a file system that ignores case needs the right to mount, loop devices, exfatprogs and exfat-fuse: {error}"
            );
            return Ok(Vec::new());
        }
    };
    let there = Setting {
        above: exfat.place(),
        ..setting.clone()
    };
    kills(&there, "on an exFAT, which ignores case")
}

fn kills(setting: &Setting, without: &str) -> Result<Vec<Figure>> {
    let found = during(|| without.to_owned(), kill::attack(setting))?;
    let named = found.into_iter().map(|figure| Figure {
        attack: format!("{}, {without}", figure.attack),
        ..figure
    });
    Ok(named.collect())
}
