//! What can be wrong with an asset: named so exactly that it can be found and put right.

mod words;

use serde::Serialize;

use crate::hash::Sha256;
use crate::id::{AssetId, GenerationId, ProjectId};
pub(super) use words::with_words;

/// Something about an asset that is not as it was recorded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(
    tag = "kind",
    rename_all = "camelCase",
    rename_all_fields = "camelCase"
)]
#[non_exhaustive]
pub enum Damage {
    /// The store has no bytes under the asset's hash.
    BlobMissing {
        /// Where they should be, relative to the studio's folder.
        path: String,
    },
    /// The system does not let the bytes be read.
    BlobUnreadable {
        /// Where they are, relative to the studio's folder.
        path: String,
        /// What the system says.
        reason: String,
    },
    /// The bytes have another size than those that were taken in.
    BlobResized {
        /// Where they are, relative to the studio's folder.
        path: String,
        /// The size when they were taken in, in bytes.
        recorded: u64,
        /// The size now, in bytes.
        found: u64,
    },
    /// There are as many bytes as there were, and other ones.
    BlobAltered {
        /// Where they are, relative to the studio's folder.
        path: String,
        /// The SHA-256 of the bytes that are there.
        found: Sha256,
    },
    /// The row has neither a record nor a hash of one: another program wrote it, and it was not
    /// adopted yet, or somebody took both away.
    NotAdopted,
    /// The row has the hash of a record, and no record.
    RecordMissing,
    /// The row has a record, and not its hash.
    RecordHashMissing,
    /// A field of the row can't be read.
    FieldUnreadable {
        /// The field, as records name it.
        field: String,
        /// Why it can't be read.
        reason: String,
    },
    /// The record is not what a record is.
    RecordUnreadable {
        /// What is wrong with it.
        reason: String,
    },
    /// The record has a format that this version does not know.
    RecordFormat {
        /// The format that it names.
        format: String,
    },
    /// The record is not written in canonical form (RFC 8785).
    RecordNotCanonical,
    /// The hash beside the record is not the hash of the record.
    RecordHashDiffers {
        /// The hash that the row has.
        recorded: String,
        /// The hash of the record.
        found: Sha256,
    },
    /// The row says something else than the record.
    FieldDiffers {
        /// The field, as records name it; within the settings, the path of the key:
        /// `settings.sampler.steps`.
        field: String,
        /// What the record says; `None` for nothing. A long text is cut around the first
        /// difference.
        recorded: Option<String>,
        /// What the row says; `None` for nothing.
        found: Option<String>,
    },
    /// The row says that the bytes have another size than they have. The size is not part of
    /// the record.
    FileSizeDiffers {
        /// The size of the bytes, which are as they were taken in.
        found: u64,
        /// The size that the row has.
        row: u64,
    },
    /// The asset has more or fewer inputs than its record.
    InputCount {
        /// How many inputs the record has.
        recorded: u64,
        /// How many inputs the rows have.
        found: u64,
    },
    /// The inputs are those of the record, in another order.
    InputOrder {
        /// The positions, from 0, at which the rows have another input than the record.
        positions: Vec<u32>,
    },
    /// An input has another role, or other bytes were sent, than the record says.
    InputDiffers {
        /// Its position, from 0.
        position: u32,
        /// The input, as the rows have it.
        input: AssetId,
        /// What differs: `role`, or `sha256`.
        field: &'static str,
        /// What the record says.
        recorded: String,
        /// What the row of the input says; `None` for nothing.
        found: Option<String>,
    },
    /// The input's record is not the one that it had when the asset was made from it: the input
    /// was changed together with its hash, or is another one.
    InputChanged {
        /// Its position, from 0.
        position: u32,
        /// The input, as the rows have it.
        input: AssetId,
        /// The hash of the input's record, as the asset's record has it.
        recorded: String,
        /// The hash of the input's record now; `None` where it has none.
        found: Option<String>,
    },
    /// The row of an input is gone.
    InputMissing {
        /// Its position, from 0.
        position: u32,
        /// The input, as the rows have it.
        input: AssetId,
    },
    /// The row makes another record than the one it has, and no field of it says why.
    RecordDiffers {
        /// The hash of the record that the row would have.
        remade: Sha256,
    },
    /// The row of the generation that the asset came from is gone.
    GenerationMissing {
        /// The generation, as the asset's row names it.
        generation: GenerationId,
    },
    /// The generation that the asset came from is another project's.
    GenerationElsewhere {
        /// The generation.
        generation: GenerationId,
        /// The project that it is in.
        project: ProjectId,
    },
    /// A field of the generation can't be read.
    GenerationUnreadable {
        /// The generation.
        generation: GenerationId,
        /// The field: `generation.request`.
        field: String,
        /// Why it can't be read.
        reason: String,
    },
    /// The generation says something else than the record of the asset that came from it.
    GenerationDiffers {
        /// The generation.
        generation: GenerationId,
        /// The field: `generation.request.inputs[1].role`.
        field: String,
        /// What the record says; `None` for nothing. A long text is cut around the first
        /// difference.
        recorded: Option<String>,
        /// What the generation says; `None` for nothing.
        found: Option<String>,
    },
    /// The generation says something that can't be so.
    GenerationContradiction {
        /// The generation.
        generation: GenerationId,
        /// The field: `generation.status`.
        field: String,
        /// The rule that it breaks.
        rule: &'static str,
    },
    /// The asset's bytes were dropped, and it is used as if they were there.
    DroppedInUse {
        /// What it is used as.
        used_as: DroppedUse,
    },
    /// The asset's bytes were dropped, and its row names a file.
    DroppedWithPath {
        /// The file, relative to `public/assets/`.
        path: String,
    },
}

