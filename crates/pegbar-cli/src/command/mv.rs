//! `pegbar mv`.

use pegbar::{
    Animation, AnimationPatch, Character, CharacterPatch, Frame, Project, ProjectPatch, Studio,
};

use crate::context::Context;
use crate::error::CommandError;
use crate::find::{self, InProject, Thing};
use crate::options::Expected;
use crate::output::Output;
use crate::text::quoted;

use super::frame;

/// Rename or move a project, a character, an animation or a frame
///
/// FROM is a path as `pegbar tree` has it: PROJECT, CHARACTER, CHARACTER/ANIMATION or
/// CHARACTER/ANIMATION/INDEX. TO is the new name, or the place: `Whiskers/` is the character
/// Whiskers, `Whiskers/Stroll` an animation of it with that name, `Tabby/Run/0` the first frame
/// of that animation, `Tabby/Run/` its end. The files follow. An image that moves to another
/// animation stays a take of the one it was made for.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  pegbar mv Tabby Tiger                  rename the character
  pegbar mv Tabby/Walk Stroll            rename the animation
  pegbar mv Tabby/Walk Whiskers/         give the animation to Whiskers
  pegbar mv Tabby/Walk/7 0               make frame 7 the first one
  pegbar mv Tabby/Walk/7 Tabby/Run/      move frame 7 to the end of Run")]
pub(crate) struct Args {
    /// What is renamed or moved
    from: String,
    /// The new name or place
    to: String,
    #[command(flatten)]
    expected: Expected,
    #[command(flatten)]
    within: InProject,
}

pub(crate) async fn run(args: Args, context: &Context) -> Result<(), CommandError> {
    let studio = &context.studio().await?;
    let output = &context.output;
    let thing = find::thing(studio, &args.within, &args.from).await?;
    if !matches!(thing, Thing::Frame(_)) && args.expected.version.is_some() {
        let error = CommandError::usage("--expect-version is for frames");
        return Err(error.hint("leave it out"));
    }
    match thing {
        Thing::Project(project) => args.project(studio, output, *project).await,
        Thing::Character(character) => args.character(studio, output, *character).await,
        Thing::Animation(animation) => args.animation(studio, output, *animation).await,
        Thing::Frame(frame) => args.frame(studio, output, *frame).await,
        Thing::Asset(asset) => {
            let id = asset.id;
            let message = format!("{} is an asset, which has no name of its own", args.from);
            Err(CommandError::refused("invalid", message).hint(format!(
                "its file is named after its owner; the name it came with is changed by \
                 `pegbar asset edit {id} --original-name NAME`"
            )))
        }
    }
}

impl Args {
    /// Returns the new name where nothing but a name makes sense.
    fn name(&self, kind: &str) -> Result<String, CommandError> {
        if !self.to.contains('/') {
            return Ok(self.to.clone());
        }
        let message = format!("\"{}\" is no new name for a {kind}", self.to);
        Err(CommandError::refused("invalid", message).hint(format!(
            "a {kind} stays where it is; for a name with a slash: `pegbar {kind} edit {} \
             --name {}`",
            quoted(&self.from),
            quoted(&self.to)
        )))
    }

    async fn project(
        &self,
        studio: &Studio,
        output: &Output,
        project: Project,
    ) -> Result<(), CommandError> {
        let patch = ProjectPatch {
            name: Some(self.name("project")?),
            ..ProjectPatch::default()
        };
        let renamed = studio.update_project(project.id, patch).await?;
        if output.is_json() {
            return output.json(&renamed);
        }
        renames(output, "project", &project.name, &renamed.name)
    }

    async fn character(
        &self,
        studio: &Studio,
        output: &Output,
        character: Character,
    ) -> Result<(), CommandError> {
        let project = studio.get_project(character.project_id).await?;
        let own = format!("{}/", project.name);
        let name = match self.to.strip_prefix(&own) {
            Some(name) if !name.is_empty() && !name.contains('/') => name.to_owned(),
            _ => self.name("character")?,
        };
        let patch = CharacterPatch {
            name: Some(name),
            ..CharacterPatch::default()
        };
        let renamed = studio.update_character(character.id, patch).await?;
        if output.is_json() {
            return output.json(&renamed);
        }
        renames(output, "character", &character.name, &renamed.name)
    }

