//! From affirmed statements to findings: one per vulnerability and package, with its evidence.

use crate::judge::{Judgement, Subject, covers, judge, words};
use crate::remedy;
use assay_advisories::Database;
use assay_advisories::database::{CorruptDatabase, End, FeedRecord, Interval, Statement, VulnerabilityKey};
use assay_model::advisory::Fix;
use assay_model::finding::FindingKind;
use assay_model::{Cvss, Evidence, Finding, FixState, Inventory, Package, Place, Severity, Timestamp};
use assay_version::{compare, sort};
use sha2::{Digest as _, Sha256};
use std::cmp::{Ordering, Reverse};
use std::collections::{BTreeMap, BTreeSet};

/// A finding and what its fingerprint is made of.
pub(crate) struct Draft {
    finding: Finding,
    anchor: String,
}

/// One affirmed statement.
struct Hit<'a> {
    evidence: Evidence,
    statement: Statement<'a>,
    advisory: &'a str,
    title: &'a str,
    published: Option<Timestamp>,
    /// Whether the advisory is about this vulnerability alone, and not an erratum for several.
    alone: bool,
    /// Whether the source says something about a fix, rather than leaving the end of a range open.
    explicit: bool,
}

/// Adds the findings of one package.
pub(crate) fn of(
    index: u32,
    subject: &Subject<'_>,
    database: &Database,
    feeds: &[FeedRecord],
    out: &mut Vec<Draft>,
) -> Result<(), CorruptDatabase> {
    let mut hits: BTreeMap<VulnerabilityKey, Vec<Hit<'_>>> = BTreeMap::new();
    let mut not_affected: BTreeSet<VulnerabilityKey> = BTreeSet::new();
    let lookups =
        subject.lookups().flat_map(|(ecosystem, names)| names.into_iter().map(move |name| (ecosystem, name)));
    for (ecosystem, name) in lookups {
        for statement in database.affected(ecosystem, name)? {
            let statement = statement?;
            let feed = feeds.get(statement.feed as usize).map_or("", |feed| feed.id.as_str());
            match judge(subject, name, &statement, feed) {
                Judgement::Affected { version, interval } => {
                    let advisory = database.advisory(statement.advisory)?;
                    let (state, fixed) = fix(subject, &statement, interval.as_ref());
                    hits.entry(statement.vulnerability).or_default().push(Hit {
                        evidence: Evidence {
                            feed: feed.to_owned(),
                            advisory: advisory.id.to_owned(),
                            ecosystem: ecosystem.clone(),
                            package: name.to_owned(),
                            by_source: subject.package.kind.is_os() && name != subject.name,
                            range: interval.as_ref().map_or_else(|| format!("= {version}"), words),
                            version,
                            fixed,
                            state,
                            severity: statement.severity.or(advisory.severity),
                        },
                        advisory: advisory.id,
                        title: advisory.title,
                        published: advisory.published,
                        alone: advisory.vulnerabilities.len() == 1,
                        explicit: statement.fix != Fix::Unknown,
                        statement,
                    });
                }
                Judgement::NotAffected => {
                    not_affected.insert(statement.vulnerability);
                }
                Judgement::OutsideRange { .. }
                | Judgement::OtherPackage
                | Judgement::OtherArchitecture
                | Judgement::OtherModule
                | Judgement::HoldsNothing { .. }
                | Judgement::ThirdParty { .. }
                | Judgement::Withdrawn
                | Judgement::Incomparable { .. } => {}
            }
        }
    }
    for (key, hits) in hits {
        // A distribution that says it is not affected knows better than another feed about the same package.
        if !not_affected.contains(&key) {
            out.push(draft(index, subject, key, hits, database)?);
        }
    }
    Ok(())
}

/// Returns what a statement says about a fix for this version, the nearest first.
fn fix(
    subject: &Subject<'_>,
    statement: &Statement<'_>,
    interval: Option<&Interval<'_>>,
) -> (FixState, Vec<String>) {
    let scheme = subject.scheme();
    if let Some(Interval { end: End::Fixed(nearest), .. }) = interval {
        // Fixes of later branches are of use to those who move on; of earlier ones, to nobody.
        let mut fixed: Vec<&str> = statement
            .ranges
            .iter()
            .filter_map(|interval| match interval.end {
                End::Fixed(version) => Some(version),
                End::Open | End::LastAffected(_) | End::Limit(_) => None,
            })
            .filter(|version| compare(scheme, version, nearest).is_ok_and(Ordering::is_ge))
            .collect();
        sort(scheme, &mut fixed, |version| version);
        fixed.dedup();
        return (FixState::Fixed, fixed.into_iter().map(str::to_owned).collect());
    }
    let state = match (statement.fix, interval.map(|interval| interval.end)) {
        (Fix::WontFix, _) => FixState::WontFix,
        (Fix::EndOfLife, _) => FixState::EndOfLife,
        (Fix::NotFixed, _) => FixState::NotFixed,
        (Fix::Unknown | Fix::NotAffected, Some(End::Open)) => FixState::NotFixed,
        (Fix::Unknown | Fix::NotAffected, _) => FixState::Unknown,
    };
    (state, Vec::new())
}

