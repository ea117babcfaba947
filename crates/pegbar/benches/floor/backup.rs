//! Backing up a studio that has not changed, beside walking through its blobs.

use std::fs;
use std::io::{self, Write};

use pegbar::{FolderOptions, FolderPlan, NewProject};

use crate::Outcome;
use crate::race::{Race, Side};
use crate::scenario::Scale;
use crate::site::Site;
use crate::verify::files_below;
use crate::walk::{PER_CHARACTER, walk, write_images};

/// Backs up a studio twice, and then again and again; the floor looks at every blob's size.
///
/// Before the first that counts, every blob gets other bytes of the same size: a single one that
/// was read would be found to be altered.
pub(crate) async fn backup(site: &Site, scale: Scale) -> Outcome<Race> {
    let project = site.studio.create_project(NewProject::new("P")).await?;
    let folder = site.root().join("source");
    let count = write_images(&folder, scale.listed / PER_CHARACTER)?;
    let plan = FolderPlan::of(&folder, &FolderOptions::default())?;
    let import = site
        .studio
        .import_folder(project.project.id, &plan, true, |_, _| {});
    import.await?;
    fs::remove_dir_all(&folder)?;
    site.floor.settle().await?;
    let target = site.root().with_file_name("backup");
    let start = site.meter.start();
    let first = site.studio.back_up(&target, |_, _| {}).await?;
    let cost = site.meter.stop(&start);
    writeln!(
        io::stdout(),
        "\nfirst backup of {count} assets: {} rows, {} blobs copied in {:.1} s ({:.1} s of CPU time)",
        first.snapshot.rows,
        first.copied,
        cost.wall,
        cost.cpu
    )?;
    let blobs = site.root().join(".pegbar/blobs");
    let there = files_below(&blobs)?;
    for blob in &there {
        let length = usize::try_from(fs::metadata(blob)?.len())?;
        fs::remove_file(blob)?;
        fs::write(blob, vec![0; length])?;
    }
    let what = format!("backup of {count} unchanged assets (0 blobs read) ÷ walking through them");
    let mut race = Race::new(what, None);
    for round in 0..=scale.rounds {
        for side in Race::order(round) {
            let start = site.meter.start();
            match side {
                Side::Ours => {
                    let report = site.studio.back_up(&target, |_, _| {}).await?;
                    if report.copied != 0 || !report.missing.is_empty() {
                        return Err(format!("a blob was read: {report:?}").into());
                    }
                }
                Side::Floor => {
                    let found = walk(&blobs)?;
                    if found != there.len() {
                        return Err(format!("{found} blobs were found").into());
                    }
                }
            }
            let cost = site.meter.stop(&start);
            if round > 0 {
                race.add(side, cost);
            }
        }
    }
    fs::remove_dir_all(&target)?;
    Ok(race)
}
