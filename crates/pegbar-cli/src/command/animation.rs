//! `pegbar animation`.

use pegbar::{
    Animation, AnimationFilter, AnimationPatch, AnimationTree, DeletionTarget, NewAnimation,
    PageRequest, Studio,
};

use crate::context::Context;
use crate::error::CommandError;
use crate::find::{self, InProject};
use crate::list::{self, Part};
use crate::options::{Deleting, Identity, changes};
use crate::output::{Output, Table};
use crate::text::{counts, one_line, pixels, quoted, size_of, stored_size};

/// Create, list, show, edit and delete animations
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  pegbar animation create Tabby Walk
  pegbar animation show Tabby/Walk")]
pub(crate) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    Create(Create),
    List(List),
    Show(Show),
    Edit(Edit),
    Delete(Delete),
}

/// Create an animation of a character
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  pegbar animation create Tabby Walk")]
struct Create {
    /// The character
    character: String,
    /// The name, free text
    name: String,
    /// What happens in it
    #[arg(
        long,
        value_name = "TEXT",
        default_value = "",
        hide_default_value = true
    )]
    description: String,
    /// What the user asked for
    #[arg(
        long,
        value_name = "TEXT",
        default_value = "",
        hide_default_value = true
    )]
    user_prompt: String,
    /// How long each frame is shown, in milliseconds
    #[arg(long, value_name = "MS")]
    frame_duration: Option<u32>,
    #[command(flatten)]
    within: InProject,
    #[command(flatten)]
    identity: Identity,
}

/// List the animations of a project, or of one character, oldest first
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  pegbar animation list Tabby")]
struct List {
    /// Only those of this character
    character: Option<String>,
    /// Only those with exactly this name
    #[arg(long)]
    name: Option<String>,
    /// Only those that had this id where they were imported from
    #[arg(long, value_name = "ID")]
    source_id: Option<String>,
    #[command(flatten)]
    within: InProject,
    #[command(flatten)]
    part: Part,
}

/// The animation that is meant.
#[derive(Debug, clap::Args)]
struct Which {
    /// The animation, or CHARACTER/ANIMATION
    animation: String,
    #[command(flatten)]
    within: InProject,
}

/// Show an animation: its fields, its frames, and the takes that no frame shows
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  pegbar animation show Tabby/Walk")]
struct Show {
    #[command(flatten)]
    which: Which,
}

/// Change an animation
///
/// With another name, its frames' files get other paths.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  pegbar animation edit Tabby/Walk --name Stroll")]
#[command(override_usage = "pegbar animation edit [OPTIONS] <ANIMATION>")]
#[command(group(changes(&[
    "name", "character", "description", "user_prompt", "frame_duration", "clear_frame_duration",
])))]
struct Edit {
    #[command(flatten)]
    which: Which,
    /// Another name
    #[arg(long)]
    name: Option<String>,
    /// Another character of the project that it belongs to
    #[arg(long)]
    character: Option<String>,
    /// Another description
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
    /// Another text of what the user asked for
    #[arg(long, value_name = "TEXT")]
    user_prompt: Option<String>,
    /// How long each frame is shown, in milliseconds
    #[arg(long, value_name = "MS")]
    frame_duration: Option<u32>,
    /// Say no more how long each frame is shown
    #[arg(long, conflicts_with = "frame_duration")]
    clear_frame_duration: bool,
}

/// Delete an animation with its frames and takes
///
/// It goes to the trash, files included. A take that another animation shows stays.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  pegbar animation delete Tabby/Walk")]
struct Delete {
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    deleting: Deleting,
}

pub(crate) async fn run(args: Args, context: &Context) -> Result<(), CommandError> {
    let studio = &context.studio().await?;
    let output = &context.output;
    match args.action {
        Action::Create(create) => create.run(studio, output).await,
        Action::List(list) => list.run(studio, output).await,
        Action::Show(show) => show.run(studio, output).await,
        Action::Edit(edit) => edit.run(studio, output).await,
        Action::Delete(delete) => delete.run(studio, output).await,
    }
}

