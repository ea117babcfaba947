//! `pegbar lineage frames`.

use pegbar::Studio;

use super::asset_meant;
use crate::error::CommandError;
use crate::find::InProject;
use crate::output::{Output, Table};
use crate::text::one_line;

/// List the frames that come from an asset: which ones still have the old design
///
/// Those that show something made from it, directly or not, and those that show it, by
/// animation. STEPS says how far what the frame shows is from the asset: 1 where it was made
/// from it, 0 where it is the asset.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  pegbar lineage frames Tabby/front")]
pub(super) struct Args {
    /// The asset: a variation by its name, any by the end of its id, or ANIMATION/INDEX for what
    /// a frame shows
    asset: String,
    #[command(flatten)]
    within: InProject,
}

impl Args {
    pub(super) async fn run(&self, studio: &Studio, output: &Output) -> Result<(), CommandError> {
        let asset = asset_meant(studio, &self.within, &self.asset).await?;
        let animations = studio.frames_from(asset.id).await?;
        if output.is_json() {
            return output.json(&animations);
        }
        let mut table = Table::new(&["FRAME", "STEPS", "SHOWS"]);
        for it in &animations {
            for frame in &it.frames {
                let name = format!("{}/{}/{}", it.character, it.animation, frame.frame_index);
                table.row(vec![
                    one_line(&name, 60),
                    frame.depth.to_string(),
                    output.id(frame.asset_id),
                ]);
            }
        }
        output.table(table)?;
        if animations.is_empty() {
            output.note("no frame comes from it");
        }
        Ok(())
    }
}
