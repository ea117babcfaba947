//! Torn writes, full disks and input/output errors at every mutating call.

use std::time::Instant;

use super::kill::{Expected, operations};
use super::{Figure, Setting, during};
use crate::random::Random;
use crate::trace::{self, Outcome, Plan};
use crate::{Result, victim};

/// How many points of each operation and kind the short form tries.
const SHORT: usize = 3;

/// No space left on device, and input/output error (errno(3)).
const ENOSPC: i32 = 28;
const EIO: i32 = 5;

/// What can go wrong at a call: its name, and what is planned.
type Kind = (&'static str, fn(usize) -> Plan);

/// What can go wrong.
const KINDS: &[Kind] = &[
    ("EIO", |at| fail(at, EIO, false)),
    ("ENOSPC", |at| fail(at, ENOSPC, false)),
    ("ENOSPC from there on", |at| fail(at, ENOSPC, true)),
    ("half a write, the rest later", |at| Plan::Tear {
        at,
        kill: false,
    }),
    ("half a write, then SIGKILL", |at| Plan::Tear {
        at,
        kill: true,
    }),
];

fn fail(at: usize, errno: i32, onward: bool) -> Plan {
    Plan::Fail { at, errno, onward }
}

/// Lets every mutating call of every operation go wrong, each time on a fresh copy of the
/// studio.
///
/// # Errors
/// What was broken, and where.
pub fn attack(setting: &Setting) -> Result<Vec<Figure>> {
    if !trace::can_strike() {
        eprintln!("skipped: system calls can be made to fail on x86_64 Linux only");
        return Ok(Vec::new());
    }
    let mut figures = Vec::new();
    for (number, (kind, plan)) in KINDS.iter().enumerate() {
        let mut share = setting.clone();
        if let Some(until) = setting.until {
            let now = Instant::now();
            let kinds_left = u32::try_from(KINDS.len() - number).unwrap_or(1);
            share.until = Some(now + until.saturating_duration_since(now) / kinds_left);
        }
        let mut names = operations(setting);
        if setting.points.is_none() && setting.until.is_none() && setting.only.is_none() {
            // In the short form something else goes wrong in each.
            let mut place = 0;
            names.retain(|_| {
                place += 1;
                place % KINDS.len() == number
            });
        }
        let figure = strike(&share, &names, kind, *plan)?;
        if setting.points.is_some() || setting.until.is_some() {
            // The kinds that come after it take long.
            eprintln!("{}", figure.row());
        }
        figures.push(figure);
    }
    Ok(figures)
}

fn strike(
    setting: &Setting,
    names: &[&'static str],
    kind: &str,
    plan: fn(usize) -> Plan,
) -> Result<Figure> {
    let begun = Instant::now();
    let (mut struck, mut undone, mut refused) = (0, 0, 0);
    for (name, seed) in passes(setting, names) {
        if struck > 0 && setting.is_over(struck) {
            break;
        }
        let expected = during(|| name.to_string(), Expected::of(setting, name, seed))?;
        let step = setting.step(expected.calls, SHORT);
        let first = 1 + Random::new(seed).below(step);
        for at in (first..=expected.calls).step_by(step) {
            if setting.is_over(struck) {
                break;
            }
            let site = expected.base.copy()?;
            let victim = victim::of(setting, &site, name, seed);
            let run = trace::run(&victim, plan(at))?;
            let Some(call) = run.struck.first() else {
                continue;
            };
            let what = || format!("{name}, seed {seed}, {kind} at call {at}, {call}");
            let is_done = during(what, expected.compare(&site, name, &run.stdout))?;
            struck += 1;
            undone += usize::from(!is_done);
            let is_refused =
                matches!(&run.outcome, Outcome::Finished { status } if !status.success());
            refused += usize::from(is_refused);
        }
    }
    Ok(Figure {
        attack: format!("{kind} at each mutating call of {} operations", names.len()),
        engine: setting.rows.engine(),
        count: struck,
        detail: format!(
            "{undone} as before, {} as after; {refused} refused with an error",
            struck - undone
        ),
        seconds: begun.elapsed().as_secs(),
    })
}

/// Every operation once, or again and again while there is time.
fn passes<'a>(setting: &'a Setting, names: &'a [&str]) -> impl Iterator<Item = (&'a str, u64)> {
    let passes = (setting.seed..).take_while(|seed| *seed == setting.seed || setting.has_time());
    passes.flat_map(|seed| names.iter().map(move |name| (*name, seed)))
}
