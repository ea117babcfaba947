//! The commands: one file for each group.

mod init;
mod migrate;
mod sync;

use crate::context::Context;
use crate::error::CommandError;

/// What to do.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    Init(init::Args),
    Sync(sync::Args),
    Migrate(migrate::Args),
}

impl Command {
    /// Does it.
    pub(crate) async fn run(self, context: &Context) -> Result<(), CommandError> {
        match self {
            Self::Init(args) => init::run(args, context).await,
            Self::Sync(args) => sync::run(args, context).await,
            Self::Migrate(args) => migrate::run(args, context).await,
        }
    }
}
