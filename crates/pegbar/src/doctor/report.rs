//! What the doctor found: every kind counted, the first of each listed.

use std::collections::BTreeMap;

use serde::Serialize;

use super::finding::{self, DoctorFinding, FindingKind, Severity};
use super::{DoctorOptions, Looked};

/// What the doctor found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DoctorReport {
    /// Files were read and hashed, too.
    pub is_deep: bool,
    /// How many assets' rows were looked at.
    pub assets: u64,
    /// How many blobs were looked at.
    pub blobs: u64,
    /// How many files below `public/assets` were looked at.
    pub files: u64,
    /// How many bytes were hashed.
    pub bytes: u64,
    /// How often each kind was found; what was not found is left out.
    #[serde(serialize_with = "finding::by_code")]
    pub counts: BTreeMap<FindingKind, u64>,
    /// The first findings of each kind, in the order in which they were found.
    ///
    /// In JSON each has, beside its facts, a `code`, a `severity` and a `message`.
    #[serde(serialize_with = "finding::in_words")]
    pub findings: Vec<DoctorFinding>,
    #[serde(skip)]
    max_listed: usize,
}

impl DoctorReport {
    pub(super) fn new(options: &DoctorOptions) -> Self {
        Self {
            is_deep: options.deep,
            assets: 0,
            blobs: 0,
            files: 0,
            bytes: 0,
            counts: BTreeMap::new(),
            findings: Vec::new(),
            max_listed: options.max_listed,
        }
    }

    pub(super) fn add(&mut self, finding: DoctorFinding) {
        let count = self.counts.entry(finding.kind()).or_default();
        *count += 1;
        if *count <= self.max_listed as u64 {
            self.findings.push(finding);
        }
    }

    pub(super) fn looked(&mut self, what: Looked, count: u64) {
        *match what {
            Looked::Assets => &mut self.assets,
            Looked::Blobs => &mut self.blobs,
            Looked::Files => &mut self.files,
            Looked::Bytes => &mut self.bytes,
        } += count;
    }

    /// Returns the report without the single findings, for whoever was told of each.
    #[must_use]
    pub fn without_findings(&self) -> Self {
        Self {
            findings: Vec::new(),
            ..self.clone()
        }
    }

    /// Returns whether there is neither damage nor anything that should be done; notes may be.
    #[must_use]
    pub fn is_healthy(&self) -> bool {
        self.count(Severity::Damage) == 0 && self.count(Severity::Attention) == 0
    }

    /// Returns how many findings matter this much.
    #[must_use]
    pub fn count(&self, severity: Severity) -> u64 {
        let counts = self.counts.iter();
        let own = counts.filter(|(kind, _)| kind.severity() == severity);
        own.map(|(_, count)| count).sum()
    }
}
