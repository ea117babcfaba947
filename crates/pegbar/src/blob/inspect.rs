//! What bytes are, by walking their structure from beginning to end without decoding a pixel:
//! a file that is cut short or damaged is told from a whole one, in little memory and time.
//!
//! What decoders pass over without a word is passed over here too: bytes after the end, a
//! note whose checksum is wrong, unknown chunks and segments.

mod exif;
mod foreign;
mod gif;
mod jpeg;
mod png;
mod source;
#[cfg(test)]
mod tests;
mod webp;

use std::io::{self, BufRead, Seek};

use super::ImageFormat;
use exif::Orientation;
use source::Source;

/// How much of the beginning is looked at to tell formats apart, in bytes.
const HEAD: usize = 1024;

/// What a whole image is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Inspected {
    pub(super) format: ImageFormat,
    /// As seen: after the turn that its Exif orientation asks for.
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) image_count: u32,
    /// It carries something beside the image that may say how it was made.
    pub(super) has_metadata: bool,
}

/// Why bytes are not taken in.
#[derive(Debug)]
pub(super) enum Flaw {
    /// They are not a whole image of a format that is taken in.
    Refused(String),
    /// They could not be read.
    Io(io::Error),
}

impl From<io::Error> for Flaw {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// What the walk through one format finds.
#[derive(Clone, Copy, Debug)]
struct Picture {
    width: u32,
    height: u32,
    image_count: u32,
    orientation: Orientation,
    has_metadata: bool,
}

/// Walks through bytes, all of them in `reader`, whose length is `file_size`.
pub(super) fn inspect(
    mut reader: impl BufRead + Seek,
    file_size: u64,
    max_pixels: u64,
) -> Result<Inspected, Flaw> {
    let head = reader.fill_buf()?;
    let head = &head[..head.len().min(HEAD)];
    let Some(format) = recognize(head) else {
        return Err(Flaw::Refused(foreign::reason(head)));
    };
    let source = &mut Source::new(reader, file_size, format);
    let picture = match format {
        ImageFormat::Png => png::walk(source, max_pixels),
        ImageFormat::Jpeg => jpeg::walk(source, max_pixels),
        ImageFormat::WebP => webp::walk(source, max_pixels),
        ImageFormat::Gif => gif::walk(source, max_pixels),
    }?;
    let (width, height) = picture.orientation.turn(picture.width, picture.height);
    Ok(Inspected {
        format,
        width,
        height,
        image_count: picture.image_count,
        has_metadata: picture.has_metadata,
    })
}

/// Tells a format by how the bytes begin, also where there are only a few.
fn recognize(head: &[u8]) -> Option<ImageFormat> {
    let begins = |magic: &[u8]| {
        let length = magic.len().min(head.len());
        length > 0 && head[..length] == magic[..length]
    };
    if begins(png::SIGNATURE) {
        Some(ImageFormat::Png)
    } else if begins(jpeg::BEGINNING) {
        Some(ImageFormat::Jpeg)
    } else if begins(b"GIF87a") || begins(b"GIF89a") {
        Some(ImageFormat::Gif)
    } else if begins(b"RIFF") && (head.len() < 12 || &head[8..12] == b"WEBP") {
        Some(ImageFormat::WebP)
    } else {
        None
    }
}

fn check_pixels(width: u32, height: u32, max_pixels: u64) -> Result<(), Flaw> {
    let pixels = u64::from(width) * u64::from(height);
    if pixels == 0 || pixels > max_pixels {
        return Err(Flaw::Refused(format!(
            "{width} × {height} pixels; 1 to {max_pixels} in all are taken in"
        )));
    }
    Ok(())
}
