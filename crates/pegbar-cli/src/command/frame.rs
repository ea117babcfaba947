//! `pegbar frame`.

use std::path::PathBuf;

use pegbar::{
    AnimationTree, DeletionTarget, Frame, FrameId, FrameImage, FrameTree, NewFrame, Studio,
};

use crate::context::Context;
use crate::error::CommandError;
use crate::find::{self, InProject};
use crate::natural;
use crate::options::{Asked, Deleting, Expected, Making, frame_index, once_for_each};
use crate::output::Output;
use crate::text::{count, pixels, quoted, stored_size};
use crate::wrong_turn;

use super::animation::frames_table;

/// Add, show, move, replace and remove an animation's frames, or set their order
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  pegbar frame add Tabby/Walk walk_*.png --sort
  pegbar frame move Tabby/Walk 7 --to 0")]
pub(crate) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    Add(Add),
    List(List),
    Show(Show),
    Move(Move),
    Replace(Replace),
    Remove(Remove),
    Order(Order),
    Prompt(Prompt),
}

/// Add frames to an animation, all or none
///
/// The files are copied, byte for byte.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  pegbar frame add Tabby/Walk walk_*.png --sort --model sprite-1")]
struct Add {
    /// The animation, or CHARACTER/ANIMATION
    animation: String,
    /// The images, in the order of the frames
    #[arg(value_name = "FILE", required_unless_present = "showing")]
    files: Vec<PathBuf>,
    /// Before the frame with this index, from 0; else at the end
    #[arg(long, value_name = "INDEX", allow_negative_numbers = true, value_parser = frame_index)]
    at: Option<u32>,
    /// Take the files in the order of the numbers in their names: 2 before 10
    #[arg(long)]
    sort: bool,
    /// Show an asset that is there instead of a file; may be given several times
    #[arg(long, value_name = "ASSET", conflicts_with = "files")]
    showing: Vec<String>,
    /// What these frames in particular were to show
    #[arg(long, value_name = "TEXT")]
    frame_prompt: Option<String>,
    /// The id the frame gets, a UUID; once for each
    #[arg(long = "frame-id", value_name = "ID")]
    frame_ids: Vec<FrameId>,
    /// The id the frame has in the app it comes from; once for each
    #[arg(long = "frame-source-id", value_name = "ID")]
    frame_source_ids: Vec<String>,
    #[command(flatten)]
    expected: Expected,
    #[command(flatten)]
    within: InProject,
    #[command(flatten)]
    making: Making,
}

/// List an animation's frames, in order
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  pegbar frame list Tabby/Walk")]
struct List {
    /// The animation, or CHARACTER/ANIMATION
    animation: String,
    #[command(flatten)]
    within: InProject,
}

/// Show a frame: its place, its prompt and the image in it
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  pegbar frame show Tabby/Walk 3")]
struct Show {
    /// The animation and the frame's index in it, from 0; or ANIMATION/INDEX or the frame's id
    #[arg(num_args = 1..=2, required = true, value_names = ["ANIMATION", "INDEX"])]
    frame: Vec<String>,
    #[command(flatten)]
    within: InProject,
}

/// The frame that is meant.
#[derive(Debug, clap::Args)]
struct Which {
    /// The animation and the frame's index in it, from 0; or ANIMATION/INDEX or the frame's id
    #[arg(num_args = 1..=2, required = true, value_names = ["ANIMATION", "INDEX"])]
    frame: Vec<String>,
    #[command(flatten)]
    expected: Expected,
    #[command(flatten)]
    within: InProject,
}

/// Move a frame to another place of its animation
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  pegbar frame move Tabby/Walk 7 --to 0")]
struct Move {
    #[command(flatten)]
    which: Which,
    /// The index it shall have, from 0
    #[arg(long, value_name = "INDEX", allow_negative_numbers = true, value_parser = frame_index)]
    to: u32,
}

/// Show another image in a frame
///
/// The one shown before stays, as a take.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  pegbar frame replace Tabby/Walk 3 --with better.png --prompt 'lift the paw'")]
struct Replace {
    #[command(flatten)]
    which: Which,
    /// The image
    #[arg(long, value_name = "FILE", required_unless_present = "showing")]
    with: Option<PathBuf>,
    /// Show an asset that is there instead, an earlier take for example
    #[arg(long, value_name = "ASSET", conflicts_with = "with")]
    showing: Option<String>,
    #[command(flatten)]
    making: Making,
}

/// Remove a frame; the ones behind it move up
///
/// Its image stays, as a take. Where nobody can answer, nobody is asked.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  pegbar frame remove Tabby/Walk 3")]
struct Remove {
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    deleting: Deleting,
}

/// Set the order of all frames of an animation
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  pegbar frame order Tabby/Walk 3 2 1 0")]
struct Order {
    /// The animation, or CHARACTER/ANIMATION
    animation: String,
    /// Every frame once, in the new order, by the index it has now or by its id
    #[arg(required = true, value_name = "FRAME")]
    frames: Vec<String>,
    #[command(flatten)]
    expected: Expected,
    #[command(flatten)]
    within: InProject,
}

