//! `pegbar character`.

use std::path::{Path, PathBuf};

use pegbar::{
    Character, CharacterFilter, CharacterPatch, CharacterTree, DeletionTarget, Json, NewCharacter,
    PageRequest, Studio,
};

use crate::context::Context;
use crate::error::CommandError;
use crate::find::{self, InProject};
use crate::list::{self, Part};
use crate::options::{Deleting, Identity, Making, NewTags, changes, is_file_name, json};
use crate::output::Output;
use crate::text::{counts, one_line, quoted};

use super::animation::animations_table;
use super::variation::variations_table;

/// Create, list, show, edit and delete characters
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  pegbar character create Tabby front.png
  pegbar character show Tabby")]
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

/// Create a character
///
/// Its files are named after it. Images given become its variations, the first one primary.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  pegbar character create Tabby front.png --user-prompt 'a small orange cat'")]
struct Create {
    /// The name, free text
    name: String,
    /// Images of it, in the order given
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
    /// What it is
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
    /// A free word for the character; may be given several times
    #[arg(long = "tag", value_name = "WORD")]
    tags: Vec<String>,
    /// Settings for generating its images, as JSON, or @FILE with JSON in it
    #[arg(long, value_name = "JSON", value_parser = json)]
    settings: Option<Json>,
    #[command(flatten)]
    within: InProject,
    #[command(flatten)]
    identity: Identity,
}

/// List a project's characters, oldest first
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  pegbar character list -p 'Alley cats'")]
struct List {
    /// Only those with this tag
    #[arg(long, value_name = "WORD")]
    tag: Option<String>,
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

/// Show a character: its fields, variations and animations
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  pegbar character show Tabby")]
struct Show {
    #[command(flatten)]
    which: Which,
}

/// The character that is meant.
#[derive(Debug, clap::Args)]
struct Which {
    /// The character
    character: String,
    #[command(flatten)]
    within: InProject,
}

/// Change a character
///
/// With another name, its files get other paths.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  pegbar character edit Tabby --name Tiger --tag hero")]
#[command(override_usage = "pegbar character edit [OPTIONS] <CHARACTER>")]
#[command(group(changes(&[
    "name", "description", "user_prompt", "tags", "clear_tags", "settings",
])))]
struct Edit {
    #[command(flatten)]
    which: Which,
    /// Another name
    #[arg(long)]
    name: Option<String>,
    /// Another description
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
    /// Another text of what the user asked for
    #[arg(long, value_name = "TEXT")]
    user_prompt: Option<String>,
    #[command(flatten)]
    tags: NewTags,
    /// Other settings for generating its images, as JSON, or @FILE with JSON in it
    #[arg(long, value_name = "JSON", value_parser = json)]
    settings: Option<Json>,
}

/// Delete a character with its variations and animations
///
/// It goes to the trash, files included. A take that another character's animation shows stays.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  pegbar character delete Tabby")]
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

impl Which {
    async fn find(&self, studio: &Studio) -> Result<Character, CommandError> {
        find::character(studio, &self.within, &self.character).await
    }
}

impl Create {
    async fn run(self, studio: &Studio, output: &Output) -> Result<(), CommandError> {
        let project = self.within.one(studio).await?;
        if is_file_name(&self.name) && Path::new(&self.name).is_file() {
            let file = &self.name;
            let message = format!("{file} is a file: what shall the character be called?");
            let error = CommandError::refused("invalid", message);
            return Err(error.hint(format!("say `pegbar character create NAME {file}`")));
        }
        let filter = CharacterFilter {
            name: Some(self.name.clone()),
            ..CharacterFilter::default()
        };
        let named_so = studio.list_characters(project.id, &filter, PageRequest::default());
        if let Some(other) = named_so.await?.rows.first() {
            output.warning(format_args!(
                "another character of the project is called so ({}): name this one by the end of \
                 its id",
                other.id
            ));
        }
        let uploads = Making::default();
        let new = NewCharacter {
            id: self.identity.id(),
            source_id: self.identity.source_id.clone(),
            created_at: self.identity.created_at,
            description: self.description,
            tags: self.tags,
            user_prompt: self.user_prompt,
            generation_settings: self.settings,
            variations: uploads.assets(studio, project.id, &self.files).await?,
            ..NewCharacter::new(self.name)
        };
        let character = studio.create_character(project.id, new).await?.character;
        output.changed(
            "created the character",
            &character.name,
            character.id,
            &character,
        )
    }
}

