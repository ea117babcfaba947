//! Files that are to be taken in, looked at before anything is done.

use std::path::{Path, PathBuf};

use crate::error::CommandError;
use crate::text::{count, quoted};

/// What the names of images end with.
const EXTENSIONS: [&str; 5] = ["png", "jpg", "jpeg", "webp", "gif"];

/// How many files are named.
const MAX_NAMED: usize = 3;

/// How similar a name has to be to be suggested, as Jaro-Winkler has it.
const SIMILAR: f64 = 0.8;

/// Refuses what can't be an image, and says what may have been meant.
pub(crate) fn check(files: &[PathBuf]) -> Result<(), CommandError> {
    files.iter().try_for_each(|file| check_one(file))
}

fn check_one(file: &Path) -> Result<(), CommandError> {
    if file.is_dir() {
        return Err(folder(file));
    }
    // What is there and can't be read is for the library to say.
    if file.exists() || file.symlink_metadata().is_ok() {
        return Ok(());
    }
    let shown = file.display();
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let above = match file.parent() {
        Some(above) if !above.as_os_str().is_empty() => above,
        _ => Path::new("."),
    };
    if !above.is_dir() {
        let message = format!(
            "there is no file {shown}: there is no folder {}",
            above.display()
        );
        return Err(CommandError::refused("not_found", message).hint("check the path"));
    }
    let there = images(above);
    let hint = match (nearest(&name, &there), there.as_slice()) {
        (Some(nearest), _) if !is_pattern(&name) => {
            format!("did you mean {}?", quoted(&above_and(file, nearest)))
        }
        (_, []) => format!("{} has no images", named_folder(above)),
        (_, there) => format!("{} has {}", named_folder(above), first_of(there)),
    };
    let message = if is_pattern(&name) {
        format!("no file matches {shown}")
    } else {
        format!("there is no file {shown}")
    };
    Err(CommandError::refused("not_found", message).hint(hint))
}

/// Says what to give instead of a folder.
fn folder(folder: &Path) -> CommandError {
    let shown = folder.display();
    let there = images(folder);
    let shown_text = shown.to_string();
    let shown_text = shown_text.trim_end_matches('/');
    let whole = format!("`pegbar import folder {shown_text}` takes in a folder with all below it");
    let hint = match there.first() {
        None => whole,
        Some(first) => {
            let extension = first
                .rsplit_once('.')
                .map_or("png", |(_, extension)| extension);
            let number = count(there.len() as u64, "image");
            format!("name its {number}: {shown_text}/*.{extension}; {whole}")
        }
    };
    let message = format!("{shown} is a folder, where an image is expected");
    CommandError::refused("invalid", message).hint(hint)
}

/// Returns whether a name looks like an image's, or something of the name is there.
pub(crate) fn is_file_name(text: &str) -> bool {
    let path = Path::new(text);
    let extension = path.extension().unwrap_or_default().to_string_lossy();
    path.is_file() || EXTENSIONS.contains(&extension.to_lowercase().as_str())
}

fn is_pattern(name: &str) -> bool {
    name.contains(['*', '?', '['])
}

/// Returns the names of the images in a folder, in order.
fn images(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
    let mut names: Vec<String> = names
        .filter(|name| {
            let extension = Path::new(name).extension().unwrap_or_default();
            let extension = extension.to_string_lossy().to_lowercase();
            EXTENSIONS.contains(&extension.as_str())
        })
        .collect();
    names.sort_by(|a, b| crate::natural::by_file_name(Path::new(a), Path::new(b)));
    names
}

fn nearest<'a>(name: &str, there: &'a [String]) -> Option<&'a String> {
    let name = name.to_lowercase();
    let scored = there
        .iter()
        .map(|known| (strsim::jaro_winkler(&name, &known.to_lowercase()), known))
        .filter(|(score, _)| *score >= SIMILAR);
    scored
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, known)| known)
}

fn above_and(file: &Path, name: &str) -> String {
    file.with_file_name(name).display().to_string()
}

fn named_folder(folder: &Path) -> String {
    if folder == Path::new(".") {
        return "the current folder".to_owned();
    }
    folder.display().to_string()
}

fn first_of(names: &[String]) -> String {
    let first = names.iter().take(MAX_NAMED).cloned().collect::<Vec<_>>();
    let first = first.join(", ");
    match names.len().saturating_sub(MAX_NAMED) {
        0 => first,
        more => format!("{first} and {more} more"),
    }
}
