//! What is whole is told from what is not, whatever the bytes are.

use std::fmt::Write as _;
use std::io::Cursor;
use std::time::{Duration, Instant};

use super::{Flaw, Inspected, inspect};
use crate::blob::ImageFormat;
use crate::metadata;

#[path = "../../../tests/library/support/images.rs"]
mod images;

const MAX_PIXELS: u64 = 1 << 28;

fn inspected(bytes: &[u8]) -> Result<Inspected, String> {
    let found = inspect(Cursor::new(bytes), bytes.len() as u64, MAX_PIXELS);
    found.map_err(|flaw| match flaw {
        Flaw::Refused(reason) => reason,
        Flaw::Io(error) => panic!("bytes in memory can be read: {error}"),
    })
}

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
}

#[test]
fn every_kind_is_taken_in_with_its_size_as_seen_and_its_number_of_images() {
    for (name, bytes, count) in images::one_of_each() {
        let found = inspected(&bytes).unwrap_or_else(|reason| panic!("{name}: {reason}"));
        let size = match name {
            "CMYK JPEG" => (8, 8),
            name if name.starts_with("turned") => (5, 9),
            _ => (9, 5),
        };
        assert_eq!((found.width, found.height), size, "{name}");
        assert_eq!(found.image_count, count, "{name}");
        assert!(
            name.ends_with(match found.format {
                ImageFormat::Png => "PNG",
                ImageFormat::Jpeg => "JPEG",
                ImageFormat::WebP => "WebP",
                ImageFormat::Gif => "GIF",
            }) || name == "PNG of 16 bits"
        );
    }
    for orientation in 0..=9 {
        let size = if (5..=8).contains(&orientation) {
            (5, 9)
        } else {
            (9, 5)
        };
        for bytes in [
            images::png_turned(9, 5, orientation),
            images::jpeg_turned(9, 5, orientation),
            images::extended_webp(9, 5, 1, Some(orientation)),
        ] {
            let found = inspected(&bytes).unwrap();
            assert_eq!((found.width, found.height), size, "{orientation}");
        }
    }
}

#[test]
fn every_place_where_a_file_is_cut_short_is_noticed() {
    for (name, bytes, _) in images::one_of_each() {
        let whole = inspected(&bytes).unwrap();
        for length in 0..bytes.len() {
            let refused = inspected(&bytes[..length]);
            let reason = refused.expect_err(&format!("{name} cut to {length} bytes"));
            if length >= 3 {
                let place = format!(" ends at byte {length}, in the middle of ");
                assert!(reason.starts_with("cut short: the "), "{name}: {reason}");
                assert!(reason.contains(&place), "{name}: {reason}");
            }
        }
        for behind in [&b"\0"[..], b"\r\n", &[0xff; 100], &bytes] {
            let longer = [&bytes, behind].concat();
            assert_eq!(inspected(&longer), Ok(whole), "{name}");
        }
    }
}

#[test]
fn a_flipped_bit_of_the_pixels_of_a_png_is_noticed() {
    for bytes in [images::png(9, 5), images::apng(9, 5, 3)] {
        for at in 0..bytes.len() {
            let mut flipped = bytes.clone();
            flipped[at] ^= 4;
            assert!(inspected(&flipped).is_err(), "byte {at}");
        }
    }
}

#[test]
fn bytes_of_any_kind_are_judged_without_a_panic_and_soon() {
    let mut dice = Dice(7);
    let begin = Instant::now();
    let mut judged = String::new();
    for (name, bytes, _) in images::one_of_each() {
        let mut accepted = 0_u32;
        for _ in 0..4000 {
            let mut mutated = bytes.clone();
            for _ in 0..=dice.roll(4) {
                let at = dice.roll(mutated.len());
                match dice.roll(5) {
                    0 => mutated[at] = dice.byte(),
                    1 => mutated[at] ^= 1 << dice.roll(8),
                    2 => mutated[at] = [0, 0xff, 0x7f, 0x80][dice.roll(4)],
                    3 => drop(mutated.splice(at..at, [dice.byte(), dice.byte()])),
                    _ if mutated.len() > 1 => drop(mutated.remove(at)),
                    _ => {}
                }
            }
            if let Ok(found) = inspected(&mutated) {
                accepted += 1;
                let pixels = u64::from(found.width) * u64::from(found.height);
                assert!((1..=MAX_PIXELS).contains(&pixels) && found.image_count > 0);
            }
        }
        writeln!(judged, "{name}: {accepted} of 4000 were accepted").unwrap();
    }
    let noise = (0..20_000).map(|_| {
        let length = dice.roll(200);
        (0..length).map(|_| dice.byte()).collect::<Vec<u8>>()
    });
    for mut bytes in noise {
        assert!(inspected(&bytes).is_err());
        for magic in [
            &b"\x89PNG\r\n\x1a\n"[..],
            b"\xff\xd8\xff",
            b"GIF89a",
            b"RIFF\x40\0\0\0WEBP",
        ] {
            bytes.splice(..0, magic.iter().copied());
            let _ = inspected(&bytes);
        }
    }
    assert!(begin.elapsed() < Duration::from_mins(1), "{judged}");
}

