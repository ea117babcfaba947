//! How an image is to be turned: the orientation in its Exif metadata (CIPA DC-008, 4.6.5,
//! tag 274), which are a TIFF file (revision 6.0, section 2).

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
        let value = Tiff::open(metadata).and_then(|tiff| tiff.orientation());
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

struct Tiff<'a> {
    bytes: &'a [u8],
    is_little_endian: bool,
}

impl<'a> Tiff<'a> {
    fn open(bytes: &'a [u8]) -> Option<Self> {
        let is_little_endian = match bytes.get(..4)? {
            b"II*\0" => true,
            b"MM\0*" => false,
            _ => return None,
        };
        Some(Self {
            bytes,
            is_little_endian,
        })
    }

    fn orientation(&self) -> Option<u16> {
        let directory = usize::try_from(self.u32(4)?).ok()?;
        let entries = usize::from(self.u16(directory)?);
        let mut entries = (0..entries).map_while(|entry| {
            let at = directory.checked_add(2 + entry * 12)?;
            Some((self.u16(at)?, self.u16(at + 2)?, self.u16(at + 8)?))
        });
        let (_, kind, value) = entries.find(|(tag, ..)| *tag == ORIENTATION)?;
        (kind == SHORT).then_some(value)
    }

    fn u16(&self, at: usize) -> Option<u16> {
        let bytes = self.bytes.get(at..at.checked_add(2)?)?.try_into().ok()?;
        Some(if self.is_little_endian {
            u16::from_le_bytes(bytes)
        } else {
            u16::from_be_bytes(bytes)
        })
    }

    fn u32(&self, at: usize) -> Option<u32> {
        let bytes = self.bytes.get(at..at.checked_add(4)?)?.try_into().ok()?;
        Some(if self.is_little_endian {
            u32::from_le_bytes(bytes)
        } else {
            u32::from_be_bytes(bytes)
        })
    }
}
