//! Merkle inclusion proofs (RFC 6962, section 2.1.1; the algorithm is that of RFC 9162, section 2.1.3.2).

use super::InvalidEntry;
use crate::bundle::InclusionProof;
use sha2::{Digest as _, Sha256};

/// The most hashes of a proof: one for each level of a tree of 2⁶³ leaves.
const MAX_HASHES: usize = 64;

/// Verifies that `body` is the leaf at the proof's index.
pub(super) fn verify(proof: &InclusionProof, body: &[u8]) -> Result<(), InvalidEntry> {
    let (Ok(index), Ok(size)) = (u64::try_from(proof.log_index), u64::try_from(proof.tree_size)) else {
        return Err(InvalidEntry::Inclusion);
    };
    let hashes: Vec<&[u8]> = proof.hashes.iter().map(|hash| hash.0.as_slice()).collect();
    let leaf: [u8; 32] = Sha256::new().chain_update([0]).chain_update(body).finalize().into();
    match root(leaf, index, size, &hashes) {
        Some(root) if root.as_slice() == proof.root_hash.0 => Ok(()),
        _ => Err(InvalidEntry::Inclusion),
    }
}

/// Returns the root that the proof leads to.
fn root(leaf: [u8; 32], index: u64, size: u64, hashes: &[&[u8]]) -> Option<[u8; 32]> {
    if index >= size || hashes.len() > MAX_HASHES {
        return None;
    }
    let (mut node, mut last) = (index, size - 1);
    let mut hash = leaf;
    for sibling in hashes {
        if last == 0 || sibling.len() != 32 {
            return None;
        }
        if node & 1 == 1 || node == last {
            hash = parent(sibling, &hash);
            while node & 1 == 0 && node != 0 {
                node >>= 1;
                last >>= 1;
            }
        } else {
            hash = parent(&hash, sibling);
        }
        node >>= 1;
        last >>= 1;
    }
    (last == 0).then_some(hash)
}

fn parent(left: &[u8], right: &[u8]) -> [u8; 32] {
    Sha256::new().chain_update([1]).chain_update(left).chain_update(right).finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leaf(index: u64) -> [u8; 32] {
        Sha256::new().chain_update([0]).chain_update(index.to_be_bytes()).finalize().into()
    }

    /// The definition of RFC 6962, section 2.1: the root of some leaves, and the path of one of them.
    fn tree(leaves: &[[u8; 32]], index: usize) -> ([u8; 32], Vec<[u8; 32]>) {
        if let [only] = leaves {
            return (*only, Vec::new());
        }
        let split = leaves.len().next_power_of_two() / 2;
        let (left, right) = leaves.split_at(split);
        if index < split {
            let (hash, mut path) = tree(left, index);
            let (other, _) = tree(right, 0);
            path.push(other);
            (parent(&hash, &other), path)
        } else {
            let (hash, mut path) = tree(right, index - split);
            let (other, _) = tree(left, 0);
            path.push(other);
            (parent(&other, &hash), path)
        }
    }

    #[test]
    fn every_leaf_of_every_small_tree_is_proven_and_nothing_else() {
        for size in 1..20_u64 {
            let leaves: Vec<_> = (0..size).map(leaf).collect();
            for index in 0..size {
                let (want, path) = tree(&leaves, usize::try_from(index).unwrap());
                let hashes: Vec<&[u8]> = path.iter().map(<[u8; 32]>::as_slice).collect();
                assert_eq!(root(leaf(index), index, size, &hashes), Some(want), "{index} of {size}");
                assert_ne!(root(leaf(index + 1), index, size, &hashes), Some(want));
                assert_eq!(root(leaf(index), size, size, &hashes), None);
                if let Some(fewer) = hashes.len().checked_sub(1) {
                    assert_eq!(root(leaf(index), index, size, &hashes[..fewer]), None);
                }
                let more = [hashes.as_slice(), &[&want]].concat();
                assert_eq!(root(leaf(index), index, size, &more), None);
            }
        }
    }
}
