//! X.509 certificates (RFC 5280), as far as code signing and timestamping use them.
//!
//! Read by hand rather than by a library, because what is signed must be the bytes as they came: verifying a certificate, and
//! certificate transparency still more, needs the borrowed original of each part.

pub(crate) mod chain;
pub mod crl;
pub(crate) mod fulcio;
pub(crate) mod name;
pub(crate) mod sct;

use crate::der::{self, InvalidDer, Reader, tag};
use crate::key::{BadSignature, Hash, InvalidPublicKey, PublicKey, Scheme};
use crate::pem;
use assay_model::Timestamp;
use sha2::{Digest as _, Sha256};
use std::fmt;

/// The largest certificate that is read; Fulcio's have about two kilobytes.
const MAX_BYTES: usize = 64 << 10;
/// The most extensions of one certificate; Fulcio's have about thirty.
const MAX_EXTENSIONS: usize = 128;

pub(crate) const KEY_USAGE: &[u8] = &[0x55, 0x1d, 0x0f];
pub(crate) const SUBJECT_ALT_NAME: &[u8] = &[0x55, 0x1d, 0x11];
pub(crate) const BASIC_CONSTRAINTS: &[u8] = &[0x55, 0x1d, 0x13];
pub(crate) const CERTIFICATE_POLICIES: &[u8] = &[0x55, 0x1d, 0x20];
pub(crate) const EXTENDED_KEY_USAGE: &[u8] = &[0x55, 0x1d, 0x25];
pub(crate) const SUBJECT_KEY_ID: &[u8] = &[0x55, 0x1d, 0x0e];

/// `id-kp-codeSigning`.
pub(crate) const CODE_SIGNING: &[u8] = &[0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x03];
/// `id-kp-timeStamping`.
pub(crate) const TIME_STAMPING: &[u8] = &[0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x08];

/// A certificate.
#[derive(Clone, PartialEq, Eq)]
pub struct Certificate {
    der: Vec<u8>,
    tbs: Vec<u8>,
    pub(crate) serial: Vec<u8>,
    /// The issuer's name as DER.
    pub(crate) issuer: Vec<u8>,
    /// The subject's name as DER.
    pub(crate) subject: Vec<u8>,
    /// The first second of its validity.
    pub not_before: Timestamp,
    /// The last second of its validity.
    pub not_after: Timestamp,
    spki: Vec<u8>,
    key: Result<PublicKey, InvalidPublicKey>,
    pub(crate) extensions: Vec<Extension>,
    signature_algorithm: Vec<u8>,
    signature: Vec<u8>,
}

/// One extension of a certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Extension {
    pub(crate) oid: Vec<u8>,
    pub(crate) critical: bool,
    pub(crate) value: Vec<u8>,
    /// The extension as DER.
    raw: Vec<u8>,
}

/// Bytes are not a certificate.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidCertificate {
    /// It is not DER of the right shape.
    #[error("not an X.509 certificate")]
    Der(#[from] InvalidDer),
    /// It is not PEM.
    #[error("not PEM of certificates")]
    Pem,
    /// It is too large.
    #[error("the certificate is larger than {MAX_BYTES} bytes or has more than {MAX_EXTENSIONS} extensions")]
    TooLarge,
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Certificate({})", self.subject_text())
    }
}

impl Certificate {
    /// Reads a certificate.
    pub fn from_der(bytes: &[u8]) -> Result<Self, InvalidCertificate> {
        if bytes.len() > MAX_BYTES {
            return Err(InvalidCertificate::TooLarge);
        }
        let mut outer = der::whole(bytes, tag::SEQUENCE)?;
        let tbs = outer.read(tag::SEQUENCE)?;
        let signature_algorithm = outer.read(tag::SEQUENCE)?;
        let signature = outer.bit_string()?;
        outer.end()?;

        let mut fields = tbs.reader();
        if let Some(version) = fields.optional(tag::context(0))?
            && version.reader().small()? > 2
        {
            return Err(InvalidDer.into());
        }
        let serial = fields.read(tag::INTEGER)?.content;
        // The algorithm stands twice, once of them signed; they must agree (RFC 5280, section 4.1.1.2).
        if fields.read(tag::SEQUENCE)?.raw != signature_algorithm.raw {
            return Err(InvalidDer.into());
        }
        let issuer = fields.read(tag::SEQUENCE)?.raw;
        let mut validity = fields.sequence()?;
        let (not_before, not_after) = (validity.time()?, validity.time()?);
        validity.end()?;
        let subject = fields.read(tag::SEQUENCE)?.raw;
        let spki = fields.read(tag::SEQUENCE)?.raw;
        fields.optional(tag::primitive(1))?;
        fields.optional(tag::primitive(2))?;
        let extensions = match fields.optional(tag::context(3))? {
            Some(list) => extensions(list.reader())?,
            None => Vec::new(),
        };
        fields.end()?;
        Ok(Self {
            der: bytes.to_vec(),
            tbs: tbs.raw.to_vec(),
            serial: serial.to_vec(),
            issuer: issuer.to_vec(),
            subject: subject.to_vec(),
            not_before,
            not_after,
            spki: spki.to_vec(),
            key: PublicKey::from_der(spki),
            extensions,
            signature_algorithm: signature_algorithm.raw.to_vec(),
            signature: signature.to_vec(),
        })
    }

