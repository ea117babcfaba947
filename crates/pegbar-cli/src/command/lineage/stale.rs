//! `pegbar lineage stale`.

use std::collections::HashMap;

use clap::ValueEnum;
use pegbar::{
    AssetId, StaleAnimation, StaleCause, StaleOptions, StaleReason, StaleScope, Studio, Whereabouts,
};

use crate::error::CommandError;
use crate::find::{self, InProject, Thing};
use crate::output::{Output, Table};
use crate::text::{count, one_line};

/// List the frames made from what is no longer meant: from a take that no frame shows, or from
/// a variation that is not primary
///
/// A frame made from the primary variation, too, is not stale for the sake of another one. What
/// was shown earlier is not recorded: a take that was never shown counts like one that is no
/// longer shown.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  pegbar lineage stale Tabby/Walk
  pegbar lineage stale --transitive --reason take")]
pub(super) struct Args {
    /// The project, character or animation; else the studio's only project
    #[arg(value_name = "PROJECT|CHARACTER|ANIMATION")]
    thing: Option<String>,
    /// Also where only something further back was made from it
    #[arg(long)]
    transitive: bool,
    /// Only for this reason: take (no frame shows it) or design (not the primary variation)
    #[arg(long = "reason", value_name = "REASON", hide_possible_values = true)]
    reasons: Vec<Reason>,
    #[command(flatten)]
    within: InProject,
}

/// Why a frame is stale, as people say it.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Reason {
    Take,
    Design,
}

impl From<Reason> for StaleReason {
    fn from(reason: Reason) -> Self {
        match reason {
            Reason::Take => Self::TakeNotShown,
            Reason::Design => Self::VariationNotPrimary,
        }
    }
}

impl Args {
    pub(super) async fn run(&self, studio: &Studio, output: &Output) -> Result<(), CommandError> {
        let scope = self.scope(studio).await?;
        let options = StaleOptions {
            reasons: self.reasons.iter().copied().map(Into::into).collect(),
            transitive: self.transitive,
        };
        let stale = studio.stale_frames(scope, &options).await?;
        if output.is_json() {
            return output.json(&stale);
        }
        let causes = named_causes(studio, &stale).await?;
        let mut table = Table::new(&["FRAME", "COMES FROM", "AS", "STEPS", "WHICH IS", "ASSET ID"]);
        for it in &stale {
            for frame in &it.frames {
                for cause in &frame.causes {
                    let name = format!("{}/{}/{}", it.character, it.animation, frame.frame_index);
                    let comes_from = causes.get(&cause.asset_id).map(ToString::to_string);
                    table.row(vec![
                        one_line(&name, 60),
                        one_line(&comes_from.unwrap_or_default(), 60),
                        cause.role.to_string(),
                        cause.depth.to_string(),
                        which_is(cause).to_owned(),
                        output.id(cause.asset_id),
                    ]);
                }
            }
        }
        output.table(table)?;
        let frames = stale.iter().map(|it| it.frames.len() as u64).sum();
        output.note(match frames {
            0 => "no frame is stale".to_owned(),
            1 => "1 frame is stale".to_owned(),
            frames => format!("{} are stale", count(frames, "frame")),
        });
        Ok(())
    }

    async fn scope(&self, studio: &Studio) -> Result<StaleScope, CommandError> {
        let Some(wanted) = &self.thing else {
            return Ok(StaleScope::Project(self.within.one(studio).await?.id));
        };
        Ok(match find::thing(studio, &self.within, wanted).await? {
            Thing::Project(project) => StaleScope::Project(project.id),
            Thing::Character(character) => StaleScope::Character(character.id),
            Thing::Animation(animation) => StaleScope::Animation(animation.id),
            thing => {
                let message = format!("\"{wanted}\" is a single {}", thing.kind());
                let hint = "say the animation; `pegbar lineage` tells what one asset comes from";
                return Err(CommandError::refused("invalid", message).hint(hint));
            }
        })
    }
}

fn which_is(cause: &StaleCause) -> &'static str {
    match cause.reason {
        StaleReason::TakeNotShown => "not shown",
        StaleReason::VariationNotPrimary => "not primary",
    }
}

/// Returns what people know the causes by; all are of one project.
async fn named_causes(
    studio: &Studio,
    stale: &[StaleAnimation],
) -> Result<HashMap<AssetId, Whereabouts>, CommandError> {
    let Some(first) = stale.first() else {
        return Ok(HashMap::new());
    };
    let project = studio.get_animation(first.animation_id).await?.project_id;
    let frames = stale.iter().flat_map(|it| &it.frames);
    let causes = frames.flat_map(|frame| &frame.causes);
    let mut ids: Vec<AssetId> = causes.map(|cause| cause.asset_id).collect();
    ids.sort_unstable();
    ids.dedup();
    let named = studio.whereabouts(project, &ids).await?.into_iter();
    Ok(named.map(|it| (it.asset_id, it)).collect())
}
