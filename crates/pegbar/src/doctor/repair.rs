//! Mending what can be mended without losing anything: each finding is looked at again at the
//! moment when something is done about it, under the lock that changes of that kind take, and
//! what is in the way is moved aside.

mod bytes;
mod modes;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use serde::{Serialize, Serializer};

use super::finding::{DoctorFinding, FindingKind};
use super::{DoctorEvent, DoctorOptions};
use crate::db::sql::statements;
use crate::error::{Error, Result};
use crate::id::{AnimationId, ProjectId};
use crate::studio::Studio;
use crate::view::files::keep;
#[cfg(test)]
pub(super) use bytes::STATEMENTS as BYTES_STATEMENTS;
use bytes::Sources;

statements! {
    BLOBS = "SELECT count(DISTINCT sha256) FROM asset WHERE sha256 IS NOT NULL \
             AND bytes_dropped_at IS NULL";
}

/// How much is mended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RepairOptions {
    /// How the doctor looks beforehand.
    pub doctor: DoctorOptions,
    /// Of how many percent of the blobs the absence is believed.
    pub max_missing_percent: u8,
    /// So many blobs may be missing in any case.
    pub max_missing: u64,
}

impl Default for RepairOptions {
    /// 5 percent, or 10 blobs.
    fn default() -> Self {
        Self {
            doctor: DoctorOptions::default(),
            max_missing_percent: 5,
            max_missing: 10,
        }
    }
}

/// What became of a finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(
    tag = "outcome",
    rename_all = "camelCase",
    rename_all_fields = "camelCase"
)]
#[non_exhaustive]
pub enum Outcome {
    /// It is mended.
    Mended {
        /// What was done.
        done: String,
    },
    /// It is mended, and what was there is kept.
    Kept {
        /// Where it is now.
        #[serde(serialize_with = "crate::text::serialize_path")]
        kept_as: PathBuf,
        /// The command that makes a take of it.
        offer: String,
    },
    /// It could not be mended.
    Left {
        /// Why.
        reason: String,
    },
}

/// A finding, and what became of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Repair {
    /// What was found.
    #[serde(serialize_with = "with_words")]
    pub finding: DoctorFinding,
    /// What became of it.
    #[serde(flatten)]
    pub outcome: Outcome,
}

fn with_words<S: Serializer>(finding: &DoctorFinding, serializer: S) -> Result<S::Ok, S::Error> {
    finding.in_words().serialize(serializer)
}

/// What mending did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RepairReport {
    /// The findings about which something was done or tried; of each kind as many as the
    /// doctor's report lists.
    pub repairs: Vec<Repair>,
    /// How many findings of each kind were mended in all.
    #[serde(serialize_with = "super::finding::by_code")]
    pub mended: BTreeMap<FindingKind, u64>,
    #[serde(skip)]
    max_listed: usize,
}

impl RepairReport {
    fn add(&mut self, finding: DoctorFinding, outcome: Outcome) {
        let kind = finding.kind();
        if !matches!(outcome, Outcome::Left { .. }) {
            *self.mended.entry(kind).or_default() += 1;
        }
        let listed = self
            .repairs
            .iter()
            .filter(|repair| repair.finding.kind() == kind);
        if listed.count() < self.max_listed {
            self.repairs.push(Repair { finding, outcome });
        }
    }

    fn done(&mut self, finding: DoctorFinding, done: impl Into<String>) {
        let done = done.into();
        self.add(finding, Outcome::Mended { done });
    }

    fn tried(&mut self, finding: DoctorFinding, tried: Result<String>) {
        match tried {
            Ok(done) => self.done(finding, done),
            Err(error) => {
                let reason = error.to_string();
                self.add(finding, Outcome::Left { reason });
            }
        }
    }
}

/// What is to be mended, by the way it is done.
#[derive(Default)]
struct Plan {
    modes: Vec<DoctorFinding>,
    bytes: Vec<DoctorFinding>,
    leftovers: Vec<DoctorFinding>,
    orders: BTreeMap<ProjectId, BTreeMap<AnimationId, DoctorFinding>>,
    /// Stale parts of the view, and the note of an interrupted run.
    pending: Vec<DoctorFinding>,
    /// Files of the view: only as many of each kind as are listed.
    files: Vec<DoctorFinding>,
    file_counts: BTreeMap<FindingKind, u64>,
    projects: BTreeSet<ProjectId>,
    missing: u64,
    /// Why nothing is to be believed.
    refusal: Option<DoctorFinding>,
}