fn draft(
    index: u32,
    subject: &Subject<'_>,
    key: VulnerabilityKey,
    mut hits: Vec<Hit<'_>>,
    database: &Database,
) -> Result<Draft, CorruptDatabase> {
    let vulnerability = database.vulnerability(key)?;
    // A statement with a fix decides, then one that says why there is none, then the best news, then the feed's name: an
    // order that no other data can change.
    hits.sort_by(|a, b| {
        let rank = |hit: &Hit<'_>| {
            let Evidence { state, feed, advisory, package, range, .. } = &hit.evidence;
            let texts = (feed.clone(), advisory.clone(), package.clone(), range.clone());
            (*state != FixState::Fixed, !hit.explicit, *state, texts)
        };
        rank(a).cmp(&rank(b))
    });
    hits.dedup_by(|a, b| a.evidence == b.evidence);

    // The oldest record stays the anchor when aliases are added or other sources follow.
    let anchor = hits
        .iter()
        .map(|hit| {
            (
                hit.published.unwrap_or(Timestamp(i64::MAX)),
                if hit.alone { hit.advisory } else { vulnerability.id },
            )
        })
        .min()
        .map_or(vulnerability.id, |(_, id)| id)
        .to_owned();

    let mut aliases: BTreeSet<String> =
        vulnerability.aliases.iter().map(|alias| (*alias).to_owned()).collect();
    aliases.extend(hits.iter().map(|hit| hit.advisory.to_owned()));
    aliases.remove(vulnerability.id);

    let mut cvss: Vec<Cvss> = vulnerability
        .cvss
        .iter()
        .map(|one| Cvss { vector: one.vector.to_owned(), score: one.score, source: one.source.to_owned() })
        .collect();
    cvss.sort_by(|a, b| b.score.total_cmp(&a.score).then_with(|| a.vector.cmp(&b.vector)));
    cvss.dedup();

    let (severity, severity_source) = severity(&hits, &vulnerability.severities, &cvss);
    // Where nobody describes the vulnerability itself, an erratum about this package does.
    let title = [vulnerability.title]
        .into_iter()
        .chain(hits.iter().map(|hit| hit.title))
        .find(|title| !title.is_empty());
    let title = title.unwrap_or_default().to_owned();
    let fixed_versions = fixed_versions(subject, &hits);
    let evidence: Vec<Evidence> = hits.into_iter().map(|hit| hit.evidence).collect();
    let fix = evidence.first().map_or(FixState::Unknown, |first| first.state);
    // The Open Source Security Foundation's list of malicious packages (https://github.com/ossf/malicious-packages): nobody grades
    // them, and no later version of such a package is any better.
    let is_listed = |id: &str| id.starts_with("MAL-");
    let malicious = is_listed(vulnerability.id) || aliases.iter().any(|alias| is_listed(alias));
    let (severity, severity_source) = match severity {
        Severity::Unknown if malicious => (Severity::Critical, "assay".to_owned()),
        known => (known, severity_source),
    };
    let remediation = if malicious {
        format!(
            "remove `{}`, and treat what ran it as broken into: change every credential it could reach",
            subject.package.full_name()
        )
    } else {
        remedy::instruction(subject.package, fix, &fixed_versions)
    };
    let finding = Finding {
        id: String::new(),
        kind: if malicious { FindingKind::Malware } else { FindingKind::Vulnerability },
        rule: vulnerability.id.to_owned(),
        aliases: aliases.into_iter().collect(),
        title,
        severity,
        severity_source,
        cvss,
        epss: vulnerability.epss,
        kev: vulnerability.kev,
        exploit: vulnerability.exploit,
        priority: None,
        priority_path: Vec::new(),
        package: Some(index),
        fix,
        fixed_versions,
        locations: subject.package.locations.iter().map(Place::from).collect(),
        in_base: None,
        evidence,
        details: Vec::new(),
        remediation,
        suppression: None,
    };
    Ok(Draft { finding, anchor })
}

