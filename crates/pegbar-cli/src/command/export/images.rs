//! `pegbar export images`.

use std::path::{Path, PathBuf};

use pegbar::{ExportedImages, ImageExport, XmpOptions};
use serde::Serialize;

use super::What;
use crate::command::import::named;
use crate::context::Context;
use crate::error::CommandError;
use crate::output::Output;
use crate::text::{count, size};

/// Write images into a folder, as they are or as copies that say what made them
///
/// The files lie there as below the project's folder in public/assets, byte for byte. With
/// --xmp, those of generated images are copies with XMP (IPTC 2025.1: the prompt, the model, its
/// version, that they are generated, an id); no pixel changes, and what a file says itself
/// stays. With --sidecar, NAME.pegbar.json beside each has its record: `pegbar import sidecars`
/// takes both into another studio, with the same hash. An image whose bytes were dropped has a
/// sidecar alone, so that what was made from it can be taken in.
///
/// Nothing is overwritten: a file that is there already is passed over, and named if it is
/// another one. After an interruption the same command writes what is missing.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  pegbar export images Tabby/Walk --to walk --xmp --prompt-writer 'Ada'
  pegbar export images --project 'Alley cats' --to archive --sidecar
  pegbar export images Tabby/Walk/3 --to frame --sidecar --with-inputs")]
pub(super) struct Images {
    #[command(flatten)]
    what: What,
    /// The folder, created if need be
    #[arg(long, value_name = "FOLDER")]
    to: PathBuf,
    #[command(flatten)]
    copies: Copies,
    /// Write a sidecar beside each file, from which it can be imported again
    #[arg(long)]
    sidecar: bool,
    /// Also what they were made from, back to the beginning
    #[arg(long)]
    with_inputs: bool,
    /// Replace files that are in the way
    #[arg(long)]
    force: bool,
}

/// What copies say.
#[derive(Debug, clap::Args)]
struct Copies {
    /// Let the files say in XMP what made them
    #[arg(long)]
    xmp: bool,
    /// Who wrote the prompts
    #[arg(long, value_name = "NAME", requires = "xmp")]
    prompt_writer: Option<String>,
    /// Take signatures (C2PA) out of the copies that say something more in XMP; else a signed
    /// file stays as it is, since any change would break its signature. Uploads stay as they are
    /// either way
    #[arg(long, requires = "xmp")]
    strip_credentials: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Exported<'a> {
    folder: &'a Path,
    #[serde(flatten)]
    report: &'a ExportedImages,
}

impl Images {
    pub(super) async fn run(self, context: &Context) -> Result<(), CommandError> {
        let studio = context.studio().await?;
        let output = &context.output;
        let scope = self.what.scope(&studio).await?;
        let strips = self.copies.strip_credentials;
        let xmp = XmpOptions {
            prompt_writer: self.copies.prompt_writer,
            strip_credentials: strips,
        };
        let export = ImageExport {
            scope,
            folder: self.to,
            with_inputs: self.with_inputs,
            xmp: self.copies.xmp.then_some(xmp),
            sidecars: self.sidecar,
            replace: self.force,
        };
        let progress = output.progress(0, "images");
        let report = studio
            .export_images(&export, |done, total| progress.set(done, total))
            .await;
        progress.finish();
        let report = report?;
        let folder = &export.folder;
        if output.is_json() {
            let report = &report;
            output.json(&Exported { folder, report })?;
        } else {
            print(output, folder, &report, strips)?;
        }
        in_the_way(&report)
    }
}

fn print(
    output: &Output,
    folder: &Path,
    report: &ExportedImages,
    strips: bool,
) -> Result<(), CommandError> {
    let files = count(report.written, "file");
    output.line(format_args!(
        "wrote {files} into {} ({})",
        folder.display(),
        size(report.bytes)
    ))?;
    let further = [
        (report.unchanged, "there already and unchanged"),
        (report.with_xmp, "saying in XMP what made them"),
        (
            report.stripped,
            "without the signature (C2PA) of the original",
        ),
        (report.sidecars, "with a sidecar"),
        (
            report.without_file,
            "a sidecar alone, since the bytes were dropped",
        ),
    ];
    for (number, what) in further {
        if number > 0 {
            output.line(format_args!("{what}: {number}"))?;
        }
    }
    if report.kept.count > 0 {
        let first = report.kept.first.iter();
        let first = first.map(|file| format!("{}: {}", file.path, file.reason));
        output.warning(format_args!(
            "copied byte for byte: {}{}",
            count(report.kept.count, "file"),
            named(first, report.kept.count)
        ));
        if !strips && report.kept.first.iter().any(|file| file.is_signed) {
            output.note(
                "hint: --sidecar says it beside a signed file; --strip-credentials takes the \
                 signature out of the copy",
            );
        }
    }
    if report.left_out.count > 0 {
        let first = report.left_out.first.iter();
        let first = first.map(|asset| format!("{}: {}", asset.asset_id, asset.reason));
        output.warning(format_args!(
            "there is no file to give: {}{}",
            count(report.left_out.count, "asset"),
            named(first, report.left_out.count)
        ));
    }
    Ok(())
}

fn in_the_way(report: &ExportedImages) -> Result<(), CommandError> {
    let other = &report.in_the_way;
    if other.count == 0 {
        return Ok(());
    }
    let message = format!(
        "not overwritten: {}; everything else is written{}",
        count(other.count, "file with other bytes"),
        named(other.first.iter().cloned(), other.count)
    );
    let error = CommandError::refused("conflict", message);
    Err(error.hint("name another folder, or say --force to replace them"))
}
