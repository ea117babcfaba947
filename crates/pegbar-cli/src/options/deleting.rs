//! Deleting: the plan is shown, then asked about, then carried out as it was shown.

use pegbar::{DeletionPlan, DeletionTarget, Studio};

use super::{Confirmation, print_deletion};
use crate::error::CommandError;
use crate::output::Output;
use crate::text::{counts, quoted, size};

/// Whether a deletion asks first, or only says what it would do.
#[derive(Clone, Copy, Debug, clap::Args)]
pub(crate) struct Deleting {
    #[command(flatten)]
    confirmation: Confirmation,
    /// Only say what would go, what stays, and who uses it
    #[arg(long)]
    dry_run: bool,
}

impl Deleting {
    /// Deletes what `what` names, once the answer to the question is yes.
    pub(crate) async fn carry_out(
        self,
        studio: &Studio,
        output: &Output,
        target: DeletionTarget,
        (what, question): (&str, &str),
    ) -> Result<(), CommandError> {
        let plan = studio.plan_deletion(target).await?;
        if self.dry_run {
            return print(output, &plan);
        }
        self.show_and_ask(output, &plan, question)?;
        let deletion = studio.delete_as_planned(&plan).await?;
        print_deletion(output, what, &deletion)
    }

    /// Asks about a deletion that scripts are not asked about.
    pub(crate) async fn ask_people(
        self,
        studio: &Studio,
        output: &Output,
        target: DeletionTarget,
        question: &str,
    ) -> Result<Asked, CommandError> {
        if !self.dry_run && !self.confirmation.is_open(output) {
            return Ok(Asked::Nobody);
        }
        let plan = studio.plan_deletion(target).await?;
        if self.dry_run {
            print(output, &plan)?;
            return Ok(Asked::OnlyShown);
        }
        self.show_and_ask(output, &plan, question)?;
        Ok(Asked::Agreed(Box::new(plan)))
    }

    /// Shows what goes to somebody who can answer, and asks.
    fn show_and_ask(
        self,
        output: &Output,
        plan: &DeletionPlan,
        question: &str,
    ) -> Result<(), CommandError> {
        if self.confirmation.is_open(output) {
            for line in &lines(plan) {
                output.note(line);
            }
        }
        self.confirmation.ask(output, question)
    }
}

/// What came of asking about a deletion that scripts are not asked about.
pub(crate) enum Asked {
    /// It was only to be said what would go.
    OnlyShown,
    /// Somebody has seen this, and agreed.
    Agreed(Box<DeletionPlan>),
    /// Nobody was asked.
    Nobody,
}

fn print(output: &Output, plan: &DeletionPlan) -> Result<(), CommandError> {
    if output.is_json() {
        return output.json(plan);
    }
    lines(plan).iter().try_for_each(|line| output.line(line))
}

/// Says in lines what a deletion would do.
fn lines(plan: &DeletionPlan) -> Vec<String> {
    let mut lines = vec![format!(
        "deleting the {} {}:",
        match plan.kind.as_str() {
            "frames" => "frame",
            kind => kind,
        },
        quoted(&plan.name)
    )];
    let going = [
        (plan.characters, "character"),
        (plan.animations, "animation"),
        (plan.frames, "frame"),
        (plan.assets, "asset"),
    ];
    let bytes = if plan.assets > 0 {
        format!(" ({})", size(plan.file_size))
    } else {
        String::new()
    };
    lines.push(format!("  goes: {}{bytes}", counts(&going)));
    for named in &plan.named {
        lines.push(format!("    {} {}", named.entity, quoted(&named.name)));
    }
    let total = plan.characters + plan.animations + plan.assets;
    let more = total.saturating_sub(plan.named.len() as u64);
    if more > 0 && !plan.named.is_empty() {
        lines.push(format!("    and {more} more"));
    }
    for named in &plan.staying {
        lines.push(format!("  stays: {} {}", named.entity, quoted(&named.name)));
    }
    let more = plan
        .effects
        .kept_takes
        .len()
        .saturating_sub(plan.staying.len());
    if more > 0 {
        lines.push(format!("    and {more} more"));
    }
    if let Some(promoted) = plan.effects.promoted {
        lines.push(match promoted.to {
            Some(_) => "  it is the primary variation: the one that stays takes its place".into(),
            None => "  it is the only variation: the character has no primary one then".into(),
        });
    }
    if plan.effects.cleared_thumbnail.is_some() {
        lines.push("  the thumbnail of the project goes, and is cleared".to_owned());
    }
    for user in &plan.users {
        lines.push(format!("  is used: {user}"));
    }
    if plan.more_users > 0 {
        lines.push(format!("    and {} more", plan.more_users));
    }
    if plan.is_refused() {
        lines.push("  it is refused as long as it is used".to_owned());
    }
    lines
}
