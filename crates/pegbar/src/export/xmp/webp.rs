//! WebP: XMP in a chunk `XMP ` at the end, announced in the chunk VP8X (WebP container
//! specification), a C2PA manifest in a chunk C2PA.

use std::ops::Range;

use super::{Found, Layout, Splice};

const HAS_XMP: u8 = 0x04;
const HAS_ALPHA: u8 = 0x10;

/// The head of the file: `RIFF`, its length, `WEBP`.
const HEAD: usize = 12;

struct Chunk<'a> {
    kind: &'a [u8],
    /// All of it, with the byte that makes its length even.
    place: Range<usize>,
    content: &'a [u8],
    /// Some writers leave out the last byte.
    lacks_padding: bool,
}

fn chunks(bytes: &[u8]) -> Option<Vec<Chunk<'_>>> {
    let length = u32::from_le_bytes(bytes.get(4..8)?.try_into().ok()?);
    let end = bytes
        .len()
        .min(usize::try_from(length).ok()?.checked_add(8)?);
    let mut chunks = Vec::new();
    let mut at = HEAD;
    while at < end {
        let length = u32::from_le_bytes(bytes.get(at + 4..at + 8)?.try_into().ok()?);
        let length = usize::try_from(length).ok()?;
        let content_end = (at + 8).checked_add(length)?;
        let padded = (at + 8).checked_add(length.checked_next_multiple_of(2)?)?;
        chunks.push(Chunk {
            kind: bytes.get(at..at + 4)?,
            place: at..padded.min(end),
            content: bytes.get(at + 8..content_end)?,
            lacks_padding: padded > end,
        });
        at = padded;
    }
    Some(chunks)
}

pub(super) fn layout(bytes: &[u8]) -> Option<Layout<'_>> {
    let chunks = chunks(bytes)?;
    let of_kind = |kind: &'static [u8]| chunks.iter().filter(move |chunk| chunk.kind == kind);
    let packets = of_kind(b"XMP ").map(|chunk| Found {
        place: chunk.place.clone(),
        text: Ok(chunk.content),
    });
    Some(Layout {
        packets: packets.collect(),
        manifest: of_kind(b"C2PA").map(|chunk| chunk.place.clone()).collect(),
    })
}

pub(super) fn splices(
    bytes: &[u8],
    packet: &str,
    place: Option<Range<usize>>,
    removed: &[Range<usize>],
) -> Result<Vec<Splice>, String> {
    const UNREADABLE: &str = "its structure can't be read";
    let chunks = chunks(bytes).ok_or(UNREADABLE)?;
    let first = chunks.first().ok_or(UNREADABLE)?;
    let last = chunks.last().ok_or(UNREADABLE)?;
    let mut splices = Vec::new();
    if first.kind == b"VP8X" {
        let flags = *first.content.first().ok_or(UNREADABLE)?;
        let at = first.place.start + 8;
        splices.push(Splice::replacing(at..at + 1, vec![flags | HAS_XMP]));
    } else {
        let canvas = canvas(first).ok_or(UNREADABLE)?;
        splices.push(Splice::inserting(HEAD, chunk(*b"VP8X", &canvas)?));
    }
    let mut own = chunk(*b"XMP ", packet.as_bytes())?;
    let place = place.unwrap_or(last.place.end..last.place.end);
    if last.lacks_padding && place.start >= last.place.end {
        own.insert(0, 0);
    }
    splices.push(Splice::replacing(place, own));
    let inserted: usize = splices.iter().map(|splice| splice.insert.len()).sum();
    let taken: usize = splices.iter().map(|splice| splice.remove).sum();
    let taken = taken + removed.iter().map(Range::len).sum::<usize>();
    let length = (last.place.end - 8 + inserted).checked_sub(taken);
    let length = length.and_then(|length| u32::try_from(length).ok());
    let length = length.ok_or("its XMP would be too long for a WebP")?;
    splices.push(Splice::replacing(4..8, length.to_le_bytes().to_vec()));
    Ok(splices)
}

/// Returns the content of a chunk VP8X for an image that has none.
fn canvas(image: &Chunk<'_>) -> Option<[u8; 10]> {
    let (flags, width, height) = match (image.kind, image.content) {
        (b"VP8L", [_, b0, b1, b2, b3, ..]) => {
            let bits = u32::from_le_bytes([*b0, *b1, *b2, *b3]);
            let has_alpha = bits >> 28 & 1 == 1;
            let flags = if has_alpha { HAS_ALPHA } else { 0 };
            (flags, bits & 0x3fff, bits >> 14 & 0x3fff)
        }
        (b"VP8 ", [_, _, _, _, _, _, w0, w1, h0, h1, ..]) => {
            let number = |low, high| u32::from(u16::from_le_bytes([low, high]) & 0x3fff);
            let (width, height) = (number(*w0, *w1), number(*h0, *h1));
            (0, width.checked_sub(1)?, height.checked_sub(1)?)
        }
        _ => return None,
    };
    let [w0, w1, w2, _] = width.to_le_bytes();
    let [h0, h1, h2, _] = height.to_le_bytes();
    Some([flags | HAS_XMP, 0, 0, 0, w0, w1, w2, h0, h1, h2])
}

fn chunk(kind: [u8; 4], content: &[u8]) -> Result<Vec<u8>, String> {
    let length = u32::try_from(content.len());
    let length = length.map_err(|_| "its XMP would be too long for a WebP")?;
    let mut chunk = [&kind[..], &length.to_le_bytes(), content].concat();
    chunk.resize(chunk.len().next_multiple_of(2), 0);
    Ok(chunk)
}
