//! Unit tests of policies: reports, and the verdicts that are expected.

use crate::define::{Field, Kind, Params};
use crate::facts::{Candidate, Claim, Evidence, Facts, ImageFacts, Placement};
use crate::predicate;
use crate::read::Reader;
use crate::tree::{self, Node, Number, Problem};
use crate::verdict::{Effect, Verdict};
use assay_model::{Digest, Report, Timestamp};
use serde_json::{Map, Value as Json};
use std::collections::{BTreeMap, BTreeSet};

const FILE: &[Field] = &[
    Field::optional("policy", Kind::Text, "The policy, relative to this file."),
    Field::required("cases", Kind::List(&Kind::Record(&[])), "What is tried."),
];

const EXPECTED: &[Field] = &[
    Field::required("verdict", Kind::Word(&["admit", "warn", "deny"]), "The verdict."),
    Field::optional("deny", Kind::List(&Kind::Text), "The rules that deny, and no others."),
    Field::optional("warn", Kind::List(&Kind::Text), "The rules that warn, and no others."),
    Field::optional("audit", Kind::List(&Kind::Text), "The rules that are only recorded, and no others."),
    Field::optional(
        "exceptions",
        Kind::Map(&Kind::Word(&["used", "unused", "expired", "ended", "too-long"])),
        "What becomes of exceptions, by id.",
    ),
];

const EVIDENCE: &[Field] = &[
    Field::optional("type", Kind::Text, "The type of the predicate; without it a signature."),
    Field::required("by", Kind::List(&Kind::Trust), "The trust roots that vouch for it."),
    Field::optional("signedAt", Kind::Time, "When it was signed."),
];

const CASE: &[Field] = &[
    Field::required("name", Kind::Text, "What it shows."),
    Field::optional("source", Kind::Text, "The image's name; without it the report's."),
    Field::optional("tier", Kind::Text, "The tier."),
    Field::required("now", Kind::Time, "The time of the verdict."),
    Field::optional("namespace", Kind::Text, "The namespace."),
    Field::optional("namespaceLabels", Kind::Map(&Kind::Text), "Labels of the namespace."),
    Field::optional("service", Kind::Text, "The service."),
    Field::optional("team", Kind::Text, "The team."),
    Field::optional("labels", Kind::Map(&Kind::Text), "Labels of the workload."),
    Field::optional("scannedAt", Kind::Time, "When it was scanned."),
    Field::required("expect", Kind::Record(EXPECTED), "What is expected."),
];

/// A file of tests.
#[derive(Debug, Clone)]
pub struct Suite {
    /// The policy, relative to the file.
    pub policy: Option<String>,
    /// The tests.
    pub cases: Vec<Case>,
}

/// Where a test's report is.
#[derive(Debug, Clone, PartialEq)]
pub enum ReportSource {
    /// In a file, relative to that of the tests.
    File(String),
    /// In the test itself.
    Inline(Json),
}

/// One test.
#[derive(Debug, Clone)]
pub struct Case {
    /// What it shows.
    pub name: String,
    /// The report.
    pub report: ReportSource,
    /// Earlier reports.
    pub history: Vec<ReportSource>,
    /// The image's name.
    pub source: Option<String>,
    /// The tier.
    pub tier: Option<String>,
    /// The time of the verdict.
    pub now: Timestamp,
    /// When it was scanned.
    pub scanned_at: Option<Timestamp>,
    /// Where it is to run.
    pub placement: Placement,
    /// State of error budgets.
    pub budgets: Option<BTreeMap<String, bool>>,
    evidence: Option<Vec<Said>>,
    expect: Expectation,
}

#[derive(Debug, Clone)]
struct Said {
    predicate_type: Option<String>,
    predicate: Json,
    by: Vec<String>,
    signed_at: Option<Timestamp>,
}

#[derive(Debug, Clone)]
struct Expectation {
    verdict: String,
    rules: BTreeMap<&'static str, BTreeSet<String>>,
    exceptions: BTreeMap<String, String>,
}

