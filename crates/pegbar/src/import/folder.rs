//! The folder of an export. What stands in an export is hostile: no path in it may lead out
//! of its folder.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Component, Path, PathBuf};

use sha2::Digest as _;

use super::Listed;
use crate::error::{Error, IoContext, Result};
use crate::hash::Sha256;

/// The longest path in an export, in bytes: it becomes part of an index.
const MAX_PATH_BYTES: usize = 1024;

/// How much is hashed at once, in bytes.
const CHUNK: usize = 1 << 16;

/// A folder that an export was unpacked to.
#[derive(Debug)]
pub(super) struct ExportFolder {
    /// Without symbolic links.
    root: PathBuf,
}

impl ExportFolder {
    pub(super) fn open(folder: &Path) -> Result<Self> {
        let root = fs::canonicalize(folder).at("opening", folder)?;
        if root.is_dir() {
            return Ok(Self { root });
        }
        let reason = format!(
            "{} is not a folder; unpack the export first",
            folder.display()
        );
        Err(Error::invalid("folder", reason))
    }

    /// Returns where a file of the export is; what is wrong with the path otherwise.
    pub(super) fn file(&self, path: &ExportPath) -> Result<PathBuf, String> {
        let ExportPath(path) = path;
        let file = match fs::canonicalize(self.root.join(path)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(format!("the file {path:?} is not there"));
            }
            Err(error) => return Err(format!("the file {path:?} can't be opened: {error}")),
            Ok(file) => file,
        };
        if !file.starts_with(&self.root) {
            return Err(format!("{path:?} is a link that leads out of the folder"));
        }
        if !file.is_file() {
            return Err(format!("{path:?} is not a file"));
        }
        Ok(file)
    }

    /// Reads a text file of at most `max_bytes` bytes.
    pub(super) fn read_text(&self, path: &ExportPath, max_bytes: u64) -> Result<String> {
        let place = self.root.join(&path.0);
        if !place.exists() {
            return Err(io::Error::from(io::ErrorKind::NotFound)).at("reading", &place);
        }
        let invalid = |reason: String| Error::invalid(&path.0, reason);
        let file = self.file(path).map_err(invalid)?;
        let mut bytes = Vec::new();
        let read = File::open(&file).and_then(|file| {
            file.take(max_bytes.saturating_add(1))
                .read_to_end(&mut bytes)
        });
        read.at("reading", &file)?;
        if bytes.len() as u64 > max_bytes {
            return Err(invalid(format!(
                "larger than {max_bytes} bytes, the most that is read"
            )));
        }
        String::from_utf8(bytes).map_err(|error| invalid(format!("not UTF-8 text: {error}")))
    }

    /// Lists the files that are not among the known ones, in the order of their paths. Links
    /// to folders are not followed.
    pub(super) fn files_besides(&self, known: &HashSet<&str>) -> Result<Listed<String>> {
        let mut files = Listed::default();
        let mut folders = vec![PathBuf::new()];
        while let Some(folder) = folders.pop() {
            let place = self.root.join(&folder);
            let mut entries = Vec::new();
            for entry in fs::read_dir(&place).at("reading", &place)? {
                let entry = entry.at("reading", &place)?;
                let kind = entry.file_type().at("reading", &entry.path())?;
                entries.push((folder.join(entry.file_name()), kind.is_dir()));
            }
            entries.sort_unstable();
            for (path, is_folder) in &entries {
                let slashed = slashed(path);
                if !is_folder && !slashed.as_deref().is_some_and(|path| known.contains(path)) {
                    files.push(slashed.unwrap_or_else(|| path.display().to_string()));
                }
            }
            let inner = entries.into_iter().filter(|(_, is_folder)| *is_folder);
            folders.extend(inner.rev().map(|(path, _)| path));
        }
        Ok(files)
    }
}

/// Hashes a file of any size.
pub(super) fn hash(file: &Path) -> Result<Sha256> {
    let mut source = File::open(file).at("reading", file)?;
    let mut hasher = sha2::Sha256::new();
    let mut chunk = vec![0; CHUNK];
    loop {
        match source.read(&mut chunk) {
            Ok(0) => return Ok(Sha256(hasher.finalize().into())),
            Ok(read) => hasher.update(&chunk[..read]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error).at("reading", file),
        }
    }
}

/// A path as an export gives it: relative, with `/` between its parts, none of which leads
/// up. Two spellings of one path are equal.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct ExportPath(String);

impl ExportPath {
    /// Takes a path as it is written in an export; says what is wrong with it otherwise.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let refused = |reason: &str| Err(format!("the path {text:?} {reason}"));
        if text.len() > MAX_PATH_BYTES {
            return Err(format!(
                "the path is {} bytes long; at most {MAX_PATH_BYTES} are taken",
                text.len()
            ));
        }
        if text.contains(['\0', '\\']) {
            return refused("holds NUL or a backslash");
        }
        let mut parts = Vec::new();
        for component in Path::new(text).components() {
            match component {
                Component::CurDir => {}
                // It came from a text.
                Component::Normal(part) => parts.push(part.to_str().unwrap_or_default()),
                _ => return refused("leads out of the folder"),
            }
        }
        if parts.is_empty() {
            return refused("names no file");
        }
        Ok(Self(parts.join("/")))
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the name of the file.
    pub(super) fn name(&self) -> &str {
        self.0
            .rsplit_once('/')
            .map_or(self.0.as_str(), |(_, name)| name)
    }
}

/// Spells a path below the root with `/`; `None` where it is not Unicode.
fn slashed(path: &Path) -> Option<String> {
    let parts: Option<Vec<&str>> = path.iter().map(|part| part.to_str()).collect();
    parts.map(|parts| parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_never_leads_out() {
        for path in [
            "../a.png",
            "a/../../b.png",
            "a/../b.png",
            "/etc/passwd",
            "//a",
            "..",
            "",
            ".",
            "./",
            "a\\..\\..\\b",
            "a\0b",
        ] {
            assert!(ExportPath::parse(path).is_err(), "{path:?}");
        }
        assert!(ExportPath::parse(&"a".repeat(1025)).is_err());
    }

    #[test]
    fn spellings_of_one_path_are_equal() {
        let plain = ExportPath::parse("a/b.png").unwrap();
        assert_eq!(ExportPath::parse("./a//b.png"), Ok(plain.clone()));
        assert_eq!(plain.as_str(), "a/b.png");
        assert_eq!(plain.name(), "b.png");
    }
}
