//! How much is mended, and what became of each finding.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Serialize, Serializer};

use crate::doctor::DoctorOptions;
use crate::doctor::finding::{DoctorFinding, FindingKind, by_code};
use crate::error::Result;

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
    #[serde(serialize_with = "by_code")]
    pub mended: BTreeMap<FindingKind, u64>,
    #[serde(skip)]
    pub(super) max_listed: usize,
}

impl RepairReport {
    pub(super) fn add(&mut self, finding: DoctorFinding, outcome: Outcome) {
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

    pub(super) fn done(&mut self, finding: DoctorFinding, done: impl Into<String>) {
        let done = done.into();
        self.add(finding, Outcome::Mended { done });
    }

    pub(super) fn tried(&mut self, finding: DoctorFinding, tried: Result<String>) {
        match tried {
            Ok(done) => self.done(finding, done),
            Err(error) => {
                let reason = error.to_string();
                self.add(finding, Outcome::Left { reason });
            }
        }
    }
}
