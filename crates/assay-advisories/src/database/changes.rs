//! What two databases say differently: package by package, and advisory by advisory the reason.
//!
//! Numbers mean something within one database only, so records are compared by their content: a digest for each advisory and
//! vulnerability first, then for each package the digests of what is said about it. Only packages that differ are decoded.
//! What no finding shows (descriptions, further reading, the time of the last edit) is no difference.

use super::header::Section;
use super::view::{self, AdvisoryView, End, Statement, Vulnerability};
use super::{AdvisoryKey, CorruptDatabase, Database, Statements, VulnerabilityKey, corrupt, package_key};
use assay_model::Severity;
use assay_model::advisory::Fix;
use sha2::{Digest as _, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// The packages about which two databases differ.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Changes {
    /// By ecosystem and canonical name, what changed, in order.
    pub packages: BTreeMap<(String, String), Vec<Change>>,
}

/// One difference in what an advisory says about a package.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Change {
    /// The vulnerabilities that the advisory speaks about, before and after.
    pub vulnerabilities: Vec<String>,
    /// The feed.
    pub feed: String,
    /// The advisory.
    pub advisory: String,
    /// What is different.
    pub what: What,
}

/// What is different in an advisory.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum What {
    /// It speaks about the package now.
    Added,
    /// It speaks about it no more.
    Removed,
    /// It was withdrawn.
    Withdrawn,
    /// It is no longer withdrawn.
    Reinstated,
    /// Other versions are affected.
    Range {
        /// The versions before, in words.
        before: String,
        /// The versions after, in words.
        after: String,
    },
    /// A version with a fix is named where there was none.
    FixAdded {
        /// The versions.
        versions: Vec<String>,
    },
    /// The source says something else about a fix.
    FixState {
        /// What it said.
        before: String,
        /// What it says.
        after: String,
    },
    /// It is thought worse.
    SeverityRaised {
        /// What it was.
        before: Severity,
        /// What it is.
        after: Severity,
    },
    /// It is thought less bad.
    SeverityLowered {
        /// What it was.
        before: Severity,
        /// What it is.
        after: Severity,
    },
    /// It is about other architectures, another module, or the source package instead of the binary one.
    Scope,
    /// It is known to be about other vulnerabilities.
    Identity {
        /// Their identifiers before.
        before: Vec<String>,
        /// Their identifiers after.
        after: Vec<String>,
    },
    /// The vulnerability was entered in the catalogue of exploited ones, or exploit code was listed.
    Exploited,
    /// The forecast of its exploitation is another.
    Forecast,
    /// Something else that findings show: other identifiers, scores, the title, the day of publication.
    Facts,
}

impl What {
    /// Returns the name that programs know it by.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Removed => "removed",
            Self::Withdrawn => "withdrawn",
            Self::Reinstated => "reinstated",
            Self::Range { .. } => "range",
            Self::FixAdded { .. } => "fix-added",
            Self::FixState { .. } => "fix-state",
            Self::SeverityRaised { .. } => "severity-raised",
            Self::SeverityLowered { .. } => "severity-lowered",
            Self::Scope => "scope",
            Self::Identity { .. } => "identity",
            Self::Exploited => "exploited",
            Self::Forecast => "forecast",
            Self::Facts => "facts",
        }
    }
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Added => f.write_str("advisory added"),
            Self::Removed => f.write_str("advisory removed"),
            Self::Withdrawn => f.write_str("advisory withdrawn"),
            Self::Reinstated => f.write_str("withdrawal taken back"),
            Self::Range { before, after } => write!(f, "range edited: {before} became {after}"),
            Self::FixAdded { versions } => write!(f, "fix added: {}", versions.join(", ")),
            Self::FixState { before, after } => {
                write!(f, "state of the fix: {before} became {after}")
            }
            Self::SeverityRaised { before, after } => {
                write!(f, "severity raised: {} became {}", before.name(), after.name())
            }
            Self::SeverityLowered { before, after } => {
                write!(f, "severity lowered: {} became {}", before.name(), after.name())
            }
            Self::Scope => f.write_str("other builds are meant"),
            Self::Identity { before, after } => {
                write!(f, "identity: {} became {}", before.join(", "), after.join(", "))
            }
            Self::Exploited => f.write_str("exploitation became known"),
            Self::Forecast => f.write_str("forecast of exploitation changed"),
            Self::Facts => f.write_str("identifiers, scores or texts changed"),
        }
    }
}

