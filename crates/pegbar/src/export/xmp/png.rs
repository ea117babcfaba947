//! PNG: XMP in a chunk iTXt with the keyword `XML:com.adobe.xmp` (XMP part 3, 1.1.5), a C2PA
//! manifest in a chunk caBX.

use std::ops::Range;

use super::{Found, Layout, Splice};

/// The signature, and the header with its length, type and checksum: what comes first always.
const HEAD: usize = 33;

/// The keyword; not compressed; no language, no translated keyword.
const BEGINNING: &[u8] = b"XML:com.adobe.xmp\0\0\0\0\0";
const KEYWORD: &[u8] = b"XML:com.adobe.xmp\0";

pub(super) fn layout(bytes: &[u8]) -> Option<Layout<'_>> {
    let mut layout = Layout {
        packets: Vec::new(),
        manifest: Vec::new(),
    };
    let mut at = 8;
    loop {
        let length = u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?);
        let kind = bytes.get(at + 4..at + 8)?;
        let begin = at + 8;
        let end = begin.checked_add(usize::try_from(length).ok()?)?;
        let content = bytes.get(begin..end)?;
        let place = at..end.checked_add(4)?;
        bytes.get(place.clone())?;
        match kind {
            b"iTXt" if content.starts_with(KEYWORD) => layout.packets.push(Found {
                place: place.clone(),
                text: content
                    .strip_prefix(BEGINNING)
                    .ok_or("its XMP is compressed"),
            }),
            b"caBX" => layout.manifest.push(place.clone()),
            b"IEND" => return Some(layout),
            _ => {}
        }
        at = place.end;
    }
}

pub(super) fn splices(packet: &str, place: Option<Range<usize>>) -> Result<Vec<Splice>, String> {
    let length = BEGINNING.len() + packet.len();
    let length = u32::try_from(length)
        .ok()
        .filter(|length| *length < 1 << 31);
    let length = length.ok_or("its XMP would be too long for a PNG")?;
    let mut chunk = length.to_be_bytes().to_vec();
    chunk.extend_from_slice(b"iTXt");
    chunk.extend_from_slice(BEGINNING);
    chunk.extend_from_slice(packet.as_bytes());
    let checksum = crc32fast::hash(&chunk[4..]);
    chunk.extend_from_slice(&checksum.to_be_bytes());
    Ok(vec![Splice::replacing(place.unwrap_or(HEAD..HEAD), chunk)])
}
