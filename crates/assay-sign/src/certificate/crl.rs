//! Certificate revocation lists (RFC 5280, section 5), given as files: nothing here fetches one.

use super::{Certificate, InvalidCertificate, scheme};
use crate::der::{self, InvalidDer, tag};
use crate::pem;
use assay_model::Timestamp;

/// The largest list that is read.
const MAX_BYTES: usize = 32 << 20;

/// A list of revoked certificates.
#[derive(Debug, Clone)]
pub struct RevocationList {
    issuer: Vec<u8>,
    tbs: Vec<u8>,
    next_update: Option<Timestamp>,
    revoked: Vec<(Vec<u8>, Timestamp)>,
    algorithm: Vec<u8>,
    signature: Vec<u8>,
}

/// What a list says about a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Revocation {
    /// The list is not by the certificate's issuer.
    Silent,
    /// The certificate is not on it.
    Good,
    /// The certificate is revoked since this time.
    Revoked(Timestamp),
    /// The list should have been replaced by this time.
    Stale(Timestamp),
}

impl RevocationList {
    /// Reads a list in DER or PEM.
    pub fn from_file(bytes: &[u8]) -> Result<Self, InvalidCertificate> {
        if bytes.len() > MAX_BYTES {
            return Err(InvalidCertificate::TooLarge);
        }
        match std::str::from_utf8(bytes) {
            Ok(text) if text.contains("-----BEGIN") => {
                let blocks = pem::decode(text).map_err(|_| InvalidCertificate::Pem)?;
                let block =
                    blocks.iter().find(|block| block.label == "X509 CRL").ok_or(InvalidCertificate::Pem)?;
                Ok(Self::from_der(&block.bytes)?)
            }
            _ => Ok(Self::from_der(bytes)?),
        }
    }

    fn from_der(bytes: &[u8]) -> Result<Self, InvalidDer> {
        let mut outer = der::whole(bytes, tag::SEQUENCE)?;
        let tbs = outer.read(tag::SEQUENCE)?;
        let algorithm = outer.read(tag::SEQUENCE)?;
        let signature = outer.bit_string()?;
        outer.end()?;
        let mut fields = tbs.reader();
        fields.optional(tag::INTEGER)?;
        if fields.read(tag::SEQUENCE)?.raw != algorithm.raw {
            return Err(InvalidDer);
        }
        let issuer = fields.read(tag::SEQUENCE)?.raw;
        fields.time()?;
        let next_update = match fields.peek() {
            Some(tag::UTC_TIME | tag::GENERALIZED_TIME) => Some(fields.time()?),
            _ => None,
        };
        let mut revoked = Vec::new();
        if let Some(list) = fields.optional(tag::SEQUENCE)? {
            let mut items = list.reader();
            while !items.is_empty() {
                let mut item = items.sequence()?;
                revoked.push((item.read(tag::INTEGER)?.content.to_vec(), item.time()?));
            }
        }
        Ok(Self {
            issuer: issuer.to_vec(),
            tbs: tbs.raw.to_vec(),
            next_update,
            revoked,
            algorithm: algorithm.raw.to_vec(),
            signature: signature.to_vec(),
        })
    }

    /// Returns what the list says about `certificate`, which `issuer` issued.
    pub(crate) fn status(
        &self,
        certificate: &Certificate,
        issuer: &Certificate,
        now: Timestamp,
    ) -> Revocation {
        let signed = self.issuer == issuer.subject
            && issuer.key().is_ok_and(|key| {
                scheme(&self.algorithm, None)
                    .is_some_and(|scheme| key.verify(scheme, &self.tbs, &self.signature).is_ok())
            });
        if !signed {
            return Revocation::Silent;
        }
        if let Some((_, since)) = self.revoked.iter().find(|(serial, _)| *serial == certificate.serial) {
            return Revocation::Revoked(*since);
        }
        match self.next_update {
            Some(next) if next < now => Revocation::Stale(next),
            _ => Revocation::Good,
        }
    }
}
