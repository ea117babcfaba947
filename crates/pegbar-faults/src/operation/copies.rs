//! Copies of a studio, and of a project: backups, bundles, and what is made from them.

use std::path::Path;

use pegbar::{
    BundleImport, DatabaseAddress, ExportScope, ImageExport, NewAnimation, NewAsset, NewCharacter,
    NewFrame, NewProject, ReferenceRole, RestoreOptions, Studio, StudioOptions,
};

use super::{Scene, cats};
use crate::check::beside::{BACKUP, BUNDLE, PACKED, RESTORED};
use crate::site::{Base, png};
use crate::victim::say;
use crate::{Result, block_on};

/// A bundle that comes from another studio.
pub(crate) const WOLVES: &str = "wolves.bundle";

/// Lays out a project of another studio: as a bundle, and as a folder of images with sidecars.
pub(super) fn lay_out_wolves(folder: &Path) -> Result<()> {
    let elsewhere = tempfile::tempdir()?;
    block_on(async {
        let studio = Studio::create(elsewhere.path().join("studio")).await?;
        let new = wolves(&studio);
        let project = studio.create_project(new).await?.project.id;
        let bundle = folder.join(WOLVES);
        studio
            .export_bundle(project, bundle, false, |_, _| {})
            .await?;
        let scope = ExportScope::Project(project);
        let mut export = ImageExport::new(scope, folder.join("wolves"));
        export.sidecars = true;
        studio.export_images(&export, |_, _| {}).await?;
        Ok(())
    })
}

fn wolves(studio: &Studio) -> NewProject {
    let front = studio.new_id();
    let image = |number: u64| NewAsset::from_bytes(png(40_000 + number));
    let mut howl = NewAnimation::new("Howl").take(image(0));
    for number in 1..4 {
        let take = image(number).made_from(front, ReferenceRole::Character);
        howl = howl.frame(NewFrame::new(take).prompt(format!("pose {number}")));
    }
    let wolf = NewCharacter::new("Wolf")
        .variation(image(10).id(front))
        .animation(howl);
    NewProject::new("Wolves")
        .thumbnail(front)
        .tag("grey")
        .reference(image(20))
        .character(wolf)
}

/// A backup is there, and something has been added since.
pub(super) fn lay_out_backup(base: &Base) -> Result<()> {
    let target = base.folder().join(BACKUP);
    base.with(async |studio| {
        studio.back_up(target, |_, _| {}).await?;
        let project = cats(&studio).await?.project.id;
        let later = NewAsset::from_bytes(png(50_000));
        studio.create_asset(project, later).await?;
        Ok(())
    })
}

pub(super) async fn back_up(scene: &Scene) -> Result<()> {
    let target = scene.folder.join(BACKUP);
    let report = scene.studio.back_up(target, |_, _| {}).await?;
    say(&format!("backup {}", report.snapshot.name));
    Ok(())
}

pub(super) async fn back_up_archive(scene: &Scene) -> Result<()> {
    let target = scene.folder.join(PACKED);
    let report = scene.studio.back_up_archive(target, |_, _| {}).await?;
    say(&format!("backup {}", report.snapshot.name));
    Ok(())
}

/// Beside the studio, into a file.
pub(super) async fn restore_backup(scene: &Scene) -> Result<()> {
    restore(scene, DatabaseAddress::Sqlite).await
}

/// Beside the studio, into a database on the server.
pub(super) async fn restore_on_server(scene: &Scene) -> Result<()> {
    restore(scene, scene.on_server.clone()).await
}

async fn restore(scene: &Scene, database: DatabaseAddress) -> Result<()> {
    let (from, to) = (scene.folder.join(BACKUP), scene.folder.join(RESTORED));
    let options = RestoreOptions {
        studio: StudioOptions {
            database,
            ..StudioOptions::default()
        },
        ..RestoreOptions::default()
    };
    let (_, report) = Studio::restore_backup(from, to, options, |_, _| {}).await?;
    say(&format!("backup {}", report.snapshot.name));
    Ok(())
}

pub(super) async fn export_bundle(scene: &Scene) -> Result<()> {
    let project = cats(&scene.studio).await?.project.id;
    let file = scene.folder.join(BUNDLE);
    scene
        .studio
        .export_bundle(project, file, false, |_, _| {})
        .await?;
    say("bundle");
    Ok(())
}

pub(super) async fn import_bundle(scene: &Scene) -> Result<()> {
    import(scene, BundleImport { as_copy: false }).await
}

pub(super) async fn import_copy(scene: &Scene) -> Result<()> {
    import(scene, BundleImport { as_copy: true }).await
}

async fn import(scene: &Scene, options: BundleImport) -> Result<()> {
    let file = scene.folder.join(WOLVES);
    let imported = scene.studio.import_bundle(file, options, |_, _| {}).await?;
    say(&format!("project {}", imported.project_id));
    Ok(())
}
