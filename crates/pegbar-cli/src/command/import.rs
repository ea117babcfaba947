//! `pegbar import`: one file for each program that exports.

mod bundle;
mod folder;
mod megabananas;
mod pixellab;
mod sidecars;

use std::fmt::Write as _;

use pegbar::{Listed, Project, Studio};

use crate::context::Context;
use crate::error::CommandError;
use crate::find::{self, InProject};

/// How many entries of a list are named; --json has more.
const MAX_NAMED: usize = 10;

/// Take in folders of images, and what other programs and studios export
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  pegbar import folder --project 'Alley cats' art --dry-run
  pegbar import pixellab --project 'Alley cats' tabby
  pegbar import megabananas --assets ~/megabananas/public")]
pub(crate) struct Args {
    #[command(subcommand)]
    from: From,
}

#[derive(Debug, clap::Subcommand)]
enum From {
    Folder(folder::Args),
    #[command(name = "pixellab")]
    PixelLab(pixellab::Args),
    Megabananas(megabananas::Args),
    Sidecars(sidecars::Args),
    Bundle(bundle::Args),
}

pub(crate) async fn run(args: Args, context: &Context) -> Result<(), CommandError> {
    match args.from {
        From::Folder(args) => folder::run(args, context).await,
        From::PixelLab(args) => pixellab::run(args, context).await,
        From::Megabananas(args) => megabananas::run(args, context).await,
        From::Sidecars(args) => sidecars::run(args, context).await,
        From::Bundle(args) => bundle::run(args, context).await,
    }
}

/// The project that is imported into.
#[derive(Debug, clap::Args)]
struct IntoProject {
    /// The project; created if nothing is called so. Not needed where the studio has one
    #[arg(
        long,
        short,
        value_name = "NAME",
        env = "PEGBAR_PROJECT",
        hide_env = true
    )]
    project: Option<String>,
}

impl IntoProject {
    /// Returns the project that is meant, and whether it is new.
    async fn project(self, studio: &Studio) -> Result<(Project, bool), CommandError> {
        let Some(name) = self.project else {
            let found = InProject::default().one(studio).await;
            let found = found.map_err(|error| {
                if error.is_not_found() {
                    error.hint("say -p NAME: the project is created")
                } else {
                    error
                }
            });
            return Ok((found?, false));
        };
        match find::project(studio, &name).await {
            // An id that nothing has is no name for a new project.
            Err(error) if error.is_not_found() && name.parse::<pegbar::ProjectId>().is_err() => {
                // Another import may be looking for it at the same time.
                Ok(studio.get_or_create_project(&name).await?)
            }
            found => Ok((found?, false)),
        }
    }
}

fn has<T>(list: &Listed<T>) -> &'static str {
    if list.count == 1 { "has" } else { "have" }
}

/// Writes the first entries of a list on lines of their own.
pub(super) fn named(entries: impl Iterator<Item = String>, count: u64) -> String {
    let mut text = String::new();
    for entry in entries.take(MAX_NAMED) {
        text.push_str("\n  ");
        text.push_str(&entry);
    }
    if count > MAX_NAMED as u64 {
        let more = count - MAX_NAMED as u64;
        // Writing to a String cannot fail.
        let _ = write!(text, "\n  … and {more} more");
    }
    text
}
