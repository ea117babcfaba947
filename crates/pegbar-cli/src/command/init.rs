//! `pegbar init`.

use std::path::PathBuf;

use serde::Serialize;

use crate::config::Key;
use crate::context::Context;
use crate::error::CommandError;
use crate::text::serialize_path;

/// Create a studio
///
/// A studio is a folder: a database, the bytes of every image, and a tree of files below
/// public/assets. The folder may hold other things, a web app for example. With an address in
/// `PEGBAR_DATABASE_URL` the rows go into that PostgreSQL database.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  pegbar init my-studio")]
pub(crate) struct Args {
    /// The folder; it is made if it is not there
    #[arg(default_value = ".", value_name = "DIR")]
    folder: PathBuf,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Created {
    #[serde(serialize_with = "serialize_path")]
    folder: PathBuf,
    #[serde(serialize_with = "serialize_path")]
    assets_folder: PathBuf,
}

pub(crate) async fn run(args: Args, context: &Context) -> Result<(), CommandError> {
    let studio = context.create_studio(&args.folder).await?;
    let database = context.settings.get(Key::DatabaseUrl)?;
    let created = Created {
        folder: studio.root().to_owned(),
        assets_folder: studio.assets_folder(),
    };
    if context.output.is_json() {
        return context.output.json(&created);
    }
    let folder = created.folder.display();
    context
        .output
        .line(format_args!("created a studio in {folder}"))?;
    let files = created.assets_folder.display();
    context
        .output
        .line(format_args!("the files will be in  {files}"))?;
    if database.is_some() {
        context.output.note(
            "hint: `pegbar config set database-url ADDRESS` in it makes the variable unnecessary",
        );
    }
    context
        .output
        .note("hint: `pegbar project create NAME` comes next");
    Ok(())
}
