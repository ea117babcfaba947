//! Archives: files one behind the other, as any `tar` lists and unpacks them (POSIX.1-2008 ustar).
//!
//! Only one spelling is read: a header that is not, byte for byte, the one that would be written
//! for its name and size is refused. So there are no links, no devices, no folders, no long
//! names, and nothing that one program reads as something else than another.

use std::fs::{self, File};
use std::io::{self, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use crate::blob::sync_folder;
use crate::disk;
use crate::error::{Error, IoContext, Result};
use crate::view::move_new;

const BLOCK: usize = 512;

/// The longest name, in bytes.
const MAX_NAME: usize = 100;

/// The largest file, in bytes: what eleven octal digits can say.
pub(crate) const MAX_SIZE: u64 = (1 << 33) - 1;

/// Says whether a name stays within the folder that an archive is unpacked in.
fn is_plain(name: &str) -> bool {
    let is_part = |part: &str| !part.is_empty() && !part.starts_with('.');
    let is_known = |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '.' | '-' | '_');
    name.len() <= MAX_NAME && name.chars().all(is_known) && name.split('/').all(is_part)
}

/// Returns the header of a file; `None` for a name or size that has none.
fn header(name: &str, size: u64) -> Option<[u8; BLOCK]> {
    if !is_plain(name) || size > MAX_SIZE {
        return None;
    }
    let mut block = [0; BLOCK];
    let mut put = |at: usize, text: &str| {
        block[at..at + text.len()].copy_from_slice(text.as_bytes());
    };
    put(0, name);
    put(100, "0000644\0");
    put(108, "0000000\0");
    put(116, "0000000\0");
    put(124, &format!("{size:011o}\0"));
    put(136, "00000000000\0");
    put(148, "        ");
    put(156, "0");
    put(257, "ustar\0");
    put(263, "00");
    put(329, "0000000\0");
    put(337, "0000000\0");
    let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    Some(block)
}

fn padding(size: u64) -> usize {
    // What is left of a division by 512 fits.
    let rest = usize::try_from(size % BLOCK as u64).unwrap_or(0);
    (BLOCK - rest) % BLOCK
}

fn invalid(reason: impl Into<String>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, reason.into())
}

/// Writes an archive.
pub(crate) struct ArchiveWriter<W> {
    to: W,
}

impl<W: Write> ArchiveWriter<W> {
    pub(crate) fn new(to: W) -> Self {
        Self { to }
    }

    /// Adds a file from memory.
    pub(crate) fn add(&mut self, name: &str, bytes: &[u8]) -> io::Result<()> {
        self.add_with(name, bytes.len() as u64, |to| to.write_all(bytes))
    }

    /// Adds a file whose bytes are written by `write`, which knows how many they are.
    pub(crate) fn add_with<T>(
        &mut self,
        name: &str,
        size: u64,
        write: impl FnOnce(&mut dyn Write) -> io::Result<T>,
    ) -> io::Result<T> {
        let header = header(name, size);
        let header = header.ok_or_else(|| invalid(format!("{name} is too large")))?;
        self.to.write_all(&header)?;
        let mut counted = Counted {
            to: &mut self.to,
            left: size,
        };
        let written = write(&mut counted)?;
        if counted.left > 0 {
            return Err(invalid(format!("{name} became shorter while it was read")));
        }
        self.to.write_all(&[0; BLOCK][..padding(size)])?;
        Ok(written)
    }

    /// Ends it.
    pub(crate) fn finish(mut self) -> io::Result<W> {
        self.to.write_all(&[0; 2 * BLOCK])?;
        self.to.flush()?;
        Ok(self.to)
    }
}

/// An archive that is written into a file.
pub(crate) type FileArchive = ArchiveWriter<BufWriter<File>>;

impl FileArchive {
    /// Begins one in a new file.
    pub(crate) fn create(path: &Path) -> Result<Self> {
        let file = File::create(path).at("creating", path)?;
        Ok(Self::new(BufWriter::with_capacity(1 << 16, file)))
    }

