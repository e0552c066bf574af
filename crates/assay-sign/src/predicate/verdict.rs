//! Assay's verdict as a SLSA Verification Summary (<https://slsa.dev/spec/v1.0/verification_summary>), so that whoever admits the
//! image verifies one small signature instead of asking everything again.
//!
//! Read is what `assay gate --format json` writes, `assay.verdict/v1`. A verdict is about the digests that were judged and nothing
//! else: no summary is made for another image, and a summary says in a member of its own, `assay_judged`, what was judged, so that
//! [`check_summary`] refuses one that somebody put beside another image. Surprising: SLSA's summary has no word for a warning; a
//! verdict of `warn` has passed.

use assay_model::{Digest, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// Who verified; the URI that trust policies name.
pub const VERIFIER: &str = "https://github.com/assay/assay";

/// The schema of what is read.
const SCHEMA: &str = "assay.verdict/v1";
/// The member of a summary that says what was judged.
const JUDGED: &str = "assay_judged";
/// The most digests that a message names.
const SHOWN: usize = 4;

/// A document is no verdict.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidVerdict {
    /// It is not what the gate writes.
    #[error("the document is not a verdict as `assay gate --format json` writes it")]
    Json(#[from] serde_json::Error),
    /// It is of another schema.
    #[error("the document is a `{0}`, not a verdict (`{SCHEMA}`)")]
    Schema(String),
    /// The verdict is none of the three words.
    #[error("`{0}` is not a verdict: expected admit, warn or deny")]
    Word(String),
    /// The time is none.
    #[error("the verdict's `evaluated_at` is no time: `{0}`")]
    Time(String),
}

/// A verdict or summary is not about an image.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotJudged {
    /// Nothing was judged that a digest names.
    #[error("the verdict names no digest that was judged")]
    Nothing,
    /// Something else was judged.
    #[error("the verdict is about {judged}, not about {subject}")]
    Other {
        /// What it is attached to, or is to be.
        subject: Digest,
        /// What was judged.
        judged: String,
    },
    /// Not every image of an index was judged.
    #[error("the verdict is about the index, but its image {0} was not judged")]
    Part(Digest),
    /// The summary is of another image.
    #[error("the summary is about `{0}`")]
    Resource(String),
}

/// A verdict, as far as a summary tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// The name of the policy.
    pub policy: String,
    /// When it was given.
    pub evaluated_at: Timestamp,
    judged: Judged,
}

/// What was judged, and how: a member of the summary.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Judged {
    verdict: String,
    #[serde(default)]
    tiers: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    index: Option<Digest>,
    digests: Vec<Digest>,
}

/// What a summary says beyond the verdict itself.
#[derive(Debug, Clone, Copy)]
pub struct About<'a> {
    /// The image: name and digest.
    pub resource: &'a str,
    /// The policy's file: its name, and its SHA-256.
    pub policy: Option<(&'a str, &'a str)>,
    /// The version of Assay.
    pub version: &'a str,
}

#[derive(Deserialize)]
struct Document {
    schema: String,
    verdict: String,
    policy: String,
    tiers: Vec<String>,
    evaluated_at: String,
    index_digest: Option<Digest>,
    digests: Vec<Digest>,
}

impl Verdict {
    /// Reads what the gate wrote.
    ///
    /// # Errors
    /// Fails when the document is no verdict.
    pub fn parse(document: &[u8]) -> Result<Self, InvalidVerdict> {
        let short = |text: &str| text.chars().take(40).collect::<String>();
        let document: Document = serde_json::from_slice(document)?;
        if document.schema != SCHEMA {
            return Err(InvalidVerdict::Schema(short(&document.schema)));
        }
        if !["admit", "warn", "deny"].contains(&document.verdict.as_str()) {
            return Err(InvalidVerdict::Word(short(&document.verdict)));
        }
        let time = document.evaluated_at.parse();
        Ok(Self {
            policy: document.policy,
            evaluated_at: time.map_err(|_| InvalidVerdict::Time(short(&document.evaluated_at)))?,
            judged: Judged {
                verdict: document.verdict,
                tiers: document.tiers,
                index: document.index_digest,
                digests: document.digests,
            },
        })
    }

