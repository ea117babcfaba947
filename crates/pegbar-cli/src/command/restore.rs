//! `pegbar restore`.

use std::path::PathBuf;

use pegbar::{DatabaseAddress, RestoreOptions, RestoreReport, Studio, StudioOptions};

use crate::context::Context;
use crate::error::CommandError;
use crate::options::database;
use crate::output::Output;
use crate::text::{add_lines, count, size};

/// Make a studio from a backup
///
/// Into a folder that is empty or not there yet, and an empty database of either engine: that of
/// --database or `PEGBAR_DATABASE_URL`, else one of its own. Ids, hashes and times are those of
/// the backup; the files below public/assets are made anew. The studio is another one than that
/// which was saved: neither's folder works with the other's database. Until everything is there
/// the folder is no studio; after an interruption the same command begins again.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  pegbar restore /mnt/disk/my-studio --to my-studio
  pegbar restore /mnt/disk/my-studio --to my-studio --snapshot 2026-11-27")]
pub(crate) struct Args {
    /// The folder or archive that `pegbar backup` wrote
    #[arg(value_name = "BACKUP")]
    backup: PathBuf,
    /// The folder of the studio; else the one of --studio, or the current one
    #[arg(long, value_name = "FOLDER")]
    to: Option<PathBuf>,
    /// Which backup, by its name or the beginning of it (`pegbar backup --list`); else the newest
    #[arg(long, value_name = "NAME")]
    snapshot: Option<String>,
    /// The database of the rows: postgres://..., or sqlite
    #[arg(long, value_name = "ADDRESS", value_parser = database)]
    database: Option<DatabaseAddress>,
    /// Restore what is whole, although images of the backup are missing or damaged
    #[arg(long)]
    despite_damage: bool,
}

pub(crate) async fn run(args: Args, context: &Context) -> Result<(), CommandError> {
    let output = &context.output;
    let to = args.to.as_deref().or(context.named_folder());
    let to = to.unwrap_or_else(|| std::path::Path::new(".")).to_owned();
    let database = match args.database {
        Some(database) => database,
        None => context.settings.database()?,
    };
    let is_server = database != DatabaseAddress::Sqlite;
    let options = RestoreOptions {
        snapshot: args.snapshot,
        despite_damage: args.despite_damage,
        studio: StudioOptions {
            database,
            limits: context.settings.limits()?,
            ..StudioOptions::default()
        },
    };
    let progress = output.progress(0, "images");
    let restored = Studio::restore_backup(&args.backup, &to, options, |done, total| {
        progress.set(done, total);
    });
    let restored = restored.await;
    progress.finish();
    let (_, report) = restored?;
    if output.is_json() {
        output.json(&report)?;
    } else {
        print(&report, is_server, output)?;
    }
    refuse_missing(&report)
}

fn print(report: &RestoreReport, is_server: bool, output: &Output) -> Result<(), CommandError> {
    let snapshot = &report.snapshot;
    output.line(format_args!(
        "restored {} into {}: {}, {} ({})",
        snapshot.name,
        report.folder.display(),
        count(snapshot.rows, "row"),
        count(snapshot.blobs, "image"),
        size(snapshot.bytes)
    ))?;
    output.line(format_args!(
        "files below public/assets: {}",
        report.view_files
    ))?;
    if report.files > 0 {
        output.line(format_args!("kept and damaged files: {}", report.files))?;
    }
    if is_server {
        output.note(
            "hint: `pegbar config set database-url ADDRESS` in it says for good where its rows are",
        );
    }
    Ok(())
}

fn refuse_missing(report: &RestoreReport) -> Result<(), CommandError> {
    if report.missing.is_empty() {
        return Ok(());
    }
    let mut message = "everything else is restored, but for images that are lost:".to_owned();
    let missing = report.missing.iter();
    let missing = missing.map(|blob| format!("{}: {}", blob.sha256, blob.reason));
    add_lines(&mut message, missing, report.missing.len() as u64);
    let error = CommandError::refused("damaged", message);
    Err(error.hint("`pegbar verify` says which assets they belong to"))
}
