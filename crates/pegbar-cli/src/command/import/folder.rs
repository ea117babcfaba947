//! `pegbar import folder`.

use std::path::PathBuf;

use pegbar::{
    FolderMapping, FolderOptions, FolderPlan, FolderReport, PlannedCharacter, PlannedImage,
    ProjectId, Studio, UnplacedImage,
};
use serde::Serialize;

use crate::context::Context;
use crate::error::CommandError;
use crate::find;
use crate::output::Output;
use crate::text::{count, counts, one_line, quoted, size};

use super::{IntoProject, named};

/// Take in a folder of images, in whatever order it is kept
///
/// What becomes of each file is planned by the names alone: folders like
/// character/animation/frame, names like `character_animation_index`, folders called
/// animations, rotations, variations or references, flat folders of numbered images, and Pegbar's own
/// layout. Numbers count as numbers, padded with zeros or not. --dry-run shows the plan; what the
/// names do not tell is listed and never guessed: say it with --character and --animation, or
/// with a mapping file.
///
/// Importing again adds nothing twice: images are known by where they come from. A file that has
/// changed becomes a new take, and the frame that showed the earlier one shows it; the earlier
/// one stays. An import that was interrupted goes on where it stopped.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  pegbar import folder --project 'Alley cats' art --dry-run
  pegbar import folder --project 'Alley cats' art
  pegbar import folder renders/walk --character Tabby --animation Walk

A mapping file says what names don't; the first rule that matches a path decides:
  [[rule]]
  path = 'renders/{character}-{animation}.{index}.png'   # also *, ** and ?
  as = 'frame'             # frame, take, variation, reference or skip
  [[rule]]
  path = 'looks/**'
  as = 'variation'
  character = 'Tabby'
  tags = ['sketch']")]
pub(crate) struct Args {
    /// The folder with the images, in as many folders of its own as you like
    folder: PathBuf,
    #[command(flatten)]
    into: IntoProject,
    /// The character that everything in the folder belongs to
    #[arg(long, value_name = "NAME")]
    character: Option<String>,
    /// The animation that everything in the folder is a frame of
    #[arg(long, value_name = "NAME", requires = "character")]
    animation: Option<String>,
    /// A file with rules for what the names do not tell: TOML, or JSON
    #[arg(long, value_name = "FILE")]
    map: Option<PathBuf>,
    /// What the folder's images are known by at the next import; else the folder's name, that of
    /// the folder around it, and the character. Say it again after moving or renaming the folder
    #[arg(long, value_name = "NAME")]
    source: Option<String>,
    /// Say what would be done, and do nothing
    #[arg(long)]
    dry_run: bool,
    /// Leave out the images whose place can't be told, instead of refusing
    #[arg(long)]
    skip_unplaced: bool,
    /// Let frames show what they show: a changed file only becomes a take
    #[arg(long)]
    keep_shown: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Planned<'a> {
    #[serde(flatten)]
    plan: &'a FolderPlan,
    /// How many of the images were imported before, by their paths.
    imported_before: u64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Imported<'a> {
    project_id: ProjectId,
    is_new_project: bool,
    #[serde(flatten)]
    report: &'a FolderReport,
    skipped: &'a [pegbar::SkippedFile],
    pixellab_exports: &'a [PathBuf],
    /// The most memory that the program had at one time, in bytes, where the system tells.
    peak_memory: Option<u64>,
}

pub(crate) async fn run(args: Args, context: &Context) -> Result<(), CommandError> {
    let studio = &context.studio().await?;
    let output = &context.output;
    let mut plan = args.plan(studio)?;
    if args.skip_unplaced {
        plan.skip_unplaced();
    }
    for export in &plan.pixellab_exports {
        output.note(format_args!(
            "hint: {0} is an export from PixelLab; `pegbar import pixellab {0}` also takes in its \
             names and prompts",
            export.display()
        ));
    }
    if args.dry_run {
        return args.show(studio, output, &plan).await;
    }
    if !plan.unplaced.is_empty() {
        return Err(unplaced(&plan));
    }
    if plan.images == 0 {
        let message = format!("there are no images in {}", args.folder.display());
        return Err(CommandError::refused("not_found", message)
            .hint("Pegbar takes in PNG, JPEG, WebP and GIF; --dry-run says what else is there"));
    }
    output.note(format_args!("plan: {}", summary(&plan)));
    let (project, is_new_project) = args.into.project(studio).await?;
    if is_new_project && !output.is_json() {
        let name = quoted(&project.name);
        output.line(format_args!("created the project {name} ({})", project.id))?;
    }
    let progress = output.progress(plan.images, "images");
    let report = studio
        .import_folder(project.id, &plan, !args.keep_shown, |done, total| {
            progress.set(done, total);
        })
        .await;
    progress.finish();
    let report = report?;
    let peak_memory = peak_memory();
    if output.is_json() {
        output.json(&Imported {
            project_id: project.id,
            is_new_project,
            report: &report,
            skipped: &plan.skipped,
            pixellab_exports: &plan.pixellab_exports,
            peak_memory,
        })?;
    } else {
        print(output, &plan, &report, peak_memory)?;
        let folder = studio.assets_folder().join(project.id.to_string());
        output.line(format_args!("the files are in {}", folder.display()))?;
        if let Some(character) = plan.characters.first() {
            let animation = character.animations.first();
            let name = match animation.filter(|_| character.variations.is_empty()) {
                Some(animation) => quoted(&format!("{}/{}", character.name, animation.name)),
                None => quoted(&character.name),
            };
            output.note(format_args!(
                "hint: `pegbar tree` shows what is there, `pegbar contact-sheet {name}` a picture"
            ));
        }
    }
    match report.refused.len() as u64 {
        0 => Ok(()),
        refused => {
            let files = count(refused, "file");
            let message = format!("{files} could not be taken in; everything else was");
            let error = CommandError::refused("not_an_image", message);
            Err(error.hint("mend or replace them and import again: what is there stays"))
        }
    }
}

