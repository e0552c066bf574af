//! An image that every rule likes, to be spoilt one thing at a time.

use assay_model::finding::{Epss, Kev};
use assay_model::package::{Origin, Usage};
use assay_model::report::{Coverage, CoverageState, FeedStatus, SourceKind};
use assay_model::timestamp::DAY;
use assay_model::{
    Base, BaseEvidence, Digest, Finding, FindingKind, FixState, Os, Package, PackageKind, Priority, Report,
    Severity, Timestamp,
};
use assay_policy::facts::{Candidate, Claim, Evidence, Facts, History, ImageFacts, ImageReference};
use assay_policy::{Policy, Verdict, evaluate};
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;

/// The time of all verdicts: 2026-11-27.
pub(crate) const NOW: Timestamp = Timestamp(1_795_737_600);

pub(crate) fn digest(number: u8) -> Digest {
    format!("sha256:{}", format!("{number:02x}").repeat(32)).parse().unwrap()
}

pub(crate) fn ago(days: i64) -> Timestamp {
    Timestamp(NOW.0 - days * DAY)
}

/// Everything that can be judged, owned.
#[derive(Clone)]
pub(crate) struct Case {
    pub(crate) report: Report,
    pub(crate) reference: Option<ImageReference>,
    pub(crate) index: Option<Digest>,
    pub(crate) evidence: Evidence,
    pub(crate) history: Option<History>,
    pub(crate) budgets: Option<BTreeMap<String, bool>>,
    pub(crate) scanned_at: Option<Timestamp>,
    pub(crate) scanned: bool,
    pub(crate) admitted: Option<Timestamp>,
}

impl Case {
    pub(crate) fn clean() -> Self {
        let mut report = Report {
            source: SourceKind::Registry,
            image: Default::default(),
            scanners: FindingKind::ALL.to_vec(),
            inventory: Default::default(),
            database: Default::default(),
            context: Default::default(),
            coverage: Vec::new(),
            findings: Vec::new(),
            removable: Vec::new(),
        };
        report.image.reference = "registry.example/team/app:1.0".into();
        report.image.manifest_digest = Some(digest(1));
        report.image.created = Some(ago(3));
        report.image.labels.insert("team".into(), "a".into());
        report.image.base = Some(Base {
            reference: Some("registry.example/bases/debian:12".into()),
            manifest_digest: Some(digest(9)),
            image_id: None,
            created: Some(ago(5)),
            layers: Some(1),
            evidence: BaseEvidence::LayerPrefix,
            named: true,
            newest: Some(true),
            detail: "its layers are the first".into(),
            findings: 0,
            of_findings: 0,
            newer: None,
        });
        report.inventory.deep = true;
        report.inventory.os = Some(Os {
            id: "debian".into(),
            version: "12".into(),
            end_of_life: Some(ago(-400)),
            ..Os::default()
        });
        let mut package = Package::new(PackageKind::Deb, "openssl".to_owned(), "3.0.1".to_owned());
        package.usage = Usage::Used;
        package.origin = Origin::Installed;
        package.licenses = vec!["Apache-2.0".into()];
        let mut library = Package::new(PackageKind::Npm, "left".to_owned(), "1.0.0".to_owned());
        library.usage = Usage::Used;
        library.licenses = vec!["MIT".into()];
        report.inventory.packages = vec![package, library];
        let feed = |name: &str| FeedStatus {
            name: name.into(),
            synced_at: Some(ago(1)),
            records: 10,
            rejected: 0,
            license: String::new(),
        };
        report.database.built_at = Some(ago(1));
        report.database.feeds = vec![feed("cisa-kev"), feed("epss"), feed("debian-tracker")];
        report.coverage = vec![Coverage {
            ecosystem: "Debian:12".parse().ok(),
            label: String::new(),
            state: CoverageState::Covered,
            feeds: vec!["debian-tracker".into()],
            synced_at: Some(ago(1)),
            packages: 2,
        }];
        let mut case = Self {
            report,
            reference: Some(ImageReference {
                registry: "registry.example".into(),
                repository: "team/app".into(),
                tag: Some("1.0".into()),
                digest: Some(digest(1)),
            }),
            index: None,
            evidence: Evidence::default(),
            history: None,
            budgets: Some(BTreeMap::from([("time-to-remediate".into(), false)])),
            scanned_at: Some(NOW),
            scanned: true,
            admitted: None,
        };
        case.evidence.listed.extend([digest(1), digest(9)]);
        case.sign(digest(1), "release");
        case.sign(digest(9), "release");
        case.attest(digest(1), "https://slsa.dev/provenance/v1", provenance());
        case.attest(digest(1), "https://cyclonedx.org/bom", sbom());
        case.history = Some(History::of(&[&case.earlier(20)]));
        case
    }

