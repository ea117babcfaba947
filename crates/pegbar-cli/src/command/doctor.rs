//! `pegbar doctor`.

use std::collections::BTreeMap;

use pegbar::{
    DoctorEvent, DoctorFinding, DoctorOptions, DoctorReport, FindingKind, RepairOptions,
    RepairOutcome, RepairReport, Severity, Studio,
};
use serde::Serialize;

use crate::context::Context;
use crate::error::CommandError;
use crate::output::Output;
use crate::text::{count, size};

/// How many findings of one kind are printed.
const MAX_NAMED: usize = 20;

/// Find what is wrong between the folder and the database
///
/// Looks at every row and every file once, and changes nothing: also where a crash left
/// something, where nothing can be written, and while others work. Without --deep no file is
/// opened. With --repair, each finding is looked at again before something is done about it, and
/// what is in the way is moved to .pegbar/kept. Every finding says what it means and what mends it; with damage, or something that
/// should be done, the exit code is 1. docs/doctor.md lists all findings.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  pegbar doctor
  pegbar doctor --deep
  pegbar doctor --repair
  pegbar --json doctor --all")]
#[expect(
    clippy::struct_excessive_bools,
    reason = "options that are given or not"
)]
pub(crate) struct Args {
    /// Hash every image and every file below public/assets, compare all records, and have the
    /// database check itself thoroughly
    #[arg(long)]
    deep: bool,
    /// List every finding, each as it is found; with --json, each on a line of its own
    #[arg(long)]
    all: bool,
    /// Mend what can be mended without losing anything: restore bytes and files from others that
    /// have them, finish what was interrupted, set rights, close gaps in the order of frames
    #[arg(long, conflicts_with = "all")]
    repair: bool,
    /// Leave out what the database engine says of its own data and of the keys between rows
    #[arg(long)]
    skip_engine_check: bool,
}

pub(crate) async fn run(args: Args, context: &Context) -> Result<(), CommandError> {
    let output = &context.output;
    let options = DoctorOptions {
        deep: args.deep,
        engine_check: !args.skip_engine_check,
        ..DoctorOptions::default()
    };
    if args.repair {
        return repair(options, context).await;
    }
    let studio = context.studio_as_it_is().await?;
    let report = examine(&studio, &options, args.all, output).await?;
    if args.all {
        if output.is_json() {
            // What was looked at, and how often each kind was found.
            output.json_line(&report.without_findings())?;
        }
    } else if output.is_json() {
        output.json(&report)?;
    } else {
        print_findings(output, &report)?;
    }
    if !output.is_json() {
        print_summary(output, &report)?;
    }
    verdict(&report)
}

/// What was done, and what the doctor finds afterwards.
#[derive(Serialize)]
struct Repaired<'a> {
    #[serde(flatten)]
    repaired: &'a RepairReport,
    after: &'a DoctorReport,
}

/// Mends, and looks again.
async fn repair(doctor: DoctorOptions, context: &Context) -> Result<(), CommandError> {
    let output = &context.output;
    let studio = context.unrecovered_studio().await?;
    let options = RepairOptions {
        doctor: doctor.clone(),
        ..RepairOptions::default()
    };
    let progress = output.progress(0, "rows and files");
    let repaired = studio
        .repair(&options, |event| {
            if let DoctorEvent::Progress { done, total } = event {
                progress.set(done, total);
            }
        })
        .await;
    progress.finish();
    let repaired = repaired?;
    let after = examine(&studio, &doctor, false, output).await?;
    // They are told item by item.
    let _ = studio.take_notices();
    if output.is_json() {
        output.json(&Repaired {
            repaired: &repaired,
            after: &after,
        })?;
        return verdict(&after);
    }
    for repair in &repaired.repairs {
        output.line(&repair.finding)?;
        match &repair.outcome {
            RepairOutcome::Mended { done } => output.line(format_args!("  mended: {done}"))?,
            RepairOutcome::Kept { kept_as, offer } => {
                let kept_as = kept_as.display();
                output.line(format_args!(
                    "  mended; what was there is kept as {kept_as}"
                ))?;
                output.line(format_args!("  to make a take of it: {offer}"))?;
            }
            RepairOutcome::Left { reason } => {
                output.line(format_args!("  not mended: {reason}"))?;
            }
            other => output.line(format_args!("  {other:?}"))?,
        }
    }
    let mended: u64 = repaired.mended.values().sum();
    output.line(format_args!("mended: {}", count(mended, "finding")))?;
    print_findings(output, &after)?;
    print_summary(output, &after)?;
    verdict(&after)
}

