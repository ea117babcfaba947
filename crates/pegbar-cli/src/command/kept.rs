//! `pegbar kept`.

use std::fs;
use std::path::{Path, PathBuf};

use pegbar::{
    Animation, AnimationFilter, Asset, AssetFilter, AssetId, Kept, PageRequest, ProjectId, Sha256,
    Studio,
};
use serde::Serialize;

use crate::context::Context;
use crate::error::CommandError;
use crate::find::{self, InProject};
use crate::list::every;
use crate::options::Making;
use crate::output::Output;
use crate::text::{quoted, size};

/// List the files that Pegbar moved aside, and bring one in as a take
///
/// A file below public/assets that someone edited is moved to .pegbar/kept before the image
/// that belongs there takes its place. Pegbar never removes a kept file.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  pegbar kept list
  pegbar kept add Tabby_Walk_3.png")]
pub(crate) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    List(List),
    Add(Box<Add>),
}

/// List the kept files: where each stood, and whether an asset has its bytes
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  pegbar kept list")]
struct List {}

/// Bring a kept file in, as a take of the animation that it stood in
///
/// The kept file stays. `pegbar take use` shows the take in a frame.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  pegbar kept add Tabby_Walk_3.png --model by-hand")]
struct Add {
    /// The file, by its name or its path as `pegbar kept list` has it
    file: String,
    /// The animation, if not the one that it stood in
    #[arg(long, value_name = "ANIMATION")]
    animation: Option<String>,
    #[command(flatten)]
    within: InProject,
    #[command(flatten)]
    making: Making,
}

pub(crate) async fn run(args: Args, context: &Context) -> Result<(), CommandError> {
    let studio = &context.studio().await?;
    let output = &context.output;
    match args.action {
        Action::List(list) => list.run(studio, output).await,
        Action::Add(add) => add.run(studio, output).await,
    }
}

/// A kept file, and what is known of it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Known<'a> {
    #[serde(flatten)]
    kept: &'a Kept,
    file_size: u64,
    /// The assets that have its bytes.
    asset_ids: Vec<AssetId>,
}

/// Returns the path of a kept file below the folder of all, which names it.
fn name(studio: &Studio, kept: &Kept) -> String {
    let folder = studio.root().join(".pegbar").join("kept");
    let name = kept.kept_as.strip_prefix(folder).unwrap_or(&kept.kept_as);
    name.display().to_string()
}

/// Returns the project that a path of the view is in.
fn project_of(path: &str) -> Option<ProjectId> {
    path.split('/').next()?.parse().ok()
}

impl List {
    async fn run(self, studio: &Studio, output: &Output) -> Result<(), CommandError> {
        let every = studio.list_kept()?;
        let mut list = output.list(&["FILE", "SIZE", "TAKEN IN AS"]);
        for kept in &every {
            let known = known(studio, kept).await?;
            list.row(&known, |known| {
                let assets = known.asset_ids.iter().map(|id| output.id(*id));
                vec![
                    name(studio, kept),
                    size(known.file_size),
                    assets.collect::<Vec<_>>().join(", "),
                ]
            })?;
        }
        if list.finish()? == 0 {
            output.note("no file was moved aside");
        }
        Ok(())
    }
}

async fn known<'a>(studio: &Studio, kept: &'a Kept) -> Result<Known<'a>, CommandError> {
    let path = &kept.kept_as;
    let bytes = fs::read(path).map_err(|error| {
        CommandError::refused("io", format!("reading {}", path.display())).cause(&error)
    })?;
    let filter = AssetFilter {
        sha256: Some(Sha256::of(&bytes)),
        ..AssetFilter::default()
    };
    let mut asset_ids = Vec::new();
    if let Some(project) = project_of(&kept.path) {
        let page = studio.list_assets(project, &filter, PageRequest::default());
        asset_ids.extend(page.await?.rows.iter().map(|asset| asset.id));
    }
    Ok(Known {
        kept,
        file_size: bytes.len() as u64,
        asset_ids,
    })
}

impl Add {
    async fn run(self, studio: &Studio, output: &Output) -> Result<(), CommandError> {
        let every = studio.list_kept()?;
        let kept = self.find(studio, &every)?;
        let animation = match &self.animation {
            Some(wanted) => find::animation(studio, &self.within, wanted).await?,
            None => stood_in(studio, kept).await?.ok_or_else(|| {
                let message = format!("{} stood in no animation that is there now", kept.path);
                CommandError::refused("not_found", message)
                    .hint("say which one: --animation CHARACTER/ANIMATION")
            })?,
        };
        let file: PathBuf = kept.kept_as.clone();
        let new = self
            .making
            .assets(studio, animation.project_id, &[file])
            .await?;
        let added: Vec<Asset> = studio.create_takes(animation.id, new).await?;
        if output.is_json() {
            return output.json(&added);
        }
        let animation = quoted(&animation.name);
        for take in &added {
            let id = take.id;
            output.line(format_args!("added the take {id} to {animation}"))?;
        }
        output.note(format_args!(
            "hint: `pegbar take use {animation} TAKE --frame INDEX` shows it"
        ));
        Ok(())
    }

    fn find<'a>(&self, studio: &Studio, every: &'a [Kept]) -> Result<&'a Kept, CommandError> {
        let wanted = Path::new(&self.file);
        let by_path = every
            .iter()
            .find(|kept| Path::new(&name(studio, kept)) == wanted || kept.kept_as == wanted);
        let named = || {
            every
                .iter()
                .filter(|kept| kept.kept_as.file_name() == wanted.file_name())
        };
        if let Some(kept) = by_path {
            return Ok(kept);
        }
        match named().collect::<Vec<_>>().as_slice() {
            [one] => Ok(one),
            [] => {
                let message = format!("there is no kept file \"{}\"", self.file);
                let error = CommandError::refused("not_found", message);
                Err(error.hint("list what is there: `pegbar kept list`"))
            }
            several => {
                let count = several.len();
                let message = format!("{count} kept files are called \"{}\"", self.file);
                let error = CommandError::refused("ambiguous", message);
                Err(error.hint("give the path that `pegbar kept list` has"))
            }
        }
    }
}

/// Finds the animation whose frame a kept file stood in, by the path it had:
/// `<project>/frames/<animation>/<character>_<animation>_<index>.<ext>`.
async fn stood_in(studio: &Studio, kept: &Kept) -> Result<Option<Animation>, CommandError> {
    let parts: Vec<&str> = kept.path.split('/').collect();
    let (Some(project), [_, "frames", folder, file]) = (project_of(&kept.path), parts.as_slice())
    else {
        return Ok(None);
    };
    let mut with_folder = Vec::new();
    let filter = AnimationFilter::default();
    every(
        async |page| studio.list_animations(project, &filter, page).await,
        |animation: Animation| {
            if animation.segment.as_deref() == Some(*folder) {
                with_folder.push(animation);
            }
        },
    )
    .await?;
    for animation in with_folder {
        let character = studio.get_character(animation.character_id).await?;
        let character = character.segment.unwrap_or_default();
        if file.starts_with(&format!("{character}_{folder}_")) {
            return Ok(Some(animation));
        }
    }
    Ok(None)
}
