//! `pegbar asset annotate`.

use pegbar::{Annotation, NewAnnotation, Studio};

use super::Which;
use crate::error::CommandError;
use crate::find;
use crate::output::Output;

/// Say something of an asset after it was made: beside its record, never in it
///
/// An annotation does not change: a wrong one is deleted, and another added.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  pegbar asset annotate side.png 'the tail is wrong' --author Ada
  pegbar asset annotate side.png --delete 3f9c1a")]
#[command(override_usage = "pegbar asset annotate [OPTIONS] <ASSET> <TEXT>")]
pub(super) struct Annotate {
    #[command(flatten)]
    which: Which,
    /// What is to be said
    #[arg(required_unless_present = "delete")]
    text: Option<String>,
    /// Who says it
    #[arg(long, value_name = "NAME")]
    author: Option<String>,
    /// Move an annotation into the trash, by its id or the end of it
    #[arg(long, value_name = "ANNOTATION", conflicts_with_all = ["text", "author"])]
    delete: Option<String>,
}

impl Annotate {
    pub(super) async fn run(self, studio: &Studio, output: &Output) -> Result<(), CommandError> {
        let asset = self.which.find(studio).await?;
        if let Some(wanted) = &self.delete {
            let annotations = studio.list_annotations(asset.id).await?;
            let id = find::annotation(&annotations, wanted)?;
            let deleted = studio.delete_annotation(id).await?;
            return print(output, "moved into the trash:", &deleted);
        }
        let new = NewAnnotation {
            id: None,
            author: self.author,
            text: self.text.unwrap_or_default(),
        };
        let added = studio.annotate_asset(asset.id, new).await?;
        print(output, "added:", &added)
    }
}

fn print(output: &Output, what: &str, annotation: &Annotation) -> Result<(), CommandError> {
    if output.is_json() {
        return output.json(annotation);
    }
    output.line(format_args!("{what} {}", line_of(annotation)))
}

/// Writes an annotation: what, who, when.
pub(super) fn line_of(annotation: &Annotation) -> String {
    let author = annotation.author.as_deref();
    let author = author
        .map(|author| format!("{author}, "))
        .unwrap_or_default();
    let text = annotation.text.replace('\n', "\n     ");
    format!(
        "{text}\n     {author}{} ({})",
        annotation.created_at, annotation.id
    )
}
