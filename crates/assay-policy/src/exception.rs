//! Exceptions: what is accepted, for whom, by whom, and until when.
//!
//! An exception takes out of the count what it names, and nothing else: each of its selectors must match. It ends on its day, or
//! when a fix ships, whichever is first.

use crate::define::{Field, Kind, Params};
use crate::facts::{Facts, ImageFacts};
use crate::pattern;
use crate::policy::Policy;
use crate::read::Reader;
use crate::rule;
use crate::selector::Selector;
use crate::spelling::nearest;
use crate::tree::Problem;
use crate::verdict::{ExceptionState, ExceptionUse};
use assay_model::{Digest, Finding, FindingKind, FixState, Report, Timestamp};
use std::collections::BTreeSet;

/// What exceptions may be.
pub const LIMITS: &[Field] = &[
    Field::optional(
        "maxLifetime",
        Kind::Duration,
        "The longest one may run from now; a longer one has no effect.",
    ),
    Field::or("warnBefore", Kind::Duration, "14d", "How long before its end one is reported as expiring."),
];

/// What an exception may hold.
pub const FIELDS: &[Field] = &[
    Field::required("id", Kind::Text, "What verdicts call it: a ticket, for example."),
    Field::optional(
        "rules",
        Kind::List(&Kind::Text),
        "The rules it is from, by id or key; without it all that count findings.",
    ),
    Field::optional(
        "advisories",
        Kind::List(&Kind::Text),
        "Vulnerabilities, by any of their identifiers, or rules of other findings.",
    ),
    Field::optional(
        "packages",
        Kind::List(&Kind::Pattern),
        "Packages: names, `name@version`, or package URLs.",
    ),
    Field::optional("findings", Kind::List(&Kind::Text), "Findings, by their fingerprints."),
    Field::optional("paths", Kind::List(&Kind::Pattern), "Files that the findings are in, and no others."),
    Field::optional("digests", Kind::List(&Kind::Digest), "Images, by digest."),
    Field::optional("images", Kind::List(&Kind::Pattern), "Images, by patterns over whole references."),
    Field::optional("repositories", Kind::List(&Kind::Pattern), "Repositories, with their registry."),
    Field::optional("services", Kind::List(&Kind::Pattern), "Services."),
    Field::optional("teams", Kind::List(&Kind::Pattern), "Teams."),
    Field::required("owner", Kind::Text, "Who answers for it."),
    Field::required("reason", Kind::Text, "Why the risk is accepted."),
    Field::required("approvedBy", Kind::Text, "Who approved it."),
    Field::optional("approvedOn", Kind::Time, "When."),
    Field::optional("expires", Kind::Time, "The day from which on it has no effect."),
    Field::optional(
        "until",
        Kind::Word(&["fix-available"]),
        "What ends it: for each finding, that a fix ships. Without `expires` it takes out vulnerabilities only, as nothing else gets a fix.",
    ),
    Field::optional(
        "vex",
        Kind::Record(&[
            Field::or(
                "status",
                Kind::Word(&["affected", "not_affected"]),
                "affected",
                "The status it is exported with.",
            ),
            Field::optional("justification", Kind::Text, "The justification, for `not_affected`."),
        ]),
        "How it is said in VEX.",
    ),
];

/// An exception.
#[derive(Debug, Clone, PartialEq)]
pub struct Exception {
    /// What it is called.
    pub id: String,
    /// The rules it is from; empty means all that count findings.
    pub rules: Vec<String>,
    /// Identifiers of vulnerabilities or other findings.
    pub advisories: Vec<String>,
    /// Packages.
    pub packages: Vec<String>,
    /// Fingerprints.
    pub findings: Vec<String>,
    /// Paths.
    pub paths: Vec<String>,
    /// Digests.
    pub digests: Vec<Digest>,
    /// Names of images, services and teams.
    pub selector: Selector,
    /// Who answers for it.
    pub owner: String,
    /// Why it is there.
    pub reason: String,
    /// Who approved it.
    pub approved_by: String,
    /// When.
    pub approved_on: Option<Timestamp>,
    /// The day from which on it has no effect.
    pub expires: Option<Timestamp>,
    /// Whether it ends, for each finding, when a fix ships.
    pub until_fixed: bool,
    /// Whether it says in VEX that the product is not affected.
    pub not_affected: bool,
    /// The justification of that.
    pub justification: Option<String>,
}

