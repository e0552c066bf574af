//! Reports that were kept: what a scan found elsewhere, and who vouches for it.
//!
//! A report is judged only where it is named as one. What a file says of itself does not make it one: it may come with what is judged.

use crate::error::CommandError;
use crate::{environment, source::read_file};
use assay_model::Report;
use assay_sign::bundle::Bundle;
use assay_sign::statement::SIGN;
use assay_sign::verify::{Artifact, Trust, TrustRoot, bundle};
use std::path::Path;

/// What stands before the path of a report.
pub(super) const PREFIX: &str = "report:";

/// Reads the source as a report, if it is named as one.
///
/// # Errors
/// Fails when it cannot be read, and for a file that looks like a report and is not named as one.
pub(super) fn named(text: &str) -> Result<Option<(Report, Vec<u8>)>, CommandError> {
    if let Some(path) = text.strip_prefix(PREFIX) {
        return with_bytes(Path::new(path)).map(Some);
    }
    if looks_like_one(Path::new(text)) {
        return Err(CommandError::usage(format!("`{text}` is a report, but not named as one"))
            .hint(format!("where you made it yourself and mean it to be judged, name it `{PREFIX}{text}`")));
    }
    Ok(None)
}

fn looks_like_one(path: &Path) -> bool {
    if !path.is_file() {
        return false;
    }
    let mut start = [0u8; 512];
    let read = std::fs::File::open(path).and_then(|mut file| std::io::Read::read(&mut file, &mut start));
    let start =
        String::from_utf8_lossy(start.get(..read.unwrap_or_default()).unwrap_or_default()).into_owned();
    start.trim_start().starts_with('{') && start.contains("\"assay.report/")
}

/// Reads a report that was kept.
pub(crate) fn read(path: &Path) -> Result<Report, CommandError> {
    with_bytes(path).map(|(report, _)| report)
}

fn with_bytes(path: &Path) -> Result<(Report, Vec<u8>), CommandError> {
    let failed = |error: Box<dyn std::error::Error + Send + Sync>| {
        CommandError::work(format!("cannot read the report `{}`", path.display()), error)
            .hint("name a report written by `assay scan SOURCE --format json --output FILE`")
    };
    let bytes = read_file(path).map_err(|error| failed(error.into()))?;
    let (report, hidden) = assay_report::format::read(&bytes).map_err(|error| failed(error.into()))?;
    if hidden > 0 {
        // What a filter left out cannot be judged, and would pass unseen.
        let shown = format!("a filter left {hidden} findings out of it");
        return Err(failed(shown.into())
            .hint("write the report without `--severity`, `--priority` and `--only-fixed`"));
    }
    Ok((report, bytes))
}

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
