//! From a certificate to a trust anchor: path building and validation after RFC 5280, section 6, at a given time.
//!
//! An issuer is chosen because it made the signature, never by name alone: two authorities may have the same name, which happened
//! to Fulcio's staging instance. What is not understood and critical is refused; name constraints are not understood.

use super::{
    BASIC_CONSTRAINTS, CERTIFICATE_POLICIES, Certificate, EXTENDED_KEY_USAGE, KEY_USAGE, SUBJECT_ALT_NAME,
};
use assay_model::Timestamp;

/// The longest path, with leaf and anchor.
const MAX_DEPTH: usize = 8;
/// The most signatures that one search verifies: names can be made to fit many times over.
const MAX_SIGNATURES: usize = 64;

/// `keyCertSign`.
const CERT_SIGN: u16 = 0x0400;
/// `digitalSignature`.
pub(crate) const DIGITAL_SIGNATURE: u16 = 0x8000;

/// Why there is no path.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoPath {
    /// No anchor signed it, nor anything that signed it.
    #[error("the certificate of `{0}` does not lead to a trusted root")]
    Untrusted(String),
    /// A certificate of the path was not valid at the time.
    #[error("the certificate of `{subject}` was not valid at {time}: it is from {not_before} to {not_after}")]
    Expired {
        /// Whose certificate.
        subject: String,
        /// The time.
        time: Timestamp,
        /// The first second.
        not_before: Timestamp,
        /// The last second.
        not_after: Timestamp,
    },
    /// A certificate of the path may not be used for this.
    #[error("the certificate of `{subject}` {problem}")]
    Unfit {
        /// Whose certificate.
        subject: String,
        /// Why.
        problem: &'static str,
    },
}

/// What a path is needed for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wanted<'a> {
    /// Certificates that may stand in between; nobody vouches for them.
    pub(crate) intermediates: &'a [Certificate],
    /// Where a path may end.
    pub(crate) anchors: &'a [Certificate],
    /// When it must be valid.
    pub(crate) time: Timestamp,
    /// The extended key usage.
    pub(crate) purpose: &'a [u8],
}

/// Returns the path from `leaf` to an anchor, both included.
pub(crate) fn path(leaf: &Certificate, wanted: Wanted<'_>) -> Result<Vec<Certificate>, NoPath> {
    check_leaf(leaf, wanted)?;
    if wanted.anchors.contains(leaf) {
        return Ok(vec![leaf.clone()]);
    }
    let mut search = Search { wanted, signatures: 0, problem: None };
    let mut path = vec![leaf.clone()];
    if search.extend(&mut path) {
        Ok(path)
    } else {
        Err(search.problem.unwrap_or_else(|| NoPath::Untrusted(leaf.subject_text())))
    }
}

struct Search<'a> {
    wanted: Wanted<'a>,
    signatures: usize,
    /// The first problem on a path that would otherwise have done.
    problem: Option<NoPath>,
}

impl Search<'_> {
    fn extend(&mut self, path: &mut Vec<Certificate>) -> bool {
        let Some(last) = path.last().cloned() else { return false };
        if path.len() >= MAX_DEPTH {
            return false;
        }
        let anchors = self.wanted.anchors.iter().map(|certificate| (certificate, true));
        let others = self.wanted.intermediates.iter().map(|certificate| (certificate, false));
        for (issuer, is_anchor) in anchors.chain(others) {
            if issuer.subject != last.issuer || path.contains(issuer) {
                continue;
            }
            if self.signatures == MAX_SIGNATURES {
                return false;
            }
            self.signatures += 1;
            if last.verify_issued_by(issuer).is_err() {
                continue;
            }
            if let Err(problem) = check_authority(issuer, path.len() - 1, self.wanted) {
                self.problem.get_or_insert(problem);
                continue;
            }
            path.push(issuer.clone());
            if is_anchor || self.extend(path) {
                return true;
            }
            path.pop();
        }
        false
    }
}

fn check_leaf(leaf: &Certificate, wanted: Wanted<'_>) -> Result<(), NoPath> {
    check_common(leaf, wanted.time)?;
    let unfit = |problem| Err(NoPath::Unfit { subject: leaf.subject_text(), problem });
    if leaf.purposes().is_none_or(|purposes| !purposes.contains(&wanted.purpose)) {
        return unfit("is not for this purpose: its extended key usage lacks it");
    }
    if leaf.key_usage().is_some_and(|usage| usage & DIGITAL_SIGNATURE == 0) {
        return unfit("may not make digital signatures");
    }
    Ok(())
}

/// Checks a certificate that issued another; `below` authorities stand between it and the leaf.
fn check_authority(issuer: &Certificate, below: usize, wanted: Wanted<'_>) -> Result<(), NoPath> {
    check_common(issuer, wanted.time)?;
    let unfit = |problem| Err(NoPath::Unfit { subject: issuer.subject_text(), problem });
    let Some(length) = issuer.authority() else { return unfit("is not that of an authority") };
    let below = u64::try_from(below).unwrap_or(u64::MAX);
    if length.is_some_and(|length| length < below) {
        return unfit("allows fewer certificates below it");
    }
    if issuer.key_usage().is_some_and(|usage| usage & CERT_SIGN == 0) {
        return unfit("may not sign certificates");
    }
    // `anyExtendedKeyUsage`, or the purpose: the rule that browsers and Go apply to intermediates.
    const ANY: &[u8] = &[0x55, 0x1d, 0x25, 0x00];
    if issuer
        .purposes()
        .is_some_and(|purposes| !purposes.contains(&wanted.purpose) && !purposes.contains(&ANY))
    {
        return unfit("issues certificates for other purposes only");
    }
    Ok(())
}

fn check_common(certificate: &Certificate, time: Timestamp) -> Result<(), NoPath> {
    if !certificate.is_valid_at(time) {
        return Err(NoPath::Expired {
            subject: certificate.subject_text(),
            time,
            not_before: certificate.not_before,
            not_after: certificate.not_after,
        });
    }
    if has_unknown_critical(certificate) {
        let problem = "has a critical extension that is not known here";
        return Err(NoPath::Unfit { subject: certificate.subject_text(), problem });
    }
    Ok(())
}

/// Returns whether a certificate has a critical extension that is not understood here.
pub(crate) fn has_unknown_critical(certificate: &Certificate) -> bool {
    const KNOWN: &[&[u8]] =
        &[KEY_USAGE, SUBJECT_ALT_NAME, BASIC_CONSTRAINTS, EXTENDED_KEY_USAGE, CERTIFICATE_POLICIES];
    certificate
        .extensions
        .iter()
        .any(|extension| extension.critical && !KNOWN.contains(&extension.oid.as_slice()))
}
