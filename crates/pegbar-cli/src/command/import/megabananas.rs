//! `pegbar import megabananas`.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::PathBuf;

use pegbar::{
    Listed, MegabananasEvent, MegabananasFinding, MegabananasOptions, MegabananasReport,
    MegabananasRows, ViewUpdates,
};

use crate::context::Context;
use crate::error::CommandError;
use crate::output::Output;
use crate::text::{count, counts};

use super::named;

/// Take in what the app megabananas has: its PostgreSQL database and its images
///
/// Every project of the app becomes a project, with characters, variations, animations, frames
/// and all other images; each thing is also found by the id it had in the app. Prompts and
/// settings come as the app recorded them. The references that it recorded come as claims,
/// since some of them were not sent: `pegbar asset show` shows them.
///
/// The app is only read. Importing again adds only what is new; rows and files that changed
/// since are named and left alone. An import that was interrupted goes on where it stopped.
///
/// Say the address in `MEGABANANAS_DATABASE_URL`, rather than as an argument, if it has a password
/// in it: other users of the machine can see arguments.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  export MEGABANANAS_DATABASE_URL=postgresql://me@localhost:5432/megabananas
  pegbar import megabananas --assets ~/megabananas/public --report findings.jsonl")]
pub(crate) struct Args {
    /// The address of the app's database, as in its `DATABASE_URL`
    #[arg(
        value_name = "DATABASE_URL",
        env = "MEGABANANAS_DATABASE_URL",
        hide_env_values = true
    )]
    database: String,
    /// The app's folder `public`, or `public/assets`
    #[arg(long, value_name = "FOLDER")]
    assets: PathBuf,
    /// Only the project with this id or name in the app
    #[arg(long, value_name = "PROJECT")]
    only: Option<String>,
    /// Write every finding to this file, a line of JSON for each
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
}

pub(crate) async fn run(args: Args, context: &Context) -> Result<(), CommandError> {
    if !args.assets.is_dir() {
        let message = format!("there is no folder {}", args.assets.display());
        return Err(CommandError::refused("not_found", message).hint("check the path of --assets"));
    }
    // The files below public/assets follow at the end, at once.
    let studio = &context.studio_with(ViewUpdates::Deferred).await?;
    let output = &context.output;
    let mut lines = args.report.map(Lines::create).transpose()?;
    let progress = output.progress(0, "images");
    let options = MegabananasOptions { project: args.only };
    let report = studio
        .import_megabananas(
            &args.database,
            &args.assets,
            &options,
            |event| match event {
                MegabananasEvent::Progress { done, total } => progress.set(done, total),
                MegabananasEvent::Found(finding) => {
                    if let Some(lines) = &mut lines {
                        lines.add(finding);
                    }
                }
                _ => {}
            },
        )
        .await;
    progress.finish();
    // After an error too: what was imported before it stays.
    let written = lines.map_or(Ok(()), Lines::finish);
    let view = studio.update_view().await;
    let report = &report?;
    view?;
    written?;
    if output.is_json() {
        return output.json(report);
    }
    print(output, report)
}

/// A file with a line for each finding.
struct Lines {
    path: PathBuf,
    file: BufWriter<File>,
    /// What went wrong first: an import does not stop for it.
    error: Option<std::io::Error>,
}

impl Lines {
    fn create(path: PathBuf) -> Result<Self, CommandError> {
        match File::create(&path) {
            Ok(file) => Ok(Self {
                path,
                file: BufWriter::new(file),
                error: None,
            }),
            Err(error) => Err(unwritten(&path, &error)),
        }
    }

    fn add(&mut self, finding: &MegabananasFinding) {
        if self.error.is_some() {
            return;
        }
        let written = serde_json::to_writer(&mut self.file, finding).map_err(Into::into);
        let written = written.and_then(|()| self.file.write_all(b"\n"));
        self.error = written.err();
    }

    fn finish(mut self) -> Result<(), CommandError> {
        let flushed = self.error.take().map_or_else(|| self.file.flush(), Err);
        flushed.map_err(|error| unwritten(&self.path, &error))
    }
}

fn unwritten(path: &std::path::Path, error: &std::io::Error) -> CommandError {
    let message = format!("the report {} can't be written: {error}", path.display());
    CommandError::refused("io", message).hint("check the path of --report")
}

fn print(output: &Output, report: &MegabananasReport) -> Result<(), CommandError> {
    let created = &report.created;
    let text = counts(&[
        (created.projects, "project"),
        (created.characters, "character"),
        (created.variations, "variation"),
        (created.animations, "animation"),
        (created.frames, "frame"),
        (created.takes, "take"),
        (created.references, "reference"),
    ]);
    output.line(if *created == MegabananasRows::default() {
        "nothing is new in the app".to_owned()
    } else {
        format!("imported {text}")
    })?;
    if report.known > 0 {
        let known = count(report.known, "image");
        output.line(format_args!("there already: {known}"))?;
    }
    let lists: [(&str, &Listed<MegabananasFinding>); 7] = [
        ("left out", &report.left_out),
        (
            "owned by nothing, and taken in as references tagged `unplaced`",
            &report.unplaced,
        ),
        (
            "changed since the import, and left as imported",
            &report.changed,
        ),
        ("values that did not arrive as they were", &report.adjusted),
        (
            "frames with another index, as gaps were closed",
            &report.renumbered,
        ),
        ("tables and columns that are not known", &report.unknown),
        ("files that no row names, not taken in", &report.skipped),
    ];
    for (place, (what, list)) in lists.into_iter().enumerate() {
        if list.count == 0 {
            continue;
        }
        let entries = list.first.iter().map(line);
        let text = format!("{what}: {}{}", list.count, named(entries, list.count));
        if place < 4 {
            output.warning(text);
        } else {
            output.note(text);
        }
    }
    output.note("hint: `pegbar tree` shows what is there");
    Ok(())
}

/// Writes a finding on one line.
fn line(finding: &MegabananasFinding) -> String {
    use MegabananasFinding as Finding;
    match finding {
        Finding::LeftOut {
            table,
            source_id,
            reason,
            ..
        } => format!("{table} {source_id}: {reason}"),
        Finding::Unplaced {
            source_id,
            asset_id,
            reason,
        } => format!("Asset {source_id} (asset {asset_id}): {reason}"),
        Finding::Renumbered {
            source_id,
            from,
            to,
            ..
        } => format!("Frame {source_id}: {from} is {to} here"),
        Finding::Adjusted {
            table,
            source_id,
            column,
            reason,
        } => format!("{table} {source_id}, {column}: {reason}"),
        Finding::ChangedRow {
            table,
            source_id,
            columns,
        } => format!("{table} {source_id}: {}", columns.join(", ")),
        Finding::ChangedFile { asset_id, path, .. } => format!("{path} (asset {asset_id})"),
        Finding::Unknown {
            table,
            column,
            reason,
        } => {
            let column = column.iter().map(|column| format!(".{column}"));
            format!("{table}{}: {reason}", column.collect::<String>())
        }
        Finding::Skipped { path } => path.clone(),
        other => format!("{other:?}"),
    }
}