impl List {
    async fn run(self, studio: &Studio, output: &Output) -> Result<(), CommandError> {
        let project = self.within.one(studio).await?;
        let filter = CharacterFilter {
            tag: self.tag,
            name: self.name,
            source_id: self.source_id,
        };
        list::print(
            output,
            &self.part,
            &["ID", "NAME", "TAGS", "CREATED"],
            async |page| studio.list_characters(project.id, &filter, page).await,
            |character: &Character| {
                vec![
                    output.id(character.id),
                    one_line(&character.name, 60),
                    character.tags.join(", "),
                    output.time(character.created_at),
                ]
            },
        )
        .await
    }
}

/// Says how much a character has.
fn content(tree: &CharacterTree) -> String {
    let animations = || tree.animations.iter();
    let frames: usize = animations().map(|animation| animation.frames.len()).sum();
    let unshown: usize = animations().map(|animation| animation.takes.len()).sum();
    counts(&[
        (tree.variations.len() as u64, "variation"),
        (tree.animations.len() as u64, "animation"),
        (frames as u64, "frame"),
        (unshown as u64, "other take"),
    ])
}

impl Show {
    async fn run(self, studio: &Studio, output: &Output) -> Result<(), CommandError> {
        let character = self.which.find(studio).await?;
        let tree = studio.get_character_tree(character.id).await?;
        if output.is_json() {
            return output.json(&tree);
        }
        let CharacterTree {
            character,
            variations,
            animations,
        } = &tree;
        output.fields(
            &character.name,
            &[
                ("id", character.id.to_string()),
                (
                    "project",
                    studio.get_project(character.project_id).await?.name,
                ),
                ("source id", character.source_id.clone().unwrap_or_default()),
                ("description", character.description.clone()),
                ("user prompt", character.user_prompt.clone()),
                ("tags", character.tags.join(", ")),
                ("settings", character.generation_settings.to_string()),
                ("created", character.created_at.to_string()),
                ("updated", character.updated_at.to_string()),
                ("content", content(&tree)),
            ],
        )?;
        if !variations.is_empty() {
            output.line("")?;
            output.table(variations_table(
                output,
                variations,
                character.primary_asset_id,
            ))?;
        }
        if !animations.is_empty() {
            output.line("")?;
            output.table(animations_table(output, animations))?;
        }
        Ok(())
    }
}

impl Edit {
    async fn run(self, studio: &Studio, output: &Output) -> Result<(), CommandError> {
        let character = self.which.find(studio).await?;
        let patch = CharacterPatch {
            expected: None,
            name: self.name,
            description: self.description,
            tags: self.tags.get(),
            user_prompt: self.user_prompt,
            generation_settings: self.settings,
            ..CharacterPatch::default()
        };
        let character = studio.update_character(character.id, patch).await?;
        output.changed(
            "changed the character",
            &character.name,
            character.id,
            &character,
        )
    }
}

impl Delete {
    async fn run(self, studio: &Studio, output: &Output) -> Result<(), CommandError> {
        let character = self.which.find(studio).await?;
        let tree = studio.get_character_tree(character.id).await?;
        let what = format!("the character {}", quoted(&character.name));
        let question = format!("{what} with {}", content(&tree));
        let target = DeletionTarget::Character(character.id);
        let said = (what.as_str(), question.as_str());
        self.deleting.carry_out(studio, output, target, said).await
    }
}
