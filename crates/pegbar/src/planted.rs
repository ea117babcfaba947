//! Defects to plant: with the feature `planted`, the variable `PEGBAR_PLANTED` names one, and the
//! library does wrong at its place. Whoever attacks Pegbar shows with them that the attacks find
//! what they are for. Without the feature nothing of this is in the program.
//!
//! The same way shows what the library does without what not every system has.

use std::io;
use std::path::{Path, PathBuf};

/// What can be planted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(dead_code, reason = "some places are in code for one system only")]
pub(crate) enum Planted {
    /// The bytes of blobs are not flushed.
    NoFsync,
    /// The folders of blobs are not flushed.
    NoFolderFsync,
    /// The files of new assets are in the view before their rows are committed.
    PublishBeforeCommit,
    /// What is stale is noted after the commit, in a transaction of its own.
    OutboxAfterCommit,
    /// Which files are on their way is not noted.
    NoJournal,
    /// SQLite and PostgreSQL acknowledge a commit before it is flushed.
    CommitNotFlushed,
    /// Blobs come into their place after the commit.
    BlobsAfterCommit,
    /// Files are removed before the commit that says so.
    UnlinkBeforeCommit,
    /// A failure to write a blob is not noticed.
    SwallowedWriteError,
    /// Leftovers are removed although their process lives.
    ClearsLiveTmp,
    /// The logs of processes that are gone are removed without looking what is in them.
    ForgetsLog,
    /// The version of a list of frames is not compared.
    NoVersionCheck,
    /// Links in the view are followed.
    FollowsLinks,
    /// A file that is not ours is removed instead of kept.
    DropsForeign,
    /// A purge removes what was released, whoever names it by now.
    NoRecheckAtPurge,
    /// Whoever names a blob does not look whether a purge has removed it meanwhile.
    NoLookWhenNaming,
    /// Not a defect: the file system shares no blocks.
    NoReflink,
    /// Not a defect: the file system has no hard links.
    NoHardLink,
    /// Not a defect: the system can't rename without replacing.
    NoRenameNew,
    /// Not a defect: the file system can't be flushed as a whole.
    NoWholeFlush,
    /// Not a defect: the log is full after a few images.
    SmallLog,
}

#[cfg(feature = "planted")]
impl Planted {
    fn name(self) -> &'static str {
        match self {
            Self::NoFsync => "no-fsync",
            Self::NoFolderFsync => "no-folder-fsync",
            Self::PublishBeforeCommit => "publish-before-commit",
            Self::OutboxAfterCommit => "outbox-after-commit",
            Self::NoJournal => "no-journal",
            Self::CommitNotFlushed => "commit-not-flushed",
            Self::BlobsAfterCommit => "blobs-after-commit",
            Self::UnlinkBeforeCommit => "unlink-before-commit",
            Self::SwallowedWriteError => "swallowed-write-error",
            Self::ClearsLiveTmp => "clears-live-tmp",
            Self::ForgetsLog => "forgets-log",
            Self::NoVersionCheck => "no-version-check",
            Self::FollowsLinks => "follows-links",
            Self::DropsForeign => "drops-foreign",
            Self::NoRecheckAtPurge => "no-recheck-at-purge",
            Self::NoLookWhenNaming => "no-look-when-naming",
            Self::NoReflink => "no-reflink",
            Self::NoHardLink => "no-hard-link",
            Self::NoRenameNew => "no-rename-new",
            Self::NoWholeFlush => "no-whole-flush",
            Self::SmallLog => "small-log",
        }
    }
}

/// Says whether this is planted.
#[cfg(feature = "planted")]
pub(crate) fn is(planted: Planted) -> bool {
    use std::sync::OnceLock;
    static NAMED: OnceLock<String> = OnceLock::new();
    let named = NAMED.get_or_init(|| std::env::var("PEGBAR_PLANTED").unwrap_or_default());
    named.split(',').any(|name| name == planted.name())
}

/// Says whether this is planted: it is not.
#[cfg(not(feature = "planted"))]
pub(crate) const fn is(_: Planted) -> bool {
    false
}

/// Does something, and takes a failure for none if that is planted.
pub(crate) fn unless_swallowed(planted: Planted, done: io::Result<()>) -> io::Result<()> {
    if is(planted) { Ok(()) } else { done }
}

/// Gives a file one more path, where the file system has hard links.
pub(crate) fn hard_link(from: &Path, to: &Path) -> io::Result<()> {
    if is(Planted::NoHardLink) {
        return Err(io::ErrorKind::Unsupported.into());
    }
    std::fs::hard_link(from, to)
}

/// Moves a file later, with [`move_now`], and says that it is done.
pub(crate) fn move_later(from: &Path, to: &Path) {
    later().push((from.to_owned(), to.to_owned()));
}

/// Moves what was to be moved later.
pub(crate) fn move_now() {
    for (from, to) in std::mem::take(&mut *later()) {
        let _ = std::fs::rename(from, to);
    }
}

fn later() -> std::sync::MutexGuard<'static, Vec<(PathBuf, PathBuf)>> {
    static LATER: std::sync::Mutex<Vec<(PathBuf, PathBuf)>> = std::sync::Mutex::new(Vec::new());
    LATER
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// Copies a file to where it is to be, with the folders above.
pub(crate) fn publish(blob: &Path, place: &Path) {
    if let Some(folder) = place.parent() {
        let _ = std::fs::create_dir_all(folder);
    }
    let _ = std::fs::copy(blob, place);
}
