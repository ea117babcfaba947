//! Writing one file into a folder that is somebody else's.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use sha2::Digest as _;

use crate::asset::Asset;
use crate::blob::ImageFormat;
use crate::error::{Error, IoContext, Result};
use crate::export::xmp::{self, Copied, Statement};
use crate::hash::Sha256;
use crate::id::AssetId;
use crate::view::move_new;

/// Where a file goes.
#[derive(Clone, Copy)]
pub(super) struct Target<'a> {
    pub(super) folder: &'a Path,
    /// Relative to the folder, with `/`.
    pub(super) path: &'a str,
    /// Names the file while it is written.
    pub(super) draft: AssetId,
    pub(super) replace: bool,
    pub(super) tidied: &'a Tidied,
}

/// The folders that were looked through for drafts of exports that were killed.
#[derive(Default)]
pub(super) struct Tidied(Mutex<HashSet<PathBuf>>);

impl Tidied {
    /// Removes what killed exports left in a folder; once is enough.
    fn tidy(&self, folder: &Path) -> Result<()> {
        let mut tidied = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !tidied.insert(folder.to_owned()) {
            return Ok(());
        }
        for entry in fs::read_dir(folder).at("reading", folder)? {
            let place = entry.at("reading", folder)?.path();
            let name = place.file_name().and_then(|name| name.to_str());
            if name.is_some_and(is_draft)
                && let Ok(draft) = File::open(&place)
                && draft.try_lock().is_ok()
            {
                // Who writes it holds its lock; whoever can't remove it leaves it.
                let _ = fs::remove_file(&place);
            }
        }
        Ok(())
    }
}

/// Says whether a name is that of a draft of ours: `.<asset>.<process>.tmp`.
fn is_draft(name: &str) -> bool {
    let parts = name
        .strip_prefix('.')
        .and_then(|name| name.strip_suffix(".tmp"));
    let parts = parts.and_then(|name| name.split_once('.'));
    parts.is_some_and(|(asset, process)| {
        asset.parse::<AssetId>().is_ok() && process.parse::<u32>().is_ok()
    })
}

/// Begins a draft that nobody takes for a leftover while it is open.
fn begin_draft(draft: &Path) -> Result<File> {
    loop {
        let file = File::create(draft).at("writing", draft)?;
        // Where there are no locks, nobody believes that a draft is left over.
        let is_locked = file.lock().is_ok();
        // Until it was locked, someone else may have removed it.
        if !is_locked || draft.exists() {
            return Ok(file);
        }
    }
}

/// What became of a file.
pub(super) enum Written {
    /// It is there now, and so long.
    New(u64),
    /// It was there, byte for byte.
    There,
    /// Something else is there.
    InTheWay,
}

/// What stands where a file goes.
enum Standing {
    Nothing,
    TheSame,
    Other,
}

