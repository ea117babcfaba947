use std::io::Cursor;

use serde_json::json;

use super::*;
use crate::asset::{Asset, AssetKind};
use crate::json::Json;
use crate::time::MillisSinceEpoch;

fn asset(prompt: &str) -> Asset {
    Asset {
        id: crate::AssetId(uuid::Uuid::from_u128(7)),
        project_id: crate::ProjectId(uuid::Uuid::from_u128(8)),
        source_id: None,
        source_path: None,
        kind: AssetKind::Reference,
        character_id: None,
        animation_id: None,
        generation_id: None,
        file_path: None,
        mime_type: None,
        file_size: None,
        width: None,
        height: None,
        sha256: None,
        original_name: None,
        generation_prompt: Some(prompt.to_owned()),
        generation_system_prompt: None,
        generation_settings: Some(Json::from_value(json!({ "modelVersion": "2" })).unwrap()),
        model: Some("m".to_owned()),
        record: None,
        record_hash: None,
        bytes_dropped_at: None,
        created_at: MillisSinceEpoch(0),
        updated_at: MillisSinceEpoch(0),
        image_count: None,
        tags: Vec::new(),
        references: Vec::new().into(),
    }
}

fn image(format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    let format = match format {
        ImageFormat::Png => image::ImageFormat::Png,
        ImageFormat::Jpeg => image::ImageFormat::Jpeg,
        ImageFormat::WebP => image::ImageFormat::WebP,
        ImageFormat::Gif => image::ImageFormat::Gif,
    };
    let picture = image::RgbImage::from_fn(9, 5, |x, y| {
        let [x, y] = [x, y].map(|n| n.to_le_bytes()[0].wrapping_mul(37));
        image::Rgb([x, y, 9])
    });
    let picture = image::DynamicImage::from(picture);
    picture.write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

fn undone(splices: &[Splice], original: &[u8]) -> Vec<u8> {
    let copy = Splice::apply(splices, original);
    let mut back = Vec::new();
    let mut at = 0;
    for (begin, length, bytes) in Splice::undoing(splices, original) {
        back.extend_from_slice(&copy[at..begin]);
        back.extend_from_slice(bytes);
        at = begin + length;
    }
    back.extend_from_slice(&copy[at..]);
    back
}

fn changed(bytes: &[u8], format: ImageFormat, asset: &Asset) -> Vec<u8> {
    let statement = Statement::of(asset, None).unwrap();
    match embed(bytes, format, &statement, false) {
        Copied::Changed(splices) => {
            assert_eq!(undone(&splices, bytes), bytes, "{format}");
            Splice::apply(&splices, bytes)
        }
        other => panic!("{format}: {other:?}"),
    }
}

#[test]
fn a_copy_can_be_undone_and_says_so_once() {
    let (first, second) = (asset("a cat"), asset("another prompt"));
    for format in ImageFormat::ALL {
        let original = image(*format);
        let copy = changed(&original, *format, &first);
        let statement = Statement::of(&second, None).unwrap();
        assert_eq!(embed(&copy, *format, &statement, false), Copied::SaysSo);
        // A second statement goes into the packet that is there.
        let statement = Statement::of(&first, Some("Ada")).unwrap();
        let Copied::Changed(splices) = embed(&copy, *format, &statement, false) else {
            panic!("{format}")
        };
        assert_eq!(undone(&splices, &copy), copy);
        let again = String::from_utf8_lossy(&Splice::apply(&splices, &copy)).into_owned();
        assert_eq!(again.matches("<?xpacket begin").count(), 1);
        assert_eq!(
            again
                .matches("<Iptc4xmpExt:AIPromptInformation>a cat<")
                .count(),
            1
        );
        assert_eq!(
            again
                .matches("<Iptc4xmpExt:AIPromptWriterName>Ada<")
                .count(),
            1
        );
    }
}

#[test]
fn what_the_file_says_itself_stays() {
    let own = "<x:xmpmeta xmlns:x='adobe:ns:meta/'><r:RDF \
        xmlns:r='http://www.w3.org/1999/02/22-rdf-syntax-ns#'>\
        <r:Description r:about='uuid:1' xmlns:q='http://iptc.org/std/Iptc4xmpExt/2008-02-29/' \
        q:AISystemUsed='theirs'><q:DigitalSourceType>own</q:DigitalSourceType></r:Description>\
        </r:RDF></x:xmpmeta>";
    let asset = asset("x < y & z\u{1}\r");
    let statement = Statement::of(&asset, None).unwrap();
    let Ok(Merged::New(merged)) = statement.merged_into(Some(own.as_bytes())) else {
        panic!("nothing was added")
    };
    let packet = merged.packet();
    let (before, rest) = own.split_at(own.find("</r:RDF>").unwrap());
    assert!(
        packet.starts_with(before) && packet.ends_with(rest),
        "{packet}"
    );
    assert!(packet.contains("rdf:about=\"uuid:1\""), "{packet}");
    assert!(
        packet.contains(">x &lt; y &amp; z\u{fffd}&#xD;<"),
        "{packet}"
    );
    assert!(packet.contains("AISystemVersionUsed>2<"), "{packet}");
    for theirs in ["AISystemUsed", "DigitalSourceType"] {
        assert!(
            !packet.contains(&format!("Iptc4xmpExt:{theirs}")),
            "{packet}"
        );
    }
}

#[test]
fn xmp_that_can_not_be_added_to_is_left_alone() {
    let asset = asset("a cat");
    let statement = Statement::of(&asset, None).unwrap();
    let refused = |packet: &[u8]| match statement.merged_into(Some(packet)) {
        Err(reason) => reason,
        Ok(_) => panic!("{packet:?}"),
    };
    assert!(refused(b"\xff\xfe<\0").contains("not UTF-8"));
    assert!(refused(b"<x:xmpmeta xmlns:x='adobe:ns:meta/'/>").contains("no RDF that ends"));
    assert!(refused(b"<a><b></a>").contains("not well-formed"));
    let bomb = b"<!DOCTYPE a [<!ENTITY b 'bb'>]><a>&b;</a>";
    assert!(refused(bomb).contains("document type"));
    let unbound = b"<rdf:RDF><rdf:Description rdf:about=''/></rdf:RDF>";
    assert!(refused(unbound).contains("no RDF that ends"));
    let mut png = image(ImageFormat::Png);
    let chunk = png::splices("<a><b></a>", None).unwrap();
    png = Splice::apply(&chunk, &png);
    let reason = "its XMP is not well-formed";
    let copied = embed(&png, ImageFormat::Png, &statement, false);
    assert!(
        matches!(&copied, Copied::Refused(why) if why.starts_with(reason)),
        "{copied:?}"
    );
}

#[test]
fn damaged_bytes_are_refused_or_copied_and_never_a_fault() {
    let asset = asset("a cat");
    let statement = Statement::of(&asset, None).unwrap();
    // A small generator of our own (xorshift): the same mutations in every run.
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % below as u64).unwrap()
    };
    let mut copies = 0;
    for format in ImageFormat::ALL {
        let plain = image(*format);
        let with_xmp = changed(&plain, *format, &asset);
        for seed in [plain, with_xmp] {
            for _ in 0..2000 {
                let mut bytes = seed.clone();
                for _ in 0..=random(4) {
                    let at = random(bytes.len());
                    match random(4) {
                        0 => bytes.truncate(at.max(1)),
                        1 => drop(bytes.splice(at..at, [0xff, 0xe1, 0, 4])),
                        _ => bytes[at] = u8::try_from(random(256)).unwrap(),
                    }
                }
                let strips = random(2) == 0;
                if let Copied::Changed(splices) = embed(&bytes, *format, &statement, strips) {
                    assert_eq!(undone(&splices, &bytes), bytes);
                    copies += 1;
                }
            }
        }
    }
    assert!(copies > 1000, "only {copies}");
}
