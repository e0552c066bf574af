//! Timestamps of RFC 3161: an authority's signature of a hash and a time, as CMS signed data (RFC 5652).
//!
//! The authority's certificate may be inside or known from the trust root. Whoever made the signature must be the authority whose
//! validity covers the time, with a certificate for timestamping that was valid then.

use crate::certificate::chain::{self, NoPath, Wanted};
use crate::certificate::{self, Certificate, EXTENDED_KEY_USAGE, SUBJECT_KEY_ID, TIME_STAMPING};
use crate::der::{self, Element, InvalidDer, Reader, tag};
use crate::key::Hash;
use crate::trust::Authority;
use assay_model::Timestamp;

const SIGNED_DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02];
const TST_INFO: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x10, 0x01, 0x04];
const CONTENT_TYPE: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x03];
const MESSAGE_DIGEST: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x04];
const SIGNING_CERTIFICATE_V2: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x10, 0x02, 0x2f];

/// The largest timestamp that is read.
const MAX_BYTES: usize = 256 << 10;
/// The most certificates that one may carry.
const MAX_CERTIFICATES: usize = 16;

/// Why a timestamp proves nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidTimestampToken {
    /// It is not DER of the right shape.
    #[error("the timestamp is malformed")]
    Malformed,
    /// The authority refused to make one.
    #[error("the timestamp authority answered with an error instead of a timestamp")]
    Refused,
    /// It uses a hash function or signature that is not accepted.
    #[error("the timestamp uses an algorithm that is not accepted")]
    Algorithm,
    /// It is of something else.
    #[error("the timestamp is of something else than this signature")]
    Imprint,
    /// No trusted authority made it.
    #[error("the timestamp is not by a trusted timestamp authority")]
    Untrusted,
    /// The signature does not fit.
    #[error("the timestamp's signature does not verify")]
    BadSignature,
    /// Another certificate was sent along than that of the signer.
    #[error("the timestamp carries another certificate than the authority's")]
    OtherCertificate,
    /// The authority was not trusted at that time.
    #[error("the timestamp is of {0}, when its authority was not trusted")]
    OutsideValidity(Timestamp),
    /// The authority's certificate does not do.
    #[error(transparent)]
    Path(#[from] NoPath),
}

impl From<InvalidDer> for InvalidTimestampToken {
    fn from(_: InvalidDer) -> Self {
        Self::Malformed
    }
}

/// A timestamp as it was read, not verified.
#[derive(Debug)]
struct Token<'a> {
    content: &'a [u8],
    certificates: Vec<Certificate>,
    signer: Signer<'a>,
    imprint_hash: Hash,
    imprint: &'a [u8],
    time: Timestamp,
}

#[derive(Debug)]
struct Signer<'a> {
    /// Issuer and serial number, or the key's identifier.
    id: Element<'a>,
    digest: Hash,
    attributes: Element<'a>,
    algorithm: &'a [u8],
    signature: &'a [u8],
}

/// Verifies a `TimeStampResp` of `message` and returns its time.
pub(crate) fn verify_response(
    bytes: &[u8],
    message: &[u8],
    authorities: &[Authority],
) -> Result<Timestamp, InvalidTimestampToken> {
    let mut fields = der::whole(bounded(bytes)?, tag::SEQUENCE)?;
    let status = fields.sequence()?.small()?;
    // `granted` or `grantedWithMods`.
    if status > 1 {
        return Err(InvalidTimestampToken::Refused);
    }
    let token = fields.read(tag::SEQUENCE)?.raw;
    fields.end()?;
    verify_token(token, message, authorities)
}

/// Verifies a `TimeStampToken` of `message` and returns its time.
pub(crate) fn verify_token(
    bytes: &[u8],
    message: &[u8],
    authorities: &[Authority],
) -> Result<Timestamp, InvalidTimestampToken> {
    let token = parse(bounded(bytes)?)?;
    if token.imprint_hash.of(message) != token.imprint {
        return Err(InvalidTimestampToken::Imprint);
    }
    let mut problem = InvalidTimestampToken::Untrusted;
    for authority in authorities {
        match verify_by(&token, authority) {
            Ok(()) => return Ok(token.time),
            // An authority that made it tells more than one that did not.
            Err(InvalidTimestampToken::Untrusted) => {}
            Err(found) => problem = found,
        }
    }
    Err(problem)
}