impl Target<'_> {
    fn place(&self) -> PathBuf {
        self.folder.join(self.path)
    }

    /// Copies an asset's bytes, and refuses those that are not what was recorded.
    pub(super) fn write_original(&self, image: &mut File, asset: &Asset) -> Result<Written> {
        match self.standing(asset.file_size, |found| Some(found) == asset.sha256)? {
            Standing::TheSame => return Ok(Written::There),
            Standing::Other if !self.replace => return Ok(Written::InTheWay),
            _ => {}
        }
        self.put(|draft, path| {
            let mut hasher = sha2::Sha256::new();
            let mut size = 0;
            each_chunk(image, |chunk| {
                hasher.update(chunk);
                size += chunk.len() as u64;
                draft.write_all(chunk)
            })
            .at("copying", path)?;
            check(asset, Sha256(hasher.finalize().into()))?;
            Ok(size)
        })
    }

    /// Writes bytes.
    pub(super) fn write(&self, bytes: &[u8]) -> Result<Written> {
        let size = bytes.len() as u64;
        match self.standing(Some(size), |found| found == Sha256::of(bytes))? {
            Standing::TheSame => return Ok(Written::There),
            Standing::Other if !self.replace => return Ok(Written::InTheWay),
            _ => {}
        }
        self.put(|draft, path| {
            draft.write_all(bytes).at("writing", path)?;
            Ok(size)
        })
    }

    /// Looks at what stands there.
    fn standing(
        &self,
        size: Option<u64>,
        is_same: impl FnOnce(Sha256) -> bool,
    ) -> Result<Standing> {
        let place = self.place();
        let metadata = match fs::symlink_metadata(&place) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Standing::Nothing),
            metadata => metadata.at("looking at", &place)?,
        };
        if !metadata.is_file() || Some(metadata.len()) != size {
            return Ok(Standing::Other);
        }
        if is_same(hash(&place)?) {
            return Ok(Standing::TheSame);
        }
        Ok(Standing::Other)
    }

    /// Puts a file in its place that `write` has written whole.
    fn put(&self, write: impl FnOnce(&mut File, &Path) -> Result<u64>) -> Result<Written> {
        let place = self.place();
        let folder = place.parent().unwrap_or(self.folder);
        fs::create_dir_all(folder).at("creating", folder)?;
        let draft = folder.join(format!(".{}.{}.tmp", self.draft, std::process::id()));
        self.tidied.tidy(folder)?;
        let mut file = begin_draft(&draft)?;
        let put = write(&mut file, &draft).and_then(|size| {
            let moved = if self.replace {
                fs::rename(&draft, &place)
            } else {
                move_new(&draft, &place)
            };
            match moved {
                // Someone was faster.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(Written::InTheWay),
                moved => moved.at("writing", &place).map(|()| Written::New(size)),
            }
        });
        if !matches!(put, Ok(Written::New(_))) {
            // It may not be there.
            let _ = fs::remove_file(&draft);
        }
        put
    }
}

/// Reads an asset's bytes, and refuses those that are not what was recorded.
pub(super) fn read_original(image: &mut File, asset: &Asset) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let path = asset.file_path.as_deref().unwrap_or_default();
    image
        .read_to_end(&mut bytes)
        .at("reading", Path::new(path))?;
    check(asset, Sha256::of(&bytes))?;
    Ok(bytes)
}

/// Finds out how a copy differs from its original.
pub(super) fn copied(
    bytes: &[u8],
    asset: &Asset,
    statement: &Statement<'_>,
    strip_credentials: bool,
) -> Copied {
    match format_of(asset) {
        Some(format) => xmp::embed(bytes, format, statement, strip_credentials),
        None => Copied::Refused("its type is not known".to_owned()),
    }
}

/// Returns whether bytes carry a signature (C2PA), valid or not.
pub(super) fn is_signed(bytes: &[u8], asset: &Asset) -> bool {
    format_of(asset).is_some_and(|format| xmp::is_signed(bytes, format))
}

fn format_of(asset: &Asset) -> Option<ImageFormat> {
    let mime_type = asset.mime_type.as_deref();
    mime_type.and_then(ImageFormat::from_mime_type)
}

fn check(asset: &Asset, found: Sha256) -> Result<()> {
    if Some(found) == asset.sha256 {
        return Ok(());
    }
    Err(Error::Damaged {
        place: format!("the bytes of the asset {}", asset.id),
        reason: format!("their SHA-256 is {found}, not the one that was recorded"),
        source: None,
    })
}

fn hash(path: &Path) -> Result<Sha256> {
    let mut hasher = sha2::Sha256::new();
    let mut file = File::open(path).at("reading", path)?;
    let read = each_chunk(&mut file, |chunk| {
        hasher.update(chunk);
        Ok(())
    });
    read.at("reading", path)?;
    Ok(Sha256(hasher.finalize().into()))
}

fn each_chunk(file: &mut File, mut see: impl FnMut(&[u8]) -> io::Result<()>) -> io::Result<()> {
    let mut chunk = vec![0; 1 << 16];
    loop {
        match file.read(&mut chunk) {
            Ok(0) => return Ok(()),
            Ok(read) => see(&chunk[..read])?,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}
