//! Files with settings: TOML, checked line by line, changed without losing comments.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use toml_edit::{Document, DocumentMut, Item, Value};

use super::{Key, Level, value};
use crate::error::CommandError;

/// A line of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) file: PathBuf,
    /// Counted from 1.
    pub(crate) line: usize,
}

/// What one file sets.
#[derive(Clone, Debug, Default)]
pub(super) struct Layer {
    values: Vec<(Key, String, Place)>,
}

impl Layer {
    /// Reads a file; one that is not there sets nothing.
    pub(super) fn load(path: &Path, level: Level) -> Result<Self, CommandError> {
        let text = read(path)?;
        let document = Document::parse(text.as_str()).map_err(|error| {
            let place = place(path, &text, error.span().map(|span| span.start));
            wrong(&place, error.message().trim())
        })?;
        let mut layer = Self::default();
        for (name, item) in document.iter() {
            let span = document.key(name).and_then(toml_edit::Key::span);
            let place = place(path, &text, span.map(|span| span.start));
            let Some(key) = Key::named(name) else {
                let error = wrong(&place, &format!("there is no setting \"{name}\""));
                return Err(error.hint(match Key::nearest(name) {
                    Some(nearest) => format!("did you mean \"{nearest}\"?"),
                    None => "`pegbar config` lists the settings".to_owned(),
                }));
            };
            if let Some(why) = key.refusal(level) {
                let error = wrong(&place, &format!("\"{name}\" can't be set here: {why}"));
                return Err(error.hint("take the line away"));
            }
            let value =
                checked(key, item).map_err(|reason| wrong(&place, &format!("{name}: {reason}")))?;
            layer.values.push((key, value, place));
        }
        Ok(layer)
    }

    pub(super) fn get(&self, key: Key) -> Option<(&String, &Place)> {
        let found = self.values.iter().find(|(known, ..)| *known == key);
        found.map(|(_, value, place)| (value, place))
    }
}

fn checked(key: Key, item: &Item) -> Result<String, String> {
    let text = match item {
        Item::Value(Value::String(text)) => text.value().clone(),
        Item::Value(Value::Integer(number)) if key.is_number() => number.value().to_string(),
        other => {
            let kind = other.type_name();
            let expected = if key.is_number() {
                "a number"
            } else {
                "a text in quotes"
            };
            return Err(format!("expected {expected}, got {kind}"));
        }
    };
    key.check(&text).map(|()| text)
}

/// Sets or, with `None`, unsets one setting in a file; everything else in it stays as it is.
/// Returns whether that changed something.
pub(crate) fn change(path: &Path, key: Key, text: Option<&str>) -> Result<bool, CommandError> {
    let before = read(path)?;
    let mut document: DocumentMut = before.parse().map_err(|error: toml_edit::TomlError| {
        let place = place(path, &before, error.span().map(|span| span.start));
        wrong(&place, error.message().trim())
    })?;
    match text {
        Some(text) => {
            let number = value::number(text).and_then(|number| i64::try_from(number).ok());
            let is_plain = text.bytes().all(|byte| byte.is_ascii_digit());
            let mut value = match number {
                Some(number) if key.is_number() && is_plain => Value::from(number),
                _ => Value::from(text),
            };
            // A comment behind the value stays.
            if let Some(old) = document.get(key.name()).and_then(Item::as_value) {
                *value.decor_mut() = old.decor().clone();
            }
            document[key.name()] = Item::Value(value);
        }
        None => {
            document.remove(key.name());
        }
    }
    let after = document.to_string();
    if after != before {
        write(path, &after).map_err(|error| refused(path, "writing", &error))?;
    }
    Ok(after != before)
}

fn read(path: &Path) -> Result<String, CommandError> {
    match fs::read_to_string(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(String::new()),
        read => read.map_err(|error| refused(path, "reading", &error)),
    }
}

/// Replaces a file at once; only its owner may read it, since it may hold a password.
fn write(path: &Path, text: &str) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let draft = path.with_extension(format!("{}.tmp", std::process::id()));
    let mut options = fs::File::options();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let written = options.open(&draft).and_then(|mut file| {
        file.write_all(text.as_bytes())?;
        file.sync_all()
    });
    let replaced = written.and_then(|()| fs::rename(&draft, path));
    if replaced.is_err() {
        // It may not be there.
        let _ = fs::remove_file(&draft);
    }
    replaced
}

fn refused(path: &Path, action: &str, error: &io::Error) -> CommandError {
    CommandError::refused("io", format!("{action} {}: {error}", path.display()))
}

fn wrong(place: &Place, reason: &str) -> CommandError {
    let Place { file, line } = place;
    let message = format!("{}, line {line}: {reason}", file.display());
    CommandError::refused("invalid", message)
}

fn place(path: &Path, text: &str, start: Option<usize>) -> Place {
    let before = text.get(..start.unwrap_or(0)).unwrap_or(text);
    Place {
        file: path.to_owned(),
        line: before.matches('\n').count() + 1,
    }
}
