//! What a verdict for admission is decided by, and the decision: pure, on a thread for such work.

use super::decide::{Judge, name};
use crate::report;
use assay_model::Digest;
use assay_oci::Reference;
use assay_policy::exception::Exception;
use assay_policy::facts::{Facts, ImageFacts, ImageReference, Placement};
use assay_policy::{Decision, Effect, evaluate};
use assay_store::{Moment, StoreError, StoredReport, StoredVerdict};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// How long a verdict is kept.
const KEPT: Duration = Duration::from_secs(60);

/// What a verdict is decided by.
pub(super) struct Case {
    pub(super) judge: Arc<Judge>,
    pub(super) reference: Reference,
    pub(super) digest: Digest,
    pub(super) reports: Vec<(Digest, StoredReport)>,
    /// What the databases of the reports said of themselves.
    pub(super) databases: BTreeMap<Moment, String>,
    pub(super) placement: Placement,
    /// What people decided about findings, as far as the policy lets that count.
    pub(super) triage: Vec<Exception>,
    pub(super) now: Moment,
    pub(super) key: String,
}

/// Judges it.
///
/// # Errors
/// Fails when a stored report cannot be read.
pub(super) fn judged(case: &Case) -> Result<StoredVerdict, StoreError> {
    let Case { judge, reference, digest, reports, now, .. } = case;
    let mut read = Vec::new();
    for (digest, stored) in reports {
        let (mut report, _) = assay_report::format::read(&stored.json)
            .map_err(|_| StoreError::Damaged { what: "report", name: digest.to_string() })?;
        if let Some(text) = case.databases.get(&stored.database) {
            report::date(&mut report, text);
        }
        read.push((*digest, report, stored.evaluated));
    }
    let is_index = reports.iter().any(|(image, _)| image != digest);
    let facts = Facts {
        reference: Some(ImageReference { digest: Some(*digest), ..name(reference) }),
        source: reference.to_string(),
        index: is_index.then_some(*digest),
        images: read
            .iter()
            .map(|(digest, report, evaluated)| ImageFacts {
                digest: Some(*digest),
                platform: report.image.platform.clone(),
                report: Some(report),
                scanned_at: Some(evaluated.timestamp()),
                scanned_by: Vec::new(),
            })
            .collect(),
        placement: case.placement.clone(),
        ..Facts::default()
    };
    let mut policy = Cow::Borrowed(&judge.policy);
    if !case.triage.is_empty() {
        policy.to_mut().exceptions.extend_from_slice(&case.triage);
    }
    let verdict = evaluate(&policy, None, &facts, now.timestamp());
    let mut lines: Vec<String> = Vec::new();
    let effect = match verdict.decision {
        Decision::Deny => Effect::Deny,
        Decision::Warn | Decision::Admit => Effect::Warn,
    };
    for reason in verdict.with(effect) {
        lines.push(format!("{} ({})", reason.message, reason.rule));
    }
    let detail = serde_json::json!({ "lines": lines, "verdict": verdict });
    let databases: Vec<String> =
        reports.iter().map(|(_, stored)| stored.database.timestamp().to_string()).collect();
    Ok(StoredVerdict {
        policy: judge.digest.clone(),
        tier: case.key.clone(),
        verdict: verdict.decision.name().to_owned(),
        detail: detail.to_string().into_bytes(),
        inputs: serde_json::json!({ "databases": databases, "tiers": verdict.tiers }).to_string(),
        decided: *now,
        expires: Some(now.plus(KEPT)),
    })
}
