//! The doctor: everything that can be wrong between folder and database, found without changing
//! anything.
//!
//! Files and tables are read in the same order, page by page, and merged: nothing is asked of the
//! database file by file, and no file is opened. What seems wrong is looked at once more before
//! it is said, since others may write meanwhile.

mod blobs;
mod engine;
mod files;
mod finding;
mod logged;
mod place;
mod pointers;
mod repair;
mod report;
mod root;
mod rows;
mod settled;
mod walk;

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::db::sql::Sql;
use crate::db::{Session, aside, joined};
use crate::error::{Error, Result};
use crate::studio::Studio;
use crate::verify::{VerifyOptions, VerifyScope};
use logged::Logged;

pub use finding::{DoctorFinding, FindingKind, Severity};
pub use repair::{Outcome as RepairOutcome, Repair, RepairOptions, RepairReport};
pub use report::DoctorReport;

#[cfg(test)]
pub(crate) const STATEMENTS: &[&[&Sql]] = &[
    blobs::STATEMENTS,
    blobs::SCRUBBED_STATEMENTS,
    files::STATEMENTS,
    pointers::STATEMENTS,
    repair::STATEMENTS,
    repair::BYTES_STATEMENTS,
    root::STATEMENTS,
    rows::STATEMENTS,
];

/// How the doctor looks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DoctorOptions {
    /// Reads every blob and every file of the view, hashes them, compares all records, and has
    /// the engine check its own data thoroughly.
    pub deep: bool,
    /// How many findings of each kind the report lists; all are counted.
    pub max_listed: usize,
    /// How long ago a blob must have been written before it counts as one that nothing names:
    /// whoever adds an image writes its bytes first.
    pub orphan_grace: Duration,
    /// How long ago a part of the view must have become stale before that is a finding.
    pub outbox_grace: Duration,
    /// How long it waits for others who work on the view before it says that a difference could
    /// not be judged. Without differences it does not wait.
    pub patience: Duration,
    /// Has the engine check its own data and the keys between rows.
    pub engine_check: bool,
}

impl Default for DoctorOptions {
    /// 100 of each kind, an hour for blobs, ten minutes for the view, a minute of patience, with
    /// the engine's check.
    fn default() -> Self {
        Self {
            deep: false,
            max_listed: 100,
            orphan_grace: Duration::from_hours(1),
            outbox_grace: Duration::from_mins(10),
            patience: Duration::from_mins(1),
            engine_check: true,
        }
    }
}

/// What happens while the doctor looks.
#[derive(Debug)]
#[non_exhaustive]
pub enum DoctorEvent<'a> {
    /// How far it is.
    Progress {
        /// How many rows and files were looked at.
        done: u64,
        /// How many there are, about.
        total: u64,
    },
    /// Something was found; also what the report does not list any more.
    Found(&'a DoctorFinding),
}

/// What the parts tell.
enum Event {
    Found(DoctorFinding),
    /// So many more rows and files were looked at.
    Looked(Looked, u64),
}

/// What was looked at.
#[derive(Clone, Copy)]
enum Looked {
    Assets,
    Blobs,
    Files,
    Bytes,
}

/// What each part works with.
#[derive(Clone)]
struct Ward {
    studio: Studio,
    options: Arc<DoctorOptions>,
    events: mpsc::Sender<Event>,
    /// Nobody waits for the result any more.
    is_over: Arc<AtomicBool>,
    /// Whether the file system of the blobs keeps the rights of files, once that was to be known.
    keeps_rights: Arc<OnceLock<bool>>,
    logged: Arc<Logged>,
}

impl Ward {
    /// Tells of a finding.
    async fn found(&self, finding: DoctorFinding) {
        if self.logged.explains(&finding) {
            return;
        }
        self.tell(Event::Found(finding)).await;
    }

    async fn looked(&self, what: Looked, count: u64) {
        self.tell(Event::Looked(what, count)).await;
    }

    async fn tell(&self, event: Event) {
        if self.events.send(event).await.is_err() {
            self.is_over.store(true, Ordering::Relaxed);
        }
    }

    /// Says whether nobody waits for the result any more.
    fn is_over(&self) -> bool {
        self.is_over.load(Ordering::Relaxed)
    }

    /// Returns a path for a finding: below the studio's folder, where it is there.
    fn place(&self, path: &Path) -> String {
        below(&self.studio, path)
    }
}

/// Returns a path for a finding: below the studio's folder, where it is there.
fn below(studio: &Studio, path: &Path) -> String {
    let below = path.strip_prefix(studio.root()).unwrap_or(path);
    below.display().to_string()
}

