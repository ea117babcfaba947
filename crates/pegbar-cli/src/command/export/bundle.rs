//! `pegbar export bundle`.

use std::path::PathBuf;

use crate::context::Context;
use crate::error::CommandError;
use crate::find::InProject;
use crate::text::{count, quoted, size};

/// Write a project with all of its records and images into one file
///
/// `pegbar import bundle` makes it again from the file, in any studio and on either engine, with
/// the same ids and hashes, or as a copy. What was deleted is not in it. The format is described
/// in docs/bundle.md; the file is a tar archive.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  pegbar export bundle --project 'Alley cats' cats.pegbar")]
pub(super) struct Bundle {
    /// The file
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    within: InProject,
    /// Replace the file if it is there
    #[arg(long)]
    force: bool,
}

impl Bundle {
    pub(super) async fn run(self, context: &Context) -> Result<(), CommandError> {
        let studio = context.studio().await?;
        let output = &context.output;
        let project = self.within.one(&studio).await?;
        let progress = output.progress(0, "images");
        let exported = studio
            .export_bundle(project.id, &self.file, self.force, |done, total| {
                progress.set(done, total);
            })
            .await;
        progress.finish();
        let exported = exported.map_err(|error| match error {
            pegbar::Error::Conflict { message, .. } => {
                let error = CommandError::refused("conflict", message);
                error.hint("name another file, or say --force to replace it")
            }
            error => error.into(),
        })?;
        if output.is_json() {
            return output.json(&exported);
        }
        output.line(format_args!(
            "wrote {} into {} ({}): {}, {}",
            quoted(&project.name),
            exported.file.display(),
            size(exported.file_size),
            count(exported.rows, "row"),
            count(exported.blobs, "image")
        ))
    }
}