    /// Ends it and flushes its file.
    pub(crate) fn finish_durably(self, path: &Path) -> Result<()> {
        disk::flush(self.finish().at("writing", path)?, path)
    }
}

/// Returns a path beside another, for what is there for a while.
pub(crate) fn beside(path: &Path, what: &str) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{what}-{}", std::process::id()));
    path.with_file_name(name)
}

/// Gives a file that is whole and flushed its name, which lasts from then on; what has appeared
/// there meanwhile is replaced only with `replace`. Returns the path from the root.
pub(crate) fn put(partial: &Path, file: &Path, replace: bool) -> Result<PathBuf> {
    let place = std::path::absolute(file).at("opening", file)?;
    let moved = if replace {
        fs::rename(partial, &place)
    } else {
        move_new(partial, &place)
    };
    match moved {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            return Err(Error::Conflict {
                message: format!("{} is there already", file.display()),
                hint: "name another file".to_owned(),
            });
        }
        moved => moved.at("writing", file)?,
    }
    sync_folder(place.parent().unwrap_or(Path::new(".")))?;
    Ok(place)
}

/// Lets through as many bytes as were announced, and no more.
struct Counted<'a, W> {
    to: &'a mut W,
    left: u64,
}

impl<W: Write> Write for Counted<'_, W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if bytes.len() as u64 > self.left {
            return Err(invalid("a file became longer while it was read"));
        }
        let written = self.to.write(bytes)?;
        self.left -= written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

/// A file of an archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ArchivedFile {
    pub(crate) name: String,
    pub(crate) size: u64,
}

/// Reads an archive from its beginning to its end.
pub(crate) struct ArchiveReader<R> {
    from: R,
    /// How many bytes of the file are still to be read.
    left: u64,
    padding: usize,
}

impl<R: Read> ArchiveReader<R> {
    pub(crate) fn new(from: R) -> Self {
        Self {
            from,
            left: 0,
            padding: 0,
        }
    }

    /// Returns the next file, once all bytes of the one before have been read; `None` at the end,
    /// behind which nothing may come.
    pub(crate) fn next(&mut self) -> io::Result<Option<ArchivedFile>> {
        if self.left > 0 {
            return Err(invalid("a file was not read to its end"));
        }
        let mut block = [0; BLOCK];
        let padding = std::mem::take(&mut self.padding);
        self.read_exact(&mut block[..padding])?;
        if block[..padding].iter().any(|byte| *byte != 0) {
            return Err(invalid("there is something between two files"));
        }
        self.read_exact(&mut block)?;
        if block == [0; BLOCK] {
            self.read_exact(&mut block)?;
            let is_end = block == [0; BLOCK] && self.from.read(&mut [0])? == 0;
            if is_end {
                return Ok(None);
            }
            return Err(invalid("there is something behind the end"));
        }
        let end = block[..MAX_NAME].iter().position(|byte| *byte == 0);
        let name = std::str::from_utf8(&block[..end.unwrap_or(MAX_NAME)]).ok();
        let size = std::str::from_utf8(&block[124..135]).ok();
        let size = size.and_then(|digits| u64::from_str_radix(digits, 8).ok());
        let (Some(name), Some(size)) = (name, size) else {
            return Err(invalid("a file's header is not one of ours"));
        };
        if header(name, size) != Some(block) {
            let name = name.escape_debug();
            return Err(invalid(format!("the header of {name} is not one of ours")));
        }
        self.left = size;
        self.padding = self::padding(size);
        Ok(Some(ArchivedFile {
            name: name.to_owned(),
            size,
        }))
    }

    /// Returns the bytes of the file, to be read to their end.
    pub(crate) fn bytes(&mut self) -> impl Read {
        Bytes(self)
    }

    fn read_exact(&mut self, buffer: &mut [u8]) -> io::Result<()> {
        self.from.read_exact(buffer).map_err(cut_short)
    }
}

