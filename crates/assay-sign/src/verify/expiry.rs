//! Warnings that what is trusted runs out, or has run out, before everything signed by it stops verifying.

use super::TrustRoot;
use assay_model::Timestamp;

/// How long before the end people are told: time enough for a new key to be made, spread and used.
pub const NOTICE: i64 = 30 * 86_400;

impl TrustRoot {
    /// Says which keys and certificates run out within [`NOTICE`], have run out, or are revoked.
    pub fn warnings(&self, now: Timestamp) -> Vec<String> {
        let mut warnings = Vec::new();
        let mut ends = |what: String, end: Timestamp| {
            if end < now {
                warnings.push(format!(
                    "{what} of the trust root `{}` has run out on {}",
                    self.name,
                    end.date_text()
                ));
            } else if end.0.saturating_sub(now.0) <= NOTICE {
                warnings.push(format!(
                    "{what} of the trust root `{}` runs out on {}",
                    self.name,
                    end.date_text()
                ));
            }
        };
        for trusted in self.keys.iter().filter(|trusted| !trusted.revoked) {
            if let Some(end) = trusted.not_after {
                ends(format!("the key `{}`", trusted.key.fingerprint_hex()), end);
            }
        }
        for trust in &self.notation {
            let stores = [&trust.authorities, &trust.signing_authorities, &trust.timestamp_authorities];
            for certificate in stores.into_iter().flatten() {
                ends(format!("the certificate `{}`", certificate.subject_text()), certificate.not_after);
            }
        }
        for trusted in self.keys.iter().filter(|trusted| trusted.revoked) {
            let name = trusted.key.fingerprint_hex();
            warnings.push(format!("the key `{name}` of the trust root `{}` is revoked", self.name));
        }
        warnings
    }
}
