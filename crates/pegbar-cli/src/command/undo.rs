//! `pegbar undo`.

use pegbar::{
    ChangedEntity, DeletionKind, EntityKind, LastAction, ProjectId, Studio, TrashEntry,
    TrashFilter, Undone,
};

use super::trash::print_shortfalls;
use crate::context::Context;
use crate::error::CommandError;
use crate::find::{self, InProject};
use crate::list::every;
use crate::options::Confirmation;
use crate::output::Output;
use crate::text::minute;

/// Undo the last action
///
/// Whatever was done last is taken back: what was created goes to the trash, what was deleted
/// comes back from there, what was changed or moved is as before; without --project, what was
/// done last in any project, also in one that was deleted itself. Said again, the action before
/// follows. An action that can't be undone, such as an import or a recorded generation, is
/// named, and nothing older is undone in its place. Where nobody can answer, nobody is asked.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  pegbar undo --dry-run\n  pegbar undo")]
pub(crate) struct Args {
    #[command(flatten)]
    within: InProject,
    /// Only say what would be undone
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    confirmation: Confirmation,
}

pub(crate) async fn run(args: Args, context: &Context) -> Result<(), CommandError> {
    let studio = &context.studio().await?;
    let output = &context.output;
    let project = meant(studio, &args.within).await?;
    let action = studio.last_action(project).await?.ok_or_else(|| {
        CommandError::refused("not_found", "there is nothing to undo")
            .hint("what is in the trash: `pegbar trash list`")
    })?;
    let what = named(&action, project.is_none());
    if let Some(obstacle) = &action.obstacle {
        let message = format!("{what} can't be undone: {}", obstacle.message);
        return Err(CommandError::refused("conflict", message).hint(&obstacle.hint));
    }
    if args.dry_run {
        if output.is_json() {
            return output.json(&action);
        }
        return output.line(format_args!("would undo {what}"));
    }
    if args.confirmation.is_open(output) {
        let question = format_args!("Undo {what}?");
        args.confirmation
            .agree(output, question, "nothing was undone")?;
    }
    print(output, &what, &studio.undo(&action).await?)
}

/// Says what an action was, when, and in which project where that was not said.
fn named(action: &LastAction, says_project: bool) -> String {
    let LastAction {
        what,
        project,
        number,
        created_at,
        ..
    } = action;
    let is_own = |it: &ChangedEntity| it.entity == EntityKind::Project;
    let project = if says_project && !action.entities.iter().any(is_own) {
        format!(" in {project:?}")
    } else {
        String::new()
    };
    format!(
        "{what}{project} of {} (change {number})",
        minute(*created_at)
    )
}

fn print(output: &Output, what: &str, undone: &Undone) -> Result<(), CommandError> {
    if output.is_json() {
        output.json(undone)?;
    } else {
        output.line(format_args!("undid {what}"))?;
        if let Some(deletion) = &undone.deletion {
            let id = deletion.id;
            output.note(format_args!("what went is in the trash (deletion {id})"));
        }
    }
    if let Some(restored) = &undone.restored {
        print_shortfalls(output, restored);
    }
    Ok(())
}

/// Finds the project that is named, also one that is in the trash; `None` for any.
async fn meant(studio: &Studio, within: &InProject) -> Result<Option<ProjectId>, CommandError> {
    let Some(wanted) = &within.project else {
        return Ok(None);
    };
    match find::project(studio, wanted).await {
        Err(error) if error.is_not_found() => match deleted(studio, wanted).await? {
            Some(project) => Ok(Some(project)),
            None => Err(error),
        },
        found => Ok(Some(found?.id)),
    }
}

/// Finds the project that was deleted last under a name or an id.
async fn deleted(studio: &Studio, wanted: &str) -> Result<Option<ProjectId>, CommandError> {
    let filter = TrashFilter {
        kind: Some(DeletionKind::Project),
        ..TrashFilter::default()
    };
    let mut found = None;
    every(
        async |page| studio.list_deletions(&filter, page).await,
        |entry: TrashEntry| {
            if entry.project == *wanted || entry.project_id.to_string() == *wanted {
                found = Some(entry.project_id);
            }
        },
    )
    .await?;
    Ok(found)
}
