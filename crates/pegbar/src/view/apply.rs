//! Making the files of the view what they should be, one by one.
//!
//! What stands in a file's place is moved aside by rename, and looked at only then: bytes
//! that the blob store has are dropped or used elsewhere, all others are kept. So a file that
//! someone edits or puts there at any moment is never lost.

mod folders;
mod put;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::io;
use std::path::{Path, PathBuf};

use super::files::{self, MOVED_ASIDE, Reflinks};
use super::folder::{Folders, Kind, Place};
use super::journal::{Journal, Noting};
use super::moving::move_at;
use super::spare::{Spare, Spares};
use super::{Kept, View, ViewFile, ViewReport, Wanted};
use crate::blob::{BlobStore, Cover, whole};
use crate::disk::links_to;
use crate::error::{Error, IoContext, Result};
use crate::hash::Sha256;
use crate::planted::{self, Planted};

/// What was done, for the rows.
#[derive(Debug, Default)]
pub(super) struct Applied {
    pub(super) written: Vec<ViewFile>,
    /// Paths that are no longer ours.
    pub(super) forgotten: Vec<String>,
    /// The first failure; everything else was done.
    pub(super) failed: Option<Error>,
    pub(super) done: ViewReport,
}

/// What a run knows before it begins.
#[derive(Clone, Copy)]
pub(super) struct Before<'i> {
    /// The paths that a run left on their way.
    pub(super) interrupted: &'i BTreeSet<String>,
    /// Looks at every file instead of trusting what was recorded.
    pub(super) thorough: bool,
    /// A run was cut off, or may have been and left no note of its paths.
    pub(super) recovers: bool,
    /// What the note of the paths has to outlive.
    pub(super) noting: Noting,
}

/// The work on the files of one project. Paths are relative to `public/assets`.
pub(super) struct Work<'a> {
    public: &'a Path,
    folders: Folders,
    kept: PathBuf,
    blobs: &'a BlobStore,
    reflinks: &'a Reflinks,
    recorded: HashMap<String, ViewFile>,
    /// Folders that someone has replaced by links: what is behind them is not ours.
    links: BTreeSet<PathBuf>,
    /// Folders that are known to be there and to be no links.
    made: HashSet<PathBuf>,
    spares: Spares,
    /// Folders that the disk may have with another spelling.
    to_spell: BTreeSet<PathBuf>,
    /// Folders to flush.
    touched: BTreeSet<PathBuf>,
    /// What stands for the flush of copies, as long as nothing else is done than making them.
    cover: Option<Cover>,
    /// Copies that were not flushed, by where they stand now.
    unflushed: Vec<String>,
    /// What belongs at the paths where a power cut may have left a part of it.
    expected: HashMap<String, Sha256>,
    /// Folders that others were made in.
    extended: BTreeSet<PathBuf>,
    next_name: u64,
    applied: Applied,
}

impl<'a> Work<'a> {
    pub(super) fn new(
        view: &'a View,
        blobs: &'a BlobStore,
        recorded: HashMap<String, ViewFile>,
    ) -> Self {
        Self {
            public: &view.public,
            folders: Folders::new(&view.public),
            kept: view.private.join("kept"),
            blobs,
            reflinks: &view.reflinks,
            recorded,
            links: BTreeSet::new(),
            made: HashSet::new(),
            spares: Spares::default(),
            to_spell: BTreeSet::new(),
            touched: BTreeSet::new(),
            cover: None,
            unflushed: Vec::new(),
            expected: HashMap::new(),
            extended: BTreeSet::new(),
            next_name: 0,
            applied: Applied::default(),
        }
    }

    /// Puts files in their places and removes those that have none any more.
    pub(super) fn apply(
        mut self,
        wanted: BTreeMap<String, Wanted>,
        before: Before<'_>,
        journal: &mut Journal,
    ) -> Result<Applied> {
        let Before {
            interrupted,
            thorough,
            ..
        } = before;
        if before.recovers {
            self.expect(&wanted, interrupted);
        }
        // Files of one size that were written within a tick of the clock look the same: of those
        // that were on their way, nothing is believed that is not read.
        self.recorded.retain(|path, _| !interrupted.contains(path));
        let paths = self.recorded.keys().chain(wanted.keys()).chain(interrupted);
        self.links = links_to(self.public, paths.map(String::as_str));
        if thorough || before.recovers {
            self.take_up_strays(&wanted, interrupted);
        }
        if thorough {
            self.to_spell = folders_of(wanted.keys());
        }
        let (to_write, to_remove) = self.differences(wanted, interrupted, thorough);
        self.find_respelled(&to_write, &to_remove);
        journal.add(to_write.keys().chain(&to_remove), before.noting)?;
        if to_remove.is_empty() && self.to_spell.is_empty() {
            let blobs = to_write.values().map(|wanted| wanted.sha256);
            self.cover = self.blobs.cover(blobs);
        }
        self.set_links_aside();
        self.set_aside(&to_write, &to_remove);
        self.put_in_place(to_write);
        self.drop_spares();
        self.flush_copies();
        self.flush();
        Ok(self.applied)
    }

