//! The folders that files are put in: made before, looked through for what was left in them, and
//! flushed after.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use super::{Work, folder_of, folders_of};
use crate::disk::create_folders;
use crate::error::{IoContext, Result};
use crate::parallel;
use crate::segment::fold;
use crate::view::files::{self, BEING_WRITTEN, MOVED_ASIDE};
use crate::view::folder::{Kind, Place};
use crate::view::stock::Wanted;

impl Work<'_> {
    /// Makes a folder and those above it; a file that has its name is moved aside. A link that
    /// was put there since the run began is left to the next one, which sees what is behind it.
    pub(super) fn make_folder(&mut self, folder: &Path) -> Result<()> {
        if self.made.contains(folder) {
            return Ok(());
        }
        if folder.as_os_str().is_empty() {
            create_folders(self.public)?;
        } else {
            self.make_folder(folder_of(folder))?;
            self.make_folder_in_folder(folder)?;
        }
        self.made.insert(folder.to_owned());
        Ok(())
    }

    fn make_folder_in_folder(&mut self, folder: &Path) -> Result<()> {
        let place = self.place(folder)?;
        let found = place.look().at("looking at", &place.path())?;
        if !found.is_some_and(|found| matches!(found.kind, Kind::Folder | Kind::Link)) {
            self.touched.insert(folder_of(folder).to_owned());
            self.extended.insert(folder_of(folder).to_owned());
            if found.is_some() {
                self.set_one_aside(folder)?;
            }
            match place.folder.create_folder(&place.name) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                created => {
                    created.at("creating", &place.path())?;
                    let opened = self.folders.created(folder);
                    return opened.at("opening", &place.path()).map(drop);
                }
            }
        }
        self.folders
            .get(folder)
            .at("opening", &place.path())
            .map(drop)
    }

    /// Takes up what an interrupted run left on its way.
    pub(super) fn take_up_strays(
        &mut self,
        wanted: &BTreeMap<String, Wanted>,
        interrupted: &BTreeSet<String>,
    ) {
        let paths = self.recorded.keys().chain(wanted.keys()).chain(interrupted);
        let folders: BTreeSet<PathBuf> = paths
            .flat_map(|path| Path::new(path).ancestors().skip(1))
            .map(Path::to_owned)
            .collect();
        for folder in self.without_respelled(folders) {
            if self.check_no_link(&folder).is_err() {
                continue;
            }
            if let Err(error) = self.take_up_strays_in(&folder) {
                self.note(error);
            }
        }
    }

    /// Leaves out folders that a disk which ignores case has under another of these spellings:
    /// what lies in a folder is to be found once.
    fn without_respelled(&self, folders: BTreeSet<PathBuf>) -> Vec<PathBuf> {
        let mut groups: BTreeMap<String, Vec<PathBuf>> = BTreeMap::new();
        for folder in folders {
            groups.entry(folded(&folder)).or_default().push(folder);
        }
        let mut all = Vec::with_capacity(groups.len());
        for mut group in groups.into_values() {
            if group.len() > 1 {
                let (spelled, others): (Vec<_>, Vec<_>) = group
                    .into_iter()
                    .partition(|folder| self.is_spelled(folder));
                group = if spelled.is_empty() {
                    others.into_iter().take(1).collect()
                } else {
                    spelled
                };
            }
            all.extend(group);
        }
        all
    }

    /// Says whether the disk has a folder with this spelling of its name.
    fn is_spelled(&self, folder: &Path) -> bool {
        let names = self.folders.get(folder_of(folder));
        let names = names.and_then(|above| above.names()).unwrap_or_default();
        names
            .iter()
            .any(|name| Some(name.as_os_str()) == folder.file_name())
    }

    fn take_up_strays_in(&mut self, path: &Path) -> Result<()> {
        let folder = match self.folders.get(path) {
            Err(error) if files::is_absent(&error) => return Ok(()),
            folder => folder.at("opening", &self.public.join(path))?,
        };
        let names = folder.names().at("reading", folder.path())?;
        for name in names {
            let stray = Place {
                folder: folder.clone(),
                name,
            };
            let name = stray.name.to_string_lossy();
            if name.starts_with(BEING_WRITTEN) {
                stray.remove()?;
            } else if name.starts_with(MOVED_ASIDE) {
                self.look_at(&path.join(&stray.name), &stray)?;
            }
        }
        Ok(())
    }

    /// Finds the folders that files come into while others leave one whose name differs by
    /// spelling only.
    pub(super) fn find_respelled(
        &mut self,
        to_write: &BTreeMap<String, Wanted>,
        to_remove: &[String],
    ) {
        let left = folders_of(to_remove.iter());
        if left.is_empty() {
            return;
        }
        let entered = folders_of(to_write.keys());
        let left: HashSet<String> = left.difference(&entered).map(|path| folded(path)).collect();
        let respelled = entered
            .into_iter()
            .filter(|path| left.contains(&folded(path)));
        self.to_spell.extend(respelled);
    }

    /// Gives folders the spelling that their paths have: a disk that ignores case keeps the one
    /// a folder was made with, whatever name it is opened by. What fails is left to the next run
    /// that looks at everything, since the files are where their paths say.
    fn spell(&mut self) {
        let mut above: BTreeMap<PathBuf, Vec<OsString>> = BTreeMap::new();
        for folder in std::mem::take(&mut self.to_spell) {
            if let Some(name) = folder.file_name() {
                let names = above.entry(folder_of(&folder).to_owned()).or_default();
                names.push(name.to_owned());
            }
        }
        for (path, names) in above {
            let Ok(folder) = self.folders.get(&path) else {
                continue;
            };
            let there: HashSet<OsString> = folder.names().unwrap_or_default().into_iter().collect();
            for name in names.into_iter().filter(|name| !there.contains(name)) {
                let key = fold(&name.to_string_lossy());
                let place = Place {
                    folder: folder.clone(),
                    name,
                };
                let is_there =
                    matches!(place.look(), Ok(Some(found)) if found.kind == Kind::Folder);
                let mut others = there.iter().filter(|_| is_there);
                let other = others.find(|other| fold(&other.to_string_lossy()) == key);
                let Some(other) = other else { continue };
                if place.beside(other).rename(&place.name).is_ok() {
                    self.touched.insert(path.clone());
                    // Some file systems take it for another folder now.
                    self.touched.remove(&path.join(other));
                    let spelled = path.join(&place.name);
                    let _ = self.folders.created(&spelled);
                    self.touched.insert(spelled);
                }
            }
        }
    }

    /// Flushes the folders that have changed, and removes those that are empty now. A folder
    /// that is no longer where it was when it was worked in is left to the next run.
    pub(super) fn flush(&mut self) {
        let emptied = self.applied.forgotten.iter();
        let emptied = emptied.flat_map(|path| Path::new(path).ancestors().skip(1));
        let emptied: BTreeSet<PathBuf> = emptied
            .filter(|folder| !folder.as_os_str().is_empty())
            .map(Path::to_owned)
            .collect();
        // Deepest first: a folder sorts before what is in it.
        for folder in emptied.iter().rev() {
            let place = self.folders.place(folder);
            if place.is_ok_and(|place| place.folder.remove_folder(&place.name).is_ok()) {
                self.touched.remove(folder);
                self.touched.insert(folder_of(folder).to_owned());
            }
        }
        self.spell();
        self.folders.close();
        let touched: Vec<PathBuf> = std::mem::take(&mut self.touched).into_iter().collect();
        let flushed = parallel::each(&touched, |path| {
            let flushed = self.folders.get(path).and_then(|folder| folder.flush());
            flushed.at("flushing", &self.public.join(path))
        });
        for error in flushed.into_iter().filter_map(Result::err) {
            self.note(error);
        }
    }
}

/// A path as a disk that ignores case compares it.
fn folded(path: &Path) -> String {
    fold(&path.to_string_lossy())
}
