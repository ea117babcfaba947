//! Reading onwards through bytes, with the place in mind that a refusal names.

use std::io::{self, BufRead, Seek};

use super::{Flaw, ImageFormat};

/// The bytes of an image, read once from the beginning to the end.
pub(super) struct Source<R> {
    reader: R,
    name: &'static str,
    at: u64,
    len: u64,
    part: Part,
}

/// What is being read.
#[derive(Clone, Copy, Debug)]
pub(super) enum Part {
    /// Something that has a name.
    Named(&'static str),
    /// A chunk, by its type, and where it begins.
    Chunk([u8; 4], u64),
}

impl<R: BufRead + Seek> Source<R> {
    pub(super) fn new(reader: R, len: u64, format: ImageFormat) -> Self {
        Self {
            reader,
            name: match format {
                ImageFormat::Png => "PNG",
                ImageFormat::Jpeg => "JPEG",
                ImageFormat::WebP => "WebP",
                ImageFormat::Gif => "GIF",
            },
            at: 0,
            len,
            part: Part::Named("its beginning"),
        }
    }

    /// Says what is read from here on.
    pub(super) fn enter(&mut self, part: Part) {
        self.part = part;
    }

    /// Returns how many bytes were read.
    pub(super) fn at(&self) -> u64 {
        self.at
    }

    /// Returns how many bytes are left.
    pub(super) fn left(&self) -> u64 {
        self.len.saturating_sub(self.at)
    }

    /// Refuses unless that many bytes are left.
    pub(super) fn require(&self, bytes: u64) -> Result<(), Flaw> {
        if bytes > self.left() {
            return Err(self.cut_short());
        }
        Ok(())
    }

    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], Flaw> {
        let mut bytes = [0; N];
        self.require(N as u64)?;
        self.reader
            .read_exact(&mut bytes)
            .map_err(|error| self.failed(error))?;
        self.at += N as u64;
        Ok(bytes)
    }

    pub(super) fn byte(&mut self) -> Result<u8, Flaw> {
        self.array().map(|[byte]| byte)
    }

    /// Reads the next bytes in pieces.
    pub(super) fn each_piece(
        &mut self,
        mut bytes: u64,
        mut see: impl FnMut(&[u8]),
    ) -> Result<(), Flaw> {
        self.require(bytes)?;
        while bytes > 0 {
            let piece = match self.reader.fill_buf() {
                Ok([]) => return Err(self.cut_short()),
                Ok(piece) => piece,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error.into()),
            };
            let length = usize::try_from(bytes).map_or(piece.len(), |left| left.min(piece.len()));
            see(&piece[..length]);
            self.reader.consume(length);
            self.at += length as u64;
            bytes -= length as u64;
        }
        Ok(())
    }

    pub(super) fn skip(&mut self, bytes: u64) -> Result<(), Flaw> {
        self.require(bytes)?;
        // No file is longer than the largest i64.
        self.reader
            .seek_relative(i64::try_from(bytes).unwrap_or(i64::MAX))?;
        self.at += bytes;
        Ok(())
    }

    /// Skips to behind the next byte of this value.
    pub(super) fn skip_past(&mut self, byte: u8) -> Result<(), Flaw> {
        self.at += self.reader.skip_until(byte)? as u64;
        // What is looked for is never the last byte of an image.
        self.require(1)
    }

    /// Says that the bytes end too early.
    pub(super) fn cut_short(&self) -> Flaw {
        let Self { name, len, .. } = self;
        let part = match self.part {
            Part::Named(part) => part.to_owned(),
            Part::Chunk(kind, at) => format!("the {} chunk that begins at byte {at}", text(kind)),
        };
        Flaw::Refused(format!(
            "cut short: the {name} ends at byte {len}, in the middle of {part}"
        ))
    }

    /// Says what is wrong with bytes that are there.
    pub(super) fn damaged(&self, what: &str) -> Flaw {
        let place = match self.part {
            Part::Named(part) => format!("{part}, before byte {}", self.at),
            Part::Chunk(kind, at) => format!("the {} chunk at byte {at}", text(kind)),
        };
        Flaw::Refused(format!("a damaged {}: {what} ({place})", self.name))
    }

    fn failed(&self, error: io::Error) -> Flaw {
        match error.kind() {
            io::ErrorKind::UnexpectedEof => self.cut_short(),
            _ => error.into(),
        }
    }
}

fn text(kind: [u8; 4]) -> String {
    String::from_utf8_lossy(&kind).trim_end().to_owned()
}
