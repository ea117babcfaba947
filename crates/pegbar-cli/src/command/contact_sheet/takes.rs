//! The takes of an animation on a contact sheet: all of them, or some side by side.

use pegbar::{AnimationTree, Asset, AssetId, Character, FrameTree, ReferenceRole};
use unicode_width::UnicodeWidthChar;

use super::{Picture, Subject, ending, name, segment};
use crate::error::CommandError;
use crate::find;
use crate::sheet::SheetOptions;
use crate::text::{count, minute, one_line, pixels, stored_size};

/// Frames in a row, below each of which its takes stand.
const COLUMNS: usize = 12;

/// How large small pictures are drawn that are compared, in pixels.
const COMPARED: u32 = 768;

/// The largest picture that is drawn in its own size.
const LARGEST: u32 = 2048;

/// The width of a letter, in pixels.
const LETTER: u32 = 8;

/// How many lines of a prompt are written.
const PROMPT_LINES: usize = 3;

/// Decides what is drawn: all takes, or those that are named.
pub(super) fn subject<'a>(
    character: &'a Character,
    tree: &'a AnimationTree,
    compared: &[String],
    options: &mut SheetOptions,
) -> Result<Subject<'a>, CommandError> {
    let (title, file_stem) = names(character, tree);
    match compared {
        [] => {
            options.lines = 3;
            let pictures = all(tree, options);
            let takes = pictures.iter().flatten().count() as u64;
            Ok(Subject {
                title: format!("{title}: {}", count(takes, "take")),
                file_stem: format!("{file_stem}_takes"),
                pictures,
            })
        }
        [one] => {
            let message = format!("only one take is named: \"{one}\"");
            Err(CommandError::usage(message).hint("name two to see them side by side, or none"))
        }
        several => Ok(Subject {
            title: format!(
                "{title}: {} side by side",
                count(several.len() as u64, "take")
            ),
            file_stem: format!("{file_stem}_compared"),
            pictures: side_by_side(tree, several, options)?,
        }),
    }
}

fn names(character: &Character, tree: &AnimationTree) -> (String, String) {
    let animation = &tree.animation;
    let folder = animation.segment.as_deref().unwrap_or("animation");
    let title = format!(
        "{} / {}",
        one_line(&character.name, 80),
        one_line(&animation.name, 80)
    );
    (title, format!("{}_{folder}", segment(character)))
}

/// Places what the frames show in rows, and below each the other takes for its place; takes
/// whose place nothing tells come last.
fn all<'a>(tree: &'a AnimationTree, options: &mut SheetOptions) -> Vec<Option<Picture<'a>>> {
    let mut below: Vec<Vec<&Asset>> = vec![Vec::new(); tree.frames.len()];
    let mut others = Vec::new();
    for take in &tree.takes {
        match place_of(take, &tree.frames) {
            Some(place) => below[place].push(take),
            None => others.push(take),
        }
    }
    let columns = tree.frames.len().clamp(1, COLUMNS);
    let columns = columns.max(others.len().min(COLUMNS));
    let mut pictures = Vec::new();
    for (frames, below) in tree.frames.chunks(columns).zip(below.chunks(columns)) {
        pictures.extend(frames.iter().map(|frame| Some(shown(frame))));
        pad(&mut pictures, columns);
        let deepest = below.iter().map(Vec::len).max().unwrap_or(0);
        for row in 0..deepest {
            pictures.extend(frames.iter().zip(below).map(|(frame, takes)| {
                let index = frame.frame.frame_index;
                Some(picture(takes.get(row)?, &format!("for {index}")))
            }));
            pad(&mut pictures, columns);
        }
    }
    pictures.extend(others.iter().map(|take| Some(picture(take, "not shown"))));
    while pictures.last().is_some_and(Option::is_none) {
        pictures.pop();
    }
    options.columns = u32::try_from(columns).ok();
    pictures
}

/// Fills a row up with empty places.
fn pad(pictures: &mut Vec<Option<Picture<'_>>>, columns: usize) {
    let count = pictures.len().next_multiple_of(columns);
    pictures.resize_with(count, || None);
}

fn shown(frame: &FrameTree) -> Picture<'_> {
    Picture {
        is_marked: true,
        ..picture(&frame.asset, &format!("{} shown", frame.frame.frame_index))
    }
}

fn picture<'a>(asset: &'a Asset, place: &str) -> Picture<'a> {
    let prompt = asset.generation_prompt.as_deref();
    let model = asset.model.as_deref().map(|model| one_line(model, 80));
    let details: Vec<String> = model.into_iter().chain([pixels(asset)]).collect();
    Picture {
        asset,
        label: format!("{place}  {}", ending(asset.id)),
        sublabels: vec![
            prompt.map_or_else(|| name(asset), |text| one_line(text, 200)),
            details.join(", "),
        ],
        is_marked: false,
    }
}

