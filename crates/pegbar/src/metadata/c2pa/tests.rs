//! Manifests that others wrote: a generator's real ones, and those of an independent writer in
//! `tests/fixtures/c2pa`.

use std::fs;
use std::io::Cursor;
use std::path::Path;

use super::*;
use crate::blob::ImageFormat;
use crate::credentials::{C2paManifest, C2paTimeSource};
use crate::metadata::segment::Segments;

const GENERATED: &str = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia";

fn store(path: &Path, format: ImageFormat) -> Vec<u8> {
    let bytes = fs::read(path).unwrap();
    let segments = Segments::read(Cursor::new(bytes), format).unwrap();
    segments.jumbf.unwrap()
}

fn fixture(name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/c2pa");
    let format = match name.rsplit('.').next() {
        Some("png") => ImageFormat::Png,
        Some("jpg") => ImageFormat::Jpeg,
        Some("webp") => ImageFormat::WebP,
        _ => ImageFormat::Gif,
    };
    store(&folder.join(name), format)
}

/// The store of a real image; `None`, said on standard error, where there is none.
fn real(name: &str) -> Option<Vec<u8>> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/real");
    let folder = std::env::var_os("PEGBAR_REAL_INPUTS").map_or(beside, Into::into);
    if !folder.is_dir() {
        assert!(std::env::var_os("CI").is_none(), "required in CI");
        eprintln!("skipped: {} is not there", folder.display());
        return None;
    }
    Some(store(&folder.join("gemini").join(name), ImageFormat::Jpeg))
}

fn said(jumbf: &[u8]) -> C2paCredentials {
    credentials(jumbf).unwrap().0
}

fn signer(manifest: &C2paManifest) -> (Option<&str>, Option<&str>) {
    let signer = manifest.signer.as_ref().unwrap();
    (
        signer.organization.as_deref(),
        signer.common_name.as_deref(),
    )
}

#[test]
fn who_signed_when_and_how_it_was_made_is_read_in_all_formats() {
    for name in ["made.png", "made.gif", "sent.webp", "old.png"] {
        let said = said(&fixture(name));
        assert_eq!(said.problems, [""; 0], "{name}");
        let active = &said.active;
        let signer = signer(active);
        assert_eq!(
            signer,
            (Some("Alley Cat Studios"), Some("Alley Cat Signer")),
            "{name}"
        );
        let issuer = active.issuer.as_ref().unwrap();
        assert_eq!(issuer.common_name.as_deref(), Some("Alley Cat Root"));
        assert_eq!(active.algorithm.as_deref(), Some("ES256"));
        let certificate = active.certificate.unwrap();
        let validity = (
            certificate.not_before.to_string(),
            certificate.not_after.to_string(),
        );
        // The second is written in the form for years from 2050 on.
        let expected = ("2026-01-01T00:00:00.000Z", "2096-01-01T00:00:00.000Z");
        assert_eq!((&*validity.0, &*validity.1), expected, "{name}");
        assert_eq!(
            active.digital_source_type.as_deref(),
            Some(GENERATED),
            "{name}"
        );
        assert_eq!(active.actions[0].action, "c2pa.created");
        let agent = active.actions[0].software_agent.as_deref();
        assert!(
            matches!(agent, Some("sprite-1 7" | "sprite-0 3")),
            "{name}: {agent:?}"
        );
        let generator = active.generator.as_deref().unwrap();
        assert!(
            generator.starts_with("Alley Cat Generator 1.2"),
            "{generator}"
        );
        assert!(
            active.manifest.as_deref().unwrap().contains("urn:"),
            "{name}"
        );
        // Without a time stamp only the signer says when.
        assert_eq!(active.signed_at_source, Some(C2paTimeSource::Claim));
    }
    let made = said(&fixture("made.png"));
    assert_eq!((made.manifests, made.nested.len()), (1, 0));
    assert_eq!(made.active.title.as_deref(), Some("tabby.png"));
    assert_eq!(
        made.active.signed_at.unwrap().to_string(),
        "2026-03-04T05:06:07.000Z"
    );
    assert_eq!(
        made.active.actions[0].when.as_deref(),
        Some("2026-03-04T05:06:07Z")
    );
}

#[test]
fn ingredients_are_named_with_their_manifests_which_are_read_too() {
    let made = said(&fixture("made.png")).active.manifest;
    let sent = said(&fixture("sent.webp"));
    assert_eq!(sent.manifests, 2);
    let ingredients = &sent.active.ingredients;
    let titles: Vec<_> = ingredients.iter().map(|one| one.title.as_deref()).collect();
    assert_eq!(titles, [Some("tabby.png"), Some("palette.png")]);
    let relations: Vec<_> = ingredients
        .iter()
        .map(|one| one.relationship.as_deref())
        .collect();
    assert_eq!(relations, [Some("inputTo"), Some("componentOf")]);
    assert_eq!(ingredients[0].format.as_deref(), Some("image/png"));
    assert_eq!(
        ingredients[0].manifest, made,
        "the very manifest of that file"
    );
    assert_eq!(ingredients[1].manifest, None);
    assert_eq!(sent.nested.len(), 1);
    assert_eq!(sent.nested[0].manifest, made);
    assert_eq!(sent.nested[0].title.as_deref(), Some("tabby.png"));
}

