//! What a victim did to the files below a folder, call by call: enough to do it again on a disk
//! that loses what was not flushed.

use std::path::PathBuf;

/// The number that the file system gives a file.
pub type Inode = u64;

/// One thing that was done.
#[derive(Clone, Debug)]
pub enum Event {
    /// A file or folder was created at a path.
    Created {
        /// Where.
        path: PathBuf,
        /// Which.
        inode: Inode,
        /// It is a folder.
        is_folder: bool,
    },
    /// Bytes of a file are others now.
    Wrote {
        /// Which.
        inode: Inode,
        /// Where the bytes begin.
        offset: u64,
        /// The bytes.
        bytes: Vec<u8>,
        /// How the file looks now.
        look: Look,
    },
    /// A file has another length now.
    Resized {
        /// Which.
        inode: Inode,
        /// Its length, in bytes.
        length: u64,
        /// How the file looks now.
        look: Look,
    },
    /// Times or rights of a file are others now.
    Changed {
        /// Which.
        inode: Inode,
        /// How it looks now.
        look: Look,
    },
    /// Something has another path now.
    Renamed {
        /// The path it had.
        from: PathBuf,
        /// Where it is now; what was there is gone.
        to: PathBuf,
    },
    /// A file has one more path.
    Linked {
        /// A path that it has.
        from: PathBuf,
        /// Its new path.
        to: PathBuf,
    },
    /// A path is gone.
    Removed {
        /// Which.
        path: PathBuf,
    },
    /// A file or folder was flushed.
    Flushed {
        /// Which.
        inode: Inode,
    },
    /// All files and folders were flushed.
    FlushedAll,
    /// The victim said something on its standard output.
    Said(String),
}

/// How a file looks from outside.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Look {
    /// When it was modified, in nanoseconds since 1970.
    pub modified_ns: i64,
    /// Its rights, as in `chmod`.
    pub mode: u32,
}
