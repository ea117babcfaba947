//! `pegbar verify`.

use std::collections::BTreeSet;
use std::path::PathBuf;

use pegbar::{AssetId, Damage, HeadComparison, Studio, VerifyOptions, VerifyReport, VerifyScope};
use serde::Serialize;

use super::head;
use crate::context::Context;
use crate::error::CommandError;
use crate::find::{self, InProject, Thing};
use crate::output::Output;
use crate::text::{count, counts, size};

/// How many entries of a list are printed; --json has more.
const MAX_NAMED: usize = 20;

/// Check that images and records are as they were recorded
///
/// Hashes every image again, makes every record again from what the database says now, and
/// names what differs and what depends on it: then the exit code is 1. Nothing is changed. What
/// was rewritten together with its record and the hash of that is found by what was made from
/// it, or with --head.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  pegbar verify
  pegbar verify Tabby/Walk/3
  pegbar verify --head cats.head")]
pub(crate) struct Args {
    /// A project, or a character, an animation, a frame or an asset with all that it was made
    /// from; else everything
    #[arg(value_name = "WHAT")]
    what: Option<String>,
    /// Only this project; else all of them
    #[arg(
        long,
        short,
        value_name = "PROJECT",
        env = "PEGBAR_PROJECT",
        hide_env = true
    )]
    project: Option<String>,
    /// Compare the records with the database and with each other, and read no image
    #[arg(long)]
    records_only: bool,
    /// Compare a project with its head, which `pegbar head export` wrote earlier
    #[arg(long, value_name = "FILE", conflicts_with = "what")]
    head: Option<PathBuf>,
    /// The public key that the head has to be signed with
    #[arg(long, value_name = "FILE", requires = "head")]
    key: Option<PathBuf>,
}

/// What was found, as programs read it.
#[derive(Serialize)]
struct Verified<'a> {
    #[serde(flatten)]
    report: &'a VerifyReport,
    head: Option<&'a HeadComparison>,
}

pub(crate) async fn run(args: Args, context: &Context) -> Result<(), CommandError> {
    let output = &context.output;
    let head = match &args.head {
        Some(file) => Some(head::read(file, args.key.as_deref())?),
        None => None,
    };
    let studio = context.studio().await?;
    let scope = match (&args.what, &head) {
        (_, Some(head)) => VerifyScope::Project(head.project().id),
        (Some(what), None) => {
            let project = args.project.clone();
            scope(&studio, &InProject { project }, what).await?
        }
        (None, None) => match &args.project {
            Some(project) => VerifyScope::Project(find::project(&studio, project).await?.id),
            None => VerifyScope::Everything,
        },
    };
    let options = VerifyOptions {
        records_only: args.records_only,
    };
    let progress = output.progress(0, "assets");
    let report = studio
        .verify(&scope, options, |done, total| progress.set(done, total))
        .await;
    progress.finish();
    let report = report?;
    let comparison = match &head {
        Some(head) => Some(studio.compare_head(head).await?),
        None => None,
    };
    if output.is_json() {
        output.json(&Verified {
            report: &report,
            head: comparison.as_ref(),
        })?;
    } else {
        print(output, &report)?;
        if let Some(comparison) = &comparison {
            print_comparison(output, comparison)?;
        }
    }
    verdict(&report, comparison.as_ref())
}

/// Returns what is meant: a project, or assets.
async fn scope(
    studio: &Studio,
    within: &InProject,
    what: &str,
) -> Result<VerifyScope, CommandError> {
    let assets: Vec<AssetId> = match find::thing(studio, within, what).await? {
        Thing::Project(project) => return Ok(VerifyScope::Project(project.id)),
        Thing::Asset(asset) => vec![asset.id],
        Thing::Frame(frame) => vec![frame.asset_id],
        Thing::Animation(animation) => {
            let tree = studio.get_animation_tree(animation.id).await?;
            let shown = tree.frames.into_iter().map(|frame| frame.asset);
            shown.chain(tree.takes).map(|asset| asset.id).collect()
        }
        Thing::Character(character) => {
            let tree = studio.get_character_tree(character.id).await?;
            let animations = tree.animations.into_iter().flat_map(|animation| {
                let shown = animation.frames.into_iter().map(|frame| frame.asset);
                shown.chain(animation.takes)
            });
            let assets = tree.variations.into_iter().chain(animations);
            assets.map(|asset| asset.id).collect()
        }
    };
    let assets: BTreeSet<AssetId> = assets.into_iter().collect();
    Ok(VerifyScope::Assets(assets.into_iter().collect()))
}

