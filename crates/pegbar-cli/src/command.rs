//! The commands: one file for each group.

mod adopt;
mod animation;
mod asset;
mod character;
mod contact_sheet;
mod demo;
mod frame;
mod import;
mod init;
mod migrate;
mod project;
mod sync;
mod tree;
mod variation;

use crate::context::Context;
use crate::error::CommandError;

/// What to do.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    Init(init::Args),
    Demo(demo::Args),
    Project(project::Args),
    Character(character::Args),
    Variation(variation::Args),
    Animation(animation::Args),
    Frame(frame::Args),
    Asset(asset::Args),
    Import(import::Args),
    Tree(tree::Args),
    ContactSheet(contact_sheet::Args),
    Adopt(adopt::Args),
    Sync(sync::Args),
    Migrate(migrate::Args),
}

impl Command {
    /// Does it.
    pub(crate) async fn run(self, context: &Context) -> Result<(), CommandError> {
        match self {
            Self::Init(args) => init::run(args, context).await,
            Self::Demo(args) => demo::run(args, context).await,
            Self::Project(args) => project::run(args, context).await,
            Self::Character(args) => character::run(args, context).await,
            Self::Variation(args) => variation::run(args, context).await,
            Self::Animation(args) => animation::run(args, context).await,
            Self::Frame(args) => frame::run(args, context).await,
            Self::Asset(args) => asset::run(args, context).await,
            Self::Import(args) => import::run(args, context).await,
            Self::Tree(args) => tree::run(args, context).await,
            Self::ContactSheet(args) => contact_sheet::run(args, context).await,
            Self::Adopt(args) => adopt::run(args, context).await,
            Self::Sync(args) => sync::run(args, context).await,
            Self::Migrate(args) => migrate::run(args, context).await,
        }
    }
}
