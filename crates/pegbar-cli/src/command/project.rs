//! `pegbar project`.

use std::path::PathBuf;

use pegbar::{
    DeletionTarget, Json, NewAsset, NewProject, PageRequest, Project, ProjectCounts, ProjectFilter,
    ProjectPatch, Studio,
};
use serde::Serialize;

use crate::context::Context;
use crate::error::CommandError;
use crate::find::{self, InProject};
use crate::list::{self, Part};
use crate::options::{Deleting, Identity, NewTags, changes, check_files, json};
use crate::output::Output;
use crate::text::{counts, one_line, quoted, size};

/// Create, list, show, edit and delete projects
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  pegbar project create 'Alley cats'
  pegbar project list")]
pub(crate) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    Create(Create),
    List(List),
    Show(Show),
    Edit(Edit),
    Delete(Delete),
}

/// Create a project
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  pegbar project create 'Alley cats' --tag game")]
struct Create {
    /// The name, free text
    name: String,
    /// What it is about
    #[arg(
        long,
        value_name = "TEXT",
        default_value = "",
        hide_default_value = true
    )]
    description: String,
    /// A free word; may be given several times
    #[arg(long = "tag", value_name = "WORD")]
    tags: Vec<String>,
    /// Defaults for generating, as JSON, or @FILE with JSON in it
    #[arg(long, value_name = "JSON", value_parser = json)]
    settings: Option<Json>,
    /// An image that stands for it; it becomes a reference of the project
    #[arg(long, value_name = "FILE")]
    thumbnail: Option<PathBuf>,
    #[command(flatten)]
    identity: Identity,
}

/// List the projects, oldest first
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  pegbar project list --tag game")]
struct List {
    /// Only those with this tag
    #[arg(long, value_name = "WORD")]
    tag: Option<String>,
    /// Only those with exactly this name
    #[arg(long)]
    name: Option<String>,
    /// Only those that had this id where they were imported from
    #[arg(long, value_name = "ID")]
    source_id: Option<String>,
    #[command(flatten)]
    part: Part,
}

/// Show a project: its fields, and how much is in it
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  pegbar project show 'Alley cats'")]
struct Show {
    /// The project; not needed where the studio has one
    #[arg(env = "PEGBAR_PROJECT", hide_env = true)]
    project: Option<String>,
}

/// Change a project
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  pegbar project edit 'Alley cats' --name 'Roof cats'")]
#[command(override_usage = "pegbar project edit [OPTIONS] <PROJECT>")]
#[command(group(changes(&[
    "name", "description", "tags", "clear_tags", "thumbnail", "clear_thumbnail", "settings",
])))]
struct Edit {
    /// The project
    project: String,
    /// Another name
    #[arg(long)]
    name: Option<String>,
    /// Another description
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
    #[command(flatten)]
    tags: NewTags,
    /// An asset of the project that stands for it
    #[arg(long, value_name = "ASSET")]
    thumbnail: Option<String>,
    /// Take the thumbnail away
    #[arg(long, conflicts_with = "thumbnail")]
    clear_thumbnail: bool,
    /// Other defaults for generating, as JSON, or @FILE with JSON in it
    #[arg(long, value_name = "JSON", value_parser = json)]
    settings: Option<Json>,
}

/// Delete a project with everything in it
///
/// It goes to the trash, files included.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  pegbar project delete 'Alley cats'")]
struct Delete {
    /// The project
    project: String,
    #[command(flatten)]
    deleting: Deleting,
}

pub(crate) async fn run(args: Args, context: &Context) -> Result<(), CommandError> {
    let studio = &context.studio().await?;
    let output = &context.output;
    match args.action {
        Action::Create(create) => create.run(studio, output).await,
        Action::List(list) => list.run(studio, output).await,
        Action::Show(show) => show.run(studio, output).await,
        Action::Edit(edit) => edit.run(studio, output).await,
        Action::Delete(delete) => delete.run(studio, output).await,
    }
}

