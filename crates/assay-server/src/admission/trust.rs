//! By what evidence is judged: the trust roots of the policy, what tells them from others, and when they say something else.

use super::decide::Judge;
use assay_model::{Digest, Timestamp};
use assay_sign::verify::TrustRoot;
use assay_store::Moment;
use sha2::{Digest as _, Sha256};

impl Judge {
    /// Judges evidence by these trust roots: those that the policy names. `material` is everything that they were read from besides the
    /// policy, such as files with keys: with other material former verdicts do not count.
    #[must_use]
    pub fn trusting(self, roots: Vec<TrustRoot>, material: &[u8]) -> Self {
        let trust = Digest::Sha256(Sha256::digest(material).into()).to_string();
        Self { roots, trust, ..self }
    }

    /// Returns what tells the trust roots from others besides the text of the policy.
    pub fn trust(&self) -> &str {
        &self.trust
    }

    /// Returns the trust roots by which evidence is judged.
    pub fn roots(&self) -> &[TrustRoot] {
        &self.roots
    }

    /// Returns when the policy says something else at the latest, if nothing but the time changes: an exception ends, or a key begins or
    /// ends to count.
    pub(super) fn changes_after(&self, now: Moment) -> Option<Moment> {
        let exceptions = self.policy.exceptions.iter().filter_map(|exception| exception.expires);
        let keys = self.roots.iter().flat_map(|root| &root.keys);
        // The last second belongs to the time in which a key counts.
        let keys = keys
            .flat_map(|key| [key.not_before, key.not_after.map(|end| Timestamp(end.0.saturating_add(1)))]);
        exceptions.chain(keys.flatten()).map(Moment::from).filter(|moment| *moment > now).min()
    }
}