/// A table of a character's animations.
pub(super) fn animations_table(output: &Output, animations: &[AnimationTree]) -> Table {
    let mut table = Table::new(&["ID", "ANIMATION", "FRAMES", "SIZE", "VERSION"]);
    for tree in animations {
        table.row(vec![
            output.id(tree.animation.id),
            one_line(&tree.animation.name, 60),
            tree.frames.len().to_string(),
            size_of(tree.frames.iter().map(|frame| &frame.asset)),
            tree.animation.version.to_string(),
        ]);
    }
    table
}

/// A table of an animation's frames.
pub(super) fn frames_table(output: &Output, tree: &AnimationTree) -> Table {
    let mut table = Table::new(&[
        "INDEX",
        "FRAME ID",
        "ASSET",
        "PIXELS",
        "SIZE",
        "CAME AS",
        "FRAME PROMPT",
        "PROMPT",
    ]);
    for row in &tree.frames {
        let frame_prompt = row.frame.frame_prompt.as_deref().unwrap_or_default();
        let prompt = row.asset.generation_prompt.as_deref().unwrap_or_default();
        table.row(vec![
            row.frame.frame_index.to_string(),
            output.id(row.frame.id),
            output.id(row.asset.id),
            pixels(&row.asset),
            stored_size(&row.asset),
            row.asset.original_name.clone().unwrap_or_default(),
            one_line(frame_prompt, 60),
            one_line(prompt, 60),
        ]);
    }
    table
}

impl Which {
    async fn find(&self, studio: &Studio) -> Result<Animation, CommandError> {
        find::animation(studio, &self.within, &self.animation).await
    }
}

impl Create {
    async fn run(self, studio: &Studio, output: &Output) -> Result<(), CommandError> {
        let character = match find::character(studio, &self.within, &self.character).await {
            Err(error) if error.is_not_found() => {
                let swapped = find::character(studio, &self.within, &self.name).await;
                let Ok(character) = swapped else {
                    return Err(error);
                };
                let (character, name) = (quoted(&character.name), quoted(&self.character));
                return Err(error.hint(format!(
                    "the character comes first: `pegbar animation create {character} {name}`"
                )));
            }
            found => found?,
        };
        let filter = AnimationFilter {
            character_id: Some(character.id),
            name: Some(self.name.clone()),
            ..AnimationFilter::default()
        };
        let named_so =
            studio.list_animations(character.project_id, &filter, PageRequest::default());
        if let Some(other) = named_so.await?.rows.first() {
            output.warning(format_args!(
                "another animation of the character is called so ({}): name this one by the end \
                 of its id, or give it another name",
                other.id
            ));
        }
        let new = NewAnimation {
            id: self.identity.id(),
            source_id: self.identity.source_id.clone(),
            created_at: self.identity.created_at,
            description: self.description,
            user_prompt: self.user_prompt,
            frame_duration_ms: self.frame_duration,
            ..NewAnimation::new(self.name)
        };
        let animation = studio.create_animation(character.id, new).await?.animation;
        output.changed(
            "created the animation",
            &animation.name,
            animation.id,
            &animation,
        )
    }
}

impl List {
    async fn run(self, studio: &Studio, output: &Output) -> Result<(), CommandError> {
        let (project, character_id) = match &self.character {
            Some(wanted) => {
                let character = find::character(studio, &self.within, wanted).await?;
                (character.project_id, Some(character.id))
            }
            None => (self.within.one(studio).await?.id, None),
        };
        let characters = find::character_names(studio, project).await?;
        let filter = AnimationFilter {
            character_id,
            name: self.name,
            source_id: self.source_id,
        };
        list::print(
            output,
            &self.part,
            &[
                "ID",
                "CHARACTER",
                "ANIMATION",
                "FRAMES",
                "VERSION",
                "CREATED",
            ],
            async |page| studio.list_animations(project, &filter, page).await,
            |animation: &Animation| {
                let character = characters.get(&animation.character_id);
                vec![
                    output.id(animation.id),
                    one_line(character.map_or("", String::as_str), 40),
                    one_line(&animation.name, 60),
                    animation.frame_count.to_string(),
                    animation.version.to_string(),
                    output.time(animation.created_at),
                ]
            },
        )
        .await
    }
}

