//! `pegbar trash`.

use std::time::Duration;

use pegbar::{
    PurgeOptions, PurgeReport, PurgeScope, RestoredDeletion, Studio, TrashEntry, TrashFilter,
};

use crate::context::Context;
use crate::error::CommandError;
use crate::find;
use crate::list::{Part, print};
use crate::options::{Confirmation, duration};
use crate::output::Output;
use crate::text::{count, counts, minute, quoted, size};

/// List what was deleted, bring it back, or remove it for good
///
/// What is deleted goes to the trash and stays there until it is purged.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  pegbar trash list
  pegbar trash restore 3f9c1a
  pegbar trash purge --older-than 30d")]
pub(crate) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    List(List),
    Show(Show),
    Restore(Restore),
    Purge(Purge),
}

/// List the deletions that the trash keeps, the oldest first
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  pegbar trash list\n  pegbar trash list --project Zoo")]
struct List {
    /// Only those in this project; one that was deleted itself by its whole id
    #[arg(long, short, value_name = "PROJECT")]
    project: Option<String>,
    #[command(flatten)]
    part: Part,
}

/// Show one deletion: what went, when, and what it changed of what stayed
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  pegbar trash show 3f9c1a")]
struct Show {
    /// The deletion, by its id or the end of it
    deletion: String,
}

/// Bring back all that a deletion took
///
/// Ids, order, tags, references and the rest come back as they were. Where a name was taken
/// meanwhile, the display name stays and the files get another ending.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  pegbar trash restore 3f9c1a")]
struct Restore {
    /// The deletion, by its id or the end of it
    deletion: String,
}

/// Remove deletions for good, and the bytes that nothing needs any more
///
/// Of each asset its record stays, by which its hash can still be explained: `pegbar asset show`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  pegbar trash purge --older-than 30d
  pegbar trash purge 3f9c1a
  pegbar trash purge --all --dry-run
  pegbar trash purge --unnamed --grace 7d")]
struct Purge {
    /// One deletion, by its id or the end of it
    #[arg(required_unless_present_any = ["older_than", "all", "unnamed"])]
    deletion: Option<String>,
    /// Those that are older: a number with s, m, h, d or w behind it
    #[arg(long, value_name = "AGE", value_parser = duration, conflicts_with_all = ["deletion", "all"])]
    older_than: Option<Duration>,
    /// Everything in the trash
    #[arg(long, conflicts_with = "deletion")]
    all: bool,
    /// Also bytes that nothing has named since they were taken in: uploads that were never used,
    /// and what a crash left
    #[arg(long)]
    unnamed: bool,
    /// How long bytes stay that nothing names any more
    #[arg(long, value_name = "AGE", value_parser = duration, default_value = "1d")]
    grace: Duration,
    /// Only say what would go
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    confirmation: Confirmation,
}

pub(crate) async fn run(args: Args, context: &Context) -> Result<(), CommandError> {
    let studio = &context.studio().await?;
    let output = &context.output;
    match args.action {
        Action::List(list) => list.run(studio, output).await,
        Action::Show(show) => show.run(studio, output).await,
        Action::Restore(restore) => restore.run(studio, output).await,
        Action::Purge(purge) => purge.run(studio, output).await,
    }
}

fn gone(entry: &TrashEntry) -> String {
    counts(&[
        (entry.characters, "character"),
        (entry.animations, "animation"),
        (entry.frames, "frame"),
        (entry.assets, "asset"),
    ])
}

impl List {
    async fn run(self, studio: &Studio, output: &Output) -> Result<(), CommandError> {
        let project = match &self.project {
            None => None,
            Some(wanted) => match wanted.parse() {
                Ok(id) => Some(id),
                Err(_) => Some(find::project(studio, wanted).await?.id),
            },
        };
        let filter = TrashFilter {
            project,
            ..TrashFilter::default()
        };
        print(
            output,
            &self.part,
            &["DELETED", "KIND", "NAME", "WENT", "SIZE", "PROJECT", "ID"],
            async |page| studio.list_deletions(&filter, page).await,
            |entry: &TrashEntry| {
                vec![
                    output.time(entry.deleted_at),
                    entry.kind.to_string(),
                    entry.name.clone(),
                    gone(entry),
                    size(entry.file_size),
                    entry.project.clone(),
                    output.id(entry.id),
                ]
            },
        )
        .await
    }
}

