//! GIF: XMP in an application extension (XMP part 3, 1.1.2), a C2PA manifest in another one.

use std::ops::Range;

use super::{Found, Layout, Splice};

const XMP: &[u8] = b"XMP DataXMP";
const C2PA: &[u8] = b"C2PA_GIF";

/// What follows a packet, which is not cut into blocks: whichever of its bytes a reader takes
/// for the length of a block, it comes to the end here.
fn trailer() -> Vec<u8> {
    let mut trailer = vec![1];
    trailer.extend((0..=255).rev());
    trailer.push(0);
    trailer
}

pub(super) fn layout(bytes: &[u8]) -> Option<Layout<'_>> {
    walk(bytes).map(|(layout, _)| layout)
}

/// Returns the layout, and where the trailer of the file is.
fn walk(bytes: &[u8]) -> Option<(Layout<'_>, usize)> {
    let mut layout = Layout {
        packets: Vec::new(),
        manifest: Vec::new(),
    };
    let mut at = 13 + colours(*bytes.get(10)?);
    loop {
        let begin = at;
        match *bytes.get(at)? {
            0x3b => return Some((layout, at)),
            // Some writers end an image twice.
            0 => at += 1,
            0x2c => {
                at += 10 + colours(*bytes.get(at + 9)?);
                at = blocks_end(bytes, at + 1)?;
            }
            0x21 => {
                at = blocks_end(bytes, at + 2)?;
                let content = bytes.get(begin + 2..at)?;
                match content.strip_prefix(&[11]) {
                    Some(application) if application.starts_with(XMP) => {
                        let text = application[XMP.len()..].strip_suffix(trailer().as_slice());
                        layout.packets.push(Found {
                            place: begin..at,
                            text: text.ok_or("its XMP does not end as it has to"),
                        });
                    }
                    Some(application) if application.starts_with(C2PA) => {
                        layout.manifest.push(begin..at);
                    }
                    _ => {}
                }
            }
            _ => return None,
        }
    }
}

fn colours(flags: u8) -> usize {
    if flags & 0x80 == 0 {
        0
    } else {
        3 << ((flags & 7) + 1)
    }
}

/// Returns the place behind the empty block that ends some blocks.
fn blocks_end(bytes: &[u8], mut at: usize) -> Option<usize> {
    loop {
        let length = usize::from(*bytes.get(at)?);
        at += 1 + length;
        if length == 0 {
            return Some(at);
        }
    }
}

pub(super) fn splices(
    bytes: &[u8],
    packet: &str,
    place: Option<Range<usize>>,
) -> Result<Vec<Splice>, String> {
    let (_, end) = walk(bytes).ok_or("its structure can't be read")?;
    let mut extension = vec![0x21, 0xff, 11];
    extension.extend_from_slice(XMP);
    extension.extend_from_slice(packet.as_bytes());
    extension.extend(trailer());
    let mut splices = vec![Splice::replacing(place.unwrap_or(end..end), extension)];
    if bytes.get(..6) == Some(b"GIF87a") {
        // Extensions came with the second version, which changes nothing else.
        splices.push(Splice::replacing(4..5, b"9".to_vec()));
    }
    Ok(splices)
}