/// Reads an exception.
pub(crate) fn read(reader: &mut Reader, params: &Params, policy: &mut Policy) {
    let list = |name: &str| -> Vec<String> { params.texts(name).into_iter().map(str::to_owned).collect() };
    let text = |name: &str| params.text(name).unwrap_or_default().to_owned();
    let id = text("id");
    let names = ["rules", "advisories", "packages", "findings", "paths"];
    if names.iter().all(|name| params.list(name).is_empty()) {
        reader.problem(
            Problem::new(params.place, format!("the exception `{id}` does not say what it accepts"))
                .hint("name vulnerabilities, packages or rules: `advisories: [CVE-2026-1]`"),
        );
    }
    if params.get("expires").is_none() && params.get("until").is_none() {
        reader.problem(
            Problem::new(params.place, format!("the exception `{id}` has no end"))
                .hint("add `expires: YYYY-MM-DD`, or `until: fix-available`"),
        );
    }
    if policy.exceptions.iter().any(|other| other.id == id) {
        reader.problem(Problem::new(params.place, format!("there are two exceptions called `{id}`")));
    }
    for name in params.texts("rules") {
        let mut known: Vec<&str> = policy.rules.iter().map(|rule| rule.id.as_str()).collect();
        known.extend(rule::RULES.iter().map(|rule| rule.id()));
        if !known.contains(&name) {
            let mut problem = Problem::new(
                params.place,
                format!("the exception `{id}` is from a rule that is not there: `{name}`"),
            );
            problem.hint = nearest(name, &known).map(|near| format!("did you mean `{near}`?"));
            reader.problem(problem);
        }
    }
    if params.get("until").is_some() && params.get("expires").is_none() {
        let endless = |name: &&str| {
            let own = policy.rules.iter().find(|rule| rule.id == *name).map(|rule| rule.rule);
            own.or_else(|| rule::by_id(name)).is_some_and(|rule| !rule.counts_vulnerabilities())
        };
        for name in params.texts("rules").into_iter().filter(endless) {
            reader.problem(
                Problem::new(
                    params.place,
                    format!("the exception `{id}` would never end: no fix ships for what `{name}` asks for"),
                )
                .hint("add `expires: YYYY-MM-DD`"),
            );
        }
    }
    let vex = params.record("vex");
    let digest = |value: &crate::define::Value| match value {
        crate::define::Value::Digest(digest) => Some(*digest),
        _ => None,
    };
    policy.exceptions.push(Exception {
        id,
        rules: list("rules"),
        advisories: list("advisories"),
        packages: list("packages"),
        findings: list("findings"),
        paths: list("paths"),
        digests: params.list("digests").iter().filter_map(digest).collect(),
        selector: Selector {
            images: list("images"),
            repositories: list("repositories"),
            services: list("services"),
            teams: list("teams"),
            ..Selector::default()
        },
        owner: text("owner"),
        reason: text("reason"),
        approved_by: text("approvedBy"),
        approved_on: params.time("approvedOn"),
        expires: params.time("expires"),
        until_fixed: params.text("until").is_some(),
        not_affected: vex.and_then(|vex| vex.text("status")) == Some("not_affected"),
        justification: vex.and_then(|vex| vex.text("justification")).map(str::to_owned),
    });
}

/// Whether an exception has an effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Standing {
    /// Yes.
    InForce,
    /// Yes, but it ends soon.
    Expiring,
    /// No more.
    Expired,
    /// No: it runs longer than the policy allows, or for ever.
    TooLong,
}

