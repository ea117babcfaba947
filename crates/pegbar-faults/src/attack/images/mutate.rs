//! Mutations of images and of JSON.

use crate::random::Random;

/// Returns one of the corpus, mutated some times.
pub(in crate::attack) fn one_of(corpus: &[Vec<u8>], random: &mut Random) -> Vec<u8> {
    let mut bytes = corpus[random.below(corpus.len())].clone();
    for _ in 0..=random.below(5) {
        once(&mut bytes, corpus, random);
    }
    // Half of the time, so that what is in them is looked at.
    if random.one_in(2) {
        mend_png(&mut bytes);
    }
    bytes
}

fn once(bytes: &mut Vec<u8>, corpus: &[Vec<u8>], random: &mut Random) {
    if bytes.is_empty() {
        return;
    }
    // Heads are where most is decided.
    let limit = if random.one_in(2) {
        bytes.len().min(64)
    } else {
        bytes.len()
    };
    let at = random.below(limit);
    match random.below(8) {
        0 => bytes[at] ^= 1 << random.below(8),
        1 => bytes[at] = [0, 0x7f, 0x80, 0xff][random.below(4)],
        2 => bytes.truncate(at),
        3 => {
            let big = [0xffff_ffff_u32, 0x7fff_ffff, 0x8000_0000, 0, 1][random.below(5)];
            let big = if random.one_in(2) {
                big.to_be_bytes()
            } else {
                big.to_le_bytes()
            };
            for (byte, new) in bytes[at..].iter_mut().zip(big) {
                *byte = new;
            }
        }
        4 => {
            let end = (at + 1 + random.below(200)).min(bytes.len());
            let piece = bytes[at..end].to_vec();
            bytes.splice(at..at, piece);
        }
        5 => {
            let end = (at + 1 + random.below(50)).min(bytes.len());
            bytes.drain(at..end);
        }
        6 => {
            let other = &corpus[random.below(corpus.len())];
            let from = random.below(other.len());
            bytes.truncate(at);
            bytes.extend(&other[from..]);
        }
        _ => {
            let byte = (random.number() & 0xff) as u8;
            bytes.splice(at..at, std::iter::repeat_n(byte, random.below(300)));
        }
    }
}

/// Gives the chunks of a PNG the checks that belong to them, as far as there are chunks.
fn mend_png(bytes: &mut [u8]) {
    let mut at = 8;
    while bytes.starts_with(b"\x89PNG") && at + 12 <= bytes.len() {
        let length = u32::from_be_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
        let Some(end) = at
            .checked_add(8 + length as usize)
            .filter(|end| end + 4 <= bytes.len())
        else {
            return;
        };
        let check = crc(&bytes[at + 4..end]).to_be_bytes();
        bytes[end..end + 4].copy_from_slice(&check);
        at = end + 4;
    }
}

/// The check of a chunk (PNG, annex D).
pub(super) fn crc(bytes: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 {
                0xedb8_8320 ^ (crc >> 1)
            } else {
                crc >> 1
            };
        }
    }
    !crc
}

/// Returns a text that is JSON, or nearly.
pub(super) fn json(random: &mut Random) -> String {
    let mut text = String::new();
    for _ in 0..random.below(200) {
        let pieces = [
            "{",
            "}",
            "[",
            "]",
            ",",
            ":",
            "\"a\"",
            "\"\\u0000\"",
            "\"\\ud800\"",
            "1e999",
            "-0",
            "18446744073709551616",
            "null",
            "true",
            "\"",
            "\\",
            "\u{feff}",
            "[[[[[[[[",
            "\"a\":",
            "0.1e-400",
        ];
        text.push_str(pieces[random.below(pieces.len())]);
    }
    if random.one_in(20) {
        let deep = 1 + random.below(100_000);
        text = "[".repeat(deep);
    }
    text
}
