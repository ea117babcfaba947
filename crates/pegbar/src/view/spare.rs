//! Files that were moved aside and have bytes of the store: for other places, or to be dropped.

use std::collections::HashMap;
use std::path::PathBuf;

use super::files::Stamp;
use crate::hash::Sha256;

/// A file that was moved aside.
pub(super) struct Spare {
    /// Where it is now, relative to `public/assets`.
    pub(super) file: PathBuf,
    pub(super) stamp: Stamp,
    /// The path of the view where it stood.
    pub(super) path: String,
}

/// Files that were moved aside, by the hash of their bytes.
#[derive(Default)]
pub(super) struct Spares(HashMap<Sha256, Vec<Spare>>);

impl Spares {
    pub(super) fn add(&mut self, sha256: Sha256, spare: Spare) {
        self.0.entry(sha256).or_default().push(spare);
    }

    /// Returns one with these bytes.
    pub(super) fn take(&mut self, sha256: Sha256) -> Option<Spare> {
        self.0.get_mut(&sha256)?.pop()
    }

    /// Returns those that nobody took.
    pub(super) fn into_rest(self) -> impl Iterator<Item = (Sha256, Spare)> {
        let rest = self.0.into_iter();
        rest.flat_map(|(sha256, spares)| spares.into_iter().map(move |spare| (sha256, spare)))
    }
}
