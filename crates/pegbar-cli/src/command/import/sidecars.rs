//! `pegbar import sidecars`.

use std::path::PathBuf;

use pegbar::{CreatedRows, ProjectId, SidecarReport, SidecarTarget, Studio, ViewUpdates};

use super::named;
use crate::context::Context;
use crate::error::CommandError;
use crate::find;
use crate::output::Output;
use crate::text::{count, counts, quoted};

/// Take in what another studio exported with sidecars
///
/// Each image with its sidecar (`pegbar export images --sidecar`) becomes an asset with the same
/// id, record and hash: prompts, model, settings, time and inputs; with its tags and claims, in
/// its place among characters, animations and frames. Every sidecar is checked against its
/// hash and its image before anything is written. What is tampered with, or was made from
/// something that is not there, is refused by itself and named. An asset whose bytes were
/// dropped comes as its sidecar alone, and has none here either.
///
/// Importing again adds nothing twice; an import that was interrupted goes on where it stopped.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  pegbar import sidecars archive
  pegbar import sidecars --project 'Alley cats' archive")]
pub(crate) struct Args {
    /// The folder with images and sidecars, in as many folders of its own as you like
    folder: PathBuf,
    /// The project, created if nothing is called so; else the one they are from, which is
    /// created unless it is there
    #[arg(long, short, value_name = "NAME")]
    project: Option<String>,
}

pub(crate) async fn run(args: Args, context: &Context) -> Result<(), CommandError> {
    // The files below public/assets follow at the end, at once.
    let studio = &context.studio_with(ViewUpdates::Deferred).await?;
    let output = &context.output;
    if !args.folder.exists() {
        let message = format!("there is no folder {}", args.folder.display());
        return Err(CommandError::refused("not_found", message).hint("check the path"));
    }
    let progress = output.progress(0, "sidecars checked");
    let plan = studio.plan_sidecars(&args.folder, |done, total| progress.set(done, total));
    progress.finish();
    let plan = plan?;
    let target = target(studio, args.project).await?;
    let progress = output.progress(plan.images(), "images");
    let report = studio
        .import_sidecars(&plan, &target, |done, total| progress.set(done, total))
        .await;
    progress.finish();
    // After an error too: what was imported before it stays.
    let view = studio.update_view().await;
    let report = report?;
    view?;
    if output.is_json() {
        output.json(&report)?;
    } else {
        print(studio, output, &report).await?;
    }
    refused(&report)
}

async fn target(studio: &Studio, project: Option<String>) -> Result<SidecarTarget, CommandError> {
    let Some(name) = project else {
        return Ok(SidecarTarget::Same);
    };
    match find::project(studio, &name).await {
        // An id that nothing has is no name for a new project.
        Err(error) if error.is_not_found() && name.parse::<ProjectId>().is_err() => {
            Ok(SidecarTarget::New(name))
        }
        found => Ok(SidecarTarget::Project(found?.id)),
    }
}

async fn print(
    studio: &Studio,
    output: &Output,
    report: &SidecarReport,
) -> Result<(), CommandError> {
    let Some(project) = report.project_id else {
        return output.line("nothing could be taken in, and no project was created for it");
    };
    let project = studio.get_project(project).await?;
    let name = quoted(&project.name);
    if report.is_new_project {
        output.line(format_args!("created the project {name} ({})", project.id))?;
    }
    let created = &report.created;
    let text = counts(&[
        (created.characters, "character"),
        (created.variations, "variation"),
        (created.animations, "animation"),
        (created.frames, "frame"),
        (created.takes, "take"),
        (created.references, "reference"),
    ]);
    output.line(if *created == CreatedRows::default() {
        format!("nothing is new in {name}")
    } else {
        format!("imported into {name}: {text}")
    })?;
    if report.unchanged > 0 {
        let there = count(report.unchanged, "image");
        output.line(format_args!("there already, with the same record: {there}"))?;
    }
    if report.renumbered > 0 {
        let renumbered = count(report.renumbered, "image");
        output.line(format_args!(
            "with another id, since its own was taken (it is the source id now): {renumbered}"
        ))?;
    }
    let folder = studio.assets_folder().join(project.id.to_string());
    output.line(format_args!("the files are in {}", folder.display()))
}

fn refused(report: &SidecarReport) -> Result<(), CommandError> {
    let refused = &report.refused;
    if refused.count == 0 {
        return Ok(());
    }
    let first = refused.first.iter();
    let first = first.map(|one| format!("{}: {}: {}", one.path, one.field, one.reason));
    let message = format!(
        "{} could not be taken in; everything else was{}",
        count(refused.count, "image"),
        named(first, refused.count)
    );
    let error = CommandError::refused("invalid", message);
    Err(error.hint("export them again, with --with-inputs if inputs are missing"))
}
