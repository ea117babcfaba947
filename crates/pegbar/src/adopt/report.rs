//! What adopting did, and what it found that does not fit.

use std::fmt;

use serde::{Serialize, Serializer};

use crate::db::value::word_enum;
use crate::hash::Sha256;
use crate::id::{AnimationId, AssetId, Id, ProjectId};
use crate::import::Listed;

word_enum! {
    /// What a finding is about.
    pub enum Subject in "text" {
        /// A project.
        Project = "project",
        /// A character.
        Character = "character",
        /// An animation.
        Animation = "animation",
        /// An asset.
        Asset = "asset",
    }
}

/// What adopting did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AdoptReport {
    /// Nothing was changed: this is what would be done.
    pub is_dry_run: bool,
    /// How many assets there are.
    pub assets: u64,
    /// How many assets were completed.
    pub adopted: u64,
    /// How many assets were not, each with a finding.
    pub left: u64,
    /// How many characters and animations were given their part of paths.
    pub named: u64,
    /// How many files were removed at paths outside the convention, after they were taken in.
    pub removed: u64,
    /// What does not fit.
    pub findings: Vec<Finding>,
    /// Files below `public/assets` that no row names. They are left alone.
    pub foreign: Listed<String>,
}

impl AdoptReport {
    /// Returns the findings that somebody has to decide about.
    pub fn open(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(|finding| finding.is_open)
    }
}

/// Something that does not fit: where, what, and what to do.
///
/// In JSON it has, beside its fields, a `message` and a `hint`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The project that it is in.
    pub project_id: ProjectId,
    /// What it is about.
    pub subject: Subject,
    /// The id of what it is about.
    pub id: uuid::Uuid,
    /// Somebody has to decide; else it was put right, or does no harm.
    pub is_open: bool,
    /// What does not fit.
    pub disagreement: Disagreement,
}

impl Finding {
    pub(super) fn asset(project_id: ProjectId, id: AssetId, disagreement: Disagreement) -> Self {
        Self::new(project_id, Subject::Asset, id, disagreement)
    }

    pub(super) fn new(
        project_id: ProjectId,
        subject: Subject,
        id: impl Id,
        disagreement: Disagreement,
    ) -> Self {
        Self {
            project_id,
            subject,
            id: id.uuid(),
            is_open: disagreement.is_open(),
            disagreement,
        }
    }

    /// Returns what to do about it; `None` where nothing has to be done.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        self.is_open.then(|| self.disagreement.hint())
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {}", self.subject, self.id, self.disagreement)
    }
}

impl Serialize for Finding {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct WithWords<'a> {
            project_id: ProjectId,
            subject: Subject,
            id: uuid::Uuid,
            is_open: bool,
            #[serde(flatten)]
            disagreement: &'a Disagreement,
            message: String,
            hint: Option<&'static str>,
        }
        WithWords {
            project_id: self.project_id,
            subject: self.subject,
            id: self.id,
            is_open: self.is_open,
            disagreement: &self.disagreement,
            message: self.disagreement.to_string(),
            hint: self.hint(),
        }
        .serialize(serializer)
    }
}

