//! Purges without grace against writers, all of whom use the same few images: what one brings,
//! another has just deleted and a third is removing for good.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use pegbar::{
    AsSeen, AssetId, Error, ImageSource, NewAsset, ProjectId, PurgeOptions, PurgeReport,
    PurgeScope, Studio, StudioOptions, ViewUpdates,
};

use super::kill::acknowledged;
use super::{Figure, Setting, during};
use crate::operation::{Scene, walk};
use crate::random::Random;
use crate::site::{Base, Site, png};
use crate::victim::{self, Running};
use crate::{Result, block_on, check};

/// How many purges the short form makes.
const SHORT: usize = 40;
/// How many processes write.
const WRITERS: u64 = 3;
/// How many purge.
const PURGERS: u64 = 2;
/// How many changes a writer makes in a round.
const CHANGES: u64 = 60;
/// How many images there are.
const IMAGES: usize = 8;
/// What says that nobody writes any more.
const STOP: &str = "stop";

/// Purges again and again while processes write, each time on a fresh copy of the studio.
///
/// # Errors
/// Bytes that are gone although somebody names them, or anything else that was broken.
pub fn attack(setting: &Setting) -> Result<Vec<Figure>> {
    let begun = Instant::now();
    let base = setting.base()?;
    let mut total = Round::default();
    let mut seed = setting.seed;
    while total.purges < setting.count(SHORT) && !setting.is_over(total.purges) {
        let done = during(|| format!("round {seed}"), round(setting, &base, seed))?;
        total.purges += done.purges;
        total.blobs += done.blobs;
        total.changes += done.changes;
        total.killed += done.killed;
        seed += 1;
    }
    let Round {
        purges,
        blobs,
        changes,
        killed,
    } = total;
    if blobs == 0 {
        return Err("no blob was ever removed".into());
    }
    Ok(vec![Figure {
        attack: format!("purges without grace, {PURGERS} processes beside {WRITERS} that write"),
        engine: setting.rows.engine(),
        count: purges,
        detail: format!(
            "{blobs} blobs removed, {changes} changes acknowledged, all of their bytes there; \
             {killed} processes killed"
        ),
        seconds: begun.elapsed().as_secs(),
    }])
}

#[derive(Default)]
struct Round {
    purges: usize,
    blobs: usize,
    changes: usize,
    killed: usize,
}

fn round(setting: &Setting, base: &Base, seed: u64) -> Result<Round> {
    let mut random = Random::new(seed);
    let site = base.copy()?;
    let start = |what: &str, number: u64| Running::start(setting, &site, what, seed * 10 + number);
    let mut purgers = Vec::new();
    for number in 0..PURGERS {
        purgers.push(start("purge on", number)?);
    }
    let mut writers = Vec::new();
    for number in 0..WRITERS {
        writers.push(start("write and delete", number)?);
    }
    // Every third round loses a purger, every third a writer.
    let mut killed = 0;
    let victim = match seed % 3 {
        1 => purgers.first_mut(),
        2 => writers.first_mut(),
        _ => None,
    };
    if let Some(victim) = victim {
        std::thread::sleep(Duration::from_millis(100 + random.below(400) as u64));
        victim.kill()?;
        killed = 1;
    }
    let mut said = Vec::new();
    for (place, process) in writers.into_iter().enumerate() {
        let ended = process.wait()?;
        let is_killed = killed == 1 && seed % 3 == 2 && place == 0;
        if !ended.is_success && !is_killed {
            return Err(format!("writer {place} failed: {}", ended.stderr).into());
        }
        said.push(acknowledged(&ended.stdout));
    }
    std::fs::write(site.folder().join(STOP), "")?;
    let mut purged = Vec::new();
    for (place, process) in purgers.into_iter().enumerate() {
        let ended = process.wait()?;
        let is_killed = killed == 1 && seed % 3 == 1 && place == 0;
        if !ended.is_success && !is_killed {
            return Err(format!("purger {place} failed: {}", ended.stderr).into());
        }
        purged.extend(acknowledged(&ended.stdout));
    }
    let changes = compare(&site, &said)?;
    let removed = purged.iter().filter_map(|line| {
        let count = line.strip_prefix("purge ")?;
        count.parse::<usize>().ok()
    });
    let removed: Vec<usize> = removed.collect();
    Ok(Round {
        purges: removed.len(),
        blobs: removed.iter().sum(),
        changes,
        killed,
    })
}

