//! Whether blobs have the bytes that their names say, and what becomes of those that don't.

use std::fs::{self, File};
use std::io::{self, BufReader, Read, Write};
use std::path::{Path, PathBuf};

use sha2::Digest as _;

use super::intake::CHUNK;
use super::sync_folder;
use crate::error::{IoContext, Result};
use crate::hash::Sha256;

/// Hands over what is left of a file, piece by piece, until `each` has seen enough.
fn read_chunks(
    mut file: impl Read,
    mut each: impl FnMut(&[u8]) -> io::Result<bool>,
) -> io::Result<()> {
    let mut chunk = vec![0; CHUNK];
    loop {
        match file.read(&mut chunk) {
            Ok(0) => return Ok(()),
            Ok(read) if each(&chunk[..read])? => {}
            Ok(_) => return Ok(()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// Copies what is left of a file, and returns the hash of what was copied.
pub(crate) fn copy(from: impl Read, mut to: impl Write) -> io::Result<Sha256> {
    let mut hasher = sha2::Sha256::new();
    read_chunks(from, |chunk| {
        hasher.update(chunk);
        to.write_all(chunk).map(|()| true)
    })?;
    Ok(Sha256(hasher.finalize().into()))
}

/// Hashes what is left of a file.
pub(crate) fn hash(file: impl Read) -> io::Result<Sha256> {
    copy(file, io::sink())
}

/// Says whether a file has just these bytes: cheaper than hashing it.
pub(super) fn has_bytes(path: &Path, bytes: &[u8]) -> io::Result<bool> {
    let file = File::open(path)?;
    if file.metadata()?.len() != bytes.len() as u64 {
        return Ok(false);
    }
    let mut rest = Some(bytes);
    read_chunks(file, |chunk| {
        rest = rest.and_then(|rest| rest.strip_prefix(chunk));
        Ok(rest.is_some())
    })?;
    Ok(rest.is_some_and(<[u8]>::is_empty))
}

/// Disks write this many bytes wholly or not at all.
const SECTOR: usize = 512;

/// Says whether what is left of a file is what a power cut leaves of a whole one: its beginning,
/// with zeros from somewhere on to the end of each part that was not written. Nothing is lost with
/// it.
pub(crate) fn is_torn(found: impl Read, mut whole: impl Read) -> io::Result<bool> {
    let mut is_left = true;
    let mut expected = Vec::new();
    let mut found = BufReader::with_capacity(CHUNK, found);
    while is_left {
        let mut chunk = Vec::with_capacity(SECTOR);
        if found.by_ref().take(SECTOR as u64).read_to_end(&mut chunk)? == 0 {
            break;
        }
        expected.resize(chunk.len(), 0);
        is_left = match whole.read_exact(&mut expected) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => false,
            Err(error) => return Err(error),
            Ok(()) => {
                let pairs = chunk.iter().zip(&expected);
                let same = pairs.take_while(|(found, byte)| found == byte).count();
                chunk[same..].iter().all(|byte| *byte == 0)
            }
        };
    }
    Ok(is_left)
}

/// Gives a damaged blob a second name in a folder, before good bytes take its first: at no
/// moment is there nothing in its place.
pub(super) fn keep_aside(blob: &Path, folder: &Path) -> Result<PathBuf> {
    fs::create_dir_all(folder).at("creating", folder)?;
    let name = blob.file_name().unwrap_or_default();
    for number in 1_u32.. {
        let mut name = name.to_owned();
        if number > 1 {
            name.push(format!("~{number}"));
        }
        let kept = folder.join(name);
        match link_or_copy(blob, &kept) {
            Ok(()) => {
                sync_folder(folder)?;
                return Ok(kept);
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error).at("keeping", blob),
        }
    }
    unreachable!("the numbers do not end")
}

/// Links a file where the system can, else copies it, flushed; replaces nothing.
fn link_or_copy(from: &Path, to: &Path) -> io::Result<()> {
    match crate::planted::hard_link(from, to) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {}
        linked => return linked,
    }
    let mut source = File::open(from)?;
    let mut target = File::create_new(to)?;
    io::copy(&mut source, &mut target)?;
    target.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn torn(found: &[u8], whole: &[u8]) -> bool {
        is_torn(found, whole).unwrap()
    }

    #[test]
    fn what_a_power_cut_leaves_is_told_from_what_somebody_wrote() {
        let whole: Vec<u8> = (0..3000_u32).map(|n| n.to_le_bytes()[0] | 1).collect();
        let with = |change: &dyn Fn(&mut Vec<u8>)| {
            let mut found = whole.clone();
            change(&mut found);
            found
        };
        assert!(torn(&[], &whole));
        assert!(torn(&whole[..1000], &whole));
        assert!(torn(&with(&|it| it.fill(0)), &whole));
        // A sector in the middle that was not written, and one of which the end was not.
        assert!(torn(&with(&|it| it[512..1024].fill(0)), &whole));
        assert!(torn(&with(&|it| it[600..1024].fill(0)), &whole));
        // Somebody has changed, blackened or appended something.
        assert!(!torn(&with(&|it| it[700] = 2), &whole));
        assert!(!torn(&with(&|it| it[600..700].fill(0)), &whole));
        assert!(!torn(&with(&|it| it.push(0)), &whole));
        assert!(!torn(b"mine", &whole));
    }
}