/// Returns the number that a statement counts.
async fn count(session: &mut Session, sql: &Sql) -> Result<u64> {
    let count = session.optional(sql, &[], |row| row.at(0, "count"));
    Ok(count.await?.unwrap_or(0))
}

impl Studio {
    /// Looks for everything that can be wrong between the folder and the database, and changes
    /// nothing. To look at a studio as a crash left it, open it with [`Studio::open_read_only`]:
    /// [`Studio::open`] finishes what was interrupted.
    ///
    /// Others may work meanwhile: what seems wrong is looked at again before it is said, and
    /// what is explained by a change that is still on its way is not said. Where a blob is
    /// writable, one empty file is made and removed in `.pegbar/tmp`, to learn whether the file
    /// system keeps rights at all. `watch` is called with every finding and with how far it is.
    ///
    /// # Errors
    /// [`Error::Unavailable`], [`Error::Database`], [`Error::Io`] where it can't be looked
    /// at. What is wrong with a studio is no error: it is reported.
    pub async fn doctor(
        &self,
        options: &DoctorOptions,
        mut watch: impl FnMut(DoctorEvent<'_>) + Send,
    ) -> Result<DoctorReport> {
        let mut report = DoctorReport::new(options);
        let root = root::look(self, options).await?;
        let (events, mut told) = mpsc::channel(256);
        let ward = Ward {
            studio: self.clone(),
            options: Arc::new(options.clone()),
            events,
            is_over: Arc::default(),
            keeps_rights: Arc::default(),
            logged: Arc::new(Logged::of(self).await?),
        };
        for finding in root.findings {
            watch(DoctorEvent::Found(&finding));
            report.add(finding);
        }
        let total = self.count_for_doctor(root.has).await?;
        let parts = begin(&ward, root.has);
        drop(ward);
        let mut done = 0;
        while let Some(event) = told.recv().await {
            match event {
                Event::Found(finding) => {
                    watch(DoctorEvent::Found(&finding));
                    report.add(finding);
                }
                Event::Looked(what, count) => {
                    report.looked(what, count);
                    if !matches!(what, Looked::Bytes) {
                        done += count;
                        let total = total.max(done);
                        watch(DoctorEvent::Progress { done, total });
                    }
                }
            }
        }
        for part in parts {
            match joined(part).await {
                // What can't be read of the rows is what was looked for.
                Err(Error::Damaged { place, reason, .. }) => {
                    let reason = format!("{place}: {reason}");
                    let finding = DoctorFinding::DatabaseDamaged { reason };
                    watch(DoctorEvent::Found(&finding));
                    report.add(finding);
                }
                ended => ended?,
            }
        }
        if options.deep {
            self.verify_records(&mut report, &mut watch).await?;
        }
        Ok(report)
    }

    /// Compares all records with the rows.
    async fn verify_records(
        &self,
        report: &mut DoctorReport,
        watch: &mut (impl FnMut(DoctorEvent<'_>) + Send),
    ) -> Result<()> {
        let options = VerifyOptions { records_only: true };
        let scope = VerifyScope::Everything;
        let verified = self.verify(&scope, options, |_, _| {}).await?;
        for asset in verified.damaged {
            let is_told = |damage: &&crate::verify::Damage| damage.is_beyond_doctor();
            for damage in asset.damages.iter().filter(is_told) {
                let finding = DoctorFinding::RecordBroken {
                    project_id: asset.project_id,
                    asset_id: asset.asset_id,
                    reason: damage.to_string(),
                };
                watch(DoctorEvent::Found(&finding));
                report.add(finding);
            }
        }
        Ok(())
    }

    async fn count_for_doctor(&self, has: root::Has) -> Result<u64> {
        let mut session = self.database().read().await?;
        let assets = rows::count(&mut session).await?;
        let files = files::count(&mut session).await?;
        let of = |is_looked_at: bool, count: u64| if is_looked_at { count } else { 0 };
        Ok(assets + of(has.blobs, assets) + of(has.files, files))
    }
}

/// Begins the parts, each on a thread of its own.
fn begin(ward: &Ward, has: root::Has) -> Vec<JoinHandle<Result<()>>> {
    let mut parts = Vec::with_capacity(4);
    let part = ward.clone();
    parts.push(aside(move || async move {
        pointers::look(&part).await?;
        if part.options.engine_check {
            engine::look(&part).await?;
        }
        Ok(())
    }));
    let (part, has_files) = (ward.clone(), has.files);
    parts.push(aside(
        move || async move { rows::look(&part, has_files).await },
    ));
    if has.blobs {
        let part = ward.clone();
        parts.push(aside(move || async move { blobs::look(&part).await }));
    }
    if has.files {
        let part = ward.clone();
        parts.push(aside(move || async move { files::look(&part).await }));
    }
    parts
}
