//! `pegbar import bundle`.

use std::path::PathBuf;

use pegbar::BundleImport;

use crate::context::Context;
use crate::error::CommandError;
use crate::text::{count, quoted};

/// Take in a project from a file that `pegbar export bundle` wrote
///
/// With the same ids, hashes, order and times; where the project is there already, only as a
/// copy with new ids. The file is checked to its end first: all of it comes in, or nothing.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  pegbar import bundle cats.pegbar
  pegbar import bundle cats.pegbar --as-copy")]
pub(super) struct Args {
    /// The file
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// As another project, with new ids in the old order; the old ones are kept as source ids
    #[arg(long)]
    as_copy: bool,
}

pub(super) async fn run(args: Args, context: &Context) -> Result<(), CommandError> {
    let studio = context.studio().await?;
    let output = &context.output;
    let progress = output.progress(0, "images");
    let options = BundleImport {
        as_copy: args.as_copy,
    };
    let imported = studio
        .import_bundle(&args.file, options, |done, total| progress.set(done, total))
        .await;
    progress.finish();
    let imported = imported?;
    if output.is_json() {
        return output.json(&imported);
    }
    output.line(format_args!(
        "imported the project {} ({}): {}, {}",
        quoted(&imported.name),
        imported.project_id,
        count(imported.rows, "row"),
        count(imported.blobs, "image")
    ))?;
    if args.as_copy {
        output.line(format_args!(
            "it is a copy of {}, whose ids are kept as source ids",
            imported.bundled_id
        ))?;
    }
    Ok(())
}
