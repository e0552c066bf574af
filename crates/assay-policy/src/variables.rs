//! What expressions in CEL can look at. The names are part of the policy's format: the manual lists them.

use crate::expression::Variables;
use crate::facts::{Claim, Facts, ImageFacts};
use crate::verdict::ReasonFinding;
use assay_model::timestamp::DAY;
use assay_model::{Finding, FindingKind, Report, Timestamp};
use serde_json::{Value as Json, json};

/// What is attached to the image.
pub(crate) const EVIDENCE: &str = "evidence";

/// Says what somebody who speaks of certain things would have to see in a report, and does not: kinds of findings that were not looked
/// for, and what only a feed knows that is not in the database. That there are none of them would be no answer.
pub(crate) fn unseen(report: &Report, speaks_of: impl Fn(&str) -> bool) -> Option<String> {
    let kinds = FindingKind::ALL.into_iter().map(FindingKind::name);
    let mut kinds = kinds.filter(|name| !report.scanners.iter().any(|kind| kind.name() == *name));
    if let Some(kind) = kinds.find(|kind| speaks_of(kind)) {
        return Some(format!("the scan did not look for findings of the kind `{kind}`"));
    }
    let has = |name: &str| report.database.feeds.iter().any(|feed| feed.name == name && feed.records > 0);
    let of_feeds = [("knownExploited", "cisa-kev"), ("epss", "epss")];
    let (field, feed) = of_feeds.into_iter().find(|(field, feed)| speaks_of(field) && !has(feed))?;
    Some(format!("the database has nothing of the feed `{feed}`, which `{field}` comes from"))
}

/// Returns the variables for one image.
pub(crate) fn of(
    facts: &Facts<'_>,
    image: &ImageFacts<'_>,
    report: &Report,
    findings: &[&Finding],
    now: Timestamp,
) -> Variables {
    let mut variables = Variables::default();
    if let Json::Object(values) = json(facts, image, report, findings, now) {
        for (name, value) in &values {
            variables.set(name, value);
        }
    }
    variables
}

/// Returns the same as one object.
pub(crate) fn json(
    facts: &Facts<'_>,
    image: &ImageFacts<'_>,
    report: &Report,
    findings: &[&Finding],
    now: Timestamp,
) -> Json {
    let age = |at: Option<Timestamp>| at.map(|at| now.0.saturating_sub(at.0) / DAY);
    let reference = facts.reference.as_ref();
    let os = report.inventory.os.as_ref();
    let mut variables = serde_json::Map::new();
    let mut set = |name: &str, value: Json| {
        variables.insert(name.to_owned(), value);
    };
    set(
        "image",
        json!({
            "source": facts.source,
            "registry": reference.map(crate::facts::ImageReference::host).unwrap_or_default(),
            "repository": reference.map(|one| one.repository.as_str()).unwrap_or_default(),
            "tag": reference.and_then(|one| one.tag.as_deref()).unwrap_or_default(),
            "pinned": reference.is_some_and(|one| one.digest.is_some()),
            "digest": image.digest.map(|digest| digest.to_string()).unwrap_or_default(),
            "indexDigest": facts.index.map(|digest| digest.to_string()).unwrap_or_default(),
            "platform": image.platform.as_ref().map(ToString::to_string).unwrap_or_default(),
            "ageDays": age(report.image.created),
            "labels": report.image.labels,
            "layers": report.image.layers.len(),
            "size": report.image.layers.iter().filter_map(|layer| layer.size).fold(0, u64::saturating_add),
            "base": report.image.base.as_ref().and_then(|base| base.reference.clone()).unwrap_or_default(),
            "os": os.map(|os| os.id.as_str()).unwrap_or_default(),
            "osVersion": os.map(|os| os.version.as_str()).unwrap_or_default(),
        }),
    );
    set(
        "scan",
        json!({
            "complete": report.complete(),
            "deep": report.inventory.deep,
            "unassessed": report.unassessed(),
            "databaseAgeDays": age(report.database.built_at),
            "kinds": report.scanners.iter().map(|kind| kind.name()).collect::<Vec<_>>(),
        }),
    );
    set("findings", Json::Array(findings.iter().map(|finding| self::finding(report, finding)).collect()));
    let packages = report.inventory.packages.iter().map(|package| {
        json!({
            "name": package.full_name(),
            "version": package.version,
            "type": package.kind.purl_type(),
            "purl": package.purl(os).to_string(),
            "licenses": package.licenses,
            "usage": match package.usage {
                assay_model::Usage::Used => "used",
                assay_model::Usage::Unused => "unused",
                assay_model::Usage::Unknown => "unknown",
            },
        })
    });
    set("packages", Json::Array(packages.collect()));
    let subjects = [image.digest, facts.index];
    let evidence = facts.evidence.candidates.iter().filter(|one| subjects.contains(&Some(one.subject)));
    let evidence = evidence.filter_map(|one| {
        let signers: Vec<&String> =
            one.checks.iter().filter(|(_, check)| check.is_ok()).map(|(name, _)| name).collect();
        // What nobody trusted signed is no evidence.
        if signers.is_empty() {
            return None;
        }
        let (kind, predicate) = match &one.claim {
            Claim::Signature => ("signature", None),
            Claim::Attestation { predicate, .. } => ("attestation", Some(predicate)),
            Claim::Unreadable(_) => return None,
        };
        Some(json!({
            "kind": kind,
            "predicateType": one.predicate_type().unwrap_or_default(),
            "predicate": predicate,
            "signers": signers,
        }))
    });
    set(EVIDENCE, Json::Array(evidence.collect()));
    let placement = &facts.placement;
    set(
        "placement",
        json!({
            "namespace": placement.namespace.as_deref().unwrap_or_default(),
            "namespaceLabels": placement.namespace_labels,
            "service": placement.service.as_deref().unwrap_or_default(),
            "team": placement.team.as_deref().unwrap_or_default(),
            "labels": placement.labels,
        }),
    );
    Json::Object(variables)
}

fn finding(report: &Report, finding: &Finding) -> Json {
    let told = ReasonFinding::new(report, finding);
    json!({
        "id": told.id,
        "kind": told.kind,
        "rule": told.rule,
        "aliases": told.aliases,
        "severity": told.severity,
        "priority": told.priority.unwrap_or_default(),
        "package": told.package.unwrap_or_default(),
        "fix": told.fix,
        "path": told.path.unwrap_or_default(),
        "base": told.base.unwrap_or(false),
        "knownExploited": finding.kev.is_some(),
        "epss": finding.epss.map(|epss| epss.score).unwrap_or_default(),
    })
}
