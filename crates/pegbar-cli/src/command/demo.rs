//! `pegbar demo`.

use std::path::{Path, PathBuf};

use pegbar::{Project, ProjectFilter, ProjectTree, Studio};
use serde::Serialize;

use super::{contact_sheet, tree};
use crate::context::Context;
use crate::demo;
use crate::error::CommandError;
use crate::list::every;
use crate::sheet::{SheetFile, SheetOptions, refused_by_system};
use crate::text::{count, serialize_path};

/// Where the studio is if no folder is named.
const FOLDER: &str = "pegbar-demo";

/// The folder of the contact sheets, below the studio's.
const SHEETS: &str = "contact-sheets";

/// Draw a small character and store it, to see what a studio looks like
///
/// No input and no model is needed: a program draws a character in several variations, a walk
/// and a jump, and stores them as a project, with what each picture was drawn from. The same
/// seed gives the same pictures. Where the folder has the project of the seed already, that is
/// shown; another seed adds another.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  pegbar demo
  pegbar demo my-studio --seed 7")]
pub(crate) struct Args {
    /// The folder, if not ./pegbar-demo; a studio is created there if there is none
    #[arg(value_name = "DIR")]
    folder: Option<PathBuf>,
    /// Which character: every number gives another
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    seed: u64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Drawn<'a> {
    is_new: bool,
    seed: u64,
    #[serde(serialize_with = "serialize_path")]
    folder: &'a Path,
    #[serde(serialize_with = "serialize_path")]
    files_folder: &'a Path,
    contact_sheets: &'a [SheetFile],
    tree: &'a ProjectTree,
}

pub(crate) async fn run(args: Args, context: &Context) -> Result<(), CommandError> {
    let named = args.folder.as_deref().or(context.named_folder());
    let folder = named.unwrap_or(Path::new(FOLDER));
    let studio = &context.open_or_create_studio(folder).await?;
    let output = &context.output;
    let found = of_seed(studio, args.seed).await?;
    let is_new = found.is_none();
    let tree = if let Some(project) = found {
        studio.get_project_tree(project.id).await?
    } else {
        let new = demo::project(studio, args.seed)?;
        studio.create_project(new).await?
    };
    // Two seeds may give one name.
    let sheets = folder.join(SHEETS).join(format!("seed-{}", args.seed));
    let sheets = write_sheets(studio, &sheets, &tree)?;
    let files = folder.join("public").join("assets");
    let files = files.join(tree.project.id.to_string());
    if output.is_json() {
        return output.json(&Drawn {
            is_new,
            seed: args.seed,
            folder: studio.root(),
            files_folder: &files,
            contact_sheets: &sheets,
            tree: &tree,
        });
    }
    tree::print(&tree, output, false)?;
    output.line("")?;
    let seed = args.seed;
    output.line(if is_new {
        let characters = &tree.characters;
        let variations = characters.iter().map(|each| each.variations.len() as u64);
        let animations = characters.iter().flat_map(|each| &each.animations);
        let frames = animations.map(|each| each.frames.len() as u64);
        let pictures = count(variations.sum::<u64>() + frames.sum::<u64>(), "picture");
        format!("drew and stored {pictures} from seed {seed}")
    } else {
        format!("the project of seed {seed} was there already; --seed draws another")
    })?;
    let mut fields = vec![("files", files.display().to_string())];
    fields.extend(
        sheets
            .iter()
            .map(|sheet| ("contact sheet", sheet.path.display().to_string())),
    );
    output.fields("where to look", &fields)?;
    if let Some(character) = tree.characters.first() {
        let name = &character.character.name;
        let folder = folder.display();
        output.note(format_args!(
            "hint: `cd {folder} && pegbar character show \"{name}\"` comes next"
        ));
    }
    Ok(())
}

/// Finds the project that a seed gave earlier.
async fn of_seed(studio: &Studio, seed: u64) -> Result<Option<Project>, CommandError> {
    let source_id = demo::source_id(seed);
    let filter = ProjectFilter {
        tag: Some(demo::TAG.to_owned()),
        ..ProjectFilter::default()
    };
    let mut found = None;
    every(
        async |page| studio.list_projects(&filter, page).await,
        |project: Project| {
            if found.is_none() && project.source_id.as_ref() == Some(&source_id) {
                found = Some(project);
            }
        },
    )
    .await?;
    Ok(found)
}

/// Makes a contact sheet of the variations and one of each animation.
fn write_sheets(
    studio: &Studio,
    folder: &Path,
    tree: &ProjectTree,
) -> Result<Vec<SheetFile>, CommandError> {
    std::fs::create_dir_all(folder)
        .map_err(|error| refused_by_system("creating", folder, &error))?;
    let options = SheetOptions::default();
    let mut sheets = Vec::new();
    for character in &tree.characters {
        let subject = contact_sheet::Subject::variations(character);
        sheets.push(subject.write(studio, &options, &folder.join(subject.file_name()))?);
        for animation in &character.animations {
            let subject = contact_sheet::Subject::frames(&character.character, animation);
            sheets.push(subject.write(studio, &options, &folder.join(subject.file_name()))?);
        }
    }
    Ok(sheets)
}
