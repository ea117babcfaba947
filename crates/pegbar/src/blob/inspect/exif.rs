//! How an image is to be turned: the orientation in its Exif metadata (CIPA DC-008, 4.6.5,
//! tag 274).

use crate::tiff::Tiff;

/// How much of the metadata is read, in bytes: the orientation stands near their beginning.
pub(super) const MAX_BYTES: usize = 1 << 16;

/// What stands before the metadata in JPEG, and in some WebP files.
pub(super) const PREFIX: &[u8] = b"Exif\0\0";

const ORIENTATION: u16 = 274;
const SHORT: u16 = 3;

/// How an image is to be turned, from 1 (as it is) to 8.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Orientation(u16);

impl Orientation {
    /// As it is.
    pub(super) const NONE: Self = Self(1);

    /// Reads it from Exif metadata; what makes no sense turns nothing.
    pub(super) fn of(metadata: &[u8]) -> Self {
        let metadata = metadata.strip_prefix(PREFIX).unwrap_or(metadata);
        let value = Tiff::open(metadata).and_then(read);
        value
            .filter(|value| (1..=8).contains(value))
            .map_or(Self::NONE, Self)
    }

    /// Returns width and height after the turn.
    pub(super) fn turn(self, width: u32, height: u32) -> (u32, u32) {
        if self.0 >= 5 {
            (height, width)
        } else {
            (width, height)
        }
    }
}

fn read(tiff: Tiff<'_>) -> Option<u16> {
    let mut entries = tiff.entries(tiff.first()?);
    let entry = entries.find(|entry| entry.tag == ORIENTATION)?;
    let value = tiff.number(entry).filter(|_| entry.kind == SHORT)?;
    u16::try_from(value).ok()
}
