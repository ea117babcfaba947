//! Looking for everything that can be wrong, beside `find` over the folder and one ordered read of
//! the tables.

use std::process::{Command, Stdio};

use pegbar::DoctorOptions;

use crate::Outcome;
use crate::measure::Cost;
use crate::race::{Race, Side};
use crate::scenario::Scale;
use crate::site::Site;
use crate::walk;

/// What has to be read to compare rows with files, in the order of keys: each row once.
pub(crate) const READS: [&str; 6] = [
    "SELECT id, project_id, segment FROM character ORDER BY project_id, id",
    "SELECT id, project_id, character_id, segment FROM animation ORDER BY project_id, id",
    "SELECT id, project_id, character_id, mime_type, file_size, sha256, file_path, record, \
     record_hash, bytes_dropped_at FROM asset ORDER BY project_id, id",
    "SELECT project_id, asset_id, position, referenced_asset_id, sha256 FROM asset_reference \
     ORDER BY project_id, asset_id, position",
    "SELECT id, project_id, animation_id, asset_id, frame_index FROM frame \
     ORDER BY project_id, animation_id, frame_index",
    "SELECT path, project_id, asset_id, animation_id, sha256, file_size, modified_ns \
     FROM view_file ORDER BY path",
];

/// Examines a studio of which nothing is wrong.
pub(crate) async fn doctor(site: &Site, scale: Scale) -> Outcome<Vec<Race>> {
    let count = walk::import_many(site, scale).await?;
    site.floor.settle().await?;
    let what = format!("doctor {count} assets ÷ find, and reading the tables");
    let mut all = Race::new(what, 1.5);
    let mut own = Race::new("  … without the engine's check of itself", 1.5);
    for round in 0..=scale.rounds {
        for side in Race::order(round) {
            let costs = match side {
                Side::Ours => [
                    ours(site, count, true).await?,
                    ours(site, count, false).await?,
                ],
                Side::Floor => [floor(site).await?; 2],
            };
            if round > 0 {
                for (race, cost) in [&mut all, &mut own].into_iter().zip(costs) {
                    race.add(side, cost);
                }
            }
        }
    }
    Ok(vec![all, own])
}

async fn ours(site: &Site, count: usize, engine_check: bool) -> Outcome<Cost> {
    let options = DoctorOptions {
        engine_check,
        ..DoctorOptions::default()
    };
    let start = site.meter.start();
    let report = site.studio.doctor(&options, |_| {}).await?;
    let cost = site.meter.stop(&start);
    if report.files != count as u64 || !report.counts.is_empty() {
        return Err(format!("nothing was to be wrong with {count} files: {report:?}").into());
    }
    Ok(cost)
}

/// Lists every file with its size, rights and time; then reads the tables.
async fn floor(site: &Site) -> Outcome<Cost> {
    let start = site.meter.start();
    let mut find = Command::new("find");
    let find = find.arg(site.root()).args(["-printf", "%s %m %T@ %p\n"]);
    if !find.stdout(Stdio::null()).status()?.success() {
        return Err("find failed".into());
    }
    for text in READS {
        site.floor.read_all(text).await?;
    }
    Ok(site.meter.stop(&start))
}
