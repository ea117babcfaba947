//! `pegbar take`.

use std::collections::HashMap;
use std::path::PathBuf;

use pegbar::{
    Animation, AnimationId, AnimationTree, Asset, Frame, FrameId, FrameImage, NewFrame, Studio,
};
use serde::Serialize;

use crate::context::Context;
use crate::error::CommandError;
use crate::find::{self, InProject};
use crate::options::{Expected, Making, frame_index};
use crate::output::{Output, Table};
use crate::text::{count, one_line, pixels, quoted, stored_size};
use crate::wrong_turn;

use super::frame;

/// List and add an animation's takes, and bring one back into a frame
///
/// A take is an image that was made for an animation, whether a frame shows it now or not. It
/// is an asset: `pegbar asset` shows, tags and deletes it, and `pegbar contact-sheet --takes`
/// draws them all.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  pegbar take list Tabby/Walk
  pegbar take use Tabby/Walk walk_3.png --frame 3")]
pub(crate) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    List(List),
    Add(Box<Add>),
    Use(Use),
}

/// List the takes that were made for an animation, oldest first, and where each is shown
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  pegbar take list Tabby/Walk --unshown")]
struct List {
    /// The animation, or CHARACTER/ANIMATION
    animation: String,
    /// Only those that no frame shows
    #[arg(long)]
    unshown: bool,
    #[command(flatten)]
    within: InProject,
}

/// Add takes to an animation without showing them, all or none
///
/// The files are copied, byte for byte.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  pegbar take add Tabby/Walk try_*.png --prompt 'passing pose' --model sprite-1")]
struct Add {
    /// The animation, or CHARACTER/ANIMATION
    animation: String,
    /// The images
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    #[command(flatten)]
    within: InProject,
    #[command(flatten)]
    making: Making,
}

/// Bring a take back: show it in a frame, or in a new frame at a place
///
/// What the frame showed before stays, as a take.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  pegbar take use Tabby/Walk 3f9c1a --frame 3     show it in frame 3
  pegbar take use Tabby/Walk 3f9c1a --at 4        a new frame before frame 4")]
#[command(group(clap::ArgGroup::new("place").args(["frame", "at"]).required(true)))]
struct Use {
    /// The animation, or CHARACTER/ANIMATION
    animation: String,
    /// The take, by the name it came with, its id or the end of it
    take: String,
    /// Show it in the frame with this index, from 0
    #[arg(long, value_name = "INDEX")]
    frame: Option<String>,
    /// Add a frame that shows it, before the one with this index
    #[arg(long, value_name = "INDEX", allow_negative_numbers = true, value_parser = frame_index)]
    at: Option<u32>,
    #[command(flatten)]
    expected: Expected,
    #[command(flatten)]
    within: InProject,
}

pub(crate) async fn run(args: Args, context: &Context) -> Result<(), CommandError> {
    let studio = &context.studio().await?;
    let output = &context.output;
    match args.action {
        Action::List(list) => list.run(studio, output).await,
        Action::Add(add) => add.run(studio, output).await,
        Action::Use(take) => frame::print(output, &take.run(studio).await?),
    }
}

/// A take, and the frames that show it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Take {
    #[serde(flatten)]
    asset: Asset,
    shown_in: Vec<Place>,
}

/// A frame that shows a take.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Place {
    animation_id: AnimationId,
    animation: String,
    frame_id: FrameId,
    frame_index: u32,
}

/// Finds out where takes are shown.
async fn shown(
    studio: &Studio,
    animation: &Animation,
    takes: Vec<Asset>,
) -> Result<Vec<Take>, CommandError> {
    let ids: Vec<_> = takes.iter().map(|take| take.id).collect();
    let frames = studio
        .list_frames_showing(animation.project_id, &ids)
        .await?;
    let mut names = HashMap::from([(animation.id, animation.name.clone())]);
    let mut places: HashMap<_, Vec<Place>> = HashMap::new();
    for Frame {
        id,
        animation_id,
        asset_id,
        frame_index,
        ..
    } in frames
    {
        let known = names.get(&animation_id).cloned();
        let name = if let Some(name) = known {
            name
        } else {
            let other = studio.get_animation(animation_id).await?;
            let character = studio.get_character(other.character_id).await?;
            let name = format!("{}/{}", character.name, other.name);
            names.insert(animation_id, name.clone());
            name
        };
        places.entry(asset_id).or_default().push(Place {
            animation_id,
            animation: name,
            frame_id: id,
            frame_index,
        });
    }
    let takes = takes.into_iter().map(|asset| Take {
        shown_in: places.remove(&asset.id).unwrap_or_default(),
        asset,
    });
    Ok(takes.collect())
}

