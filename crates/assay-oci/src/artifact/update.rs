//! Changes what a tag names, while others may do the same.
//!
//! The specification foresees `If-Match` for this, and it is sent; but docker-registry and others take no notice of it, and nothing
//! in the answer tells. So after writing, the tag is read again, several times over a while, until what was to be there is there in
//! all of them, and everything that was ever seen there, too: whoever reads before our write and writes after it takes ours away,
//! and is found out as long as that takes less than the while. Surprising: an entry that somebody deletes during the same while
//! comes back.

use crate::registry::RegistryError;
use crate::registry::push::Condition;
use crate::repository::{Repository, RepositoryError, StoredManifest};
use crate::source::Selector;
use assay_model::Digest;
use std::time::{Duration, Instant};

/// Times the tag is written before giving up; dozens of writers at once need about as many.
const MAX_WRITES: u32 = 100;
/// Times in a row the tag has to be read in order.
const SETTLED: u32 = 3;
/// The shortest pause between two of them.
const PAUSE: Duration = Duration::from_millis(60);
/// The longest.
const MAX_PAUSE: Duration = Duration::from_secs(5);

/// What is to be done, having seen what the tag names.
pub(super) enum Step {
    /// All is there.
    Complete,
    /// This is to be written.
    Write {
        /// Its type.
        media_type: &'static str,
        /// Its bytes.
        bytes: Vec<u8>,
    },
}

/// What is to be there in the end.
pub(super) trait Change {
    /// Says what is to be done, the tag naming `current`.
    fn step(&mut self, current: Option<&StoredManifest>) -> Result<Step, RepositoryError>;

    /// Is told that the registry refused what was to be written; says whether it would write something else now.
    fn refused(&mut self, current: Option<&StoredManifest>) -> Result<bool, RepositoryError> {
        let _ = current;
        Ok(false)
    }
}

/// Changes what `tag` names until it is complete. `seed` makes writers that collide wait for different times.
pub(super) fn update(
    repository: &Repository,
    tag: &str,
    seed: &Digest,
    change: &mut impl Change,
) -> Result<(), RepositoryError> {
    let name = Selector::Name(tag.to_owned());
    let (mut writes, mut settled) = (0_u32, 0_u32);
    // How long it takes to read and write is how long another writer may take between the two.
    let mut slowest = Duration::ZERO;
    loop {
        let before = Instant::now();
        let current = repository.find(Some(&name))?;
        match change.step(current.as_ref())? {
            // Who wrote nothing collides with nobody, and a layout has a lock.
            Step::Complete if writes == 0 || !repository.races() || settled >= SETTLED => return Ok(()),
            Step::Complete => {
                settled = settled.saturating_add(1);
                slowest = slowest.max(before.elapsed());
            }
            Step::Write { media_type, bytes } => {
                if writes >= MAX_WRITES {
                    return Err(repository.contended(tag, writes));
                }
                let condition = match &current {
                    None => Condition::Absent,
                    Some(current) => current.entity_tag.clone().map_or(Condition::None, Condition::Unchanged),
                };
                match repository.put(media_type, &bytes, Some(tag), &condition) {
                    Ok(_) => {}
                    Err(RepositoryError::Registry(
                        error @ RegistryError::Status { status: 400..=499, .. },
                    )) => {
                        if !change.refused(current.as_ref())? {
                            return Err(error.into());
                        }
                    }
                    Err(error) => return Err(error),
                }
                settled = 0;
                writes = writes.saturating_add(1);
                slowest = slowest.max(before.elapsed());
            }
        }
        let base = PAUSE.max(slowest.saturating_mul(2)).min(MAX_PAUSE);
        repository.pause(base.saturating_add(jitter(seed, writes.wrapping_add(settled), base)))?;
    }
}

/// Returns a part of `most` that differs between writers and attempts.
fn jitter(seed: &Digest, attempt: u32, most: Duration) -> Duration {
    let bytes = seed.bytes();
    let at = usize::try_from(attempt).unwrap_or(0).checked_rem(bytes.len().max(1)).unwrap_or(0);
    let byte = bytes.get(at).copied().unwrap_or(0);
    most.saturating_mul(u32::from(byte)) / 255
}
