//! Taking bytes in: with limits, hashed on the way, checked to be an image that we accept.

use std::fs::{File, Metadata};
use std::io::{self, BufRead, BufReader, Cursor, Read as _, Seek, Write as _};
use std::path::Path;

#[cfg(unix)]
use rustix::fs::OFlags;
use sha2::Digest as _;

use super::inspect::{Flaw, Inspected, inspect};
use super::{Limits, StoreMark, StoredImage};
use crate::error::{Error, IoContext, Result};
use crate::hash::Sha256;

/// Files up to this size are read into memory, so that bytes that are there already cost no
/// writing.
pub(super) const IN_MEMORY: u64 = 8 << 20;

/// How much is copied at once, in bytes.
pub(super) const CHUNK: usize = 1 << 16;

/// What stands for the origin of bytes that come from no file.
const UPLOAD: &str = "the image";

pub(super) struct Intake {
    limits: Limits,
    store: StoreMark,
}

impl Intake {
    pub(super) fn new(limits: Limits, store: StoreMark) -> Self {
        Self { limits, store }
    }

    /// Hashes and checks bytes in memory.
    pub(super) fn check_bytes(&self, bytes: &[u8]) -> Result<StoredImage> {
        let file_size = bytes.len() as u64;
        self.check_size(file_size)?;
        self.check(Cursor::new(bytes), Sha256::of(bytes), file_size)
    }

    /// Reads a small file, which may grow meanwhile.
    pub(super) fn read(&self, source: &Path) -> Result<Vec<u8>> {
        let watched = Watched::open(source)?;
        let mut bytes = Vec::new();
        let limit = self.limits.max_file_size.saturating_add(1);
        let mut file = (&watched.file).take(limit);
        file.read_to_end(&mut bytes).at("reading", source)?;
        // What is too large is refused as that, whatever becomes of it.
        if bytes.len() as u64 <= self.limits.max_file_size {
            watched.check_unchanged(bytes.len() as u64)?;
        }
        Ok(bytes)
    }

    /// Copies a file, hashing what is copied; then checks the copy and flushes it.
    pub(super) fn copy(&self, source: &Path, target: &Path) -> Result<StoredImage> {
        let watched = Watched::open(source)?;
        self.check_size(watched.before.len())
            .map_err(|error| named(error, source))?;
        let mut to = File::create_new(target).at("writing", target)?;
        let (sha256, file_size) =
            self.read_through(&watched, |bytes| to.write_all(bytes).at("writing", target))?;
        let copy = BufReader::new(File::open(target).at("reading", target)?);
        let stored = self.check(copy, sha256, file_size);
        let stored = stored.map_err(|error| named(error, source))?;
        to.sync_all().at("flushing", target)?;
        Ok(stored)
    }

    /// Hashes a file of any kind.
    pub(super) fn hash(&self, source: &Path) -> Result<Sha256> {
        let watched = Watched::open(source)?;
        let (sha256, _) = self.read_through(&watched, |_| Ok(()))?;
        Ok(sha256)
    }

    /// Reads a file to its end, within the limit, and hands on what was read; returns its hash
    /// and size. Refuses one that changed meanwhile.
    fn read_through(
        &self,
        watched: &Watched<'_>,
        mut each: impl FnMut(&[u8]) -> Result<()>,
    ) -> Result<(Sha256, u64)> {
        let mut hasher = sha2::Sha256::new();
        let mut file_size = 0_u64;
        let mut chunk = vec![0; CHUNK];
        loop {
            let read = match (&watched.file).read(&mut chunk) {
                Ok(0) => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                read => read.at("reading", watched.path)?,
            };
            file_size += read as u64;
            self.check_size(file_size)
                .map_err(|error| named(error, watched.path))?;
            hasher.update(&chunk[..read]);
            each(&chunk[..read])?;
        }
        watched.check_unchanged(file_size)?;
        Ok((Sha256(hasher.finalize().into()), file_size))
    }

    pub(super) fn check_size(&self, file_size: u64) -> Result<()> {
        let max = self.limits.max_file_size;
        if file_size == 0 {
            return Err(refused("the file is empty"));
        }
        if file_size > max {
            return Err(refused(&format!(
                "larger than {max} bytes, the limit of this studio"
            )));
        }
        Ok(())
    }

    pub(super) fn check(
        &self,
        bytes: impl BufRead + Seek,
        sha256: Sha256,
        file_size: u64,
    ) -> Result<StoredImage> {
        let inspected = inspect(bytes, file_size, self.limits.max_pixels);
        let Inspected {
            format,
            width,
            height,
            image_count,
            has_metadata,
        } = inspected.map_err(|flaw| match flaw {
            Flaw::Refused(reason) => refused(&reason),
            Flaw::Io(source) => Error::Io {
                action: "reading",
                path: UPLOAD.into(),
                source,
            },
        })?;
        Ok(StoredImage {
            store: self.store,
            sha256,
            file_size,
            format,
            width,
            height,
            image_count,
            has_metadata,
        })
    }
}

/// An open file that is to stay as it is while it is read.
struct Watched<'a> {
    path: &'a Path,
    file: File,
    before: Metadata,
}