#[test]
fn an_edit_came_about_as_what_it_is_an_edit_of_and_this_is_said() {
    let edited = said(&fixture("edited.jpg"));
    assert_eq!(
        edited.active.digital_source_type.as_deref(),
        Some(GENERATED)
    );
    assert_eq!(edited.digital_source_type_of, edited.nested[0].manifest);
    assert!(edited.digital_source_type_of.is_some());
    let actions: Vec<_> = edited
        .active
        .actions
        .iter()
        .map(|one| &*one.action)
        .collect();
    assert_eq!(actions, ["c2pa.opened", "c2pa.resized"]);
    // What an input is says nothing of what was made from it.
    let mut sent = said(&fixture("sent.webp"));
    sent.active.digital_source_type = None;
    inherit_source_type(&mut sent);
    assert_eq!(sent.active.digital_source_type, None);
}

#[test]
fn other_vocabularies_and_authors_are_kept() {
    let edited = said(&fixture("edited.jpg"));
    let sampler = &edited.active.other["com.example.sampler"];
    assert_eq!(sampler["steps"], 20);
    assert_eq!(
        sampler["seed"], "9007199254740993",
        "as JavaScript keeps it"
    );
    let old = said(&fixture("old.png"));
    assert_eq!(old.active.authors, ["Toni Tabby"]);
}

#[test]
fn the_manifests_of_real_images_say_what_an_independent_reader_says() {
    let Some(jumbf) = real("char_1767250950182.png") else {
        return;
    };
    let character = said(&jumbf);
    assert_eq!(character.problems, [""; 0]);
    assert_eq!((character.manifests, character.nested.len()), (1, 0));
    let expected = (Some("Google LLC"), Some("Google Media Processing Services"));
    let active = &character.active;
    assert_eq!(signer(active), expected);
    assert_eq!(active.algorithm.as_deref(), Some("ES256"));
    let generator = active.generator.as_deref().unwrap();
    assert!(
        generator.starts_with("Google C2PA Core Generator Library "),
        "{generator}"
    );
    assert_eq!(active.digital_source_type.as_deref(), Some(GENERATED));
    assert_eq!(
        active.signed_at.unwrap().to_string(),
        "2026-01-01T07:02:29.000Z"
    );
    assert_eq!(active.signed_at_source, Some(C2paTimeSource::Timestamp));
    let until = active.certificate.unwrap().not_after.to_string();
    assert!(until.starts_with("2026-10-25T"), "{until}");
    let relations = active
        .ingredients
        .iter()
        .map(|one| one.relationship.as_deref());
    assert_eq!(relations.collect::<Vec<_>>(), [Some("inputTo"); 3]);
    let words = active
        .ingredients
        .iter()
        .map(|one| one.description.as_deref());
    let expected = [0, 1, 2].map(|n| format!("Input ingredient {n}"));
    assert_eq!(words.flatten().collect::<Vec<_>>(), expected);

    let sheet = said(&real("sprite_1767251343859.png").unwrap());
    assert_eq!((sheet.manifests, sheet.nested.len()), (3, 2));
    assert_eq!(sheet.problems, [""; 0]);
    assert_eq!(
        sheet.active.signed_at.unwrap().to_string(),
        "2026-01-01T07:09:02.000Z"
    );
    let [input] = &sheet.active.ingredients[..] else {
        panic!("one ingredient")
    };
    assert_eq!(input.relationship.as_deref(), Some("inputTo"));
    let resized = &sheet.nested[0];
    assert_eq!(input.manifest, resized.manifest);
    assert_eq!(
        resized.ingredients[0].relationship.as_deref(),
        Some("parentOf")
    );
    // The sheet was made from the other image, after a resize.
    assert_eq!(resized.ingredients[0].manifest, active.manifest);
    assert_eq!(sheet.nested[1].manifest, active.manifest);
}

#[test]
fn the_text_that_is_kept_is_json_and_bounded() {
    let claim = read(&fixture("sent.webp")).unwrap();
    assert_eq!(claim.tool, "c2pa");
    let raw: serde_json::Value = serde_json::from_str(&claim.raw).unwrap();
    let manifests = raw["manifests"].as_object().unwrap();
    assert_eq!(manifests.len(), 2);
    let active = claim.fields.get("manifest").unwrap().as_str().unwrap();
    let hash = &manifests[active]["c2pa.hash.data"];
    assert_eq!(hash["alg"], "sha256");
    assert_eq!(hash["hash"].as_str().unwrap().len(), 64, "{hash}");
    claim.check().unwrap();
    let mut raw = Raw::new();
    for n in 0..10_000 {
        raw.add("manifest", &format!("part\u{1}{n}"), || {
            "x".repeat(100).into()
        });
    }
    let text = raw.into_text();
    assert!((60_000..=64 << 10).contains(&text.len()), "{}", text.len());
    assert!(text.contains("leftOut"), "{text}");
}

