//! What may be done with files and folders, by their modes and by what the system says.

use std::fs::Metadata;
use std::path::Path;

/// Says whether its owner may read a file: what the mode says, whoever asks.
#[cfg(unix)]
pub(super) fn is_readable(metadata: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    metadata.mode() & 0o400 != 0
}

#[cfg(not(unix))]
pub(super) fn is_readable(_: &Metadata) -> bool {
    true
}

/// Says whether its owner may read, write and list a folder.
#[cfg(unix)]
pub(super) fn is_open_folder(metadata: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    metadata.mode() & 0o700 == 0o700
}

#[cfg(not(unix))]
pub(super) fn is_open_folder(metadata: &Metadata) -> bool {
    !metadata.permissions().readonly()
}

/// What the system lets this process do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Access {
    Granted,
    Denied,
    /// The whole file system is mounted read-only.
    ReadOnly,
}

/// Asks whether this process may write into a folder.
#[cfg(target_os = "linux")]
pub(super) fn may_write(folder: &Path) -> Access {
    use rustix::fs::{Access as Wanted, access};
    use rustix::io::Errno;
    match access(folder, Wanted::WRITE_OK | Wanted::EXEC_OK) {
        Err(Errno::ROFS) => Access::ReadOnly,
        Err(Errno::ACCESS | Errno::PERM) => Access::Denied,
        _ => Access::Granted,
    }
}

#[cfg(not(target_os = "linux"))]
pub(super) fn may_write(_: &Path) -> Access {
    Access::Granted
}
