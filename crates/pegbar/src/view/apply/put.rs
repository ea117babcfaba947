//! Putting files in their places: those that were moved aside from elsewhere, and copies.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use super::{Work, folder_of};
use crate::blob::FLUSHED_AT_ONCE;
use crate::disk::begin_to_write;
use crate::disk::whole::FileSystem;
use crate::error::{IoContext, Result};
use crate::parallel;
use crate::view::files::{self, BEING_WRITTEN, Flaw, MOVED_ASIDE, Stamp};
use crate::view::journal::project_of;
use crate::view::moving::move_at;
use crate::view::spare::Spare;
use crate::view::{ViewFile, Wanted};

/// How often what stands in a file's place may be gone when it is to be moved aside. Some file
/// systems remember for a while that there was something: under a name that differs by case, say.
const MOST_GONE: u32 = 300;
/// How long is waited each time.
const BEFORE_GONE: Duration = Duration::from_millis(10);

/// What is to stand at a path.
enum Ready {
    /// It stands there.
    There(Stamp),
    /// A file that was moved aside from elsewhere.
    Spare(PathBuf, Stamp),
    /// A copy that is still to be made, and its name.
    ToCopy(PathBuf),
}

/// A file that is to be put in its place.
struct ToPut {
    path: String,
    wanted: Wanted,
    ready: Ready,
}

/// A flushed copy of a blob, or why there is none.
type Copy = std::result::Result<Stamp, Flaw>;

/// A copy that is not flushed yet, or why there is none; `None` where none is to be made.
type Written = Option<Result<std::result::Result<File, Flaw>>>;

fn copy_of(written: &Written) -> Option<&File> {
    match written {
        Some(Ok(Ok(copy))) => Some(copy),
        _ => None,
    }
}

