//! The Dead Simple Signing Envelope: a payload, its type, and signatures of both.
//!
//! <https://github.com/secure-systems-lab/dsse/blob/master/protocol.md>. What is signed is the pre-authentication encoding of type
//! and payload, not the JSON around them; what is read is exactly the payload that was verified.

use crate::encoding::Base64;
use serde::{Deserialize, Serialize};

/// The payload type of an in-toto Statement, the only one that Sigstore's verifiers take.
pub const IN_TOTO: &str = "application/vnd.in-toto+json";

/// A signed payload.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Envelope {
    /// What was signed.
    pub payload: Base64,
    /// What kind of document it is.
    pub payload_type: String,
    /// Who signed it.
    #[serde(default)]
    pub signatures: Vec<Signature>,
}

/// One signature of an [`Envelope`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signature {
    /// The signature.
    pub sig: Base64,
    /// A hint which key made it; proves nothing.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub keyid: String,
}

/// Bytes are not an envelope.
#[derive(Debug, thiserror::Error)]
#[error("not a DSSE envelope")]
pub struct InvalidEnvelope(#[from] serde_json::Error);

impl Envelope {
    /// Reads an envelope from JSON.
    pub fn parse(bytes: &[u8]) -> Result<Self, InvalidEnvelope> {
        Ok(serde_json::from_slice(bytes)?)
    }

    /// Returns the envelope as JSON.
    pub fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// Returns the bytes that are signed.
    pub fn pae(&self) -> Vec<u8> {
        pae(&self.payload_type, &self.payload.0)
    }
}

/// Returns the pre-authentication encoding of a payload and its type: the bytes that are signed.
pub fn pae(payload_type: &str, payload: &[u8]) -> Vec<u8> {
    let mut bytes = format!("DSSEv1 {} {payload_type} {} ", payload_type.len(), payload.len()).into_bytes();
    bytes.extend_from_slice(payload);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encoding::hex;
    use crate::key::Hash;
    use proptest::prelude::*;

    /// The example of the protocol's description.
    #[test]
    fn the_encoding_is_that_of_the_protocol() {
        let bytes = pae("http://example.com/HelloWorld", b"hello world");
        assert_eq!(bytes, b"DSSEv1 29 http://example.com/HelloWorld 11 hello world");
        let want = "217751fac2c4f14edb2c9297fbc34abcb016ba88e74757e875ec4ac16fb6b6a1";
        assert_eq!(hex(&Hash::Sha256.of(&bytes)), want);
    }

    #[test]
    fn url_safe_base64_and_empty_key_ids_are_read() {
        let text = br#"{"payload":"-_8","payloadType":"t","signatures":[{"sig":"+/8=","keyid":""}]}"#;
        let envelope = Envelope::parse(text).unwrap();
        assert_eq!(envelope.payload.0, [0xfb, 0xff]);
        assert_eq!(
            envelope.to_json(),
            br#"{"payload":"+/8=","payloadType":"t","signatures":[{"sig":"+/8="}]}"#
        );
    }

    proptest! {
        #[test]
        fn envelopes_round_trip(payload: Vec<u8>, kind: String, signatures: Vec<(Vec<u8>, String)>) {
            let signatures = signatures.into_iter().map(|(sig, keyid)| Signature { sig: Base64(sig), keyid }).collect();
            let envelope = Envelope { payload: Base64(payload), payload_type: kind, signatures };
            prop_assert_eq!(Envelope::parse(&envelope.to_json()).unwrap(), envelope);
        }

        #[test]
        fn any_bytes_are_read_without_panic(bytes: Vec<u8>) {
            let _ = Envelope::parse(&bytes);
        }
    }
}
