//! `pegbar tree`.

use pegbar::{AnimationTree, Asset, CharacterTree, Project, ProjectTree, Studio};

use crate::context::Context;
use crate::error::CommandError;
use crate::find::InProject;
use crate::output::Output;
use crate::text::{count, counts, one_line, pixels, size_of, stored_size};

/// Draw a project with everything in it, or all projects
///
/// With --json, a project as one object, or all projects as an array.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  pegbar tree 'Alley cats' --frames")]
pub(crate) struct Args {
    /// The project; else all
    #[arg(env = "PEGBAR_PROJECT", hide_env = true)]
    project: Option<String>,
    /// Draw each frame, not only how many there are
    #[arg(long)]
    frames: bool,
}

pub(crate) async fn run(args: Args, context: &Context) -> Result<(), CommandError> {
    let studio = &context.studio().await?;
    let output = &context.output;
    let is_one = args.project.is_some();
    let within = InProject {
        project: args.project,
    };
    let projects = within.projects(studio).await?;
    if output.is_json() {
        return print_json(studio, output, &projects, is_one).await;
    }
    for project in &projects {
        let tree = studio.get_project_tree(project.id).await?;
        print(&tree, output, args.frames)?;
    }
    if projects.is_empty() {
        output.note("no project yet; create one: `pegbar project create NAME`");
    }
    Ok(())
}

/// Draws a project for people.
pub(super) fn print(tree: &ProjectTree, output: &Output, frames: bool) -> Result<(), CommandError> {
    let lines = draw(tree, output, frames).lines("", "");
    lines.into_iter().try_for_each(|line| output.line(line))
}

async fn print_json(
    studio: &Studio,
    output: &Output,
    projects: &[Project],
    is_one: bool,
) -> Result<(), CommandError> {
    if let (true, [project]) = (is_one, projects) {
        return output.json(&studio.get_project_tree(project.id).await?);
    }
    let mut list = output.list(&[]);
    for project in projects {
        list.row(&studio.get_project_tree(project.id).await?, |_| Vec::new())?;
    }
    list.finish().map(drop)
}

/// A line, and the lines below it that belong to it.
pub(super) struct Branch {
    pub(super) text: String,
    pub(super) below: Vec<Branch>,
}

impl Branch {
    pub(super) fn new(text: String) -> Self {
        Self {
            text,
            below: Vec::new(),
        }
    }

    /// Writes the lines; `first` and `others` stand before its own and those below.
    pub(super) fn lines(&self, first: &str, others: &str) -> Vec<String> {
        let mut lines = vec![format!("{first}{}", self.text)];
        for (index, branch) in self.below.iter().enumerate() {
            let (first, rest) = if index + 1 < self.below.len() {
                ("├─ ", "│  ")
            } else {
                ("└─ ", "   ")
            };
            let (first, rest) = (format!("{others}{first}"), format!("{others}{rest}"));
            lines.extend(branch.lines(&first, &rest));
        }
        lines
    }
}

fn draw(tree: &ProjectTree, output: &Output, frames: bool) -> Branch {
    let project = &tree.project;
    let text = format!("{}  {}", one_line(&project.name, 60), output.id(project.id));
    let mut root = Branch::new(text);
    let characters = tree.characters.iter();
    root.below
        .extend(characters.map(|tree| character(tree, output, frames)));
    if !tree.references.is_empty() {
        let number = count(tree.references.len() as u64, "reference");
        let mut references = Branch::new(format!("{number}, {}", size_of(&tree.references)));
        let each = tree
            .references
            .iter()
            .map(|asset| Branch::new(image(asset, output)));
        references.below.extend(each);
        root.below.push(references);
    }
    root
}

fn character(tree: &CharacterTree, output: &Output, frames: bool) -> Branch {
    let character = &tree.character;
    let text = format!(
        "{}  {}",
        one_line(&character.name, 60),
        output.id(character.id)
    );
    let mut branch = Branch::new(text);
    for asset in &tree.variations {
        let is_primary = character.primary_asset_id == Some(asset.id);
        let mark = if is_primary { ", primary" } else { "" };
        branch
            .below
            .push(Branch::new(format!("{}{mark}", image(asset, output))));
    }
    let animations = tree.animations.iter();
    branch
        .below
        .extend(animations.map(|tree| animation(tree, output, frames)));
    branch
}

fn animation(tree: &AnimationTree, output: &Output, frames: bool) -> Branch {
    let name = one_line(&tree.animation.name, 60);
    let number = counts(&[
        (tree.frames.len() as u64, "frame"),
        (tree.takes.len() as u64, "other take"),
    ]);
    let images = || tree.frames.iter().map(|frame| &frame.asset);
    let mut text = format!("{name}: {number}");
    let mut sizes: Vec<String> = images().map(pixels).collect();
    sizes.dedup();
    match sizes.as_slice() {
        [] => {}
        [one] => text = format!("{text}, {one}, {}", size_of(images())),
        _ => text = format!("{text}, {}", size_of(images())),
    }
    let mut branch = Branch::new(text);
    if frames {
        let rows = tree.frames.iter();
        branch.below.extend(rows.map(|row| {
            let image = image(&row.asset, output);
            Branch::new(format!("{}  {image}", row.frame.frame_index))
        }));
    }
    branch
}

fn image(asset: &Asset, output: &Output) -> String {
    let path = asset.file_path.as_deref().unwrap_or_default();
    let name = asset.original_name.as_deref();
    let name = name.unwrap_or_else(|| path.rsplit('/').next().unwrap_or_default());
    format!(
        "{}  {}, {}, {}",
        output.id(asset.id),
        one_line(name, 40),
        pixels(asset),
        stored_size(asset)
    )
}
