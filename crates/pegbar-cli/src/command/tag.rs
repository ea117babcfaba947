//! `pegbar tag`.

use pegbar::{Studio, TagCount, Tagged};

use crate::context::Context;
use crate::error::CommandError;
use crate::find::{self, InProject, Thing};
use crate::output::{Output, Table};
use crate::text::quoted;

/// Add, remove and list the tags of projects, characters and assets
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  pegbar tag add Tabby hero orange
  pegbar tag list")]
pub(crate) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    Add(Add),
    Remove(Remove),
    Clear(Clear),
    List(List),
}

/// The thing that is meant.
#[derive(Debug, clap::Args)]
struct Which {
    /// The project, character or asset
    thing: String,
    #[command(flatten)]
    within: InProject,
}

/// Add tags to a project, a character or an asset, behind those that it has
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  pegbar tag add Tabby hero orange")]
struct Add {
    #[command(flatten)]
    which: Which,
    /// The tags, free words
    #[arg(required = true, value_name = "WORD")]
    words: Vec<String>,
}

/// Remove tags from a project, a character or an asset
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  pegbar tag remove front.png draft")]
struct Remove {
    #[command(flatten)]
    which: Which,
    /// The tags
    #[arg(required = true, value_name = "WORD")]
    words: Vec<String>,
}

/// Take all tags of a project, a character or an asset away
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  pegbar tag clear front.png")]
struct Clear {
    #[command(flatten)]
    which: Which,
}

/// List the tags of one thing, or of a project and everything in it, and how much has each
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  pegbar tag list -p 'Alley cats'    every tag in it, and how often
  pegbar tag list Tabby              the tags of the character")]
struct List {
    /// The character, asset or project whose own tags are listed; else a whole project's
    thing: Option<String>,
    #[command(flatten)]
    within: InProject,
}

pub(crate) async fn run(args: Args, context: &Context) -> Result<(), CommandError> {
    let studio = &context.studio().await?;
    let output = &context.output;
    match args.action {
        Action::Add(Add { which, words }) => which.change(studio, output, &[], &words).await,
        Action::Remove(remove) => remove.run(studio, output).await,
        Action::Clear(Clear { which }) => {
            let (_, tags) = which.find(studio).await?;
            which.change(studio, output, &tags, &[]).await
        }
        Action::List(list) => list.run(studio, output).await,
    }
}

impl Which {
    /// Finds what is meant, and the tags that it has.
    async fn find(&self, studio: &Studio) -> Result<(Tagged, Vec<String>), CommandError> {
        match find::thing(studio, &self.within, &self.thing).await? {
            Thing::Project(project) => Ok((Tagged::Project(project.id), project.tags)),
            Thing::Character(character) => Ok((Tagged::Character(character.id), character.tags)),
            Thing::Asset(asset) => Ok((Tagged::Asset(asset.id), asset.tags)),
            // The image that it shows is what people look at.
            Thing::Frame(frame) => {
                let asset = studio.get_asset(frame.asset_id).await?;
                Ok((Tagged::Asset(asset.id), asset.tags))
            }
            Thing::Animation(animation) => {
                let message = format!("an animation has no tags: {}", quoted(&animation.name));
                let error = CommandError::refused("invalid", message);
                Err(error.hint("tag its character, or the image of a frame: ANIMATION/INDEX"))
            }
        }
    }

    /// Lists the tags that it has, in their order.
    async fn list(&self, studio: &Studio, output: &Output) -> Result<(), CommandError> {
        let (_, tags) = self.find(studio).await?;
        if output.is_json() {
            return output.json(&tags);
        }
        for tag in &tags {
            output.line(tag)?;
        }
        if tags.is_empty() {
            let name = &self.thing;
            output.note(format_args!(
                "{} has no tags yet; `pegbar tag add \"{name}\" WORD` gives one",
                quoted(name)
            ));
        }
        Ok(())
    }

    async fn change(
        &self,
        studio: &Studio,
        output: &Output,
        remove: &[String],
        add: &[String],
    ) -> Result<(), CommandError> {
        let (thing, _) = self.find(studio).await?;
        let tags = studio.change_tags(thing, remove, add).await?;
        if output.is_json() {
            return output.json(&tags);
        }
        let name = quoted(&self.thing);
        output.line(if tags.is_empty() {
            format!("{name} has no tags now")
        } else {
            format!("{name} has the tags {} now", tags.join(", "))
        })
    }
}

impl Remove {
    async fn run(self, studio: &Studio, output: &Output) -> Result<(), CommandError> {
        let (_, has) = self.which.find(studio).await?;
        let missing: Vec<_> = self
            .words
            .iter()
            .filter(|word| !has.contains(word))
            .collect();
        if let Some(word) = missing.first() {
            let name = quoted(&self.which.thing);
            let message = format!("{name} does not have the tag \"{word}\"");
            let error = CommandError::refused("not_found", message);
            return Err(error.hint(if has.is_empty() {
                "it has no tags".to_owned()
            } else {
                format!("it has {}", has.join(", "))
            }));
        }
        self.which.change(studio, output, &self.words, &[]).await
    }
}

impl List {
    async fn run(self, studio: &Studio, output: &Output) -> Result<(), CommandError> {
        if let Some(thing) = self.thing {
            let within = self.within;
            return Which { thing, within }.list(studio, output).await;
        }
        let project = self.within.one(studio).await?;
        let counts = studio.count_tags(project.id).await?;
        if output.is_json() {
            return output.json(&counts);
        }
        let mut table = Table::new(&["TAG", "CHARACTERS", "ASSETS", "PROJECT"]);
        for TagCount {
            tag,
            on_project,
            characters,
            assets,
        } in &counts
        {
            table.row(vec![
                tag.clone(),
                characters.to_string(),
                assets.to_string(),
                if *on_project { "yes" } else { "" }.to_owned(),
            ]);
        }
        output.table(table)?;
        if counts.is_empty() {
            output.note("nothing has a tag yet; `pegbar tag add THING WORD` gives one");
        }
        Ok(())
    }
}