/// Checks what is left: each asset is as its writer heard last.
fn compare(site: &Site, said: &[Vec<String>]) -> Result<usize> {
    let mut last = BTreeMap::new();
    let mut changes = 0;
    for line in said.iter().flatten() {
        if let Some(id) = line.split(' ').next_back() {
            last.insert(id, line.clone());
        }
        changes += usize::from(line.starts_with("asset ") || line.starts_with("gone "));
    }
    let lines: Vec<String> = last.into_values().collect();
    block_on(check::look(site, &lines))?;
    // What is asked of a studio that nobody works with: one purge removes all that nobody names.
    block_on(async {
        let studio = site.open().await?;
        purge_once(&studio).await?;
        Ok(())
    })?;
    block_on(check::no_blob_is_left(site))?;
    block_on(check::look(site, &lines))?;
    Ok(changes)
}

async fn purge_once(studio: &Studio) -> Result<PurgeReport> {
    let options = PurgeOptions {
        grace_ms: 0,
        // What another has taken in and not named yet, too.
        unnamed: true,
        dry_run: false,
    };
    Ok(studio.purge(PurgeScope::All, options, |_| {}).await?)
}

/// What a purger does until there is nobody left to disturb.
///
/// # Errors
/// What the library refuses.
pub async fn purge_on(scene: Scene) -> Result<()> {
    while !scene.folder.join(STOP).exists() {
        let report = purge_once(&scene.studio).await?;
        // Those that find nothing to do do not count.
        if report.deletions > 0 || report.removed_blobs > 0 {
            victim::say(&format!("purge {}", report.removed_blobs));
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    Ok(())
}

/// What a writer does: it adds, deletes and brings back assets of the few images that all have.
///
/// # Errors
/// What the library refuses, but for what a purge may take away.
pub async fn write(scene: Scene) -> Result<()> {
    // Of what is not in the view yet, the rows alone tell that it is needed.
    let view_updates = match scene.seed % 3 {
        0 => ViewUpdates::WithEachChange,
        _ => ViewUpdates::Deferred,
    };
    let options = StudioOptions {
        database: victim::address(),
        view_updates,
        ..StudioOptions::default()
    };
    let studio = &Studio::open_with(scene.studio.root(), options).await?;
    let mut random = Random::new(scene.seed);
    let project = walk(studio).await?.animation.project_id;
    let mut own: Vec<AssetId> = Vec::new();
    for _ in 0..CHANGES {
        let image = png(3_000_000 + random.below(IMAGES) as u64);
        match random.below(6) {
            0 if !own.is_empty() => {
                let id = own.swap_remove(random.below(own.len()));
                if let Some(id) = delete_and_restore(studio, id, random.one_in(2)).await? {
                    own.push(id);
                }
            }
            1 => own.extend(add_stored(studio, project, image).await?),
            _ => {
                // From memory, so that it can be stored again.
                let new = NewAsset::from_bytes(image);
                let id = studio.create_asset(project, new).await?.id;
                victim::say(&format!("asset {id}"));
                own.push(id);
            }
        }
        // Few stay, so that bytes have one name at a time.
        if own.len() > 1 {
            let first = own.remove(0);
            read(studio, first).await?;
            delete_and_restore(studio, first, false).await?;
        }
    }
    Ok(())
}

/// Reads an asset's bytes, which nobody may take away.
async fn read(studio: &Studio, id: AssetId) -> Result<()> {
    let read = studio.image_of_asset(id).await;
    read.map_err(|error| format!("the bytes of {id} are gone: {error}"))?;
    Ok(())
}

/// Deletes an asset, and brings it back unless a purge was faster.
async fn delete_and_restore(
    studio: &Studio,
    id: AssetId,
    restores: bool,
) -> Result<Option<AssetId>> {
    victim::say(&format!("deleting {id}"));
    let deletion = studio.delete_asset(AsSeen::from(id)).await?;
    if restores {
        match studio.restore(deletion.id).await {
            Ok(found) if found.missing.is_empty() => {
                victim::say(&format!("asset {id}"));
                return Ok(Some(id));
            }
            Ok(found) => return Err(format!("restored without {:?}", found.missing).into()),
            Err(Error::NotFound { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    victim::say(&format!("gone asset {id}"));
    Ok(None)
}

/// Stores an image first and uses it then, as an upload does; a purge may be between.
async fn add_stored(
    studio: &Studio,
    project: ProjectId,
    image: Vec<u8>,
) -> Result<Option<AssetId>> {
    let mut receiver = studio.receive_image();
    receiver.write(&image)?;
    let stored = receiver.finish(None)?;
    match studio
        .create_asset(project, NewAsset::new(ImageSource::Stored(stored)))
        .await
    {
        Ok(asset) => {
            victim::say(&format!("asset {}", asset.id));
            Ok(Some(asset.id))
        }
        Err(Error::Conflict { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}
