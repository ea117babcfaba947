//! `pegbar import pixellab`.

use std::path::PathBuf;

use pegbar::{ImportReport, ImportedRows, Project, Studio, ViewUpdates};
use serde::Serialize;

use crate::context::Context;
use crate::error::CommandError;
use crate::output::Output;
use crate::text::{count, counts, quoted};

use super::{IntoProject, has, named};

/// Take in a character that was exported from PixelLab
///
/// The export becomes one character: its rotations are variations, and each animation in each
/// direction is an animation with its frames in order. Importing again adds only what is new,
/// by the paths of the files; a file with other bytes than those that were imported is named
/// and left alone. An import that was interrupted goes on where it stopped.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  unzip tabby.zip -d tabby
  pegbar import pixellab --project 'Alley cats' tabby")]
pub(crate) struct Args {
    #[command(flatten)]
    into: IntoProject,
    /// The folder with metadata.json, unpacked
    folder: PathBuf,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Imported<'a> {
    project_id: pegbar::ProjectId,
    is_new_project: bool,
    #[serde(flatten)]
    report: &'a ImportReport,
}

pub(crate) async fn run(args: Args, context: &Context) -> Result<(), CommandError> {
    // The files below public/assets follow at the end, at once.
    let studio = &context.studio_with(ViewUpdates::Deferred).await?;
    let output = &context.output;
    if !args.folder.exists() {
        let message = format!("there is no folder {}", args.folder.display());
        return Err(CommandError::refused("not_found", message).hint("check the path"));
    }
    let metadata = args.folder.join("metadata.json");
    if !metadata.is_file() {
        let folder = args.folder.display();
        let message = format!("{folder} is not an export from PixelLab: it has no metadata.json");
        let error = CommandError::refused("not_found", message);
        return Err(error.hint("unpack the export, and name the folder that has metadata.json"));
    }
    let (project, is_new_project) = args.into.project(studio).await?;
    if is_new_project && !output.is_json() {
        let name = quoted(&project.name);
        output.line(format_args!("created the project {name} ({})", project.id))?;
    }
    let progress = output.progress(0, "images");
    let report = studio
        .import_pixellab(project.id, &args.folder, |done, total| {
            progress.set(done, total);
        })
        .await;
    progress.finish();
    // After an error too: what was imported before it stays.
    let view = studio.update_view().await;
    let report = &report?;
    view?;
    if output.is_json() {
        return output.json(&Imported {
            project_id: project.id,
            is_new_project,
            report,
        });
    }
    print(studio, output, &project, report).await
}

async fn print(
    studio: &Studio,
    output: &Output,
    project: &Project,
    report: &ImportReport,
) -> Result<(), CommandError> {
    let character = studio.get_character(report.character_id).await?;
    let name = quoted(&character.name);
    let created = &report.created;
    let text = counts(&[
        (created.characters, "character"),
        (created.variations, "variation"),
        (created.animations, "animation"),
        (created.frames, "frame"),
    ]);
    let id = character.id;
    output.line(if report.created == ImportedRows::default() {
        format!("nothing is new in {name} ({id})")
    } else {
        format!("imported {name} ({id}): {text}")
    })?;
    if report.unchanged > 0 {
        let there = count(report.unchanged, "image");
        output.line(format_args!("there already and unchanged: {there}"))?;
    }
    let folder = studio.assets_folder().join(project.id.to_string());
    output.line(format_args!("the files are in {}", folder.display()))?;
    if report.changed.count > 0 {
        let (files, have) = (count(report.changed.count, "file"), has(&report.changed));
        let changed = report.changed.first.iter();
        let changed = changed.map(|file| format!("{} (asset {})", file.path, file.asset_id));
        output.warning(format_args!(
            "{files} {have} changed since the import; what was imported stays as it is:{}",
            named(changed, report.changed.count)
        ));
    }
    if report.skipped.count > 0 {
        output.note(format_args!(
            "not part of the export, and not taken in: {}{}",
            count(report.skipped.count, "file"),
            named(report.skipped.first.iter().cloned(), report.skipped.count)
        ));
    }
    let hint = format!("hint: `pegbar contact-sheet {name}` shows it");
    output.note(hint);
    Ok(())
}
