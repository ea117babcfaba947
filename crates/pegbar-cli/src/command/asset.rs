//! `pegbar asset`.

mod annotate;
mod claim;
mod credentials;
mod save;
mod tombstone;

use std::path::PathBuf;

use pegbar::{
    Annotation, Asset, AssetFilter, AssetId, AssetKind, AssetPatch, Claim, DeletionTarget,
    MillisSinceEpoch, Sha256, Studio,
};

use crate::command::lineage;
use crate::context::Context;
use crate::error::CommandError;
use crate::find::{self, InProject};
use crate::list::{self, Part};
use crate::options::{Confirmation, Deleting, Making, NewTags, changes, time};
use crate::output::{Output, Table};
use crate::text::{count, pixels, size, stored_size};

/// Add, list, show, edit, annotate, save and delete assets: images with their records
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  pegbar asset add palette.png --tag palette
  pegbar asset show palette.png")]
pub(crate) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    Add(Add),
    List(List),
    Show(Show),
    Credentials(credentials::Credentials),
    Edit(Edit),
    Annotate(annotate::Annotate),
    Save(save::Save),
    DropBytes(DropBytes),
    ReadClaims(claim::ReadClaims),
    Delete(Delete),
}

/// Add reference images to a project, all or none
///
/// They belong to no character; others can be made from them. The files are copied, byte for
/// byte.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  pegbar asset add palette.png --tag palette")]
struct Add {
    /// The images
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    #[command(flatten)]
    within: InProject,
    #[command(flatten)]
    making: Making,
}

/// List a project's assets, oldest first
///
/// The list is printed while it is read, however long it is; with --json as one array, an
/// element on each line.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  pegbar asset list --kind reference --tag palette")]
struct List {
    /// Only those of this kind: reference, character (variations) or frame (takes)
    #[arg(long)]
    kind: Option<AssetKind>,
    /// Only variations of this character
    #[arg(long)]
    character: Option<String>,
    /// Only takes made for this animation
    #[arg(long)]
    animation: Option<String>,
    /// Only those with this tag
    #[arg(long, value_name = "WORD")]
    tag: Option<String>,
    /// Only those that came from this path
    #[arg(long, value_name = "PATH")]
    source_path: Option<String>,
    /// Only those whose id has this end
    #[arg(long, value_name = "DIGITS")]
    id_ending: Option<String>,
    /// Only those that had this id where they were imported from
    #[arg(long, value_name = "ID")]
    source_id: Option<String>,
    /// Only those with exactly these bytes
    #[arg(long, value_name = "HASH")]
    sha256: Option<Sha256>,
    /// Only those made at this time or later, as in 2026-01-31 or 2026-01-31T12:00:00Z
    #[arg(long, value_name = "TIME", value_parser = time)]
    from: Option<MillisSinceEpoch>,
    /// Only those made before this time
    #[arg(long, value_name = "TIME", value_parser = time)]
    before: Option<MillisSinceEpoch>,
    #[command(flatten)]
    within: InProject,
    #[command(flatten)]
    part: Part,
}

/// The asset that is meant.
#[derive(Debug, clap::Args)]
struct Which {
    /// The asset, by its id or the end of it, or by the name it came with (not takes); or
    /// ANIMATION/INDEX for what a frame shows
    asset: String,
    #[command(flatten)]
    within: InProject,
}

/// Show everything about an asset: its file, and the record of what it was made from
///
/// What the file itself or the app it comes from says is shown behind it, as their claims.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  pegbar asset show palette.png")]
struct Show {
    #[command(flatten)]
    which: Which,
}

/// Change an asset's tags or the name it came with
///
/// The image and what made it never change: a correction is a new asset, or an annotation.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  pegbar asset edit palette.png --tag palette --tag night")]
#[command(override_usage = "pegbar asset edit [OPTIONS] <ASSET>")]
#[command(group(changes(&["tags", "clear_tags", "original_name", "clear_original_name"])))]
struct Edit {
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    tags: NewTags,
    /// Another name that it came with
    #[arg(long, value_name = "NAME")]
    original_name: Option<String>,
    /// Forget the name that it came with
    #[arg(long, conflicts_with = "original_name")]
    clear_original_name: bool,
}

/// Drop the bytes of an asset and keep its record
///
/// For what others were made from: record, hash and lineage stay, and everywhere it shows that
/// the bytes are gone. They go to the trash. Refused for what a frame shows, for a primary
/// variation and for a thumbnail. The same image, added again, is a new asset.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  pegbar asset drop-bytes 3f9c1a")]
struct DropBytes {
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    confirmation: Confirmation,
}

