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
    let touched = Touched::new(inventory, changes);
    let mut assessment = Assessment::new(database)?;
    for subject in &touched.subjects {
        assessment.add(subject);
    }
    let anew = touched.judge(database)?;
    let (before, kept): (Vec<Finding>, Vec<Finding>) = previous
        .iter()
        .cloned()
        .partition(|finding| finding.package.is_some_and(|index| touched.judged.contains(&index)));
    let changes = compare(&before, &anew, &touched.reasons);
    let mut findings: Vec<Finding> = kept.into_iter().chain(anew).collect();
    findings.sort_by(|a, b| finding::order(a).cmp(&finding::order(b)));
    let matched = Matched { findings, coverage: assessment.finish() };
    Ok(Rematched { matched, changes, judged: touched.judged.len() })
}

/// Returns what [`rematch`] would say has changed, without judging anything that cannot have: of a fleet most inventories hold a
/// package that an advisory speaks about anew, and few have other findings by it.
///
/// # Errors
/// Fails when a record of a database is damaged.
pub fn what_changes(
    inventory: &Inventory,
    changes: &Changes,
    old: &Database,
    new: &Database,
) -> Result<Vec<FindingChange>, CorruptDatabase> {
    let touched = Touched::new(inventory, changes);
    Ok(compare(&touched.judge(old)?, &touched.judge(new)?, &touched.reasons))
}

/// The packages of an inventory that changes can concern.
struct Touched<'a> {
    inventory: &'a Inventory,
    subjects: Vec<Subject<'a>>,
    /// Those, and the other versions of the same.
    judged: BTreeSet<u32>,
    /// What changed about each.
    reasons: BTreeMap<u32, Vec<&'a Change>>,
}

impl<'a> Touched<'a> {
    fn new(inventory: &'a Inventory, changes: &'a Changes) -> Self {
        let subjects: Vec<Subject<'a>> =
            inventory.packages.iter().map(|package| Subject::new(package, inventory.os.as_ref())).collect();
        let group = |subject: &Subject<'_>| finding::instance(subject.package);
        let mut reasons: BTreeMap<u32, Vec<&Change>> = BTreeMap::new();
        let mut groups = BTreeSet::new();
        for (index, subject) in (0..).zip(&subjects) {
            for (ecosystem, names) in subject.lookups() {
                let ecosystem = ecosystem.to_string();
                for name in names {
                    if let Some(changed) = changes.packages.get(&(ecosystem.clone(), name.to_owned())) {
                        reasons.entry(index).or_default().extend(changed);
                        groups.insert(group(subject));
                    }
                }
            }
        }
        let judged = if groups.is_empty() {
            BTreeSet::new()
        } else {
            (0..)
                .zip(&subjects)
                .filter(|(_, subject)| groups.contains(&group(subject)))
                .map(|(index, _)| index)
                .collect()
        };
        Self { inventory, subjects, judged, reasons }
    }

    /// Judges them.
    fn judge(&self, database: &Database) -> Result<Vec<Finding>, CorruptDatabase> {
        let feeds = database.feeds()?;
        let mut drafts = Vec::new();
        for (index, subject) in (0..).zip(&self.subjects).filter(|(index, _)| self.judged.contains(index)) {
            finding::of(index, subject, database, &feeds, &mut drafts)?;
        }
        Ok(finding::finish(drafts, self.inventory))
    }
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
