//! Processes racing on one animation, some of them killed.

use std::thread;
use std::time::{Duration, Instant};

use super::kill::acknowledged;
use super::{Figure, Setting, during};
use crate::random::Random;
use crate::site::{Base, Site};
use crate::victim::{self, Running};
use crate::{Result, block_on, check};

/// How many rounds the short form makes.
const SHORT: usize = 6;

/// Lets 2 to 8 processes change one animation at once, each time on a fresh copy of the studio.
///
/// # Errors
/// What was broken, and where.
pub fn attack(setting: &Setting) -> Result<Vec<Figure>> {
    let begun = Instant::now();
    let base = setting.base()?;
    let mut rounds = 0;
    let mut total = Round::default();
    for number in 0..setting.count(SHORT) {
        if setting.is_over(rounds) {
            break;
        }
        rounds += 1;
        let seed = setting.seed + number as u64;
        let done = during(|| format!("round {seed}"), round(setting, &base, seed))?;
        total.processes += done.processes;
        total.killed += done.killed;
        total.changes += done.changes;
    }
    let Round {
        processes,
        killed,
        changes,
    } = total;
    Ok(vec![Figure {
        attack: "rounds of 2 to 8 processes racing on one animation".to_owned(),
        engine: setting.rows.engine(),
        count: rounds,
        detail: format!(
            "{processes} processes, {killed} of them killed, {changes} changes acknowledged, each on a version of its own"
        ),
        seconds: begun.elapsed().as_secs(),
    }])
}

#[derive(Default)]
struct Round {
    processes: usize,
    killed: usize,
    changes: usize,
}

fn round(setting: &Setting, base: &Base, seed: u64) -> Result<Round> {
    let mut random = Random::new(seed);
    let site = base.copy()?;
    let count = 2 + random.below(7);
    let mut running = Vec::new();
    for number in 0..count as u64 {
        running.push(Running::start(setting, &site, "race", seed * 100 + number)?);
    }
    // A third of them is killed, whatever they are at.
    let killed = running.len() / 3;
    for process in running.iter_mut().take(killed) {
        thread::sleep(Duration::from_millis(random.below(150) as u64));
        process.kill()?;
    }
    let mut lines = Vec::new();
    for (place, process) in running.into_iter().enumerate() {
        let ended = process.wait()?;
        if place >= killed && !ended.is_success {
            return Err(format!("process {place} failed: {}", ended.stderr).into());
        }
        lines.extend(acknowledged(&ended.stdout));
    }
    let changes = compare(&site, lines)?;
    Ok(Round {
        processes: count,
        killed,
        changes,
    })
}

/// Checks what is left: no version was changed twice.
fn compare(site: &Site, mut lines: Vec<String>) -> Result<usize> {
    lines.sort();
    let changes = || lines.iter().filter(|line| line.starts_with("changed "));
    let twice = changes().zip(changes().skip(1)).find(|(a, b)| a == b);
    if let Some((line, _)) = twice {
        return Err(format!("two processes {line:?}: one change is lost").into());
    }
    block_on(check::look(site, &lines))?;
    Ok(changes().count())
}

/// What a process does: changes of the cat's walk, each decided on what it saw.
///
/// # Errors
/// What the library refuses, but for what others have changed meanwhile.
pub async fn run(scene: crate::operation::Scene) -> Result<()> {
    use pegbar::{Error, FrameImage, NewAsset, NewFrame};

    let mut random = Random::new(scene.seed);
    for number in 0..6 {
        let walk = crate::operation::walk(&scene.studio).await?;
        let (id, seen) = (walk.animation.id, walk.animation.version);
        let asset = scene.studio.new_id();
        let image = crate::site::png(10_000 + scene.seed * 10 + number);
        let new = NewAsset::from_bytes(image).id(asset);
        let place = random.below(walk.frames.len());
        let done = match random.below(3) {
            0 => {
                let frames = vec![NewFrame::new(new)];
                let at = u32::try_from(place)?;
                scene.studio.insert_frames(id, at, frames, Some(seen)).await
            }
            1 => {
                let image = FrameImage::New(Box::new(new));
                let frame = walk.frames[place].frame.id;
                scene.studio.replace_frame(frame, image, Some(seen)).await
            }
            _ => {
                let mut order: Vec<_> = walk.frames.iter().map(|frame| frame.frame.id).collect();
                order.rotate_left(1);
                scene.studio.set_frame_order(id, order, Some(seen)).await
            }
        };
        match done {
            Ok(tree) => {
                let shows = tree.frames.iter().any(|frame| frame.asset.id == asset);
                victim::say(&format!("changed {id} {seen}"));
                if shows {
                    victim::say(&format!("asset {asset}"));
                }
            }
            Err(Error::Stale { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}