fn state(fix: Fix) -> &'static str {
    match fix {
        Fix::Unknown => "unknown",
        Fix::NotFixed => "not fixed",
        Fix::WontFix => "will not be fixed",
        Fix::EndOfLife => "end of life",
        Fix::NotAffected => "not affected",
    }
}

/// Returns what is said differently in `new` than in `old`.
///
/// # Errors
/// Fails when either database is damaged.
pub fn changed_between(old: &Database, new: &Database) -> Result<Changes, CorruptDatabase> {
    let (before, after) = (Digests::of(old)?, Digests::of(new)?);
    let mut changes = Changes::default();
    let (mut left, mut right) = (0, 0);
    let (left_count, right_count) = (package_count(old), package_count(new));
    // Both are in the order of their keys.
    while left < left_count || right < right_count {
        let one = (left < left_count).then(|| old.package(left)).transpose()?;
        let two = (right < right_count).then(|| new.package(right)).transpose()?;
        let key = |package: &view::PackageRecord<'_>| package_key(package.ecosystem, package.name);
        let order = match (&one, &two) {
            (Some(one), Some(two)) => key(one).cmp(&key(two)),
            (Some(_), None) => std::cmp::Ordering::Less,
            (None, _) => std::cmp::Ordering::Greater,
        };
        let one = one.filter(|_| order.is_le());
        let two = two.filter(|_| order.is_ge());
        left = left.saturating_add(u32::from(one.is_some()));
        right = right.saturating_add(u32::from(two.is_some()));
        let same = match (&one, &two) {
            (Some(one), Some(two)) => before.package(one)? == after.package(two)?,
            _ => false,
        };
        let Some(named) = one.as_ref().or(two.as_ref()).filter(|_| !same) else { continue };
        let name = (named.ecosystem.to_owned(), named.name.to_owned());
        let (one, two) = (said(old, one.as_ref())?, said(new, two.as_ref())?);
        // Entered even when no reason is found, as the digests differ: what judges must judge it anew.
        changes.packages.insert(name, differences(&one, &two));
    }
    Ok(changes)
}

fn package_count(database: &Database) -> u32 {
    database.records(Section::Statements).len()
}

type Hash = [u8; 16];

fn hash(bytes: &[u8]) -> Hash {
    let mut short = Hash::default();
    for (to, from) in short.iter_mut().zip(Sha256::digest(bytes)) {
        *to = from;
    }
    short
}

/// Digests of what findings show of advisories and vulnerabilities.
struct Digests {
    advisories: Vec<Hash>,
    vulnerabilities: Vec<Hash>,
}

impl Digests {
    fn of(database: &Database) -> Result<Self, CorruptDatabase> {
        let feeds = feed_names(database)?;
        let vulnerabilities = (0..database.vulnerability_count())
            .map(|number| {
                let shown = Shown::of(&database.vulnerability(VulnerabilityKey(number))?);
                Ok(hash(format!("{shown:?}").as_bytes()))
            })
            .collect::<Result<_, CorruptDatabase>>()?;
        let advisories = (0..database.advisory_count())
            .map(|number| {
                let advisory = database.advisory(AdvisoryKey(number))?;
                let AdvisoryView { id, feed, title, severity, published, vulnerabilities, .. } = &advisory;
                // How many vulnerabilities it is about decides whether it may name a finding.
                let text = format!(
                    "{id:?} {:?} {title:?} {severity:?} {published:?} {}",
                    name_of(&feeds, *feed),
                    vulnerabilities.len()
                );
                Ok(hash(text.as_bytes()))
            })
            .collect::<Result<_, CorruptDatabase>>()?;
        Ok(Self { advisories, vulnerabilities })
    }