/// What an asset is used as whose bytes were dropped. No call of Pegbar leaves it so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum DroppedUse {
    /// A frame shows it.
    Frame,
    /// It is the primary variation of its character.
    Primary,
    /// It is the thumbnail of its project.
    Thumbnail,
}

impl Damage {
    /// Says whether only a comparison of records finds it: the doctor's other findings don't
    /// tell of it.
    pub(crate) fn is_beyond_doctor(&self) -> bool {
        match self {
            Self::BlobMissing { .. }
            | Self::BlobUnreadable { .. }
            | Self::BlobResized { .. }
            | Self::BlobAltered { .. }
            | Self::NotAdopted
            | Self::RecordMissing
            | Self::RecordHashMissing
            | Self::RecordHashDiffers { .. }
            | Self::InputMissing { .. }
            | Self::GenerationMissing { .. } => false,
            Self::InputDiffers { field, found, .. } => *field != "sha256" || found.is_some(),
            _ => true,
        }
    }

    /// Returns where the bytes are, relative to the studio's folder, if it is about them: all
    /// assets that have the same bytes share it.
    #[must_use]
    pub fn blob(&self) -> Option<&str> {
        match self {
            Self::BlobMissing { path }
            | Self::BlobUnreadable { path, .. }
            | Self::BlobResized { path, .. }
            | Self::BlobAltered { path, .. } => Some(path),
            _ => None,
        }
    }

    /// Returns what to do about it.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::BlobMissing { .. } | Self::BlobResized { .. } | Self::BlobAltered { .. } => {
                "put the file back from a backup; its name is the hash that it has to have"
            }
            Self::BlobUnreadable { .. } => "check who may read it, and the disk",
            Self::NotAdopted => {
                "`pegbar adopt` completes it; a row that had a record comes back from a backup"
            }
            Self::RecordFormat { .. } => "use the version of Pegbar that wrote it, or a newer one",
            Self::InputChanged { .. } | Self::InputMissing { .. } => {
                "look at the input: it is not the one that was sent"
            }
            Self::DroppedInUse { .. } => "show another image there: this one has no bytes any more",
            Self::DroppedWithPath { .. } => "write NULL into the file_path of its row",
            Self::GenerationMissing { .. }
            | Self::GenerationElsewhere { .. }
            | Self::GenerationUnreadable { .. }
            | Self::GenerationDiffers { .. }
            | Self::GenerationContradiction { .. } => {
                "compare with a backup of the database: a generation never changes by itself"
            }
            Self::FileSizeDiffers { .. } => "write the size of the bytes into the row",
            _ => "compare with a backup of the database: a record never changes by itself",
        }
    }
}
