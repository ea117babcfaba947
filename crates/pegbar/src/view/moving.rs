//! Moving what is in one folder to another, where nothing is replaced.

use std::io;
use std::path::Path;
use std::sync::Arc;

use super::folder::{Kind, Place};

/// Moves a file to a path where nothing is; says so where something is, and moves nothing.
pub(crate) fn move_new(from: &Path, to: &Path) -> io::Result<()> {
    move_at(&Place::at(from)?, &Place::at(to)?)
}

/// Moves what is at a place to one where nothing is; says so where something is, and moves
/// nothing.
pub(super) fn move_at(from: &Place, to: &Place) -> io::Result<()> {
    let (folder, name) = (&to.folder, &to.name);
    match from.folder.rename_new(&from.name, folder, name) {
        Err(error) if error.kind() == io::ErrorKind::Unsupported => {}
        renamed => return renamed,
    }
    // A link refuses to replace, unlike a rename.
    match from.folder.link(&from.name, folder, name) {
        Ok(()) => from.folder.remove(&from.name),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(error),
        Err(_) if matches!(to.look(), Ok(Some(_))) => Err(io::ErrorKind::AlreadyExists.into()),
        // A folder, a link, another file system, or one without hard links.
        Err(_) => match from.folder.rename(&from.name, folder, name) {
            Err(error) if error.kind() == io::ErrorKind::CrossesDevices => copy_new(from, to),
            renamed => renamed,
        },
    }
}

/// Copies what is there to another file system, flushed, and removes the original. After a
/// failure the original is there.
fn copy_new(from: &Place, to: &Place) -> io::Result<()> {
    if let Err(error) = copy_tree(from, to) {
        // Another's file stays: the copy refuses to begin where something is.
        if error.kind() != io::ErrorKind::AlreadyExists {
            let _ = remove(to);
        }
        return Err(error);
    }
    remove(from)
}

fn kind(place: &Place) -> io::Result<Kind> {
    let found = place.look()?.ok_or(io::ErrorKind::NotFound)?;
    Ok(found.kind)
}

/// Returns what is in the folder at a place.
fn entries(place: &Place) -> io::Result<Vec<Place>> {
    let folder = Arc::new(place.folder.folder(&place.name)?);
    let names = folder.names()?.into_iter();
    let entries = names.map(|name| Place {
        folder: folder.clone(),
        name,
    });
    Ok(entries.collect())
}

fn remove(place: &Place) -> io::Result<()> {
    if kind(place)? != Kind::Folder {
        return place.folder.remove(&place.name);
    }
    for entry in entries(place)? {
        remove(&entry)?;
    }
    place.folder.remove_folder(&place.name)
}

fn copy_tree(from: &Place, to: &Place) -> io::Result<()> {
    match kind(from)? {
        Kind::Folder => {
            to.folder.create_folder(&to.name)?;
            let folder = Arc::new(to.folder.folder(&to.name)?);
            for entry in entries(from)? {
                let to = Place {
                    folder: folder.clone(),
                    name: entry.name.clone(),
                };
                copy_tree(&entry, &to)?;
            }
            folder.flush()
        }
        Kind::Link => {
            let target = from.folder.read_link(&from.name)?;
            to.folder.create_link(&target, &to.name)
        }
        Kind::File => {
            let mut source = from.file()?;
            let mut target = to.folder.new_file(&to.name)?;
            io::copy(&mut source, &mut target)?;
            target.sync_all()
        }
        Kind::Other => {
            let path = from.path();
            let text = format!("{} is neither a file nor a folder", path.display());
            Err(io::Error::other(text))
        }
    }
}
