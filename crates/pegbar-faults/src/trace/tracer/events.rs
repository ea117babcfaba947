//! Writing down what a victim does to the files below a folder.

use std::fs::{self, File, Metadata};
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use nix::libc;

use super::super::Plan;
use super::super::record::{Event, Inode, Look};
use super::syscall::{Entry, low};

pub(super) struct Recorder {
    root: PathBuf,
    events: Vec<Event>,
}

impl Recorder {
    pub(super) fn of(plan: &Plan) -> Option<Self> {
        let Plan::Record(root) = plan else {
            return None;
        };
        Some(Self {
            root: root.clone(),
            events: Vec::new(),
        })
    }

    pub(super) fn into_events(self) -> Vec<Event> {
        self.events
    }

    /// Whether the end of this call is to be seen.
    pub(super) fn wants(entry: &Entry) -> bool {
        is_path_call(entry.number) || is_file_call(entry.number)
    }

    /// Writes down what a call did, at whose end its thread stands.
    pub(super) fn note(&mut self, entry: &Entry, result: i64) {
        if result < 0 {
            return;
        }
        if is_path_call(entry.number) {
            self.note_paths(entry);
        } else {
            self.note_file(entry, result);
        }
    }

    fn note_paths(&mut self, entry: &Entry) {
        let [a, b, c, d, ..] = entry.args;
        let here = i64::from(libc::AT_FDCWD).cast_unsigned();
        let event = match entry.number {
            libc::SYS_openat => self.opened(entry.path_at(a, b), c),
            #[cfg(target_arch = "x86_64")]
            libc::SYS_open => self.opened(entry.path_at(here, a), b),
            #[cfg(target_arch = "x86_64")]
            libc::SYS_mkdir => self.created(entry.path_at(here, a)),
            libc::SYS_mkdirat => self.created(entry.path_at(a, b)),
            #[cfg(target_arch = "x86_64")]
            libc::SYS_rename => renamed(entry.path_at(here, a), entry.path_at(here, b)),
            libc::SYS_renameat | libc::SYS_renameat2 => {
                renamed(entry.path_at(a, b), entry.path_at(c, d))
            }
            #[cfg(target_arch = "x86_64")]
            libc::SYS_link => linked(entry.path_at(here, a), entry.path_at(here, b)),
            libc::SYS_linkat => linked(entry.path_at(a, b), entry.path_at(c, d)),
            #[cfg(target_arch = "x86_64")]
            libc::SYS_unlink | libc::SYS_rmdir => removed(entry.path_at(here, a)),
            libc::SYS_unlinkat => removed(entry.path_at(a, b)),
            #[cfg(target_arch = "x86_64")]
            libc::SYS_chmod => changed(entry.path_at(here, a)),
            libc::SYS_fchmodat => changed(entry.path_at(a, b)),
            _ => None,
        };
        self.events
            .extend(event.filter(|event| self.is_below(event)));
    }

    fn note_file(&mut self, entry: &Entry, result: i64) {
        let descriptor = match entry.number {
            libc::SYS_copy_file_range => entry.args[2],
            _ => entry.args[0],
        };
        let open = PathBuf::from(format!("/proc/{}/fd/{}", entry.thread, low(descriptor)));
        let bytes = u64::try_from(result).unwrap_or(0);
        if low(descriptor) == 1 && entry.number == libc::SYS_write {
            if let Some(text) = entry.text(entry.args[1]) {
                let said = text.get(..usize::try_from(bytes).unwrap_or(0));
                self.events
                    .push(Event::Said(said.unwrap_or(&text).to_owned()));
            }
            return;
        }
        let is_ours = fs::read_link(&open).is_ok_and(|path| path.starts_with(&self.root));
        let Ok(metadata) = fs::metadata(&open) else {
            return;
        };
        if !is_ours {
            return;
        }
        let (inode, look) = (metadata.ino(), look(&metadata));
        let wrote = |offset, length| {
            Some(Event::Wrote {
                inode,
                offset,
                bytes: read(&open, offset, length)?,
                look,
            })
        };
        let event = match entry.number {
            libc::SYS_fsync | libc::SYS_fdatasync => Some(Event::Flushed { inode }),
            libc::SYS_syncfs => Some(Event::FlushedAll),
            libc::SYS_ftruncate => Some(Event::Resized {
                inode,
                length: entry.args[1],
                look,
            }),
            libc::SYS_pwrite64 => wrote(entry.args[3], bytes),
            libc::SYS_fchmod | libc::SYS_utimensat => Some(Event::Changed { inode, look }),
            libc::SYS_fallocate => None,
            libc::SYS_ioctl => wrote(0, metadata.len()),
            _ => {
                let end = position(entry, descriptor).unwrap_or(metadata.len());
                wrote(end.saturating_sub(bytes), bytes)
            }
        };
        self.events.extend(event);
    }