impl Exception {
    /// Returns whether it names single findings, rather than whole rules.
    /// Says whether it has an effect at a moment, whatever it is used for.
    pub fn standing(&self, policy: &Policy, now: Timestamp) -> Standing {
        let left = self.expires.map(|expires| expires.0.saturating_sub(now.0));
        match (left, policy.max_lifetime) {
            (Some(left), _) if left <= 0 => Standing::Expired,
            (Some(left), Some(most)) if left > most => Standing::TooLong,
            // One that ends only with a fix may run for ever, which is longer than any limit.
            (None, Some(_)) => Standing::TooLong,
            (Some(left), _) if left <= policy.warn_before => Standing::Expiring,
            _ => Standing::InForce,
        }
    }

    fn names_findings(&self) -> bool {
        !(self.advisories.is_empty()
            && self.packages.is_empty()
            && self.findings.is_empty()
            && self.paths.is_empty())
    }

    /// Returns whether nothing but a fix ends it.
    fn ends_with_fix_only(&self) -> bool {
        self.until_fixed && self.expires.is_none()
    }

    fn names_rule(&self, id: &str, kind: &str) -> bool {
        self.rules.iter().any(|name| name == id || name == kind)
    }

    fn names_finding(&self, report: &Report, finding: &Finding) -> bool {
        let identifiers = || std::iter::once(&finding.rule).chain(&finding.aliases);
        let advisory = self.advisories.is_empty()
            || self.advisories.iter().any(|name| identifiers().any(|own| own.eq_ignore_ascii_case(name)));
        let package = self.packages.is_empty() || package_matches(&self.packages, report, finding);
        let fingerprint = self.findings.is_empty() || self.findings.contains(&finding.id);
        // What is elsewhere, too, is not only where it was accepted.
        let path = self.paths.is_empty()
            || !finding.locations.is_empty()
                && finding.locations.iter().all(|place| pattern::any(&self.paths, &place.path));
        advisory && package && fingerprint && path
    }

    fn about(&self, facts: &Facts<'_>, image: Option<&ImageFacts<'_>>) -> bool {
        let digests = || {
            let image_id = image.and_then(|image| image.report).and_then(|report| report.image.image_id);
            image.and_then(|image| image.digest).into_iter().chain(facts.index).chain(image_id)
        };
        (self.digests.is_empty() || digests().any(|digest| self.digests.contains(&digest)))
            && self.selector.matches(facts)
    }
}

/// Returns whether patterns name the package of a finding: by its name, `name@version`, or its package URL with or without
/// qualifiers and version.
pub(crate) fn package_matches(patterns: &[String], report: &Report, finding: &Finding) -> bool {
    let package = finding
        .package
        .and_then(|index| usize::try_from(index).ok())
        .and_then(|index| report.inventory.packages.get(index));
    package.is_some_and(|package| names_of(package, report).iter().any(|name| pattern::any(patterns, name)))
}

/// Returns the spellings under which patterns know a package.
pub(crate) fn names_of(package: &assay_model::Package, report: &Report) -> Vec<String> {
    let purl = package.purl(report.inventory.os.as_ref()).to_string();
    let plain = purl.split('?').next().unwrap_or_default().to_owned();
    let versionless = plain.rsplit_once('@').map(|(name, _)| name.to_owned());
    let name = package.full_name();
    let mut names = vec![format!("{name}@{}", package.version), name, purl, plain];
    names.extend(versionless);
    names
}

/// What exceptions do while one image is judged.
#[derive(Debug)]
pub(crate) struct Book<'p> {
    policy: &'p Policy,
    now: Timestamp,
    entries: Vec<Entry>,
}

#[derive(Debug, Default, Clone)]
struct Entry {
    findings: BTreeSet<String>,
    rules: BTreeSet<String>,
    expired: bool,
    ended: bool,
    too_long: bool,
}