/// Say what a frame in particular was to show
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  pegbar frame prompt Tabby/Walk 3 --set 'the paw is highest'")]
struct Prompt {
    #[command(flatten)]
    which: Which,
    /// The prompt
    #[arg(long, value_name = "TEXT", required_unless_present = "clear")]
    set: Option<String>,
    /// Take the prompt away
    #[arg(long, conflicts_with = "set")]
    clear: bool,
}

pub(crate) async fn run(args: Args, context: &Context) -> Result<(), CommandError> {
    let studio = &context.studio().await?;
    let output = &context.output;
    let tree = match args.action {
        Action::Add(add) => add.run(studio, output).await?,
        Action::List(list) => return list.run(studio, output).await,
        Action::Show(show) => return show.run(studio, output).await,
        Action::Move(mv) => mv.run(studio).await?,
        Action::Replace(replace) => replace.run(studio).await?,
        Action::Remove(remove) => match remove.run(studio, output).await? {
            Some(tree) => tree,
            None => return Ok(()),
        },
        Action::Order(order) => order.run(studio).await?,
        Action::Prompt(prompt) => prompt.run(studio).await?,
    };
    print(output, &tree)
}

/// Prints an animation after a change of its frames.
pub(super) fn print(output: &Output, tree: &AnimationTree) -> Result<(), CommandError> {
    if output.is_json() {
        return output.json(tree);
    }
    let name = quoted(&tree.animation.name);
    let frames = count(tree.frames.len() as u64, "frame");
    let version = tree.animation.version;
    output.line(format_args!("{name} has {frames} now, version {version}"))?;
    output.table(frames_table(output, tree))
}

impl Add {
    async fn run(self, studio: &Studio, output: &Output) -> Result<AnimationTree, CommandError> {
        let wanted = &self.animation;
        let usage = "pegbar frame add CHARACTER/ANIMATION FILE ...";
        let animation = find::animation(studio, &self.within, wanted).await;
        let animation =
            animation.map_err(|error| wrong_turn::file_first(error, wanted, "animation", usage))?;
        let mut frames = Vec::new();
        if self.showing.is_empty() {
            let files = self.files(output);
            let assets = self
                .making
                .assets(studio, animation.project_id, &files)
                .await?;
            frames.extend(assets.into_iter().map(NewFrame::new));
        } else {
            refuse_making(&self.making)?;
            for wanted in &self.showing {
                let asset = find::asset_in(studio, animation.project_id, wanted).await?;
                frames.push(NewFrame::showing(asset.id));
            }
        }
        once_for_each("--frame-id", self.frame_ids.len(), frames.len())?;
        once_for_each(
            "--frame-source-id",
            self.frame_source_ids.len(),
            frames.len(),
        )?;
        for (index, frame) in frames.iter_mut().enumerate() {
            frame.prompt.clone_from(&self.frame_prompt);
            frame.id = self.frame_ids.get(index).copied();
            frame.source_id = self.frame_source_ids.get(index).cloned();
        }
        let version = self.expected.version;
        Ok(match self.at {
            Some(at) => {
                studio
                    .insert_frames(animation.id, at, frames, version)
                    .await?
            }
            None => studio.append_frames(animation.id, frames, version).await?,
        })
    }

    /// Returns the files in the order of the frames. A shell sorts `walk_10` before `walk_2`,
    /// which is hardly ever meant.
    fn files(&self, output: &Output) -> Vec<PathBuf> {
        let mut sorted = self.files.clone();
        sorted.sort_by(|a, b| natural::by_file_name(a, b));
        if self.sort {
            return sorted;
        }
        if self.files.is_sorted() && sorted != self.files {
            output.warning(
                "the files were taken in the order given, which is not the order of their \
                 numbers; --sort goes by the numbers",
            );
        }
        self.files.clone()
    }
}

/// What made an asset is written once, with the asset.
fn refuse_making(making: &Making) -> Result<(), CommandError> {
    if making.is_empty() {
        return Ok(());
    }
    Err(CommandError::usage(
        "--showing takes an asset as it is; what made it cannot be said again",
    ))
}

impl List {
    async fn run(self, studio: &Studio, output: &Output) -> Result<(), CommandError> {
        let animation = find::animation(studio, &self.within, &self.animation).await?;
        let tree = studio.get_animation_tree(animation.id).await?;
        if output.is_json() {
            return output.json(&tree.frames);
        }
        if tree.frames.is_empty() {
            output.note("nothing to list");
        }
        output.table(frames_table(output, &tree))
    }
}

