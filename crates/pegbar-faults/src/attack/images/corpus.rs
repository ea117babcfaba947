//! Images to mutate: of every format that is taken in, with and without metadata.

use std::fs;
use std::io::Cursor;
use std::path::Path;

use image::{ImageFormat, RgbImage};

/// Returns the corpus.
pub(super) fn all() -> Vec<Vec<u8>> {
    let mut corpus = Vec::new();
    for size in [1, 7, 24] {
        let image = RgbImage::from_fn(size, size, |x, y| {
            image::Rgb([x.to_le_bytes()[0] * 9, y.to_le_bytes()[0] * 7, 3])
        });
        for format in [
            ImageFormat::Png,
            ImageFormat::Jpeg,
            ImageFormat::WebP,
            ImageFormat::Gif,
        ] {
            let mut bytes = Cursor::new(Vec::new());
            if image.write_to(&mut bytes, format).is_ok() {
                corpus.push(bytes.into_inner());
            }
        }
    }
    let plain = corpus[0].clone();
    for (kind, content) in [
        (
            *b"tEXt",
            b"parameters\0a cat\nSteps: 20, Sampler: x, Seed: 1".to_vec(),
        ),
        (
            *b"iTXt",
            b"prompt\0\0\0\0\0{\"1\":{\"class_type\":\"KSampler\"}}".to_vec(),
        ),
        (*b"zTXt", bomb()),
        (
            *b"eXIf",
            b"II*\0\x08\0\0\0\x01\0\x86\x92\x07\0\xff\xff\xff\x7f\x1a\0\0\0\0\0\0\0".to_vec(),
        ),
        (*b"acTL", b"\0\0\0\x7f\0\0\0\0".to_vec()),
    ] {
        corpus.push(with_chunk(&plain, kind, &content));
    }
    // What real programs and cameras wrote, where the source is at hand.
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../pegbar/tests/fixtures");
    for folder in ["metadata", "c2pa"] {
        let Ok(entries) = fs::read_dir(fixtures.join(folder)) else {
            continue;
        };
        let files = entries
            .flatten()
            .filter_map(|entry| fs::read(entry.path()).ok());
        corpus.extend(files.filter(|bytes| bytes.len() < 200_000));
    }
    corpus
}

/// A text of a gigabyte that says so in little: stored blocks would be as long, so the same
/// back reference again and again is made by hand (RFC 1951, 3.2.6).
fn bomb() -> Vec<u8> {
    let head = b"parameters\0\0\x78\x01".to_vec();
    [head, deflated_bomb(), vec![0; 4]].concat()
}

/// The text of the bomb, as it is packed.
pub(in crate::attack) fn deflated_bomb() -> Vec<u8> {
    // A block with fixed codes: a literal, then length 258 and distance 1, for ever.
    let mut bits = Bits::default();
    bits.push(0b1, 1);
    bits.push(0b01, 2);
    bits.push(reversed(0x30 + 65, 8), 8);
    for _ in 0..300_000 {
        bits.push(reversed(0b1100_0101, 8), 8);
        bits.push(0, 5);
    }
    bits.push(0, 7);
    bits.end()
}

fn reversed(code: u32, length: u32) -> u32 {
    code.reverse_bits() >> (32 - length)
}

#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    held: u32,
    count: u32,
}

impl Bits {
    fn push(&mut self, bits: u32, count: u32) {
        self.held |= bits << self.count;
        self.count += count;
        while self.count >= 8 {
            self.bytes.push((self.held & 0xff) as u8);
            self.held >>= 8;
            self.count -= 8;
        }
    }

    fn end(mut self) -> Vec<u8> {
        self.push(0, 7);
        self.bytes
    }
}

/// Puts a chunk behind the head of a PNG.
fn with_chunk(png: &[u8], kind: [u8; 4], content: &[u8]) -> Vec<u8> {
    let length = u32::try_from(content.len()).unwrap_or(0).to_be_bytes();
    let mut chunk = kind.to_vec();
    chunk.extend(content);
    let crc = super::mutate::crc(&chunk).to_be_bytes();
    [&png[..33], &length, &chunk, &crc, &png[33..]].concat()
}
