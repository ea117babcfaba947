//! `pegbar init`.

use std::path::{Path, PathBuf};

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
    /// The folder, made if it is not there; else the one of --studio, or the current one
    #[arg(value_name = "DIR")]
    folder: Option<PathBuf>,
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
    let folder = match (&args.folder, context.named_folder()) {
        (Some(folder), _) => folder.as_path(),
        (None, Some(named)) => named,
        (None, None) => Path::new("."),
    };
    let studio = context.create_studio(folder).await?;
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