/// Delete an asset that nothing uses
///
/// It goes to the trash. What a frame shows or something was made from is refused, with a list
/// of the users; `pegbar asset drop-bytes` keeps the record of such a one.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  pegbar asset delete palette.png")]
struct Delete {
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    deleting: Deleting,
}

pub(crate) async fn run(args: Args, context: &Context) -> Result<(), CommandError> {
    let studio = &context.studio().await?;
    let output = &context.output;
    match args.action {
        Action::Add(add) => add.run(studio, output).await,
        Action::List(list) => list.run(studio, output).await,
        Action::Show(show) => show.run(studio, output).await,
        Action::Credentials(credentials) => credentials.run(studio, output).await,
        Action::Edit(edit) => edit.run(studio, output).await,
        Action::Annotate(annotate) => annotate.run(studio, output).await,
        Action::Save(save) => save.run(studio, output).await,
        Action::DropBytes(drop) => drop.run(studio, output).await,
        Action::ReadClaims(read) => read.run(studio, output).await,
        Action::Delete(delete) => delete.run(studio, output).await,
    }
}

const HEADER: &[&str] = &["ID", "KIND", "PIXELS", "SIZE", "TAGS", "CREATED", "FILE"];

fn cells(output: &Output, asset: &Asset) -> Vec<String> {
    vec![
        output.id(asset.id),
        asset.kind.to_string(),
        pixels(asset),
        stored_size(asset),
        asset.tags.join(", "),
        output.time(asset.created_at),
        output.path(asset),
    ]
}

impl Which {
    async fn find(&self, studio: &Studio) -> Result<Asset, CommandError> {
        find::asset(studio, &self.within, &self.asset).await
    }
}

impl Add {
    async fn run(self, studio: &Studio, output: &Output) -> Result<(), CommandError> {
        let project = self.within.one(studio).await?;
        let new = self.making.assets(studio, project.id, &self.files).await?;
        let added = studio.create_assets(project.id, new).await?;
        if output.is_json() {
            return output.json(&added);
        }
        output.line(format_args!("added {}", count(added.len() as u64, "asset")))?;
        let mut table = Table::new(HEADER);
        for asset in &added {
            table.row(cells(output, asset));
        }
        output.table(table)
    }
}

impl List {
    async fn run(self, studio: &Studio, output: &Output) -> Result<(), CommandError> {
        let mut filter = AssetFilter {
            kind: self.kind,
            tag: self.tag,
            source_path: self.source_path,
            id_ending: self.id_ending,
            sha256: self.sha256,
            source_id: self.source_id,
            created_from: self.from,
            created_before: self.before,
            ..AssetFilter::default()
        };
        let mut project = None;
        if let Some(wanted) = &self.character {
            let character = find::character(studio, &self.within, wanted).await?;
            filter.character_id = Some(character.id);
            project = Some(character.project_id);
        }
        if let Some(wanted) = &self.animation {
            let animation = find::animation(studio, &self.within, wanted).await?;
            filter.animation_id = Some(animation.id);
            project = Some(animation.project_id);
        }
        let project = match project {
            Some(project) => project,
            None => self.within.one(studio).await?.id,
        };
        list::print(
            output,
            &self.part,
            HEADER,
            async |page| studio.list_assets(project, &filter, page).await,
            |asset: &Asset| cells(output, asset),
        )
        .await
    }
}

impl Show {
    async fn run(self, studio: &Studio, output: &Output) -> Result<(), CommandError> {
        let asset = match self.which.find(studio).await {
            Err(error) if error.is_not_found() => {
                return match self.which.purged(studio).await? {
                    Some(stone) => tombstone::print(output, &stone),
                    None => Err(error),
                };
            }
            found => found?,
        };
        let claims = studio.list_claims(asset.id).await?;
        let annotations = studio.list_annotations(asset.id).await?;
        if output.is_json() {
            return output.json(&Shown {
                asset,
                claims,
                annotations,
            });
        }
        output.fields(
            &format!("{} {}", asset.kind, asset.id),
            &fields(studio, &asset).await?,
        )?;
        if !asset.references.is_empty() {
            output.line("made from")?;
        }
        let inputs = asset.references.iter();
        let inputs: Vec<AssetId> = inputs.map(|reference| reference.asset_id).collect();
        let names = lineage::names(studio, asset.project_id, &inputs).await?;
        for (position, reference) in asset.references.iter().enumerate() {
            let sha256 = reference.sha256.map(|hash| hash.to_string());
            let name = names.get(&reference.asset_id).map(String::as_str);
            output.line(format_args!(
                "  {position}  {}  {}: {}\n     sha256 {}",
                reference.asset_id,
                reference.role,
                name.unwrap_or("no longer there"),
                sha256.as_deref().unwrap_or("not known yet"),
            ))?;
        }
        claim::print(&claims, output)?;
        if !annotations.is_empty() {
            output.line("annotations (added later, not part of the record)")?;
        }
        for (position, annotation) in annotations.iter().enumerate() {
            let line = annotate::line_of(annotation);
            output.line(format_args!("  {position}  {line}"))?;
        }
        Ok(())
    }
}