    fn opened(&self, path: Option<PathBuf>, flags: u64) -> Option<Event> {
        let path = path.filter(|path| path.starts_with(&self.root))?;
        let metadata = fs::metadata(&path).ok()?;
        let inode = metadata.ino();
        let has = |flag: i32| flags & u64::from(flag.unsigned_abs()) != 0;
        if has(libc::O_CREAT) {
            // If it was there, whoever replays this knows the path.
            return Some(Event::Created {
                path,
                inode,
                is_folder: false,
            });
        }
        has(libc::O_TRUNC).then(|| Event::Resized {
            inode,
            length: 0,
            look: look(&metadata),
        })
    }

    fn created(&self, path: Option<PathBuf>) -> Option<Event> {
        let path = path.filter(|path| path.starts_with(&self.root))?;
        let inode = fs::metadata(&path).ok()?.ino();
        Some(Event::Created {
            path,
            inode,
            is_folder: true,
        })
    }

    fn is_below(&self, event: &Event) -> bool {
        match event {
            Event::Renamed { from, to } | Event::Linked { from, to } => {
                from.starts_with(&self.root) || to.starts_with(&self.root)
            }
            Event::Removed { path } => path.starts_with(&self.root),
            _ => true,
        }
    }
}

fn renamed(from: Option<PathBuf>, to: Option<PathBuf>) -> Option<Event> {
    Some(Event::Renamed {
        from: from?,
        to: to?,
    })
}

fn linked(from: Option<PathBuf>, to: Option<PathBuf>) -> Option<Event> {
    Some(Event::Linked {
        from: from?,
        to: to?,
    })
}

fn removed(path: Option<PathBuf>) -> Option<Event> {
    Some(Event::Removed { path: path? })
}

fn changed(path: Option<PathBuf>) -> Option<Event> {
    let metadata = fs::metadata(path?).ok()?;
    let inode: Inode = metadata.ino();
    Some(Event::Changed {
        inode,
        look: look(&metadata),
    })
}

fn look(metadata: &Metadata) -> Look {
    Look {
        modified_ns: metadata.mtime() * 1_000_000_000 + metadata.mtime_nsec(),
        mode: metadata.mode() & 0o7777,
    }
}

fn read(open: &Path, offset: u64, length: u64) -> Option<Vec<u8>> {
    let mut bytes = vec![0; usize::try_from(length).ok()?];
    File::open(open)
        .ok()?
        .read_exact_at(&mut bytes, offset)
        .ok()?;
    Some(bytes)
}

/// Where the next bytes of a descriptor come from or go to.
fn position(entry: &Entry, descriptor: u64) -> Option<u64> {
    let path = format!("/proc/{}/fdinfo/{}", entry.thread, low(descriptor));
    let text = fs::read_to_string(path).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("pos:"))?;
    line.trim().parse().ok()
}

fn is_path_call(number: i64) -> bool {
    let common = [
        libc::SYS_openat,
        libc::SYS_mkdirat,
        libc::SYS_renameat,
        libc::SYS_renameat2,
        libc::SYS_linkat,
        libc::SYS_unlinkat,
        libc::SYS_fchmodat,
    ];
    #[cfg(target_arch = "x86_64")]
    let older = [
        libc::SYS_open,
        libc::SYS_mkdir,
        libc::SYS_rename,
        libc::SYS_link,
        libc::SYS_unlink,
        libc::SYS_rmdir,
        libc::SYS_chmod,
    ];
    #[cfg(not(target_arch = "x86_64"))]
    let older: [i64; 0] = [];
    common.contains(&number) || older.contains(&number)
}

fn is_file_call(number: i64) -> bool {
    let calls = [
        libc::SYS_write,
        libc::SYS_writev,
        libc::SYS_pwrite64,
        libc::SYS_ftruncate,
        libc::SYS_fsync,
        libc::SYS_fdatasync,
        libc::SYS_syncfs,
        libc::SYS_fchmod,
        libc::SYS_copy_file_range,
        libc::SYS_sendfile,
        libc::SYS_utimensat,
        libc::SYS_ioctl,
    ];
    calls.contains(&number)
}
