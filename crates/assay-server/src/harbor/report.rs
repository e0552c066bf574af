//! Reports as Harbor reads them: vulnerabilities, a bill of materials, or Assay's own report as it is.
//!
//! Surprising: Harbor knows one list of findings, that of vulnerabilities. Secrets and what else was found is in Assay's own report only.
//! What a trusted statement says not to concern the image is left out. Harbor lets an image be pulled by the worst of that list, so what
//! was not looked at is on it as well: an empty list says that nothing is wrong.

use super::{Scanner, Subject};
use assay_model::{Finding, FindingKind, Inventory, Report, Severity};
use assay_store::StoredReport;
use serde::Serialize;
use serde_json::{Value, json};

/// A kind of report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// The vulnerabilities.
    Vulnerabilities,
    /// The same, under the name of version 1.0 of the API.
    OldVulnerabilities,
    /// `assay.report/v1`.
    Raw,
    /// A bill of materials.
    Sbom,
}

impl Kind {
    /// Those about vulnerabilities.
    pub(super) const VULNERABILITIES: [Self; 3] =
        [Self::Vulnerabilities, Self::OldVulnerabilities, Self::Raw];

    /// Returns its name.
    pub(super) fn media_type(self) -> &'static str {
        match self {
            Self::Vulnerabilities => "application/vnd.security.vulnerability.report; version=1.1",
            Self::OldVulnerabilities => {
                "application/vnd.scanner.adapter.vuln.report.harbor+json; version=1.0"
            }
            Self::Raw => "application/vnd.scanner.adapter.vuln.report.raw",
            Self::Sbom => "application/vnd.security.sbom.report+json; version=1.0",
        }
    }

    /// Tells whether a text is its name; blanks do not matter.
    pub(super) fn is(self, name: &str) -> bool {
        let letters = |text: &str| -> String {
            text.chars().filter(|letter| !letter.is_whitespace()).collect::<String>().to_ascii_lowercase()
        };
        letters(self.media_type()) == letters(name)
    }

    /// Chooses by an `Accept` header.
    pub(super) fn accepted(header: Option<&str>) -> Option<Self> {
        let Some(header) = header else { return Some(Self::Vulnerabilities) };
        let all = [Self::Vulnerabilities, Self::OldVulnerabilities, Self::Raw, Self::Sbom];
        header.split(',').find_map(|name| match name.trim() {
            "*/*" => Some(Self::Vulnerabilities),
            name => all.into_iter().find(|kind| kind.is(name)),
        })
    }
}

/// A format of bills of materials.
#[derive(Debug, Clone, Copy)]
pub(super) struct SbomType {
    /// How Harbor calls it.
    pub(super) media_type: &'static str,
    /// How Assay does.
    format: &'static str,
}

/// Every format of bills of materials that Harbor knows.
pub(super) const SBOMS: [SbomType; 2] = [
    SbomType { media_type: "application/spdx+json", format: "spdx" },
    SbomType { media_type: "application/vnd.cyclonedx+json", format: "cyclonedx" },
];

impl SbomType {
    /// Returns the format of that name.
    pub(super) fn named(name: &str) -> Option<Self> {
        SBOMS.into_iter().find(|sbom| sbom.media_type == name)
    }
}

/// What this scanner is called.
pub(super) const SCANNER: Scanner =
    Scanner { name: "Assay", vendor: "Assay", version: env!("CARGO_PKG_VERSION") };

