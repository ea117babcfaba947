//! `pegbar reproduce`.

use pegbar::Reproduction;

use crate::context::Context;
use crate::error::CommandError;
use crate::find::{self, InProject, Thing};
use crate::output::Output;
use crate::text::quoted;

/// Print the request that would make an image again, as JSON, and say what is missing of it
///
/// The request is what was recorded: prompts, model, settings and inputs, each with its bytes'
/// SHA-256 and where they are. What is missing stands in it and, as warnings, on standard error.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  pegbar reproduce Tabby/Walk/3 > request.json
  pegbar reproduce 3f9c1a --deep    with the requests of everything it was made from")]
pub(crate) struct Args {
    /// The asset, by its id, the end of it or the name it came with; or a frame, for its image
    asset: String,
    /// Also the requests of everything that it was made from, inputs first, as an array
    #[arg(long)]
    deep: bool,
    #[command(flatten)]
    within: InProject,
}

pub(crate) async fn run(args: Args, context: &Context) -> Result<(), CommandError> {
    let studio = &context.studio().await?;
    let output = &context.output;
    let id = match find::thing(studio, &args.within, &args.asset).await? {
        Thing::Asset(asset) => asset.id,
        Thing::Frame(frame) => frame.asset_id,
        thing => {
            let name = quoted(&args.asset);
            let message = format!("{name} means a whole {}, not one image", thing.kind());
            let hint = match thing {
                Thing::Animation(_) => "say which frame: ANIMATION/INDEX",
                Thing::Character(_) => "say which variation: CHARACTER/NAME",
                _ => "say which asset; `pegbar asset list` lists them",
            };
            return Err(CommandError::refused("invalid", message).hint(hint));
        }
    };
    if args.deep {
        let all = studio.reproduce_with_inputs(id).await?;
        for reproduction in &all {
            let prefix = if reproduction.asset_id == id {
                String::new()
            } else {
                format!("{}: ", reproduction.asset_id)
            };
            warn(output, &prefix, reproduction);
        }
        return output.json(&all);
    }
    let reproduction = studio.reproduce(id).await?;
    warn(output, "", &reproduction);
    output.json(&reproduction)
}

fn warn(output: &Output, prefix: &str, reproduction: &Reproduction) {
    for missing in &reproduction.missing {
        output.warning(format_args!("{prefix}{missing}"));
    }
}