/// Finds the place among the frames that a take was made for, as far as something tells it: what
/// it followed, the name of its file, or its prompt.
fn place_of(take: &Asset, frames: &[FrameTree]) -> Option<usize> {
    let only = |is_meant: &dyn Fn(&FrameTree) -> bool| {
        let mut places = frames
            .iter()
            .enumerate()
            .filter(|(_, frame)| is_meant(frame));
        let (place, _) = places.next()?;
        places.next().is_none().then_some(place)
    };
    let before = previous(take);
    let same_input = || before.and_then(|before| only(&|f| previous(&f.asset) == Some(before)));
    let after_input = || {
        let place = before.and_then(|before| only(&|f| f.asset.id == before))? + 1;
        (place < frames.len()).then_some(place)
    };
    let same_name = || {
        let name = take.original_name.as_ref()?;
        only(&|f| f.asset.original_name.as_ref() == Some(name))
    };
    let same_prompt = || {
        let prompt = take.generation_prompt.as_ref()?;
        let of_asset = only(&|f| f.asset.generation_prompt.as_ref() == Some(prompt));
        of_asset.or_else(|| only(&|f| f.frame.frame_prompt.as_ref() == Some(prompt)))
    };
    same_input()
        .or_else(after_input)
        .or_else(same_name)
        .or_else(same_prompt)
}

/// Returns the frame that an image was to follow.
fn previous(asset: &Asset) -> Option<AssetId> {
    let mut references = asset.references.iter();
    let previous = references.find(|reference| reference.role == ReferenceRole::PreviousFrame)?;
    Some(previous.asset_id)
}

/// Places the takes that are named beside each other, large and all to one scale.
fn side_by_side<'a>(
    tree: &'a AnimationTree,
    compared: &[String],
    options: &mut SheetOptions,
) -> Result<Vec<Option<Picture<'a>>>, CommandError> {
    let assets = compared.iter().map(|wanted| find_take(tree, wanted));
    let assets = assets.collect::<Result<Vec<_>, _>>()?;
    let sides = assets.iter().flat_map(|asset| [asset.width, asset.height]);
    let longest = sides.flatten().max().unwrap_or(COMPARED).max(1);
    let scale = (COMPARED / longest).max(1);
    options.scale = Some(scale);
    options.cell_size = (longest.min(LARGEST) * scale).max(COMPARED / 2);
    options.columns = u32::try_from(assets.len()).ok();
    let letters = (options.cell_size / LETTER) as usize;
    let pictures = assets.into_iter().map(|asset| {
        let places = tree
            .frames
            .iter()
            .filter(|frame| frame.asset.id == asset.id);
        let places: Vec<_> = places.map(|f| f.frame.frame_index.to_string()).collect();
        let place = match places.as_slice() {
            [] => "not shown".to_owned(),
            places => format!("shown in frame {}", places.join(", ")),
        };
        let model = asset.model.as_deref().map(|model| one_line(model, 80));
        let details = [pixels(asset), stored_size(asset), minute(asset.created_at)];
        let details: Vec<String> = model.into_iter().chain(details).collect();
        let prompt = asset.generation_prompt.as_deref().unwrap_or_default();
        let mut sublabels = vec![name(asset), details.join(", ")];
        sublabels.extend(wrapped(prompt, letters, PROMPT_LINES));
        Some(Picture {
            asset,
            label: format!("{}  {place}", ending(asset.id)),
            sublabels,
            is_marked: !places.is_empty(),
        })
    });
    let pictures: Vec<Option<Picture>> = pictures.collect();
    let lines = pictures
        .iter()
        .flatten()
        .map(|picture| 1 + picture.sublabels.len());
    options.lines = lines
        .max()
        .and_then(|lines| u32::try_from(lines).ok())
        .unwrap_or(1);
    Ok(pictures)
}

/// Finds a take by its name or id among what the animation has, or what a frame shows.
fn find_take<'a>(tree: &'a AnimationTree, wanted: &str) -> Result<&'a Asset, CommandError> {
    let shown = tree.frames.iter().map(|frame| &frame.asset);
    let mut assets: Vec<&Asset> = shown.chain(&tree.takes).collect();
    assets.sort_unstable_by_key(|asset| asset.id);
    assets.dedup_by_key(|asset| asset.id);
    let owned: Vec<Asset> = assets.iter().map(|asset| (*asset).clone()).collect();
    let found = find::take(&tree.animation, &owned, wanted).map(|asset| asset.id);
    let index = wanted.parse::<usize>().ok();
    match (found, index.and_then(|index| tree.frames.get(index))) {
        (Err(error), Some(frame)) if error.is_not_found() => Ok(&frame.asset),
        (found, _) => {
            let id = found?;
            let found = assets.into_iter().find(|asset| asset.id == id);
            found.ok_or_else(|| CommandError::refused("not_found", format!("no take {wanted}")))
        }
    }
}

/// Breaks a text into lines of so many letters; what does not fit is cut off with a sign.
fn wrapped(text: &str, letters: usize, most: usize) -> Vec<String> {
    let width = |text: &str| {
        text.chars()
            .filter_map(UnicodeWidthChar::width)
            .sum::<usize>()
    };
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        let is_last = lines.len() == most;
        match lines.last_mut() {
            Some(line) if is_last || width(line) + 1 + width(word) <= letters => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    // The typewriter shortens a line that is too long.
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_prompt_is_broken_between_words() {
        let lines = wrapped("the front paw  passes\nthe other one", 10, 9);
        assert_eq!(lines, ["the front", "paw passes", "the other", "one"]);
        let lines = wrapped("the front paw passes the other one", 10, 2);
        assert_eq!(lines, ["the front", "paw passes the other one"]);
        assert_eq!(wrapped("走る猫 走る", 8, 3), ["走る猫", "走る"]);
        assert!(wrapped(" ", 8, 3).is_empty());
    }
}
