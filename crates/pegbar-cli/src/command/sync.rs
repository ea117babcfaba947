//! `pegbar sync`.

use crate::context::Context;
use crate::error::CommandError;

/// Compare every file below public/assets with the database and put right what differs
///
/// Rebuilds the tree from nothing, if need be. A file that was edited is moved aside and
/// named; files that are not Pegbar's stay where they are.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  rm -r public/assets && pegbar sync")]
pub(crate) struct Args {}

pub(crate) async fn run(Args {}: Args, context: &Context) -> Result<(), CommandError> {
    let studio = context.studio().await?;
    let progress = context.output.progress(0, "projects");
    let report = studio.sync(|done, total| progress.set(done, total)).await;
    progress.finish();
    let report = report?;
    if context.output.is_json() {
        return context.output.json(&report);
    }
    let text = match (report.written, report.removed) {
        (0, 0) => "every file is as it should be".to_owned(),
        (written, removed) => format!("wrote {written} files, removed {removed}"),
    };
    context.output.line(text)
}
