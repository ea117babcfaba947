//! Whatever the bytes are: no panic, no more than a bounded claim, and soon.

use std::io::Cursor;
use std::time::{Duration, Instant};

use super::*;

/// How often each fixture is changed; `PEGBAR_FUZZ_ROUNDS` says otherwise, for a long run.
const ROUNDS: u64 = 200;

/// A generator of numbers without rhyme, the same in each run (Knuth's MMIX).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        let Self(state) = self;
        *state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(*state >> 33).unwrap() % sides
    }

    fn byte(&mut self) -> u8 {
        u8::try_from(self.roll(256)).unwrap()
    }

    /// Changes some bytes; most often those at the beginning and the end, where metadata are.
    fn mutate(&mut self, bytes: &mut Vec<u8>) {
        for _ in 0..=self.roll(6) {
            let at = self.roll(bytes.len());
            match self.roll(7) {
                0 => bytes[at] = self.byte(),
                1 => bytes[at] ^= 1 << self.roll(8),
                2 => bytes[at] = [0, 0xff, 0x7f, 0x80, b'{', b'"', b'<', b'\\'][self.roll(8)],
                3 => drop(bytes.splice(at..at, [self.byte(), self.byte()])),
                4 => bytes.truncate(at.max(1)),
                5 => {
                    let end = (at + self.roll(64)).min(bytes.len());
                    let copied = bytes[at..end].to_vec();
                    drop(bytes.splice(at..at, copied));
                }
                _ if bytes.len() > 1 => drop(bytes.remove(at)),
                _ => {}
            }
        }
    }
}

fn rounds() -> u64 {
    let rounds = std::env::var("PEGBAR_FUZZ_ROUNDS").ok();
    rounds.map_or(ROUNDS, |rounds| rounds.parse().unwrap())
}

fn check(claims: &[NewClaim]) {
    for claim in claims {
        claim.check().unwrap();
        assert!(claim.fields.to_string().len() <= (1 << 20) + 4096);
        assert!(claim.fields.get("foundIn").is_some(), "{claim:?}");
    }
}

#[test]
fn changed_files_are_read_without_a_panic_and_soon() {
    let mut dice = Dice(11);
    let rounds = rounds();
    let begin = Instant::now();
    let mut count = 0;
    for name in names() {
        let bytes = fs::read(folder().join(&name)).unwrap();
        // Long files say no more than short ones.
        let rounds = if bytes.len() > 8192 {
            rounds / 8
        } else {
            rounds
        };
        for _ in 0..rounds {
            let mut mutated = bytes.clone();
            dice.mutate(&mut mutated);
            check(&read(Cursor::new(&mutated), format_of(&name)).unwrap());
            count += 1;
        }
    }
    assert!(count >= rounds * 40, "{count}");
    let limit = Duration::from_secs(120 + rounds / 10);
    assert!(begin.elapsed() < limit, "{count} in {:?}", begin.elapsed());
}

#[test]
fn changed_texts_are_read_without_a_panic_wherever_they_stand() {
    let mut dice = Dice(13);
    let mut texts: Vec<(String, Vec<u8>)> = Vec::new();
    for name in names()
        .iter()
        .filter(|name| !name.starts_with("bomb") && *name != "many.png")
    {
        for claim in claims_of(name) {
            let parts = serde_json::from_str::<serde_json::Map<String, Value>>(&claim.raw);
            for (name, text) in parts.unwrap_or_default() {
                let text = text.as_str().map(|text| text.as_bytes().to_vec());
                texts.extend(text.map(|text| (name, text)));
            }
            texts.push(("parameters".to_owned(), claim.raw.into_bytes()));
        }
    }
    texts.retain(|(_, text)| !text.is_empty() && text.len() < 20_000);
    let places = [
        Place::PngText,
        Place::Exif,
        Place::Comment,
        Place::Xmp,
        Place::Alpha,
    ];
    for (name, text) in &texts {
        for _ in 0..rounds() / 2 {
            let mut mutated = text.clone();
            dice.mutate(&mut mutated);
            let text = segment::latin1(&mutated);
            check(&[xmp::claim(&xmp::read(&text), text.clone())]);
            let usual = piece::USUAL[dice.roll(piece::USUAL.len())];
            let pieces = [name.as_str(), usual, "prompt", "exif:UserComment"].map(|name| Piece {
                name: name.to_owned(),
                text: text.clone(),
            });
            let place = places[dice.roll(places.len())];
            let mut claims = Vec::new();
            read_place(place, "png-text", pieces.to_vec(), &mut claims);
            check(&claims);
            check(iptc::read(&mutated).as_slice());
            check(&exif::texts(&mutated).map_or(Vec::new(), |texts| {
                let mut claims = Vec::new();
                read_place(Place::Exif, "exif", texts, &mut claims);
                claims
            }));
        }
    }
}
