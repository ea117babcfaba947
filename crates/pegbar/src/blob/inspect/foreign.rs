//! What bytes are that are not taken in, and what to do about it.

/// The longest beginning of a file that is shown, in bytes.
const SHOWN: usize = 8;

/// Files that begin with a few bytes that nothing else begins with.
const BEGINNINGS: &[(&[u8], &str)] = &[
    (b"%PDF-", "a PDF: export the page as PNG"),
    (b"8BPS", "a Photoshop document: export it as PNG"),
    (b"gimp xcf", "a GIMP document: export it as PNG"),
    (b"BM", "a BMP: convert it to PNG"),
    (b"II*\0", TIFF),
    (b"MM\0*", TIFF),
    (b"II+\0", TIFF),
    (b"MM\0+", TIFF),
    (
        b"PK\x03\x04",
        "a ZIP archive, or a document that is one: unpack it, or export it as PNG",
    ),
    (b"PK\x05\x06", "an empty ZIP archive"),
    (b"Rar!\x1a\x07", "a RAR archive: unpack it first"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive: unpack it first"),
    (b"\x1f\x8b", "compressed with gzip: unpack it first"),
    (
        b"\x28\xb5\x2f\xfd",
        "compressed with Zstandard: unpack it first",
    ),
    (b"\0\0\0\x0cJXL \r\n", "a JPEG XL: convert it to PNG"),
    (b"\xff\x0a", "a JPEG XL: convert it to PNG"),
    (b"\0\0\0\x0cjP  ", "a JPEG 2000: convert it to PNG"),
    (b"\xff\x4f\xff\x51", "a JPEG 2000: convert it to PNG"),
    (b"\0\0\x01\0", "an icon (ICO): convert it to PNG"),
    (b"qoif", "a QOI: convert it to PNG"),
    (b"DDS ", "a DirectDraw texture: convert it to PNG"),
    (b"\x76\x2f\x31\x01", "an OpenEXR: convert it to PNG"),
    (
        b"\x1a\x45\xdf\xa3",
        "a video (WebM): export its frames as PNG",
    ),
    (b"OggS", "a sound or video (Ogg): export its frames as PNG"),
    (b"SQLite format 3\0", "a database"),
    (
        b"RIFF",
        "a sound or video (RIFF), not a WebP: export its frames as PNG",
    ),
    (
        b"version https://git-lfs.github.com/spec/",
        "a Git LFS pointer, not the image itself: run `git lfs pull` first",
    ),
];

const TIFF: &str = "a TIFF, or a camera's raw file that is one: convert it to PNG";

/// Says what bytes are that begin so, which is none of the formats that are taken in.
pub(super) fn reason(head: &[u8]) -> String {
    let known = BEGINNINGS.iter().find(|(begin, _)| head.starts_with(begin));
    if let Some((_, reason)) = known {
        return (*reason).to_owned();
    }
    if let Some(reason) = media(head).or_else(|| text(head)) {
        return reason.to_owned();
    }
    // Aseprite's file specification: the size, then this number.
    if head.get(4..6) == Some(&[0xe0, 0xa5]) {
        return "an Aseprite document: export it as PNG".to_owned();
    }
    if head.iter().all(|byte| *byte == 0) {
        return "it begins with nothing but zeros: it was never written to its end".to_owned();
    }
    let shown: Vec<String> = head
        .iter()
        .take(SHOWN)
        .map(|b| format!("{b:02x}"))
        .collect();
    format!(
        "not a PNG, JPEG, WebP or GIF: it begins with the bytes {}",
        shown.join(" ")
    )
}

/// Tells the kinds of files that the container of ISO/IEC 14496-12 has, by their brand.
fn media(head: &[u8]) -> Option<&'static str> {
    if head.get(4..8)? != b"ftyp" {
        return None;
    }
    Some(match head.get(8..12)? {
        b"avif" | b"avis" => "an AVIF: convert it to PNG",
        b"heic" | b"heix" | b"heim" | b"heis" | b"hevc" | b"hevx" | b"mif1" | b"msf1" => {
            "a HEIC, the format of an iPhone's photos: convert it to PNG or JPEG"
        }
        _ => "a video: export its frames as PNG",
    })
}

/// Tells the kinds of text that get the names of images.
fn text(head: &[u8]) -> Option<&'static str> {
    let text = match std::str::from_utf8(head) {
        // Cut in the middle of a character.
        Err(error) if error.error_len().is_none() => {
            std::str::from_utf8(&head[..error.valid_up_to()]).ok()?
        }
        text => text.ok()?,
    };
    let is_text = |c: char| !c.is_control() || c.is_whitespace();
    if text.is_empty() || !text.chars().all(is_text) {
        return None;
    }
    let text = text
        .trim_start_matches('\u{feff}')
        .trim_start()
        .to_lowercase();
    let begins = |beginnings: &[&str]| beginnings.iter().any(|begin| text.starts_with(begin));
    Some(
        if begins(&["<?xml", "<svg", "<!--", "<!doctype svg"]) && text.contains("<svg") {
            "SVG is a drawing with code in it, not an image of pixels: export it as PNG"
        } else if begins(&["<!doctype html", "<html", "<head", "<body"]) || text.contains("<html") {
            "a web page (HTML), such as a server's error saved under an image's name: download the \
         image again"
        } else if begins(&["<"]) {
            "text (XML), such as a server's error saved under an image's name: download the image \
         again"
        } else if begins(&["{", "["]) {
            "text (JSON), such as a server's error saved under an image's name: download the image \
         again"
        } else if begins(&["data:image/"]) || text.starts_with("ivborw0kggo") {
            "an image written as text (base64): decode it first"
        } else {
            "text, not an image"
        },
    )
}
