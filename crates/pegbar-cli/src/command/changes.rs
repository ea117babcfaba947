//! `pegbar changes`.

use std::time::Duration;

use pegbar::{ChangeKind, EntityKind, ProjectChange, ProjectId, Studio};

use crate::context::Context;
use crate::error::CommandError;
use crate::find::{self, InProject};
use crate::output::Output;
use crate::text::count;

/// How many changes are read at once.
const PAGE: u32 = 1000;

/// How long is waited before it is asked again whether something has changed.
const PAUSE: Duration = Duration::from_millis(250);

/// Tell what has changed in a project, change by change, and follow it
///
/// Whatever process of Pegbar's made a change, it is told once it is committed, with a number:
/// 1 for the project's first, one more for each that follows. The newest 10,000 are kept. With
/// --json, each is one object on a line of its own.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  pegbar changes 'Alley cats' --follow
  pegbar changes 'Alley cats' --after 1200 --json")]
pub(crate) struct Args {
    /// The project, a deleted one by its whole id; not needed where the studio has one
    #[arg(env = "PEGBAR_PROJECT", hide_env = true)]
    project: Option<String>,
    /// Only those after the change with this number
    #[arg(
        long,
        value_name = "NUMBER",
        default_value_t = 0,
        hide_default_value = true
    )]
    after: u64,
    /// Go on until the project is deleted, or you stop it
    #[arg(long, short)]
    follow: bool,
}

pub(crate) async fn run(args: Args, context: &Context) -> Result<(), CommandError> {
    let studio = &context.studio().await?;
    let output = &context.output;
    let project = project(studio, args.project).await?;
    let mut seen = args.after;
    loop {
        let found = studio.list_changes(project, seen, PAGE).await?;
        if found.first_kept > seen.saturating_add(1) {
            output.warning(format_args!(
                "the changes before {} are not kept any more: read the project anew",
                found.first_kept
            ));
        }
        for change in &found.changes {
            seen = change.number;
            tell(change, output)?;
        }
        if seen < found.last {
            continue;
        }
        let is_deleted = found.changes.last().is_some_and(deletes_project);
        if !args.follow || is_deleted {
            return Ok(());
        }
        // Whoever reads along sees it now, and a reader who has gone is noticed.
        output.finish()?;
        tokio::time::sleep(PAUSE).await;
    }
}

/// Finds the project; a deleted one has no name any more.
async fn project(studio: &Studio, wanted: Option<String>) -> Result<ProjectId, CommandError> {
    let Some(wanted) = wanted else {
        return Ok(InProject::default()
            .one_or(studio, "say which one: `pegbar changes PROJECT`")
            .await?
            .id);
    };
    match (find::project(studio, &wanted).await, wanted.parse()) {
        (Err(error), Ok(id)) if error.is_not_found() => Ok(id),
        (found, _) => Ok(found?.id),
    }
}

fn deletes_project(change: &ProjectChange) -> bool {
    let mut entities = change.entities.iter();
    entities.any(|it| (it.entity, it.change) == (EntityKind::Project, ChangeKind::Deleted))
}

fn tell(change: &ProjectChange, output: &Output) -> Result<(), CommandError> {
    if output.is_json() {
        return output.json_line(change);
    }
    output.line(format_args!(
        "{:>6}  {}  {}",
        change.number,
        change.created_at,
        in_words(change)
    ))
}

/// Says what a change did: each of a kind that is alone by its id, several by how many they are.
fn in_words(change: &ProjectChange) -> String {
    let mut parts = Vec::new();
    for kind in ChangeKind::ALL {
        let mut of_kind = Vec::new();
        for entity in EntityKind::ALL {
            let same = change.entities.iter();
            let same = same.filter(|it| (it.entity, it.change) == (*entity, *kind));
            match same.clone().next() {
                None => {}
                Some(one) if same.clone().count() == 1 => {
                    of_kind.push(format!("{entity} {}", one.id));
                }
                Some(_) => of_kind.push(count(same.count() as u64, entity.as_str())),
            }
        }
        if !of_kind.is_empty() {
            parts.push(format!("{kind} {}", of_kind.join(", ")));
        }
    }
    if change.has_more {
        parts.push("and more".to_owned());
    }
    parts.join("; ")
}
