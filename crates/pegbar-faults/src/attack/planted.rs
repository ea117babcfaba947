//! The proof that the attacks find what they are for: each defect is planted in the victims, and
//! the attack that is to catch it must go wrong, and must not go wrong without it.

use std::time::Instant;

use super::{Figure, Setting, foreign, io, kill, names, power, purge, race, server};
use crate::Result;

/// A defect, and the attack that is to catch it.
struct Defect {
    name: &'static str,
    what: &'static str,
    /// The operation that shows it, where one is enough.
    only: Option<&'static str>,
    /// How many points are made at least, where one operation is not enough.
    points: usize,
    attack: fn(&Setting) -> Result<Vec<Figure>>,
}

const fn defect(
    name: &'static str,
    what: &'static str,
    only: &'static str,
    attack: fn(&Setting) -> Result<Vec<Figure>>,
) -> Defect {
    Defect {
        name,
        what,
        only: if only.is_empty() { None } else { Some(only) },
        points: if only.is_empty() { 12 } else { 1 },
        attack,
    }
}

impl Defect {
    /// Makes so many points, where it takes many until chance brings them together.
    const fn often(self, points: usize) -> Self {
        Self { points, ..self }
    }
}

const DEFECTS: &[Defect] = &[
    defect(
        "no-fsync",
        "blobs are not flushed",
        "add asset",
        power::attack,
    ),
    defect(
        "no-folder-fsync",
        "the folders of blobs are not flushed",
        "add asset",
        power::attack,
    ),
    defect(
        "commit-not-flushed",
        "`synchronous=NORMAL`",
        "reorder frames",
        power::attack,
    ),
    defect(
        "publish-before-commit",
        "the view comes before the commit",
        "add asset",
        kill::attack,
    ),
    defect(
        "outbox-after-commit",
        "no outbox at the moment of the commit",
        "reorder frames",
        kill::attack,
    ),
    defect(
        "no-journal",
        "files on their way are not noted",
        "",
        race::attack,
    )
    .often(40),
    defect(
        "blobs-after-commit",
        "blobs are moved after the commit",
        "add asset",
        kill::attack,
    ),
    defect(
        "unlink-before-commit",
        "files are removed before the commit",
        "delete project",
        kill::attack,
    ),
    defect(
        "swallowed-write-error",
        "a failed write is not noticed",
        "add asset",
        io::attack,
    ),
    defect(
        "forgets-log",
        "recovery removes the log of a process that is gone",
        "add assets at once",
        power::attack,
    ),
    defect(
        "no-version-check",
        "the version of a list of frames is not compared",
        "",
        race::attack,
    ),
    defect(
        "clears-live-tmp",
        "recovery clears a live process's tmp",
        "",
        race::attack,
    ),
    defect(
        "commit-not-flushed",
        "`synchronous_commit=off`",
        "",
        server::attack,
    ),
    defect(
        "follows-links",
        "links in the view are followed",
        "",
        names::attack,
    ),
    defect(
        "no-recheck-at-purge",
        "a purge does not ask again who names a blob",
        "",
        purge::attack,
    )
    .often(200),
    defect(
        "no-look-when-naming",
        "whoever names a blob does not look whether a purge has removed it",
        "",
        purge::attack,
    )
    .often(3000),
    defect(
        "drops-foreign",
        "what others wrote into the view is removed",
        "reorder frames",
        foreign::attack,
    ),
];

/// The attacks that notice defects must notice each of these, and nothing without them.
///
/// # Errors
/// A defect that was not caught, or an attack that goes wrong without one.
pub fn attack(setting: &Setting) -> Result<Vec<Figure>> {
    if !cfg!(feature = "planted") {
        return Err(
            "build with the defects: cargo run -p pegbar-faults --features planted -- planted"
                .into(),
        );
    }
    let mut figures = Vec::new();
    for defect in DEFECTS {
        if setting
            .only
            .as_deref()
            .is_some_and(|only| only != defect.name)
        {
            continue;
        }
        let begun = Instant::now();
        let mut clean = setting.clone();
        clean.only = defect.only.map(str::to_owned);
        // Every point of the operation.
        clean.points = Some(setting.count(defect.points));
        let green = (defect.attack)(&clean).map_err(|error| {
            format!(
                "red without a defect ({}, to catch {}): {error}",
                clean.only.as_deref().unwrap_or("all"),
                defect.name
            )
        })?;
        let planted = Setting {
            planted: defect.name.to_owned(),
            ..clean
        };
        let Err(caught) = (defect.attack)(&planted) else {
            return Err(format!("{} was not caught: {}", defect.name, defect.what).into());
        };
        let caught = caught.to_string();
        let line = caught.lines().next().unwrap_or_default();
        println!("red, as it should be: {}: {line}", defect.name);
        figures.push(Figure {
            attack: format!("planted: {}", defect.what),
            engine: green.first().map_or("", |figure| figure.engine),
            count: 1,
            detail: "caught; green without it".to_owned(),
            seconds: begun.elapsed().as_secs(),
        });
    }
    Ok(figures)
}
