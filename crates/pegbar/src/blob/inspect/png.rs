//! PNG (W3C PNG, third edition): a signature, then chunks, each with its checksum.

use std::io::{BufRead, Seek};

use super::exif::{self, Orientation};
use super::source::{Part, Source};
use super::{Flaw, Picture, check_pixels};
use crate::metadata::hidden;

pub(super) const SIGNATURE: &[u8] = b"\x89PNG\r\n\x1a\n";

/// What deflate makes of a byte at most: 258 bytes of two bits (RFC 1951, 3.2.5).
const MOST_PER_BYTE: u64 = 1032;

/// Chunks that say something about the image and change nothing of how it looks: decoders
/// pass over damaged ones.
const NOTES: &[&[u8; 4]] = &[b"tEXt", b"zTXt", b"iTXt", b"eXIf", b"tIME", b"pHYs"];

/// What is kept of a chunk that is read, in bytes.
const NOTHING: usize = 0;
const FIRST_CHUNK: usize = 13;
const FIRST_PIXELS: usize = hidden::PREFIX as usize;

/// Chunks that may say how the image was made.
const METADATA: &[&[u8; 4]] = &[b"tEXt", b"zTXt", b"iTXt", b"eXIf", b"caBX", b"comf"];

/// A chunk's type, and the beginning of its content.
struct Chunk {
    kind: [u8; 4],
    length: u64,
    content: Vec<u8>,
    is_intact: bool,
}

struct Header {
    width: u32,
    height: u32,
    bits_per_pixel: u64,
    needs_palette: bool,
    /// Its alpha channel is one that text is hidden in.
    may_hide_text: bool,
}

/// Walks from the signature to the chunk IEND.
pub(super) fn walk<R: BufRead + Seek>(
    source: &mut Source<R>,
    max_pixels: u64,
) -> Result<Picture, Flaw> {
    source.skip(SIGNATURE.len() as u64)?;
    let header = Header::read(source, max_pixels)?;
    let mut has_palette = false;
    let mut pixel_data = 0;
    let mut orientation = Orientation::NONE;
    let mut announced = None;
    let mut images = 0_u32;
    let mut has_metadata = false;
    loop {
        let chunk = Chunk::read(source)?;
        has_metadata |= METADATA.contains(&&chunk.kind);
        match &chunk.kind {
            b"IDAT" if header.needs_palette && !has_palette => {
                return Err(source.damaged("the colours that its pixels refer to are missing"));
            }
            b"IDAT" => {
                has_metadata |= pixel_data == 0
                    && header.may_hide_text
                    && hidden::may_begin(&chunk.content, header.width);
                pixel_data += chunk.length;
            }
            b"PLTE" => has_palette = true,
            b"IEND" => break,
            b"acTL" if pixel_data == 0 => announced = chunk.number(),
            b"fcTL" => images = images.saturating_add(1),
            // Behind the pixels it comes too late for those who draw while they read.
            b"eXIf" if chunk.is_intact && pixel_data == 0 => {
                orientation = Orientation::of(&chunk.content);
            }
            // Capital first: the image can't be drawn without it.
            [first, ..] if first.is_ascii_uppercase() => {
                return Err(source.damaged("a chunk that no program knows and all need"));
            }
            _ => {}
        }
    }
    header.check_pixel_data(source, pixel_data)?;
    let image_count = match announced {
        None | Some(0) => 1,
        Some(announced) if announced > images => {
            let what = format!("it announces {announced} images and holds {images}");
            return Err(source.damaged(&what));
        }
        Some(announced) => announced,
    };
    Ok(Picture {
        width: header.width,
        height: header.height,
        image_count,
        orientation,
        has_metadata,
    })
}