/// Writes where a take is shown: the indices in its animation, the others with their names.
fn places(animation: &Animation, take: &Take) -> String {
    let places = take.shown_in.iter().map(|place| {
        if place.animation_id == animation.id {
            place.frame_index.to_string()
        } else {
            format!("{}/{}", one_line(&place.animation, 40), place.frame_index)
        }
    });
    places.collect::<Vec<_>>().join(", ")
}

fn print(output: &Output, animation: &Animation, takes: &[Take]) -> Result<(), CommandError> {
    let mut table = Table::new(&[
        "TAKE", "SHOWN", "PIXELS", "SIZE", "MODEL", "CAME AS", "PROMPT", "CREATED",
    ]);
    for take in takes {
        let asset = &take.asset;
        let prompt = asset.generation_prompt.as_deref().unwrap_or_default();
        table.row(vec![
            output.id(asset.id),
            places(animation, take),
            pixels(asset),
            stored_size(asset),
            asset.model.clone().unwrap_or_default(),
            asset.original_name.clone().unwrap_or_default(),
            one_line(prompt, 60),
            output.time(asset.created_at),
        ]);
    }
    output.table(table)
}

impl List {
    async fn run(self, studio: &Studio, output: &Output) -> Result<(), CommandError> {
        let animation = find::animation(studio, &self.within, &self.animation).await?;
        let takes = find::every_take(studio, &animation).await?;
        let mut takes = shown(studio, &animation, takes).await?;
        takes.retain(|take| !self.unshown || take.shown_in.is_empty());
        if output.is_json() {
            return output.json(&takes);
        }
        print(output, &animation, &takes)?;
        if takes.is_empty() {
            output.note("nothing to list");
        }
        Ok(())
    }
}

impl Add {
    async fn run(self, studio: &Studio, output: &Output) -> Result<(), CommandError> {
        let wanted = &self.animation;
        let usage = "pegbar take add CHARACTER/ANIMATION FILE ...";
        let animation = find::animation(studio, &self.within, wanted).await;
        let animation =
            animation.map_err(|error| wrong_turn::file_first(error, wanted, "animation", usage))?;
        let new = self
            .making
            .assets(studio, animation.project_id, &self.files);
        let added = studio.create_takes(animation.id, new.await?).await?;
        if output.is_json() {
            return output.json(&added);
        }
        let (text, name) = (count(added.len() as u64, "take"), quoted(&animation.name));
        output.line(format_args!("added {text} to {name}"))?;
        print(output, &animation, &shown(studio, &animation, added).await?)?;
        output.note(format_args!(
            "hint: `pegbar take use {name} TAKE --frame INDEX` shows one"
        ));
        Ok(())
    }
}

impl Use {
    async fn run(self, studio: &Studio) -> Result<AnimationTree, CommandError> {
        let animation = find::animation(studio, &self.within, &self.animation).await?;
        let takes = find::every_take(studio, &animation).await?;
        let take = find::take(&animation, &takes, &self.take)?.id;
        let version = self.expected.version;
        if let Some(at) = self.at {
            let frames = vec![NewFrame::showing(take)];
            return Ok(studio
                .insert_frames(animation.id, at, frames, version)
                .await?);
        }
        let frames = studio.list_frames(animation.id).await?;
        let wanted = self.frame.as_deref().unwrap_or_default();
        let frame = find::one_of_frames(&animation, &frames, wanted)?.id;
        // The index means what was there when it was read.
        let version = version.unwrap_or(animation.version);
        let image = FrameImage::Asset(take);
        Ok(studio.replace_frame(frame, image, Some(version)).await?)
    }
}
