//! What can be set.

use pegbar::Limits;

use super::value;
use crate::color::ColorWhen;
use crate::text::size;

/// A setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Key {
    Studio,
    Project,
    DatabaseUrl,
    Viewer,
    Color,
    MaxFileSize,
    MaxPixels,
}

/// Whose file a setting may stand in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Level {
    Studio,
    User,
}

impl Level {
    /// The word for it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Studio => "studio",
            Self::User => "user",
        }
    }
}

impl Key {
    pub(crate) const ALL: [Self; 7] = [
        Self::Studio,
        Self::Project,
        Self::DatabaseUrl,
        Self::Viewer,
        Self::Color,
        Self::MaxFileSize,
        Self::MaxPixels,
    ];

    /// Its name in files and on the command line.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Studio => "studio",
            Self::Project => "project",
            Self::DatabaseUrl => "database-url",
            Self::Viewer => "viewer",
            Self::Color => "color",
            Self::MaxFileSize => "max-file-size",
            Self::MaxPixels => "max-pixels",
        }
    }

    /// Its variable in the environment.
    pub(crate) fn variable(self) -> &'static str {
        match self {
            Self::Studio => "PEGBAR_STUDIO",
            Self::Project => "PEGBAR_PROJECT",
            Self::DatabaseUrl => "PEGBAR_DATABASE_URL",
            Self::Viewer => "PEGBAR_VIEWER",
            Self::Color => "PEGBAR_COLOR",
            Self::MaxFileSize => "PEGBAR_MAX_FILE_SIZE",
            Self::MaxPixels => "PEGBAR_MAX_PIXELS",
        }
    }

    /// What counts where nobody says anything.
    pub(crate) fn default(self) -> String {
        let limits = Limits::default();
        match self {
            Self::Studio => "the nearest one above the current folder".to_owned(),
            Self::Project => "the only one".to_owned(),
            Self::DatabaseUrl => ".pegbar/pegbar.db (SQLite)".to_owned(),
            Self::Viewer => "the system's".to_owned(),
            Self::Color => "auto".to_owned(),
            Self::MaxFileSize => size(limits.max_file_size),
            Self::MaxPixels => limits.max_pixels.to_string(),
        }
    }

    /// Finds the setting with this name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|key| key.name() == name)
    }

    /// Returns the name that a wrong one is nearest to.
    pub(crate) fn nearest(name: &str) -> Option<&'static str> {
        let name = name.to_lowercase().replace('_', "-");
        let similar = |key: &Key| strsim::jaro_winkler(&name, key.name());
        let scored = Self::ALL
            .into_iter()
            .map(|key| (similar(&key), key.name()))
            .filter(|(score, _)| *score >= 0.75);
        scored
            .max_by(|a, b| a.0.total_cmp(&b.0))
            .map(|(_, name)| name)
    }

    /// Says why it may not stand in the file of this level, if it may not.
    pub(crate) fn refusal(self, level: Level) -> Option<&'static str> {
        match (self, level) {
            // The folder of a studio may come from someone else.
            (Self::Viewer, Level::Studio) => {
                Some("a studio may not say which program is run: it belongs to the user")
            }
            (Self::Studio | Self::Color, Level::Studio) => Some("it belongs to the user"),
            (Self::DatabaseUrl, Level::User) => {
                Some("a database belongs to one studio: it stands in the studio's file")
            }
            _ => None,
        }
    }

    /// Returns whether a file may have it as a number, without quotes.
    pub(super) fn is_number(self) -> bool {
        matches!(self, Self::MaxFileSize | Self::MaxPixels)
    }

    /// Says what is wrong with a value, if something is.
    pub(crate) fn check(self, text: &str) -> Result<(), String> {
        let is_good = match self {
            Self::Color => text.parse::<ColorWhen>().is_ok(),
            Self::MaxFileSize | Self::MaxPixels => value::number(text).is_some(),
            _ => !text.trim().is_empty() && !text.contains('\0'),
        };
        if is_good {
            return Ok(());
        }
        let expected = match self {
            Self::Color => "auto, always or never",
            Self::MaxFileSize => "a size as in 67108864 or \"64 MiB\"",
            Self::MaxPixels => "a number of pixels as in 16777216",
            _ => "a text that is not empty",
        };
        Err(format!("expected {expected}, got {text:?}"))
    }
}

impl std::str::FromStr for Key {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        Self::named(name).ok_or_else(|| {
            let hint = Self::nearest(name).map_or_else(
                || {
                    let names = Self::ALL.map(Self::name).join(", ");
                    format!("there are {names}")
                },
                |nearest| format!("did you mean {nearest}?"),
            );
            format!("there is no such setting; {hint}")
        })
    }
}
