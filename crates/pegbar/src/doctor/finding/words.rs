//! How findings are told: how much they matter, and how they are written in JSON.

use std::fmt;

use serde::ser::SerializeMap as _;
use serde::{Serialize, Serializer};

use super::{DoctorFinding, FindingKind};

/// How much a finding matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Something of the user's is lost, or may be.
    Damage,
    /// Nothing is lost, and something should be done.
    Attention,
    /// Nothing needs to be done.
    Note,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Damage => "damage",
            Self::Attention => "attention",
            Self::Note => "note",
        })
    }
}

impl DoctorFinding {
    /// Returns the word for programs, which stays the same.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.kind().code()
    }

    /// Returns how much it matters.
    #[must_use]
    pub fn severity(&self) -> Severity {
        self.kind().severity()
    }
}

impl fmt::Display for FindingKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl Serialize for FindingKind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code())
    }
}

/// A finding with its code and its words, as programs read it.
#[derive(Debug, Serialize)]
struct InWords<'a> {
    code: &'static str,
    severity: Severity,
    message: String,
    #[serde(flatten)]
    facts: &'a DoctorFinding,
}

/// Writes findings with their codes and words.
pub(crate) fn in_words<S: Serializer>(
    findings: &[DoctorFinding],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(findings.iter().map(DoctorFinding::in_words))
}

impl DoctorFinding {
    /// Returns the finding as it is written in JSON: its facts, with `code`, `severity` and
    /// `message`.
    #[must_use]
    pub fn in_words(&self) -> impl Serialize + '_ {
        InWords {
            code: self.code(),
            severity: self.severity(),
            message: self.to_string(),
            facts: self,
        }
    }
}

/// Writes how often each kind was found.
pub(crate) fn by_code<S: Serializer>(
    counts: &std::collections::BTreeMap<FindingKind, u64>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(Some(counts.len()))?;
    for (kind, count) in counts {
        map.serialize_entry(kind.code(), count)?;
    }
    map.end()
}