#[derive(Serialize)]
struct Document<'a> {
    generated_at: String,
    artifact: &'a Subject,
    scanner: Scanner,
    #[serde(flatten)]
    content: Content<'a>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Content<'a> {
    Vulnerabilities { severity: &'static str, vulnerabilities: Vec<Item<'a>> },
    Sbom { media_type: &'static str, sbom: Value },
}

/// A stored report cannot be read.
#[derive(Debug)]
pub(super) struct Unreadable;

/// Makes a report out of a stored one.
pub(super) fn make(
    kind: Kind,
    sbom: Option<SbomType>,
    artifact: &Subject,
    stored: &StoredReport,
    inventory: Option<Inventory>,
) -> Result<Vec<u8>, Unreadable> {
    if kind == Kind::Raw {
        return Ok(stored.json.clone());
    }
    let (report, _) = assay_report::format::read(&stored.json).map_err(|_| Unreadable)?;
    let generated = stored.created.timestamp();
    let document_with =
        |content| Document { generated_at: generated.to_string(), artifact, scanner: SCANNER, content };
    let document = match sbom {
        None => {
            let vulnerabilities: Vec<Item<'_>> = gaps(&report).chain(items(&report)).collect();
            let worst = vulnerabilities.iter().map(|item| item.rank).max().unwrap_or_default();
            let content = Content::Vulnerabilities { severity: capital(worst), vulnerabilities };
            serde_json::to_vec(&document_with(content))
        }
        Some(sbom) => {
            let bill = bill(report, sbom, inventory, generated)?;
            serde_json::to_vec(&document_with(Content::Sbom { media_type: sbom.media_type, sbom: bill }))
        }
    };
    document.map_err(|_| Unreadable)
}

/// The stored inventory knows more of each package than the report does.
fn bill(
    mut report: Report,
    sbom: SbomType,
    inventory: Option<Inventory>,
    time: assay_model::Timestamp,
) -> Result<Value, Unreadable> {
    if let Some(inventory) = inventory {
        // Findings are about packages of the report.
        report.findings.clear();
        report.inventory = inventory;
    }
    let format = assay_report::format::by_name(sbom.format).ok_or(Unreadable)?;
    let options = assay_report::Options { time: Some(time), ..assay_report::Options::default() };
    let mut bytes = Vec::new();
    format.write(&report, &options, &mut bytes).map_err(|_| Unreadable)?;
    serde_json::from_slice(&bytes).map_err(|_| Unreadable)
}

#[derive(Serialize)]
struct Item<'a> {
    id: &'a str,
    package: String,
    version: &'a str,
    #[serde(skip_serializing_if = "String::is_empty")]
    fix_version: String,
    severity: &'static str,
    #[serde(skip)]
    rank: Severity,
    description: &'a str,
    links: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    preferred_cvss: Option<Scores<'a>>,
    vendor_attributes: Value,
}

#[derive(Serialize, Default)]
struct Scores<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    score_v3: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    vector_v3: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    score_v2: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    vector_v2: Option<&'a str>,
}

/// Returns what keeps the list from being all there is to say.
fn gaps(report: &Report) -> impl Iterator<Item = Item<'_>> {
    let incomplete = (!report.complete()).then_some((
        "ASSAY-INCOMPLETE",
        Severity::Critical,
        "something in the image was left unscanned, so that it may have any vulnerability; the raw report says what",
    ));
    let unassessed = (report.unassessed() > 0).then_some((
        "ASSAY-UNASSESSED",
        Severity::Unknown,
        "no feed of vulnerabilities speaks about some of its packages; the raw report says about which kinds",
    ));
    incomplete.into_iter().chain(unassessed).map(|(id, rank, description)| Item {
        id,
        package: "(image)".to_owned(),
        version: "",
        fix_version: String::new(),
        severity: capital(rank),
        rank,
        description,
        links: Vec::new(),
        preferred_cvss: None,
        vendor_attributes: json!({}),
    })
}

fn items(report: &Report) -> impl Iterator<Item = Item<'_>> {
    let counts =
        |finding: &&Finding| finding.kind == FindingKind::Vulnerability && finding.suppression.is_none();
    report.findings.iter().filter(counts).map(|finding| {
        let package = finding.package.and_then(|at| report.inventory.packages.get(usize::try_from(at).ok()?));
        Item {
            id: &finding.rule,
            package: package.map(assay_model::Package::full_name).unwrap_or_default(),
            version: package.map(|package| package.version.as_str()).unwrap_or_default(),
            fix_version: finding.fixed_versions.join(", "),
            severity: capital(finding.severity),
            rank: finding.severity,
            description: &finding.title,
            links: link(&finding.rule).into_iter().collect(),
            preferred_cvss: scores(finding),
            vendor_attributes: json!({
                "aliases": finding.aliases,
                "priority": finding.priority.map(assay_model::Priority::name),
                "fix": finding.fix.name(),
                "epss": finding.epss.as_ref().map(|epss| epss.score),
                "known_exploited": finding.kev.is_some(),
                "severity_source": finding.severity_source,
                "remediation": finding.remediation,
            }),
        }
    })
}

fn scores(finding: &Finding) -> Option<Scores<'_>> {
    let mut scores = Scores::default();
    for cvss in finding.cvss.iter() {
        let vector = cvss.vector.as_str();
        // Version 4 has no place there.
        if vector.starts_with("CVSS:3") && scores.score_v3.is_none() {
            (scores.score_v3, scores.vector_v3) = (Some(cvss.score), Some(vector));
        } else if vector.starts_with("AV:") && scores.score_v2.is_none() {
            (scores.score_v2, scores.vector_v2) = (Some(cvss.score), Some(vector));
        }
    }
    Some(scores).filter(|scores| scores.score_v3.is_some() || scores.score_v2.is_some())
}