/// What does not fit between a row, its file and its inputs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(
    tag = "kind",
    rename_all = "camelCase",
    rename_all_fields = "camelCase"
)]
#[non_exhaustive]
pub enum Disagreement {
    /// The row names no file, and its bytes are nowhere.
    NoPath,
    /// The path could lead out of `public/assets`.
    UnsafePath {
        /// The path, as the row has it.
        path: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The path is in the folder of another project.
    OtherProject {
        /// The path.
        path: String,
        /// Whose folder it is.
        owner: ProjectId,
    },
    /// A symbolic link stands in the path.
    LinkInPath {
        /// The path.
        path: String,
        /// The link.
        link: String,
    },
    /// Nothing is at the path.
    FileMissing {
        /// The path.
        path: String,
    },
    /// What is at the path is no file.
    NotAFile {
        /// The path.
        path: String,
        /// What it is.
        found: String,
    },
    /// The system does not let the file be read.
    FileUnreadable {
        /// The path.
        path: String,
        /// What the system says.
        reason: String,
    },
    /// The file was changed while it was read.
    FileChanging {
        /// The path.
        path: String,
    },
    /// The file is not an image that is taken in.
    NotAnImage {
        /// The path.
        path: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The row has the hash of other bytes than the file has.
    FileDiffers {
        /// The path.
        path: String,
        /// The hash in the row.
        recorded: Sha256,
        /// The hash of the file.
        found: Sha256,
        /// The store has the bytes that the row means: the file stays where it is.
        is_stored: bool,
    },
    /// The row has a hash, and its bytes are nowhere.
    BytesMissing {
        /// The hash in the row.
        sha256: Sha256,
    },
    /// The store's bytes were missing; the file had them.
    BytesRestored {
        /// The path.
        path: String,
    },
    /// The store has other bytes under this hash.
    BlobDamaged {
        /// The hash in the row.
        sha256: Sha256,
    },
    /// The bytes were dropped before the row was complete.
    BytesDropped,
    /// The hash in the row is none.
    MalformedHash {
        /// What stands there.
        value: String,
    },
    /// The row said something else than the bytes do.
    FactDiffers {
        /// The field.
        field: &'static str,
        /// What the row said.
        recorded: String,
        /// What the bytes say.
        found: String,
    },
    /// Another row names the same file: each has its own now.
    SharedPath {
        /// The path.
        path: String,
        /// The other asset.
        with: AssetId,
    },
    /// The record, its hash and the row contradict each other.
    RecordDamaged {
        /// What contradicts what.
        reason: String,
    },
    /// A field has a value that is not kept.
    Unacceptable {
        /// The field.
        field: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// Large integers became text, as in everything that Pegbar takes in.
    NumbersAsText {
        /// The field.
        field: &'static str,
    },
    /// An input could not be adopted.
    InputNotAdopted {
        /// The input.
        input: AssetId,
    },
    /// The asset would be made from itself.
    Cycle {
        /// Every asset of the circle, the first ten.
        through: Vec<AssetId>,
    },
    /// A reference has the hash of other bytes than its input has.
    ReferenceDiffers {
        /// The input.
        input: AssetId,
        /// The hash in the reference.
        recorded: String,
        /// The hash of the input.
        found: Sha256,
    },
    /// The row was changed while it was adopted.
    ChangedMeanwhile,
    /// The file outside the convention was taken in, and stays.
    OldFileStays {
        /// The path.
        path: String,
        /// Why it stays.
        reason: String,
    },
    /// A character has variations, and none of them is primary.
    NoPrimary {
        /// How many variations it has.
        variations: u64,
    },
    /// A part of paths was unsafe, or another one's.
    SegmentReplaced {
        /// What the row had.
        before: String,
        /// What it has now.
        after: String,
    },
    /// The order of the frames had gaps, which are closed.
    GapsClosed,
}

impl Disagreement {
    fn is_open(&self) -> bool {
        match self {
            Self::BytesRestored { .. }
            | Self::FactDiffers { .. }
            | Self::SharedPath { .. }
            | Self::NumbersAsText { .. }
            | Self::OldFileStays { .. }
            | Self::SegmentReplaced { .. }
            | Self::GapsClosed => false,
            Self::FileDiffers { is_stored, .. } => !is_stored,
            _ => true,
        }
    }

    fn hint(&self) -> &'static str {
        match self {
            Self::NoPath => "write the file below public/assets and its path into the row",
            Self::UnsafePath { .. } | Self::OtherProject { .. } | Self::LinkInPath { .. } => {
                "put the file itself into the project's folder, and its path into the row"
            }
            Self::FileMissing { .. } | Self::BytesMissing { .. } => {
                "put the file back, or delete the row; .pegbar/kept may have it"
            }
            Self::NotAFile { .. } => "put an image there, or name another path",
            Self::FileUnreadable { .. } => "check who may read it",
            Self::FileChanging { .. } | Self::ChangedMeanwhile => "run `pegbar adopt` again",
            Self::NotAnImage { .. } => "put a PNG, JPEG, WebP or GIF there",
            Self::FileDiffers { .. } => {
                "if the file is right, clear the row's sha256; else put the right file there"
            }
            Self::BlobDamaged { .. } => "put back the blob from a backup",
            Self::BytesDropped => "delete the row, if nothing needs it",
            Self::MalformedHash { .. } => "clear the row's sha256",
            Self::RecordDamaged { .. } => {
                "nothing was changed; clear record and recordHash, if another program made them up"
            }
            Self::Unacceptable { .. } => "write an acceptable value into the row",
            Self::InputNotAdopted { .. } => "see the finding about the input",
            Self::Cycle { .. } => "remove the reference that is wrong",
            Self::ReferenceDiffers { .. } => {
                "clear the reference's sha256, or let it name the asset that was sent"
            }
            Self::NoPrimary { .. } => "choose one: `pegbar variation primary CHARACTER VARIATION`",
            _ => "look at it",
        }
    }
}

impl fmt::Display for Disagreement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoPath => f.write_str("the row names no file"),
            Self::UnsafePath { path, reason } => write!(f, "the path {path:?}: {reason}"),
            Self::OtherProject { path, owner } => {
                write!(f, "{path} is in the folder of the project {owner}")
            }
            Self::LinkInPath { path, link } if path == link => write!(f, "{path} is a link"),
            Self::LinkInPath { path, link } => write!(f, "{path} leads through the link {link}"),
            Self::FileMissing { path } => write!(f, "{path} is not there"),
            Self::NotAFile { path, found } => write!(f, "{path} is {found}"),
            Self::FileUnreadable { path, reason } => write!(f, "{path} can't be read: {reason}"),
            Self::FileChanging { path } => write!(f, "{path} was changed while it was read"),
            Self::NotAnImage { path, reason } => write!(f, "{path} is not taken in: {reason}"),
            Self::FileDiffers {
                path,
                recorded,
                found,
                is_stored,
            } => {
                write!(f, "{path} has the hash {found}, the row has {recorded}")?;
                if *is_stored {
                    f.write_str(", which the store has; the file stays")?;
                }
                Ok(())
            }
            Self::BytesMissing { sha256 } => write!(f, "the bytes {sha256} are nowhere"),
            Self::BytesRestored { path } => write!(f, "the store has got its bytes from {path}"),
            Self::BlobDamaged { sha256 } => write!(f, "the blob {sha256} has other bytes"),
            Self::BytesDropped => f.write_str("its bytes were dropped before it was adopted"),
            Self::MalformedHash { value } => write!(f, "{value:?} is not a SHA-256"),
            Self::FactDiffers {
                field,
                recorded,
                found,
            } => write!(f, "{field} was {recorded}, the bytes say {found}"),
            Self::SharedPath { path, with } => write!(f, "{path} is named by the asset {with} too"),
            Self::RecordDamaged { reason } => f.write_str(reason),
            Self::Unacceptable { field, reason } => write!(f, "{field}: {reason}"),
            Self::NumbersAsText { field } => {
                write!(f, "{field}: integers beyond 2^53 are written as text now")
            }
            Self::InputNotAdopted { input } => write!(f, "its input {input} is not adopted"),
            Self::Cycle { through } => {
                let through: Vec<String> = through.iter().map(ToString::to_string).collect();
                write!(f, "it would be made from itself, by {}", through.join(", "))
            }
            Self::ReferenceDiffers {
                input,
                recorded,
                found,
            } => write!(
                f,
                "the reference to {input} has the hash {recorded}, that asset has {found}"
            ),
            Self::ChangedMeanwhile => f.write_str("the row was changed while it was adopted"),
            Self::OldFileStays { path, reason } => write!(f, "{path} stays: {reason}"),
            Self::NoPrimary { variations } => {
                write!(f, "{variations} variations, and none of them is primary")
            }
            Self::SegmentReplaced { before, after } => {
                write!(f, "{before:?} as a part of paths was replaced by {after:?}")
            }
            Self::GapsClosed => f.write_str("the gaps in the order of its frames are closed"),
        }
    }
}

/// Makes the finding that an animation's order had gaps.
pub(super) fn gaps_closed(project: ProjectId, animation: AnimationId) -> Finding {
    Finding::new(
        project,
        Subject::Animation,
        animation,
        Disagreement::GapsClosed,
    )
}
