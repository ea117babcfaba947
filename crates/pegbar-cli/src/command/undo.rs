//! `pegbar undo`.

use pegbar::{PageRequest, Studio, TrashEntry, TrashFilter};

use super::trash::print_restored;
use crate::context::Context;
use crate::error::CommandError;
use crate::find::InProject;
use crate::options::Confirmation;
use crate::output::Output;
use crate::text::{minute, quoted};

/// Undo the last deletion
///
/// What was deleted last comes back from the trash: frames that were removed, an asset, an
/// animation, a character, or dropped bytes; without --project, what was deleted last in any
/// project. Said again, the one before follows. Where nobody can answer, nobody is asked. A
/// project that was deleted itself comes back with `pegbar trash restore`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  pegbar undo --dry-run\n  pegbar undo")]
pub(crate) struct Args {
    #[command(flatten)]
    within: InProject,
    /// Only say what would come back
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    confirmation: Confirmation,
}

pub(crate) async fn run(args: Args, context: &Context) -> Result<(), CommandError> {
    let studio = &context.studio().await?;
    let output = &context.output;
    let entry = last_deletion(studio, &args.within).await?;
    let (kind, name, time) = (entry.kind, quoted(&entry.name), minute(entry.deleted_at));
    let what = format!(
        "the deletion of the {kind} {name} of {time} (deletion {})",
        entry.id
    );
    if args.dry_run {
        return say(output, &entry, &what);
    }
    if args.confirmation.is_open(output) {
        let question = format_args!("Undo {what}?");
        args.confirmation
            .agree(output, question, "nothing was undone")?;
    }
    print_restored(output, &studio.restore(entry.id).await?)
}

fn say(output: &Output, entry: &TrashEntry, what: &str) -> Result<(), CommandError> {
    if output.is_json() {
        return output.json(entry);
    }
    output.line(format_args!("would undo {what}"))
}

/// Finds what was deleted last in the project that is meant, or in any.
async fn last_deletion(studio: &Studio, within: &InProject) -> Result<TrashEntry, CommandError> {
    let mut last: Option<TrashEntry> = None;
    for project in within.projects(studio).await? {
        let filter = TrashFilter {
            project: Some(project.id),
            ..TrashFilter::default()
        };
        let page = PageRequest::default().descending().limit(1);
        let newest = studio.list_deletions(&filter, page).await?.rows.pop();
        // Ids of later deletions are greater.
        last = last.into_iter().chain(newest).max_by_key(|entry| entry.id);
    }
    last.ok_or_else(|| {
        CommandError::refused("not_found", "nothing was deleted that could come back")
            .hint("what else is in the trash: `pegbar trash list`")
    })
}
