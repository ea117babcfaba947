//! Who may write a blob: nobody, so that no editor writes into the truth by mistake.

use std::fs::{self, File, Permissions};
use std::io;
use std::path::Path;

use super::BlobStore;

/// Creates a file that only this handle can write.
pub(super) fn create_read_only(path: &Path) -> io::Result<File> {
    let mut options = File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o444);
    let file = options.open(path)?;
    if !cfg!(unix) {
        make_read_only(&file)?;
    }
    Ok(file)
}

/// Takes the right to write away, on file systems that have rights.
pub(crate) fn make_read_only(file: &File) -> io::Result<()> {
    let permissions = read_only(file.metadata()?.permissions());
    unless_lacking(file.set_permissions(permissions))
}

fn read_only(mut permissions: Permissions) -> Permissions {
    permissions.set_readonly(true);
    permissions
}

/// Passes over the refusal of a file system that has no rights of files: exFAT and SMB shares, for
/// example.
pub(crate) fn unless_lacking(changed: io::Result<()>) -> io::Result<()> {
    use io::ErrorKind::{PermissionDenied, Unsupported};
    match changed {
        Err(error) if matches!(error.kind(), PermissionDenied | Unsupported) => Ok(()),
        changed => changed,
    }
}

impl BlobStore {
    /// Says whether the file system keeps the rights of files, by making one. What can't be
    /// found out is taken for yes.
    pub(crate) fn keeps_rights(&self) -> bool {
        let Ok(path) = self.new_file() else {
            return true;
        };
        let made = create_read_only(&path).and_then(|file| file.metadata());
        let keeps = made.map_or(true, |made| made.permissions().readonly());
        // What stays is swept with the folder of this process.
        let _ = fs::remove_file(path);
        keeps
    }
}
