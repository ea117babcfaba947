//! Comparing every file with the database, beside walking through the folders.

use std::fs;
use std::path::Path;

use pegbar::{ImageSource, NewAnimation, NewAsset, NewCharacter, NewFrame, NewProject, ViewReport};

use crate::Outcome;
use crate::race::{Race, Side};
use crate::scenario::Scale;
use crate::site::Site;

const FRAMES: usize = 50;
const ANIMATIONS: usize = 20;

/// Syncs a project in which nothing has changed; the floor lists each folder and looks at every
/// file's size and time.
pub(crate) async fn sync(site: &Site, scale: Scale) -> Outcome<Race> {
    let project = site.studio.create_project(NewProject::new("P")).await?;
    let characters = scale.listed / (ANIMATIONS * FRAMES);
    for number in 0..characters {
        let mut character = NewCharacter::new(format!("Character {number}"));
        for number in 0..ANIMATIONS {
            let mut animation = NewAnimation::new(format!("Animation {number}"));
            for _ in 0..FRAMES {
                let take = NewAsset::new(ImageSource::Stored(site.image));
                animation = animation.frame(NewFrame::new(take));
            }
            character = character.animation(animation);
        }
        let created = site.studio.create_character(project.project.id, character);
        created.await?;
    }
    site.floor.settle().await?;
    let count = characters * ANIMATIONS * FRAMES;
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

/// Counts files, and looks at the size and time of each.
fn walk(root: &Path) -> Outcome<usize> {
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
