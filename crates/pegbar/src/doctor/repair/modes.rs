//! Who may read and write Pegbar's own files.

use std::fs;
use std::path::Path;

use crate::doctor::finding::DoctorFinding;
use crate::error::{IoContext, Result};
use crate::studio::Studio;

/// Gives and takes rights, as far as the owner of the files may.
pub(super) fn mend(studio: &Studio, finding: &DoctorFinding) -> Result<String> {
    match finding {
        DoctorFinding::BlobWritable { path } => {
            change(&studio.root().join(path), |mode| mode & !0o222)?;
            Ok("nobody may write it any more".to_owned())
        }
        DoctorFinding::NotReadable { path } => {
            let place = studio.root().join(path);
            let wanted = if place.is_dir() { 0o700 } else { 0o400 };
            change(&place, |mode| mode | wanted)?;
            Ok("its owner may read it".to_owned())
        }
        DoctorFinding::FolderNotWritable { path } => {
            change(&studio.root().join(path), |mode| mode | 0o700)?;
            Ok("its owner may write into it".to_owned())
        }
        _ => Ok("nothing to be done".to_owned()),
    }
}

#[cfg(unix)]
fn change(place: &Path, change: impl FnOnce(u32) -> u32) -> Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    // What a link leads to is not ours.
    let found = fs::symlink_metadata(place).at("looking at", place)?;
    if found.is_symlink() {
        let is_link = std::io::Error::other("a link has no rights of its own");
        return Err(is_link).at("changing", place);
    }
    let mode = change(found.permissions().mode() & 0o7777);
    fs::set_permissions(place, fs::Permissions::from_mode(mode)).at("changing", place)
}

#[cfg(not(unix))]
fn change(place: &Path, change: impl FnOnce(u32) -> u32) -> Result<()> {
    let mut permissions = fs::metadata(place).at("looking at", place)?.permissions();
    permissions.set_readonly(change(0o600) & 0o200 == 0);
    fs::set_permissions(place, permissions).at("changing", place)
}