impl Suite {
    /// Reads a file of tests.
    ///
    /// # Errors
    /// Returns everything that is wrong with it.
    pub fn parse(text: &str) -> Result<Self, Vec<Problem>> {
        let root = tree::parse(text).map_err(|problem| vec![problem])?;
        // `deny: []` says that nothing denies.
        let mut reader = Reader { accepts_empty: true, ..Reader::default() };
        let known: Vec<&str> = FILE.iter().map(|field| field.name).collect();
        let mut suite = Self { policy: None, cases: Vec::new() };
        for (key, place, node) in reader.entries(&root, "the file", &known) {
            if key == "policy" {
                suite.policy = node.written();
            } else if let tree::Value::List(items) = &node.value {
                suite.cases.extend(items.iter().filter_map(|item| case(&mut reader, item)));
            } else {
                reader.problem(Problem::new(place, "`cases` is no list"));
            }
        }
        if suite.cases.is_empty() && reader.problems.is_empty() {
            reader
                .problem(Problem::new(root.place, "it has no cases").hint("add some: `cases: [{name: …}]`"));
        }
        if reader.problems.is_empty() { Ok(suite) } else { Err(reader.problems) }
    }
}

fn case(reader: &mut Reader, node: &Node) -> Option<Case> {
    // What holds reports and predicates is JSON of any shape, and read apart.
    const FREE: [&str; 4] = ["report", "history", "evidence", "budgets"];
    let mut rest = node.clone();
    if let tree::Value::Map(entries) = &mut rest.value {
        entries.retain(|(key, ..)| !FREE.contains(&key.as_str()));
    }
    let params = reader.record(&rest, "a case", CASE);
    let Some(report) = node.get("report") else {
        reader.problem(
            Problem::new(node.place, "a case has no `report`")
                .hint("name a report: `report: app.json`, as `assay scan --format json` writes it"),
        );
        return None;
    };
    let placement = Placement {
        namespace: params.text("namespace").map(str::to_owned),
        namespace_labels: owned(params.map("namespaceLabels")),
        service: params.text("service").map(str::to_owned),
        team: params.text("team").map(str::to_owned),
        labels: owned(params.map("labels")),
    };
    let evidence = node
        .get("evidence")
        .map(|node| node.items().iter().filter_map(|item| said(reader, item)).collect::<Vec<_>>());
    let budgets = node.get("budgets").map(|node| {
        node.entries()
            .iter()
            .map(|(key, _, value)| (key.clone(), value.value != tree::Value::Truth(false)))
            .collect()
    });
    let expect = params.record("expect")?;
    let mut rules = BTreeMap::new();
    for effect in Effect::ALL {
        if expect.get(effect.name()).is_some() {
            rules.insert(effect.name(), expect.texts(effect.name()).into_iter().map(str::to_owned).collect());
        }
    }
    Some(Case {
        name: params.text("name").unwrap_or_default().to_owned(),
        report: source(report),
        history: node.items_at(&["history"]).iter().map(source).collect(),
        source: params.text("source").map(str::to_owned),
        tier: params.text("tier").map(str::to_owned),
        now: params.time("now")?,
        scanned_at: params.time("scannedAt"),
        placement,
        budgets,
        evidence,
        expect: Expectation {
            verdict: expect.text("verdict").unwrap_or_default().to_owned(),
            rules,
            exceptions: owned(expect.map("exceptions")),
        },
    })
}

fn owned(pairs: Vec<(&str, &str)>) -> BTreeMap<String, String> {
    pairs.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
}

fn said(reader: &mut Reader, node: &Node) -> Option<Said> {
    let mut rest = node.clone();
    if let tree::Value::Map(entries) = &mut rest.value {
        entries.retain(|(key, ..)| key != "predicate");
    }
    let params: Params = reader.record(&rest, "`evidence`", EVIDENCE);
    let by: Vec<String> = params.texts("by").into_iter().map(str::to_owned).collect();
    Some(Said {
        predicate_type: params.text("type").map(str::to_owned),
        predicate: node.get("predicate").map_or(Json::Null, json),
        by: (!by.is_empty()).then_some(by)?,
        signed_at: params.time("signedAt"),
    })
}

fn source(node: &Node) -> ReportSource {
    match node.written() {
        Some(path) => ReportSource::File(path),
        None => ReportSource::Inline(json(node)),
    }
}

