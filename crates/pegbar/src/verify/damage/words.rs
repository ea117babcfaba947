//! What is wrong, in words.

use std::fmt;

use serde::{Serialize, Serializer};

use super::{Damage, DroppedUse};

impl Damage {
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
pub(in crate::verify) fn with_words<S: Serializer>(
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
