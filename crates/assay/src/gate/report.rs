//! Reports that come with a signature: who vouches for what a scan found elsewhere.

use crate::error::CommandError;
use crate::{environment, source::read_file};
use assay_sign::bundle::Bundle;
use assay_sign::statement::SIGN;
use assay_sign::verify::{Artifact, Trust, TrustRoot, bundle};
use std::path::Path;

/// Returns the trust roots for which a bundle holds as the signature of a report.
///
/// # Errors
/// Fails when it holds for none: whoever names a signature relies on it.
pub(super) fn signers(path: &Path, report: &[u8], roots: &[TrustRoot]) -> Result<Vec<String>, CommandError> {
    let failed = |error: Box<dyn std::error::Error + Send + Sync>| {
        CommandError::work(format!("cannot use the signature of the report, `{}`", path.display()), error)
            .hint("sign the report with `assay sign-blob --key NAME.key --bundle FILE REPORT`, by a key that the policy trusts")
    };
    let bytes = read_file(path).map_err(|error| failed(error.into()))?;
    let parsed = Bundle::parse(&bytes).map_err(|error| failed(error.into()))?;
    let artifact = Artifact::from_bytes(report);
    let now = environment::clock();
    let (mut signers, mut why) = (Vec::new(), "the policy has no trust roots".to_owned());
    for root in roots {
        let identities = (!root.keyless.identities.is_empty())
            .then_some((Trust::Identities(&root.keyless.identities), root.keyless.log));
        let trusted = root.keys.iter().map(|key| (Trust::Key(key), root.key_log)).chain(identities);
        for (trust, log) in trusted {
            match bundle(&parsed, &artifact, trust, &root.sigstore, log, now) {
                // An attestation about a report is no signature of it.
                Ok(verified) if verified.statement.as_ref().is_none_or(|one| one.predicate_type == SIGN) => {
                    signers.push(root.name.clone());
                    break;
                }
                Ok(_) => "it is an attestation, not a signature".clone_into(&mut why),
                Err(refusal) => why = format!("not by `{}`: {refusal}", root.name),
            }
        }
    }
    if signers.is_empty() { Err(failed(why.into())) } else { Ok(signers) }
}
