//! VEX statements on findings: which are applied, which are only shown.
//!
//! Only the user's own documents, and those that a trusted signer vouches for, suppress. What the judged says of itself is shown beside the finding and changes nothing. Of
//! several statements by one author the newest counts; where authors disagree, the finding stays open.

use assay_advisories::Database;
use assay_advisories::database::CorruptDatabase;
use assay_model::finding::SuppressionState;
use assay_model::{Detail, Finding, FindingKind, Report, Suppression, Timestamp, Warning};
use assay_sbom::vex::{Statement, Status, Target};
use std::collections::{BTreeMap, HashMap};

/// Whose word a document is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Trust {
    /// The user named it: what it says is applied.
    User,
    /// It came with what is judged, and somebody whom the user trusts signed it: what it says is applied.
    Signer,
    /// It came with what is judged: what it says is shown.
    Subject,
}

/// The statements of one document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VexDocument {
    /// Where it is from, in words: a path.
    pub source: String,
    /// Whose word it is.
    pub trust: Trust,
    /// What it states.
    pub statements: Vec<Statement>,
}

/// A statement that concerns a finding.
#[derive(Clone, Copy)]
struct Candidate<'a> {
    document: &'a VexDocument,
    statement: &'a Statement,
    /// Its place among all statements.
    order: usize,
}

impl Candidate<'_> {
    fn suppresses(&self) -> bool {
        matches!(self.statement.status, Status::NotAffected | Status::Fixed)
    }

    /// A document without an author speaks for itself alone.
    fn author(&self) -> &str {
        let author = self.statement.author.trim();
        if author.is_empty() { &self.document.source } else { author }
    }
}

/// Applies statements to the findings of a report, and shows those that are not applied.
///
/// # Errors
/// Fails when a record of the database is damaged.
pub fn apply_vex(
    report: &mut Report,
    documents: &[VexDocument],
    database: &Database,
) -> Result<(), CorruptDatabase> {
    let mut by_name: HashMap<String, Vec<Candidate<'_>>> = HashMap::new();
    let mut order = 0;
    for document in documents {
        for statement in &document.statements {
            for name in &statement.vulnerabilities {
                let candidate = Candidate { document, statement, order };
                by_name.entry(name.to_ascii_lowercase()).or_default().push(candidate);
            }
            order += 1;
        }
    }
    if by_name.is_empty() {
        return Ok(());
    }
    let (image, inventory) = (&report.image, &report.inventory);
    let mut stale = Vec::new();
    for finding in report.findings.iter_mut().filter(|one| one.kind == FindingKind::Vulnerability) {
        let package = finding.package.and_then(|index| inventory.packages.get(index as usize));
        let target = Target { image, os: inventory.os.as_ref(), package };
        let names = std::iter::once(&finding.rule).chain(&finding.aliases);
        let mut found: Vec<Candidate<'_>> = names
            .filter_map(|name| by_name.get(&name.to_ascii_lowercase()))
            .flatten()
            .copied()
            .filter(|candidate| candidate.statement.concerns(&target))
            .collect();
        found.sort_by_key(|candidate| candidate.order);
        found.dedup_by_key(|candidate| candidate.order);
        if found.is_empty() {
            continue;
        }
        let latest = latest(&found);
        let applied = decisive(&latest);
        if let Some(applied) = applied {
            finding.suppression = Some(suppression(&applied));
            if is_stale(&applied, modified(finding, database)?) {
                finding.details.push(Detail::new(
                    "vex-stale",
                    format!("the advisory was changed after {} stated this", applied.author()),
                ));
                stale.push(finding.rule.clone());
            }
        }
        for candidate in &found {
            if applied.is_some_and(|applied| applied.order == candidate.order) {
                continue;
            }
            let counts = latest.values().any(|one| one.order == candidate.order);
            finding.details.push(Detail::new("vex", shown(candidate, counts, applied.is_some())));
        }
    }
    stale.sort();
    stale.dedup();
    for rule in stale {
        let message = format!(
            "a statement by which `{rule}` does not count is older than the advisory: look at it again"
        );
        report.inventory.warnings.push(Warning::notice("vex-stale", None, message));
    }
    report.inventory.warnings.sort();
    Ok(())
}

