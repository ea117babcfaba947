//! `pegbar contact-sheet`.

mod takes;

use std::io::BufReader;
use std::path::{Path, PathBuf};

use image::{DynamicImage, ImageDecoder as _, ImageError, ImageReader, RgbaImage};
use pegbar::{AnimationTree, Asset, Character, CharacterTree, Id, Studio};

use crate::context::Context;
use crate::error::{CommandError, with_causes};
use crate::find::{self, InProject};
use crate::sheet::{self, Cell, ContactSheet, SheetFile, SheetOptions};
use crate::text::{count, dropped, one_line};

/// Draw a character's variations, or an animation's frames or takes, on one picture
///
/// A labelled grid as a PNG, to look at: each frame with its index, each variation with its
/// tags or file name, both with the end of their asset's id. With --takes, what each frame shows
/// is marked, and below it are the other takes for its place, as far as their input, file name
/// or prompt tells it. Two takes that are named are drawn side by side, large. An earlier
/// contact sheet is replaced, any other file only with --force.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  pegbar contact-sheet Tabby
  pegbar contact-sheet Tabby/Walk -o walk.png --columns 4
  pegbar contact-sheet Tabby/Walk --takes
  pegbar contact-sheet Tabby/Walk --takes 3 3f9c1a     frame 3 beside a take")]
pub(crate) struct Args {
    /// The character or the animation
    #[arg(value_name = "CHARACTER|ANIMATION")]
    subject: String,
    /// Takes to compare: by name, by the end of an id, or by the index of a frame
    #[arg(value_name = "TAKE", requires = "takes")]
    compared: Vec<String>,
    /// Draw an animation's takes, or only those that are named, side by side
    #[arg(long)]
    takes: bool,
    /// The file; else one in the current folder, named after the character or animation
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Pictures in a row; else as many as look well
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..=1000))]
    columns: Option<u32>,
    /// Replace the file, whatever it is
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    within: InProject,
}

pub(crate) async fn run(args: Args, context: &Context) -> Result<(), CommandError> {
    let studio = &context.studio().await?;
    let output = &context.output;
    let found = Found::find(studio, &args.within, &args.subject).await?;
    let mut options = SheetOptions::default();
    let subject = match &found {
        Found::Animation(character, tree) if args.takes => {
            takes::subject(character, tree, &args.compared, &mut options)?
        }
        Found::Character(tree) if args.takes => {
            let name = &tree.character.name;
            let message = format!("{name:?} is a character: takes belong to an animation");
            let error = CommandError::refused("invalid", message);
            return Err(error.hint(format!("say which one, as in \"{name}/ANIMATION\"")));
        }
        found => found.subject(),
    };
    options.columns = args.columns.or(options.columns);
    let path = args.output.unwrap_or_else(|| subject.file_name().into());
    sheet::check(&path, args.force)?;
    let progress = output.progress(subject.pictures.len() as u64, "images");
    let picture = subject.draw(studio, &options, || progress.inc(1));
    progress.finish();
    let file = sheet::write(&picture, &path, args.force)?;
    if output.is_json() {
        return output.json(&file);
    }
    let SheetFile { width, height, .. } = file;
    output.line(format_args!(
        "{}  ({width}×{height}, {})",
        path.display(),
        subject.title
    ))
}

/// What a name means here.
enum Found {
    Character(Box<CharacterTree>),
    Animation(Box<Character>, Box<AnimationTree>),
}

impl Found {
    async fn find(studio: &Studio, within: &InProject, wanted: &str) -> Result<Self, CommandError> {
        // Without its project nothing is found, which is another answer.
        within.projects(studio).await?;
        let character = find::character(studio, within, wanted).await;
        let animation = find::animation(studio, within, wanted).await;
        match (character, animation) {
            (Ok(character), Ok(animation)) => {
                let message = format!("{wanted:?} is a character and an animation");
                let error = CommandError::refused("ambiguous", message);
                Err(error.hint(format!(
                    "give an id: the character is {}, the animation {}",
                    character.id, animation.id
                )))
            }
            (Ok(character), Err(error)) if error.is_not_found() => {
                let tree = studio.get_character_tree(character.id).await?;
                Ok(Self::Character(Box::new(tree)))
            }
            (Err(error), Ok(animation)) if error.is_not_found() => {
                let character = studio.get_character(animation.character_id).await?;
                let tree = studio.get_animation_tree(animation.id).await?;
                Ok(Self::Animation(Box::new(character), Box::new(tree)))
            }
            (Err(error), Err(other)) if error.is_not_found() && other.is_not_found() => {
                let message = format!("there is no character and no animation {wanted:?}");
                let hint = error.suggestion().or_else(|| other.suggestion());
                let hint = hint.unwrap_or_else(|| "`pegbar tree` shows what is there".to_owned());
                Err(CommandError::refused("not_found", message).hint(hint))
            }
            (Err(error), Err(other)) if error.is_not_found() => Err(other),
            (_, Err(error)) | (Err(error), _) => Err(error),
        }
    }

