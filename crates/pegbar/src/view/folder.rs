//! The folders of the view, held open. Each is opened in the one above it and never through a
//! link, and what is done in it is done by name: a link that somebody puts in the place of a
//! folder meanwhile leads nowhere.

#[cfg_attr(unix, path = "folder/unix.rs")]
#[cfg_attr(not(unix), path = "folder/portable.rs")]
mod system;

use std::collections::{HashMap, VecDeque};
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use super::files::{Stamp, is_absent};
use crate::error::{IoContext, Result};
pub(super) use system::Folder;
use system::Identity;

/// How many folders are held open; many systems allow 1,024 open files, some 256.
const OPEN: usize = 64;

/// What something in a folder is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    File,
    Folder,
    Link,
    Other,
}

/// How something in a folder looks; a link is not followed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Look {
    pub(super) kind: Kind,
    pub(super) stamp: Stamp,
}

/// Why a folder is not used that a link stands in the place of.
fn is_link() -> io::Error {
    io::Error::other("a link stands in the place of a folder")
}

/// A name in an open folder, whatever is there.
#[derive(Clone)]
pub(super) struct Place {
    pub(super) folder: Arc<Folder>,
    pub(super) name: OsString,
}

impl Place {
    /// Opens the folder above a path, which the user may have put elsewhere by a link.
    pub(super) fn at(path: &Path) -> io::Result<Self> {
        let folder = match path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?;
        Ok(Self {
            folder: Arc::new(Folder::open(folder)?),
            name: name.to_owned(),
        })
    }

    /// Names a file beside this one.
    pub(super) fn beside(&self, name: &OsStr) -> Self {
        Self {
            folder: self.folder.clone(),
            name: name.to_owned(),
        }
    }

    /// Returns the path, for messages.
    pub(super) fn path(&self) -> PathBuf {
        self.folder.path().join(&self.name)
    }

    /// Says what is there, if anything is.
    pub(super) fn look(&self) -> io::Result<Option<Look>> {
        match self.folder.look(&self.name) {
            Err(error) if is_absent(&error) => Ok(None),
            found => found.map(Some),
        }
    }

    /// Returns how the file looks; `None` where there is none, or something that is not a file.
    pub(super) fn stamp(&self) -> Result<Option<Stamp>> {
        let found = self.look().at("looking at", &self.path())?;
        let file = found.filter(|found| found.kind == Kind::File);
        Ok(file.map(|found| found.stamp))
    }

    pub(super) fn file(&self) -> io::Result<File> {
        self.folder.file(&self.name)
    }

    /// Gives what is there another name in its folder.
    pub(super) fn rename(&self, name: &OsStr) -> io::Result<()> {
        self.folder.rename(&self.name, &self.folder, name)
    }

    /// Removes a file or a link.
    pub(super) fn remove(&self) -> Result<()> {
        self.folder.remove(&self.name).at("removing", &self.path())
    }
}

/// The folders that a run works in, by their paths relative to `public/assets`.
pub(super) struct Folders {
    root: PathBuf,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    root: Option<Arc<Folder>>,
    open: HashMap<PathBuf, Arc<Folder>>,
    /// In which order they were opened.
    order: VecDeque<PathBuf>,
    /// Which folders they were when they were opened first.
    identities: HashMap<PathBuf, Identity>,
}

impl Folders {
    /// `root` itself may be a link.
    pub(super) fn new(root: &Path) -> Self {
        Self {
            root: root.to_owned(),
            state: Mutex::default(),
        }
    }

    /// Returns the open folder at a path; refuses one that is another than before.
    pub(super) fn get(&self, path: &Path) -> io::Result<Arc<Folder>> {
        self.state().get(&self.root, path)
    }

    /// Returns the name at a path in its open folder.
    pub(super) fn place(&self, path: &Path) -> io::Result<Place> {
        let above = path.parent().unwrap_or(Path::new(""));
        let name = path.file_name().ok_or(io::ErrorKind::NotFound)?;
        Ok(Place {
            folder: self.get(above)?,
            name: name.to_owned(),
        })
    }

    /// Opens a folder anew, since it has just been created.
    pub(super) fn created(&self, path: &Path) -> io::Result<Arc<Folder>> {
        let mut state = self.state();
        state.open.remove(path);
        state.order.retain(|open| open != path);
        state.identities.remove(path);
        state.get(&self.root, path)
    }