    async fn animation(
        &self,
        studio: &Studio,
        output: &Output,
        animation: Animation,
    ) -> Result<(), CommandError> {
        let within = InProject {
            project: Some(animation.project_id.to_string()),
        };
        let (character, name) = match self.to.rsplit_once('/') {
            Some((character, name)) => {
                let character = find::character(studio, &within, character).await;
                let character = character.map_err(|error| self.no_owner(error))?;
                (Some(character), Some(name).filter(|name| !name.is_empty()))
            }
            None => (None, Some(self.to.as_str())),
        };
        if let (None, Some(name)) = (&character, name)
            && let Ok(character) = find::character(studio, &within, name).await
        {
            let name = &character.name;
            let message =
                format!("\"{name}\" is a character: is it the new owner or the new name?");
            return Err(CommandError::refused("ambiguous", message).hint(format!(
                "say \"{name}/\" to move the animation there, or `pegbar animation edit {} --name \
                 {}` to rename it",
                quoted(&self.from),
                quoted(name)
            )));
        }
        let patch = AnimationPatch {
            character_id: character.as_ref().map(|character| character.id),
            name: name.map(str::to_owned),
            ..AnimationPatch::default()
        };
        let after = studio.update_animation(animation.id, patch).await?;
        if output.is_json() {
            return output.json(&after);
        }
        match character.filter(|character| character.id != animation.character_id) {
            None => renames(output, "animation", &animation.name, &after.name),
            Some(character) => output.line(format_args!(
                "moved the animation {} to {}/{}",
                quoted(&animation.name),
                character.name,
                after.name
            )),
        }
    }

    /// Says what to do where the part before the slash is no character.
    fn no_owner(&self, error: CommandError) -> CommandError {
        if !error.is_not_found() || error.suggestion().is_some() {
            return error;
        }
        error.hint(format!(
            "TO is NAME, CHARACTER/ or CHARACTER/NAME; for a name with a slash: `pegbar \
             animation edit {} --name {}`",
            quoted(&self.from),
            quoted(&self.to)
        ))
    }

    async fn frame(
        &self,
        studio: &Studio,
        output: &Output,
        frame: Frame,
    ) -> Result<(), CommandError> {
        let within = InProject {
            project: Some(frame.project_id.to_string()),
        };
        let version = self.expected.version;
        let index = |text: &str| text.parse::<u32>().ok();
        let tree = match self.to.rsplit_once('/') {
            None => {
                let to = index(&self.to).ok_or_else(|| self.no_place())?;
                studio.move_frame(frame.id, to, version).await?
            }
            Some((path, place)) => {
                let at = index(place);
                if at.is_none() && !place.is_empty() {
                    return Err(self.no_place());
                }
                let animation = find::animation(studio, &within, path).await?;
                let is_own = animation.id == frame.animation_id;
                match at {
                    Some(to) if is_own => studio.move_frame(frame.id, to, version).await?,
                    None if is_own => {
                        let last = u32::try_from(animation.frame_count.saturating_sub(1));
                        let last = last.unwrap_or(u32::MAX);
                        studio.move_frame(frame.id, last, version).await?
                    }
                    at => {
                        studio
                            .move_frame_to_animation(frame.id, animation.id, at, version)
                            .await?
                    }
                }
            }
        };
        frame::print(output, &tree)
    }

    fn no_place(&self) -> CommandError {
        let message = format!("\"{}\" is no place for a frame", self.to);
        CommandError::refused("invalid", message).hint(
            "say the index, from 0, or CHARACTER/ANIMATION/INDEX; CHARACTER/ANIMATION/ is the end",
        )
    }
}

fn renames(output: &Output, kind: &str, from: &str, to: &str) -> Result<(), CommandError> {
    let (from, to) = (quoted(from), quoted(to));
    output.line(format_args!("renamed the {kind} {from} to {to}"))
}