fn bounded(bytes: &[u8]) -> Result<&[u8], InvalidTimestampToken> {
    if bytes.len() > MAX_BYTES { Err(InvalidTimestampToken::Malformed) } else { Ok(bytes) }
}

fn verify_by(token: &Token<'_>, authority: &Authority) -> Result<(), InvalidTimestampToken> {
    let Some(root) = authority.chain.last() else { return Err(InvalidTimestampToken::Untrusted) };
    let mut candidates =
        authority.chain.iter().chain(&token.certificates).filter(|candidate| is_signer(token, candidate));
    let mut problem = InvalidTimestampToken::Untrusted;
    let intermediates: Vec<Certificate> =
        authority.chain.iter().chain(&token.certificates).cloned().collect();
    // The same certificate may stand in the trust root and in the timestamp.
    for signer in candidates.by_ref().take(4) {
        let wanted = Wanted {
            intermediates: &intermediates,
            anchors: std::slice::from_ref(root),
            time: token.time,
            purpose: TIME_STAMPING,
        };
        match chain::path(signer, wanted) {
            Ok(_) => {}
            Err(NoPath::Untrusted(_)) => continue,
            Err(error) => {
                problem = error.into();
                continue;
            }
        }
        // RFC 3161, section 2.3: the certificate is for timestamping and nothing else, and says so with emphasis.
        let emphatic = signer.extension(EXTENDED_KEY_USAGE).is_some_and(|extension| extension.critical);
        if !emphatic || signer.purposes().is_none_or(|purposes| purposes != [TIME_STAMPING]) {
            problem =
                NoPath::Unfit { subject: signer.subject_text(), problem: "is not for timestamping alone" }
                    .into();
            continue;
        }
        // A certificate that was sent along for the signer must be the signer's: whoever swaps it has other plans.
        if token.certificates.iter().any(|sent| is_signer(token, sent) && sent != signer) {
            problem = InvalidTimestampToken::OtherCertificate;
            continue;
        }
        if let Err(found) = verify_signature(token, signer) {
            problem = found;
            continue;
        }
        if !authority.valid.contains(token.time) {
            return Err(InvalidTimestampToken::OutsideValidity(token.time));
        }
        return Ok(());
    }
    Err(problem)
}

fn is_signer(token: &Token<'_>, certificate: &Certificate) -> bool {
    let id = token.signer.id;
    let by_serial = || -> Result<bool, InvalidDer> {
        let mut fields = id.reader();
        let issuer = fields.read(tag::SEQUENCE)?.raw;
        let serial = fields.read(tag::INTEGER)?.content;
        Ok(certificate.issuer == issuer && certificate.serial == serial)
    };
    if id.tag == tag::SEQUENCE {
        return by_serial().unwrap_or(false);
    }
    certificate.extension(SUBJECT_KEY_ID).is_some_and(|extension| {
        Reader::new(&extension.value).read(tag::OCTET_STRING).is_ok_and(|key| key.content == id.content)
    })
}

fn verify_signature(token: &Token<'_>, certificate: &Certificate) -> Result<(), InvalidTimestampToken> {
    let signer = &token.signer;
    let (mut typed, mut digested) = (false, false);
    let mut attributes = signer.attributes.reader();
    while !attributes.is_empty() {
        let mut attribute = attributes.sequence()?;
        let oid = attribute.oid()?;
        let mut values = attribute.read(tag::SET)?.reader();
        match oid {
            CONTENT_TYPE => typed = values.oid()? == TST_INFO,
            MESSAGE_DIGEST => {
                digested = values.read(tag::OCTET_STRING)?.content == signer.digest.of(token.content);
            }
            // RFC 5035: binds the certificate, so that no other with the same key and number can be put in its place.
            SIGNING_CERTIFICATE_V2 => {
                let mut id = values.sequence()?.sequence()?.sequence()?;
                let hash = match id.optional(tag::SEQUENCE)? {
                    Some(algorithm) => certificate::hash(algorithm.reader().oid()?),
                    None => Some(Hash::Sha256),
                };
                let hash = hash.ok_or(InvalidTimestampToken::Algorithm)?;
                if id.read(tag::OCTET_STRING)?.content != hash.of(certificate.to_der()) {
                    return Err(InvalidTimestampToken::BadSignature);
                }
            }
            _ => {}
        }
    }
    if !typed || !digested {
        return Err(InvalidTimestampToken::BadSignature);
    }
    let scheme =
        certificate::scheme(signer.algorithm, Some(signer.digest)).ok_or(InvalidTimestampToken::Algorithm)?;
    // What is signed is the set itself, not the implicitly tagged form it is sent in (RFC 5652, section 5.4).
    let signed = der::encode(tag::SET, signer.attributes.content);
    let key = certificate.key().map_err(|_| InvalidTimestampToken::Algorithm)?;
    key.verify(scheme, &signed, signer.signature).map_err(|_| InvalidTimestampToken::BadSignature)
}