    /// Closes all of them: who asks next sees what stands there now.
    pub(super) fn close(&self) {
        let mut state = self.state();
        state.root = None;
        state.open.clear();
        state.order.clear();
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn get(&mut self, root: &Path, path: &Path) -> io::Result<Arc<Folder>> {
        if path.as_os_str().is_empty() {
            return self.root(root);
        }
        if let Some(folder) = self.open.get(path) {
            return Ok(folder.clone());
        }
        // What leads up is no path of ours.
        let Some(Component::Normal(name)) = path.components().next_back() else {
            return Err(io::ErrorKind::NotFound.into());
        };
        let above = self.get(root, path.parent().unwrap_or(Path::new("")))?;
        let folder = Arc::new(above.folder(name)?);
        self.check(path, &folder)?;
        if self.open.len() >= OPEN
            && let Some(oldest) = self.order.pop_front()
        {
            self.open.remove(&oldest);
        }
        self.open.insert(path.to_owned(), folder.clone());
        self.order.push_back(path.to_owned());
        Ok(folder)
    }

    fn root(&mut self, root: &Path) -> io::Result<Arc<Folder>> {
        if let Some(folder) = &self.root {
            return Ok(folder.clone());
        }
        let folder = Arc::new(Folder::open(root)?);
        self.check(Path::new(""), &folder)?;
        Ok(self.root.insert(folder).clone())
    }

    /// Refuses a folder that is another than the one that was worked in.
    fn check(&mut self, path: &Path, folder: &Folder) -> io::Result<()> {
        let identity = folder.identity()?;
        match self.identities.get(path) {
            Some(known) if *known != identity => {
                let reason = "it was exchanged for another folder meanwhile";
                Err(io::Error::other(reason))
            }
            Some(_) => Ok(()),
            None => {
                self.identities.insert(path.to_owned(), identity);
                Ok(())
            }
        }
    }
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::super::files::keep_at;
    use super::super::moving::move_at;
    use super::*;

    struct Tree {
        folder: tempfile::TempDir,
        folders: Folders,
    }

    impl Tree {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            fs::create_dir_all(folder.path().join("public/a/b")).unwrap();
            fs::create_dir(folder.path().join("outside")).unwrap();
            let folders = Folders::new(&folder.path().join("public"));
            Self { folder, folders }
        }

        fn path(&self, below: &str) -> PathBuf {
            self.folder.path().join(below)
        }

        /// Exchanges a folder for a link to outside.
        fn exchange(&self, folder: &str) {
            fs::rename(self.path(folder), self.path("public/moved")).unwrap();
            symlink(self.path("outside"), self.path(folder)).unwrap();
        }

        fn outside(&self) -> usize {
            fs::read_dir(self.path("outside")).unwrap().count()
        }
    }

    #[test]
    fn a_link_that_comes_meanwhile_leads_nowhere() {
        for folder in ["public/a/b", "public/a"] {
            let tree = Tree::new();
            let copy = tree.folders.place(Path::new("a/b/copy")).unwrap();
            tree.exchange(folder);
            copy.folder.new_file(&copy.name).unwrap();
            copy.folder.create_folder("deeper".as_ref()).unwrap();
            move_at(&copy, &copy.beside("c".as_ref())).unwrap();
            assert_eq!(tree.outside(), 0);
            // Who asks anew is refused, at every depth.
            tree.folders.close();
            for path in ["a/b/c", "a/b/deeper/c"] {
                let refused = tree.folders.place(Path::new(path));
                let refused = refused.err().unwrap().to_string();
                assert_eq!(refused, "a link stands in the place of a folder");
            }
            fs::remove_file(tree.path(folder)).unwrap();
            fs::rename(tree.path("public/moved"), tree.path(folder)).unwrap();
            assert!(tree.folders.place(Path::new("a/b/c")).is_ok());
            assert!(tree.path("public/a/b/c").is_file());
        }
    }

    #[test]
    fn a_folder_that_is_another_one_now_is_refused() {
        let tree = Tree::new();
        tree.folders.get(Path::new("a/b")).unwrap();
        fs::rename(tree.path("public/a/b"), tree.path("public/moved")).unwrap();
        fs::create_dir(tree.path("public/a/b")).unwrap();
        tree.folders.close();
        let refused = tree.folders.get(Path::new("a/b")).err().unwrap();
        assert!(refused.to_string().contains("exchanged for another"));
        // Unless it is ours.
        assert!(tree.folders.created(Path::new("a/b")).is_ok());
    }

    #[test]
    fn what_leads_up_is_no_path() {
        let tree = Tree::new();
        for path in [
            "../outside/x",
            "a/../../outside/x",
            "a/..",
            "",
            "/etc/passwd",
        ] {
            let refused = tree.folders.place(Path::new(path)).err();
            assert!(refused.is_some_and(|error| is_absent(&error)), "{path}");
        }
    }

    #[test]
    fn few_folders_are_open_at_once() {
        let tree = Tree::new();
        for number in 0..3 * OPEN {
            let path = format!("a/{number}");
            fs::create_dir(tree.path("public").join(&path)).unwrap();
            tree.folders.created(Path::new(&path)).unwrap();
        }
        let state = tree.folders.state();
        assert_eq!((state.open.len(), state.order.len()), (OPEN, OPEN));
    }

    #[test]
    fn a_link_that_was_kept_leads_no_kept_file_out() {
        let tree = Tree::new();
        let kept = tree.path("kept");
        fs::create_dir_all(kept.join("a")).unwrap();
        symlink(tree.path("outside"), kept.join("a/b")).unwrap();
        fs::write(tree.path("public/a/b/mine"), "mine").unwrap();
        let mine = tree.folders.place(Path::new("a/b/mine")).unwrap();
        let kept_as = keep_at(&mine, &kept, "a/b/mine").unwrap();
        assert_eq!(kept_as, kept.join("~2/a/b/mine"));
        assert_eq!(tree.outside(), 0);
    }
}
