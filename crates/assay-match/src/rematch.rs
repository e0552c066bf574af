//! Judging an inventory again after the database changed, at the cost of what changed.
//!
//! The result is that of judging everything: packages about which the two databases say the same keep their findings, the others
//! are judged anew. Findings that share a fingerprint's base (several versions of one package at one place) are told apart by their order,
//! so the versions of a package are judged together.

use crate::{Assessment, Matched, Subject, finding};
use assay_advisories::Database;
use assay_advisories::database::{Change, Changes, CorruptDatabase};
use assay_model::{Finding, Inventory};
use std::collections::{BTreeMap, BTreeSet};

/// What judging again came to.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Rematched {
    /// What judging everything by the new database gives, too.
    pub matched: Matched,
    /// The findings that are new, gone or different, worst first.
    pub changes: Vec<FindingChange>,
    /// How many packages were judged anew.
    pub judged: usize,
}

/// A finding that is not as it was.
#[derive(Debug, Clone, PartialEq)]
pub struct FindingChange {
    /// What became of it.
    pub outcome: Outcome,
    /// The finding as it is now, or as it was when it is gone.
    pub finding: Finding,
    /// Why: what changed in the advisories behind it.
    pub reasons: Vec<Change>,
}

/// What became of a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// It is new.
    Appeared,
    /// It is no more.
    Gone,
    /// It says something else.
    Changed,
}

/// Judges an inventory again, of which `previous` are the findings by the database before `changes`.
///
/// # Errors
/// Fails when a record of the database is damaged.
pub fn rematch(
    inventory: &Inventory,
    previous: &[Finding],
    changes: &Changes,
    database: &Database,
) -> Result<Rematched, CorruptDatabase> {
    let feeds = database.feeds()?;
    let mut assessment = Assessment::new(database)?;
    let subjects: Vec<Subject<'_>> =
        inventory.packages.iter().map(|package| Subject::new(package, inventory.os.as_ref())).collect();
    let group = |subject: &Subject<'_>| finding::instance(subject.package);
    let mut reasons: BTreeMap<u32, Vec<&Change>> = BTreeMap::new();
    let mut touched = BTreeSet::new();
    for (index, subject) in (0..).zip(&subjects) {
        assessment.add(subject);
        for (ecosystem, names) in subject.lookups() {
            let ecosystem = ecosystem.to_string();
            for name in names {
                if let Some(changed) = changes.packages.get(&(ecosystem.clone(), name.to_owned())) {
                    reasons.entry(index).or_default().extend(changed);
                    touched.insert(group(subject));
                }
            }
        }
    }
    let judged: BTreeSet<u32> = (0..)
        .zip(&subjects)
        .filter(|(_, subject)| touched.contains(&group(subject)))
        .map(|(index, _)| index)
        .collect();
    let mut drafts = Vec::new();
    for (index, subject) in (0..).zip(&subjects).filter(|(index, _)| judged.contains(index)) {
        finding::of(index, subject, database, &feeds, &mut drafts)?;
    }
    let anew = finding::finish(drafts, inventory);
    let (before, kept): (Vec<Finding>, Vec<Finding>) = previous
        .iter()
        .cloned()
        .partition(|finding| finding.package.is_some_and(|index| judged.contains(&index)));
    let changes = compare(&before, &anew, &reasons);
    let mut findings: Vec<Finding> = kept.into_iter().chain(anew).collect();
    findings.sort_by(|a, b| finding::order(a).cmp(&finding::order(b)));
    let matched = Matched { findings, coverage: assessment.finish() };
    Ok(Rematched { matched, changes, judged: judged.len() })
}

fn compare(
    before: &[Finding],
    after: &[Finding],
    reasons: &BTreeMap<u32, Vec<&Change>>,
) -> Vec<FindingChange> {
    // The fingerprint first: it stays when an identifier becomes known by a better one. A package has each once.
    let key = |finding: &Finding| (finding.package, finding.id.clone());
    let old: BTreeMap<_, &Finding> = before.iter().map(|finding| (key(finding), finding)).collect();
    let new: BTreeMap<_, &Finding> = after.iter().map(|finding| (key(finding), finding)).collect();
    let mut changes = Vec::new();
    let mut add = |outcome, finding: &Finding, other: Option<&Finding>| {
        let why = finding.package.and_then(|index| reasons.get(&index)).into_iter().flatten();
        let about = [Some(finding), other];
        let concerns = |change: &Change| {
            about.into_iter().flatten().any(|finding| {
                change.vulnerabilities.iter().any(|id| *id == finding.rule || finding.aliases.contains(id))
                    || finding
                        .evidence
                        .iter()
                        .any(|evidence| evidence.feed == change.feed && evidence.advisory == change.advisory)
            })
        };
        let mut why: Vec<Change> =
            why.filter(|change| concerns(change)).map(|change| (*change).clone()).collect();
        why.dedup();
        changes.push(FindingChange { outcome, finding: finding.clone(), reasons: why });
    };
    for (key, finding) in &new {
        match old.get(key) {
            None => add(Outcome::Appeared, finding, None),
            Some(was) if was != finding => add(Outcome::Changed, finding, Some(was)),
            Some(_) => {}
        }
    }
    for (_, finding) in old.iter().filter(|(key, _)| !new.contains_key(*key)) {
        add(Outcome::Gone, finding, None);
    }
    changes.sort_by(|a, b| {
        (finding::order(&a.finding), a.outcome).cmp(&(finding::order(&b.finding), b.outcome))
    });
    changes
}
