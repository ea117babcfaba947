//! What is to be mended, put in order.

use std::collections::{BTreeMap, BTreeSet};

use crate::doctor::finding::{DoctorFinding, FindingKind};
use crate::id::{AnimationId, ProjectId};

/// What is to be mended, by the way it is done.
#[derive(Default)]
pub(super) struct Plan {
    pub(super) modes: Vec<DoctorFinding>,
    pub(super) bytes: Vec<DoctorFinding>,
    pub(super) leftovers: Vec<DoctorFinding>,
    pub(super) orders: BTreeMap<ProjectId, BTreeMap<AnimationId, DoctorFinding>>,
    /// Stale parts of the view, and the note of an interrupted run.
    pub(super) pending: Vec<DoctorFinding>,
    /// Files of the view: only as many of each kind as are listed.
    pub(super) files: Vec<DoctorFinding>,
    pub(super) file_counts: BTreeMap<FindingKind, u64>,
    pub(super) projects: BTreeSet<ProjectId>,
    pub(super) missing: u64,
    /// Why nothing is to be believed.
    pub(super) refusal: Option<DoctorFinding>,
}

impl Plan {
    pub(super) fn add(&mut self, finding: &DoctorFinding, max_listed: usize) {
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
