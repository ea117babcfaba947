//! One declaration for each finding.

/// Declares the findings: the facts of each, its code, how much it matters, how it is told, what
/// it means, and what mends it.
macro_rules! findings {
    ($(
        $(#[doc = $doc:literal])+
        $name:ident { $( $(#[doc = $field_doc:literal])+ $field:ident: $type:ty, )* }
        = $code:literal, $severity:ident, says $format:literal,
        means $meaning:literal,
        mend $mend:literal;
    )+) => {
        /// What can be wrong with a studio.
        #[derive(Clone, Debug, PartialEq, Eq, Serialize)]
        #[serde(untagged, rename_all_fields = "camelCase")]
        #[non_exhaustive]
        pub enum DoctorFinding {$(
            $(#[doc = $doc])+
            $name { $( $(#[doc = $field_doc])+ $field: $type, )* },
        )+}

        /// The kinds of findings.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum FindingKind {$(
            $(#[doc = $doc])+
            $name,
        )+}

        impl FindingKind {
            /// Every kind.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            /// Returns the word for programs, which stays the same: `blob_missing` …
            #[must_use]
            pub fn code(self) -> &'static str {
                match self { $(Self::$name => $code,)+ }
            }

            /// Returns how much it matters.
            #[must_use]
            pub fn severity(self) -> Severity {
                match self { $(Self::$name => Severity::$severity,)+ }
            }

            /// Says in a sentence what it means.
            #[must_use]
            pub fn meaning(self) -> &'static str {
                match self { $(Self::$name => $meaning,)+ }
            }

            /// Says in a sentence what mends it: mostly a command.
            #[must_use]
            pub fn mend(self) -> &'static str {
                match self { $(Self::$name => $mend,)+ }
            }
        }

        impl DoctorFinding {
            /// Returns what kind of finding it is.
            #[must_use]
            pub fn kind(&self) -> FindingKind {
                match self { $(Self::$name { .. } => FindingKind::$name,)+ }
            }
        }

        impl std::fmt::Display for DoctorFinding {
            /// Writes on one line what is wrong, and where.
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                match self {$(
                    #[allow(unused_variables, reason = "not every fact is told")]
                    Self::$name { $($field),* } => write!(f, $format),
                )+}
            }
        }
    };
}
pub(super) use findings;
