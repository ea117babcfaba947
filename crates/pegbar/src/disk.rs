//! Folders that may be links to other disks, and disks that may be away.

#[cfg(unix)]
pub(crate) mod unix;
pub(crate) mod whole;

use std::collections::{BTreeSet, HashSet};
use std::fs::{self, File};
use std::io::{self, BufWriter, Write as _};
use std::path::{Component, Path, PathBuf};

use crate::blob::sync_folder;
use crate::error::{Error, IoContext, Result};
use crate::planted::{self, Planted};

/// Creates a folder and those above it.
pub(crate) fn create_folders(folder: &Path) -> Result<()> {
    check_not_away(folder)?;
    fs::create_dir_all(folder).at("creating", folder)
}

/// Creates a folder and those above it, and flushes their names, also where an earlier call that
/// was interrupted has created it.
pub(crate) fn create_folders_durably(folder: &Path) -> Result<()> {
    let folder = std::path::absolute(folder).at("opening", folder)?;
    let there = folder.ancestors().skip(1).find(|above| above.is_dir());
    let there = there.map_or(0, |above| above.components().count());
    create_folders(&folder)?;
    let above = folder.ancestors().skip(1);
    for above in above.take_while(|above| above.components().count() >= there) {
        match sync_folder(above) {
            // Whoever may create a folder there need not be allowed to list it.
            Err(Error::Io { source, .. }) if source.kind() == io::ErrorKind::PermissionDenied => {}
            flushed => flushed?,
        }
    }
    Ok(())
}

/// Has the system begin to write what a file has, without waiting for it. Of several files that
/// are flushed next, each would otherwise get its place on the disk only when its turn comes, and
/// the file system would write its journal anew.
pub(crate) fn begin_to_write(file: &File) {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    {
        use rustix::fs::{Advice, fadvise};
        // Advice: where it is not taken, flushing takes longer, and nothing else.
        let _ = fadvise(file, 0, None, Advice::DontNeed);
    }
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    let _ = file;
}

/// Writes a file and flushes it with its folder.
pub(crate) fn write_durably(path: &Path, bytes: &[u8]) -> Result<()> {
    let mut file = File::create(path).at("creating", path)?;
    file.write_all(bytes).at("writing", path)?;
    file.sync_all().at("flushing", path)?;
    path.parent().map_or(Ok(()), sync_folder)
}

/// Writes what is still in memory, and flushes the file.
pub(crate) fn flush(buffered: BufWriter<File>, path: &Path) -> Result<()> {
    let file = buffered
        .into_inner()
        .map_err(io::IntoInnerError::into_error);
    file.and_then(|file| file.sync_all()).at("flushing", path)
}

/// Refuses a folder that is a link to nothing, or lies behind one: what is in it is not gone,
/// only away.
pub(crate) fn check_not_away(folder: &Path) -> Result<()> {
    let is_link_to_nothing = |place: &&Path| place.is_symlink() && !place.exists();
    let mut places = folder.ancestors().take_while(|place| !place.is_dir());
    let Some(link) = places.find(is_link_to_nothing) else {
        return Ok(());
    };
    let target = fs::read_link(link).at("reading", link)?;
    Err(Error::Unavailable {
        message: format!(
            "{} is a link to {}, which is not there",
            link.display(),
            target.display()
        ),
        hint: "mount the disk that it is on, or put the folder back".to_owned(),
        source: None,
    })
}

/// Says whether what is in a folder can't be moved to another one by renaming, since it lies
/// on another disk. A folder that is not there yet will lie where the one above it does.
pub(crate) fn is_elsewhere(folder: &Path, other: &Path) -> bool {
    match (disk_of(folder), disk_of(other)) {
        (Some(disk), Some(other)) => disk != other,
        _ => false,
    }
}

#[cfg(unix)]
fn disk_of(folder: &Path) -> Option<u64> {
    use std::os::unix::fs::MetadataExt as _;
    fs::metadata(folder).ok().map(|found| found.dev())
}

/// Where disks have no number: the folder itself, if it is a link.
#[cfg(not(unix))]
fn disk_of(folder: &Path) -> Option<PathBuf> {
    let is_link = folder.is_symlink();
    is_link.then(|| fs::canonicalize(folder).ok()).flatten()
}

/// Returns the links among the folders below `root` that lead to these paths, relative to
/// `root`; what lies behind a link is not looked at.
pub(crate) fn links_to<'p>(root: &Path, paths: impl Iterator<Item = &'p str>) -> BTreeSet<PathBuf> {
    let mut links = BTreeSet::new();
    if planted::is(Planted::FollowsLinks) {
        return links;
    }
    let mut known = HashSet::new();
    for path in paths {
        let mut folder = PathBuf::new();
        let folders = Path::new(path)
            .parent()
            .into_iter()
            .flat_map(Path::components);
        for part in folders.filter(|part| matches!(part, Component::Normal(_))) {
            folder.push(part);
            if links.contains(&folder) {
                break;
            }
            if known.insert(folder.clone()) && root.join(&folder).is_symlink() {
                links.insert(folder);
                break;
            }
        }
    }
    links
}