/// An asset with what others say of it, and what was said later.
#[derive(serde::Serialize)]
struct Shown {
    #[serde(flatten)]
    asset: Asset,
    claims: Vec<Claim>,
    annotations: Vec<Annotation>,
}

fn exact_size(bytes: u64) -> String {
    match size(bytes) {
        text if bytes < 1024 => text,
        text => format!("{text} ({bytes} bytes)"),
    }
}

async fn fields(
    studio: &Studio,
    asset: &Asset,
) -> Result<Vec<(&'static str, String)>, CommandError> {
    fn text<T: ToString>(value: Option<&T>) -> String {
        value.map(ToString::to_string).unwrap_or_default()
    }
    let character = match asset.character_id {
        Some(id) => studio.get_character(id).await?.name,
        None => String::new(),
    };
    let animation = match asset.animation_id {
        Some(id) => studio.get_animation(id).await?.name,
        None => String::new(),
    };
    let file = asset
        .file_path
        .as_ref()
        .map(|path| studio.assets_folder().join(path));
    Ok(vec![
        ("project", studio.get_project(asset.project_id).await?.name),
        ("variation of", character),
        ("take of", animation),
        (
            "file",
            file.map(|file| file.display().to_string())
                .unwrap_or_default(),
        ),
        ("came as", asset.original_name.clone().unwrap_or_default()),
        ("source path", asset.source_path.clone().unwrap_or_default()),
        ("source id", asset.source_id.clone().unwrap_or_default()),
        ("type", asset.mime_type.clone().unwrap_or_default()),
        ("pixels", pixels(asset)),
        ("size", asset.file_size.map(exact_size).unwrap_or_default()),
        ("sha256", text(asset.sha256.as_ref())),
        ("tags", asset.tags.join(", ")),
        (
            "prompt",
            asset.generation_prompt.clone().unwrap_or_default(),
        ),
        (
            "system prompt",
            asset.generation_system_prompt.clone().unwrap_or_default(),
        ),
        ("model", asset.model.clone().unwrap_or_default()),
        ("settings", text(asset.generation_settings.as_ref())),
        ("generation", text(asset.generation_id.as_ref())),
        ("record hash", text(asset.record_hash.as_ref())),
        ("bytes dropped", text(asset.bytes_dropped_at.as_ref())),
        ("created", asset.created_at.to_string()),
        ("updated", asset.updated_at.to_string()),
    ])
}

impl Edit {
    async fn run(self, studio: &Studio, output: &Output) -> Result<(), CommandError> {
        let asset = self.which.find(studio).await?;
        let patch = AssetPatch {
            expected: None,
            tags: self.tags.get(),
            original_name: match self.original_name {
                Some(name) => Some(Some(name)),
                None => self.clear_original_name.then_some(None),
            },
        };
        let asset = studio.update_asset(asset.id, patch).await?;
        let name = asset.original_name.clone().unwrap_or_default();
        output.changed("changed the asset", &name, asset.id, &asset)
    }
}

impl DropBytes {
    async fn run(self, studio: &Studio, output: &Output) -> Result<(), CommandError> {
        let asset = self.which.find(studio).await?;
        let what = format!("the bytes of the asset {}", asset.id);
        let path = asset.file_path.as_deref().unwrap_or_default();
        if asset.bytes_dropped_at.is_none() {
            self.confirmation.ask(output, &format!("{what} ({path})"))?;
        }
        let dropped = studio.drop_bytes(asset.id).await?;
        if output.is_json() {
            return output.json(&dropped);
        }
        output.line(format_args!(
            "moved {what} into the trash (deletion {}); its record stays",
            dropped.id
        ))
    }
}

impl Delete {
    async fn run(self, studio: &Studio, output: &Output) -> Result<(), CommandError> {
        let asset = self.which.find(studio).await?;
        let what = format!("the asset {}", asset.id);
        let path = asset.file_path.as_deref().unwrap_or_default();
        let question = format!("{what} ({path})");
        let target = DeletionTarget::Asset(asset.id);
        let said = (what.as_str(), question.as_str());
        self.deleting.carry_out(studio, output, target, said).await
    }
}