#[test]
fn a_refusal_says_what_is_wrong_and_where() {
    let png = images::png(9, 5);
    let refused = |bytes: &[u8], part: &str| {
        let reason = inspected(bytes).unwrap_err();
        assert!(reason.contains(part), "{reason}");
    };
    let mut damaged = png.clone();
    damaged[45] ^= 1;
    refused(&damaged, "match its checksum (the IDAT chunk at byte 33)");
    let mut endless = png.clone();
    endless[33..37].copy_from_slice(&[0x7f, 0xff, 0xff, 0xff]);
    refused(
        &endless,
        "in the middle of the IDAT chunk that begins at byte 33",
    );
    endless[33] = 0xff;
    refused(&endless, "no chunk is 4294967295 bytes long");
    refused(
        &[&png[..8], &png[33..]].concat(),
        "does not begin with its header",
    );
    refused(
        &[&png[..33], &png[png.len() - 12..]].concat(),
        "0 bytes can't hold 9 × 5 pixels",
    );
    let unknown = images::png_with(png.clone(), &[images::png_chunk(*b"CATS", b"")]);
    refused(&unknown, "no program knows");
    let mut apple = png.clone();
    apple.splice(8..8, images::png_chunk(*b"CgBI", &[0; 4]));
    refused(&apple, "Apple's tools");
    let mut header = png[16..29].to_vec();
    header[..8].copy_from_slice(&[0, 0, 0x40, 0, 0, 0, 0x40, 0]);
    let bomb = [&png[..8], &images::png_chunk(*b"IHDR", &header), &png[33..]].concat();
    refused(&bomb, "can't hold 16384 × 16384 pixels");
    header[1] = 1;
    let bomb = [&png[..8], &images::png_chunk(*b"IHDR", &header), &png[33..]].concat();
    refused(
        &bomb,
        "81920 × 16384 pixels; 1 to 268435456 in all are taken in",
    );
    header[..4].fill(0);
    let empty = [&png[..8], &images::png_chunk(*b"IHDR", &header), &png[33..]].concat();
    refused(&empty, "0 × 16384 pixels");
    let few = images::apng(9, 5, 3);
    let at = few.windows(4).position(|bytes| bytes == b"acTL").unwrap();
    let more = images::png_chunk(*b"acTL", &[0, 0, 0, 9, 0, 0, 0, 0]);
    let few = [&few[..at - 4], &more, &few[at + 16..]].concat();
    refused(&few, "it announces 9 images and holds 3");

    let jpeg = images::jpeg(9, 5);
    refused(
        &[&jpeg[..2], &jpeg[jpeg.len() - 2..]].concat(),
        "ends before any pixels",
    );
    let mut lossless = jpeg.clone();
    let frame = jpeg
        .windows(2)
        .position(|bytes| bytes == [0xff, 0xc0])
        .unwrap();
    lossless[frame + 1] = 0xc3;
    refused(&lossless, "a lossless or hierarchical JPEG");
    let mut bomb = jpeg;
    bomb[frame + 5..frame + 9].copy_from_slice(&[0x3f, 0xff, 0x3f, 0xff]);
    refused(&bomb, "can't hold 16383 × 16383 pixels");
    bomb[frame + 5..frame + 9].fill(0xff);
    refused(&bomb, "65535 × 65535 pixels");

    let gif = images::gif(9, 5, 1);
    let mut bomb = gif.clone();
    bomb[6..10].fill(0xff);
    refused(&bomb, "65535 × 65535 pixels");
    let mut broken = gif;
    let end = broken.len() - 1;
    broken[end] = b'!' + 1;
    refused(&broken, "no block begins with the byte 0x22");

    let webp = images::extended_webp(9, 5, 2, None);
    let mut bomb = webp.clone();
    bomb[24..30].fill(0xff);
    refused(&bomb, "16777216 × 16777216 pixels");
    let mut broken = webp;
    let inner = broken
        .windows(4)
        .position(|bytes| bytes == b"VP8L")
        .unwrap();
    broken[inner + 8] = 0;
    refused(
        &broken,
        "no lossless image begins like that (the VP8L chunk at byte",
    );
}

