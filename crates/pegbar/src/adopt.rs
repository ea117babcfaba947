//! Adopting: completing rows that other programs have written, with the files that lie at
//! their paths.
//!
//! First the bytes of every row of a project are taken in, without changing a row; a journal
//! remembers them. Then rows are completed, inputs first, some hundred in a transaction. Only
//! then the view gets the files' places, and old files go. So a file is never in the way of
//! another before its bytes are safe and it is known whose they are, and whoever goes on after
//! an interruption finds everything.

mod bytes;
mod journal;
mod leftover;
mod name;
mod order;
mod path;
mod place;
mod report;
mod row;
mod seal;

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, PoisonError};

use crate::blob::StoredImage;
use crate::db::Session;
use crate::error::{Error, Result};
use crate::id::{AnimationId, AssetId, ProjectId};
use crate::integrity;
use crate::lock::lock_file;
use crate::project;
use crate::studio::{Notice, Studio};
use crate::view::Stale;
use journal::Journal;
use path::RowPath;
use place::Place;
use row::Sealed;

pub use report::{AdoptReport, Disagreement, Finding, Subject};

#[cfg(test)]
pub(crate) const STATEMENTS: &[&[&crate::db::sql::Sql]] = &[
    leftover::STATEMENTS,
    name::STATEMENTS,
    row::STATEMENTS,
    seal::STATEMENTS,
];

/// What is adopted, and how.
#[derive(Clone, Copy, Debug, Default)]
pub struct AdoptOptions {
    /// Only this project; `None` for all.
    pub project: Option<ProjectId>,
    /// Says what would be done, and changes nothing.
    pub dry_run: bool,
}

/// One run over all projects, alone on the studio's folder.
struct Run<'a> {
    studio: &'a Studio,
    options: AdoptOptions,
    /// Every project there is.
    projects: HashSet<ProjectId>,
    place: Place,
    journal: Journal,
    report: AdoptReport,
    /// Behind a lock, so that another thread may go on with the run.
    progress: Mutex<&'a mut (dyn FnMut(u64, u64) + Send)>,
    done: u64,
    expected: u64,
    /// An old file could not be removed, and is to be tried again.
    is_left: bool,
}

/// The work on one project.
struct Work {
    project: ProjectId,
    /// Rows that are to be completed, and whose bytes are there.
    pending: HashMap<AssetId, Pending>,
    /// Whose file the first row that names it is.
    places: HashMap<RowPath, AssetId>,
    /// What this run has completed.
    sealed: HashMap<AssetId, Sealed>,
}

/// A row that is to be completed, and what was seen of it.
struct Pending {
    named: Option<String>,
    sha256: Option<String>,
    /// `None` where only the path is not right.
    image: Option<StoredImage>,
    /// The row does not say yet what its bytes say.
    needs_facts: bool,
    needs_record: bool,
}

impl Run<'_> {
    async fn adopt(&mut self, project: ProjectId, gaps: Vec<AnimationId>) -> Result<()> {
        let mut work = Work {
            project,
            pending: HashMap::new(),
            places: HashMap::new(),
            sealed: HashMap::new(),
        };
        self.name(&work).await?;
        let closed = if self.options.dry_run || gaps.is_empty() {
            gaps
        } else {
            self.studio.close_gaps(project, gaps).await?
        };
        let closed = closed.into_iter();
        let closed = closed.map(|animation| report::gaps_closed(project, animation));
        self.report.findings.extend(closed);
        self.take_in(&mut work).await?;
        self.complete(&mut work).await?;
        self.check_owners(&work).await
    }

    /// Commits a change and leaves the view for later: every row's bytes are to be safe first.
    async fn commit(&self, session: Session, stale: Stale) -> Result<()> {
        self.studio.commit_rows(session, stale).await
    }

    /// Reports why a row is not completed.
    fn leave(&mut self, work: &mut Work, asset: AssetId, disagreement: Disagreement) {
        work.pending.remove(&asset);
        self.report.left += 1;
        self.note(work, asset, disagreement);
    }

    /// Reports something about a row.
    fn note(&mut self, work: &Work, asset: AssetId, disagreement: Disagreement) {
        let finding = Finding::asset(work.project, asset, disagreement);
        self.report.findings.push(finding);
    }

    /// Says that there is more to do.
    fn expect(&mut self, more: u64) {
        self.expected += more;
        self.tell_progress();
    }

    /// Says that so much more is done.
    fn advance(&mut self, more: u64) {
        self.done += more;
        self.expected = self.expected.max(self.done);
        self.tell_progress();
    }

    fn tell_progress(&mut self) {
        let progress = self.progress.get_mut();
        progress.unwrap_or_else(PoisonError::into_inner)(self.done, self.expected);
    }
}

impl Studio {
    /// Adopts what other programs have written into the database: a web app's own client, or
    /// raw SQL.
    ///
    /// Characters and animations get their parts of paths, gaps in the orders of frames are
    /// closed, and each asset without hash or record is completed: the file at its path is
    /// taken in, what its bytes say is filled in, and its record is made, inputs first. Its
    /// file moves to the conventional path. What can't be done without guessing is left as it
    /// is and reported.
    ///
    /// The paths in such rows are hostile: nothing outside `public/assets` is read, no link is
    /// followed, and another project's folder is not touched. A file outside the convention
    /// goes only when its bytes are safe, it is unchanged and no other row names it.
    ///
    /// An adoption that was interrupted goes on with the next call. Repeating it changes
    /// nothing more. `progress` is called with how many rows are done, and how many there are
    /// to do as far as is known.
    ///
    /// # Errors
    /// [`Error::NotFound`] for the project; [`Error::Io`] and [`Error::Unavailable`] where the
    /// store or the database fails: what was done stays.
    pub async fn adopt(
        &self,
        options: AdoptOptions,
        mut progress: impl FnMut(u64, u64) + Send,
    ) -> Result<AdoptReport> {
        let private = self.private_folder();
        let _alone = if options.dry_run {
            None
        } else {
            Some(lock_file(&private.join("adopt-lock")).await?)
        };
        let mut session = self.database().read().await?;
        let projects = project::ids(&mut session).await?;
        let chosen = match options.project {
            Some(id) if !projects.contains(&id) => return Err(Error::not_found("project", id)),
            Some(id) => vec![id],
            None => projects.clone(),
        };
        let mut expected = 0;
        for id in &chosen {
            expected += row::count(&mut session, *id).await?;
        }
        let mut gaps = integrity::animations_with_gaps(&mut session).await?;
        drop(session);
        let mut run = Run {
            studio: self,
            options,
            projects: projects.into_iter().collect(),
            place: Place::open(&self.assets_folder())?,
            journal: Journal::open(&private)?,
            report: AdoptReport {
                is_dry_run: options.dry_run,
                ..AdoptReport::default()
            },
            progress: Mutex::new(&mut progress),
            done: 0,
            expected: 0,
            is_left: false,
        };
        run.expect(expected);
        for id in chosen {
            let gaps = gaps.remove(&id).unwrap_or_default();
            run.adopt(id, gaps).await?;
        }
        let mut is_finished = false;
        if !options.dry_run {
            match self.update_view().await {
                Ok(_) => is_finished = true,
                Err(error) => self.notify(Notice::ViewStale(error)),
            }
            run.remove_old_files().await?;
        }
        run.list_foreign().await?;
        if is_finished && !run.is_left {
            run.journal.finish()?;
        }
        Ok(run.report)
    }
}
