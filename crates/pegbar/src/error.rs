//! What can go wrong, and what to do about it.

use std::path::{Path, PathBuf};

use crate::id::AssetId;
use crate::time::MillisSinceEpoch;

/// The result of every operation of the library.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong: one variant for each way a caller can react.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Nothing has this id, name or path.
    #[error("there is no {entity} {name}")]
    NotFound {
        /// The kind of thing: `project`, `asset` …
        entity: &'static str,
        /// The id, name or path that was asked for.
        name: String,
    },
    /// The request contradicts what is there now.
    #[error("{message}")]
    Conflict {
        /// What contradicts what.
        message: String,
        /// What to do.
        hint: String,
    },
    /// What the request was decided on is no longer what is there.
    #[error("{message}")]
    Stale {
        /// What was expected, and what is there.
        message: String,
        /// What to do.
        hint: String,
    },
    /// A value of the request is not acceptable.
    #[error("{field}: {reason}")]
    Invalid {
        /// The field, as the request names it.
        field: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The file is not an image that Pegbar takes in.
    #[error("{origin}: {reason}")]
    NotAnImage {
        /// The file or the kind of source.
        origin: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The bytes of an asset were dropped; everything else of it is there.
    #[error("the asset {asset} has no file: its bytes were dropped on {dropped_at} ({bytes})")]
    Dropped {
        /// The asset.
        asset: AssetId,
        /// What they were: the name they came with, their type and size, and their SHA-256.
        bytes: String,
        /// When they were dropped.
        dropped_at: MillisSinceEpoch,
    },
    /// Others still use it.
    #[error("{entity} {id} is still used: {}", list(users, *more))]
    InUse {
        /// The kind of thing that was to be deleted.
        entity: &'static str,
        /// Its id.
        id: String,
        /// Who uses it, the first hundred.
        users: Vec<User>,
        /// How many more there are.
        more: u64,
    },
    /// What is recorded does not change.
    #[error("{message}")]
    Sealed {
        /// What is recorded, and what to do instead.
        message: String,
    },
    /// What is stored is not what Pegbar wrote.
    #[error("damaged: {place}: {reason}")]
    Damaged {
        /// The table, column and row, or the path.
        place: String,
        /// What is wrong.
        reason: String,
        /// What found it.
        source: Option<Box<dyn std::error::Error + Send + Sync>>,
    },
    /// What is to prove something does not hold together, or proves something else.
    #[error("{name}: {reason}")]
    Unproven {
        /// The file, or what stands for it.
        name: String,
        /// What is wrong with it, and where.
        reason: String,
        /// What to do.
        hint: String,
    },
    /// The folder, the database or the store can't be used as it is.
    #[error("{message}")]
    Unavailable {
        /// What can't be used and why.
        message: String,
        /// What to do.
        hint: String,
        /// What the engine said.
        source: Option<Box<dyn std::error::Error + Send + Sync>>,
    },
    /// The file system refused.
    #[error("{action} {}", path.display())]
    Io {
        /// What was tried: `reading`, `writing` …
        action: &'static str,
        /// The path.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The database refused.
    #[error("the database refused {action}")]
    Database {
        /// What was tried.
        action: &'static str,
        /// What the engine said.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// Someone who uses what was to be deleted.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct User {
    /// The kind of the user: `frame`, `asset`, `project` or `character`.
    pub entity: &'static str,
    /// The user's id.
    pub id: String,
    /// What people know it by: `Tabby/Walk/3` for a frame; may be empty.
    pub name: String,
    /// How it uses it: `shows it`, `was made from it` …
    pub how: &'static str,
}

impl std::fmt::Display for User {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            entity, id, how, ..
        } = self;
        match self.name.as_str() {
            "" => write!(f, "{entity} {id} {how}"),
            name => write!(f, "{entity} {name} ({id}) {how}"),
        }
    }
}

/// What a database says that a studio has moved away from.
pub(crate) const MOVED: &str = "the rows of this studio have moved to another database";

/// How many users the message of [`Error::InUse`] names.
pub const MAX_NAMED_USERS: usize = 3;

fn list(users: &[User], more: u64) -> String {
    let named = users.iter().take(MAX_NAMED_USERS);
    let mut parts: Vec<String> = named.map(ToString::to_string).collect();
    let more = more + users.len().saturating_sub(MAX_NAMED_USERS) as u64;
    if more > 0 {
        parts.push(format!("and {more} more"));
    }
    parts.join("; ")
}

impl Error {
    /// Returns the stable name of the variant, for programs.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotFound { .. } => "not_found",
            Self::Conflict { .. } => "conflict",
            Self::Stale { .. } => "stale",
            Self::Invalid { .. } => "invalid",
            Self::NotAnImage { .. } => "not_an_image",
            Self::Dropped { .. } => "bytes_dropped",
            Self::InUse { .. } => "in_use",
            Self::Sealed { .. } => "sealed",
            Self::Damaged { .. } => "damaged",
            Self::Unproven { .. } => "unproven",
            Self::Unavailable { .. } => "unavailable",
            Self::Io { .. } => "io",
            Self::Database { .. } => "database",
        }
    }

    /// Says what to do next, where there is something to do.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NotFound { entity, .. } => Some(format!(
                "list what is there: `pegbar {} list`",
                command_of(entity)
            )),
            Self::Conflict { hint, .. }
            | Self::Stale { hint, .. }
            | Self::Unproven { hint, .. }
            | Self::Unavailable { hint, .. } => Some(hint.clone()),
            Self::Dropped { asset, .. } => Some(format!(
                "its record, prompts, claims and lineage are still there: `pegbar asset show \
                 {asset}`; the same image added again becomes a new asset"
            )),
            Self::InUse { entity, users, .. } => Some(hint_for_use(entity, users)),
            Self::Sealed { .. } => Some(
                "`pegbar asset annotate` adds what should be said of it; nothing was changed"
                    .to_owned(),
            ),
            Self::NotAnImage { .. } => Some("Pegbar takes in PNG, JPEG, WebP and GIF".to_owned()),
            Self::Damaged { .. } => Some(
                "nothing was changed; keep a copy of the studio before you repair it".to_owned(),
            ),
            Self::Io { source, .. } => io_hint(source).map(str::to_owned),
            Self::Invalid { .. } | Self::Database { .. } => None,
        }
    }

    /// Says whether the file system refused only to write.
    pub(crate) fn is_read_only(&self) -> bool {
        use std::io::ErrorKind::{PermissionDenied, ReadOnlyFilesystem};
        matches!(self, Self::Io { source, .. }
            if matches!(source.kind(), PermissionDenied | ReadOnlyFilesystem))
    }

    /// Recognizes the message by which the database refuses to change what is recorded.
    pub(crate) fn sealed(message: &str) -> Option<Self> {
        let message = message.strip_prefix("sealed: ")?.to_owned();
        if message == MOVED {
            return Some(Self::Unavailable {
                message,
                hint: "run the command again; where a server has the studio open, start it anew"
                    .to_owned(),
                source: None,
            });
        }
        Some(Self::Sealed { message })
    }

    pub(crate) fn not_found<T: std::fmt::Display>(entity: &'static str, name: T) -> Self {
        Self::NotFound {
            entity,
            name: name.to_string(),
        }
    }

    pub(crate) fn invalid(field: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::Invalid {
            field: field.into(),
            reason: reason.into(),
        }
    }
}