/// Runs the doctor; with `all`, prints every finding as it comes.
async fn examine(
    studio: &Studio,
    options: &DoctorOptions,
    all: bool,
    output: &Output,
) -> Result<DoctorReport, CommandError> {
    let progress = output.progress(0, "rows and files");
    let mut unprinted = Ok(());
    let report = studio
        .doctor(options, |event| match event {
            DoctorEvent::Progress { done, total } => progress.set(done, total),
            DoctorEvent::Found(finding) if all && unprinted.is_ok() => {
                unprinted = print_one(output, finding);
            }
            _ => {}
        })
        .await;
    progress.finish();
    let report = report?;
    unprinted.map(|()| report)
}

fn print_one(output: &Output, finding: &DoctorFinding) -> Result<(), CommandError> {
    if output.is_json() {
        return output.json_line(&finding.in_words());
    }
    let (severity, code) = (finding.severity(), finding.code());
    output.line(format_args!("{severity}: {finding} [{code}]"))
}

fn print_findings(output: &Output, report: &DoctorReport) -> Result<(), CommandError> {
    let mut by_kind: BTreeMap<(Severity, FindingKind), Vec<&DoctorFinding>> = BTreeMap::new();
    for finding in &report.findings {
        let key = (finding.severity(), finding.kind());
        by_kind.entry(key).or_default().push(finding);
    }
    for ((severity, kind), findings) in by_kind {
        let number = report.counts.get(&kind).copied().unwrap_or(0);
        output.line(format_args!("{severity}: {kind} ({number})"))?;
        output.line(format_args!("  {}", kind.meaning()))?;
        for finding in findings.iter().take(MAX_NAMED) {
            output.line(format_args!("    {finding}"))?;
        }
        let more = number.saturating_sub(findings.len().min(MAX_NAMED) as u64);
        if more > 0 {
            output.line(format_args!("    … and {more} more; --all lists them"))?;
        }
        output.line(format_args!("  {}", kind.mend()))?;
    }
    Ok(())
}

fn print_summary(output: &Output, report: &DoctorReport) -> Result<(), CommandError> {
    let (assets, blobs) = (count(report.assets, "asset"), count(report.blobs, "blob"));
    let files = count(report.files, "file");
    let hashed = if report.is_deep {
        format!("; {} hashed", size(report.bytes))
    } else {
        String::new()
    };
    let found = if report.is_healthy() {
        "nothing is wrong"
    } else {
        "something is wrong"
    };
    output.line(format_args!(
        "{found}: looked at {assets}, {blobs} and {files} below public/assets{hashed}"
    ))
}

fn verdict(report: &DoctorReport) -> Result<(), CommandError> {
    if report.is_healthy() {
        return Ok(());
    }
    let (damage, attention) = (
        report.count(Severity::Damage),
        report.count(Severity::Attention),
    );
    let message = match (damage, attention) {
        (0, attention) => format!("found: {attention} to attend to"),
        (damage, 0) => format!("found: {}", count(damage, "damage")),
        (damage, attention) => {
            format!(
                "found: {}, {attention} to attend to",
                count(damage, "damage")
            )
        }
    };
    let error = CommandError::refused("unhealthy", message);
    Err(error.hint("docs/doctor.md says what each finding means and what mends it"))
}
