//! `pegbar sync`.

use crate::context::Context;
use crate::error::CommandError;
use crate::text::count;

/// Compare every file below public/assets with the database and put right what differs
///
/// Rebuilds the tree from nothing, if need be. A file that was edited is moved aside and
/// named; files that are not Pegbar's stay where they are. Gaps that another program left in
/// the order of frames are closed, and the database checks the keys between its rows. Files are
/// judged by size and time, and of the store only what is copied is read; where it lacks the bytes
/// of a file or has others, that file is named, all others are put right, and the exit code is 1.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  rm -r public/assets && pegbar sync")]
pub(crate) struct Args {}

pub(crate) async fn run(Args {}: Args, context: &Context) -> Result<(), CommandError> {
    let studio = context.studio().await?;
    let progress = context.output.progress(0, "projects");
    let report = studio.sync(|done, total| progress.set(done, total)).await;
    progress.finish();
    let report = report?;
    let closed = report.integrity.closed_gaps.len() as u64;
    if context.output.is_json() {
        context.output.json(&report)?;
    } else {
        let text = match (report.written, report.removed) {
            (0, 0) => "every file is as it should be".to_owned(),
            (written, removed) => format!("wrote {}, removed {removed}", count(written, "file")),
        };
        context.output.line(text)?;
        if closed > 0 {
            let closed = count(closed, "animation");
            let text = format_args!("closed gaps in the order of frames: {closed}");
            context.output.line(text)?;
        }
    }
    for missing in &report.missing {
        context.output.warning(format_args!(
            "{} is missing: the store does not have its bytes, {}",
            missing.path,
            missing.blob.display()
        ));
    }
    for damaged in &report.damaged {
        context.output.warning(format_args!(
            "{} is not in place: the store has other bytes than came, {}",
            damaged.path,
            damaged.blob.display()
        ));
    }
    let broken = &report.integrity.broken_keys;
    for key in broken {
        context.output.warning(key);
    }
    if !broken.is_empty() {
        let message = format!("keys between rows that do not hold: {}", broken.len());
        let error = CommandError::refused("damaged", message);
        return Err(error.hint("nothing was changed about them; keep a copy of the database first"));
    }
    let (missing, damaged) = (report.missing.len() as u64, report.damaged.len() as u64);
    let what = match (missing, damaged) {
        (0, 0) => return Ok(()),
        (_, 0) => "missing in the store",
        (0, _) => "damaged in the store",
        _ => "missing or damaged in the store",
    };
    let files = count(missing + damaged, "file");
    let message = format!("the bytes of {files} are {what}; all others are in place");
    let hint = "put those files of .pegbar/blobs back from a backup, or add the same images again; \
                then run it again";
    Err(CommandError::refused("damaged", message).hint(hint))
}
