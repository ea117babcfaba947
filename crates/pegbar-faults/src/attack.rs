//! The attacks, and the figures that they give.

pub mod archives;
pub mod fallback;
pub mod foreign;
pub mod full;
pub mod images;
pub mod io;
pub mod kill;
pub mod model;
pub mod mounted;
pub mod names;
pub mod planted;
pub mod power;
pub mod purge;
pub mod race;
pub mod server;

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::Result;
use crate::site::{Base, Where};

/// How often it is said how far an attack is.
const TOLD_EVERY: Duration = Duration::from_secs(10);

/// How an attack is made.
#[derive(Clone, Debug)]
pub struct Setting {
    /// This program.
    pub program: PathBuf,
    /// Where the rows of the attacked studios are.
    pub rows: Where,
    /// The folder in which they are made.
    pub above: PathBuf,
    /// How many points, rounds or cases, at least; `None` for the short form.
    pub points: Option<usize>,
    /// Kills at every system call, not only at those that change something.
    pub every: bool,
    /// Exchanges folders for links while the victim works, not only before.
    pub meanwhile: bool,
    /// Only this operation.
    pub only: Option<String>,
    /// Where the numbers begin.
    pub seed: u64,
    /// When to stop, even if fewer were made.
    pub until: Option<Instant>,
    /// The defects that the victims have, with commas between.
    pub planted: String,
}

impl Setting {
    /// The short form on SQLite.
    #[must_use]
    pub fn short(program: impl Into<PathBuf>) -> Self {
        Self {
            program: program.into(),
            rows: Where::Sqlite,
            above: std::env::temp_dir(),
            points: None,
            every: false,
            meanwhile: false,
            only: None,
            seed: 0,
            until: None,
            planted: String::new(),
        }
    }

    /// Makes the studio that is attacked.
    ///
    /// # Errors
    /// What the library refuses.
    pub fn base(&self) -> Result<Base> {
        Base::new(&self.rows, &self.above)
    }

    /// Whether the time is over; in the long forms says on standard error, now and then, how
    /// many were made.
    #[must_use]
    pub fn is_over(&self, made: usize) -> bool {
        if self.points.is_some() || self.until.is_some() {
            self.tell(made);
        }
        self.until.is_some_and(|until| Instant::now() > until)
    }

    /// Whether there is a time, and it is not over.
    #[must_use]
    pub fn has_time(&self) -> bool {
        self.until.is_some_and(|until| Instant::now() <= until)
    }

    fn tell(&self, made: usize) {
        static TOLD: Mutex<Option<Instant>> = Mutex::new(None);
        let mut told = TOLD.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        if now - *told.get_or_insert(now) < TOLD_EVERY {
            return;
        }
        *told = Some(now);
        match self.points {
            Some(wanted) => eprintln!("{made} of {wanted}"),
            None => eprintln!("{made}"),
        }
    }

    /// Returns how far apart the points of an operation are: all of them where that is asked
    /// for, a few where it is the short form, and some at a time where the time is short.
    #[must_use]
    pub fn step(&self, there: usize, short: usize) -> usize {
        match (self.points, self.until) {
            (Some(_), None) => 1,
            (_, Some(_)) => stride(there, 2 * short),
            (None, None) => stride(there, short),
        }
    }

    /// Returns how many are to be made of something, given how many the short form makes.
    #[must_use]
    pub fn count(&self, short: usize) -> usize {
        self.points.unwrap_or(short)
    }
}

/// What an attack did without finding anything, as a line of the table.
#[derive(Clone, Debug)]
pub struct Figure {
    /// What was done to what.
    pub attack: String,
    /// The engine.
    pub engine: &'static str,
    /// How often.
    pub count: usize,
    /// What became of it.
    pub detail: String,
    /// How long it took, in seconds.
    pub seconds: u64,
}

impl Figure {
    /// Returns the line of a Markdown table.
    #[must_use]
    pub fn row(&self) -> String {
        let Self {
            attack,
            engine,
            count,
            detail,
            seconds,
        } = self;
        format!("| {attack} | {engine} | {count} | {detail} | {seconds} s |")
    }
}

/// The heads of the table.
pub const HEADS: &str =
    "| attack | engine | how often | what became of it | time |\n|---|---|---|---|---|";

/// Spreads points over what there is: every how many-th, so that at most `wanted` are left.
#[must_use]
pub fn stride(there: usize, wanted: usize) -> usize {
    there.div_ceil(wanted.max(1)).max(1)
}

/// Names what was done in a failure.
///
/// # Errors
/// The failure.
pub fn during<T>(what: impl FnOnce() -> String, done: Result<T>) -> Result<T> {
    done.map_err(|error| format!("{}: {error}", what()).into())
}