fn cut_short(error: io::Error) -> io::Error {
    if error.kind() == io::ErrorKind::UnexpectedEof {
        return invalid("it is cut short");
    }
    error
}

struct Bytes<'a, R>(&'a mut ArchiveReader<R>);

impl<R: Read> Read for Bytes<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let Self(archive) = self;
        let most = usize::try_from(archive.left).unwrap_or(usize::MAX);
        let most = most.min(buffer.len());
        if most == 0 {
            return Ok(0);
        }
        let read = archive.from.read(&mut buffer[..most])?;
        if read == 0 {
            return Err(invalid("it is cut short"));
        }
        archive.left -= read as u64;
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn archive(files: &[(&str, &[u8])]) -> Vec<u8> {
        let mut writer = ArchiveWriter::new(Vec::new());
        for (name, bytes) in files {
            writer.add(name, bytes).unwrap();
        }
        writer.finish().unwrap()
    }

    #[test]
    fn what_appeared_meanwhile_is_replaced_only_where_that_is_wanted() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("x.tar");
        let partial = beside(&place, "partial");
        fs::write(&place, "another's").unwrap();
        fs::write(&partial, "ours").unwrap();
        assert_eq!(put(&partial, &place, false).unwrap_err().code(), "conflict");
        assert_eq!(fs::read(&place).unwrap(), b"another's");
        assert_eq!(put(&partial, &place, true).unwrap(), place);
        assert_eq!(fs::read(&place).unwrap(), b"ours");
        assert!(!partial.exists());
    }

    fn read(bytes: &[u8]) -> io::Result<Vec<(String, Vec<u8>)>> {
        let mut reader = ArchiveReader::new(bytes);
        let mut files = Vec::new();
        while let Some(file) = reader.next()? {
            let mut content = Vec::new();
            reader.bytes().read_to_end(&mut content)?;
            files.push((file.name, content));
        }
        Ok(files)
    }

    #[test]
    fn what_is_written_is_read_and_tar_unpacks_it() {
        let files = [
            ("a.json", &b"{}"[..]),
            ("b/empty", b""),
            ("b/c-d_1", &[7; 512]),
        ];
        let bytes = archive(&files);
        let expected = files.map(|(name, bytes)| (name.to_owned(), bytes.to_owned()));
        assert_eq!(read(&bytes).unwrap(), expected);
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("x.tar"), &bytes).unwrap();
        let mut tar = std::process::Command::new("tar");
        let ran = tar
            .args(["-xf", "x.tar"])
            .current_dir(folder.path())
            .status();
        if ran.is_ok_and(|status| status.success()) {
            assert_eq!(fs::read(folder.path().join("b/c-d_1")).unwrap(), [7; 512]);
        }
    }

    #[test]
    fn a_changed_or_missing_byte_outside_the_contents_is_refused() {
        let bytes = archive(&[("a", b"some text"), ("b", b"x")]);
        for length in 0..bytes.len() {
            assert!(read(&bytes[..length]).is_err(), "cut at {length}");
        }
        let contents = [BLOCK..BLOCK + 9, 3 * BLOCK..3 * BLOCK + 1];
        for at in (0..bytes.len()).filter(|at| !contents.iter().any(|range| range.contains(at))) {
            for bit in 0..8 {
                let mut other = bytes.clone();
                other[at] ^= 1 << bit;
                assert!(read(&other).is_err(), "{at} {bit}");
            }
        }
        let longer = [&bytes[..], b"\0"].concat();
        assert!(read(&longer).is_err());
    }

    #[test]
    fn names_that_lead_out_have_no_header() {
        for name in [
            "", "/a", "../a", "a/../b", "a//b", "a/", "a\\b", ".a", "C:a", "a\0b", "ä",
        ] {
            assert_eq!(header(name, 1), None, "{name:?}");
        }
        assert_eq!(header(&"a".repeat(101), 1), None);
        assert_eq!(header("a", MAX_SIZE + 1), None);
    }
}
