//! `pegbar reproduce`.

use std::ops::ControlFlow;

use pegbar::{AssetId, Reproduction, Studio};

use crate::context::Context;
use crate::error::CommandError;
use crate::find::{self, InProject, Thing};
use crate::output::Output;
use crate::text::{count, quoted};

/// Of how many requests it is said what is missing.
const MAX_WARNED: u64 = 20;

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
        return print_all(studio, output, id).await;
    }
    let reproduction = studio.reproduce(id).await?;
    for missing in &reproduction.missing {
        output.warning(missing);
    }
    output.json(&reproduction)
}

/// Prints the requests of an asset and of everything that it was made from while they are read,
/// then warns of what is missing of the first few.
async fn print_all(studio: &Studio, output: &Output, id: AssetId) -> Result<(), CommandError> {
    let mut array = output.json_array();
    let mut printed = Ok(());
    let (mut warnings, mut incomplete) = (Vec::new(), 0_u64);
    let print = |reproduction: Reproduction| {
        incomplete += u64::from(!reproduction.missing.is_empty());
        if incomplete <= MAX_WARNED {
            let asset = reproduction.asset_id;
            let missing = reproduction.missing.iter();
            warnings.extend(missing.map(|missing| {
                if asset == id {
                    missing.to_string()
                } else {
                    format!("{asset}: {missing}")
                }
            }));
        }
        printed = array.element(&reproduction);
        match printed {
            Ok(()) => ControlFlow::Continue(()),
            Err(_) => ControlFlow::Break(()),
        }
    };
    let read = studio.reproduce_with_inputs(id, print).await;
    printed?;
    read?;
    array.finish()?;
    for warning in warnings {
        output.warning(warning);
    }
    if incomplete > MAX_WARNED {
        let more = count(incomplete - MAX_WARNED, "more request");
        output.warning(format_args!(
            "something is missing of {more}, too: it stands in `missing`"
        ));
    }
    Ok(())
}
