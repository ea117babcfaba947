//! `pegbar adopt`.

use std::fmt::Display;

use pegbar::{AdoptOptions, AdoptReport, Finding};

use crate::context::Context;
use crate::error::CommandError;
use crate::find;
use crate::output::Output;
use crate::text::count;

/// How many entries of a list are printed; --json has more.
const MAX_NAMED: usize = 20;

/// Complete the rows that other programs have written into the database
///
/// A web app's own client may write characters, animations, frames and assets and leave hashes,
/// sizes and records empty. This takes the files in that lie at their paths below
/// public/assets, completes the rows, inputs first, and moves the files to the conventional
/// paths. What does not fit is named and left alone: then the exit code is 1. It can be
/// interrupted and repeated.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  pegbar adopt --dry-run
  pegbar adopt")]
pub(crate) struct Args {
    /// Only this project; else all of them
    #[arg(
        long,
        short,
        value_name = "PROJECT",
        env = "PEGBAR_PROJECT",
        hide_env = true
    )]
    project: Option<String>,
    /// Say what would be done, and change nothing
    #[arg(long)]
    dry_run: bool,
}

pub(crate) async fn run(args: Args, context: &Context) -> Result<(), CommandError> {
    let studio = context.studio().await?;
    let output = &context.output;
    let project = match &args.project {
        Some(wanted) => Some(find::project(&studio, wanted).await?.id),
        None => None,
    };
    let options = AdoptOptions {
        project,
        dry_run: args.dry_run,
    };
    let progress = output.progress(0, "assets");
    let report = studio
        .adopt(options, |done, total| progress.set(done, total))
        .await;
    progress.finish();
    let report = report?;
    if output.is_json() {
        output.json(&report)?;
    } else {
        print(output, &report)?;
    }
    match report.open().count() as u64 {
        0 => Ok(()),
        open => {
            let message = format!("{} to decide about", count(open, "finding"));
            let error = CommandError::refused("findings", message);
            Err(error.hint("put right what is named, then run `pegbar adopt` again"))
        }
    }
}

fn print(output: &Output, report: &AdoptReport) -> Result<(), CommandError> {
    let would = if report.is_dry_run {
        "would adopt"
    } else {
        "adopted"
    };
    let (adopted, assets) = (report.adopted, count(report.assets, "asset"));
    output.line(if adopted == 0 && report.named == 0 {
        format!("nothing is to be adopted among {assets}")
    } else {
        format!("{would} {adopted} of {assets}")
    })?;
    if report.left > 0 {
        output.line(format_args!(
            "left as it is: {}",
            count(report.left, "asset")
        ))?;
    }
    if report.removed > 0 {
        let moved = count(report.removed, "file");
        output.line(format_args!("moved to the conventional paths: {moved}"))?;
    }
    let (open, settled): (Vec<&Finding>, Vec<&Finding>) =
        report.findings.iter().partition(|finding| finding.is_open);
    let verb = if report.is_dry_run {
        "to be put right"
    } else {
        "put right"
    };
    list(output, verb, settled.len() as u64, settled.iter())?;
    let open_lines = open.iter().map(|finding| match finding.hint() {
        Some(hint) => format!("{finding}\n    hint: {hint}"),
        None => finding.to_string(),
    });
    list(output, "to decide about", open.len() as u64, open_lines)?;
    let foreign = &report.foreign;
    list(
        output,
        "files that no row names",
        foreign.count,
        foreign.first.iter(),
    )
}

/// Prints the first entries of a list on lines of their own.
fn list(
    output: &Output,
    title: &str,
    length: u64,
    entries: impl Iterator<Item = impl Display>,
) -> Result<(), CommandError> {
    if length == 0 {
        return Ok(());
    }
    output.line(format_args!("{title}: {length}"))?;
    for entry in entries.take(MAX_NAMED) {
        output.line(format_args!("  {entry}"))?;
    }
    if length > MAX_NAMED as u64 {
        let more = length - MAX_NAMED as u64;
        output.line(format_args!("  … and {more} more; --json names more"))?;
    }
    Ok(())
}