impl Plan {
    fn add(&mut self, finding: &DoctorFinding, max_listed: usize) {
        use DoctorFinding as Found;
        let own = finding.clone();
        match finding {
            Found::StoreIdMissing { .. }
            | Found::StoreIdDiffers { .. }
            | Found::BlobsUnmounted { .. }
            | Found::ViewUnmounted { .. }
            | Found::ReadOnlyFileSystem { .. } => drop(self.refusal.get_or_insert(own)),
            Found::BlobWritable { .. }
            | Found::NotReadable { .. }
            | Found::FolderNotWritable { .. } => self.modes.push(own),
            Found::BlobMissing { .. } | Found::TrashBlobMissing { .. } => {
                self.missing += 1;
                self.bytes.push(own);
            }
            Found::BlobResized { .. }
            | Found::BlobAltered { .. }
            | Found::BlobUnreadable { .. } => {
                self.bytes.push(own);
            }
            Found::TmpLeftover { .. } => self.leftovers.push(own),
            Found::FrameGap {
                project_id,
                animation_id,
                ..
            }
            | Found::FrameDouble {
                project_id,
                animation_id,
                ..
            } => {
                let orders = self.orders.entry(*project_id).or_default();
                orders.insert(*animation_id, own);
            }
            Found::OutboxStale { .. } | Found::ViewInterrupted { .. } => self.pending.push(own),
            Found::ViewFileMissing { project_id, .. }
            | Found::ViewFileEdited { project_id, .. }
            | Found::ViewFileTouched { project_id, .. }
            | Found::ViewFileUnwritten { project_id, .. }
            | Found::ViewFileUnwanted { project_id, .. }
            | Found::ViewLeftover { project_id, .. }
            | Found::ViewLink { project_id, .. } => {
                self.projects.insert(*project_id);
                let count = self.file_counts.entry(finding.kind()).or_default();
                *count += 1;
                if *count <= max_listed as u64 {
                    self.files.push(own);
                }
            }
            _ => {}
        }
    }
}