    /// Reads every certificate of a PEM text.
    pub fn from_pem(text: &str) -> Result<Vec<Self>, InvalidCertificate> {
        let blocks = pem::decode(text).map_err(|_| InvalidCertificate::Pem)?;
        let certificates = blocks.iter().filter(|block| block.label == "CERTIFICATE");
        let certificates: Vec<_> =
            certificates.map(|block| Self::from_der(&block.bytes)).collect::<Result<_, _>>()?;
        if certificates.is_empty() { Err(InvalidCertificate::Pem) } else { Ok(certificates) }
    }

    /// Reads one certificate in DER, or all of a PEM text.
    pub fn from_file(bytes: &[u8]) -> Result<Vec<Self>, InvalidCertificate> {
        match std::str::from_utf8(bytes) {
            Ok(text) if text.contains("-----BEGIN") => Self::from_pem(text),
            _ => Ok(vec![Self::from_der(bytes)?]),
        }
    }

    /// Returns the certificate as it came.
    pub fn to_der(&self) -> &[u8] {
        &self.der
    }

    /// Returns the SHA-256 of the certificate.
    pub fn fingerprint(&self) -> [u8; 32] {
        Sha256::digest(&self.der).into()
    }

    /// Returns the subject's key, or why it is not taken.
    pub fn key(&self) -> Result<&PublicKey, InvalidPublicKey> {
        self.key.as_ref().map_err(Clone::clone)
    }

    /// Returns the subject's key as DER, also one that is not taken.
    pub(crate) fn spki(&self) -> &[u8] {
        &self.spki
    }

    /// Returns the subject's name as text, such as `CN=release,O=Acme`.
    pub fn subject_text(&self) -> String {
        name::text(&self.subject)
    }

    /// Returns whether subject and issuer are the same, as in a root.
    pub fn is_self_issued(&self) -> bool {
        self.subject == self.issuer
    }

    /// Returns whether the certificate is valid at a time; both ends are.
    pub fn is_valid_at(&self, time: Timestamp) -> bool {
        self.not_before <= time && time <= self.not_after
    }

    pub(crate) fn extension(&self, oid: &[u8]) -> Option<&Extension> {
        self.extensions.iter().find(|extension| extension.oid == oid)
    }

    /// Returns whether it may issue, and how many certificates may stand between it and the leaf.
    pub(crate) fn authority(&self) -> Option<Option<u64>> {
        let value = &self.extension(BASIC_CONSTRAINTS)?.value;
        let mut fields = der::whole(value, tag::SEQUENCE).ok()?;
        let is_authority = fields.peek() == Some(tag::BOOLEAN) && fields.boolean().ok()?;
        let length = if fields.is_empty() { None } else { Some(fields.small().ok()?) };
        is_authority.then_some(length)
    }

    /// Returns the bits of the key usage, the first as the highest, or `None` without the extension.
    pub(crate) fn key_usage(&self) -> Option<u16> {
        let value = &self.extension(KEY_USAGE)?.value;
        let content = der::whole(value, tag::BIT_STRING).ok().and_then(|_| Reader::new(value).any().ok());
        // What cannot be read allows nothing.
        let Some([_unused, bits @ ..]) = content.map(|element| element.content) else { return Some(0) };
        let byte = |index: usize| bits.get(index).copied().unwrap_or(0);
        Some(u16::from_be_bytes([byte(0), byte(1)]))
    }

    /// Returns the purposes of the extended key usage, or `None` without the extension.
    pub(crate) fn purposes(&self) -> Option<Vec<&[u8]>> {
        let value = &self.extension(EXTENDED_KEY_USAGE)?.value;
        let mut purposes = Vec::new();
        let mut list = der::whole(value, tag::SEQUENCE).ok().unwrap_or(Reader::new(&[]));
        while let Ok(oid) = list.oid() {
            purposes.push(oid);
        }
        Some(purposes)
    }

    /// Verifies the signature that `issuer` made.
    pub(crate) fn verify_issued_by(&self, issuer: &Self) -> Result<(), BadSignature> {
        let key = issuer.key().map_err(|_| BadSignature)?;
        let scheme = scheme(&self.signature_algorithm, None).ok_or(BadSignature)?;
        key.verify(scheme, &self.tbs, &self.signature)
    }

