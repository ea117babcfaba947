//! A disk that loses what was not flushed: what a victim did to it, call by call, is done again
//! up to some call; then the power goes.
//!
//! Nothing but a flush of a file keeps its bytes, and nothing but a flush of a folder keeps a
//! name in it, or a flush of everything: less than any file system promises that is in use.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use crate::Result;
use crate::random::Random;
use crate::trace::record::{Event, Inode, Look};

/// What is left of what was not flushed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// Nothing.
    Nothing,
    /// All names, and no bytes: as a journal of names does.
    Names,
    /// Everything.
    Everything,
    /// Some of it, by chance: names up to some moment, any of the writes, some of them torn.
    Some(u64),
}

/// A number of a file that is used once, unlike an inode's.
type Id = usize;

#[derive(Clone, Debug, Default)]
struct File {
    is_folder: bool,
    /// What is kept.
    kept: Vec<u8>,
    /// What was not flushed yet, in order.
    pending: Vec<Write>,
    look: Look,
}

#[derive(Clone, Debug)]
enum Write {
    Bytes { offset: usize, bytes: Vec<u8> },
    Length(usize),
}

impl Write {
    fn apply(&self, content: &mut Vec<u8>) {
        match self {
            Self::Length(length) => content.resize(*length, 0),
            Self::Bytes { offset, bytes } => {
                let end = offset + bytes.len();
                if content.len() < end {
                    content.resize(end, 0);
                }
                content[*offset..end].copy_from_slice(bytes);
            }
        }
    }
}

/// A change of names.
#[derive(Clone, Debug)]
enum Naming {
    Add(PathBuf, Id),
    Remove(PathBuf),
    Move(PathBuf, PathBuf),
}

impl Naming {
    fn apply(&self, names: &mut BTreeMap<PathBuf, Id>) {
        match self {
            Self::Add(path, id) => drop(names.insert(path.clone(), *id)),
            Self::Remove(path) => drop(names.remove(path)),
            Self::Move(from, to) => {
                let below: Vec<_> = names
                    .keys()
                    .filter(|path| path.starts_with(from))
                    .cloned()
                    .collect();
                for path in below {
                    let rest = path.strip_prefix(from).unwrap_or(Path::new(""));
                    let place = if rest.as_os_str().is_empty() {
                        to.clone()
                    } else {
                        to.join(rest)
                    };
                    if let Some(id) = names.remove(&path) {
                        names.insert(place, id);
                    }
                }
            }
        }
    }

    fn is_in(&self, folder: &Path) -> bool {
        let is_below = |path: &Path| path.parent() == Some(folder);
        match self {
            Self::Add(path, _) | Self::Remove(path) => is_below(path),
            Self::Move(from, to) => is_below(from) || is_below(to),
        }
    }

    fn touches(&self, other: &Self) -> bool {
        let paths = |naming: &Self| match naming {
            Self::Add(path, _) | Self::Remove(path) => vec![path.clone()],
            Self::Move(from, to) => vec![from.clone(), to.clone()],
        };
        let theirs = paths(other);
        paths(self).iter().any(|path| theirs.contains(path))
    }
}

/// The disk.
#[derive(Clone, Debug, Default)]
pub struct Disk {
    root: PathBuf,
    files: Vec<File>,
    ids: BTreeMap<Inode, Id>,
    /// The names as programs see them.
    names: BTreeMap<PathBuf, Id>,
    /// The names that are kept.
    kept: BTreeMap<PathBuf, Id>,
    /// The changes between the two.
    pending: Vec<Naming>,
}

impl Disk {
    /// Reads what a folder holds; all of it is kept.
    ///
    /// # Errors
    /// What the system refuses.
    pub fn read(root: &Path) -> Result<Self> {
        let mut disk = Self {
            root: root.to_owned(),
            ..Self::default()
        };
        let mut left = vec![root.to_owned()];
        while let Some(path) = left.pop() {
            let metadata = fs::metadata(&path)?;
            let is_folder = metadata.is_dir();
            let kept = if is_folder {
                Vec::new()
            } else {
                fs::read(&path)?
            };
            if is_folder {
                for entry in fs::read_dir(&path)? {
                    left.push(entry?.path());
                }
            }
            let id = disk.add(metadata.ino(), is_folder);
            disk.files[id].kept = kept;
            disk.files[id].look = Look {
                modified_ns: metadata.mtime() * 1_000_000_000 + metadata.mtime_nsec(),
                mode: metadata.mode() & 0o7777,
            };
            disk.names.insert(path, id);
        }
        disk.kept = disk.names.clone();
        Ok(disk)
    }

    fn add(&mut self, inode: Inode, is_folder: bool) -> Id {
        let id = self.files.len();
        let mode = if is_folder { 0o755 } else { 0o644 };
        self.files.push(File {
            is_folder,
            look: Look {
                modified_ns: 0,
                mode,
            },
            ..File::default()
        });
        self.ids.insert(inode, id);
        id
    }

    fn name(&mut self, naming: Naming) {
        naming.apply(&mut self.names);
        self.pending.push(naming);
    }

