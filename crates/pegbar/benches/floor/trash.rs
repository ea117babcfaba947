//! A project into the trash and back: one with images of 100 kB beside one with as many that are a
//! thousandth of that. What only rows and names have to do for does not grow with the bytes.

use std::fs;

use pegbar::{FolderOptions, FolderPlan, NewProject, ProjectId};

use crate::Outcome;
use crate::intake::{noise, write_images};
use crate::measure::Cost;
use crate::race::{Race, Side};
use crate::scenario::Scale;
use crate::site::Site;
use crate::together::small;

/// A gigabyte is moved in each: five show it.
const MOST_ROUNDS: usize = 5;

pub(crate) async fn trash(site: &Site, scale: Scale) -> Outcome<Vec<Race>> {
    let count = scale.verified;
    let large = import(site, "large", &noise()?, count).await?;
    let little = import(site, "little", &small()?, count).await?;
    site.floor.settle().await?;
    let what = format!("delete a project of {count} images of 100 kB ÷ of 100 bytes");
    let mut deleted = Race::new(what, 1.5);
    let mut restored = Race::new("  … and restore it", 1.5);
    for round in 0..=scale.rounds.min(MOST_ROUNDS) {
        for side in Race::order(round) {
            let project = match side {
                Side::Ours => large,
                Side::Floor => little,
            };
            let [gone, back] = there_and_back(site, project, count).await?;
            if round > 0 {
                deleted.add(side, gone);
                restored.add(side, back);
            }
        }
    }
    Ok(vec![deleted, restored])
}

async fn import(site: &Site, name: &str, image: &[u8], count: usize) -> Outcome<ProjectId> {
    let folder = site.root().join(name);
    write_images(&folder, image, 0, count)?;
    let project = site.studio.create_project(NewProject::new(name)).await?;
    let id = project.project.id;
    let plan = FolderPlan::of(&folder, &FolderOptions::default())?;
    site.studio
        .import_folder(id, &plan, true, |_, _| {})
        .await?;
    fs::remove_dir_all(&folder)?;
    Ok(id)
}

async fn there_and_back(site: &Site, project: ProjectId, count: usize) -> Outcome<[Cost; 2]> {
    let start = site.meter.start();
    let deletion = site.studio.delete_project(project).await?;
    let gone = site.meter.stop(&start);
    let start = site.meter.start();
    let restored = site.studio.restore(deletion.id).await?;
    let back = site.meter.stop(&start);
    if restored.deletion.assets != count as u64 || !restored.missing.is_empty() {
        return Err(format!("{count} assets were to come back: {restored:?}").into());
    }
    Ok([gone, back])
}
