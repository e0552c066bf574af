//! `assay.verdict/v1` back into a verdict: what another program judged, to be shown here.
//!
//! Members that this version does not know are left out. Words that it does not know are an error: a decision or an effect that is guessed could
//! let something in.

use super::{Cause, Decision, Effect, ExceptionState, ExceptionUse, Reason, ReasonFinding, SCHEMA, Verdict};
use assay_model::digest::InvalidDigest;
use assay_model::timestamp::InvalidTimestamp;
use assay_model::{Digest, FindingKind, FixState, Priority, Severity};
use serde::Deserialize;

/// Why a text is no verdict.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadVerdictError {
    /// It is no JSON of the right form.
    #[error("it is no verdict in JSON")]
    Json(#[from] serde_json::Error),
    /// It is another document.
    #[error("its schema is `{0}`, expected `{SCHEMA}`")]
    Schema(String),
    /// A word is not known to this version.
    #[error("it says `{0}`, which this version does not know")]
    Word(String),
    /// A digest is none.
    #[error("it names an image by what is no digest")]
    Digest(#[from] InvalidDigest),
    /// A time is none.
    #[error("it was made at what is no time")]
    Time(#[from] InvalidTimestamp),
}

#[derive(Deserialize)]
struct Document {
    schema: String,
    verdict: Decision,
    evaluated: bool,
    policy: String,
    tiers: Vec<String>,
    evaluated_at: String,
    source: String,
    index_digest: Option<String>,
    digests: Vec<String>,
    reasons: Vec<Reasoned>,
    exceptions: Vec<Excepted>,
}

#[derive(Deserialize)]
struct Reasoned {
    rule: String,
    kind: String,
    tier: Option<String>,
    effect: Effect,
    cause: Cause,
    #[serde(default)]
    stale: bool,
    digest: Option<String>,
    message: String,
    findings: Vec<Found>,
    near_misses: Vec<String>,
    remedy: String,
}

#[derive(Deserialize)]
struct Found {
    id: String,
    kind: String,
    rule: String,
    aliases: Vec<String>,
    severity: String,
    priority: Option<String>,
    title: String,
    package: Option<String>,
    package_name: Option<String>,
    fix: String,
    fixed_versions: Vec<String>,
    path: Option<String>,
    base: Option<bool>,
    remediation: String,
}

#[derive(Deserialize)]
struct Excepted {
    id: String,
    state: ExceptionState,
    expiring: bool,
    expires: Option<String>,
    owner: String,
    reason: String,
    approved_by: String,
    findings: Vec<String>,
    rules: Vec<String>,
}

impl Verdict {
    /// Reads a verdict.
    ///
    /// # Errors
    /// Fails when it is none, or says what this version does not know.
    pub fn read(json: &[u8]) -> Result<Self, ReadVerdictError> {
        let document: Document = serde_json::from_slice(json)?;
        if document.schema != SCHEMA {
            return Err(ReadVerdictError::Schema(document.schema.chars().take(80).collect()));
        }
        Ok(Self {
            decision: document.verdict,
            evaluated: document.evaluated,
            policy: document.policy,
            tiers: document.tiers,
            at: document.evaluated_at.parse()?,
            source: document.source,
            index: digest(document.index_digest)?,
            digests: document
                .digests
                .iter()
                .map(|text| text.parse())
                .collect::<Result<_, InvalidDigest>>()?,
            reasons: document.reasons.into_iter().map(reason).collect::<Result<_, _>>()?,
            exceptions: document.exceptions.into_iter().map(exception).collect(),
        })
    }
}

fn digest(text: Option<String>) -> Result<Option<Digest>, InvalidDigest> {
    text.map(|text| text.parse()).transpose()
}

fn reason(reason: Reasoned) -> Result<Reason, ReadVerdictError> {
    Ok(Reason {
        rule: reason.rule,
        kind: reason.kind,
        tier: reason.tier,
        effect: reason.effect,
        cause: reason.cause,
        stale: reason.stale,
        digest: digest(reason.digest)?,
        message: reason.message,
        findings: reason.findings.into_iter().map(finding).collect::<Result<_, _>>()?,
        near_misses: reason.near_misses,
        remedy: reason.remedy,
    })
}

fn finding(found: Found) -> Result<ReasonFinding, ReadVerdictError> {
    let unknown = |word: &str| ReadVerdictError::Word(word.chars().take(80).collect());
    let fixes =
        [FixState::Fixed, FixState::NotFixed, FixState::WontFix, FixState::EndOfLife, FixState::Unknown];
    Ok(ReasonFinding {
        id: found.id,
        kind: found.kind.parse::<FindingKind>().map_err(|_| unknown(&found.kind))?.name(),
        rule: found.rule,
        aliases: found.aliases,
        severity: found.severity.parse::<Severity>().map_err(|_| unknown(&found.severity))?.name(),
        priority: match &found.priority {
            Some(word) => Some(word.parse::<Priority>().map_err(|_| unknown(word))?.name()),
            None => None,
        },
        title: found.title,
        package: found.package,
        package_name: found.package_name,
        fix: fixes
            .into_iter()
            .map(FixState::name)
            .find(|name| *name == found.fix)
            .ok_or_else(|| unknown(&found.fix))?,
        fixed_versions: found.fixed_versions,
        path: found.path,
        base: found.base,
        remediation: found.remediation,
    })
}

fn exception(used: Excepted) -> ExceptionUse {
    ExceptionUse {
        id: used.id,
        state: used.state,
        expiring: used.expiring,
        expires: used.expires,
        owner: used.owner,
        reason: used.reason,
        approved_by: used.approved_by,
        findings: used.findings,
        rules: used.rules,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn verdict() -> Verdict {
        let digest = Digest::Sha256([7; 32]);
        Verdict {
            decision: Decision::Deny,
            evaluated: true,
            policy: "p".to_owned(),
            tiers: vec!["production".to_owned()],
            at: assay_model::Timestamp(1_700_000_000),
            source: "registry.example/app:1".to_owned(),
            index: Some(digest),
            digests: vec![digest],
            reasons: vec![Reason {
                rule: "r".to_owned(),
                kind: "max-severity".to_owned(),
                tier: None,
                effect: Effect::Deny,
                cause: Cause::MissingEvidence,
                stale: true,
                digest: Some(digest),
                message: "m".to_owned(),
                findings: vec![ReasonFinding {
                    id: "f".to_owned(),
                    kind: FindingKind::Secret.name(),
                    rule: "k".to_owned(),
                    aliases: vec!["a".to_owned()],
                    severity: Severity::High.name(),
                    priority: Some(Priority::Act.name()),
                    title: "t".to_owned(),
                    package: None,
                    package_name: Some("n 1".to_owned()),
                    fix: FixState::WontFix.name(),
                    fixed_versions: vec!["2".to_owned()],
                    path: Some("/x".to_owned()),
                    base: Some(false),
                    remediation: "z".to_owned(),
                }],
                near_misses: vec!["near".to_owned()],
                remedy: "do".to_owned(),
            }],
            exceptions: vec![ExceptionUse {
                id: "e".to_owned(),
                state: ExceptionState::TooLong,
                expiring: true,
                expires: Some("2030-01-01".to_owned()),
                owner: "o".to_owned(),
                reason: "why".to_owned(),
                approved_by: "b".to_owned(),
                findings: vec!["f".to_owned()],
                rules: vec!["r".to_owned()],
            }],
        }
    }

    #[test]
    fn what_is_written_is_read() {
        let json = serde_json::to_vec(&verdict()).unwrap();
        assert_eq!(Verdict::read(&json).unwrap(), verdict());
    }

    #[test]
    fn no_word_is_guessed() {
        let json = serde_json::to_string(&verdict()).unwrap();
        for (from, to) in [
            ("\"deny\"", "\"perhaps\""),
            ("\"secret\"", "\"rumour\""),
            ("\"assay.verdict/v1\"", "\"assay.verdict/v2\""),
            ("\"high\"", "\"huge\""),
            ("sha256:", "sha1:"),
            ("2023-", "then-"),
        ] {
            let changed = json.replacen(from, to, 1);
            assert_ne!(changed, json, "{from}");
            assert!(Verdict::read(changed.as_bytes()).is_err(), "{from}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes: Vec<u8>) {
            let _ = Verdict::read(&bytes);
        }
    }
}