    /// Returns what was signed, without the extension `oid`: how certificate transparency sees it (RFC 6962, section 3.2).
    pub(crate) fn tbs_without(&self, oid: &[u8]) -> Result<Vec<u8>, InvalidDer> {
        let mut fields = der::whole(&self.tbs, tag::SEQUENCE)?;
        let mut content = Vec::new();
        while !fields.is_empty() {
            let field = fields.any()?;
            if field.tag == tag::context(3) {
                let kept = self.extensions.iter().filter(|extension| extension.oid != oid);
                let list = kept.flat_map(|extension| extension.raw.iter().copied()).collect::<Vec<_>>();
                content.extend(der::encode(tag::context(3), &der::encode(tag::SEQUENCE, &list)));
            } else {
                content.extend_from_slice(field.raw);
            }
        }
        Ok(der::encode(tag::SEQUENCE, &content))
    }
}

fn extensions(mut list: Reader<'_>) -> Result<Vec<Extension>, InvalidCertificate> {
    let mut items = list.sequence()?;
    list.end()?;
    let mut extensions: Vec<Extension> = Vec::new();
    while !items.is_empty() {
        if extensions.len() == MAX_EXTENSIONS {
            return Err(InvalidCertificate::TooLarge);
        }
        let element = items.read(tag::SEQUENCE)?;
        let mut fields = element.reader();
        let oid = fields.oid()?;
        let critical = fields.peek() == Some(tag::BOOLEAN) && fields.boolean()?;
        let value = fields.read(tag::OCTET_STRING)?.content;
        fields.end()?;
        // An extension that stands twice says two things.
        if extensions.iter().any(|extension| extension.oid == oid) {
            return Err(InvalidDer.into());
        }
        extensions.push(Extension {
            oid: oid.to_vec(),
            critical,
            value: value.to_vec(),
            raw: element.raw.to_vec(),
        });
    }
    Ok(extensions)
}

const SHA256: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01];
const SHA384: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x02];
const SHA512: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x03];

/// Returns the hash function that an object identifier names.
pub(crate) fn hash(oid: &[u8]) -> Option<Hash> {
    match oid {
        SHA256 => Some(Hash::Sha256),
        SHA384 => Some(Hash::Sha384),
        SHA512 => Some(Hash::Sha512),
        _ => None,
    }
}

/// Returns the scheme that an `AlgorithmIdentifier` names. Where it names the kind of key only, as CMS allows, the hash is `digest`.
///
/// SHA-1 is not among them: nothing that is signed with it proves anything.
pub(crate) fn scheme(algorithm: &[u8], digest: Option<Hash>) -> Option<Scheme> {
    let mut fields = der::whole(algorithm, tag::SEQUENCE).ok()?;
    let oid = fields.oid().ok()?;
    Some(match oid {
        [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, number] => Scheme::EcdsaDer(match number {
            2 => Hash::Sha256,
            3 => Hash::Sha384,
            4 => Hash::Sha512,
            _ => return None,
        }),
        [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01] => Scheme::EcdsaDer(digest?),
        [0x2b, 0x65, 0x70] => Scheme::Ed25519,
        [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, number] => match number {
            1 => Scheme::RsaPkcs1(digest?),
            10 => {
                let mut parameters = fields.sequence().ok()?;
                let hash_field = parameters.read(tag::context(0)).ok()?;
                let hash = hash(hash_field.reader().sequence().ok()?.oid().ok()?)?;
                Scheme::RsaPss(hash)
            }
            11 => Scheme::RsaPkcs1(Hash::Sha256),
            12 => Scheme::RsaPkcs1(Hash::Sha384),
            13 => Scheme::RsaPkcs1(Hash::Sha512),
            _ => return None,
        },
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SAMPLE: &str = include_str!("../testdata/notation/ca.crt");

    fn sample() -> Certificate {
        Certificate::from_pem(SAMPLE).unwrap().remove(0)
    }

    #[test]
    fn a_certificate_is_read() {
        let certificate = sample();
        assert_eq!(certificate.subject_text(), "C=US,ST=WA,L=Seattle,O=Notary,CN=acme");
        assert_eq!(certificate.key().unwrap().bits(), 2048);
        assert_eq!(certificate.purposes(), Some(vec![CODE_SIGNING]));
        assert_eq!(certificate.key_usage(), Some(0x8000));
        assert!(certificate.is_self_issued() && certificate.authority().is_none());
        assert_eq!(certificate.verify_issued_by(&certificate), Ok(()));
        assert_eq!(certificate.tbs_without(b"none").unwrap(), certificate.tbs);
        assert_ne!(certificate.tbs_without(KEY_USAGE).unwrap(), certificate.tbs);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_panic(bytes: Vec<u8>, at: prop::sample::Index, to: u8) {
            let _ = Certificate::from_der(&bytes);
            let _ = crl::RevocationList::from_file(&bytes);
            let mut changed = sample().to_der().to_vec();
            let at = at.index(changed.len());
            changed[at] = to;
            if let Ok(read) = Certificate::from_der(&changed) {
                let _ = (read.subject_text(), read.purposes(), read.key_usage(), read.authority(), fulcio::identity(&read));
                prop_assert!(read == sample() || read.verify_issued_by(&sample()).is_err());
            }
        }
    }
}
