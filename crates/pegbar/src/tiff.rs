//! Directories of a TIFF file (revision 6.0, section 2), which is what Exif metadata are.

/// The type of a value that is text.
pub(crate) const ASCII: u16 = 2;

/// How many bytes one value of each type has, by the number of the type.
const SIZES: [usize; 13] = [0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8];

/// How many entries of one directory are looked at.
const MAX_ENTRIES: usize = 512;

/// The bytes of a TIFF file. Nothing in it is believed: what leads out of it is nothing.
#[derive(Clone, Copy)]
pub(crate) struct Tiff<'a> {
    bytes: &'a [u8],
    is_little_endian: bool,
}

/// An entry of a directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Entry<'a> {
    pub(crate) tag: u16,
    /// The type of its values.
    pub(crate) kind: u16,
    /// Its values, in the byte order of the file.
    pub(crate) bytes: &'a [u8],
}

impl<'a> Tiff<'a> {
    /// Reads the byte order; `None` for what is no TIFF file.
    pub(crate) fn open(bytes: &'a [u8]) -> Option<Self> {
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

    /// Says whether numbers begin with their lowest byte.
    pub(crate) fn is_little_endian(&self) -> bool {
        self.is_little_endian
    }

    /// Returns where the first directory begins.
    pub(crate) fn first(&self) -> Option<usize> {
        usize::try_from(self.u32(4)?).ok()
    }

    /// Returns those entries of a directory whose values lie within the file, in order.
    pub(crate) fn entries(self, directory: usize) -> impl Iterator<Item = Entry<'a>> {
        let count = self.u16(directory).unwrap_or(0);
        (0..usize::from(count).min(MAX_ENTRIES)).filter_map(move |entry| {
            let at = directory.checked_add(2 + entry * 12)?;
            self.entry(at)
        })
    }

    fn entry(&self, at: usize) -> Option<Entry<'a>> {
        let (tag, kind) = (self.u16(at)?, self.u16(at.checked_add(2)?)?);
        let count = usize::try_from(self.u32(at.checked_add(4)?)?).ok()?;
        let size = match kind {
            // Text in UTF-8, which Exif has beside the types of TIFF.
            129 => 1,
            kind => *SIZES.get(usize::from(kind))?,
        };
        let length = count.checked_mul(size)?;
        let value = at.checked_add(8)?;
        // What does not fit into the entry stands elsewhere.
        let begin = if length <= 4 {
            value
        } else {
            usize::try_from(self.u32(value)?).ok()?
        };
        let bytes = self.bytes.get(begin..begin.checked_add(length)?)?;
        Some(Entry { tag, kind, bytes })
    }

    /// Returns the number that bytes of this file begin with.
    pub(crate) fn number(&self, entry: Entry<'_>) -> Option<u32> {
        let file = Tiff {
            bytes: entry.bytes,
            ..*self
        };
        match entry.kind {
            3 => file.u16(0).map(u32::from),
            4 | 13 => file.u32(0),
            _ => None,
        }
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
