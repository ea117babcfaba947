//! The Merkle tree of a head (RFC 9162, section 2.1.1), made leaf by leaf.

use sha2::Digest as _;

use crate::hash::Sha256;

/// A tree that grows: one hash for each whole subtree, the largest first.
#[derive(Debug, Default)]
pub(super) struct Tree {
    /// The hash of each whole subtree, and how many leaves it has: powers of two, falling.
    subtrees: Vec<(Sha256, u64)>,
}

impl Tree {
    /// Adds a leaf behind the others.
    pub(super) fn push(&mut self, leaf: &[u8]) {
        let mut hash = hash(0, &[leaf]);
        let mut leaves = 1;
        while let Some((left, count)) = self.subtrees.pop_if(|(_, count)| *count == leaves) {
            hash = node(left, hash);
            leaves += count;
        }
        self.subtrees.push((hash, leaves));
    }

    /// Returns the hash over all leaves; of none, that of no bytes.
    pub(super) fn root(&self) -> Sha256 {
        let mut subtrees = self.subtrees.iter().rev().map(|(hash, _)| *hash);
        match subtrees.next() {
            None => Sha256::of(b""),
            Some(last) => subtrees.fold(last, |right, left| node(left, right)),
        }
    }
}

fn node(left: Sha256, right: Sha256) -> Sha256 {
    hash(1, &[&left.0, &right.0])
}

/// Leaves and nodes begin with different bytes, so that none passes for the other.
fn hash(kind: u8, parts: &[&[u8]]) -> Sha256 {
    let mut hasher = sha2::Sha256::new();
    hasher.update([kind]);
    for part in parts {
        hasher.update(part);
    }
    Sha256(hasher.finalize().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The definition of the RFC, word for word.
    fn defined(leaves: &[Vec<u8>]) -> Sha256 {
        match leaves {
            [] => Sha256::of(b""),
            [leaf] => Sha256::of(&[&[0], leaf.as_slice()].concat()),
            _ => {
                let split = leaves.len().next_power_of_two() / 2;
                let (left, right) = (defined(&leaves[..split]), defined(&leaves[split..]));
                Sha256::of(&[&[1], &left.0[..], &right.0[..]].concat())
            }
        }
    }

    #[test]
    fn growing_leaf_by_leaf_gives_the_tree_of_the_rfc() {
        let mut tree = Tree::default();
        let mut leaves = Vec::new();
        for number in 0_u32..200 {
            assert_eq!(tree.root(), defined(&leaves), "{number} leaves");
            tree.push(&number.to_le_bytes());
            leaves.push(number.to_le_bytes().to_vec());
        }
    }

    #[test]
    fn the_trees_of_the_reference_implementation_come_out() {
        // From the tests of Certificate Transparency's own implementation.
        let inputs: [&[u8]; 8] = [
            b"",
            &[0x00],
            &[0x10],
            &[0x20, 0x21],
            &[0x30, 0x31],
            &[0x40, 0x41, 0x42, 0x43],
            &[0x50, 0x51, 0x52, 0x53, 0x54, 0x55, 0x56, 0x57],
            &[
                0x60, 0x61, 0x62, 0x63, 0x64, 0x65, 0x66, 0x67, 0x68, 0x69, 0x6a, 0x6b, 0x6c, 0x6d,
                0x6e, 0x6f,
            ],
        ];
        let mut tree = Tree::default();
        inputs[..3].iter().for_each(|input| tree.push(input));
        let of_three = "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77";
        assert_eq!(tree.root().to_string(), of_three);
        inputs[3..].iter().for_each(|input| tree.push(input));
        let of_eight = "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328";
        assert_eq!(tree.root().to_string(), of_eight);
    }
}
