//! JPEG (ITU-T T.81, annex B): segments that begin with a marker, and scans behind some.

use std::io::{BufRead, Seek};

use super::exif::{self, Orientation};
use super::source::{Part, Source};
use super::{Flaw, Picture, check_pixels};

/// The marker SOI, and the beginning of the next.
pub(super) const BEGINNING: &[u8] = b"\xff\xd8\xff";

const SOI: u8 = 0xd8;
const EOI: u8 = 0xd9;
const SOS: u8 = 0xda;
const APP1: u8 = 0xe1;

/// Segments that may say how the image was made: Exif and XMP, C2PA, IPTC, comments.
const METADATA: &[u8] = &[APP1, 0xeb, 0xed, 0xfe];

/// The fewest bits that Huffman coding makes of a block of 8 × 8 pixels.
const PIXELS_PER_BYTE: u64 = 64 * 8;

struct Frame {
    width: u32,
    height: u32,
    /// The coding of the pixels has no length that it cannot go below.
    is_arithmetic: bool,
}

/// Walks from the marker SOI to the marker EOI.
pub(super) fn walk<R: BufRead + Seek>(
    source: &mut Source<R>,
    max_pixels: u64,
) -> Result<Picture, Flaw> {
    source.skip(2)?;
    let mut frame = None;
    let mut orientation = None;
    let mut scanned = 0;
    let mut has_metadata = false;
    let mut marker = next_marker(source)?;
    loop {
        has_metadata |= METADATA.contains(&marker);
        match marker {
            EOI => break,
            SOI => return Err(source.damaged("another image begins before this one ends")),
            // Without content: a restart, or for temporary use.
            0xd0..=0xd7 | 0x01 => marker = next_marker(source)?,
            SOS => {
                if frame.is_none() {
                    return Err(source.damaged("pixels without a header"));
                }
                skip_segment(source, Part::Named("the header of a scan"))?;
                let begin = source.at();
                marker = skip_scan(source)?;
                scanned += source.at() - begin - 2;
            }
            // SOF, that is, without DHT, JPG and DAC.
            0xc0..=0xcf if !matches!(marker, 0xc4 | 0xc8 | 0xcc) => {
                if frame.is_some() {
                    return Err(source.damaged("a second header"));
                }
                frame = Some(Frame::read(source, marker, max_pixels)?);
                marker = next_marker(source)?;
            }
            APP1 if orientation.is_none() => {
                orientation = read_orientation(source)?;
                marker = next_marker(source)?;
            }
            _ => {
                skip_segment(source, Part::Named("a segment before the pixels"))?;
                marker = next_marker(source)?;
            }
        }
    }
    let Some(frame) = frame.filter(|_| scanned > 0) else {
        return Err(source.damaged("it ends before any pixels"));
    };
    let (width, height) = (frame.width, frame.height);
    let pixels = u64::from(width) * u64::from(height);
    if !frame.is_arithmetic && scanned.saturating_mul(PIXELS_PER_BYTE) < pixels {
        let what = format!("{scanned} bytes can't hold {width} × {height} pixels");
        return Err(source.damaged(&what));
    }
    Ok(Picture {
        width,
        height,
        image_count: 1,
        orientation: orientation.unwrap_or(Orientation::NONE),
        has_metadata,
    })
}

/// Returns the next marker. Bytes before it that belong to nothing are passed over.
fn next_marker<R: BufRead + Seek>(source: &mut Source<R>) -> Result<u8, Flaw> {
    source.enter(Part::Named("what leads to its end, the marker EOI"));
    loop {
        source.skip_past(0xff)?;
        match skip_fill(source)? {
            0 => {}
            marker => return Ok(marker),
        }
    }
}

/// Returns the byte behind any number of the bytes that a marker may begin with.
fn skip_fill<R: BufRead + Seek>(source: &mut Source<R>) -> Result<u8, Flaw> {
    loop {
        match source.byte()? {
            0xff => {}
            byte => return Ok(byte),
        }
    }
}

/// Skips the pixels of a scan and returns the marker behind it.
fn skip_scan<R: BufRead + Seek>(source: &mut Source<R>) -> Result<u8, Flaw> {
    source.enter(Part::Named("its pixels"));
    loop {
        source.skip_past(0xff)?;
        match skip_fill(source)? {
            // A byte of the pixels, or a restart among them.
            0 | 0xd0..=0xd7 => {}
            marker => return Ok(marker),
        }
    }
}

/// Returns how long the content of a segment is.
fn content_length<R: BufRead + Seek>(source: &mut Source<R>, part: Part) -> Result<u64, Flaw> {
    source.enter(part);
    let length = u64::from(u16::from_be_bytes(source.array()?));
    let Some(content) = length.checked_sub(2) else {
        return Err(source.damaged("no segment is so short"));
    };
    source.require(content)?;
    Ok(content)
}

fn skip_segment<R: BufRead + Seek>(source: &mut Source<R>, part: Part) -> Result<(), Flaw> {
    let length = content_length(source, part)?;
    source.skip(length)
}

fn read_orientation<R: BufRead + Seek>(
    source: &mut Source<R>,
) -> Result<Option<Orientation>, Flaw> {
    let length = content_length(source, Part::Named("its Exif metadata"))?;
    let mut content = Vec::new();
    source.each_piece(length, |piece| content.extend_from_slice(piece))?;
    // XMP is in segments of the same kind.
    let is_exif = content.starts_with(exif::PREFIX);
    Ok(is_exif.then(|| Orientation::of(&content)))
}

impl Frame {
    fn read<R: BufRead + Seek>(
        source: &mut Source<R>,
        marker: u8,
        max_pixels: u64,
    ) -> Result<Self, Flaw> {
        if !matches!(marker, 0xc0 | 0xc1 | 0xc2 | 0xc9 | 0xca) {
            let reason = "a lossless or hierarchical JPEG, which hardly any program can draw: \
                          export it as PNG";
            return Err(Flaw::Refused(reason.to_owned()));
        }
        let length = content_length(source, Part::Named("its header"))?;
        if length < 6 {
            return Err(source.damaged("the header is too short"));
        }
        let [_precision, h0, h1, w0, w1, components] = source.array()?;
        if length != 6 + 3 * u64::from(components) || !(1..=4).contains(&components) {
            return Err(source.damaged("the header does not fit its colours"));
        }
        source.skip(length - 6)?;
        let (width, height) = (u16::from_be_bytes([w0, w1]), u16::from_be_bytes([h0, h1]));
        check_pixels(width.into(), height.into(), max_pixels)?;
        Ok(Self {
            width: width.into(),
            height: height.into(),
            is_arithmetic: marker >= 0xc9,
        })
    }
}
