//! `pegbar backup`.

use std::path::{Path, PathBuf};

use pegbar::{BackupReport, BackupSnapshot, BackupVerifyReport, Studio};

use crate::context::Context;
use crate::error::CommandError;
use crate::output::{Output, Table};
use crate::text::{add_lines, count, minute, size};

/// Save the whole studio, while it is used, into a folder or an archive
///
/// The rows of one moment come first, then the images that they name. The folder may hold
/// earlier backups: images that it has are not copied, nor read, again. A backup is whole when
/// the command ends; an interrupted one is none, and the next goes on from where it was. Without
/// the files below public/assets, which `pegbar restore` makes anew, and without settings.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  pegbar backup /mnt/disk/my-studio
  pegbar backup my-studio.tar
  pegbar backup --list /mnt/disk/my-studio
  pegbar backup --verify /mnt/disk/my-studio")]
pub(crate) struct Args {
    /// The folder: empty, not there yet, or with backups; or a file NAME.tar, which is one backup
    #[arg(value_name = "TARGET")]
    target: PathBuf,
    /// List the backups that the folder has
    #[arg(long, conflicts_with = "verify")]
    list: bool,
    /// Hash everything in the folder again; the exit code is 1 where something is not as it was
    /// written
    #[arg(long)]
    verify: bool,
    /// Verify only this one, by its name or the beginning of it
    #[arg(long, value_name = "NAME", requires = "verify")]
    snapshot: Option<String>,
}

pub(crate) async fn run(args: Args, context: &Context) -> Result<(), CommandError> {
    let output = &context.output;
    if args.list {
        return list(&args.target, output);
    }
    if args.verify {
        return verify(&args.target, args.snapshot.as_deref(), output);
    }
    let studio = context.studio().await?;
    let progress = output.progress(0, "images");
    let told = |done, total| progress.set(done, total);
    let is_archive = args
        .target
        .extension()
        .is_some_and(|ending| ending == "tar");
    let report = if is_archive && !args.target.is_dir() {
        studio.back_up_archive(&args.target, told).await
    } else {
        studio.back_up(&args.target, told).await
    };
    progress.finish();
    let report = report?;
    if output.is_json() {
        output.json(&report)?;
    } else {
        print(&report, output)?;
    }
    refuse_absent(&report)
}

fn print(report: &BackupReport, output: &Output) -> Result<(), CommandError> {
    let snapshot = &report.snapshot;
    output.line(format_args!(
        "saved {} and {} ({}) as {}",
        count(snapshot.rows, "row"),
        count(snapshot.blobs, "image"),
        size(snapshot.bytes),
        snapshot.name
    ))?;
    output.line(format_args!(
        "copied: {} ({}); the others were there",
        count(report.copied, "image"),
        size(report.copied_bytes)
    ))?;
    if report.files > 0 {
        output.line(format_args!("kept and damaged files: {}", report.files))?;
    }
    if !report.left_out.is_empty() {
        let mut message = "left out:".to_owned();
        let all = report.left_out.len() as u64;
        add_lines(&mut message, report.left_out.iter(), all);
        output.warning(message);
    }
    if report.not_taken_in > 0 {
        output.warning(format_args!(
            "{} of other programs' rows are not taken in, so that their files are not saved: run \
             `pegbar adopt` first",
            count(report.not_taken_in, "image")
        ));
    }
    Ok(())
}

/// What the studio had lost is not saved: the exit code says so.
fn refuse_absent(report: &BackupReport) -> Result<(), CommandError> {
    if report.snapshot.absent == 0 {
        return Ok(());
    }
    let mut message = format!(
        "not saved, since the studio has lost them: {}; everything else is saved",
        count(report.snapshot.absent, "image")
    );
    let missing = report.missing.iter();
    let missing = missing.map(|blob| format!("{}: {}", blob.sha256, blob.reason));
    add_lines(&mut message, missing, report.snapshot.absent);
    let error = CommandError::refused("damaged", message);
    Err(error.hint("`pegbar verify` says which assets they belong to"))
}

fn list(target: &Path, output: &Output) -> Result<(), CommandError> {
    let snapshots = Studio::list_backups(target)?;
    if output.is_json() {
        return output.json(&snapshots);
    }
    if snapshots.is_empty() {
        output.note("there is no backup yet that is whole");
        return Ok(());
    }
    table(&snapshots, output)
}

fn table(snapshots: &[BackupSnapshot], output: &Output) -> Result<(), CommandError> {
    let mut table = Table::new(&[
        "NAME", "TAKEN", "ENGINE", "SCHEMA", "ROWS", "IMAGES", "SIZE",
    ]);
    for snapshot in snapshots {
        table.row(vec![
            snapshot.name.clone(),
            minute(snapshot.created_at),
            snapshot.engine.as_str().to_owned(),
            snapshot.schema_version.to_string(),
            snapshot.rows.to_string(),
            snapshot.blobs.to_string(),
            size(snapshot.bytes),
        ]);
    }
    output.table(table)
}

fn verify(target: &Path, snapshot: Option<&str>, output: &Output) -> Result<(), CommandError> {
    let progress = output.progress(0, "images");
    let report = Studio::verify_backup(target, snapshot, |done, total| progress.set(done, total));
    progress.finish();
    let report = report?;
    if output.is_json() {
        output.json(&report)?;
    } else {
        output.line(format_args!(
            "hashed {} and {} ({})",
            count(report.snapshots.len() as u64, "backup"),
            count(report.blobs, "image"),
            size(report.bytes)
        ))?;
    }
    refuse_flaws(&report)
}

fn refuse_flaws(report: &BackupVerifyReport) -> Result<(), CommandError> {
    let all = report.flaws.len() as u64 + report.more_flaws;
    if all == 0 {
        return Ok(());
    }
    let mut message = format!("not as it was written: {}", count(all, "file"));
    let flaws = report.flaws.iter();
    let flaws = flaws.map(|flaw| format!("{}: {}", flaw.path.display(), flaw.reason));
    add_lines(&mut message, flaws, all);
    let error = CommandError::refused("damaged", message);
    Err(error.hint(
        "the next `pegbar backup` copies images anew that have another size; move damaged ones \
         out of the way for it to copy them, too",
    ))
}