impl Studio {
    /// Looks as [`Studio::doctor`] does and mends what can be mended without losing anything:
    /// bytes that another file has, files below `public/assets`, what an interruption left,
    /// rights, and the orders of frames. Everything is looked at again at that moment; what is
    /// in the way is moved to `.pegbar/kept`, and no file of anyone's is removed.
    ///
    /// `watch` is called as by [`Studio::doctor`], while it looks.
    ///
    /// # Errors
    /// [`Error::Unavailable`] where the studio's folders look as if a disk were not mounted, and
    /// where more blobs are missing than is believed: nothing is changed then. What can't be
    /// mended is no error: it is reported.
    pub async fn repair(
        &self,
        options: &RepairOptions,
        mut watch: impl FnMut(DoctorEvent<'_>) + Send,
    ) -> Result<RepairReport> {
        let max_listed = options.doctor.max_listed;
        let mut plan = Plan::default();
        let looked = self.doctor(&options.doctor, |event| {
            if let DoctorEvent::Found(finding) = &event {
                plan.add(finding, max_listed);
            }
            watch(event);
        });
        looked.await?;
        self.check_believable(&plan, options).await?;
        let mut report = RepairReport {
            max_listed,
            ..RepairReport::default()
        };
        for finding in std::mem::take(&mut plan.modes) {
            let tried = modes::mend(self, &finding);
            report.tried(finding, tried);
        }
        self.restore_bytes(std::mem::take(&mut plan.bytes), &mut report)
            .await?;
        self.clear_leftovers(std::mem::take(&mut plan.leftovers), &mut report)?;
        for (project, animations) in std::mem::take(&mut plan.orders) {
            plan.projects.insert(project);
            let closed = self.close_gaps(project, animations.keys().copied().collect());
            let closed = closed.await?;
            for (animation, finding) in animations {
                if closed.contains(&animation) {
                    report.done(
                        finding,
                        "the frames are numbered without gaps, in their order",
                    );
                }
            }
        }
        self.mend_files(plan, &mut report).await?;
        Ok(report)
    }

    /// Refuses where what seems to be gone may only be away.
    async fn check_believable(&self, plan: &Plan, options: &RepairOptions) -> Result<()> {
        if let Some(finding) = &plan.refusal {
            return Err(Error::Unavailable {
                message: format!("nothing was repaired: {finding}"),
                hint: finding.kind().mend().to_owned(),
                source: None,
            });
        }
        if plan.missing <= options.max_missing {
            return Ok(());
        }
        let mut session = self.database().read().await?;
        let blobs = session
            .optional(&BLOBS, &[], |row| row.at::<u64>(0, "count"))
            .await?
            .unwrap_or(0);
        let missing = plan.missing;
        if missing * 100 <= blobs * u64::from(options.max_missing_percent) {
            return Ok(());
        }
        Err(Error::Unavailable {
            message: format!(
                "nothing was repaired: {missing} of {blobs} blobs are missing, which looks as if a \
                 part of the store were not mounted or were being copied"
            ),
            hint:
                "look at .pegbar/blobs and its disk, and put back what is missing from a backup; \
                   `pegbar doctor` counts what is missing then"
                    .to_owned(),
            source: None,
        })
    }

    /// Puts bytes back that another file has.
    async fn restore_bytes(
        &self,
        findings: Vec<DoctorFinding>,
        report: &mut RepairReport,
    ) -> Result<()> {
        if findings.is_empty() {
            return Ok(());
        }
        let sources = Sources::find(self, &findings).await?;
        for finding in findings {
            let tried = sources.restore(self, &finding).await;
            report.tried(finding, tried);
        }
        Ok(())
    }

    /// Removes the half-written files of processes that are gone, as every opening does, and
    /// moves aside what else lies among them.
    fn clear_leftovers(
        &self,
        findings: Vec<DoctorFinding>,
        report: &mut RepairReport,
    ) -> Result<()> {
        if findings.is_empty() {
            return Ok(());
        }
        self.blobs().remove_leftovers()?;
        let left = self.blobs().workspaces()?;
        for finding in findings {
            let DoctorFinding::TmpLeftover { path } = &finding else {
                continue;
            };
            let place = self.root().join(path);
            let is_left = left
                .iter()
                .any(|workspace| workspace.folder == place && !workspace.is_live);
            if !is_left {
                report.done(finding, "removed: half-written files that nothing names");
                continue;
            }
            let kept = self.private_folder().join("kept");
            let name = format!("tmp/{}", file_name(&place));
            let tried = keep(&place, &kept, &name);
            let tried = tried.map(|kept| format!("moved to {}", kept.display()));
            report.tried(finding, tried);
        }
        Ok(())
    }

    /// Brings files of the view up to date, those of whole projects.
    async fn mend_files(&self, plan: Plan, report: &mut RepairReport) -> Result<()> {
        if plan.projects.is_empty() && plan.pending.is_empty() {
            return Ok(());
        }
        let mut projects = plan.projects;
        projects.extend(plan.pending.iter().filter_map(|finding| match finding {
            DoctorFinding::OutboxStale { project_id, .. } => Some(*project_id),
            _ => None,
        }));
        let synced = match self.sync_projects(projects).await {
            Ok(synced) => synced,
            Err(error @ (Error::Io { .. } | Error::Damaged { .. })) => {
                let reason = error.to_string();
                for finding in plan.pending.into_iter().chain(plan.files) {
                    let reason = reason.clone();
                    report.add(finding, Outcome::Left { reason });
                }
                return Ok(());
            }
            Err(error) => return Err(error),
        };
        let is_whole = synced.missing.is_empty() && synced.damaged.is_empty();
        for finding in plan.pending {
            if is_whole {
                report.done(finding, "the files follow the rows");
            } else {
                let reason = "the store does not have the bytes of some files".to_owned();
                report.add(finding, Outcome::Left { reason });
            }
        }
        let kept: HashMap<&str, &Path> = synced
            .kept
            .iter()
            .map(|kept| (kept.path.as_str(), kept.kept_as.as_path()))
            .collect();
        let missing = synced.missing.iter().map(|file| file.path.as_str());
        let damaged = synced.damaged.iter().map(|file| file.path.as_str());
        let without_bytes: BTreeSet<&str> = missing.chain(damaged).collect();
        // What is not listed was put right with the rest.
        for (kind, count) in &plan.file_counts {
            let listed = plan.files.iter().filter(|finding| finding.kind() == *kind);
            let more = count - listed.count() as u64;
            if more > 0 {
                *report.mended.entry(*kind).or_default() += more;
            }
        }
        for finding in plan.files {
            let path = view_path(&finding).unwrap_or_default();
            let outcome = match kept.get(path) {
                Some(kept_as) => Outcome::Kept {
                    kept_as: (*kept_as).to_owned(),
                    offer: format!("pegbar kept add {}", quoted(&below_kept(self, kept_as))),
                },
                None if without_bytes.contains(path) => Outcome::Left {
                    reason: "the store does not have its bytes".to_owned(),
                },
                None => Outcome::Mended {
                    done: done_about(&finding).to_owned(),
                },
            };
            report.add(finding, outcome);
        }
        Ok(())
    }
}

fn done_about(finding: &DoctorFinding) -> &'static str {
    match finding {
        DoctorFinding::ViewFileUnwanted { .. } => "removed; the store has its bytes",
        DoctorFinding::ViewLeftover { .. } => "taken up; the store has its bytes",
        DoctorFinding::ViewFileTouched { .. } => "its bytes are right",
        _ => "written from the store",
    }
}

fn view_path(finding: &DoctorFinding) -> Option<&str> {
    match finding {
        DoctorFinding::ViewFileMissing { path, .. }
        | DoctorFinding::ViewFileEdited { path, .. }
        | DoctorFinding::ViewFileTouched { path, .. }
        | DoctorFinding::ViewFileUnwritten { path, .. }
        | DoctorFinding::ViewFileUnwanted { path, .. }
        | DoctorFinding::ViewLeftover { path, .. }
        | DoctorFinding::ViewLink { path, .. } => Some(path),
        _ => None,
    }
}

fn file_name(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}

/// Returns what `pegbar kept` calls a kept file.
fn below_kept(studio: &Studio, kept_as: &Path) -> String {
    let folder = studio.private_folder().join("kept");
    let below = kept_as.strip_prefix(folder).unwrap_or(kept_as);
    below.to_string_lossy().into_owned()
}

/// Writes an argument for a shell.
fn quoted(text: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "/._-~".contains(c);
    if text.chars().all(is_plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', "'\\''"))
}
