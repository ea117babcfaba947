//! Many writers, each of which adds small assets one by one: ours beside a loop that flushes one
//! file for each, beside one that commits a row for each, too, and beside one writer of ours.

use std::fs::{self, File};
use std::io::Write;

use pegbar::{NewAsset, NewProject, ProjectId};

use crate::Outcome;
use crate::intake::with_comment;
use crate::measure::Cost;
use crate::race::{Race, Side};
use crate::scenario::Scale;
use crate::site::{Floor, Site};

const WRITERS: usize = 64;

/// How many assets are added at least: of the first ones some are added alone, and the log is full
/// after 1,024.
const LEAST: usize = 20 * WRITERS;

/// What the floor does for each asset.
#[derive(Clone, Copy)]
enum Each {
    Flush,
    FlushAndCommit,
    /// As ours, without anybody beside it.
    Alone,
}

pub(crate) async fn together(site: &Site, scale: Scale) -> Outcome<Vec<Race>> {
    let count = (scale.files * 2).max(LEAST).next_multiple_of(WRITERS);
    let mut races = [
        Race::new(
            format!("{WRITERS} writers add {count} small assets ÷ one flush each"),
            0.1,
        )
        .of_rate(),
        Race::new("  … ÷ one flush and one commit each", 0.1).of_rate(),
        Race::new("  … ÷ one writer, one after the other", 0.1).of_rate(),
    ];
    let floors = [Each::Flush, Each::FlushAndCommit, Each::Alone];
    let template = small()?;
    for round in 0..=scale.rounds {
        for (race, each) in races.iter_mut().zip(floors) {
            for side in Race::order(round) {
                let project = site.studio.create_project(NewProject::new("P")).await?;
                let project = project.project.id;
                let text = |n| format!("{round} {side:?} {n} {}", each as u8);
                let images: Vec<_> = (0..count)
                    .map(|n| with_comment(&template, &text(n)))
                    .collect();
                let cost = match side {
                    Side::Ours => add(site, project, images, WRITERS).await?,
                    Side::Floor if matches!(each, Each::Alone) => {
                        add(site, project, images, 1).await?
                    }
                    Side::Floor => add_by_floor(site, project, &images, each).await?,
                };
                if round > 0 {
                    race.add(side, cost);
                }
            }
        }
    }
    Ok(races.into())
}

pub(crate) fn small() -> Outcome<Vec<u8>> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    image::RgbaImage::new(8, 8).write_to(&mut bytes, image::ImageFormat::Png)?;
    Ok(bytes.into_inner())
}

async fn add(site: &Site, project: ProjectId, images: Vec<Vec<u8>>, count: usize) -> Outcome<Cost> {
    let start = site.meter.start();
    let mut writers = tokio::task::JoinSet::new();
    let share = images.len() / count;
    let mut images = images.into_iter();
    for _ in 0..count {
        let studio = site.studio.clone();
        let own: Vec<_> = images.by_ref().take(share).collect();
        writers.spawn(async move {
            for image in own {
                studio
                    .create_asset(project, NewAsset::from_bytes(image))
                    .await?;
            }
            Ok::<(), pegbar::Error>(())
        });
    }
    while let Some(written) = writers.join_next().await {
        written??;
    }
    Ok(site.meter.stop(&start))
}

async fn add_by_floor(
    site: &Site,
    project: ProjectId,
    images: &[Vec<u8>],
    each: Each,
) -> Outcome<Cost> {
    let folder = site.root().join("small");
    fs::create_dir_all(&folder)?;
    let start = site.meter.start();
    for bytes in images {
        let id = site.ids.next();
        let name = format!("{id}.png");
        let mut file = File::create(folder.join(&name))?;
        file.write_all(bytes)?;
        file.sync_all()?;
        if let Each::FlushAndCommit = each {
            let length = i64::try_from(bytes.len())?;
            match &site.floor {
                Floor::Sqlite(floor) => floor.add_file(id, project.0, &name, length)?,
                Floor::Postgres(floor) => floor.add_file(id, project.0, &name, length).await?,
            }
        }
    }
    Ok(site.meter.stop(&start))
}
