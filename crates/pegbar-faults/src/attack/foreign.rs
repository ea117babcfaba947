//! Somebody has edited every file of the view, and put others in the way: whatever is done and
//! wherever it is cut off, those bytes are somewhere afterwards.

use std::collections::HashSet;
use std::fs;
use std::path::Path;
use std::time::Instant;

use pegbar::Sha256;

use super::kill::operations;
use super::{Figure, Setting, during};
use crate::operation::needs_something;
use crate::random::Random;
use crate::site::{Base, Site, png};
use crate::trace::{self, Outcome, Plan};
use crate::{Result, block_on, victim};

/// How many points of each operation the short form tries.
const SHORT: usize = 1;

/// Kills every operation on a studio whose files were edited, then lets the view be put right.
///
/// # Errors
/// Bytes that are nowhere.
pub fn attack(setting: &Setting) -> Result<Vec<Figure>> {
    let begun = Instant::now();
    let base = setting.base()?;
    let mut names = operations(setting);
    names.retain(|name| !needs_something(name));
    let (mut points, mut files) = (0, 0);
    let mut seed = setting.seed;
    while points < setting.count(SHORT) && !setting.is_over(points) {
        for name in &names {
            let site = base.copy()?;
            let calls = trace::run(&victim::of(setting, &site, name, seed), Plan::Watch)?.counted;
            let step = setting.step(calls, SHORT);
            // Moving aside takes more calls than there were without.
            for at in (1 + Random::new(seed).below(step)..).step_by(step) {
                let what = || format!("{name}, seed {seed}, killed at call {at}");
                let Some(edited) = during(what, point(setting, &base, name, seed, at))? else {
                    break;
                };
                points += 1;
                files += edited;
            }
        }
        seed += 1;
    }
    Ok(vec![Figure {
        attack: format!(
            "files of the view edited before {} operations that are killed",
            names.len()
        ),
        engine: setting.rows.engine(),
        count: points,
        detail: format!("{files} edited and foreign files, all of them kept"),
        seconds: begun.elapsed().as_secs(),
    }])
}

/// Kills once; returns how many files were looked for, `None` where the operation ended before.
fn point(
    setting: &Setting,
    base: &Base,
    name: &str,
    seed: u64,
    at: usize,
) -> Result<Option<usize>> {
    let site = base.copy()?;
    let edited = edit(&site)?;
    let run = trace::kill_at(&victim::of(setting, &site, name, seed), at)?;
    let is_over = matches!(run.outcome, Outcome::Finished { .. });
    look_for(&site, &edited)?;
    // Whoever puts the view right has the same defects, if any were planted.
    let again = trace::run(&victim::of(setting, &site, "sync", seed), Plan::Watch)?;
    if let Outcome::Finished { status } = again.outcome
        && !status.success()
    {
        return Err(again.stderr.into());
    }
    look_for(&site, &edited)?;
    block_on(async {
        let report = site.open().await?.sync(|_, _| {}).await?;
        if report.written > 0 {
            return Err(format!("it was not put right: {report:?}").into());
        }
        Ok(())
    })?;
    Ok((!is_over).then_some(edited.len()))
}

/// Edits every file of the view, and puts files of our own where others are to come.
fn edit(site: &Site) -> Result<HashSet<Sha256>> {
    let mut edited = HashSet::new();
    for path in files_below(&site.root().join("public/assets"))? {
        let bytes = png(9_000_000 + edited.len() as u64);
        edited.insert(Sha256::of(&bytes));
        fs::write(&path, bytes)?;
        // Beside it, what the next frames might be called.
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        if name == "Cat_Walk_0.png" {
            for next in ["Cat_Walk_4.png", "Cat_Walk_5.png", "mine.txt"] {
                let bytes = png(9_500_000 + edited.len() as u64);
                edited.insert(Sha256::of(&bytes));
                fs::write(path.with_file_name(next), bytes)?;
            }
        }
    }
    Ok(edited)
}

fn files_below(folder: &Path) -> Result<Vec<std::path::PathBuf>> {
    let (mut found, mut left) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(next) = left.pop() {
        for entry in fs::read_dir(next)? {
            let path = entry?.path();
            if path.is_dir() {
                left.push(path);
            } else {
                found.push(path);
            }
        }
    }
    Ok(found)
}

fn look_for(site: &Site, edited: &HashSet<Sha256>) -> Result<()> {
    let mut missing = edited.clone();
    for path in files_below(&site.root())? {
        if let Ok(bytes) = fs::read(&path) {
            missing.remove(&Sha256::of(&bytes));
        }
    }
    if missing.is_empty() {
        return Ok(());
    }
    Err(format!("{} files that others wrote are gone", missing.len()).into())
}