    /// Returns one digest for each statement about a package, sorted.
    fn package(&self, package: &view::PackageRecord<'_>) -> Result<Vec<Hash>, CorruptDatabase> {
        let mut groups = package.groups;
        let mut found = Vec::new();
        while !groups.is_empty() {
            let (advisory, vulnerabilities, body) =
                view::read_group_raw(&mut groups).map_err(corrupt(Section::Statements))?;
            let mut bytes = at(&self.advisories, advisory).to_vec();
            let mut parts: Vec<Hash> =
                vulnerabilities.iter().map(|&number| at(&self.vulnerabilities, number)).collect();
            parts.sort_unstable();
            bytes.extend(parts.into_iter().flatten());
            bytes.extend(body);
            found.push(hash(&bytes));
        }
        found.sort_unstable();
        Ok(found)
    }
}

fn at(hashes: &[Hash], number: u32) -> Hash {
    usize::try_from(number).ok().and_then(|number| hashes.get(number)).copied().unwrap_or_default()
}

fn feed_names(database: &Database) -> Result<Vec<String>, CorruptDatabase> {
    Ok(database.feeds()?.into_iter().map(|feed| feed.id).collect())
}

fn name_of(feeds: &[String], feed: u32) -> &str {
    usize::try_from(feed).ok().and_then(|feed| feeds.get(feed)).map_or("", String::as_str)
}

/// What findings show of a vulnerability, as text where it is only compared.
#[derive(Debug, PartialEq)]
struct Shown {
    id: String,
    severity: Option<Severity>,
    exploited: String,
    forecast: String,
    rest: String,
}

impl Shown {
    fn of(vulnerability: &Vulnerability<'_>) -> Self {
        let Vulnerability { id, aliases, title, severities, cvss, epss, kev, exploit, .. } = vulnerability;
        let scores = cvss.iter().map(|cvss| Severity::from_score(cvss.score));
        let severity = severities.iter().map(|(_, severity)| *severity).max().or(scores.max());
        Self {
            id: (*id).to_owned(),
            severity,
            exploited: format!("{kev:?} {exploit}"),
            forecast: format!("{epss:?}"),
            rest: format!("{aliases:?} {title:?} {severities:?} {cvss:?}"),
        }
    }
}

/// What one advisory says about one package.
#[derive(Default)]
struct Said {
    withdrawn: bool,
    ranges: BTreeSet<String>,
    fixed: BTreeSet<String>,
    states: BTreeSet<&'static str>,
    severity: Option<Severity>,
    scope: BTreeSet<String>,
    facts: String,
    vulnerabilities: BTreeMap<String, Shown>,
}

fn said(
    database: &Database,
    package: Option<&view::PackageRecord<'_>>,
) -> Result<BTreeMap<(String, String), Said>, CorruptDatabase> {
    let mut found: BTreeMap<(String, String), Said> = BTreeMap::new();
    let Some(package) = package else { return Ok(found) };
    let feeds = feed_names(database)?;
    for statement in (Statements { groups: package.groups, current: None, withdrawn: true }) {
        let statement: Statement<'_> = statement?;
        let advisory = database.advisory(statement.advisory)?;
        let vulnerability = Shown::of(&database.vulnerability(statement.vulnerability)?);
        let key = (name_of(&feeds, statement.feed).to_owned(), advisory.id.to_owned());
        let said = found.entry(key).or_default();
        said.withdrawn |= statement.withdrawn;
        said.ranges.insert(versions(&statement));
        said.fixed.extend(statement.ranges.iter().filter_map(|range| match range.end {
            End::Fixed(version) => Some(version.to_owned()),
            End::Open | End::LastAffected(_) | End::Limit(_) => None,
        }));
        said.states.insert(state(statement.fix));
        said.severity = said.severity.max(statement.severity).max(advisory.severity);
        let Statement { architectures, module, of_source, fan_out, .. } = &statement;
        said.scope.insert(format!("{architectures:?} {module:?} {of_source} {fan_out}"));
        said.facts =
            format!("{:?} {:?} {}", advisory.title, advisory.published, advisory.vulnerabilities.len());
        said.vulnerabilities.insert(vulnerability.id.clone(), vulnerability);
    }
    Ok(found)
}