/// Returns the newest statement of each author that the user named or trusts; of the same time, the later one in the documents.
fn latest<'a>(found: &[Candidate<'a>]) -> BTreeMap<&'a str, Candidate<'a>> {
    let mut latest: BTreeMap<&'a str, Candidate<'a>> = BTreeMap::new();
    for candidate in found.iter().filter(|candidate| candidate.document.trust != Trust::Subject) {
        let author = candidate.statement.author.trim();
        let author = if author.is_empty() { candidate.document.source.as_str() } else { author };
        let newer =
            latest.get(author).is_none_or(|known| candidate.statement.issued >= known.statement.issued);
        if newer {
            latest.insert(author, *candidate);
        }
    }
    latest
}

/// Returns the newest statement by which a finding does not count, unless an author says otherwise.
fn decisive<'a>(latest: &BTreeMap<&'a str, Candidate<'a>>) -> Option<Candidate<'a>> {
    if !latest.values().all(Candidate::suppresses) {
        return None;
    }
    latest.values().copied().max_by_key(|candidate| (candidate.statement.issued, candidate.order))
}

fn suppression(candidate: &Candidate<'_>) -> Suppression {
    let statement = candidate.statement;
    Suppression {
        state: match statement.status {
            Status::Fixed => SuppressionState::Fixed,
            Status::NotAffected | Status::Affected | Status::UnderInvestigation => {
                SuppressionState::NotAffected
            }
        },
        source: candidate.document.source.clone(),
        author: statement.author.clone(),
        reason: statement.reason(),
        issued: statement.issued,
    }
}

/// Says in one line what is stated, by whom, and why it is not applied.
fn shown(candidate: &Candidate<'_>, counts: bool, suppressed: bool) -> String {
    let statement = candidate.statement;
    let date = statement.issued.map(|time| format!(" on {}", time.date_text())).unwrap_or_default();
    let reason = Some(statement.reason()).filter(|reason| !reason.is_empty());
    let reason = reason.map(|reason| format!(": {reason}")).unwrap_or_default();
    let why = match (candidate.document.trust, counts, candidate.suppresses()) {
        (Trust::Subject, _, _) => " (not applied: it comes with what is judged)",
        (Trust::User | Trust::Signer, false, _) => " (superseded by a newer statement)",
        (Trust::User | Trust::Signer, true, true) if !suppressed => {
            " (not applied: another author says otherwise)"
        }
        (Trust::User | Trust::Signer, true, _) => "",
    };
    let author = candidate.author();
    let source = &candidate.document.source;
    let source = if author == source { String::new() } else { format!(" in `{source}`") };
    format!("{} by {author}{date}{source}{reason}{why}", statement.status)
}

/// A statement without a time cannot be known to be newer than the advisory.
fn is_stale(candidate: &Candidate<'_>, modified: Option<Timestamp>) -> bool {
    modified.is_some_and(|modified| candidate.statement.issued.is_none_or(|issued| issued < modified))
}

/// Returns when one of the advisories behind a finding was last changed.
fn modified(finding: &Finding, database: &Database) -> Result<Option<Timestamp>, CorruptDatabase> {
    let mut newest = None;
    for evidence in &finding.evidence {
        for key in database.by_id(&evidence.advisory)?.advisories {
            newest = newest.max(database.advisory(key)?.modified);
        }
    }
    for key in database.by_id(&finding.rule)?.vulnerabilities {
        let vulnerability = database.vulnerability(key)?;
        if vulnerability.id == finding.rule {
            newest = newest.max(vulnerability.modified);
        }
    }
    Ok(newest)
}