    /// Does again what the victim did.
    pub fn apply(&mut self, event: &Event) {
        match event {
            Event::Created {
                path,
                inode,
                is_folder,
            } => {
                if self.names.contains_key(path) {
                    return;
                }
                let id = self.add(*inode, *is_folder);
                self.name(Naming::Add(path.clone(), id));
            }
            Event::Wrote {
                inode,
                offset,
                bytes,
                look,
            } => {
                let offset = usize::try_from(*offset).unwrap_or(0);
                let bytes = bytes.clone();
                self.write(*inode, Write::Bytes { offset, bytes }, *look);
            }
            Event::Resized {
                inode,
                length,
                look,
            } => {
                let length = usize::try_from(*length).unwrap_or(0);
                self.write(*inode, Write::Length(length), *look);
            }
            Event::Changed { inode, look } => {
                if let Some(id) = self.ids.get(inode) {
                    self.files[*id].look = *look;
                }
            }
            Event::Renamed { from, to } => self.name(Naming::Move(from.clone(), to.clone())),
            Event::Linked { from, to } => {
                if let Some(id) = self.names.get(from).copied() {
                    self.name(Naming::Add(to.clone(), id));
                }
            }
            Event::Removed { path } => self.name(Naming::Remove(path.clone())),
            Event::Flushed { inode } => self.flush(*inode),
            Event::FlushedAll => self.flush_all(),
            Event::Said(_) => {}
        }
    }

    fn write(&mut self, inode: Inode, write: Write, look: Look) {
        if let Some(id) = self.ids.get(&inode) {
            self.files[*id].pending.push(write);
            self.files[*id].look = look;
        }
    }

    fn flush_all(&mut self) {
        for file in &mut self.files {
            for write in std::mem::take(&mut file.pending) {
                write.apply(&mut file.kept);
            }
        }
        self.pending.clear();
        self.kept = self.names.clone();
    }

    fn flush(&mut self, inode: Inode) {
        let Some(id) = self.ids.get(&inode).copied() else {
            return;
        };
        if !self.files[id].is_folder {
            let file = &mut self.files[id];
            for write in std::mem::take(&mut file.pending) {
                write.apply(&mut file.kept);
            }
            return;
        }
        let folder = self.names.iter().find(|(_, found)| **found == id);
        let Some(folder) = folder.map(|(path, _)| path.clone()) else {
            return;
        };
        // What came before with the same names is kept, too: a file can't be moved before it
        // is there.
        let mut wanted: Vec<bool> = self.pending.iter().map(|one| one.is_in(&folder)).collect();
        for place in (0..wanted.len()).rev() {
            if wanted[place] {
                let (before, naming) = (&mut wanted[..place], &self.pending[place]);
                for (is_wanted, earlier) in before.iter_mut().zip(&self.pending) {
                    *is_wanted |= earlier.touches(naming);
                }
            }
        }
        let pending = std::mem::take(&mut self.pending);
        for (naming, is_wanted) in pending.into_iter().zip(wanted) {
            if is_wanted {
                naming.apply(&mut self.kept);
            } else {
                self.pending.push(naming);
            }
        }
    }

    /// Cuts the power, and lays out what is left in a folder.
    ///
    /// # Errors
    /// What the system refuses.
    pub fn lay_out(&self, cut: Cut, to: &Path) -> Result<()> {
        let mut random = Random::new(match cut {
            Cut::Some(seed) => seed,
            _ => 0,
        });
        let mut names = self.kept.clone();
        let renamings = match cut {
            Cut::Nothing => 0,
            Cut::Names | Cut::Everything => self.pending.len(),
            Cut::Some(_) => random.below(self.pending.len() + 1),
        };
        self.pending[..renamings]
            .iter()
            .for_each(|naming| naming.apply(&mut names));
        for (path, id) in &names {
            let file = &self.files[*id];
            let place = to.join(path.strip_prefix(&self.root).unwrap_or(path));
            // The map of who reads what is made anew by whoever comes first.
            if path.to_string_lossy().ends_with("-shm") {
                continue;
            }
            let above = place.parent().is_none_or(Path::is_dir);
            if file.is_folder {
                // Whose folder is lost is lost.
                if above {
                    let _ = fs::create_dir(&place);
                }
                continue;
            }
            if !above {
                continue;
            }
            let mut content = file.kept.clone();
            for write in &file.pending {
                match cut {
                    Cut::Nothing | Cut::Names => {}
                    Cut::Everything => write.apply(&mut content),
                    Cut::Some(_) if random.one_in(2) => {}
                    Cut::Some(_) => tear(write, &mut random).apply(&mut content),
                }
            }
            fs::write(&place, content)?;
            let since = Duration::from_nanos(file.look.modified_ns.try_into().unwrap_or(0));
            let handle = fs::File::options().write(true).open(&place)?;
            handle.set_modified(UNIX_EPOCH + since)?;
            handle.set_permissions(fs::Permissions::from_mode(file.look.mode))?;
        }
        Ok(())
    }
}

/// One write in four reaches the disk by half: in whole sectors of 512 bytes.
fn tear(write: &Write, random: &mut Random) -> Write {
    match write {
        Write::Bytes { offset, bytes } if random.one_in(4) => {
            let sectors = random.below(bytes.len() / 512 + 1);
            Write::Bytes {
                offset: *offset,
                bytes: bytes[..sectors * 512].to_vec(),
            }
        }
        whole => whole.clone(),
    }
}