impl Show {
    async fn run(self, studio: &Studio, output: &Output) -> Result<(), CommandError> {
        let entry = find::deletion(studio, &self.deletion).await?;
        if output.is_json() {
            return output.json(&entry);
        }
        let effects = entry.effects()?;
        let promoted = effects.promoted.map(|it| match it.to {
            Some(to) => format!("{to} took the place of {} as primary variation", it.from),
            None => format!("{} was the only variation", it.from),
        });
        let thumbnail = effects.cleared_thumbnail.map(|id| id.to_string());
        let kept = effects.kept_takes.len() as u64;
        output.fields(
            &format!("{} {}", entry.kind, quoted(&entry.name)),
            &[
                ("id", entry.id.to_string()),
                (
                    "project",
                    format!("{} ({})", quoted(&entry.project), entry.project_id),
                ),
                ("deleted", minute(entry.deleted_at)),
                ("went", gone(&entry)),
                ("size", size(entry.file_size)),
                ("cleared thumbnail", thumbnail.unwrap_or_default()),
                ("primary", promoted.unwrap_or_default()),
                (
                    "takes that stayed",
                    if kept > 0 {
                        count(kept, "take")
                    } else {
                        String::new()
                    },
                ),
            ],
        )
    }
}

impl Restore {
    async fn run(self, studio: &Studio, output: &Output) -> Result<(), CommandError> {
        let entry = find::deletion(studio, &self.deletion).await?;
        let restored = studio.restore(entry.id).await?;
        print_restored(output, &restored)
    }
}

/// Says what came back.
fn print_restored(output: &Output, restored: &RestoredDeletion) -> Result<(), CommandError> {
    if output.is_json() {
        output.json(restored)?;
    } else {
        let entry = &restored.deletion;
        let (kind, name) = (entry.kind, quoted(&entry.name));
        output.line(format_args!("restored the {kind} {name}: {}", gone(entry)))?;
    }
    print_shortfalls(output, restored);
    Ok(())
}

/// Says what is not as it was before the deletion.
pub(super) fn print_shortfalls(output: &Output, restored: &RestoredDeletion) {
    if !output.is_json() {
        for it in &restored.renamed {
            let (name, to) = (quoted(&it.name), &it.to);
            output.note(format_args!(
                "the name of {name} in paths, {}, was taken meanwhile: it is {to} now",
                it.from
            ));
        }
        restored.left.iter().for_each(|left| output.note(left));
    }
    let missing = restored.missing.len() as u64 + restored.more_missing;
    if missing > 0 {
        output.warning(format_args!(
            "the store does not have the bytes of {}; `pegbar verify` says which",
            count(missing, "asset")
        ));
    }
}

impl Purge {
    async fn run(self, studio: &Studio, output: &Output) -> Result<(), CommandError> {
        let scope = match (&self.deletion, self.older_than) {
            (Some(wanted), _) => PurgeScope::Deletion(find::deletion(studio, wanted).await?.id),
            (None, Some(age)) => PurgeScope::OlderThan(millis(age)),
            (None, None) if self.all => PurgeScope::All,
            // Nothing of the trash.
            (None, None) => PurgeScope::OlderThan(u64::MAX),
        };
        let mut options = PurgeOptions {
            grace_ms: millis(self.grace),
            unnamed: self.unnamed,
            dry_run: true,
        };
        if !self.dry_run && !self.confirmation.is_given() {
            let plan = studio.purge(scope, options, |_| {}).await?;
            let mut what = what(&plan);
            if self.unnamed {
                let blobs = count(plan.waiting_blobs, "blob");
                what = format!("{what}, and {blobs} that nothing names,");
            }
            let question = format_args!("Remove {what} for good?");
            self.confirmation
                .agree(output, question, "nothing was purged")?;
        }
        options.dry_run = self.dry_run;
        let progress = output.progress(0, "purging");
        let report = studio.purge(scope, options, |done| progress.set(done, done));
        let report = report.await?;
        progress.finish();
        print_report(output, &report)
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

fn what(report: &PurgeReport) -> String {
    format!(
        "{} with {} ({})",
        count(report.deletions, "deletion"),
        count(report.assets, "asset"),
        size(report.file_size)
    )
}

fn print_report(output: &Output, report: &PurgeReport) -> Result<(), CommandError> {
    if output.is_json() {
        return output.json(report);
    }
    if report.is_dry_run {
        output.line(format_args!("would purge {}", what(report)))?;
    } else {
        output.line(format_args!("purged {}", what(report)))?;
        output.line(format_args!(
            "removed {} ({})",
            count(report.removed_blobs, "blob"),
            size(report.removed_bytes)
        ))?;
    }
    if report.waiting_blobs > 0 {
        output.note(format_args!(
            "{} that nothing needs any more wait for the end of their grace: the next purge \
             removes them",
            count(report.waiting_blobs, "blob")
        ));
    }
    Ok(())
}
