//! Assay's verdict as a SLSA Verification Summary (<https://slsa.dev/spec/v1.0/verification_summary>), so that whoever admits the
//! image verifies one small signature instead of asking everything again.
//!
//! Read is what `assay gate --format json` writes. Surprising: the summary has no word for a warning; a verdict of `warn` has passed.

use assay_model::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

/// Who verified; the URI that trust policies name.
pub const VERIFIER: &str = "https://github.com/assay/assay";

/// A document is no verdict.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidVerdict {
    /// It is not what the gate writes.
    #[error("the document is not a verdict as `assay gate --format json` writes it")]
    Json(#[from] serde_json::Error),
    /// The verdict is none of the three words.
    #[error("`{0}` is not a verdict: expected admit, warn or deny")]
    Word(String),
}

/// What the summary is about, beyond the verdict itself.
#[derive(Debug, Clone, Copy)]
pub struct About<'a> {
    /// The image: name and digest.
    pub resource: &'a str,
    /// The policy: a name or address, and its SHA-256.
    pub policy: Option<(&'a str, &'a str)>,
    /// The version of Assay.
    pub version: &'a str,
    /// When it was verified.
    pub now: Timestamp,
}

#[derive(Deserialize)]
struct Gate {
    verdict: String,
    #[serde(default)]
    tier: Option<String>,
    #[serde(default)]
    policy: Option<Value>,
}

/// Returns the predicate for what the gate said.
///
/// # Errors
/// Fails when the document is no verdict.
pub fn summary(document: &[u8], about: &About<'_>) -> Result<Value, InvalidVerdict> {
    let gate: Gate = serde_json::from_slice(document)?;
    let passed = match gate.verdict.as_str() {
        "admit" | "warn" => true,
        "deny" => false,
        other => return Err(InvalidVerdict::Word(other.chars().take(40).collect())),
    };
    let policy = match about.policy {
        Some((uri, sha256)) => json!({ "uri": uri, "digest": { "sha256": sha256 } }),
        None => match &gate.policy {
            Some(Value::String(name)) => json!({ "uri": name }),
            Some(Value::Object(policy)) => {
                let text = |key: &str| policy.get(key).and_then(Value::as_str);
                json!({ "uri": text("name").or(text("path")).unwrap_or("policy") })
            }
            _ => json!({ "uri": "policy" }),
        },
    };
    let tier = gate.tier.as_deref().unwrap_or("default");
    let word = |text: &str| -> String {
        text.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' }).collect()
    };
    let levels = if passed { json!([format!("ASSAY_{}", word(tier))]) } else { json!(["FAILED"]) };
    Ok(json!({
        "verifier": { "id": VERIFIER, "version": { "assay": about.version } },
        "timeVerified": about.now.to_string(),
        "resourceUri": about.resource,
        "policy": policy,
        "inputAttestations": [],
        "verificationResult": if passed { "PASSED" } else { "FAILED" },
        "verifiedLevels": levels,
        "slsaVersion": "1.0",
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_three_verdicts_become_two_results() {
        let about = About {
            resource: "registry.test/app@sha256:00",
            policy: Some(("policy.yaml", "ab")),
            version: "0.1.0",
            now: Timestamp(0),
        };
        let check = |document: &str, result: &str, level: &str| {
            let made = summary(document.as_bytes(), &about).unwrap();
            assert_eq!(made["verificationResult"], result);
            assert_eq!(made["verifiedLevels"][0], level);
            assert_eq!(made["policy"], json!({"uri": "policy.yaml", "digest": {"sha256": "ab"}}));
        };
        check(r#"{"verdict":"admit","tier":"production","reasons":[]}"#, "PASSED", "ASSAY_PRODUCTION");
        check(r#"{"verdict":"warn"}"#, "PASSED", "ASSAY_DEFAULT");
        check(r#"{"verdict":"deny","tier":"production"}"#, "FAILED", "FAILED");
        assert!(summary(br#"{"verdict":"perhaps"}"#, &about).is_err());
        assert!(summary(b"{}", &about).is_err());
    }
}