impl Chunk {
    fn read<R: BufRead + Seek>(source: &mut Source<R>) -> Result<Self, Flaw> {
        let at = source.at();
        source.enter(Part::Named("a chunk's beginning"));
        let length = u32::from_be_bytes(source.array()?);
        let kind: [u8; 4] = source.array()?;
        if !kind.iter().all(u8::is_ascii_alphabetic) {
            return Err(source.damaged("no chunk begins where one has to"));
        }
        source.enter(Part::Chunk(kind, at));
        if length > i32::MAX.unsigned_abs() {
            return Err(source.damaged(&format!("no chunk is {length} bytes long")));
        }
        let length = u64::from(length);
        source.require(length + 4)?;
        let kept = match &kind {
            b"eXIf" => exif::MAX_BYTES,
            b"IHDR" | b"acTL" => FIRST_CHUNK,
            b"IDAT" => FIRST_PIXELS,
            _ => NOTHING,
        };
        let mut content = Vec::new();
        let mut checksum = crc32fast::Hasher::new();
        checksum.update(&kind);
        source.each_piece(length, |piece| {
            checksum.update(piece);
            let room = kept - content.len();
            content.extend_from_slice(&piece[..room.min(piece.len())]);
        })?;
        let is_intact = checksum.finalize() == u32::from_be_bytes(source.array()?);
        if !is_intact && !NOTES.contains(&&kind) {
            return Err(source.damaged("its bytes do not match its checksum"));
        }
        Ok(Self {
            kind,
            length,
            content,
            is_intact,
        })
    }

    /// Returns the number that the content begins with.
    fn number(&self) -> Option<u32> {
        let bytes = self.content.first_chunk()?;
        Some(u32::from_be_bytes(*bytes))
    }
}

impl Header {
    fn read<R: BufRead + Seek>(source: &mut Source<R>, max_pixels: u64) -> Result<Self, Flaw> {
        let chunk = Chunk::read(source)?;
        if &chunk.kind == b"CgBI" {
            let reason = "a PNG that Apple's tools rewrote for an app, which other programs \
                          can't read: use the original";
            return Err(Flaw::Refused(reason.to_owned()));
        }
        let (b"IHDR", Ok(bytes)) = (&chunk.kind, <[u8; 13]>::try_from(chunk.content)) else {
            return Err(source.damaged("it does not begin with its header, IHDR"));
        };
        let [
            w0,
            w1,
            w2,
            w3,
            h0,
            h1,
            h2,
            h3,
            depth,
            colour,
            packing,
            filter,
            lacing,
        ] = bytes;
        let channels = match (colour, depth) {
            (0, 1 | 2 | 4 | 8 | 16) | (3, 1 | 2 | 4 | 8) => 1,
            (2, 8 | 16) => 3,
            (4, 8 | 16) => 2,
            (6, 8 | 16) => 4,
            _ => {
                let what = format!("no PNG has colour type {colour} with {depth} bits");
                return Err(source.damaged(&what));
            }
        };
        if packing != 0 || filter != 0 || lacing > 1 {
            return Err(source.damaged("it is packed in a way that no PNG is"));
        }
        let width = u32::from_be_bytes([w0, w1, w2, w3]);
        let height = u32::from_be_bytes([h0, h1, h2, h3]);
        check_pixels(width, height, max_pixels)?;
        Ok(Self {
            width,
            height,
            bits_per_pixel: channels * u64::from(depth),
            needs_palette: colour == 3,
            may_hide_text: (colour, depth, lacing) == (6, 8, 0),
        })
    }

    /// Refuses fewer bytes than the pixels can be packed into.
    fn check_pixel_data<R: BufRead + Seek>(
        &self,
        source: &Source<R>,
        bytes: u64,
    ) -> Result<(), Flaw> {
        let pixels = u64::from(self.width) * u64::from(self.height);
        // No limit of pixels is anywhere near overflowing this.
        let unpacked = pixels.saturating_mul(self.bits_per_pixel) / 8;
        if bytes == 0 || bytes.saturating_mul(MOST_PER_BYTE) < unpacked {
            let Self { width, height, .. } = self;
            let what = format!("{bytes} bytes can't hold {width} × {height} pixels");
            return Err(source.damaged(&what));
        }
        Ok(())
    }
}
