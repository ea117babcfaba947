//! Flushing all that a file system has at once, instead of many files one after the other: one
//! write of its journal instead of one for each.

use std::fs::File;
use std::path::Path;

/// From how many files on it is worth while.
pub(crate) const MANY: usize = 4;

/// A file system that can be flushed as a whole: one that is known to flush everything then, and
/// to say so if it fails. It is to be opened before what is to be flushed is written, since it
/// tells of failures from then on.
pub(crate) struct FileSystem {
    #[cfg(target_os = "linux")]
    system: linux::System,
}

impl FileSystem {
    /// Returns the file system that a folder is on.
    #[cfg(target_os = "linux")]
    pub(crate) fn of(folder: &Path) -> Option<Self> {
        linux::System::of(folder).map(|system| Self { system })
    }

    /// Other systems flush file by file.
    #[cfg(not(target_os = "linux"))]
    pub(crate) fn of(_: &Path) -> Option<Self> {
        None
    }

    /// Returns the file system that a folder is on, where so many files are to be flushed that
    /// flushing all of it is worth while.
    pub(crate) fn for_many(count: usize, folder: &Path) -> Option<Self> {
        (count >= MANY).then(|| Self::of(folder)).flatten()
    }

    /// Says whether a file or a folder lies on it.
    pub(crate) fn has(&self, file: &File) -> bool {
        #[cfg(target_os = "linux")]
        return self.system.has(file);
        #[cfg(not(target_os = "linux"))]
        return false;
    }

    /// Flushes everything, and says whether that is done. If not, each file is to be flushed on
    /// its own: something of another program may have failed, or too much of others would be
    /// waited for.
    pub(crate) fn flush(&self) -> bool {
        #[cfg(target_os = "linux")]
        return self.system.has_little_waiting() && self.system.flush();
        #[cfg(not(target_os = "linux"))]
        return false;
    }

    /// The same, also where much of others is to be waited for: for what is many files.
    pub(crate) fn flush_whatever_waits(&self) -> bool {
        #[cfg(target_os = "linux")]
        return self.system.flush();
        #[cfg(not(target_os = "linux"))]
        return false;
    }
}

#[cfg(target_os = "linux")]
mod linux {
    use std::fs::{self, File};
    use std::os::unix::fs::MetadataExt as _;
    use std::path::Path;
    use std::sync::OnceLock;

    use rustix::fs::{FsWord, Mode, fstatfs, syncfs};

    use crate::disk::unix::FOLDER;
    use crate::planted::{self, Planted};

    const EXT4: FsWord = 0xef53;
    const XFS: FsWord = 0x5846_5342;
    const BTRFS: FsWord = 0x9123_683e;
    /// Where a power cut leaves nothing anyway.
    const TMPFS: FsWord = 0x0102_1994;

    /// The first Linux that tells who flushes a file system of everything that failed: of what it
    /// could not write since 5.8, of the journal since this one.
    const TELLS_ERRORS: (u32, u32) = (5, 17);

    /// How much of whatever program may wait to be written for a flush of everything, in KiB:
    /// a disk writes that in less time than it needs for many flushes.
    const MOST_WAITING: u64 = 32 << 10;

    pub(super) struct System {
        folder: File,
        device: u64,
        kind: FsWord,
    }

    impl System {
        pub(super) fn of(folder: &Path) -> Option<Self> {
            static TELLS: OnceLock<bool> = OnceLock::new();
            if !TELLS.get_or_init(tells_errors) || planted::is(Planted::NoWholeFlush) {
                return None;
            }
            let folder: File = rustix::fs::open(folder, FOLDER, Mode::empty()).ok()?.into();
            let kind = fstatfs(&folder).ok()?.f_type;
            let device = folder.metadata().ok()?.dev();
            [EXT4, XFS, BTRFS, TMPFS].contains(&kind).then_some(Self {
                folder,
                device,
                kind,
            })
        }

        pub(super) fn has(&self, file: &File) -> bool {
            file.metadata()
                .is_ok_and(|found| found.dev() == self.device)
        }

        pub(super) fn has_little_waiting(&self) -> bool {
            self.kind == TMPFS || waiting().is_some_and(|waiting| waiting <= MOST_WAITING)
        }

        pub(super) fn flush(&self) -> bool {
            syncfs(&self.folder).is_ok()
        }
    }

    fn tells_errors() -> bool {
        let system = rustix::system::uname();
        let release = system.release().to_str().unwrap_or_default();
        let mut numbers = release.split('.').map(leading_number);
        let number = numbers.next().flatten().zip(numbers.next().flatten());
        number.is_some_and(|number| number >= TELLS_ERRORS)
    }

    fn leading_number(text: &str) -> Option<u32> {
        let end = text.find(|letter: char| !letter.is_ascii_digit());
        text[..end.unwrap_or(text.len())].parse().ok()
    }

    /// Returns how much waits to be written or is being written, in KiB, on all disks together.
    fn waiting() -> Option<u64> {
        let memory = fs::read_to_string("/proc/meminfo").ok()?;
        let figure = |name: &str| -> Option<u64> {
            let line = memory.lines().find_map(|line| line.strip_prefix(name))?;
            line.trim().strip_suffix("kB")?.trim().parse().ok()
        };
        Some(figure("Dirty:")? + figure("Writeback:")?)
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn what_waits_to_be_written_is_known() {
            assert!(waiting().is_some());
        }

        #[test]
        fn numbers_of_releases_are_read() {
            assert_eq!(leading_number("15-generic"), Some(15));
            assert_eq!(leading_number("8"), Some(8));
            assert_eq!(leading_number("rc"), None);
        }
    }
}
