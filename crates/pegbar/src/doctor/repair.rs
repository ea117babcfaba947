//! Mending what can be mended without losing anything: each finding is looked at again at the
//! moment when something is done about it, under the lock that changes of that kind take, and
//! what is in the way is moved aside.

mod bytes;
mod modes;
mod plan;
mod report;

use std::collections::{BTreeSet, HashMap};
use std::io;
use std::path::Path;

use super::DoctorEvent;
use super::finding::DoctorFinding;
use crate::blob::LOG;
use crate::db::sql::statements;
use crate::error::{Error, IoContext as _, Result};
use crate::studio::{Notice, Studio};
use crate::view::files::keep;
#[cfg(test)]
pub(super) use bytes::STATEMENTS as BYTES_STATEMENTS;
use bytes::Sources;
use plan::Plan;
pub use report::{Outcome, Repair, RepairOptions, RepairReport};

statements! {
    BLOBS = "SELECT count(DISTINCT sha256) FROM asset WHERE sha256 IS NOT NULL \
             AND bytes_dropped_at IS NULL";
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
        self.check_writable()?;
        // What a power cut has only torn is not lost, and not to be mended from elsewhere.
        if let Err(error) = self.replay_logs().await {
            self.notify(Notice::LogLeft(error));
        }
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
        let blobs = super::count(&mut session, &BLOBS).await?;
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
            let tried = sources.restore(self, &finding);
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
                report.done(finding, "removed: files that nothing needs any more");
                continue;
            }
            if place.join(LOG).exists() {
                let why = "not all that its log holds could be put in its place yet";
                let tried = Err(io::Error::other(why)).at("clearing", &place);
                report.tried(finding, tried.map(|()| String::new()));
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
