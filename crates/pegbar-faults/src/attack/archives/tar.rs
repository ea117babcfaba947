//! Archives taken to pieces, spoiled, and put together so that they look like ours.

use std::fmt::Write as _;

use pegbar::Sha256;

use super::ESCAPED;
use crate::attack::images::{corpus, mutate};
use crate::random::Random;

const BLOCK: usize = 512;

struct Entry {
    name: String,
    content: Vec<u8>,
    /// What the header says, if it lies.
    size: Option<u64>,
}

/// Returns an archive that is nearly one of ours.
pub(super) fn mutated(good: &[u8], random: &mut Random) -> Vec<u8> {
    if random.one_in(4) {
        return mutate::one_of(&[good.to_vec()], random);
    }
    let mut entries = parse(good);
    for _ in 0..=random.below(2) {
        spoil(&mut entries, random);
    }
    if random.one_in(2) {
        mend_checksums(&mut entries);
    }
    write(&entries)
}

fn parse(archive: &[u8]) -> Vec<Entry> {
    let mut entries = Vec::new();
    let mut at = 0;
    while let Some(header) = archive.get(at..at + BLOCK).filter(|header| header[0] != 0) {
        let text = |range: std::ops::Range<usize>| {
            let text = String::from_utf8_lossy(&header[range]);
            text.trim_end_matches('\0').to_owned()
        };
        let size = usize::from_str_radix(&text(124..135), 8).unwrap_or(0);
        let Some(content) = archive.get(at + BLOCK..at + BLOCK + size) else {
            break;
        };
        entries.push(Entry {
            name: text(0..100),
            content: content.to_vec(),
            size: None,
        });
        at += BLOCK + size.div_ceil(BLOCK) * BLOCK;
    }
    entries
}

fn spoil(entries: &mut Vec<Entry>, random: &mut Random) {
    if entries.is_empty() {
        return;
    }
    let at = random.below(entries.len());
    match random.below(9) {
        0 => entries[at].name = hostile_name(&entries[at].name, random),
        1 => {
            let name = entries[random.below(entries.len())].name.clone();
            entries[at].name = name;
        }
        2 => {
            let twice = Entry {
                name: entries[at].name.clone(),
                content: entries[random.below(entries.len())].content.clone(),
                size: None,
            };
            entries.insert(random.below(entries.len()), twice);
        }
        3 => drop(entries.remove(at)),
        4 => {
            let other = random.below(entries.len());
            entries.swap(at, other);
        }
        5 => {
            let sizes = [0, 1, 511, 1 << 20, (1 << 33) - 1];
            entries[at].size = Some(sizes[random.below(sizes.len())]);
        }
        6 => {
            // What unpacks to a gigabyte.
            let packed = entries
                .iter_mut()
                .filter(|file| file.name.rsplit('.').next() == Some("gz"));
            let mut packed: Vec<_> = packed.collect();
            if !packed.is_empty() {
                let at = random.below(packed.len());
                packed[at].content = packed_bomb();
            }
        }
        _ => {
            let content = &mut entries[at].content;
            if random.one_in(2) {
                spoil_text(content, random);
            } else {
                *content = mutate::one_of(std::slice::from_ref(content), random);
            }
        }
    }
}

fn hostile_name(name: &str, random: &mut Random) -> String {
    let names = [
        format!("../{ESCAPED}"),
        format!("blobs/../../{ESCAPED}"),
        format!("snapshots/../../../{ESCAPED}"),
        format!("/{ESCAPED}"),
        format!("./{ESCAPED}"),
        format!("blobs\\..\\..\\{ESCAPED}"),
        format!("{name}/{ESCAPED}"),
        format!("{name}/"),
        String::new(),
        "x".repeat(100),
        format!("{name}\u{1}"),
    ];
    names[random.below(names.len())].clone()
}

/// Says something else in a text: of a number, or between two quotes.
pub(super) fn spoil_text(content: &mut Vec<u8>, random: &mut Random) {
    let is_digit = random.one_in(2);
    let places: Vec<usize> = (0..content.len())
        .filter(|at| match content[*at] {
            b'"' => !is_digit,
            byte => is_digit && byte.is_ascii_digit(),
        })
        .collect();
    if places.is_empty() {
        return;
    }
    let at = places[random.below(places.len())];
    let numbers = [
        "18446744073709551616",
        "-1",
        "1e308",
        "0",
        "null",
        "4294967296",
    ];
    let texts = [
        "../../escaped",
        "\\u0000",
        "\\ud800",
        "x",
        "/etc/passwd",
        "C:\\\\escaped",
    ];
    if is_digit {
        content.splice(at..=at, numbers[random.below(6)].bytes());
    } else {
        let rest = content.split_off(at + 1);
        content.extend(texts[random.below(6)].bytes());
        content.extend(rest);
    }
}

/// A packed file (RFC 1952) whose text has one line, without end.
fn packed_bomb() -> Vec<u8> {
    let head = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    [&head[..], &corpus::deflated_bomb(), &[0; 8]].concat()
}

/// Gives a bundle the checksums that belong to it, as far as it has some.
fn mend_checksums(entries: &mut [Entry]) {
    let mut text = String::new();
    let (mut blobs, mut count) = (String::new(), 0);
    for entry in entries.iter() {
        if entry.name == "checksums.txt" {
            continue;
        }
        if entry.name.starts_with("blobs/") {
            let name = entry.name.rsplit('/').next().unwrap_or_default();
            let _ = writeln!(blobs, "{name} {}", entry.content.len());
            count += 1;
            continue;
        }
        let _ = writeln!(text, "{}  {}", Sha256::of(&entry.content), entry.name);
    }
    let _ = writeln!(text, "{}  {count} blobs", Sha256::of(blobs.as_bytes()));
    let sums = entries.iter_mut().find(|file| file.name == "checksums.txt");
    if let Some(sums) = sums {
        sums.content = text.into_bytes();
    }
}

fn write(entries: &[Entry]) -> Vec<u8> {
    let mut archive = Vec::new();
    for entry in entries {
        let size = entry.size.unwrap_or(entry.content.len() as u64);
        archive.extend(header(&entry.name, size));
        archive.extend(&entry.content);
        archive.resize(archive.len().div_ceil(BLOCK) * BLOCK, 0);
    }
    archive.extend([0; 2 * BLOCK]);
    archive
}

/// As the library writes it, whatever the name.
fn header(name: &str, size: u64) -> [u8; BLOCK] {
    let mut block = [0; BLOCK];
    let mut put = |at: usize, text: &[u8]| block[at..at + text.len()].copy_from_slice(text);
    put(0, &name.as_bytes()[..name.len().min(100)]);
    put(100, b"0000644\0");
    put(108, b"0000000\0");
    put(116, b"0000000\0");
    put(124, format!("{size:011o}\0").as_bytes());
    put(136, b"00000000000\0");
    put(148, b"        ");
    put(156, b"0");
    put(257, b"ustar\0");
    put(263, b"00");
    put(329, b"0000000\0");
    put(337, b"0000000\0");
    let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    block
}