    /// Remembers what those files have, where they are whole, that a power cut may have torn:
    /// those that were on their way, and those that no row knows yet.
    fn expect(&mut self, wanted: &BTreeMap<String, Wanted>, interrupted: &BTreeSet<String>) {
        for path in interrupted {
            let recorded = self.recorded.get(path).map(|file| file.sha256);
            let wanted = wanted.get(path).map(|wanted| wanted.sha256);
            if let Some(sha256) = wanted.or(recorded) {
                self.expected.insert(path.clone(), sha256);
            }
        }
        for (path, wanted) in wanted {
            if !self.recorded.contains_key(path) {
                self.expected.insert(path.clone(), wanted.sha256);
            }
        }
    }

    /// Says whether something is what a power cut has left of the file at a path: a copy that was
    /// not flushed. Nothing is lost with it.
    fn is_torn(&self, path: &str, aside: &Place) -> bool {
        let is_file = || aside.stamp().is_ok_and(|stamp| stamp.is_some());
        let Some(sha256) = self.expected.get(path).filter(|_| is_file()) else {
            return false;
        };
        let blob = std::fs::File::open(self.blobs.path(*sha256));
        let is_torn = aside.file().and_then(|found| whole::is_torn(found, blob?));
        is_torn.unwrap_or(false)
    }

    /// Remembers a failure; whatever else can be done is done.
    fn note(&mut self, error: Error) {
        self.cover = None;
        self.applied.failed = Some(error);
    }

    /// Finds which files have to change, and notes those that only belong to another row now.
    fn differences(
        &mut self,
        wanted: BTreeMap<String, Wanted>,
        interrupted: &BTreeSet<String>,
        thorough: bool,
    ) -> (BTreeMap<String, Wanted>, Vec<String>) {
        let mut to_remove: BTreeSet<String> =
            self.recorded.keys().chain(interrupted).cloned().collect();
        let mut to_write = BTreeMap::new();
        for (path, wanted) in wanted {
            to_remove.remove(&path);
            let Some(recorded) = self.recorded.get(&path) else {
                to_write.insert(path, wanted);
                continue;
            };
            let is_there = || {
                // What can't be looked at is reported when it is to be replaced.
                let found = self.place(Path::new(&path)).and_then(|place| place.stamp());
                found.is_ok_and(|found| found == Some(recorded.stamp()))
            };
            if recorded.sha256 != wanted.sha256
                || self.check_no_link(Path::new(&path)).is_err()
                || (thorough && !is_there())
            {
                to_write.insert(path, wanted);
            } else if (recorded.asset_id, recorded.animation_id)
                != (wanted.asset_id, wanted.animation_id)
            {
                let stamp = recorded.stamp();
                let project = recorded.project_id;
                self.applied
                    .written
                    .push(ViewFile::new(path, project, &wanted, stamp));
            }
        }
        (to_write, to_remove.into_iter().collect())
    }

    /// Refuses to go through a link that someone has put in the place of a folder.
    fn check_no_link(&self, path: &Path) -> Result<()> {
        if self.links.is_empty() {
            return Ok(());
        }
        let Some(link) = path.ancestors().find(|above| self.links.contains(*above)) else {
            return Ok(());
        };
        let is_link = io::Error::other("a link stands in the place of a folder");
        Err(is_link).at("using", &self.public.join(link))
    }

    /// Returns a path's name in its folder, which is held open.
    fn place(&self, path: &Path) -> Result<Place> {
        let place = self.folders.place(path);
        place.at("opening the folder of", &self.public.join(path))
    }

    /// The same; `None` where there is no such folder.
    fn place_if_there(&self, path: &Path) -> Result<Option<Place>> {
        match self.folders.place(path) {
            Err(error) if files::is_absent(&error) => Ok(None),
            place => place
                .at("opening the folder of", &self.public.join(path))
                .map(Some),
        }
    }

    /// Moves aside and keeps the links that stand in the place of folders. Where they lead
    /// to, nothing is touched.
    fn set_links_aside(&mut self) {
        for link in self.links.clone() {
            match self.set_one_aside(&link) {
                Ok(()) => drop(self.links.remove(&link)),
                Err(error) => self.note(error),
            }
        }
    }

    /// Moves aside what stands in the place of a folder. A folder that somebody has just put
    /// back is none of that.
    fn set_one_aside(&mut self, path: &Path) -> Result<()> {
        let place = self.place(path)?;
        let aside = self.new_name(MOVED_ASIDE, &place);
        place
            .rename(&aside.name)
            .at("moving aside", &place.path())?;
        let found = aside.look().at("looking at", &aside.path())?;
        if found.is_some_and(|found| found.kind == Kind::Folder) {
            let moved = move_at(&aside, &place);
            return moved.at("moving back", &place.path());
        }
        self.look_at(path, &aside)
    }