/// What only others were made from can drop its bytes instead.
fn hint_for_use(entity: &str, users: &[User]) -> String {
    let hint = "delete or change the users first, or keep it";
    if entity == "asset" && users.iter().all(|user| user.entity == "asset") {
        return format!("{hint}; `pegbar asset drop-bytes` drops its bytes and keeps its record");
    }
    hint.to_owned()
}

fn command_of(entity: &str) -> &str {
    match entity {
        "frame" => "animation",
        "annotation" => "asset",
        "deletion" => "trash",
        "project" | "asset" | "character" | "animation" | "generation" | "token" => entity,
        _ => "project",
    }
}

fn io_hint(error: &std::io::Error) -> Option<&'static str> {
    match error.kind() {
        std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => Some(
            "the disk is full: free some room and run the command again; nothing is half-written",
        ),
        std::io::ErrorKind::PermissionDenied => {
            Some("check who owns the folder and whether it is read-only")
        }
        std::io::ErrorKind::ReadOnlyFilesystem => Some("the file system is mounted read-only"),
        std::io::ErrorKind::NotFound => Some("check the path"),
        std::io::ErrorKind::InvalidFilename => {
            Some("the path, or a name in it, is too long for the file system: choose a shorter one")
        }
        _ => None,
    }
}

/// Gives a system error the path and the action it belongs to.
pub(crate) trait IoContext<T> {
    fn at(self, action: &'static str, path: &Path) -> Result<T>;
}

impl<T> IoContext<T> for std::io::Result<T> {
    fn at(self, action: &'static str, path: &Path) -> Result<T> {
        self.map_err(|source| Error::Io {
            action,
            path: path.to_owned(),
            source,
        })
    }
}
