//! The commands: one file for each group.

mod adopt;
mod animation;
mod asset;
mod backup;
mod changes;
mod character;
mod completions;
mod config;
mod contact_sheet;
mod demo;
mod diff;
mod doctor;
mod export;
mod frame;
mod generation;
mod head;
mod import;
mod init;
mod kept;
mod lineage;
mod man;
mod migrate;
mod migrate_to;
mod mv;
mod open;
mod project;
mod reproduce;
mod restore;
mod scrub;
mod search;
mod serve;
mod sync;
mod tag;
mod take;
mod token;
mod trash;
mod tree;
mod undo;
mod variation;
mod verify;

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
    Take(take::Args),
    Asset(asset::Args),
    Generation(generation::Args),
    Tag(tag::Args),
    Mv(mv::Args),
    Import(import::Args),
    Export(export::Args),
    Tree(tree::Args),
    Lineage(lineage::Args),
    Search(Box<search::Args>),
    Diff(diff::Args),
    Reproduce(reproduce::Args),
    ContactSheet(contact_sheet::Args),
    Adopt(adopt::Args),
    Open(open::Args),
    Kept(kept::Args),
    Trash(trash::Args),
    Undo(undo::Args),
    Sync(sync::Args),
    Serve(serve::Args),
    Verify(verify::Args),
    Doctor(doctor::Args),
    Scrub(scrub::Args),
    Backup(backup::Args),
    Restore(restore::Args),
    Head(head::Args),
    Changes(changes::Args),
    Token(token::Args),
    Migrate(migrate::Args),
    MigrateTo(migrate_to::Args),
    Config(config::Args),
    Completions(completions::Args),
    Man(man::Args),
}

impl Command {
    /// Returns whether it does its work whatever is set, also where a file with settings is
    /// wrong.
    pub(crate) fn needs_no_settings(&self) -> bool {
        match self {
            Self::Config(args) => args.needs_no_settings(),
            Self::Completions(_) | Self::Man(_) => true,
            _ => false,
        }
    }

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
            Self::Take(args) => take::run(args, context).await,
            Self::Asset(args) => asset::run(args, context).await,
            Self::Generation(args) => generation::run(args, context).await,
            Self::Tag(args) => tag::run(args, context).await,
            Self::Mv(args) => mv::run(args, context).await,
            Self::Import(args) => import::run(args, context).await,
            Self::Export(args) => export::run(args, context).await,
            Self::Tree(args) => tree::run(args, context).await,
            Self::Lineage(args) => lineage::run(args, context).await,
            Self::Search(args) => search::run(*args, context).await,
            Self::Diff(args) => diff::run(args, context).await,
            Self::Reproduce(args) => reproduce::run(args, context).await,
            Self::ContactSheet(args) => contact_sheet::run(args, context).await,
            Self::Adopt(args) => adopt::run(args, context).await,
            Self::Open(args) => open::run(args, context).await,
            Self::Kept(args) => kept::run(args, context).await,
            Self::Trash(args) => trash::run(args, context).await,
            Self::Undo(args) => undo::run(args, context).await,
            Self::Serve(args) => serve::run(args, context).await,
            Self::Sync(args) => sync::run(args, context).await,
            Self::Verify(args) => verify::run(args, context).await,
            Self::Doctor(args) => doctor::run(args, context).await,
            Self::Scrub(args) => scrub::run(args, context).await,
            Self::Backup(args) => backup::run(args, context).await,
            Self::Restore(args) => restore::run(args, context).await,
            Self::Head(args) => head::run(args, context).await,
            Self::Changes(args) => changes::run(args, context).await,
            Self::Token(args) => token::run(args, context).await,
            Self::Migrate(args) => migrate::run(args, context).await,
            Self::MigrateTo(args) => migrate_to::run(args, context).await,
            Self::Config(args) => config::run(args, context).await,
            Self::Completions(args) => completions::run(&args, context),
            Self::Man(args) => man::run(&args, context),
        }
    }
}
