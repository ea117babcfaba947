//! `pegbar open`.

use std::path::{Path, PathBuf};

use pegbar::{Asset, Frame, Studio};
use serde::Serialize;

use crate::config::Key;
use crate::context::Context;
use crate::error::CommandError;
use crate::find::{self, InProject, Thing};
use crate::viewer::Viewer;

/// Show an image or a folder with the system's viewer
///
/// An asset, a take or a frame (ANIMATION/INDEX) is shown as an image, everything else as the
/// folder with its files below public/assets. A file that is edited there is moved aside when
/// its place is needed (`pegbar kept list`), never overwritten.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  pegbar open Tabby/Walk/3
  pegbar open Tabby/Walk --print
  pegbar open front.png --viewer 'gimp -n'")]
pub(crate) struct Args {
    /// What to show; else the folder of all files
    thing: Option<String>,
    /// Print the path instead
    #[arg(long)]
    print: bool,
    /// The program, with options; the path follows them
    #[arg(long, value_name = "COMMAND", conflicts_with = "print")]
    viewer: Option<String>,
    #[command(flatten)]
    within: InProject,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Opened<'a> {
    path: &'a Path,
    is_opened: bool,
}

pub(crate) async fn run(args: Args, context: &Context) -> Result<(), CommandError> {
    let studio = &context.studio().await?;
    let output = &context.output;
    let path = match &args.thing {
        None => studio.assets_folder(),
        Some(wanted) => {
            let thing = find::thing(studio, &args.within, wanted).await?;
            path_of(studio, &thing).await?
        }
    };
    if !path.exists() {
        let message = format!("{} is not there", path.display());
        let error = CommandError::refused("not_found", message);
        return Err(error.hint(if args.thing.is_some() {
            "`pegbar sync` puts back what is missing; an empty folder is not kept"
        } else {
            "the first image makes it"
        }));
    }
    let is_opened = !args.print;
    if is_opened {
        let command = match args.viewer {
            Some(command) => Some(command),
            None => context.settings.text(Key::Viewer)?,
        };
        Viewer::of(command.as_deref(), &path)?.show(&path)?;
    }
    if output.is_json() {
        return output.json(&Opened {
            path: &path,
            is_opened,
        });
    }
    if args.print {
        return output.line(path.display());
    }
    output.note(format_args!("showing {}", path.display()));
    Ok(())
}

async fn path_of(studio: &Studio, thing: &Thing) -> Result<PathBuf, CommandError> {
    let assets = studio.assets_folder();
    let folder = |id: pegbar::ProjectId| assets.join(id.to_string());
    Ok(match thing {
        Thing::Project(project) => folder(project.id),
        Thing::Character(character) => folder(character.project_id).join("characters"),
        Thing::Animation(animation) => {
            let segment = animation.segment.as_deref().unwrap_or_default();
            folder(animation.project_id).join("frames").join(segment)
        }
        Thing::Frame(frame) => file_of_frame(studio, frame).await?,
        Thing::Asset(asset) => assets.join(path_of_asset(asset)?),
    })
}

fn path_of_asset(asset: &Asset) -> Result<&str, CommandError> {
    asset.check_not_dropped()?;
    let id = asset.id;
    asset.file_path.as_deref().ok_or_else(|| {
        let message = format!("the asset {id} has no file yet: another program wrote its row");
        let error = CommandError::refused("not_found", message);
        error.hint("`pegbar adopt` completes it")
    })
}

/// Returns the file of a frame; an image that several frames show has one at each.
async fn file_of_frame(studio: &Studio, frame: &Frame) -> Result<PathBuf, CommandError> {
    let asset = studio.get_asset(frame.asset_id).await?;
    let home = path_of_asset(&asset)?;
    let animation = studio.get_animation(frame.animation_id).await?;
    let character = studio.get_character(animation.character_id).await?;
    let (Some(folder), Some(name), Some((_, extension))) = (
        &animation.segment,
        &character.segment,
        home.rsplit_once('.'),
    ) else {
        return Ok(studio.assets_folder().join(home));
    };
    let file = format!("{name}_{folder}_{}.{extension}", frame.frame_index);
    let project = studio.assets_folder().join(frame.project_id.to_string());
    Ok(project.join("frames").join(folder).join(file))
}