/// The distribution's or ecosystem's own word, else the highest CVSS.
fn severity(hits: &[Hit<'_>], published: &[(&str, Severity)], cvss: &[Cvss]) -> (Severity, String) {
    let known = |severity: &Severity| *severity != Severity::Unknown;
    if let Some(hit) = hits.iter().find(|hit| hit.evidence.severity.as_ref().is_some_and(known)) {
        return (hit.evidence.severity.unwrap_or_default(), hit.evidence.feed.clone());
    }
    let of_feed = |feed: &str| published.iter().find(|(source, severity)| *source == feed && known(severity));
    if let Some((feed, severity)) = hits.iter().find_map(|hit| of_feed(&hit.evidence.feed)) {
        return (*severity, (*feed).to_owned());
    }
    match cvss.first() {
        Some(first) if Severity::from_score(first.score) != Severity::Unknown => {
            (Severity::from_score(first.score), format!("cvss ({})", first.source))
        }
        _ => published
            .iter()
            .filter(|(_, severity)| known(severity))
            .max_by_key(|(feed, severity)| (*severity, Reverse(*feed)))
            .map_or((Severity::Unknown, String::new()), |(feed, severity)| (*severity, (*feed).to_owned())),
    }
}

/// Joins what all sources name as fixed, the nearest first.
///
/// A version that another source still calls affected is left out, or following the advice would not end the finding; unless
/// that holds for all of them (a source that knows no fix at all).
fn fixed_versions(subject: &Subject<'_>, hits: &[Hit<'_>]) -> Vec<String> {
    let scheme = subject.scheme();
    let mut versions: Vec<String> = hits.iter().flat_map(|hit| hit.evidence.fixed.iter().cloned()).collect();
    let affected = |version: &str| hits.iter().any(|hit| covers(scheme, &hit.statement, version));
    if versions.iter().any(|version| !affected(version)) {
        versions.retain(|version| !affected(version));
    }
    versions.sort();
    sort(scheme, &mut versions, |version| version);
    versions.dedup_by(|a, b| compare(scheme, a, b).is_ok_and(Ordering::is_eq));
    versions
}

/// Gives findings their fingerprints.
///
/// A fingerprint holds what the finding is about and where it lies, neither of it with a version: it survives upgrades that do
/// not fix, and that other versions of the package, elsewhere, come and go. What lies at one place all the same is told apart by
/// its order.
pub(crate) fn finish(drafts: Vec<Draft>, inventory: &Inventory) -> Vec<Finding> {
    let mut seen: BTreeMap<(String, String, String), u32> = BTreeMap::new();
    drafts
        .into_iter()
        .map(|Draft { mut finding, anchor }| {
            let package = finding.package.and_then(|index| inventory.packages.get(index as usize));
            let name = package.map(instance).unwrap_or_default();
            let place = package.map(place).unwrap_or_default();
            let count = seen.entry((anchor.clone(), name.clone(), place.clone())).or_default();
            let text = format!("{}\n{anchor}\n{name}\n{place}\n{count}", finding.kind.name());
            *count += 1;
            let hash = Sha256::digest(text.as_bytes());
            finding.id = hash.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
            finding
        })
        .collect()
}

/// Returns where a package lies, whatever its version; of several places the one nearest to the root, which copies that lie deeper
/// do not change.
fn place(package: &Package) -> String {
    // A package manager keeps one database, wherever that is.
    if package.kind.is_os() {
        return String::new();
    }
    let places = package.locations.iter().map(|location| without_versions(&location.path, &package.version));
    places.min_by_key(|path| (path.matches('/').count(), path.clone())).unwrap_or_default()
}

/// Replaces a package's version, and all numbers that others may stand for after an upgrade, such as Python's in
/// `lib/python3.11`.
fn without_versions(path: &str, version: &str) -> String {
    let path = if version.is_empty() { path.to_owned() } else { path.replace(version, "#") };
    let mut out = String::with_capacity(path.len());
    let mut rest = path.chars().peekable();
    while let Some(next) = rest.next() {
        if !next.is_ascii_digit() {
            out.push(next);
            continue;
        }
        // A run of numbers and the dots between them: `1.2.3`, but not the dot of `1.jar`.
        while let Some(more) = rest.peek().copied().filter(|more| more.is_ascii_digit() || *more == '.') {
            if more == '.' {
                let mut ahead = rest.clone();
                ahead.next();
                if !ahead.next().is_some_and(|after| after.is_ascii_digit()) {
                    break;
                }
            }
            rest.next();
        }
        out.push('#');
    }
    out
}

/// Returns what packages share that are told apart by nothing but their versions and places.
pub(crate) fn instance(package: &Package) -> String {
    let architecture = package.architecture.as_deref().unwrap_or_default();
    format!("{}/{}/{architecture}", package.kind.purl_type(), package.full_name())
}

/// What findings are ordered by.
type Order<'a> = (Reverse<Severity>, Reverse<bool>, FixState, FindingKind, &'a str, Option<u32>, &'a [Place]);

/// The order of findings: worst first, then by identifier, package and place.
pub(crate) fn order(finding: &Finding) -> Order<'_> {
    let Finding { severity, kev, fix, kind, rule, package, locations, .. } = finding;
    (Reverse(*severity), Reverse(kev.is_some()), *fix, *kind, rule, *package, locations)
}