    /// Checks that this is what was judged; of an index, `images` are those in it that may run, and each must have been judged.
    ///
    /// # Errors
    /// Fails when it is not.
    pub fn check(&self, subject: &Digest, images: &[Digest]) -> Result<(), NotJudged> {
        self.judged.check(subject)?;
        match images.iter().find(|image| !self.judged.digests.contains(image)) {
            Some(image) => Err(NotJudged::Part(*image)),
            None => Ok(()),
        }
    }

    /// Returns the summary.
    pub fn summary(&self, about: &About<'_>) -> Value {
        let policy = match about.policy {
            Some((uri, sha256)) => json!({ "uri": uri, "digest": { "sha256": sha256 } }),
            None if self.policy.is_empty() => json!({ "uri": "policy" }),
            None => json!({ "uri": self.policy }),
        };
        let passed = self.judged.verdict != "deny";
        let level = |tier: &str| -> String {
            let word =
                tier.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' });
            format!("ASSAY_{}", word.collect::<String>())
        };
        let levels: Vec<String> = match self.judged.tiers.as_slice() {
            _ if !passed => vec!["FAILED".to_owned()],
            [] => vec![level("default")],
            tiers => tiers.iter().map(|tier| level(tier)).collect(),
        };
        json!({
            "verifier": { "id": VERIFIER, "version": { "assay": about.version } },
            "timeVerified": self.evaluated_at.to_string(),
            "resourceUri": about.resource,
            "policy": policy,
            "inputAttestations": [],
            "verificationResult": if passed { "PASSED" } else { "FAILED" },
            "verifiedLevels": levels,
            "slsaVersion": "1.0",
            JUDGED: self.judged,
        })
    }
}

impl Judged {
    fn check(&self, subject: &Digest) -> Result<(), NotJudged> {
        let all: Vec<&Digest> = self.index.iter().chain(&self.digests).collect();
        // An index of which no image was judged was not judged either.
        if self.digests.is_empty() {
            return Err(NotJudged::Nothing);
        }
        if all.contains(&subject) {
            return Ok(());
        }
        let mut judged: Vec<String> = all.iter().take(SHOWN).map(ToString::to_string).collect();
        if all.len() > SHOWN {
            judged.push(format!("{} more", all.len() - SHOWN));
        }
        Err(NotJudged::Other { subject: *subject, judged: judged.join(", ") })
    }
}

/// Checks that a summary by Assay is about this image: that it says what was judged, and that this is it.
///
/// Summaries by other verifiers hold for the subjects of their statements, as SLSA has it.
///
/// # Errors
/// Fails when it is not.
pub fn check_summary(summary: &Value, subject: &Digest) -> Result<(), NotJudged> {
    if summary.pointer("/verifier/id").and_then(Value::as_str) != Some(VERIFIER) {
        return Ok(());
    }
    let judged = summary.get(JUDGED).and_then(|judged| Judged::deserialize(judged).ok());
    judged.ok_or(NotJudged::Nothing)?.check(subject)
}

