//! `pegbar migrate-to`.

use pegbar::{DatabaseAddress, Engine, MovedDatabase};

use crate::context::Context;
use crate::error::CommandError;
use crate::options::database;
use crate::output::Output;
use crate::text::count;

/// Move all rows to another database: to PostgreSQL, or back to SQLite
///
/// Everything in the database moves with its ids; images and files stay where they are. Who
/// wants to write meanwhile waits, and is refused afterwards. Every table is compared at the end,
/// row by row; only then does the studio belong to the other database. An interruption before
/// that leaves it as it was, and the same command goes on. The old database stays, sealed.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  pegbar migrate-to postgres://me:secret@localhost/pegbar
  pegbar migrate-to sqlite")]
pub(crate) struct Args {
    /// An empty database: postgres://user:password@host:port/database, or sqlite
    #[arg(value_name = "DATABASE", value_parser = database)]
    database: DatabaseAddress,
}

pub(crate) async fn run(args: Args, context: &Context) -> Result<(), CommandError> {
    let output = &context.output;
    let studio = context.studio().await?;
    let progress = output.progress(0, "rows");
    let moved = studio
        .migrate_to(&args.database, |done, total| progress.set(done, total))
        .await;
    progress.finish();
    let moved = moved?;
    if output.is_json() {
        output.json(&moved)?;
    } else {
        print(&moved, output)?;
    }
    output.note(what_to_set(&moved));
    Ok(())
}

fn print(moved: &MovedDatabase, output: &Output) -> Result<(), CommandError> {
    let rows = moved.tables.iter().map(|table| table.rows).sum();
    let how = if moved.is_resumed {
        ", going on where an earlier command ended"
    } else {
        ""
    };
    output.line(format_args!(
        "moved {} of {}{how}; all are the same on both sides",
        count(rows, "row"),
        count(moved.tables.len() as u64, "table")
    ))
}

fn what_to_set(moved: &MovedDatabase) -> &'static str {
    match moved.engine {
        Engine::Postgres => {
            "hint: from now on the studio needs the address: `pegbar config set database-url -` in \
             it, which reads it from standard input, or PEGBAR_DATABASE_URL"
        }
        Engine::Sqlite => {
            "hint: from now on the studio needs no address: `pegbar config unset database-url` in \
             it, and unset PEGBAR_DATABASE_URL"
        }
    }
}