fn parse(bytes: &[u8]) -> Result<Token<'_>, InvalidTimestampToken> {
    let mut outer = der::whole(bytes, tag::SEQUENCE)?;
    if outer.oid()? != SIGNED_DATA {
        return Err(InvalidTimestampToken::Malformed);
    }
    let mut data = outer.read(tag::context(0))?.reader().sequence()?;
    outer.end()?;
    data.small()?;
    data.read(tag::SET)?;
    let mut encapsulated = data.sequence()?;
    if encapsulated.oid()? != TST_INFO {
        return Err(InvalidTimestampToken::Malformed);
    }
    let content = encapsulated.read(tag::context(0))?.reader().read(tag::OCTET_STRING)?.content;
    let mut certificates = Vec::new();
    if let Some(list) = data.optional(tag::context(0))? {
        let mut items = list.reader();
        while !items.is_empty() && certificates.len() < MAX_CERTIFICATES {
            let item = items.any()?;
            // Other kinds of certificates may stand here too.
            if item.tag == tag::SEQUENCE {
                certificates
                    .push(Certificate::from_der(item.raw).map_err(|_| InvalidTimestampToken::Malformed)?);
            }
        }
    }
    data.optional(tag::context(1))?;
    let mut signers = data.read(tag::SET)?.reader();
    data.end()?;
    let signer = signer(signers.sequence()?)?;
    // RFC 3161, section 2.4.2: exactly one.
    signers.end()?;
    let (imprint_hash, imprint, time) = info(content)?;
    Ok(Token { content, certificates, signer, imprint_hash, imprint, time })
}

fn signer(mut fields: Reader<'_>) -> Result<Signer<'_>, InvalidTimestampToken> {
    fields.small()?;
    let id = fields.any()?;
    if id.tag != tag::SEQUENCE && id.tag != tag::primitive(0) {
        return Err(InvalidTimestampToken::Malformed);
    }
    let digest = certificate::hash(fields.sequence()?.oid()?).ok_or(InvalidTimestampToken::Algorithm)?;
    let attributes = fields.read(tag::context(0))?;
    let algorithm = fields.read(tag::SEQUENCE)?.raw;
    let signature = fields.read(tag::OCTET_STRING)?.content;
    Ok(Signer { id, digest, attributes, algorithm, signature })
}

fn info(content: &[u8]) -> Result<(Hash, &[u8], Timestamp), InvalidTimestampToken> {
    let mut fields = der::whole(content, tag::SEQUENCE)?;
    if fields.small()? != 1 {
        return Err(InvalidTimestampToken::Malformed);
    }
    fields.oid()?;
    let mut imprint = fields.sequence()?;
    let hash = certificate::hash(imprint.sequence()?.oid()?).ok_or(InvalidTimestampToken::Algorithm)?;
    let hashed = imprint.read(tag::OCTET_STRING)?.content;
    fields.read(tag::INTEGER)?;
    let time = fields.time()?;
    Ok((hash, hashed, time))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_bytes_are_read_without_panic(bytes: Vec<u8>) {
            prop_assert!(verify_response(&bytes, b"", &[]).is_err());
            prop_assert!(verify_token(&bytes, b"", &[]).is_err());
        }
    }
}