/// Checks that the resource that a summary names, whoever made it, is not another image than the one it is to be attached to.
///
/// # Errors
/// Fails when it ends in the digest of another.
pub fn check_resource(summary: &Value, subject: &Digest) -> Result<(), NotJudged> {
    let Some(resource) = summary.get("resourceUri").and_then(Value::as_str) else { return Ok(()) };
    let tail = resource.rsplit_once('@').map_or(resource, |(_, tail)| tail);
    let tail = tail.split(['?', '#']).next().unwrap_or(tail).replace("%3A", ":").replace("%3a", ":");
    match tail.parse::<Digest>() {
        Ok(digest) if digest != *subject => Err(NotJudged::Resource(resource.chars().take(300).collect())),
        // A name without a digest says nothing about which image it is.
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ABOUT: About<'_> =
        About { resource: "registry.test/app", policy: Some(("policy.yaml", "ab")), version: "0.1.0" };

    fn digest(byte: u8) -> Digest {
        Digest::Sha256([byte; 32])
    }

    /// What `assay gate` wrote about an index of two images, with one tier; the verdict and the tiers are put in here.
    fn document(verdict: &str, tiers: &str) -> Vec<u8> {
        include_str!("../../testdata/verdict/gate.json")
            .replace("\"verdict\": \"warn\"", &format!("\"verdict\": \"{verdict}\""))
            .replace("\"tiers\": [\n    \"staging\"\n  ]", &format!("\"tiers\": {tiers}"))
            .into_bytes()
    }

    fn judged() -> Verdict {
        Verdict::parse(&document("warn", r#"["staging"]"#)).unwrap()
    }

    const INDEX: &str = "sha256:fe1e02e83250c30c7f5251f48f533ef95135bfaf12c15b309781b22bd156af62";

    #[test]
    fn the_three_verdicts_become_two_results() {
        let check = |verdict: &str, tiers: &str, result: &str, levels: &[&str]| {
            let made = Verdict::parse(&document(verdict, tiers)).unwrap().summary(&ABOUT);
            assert_eq!(made["verificationResult"], result);
            assert_eq!(made["verifiedLevels"], json!(levels));
            assert_eq!(made["policy"], json!({"uri": "policy.yaml", "digest": {"sha256": "ab"}}));
            assert_eq!(made[JUDGED]["verdict"], verdict);
        };
        check("admit", r#"["production"]"#, "PASSED", &["ASSAY_PRODUCTION"]);
        check("warn", r#"["pci-dss", "production"]"#, "PASSED", &["ASSAY_PCI_DSS", "ASSAY_PRODUCTION"]);
        check("warn", "[]", "PASSED", &["ASSAY_DEFAULT"]);
        check("deny", r#"["production"]"#, "FAILED", &["FAILED"]);
    }

    #[test]
    fn other_documents_are_no_verdicts() {
        let text = String::from_utf8(document("warn", "[]")).unwrap();
        for (from, to) in [
            ("\"warn\"", "\"perhaps\""),
            ("assay.verdict/v1", "assay.report/v1"),
            ("\"evaluated_at\": \"2", "\"evaluated_at\": \"x"),
            ("\"digests\"", "\"other\""),
            ("\"schema\"", "\"other\""),
            ("sha256:", "sha255:"),
        ] {
            assert!(text.contains(from), "{from}");
            assert!(Verdict::parse(text.replace(from, to).as_bytes()).is_err(), "{from}");
        }
        assert!(Verdict::parse(b"{}").is_err());
    }

    #[test]
    fn a_verdict_is_about_what_was_judged() {
        let verdict = judged();
        let (index, images) = (verdict.judged.index.unwrap(), verdict.judged.digests.clone());
        assert_eq!(index.to_string(), INDEX);
        assert_eq!(verdict.check(&index, &images), Ok(()));
        assert_eq!(verdict.check(&images[1], &[]), Ok(()));
        assert!(matches!(verdict.check(&digest(9), &[]), Err(NotJudged::Other { .. })));
        // One platform was judged, and the index has two.
        assert_eq!(verdict.check(&index, &[images[0], digest(9)]), Err(NotJudged::Part(digest(9))));
        let mut nothing = verdict;
        nothing.judged.digests.clear();
        assert_eq!(nothing.check(&index, &[]), Err(NotJudged::Nothing));
    }

    #[test]
    fn a_summary_holds_for_what_it_says_was_judged() {
        let verdict = judged();
        let mut summary = verdict.summary(&ABOUT);
        assert_eq!(summary["timeVerified"], verdict.evaluated_at.to_string());
        for known in verdict.judged.index.iter().chain(&verdict.judged.digests) {
            assert_eq!(check_summary(&summary, known), Ok(()));
        }
        assert!(matches!(check_summary(&summary, &digest(9)), Err(NotJudged::Other { .. })));
        summary.as_object_mut().unwrap().remove(JUDGED);
        assert_eq!(check_summary(&summary, &digest(9)), Err(NotJudged::Nothing));
        summary["verifier"]["id"] = "https://verifier.example".into();
        assert_eq!(check_summary(&summary, &digest(9)), Ok(()));
    }

    #[test]
    fn a_summary_of_another_resource_is_not_attached() {
        let check =
            |resource: String| check_resource(&json!({ "resourceUri": resource }), &digest(1)).is_ok();
        assert!(check(format!("registry.test/app@{}", digest(1))));
        assert!(!check(format!("registry.test/app@{}", digest(2))));
        let of = |digest: Digest| format!("pkg:oci/app@sha256%3A{}?repository_url=x", digest.hex());
        assert!(check(of(digest(1))) && !check(of(digest(2))));
        assert!(check("registry.test/app:1".to_owned()) && check("git+https://me@host/x".to_owned()));
    }
}