/// Harbor makes links of these, so they lead to nowhere but two sites, and only by a well-formed identifier.
fn link(id: &str) -> Option<String> {
    let plain = id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    match id.split('-').next()? {
        "CVE" if plain => Some(format!("https://www.cve.org/CVERecord?id={id}")),
        "GHSA" if plain => Some(format!("https://github.com/advisories/{id}")),
        _ => None,
    }
}

fn capital(severity: Severity) -> &'static str {
    match severity {
        Severity::Unknown => "Unknown",
        Severity::Negligible => "Negligible",
        Severity::Low => "Low",
        Severity::Medium => "Medium",
        Severity::High => "High",
        Severity::Critical => "Critical",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_model::Warning;
    use assay_model::report::{Coverage, CoverageState, DatabaseStatus, SourceKind};
    use assay_store::Moment;

    #[test]
    fn the_first_kind_that_is_known_is_chosen() {
        let check = |header: Option<&str>, want| assert_eq!(Kind::accepted(header), want, "{header:?}");
        check(None, Some(Kind::Vulnerabilities));
        check(Some("*/*"), Some(Kind::Vulnerabilities));
        for kind in Kind::VULNERABILITIES.into_iter().chain([Kind::Sbom]) {
            check(Some(kind.media_type()), Some(kind));
            check(Some(&kind.media_type().replace("; ", ";")), Some(kind));
        }
        check(Some("text/html, application/vnd.scanner.adapter.vuln.report.raw"), Some(Kind::Raw));
        check(Some("application/vnd.security.vulnerability.report; version=2.0"), None);
        check(Some("application/json"), None);
        check(Some(""), None);
    }

    /// Returns the severity of a report, and of its list the identifiers.
    fn listed(warnings: Vec<Warning>, covered: CoverageState) -> (String, Vec<String>) {
        let report = Report {
            source: SourceKind::Registry,
            image: assay_model::Image::default(),
            scanners: vec![FindingKind::Vulnerability],
            inventory: Inventory { warnings, ..Inventory::default() },
            database: DatabaseStatus::default(),
            context: assay_model::Context::default(),
            coverage: vec![Coverage {
                ecosystem: "PyPI".parse().ok(),
                label: "pypi".to_owned(),
                state: covered,
                feeds: Vec::new(),
                synced_at: None,
                packages: 3,
            }],
            findings: Vec::new(),
            removable: Vec::new(),
        };
        let stored = StoredReport {
            depth: assay_store::Depth::Fast,
            database: Moment(0),
            created: Moment(0),
            evaluated: Moment(0),
            json: crate::report::write(&report).unwrap(),
        };
        let artifact =
            Subject { repository: "app".to_owned(), digest: String::new(), tag: None, mime_type: None };
        let made = make(Kind::Vulnerabilities, None, &artifact, &stored, None).unwrap();
        let made: Value = serde_json::from_slice(&made).unwrap();
        let ids = made["vulnerabilities"].as_array().unwrap().iter();
        (
            made["severity"].as_str().unwrap().to_owned(),
            ids.map(|item| item["id"].as_str().unwrap().to_owned()).collect(),
        )
    }

    #[test]
    fn what_was_not_looked_at_is_never_called_clean() {
        let check = |warning: Option<Warning>, covered, severity: &str, ids: &[&str]| {
            let (got, listed) = listed(warning.into_iter().collect(), covered);
            assert_eq!((got.as_str(), listed), (severity, ids.iter().map(|&id| id.to_owned()).collect()));
        };
        let left_out = || Warning::unscanned("too-large", Some("/opt/x"), "it is too large");
        check(None, CoverageState::Covered, "Unknown", &[]);
        check(Some(Warning::notice("odd", None, "it is odd")), CoverageState::Stale, "Unknown", &[]);
        check(Some(left_out()), CoverageState::Covered, "Critical", &["ASSAY-INCOMPLETE"]);
        check(None, CoverageState::None, "Unknown", &["ASSAY-UNASSESSED"]);
        let both = ["ASSAY-INCOMPLETE", "ASSAY-UNASSESSED"];
        check(Some(left_out()), CoverageState::None, "Critical", &both);
    }

    #[test]
    fn links_are_made_of_plain_identifiers_only() {
        assert_eq!(link("CVE-2022-1").as_deref(), Some("https://www.cve.org/CVERecord?id=CVE-2022-1"));
        assert_eq!(link("GHSA-a-b-c").as_deref(), Some("https://github.com/advisories/GHSA-a-b-c"));
        for id in ["CVE-1&x=javascript:", "DSA-1", "", "javascript:alert"] {
            assert_eq!(link(id), None, "{id}");
        }
    }
}
