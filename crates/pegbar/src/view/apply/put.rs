//! Putting files in their places: those that were moved aside from elsewhere, and copies.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use super::{Work, folder_of};
use crate::blob::FLUSHED_AT_ONCE;
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
    fn copy(&self, some: &[ToPut]) -> Vec<Option<Result<Copy>>> {
        let written = parallel::each(some, |one| {
            let Ready::ToCopy(copy) = &one.ready else {
                return None;
            };
            let sha256 = one.wanted.sha256;
            let blob = self.blobs.path(sha256);
            let copy = self.place(copy);
            Some(copy.and_then(|copy| self.reflinks.copy_blob(&blob, sha256, &copy)))
        });
        let flushed = parallel::many(&written, FLUSHED_AT_ONCE, |written| match written {
            Some(Ok(Ok(copy))) => Some(files::flush_copy(copy)),
            _ => None,
        });
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
