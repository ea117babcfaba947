//! `pegbar import`: one file for each program that exports.

mod megabananas;
mod pixellab;

use std::fmt::Write as _;

use pegbar::Listed;

use crate::context::Context;
use crate::error::CommandError;

/// How many entries of a list are named; --json has more.
const MAX_NAMED: usize = 10;

/// Take in what another program exported
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  pegbar import pixellab --project 'Alley cats' tabby
  pegbar import megabananas --assets ~/megabananas/public")]
pub(crate) struct Args {
    #[command(subcommand)]
    from: From,
}

#[derive(Debug, clap::Subcommand)]
enum From {
    #[command(name = "pixellab")]
    PixelLab(pixellab::Args),
    Megabananas(megabananas::Args),
}

pub(crate) async fn run(args: Args, context: &Context) -> Result<(), CommandError> {
    match args.from {
        From::PixelLab(args) => pixellab::run(args, context).await,
        From::Megabananas(args) => megabananas::run(args, context).await,
    }
}

fn has<T>(list: &Listed<T>) -> &'static str {
    if list.count == 1 { "has" } else { "have" }
}

/// Writes the first entries of a list on lines of their own.
fn named(entries: impl Iterator<Item = String>, count: u64) -> String {
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