/// Says how much an animation has.
fn content(tree: &AnimationTree) -> String {
    let text = counts(&[
        (tree.frames.len() as u64, "frame"),
        (tree.takes.len() as u64, "other take"),
    ]);
    let shown = tree.frames.iter().map(|frame| &frame.asset);
    format!("{text}, {}", size_of(shown.chain(&tree.takes)))
}

impl Show {
    async fn run(self, studio: &Studio, output: &Output) -> Result<(), CommandError> {
        let animation = self.which.find(studio).await?;
        let tree = studio.get_animation_tree(animation.id).await?;
        if output.is_json() {
            return output.json(&tree);
        }
        let animation = &tree.animation;
        let character = studio.get_character(animation.character_id).await?;
        let duration = animation.frame_duration_ms.map(|ms| format!("{ms} ms"));
        let first = tree.frames.first();
        let path = first.and_then(|frame| frame.asset.file_path.as_deref());
        let folder = path.and_then(|path| {
            studio
                .assets_folder()
                .join(path)
                .parent()
                .map(|f| f.display().to_string())
        });
        output.fields(
            &format!("{}/{}", character.name, animation.name),
            &[
                ("id", animation.id.to_string()),
                ("source id", animation.source_id.clone().unwrap_or_default()),
                ("description", animation.description.clone()),
                ("user prompt", animation.user_prompt.clone()),
                ("frame duration", duration.unwrap_or_default()),
                ("version", animation.version.to_string()),
                ("created", animation.created_at.to_string()),
                ("updated", animation.updated_at.to_string()),
                ("content", content(&tree)),
                ("files", folder.unwrap_or_default()),
            ],
        )?;
        if !tree.frames.is_empty() {
            output.line("")?;
            output.table(frames_table(output, &tree))?;
        }
        if !tree.takes.is_empty() {
            output.line("")?;
            let mut table = Table::new(&["TAKE", "PIXELS", "SIZE", "CAME AS", "CREATED"]);
            for take in &tree.takes {
                table.row(vec![
                    output.id(take.id),
                    pixels(take),
                    stored_size(take),
                    take.original_name.clone().unwrap_or_default(),
                    output.time(take.created_at),
                ]);
            }
            output.table(table)?;
        }
        Ok(())
    }
}

impl Edit {
    async fn run(self, studio: &Studio, output: &Output) -> Result<(), CommandError> {
        let animation = self.which.find(studio).await?;
        let character = match &self.character {
            Some(wanted) => {
                let within = InProject {
                    project: Some(animation.project_id.to_string()),
                };
                Some(find::character(studio, &within, wanted).await?)
            }
            None => None,
        };
        let patch = AnimationPatch {
            expected: None,
            character_id: character.map(|character| character.id),
            name: self.name,
            description: self.description,
            user_prompt: self.user_prompt,
            frame_duration_ms: match self.frame_duration {
                Some(duration) => Some(Some(duration)),
                None => self.clear_frame_duration.then_some(None),
            },
        };
        let animation = studio.update_animation(animation.id, patch).await?;
        output.changed(
            "changed the animation",
            &animation.name,
            animation.id,
            &animation,
        )
    }
}

impl Delete {
    async fn run(self, studio: &Studio, output: &Output) -> Result<(), CommandError> {
        let animation = self.which.find(studio).await?;
        let tree = studio.get_animation_tree(animation.id).await?;
        let what = format!("the animation {}", quoted(&animation.name));
        let question = format!("{what} with {}", content(&tree));
        let target = DeletionTarget::Animation(animation.id);
        let said = (what.as_str(), question.as_str());
        self.deleting.carry_out(studio, output, target, said).await
    }
}
