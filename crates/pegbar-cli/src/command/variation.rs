//! `pegbar variation`.

use std::path::PathBuf;

use pegbar::{Asset, AssetId, Character, Studio};

use crate::context::Context;
use crate::error::CommandError;
use crate::find::{self, InProject};
use crate::list::{self, Part};
use crate::options::Making;
use crate::output::{Output, Table};
use crate::text::{count, pixels, quoted, stored_size};
use crate::wrong_turn;

/// Add and list a character's variations, and choose the primary one
///
/// A variation is an asset: `pegbar asset` shows, edits and deletes it.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  pegbar variation add Tabby side.png
  pegbar variation primary Tabby side.png")]
pub(crate) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    Add(Box<Add>),
    List(List),
    Primary(Primary),
}

/// The character that is meant.
#[derive(Debug, clap::Args)]
struct Of {
    /// The character
    character: String,
    #[command(flatten)]
    within: InProject,
}

/// Add variations to a character, all or none
///
/// The first one a character gets becomes primary. The files are copied, byte for byte.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  pegbar variation add Tabby side.png --prompt 'side view' --made-from front:character")]
struct Add {
    #[command(flatten)]
    of: Of,
    /// The images
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Make the first of them primary
    #[arg(long)]
    primary: bool,
    #[command(flatten)]
    making: Making,
}

/// List a character's variations, oldest first
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  pegbar variation list Tabby")]
struct List {
    #[command(flatten)]
    of: Of,
    #[command(flatten)]
    part: Part,
}

/// Choose a character's primary variation, or clear it
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  pegbar variation primary Tabby side.png")]
struct Primary {
    #[command(flatten)]
    of: Of,
    /// The variation, by the name it came with, its id or the end of it
    #[arg(required_unless_present = "clear")]
    asset: Option<String>,
    /// Have no primary variation
    #[arg(long, conflicts_with = "asset")]
    clear: bool,
}

pub(crate) async fn run(args: Args, context: &Context) -> Result<(), CommandError> {
    let studio = &context.studio().await?;
    let output = &context.output;
    match args.action {
        Action::Add(add) => add.run(studio, output).await,
        Action::List(list) => list.run(studio, output).await,
        Action::Primary(primary) => primary.run(studio, output).await,
    }
}

const HEADER: &[&str] = &["ID", "PRIMARY", "PIXELS", "SIZE", "CAME AS", "FILE"];

fn cells(output: &Output, asset: &Asset, primary: Option<AssetId>) -> Vec<String> {
    let is_primary = primary == Some(asset.id);
    vec![
        output.id(asset.id),
        if is_primary { "primary" } else { "" }.to_owned(),
        pixels(asset),
        stored_size(asset),
        asset.original_name.clone().unwrap_or_default(),
        output.path(asset),
    ]
}

/// A table of variations.
pub(super) fn variations_table(
    output: &Output,
    variations: &[Asset],
    primary: Option<AssetId>,
) -> Table {
    let mut table = Table::new(HEADER);
    for asset in variations {
        table.row(cells(output, asset, primary));
    }
    table
}

impl Of {
    async fn find(&self, studio: &Studio) -> Result<Character, CommandError> {
        find::character(studio, &self.within, &self.character).await
    }
}

impl Add {
    async fn run(self, studio: &Studio, output: &Output) -> Result<(), CommandError> {
        let wanted = &self.of.character;
        let usage = "pegbar variation add CHARACTER FILE ...";
        let character = self.of.find(studio).await;
        let character =
            character.map_err(|error| wrong_turn::file_first(error, wanted, "character", usage))?;
        let new = self
            .making
            .assets(studio, character.project_id, &self.files)
            .await?;
        let added = studio.create_variations(character.id, new).await?;
        let first = added.first().map(|asset| asset.id);
        let character = if self.primary {
            studio.set_primary(character.id, first).await?
        } else {
            studio.get_character(character.id).await?
        };
        if output.is_json() {
            return output.json(&added);
        }
        let text = count(added.len() as u64, "variation");
        output.line(format_args!("added {text} to {}", quoted(&character.name)))?;
        output.table(variations_table(output, &added, character.primary_asset_id))
    }
}

impl List {
    async fn run(self, studio: &Studio, output: &Output) -> Result<(), CommandError> {
        let character = self.of.find(studio).await?;
        list::print(
            output,
            &self.part,
            HEADER,
            async |page| studio.list_variations(character.id, page).await,
            |asset: &Asset| cells(output, asset, character.primary_asset_id),
        )
        .await
    }
}

impl Primary {
    async fn run(self, studio: &Studio, output: &Output) -> Result<(), CommandError> {
        let character = self.of.find(studio).await?;
        let primary = match &self.asset {
            Some(wanted) => Some(find::variation(studio, &character, wanted).await?),
            None => None,
        };
        let character = studio.set_primary(character.id, primary).await?;
        if output.is_json() {
            return output.json(&character);
        }
        let name = quoted(&character.name);
        match character.primary_asset_id {
            Some(id) => output.line(format_args!("the primary variation of {name} is {id}")),
            None => output.line(format_args!("{name} has no primary variation")),
        }
    }
}
