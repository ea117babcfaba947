//! `pegbar diff`.

mod shown;

use std::collections::HashMap;

use pegbar::{
    Animation, AnimationDiff, Asset, AssetDiff, AssetId, FrameDiff, InputChange, ProjectId, Studio,
};
use serde::Serialize;

use crate::context::Context;
use crate::error::CommandError;
use crate::find::{self, InProject, Thing};
use crate::text::quoted;
use shown::Shown;

/// Compare two images, or two animations: prompts, model, settings, inputs, files
///
/// Prompts are compared word by word, settings key by key, inputs by role and order; animations
/// frame by frame, so that one more frame does not make all behind it differ. On a terminal,
/// what only the first has is red and what only the second has is green; elsewhere they stand
/// in [-these-] and {+these+}. The exit code is 0 whether they differ or not, unless --exit-code is given.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  pegbar diff Tabby/front.png Tabby/side.png
  pegbar diff Tabby/Walk/3 5b1c9f04aa21    a frame's image and an earlier take
  pegbar diff Tabby/Walk Tabby/Run")]
pub(crate) struct Args {
    /// The first: a variation, a take or another asset, a frame (for its image), or an animation
    #[arg(value_name = "A")]
    before: String,
    /// The second, of the same kind
    #[arg(value_name = "B")]
    after: String,
    /// Exit with 1 where they differ
    #[arg(long)]
    exit_code: bool,
    #[command(flatten)]
    within: InProject,
}

/// One of two things that are compared.
enum Side {
    Asset(Box<Asset>),
    Animation(Box<Animation>),
}

/// What sets two things apart, as programs read it.
#[derive(Serialize)]
#[serde(tag = "compared", rename_all = "snake_case")]
enum Difference {
    Assets(Box<Told<AssetDiff>>),
    Animations(Box<Told<AnimationDiff>>),
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Told<T> {
    is_same: bool,
    #[serde(flatten)]
    diff: T,
}

pub(crate) async fn run(args: Args, context: &Context) -> Result<(), CommandError> {
    let studio = &context.studio().await?;
    let output = &context.output;
    let before = side(studio, &args.within, &args.before).await?;
    let after = side(studio, &args.within, &args.after).await?;
    let is_same;
    match (before, after) {
        (Side::Asset(before), Side::Asset(after)) => {
            let diff = studio.diff_assets(before.id, after.id).await?;
            is_same = diff.is_same();
            if output.is_json() {
                output.json(&Difference::Assets(Box::new(Told { is_same, diff })))?;
            } else {
                let mut mentioned = vec![before.id, after.id];
                mentioned.extend(diff.inputs.iter().flat_map(inputs));
                let projects = [before.project_id, after.project_id];
                let names = names(studio, projects, &mentioned).await?;
                Shown { output, names }.assets(&before, &after, &diff)?;
            }
        }
        (Side::Animation(before), Side::Animation(after)) => {
            let diff = studio.diff_animations(before.id, after.id).await?;
            is_same = diff.is_same();
            if output.is_json() {
                output.json(&Difference::Animations(Box::new(Told { is_same, diff })))?;
            } else {
                let frames = diff.frames.iter();
                let mentioned: Vec<AssetId> = frames.flat_map(named_by_frame).collect();
                let projects = [before.project_id, after.project_id];
                let names = names(studio, projects, &mentioned).await?;
                let characters = [
                    studio.get_character(before.character_id).await?.name,
                    studio.get_character(after.character_id).await?.name,
                ];
                let characters = characters.each_ref().map(String::as_str);
                let both = [&*before, &*after];
                Shown { output, names }.animations(both, characters, &diff)?;
            }
        }
        (before, after) => {
            let message = format!(
                "{} is {}, and {} is {}",
                quoted(&args.before),
                before.kind(),
                quoted(&args.after),
                after.kind()
            );
            return Err(CommandError::refused("invalid", message)
                .hint("compare two images (a frame stands for its image), or two animations"));
        }
    }
    if args.exit_code && !is_same {
        return Err(CommandError::Differs);
    }
    Ok(())
}

/// Returns the assets that a change of an input names.
fn inputs(change: &InputChange) -> impl Iterator<Item = AssetId> {
    let places = [&change.before, &change.after].into_iter().flatten();
    places.map(|place| place.asset_id)
}

/// Returns the assets that a change of a frame names.
fn named_by_frame(change: &FrameDiff) -> Vec<AssetId> {
    let places = [&change.before, &change.after].into_iter().flatten();
    let mut named: Vec<AssetId> = places.map(|place| place.asset_id).collect();
    let diff = change.asset.iter();
    named.extend(diff.flat_map(|diff| diff.inputs.iter().flat_map(inputs)));
    named
}

/// Returns what people know assets by that are compared.
async fn names(
    studio: &Studio,
    projects: [ProjectId; 2],
    assets: &[AssetId],
) -> Result<HashMap<AssetId, String>, CommandError> {
    let mut names = HashMap::new();
    for project in projects {
        let found = studio.whereabouts(project, assets).await?;
        names.extend(found.iter().map(|it| (it.asset_id, it.to_string())));
    }
    Ok(names)
}

impl Side {
    fn kind(&self) -> &'static str {
        match self {
            Self::Asset(_) => "an image",
            Self::Animation(_) => "an animation",
        }
    }
}

async fn side(studio: &Studio, within: &InProject, wanted: &str) -> Result<Side, CommandError> {
    match find::thing(studio, within, wanted).await? {
        Thing::Asset(asset) => Ok(Side::Asset(asset)),
        Thing::Frame(frame) => {
            let asset = studio.get_asset(frame.asset_id).await?;
            Ok(Side::Asset(Box::new(asset)))
        }
        Thing::Animation(animation) => Ok(Side::Animation(animation)),
        thing => {
            let name = quoted(wanted);
            let message = format!("{} can't be compared: {name}", thing.a_kind());
            let error = CommandError::refused("invalid", message);
            Err(error.hint(match thing {
                Thing::Character(_) => format!(
                    "compare its variations, as in \"{wanted}/NAME\"; `pegbar variation list \
                     {name}` lists them"
                ),
                _ => "compare two images, or two animations".to_owned(),
            }))
        }
    }
}
