//! `pegbar migrate`.

use crate::context::Context;
use crate::error::CommandError;

/// Bring the database's schema up to date
///
/// Every command does this when it opens the studio; this one says what was done. The
/// database of a newer Pegbar is refused and left alone.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  pegbar migrate")]
pub(crate) struct Args {}

pub(crate) async fn run(Args {}: Args, context: &Context) -> Result<(), CommandError> {
    let migrated = context.studio().await?.migrated();
    if context.output.is_json() {
        return context.output.json(&migrated);
    }
    let (from, to) = (migrated.from, migrated.to);
    if from == to {
        let text = format_args!("the schema is up to date: from version {from} to version {to}");
        return context.output.line(text);
    }
    context.output.line(format_args!(
        "migrated the schema from version {from} to version {to}"
    ))
}
