//! Parts that come in pieces are joined, and what is too long is left out.

use std::fs::{self, File};
use std::path::Path;

use super::*;

/// Returns a box's type and label: a superbox begins with a description (ISO 19566-5, A.3).
fn label(superbox: &[u8]) -> (&[u8], &[u8]) {
    let label = &superbox[8 + 8 + 17..];
    let end = label.iter().position(|byte| *byte == 0).unwrap();
    (&superbox[4..8], &label[..end])
}

#[test]
fn the_manifests_of_real_images_are_joined_from_their_segments() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/real/gemini");
    let Ok(files) = fs::read_dir(&folder) else {
        eprintln!("skipped: {} is not there", folder.display());
        return;
    };
    for file in files {
        let path = file.unwrap().path();
        let segments = Segments::read(File::open(&path).unwrap(), ImageFormat::Jpeg).unwrap();
        let jumbf = segments.jumbf.unwrap();
        let length = u32::from_be_bytes(jumbf[..4].try_into().unwrap());
        assert_eq!(jumbf.len(), usize::try_from(length).unwrap());
        assert_eq!(label(&jumbf), (&b"jumb"[..], &b"c2pa"[..]));
        assert!(segments.left_out.is_empty());
    }
}

#[test]
fn a_box_in_several_segments_is_joined_in_the_order_of_their_numbers() {
    // Length and type of the box stand in each piece (ISO 19566-5, annex D).
    let header = [&24_u32.to_be_bytes()[..], b"jumb"].concat();
    let piece = |instance: u8, number: u8, content: &[u8]| {
        let numbers = [b'J', b'P', 0, instance, 0, 0, 0, number];
        let content = [&numbers[..], &header, content].concat();
        let length = u16::try_from(content.len() + 2).unwrap().to_be_bytes();
        [&[0xff, 0xeb], &length[..], &content].concat()
    };
    let jpeg = [
        &[0xff, 0xd8][..],
        &piece(2, 1, b"another box     "),
        &piece(1, 2, b" and rest"),
        &piece(1, 1, b"the one"),
        &piece(1, 1, b"again, which does not count"),
        &[0xff, 0xda],
    ];
    let found = Segments::read(io::Cursor::new(jpeg.concat()), ImageFormat::Jpeg).unwrap();
    let expected = [
        &header[..],
        b"the one and rest",
        &header,
        b"another box     ",
    ]
    .concat();
    assert_eq!(found.jumbf, Some(expected));
}