impl Show {
    async fn run(self, studio: &Studio, output: &Output) -> Result<(), CommandError> {
        let frame = find::frame(studio, &self.within, &self.frame).await?;
        let asset = studio.get_asset(frame.asset_id).await?;
        if output.is_json() {
            return output.json(&FrameTree { frame, asset });
        }
        let animation = studio.get_animation(frame.animation_id).await?;
        let character = studio.get_character(animation.character_id).await?;
        output.fields(
            &format!(
                "{}/{}/{}",
                character.name, animation.name, frame.frame_index
            ),
            &[
                ("id", frame.id.to_string()),
                ("source id", frame.source_id.unwrap_or_default()),
                ("frame prompt", frame.frame_prompt.unwrap_or_default()),
                ("shows", asset.id.to_string()),
                ("came as", asset.original_name.clone().unwrap_or_default()),
                ("pixels", pixels(&asset)),
                ("size", stored_size(&asset)),
                ("prompt", asset.generation_prompt.unwrap_or_default()),
                ("model", asset.model.unwrap_or_default()),
                ("created", frame.created_at.to_string()),
            ],
        )
    }
}

impl Which {
    async fn find(&self, studio: &Studio) -> Result<Frame, CommandError> {
        find::frame(studio, &self.within, &self.frame).await
    }
}

impl Move {
    async fn run(self, studio: &Studio) -> Result<AnimationTree, CommandError> {
        let frame = self.which.find(studio).await?;
        let version = self.which.expected.version;
        Ok(studio.move_frame(frame.id, self.to, version).await?)
    }
}

impl Replace {
    async fn run(self, studio: &Studio) -> Result<AnimationTree, CommandError> {
        let frame = self.which.find(studio).await?;
        let image = if let Some(wanted) = &self.showing {
            refuse_making(&self.making)?;
            FrameImage::Asset(find::asset_in(studio, frame.project_id, wanted).await?.id)
        } else {
            let files: Vec<PathBuf> = self.with.into_iter().collect();
            let mut new = self.making.assets(studio, frame.project_id, &files).await?;
            let new = new
                .pop()
                .ok_or_else(|| CommandError::usage("--with FILE is missing"))?;
            FrameImage::New(Box::new(new))
        };
        let version = self.which.expected.version;
        Ok(studio.replace_frame(frame.id, image, version).await?)
    }
}

impl Remove {
    async fn run(
        self,
        studio: &Studio,
        output: &Output,
    ) -> Result<Option<AnimationTree>, CommandError> {
        let frame = self.which.find(studio).await?;
        let target = DeletionTarget::Frame(frame.id);
        let question = format!("the frame {}", frame.frame_index);
        let asked = self.deleting.ask_people(studio, output, target, &question);
        let version = self.which.expected.version;
        Ok(Some(match asked.await? {
            Asked::OnlyShown => return Ok(None),
            // What was shown goes, or nothing.
            Asked::Agreed(plan) if version.is_none() => {
                studio.delete_as_planned(&plan).await?;
                studio.get_animation_tree(frame.animation_id).await?
            }
            Asked::Agreed(_) | Asked::Nobody => studio.remove_frame(frame.id, version).await?,
        }))
    }
}

impl Order {
    async fn run(self, studio: &Studio) -> Result<AnimationTree, CommandError> {
        let animation = find::animation(studio, &self.within, &self.animation).await?;
        let frames = studio.list_frames(animation.id).await?;
        let mut order = Vec::with_capacity(self.frames.len());
        for wanted in &self.frames {
            order.push(find::one_of_frames(&animation, &frames, wanted)?.id);
        }
        if self
            .expected
            .version
            .is_none_or(|version| version == animation.version)
        {
            refuse_gaps(&frames, &order)?;
        }
        // The indices mean what was there when they were read.
        let version = self.expected.version.unwrap_or(animation.version);
        Ok(studio
            .set_frame_order(animation.id, order, Some(version))
            .await?)
    }
}

/// Refuses an order that is not one, in the words it was given in: by the indices.
fn refuse_gaps(frames: &[Frame], order: &[FrameId]) -> Result<(), CommandError> {
    let mut missing = Vec::new();
    for Frame {
        id, frame_index, ..
    } in frames
    {
        match order.iter().filter(|ordered| *ordered == id).count() {
            0 => missing.push(frame_index.to_string()),
            1 => {}
            _ => {
                let message = format!("the frame {frame_index} stands twice in the order");
                return Err(CommandError::refused("invalid", message).hint(NAME_EACH_ONCE));
            }
        }
    }
    if missing.is_empty() {
        return Ok(());
    }
    let count = missing.len();
    missing.truncate(MAX_NAMED);
    let missing = missing.join(" ") + if count > MAX_NAMED { " …" } else { "" };
    let message = format!("{count} of {} frames are missing: {missing}", frames.len());
    Err(CommandError::refused("invalid", message).hint(NAME_EACH_ONCE))
}

/// How many frames are named that an order lacks.
const MAX_NAMED: usize = 20;

const NAME_EACH_ONCE: &str = "name every frame once, by the index it has now";

impl Prompt {
    async fn run(self, studio: &Studio) -> Result<AnimationTree, CommandError> {
        let frame = self.which.find(studio).await?;
        let version = self.which.expected.version;
        Ok(studio.set_frame_prompt(frame.id, self.set, version).await?)
    }
}