#[test]
fn boxes_that_are_not_c2pa_make_no_claim_and_broken_ones_say_why() {
    let whole = fixture("made.png");
    let mut other = whole.clone();
    other[16..20].copy_from_slice(b"json");
    assert_eq!(read(&other), None);
    assert_eq!(read(&[]), None);
    let behind = [&other[..], &whole].concat();
    assert_eq!(said(&behind).active, said(&whole).active);
    let broken = |bytes: &[u8], expected: &str| {
        let said = said(bytes);
        let found = said
            .problems
            .iter()
            .any(|problem| problem.contains(expected));
        assert!(found, "{expected}: {:?}", said.problems);
    };
    broken(b"not JUMBF at all", "does not fit");
    broken(&whole[..7], "cut off");
    broken(&whole[..whole.len() - 1], "does not fit");
    let mut swapped = whole.clone();
    let at = swapped
        .windows(13)
        .position(|bytes| bytes == b"c2pa.claim.v2")
        .unwrap();
    // The kind of the box, before its label and the byte of toggles.
    swapped[at - 17..at - 13].copy_from_slice(b"xxxx");
    broken(&swapped, "has no claim");
    let mut unnamed = whole.clone();
    let at = unnamed
        .windows(15)
        .position(|bytes| bytes == b"c2pa.actions.v2")
        .unwrap();
    unnamed[at] = b'x';
    broken(&unnamed, "c2pa.actions.v2 is named in");
    broken(&unnamed, "1 assertions in");
    assert_eq!(
        said(&unnamed).active.actions,
        [],
        "what is not signed is not believed"
    );
    assert_eq!(signer(&said(&unnamed).active).0, Some("Alley Cat Studios"));
}

/// A generator of numbers that are the same in each run (`SplitMix64`).
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut n = self.0;
        n = (n ^ n >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        n = (n ^ n >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        n ^ n >> 31
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(end.max(1)).unwrap()).unwrap()
    }
}

/// Runs through `PEGBAR_FUZZ` mutations of each store, 2,000 without it.
#[test]
fn no_mutation_of_a_manifest_breaks_the_reader() {
    let rounds = std::env::var("PEGBAR_FUZZ").map_or(2000, |count| count.parse().unwrap());
    let names = ["made.png", "made.gif", "sent.webp", "edited.jpg", "old.png"];
    let mut stores: Vec<Vec<u8>> = names.iter().map(|name| fixture(name)).collect();
    stores.extend(
        ["char_1767250950182.png", "sprite_1767251343859.png"]
            .iter()
            .filter_map(|name| real(name)),
    );
    let mut numbers = Numbers(4);
    let mut unreadable = 0;
    for store in &stores {
        for _ in 0..rounds {
            let mut bytes = store.clone();
            for _ in 0..=numbers.below(4) {
                let at = numbers.below(bytes.len());
                match numbers.below(6) {
                    0 => bytes.truncate(at),
                    1 => bytes[at] = numbers.next().to_be_bytes()[0],
                    2 => bytes[at] ^= 1 << numbers.below(8),
                    // What lengths are made of.
                    3 => bytes[at] = [0, 1, 0x7f, 0x80, 0x9b, 0xbf, 0xff][numbers.below(7)],
                    4 => {
                        let end = at + numbers.below(64).min(bytes.len() - at);
                        bytes.drain(at..end);
                    }
                    _ => {
                        let end = at + numbers.below(64).min(bytes.len() - at);
                        let again = bytes[at..end].to_vec();
                        bytes.splice(at..at, again);
                    }
                }
                if bytes.is_empty() {
                    break;
                }
            }
            let Some(claim) = read(&bytes) else { continue };
            claim.check().unwrap();
            assert!(claim.raw.len() <= 64 << 10);
            assert!(claim.fields.to_string().len() < 1 << 20);
            let said: C2paCredentials = claim.fields.to_typed().unwrap();
            unreadable += u32::from(!said.problems.is_empty());
        }
    }
    assert!(
        unreadable > 1000,
        "the mutations reach the reader: {unreadable}"
    );
}

#[test]
fn a_store_of_thousands_of_manifests_is_read_in_its_end() {
    let store = fixture("made.png");
    let description = &store[8..8 + 30];
    let manifest = &store[8 + 30..];
    let content = [description, &manifest.repeat(4000)].concat();
    let length = u32::try_from(content.len() + 8).unwrap().to_be_bytes();
    let many = [&length[..], b"jumb", &content].concat();
    let began = std::time::Instant::now();
    let claim = read(&many).unwrap();
    assert!(began.elapsed().as_secs() < 5, "{:?}", began.elapsed());
    let said: C2paCredentials = claim.fields.to_typed().unwrap();
    assert_eq!((said.manifests, said.nested.len()), (4000, 32));
    assert!(claim.raw.len() <= 64 << 10);
}
