//! `pegbar export`: giving things on.

mod bundle;
mod images;
mod prov;

use pegbar::{ExportScope, Studio};

use crate::context::Context;
use crate::error::CommandError;
use crate::find::{self, InProject, Thing};

/// Give things on: images that say what made them, with sidecars, whole projects, lineage as PROV
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  pegbar export images Tabby/Walk --to walk --xmp
  pegbar export images --to archive --sidecar
  pegbar export bundle cats.pegbar
  pegbar export prov Tabby/Walk --output walk.json")]
pub(crate) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    Images(images::Images),
    Bundle(bundle::Bundle),
    Prov(prov::Prov),
}

pub(crate) async fn run(args: Args, context: &Context) -> Result<(), CommandError> {
    match args.action {
        Action::Images(images) => images.run(context).await,
        Action::Bundle(bundle) => bundle.run(context).await,
        Action::Prov(prov) => prov.run(context).await,
    }
}

/// What is given on.
#[derive(Debug, clap::Args)]
struct What {
    /// A project, character, animation, frame (ANIMATION/INDEX) or asset; several assets or
    /// frames; else the project
    #[arg(value_name = "WHAT")]
    what: Vec<String>,
    #[command(flatten)]
    within: InProject,
}

impl What {
    /// Returns what is meant.
    async fn scope(&self, studio: &Studio) -> Result<ExportScope, CommandError> {
        let mut assets = Vec::new();
        for wanted in &self.what {
            let scope = match find::thing(studio, &self.within, wanted).await? {
                Thing::Asset(asset) => {
                    assets.push(asset.id);
                    continue;
                }
                Thing::Frame(frame) => {
                    assets.push(frame.asset_id);
                    continue;
                }
                Thing::Project(project) => ExportScope::Project(project.id),
                Thing::Character(character) => ExportScope::Character(character.id),
                Thing::Animation(animation) => ExportScope::Animation(animation.id),
            };
            if self.what.len() > 1 {
                let message = "several things can only be assets and frames";
                let error = CommandError::usage(message);
                return Err(error.hint("export one project, character or animation at a time"));
            }
            return Ok(scope);
        }
        if assets.is_empty() {
            return Ok(ExportScope::Project(self.within.one(studio).await?.id));
        }
        Ok(ExportScope::Assets(assets))
    }
}