impl<'a> Watched<'a> {
    /// Opens a file, and nothing that only has its place among files.
    fn open(path: &'a Path) -> Result<Self> {
        // Looked at first: to open a pipe would be to wait for someone who writes into it.
        check_is_file(path, &std::fs::metadata(path).at("reading", path)?)?;
        let file = open_at_once(path).at("reading", path)?;
        let before = file.metadata().at("reading", path)?;
        check_is_file(path, &before)?;
        Ok(Self { path, file, before })
    }

    /// Refuses what was read if someone wrote into the file meanwhile: it may be half of
    /// what it was and half of what it is now.
    fn check_unchanged(&self, read: u64) -> Result<()> {
        let after = self.file.metadata().at("reading", self.path)?;
        let is_same_time = match (self.before.modified(), after.modified()) {
            (Ok(before), Ok(after)) => before == after,
            // A file system that keeps no times.
            _ => true,
        };
        if is_same_time && self.before.len() == read && after.len() == read {
            return Ok(());
        }
        Err(Error::Conflict {
            message: format!("{} changed while it was read", self.path.display()),
            hint: "wait until the program that writes it is done, then try again".to_owned(),
        })
    }
}

/// Opens a file for reading, or a pipe that someone has put in its place meanwhile.
#[cfg(unix)]
fn open_at_once(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt as _;
    // All bits of these flags fit.
    let flags = i32::try_from(OFlags::NONBLOCK.bits()).unwrap_or(0);
    File::options().read(true).custom_flags(flags).open(path)
}

#[cfg(not(unix))]
fn open_at_once(path: &Path) -> io::Result<File> {
    File::open(path)
}

/// Refuses what can't be read like a file.
pub(super) fn check_is_file(path: &Path, metadata: &Metadata) -> Result<()> {
    if metadata.is_file() {
        return Ok(());
    }
    Err(Error::NotAnImage {
        origin: path.display().to_string(),
        reason: format!("{}, not a file", kind(metadata)),
    })
}

#[cfg(unix)]
fn kind(metadata: &Metadata) -> &'static str {
    use std::os::unix::fs::FileTypeExt as _;
    match metadata.file_type() {
        kind if kind.is_dir() => "a folder",
        kind if kind.is_fifo() => "a pipe",
        kind if kind.is_socket() => "a socket",
        _ => "a device",
    }
}

#[cfg(not(unix))]
fn kind(metadata: &Metadata) -> &'static str {
    if metadata.is_dir() {
        "a folder"
    } else {
        "a device"
    }
}

fn refused(reason: &str) -> Error {
    Error::NotAnImage {
        origin: UPLOAD.to_owned(),
        reason: reason.to_owned(),
    }
}

/// Says which file a refusal is about.
pub(super) fn named(error: Error, source: &Path) -> Error {
    match error {
        Error::NotAnImage { origin, reason } if origin == UPLOAD => Error::NotAnImage {
            origin: source.display().to_string(),
            reason,
        },
        Error::Io {
            action,
            path,
            source: cause,
        } if path == Path::new(UPLOAD) => Error::Io {
            action,
            path: source.to_owned(),
            source: cause,
        },
        error => error,
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Write as _;
    use std::time::Duration;

    use super::*;

    #[cfg(unix)]
    #[test]
    fn a_pipe_that_takes_the_place_of_a_file_is_not_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("cat.png");
        let made = std::process::Command::new("mkfifo").arg(&pipe).status();
        assert!(made.unwrap().success());
        let opened = open_at_once(&pipe).unwrap().metadata().unwrap();
        let refused = check_is_file(&pipe, &opened).unwrap_err();
        assert!(refused.to_string().ends_with("cat.png: a pipe, not a file"));
    }

    #[test]
    fn a_file_that_was_written_meanwhile_is_refused_and_one_that_vanished_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cat.png");
        let watch = || {
            fs::write(&path, "twelve bytes").unwrap();
            Watched::open(&path).unwrap()
        };
        assert!(watch().check_unchanged(12).is_ok());
        let changed = |watched: Watched<'_>| {
            let error = watched.check_unchanged(12).unwrap_err();
            let expected = format!("{} changed while it was read", path.display());
            assert_eq!((error.code(), error.to_string()), ("conflict", expected));
        };
        let watched = watch();
        let mut appending = File::options().append(true).open(&path).unwrap();
        appending.write_all(b"!").unwrap();
        changed(watched);
        let watched = watch();
        File::options()
            .write(true)
            .open(&path)
            .unwrap()
            .set_len(3)
            .unwrap();
        changed(watched);
        let watched = watch();
        let later = watched.before.modified().unwrap() + Duration::from_secs(1);
        fs::write(&path, "other  bytes").unwrap();
        let file = File::options().write(true).open(&path).unwrap();
        file.set_modified(later).unwrap();
        changed(watched);
        let watched = watch();
        assert!(
            watched.check_unchanged(11).is_err(),
            "not all of it was read"
        );
        let watched = watch();
        fs::remove_file(&path).unwrap();
        assert!(watched.check_unchanged(12).is_ok());
    }
}