    /// Moves aside what stands where something else is to stand, or nothing.
    fn set_aside(&mut self, to_write: &BTreeMap<String, Wanted>, to_remove: &[String]) {
        for (path, wanted) in to_write {
            if let Err(error) = self.clear(path, Some(wanted)) {
                self.note(error);
            }
        }
        for path in to_remove {
            match self.clear(path, None) {
                Ok(()) => {
                    self.applied.forgotten.push(path.clone());
                    self.applied.done.removed += 1;
                }
                Err(error) => self.note(error),
            }
        }
    }

    /// Moves aside what stands at a path, unless it is what is wanted there.
    fn clear(&mut self, path: &str, wanted: Option<&Wanted>) -> Result<()> {
        self.check_no_link(Path::new(path))?;
        let Some(place) = self.place_if_there(Path::new(path))? else {
            return Ok(());
        };
        if place.look().at("looking at", &place.path())?.is_none() {
            return Ok(());
        }
        let is_recorded = self.is_as_recorded(path, &place)?;
        if let (Some(wanted), false) = (wanted, is_recorded) {
            // An interrupted run may have put it there already.
            if files::hash_at(&place)?.is_some_and(|(_, found)| found == wanted.sha256) {
                return Ok(());
            }
        }
        let aside = self.new_name(MOVED_ASIDE, &place);
        match place.rename(&aside.name) {
            Err(error) if files::is_absent(&error) => Ok(()),
            renamed => {
                renamed.at("moving aside", &place.path())?;
                self.look_at(Path::new(path), &aside)
            }
        }
    }

    fn is_as_recorded(&self, path: &str, place: &Place) -> Result<bool> {
        let recorded = self.recorded.get(path).map(ViewFile::stamp);
        Ok(recorded.is_some() && place.stamp()? == recorded)
    }

    /// Decides about something that was moved aside from a path: what the store has is spare,
    /// everything else is kept.
    fn look_at(&mut self, path: &Path, aside: &Place) -> Result<()> {
        self.cover = None;
        self.touched.insert(folder_of(path).to_owned());
        let file = path.with_file_name(&aside.name);
        let path = path.to_string_lossy().into_owned();
        let mut found = None;
        if let (Some(recorded), Some(stamp)) = (self.recorded.get(&path), aside.stamp()?)
            && recorded.stamp() == stamp
        {
            found = Some((stamp, recorded.sha256));
        } else if let Some((stamp, sha256)) = files::hash_at(aside)?
            && self.blobs.holds(sha256, stamp.file_size)
        {
            found = Some((stamp, sha256));
        }
        let Some((stamp, sha256)) = found else {
            if self.is_torn(&path, aside) {
                return aside.remove();
            }
            return self.keep(aside, &path);
        };
        self.spares.add(sha256, Spare { file, stamp, path });
        Ok(())
    }

    fn keep(&mut self, aside: &Place, path: &str) -> Result<()> {
        if planted::is(Planted::DropsForeign) {
            return aside.remove();
        }
        let kept_as = files::keep_at(aside, &self.kept, path)?;
        self.applied.done.kept.push(Kept {
            path: path.to_owned(),
            kept_as,
        });
        Ok(())
    }

    /// Removes what was moved aside and has no other place. Where the store has lost the bytes,
    /// this may be the last copy: it is kept.
    fn drop_spares(&mut self) {
        for (sha256, spare) in std::mem::take(&mut self.spares).into_rest() {
            let Spare { file, stamp, path } = spare;
            let done = self.place(&file).and_then(|file| {
                if self.blobs.holds(sha256, stamp.file_size) {
                    file.remove()
                } else {
                    self.keep(&file, &path)
                }
            });
            if let Err(error) = done {
                self.note(error);
            }
        }
    }

    fn new_name(&mut self, prefix: &str, beside: &Place) -> Place {
        loop {
            self.next_name += 1;
            let name = format!("{prefix}{}-{}", std::process::id(), self.next_name);
            let place = beside.beside(name.as_ref());
            if !matches!(place.look(), Ok(Some(_))) {
                return place;
            }
        }
    }
}

/// Returns the folders that files are in.
fn folders_of<'p>(paths: impl Iterator<Item = &'p String>) -> BTreeSet<PathBuf> {
    let mut folders = BTreeSet::new();
    let mut last = Path::new("");
    for path in paths {
        let folder = folder_of(Path::new(path));
        // Most lie where the one before lies.
        if folder != last {
            folders.insert(folder.to_owned());
            last = folder;
        }
    }
    folders
}

fn folder_of(path: &Path) -> &Path {
    path.parent().unwrap_or(Path::new(""))
}