/// Returns a tree as JSON.
fn json(node: &Node) -> Json {
    match &node.value {
        tree::Value::Nothing => Json::Null,
        tree::Value::Text(text) => Json::String(text.clone()),
        tree::Value::Truth(truth) => Json::Bool(*truth),
        tree::Value::Number(Number { value: number, .. }) => {
            whole(*number).unwrap_or_else(|| Json::from(*number))
        }
        tree::Value::List(items) => Json::Array(items.iter().map(json).collect()),
        tree::Value::Map(entries) => Json::Object(
            entries.iter().map(|(key, _, value)| (key.clone(), json(value))).collect::<Map<_, _>>(),
        ),
    }
}

#[expect(clippy::cast_possible_truncation, reason = "it is whole and far from the ends")]
fn whole(number: f64) -> Option<Json> {
    (number.fract() == 0.0 && number.abs() < 1e15).then(|| Json::from(number as i64))
}

impl Case {
    /// Returns the evidence of a test about these digests. Evidence that is not given was not looked for.
    pub fn evidence(&self, trust: &BTreeSet<String>, digests: &[Digest]) -> Evidence {
        let mut evidence = Evidence::default();
        let Some(all) = &self.evidence else { return evidence };
        evidence.listed.extend(digests);
        for (number, said) in all.iter().enumerate() {
            let claim = match &said.predicate_type {
                None => Claim::Signature,
                Some(name) => {
                    let predicate_type = predicate::full(name).to_owned();
                    Claim::Attestation { predicate_type, predicate: said.predicate.clone() }
                }
            };
            for digest in digests {
                let checks = trust.iter().map(|root| {
                    let check = if said.by.contains(root) {
                        Ok(root.clone())
                    } else {
                        Err("signed by somebody else".to_owned())
                    };
                    (root.clone(), check)
                });
                evidence.candidates.push(Candidate {
                    subject: *digest,
                    location: format!("evidence {}", number + 1),
                    format: "test".to_owned(),
                    claim: claim.clone(),
                    signed_at: said.signed_at,
                    checks: checks.collect(),
                });
            }
        }
        evidence
    }

    /// Returns what differs between the verdict and what is expected.
    pub fn compare(&self, verdict: &Verdict) -> Vec<String> {
        let mut wrong = Vec::new();
        let expect = &self.expect;
        if verdict.decision.name() != expect.verdict {
            wrong.push(format!("expected {}, got {}", expect.verdict, verdict.decision.name()));
        }
        for (effect, wanted) in &expect.rules {
            let Some(effect) = Effect::parse(effect) else { continue };
            let got: BTreeSet<String> = verdict.with(effect).map(|reason| reason.rule.clone()).collect();
            for missing in wanted.difference(&got) {
                wrong.push(format!("expected `{missing}` to {}, which it does not", effect.name()));
            }
            for extra in got.difference(wanted) {
                let message = verdict.with(effect).find(|reason| reason.rule == *extra);
                let message = message.map(|reason| reason.message.as_str()).unwrap_or_default();
                wrong.push(format!("`{extra}` does {}, which is not expected: {message}", effect.name()));
            }
        }
        for (id, wanted) in &expect.exceptions {
            let got = verdict.exceptions.iter().find(|used| used.id == *id).map(|used| used.state.name());
            if got != Some(wanted.as_str()) {
                wrong.push(format!(
                    "expected the exception `{id}` to be {wanted}, it is {}",
                    got.unwrap_or("not about the image")
                ));
            }
        }
        wrong
    }
}

/// Returns the facts of one report, as tests and simulations judge them.
pub fn facts_of<'a>(report: &'a Report, source: &str, scanned_at: Option<Timestamp>) -> Facts<'a> {
    Facts {
        source: source.to_owned(),
        index: report.image.index_digest,
        images: vec![ImageFacts {
            digest: report.image.manifest_digest.or(report.image.image_id),
            platform: report.image.platform.clone(),
            report: Some(report),
            scanned_at,
            scanned_by: Vec::new(),
        }],
        ..Facts::default()
    }
}
