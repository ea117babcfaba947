//! Power cuts on a disk that loses what was not flushed: what an operation did is recorded once,
//! and done again up to each call, with less and more left of what was not flushed.

use std::time::Instant;

use super::kill::{Expected, operations};
use super::{Figure, Setting, during};
use crate::disk::{Cut, Disk};
use crate::random::Random;
use crate::trace::record::Event;
use crate::trace::{self, Plan};
use crate::{Result, victim};

/// How many moments of each operation the short form tries.
const SHORT: usize = 1;

/// Cuts the power at every moment of every operation.
///
/// # Errors
/// What was broken, and where.
pub fn attack(setting: &Setting) -> Result<Vec<Figure>> {
    if !trace::can_strike() {
        eprintln!("skipped: what a program writes can be recorded on x86_64 Linux only");
        return Ok(Vec::new());
    }
    let begun = Instant::now();
    let names = operations(setting);
    let (mut cuts, mut undone) = (0, 0);
    let mut seed = setting.seed;
    let wanted = setting.count(4 * SHORT * names.len() / 2);
    while cuts < wanted && !setting.is_over(cuts) {
        for name in &names {
            let expected = during(|| name.to_string(), Expected::of(setting, name, seed))?;
            let site = expected.base.copy()?;
            let mut disk = Disk::read(site.folder())?;
            let victim = victim::of(setting, &site, name, seed);
            let run = trace::run(&victim, Plan::Record(site.folder().to_owned()))?;
            let moments = run.events.len();
            let step = setting.step(moments, SHORT);
            let seed_step = Random::new(seed).below(step);
            let mut said = String::new();
            for (at, event) in run.events.iter().enumerate() {
                if setting.is_over(cuts) {
                    break;
                }
                disk.apply(event);
                if let Event::Said(text) = event {
                    said.push_str(text);
                }
                // What was just said, or flushed, is what can be lost.
                let is_telling = matches!(event, Event::Said(_)) || at + 1 == moments;
                if !(at + seed_step).is_multiple_of(step) && !is_telling {
                    continue;
                }
                let all = [
                    Cut::Nothing,
                    Cut::Some(seed + at as u64),
                    Cut::Names,
                    Cut::Everything,
                ];
                // The short form leaves the least, and something by chance.
                let is_short = setting.points.is_none() && setting.until.is_none();
                for cut in all.into_iter().take(if is_short { 2 } else { 4 }) {
                    let what = || {
                        format!("{name}, seed {seed}, power cut after event {at} ({cut:?} left)")
                    };
                    let left = expected.base.copy()?;
                    std::fs::remove_dir_all(left.folder())?;
                    disk.lay_out(cut, left.folder())?;
                    if !setting.planted.is_empty() {
                        // The defect may be in what recovers.
                        let opens = victim::of(setting, &left, "open", seed);
                        trace::run(&opens, Plan::Watch)?;
                    }
                    undone += usize::from(!during(what, expected.compare(&left, name, &said))?);
                    cuts += 1;
                }
            }
        }
        seed += 1;
    }
    Ok(vec![Figure {
        attack: format!(
            "power cuts at each moment of {} operations, on a disk that keeps only what was flushed",
            names.len()
        ),
        engine: setting.rows.engine(),
        count: cuts,
        detail: format!("{undone} as before, {} as after", cuts - undone),
        seconds: begun.elapsed().as_secs(),
    }])
}
