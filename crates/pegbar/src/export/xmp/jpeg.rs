//! JPEG: XMP in segments APP1 (XMP part 3, 1.1.3), a C2PA manifest in segments APP11 (ISO
//! 19566-5, annex D).

use std::fmt::Write as _;
use std::ops::Range;

use md5::{Digest as _, Md5};

use super::packet::Merge;
use super::{Found, Layout, Splice};

const STANDARD: &[u8] = b"http://ns.adobe.com/xap/1.0/\0";
const EXTENDED: &[u8] = b"http://ns.adobe.com/xmp/extension/\0";

/// The longest packet that fits into one segment.
const MAX_PACKET: usize = 65_502;

/// How much of a longer one goes into each further segment.
const MAX_PART: usize = 65_400;

const APP0: u8 = 0xe0;
const APP1: u8 = 0xe1;
const APP11: u8 = 0xeb;
const SOS: u8 = 0xda;

/// A segment before the pixels: all of it, and its content.
struct Segment<'a> {
    marker: u8,
    place: Range<usize>,
    content: &'a [u8],
}

/// Returns the segments up to the first scan.
fn segments(bytes: &[u8]) -> Option<Vec<Segment<'_>>> {
    let mut segments = Vec::new();
    let mut at = 2;
    loop {
        // Bytes between segments belong to nothing, and decoders pass over them.
        at += bytes.get(at..)?.iter().position(|byte| *byte == 0xff)?;
        let begin = at;
        while *bytes.get(at)? == 0xff {
            at += 1;
        }
        let marker = *bytes.get(at)?;
        at += 1;
        match marker {
            SOS => return Some(segments),
            0 | 1 | 0xd0..=0xd8 => continue,
            _ => {}
        }
        let length = u16::from_be_bytes(bytes.get(at..at + 2)?.try_into().ok()?);
        let end = at + usize::from(length);
        segments.push(Segment {
            marker,
            place: begin..end,
            content: bytes.get(at + 2..end)?,
        });
        at = end;
    }
}

pub(super) fn layout(bytes: &[u8]) -> Option<Layout<'_>> {
    let segments = segments(bytes)?;
    let packets = segments.iter().filter(|segment| segment.marker == APP1);
    let packets = packets.filter_map(|segment| {
        Some(Found {
            place: segment.place.clone(),
            text: Ok(segment.content.strip_prefix(STANDARD)?),
        })
    });
    // One box may be cut into several segments, which have its number.
    let boxes = || {
        let boxes = segments.iter().filter(|segment| segment.marker == APP11);
        boxes.filter_map(|segment| {
            let number = segment.content.strip_prefix(b"JP")?.get(..2)?;
            Some((number, segment))
        })
    };
    let is_manifest = |number: &[u8]| {
        boxes().any(|(own, segment)| {
            own == number && segment.content.windows(4).any(|word| word == b"c2pa")
        })
    };
    let manifest = boxes().filter(|(number, _)| is_manifest(number));
    Some(Layout {
        packets: packets.collect(),
        manifest: manifest.map(|(_, segment)| segment.place.clone()).collect(),
    })
}

pub(super) fn splices(
    bytes: &[u8],
    merge: &Merge,
    place: Option<Range<usize>>,
) -> Result<Vec<Splice>, String> {
    let place = place.unwrap_or_else(|| {
        // Some readers expect these two first.
        let segments = segments(bytes).unwrap_or_default();
        let first = segments.iter().take_while(|segment| {
            segment.marker == APP0
                || segment.marker == APP1 && segment.content.starts_with(b"Exif\0\0")
        });
        let end = first.last().map_or(2, |segment| segment.place.end);
        end..end
    });
    let packet = merge.packet();
    if packet.len() <= MAX_PACKET {
        let segment = segment(&[STANDARD, packet.as_bytes()]);
        return Ok(vec![Splice::replacing(place, segment)]);
    }
    let extension = merge.extension()?;
    let mut guid = String::with_capacity(32);
    for byte in Md5::digest(extension.as_bytes()) {
        // Writing to a String cannot fail.
        let _ = write!(guid, "{byte:02X}");
    }
    let packet = merge.packet_beside_extension(&guid);
    if packet.len() > MAX_PACKET {
        return Err("its own XMP leaves no room for more".to_owned());
    }
    let mut pieces = segment(&[STANDARD, packet.as_bytes()]);
    let extension = extension.as_bytes();
    // A prompt is much shorter than that.
    let number = |number: usize| u32::try_from(number).unwrap_or(u32::MAX).to_be_bytes();
    for (index, part) in extension.chunks(MAX_PART).enumerate() {
        let (whole, begin) = (number(extension.len()), number(index * MAX_PART));
        pieces.extend(segment(&[EXTENDED, guid.as_bytes(), &whole, &begin, part]));
    }
    Ok(vec![Splice::replacing(place, pieces)])
}

/// Makes a segment APP1 of a content that fits into one.
fn segment(content: &[&[u8]]) -> Vec<u8> {
    let length: usize = content.iter().map(|part| part.len()).sum();
    let length = u16::try_from(length + 2).unwrap_or(u16::MAX);
    let mut segment = vec![0xff, APP1];
    segment.extend_from_slice(&length.to_be_bytes());
    segment.extend(content.iter().copied().flatten());
    segment
}
