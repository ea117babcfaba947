//! Pieces of a file that are exchanged, and put back.

use std::ops::Range;

/// A piece that is taken out of a file, and what is put in its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::export) struct Splice {
    /// Where it begins, in bytes from the beginning of the file.
    pub(super) at: usize,
    /// How many bytes are taken out.
    pub(super) remove: usize,
    /// What is put there.
    pub(super) insert: Vec<u8>,
}

impl Splice {
    pub(super) fn inserting(at: usize, insert: Vec<u8>) -> Self {
        Self {
            at,
            remove: 0,
            insert,
        }
    }

    pub(super) fn replacing(place: Range<usize>, insert: Vec<u8>) -> Self {
        Self {
            at: place.start,
            remove: place.len(),
            insert,
        }
    }

    pub(super) fn removing(place: Range<usize>) -> Self {
        Self::replacing(place, Vec::new())
    }

    /// Exchanges the pieces, which stand in order and do not overlap.
    pub(in crate::export) fn apply(splices: &[Self], bytes: &[u8]) -> Vec<u8> {
        let mut copy = Vec::with_capacity(bytes.len());
        let mut at = 0;
        for splice in splices {
            copy.extend_from_slice(&bytes[at..splice.at]);
            copy.extend_from_slice(&splice.insert);
            at = splice.at + splice.remove;
        }
        copy.extend_from_slice(&bytes[at..]);
        copy
    }

    /// Returns, for each piece, where it begins in the copy, how long it is there, and what the
    /// original has instead.
    pub(in crate::export) fn undoing<'a>(
        splices: &'a [Self],
        original: &'a [u8],
    ) -> impl Iterator<Item = (usize, usize, &'a [u8])> {
        let (mut original_at, mut copy_at) = (0, 0);
        splices.iter().map(move |splice| {
            copy_at += splice.at - original_at;
            original_at = splice.at + splice.remove;
            let place = (copy_at, splice.insert.len());
            copy_at += splice.insert.len();
            (place.0, place.1, &original[splice.at..original_at])
        })
    }
}