#[test]
fn what_every_decoder_passes_over_is_passed_over() {
    let png = images::png(9, 5);
    let mut note = images::png_chunk(*b"eXIf", &images::exif(6));
    let last = note.len() - 1;
    note[last] ^= 1;
    let found = inspected(&images::png_with(png.clone(), &[note])).unwrap();
    assert_eq!(
        (found.width, found.height),
        (9, 5),
        "a damaged note turns nothing"
    );
    // A text that would be a gigabyte: nobody unpacks it here.
    let bomb = [&b"Comment\0\0"[..], &vec![0x78; 1 << 20]].concat();
    let chunks = [
        images::png_chunk(*b"zTXt", &bomb),
        images::png_chunk(*b"iCCP", &bomb),
    ];
    assert!(inspected(&images::png_with(png, &chunks)).is_ok());
    let mut filled = images::jpeg(9, 5);
    filled.splice(2..2, [0xff; 7]);
    let end = filled.len() - 2;
    filled.splice(end..end, [0xff; 3]);
    assert!(inspected(&filled).is_ok());
    let mut twice = images::gif(9, 5, 2);
    let end = twice.len() - 1;
    twice.insert(end, 0);
    assert_eq!(inspected(&twice).unwrap().image_count, 2);
    for metadata in [
        &b""[..],
        b"II*\0",
        b"MM\0*\xff\xff\xff\xff",
        b"II*\0\x08\0\0\0\xff\xff",
    ] {
        let chunk = images::png_chunk(*b"eXIf", metadata);
        assert!(inspected(&images::png_with(images::png(9, 5), &[chunk])).is_ok());
    }
}

#[test]
fn what_is_no_image_is_called_by_its_name() {
    let cases: &[(&[u8], &str)] = &[
        (
            b"<svg xmlns='http://www.w3.org/2000/svg'/>",
            "SVG is a drawing with code in it",
        ),
        (
            b"\xef\xbb\xbf<?xml version='1.0'?>\n<!-- made by -->\n<svg/>",
            "SVG is a drawing with code in it, not an image of pixels: export it as PNG",
        ),
        (b"\0\0\0\x1cftypavif\0\0\0\0", "an AVIF"),
        (b"\0\0\0\x18ftypheic\0\0\0\0", "a HEIC"),
        (b"\0\0\0\x18ftypisom\0\0\0\0", "a video"),
        (b"II*\0\x08\0\0\0", "a TIFF"),
        (b"MM\0*\0\0\0\x08", "a TIFF"),
        (b"BM\x36\0\0\0", "a BMP"),
        (b"8BPS\0\x01", "a Photoshop document"),
        (b"%PDF-1.7\n", "a PDF"),
        (b"\n <!DOCTYPE html><html><body>404", "a web page (HTML)"),
        (b"<html><svg></svg></html>", "a web page (HTML)"),
        (
            b"<Error><Code>AccessDenied</Code></Error>",
            "text (XML), such as a server's error",
        ),
        (
            b"{\"error\": \"quota\"}",
            "text (JSON), such as a server's error",
        ),
        (
            b"version https://git-lfs.github.com/spec/v1\noid sha256:ab\n",
            "run `git lfs pull`",
        ),
        (b"PK\x03\x04\x14\0", "a ZIP archive"),
        (b"RIFF\x24\0\0\0WAVEfmt ", "not a WebP"),
        (b"\x10\x27\0\0\xe0\xa5\x01\0", "an Aseprite document"),
        (b"\0\0\0\0\0\0\0\0\0\0\0\0", "nothing but zeros"),
        (b"iVBORw0KGgoAAAANSUhEUg", "base64"),
        (
            "ein Bild von einer Katze \u{1f408}".as_bytes(),
            "text, not an image",
        ),
        (
            b"\x7fELF\x02\x01\x01\0\0",
            "begins with the bytes 7f 45 4c 46 02 01 01 00",
        ),
    ];
    for (bytes, expected) in cases {
        let reason = inspected(bytes).unwrap_err();
        assert!(reason.contains(expected), "{reason}");
    }
}

#[test]
fn a_file_that_says_something_of_itself_is_told_from_one_that_does_not() {
    let mut silent = 0;
    for (name, bytes, _) in images::one_of_each() {
        let found = inspected(&bytes).unwrap();
        let claims = metadata::read(Cursor::new(&bytes), found.format).unwrap();
        // Some have a comment, or a description beside their orientation.
        let mut tools = claims.iter().map(|claim| claim.tool.as_str());
        assert!(
            tools.all(|tool| ["comment", "exif"].contains(&tool)),
            "{name}: {claims:?}"
        );
        assert!(claims.is_empty() || found.has_metadata, "{name}");
        silent += usize::from(!found.has_metadata);
    }
    assert!(silent >= 8, "{silent}");
    let fixtures = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/metadata/");
    for name in [
        "a1111.gif",
        "a1111.jpg",
        "a1111.webp",
        "comfyui-animated.png",
        "iptc.jpg",
        "novelai-hidden.png",
        "novelai-hidden-flat.png",
        "xmp.gif",
        "xmp.webp",
    ] {
        let bytes = std::fs::read(format!("{fixtures}{name}")).unwrap();
        assert!(inspected(&bytes).unwrap().has_metadata, "{name}");
    }
}
