//! PNG (W3C PNG, third edition, 11.3.3): texts, Exif, and the chunks of others.

use std::io::{self, Read, Seek};

use super::super::hidden;
use super::{MAX_JUMBF, MAX_TEXT, Segments, Walk, inflate, latin1};

/// Keywords of texts that hold other metadata in hexadecimal digits, as ImageMagick and older
/// versions of exiftool write them.
const RAW_PROFILE: &str = "Raw profile type ";

/// What begins the chunks of XMP.
const XMP: &str = "XML:com.adobe.xmp";

pub(super) fn walk<R: Read + Seek>(walk: &mut Walk<R>, found: &mut Segments) -> io::Result<()> {
    walk.skip(8)?;
    // Its width, if it has an alpha channel that may hide text.
    let mut width = None;
    loop {
        let length = u32::from_be_bytes(walk.array()?);
        let kind: [u8; 4] = walk.array()?;
        let is_kept = match &kind {
            b"tEXt" | b"zTXt" | b"iTXt" | b"eXIf" | b"comf" => fits(length, MAX_TEXT),
            b"caBX" => fits(length, MAX_JUMBF),
            b"IEND" => return Ok(()),
            b"IHDR" if length == 13 => {
                width = hiding_width(walk.array()?);
                walk.skip(4)?;
                continue;
            }
            b"IDAT" if width.is_some() => {
                let begin = length.min(hidden::PREFIX);
                let packed = walk.bytes(begin)?;
                let width = width.take().unwrap_or_default();
                found.may_hide_text = hidden::may_begin(&packed, width);
                walk.skip(length - begin)?;
                walk.skip(4)?;
                continue;
            }
            _ => {
                walk.skip(length)?;
                walk.skip(4)?;
                continue;
            }
        };
        if is_kept {
            let content = walk.bytes(length)?;
            read(kind, &content, found);
        } else {
            let name = String::from_utf8_lossy(&kind);
            found.leave_out(format!("the {name} chunk: too long to be read"));
            walk.skip(length)?;
        }
        walk.skip(4)?;
    }
}

/// Says whether a chunk is short enough to be kept; packed text is shorter than text.
fn fits(length: u32, max: usize) -> bool {
    usize::try_from(length).is_ok_and(|length| length <= max)
}

/// Returns the width from a header, if the pixels have an alpha channel of 8 bits beside three
/// others and come row by row.
pub(crate) fn hiding_width(header: [u8; 13]) -> Option<u32> {
    let [w0, w1, w2, w3, _, _, _, _, 8, 6, _, _, 0] = header else {
        return None;
    };
    Some(u32::from_be_bytes([w0, w1, w2, w3]))
}

fn read(kind: [u8; 4], content: &[u8], found: &mut Segments) {
    let text = match &kind {
        b"eXIf" => return found.add_exif(content),
        b"caBX" => return found.add_jumbf(content),
        // ComfyUI puts the texts of an animation into chunks of its own.
        b"tEXt" | b"comf" => split(content).map(|(keyword, text)| (keyword, Ok(latin1(text)))),
        b"zTXt" => packed(content),
        _ => international(content),
    };
    match text {
        None => {}
        Some((keyword, Err(reason))) => {
            found.leave_out(format!("the text {keyword:?}: {reason}"));
        }
        Some((keyword, Ok(text))) if keyword == XMP => found.add_xmp(text.as_bytes()),
        Some((keyword, Ok(text))) => match keyword.strip_prefix(RAW_PROFILE) {
            Some(profile) => read_profile(profile, keyword.clone(), text, found),
            None => found.add_text(keyword, text),
        },
    }
}

/// A keyword, and the text or why it can't be read.
type Found = Option<(String, Result<String, &'static str>)>;

/// Splits what stands before the next zero from what stands behind it.
fn split(bytes: &[u8]) -> Option<(String, &[u8])> {
    let end = bytes.iter().position(|byte| *byte == 0)?;
    Some((latin1(&bytes[..end]), &bytes[end + 1..]))
}

fn packed(content: &[u8]) -> Found {
    let (keyword, rest) = split(content)?;
    // The one method there is: zlib.
    let packed = rest.strip_prefix(&[0])?;
    Some((keyword, inflate(packed).map(|text| latin1(&text))))
}

fn international(content: &[u8]) -> Found {
    let (keyword, rest) = split(content)?;
    let [is_packed, _method, rest @ ..] = rest else {
        return None;
    };
    let (_language, rest) = split(rest)?;
    let (_translated, rest) = split(rest)?;
    let text = match is_packed {
        0 => Ok(rest.to_vec()),
        _ => inflate(rest),
    };
    let text = text.map(|text| String::from_utf8_lossy(&text).into_owned());
    Some((keyword, text))
}

/// Reads a text that is a line with a name, a line with a length, and hexadecimal digits.
fn read_profile(profile: &str, keyword: String, text: String, found: &mut Segments) {
    let digits = text.trim_start().split_once('\n');
    let digits = digits.and_then(|(_name, rest)| rest.trim_start().split_once('\n'));
    let Some(bytes) = digits.and_then(|(_length, digits)| hexadecimal(digits)) else {
        return found.add_text(keyword, text);
    };
    match profile {
        "exif" => found.add_exif(&bytes),
        "xmp" => found.add_xmp(&bytes),
        "iptc" => match super::jpeg::photoshop_iptc(&bytes) {
            Some(iptc) => found.add_iptc(&iptc),
            None => found.add_iptc(&bytes),
        },
        "APP1" if bytes.starts_with(b"Exif\0\0") => found.add_exif(&bytes),
        "APP1" => match bytes.strip_prefix(super::jpeg::XMP) {
            Some(xmp) => found.add_xmp(xmp),
            None => found.add_text(keyword, text),
        },
        _ => found.add_text(keyword, text),
    }
}

fn hexadecimal(text: &str) -> Option<Vec<u8>> {
    let digits: Vec<u8> = text
        .bytes()
        .filter(|byte| !byte.is_ascii_whitespace())
        .collect();
    let pairs = digits.chunks_exact(2);
    if digits.is_empty() || !pairs.remainder().is_empty() {
        return None;
    }
    pairs
        .map(|pair| u8::from_str_radix(str::from_utf8(pair).ok()?, 16).ok())
        .collect()
}
