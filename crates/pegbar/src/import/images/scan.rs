//! Which files a folder holds.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use walkdir::{DirEntry, WalkDir};

use super::SkippedFile;
use crate::error::{Error, IoContext, Result};
use crate::natural::natural_order;

/// How names of images end that Pegbar takes in.
const IMAGES: [&str; 8] = ["png", "apng", "jpg", "jpeg", "jpe", "jfif", "webp", "gif"];

/// How the bytes of such images begin, for files with another ending.
const SIGNATURES: [&[u8]; 5] = [
    b"\x89PNG\r\n",
    b"\xff\xd8\xff",
    b"GIF87a",
    b"GIF89a",
    b"RIFF",
];

/// How names end of what is an image to people, and not to Pegbar.
const OTHER_IMAGES: [&str; 16] = [
    "svg", "tif", "tiff", "bmp", "tga", "psd", "psb", "xcf", "kra", "ase", "aseprite", "avif",
    "heic", "heif", "exr", "hdr",
];

/// A file that looks like an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FoundImage {
    pub(super) path: String,
    pub(super) file_size: u64,
}

/// What a folder holds.
#[derive(Debug)]
pub(super) struct Scan {
    /// Without symbolic links.
    pub(super) root: PathBuf,
    /// In natural order.
    pub(super) images: Vec<FoundImage>,
    pub(super) skipped: Vec<SkippedFile>,
}

impl Scan {
    pub(super) fn of(folder: &Path, except: &[PathBuf]) -> Result<Self> {
        let root = fs::canonicalize(folder).at("opening", folder)?;
        if !root.is_dir() {
            let reason = format!("{} is a file, not a folder", folder.display());
            return Err(Error::invalid("folder", reason));
        }
        let except: Vec<PathBuf> = except
            .iter()
            .filter_map(|folder| fs::canonicalize(folder).ok())
            .collect();
        if let Some(own) = except.iter().find(|own| root.starts_with(own)) {
            let reason = format!(
                "{} belongs to the studio itself ({}): `pegbar adopt` takes in what others wrote there",
                folder.display(),
                own.display()
            );
            return Err(Error::invalid("folder", reason));
        }
        let mut scan = Self {
            root,
            images: Vec::new(),
            skipped: Vec::new(),
        };
        scan.walk(&except)?;
        scan.images.sort_by(|a, b| natural_order(&a.path, &b.path));
        scan.skipped.sort_by(|a, b| natural_order(&a.path, &b.path));
        Ok(scan)
    }

    /// Returns what the folder is called.
    pub(super) fn name(&self) -> &str {
        let name = self.root.file_name().and_then(|name| name.to_str());
        name.unwrap_or("folder")
    }

    /// Returns what the folder's images are known by, if nothing else was said: many people have
    /// a folder called `walk` for each character.
    pub(super) fn source(&self, character: Option<&str>) -> String {
        let around = self.root.parent().and_then(Path::file_name);
        let around = around.and_then(|name| name.to_str()).unwrap_or_default();
        let whose = character.map_or(String::new(), |name| format!("@{name}"));
        format!("{around}:{}{whose}", self.name()).replace('/', "-")
    }

    fn walk(&mut self, except: &[PathBuf]) -> Result<()> {
        let mut entries = WalkDir::new(&self.root).min_depth(1).into_iter();
        while let Some(entry) = entries.next() {
            let entry = match entry {
                Ok(entry) => entry,
                Err(error) => {
                    // What can't be opened is named; everything else is there.
                    let path = error.path().unwrap_or(&self.root).to_owned();
                    let path = self.below_root(&path);
                    self.skip(path, &format!("it can't be opened: {error}"));
                    continue;
                }
            };
            let is_folder = entry.file_type().is_dir();
            if is_folder && except.iter().any(|own| own == entry.path()) {
                entries.skip_current_dir();
                continue;
            }
            let Some(path) = self.slashed(entry.path()) else {
                let path = self.below_root(entry.path());
                self.skip(path, "its name is not Unicode text: rename it");
                if is_folder {
                    entries.skip_current_dir();
                }
                continue;
            };
            if entry.file_name().as_encoded_bytes().starts_with(b".") {
                self.skip(path, "hidden: its name begins with a dot");
                if is_folder {
                    entries.skip_current_dir();
                }
            } else if !is_folder {
                self.file(path, &entry)?;
            }
        }
        Ok(())
    }

    fn file(&mut self, path: String, entry: &DirEntry) -> Result<()> {
        if entry.file_type().is_symlink() {
            match fs::canonicalize(entry.path()) {
                Ok(target) if !target.starts_with(&self.root) => {
                    self.skip(path, "a link that leads out of the folder");
                    return Ok(());
                }
                Ok(target) if target.is_dir() => {
                    self.skip(path, "a link to a folder");
                    return Ok(());
                }
                Ok(_) => {}
                Err(error) => {
                    self.skip(path, &format!("a link that leads nowhere: {error}"));
                    return Ok(());
                }
            }
        }
        let metadata = match fs::metadata(entry.path()) {
            Ok(metadata) => metadata,
            Err(error) => {
                self.skip(path, &format!("it can't be looked at: {error}"));
                return Ok(());
            }
        };
        if !metadata.is_file() {
            self.skip(path, "not a file");
            return Ok(());
        }
        let extension = Path::new(&path).extension().and_then(|text| text.to_str());
        let extension = extension.unwrap_or_default().to_ascii_lowercase();
        if IMAGES.contains(&extension.as_str()) || begins_like_an_image(entry.path())? {
            self.images.push(FoundImage {
                path,
                file_size: metadata.len(),
            });
        } else if OTHER_IMAGES.contains(&extension.as_str()) {
            let reason = format!(
                "Pegbar takes in PNG, JPEG, WebP and GIF, not .{extension}: export it as PNG"
            );
            self.skip(path, &reason);
        } else {
            self.skip(path, "not an image");
        }
        Ok(())
    }

    fn skip(&mut self, path: String, reason: &str) {
        self.skipped.push(SkippedFile {
            path,
            reason: reason.to_owned(),
        });
    }

    /// Spells a path below the root with `/`; `None` where it is not Unicode.
    fn slashed(&self, path: &Path) -> Option<String> {
        let below = path.strip_prefix(&self.root).unwrap_or(path);
        let parts: Option<Vec<&str>> = below.iter().map(|part| part.to_str()).collect();
        parts.map(|parts| parts.join("/"))
    }

    fn below_root(&self, path: &Path) -> String {
        let below = path.strip_prefix(&self.root).unwrap_or(path);
        below.to_string_lossy().into_owned()
    }
}

fn begins_like_an_image(path: &Path) -> Result<bool> {
    let mut head = Vec::new();
    let read = File::open(path).and_then(|file| file.take(12).read_to_end(&mut head));
    match read {
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => return Ok(false),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(error).at("reading", path),
    }
    let is_riff = head.starts_with(b"RIFF");
    Ok(SIGNATURES
        .iter()
        .any(|signature| head.starts_with(signature))
        && (!is_riff || head.get(8..12) == Some(b"WEBP")))
}
