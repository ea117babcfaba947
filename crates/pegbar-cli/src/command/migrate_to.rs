//! `pegbar migrate-to`.

use pegbar::{DatabaseAddress, Engine, MovedDatabase};

use crate::config::without_password;
use crate::context::Context;
use crate::error::CommandError;
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
    #[arg(value_name = "DATABASE")]
    database: String,
}

pub(crate) async fn run(args: Args, context: &Context) -> Result<(), CommandError> {
    let output = &context.output;
    let to = match args.database.as_str() {
        "sqlite" => DatabaseAddress::Sqlite,
        address if address.starts_with("postgres://") || address.starts_with("postgresql://") => {
            DatabaseAddress::Postgres(address.to_owned())
        }
        _ => {
            let error = CommandError::usage("that is neither a PostgreSQL address nor sqlite");
            return Err(error.hint("it looks like postgres://user:password@host:5432/database"));
        }
    };
    let studio = context.studio().await?;
    let progress = output.progress(0, "rows");
    let moved = studio
        .migrate_to(&to, |done, total| progress.set(done, total))
        .await;
    progress.finish();
    let moved = moved?;
    if output.is_json() {
        output.json(&moved)?;
    } else {
        print(&moved, output)?;
    }
    say_what_to_set(&moved, &args.database, output);
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

fn say_what_to_set(moved: &MovedDatabase, address: &str, output: &Output) {
    match moved.engine {
        Engine::Postgres => {
            let shown = without_password(address);
            output.note(format_args!(
                "hint: from now on the studio needs the address: `pegbar config set database-url \
                 {shown}` in it, or PEGBAR_DATABASE_URL={shown}"
            ));
        }
        Engine::Sqlite => output.note(
            "hint: from now on the studio needs no address: `pegbar config unset database-url` \
             in it, and unset PEGBAR_DATABASE_URL",
        ),
    }
}
