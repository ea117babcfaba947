//! What a run has on its way: whoever finds it left behind finishes what was begun.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use crate::blob::sync_folder;
use crate::error::{IoContext, Result};
use crate::id::ProjectId;
use crate::parallel;
use crate::planted::{self, Planted};

const NAME: &str = "view-busy";

/// The paths whose files are on their way, until the rows know them: a file that was put in
/// place just before a crash is in no row yet.
pub(super) struct Journal {
    path: PathBuf,
    file: Option<File>,
    /// What an interrupted run left.
    interrupted: BTreeSet<String>,
    /// The last line has no end: the next one must not go on with it.
    is_torn: bool,
    /// A run left it, whatever is in it.
    was_there: bool,
    /// Its name is flushed.
    is_named: bool,
}

/// Whether what is noted outlives a power cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Noting {
    Durably,
    /// Only a crash of the process: after a power cut, the outbox tells.
    ForProcesses,
}

impl Journal {
    /// Says whether a run is on its way, or was interrupted.
    pub(super) fn is_there(private: &Path) -> bool {
        Self::place(private).exists()
    }

    pub(super) fn place(private: &Path) -> PathBuf {
        private.join(NAME)
    }

    /// Returns every path that an interrupted run left on its way.
    pub(super) fn into_interrupted(self) -> BTreeSet<String> {
        self.interrupted
    }

    pub(super) fn open(private: &Path) -> Result<Self> {
        let path = Self::place(private);
        let (text, was_there) = match fs::read(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => (Vec::new(), false),
            text => (text.at("reading", &path)?, true),
        };
        // Cut short in the middle of a letter, if a power cut came.
        let text = String::from_utf8_lossy(&text);
        // A line without its end was never acted on.
        let lines = text.split_inclusive('\n');
        let lines = lines.filter_map(|line| line.strip_suffix('\n'));
        // Some file systems leave holes in what was not flushed when the power went.
        let lines = lines.filter(|line| !line.contains('\0'));
        Ok(Self {
            interrupted: lines.map(str::to_owned).collect(),
            is_torn: !text.is_empty() && !text.ends_with('\n'),
            was_there,
            is_named: false,
            path,
            file: None,
        })
    }

    /// Says whether a run left it, even if nothing can be read of what it noted.
    pub(super) fn was_there(&self) -> bool {
        self.was_there
    }

    /// Returns the projects that an interrupted run worked on.
    pub(super) fn projects(&self) -> BTreeSet<ProjectId> {
        let paths = self.interrupted.iter();
        paths.filter_map(|path| project_of(path)).collect()
    }

    /// Returns the paths of a project that an interrupted run left on their way.
    pub(super) fn interrupted(&self, project: ProjectId) -> BTreeSet<String> {
        let paths = self.interrupted.iter();
        let own = paths.filter(|path| project_of(path) == Some(project));
        own.cloned().collect()
    }

    /// Notes paths before their files are touched.
    pub(super) fn add<'p>(
        &mut self,
        paths: impl Iterator<Item = &'p String>,
        noting: Noting,
    ) -> Result<()> {
        let new = paths.filter(|path| !self.interrupted.contains(*path));
        let lines: String = new.flat_map(|path| [path.as_str(), "\n"]).collect();
        // What a run before noted need not be on the disk either.
        let is_durable = self.is_named || !self.was_there || noting == Noting::ForProcesses;
        if (lines.is_empty() && is_durable) || planted::is(Planted::NoJournal) {
            return Ok(());
        }
        let mut file = if let Some(file) = self.file.take() {
            file
        } else {
            let mut options = File::options();
            let file = options.create(true).append(true).open(&self.path);
            file.at("creating", &self.path)?
        };
        if std::mem::take(&mut self.is_torn) {
            file.write_all(b"\n").at("writing", &self.path)?;
        }
        file.write_all(lines.as_bytes()).at("writing", &self.path)?;
        if noting == Noting::Durably {
            self.flush(&file)?;
        }
        self.file = Some(file);
        Ok(())
    }

    fn flush(&mut self, file: &File) -> Result<()> {
        let mut to_flush = vec![None];
        if !self.is_named {
            to_flush.extend(self.path.parent().map(Some));
        }
        let flushed = parallel::each(&to_flush, |folder| match folder {
            Some(folder) => sync_folder(folder),
            None => file.sync_data().at("flushing", &self.path),
        });
        flushed.into_iter().collect::<Result<()>>()?;
        self.is_named = true;
        Ok(())
    }

    /// Forgets the paths: their files and rows agree.
    pub(super) fn finish(self) -> Result<()> {
        match fs::remove_file(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            removed => removed.at("removing", &self.path),
        }
    }
}

/// A path begins with its project.
pub(super) fn project_of(path: &str) -> Option<ProjectId> {
    path.split('/').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_was_cut_short_spoils_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let project = "0192a0f0-7d3c-7a51-8f10-0123456789ab";
        let path = |name: &str| format!("{project}/takes/{name}");
        let torn = format!("{}\n{}", path("whole"), path("to"));
        fs::write(
            folder.path().join(NAME),
            [torn.as_bytes(), b"\xe8"].concat(),
        )
        .unwrap();
        let mut journal = Journal::open(folder.path()).unwrap();
        journal.add([path("next")].iter(), Noting::Durably).unwrap();
        let journal = Journal::open(folder.path()).unwrap();
        let interrupted = journal.interrupted(project.parse().unwrap());
        assert!(interrupted.contains(&path("whole")) && interrupted.contains(&path("next")));
        assert!(journal.was_there());
        journal.finish().unwrap();
        assert!(!Journal::is_there(folder.path()));
    }
}
