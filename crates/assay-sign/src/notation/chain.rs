//! What certificates must be like to sign for the Notary Project, and that a chain is whole.
//!
//! <https://github.com/notaryproject/specifications/blob/main/specs/signature-specification.md#certificate-requirements>. Stricter
//! than RFC 5280: the chain is given whole and in order, usages are critical, and a leaf for other purposes is refused.

use crate::certificate::chain::{DIGITAL_SIGNATURE, NoPath, has_unknown_critical};
use crate::certificate::{BASIC_CONSTRAINTS, CODE_SIGNING, Certificate, KEY_USAGE};
use assay_model::Timestamp;

const CERT_SIGN: u16 = 0x0400;

/// Purposes that a certificate for signing code must not have.
const FOREIGN: &[&[u8]] = &[
    &[0x55, 0x1d, 0x25, 0x00],                         // any
    &[0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x01], // servers
    &[0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x04], // e-mail
    &[0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x08], // timestamps
    &[0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x09], // revocation
];

/// Checks a chain from the signer's certificate to the root.
pub(crate) fn check(chain: &[Certificate]) -> Result<(), NoPath> {
    let Some((leaf, issuers)) = chain.split_first() else { return Err(NoPath::Untrusted(String::new())) };
    let root = issuers.last().unwrap_or(leaf);
    if !root.is_self_issued() || root.verify_issued_by(root).is_err() {
        return unfit(root, "is the last of the chain and not a root");
    }
    if let Some(strange) = chain.iter().find(|certificate| has_unknown_critical(certificate)) {
        return unfit(strange, "has a critical extension that is not known here");
    }
    check_leaf(leaf)?;
    let mut below = leaf;
    for (depth, issuer) in issuers.iter().enumerate() {
        if below.issuer != issuer.subject || below.verify_issued_by(issuer).is_err() {
            return unfit(issuer, "did not issue the certificate before it in the chain");
        }
        check_authority(issuer, depth)?;
        below = issuer;
    }
    Ok(())
}

/// Checks that the whole chain was valid at a time.
pub(crate) fn check_time(chain: &[Certificate], time: Timestamp) -> Result<(), NoPath> {
    match chain.iter().find(|certificate| !certificate.is_valid_at(time)) {
        None => Ok(()),
        Some(certificate) => Err(NoPath::Expired {
            subject: certificate.subject_text(),
            time,
            not_before: certificate.not_before,
            not_after: certificate.not_after,
        }),
    }
}

fn check_leaf(leaf: &Certificate) -> Result<(), NoPath> {
    if leaf.authority().is_some() {
        return unfit(leaf, "is that of an authority and may not sign images");
    }
    let usage = leaf.key_usage().unwrap_or(0);
    if usage & DIGITAL_SIGNATURE == 0 || !is_critical(leaf, KEY_USAGE) {
        return unfit(leaf, "lacks the critical key usage for digital signatures");
    }
    if usage & CERT_SIGN != 0 {
        return unfit(leaf, "may sign certificates and so may not sign images");
    }
    if let Some(purposes) = leaf.purposes() {
        if !purposes.contains(&CODE_SIGNING) {
            return unfit(leaf, "is not for signing code");
        }
        if purposes.iter().any(|purpose| FOREIGN.contains(purpose)) {
            return unfit(leaf, "is for other purposes than signing code, too");
        }
    }
    Ok(())
}

fn check_authority(issuer: &Certificate, below: usize) -> Result<(), NoPath> {
    let Some(length) = issuer.authority().filter(|_| is_critical(issuer, BASIC_CONSTRAINTS)) else {
        return unfit(issuer, "is not that of an authority");
    };
    if length.is_some_and(|length| length < u64::try_from(below).unwrap_or(u64::MAX)) {
        return unfit(issuer, "allows fewer certificates below it");
    }
    if issuer.key_usage().unwrap_or(0) & CERT_SIGN == 0 || !is_critical(issuer, KEY_USAGE) {
        return unfit(issuer, "lacks the critical key usage for signing certificates");
    }
    Ok(())
}

fn is_critical(certificate: &Certificate, oid: &[u8]) -> bool {
    certificate.extension(oid).is_some_and(|extension| extension.critical)
}

fn unfit(certificate: &Certificate, problem: &'static str) -> Result<(), NoPath> {
    Err(NoPath::Unfit { subject: certificate.subject_text(), problem })
}