impl Work<'_> {
    /// Puts every file in its place; one that fails does not hold up the others.
    pub(super) fn put_in_place(&mut self, to_write: BTreeMap<String, Wanted>) {
        let mut all = Vec::with_capacity(to_write.len());
        for (path, wanted) in to_write {
            match self.prepare(&path, &wanted) {
                Ok(ready) => all.push(ToPut {
                    path,
                    wanted,
                    ready,
                }),
                Err(error) => self.note(error),
            }
        }
        for some in all.chunks(FLUSHED_AT_ONCE) {
            let copies = self.copy(some);
            for (one, copy) in some.iter().zip(copies) {
                if let Err(error) = self.put_one(one, copy) {
                    self.note(error);
                }
            }
        }
    }

    /// Makes the copies among what is to be put. All are written before the first is flushed: a
    /// file system makes few writes of many that wait.
    fn copy(&mut self, some: &[ToPut]) -> Vec<Option<Result<Copy>>> {
        let to_copy = some
            .iter()
            .filter(|one| matches!(one.ready, Ready::ToCopy(_)));
        let file_system = FileSystem::for_many(to_copy.count(), self.public);
        let written = parallel::each(some, |one| self.write(one));
        let copies = || written.iter().filter_map(copy_of);
        // A folder may be on a disk of its own.
        let cover = self.cover.take();
        self.cover = cover.filter(|cover| copies().all(|copy| cover.has(copy)));
        let is_covered = self.cover.is_some();
        if is_covered {
            let both = some.iter().zip(&written);
            let new = both.filter(|(_, written)| copy_of(written).is_some());
            self.unflushed.extend(new.map(|(one, _)| one.path.clone()));
        }
        let is_flushed =
            || file_system.is_some_and(|all| copies().all(|copy| all.has(copy)) && all.flush());
        let flushed = if is_covered || is_flushed() {
            let stamps = written
                .iter()
                .map(|written| copy_of(written).map(files::stamp_of_open));
            stamps.collect()
        } else {
            parallel::many(&written, FLUSHED_AT_ONCE, |written| {
                copy_of(written).map(files::flush_copy)
            })
        };
        let written = some.iter().zip(written.into_iter().zip(flushed));
        let copies = written.map(|(one, (written, flushed))| {
            Some(match (written?, flushed) {
                (Ok(Ok(_)), Some(flushed)) => {
                    flushed.at("writing", &self.public.join(&one.path)).map(Ok)
                }
                (Ok(Ok(_)), None) => return None,
                (Ok(Err(flaw)), _) => Ok(Err(flaw)),
                (Err(error), _) => Err(error),
            })
        });
        copies.collect()
    }

    /// Makes a copy if one is to be made, which is not flushed then.
    fn write(&self, one: &ToPut) -> Written {
        let Ready::ToCopy(copy) = &one.ready else {
            return None;
        };
        let sha256 = one.wanted.sha256;
        let blob = self.blobs.path(sha256);
        let copied = self
            .place(copy)
            .and_then(|copy| self.reflinks.copy_blob(&blob, sha256, &copy));
        if let (Ok(Ok(copy)), None) = (&copied, &self.cover) {
            begin_to_write(copy);
        }
        Some(copied)
    }

    /// Flushes the copies that were made in the belief that the log stands for that, unless it
    /// does: then neither they nor their names need a flush of their own, only those of folders.
    pub(super) fn flush_copies(&mut self) {
        let cover = self.cover.take();
        if cover.is_some_and(|cover| self.blobs.still_covers(&cover)) {
            self.touched = std::mem::take(&mut self.extended);
            return;
        }
        let paths = std::mem::take(&mut self.unflushed);
        let flushed = parallel::many(&paths, FLUSHED_AT_ONCE, |path| {
            let place = self.place(Path::new(path))?;
            let flushed = place.file().and_then(|copy| copy.sync_all());
            flushed.at("flushing", &place.path())
        });
        for (path, flushed) in paths.into_iter().zip(flushed) {
            let Err(error) = flushed else { continue };
            self.applied.written.retain(|file| file.path != path);
            self.note(error);
            // To flush it again would tell nothing: it is made anew.
            let removed = self.place(Path::new(&path)).and_then(|copy| copy.remove());
            if let Err(error) = removed {
                self.note(error);
            }
        }
    }

    fn put_one(&mut self, one: &ToPut, copy: Option<Result<Copy>>) -> Result<()> {
        let ToPut {
            path,
            wanted,
            ready,
        } = one;
        let stamp = match (ready, copy) {
            (Ready::There(stamp), _) => *stamp,
            (Ready::Spare(spare, stamp), _) => self.put(path, spare, *stamp)?,
            (Ready::ToCopy(_), None) => return Ok(()),
            (Ready::ToCopy(copy), Some(made)) => match made? {
                Ok(stamp) => self.put(path, copy, stamp)?,
                Err(flaw) => {
                    let blob = self.blobs.path(wanted.sha256);
                    let path = path.clone();
                    self.applied.done.add(flaw, path, wanted.asset_id, blob);
                    return Ok(());
                }
            },
        };
        if let Some(project) = project_of(path) {
            let file = ViewFile::new(path.clone(), project, wanted, stamp);
            self.applied.written.push(file);
        }
        self.applied.done.written += 1;
        Ok(())
    }

    /// Finds or names what is to be moved to a path.
    fn prepare(&mut self, path: &str, wanted: &Wanted) -> Result<Ready> {
        let path = Path::new(path);
        self.check_no_link(path)?;
        let folder = folder_of(path);
        self.make_folder(folder)?;
        self.touched.insert(folder.to_owned());
        let place = self.place(path)?;
        if let Some((stamp, found)) = files::hash_at(&place)?
            && found == wanted.sha256
        {
            if !self.expected.is_empty() {
                // Who put it there may have been cut off before a flush.
                let flushed = place.file().and_then(|there| there.sync_all());
                flushed.at("flushing", &place.path())?;
            }
            return Ok(Ready::There(stamp));
        }
        if let Some(Spare { file, stamp, .. }) = self.spares.take(wanted.sha256) {
            return Ok(Ready::Spare(file, stamp));
        }
        let copy = self.new_name(BEING_WRITTEN, &place);
        Ok(Ready::ToCopy(path.with_file_name(copy.name)))
    }

    /// Moves what is ready to its place, and whatever appeared there meanwhile aside.
    fn put(&mut self, path: &str, ready: &Path, stamp: Stamp) -> Result<Stamp> {
        let path = Path::new(path);
        let (ready, place) = (self.place(ready)?, self.place(path)?);
        let mut gone = 0;
        loop {
            match move_at(&ready, &place) {
                Ok(()) => return Ok(stamp),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists && gone < MOST_GONE => {
                    // Someone put a file there since we looked.
                    let aside = self.new_name(MOVED_ASIDE, &place);
                    match place.rename(&aside.name) {
                        Err(error) if files::is_absent(&error) => {
                            gone += 1;
                            thread::sleep(BEFORE_GONE);
                        }
                        renamed => {
                            renamed.at("moving aside", &place.path())?;
                            self.look_at(path, &aside)?;
                        }
                    }
                }
                Err(error) => return Err(error).at("writing", &place.path()),
            }
        }
    }
}
