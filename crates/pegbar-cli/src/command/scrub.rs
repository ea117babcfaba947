//! `pegbar scrub`.

use std::time::Duration;

use pegbar::{ScrubOptions, ScrubReport, ScrubStatus};
use serde::Serialize;

use crate::context::Context;
use crate::error::CommandError;
use crate::options::{duration, rate};
use crate::text::{count, minute, size};

/// Hash the images in the store again, on from where it was left
///
/// Goes on from where the last run was left, whoever made it, until every image was hashed once;
/// the next run begins anew. It can be interrupted at any time, and several can run at once.
/// With damage the exit code is 1; `pegbar doctor` names it. `pegbar serve --scrub RATE` does
/// this in the background.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  pegbar scrub
  pegbar scrub --rate 20MB/s --for 10m")]
pub(crate) struct Args {
    /// How much is read in a second, at most
    #[arg(long, value_name = "RATE", value_parser = rate)]
    rate: Option<u64>,
    /// How long it runs, at most
    #[arg(long = "for", value_name = "TIME", value_parser = time_limit)]
    time_limit: Option<Duration>,
}

/// What was done, and how far it is.
#[derive(Serialize)]
struct Scrubbed<'a> {
    #[serde(flatten)]
    report: &'a ScrubReport,
    status: &'a ScrubStatus,
}

fn time_limit(text: &str) -> Result<Duration, String> {
    match duration(text)? {
        Duration::ZERO => Err("that is no time at all".to_owned()),
        time => Ok(time),
    }
}

pub(crate) async fn run(args: Args, context: &Context) -> Result<(), CommandError> {
    let output = &context.output;
    let studio = context.studio().await?;
    let options = ScrubOptions {
        bytes_per_second: args.rate,
        time_limit: args.time_limit,
    };
    let progress = output.progress(0, "bytes");
    let report = studio
        .scrub(options, |bytes| progress.set(bytes, bytes))
        .await;
    progress.finish();
    let report = report?;
    let status = studio.scrub_status().await?;
    if output.is_json() {
        let (report, status) = (&report, &status);
        output.json(&Scrubbed { report, status })?;
    } else {
        let (images, bytes) = (count(report.blobs, "image"), size(report.bytes));
        let pass = if report.is_pass_complete {
            "every image was hashed once".to_owned()
        } else {
            format!("{:.0} % of this pass is done", status.position * 100.0)
        };
        output.line(format_args!("hashed {images} of {bytes}; {pass}"))?;
        if let Some(last) = status.last_pass.filter(|_| !report.is_pass_complete) {
            let (began, ended) = (minute(last.began_at), minute(last.ended_at));
            output.line(format_args!("the last pass: from {began} to {ended}"))?;
        }
        if report.missing > 0 {
            output.line(format_args!("missing: {}", count(report.missing, "image")))?;
        }
    }
    let damaged = report.damaged + report.missing;
    if damaged == 0 {
        return Ok(());
    }
    let message = format!("damaged or missing: {}", count(damaged, "image"));
    Err(CommandError::refused("damaged", message).hint("`pegbar doctor` names them"))
}