impl Args {
    fn plan(&self, studio: &Studio) -> Result<FolderPlan, CommandError> {
        if !self.folder.exists() {
            let message = format!("there is no folder {}", self.folder.display());
            return Err(CommandError::refused("not_found", message).hint("check the path"));
        }
        if self.folder.is_file() {
            let message = format!("{} is a file, not a folder", self.folder.display());
            return Err(CommandError::refused("invalid", message)
                .hint("single images: `pegbar frame add`, `variation add` or `asset add`"));
        }
        let mapping = match &self.map {
            Some(file) => FolderMapping::read(file)?,
            None => FolderMapping::default(),
        };
        let options = FolderOptions {
            source: self.source.clone(),
            character: self.character.clone(),
            animation: self.animation.clone(),
            mapping,
            except: vec![studio.assets_folder(), studio.root().join(".pegbar")],
        };
        Ok(FolderPlan::of(&self.folder, &options)?)
    }

    /// Says what would be done.
    async fn show(
        &self,
        studio: &Studio,
        output: &Output,
        plan: &FolderPlan,
    ) -> Result<(), CommandError> {
        let imported_before = match &self.into.project {
            // A project that is not there yet has none of them.
            Some(name) => match find::project(studio, name).await {
                Ok(project) => studio.count_imported(project.id, plan).await?,
                Err(error) if error.is_not_found() => 0,
                Err(error) => return Err(error),
            },
            None => match find::InProject::default().one(studio).await {
                Ok(project) => studio.count_imported(project.id, plan).await?,
                Err(error) if error.is_not_found() => 0,
                Err(error) => return Err(error),
            },
        };
        if output.is_json() {
            return output.json(&Planned {
                plan,
                imported_before,
            });
        }
        output.line(format_args!(
            "plan for {}: {}",
            self.folder.display(),
            summary(plan)
        ))?;
        for character in &plan.characters {
            show_character(output, character)?;
        }
        if !plan.references.is_empty() {
            output.line("references")?;
            output.line(format_args!("  {}", ends(&plan.references)))?;
        }
        if imported_before > 0 {
            let images = count(imported_before, "image");
            output.line(format_args!(
                "imported before: {images}, whose bytes will be compared"
            ))?;
        }
        if !plan.skipped.is_empty() {
            let skipped = plan.skipped.iter();
            let skipped = skipped.map(|file| format!("{}: {}", file.path, file.reason));
            let number = plan.skipped.len() as u64;
            output.line(format_args!("not taken in:{}", named(skipped, number)))?;
        }
        for rule in &plan.unused_rules {
            output.warning(format_args!("the rule for {rule:?} matches no image"));
        }
        if plan.unplaced.is_empty() {
            output.note("nothing was done; without --dry-run it is");
            return Ok(());
        }
        output.line(format_args!("no place:{}", reasons(&plan.unplaced)))?;
        output.note(format_args!("hint: {SAY_IT}"));
        Ok(())
    }
}

const SAY_IT: &str = "say it with --character NAME (and --animation NAME) or with rules in a file \
                      (--map FILE, see --help); --skip-unplaced leaves them out";

fn unplaced(plan: &FolderPlan) -> CommandError {
    let images = count(plan.unplaced.len() as u64, "image");
    let message = format!(
        "nothing says what {images} should be:{}",
        reasons(&plan.unplaced)
    );
    CommandError::refused("invalid", message).hint(SAY_IT)
}

fn reasons(unplaced: &[UnplacedImage]) -> String {
    let reasons = unplaced.iter();
    let reasons = reasons.map(|image| format!("{}: {}", image.path, image.reason));
    named(reasons, unplaced.len() as u64)
}

