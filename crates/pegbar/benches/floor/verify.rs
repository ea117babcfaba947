//! Hashing every image again and comparing every record, beside `sha256sum` of the same files.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use pegbar::{FolderOptions, FolderPlan, NewProject, VerifyOptions, VerifyScope};

use crate::Outcome;
use crate::intake::{noise, read_and_hash, write_images};
use crate::measure::Cost;
use crate::race::{Race, Side};
use crate::scenario::Scale;
use crate::site::Site;

/// How many files one run of `sha256sum` is given: arguments have a limit.
const ARGUMENTS: usize = 1000;

/// Verifies a studio of images of 100 kB.
pub(crate) async fn verify(site: &Site, scale: Scale) -> Outcome<Vec<Race>> {
    let count = scale.verified;
    let folder = site.root().join("source");
    write_images(&folder, &noise()?, 0, count)?;
    let project = site.studio.create_project(NewProject::new("P")).await?;
    let plan = FolderPlan::of(&folder, &FolderOptions::default())?;
    let import = site
        .studio
        .import_folder(project.project.id, &plan, true, |_, _| {});
    import.await?;
    fs::remove_dir_all(&folder)?;
    site.floor.settle().await?;
    let blobs = files_below(&site.root().join(".pegbar/blobs"))?;
    let mut all = Race::new(format!("verify {count} images of 100 kB ÷ sha256sum"), 1.2);
    let mut same = Race::new("  … ÷ hashing them with the same code, one thread", None);
    let mut records = Race::new("  … their records alone, ÷ sha256sum of the files", None);
    let has_program = sha256sum(site, &blobs[..1]).is_ok();
    for round in 0..=scale.rounds {
        for side in Race::order(round) {
            let costs = match side {
                Side::Ours => {
                    let whole = ours(site, count, VerifyOptions::default()).await?;
                    let records_only = VerifyOptions { records_only: true };
                    [whole, whole, ours(site, count, records_only).await?]
                }
                Side::Floor => {
                    let hashed = read_and_hash(site, &blobs)?;
                    let floor = if has_program {
                        sha256sum(site, &blobs)?
                    } else {
                        hashed
                    };
                    [floor, hashed, floor]
                }
            };
            if round > 0 {
                let races = [&mut all, &mut same, &mut records];
                for (race, cost) in races.into_iter().zip(costs) {
                    race.add(side, cost);
                }
            }
        }
    }
    Ok(vec![all, same, records])
}

async fn ours(site: &Site, count: usize, options: VerifyOptions) -> Outcome<Cost> {
    let start = site.meter.start();
    let scope = VerifyScope::Everything;
    let report = site.studio.verify(&scope, options, |_, _| {}).await?;
    let cost = site.meter.stop(&start);
    if report.assets != count as u64 || report.damaged_count != 0 {
        return Err(format!("{count} assets were to be whole: {report:?}").into());
    }
    Ok(cost)
}

/// Runs the program on all files.
fn sha256sum(site: &Site, files: &[PathBuf]) -> Outcome<Cost> {
    let start = site.meter.start();
    for files in files.chunks(ARGUMENTS) {
        let mut command = Command::new("sha256sum");
        let status = command.args(files).stdout(Stdio::null()).status()?;
        if !status.success() {
            return Err("sha256sum failed".into());
        }
    }
    Ok(site.meter.stop(&start))
}

pub(crate) fn files_below(root: &Path) -> Outcome<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                folders.push(entry.path());
            } else {
                files.push(entry.path());
            }
        }
    }
    Ok(files)
}