    fn subject(&self) -> Subject<'_> {
        match self {
            Self::Character(tree) => Subject::variations(tree),
            Self::Animation(character, tree) => Subject::frames(character, tree),
        }
    }
}

/// What is drawn on one contact sheet.
pub(super) struct Subject<'a> {
    title: String,
    file_stem: String,
    /// In the order of the places; `None` leaves one empty.
    pictures: Vec<Option<Picture<'a>>>,
}

struct Picture<'a> {
    asset: &'a Asset,
    label: String,
    sublabels: Vec<String>,
    is_marked: bool,
}

impl<'a> Subject<'a> {
    /// The variations of a character.
    pub(super) fn variations(tree: &'a CharacterTree) -> Self {
        let character = &tree.character;
        let pictures = tree.variations.iter().map(|asset| {
            let is_primary = character.primary_asset_id == Some(asset.id);
            let mark = if is_primary { " (primary)" } else { "" };
            Some(Picture {
                asset,
                label: format!("{}{mark}", name(asset)),
                sublabels: vec![ending(asset.id)],
                is_marked: false,
            })
        });
        let number = count(tree.variations.len() as u64, "variation");
        Self {
            title: format!("{}: {number}", one_line(&character.name, 80)),
            file_stem: segment(character).to_owned(),
            pictures: pictures.collect(),
        }
    }

    /// The frames of an animation.
    pub(super) fn frames(character: &'a Character, tree: &'a AnimationTree) -> Self {
        let pictures = tree.frames.iter().map(|shown| {
            let prompt = shown.frame.frame_prompt.as_deref();
            let text = prompt.map_or_else(|| name(&shown.asset), |text| one_line(text, 200));
            Some(Picture {
                asset: &shown.asset,
                label: format!("{}  {}", shown.frame.frame_index, ending(shown.asset.id)),
                sublabels: vec![text],
                is_marked: false,
            })
        });
        let animation = &tree.animation;
        let folder = animation.segment.as_deref().unwrap_or("animation");
        Self {
            title: format!(
                "{} / {}: {}",
                one_line(&character.name, 80),
                one_line(&animation.name, 80),
                count(tree.frames.len() as u64, "frame"),
            ),
            file_stem: format!("{}_{folder}", segment(character)),
            pictures: pictures.collect(),
        }
    }

    /// Returns the name that its file has if no other is given.
    pub(super) fn file_name(&self) -> String {
        format!("{}.png", self.file_stem)
    }

    /// Draws the sheet; one image at a time is in memory. `drawn` is called after each.
    fn draw(&self, studio: &Studio, options: &SheetOptions, drawn: impl Fn()) -> RgbaImage {
        let mut sheet = ContactSheet::new(&self.title, self.pictures.len(), options);
        for picture in &self.pictures {
            drawn();
            let Some(picture) = picture else {
                sheet.skip();
                continue;
            };
            match load(studio, picture.asset) {
                Ok(image) => sheet.add(&Cell {
                    image,
                    label: picture.label.clone(),
                    sublabels: picture.sublabels.clone(),
                    is_marked: picture.is_marked,
                }),
                Err(why) => sheet.add_unreadable(&picture.label, &why),
            }
        }
        sheet.finish()
    }

    /// Draws the sheet into a file.
    pub(super) fn write(
        &self,
        studio: &Studio,
        options: &SheetOptions,
        path: &Path,
    ) -> Result<SheetFile, CommandError> {
        sheet::write(&self.draw(studio, options, || {}), path, false)
    }
}

/// Reads an image, turned as it is to be seen, from the bytes that were taken in, not from
/// the file that anyone may edit.
fn load(studio: &Studio, asset: &Asset) -> Result<RgbaImage, String> {
    if let Some(time) = asset.bytes_dropped_at {
        return Err(dropped(time));
    }
    let file = studio.open_image(asset);
    let file = BufReader::new(file.map_err(|error| with_causes(&error))?);
    let reader = ImageReader::new(file).with_guessed_format();
    let reader = reader.map_err(|error| error.to_string())?;
    let decode = || {
        let mut decoder = reader.into_decoder()?;
        let orientation = decoder.orientation()?;
        let mut image = DynamicImage::from_decoder(decoder)?;
        image.apply_orientation(orientation);
        Ok(image.into_rgba8())
    };
    decode().map_err(|error: ImageError| error.to_string())
}

/// Returns what people would call an image.
fn name(asset: &Asset) -> String {
    if !asset.tags.is_empty() {
        return one_line(&asset.tags.join(", "), 200);
    }
    let texts = [&asset.original_name, &asset.generation_prompt];
    let text = texts.into_iter().flatten().next();
    text.map_or_else(|| asset.kind.to_string(), |text| one_line(text, 200))
}

/// Returns the end of an id that people name it by.
fn ending(id: impl Id) -> String {
    let text = id.to_string();
    text.rsplit_once('-')
        .map_or(text.clone(), |(_, end)| end.to_owned())
}

fn segment(character: &Character) -> &str {
    character.segment.as_deref().unwrap_or("character")
}