impl<'p> Book<'p> {
    pub(crate) fn new(policy: &'p Policy, now: Timestamp) -> Self {
        Self { policy, now, entries: vec![Entry::default(); policy.exceptions.len()] }
    }

    /// Returns whether an exception takes a finding out of a rule's count.
    pub(crate) fn finding(
        &mut self,
        facts: &Facts<'_>,
        image: &ImageFacts<'_>,
        report: &Report,
        finding: &Finding,
        (id, kind): (&str, &str),
    ) -> bool {
        let mut taken = false;
        for (exception, entry) in self.policy.exceptions.iter().zip(&mut self.entries) {
            let named = (exception.rules.is_empty() || exception.names_rule(id, kind))
                && exception.names_finding(report, finding)
                && exception.about(facts, Some(image));
            if !named || !entry.in_force(exception, self.policy, self.now) {
                continue;
            }
            if exception.until_fixed && finding.fix == FixState::Fixed {
                entry.ended = true;
                continue;
            }
            // It would never end: no fix comes for what is no vulnerability, nor for what is at the end of its life.
            let never_fixed =
                finding.kind != FindingKind::Vulnerability || finding.fix == FixState::EndOfLife;
            if exception.ends_with_fix_only() && never_fixed {
                continue;
            }
            entry.findings.insert(finding.id.clone());
            taken = true;
        }
        taken
    }

    /// Returns whether an exception takes a whole rule out. One that ends with a fix does not: no fix ships for a rule.
    pub(crate) fn rule(
        &mut self,
        facts: &Facts<'_>,
        image: Option<&ImageFacts<'_>>,
        (id, kind): (&str, &str),
    ) -> bool {
        let mut taken = false;
        for (exception, entry) in self.policy.exceptions.iter().zip(&mut self.entries) {
            let named = !exception.names_findings()
                && !exception.ends_with_fix_only()
                && exception.names_rule(id, kind)
                && exception.about(facts, image);
            if named && entry.in_force(exception, self.policy, self.now) {
                entry.rules.insert(id.to_owned());
                taken = true;
            }
        }
        taken
    }

    /// Returns what became of every exception that is about the image.
    pub(crate) fn uses(&self, facts: &Facts<'_>) -> Vec<ExceptionUse> {
        let about = |exception: &Exception| {
            exception.about(facts, None)
                || facts.images.iter().any(|image| exception.about(facts, Some(image)))
        };
        self.policy
            .exceptions
            .iter()
            .zip(&self.entries)
            .filter(|(exception, _)| about(exception))
            .map(|(exception, entry)| {
                let standing = exception.standing(self.policy, self.now);
                let state = if !entry.findings.is_empty() || !entry.rules.is_empty() {
                    ExceptionState::Used
                } else if entry.too_long || standing == Standing::TooLong {
                    ExceptionState::TooLong
                } else if entry.expired || standing == Standing::Expired {
                    ExceptionState::Expired
                } else if entry.ended {
                    ExceptionState::Ended
                } else {
                    ExceptionState::Unused
                };
                ExceptionUse {
                    id: exception.id.clone(),
                    state,
                    expiring: standing == Standing::Expiring,
                    expires: exception.expires.map(Timestamp::date_text),
                    owner: exception.owner.clone(),
                    reason: exception.reason.clone(),
                    approved_by: exception.approved_by.clone(),
                    findings: entry.findings.iter().cloned().collect(),
                    rules: entry.rules.iter().cloned().collect(),
                }
            })
            .collect()
    }
}

impl Entry {
    fn in_force(&mut self, exception: &Exception, policy: &Policy, now: Timestamp) -> bool {
        match exception.standing(policy, now) {
            Standing::InForce | Standing::Expiring => return true,
            Standing::Expired => self.expired = true,
            Standing::TooLong => self.too_long = true,
        }
        false
    }
}
