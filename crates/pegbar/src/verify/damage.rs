//! What can be wrong with an asset: named so exactly that it can be found and put right.

use std::fmt;

use serde::{Serialize, Serializer};

use crate::hash::Sha256;
use crate::id::{AssetId, GenerationId, ProjectId};

/// How many characters of a text stand in a [`Damage`]: those around the first difference.
const MAX_EXCERPT: usize = 120;

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

    /// Writes what is wrong with a generation.
    fn fmt_generation(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::GenerationMissing { generation } => {
                write!(f, "the generation {generation} that it came from is gone")
            }
            Self::GenerationElsewhere {
                generation,
                project,
            } => write!(
                f,
                "the generation {generation} that it came from is in another project, {project}"
            ),
            Self::GenerationUnreadable {
                generation,
                field,
                reason,
            } => write!(f, "{field} ({generation}) can't be read: {reason}"),
            Self::GenerationDiffers {
                generation,
                field,
                recorded,
                found,
            } => write!(
                f,
                "{field}: the record says {}, the generation {generation} says {}",
                quoted(recorded.as_deref()),
                quoted(found.as_deref())
            ),
            Self::GenerationContradiction {
                generation,
                field,
                rule,
            } => write!(f, "{field} ({generation}) can't be so: {rule}"),
            _ => Ok(()),
        }
    }
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BlobMissing { path } => write!(f, "the bytes are missing: {path}"),
            Self::BlobUnreadable { path, reason } => {
                write!(f, "the bytes can't be read: {path}: {reason}")
            }
            Self::BlobResized {
                path,
                recorded,
                found,
            } => write!(f, "the bytes are {found}, and were {recorded}: {path}"),
            Self::BlobAltered { path, found } => {
                write!(f, "the bytes are others, with the hash {found}: {path}")
            }
            Self::NotAdopted => f.write_str("it has no record"),
            Self::RecordMissing => f.write_str("its record is gone, and the hash is there"),
            Self::RecordHashMissing => f.write_str("the hash of its record is gone"),
            Self::FieldUnreadable { field, reason } => {
                write!(f, "{field} can't be read: {reason}")
            }
            Self::RecordUnreadable { reason } => write!(f, "its record can't be read: {reason}"),
            Self::RecordFormat { format } => {
                write!(f, "its record has the unknown format {format}")
            }
            Self::RecordNotCanonical => f.write_str("its record is not in canonical form"),
            Self::RecordHashDiffers { recorded, found } => write!(
                f,
                "its record has the hash {found}, and the row says {recorded}"
            ),
            Self::FieldDiffers {
                field,
                recorded,
                found,
            } => write!(
                f,
                "{field}: the record says {}, the row says {}",
                quoted(recorded.as_deref()),
                quoted(found.as_deref())
            ),
            Self::FileSizeDiffers { found, row } => {
                write!(f, "fileSize: the bytes are {found}, the row says {row}")
            }
            Self::InputCount { recorded, found } => {
                write!(f, "its record has {recorded} inputs, and {found} are there")
            }
            Self::InputOrder { positions } => {
                let positions: Vec<String> = positions.iter().map(ToString::to_string).collect();
                let positions = positions.join(", ");
                write!(
                    f,
                    "its inputs are in another order than recorded: {positions}"
                )
            }
            Self::InputDiffers {
                position,
                input,
                field,
                recorded,
                found,
            } => write!(
                f,
                "{field} of input {position} (asset {input}): the record says {recorded}, the row \
                 says {}",
                found.as_deref().unwrap_or("nothing")
            ),
            Self::InputChanged {
                position,
                input,
                recorded,
                found,
            } => write!(
                f,
                "input {position} (asset {input}) is not as it was sent: its record had the hash \
                 {recorded}, and has {}",
                found.as_deref().unwrap_or("none")
            ),
            Self::InputMissing { position, input } => {
                write!(f, "input {position} (asset {input}) is gone")
            }
            Self::RecordDiffers { remade } => {
                write!(f, "the row makes another record, with the hash {remade}")
            }
            Self::GenerationMissing { .. }
            | Self::GenerationElsewhere { .. }
            | Self::GenerationUnreadable { .. }
            | Self::GenerationDiffers { .. }
            | Self::GenerationContradiction { .. } => self.fmt_generation(f),
            Self::DroppedInUse { used_as } => {
                write!(f, "its bytes were dropped, and it is {used_as}")
            }
            Self::DroppedWithPath { path } => {
                write!(
                    f,
                    "its bytes were dropped, and its row names the file {path}"
                )
            }
        }
    }
}

impl fmt::Display for DroppedUse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Frame => "shown by a frame",
            Self::Primary => "the primary variation of its character",
            Self::Thumbnail => "the thumbnail of its project",
        })
    }
}

fn quoted(text: Option<&str>) -> String {
    text.map_or_else(|| "nothing".to_owned(), |text| format!("{text:?}"))
}

/// Writes each damage with a `message` and a `hint` beside its fields.
pub(super) fn with_words<S: Serializer>(
    damages: &[Damage],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    #[derive(Serialize)]
    struct WithWords<'a> {
        #[serde(flatten)]
        damage: &'a Damage,
        message: String,
        hint: &'static str,
    }
    serializer.collect_seq(damages.iter().map(|damage| WithWords {
        damage,
        message: damage.to_string(),
        hint: damage.hint(),
    }))
}

/// Cuts two texts to what stands around their first difference.
pub(super) fn excerpts(
    recorded: Option<&str>,
    found: Option<&str>,
) -> (Option<String>, Option<String>) {
    let same = match (recorded, found) {
        (Some(recorded), Some(found)) => recorded
            .chars()
            .zip(found.chars())
            .take_while(|(recorded, found)| recorded == found)
            .count(),
        _ => 0,
    };
    let excerpt = |text: &str| excerpt(text, same);
    (recorded.map(excerpt), found.map(excerpt))
}

fn excerpt(text: &str, around: usize) -> String {
    if text.chars().nth(MAX_EXCERPT).is_none() {
        return text.to_owned();
    }
    let skipped = around.saturating_sub(MAX_EXCERPT / 2);
    let mut rest = text.chars().skip(skipped);
    let mut kept = String::new();
    if skipped > 0 {
        kept.push('…');
    }
    kept.extend(rest.by_ref().take(MAX_EXCERPT));
    if rest.next().is_some() {
        kept.push('…');
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_texts_are_cut_around_the_first_difference() {
        let recorded = format!("{}走るcat{}", "é".repeat(500), "x".repeat(500));
        let found = recorded.replace("cat", "bat");
        let (one, two) = excerpts(Some(&recorded), Some(&found));
        let (one, two) = (one.unwrap(), two.unwrap());
        assert!(one.contains("走るcat") && two.contains("走るbat"), "{one}");
        assert!(one.starts_with('…') && one.ends_with('…'));
        assert_eq!(one.chars().count(), MAX_EXCERPT + 2);
        let short = excerpts(Some("a cat"), None);
        assert_eq!(short, (Some("a cat".to_owned()), None));
    }
}