fn versions(statement: &Statement<'_>) -> String {
    let mut parts: Vec<String> = statement.ranges.iter().map(ToString::to_string).collect();
    parts.extend(statement.versions.iter().map(|version| format!("= {version}")));
    if parts.is_empty() { "no version".to_owned() } else { parts.join("; ") }
}

fn differences(
    before: &BTreeMap<(String, String), Said>,
    after: &BTreeMap<(String, String), Said>,
) -> Vec<Change> {
    let keys: BTreeSet<&(String, String)> = before.keys().chain(after.keys()).collect();
    let mut changes = Vec::new();
    for key in keys {
        let (one, two) = (before.get(key), after.get(key));
        let vulnerabilities: BTreeSet<&String> =
            one.iter().chain(&two).flat_map(|said| said.vulnerabilities.keys()).collect();
        let vulnerabilities: Vec<String> = vulnerabilities.into_iter().cloned().collect();
        let what = match (one, two) {
            (Some(one), Some(two)) => edits(one, two),
            (None, _) => vec![What::Added],
            (_, None) => vec![What::Removed],
        };
        changes.extend(what.into_iter().map(|what| Change {
            vulnerabilities: vulnerabilities.clone(),
            feed: key.0.clone(),
            advisory: key.1.clone(),
            what,
        }));
    }
    changes.sort();
    changes
}

/// Returns what is different between two editions of one advisory.
fn edits(one: &Said, two: &Said) -> Vec<What> {
    let mut found = Vec::new();
    match (one.withdrawn, two.withdrawn) {
        (false, true) => found.push(What::Withdrawn),
        (true, false) => found.push(What::Reinstated),
        _ => {}
    }
    let words = |said: &Said| said.ranges.iter().cloned().collect::<Vec<_>>().join("; ");
    if one.ranges != two.ranges {
        found.push(What::Range { before: words(one), after: words(two) });
    }
    if one.fixed.is_empty() && !two.fixed.is_empty() {
        found.push(What::FixAdded { versions: two.fixed.iter().cloned().collect() });
    }
    if one.states != two.states {
        let states = |said: &Said| said.states.iter().copied().collect::<Vec<_>>().join(", ");
        found.push(What::FixState { before: states(one), after: states(two) });
    }
    if one.scope != two.scope {
        found.push(What::Scope);
    }
    let ids = |said: &Said| said.vulnerabilities.keys().cloned().collect::<Vec<_>>();
    if ids(one) != ids(two) {
        found.push(What::Identity { before: ids(one), after: ids(two) });
    }
    let shared: Vec<(&Shown, &Shown)> = one
        .vulnerabilities
        .iter()
        .filter_map(|(id, shown)| Some((shown, two.vulnerabilities.get(id)?)))
        .collect();
    let worst = |said: &Said| {
        let whole = said.vulnerabilities.values().filter_map(|shown| shown.severity).max();
        said.severity.or(whole).unwrap_or_default()
    };
    let (before, after) = (worst(one), worst(two));
    if before < after {
        found.push(What::SeverityRaised { before, after });
    } else if before > after {
        found.push(What::SeverityLowered { before, after });
    }
    if shared.iter().any(|(one, two)| one.exploited != two.exploited) {
        found.push(What::Exploited);
    }
    if shared.iter().any(|(one, two)| one.forecast != two.forecast) {
        found.push(What::Forecast);
    }
    if one.facts != two.facts
        || one.severity != two.severity
        || shared.iter().any(|(one, two)| one.rest != two.rest)
    {
        found.push(What::Facts);
    }
    found
}
