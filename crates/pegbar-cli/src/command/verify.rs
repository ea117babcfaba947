//! `pegbar verify`.

use std::collections::{BTreeSet, HashMap};
use std::path::PathBuf;

use pegbar::{
    AssetId, Damage, DamagedAsset, HeadComparison, Studio, VerifyOptions, VerifyReport, VerifyScope,
};
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
/// Hashes every image again, makes every record again from what the database says now, compares
/// generations with what came out of them, and names what differs and what depends on it: then
/// the exit code is 1. Nothing is changed. What was rewritten together with its record and the
/// hash of that is found by what was made from it, or with --head.
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
    if report.generations > 0 {
        let generations = count(report.generations, "generation");
        output.line(format_args!("compared with what came out: {generations}"))?;
    }
    if report.bytes_dropped > 0 {
        let dropped = count(report.bytes_dropped, "asset");
        output.line(format_args!("without bytes, which were dropped: {dropped}"))?;
    }
    let (blobs, others) = by_blob(&report.damaged);
    let mut named = BTreeSet::new();
    for (damage, assets) in blobs.iter().take(MAX_NAMED) {
        output.line(damage)?;
        named.extend(assets.iter().map(|asset| asset.asset_id));
        for asset in assets.iter().take(MAX_NAMED) {
            let line = only(asset, Vec::new());
            output.line(format_args!("  {line}"))?;
        }
        let more = assets.len().saturating_sub(MAX_NAMED);
        if more > 0 {
            output.line(format_args!("  … and {more} more with these bytes"))?;
        }
    }
    for asset in others.iter().take(MAX_NAMED) {
        named.insert(asset.asset_id);
        output.line(asset)?;
    }
    more(
        output,
        report.damaged_count.saturating_sub(named.len() as u64),
    )?;
    for generation in report.damaged_generations.iter().take(MAX_NAMED) {
        output.line(generation)?;
    }
    more_than(output, report.damaged_generation_count)
}

/// Returns what is wrong with each damaged blob and the assets that have its bytes, each blob
/// once; and the assets of which something else is damaged, with that alone.
fn by_blob(damaged: &[DamagedAsset]) -> (Vec<(&Damage, Vec<&DamagedAsset>)>, Vec<DamagedAsset>) {
    let mut blobs: Vec<(&Damage, Vec<&DamagedAsset>)> = Vec::new();
    let mut places: HashMap<&str, usize> = HashMap::new();
    let mut others = Vec::new();
    for asset in damaged {
        let mut rest = Vec::new();
        for damage in &asset.damages {
            let Some(path) = damage.blob() else {
                rest.push(damage.clone());
                continue;
            };
            let place = *places.entry(path).or_insert_with(|| {
                blobs.push((damage, Vec::new()));
                blobs.len() - 1
            });
            blobs[place].1.push(asset);
        }
        if !rest.is_empty() {
            others.push(only(asset, rest));
        }
    }
    (blobs, others)
}

/// Returns an asset with only these of its damages.
fn only(asset: &DamagedAsset, damages: Vec<Damage>) -> DamagedAsset {
    DamagedAsset {
        damages,
        file_path: asset.file_path.clone(),
        dependents: asset.dependents.clone(),
        shown_by: asset.shown_by.clone(),
        ..*asset
    }
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
    more_than(output, changed.count)?;
    for asset in gone.first.iter().take(MAX_NAMED) {
        output.line(format_args!("asset {asset}: it is in the head, and gone"))?;
    }
    more_than(output, gone.count)
}

fn more_than(output: &Output, length: u64) -> Result<(), CommandError> {
    more(output, length.saturating_sub(MAX_NAMED as u64))
}

fn more(output: &Output, more: u64) -> Result<(), CommandError> {
    match more {
        0 => Ok(()),
        more => output.line(format_args!("… and {more} more; --json names more")),
    }
}

/// Returns what is wrong, all together.
fn verdict(report: &VerifyReport, comparison: Option<&HeadComparison>) -> Result<(), CommandError> {
    let mut wrong = Vec::new();
    let mut hints: Vec<&str> = Vec::new();
    let damages = || report.damaged.iter().flat_map(|asset| &asset.damages);
    if report.damaged_count > 0 {
        let is = if damages().all(|damage| *damage == Damage::NotAdopted) {
            "without a record"
        } else {
            "damaged"
        };
        let assets = count(report.assets, "asset");
        wrong.push(format!("{is}: {} of {assets}", report.damaged_count));
    }
    if report.damaged_generation_count > 0 {
        let generations = count(report.generations, "generation");
        let number = report.damaged_generation_count;
        wrong.push(format!("damaged: {number} of {generations}"));
    }
    let generations = report.damaged_generations.iter();
    let alone = generations.flat_map(|generation| &generation.damages);
    for hint in damages().chain(alone).map(Damage::hint) {
        if !hints.contains(&hint) && hints.len() < 3 {
            hints.push(hint);
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
