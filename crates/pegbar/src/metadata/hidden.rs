//! Text hidden in the lowest bits of an alpha channel, as NovelAI writes it: column by column
//! from the top, the highest bit of each byte first; a name, the length in bits as 32 bits,
//! and the text, packed or not.
//!
//! Any image may be asked: the first bits that differ from the name say no.

use std::io::{self, BufRead, Read, Seek};

use flate2::read::{GzDecoder, ZlibDecoder};

use super::segment::MAX_TEXT;

/// What both names begin with.
const BEGINNING: &[u8] = b"stealth_png";

/// The names, behind which the text is packed, or is as it is.
const PACKED: &[u8] = b"stealth_pngcomp";
const PLAIN: &[u8] = b"stealth_pnginfo";

/// How many pixels an image may have whose alpha channel is read: their bits are kept.
const MAX_PIXELS: u64 = 1 << 26;

/// How many bytes of its packed pixels are enough to tell most images.
pub(crate) const PREFIX: u32 = 4096;

/// Says whether text may be hidden in an image of four channels of 8 bits, by how its packed
/// pixels begin: `false` is certain.
pub(crate) fn may_begin(packed: &[u8], width: u32) -> bool {
    let mut rows = ZlibDecoder::new(packed);
    let rest_of_row = u64::from(width).saturating_mul(4).saturating_sub(4);
    let mut above = 0_u8;
    for place in 0..BEGINNING.len() * 8 {
        let mut first_pixel = [0; 5];
        if rows.read_exact(&mut first_pixel).is_err() {
            return true;
        }
        let [filter, _, _, _, alpha] = first_pixel;
        // Left of the first pixel is nothing (W3C PNG, third edition, 9.2): what the filter of
        // Paeth foretells is the pixel above.
        above = match filter {
            0 | 1 => alpha,
            2 | 4 => alpha.wrapping_add(above),
            3 => alpha.wrapping_add(above / 2),
            _ => return false,
        };
        if above & 1 != bit(BEGINNING, place) {
            return false;
        }
        let skipped = io::copy(&mut (&mut rows).take(rest_of_row), &mut io::sink());
        if !skipped.is_ok_and(|skipped| skipped == rest_of_row) {
            return true;
        }
    }
    true
}

/// Returns the text that is hidden in a PNG of four channels of 8 bits, or why it can't be
/// read; `None` where there is none, or no such PNG.
pub(super) fn read(file: impl BufRead + Seek) -> Option<Result<String, &'static str>> {
    let mut decoder = png::Decoder::new(file);
    decoder.set_ignore_text_chunk(true);
    let mut reader = decoder.read_info().ok()?;
    let (width, height) = reader.info().size();
    let is_rgba = reader.output_color_type() == (png::ColorType::Rgba, png::BitDepth::Eight);
    if !is_rgba || reader.info().interlaced || u64::from(width) * u64::from(height) > MAX_PIXELS {
        return None;
    }
    let mut bits = Bits::new(width, height);
    for y in 0..bits.height {
        let row = reader.next_row().ok()??;
        for pixel in row.data().chunks_exact(4) {
            bits.push(pixel[3] & 1);
        }
        if y < BEGINNING.len() * 8 && bits.at(y) != bit(BEGINNING, y) {
            return None;
        }
    }
    bits.text()
}

/// The lowest bits of an alpha channel, row by row.
struct Bits {
    width: usize,
    height: usize,
    bytes: Vec<u8>,
    length: usize,
}

impl Bits {
    fn new(width: u32, height: u32) -> Self {
        Self {
            // No more than MAX_PIXELS.
            width: width as usize,
            height: height as usize,
            bytes: Vec::new(),
            length: 0,
        }
    }

    fn push(&mut self, bit: u8) {
        if self.length.is_multiple_of(8) {
            self.bytes.push(0);
        }
        if let Some(last) = self.bytes.last_mut() {
            *last |= bit << (self.length % 8);
        }
        self.length += 1;
    }

    /// Returns the bit of a place, counted column by column.
    fn at(&self, place: usize) -> u8 {
        let (x, y) = (place / self.height, place % self.height);
        let at = y * self.width + x;
        self.bytes
            .get(at / 8)
            .map_or(0, |byte| byte >> (at % 8) & 1)
    }

    /// Returns bytes from a place on, as many as there are of `count`.
    fn bytes(&self, place: usize, count: usize) -> Vec<u8> {
        let there = (self.width * self.height).saturating_sub(place) / 8;
        let byte = |n| (0..8).fold(0, |byte, bit| byte << 1 | self.at(place + n * 8 + bit));
        (0..count.min(there)).map(byte).collect()
    }

    fn text(&self) -> Option<Result<String, &'static str>> {
        let name = self.bytes(0, PACKED.len());
        let is_packed = match name.as_slice() {
            PACKED => true,
            PLAIN => false,
            _ => return None,
        };
        let begin = PACKED.len() * 8;
        let length: [u8; 4] = self.bytes(begin, 4).try_into().ok()?;
        let length = u32::from_be_bytes(length) as usize / 8;
        if length > MAX_TEXT {
            return Some(Err("too long to be read"));
        }
        let content = self.bytes(begin + 32, length);
        if content.len() < length {
            return Some(Err("longer than its image"));
        }
        let text = if is_packed {
            let mut text = Vec::new();
            let limit = MAX_TEXT as u64 + 1;
            let read = GzDecoder::new(&*content).take(limit).read_to_end(&mut text);
            match read {
                Err(_) => return Some(Err("it can't be unpacked")),
                Ok(_) if text.len() > MAX_TEXT => return Some(Err("too long to be read")),
                Ok(_) => text,
            }
        } else {
            content
        };
        Some(Ok(String::from_utf8_lossy(&text).into_owned()))
    }
}

/// Returns a bit of bytes, the highest of each first.
fn bit(bytes: &[u8], place: usize) -> u8 {
    bytes[place / 8] >> (7 - place % 8) & 1
}
