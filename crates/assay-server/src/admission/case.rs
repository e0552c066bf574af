//! What a verdict for admission is decided by, and the decision: pure, on a thread for such work.

use super::base::Bases;
use super::decide::{Judge, name};
use crate::evidence::Known;
use crate::report;
use crate::scanner::OpenDatabase;
use assay_engine::{AttachedEvidence, attested_vex};
use assay_match::VexDocument;
use assay_model::{Digest, Report};
use assay_oci::Reference;
use assay_policy::exception::Exception;
use assay_policy::facts::{Evidence, Facts, ImageFacts, ImageReference, Obstacle, Placement};
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
    /// What is known of what is attached to them.
    pub(super) evidence: BTreeMap<Digest, Known>,
    /// What they may be built on.
    pub(super) bases: BTreeMap<Digest, Bases>,
    /// Opens the vulnerability database, which knows the names of a vulnerability that a statement may use.
    pub(super) database: Arc<OpenDatabase>,
    pub(super) placement: Placement,
    /// What people decided about findings, as far as the policy lets that count.
    pub(super) triage: Vec<Exception>,
    /// Since when it has been admitted where it is to run, if that counts.
    pub(super) admitted: Option<Moment>,
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
        if let Some(bases) = case.bases.get(digest) {
            bases.write(&mut report);
        }
        read.push((*digest, report, stored.evaluated));
    }
    let is_index = reports.iter().any(|(image, _)| image != digest);
    let evidence = evidence(case);
    let mut problems = Vec::new();
    for (image, report, _) in &mut read {
        let subjects: Vec<Digest> = std::iter::once(*image).chain(is_index.then_some(*digest)).collect();
        let statements = attested_vex(&evidence, &judge.policy.vex, &subjects);
        if !statements.is_empty()
            && let Err(obstacle) = apply(report, &statements, &*case.database)
        {
            problems.push(obstacle);
        }
    }
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
        evidence,
        placement: case.placement.clone(),
        problems,
        admitted: case.admitted.map(Moment::timestamp),
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
        inputs: serde_json::json!({
            "databases": databases, "tiers": verdict.tiers, "evidence": looked(&case.evidence),
            "registry": reference.registry(), "repository": reference.repository() })
        .to_string(),
        decided: *now,
        expires: Some(until(case)),
    })
}

/// Returns until when the verdict may be relied on: for a while, but not beyond what changes by the time alone.
fn until(case: &Case) -> Moment {
    let limits = case.evidence.values().filter_map(|known| match known {
        Known::Found { until, .. } => *until,
        Known::Unknown { .. } => None,
    });
    limits.chain(case.judge.changes_after(case.now)).chain([case.now.plus(KEPT)]).min().unwrap_or(case.now)
}

/// Judges what was found by the trust roots of the policy, at the time of the verdict.
fn evidence(case: &Case) -> Evidence {
    let mut evidence = Evidence::default();
    for (digest, known) in &case.evidence {
        let why = match known {
            Known::Found { body, .. } => match AttachedEvidence::from_bytes(body) {
                // What is kept under a digest speaks of that digest.
                Ok(found) if found.subject == *digest => {
                    evidence.listed.insert(*digest);
                    evidence.candidates.extend(found.judge(&case.judge.roots, case.now.timestamp()));
                    continue;
                }
                Ok(_) => "it is that of another image".to_owned(),
                Err(error) => error.to_string(),
            },
            Known::Unknown { why, .. } => why.clone(),
        };
        evidence.failed.insert(*digest, why);
    }
    evidence
}

/// Applies statements on vulnerabilities of those whom the policy believes.
fn apply(report: &mut Report, statements: &[VexDocument], database: &OpenDatabase) -> Result<(), Obstacle> {
    let obstacle = |message: String| Obstacle {
        code: "no-database".to_owned(),
        message: format!("statements on vulnerabilities cannot be applied: {message}"),
        remedy: "fetch the vulnerability database anew: `assay db update`".to_owned(),
    };
    let (database, _) = database().map_err(|error| obstacle(error.to_string()))?;
    assay_match::apply_vex(report, statements, &database).map_err(|error| obstacle(error.to_string()))
}

/// Says of each manifest when what is known of it was asked for, or that nothing is known.
fn looked(evidence: &BTreeMap<Digest, Known>) -> BTreeMap<String, Option<String>> {
    let asked = |known: &Known| match known {
        Known::Found { asked, .. } => Some(asked.timestamp().to_string()),
        Known::Unknown { .. } => None,
    };
    evidence.iter().map(|(digest, known)| (digest.to_string(), asked(known))).collect()
}
