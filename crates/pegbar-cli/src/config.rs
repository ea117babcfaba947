//! Settings, and which of several values counts: options before the environment, that before
//! the studio's file, that before the user's.

mod file;
mod key;
mod value;

use std::path::{Path, PathBuf};

use pegbar::{DatabaseAddress, Limits};

use crate::error::CommandError;
use file::Layer;
pub(crate) use file::{Place, change};
pub(crate) use key::{Key, Level};
pub(crate) use value::{number, without_password};

/// Names another file for the user's settings.
const USER_FILE: &str = "PEGBAR_CONFIG";

/// The value of a setting, and who says so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Setting {
    pub(crate) value: String,
    pub(crate) origin: Origin,
}

/// Who says what a setting is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// An option of the command line.
    Option(&'static str),
    /// A variable of the environment.
    Variable(&'static str),
    /// A line of a file, the studio's or the user's.
    File(Level, Place),
}

/// What is set, for one studio or none.
#[derive(Clone, Debug, Default)]
pub(crate) struct Settings {
    options: Vec<(Key, Setting)>,
    studio: Layer,
    user: Layer,
}

impl Settings {
    /// Reads what the user has set.
    pub(crate) fn load() -> Result<Self, CommandError> {
        let user = match user_file() {
            Some(path) => Layer::load(&path, Level::User)?,
            None => Layer::default(),
        };
        Ok(Self {
            user,
            ..Self::default()
        })
    }

    /// Adds what an option of the command line says.
    pub(crate) fn set_option(&mut self, key: Key, name: &'static str, value: String) {
        let origin = Origin::Option(name);
        self.options.push((key, Setting { value, origin }));
    }

    /// Adds what the file of a studio says.
    pub(crate) fn of_studio(&self, folder: &Path) -> Result<Self, CommandError> {
        Ok(Self {
            studio: Layer::load(&studio_file(folder), Level::Studio)?,
            ..self.clone()
        })
    }

    /// Returns what counts; `None` for the default.
    pub(crate) fn get(&self, key: Key) -> Result<Option<Setting>, CommandError> {
        if let Some((_, setting)) = self.options.iter().find(|(known, _)| *known == key) {
            return Ok(Some(setting.clone()));
        }
        if let Some(setting) = from_environment(key)? {
            return Ok(Some(setting));
        }
        let layers = [(Level::Studio, &self.studio), (Level::User, &self.user)];
        Ok(layers.into_iter().find_map(|(level, layer)| {
            let (value, place) = layer.get(key)?;
            Some(Setting {
                value: value.clone(),
                origin: Origin::File(level, place.clone()),
            })
        }))
    }

    /// Returns the text of a setting.
    pub(crate) fn text(&self, key: Key) -> Result<Option<String>, CommandError> {
        Ok(self.get(key)?.map(|setting| setting.value))
    }

    /// Returns where the rows are.
    pub(crate) fn database(&self) -> Result<DatabaseAddress, CommandError> {
        Ok(match self.text(Key::DatabaseUrl)? {
            Some(address) => DatabaseAddress::Postgres(address),
            None => DatabaseAddress::Sqlite,
        })
    }

    /// Returns what images are taken in.
    pub(crate) fn limits(&self) -> Result<Limits, CommandError> {
        let mut limits = Limits::default();
        // The values were checked when they were read.
        let number = |key| -> Result<Option<u64>, CommandError> {
            Ok(self.text(key)?.and_then(|text| number(&text)))
        };
        if let Some(bytes) = number(Key::MaxFileSize)? {
            limits.max_file_size = bytes;
        }
        if let Some(pixels) = number(Key::MaxPixels)? {
            limits.max_pixels = pixels;
        }
        Ok(limits)
    }
}

/// Reads what a variable says; an empty one says nothing.
fn from_environment(key: Key) -> Result<Option<Setting>, CommandError> {
    let name = key.variable();
    let value = match std::env::var(name) {
        Ok(value) if !value.is_empty() => value,
        Ok(_) | Err(std::env::VarError::NotPresent) => return Ok(None),
        Err(std::env::VarError::NotUnicode(_)) => {
            return Err(CommandError::usage(format!("{name} is not Unicode text")));
        }
    };
    key.check(&value)
        .map_err(|reason| CommandError::usage(format!("{name}: {reason}")))?;
    let origin = Origin::Variable(name);
    Ok(Some(Setting { value, origin }))
}

/// Returns the file with the settings of a studio.
pub(crate) fn studio_file(folder: &Path) -> PathBuf {
    folder.join(".pegbar").join("config.toml")
}

/// Returns the file with the settings of the user; `None` where the user has no home.
pub(crate) fn user_file() -> Option<PathBuf> {
    let named = |name: &str| {
        let path = std::env::var_os(name).filter(|path| !path.is_empty());
        path.map(PathBuf::from)
    };
    if let Some(file) = named(USER_FILE) {
        return Some(file);
    }
    // The XDG Base Directory Specification: a relative path is to be ignored.
    let folder = named("XDG_CONFIG_HOME").filter(|path| path.is_absolute());
    let folder = folder.or_else(|| {
        let home = std::env::home_dir()?;
        Some(match std::env::consts::OS {
            "windows" => named("APPDATA").unwrap_or_else(|| home.join("AppData").join("Roaming")),
            "macos" => home.join("Library").join("Application Support"),
            _ => home.join(".config"),
        })
    });
    Some(folder?.join("pegbar").join("config.toml"))
}
