//! Comparing every file with the database, beside walking through the folders.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use pegbar::{FolderOptions, FolderPlan, NewProject, ViewReport};

use crate::Outcome;
use crate::intake::with_comment;
use crate::race::{Race, Side};
use crate::scenario::Scale;
use crate::site::Site;

const FRAMES: usize = 50;
const ANIMATIONS: usize = 20;
/// How many images each character has.
pub(crate) const PER_CHARACTER: usize = ANIMATIONS * FRAMES;

/// Imports a large folder, and syncs it when nothing has changed; the floor lists each folder
/// and looks at every file's size and time.
pub(crate) async fn sync(site: &Site, scale: Scale) -> Outcome<Race> {
    let count = import_many(site, scale).await?;
    site.floor.settle().await?;
    let mut race = Race::new(
        format!("sync {count} assets ÷ walking through the files"),
        2.0,
    );
    for round in 0..=scale.rounds {
        for side in Race::order(round) {
            let start = site.meter.start();
            match side {
                Side::Ours => {
                    let report = site.studio.sync(|_, _| {}).await?;
                    if report != ViewReport::default() {
                        return Err(format!("nothing was to be done: {report:?}").into());
                    }
                }
                Side::Floor => {
                    let found = walk(&site.studio.assets_folder())?;
                    if found != count {
                        return Err(format!("{found} files were found").into());
                    }
                }
            }
            let cost = site.meter.stop(&start);
            if round > 0 {
                race.add(side, cost);
            }
        }
    }
    Ok(race)
}

/// Imports a large folder; returns how many images it has.
pub(crate) async fn import_many(site: &Site, scale: Scale) -> Outcome<usize> {
    let project = site.studio.create_project(NewProject::new("P")).await?;
    let folder = site.root().join("source");
    let count = write_images(&folder, scale.listed / PER_CHARACTER)?;
    let start = site.meter.start();
    let plan = FolderPlan::of(&folder, &FolderOptions::default())?;
    let import = site
        .studio
        .import_folder(project.project.id, &plan, true, |_, _| {});
    let report = import.await?;
    let cost = site.meter.stop(&start);
    if report.created.frames != count as u64 {
        return Err(format!("{count} images were to be imported: {report:?}").into());
    }
    let peak = peak_memory().map_or(String::new(), |peak| format!(", at most {peak} of memory"));
    writeln!(
        io::stdout(),
        "\nimported {count} images in {:.1} s ({:.1} s of CPU time){peak}",
        cost.wall,
        cost.cpu
    )?;
    fs::remove_dir_all(&folder)?;
    Ok(count)
}

/// Counts files, and looks at the size and time of each.
pub(crate) fn walk(root: &Path) -> Outcome<usize> {
    let mut folders = vec![root.to_owned()];
    let mut count = 0;
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            let found = entry.metadata()?;
            if found.is_dir() {
                folders.push(entry.path());
            } else {
                std::hint::black_box((found.len(), found.modified()?));
                count += 1;
            }
        }
    }
    Ok(count)
}

/// Writes small images, each with bytes of its own, as `character/animation/frame`.
pub(crate) fn write_images(root: &Path, characters: usize) -> Outcome<usize> {
    let template = crate::site::png()?;
    let mut count = 0;
    for character in 0..characters {
        for animation in 0..ANIMATIONS {
            let folder = root.join(format!("character {character}/animation {animation}"));
            fs::create_dir_all(&folder)?;
            for frame in 0..FRAMES {
                let bytes = with_comment(&template, &count.to_string());
                fs::write(folder.join(format!("{frame}.png")), bytes)?;
                count += 1;
            }
        }
    }
    Ok(count)
}

/// Returns the most memory that this process had at one time (proc(5), `VmHWM`).
fn peak_memory() -> Option<String> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(format!("{} MiB", kilobytes / 1024))
}
