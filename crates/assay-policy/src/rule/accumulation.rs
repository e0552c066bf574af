//! Findings that are each bearable and pile up: how many, how old, and whether they grow.

use super::Rule;
use crate::define::{Field, Kind, Params};
use crate::facts::{Facts, Snapshot};
use crate::reasons::Reasons;
use assay_model::{FindingKind, Severity};

/// What it takes.
const FIELDS: &[Field] = &[
    Field::or("severity", Kind::Severity, "medium", "Which ones count; those of unknown severity do, too."),
    Field::optional("max", Kind::Count, "How many are accepted."),
    Field::optional(
        "olderThan",
        Kind::Duration,
        "From when on one is old: so long after the first report of it.",
    ),
    Field::or("maxOld", Kind::Count, "0", "How many old ones are accepted."),
    Field::optional(
        "maxGrowth",
        Kind::Count,
        "How many more there may be than in the earliest report of `within`.",
    ),
    Field::or("within", Kind::Duration, "30d", "How far back growth is looked for."),
];

/// The rule.
pub(super) struct Accumulation;

impl Rule for Accumulation {
    fn id(&self) -> &'static str {
        "accumulation"
    }

    fn about(&self) -> &'static str {
        "Findings of one severity do not pile up: no more than this, none older than this, and no growth against earlier reports."
    }

    fn schema(&self) -> &'static [Field] {
        FIELDS
    }

    fn check(&self, params: &Params) -> Result<(), String> {
        let given = |name| params.get(name).is_some();
        if given("max") || given("olderThan") || given("maxGrowth") {
            Ok(())
        } else {
            Err("limits nothing: give `max`, `olderThan` or `maxGrowth`".to_owned())
        }
    }

    fn counts_vulnerabilities(&self) -> bool {
        true
    }

    fn evaluate(&self, params: &Params, facts: &Facts<'_>, out: &mut Reasons<'_, '_>) {
        let severity = params.severity("severity").unwrap_or(Severity::Medium);
        let now = out.now();
        let history = facts.history.as_ref().filter(|history| !history.snapshots.is_empty());
        for (image, report) in out.reports_of(FindingKind::Vulnerability) {
            let mut findings = Vec::new();
            for finding in &report.findings {
                let counts = finding.severity == severity || finding.severity == Severity::Unknown;
                if counts && out.open(image, report, finding) {
                    findings.push(finding);
                }
            }
            let count = findings.len() as u64;
            if let Some(accepted) = params.count("max").filter(|accepted| count > *accepted) {
                let message = format!(
                    "{count} {} findings have piled up, accepted at most {accepted}",
                    severity.name()
                );
                out.findings(image, report, message, &findings);
            }
            if history.is_none() && (params.get("olderThan").is_some() || params.get("maxGrowth").is_some()) {
                out.missing(
                    Some(image),
                    "there are no earlier reports to tell age and growth from",
                    "give earlier reports of the image with `--history FILE`",
                );
                continue;
            }
            let Some(history) = history else { continue };
            if let Some(limit) = params.duration("olderThan") {
                let mut old = findings.clone();
                // One that no earlier report has is new.
                old.retain(|finding| {
                    history
                        .seen
                        .get(&finding.id)
                        .is_some_and(|seen| now.0.saturating_sub(seen.first.0) > limit)
                });
                let accepted = params.count("maxOld").unwrap_or_default();
                if old.len() as u64 > accepted {
                    let message = format!(
                        "{} {} findings are older than accepted, accepted at most {accepted}",
                        old.len(),
                        severity.name()
                    );
                    out.findings(image, report, message, &old);
                }
            }
            if let Some(accepted) = params.count("maxGrowth") {
                let from = now.0.saturating_sub(params.duration("within").unwrap_or_default());
                let earliest = history.snapshots.iter().find(|snapshot| snapshot.at.0 >= from);
                match earliest {
                    None => out.missing(
                        Some(image),
                        "no earlier report is young enough to tell growth from",
                        "give a newer report of the image with `--history FILE`",
                    ),
                    Some(snapshot) => {
                        let before = before(snapshot, severity);
                        if count > before.saturating_add(accepted) {
                            let message = format!(
                                "{} findings grew from {before} to {count} since {}, accepted at most {accepted} more",
                                severity.name(),
                                snapshot.at.date_text()
                            );
                            out.findings(image, report, message, &findings);
                        }
                    }
                }
            }
        }
    }
}

fn before(snapshot: &Snapshot, severity: Severity) -> u64 {
    let of = |severity| snapshot.counts.get(&severity).copied().unwrap_or_default();
    if severity == Severity::Unknown {
        of(severity)
    } else {
        of(severity).saturating_add(of(Severity::Unknown))
    }
}