fn print(output: &Output, report: &VerifyReport) -> Result<(), CommandError> {
    let whole = report.assets - report.damaged_count;
    let read = if report.is_records_only {
        "no image was read".to_owned()
    } else {
        let images = count(report.blobs, "image");
        format!("{images} of {} read again", size(report.bytes))
    };
    let (is, whole) = (if whole == 1 { "is" } else { "are" }, count(whole, "asset"));
    output.line(format_args!("{whole} {is} as recorded; {read}"))?;
    if report.bytes_dropped > 0 {
        let dropped = count(report.bytes_dropped, "asset");
        output.line(format_args!("without bytes, which were dropped: {dropped}"))?;
    }
    let named = report.damaged.iter().take(MAX_NAMED);
    for asset in named {
        output.line(asset)?;
    }
    more(output, report.damaged_count)
}

fn print_comparison(output: &Output, comparison: &HeadComparison) -> Result<(), CommandError> {
    let HeadComparison {
        time,
        unchanged,
        changed,
        gone,
        new,
        ..
    } = comparison;
    let parts = [(*unchanged, "record"), (new.count, "new asset")];
    let parts = counts(&parts);
    output.line(format_args!("as in the head of {time}, or since: {parts}"))?;
    for asset in changed.first.iter().take(MAX_NAMED) {
        let found = asset.found.map(|hash| hash.to_string());
        output.line(format_args!(
            "asset {}: its record had the hash {} in the head, and has {}",
            asset.asset_id,
            asset.recorded,
            found.as_deref().unwrap_or("none")
        ))?;
    }
    more(output, changed.count)?;
    for asset in gone.first.iter().take(MAX_NAMED) {
        output.line(format_args!("asset {asset}: it is in the head, and gone"))?;
    }
    more(output, gone.count)
}

fn more(output: &Output, length: u64) -> Result<(), CommandError> {
    match length.saturating_sub(MAX_NAMED as u64) {
        0 => Ok(()),
        more => output.line(format_args!("… and {more} more; --json names more")),
    }
}

/// Returns what is wrong, all together.
fn verdict(report: &VerifyReport, comparison: Option<&HeadComparison>) -> Result<(), CommandError> {
    let mut wrong = Vec::new();
    let mut hints: Vec<&str> = Vec::new();
    if report.damaged_count > 0 {
        let damages = || report.damaged.iter().flat_map(|asset| &asset.damages);
        let is = if damages().all(|damage| *damage == Damage::NotAdopted) {
            "without a record"
        } else {
            "damaged"
        };
        let assets = count(report.assets, "asset");
        wrong.push(format!("{is}: {} of {assets}", report.damaged_count));
        for hint in damages().map(Damage::hint) {
            if !hints.contains(&hint) && hints.len() < 3 {
                hints.push(hint);
            }
        }
    }
    if let Some(comparison) = comparison
        && !comparison.holds()
    {
        let (changed, gone) = (comparison.changed.count, comparison.gone.count);
        let all = count(comparison.unchanged + changed + gone, "asset");
        let differing = changed + gone;
        wrong.push(format!(
            "changed or gone since the head: {differing} of {all}"
        ));
        if changed > 0 {
            hints.push("compare with a backup of the time of the head");
        } else {
            hints.push("what was deleted is gone too: only you know whether it was meant");
        }
    }
    if wrong.is_empty() {
        return Ok(());
    }
    let error = CommandError::refused("damaged", wrong.join("; "));
    Err(error.hint(hints.join("; ")))
}
