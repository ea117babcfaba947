//! Our way and the floor, side by side: rounds that take turns, and what came out.

use std::fmt;
use std::io::{self, Write};

use crate::measure::Cost;

/// The sides of a race.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Ours,
    Floor,
}

/// The rounds of one comparison.
pub(crate) struct Race {
    pub(crate) what: String,
    /// The ratio that we want to stay below, where there is one.
    pub(crate) goal: Option<f64>,
    /// The goal is a rate: how long it takes, whatever the processors do meanwhile.
    is_rate: bool,
    ours: Vec<Cost>,
    floor: Vec<Cost>,
}

impl Race {
    pub(crate) fn new(what: impl Into<String>, goal: impl Into<Option<f64>>) -> Self {
        Self {
            what: what.into(),
            goal: goal.into(),
            is_rate: false,
            ours: Vec::new(),
            floor: Vec::new(),
        }
    }

    /// Sets a goal for the rate alone.
    pub(crate) fn of_rate(self) -> Self {
        Self {
            is_rate: true,
            ..self
        }
    }

    /// The order of a round: each side begins every other one.
    pub(crate) fn order(round: usize) -> [Side; 2] {
        if round.is_multiple_of(2) {
            [Side::Ours, Side::Floor]
        } else {
            [Side::Floor, Side::Ours]
        }
    }

    pub(crate) fn add(&mut self, side: Side, cost: Cost) {
        match side {
            Side::Ours => self.ours.push(cost),
            Side::Floor => self.floor.push(cost),
        }
    }

    fn ratio(&self, of: impl Fn(&Cost) -> f64) -> Spread {
        let rounds = self.ours.iter().zip(&self.floor);
        Spread::of(rounds.map(|(ours, floor)| of(ours) / of(floor)).collect())
    }
}

/// The median of some figures, and how far they lie apart.
struct Spread {
    median: f64,
    min: f64,
    max: f64,
}

impl Spread {
    fn of(mut figures: Vec<f64>) -> Self {
        figures.sort_unstable_by(f64::total_cmp);
        let at = |place: usize| figures.get(place).copied().unwrap_or(f64::NAN);
        let middle = figures.len() / 2;
        let median = if figures.len().is_multiple_of(2) {
            f64::midpoint(at(middle.saturating_sub(1)), at(middle))
        } else {
            at(middle)
        };
        Self {
            median,
            min: at(0),
            max: at(figures.len().saturating_sub(1)),
        }
    }
}

impl fmt::Display for Spread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { median, min, max } = self;
        write!(f, "{median:.2} ({min:.2}–{max:.2})")
    }
}

/// Prints a table of races.
pub(crate) fn print(title: &str, races: &[Race]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "\n{title}\n")?;
    let head = ["ours ms", "floor ms", "wall ratio", "CPU ratio", "goal"];
    let [ours, floor, wall, cpu, goal] = head;
    writeln!(
        out,
        "{:52} {ours:>9} {floor:>9}  {wall:18} {cpu:18} {goal}",
        ""
    )?;
    for race in races {
        let millis = |costs: &[Cost]| {
            let all = costs.iter().map(|cost| cost.wall * 1e3);
            Spread::of(all.collect()).median
        };
        let (ours, floor) = (millis(&race.ours), millis(&race.floor));
        let wall = race.ratio(|cost| cost.wall);
        let cpu = race.ratio(|cost| cost.cpu);
        let goal = race.goal.map_or(String::new(), |goal| {
            let (wall, cpu) = (wall.median <= goal, cpu.median <= goal);
            let verdict = match (wall, cpu || race.is_rate) {
                (true, true) => "reached",
                (true, false) => "not in CPU",
                (false, _) if race.is_rate => "not reached",
                (false, true) => "not in wall",
                (false, false) => "not reached",
            };
            format!("≤ {goal:.2} {verdict}")
        });
        let what = &race.what;
        let (wall, cpu) = (wall.to_string(), cpu.to_string());
        writeln!(
            out,
            "{what:52} {ours:9.2} {floor:9.2}  {wall:18} {cpu:18} {goal}"
        )?;
    }
    Ok(())
}
