//! WebP (RFC 9649): chunks in a RIFF container; the pixels as VP8 (RFC 6386) or lossless.

use std::io::{BufRead, Seek};

use super::exif::{self, Orientation};
use super::source::{Part, Source};
use super::{Flaw, Picture, check_pixels};

/// A chunk's type and the length of its content.
#[derive(Clone, Copy)]
struct Chunk {
    kind: [u8; 4],
    length: u64,
}

/// Walks through all chunks of the container.
pub(super) fn walk<R: BufRead + Seek>(
    source: &mut Source<R>,
    max_pixels: u64,
) -> Result<Picture, Flaw> {
    source.skip(4)?;
    let length = u64::from(u32::from_le_bytes(source.array()?));
    source.skip(4)?;
    let Some(mut left) = length.checked_sub(4) else {
        return Err(source.damaged("no container is so short"));
    };
    let mut canvas = None;
    let mut still = None;
    let mut image_count = 0_u32;
    let mut orientation = Orientation::NONE;
    let mut has_metadata = false;
    while left > 0 {
        let chunk = Chunk::read(source, &mut left)?;
        has_metadata |= matches!(&chunk.kind, b"EXIF" | b"XMP " | b"C2PA");
        let end = source.at() + chunk.length;
        match &chunk.kind {
            b"VP8X" if canvas.is_none() && still.is_none() => {
                let size = read_canvas(source, chunk)?;
                check_pixels(size.0, size.1, max_pixels)?;
                canvas = Some(size);
            }
            b"VP8 " | b"VP8L" if still.is_none() => {
                let size = read_pixels(source, chunk)?;
                check_pixels(size.0, size.1, max_pixels)?;
                still = Some(size);
            }
            b"ANMF" if canvas.is_some() => {
                read_animated(source, chunk)?;
                image_count = image_count.saturating_add(1);
            }
            b"EXIF" => {
                let mut content = Vec::new();
                let kept = chunk.length.min(exif::MAX_BYTES as u64);
                source.each_piece(kept, |piece| content.extend_from_slice(piece))?;
                orientation = Orientation::of(&content);
            }
            _ if canvas.is_none() && still.is_none() => {
                return Err(source.damaged("it does not begin with its image"));
            }
            _ => {}
        }
        source.skip(end - source.at())?;
        chunk.skip_padding(source, &mut left)?;
    }
    let (width, height) = match (canvas, still) {
        (Some(canvas), Some(still)) if canvas != still && image_count == 0 => {
            return Err(source.damaged("the image has another size than its canvas"));
        }
        (Some(size), _) if image_count > 0 => size,
        (_, Some(size)) => size,
        (_, None) => return Err(source.damaged("it holds no image")),
    };
    Ok(Picture {
        width,
        height,
        image_count: image_count.max(1),
        orientation,
        has_metadata,
    })
}

impl Chunk {
    /// Reads the beginning of a chunk. `left` is what the container has left, and has less
    /// after it.
    fn read<R: BufRead + Seek>(source: &mut Source<R>, left: &mut u64) -> Result<Self, Flaw> {
        let at = source.at();
        source.enter(Part::Named("a chunk's beginning"));
        let kind = source.array()?;
        let length = u64::from(u32::from_le_bytes(source.array()?));
        source.enter(Part::Chunk(kind, at));
        source.require(length)?;
        match left.checked_sub(8 + length) {
            Some(rest) => *left = rest,
            None => return Err(source.damaged("it is longer than what it is in")),
        }
        Ok(Self { kind, length })
    }

    /// Skips the byte that brings an odd length to an even one; some writers leave out the last.
    fn skip_padding<R: BufRead + Seek>(
        self,
        source: &mut Source<R>,
        left: &mut u64,
    ) -> Result<(), Flaw> {
        if self.length % 2 == 1 && *left > 0 {
            source.skip(1)?;
            *left -= 1;
        }
        Ok(())
    }
}

fn read_canvas<R: BufRead + Seek>(
    source: &mut Source<R>,
    chunk: Chunk,
) -> Result<(u32, u32), Flaw> {
    if chunk.length < 10 {
        return Err(source.damaged("too short"));
    }
    let [_flags, _, _, _, w0, w1, w2, h0, h1, h2] = source.array()?;
    let width = u32::from_le_bytes([w0, w1, w2, 0]) + 1;
    let height = u32::from_le_bytes([h0, h1, h2, 0]) + 1;
    Ok((width, height))
}

/// Reads one image of an animation, and leaves the source somewhere in it.
fn read_animated<R: BufRead + Seek>(source: &mut Source<R>, chunk: Chunk) -> Result<(), Flaw> {
    let Some(mut left) = chunk.length.checked_sub(16) else {
        return Err(source.damaged("too short"));
    };
    source.skip(16)?;
    while left > 0 {
        let inner = Chunk::read(source, &mut left)?;
        if matches!(&inner.kind, b"VP8 " | b"VP8L") {
            return read_pixels(source, inner).map(drop);
        }
        source.skip(inner.length)?;
        inner.skip_padding(source, &mut left)?;
    }
    Err(source.damaged("an image without pixels"))
}

/// Reads the size at the beginning of a bit stream.
fn read_pixels<R: BufRead + Seek>(
    source: &mut Source<R>,
    chunk: Chunk,
) -> Result<(u32, u32), Flaw> {
    if &chunk.kind == b"VP8L" {
        if chunk.length < 6 {
            return Err(source.damaged("too short"));
        }
        let [signature, b0, b1, b2, b3] = source.array()?;
        let bits = u32::from_le_bytes([b0, b1, b2, b3]);
        if signature != 0x2f || bits >> 29 != 0 {
            return Err(source.damaged("no lossless image begins like that"));
        }
        return Ok(((bits & 0x3fff) + 1, (bits >> 14 & 0x3fff) + 1));
    }
    if chunk.length <= 10 {
        return Err(source.damaged("too short"));
    }
    let [t0, t1, t2, s0, s1, s2, w0, w1, h0, h1] = source.array()?;
    let tag = u32::from_le_bytes([t0, t1, t2, 0]);
    // The lowest bit: it builds on an earlier image.
    if tag & 1 == 1 || [s0, s1, s2] != [0x9d, 0x01, 0x2a] {
        return Err(source.damaged("no image begins like that"));
    }
    if u64::from(tag >> 5) >= chunk.length {
        return Err(source.damaged("its first part is longer than itself"));
    }
    let number = |low, high| u32::from(u16::from_le_bytes([low, high]) & 0x3fff);
    Ok((number(w0, w1), number(h0, h1)))
}
