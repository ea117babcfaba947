//! The texts in Exif metadata (CIPA DC-008 3.0).

use super::piece::Piece;
use super::segment::latin1;
use crate::tiff::{ASCII, Entry, Tiff};

/// The entry that leads to the directory of Exif's own tags (4.6.3).
const EXIF_DIRECTORY: u16 = 0x8769;

/// Text in UTF-8, since version 3.0 (4.6.2).
const UTF8: u16 = 129;

const MAKER_NOTE: u16 = 0x927c;
const USER_COMMENT: u16 = 0x9286;

/// Tags that hold text, by the names that Exif and Windows have for them.
const NAMES: &[(u16, &str)] = &[
    (0x010d, "DocumentName"),
    (0x010e, "ImageDescription"),
    (0x010f, "Make"),
    (0x0110, "Model"),
    (0x0131, "Software"),
    (0x0132, "DateTime"),
    (0x013b, "Artist"),
    (0x8298, "Copyright"),
    (0x9003, "DateTimeOriginal"),
    (0x9004, "DateTimeDigitized"),
    (MAKER_NOTE, "MakerNote"),
    (USER_COMMENT, "UserComment"),
    (0x9c9b, "XPTitle"),
    (0x9c9c, "XPComment"),
    (0x9c9d, "XPAuthor"),
    (0x9c9e, "XPKeywords"),
    (0x9c9f, "XPSubject"),
    (0xa420, "ImageUniqueID"),
];

/// Reads the texts, in their order; `None` for what is no Exif.
pub(super) fn texts(bytes: &[u8]) -> Option<Vec<Piece>> {
    let tiff = Tiff::open(bytes)?;
    let first = tiff.first()?;
    let mut inner = None;
    let mut pieces = Vec::new();
    for entry in tiff.entries(first) {
        if entry.tag == EXIF_DIRECTORY {
            inner = tiff.number(entry).and_then(|at| usize::try_from(at).ok());
        }
        pieces.extend(piece(tiff, entry));
    }
    if let Some(inner) = inner {
        pieces.extend(tiff.entries(inner).filter_map(|entry| piece(tiff, entry)));
    }
    Some(pieces)
}

fn piece(tiff: Tiff<'_>, entry: Entry<'_>) -> Option<Piece> {
    let name = NAMES.iter().find(|(tag, _)| *tag == entry.tag);
    let text = match entry.tag {
        USER_COMMENT => comment(tiff, entry.bytes),
        // What cameras write there is no text.
        MAKER_NOTE => latin1(entry.bytes),
        0x9c9b..=0x9c9f => utf16(entry.bytes, true),
        _ if matches!(entry.kind, ASCII | UTF8) => latin1(entry.bytes),
        _ => return None,
    };
    let text = text.trim_end_matches(['\0', ' ']);
    let is_text = entry.tag != MAKER_NOTE || text.chars().all(|c| !c.is_control());
    // ComfyUI takes the tags from "Make" downwards, whatever they are for.
    let name = name.map_or_else(
        || format!("{:#06x}", entry.tag),
        |(_, name)| (*name).to_owned(),
    );
    let text = text.to_owned();
    (is_text && !text.is_empty()).then_some(Piece { name, text })
}

/// Reads a comment, which begins with the name of its encoding in eight bytes (4.6.6.5). Some
/// writers leave that out.
fn comment(tiff: Tiff<'_>, bytes: &[u8]) -> String {
    match bytes.split_first_chunk::<8>() {
        Some((b"UNICODE\0", text)) => utf16(text, is_little_endian(text, tiff)),
        Some((b"ASCII\0\0\0" | b"\0\0\0\0\0\0\0\0", text)) => latin1(text),
        _ => latin1(bytes),
    }
}

/// Says which byte comes first. Writers follow the order of the file or not, so that it is
/// told from the text: the high bytes of most of it are zero.
fn is_little_endian(text: &[u8], tiff: Tiff<'_>) -> bool {
    match text {
        [0xff, 0xfe, ..] => return true,
        [0xfe, 0xff, ..] => return false,
        _ => {}
    }
    let (mut low_first, mut high_first) = (0_usize, 0_usize);
    for pair in text.chunks_exact(2) {
        high_first += usize::from(pair[0] == 0);
        low_first += usize::from(pair[1] == 0);
    }
    if low_first == high_first {
        tiff.is_little_endian()
    } else {
        low_first > high_first
    }
}

/// Reads UTF-16, without the mark of its byte order.
pub(super) fn utf16(bytes: &[u8], is_little_endian: bool) -> String {
    let units = bytes.chunks_exact(2).map(|pair| {
        let pair = [pair[0], pair[1]];
        if is_little_endian {
            u16::from_le_bytes(pair)
        } else {
            u16::from_be_bytes(pair)
        }
    });
    let text = char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER));
    let text: String = text.collect();
    text.trim_start_matches('\u{feff}').to_owned()
}