impl Create {
    async fn run(self, studio: &Studio, output: &Output) -> Result<(), CommandError> {
        let mut new = NewProject {
            id: self.identity.id(),
            source_id: self.identity.source_id.clone(),
            description: self.description,
            tags: self.tags,
            settings: self.settings,
            created_at: self.identity.created_at,
            ..NewProject::new(self.name)
        };
        if let Some(file) = self.thumbnail {
            check_files(std::slice::from_ref(&file))?;
            let id = studio.new_id();
            new = new
                .reference(NewAsset::from_file(file).id(id))
                .thumbnail(id);
        }
        let filter = ProjectFilter {
            name: Some(new.name.clone()),
            ..ProjectFilter::default()
        };
        let named_so = studio
            .list_projects(&filter, PageRequest::default())
            .await?;
        if let Some(other) = named_so.rows.first() {
            output.warning(format_args!(
                "another project is called so ({}): name this one by the end of its id",
                other.id
            ));
        }
        let project = studio.create_project(new).await?.project;
        output.changed("created the project", &project.name, project.id, &project)
    }
}

impl List {
    async fn run(self, studio: &Studio, output: &Output) -> Result<(), CommandError> {
        let filter = ProjectFilter {
            tag: self.tag,
            name: self.name,
            source_id: self.source_id,
        };
        list::print(
            output,
            &self.part,
            &["ID", "NAME", "TAGS", "CREATED"],
            async |page| studio.list_projects(&filter, page).await,
            |project: &Project| {
                vec![
                    output.id(project.id),
                    one_line(&project.name, 60),
                    project.tags.join(", "),
                    output.time(project.created_at),
                ]
            },
        )
        .await
    }
}

/// Says how much is in a project.
fn counts_as_text(counted: &ProjectCounts) -> String {
    let text = counts(&[
        (counted.characters, "character"),
        (counted.variations, "variation"),
        (counted.animations, "animation"),
        (counted.frames, "frame"),
        (counted.takes, "take"),
        (counted.references, "reference"),
    ]);
    format!("{text}, {}", size(counted.file_size))
}

#[derive(Serialize)]
struct Summary<'a> {
    #[serde(flatten)]
    project: &'a Project,
    counts: &'a ProjectCounts,
}

impl Show {
    async fn run(self, studio: &Studio, output: &Output) -> Result<(), CommandError> {
        let within = InProject {
            project: self.project,
        };
        let hint = "say which one: `pegbar project show PROJECT`";
        let project = &within.one_or(studio, hint).await?;
        let counts = &studio.count_project(project.id).await?;
        if output.is_json() {
            return output.json(&Summary { project, counts });
        }
        let thumbnail = match project.thumbnail_id {
            Some(id) => studio.get_asset(id).await?.file_path.unwrap_or_default(),
            None => String::new(),
        };
        let folder = studio.assets_folder().join(project.id.to_string());
        output.fields(
            &project.name,
            &[
                ("id", project.id.to_string()),
                ("source id", project.source_id.clone().unwrap_or_default()),
                ("description", project.description.clone()),
                ("tags", project.tags.join(", ")),
                ("thumbnail", thumbnail),
                ("settings", project.settings.to_string()),
                ("created", project.created_at.to_string()),
                ("updated", project.updated_at.to_string()),
                ("content", counts_as_text(counts)),
                ("files", folder.display().to_string()),
            ],
        )
    }
}

impl Edit {
    async fn run(self, studio: &Studio, output: &Output) -> Result<(), CommandError> {
        let project = find::project(studio, &self.project).await?;
        let thumbnail_id = match &self.thumbnail {
            Some(wanted) => Some(Some(find::asset_in(studio, project.id, wanted).await?.id)),
            None => self.clear_thumbnail.then_some(None),
        };
        let patch = ProjectPatch {
            expected: None,
            name: self.name,
            description: self.description,
            tags: self.tags.get(),
            thumbnail_id,
            settings: self.settings,
        };
        let project = studio.update_project(project.id, patch).await?;
        output.changed("changed the project", &project.name, project.id, &project)
    }
}

impl Delete {
    async fn run(self, studio: &Studio, output: &Output) -> Result<(), CommandError> {
        let project = find::project(studio, &self.project).await?;
        let counts = studio.count_project(project.id).await?;
        let what = format!("the project {}", quoted(&project.name));
        let question = format!("{what} with {}", counts_as_text(&counts));
        let target = DeletionTarget::Project(project.id);
        let said = (what.as_str(), question.as_str());
        self.deleting.carry_out(studio, output, target, said).await
    }
}