fn show_character(output: &Output, character: &PlannedCharacter) -> Result<(), CommandError> {
    output.line(&character.name)?;
    if !character.variations.is_empty() {
        let number = count(character.variations.len() as u64, "variation");
        let images = ends(&character.variations);
        output.line(format_args!("  {number}: {images}"))?;
    }
    for animation in &character.animations {
        let content = counts(&[
            (animation.frames.len() as u64, "frame"),
            (animation.takes.len() as u64, "other take"),
        ]);
        let images = if animation.frames.is_empty() {
            ends(&animation.takes)
        } else {
            ends(&animation.frames)
        };
        let name = one_line(&animation.name, 60);
        output.line(format_args!("  {name}: {content}: {images}"))?;
        if !animation.missing_numbers.is_empty() {
            let missing = animation.missing_numbers.iter().take(10);
            let missing: Vec<String> = missing.map(u64::to_string).collect();
            let more = if animation.missing_numbers.len() > 10 {
                " …"
            } else {
                ""
            };
            output.line(format_args!(
                "    the names leave out {}{more}: the frames follow without a gap",
                missing.join(", ")
            ))?;
        }
    }
    Ok(())
}

/// Names the first and the last of some images.
fn ends(images: &[PlannedImage]) -> String {
    match images {
        [] => String::new(),
        [only] => only.path.clone(),
        [first, last] => format!("{}, {}", first.path, last.path),
        [first, .., last] => format!("{} … {}", first.path, last.path),
    }
}

/// Says in one line what a plan holds.
fn summary(plan: &FolderPlan) -> String {
    let characters = &plan.characters;
    let animations = || {
        characters
            .iter()
            .flat_map(|character| &character.animations)
    };
    let sum = |numbers: &mut dyn Iterator<Item = usize>| numbers.sum::<usize>() as u64;
    let variations = sum(&mut characters.iter().map(|c| c.variations.len()));
    let frames = sum(&mut animations().map(|a| a.frames.len()));
    let takes = sum(&mut animations().map(|a| a.takes.len()));
    let text = counts(&[
        (characters.len() as u64, "character"),
        (variations, "variation"),
        (animations().count() as u64, "animation"),
        (frames, "frame"),
        (takes, "other take"),
        (plan.references.len() as u64, "reference"),
    ]);
    let mut parts = vec![format!("{text}, {}", size(plan.bytes))];
    if !plan.skipped.is_empty() {
        let files = count(plan.skipped.len() as u64, "file");
        parts.push(format!("{files} not taken in"));
    }
    if !plan.unplaced.is_empty() {
        let images = count(plan.unplaced.len() as u64, "image");
        parts.push(format!("{images} without a place"));
    }
    parts.join("; ")
}

fn print(
    output: &Output,
    plan: &FolderPlan,
    report: &FolderReport,
    peak_memory: Option<u64>,
) -> Result<(), CommandError> {
    let created = &report.created;
    let text = counts(&[
        (created.characters, "character"),
        (created.variations, "variation"),
        (created.animations, "animation"),
        (created.frames, "frame"),
        (created.takes.saturating_sub(created.frames), "other take"),
        (created.references, "reference"),
    ]);
    output.line(if *created == pegbar::CreatedRows::default() {
        "nothing is new".to_owned()
    } else {
        format!("imported {text}")
    })?;
    if report.unchanged > 0 {
        let there = count(report.unchanged, "image");
        output.line(format_args!("there already and unchanged: {there}"))?;
    }
    if !report.changed.is_empty() {
        let files = count(report.changed.len() as u64, "file");
        let changed = report.changed.iter().map(|file| {
            let shown = match file.shown_in {
                Some(_) => "its frame shows it now",
                None => "no frame shows it",
            };
            format!("{} (asset {}): {shown}", file.path, file.asset_id)
        });
        output.line(format_args!(
            "changed since the last import, each a new asset now; the earlier ones stay: {files}{}",
            named(changed, report.changed.len() as u64)
        ))?;
    }
    if let Some(peak) = peak_memory {
        output.line(format_args!("used at most {} of memory", size(peak)))?;
    }
    if !report.refused.is_empty() {
        let refused = report.refused.iter();
        let refused = refused.map(|file| format!("{}: {}", file.path, file.reason));
        output.warning(format_args!(
            "could not be taken in: {}{}",
            count(report.refused.len() as u64, "file"),
            named(refused, report.refused.len() as u64)
        ));
    }
    if !plan.skipped.is_empty() {
        let number = plan.skipped.len() as u64;
        let skipped = plan.skipped.iter();
        let skipped = skipped.map(|file| format!("{}: {}", file.path, file.reason));
        output.note(format_args!(
            "not taken in: {}{}",
            count(number, "file"),
            named(skipped, number)
        ));
    }
    Ok(())
}

/// Returns the most memory that this program had at one time, in bytes (proc(5), `VmHWM`).
fn peak_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes * 1024)
}
