//! A state machine beside a model in memory: random changes of a project, crashes among them;
//! after each crash the studio is as the model before or after the change that was cut off.

mod state;
mod step;

use std::time::Instant;

use super::{Figure, Setting, during};
use crate::operation::Scene;
use crate::random::Random;
use crate::site::{Base, Site};
use crate::trace::{self, Outcome};
use crate::{Result, block_on, check, victim};
use state::Model;

/// How many cases the short form makes.
const SHORT: usize = 25;
/// How many changes a case has.
const STEPS: usize = 8;
/// One change in so many is cut off by a crash.
const CRASH: usize = 3;

/// Runs cases, each on a fresh copy of the studio. A case that fails is run again with fewer
/// changes, and the shortest that fails is named.
///
/// # Errors
/// What was broken, and by what changes.
pub fn attack(setting: &Setting) -> Result<Vec<Figure>> {
    let begun = Instant::now();
    let base = setting.base()?;
    let mut cases = 0;
    let mut total = Case::default();
    for number in 0..setting.count(SHORT) {
        if setting.is_over(cases) {
            break;
        }
        cases += 1;
        let seed = setting.seed + number as u64;
        match case(setting, &base, seed, STEPS) {
            Ok(done) => {
                total.changes += done.changes;
                total.crashes += done.crashes;
                total.undone += done.undone;
            }
            Err(error) => {
                let mut shorter =
                    (1..STEPS).map(|steps| (steps, case(setting, &base, seed, steps)));
                let shortest = shorter.find_map(|(steps, done)| Some((steps, done.err()?)));
                let (steps, error) = shortest.unwrap_or((STEPS, error));
                return Err(format!("case {seed}, {steps} changes: {error}").into());
            }
        }
    }
    let Case {
        changes,
        crashes,
        undone,
    } = total;
    Ok(vec![Figure {
        attack: "cases of a state machine beside a model in memory".to_owned(),
        engine: setting.rows.engine(),
        count: cases,
        detail: format!(
            "{changes} changes, {crashes} of them cut off by a crash, {undone} undone by that"
        ),
        seconds: begun.elapsed().as_secs(),
    }])
}

#[derive(Default)]
struct Case {
    changes: usize,
    crashes: usize,
    undone: usize,
}

fn case(setting: &Setting, base: &Base, seed: u64, steps: usize) -> Result<Case> {
    let mut random = Random::new(seed);
    let site = base.copy()?;
    let mut model = Model::default();
    let mut done = Case::default();
    let mut history = Vec::new();
    for number in 0..steps as u64 {
        let step = model.invent(&mut random, number);
        history.push(step.clone());
        let what = || history.join("; ");
        let mut after = model.clone();
        after.apply(&step);
        done.changes += 1;
        if trace::supported() && random.one_in(CRASH) {
            done.crashes += 1;
            let at = 1 + random.below(120);
            let is_done = during(what, crash(setting, &site, &step, at, &model, &after))?;
            done.undone += usize::from(!is_done);
            if is_done {
                model = after;
            }
        } else {
            during(
                what,
                block_on(async {
                    let studio = site.open().await?;
                    step::apply(&studio, &step).await
                }),
            )?;
            model = after;
        }
    }
    let what = || history.join("; ");
    let found = during(what, block_on(compare(&site)))?;
    if found != model {
        return Err(format!("{}: {found:?} instead of {model:?}", what()).into());
    }
    Ok(done)
}

/// Cuts a change off; returns whether it was done.
fn crash(
    setting: &Setting,
    site: &Site,
    step: &str,
    at: usize,
    before: &Model,
    after: &Model,
) -> Result<bool> {
    let victim = victim::of(setting, site, &format!("step {step}"), 0);
    let run = trace::kill_at(&victim, at)?;
    if let Outcome::Finished { status } = &run.outcome
        && !status.success()
    {
        return Err(run.stderr.into());
    }
    let found = block_on(compare(site))?;
    let is_done = run.stdout.contains(victim::DONE);
    if found == *after {
        Ok(true)
    } else if found == *before && !is_done {
        Ok(false)
    } else {
        Err(format!("killed at {:?}: {found:?}", run.struck).into())
    }
}

async fn compare(site: &Site) -> Result<Model> {
    check::look(site, &[]).await?;
    Model::of(&site.open().await?).await
}

/// What a victim does: one change.
///
/// # Errors
/// What the library refuses.
pub async fn run(scene: Scene, step: &str) -> Result<()> {
    step::apply(&scene.studio, step).await
}
