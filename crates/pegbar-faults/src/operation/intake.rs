//! Images and rows that come from elsewhere: folders, sidecars, and what another program wrote.

use std::fs;

use pegbar::{AdoptOptions, FolderOptions, FolderPlan, SidecarTarget};

use super::{Scene, cats};
use crate::Result;
use crate::site::{Base, png};
use crate::victim::say;

pub(super) async fn import_folder(scene: &Scene) -> Result<()> {
    let project = cats(&scene.studio).await?.project.id;
    let options = FolderOptions {
        character: Some("Cat".to_owned()),
        ..FolderOptions::default()
    };
    let plan = FolderPlan::of(scene.folder.join("art"), &options)?;
    scene
        .studio
        .import_folder(project, &plan, false, |_, _| {})
        .await?;
    Ok(())
}

pub(super) async fn import_sidecars(scene: &Scene) -> Result<()> {
    let plan = scene
        .studio
        .plan_sidecars(scene.folder.join("wolves"), |_, _| {})?;
    let target = SidecarTarget::Same;
    let report = scene
        .studio
        .import_sidecars(&plan, &target, |_, _| {})
        .await?;
    if let Some(id) = report.project_id {
        say(&format!("project {id}"));
    }
    Ok(())
}

/// Another program has written a row, and put its file where it pleased.
pub(super) fn leave_row(base: &Base) -> Result<()> {
    let project = base.with(async |studio| Ok(cats(&studio).await?.project.id))?;
    let path = format!("{project}/scratch/new.png");
    let file = base.root().join("public/assets").join(&path);
    fs::create_dir_all(file.parent().unwrap_or(&file))?;
    fs::write(file, png(77_777))?;
    let id = "0192a0f0-7d3c-7a51-8f10-000000000007";
    base.insert_asset(id, &project.to_string(), &path)
}

pub(super) async fn adopt(scene: &Scene) -> Result<()> {
    let options = AdoptOptions::default();
    let report = scene.studio.adopt(options, |_, _| {}).await?;
    if report.left > 0 {
        return Err(format!("it was not adopted: {:?}", report.findings).into());
    }
    Ok(())
}
