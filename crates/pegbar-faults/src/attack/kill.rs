//! SIGKILL at the system calls of every operation: what is left is as before or as after.

use std::time::Instant;

use super::{Figure, Setting, during};
use crate::operation::{OPERATIONS, is_repeated, is_resumed, needs_server};
use crate::random::Random;
use crate::site::{Base, Site, Where};
use crate::trace::{self, Outcome, Plan, Run};
use crate::{Result, block_on, check, operation, victim};

/// How many points of each operation the short form tries.
const SHORT: usize = 3;

/// What an operation makes of a studio that nothing happens to.
pub(super) struct Expected {
    pub(super) base: Base,
    pub(super) before: Option<String>,
    pub(super) after: String,
    /// How many calls there are.
    pub(super) calls: usize,
}

impl Expected {
    /// Runs an operation undisturbed.
    pub(super) fn of(setting: &Setting, name: &str, seed: u64) -> Result<Self> {
        let mut base = setting.base()?;
        operation::prepare(name, &mut base)?;
        // What is to be put right can't be looked at before.
        let before = if is_resumed(name) {
            None
        } else {
            Some(block_on(check::look(&base.copy()?, &[]))?)
        };
        let site = base.copy()?;
        let mut victim = victim::of(setting, &site, name, seed);
        victim.every = setting.every;
        let run = trace::run(&victim, Plan::Watch)?;
        finished(&run)?;
        let after = block_on(check::look(&site, &acknowledged(&run.stdout)))?;
        if before.as_ref() == Some(&after) {
            return Err("it did nothing".into());
        }
        Ok(Self {
            base,
            before,
            after,
            calls: run.counted,
        })
    }

    /// Checks what is left; returns whether the operation was done.
    pub(super) fn compare(&self, site: &Site, name: &str, said: &str) -> Result<bool> {
        let lines = acknowledged(said);
        if is_resumed(name) {
            again(site, name)?;
        }
        let found = block_on(check::look(site, &lines))?;
        let is_done = lines.iter().any(|line| line == victim::DONE);
        match &self.before {
            _ if found == self.after => {
                if name == "purge" {
                    again(site, name)?;
                    block_on(check::no_blob_is_left(site))?;
                }
                Ok(true)
            }
            Some(before) if found == *before && !is_done => {
                if is_repeated(name) {
                    during(|| "again".to_owned(), again(site, name))?;
                    if block_on(check::look(site, &[]))? != self.after {
                        return Err("done again, it is not as after it".into());
                    }
                }
                Ok(false)
            }
            Some(before) if found == *before => Err("what was acknowledged is undone".into()),
            _ if is_partial(name) && !is_done => Ok(false),
            _ => Err(format!("neither before nor after:\n{found}").into()),
        }
    }
}

/// Does an operation once more, in this process.
fn again(site: &Site, name: &str) -> Result<()> {
    block_on(async {
        let scene = operation::Scene {
            studio: site.open().await?,
            folder: site.folder().to_owned(),
            on_server: site.on_server(),
            seed: 0,
        };
        operation::run(name, &scene).await
    })
}

/// Whether an operation is several changes, each done wholly or not at all.
fn is_partial(name: &str) -> bool {
    matches!(name, "add asset" | "add assets at once")
}

/// The lines that the victim said.
pub(super) fn acknowledged(said: &str) -> Vec<String> {
    let whole = said.rsplit_once('\n').map_or("", |(whole, _)| whole);
    whole.lines().map(str::to_owned).collect()
}

fn finished(run: &Run) -> Result<()> {
    match &run.outcome {
        Outcome::Finished { status } if status.success() => Ok(()),
        outcome => Err(format!("{outcome:?}: {}", run.stderr).into()),
    }
}

/// The operations that a setting asks for.
pub(super) fn operations(setting: &Setting) -> Vec<&'static str> {
    let only = setting.only.as_deref();
    let all = OPERATIONS.iter().copied();
    all.filter(|name| only.is_none_or(|only| *name == only))
        .filter(|name| setting.rows != Where::Sqlite || !needs_server(name))
        .collect()
}

/// Kills every operation at its system calls, each time on a fresh copy of the studio, and
/// every third time the recovery, too.
///
/// # Errors
/// What was broken, and where.
pub fn attack(setting: &Setting) -> Result<Vec<Figure>> {
    let begun = Instant::now();
    let names = operations(setting);
    let (mut killed, mut undone, mut twice) = (0, 0, 0);
    let mut seed = setting.seed;
    let wanted = setting.count(SHORT * names.len());
    while killed < wanted && !setting.is_over(killed) {
        for name in &names {
            let expected = during(|| name.to_string(), Expected::of(setting, name, seed))?;
            let step = setting.step(expected.calls, SHORT);
            // Calls come in another number each time, where threads wait for each other.
            for at in (1 + Random::new(seed).below(step)..).step_by(step) {
                let what = || format!("{name}, seed {seed}, killed at call {at}");
                let is_twice = at % 3 == 0;
                let point = during(what, point(setting, &expected, name, seed, at, is_twice))?;
                let Some(is_done) = point else { break };
                if setting.is_over(killed) {
                    break;
                }
                killed += 1;
                twice += usize::from(is_twice);
                undone += usize::from(!is_done);
            }
        }
        seed += 1;
    }
    // What is resumed is looked at when it is done.
    let can_stay = !names.iter().all(|name| is_resumed(name));
    if (undone == 0 && can_stay) || undone == killed {
        return Err(
            format!("{undone} of {killed} kills left it as before: too few, or too many").into(),
        );
    }
    let calls = if setting.every {
        "system call"
    } else {
        "mutating call"
    };
    Ok(vec![Figure {
        attack: format!("SIGKILL at each {calls} of {} operations", names.len()),
        engine: setting.rows.engine(),
        count: killed,
        detail: format!(
            "{undone} as before, {} as after; {twice} times the recovery was killed, too",
            killed - undone
        ),
        seconds: begun.elapsed().as_secs(),
    }])
}

/// Kills once; `None` where the operation ended before.
fn point(
    setting: &Setting,
    expected: &Expected,
    name: &str,
    seed: u64,
    at: usize,
    is_twice: bool,
) -> Result<Option<bool>> {
    let site = expected.base.copy()?;
    let mut victim = victim::of(setting, &site, name, seed);
    victim.every = setting.every;
    let run = trace::kill_at(&victim, at)?;
    if let Outcome::Finished { .. } = run.outcome {
        finished(&run)?;
        return Ok(None);
    }
    if is_twice {
        let mut again = victim::of(setting, &site, "open", seed);
        again.every = setting.every;
        let at = 1 + Random::new(seed ^ at as u64).below(40);
        trace::kill_at(&again, at)?;
    }
    let call = run
        .struck
        .first()
        .map_or(String::new(), ToString::to_string);
    let done = expected.compare(&site, name, &run.stdout);
    during(|| call, done).map(Some)
}