    /// Returns this report as it would have been some days ago.
    pub(crate) fn earlier(&self, days: i64) -> Report {
        let mut report = self.report.clone();
        report.database.built_at = Some(ago(days));
        report
    }

    pub(crate) fn sign(&mut self, subject: Digest, by: &str) {
        self.evidence.candidates.push(candidate(subject, Claim::Signature, by));
    }

    pub(crate) fn attest(&mut self, subject: Digest, kind: &str, predicate: Json) {
        let claim = Claim::Attestation { predicate_type: kind.into(), predicate };
        self.evidence.candidates.push(candidate(subject, claim, "release"));
    }

    pub(crate) fn facts(&self) -> Facts<'_> {
        Facts {
            reference: self.reference.clone(),
            source: "registry.example/team/app:1.0".into(),
            index: self.index,
            images: vec![ImageFacts {
                digest: self.report.image.manifest_digest,
                platform: None,
                report: self.scanned.then_some(&self.report),
                scanned_at: self.scanned_at,
                scanned_by: Vec::new(),
            }],
            evidence: self.evidence.clone(),
            history: self.history.clone(),
            budgets: self.budgets.clone(),
            admitted: self.admitted,
            ..Facts::default()
        }
    }

    pub(crate) fn judge(&self, policy: &Policy) -> Verdict {
        evaluate(policy, None, &self.facts(), NOW)
    }
}

pub(crate) fn candidate(subject: Digest, claim: Claim, by: &str) -> Candidate {
    let check = |root: &str| {
        let result =
            if root == by { Ok(format!("key of {root}")) } else { Err(format!("wrong key: have `{by}`")) };
        (root.to_owned(), result)
    };
    Candidate {
        subject,
        location: "sha256:ab".into(),
        format: "sigstore bundle".into(),
        claim,
        signed_at: Some(ago(2)),
        checks: ["release", "security"].map(check).into(),
    }
}

pub(crate) fn provenance() -> Json {
    json!({ "buildDefinition": { "buildType": "https://example/build", "externalParameters": { "workflow": { "repository": "https://github.com/acme/app" } } },
            "runDetails": { "builder": { "id": "https://example/builder" } } })
}

pub(crate) fn sbom() -> Json {
    json!({ "bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1, "components": [
        { "type": "library", "bom-ref": "a", "name": "openssl", "version": "3.0.1", "purl": "pkg:deb/debian/openssl@3.0.1" },
        { "type": "library", "bom-ref": "b", "name": "left", "version": "1.0.0", "purl": "pkg:npm/left@1.0.0" },
    ] })
}

pub(crate) fn finding(kind: FindingKind, rule: &str, severity: Severity) -> Finding {
    Finding {
        id: format!("id-{rule}"),
        kind,
        rule: rule.into(),
        aliases: vec![format!("ALIAS-{rule}")],
        title: format!("about {rule}"),
        severity,
        severity_source: "test".into(),
        cvss: Vec::new(),
        epss: None,
        kev: None,
        exploit: false,
        priority: Some(Priority::Track),
        priority_path: Vec::new(),
        package: (kind == FindingKind::Vulnerability).then_some(0),
        fix: FixState::NotFixed,
        fixed_versions: Vec::new(),
        locations: Vec::new(),
        in_base: None,
        evidence: Vec::new(),
        details: Vec::new(),
        remediation: format!("mend {rule}"),
        suppression: None,
    }
}

pub(crate) fn vulnerability(rule: &str, severity: Severity) -> Finding {
    finding(FindingKind::Vulnerability, rule, severity)
}

pub(crate) fn fixed(rule: &str, severity: Severity) -> Finding {
    let mut finding = vulnerability(rule, severity);
    finding.fix = FixState::Fixed;
    finding.fixed_versions = vec!["3.0.2".into()];
    finding
}

pub(crate) fn exploited(rule: &str) -> Finding {
    let mut finding = vulnerability(rule, Severity::High);
    finding.kev = Some(Kev { added: Some(ago(90)), due: Some(ago(60)), ransomware: false });
    finding.epss = Some(Epss { score: 0.9, percentile: 0.99, date: None });
    finding
}

/// Reads a policy of some rules; what holds without being written is switched to what the clean image satisfies anyway.
pub(crate) fn policy(rules: &str, rest: &str) -> Policy {
    let text = format!(
        "apiVersion: assay.dev/v1\nkind: ImagePolicy\ntrust:\n  release: {{keys: [{{file: release.pub}}]}}\n  security: {{keys: [{{file: security.pub}}]}}\nrules:\n{rules}{rest}"
    );
    Policy::parse(&text).unwrap_or_else(|problems| panic!("{problems:?}\n{text}"))
}
