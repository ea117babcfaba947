//! The parts of a file that are not its image: found by a walk through the structure of its
//! format, which passes over the pixels without reading them.
//!
//! The files were checked when they were taken in. What does not fit all the same ends the
//! walk: what was found before it counts.

mod gif;
mod jpeg;
mod png;
#[cfg(test)]
mod tests;
mod webp;

use std::io::{self, BufRead, BufReader, Read, Seek};

use flate2::read::ZlibDecoder;

use crate::blob::ImageFormat;

/// How long a text may be, unpacked, in bytes.
pub(super) const MAX_TEXT: usize = 4 << 20;

/// How long all parts of a file but its C2PA manifests may be together, unpacked, in bytes.
const MAX_TOGETHER: usize = 16 << 20;

/// How long the C2PA manifests of a file may be, in bytes: they hold small images.
const MAX_JUMBF: usize = 32 << 20;

/// How many texts or comments are kept of a file.
const MAX_PARTS: usize = 256;

/// How many of the parts that were not read are named.
const MAX_LEFT_OUT: usize = 8;

/// What a file carries beside its image.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Segments {
    /// The texts of a PNG, in their order.
    pub(crate) texts: Vec<Text>,
    /// The comments of a JPEG or GIF, in their order.
    pub(crate) comments: Vec<Vec<u8>>,
    /// Exif: a TIFF file.
    pub(crate) exif: Option<Vec<u8>>,
    /// XMP: an XML document.
    pub(crate) xmp: Option<Vec<u8>>,
    /// What of the XMP did not fit into one segment of a JPEG: another XML document.
    pub(crate) xmp_extension: Option<Vec<u8>>,
    /// IPTC: records of the Information Interchange Model.
    pub(crate) iptc: Option<Vec<u8>>,
    /// JUMBF superboxes (ISO 19566-5), one behind the other: C2PA manifests.
    pub(crate) jumbf: Option<Vec<u8>>,
    /// Its alpha channel may hide text: to be seen by unpacking its pixels.
    pub(crate) may_hide_text: bool,
    /// Parts that were not read, each with the reason.
    pub(crate) left_out: Vec<String>,
    /// How many bytes are kept.
    together: usize,
}

/// A text of a PNG.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Text {
    pub(crate) keyword: String,
    pub(crate) text: String,
}

impl Segments {
    /// Walks through an image.
    ///
    /// # Errors
    /// Only where bytes can't be read; an end that comes too early is none.
    pub(crate) fn read(file: impl Read + Seek, format: ImageFormat) -> io::Result<Self> {
        let mut found = Self::default();
        let mut walk = Walk(BufReader::new(file));
        let walked = match format {
            ImageFormat::Png => png::walk(&mut walk, &mut found),
            ImageFormat::Jpeg => jpeg::walk(&mut walk, &mut found),
            ImageFormat::WebP => webp::walk(&mut walk, &mut found),
            ImageFormat::Gif => gif::walk(&mut walk, &mut found),
        };
        match walked {
            Err(error) if error.kind() != io::ErrorKind::UnexpectedEof => Err(error),
            _ => Ok(found),
        }
    }

    /// Says whether so many bytes more may be kept; where not, what they are is noted.
    fn has_room(&mut self, what: &str, bytes: usize) -> bool {
        let parts = self.texts.len() + self.comments.len();
        if parts >= MAX_PARTS {
            self.leave_out(format!("{what}: one of more than {MAX_PARTS}"));
        } else if bytes > MAX_TEXT || self.together + bytes > MAX_TOGETHER {
            self.leave_out(format!("{what}: too long to be read"));
        } else {
            self.together += bytes;
            return true;
        }
        false
    }

    fn leave_out(&mut self, what: String) {
        if self.left_out.len() < MAX_LEFT_OUT {
            self.left_out.push(what);
        }
    }

    fn add_text(&mut self, keyword: String, text: String) {
        if self.has_room(&format!("the text {keyword:?}"), text.len()) {
            self.texts.push(Text { keyword, text });
        }
    }

    fn add_comment(&mut self, comment: Vec<u8>) {
        if self.has_room("a comment", comment.len()) {
            self.comments.push(comment);
        }
    }

    /// Keeps Exif, without the prefix that some formats have before it. The first counts.
    fn add_exif(&mut self, bytes: &[u8]) {
        let bytes = bytes.strip_prefix(b"Exif\0\0").unwrap_or(bytes);
        if self.exif.is_none() && self.has_room("the Exif metadata", bytes.len()) {
            self.exif = Some(bytes.to_vec());
        }
    }

    /// Keeps XMP. The first counts.
    fn add_xmp(&mut self, bytes: &[u8]) {
        if self.xmp.is_none() && self.has_room("the XMP metadata", bytes.len()) {
            self.xmp = Some(bytes.to_vec());
        }
    }

    /// Adds to the IPTC records.
    fn add_iptc(&mut self, bytes: &[u8]) {
        if self.has_room("the IPTC metadata", bytes.len()) {
            let iptc = self.iptc.get_or_insert_default();
            iptc.extend_from_slice(bytes);
        }
    }

    /// Adds to the JUMBF superboxes.
    fn add_jumbf(&mut self, bytes: &[u8]) {
        let jumbf = self.jumbf.get_or_insert_default();
        if jumbf.len() + bytes.len() <= MAX_JUMBF {
            jumbf.extend_from_slice(bytes);
        } else {
            self.leave_out("C2PA manifests: too long to be read".to_owned());
        }
    }
}

/// A file that is read onwards.
struct Walk<R>(BufReader<R>);

impl<R: Read + Seek> Walk<R> {
    fn array<const N: usize>(&mut self) -> io::Result<[u8; N]> {
        let mut bytes = [0; N];
        self.0.read_exact(&mut bytes)?;
        Ok(bytes)
    }

    fn byte(&mut self) -> io::Result<u8> {
        self.array().map(|[byte]| byte)
    }

    /// Reads bytes, however many a file says that there are.
    fn bytes(&mut self, length: u32) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let read = (&mut self.0).take(length.into()).read_to_end(&mut bytes)?;
        if read < usize::try_from(length).unwrap_or(usize::MAX) {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(bytes)
    }

    fn skip(&mut self, bytes: u32) -> io::Result<()> {
        self.0.seek_relative(bytes.into())
    }

    fn is_at_end(&mut self) -> io::Result<bool> {
        self.0.fill_buf().map(<[u8]>::is_empty)
    }
}

/// Unpacks zlib's format (RFC 1950), as far as a text may be long.
fn inflate(packed: &[u8]) -> Result<Vec<u8>, &'static str> {
    let mut unpacked = Vec::new();
    let limit = MAX_TEXT as u64 + 1;
    let read = ZlibDecoder::new(packed)
        .take(limit)
        .read_to_end(&mut unpacked);
    match read {
        Err(_) => Err("it can't be unpacked"),
        Ok(_) if unpacked.len() > MAX_TEXT => Err("too long to be read"),
        Ok(_) => Ok(unpacked),
    }
}

/// Reads text in Latin-1. Some writers put UTF-8 where Latin-1 belongs: what is UTF-8 and not
/// plain ASCII is hardly ever anything else.
pub(super) fn latin1(bytes: &[u8]) -> String {
    match str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => bytes.iter().copied().map(char::from).collect(),
    }
}
