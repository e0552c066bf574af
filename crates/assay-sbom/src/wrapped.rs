//! Documents inside of statements: in-toto (<https://github.com/in-toto/attestation/blob/main/spec/v1/statement.md>), bare as BuildKit
//! stores them, in a DSSE envelope (<https://github.com/secure-systems-lab/dsse>) as under cosign's `.att` tag, or in a Sigstore
//! bundle.
//!
//! Nothing is verified here: what is unwrapped is what somebody wrote. Surprising: cosign puts SPDX tag-value into the predicate as a
//! string, and other documents of its `custom` type as a string below `Data`.

use assay_model::Digest;
use base64::Engine as _;
use base64::alphabet::{STANDARD, URL_SAFE};
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde_json::Value;

/// The payload type of an envelope around a statement.
const IN_TOTO: &str = "application/vnd.in-toto+json";

/// A document that was inside of a statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrapped {
    /// What the statement says the document is.
    pub predicate_type: String,
    /// What the statement is about; digests of other kinds are left out.
    pub subjects: Vec<Digest>,
    /// The document.
    pub document: Vec<u8>,
}

/// Takes the document out of a statement, an envelope around one, or a bundle with an envelope; `None` if it is none of these.
pub fn unwrap(bytes: &[u8]) -> Option<Wrapped> {
    let mut value: Value = serde_json::from_slice(bytes).ok()?;
    if let Some(envelope) = value.get_mut("dsseEnvelope") {
        value = envelope.take();
    }
    if let Some(payload) = value.get("payload").and_then(Value::as_str) {
        if value.get("payloadType").and_then(Value::as_str) != Some(IN_TOTO) {
            return None;
        }
        value = serde_json::from_slice(&decode(payload)?).ok()?;
    }
    let kind = value.get("_type").and_then(Value::as_str)?;
    if !kind.starts_with("https://in-toto.io/Statement/") {
        return None;
    }
    let predicate_type = value.get("predicateType").and_then(Value::as_str)?.to_owned();
    let subjects = value.get("subject").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let subjects = subjects.iter().filter_map(|subject| {
        let hex = subject.get("digest")?.get("sha256")?.as_str()?;
        format!("sha256:{hex}").parse().ok()
    });
    let subjects = subjects.collect();
    let predicate = value.get("predicate")?;
    let document = match predicate.as_str().or_else(|| predicate.get("Data")?.as_str()) {
        Some(text) => text.as_bytes().to_vec(),
        None => serde_json::to_vec(predicate.get("Data").unwrap_or(predicate)).ok()?,
    };
    Some(Wrapped { predicate_type, subjects, document })
}

/// Reads base64 of either alphabet, with or without padding, as DSSE demands of readers.
fn decode(text: &str) -> Option<Vec<u8>> {
    let config = GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    let alphabet = if text.contains(['-', '_']) { &URL_SAFE } else { &STANDARD };
    GeneralPurpose::new(alphabet, config).decode(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
    use serde_json::json;

    fn statement(predicate: &Value) -> Value {
        json!({
            "_type": "https://in-toto.io/Statement/v0.1", "predicateType": "https://cyclonedx.org/bom",
            "subject": [{"name": "app", "digest": {"sha256": "ab".repeat(32)}}, {"digest": {"sha1": "00"}}],
            "predicate": predicate,
        })
    }

    #[test]
    fn documents_are_unwrapped_from_every_wrapping() {
        let inner = json!({"bomFormat": "CycloneDX", "é?>": "~~~"});
        let bare = statement(&inner).to_string();
        let check = |text: String| {
            let wrapped = unwrap(text.as_bytes()).unwrap();
            assert_eq!(wrapped.predicate_type, "https://cyclonedx.org/bom");
            assert_eq!(wrapped.subjects, [format!("sha256:{}", "ab".repeat(32)).parse().unwrap()]);
            assert_eq!(serde_json::from_slice::<Value>(&wrapped.document).unwrap(), inner);
        };
        check(bare.clone());
        for payload in [BASE64_STANDARD.encode(&bare), BASE64_URL_SAFE_NO_PAD.encode(&bare)] {
            let envelope = json!({"payloadType": IN_TOTO, "payload": payload, "signatures": []});
            check(envelope.to_string());
            check(json!({"mediaType": "bundle", "dsseEnvelope": envelope}).to_string());
        }
        check(statement(&json!({"Data": inner, "Timestamp": ""})).to_string());
        let text = unwrap(statement(&json!("SPDXVersion: SPDX-2.3")).to_string().as_bytes()).unwrap();
        assert_eq!(text.document, b"SPDXVersion: SPDX-2.3");
        let text = unwrap(statement(&json!({"Data": "x"})).to_string().as_bytes()).unwrap();
        assert_eq!(text.document, b"x");
    }

    #[test]
    fn what_wraps_nothing_is_nothing() {
        let other = json!({"payloadType": "text/plain", "payload": BASE64_STANDARD.encode("{}")});
        for text in [&other.to_string(), "{}", "[]", "x", r#"{"_type":"https://in-toto.io/Statement/v1"}"#] {
            assert_eq!(unwrap(text.as_bytes()), None, "{text}");
        }
    }

    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig::with_cases(128))]
        #[test]
        fn any_bytes_are_survived(bytes: Vec<u8>, text in r#"[\{\}\[\]":,a-z0-9_]{0,80}"#) {
            let _ = unwrap(&bytes);
            let _ = unwrap(text.as_bytes());
        }
    }
}
