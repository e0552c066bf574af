//! Gathering the facts that a policy judges: scanning, or reading a report; what is attached to the image; where it is to run.

use crate::command::Global;
use crate::config::Settings;
use crate::context::ContextArgs;
use crate::error::CommandError;
use crate::evidence as attached;
use crate::services::Outside;
use crate::source::{self, SourceArgs, VexArgs, read_file};
use assay_advisories::Database;
use assay_match::VexDocument;
use assay_model::{BaseEvidence, Digest, Platform, Report, Timestamp};
use assay_oci::source::Source;
use assay_oci::{Reference, without_password};
use assay_policy::facts::{Evidence, Facts, History, ImageFacts, ImageReference, Obstacle, Placement};
use assay_policy::trust::{Material, TrustRoot};
use assay_policy::{Policy, Problem, Verdict, evaluate};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

mod evidence;
pub(crate) mod images;
mod report;
mod roots;

pub(crate) use report::read as read_report;

/// How a source is opened and judged.
#[derive(Debug, clap::Args)]
pub(crate) struct JudgingArgs {
    #[command(flatten)]
    pub(crate) gate: GateArgs,

    #[command(flatten)]
    pub(crate) open: SourceArgs,

    #[command(flatten)]
    pub(crate) context: ContextArgs,

    #[command(flatten)]
    pub(crate) vex: VexArgs,
}

/// Where an image is to run, and what else a policy may look at.
#[derive(Debug, Default, clap::Args)]
pub(crate) struct GateArgs {
    /// The tier to judge by; without it those of the policy that match.
    #[arg(long, value_name = "NAME")]
    pub(crate) tier: Option<String>,

    /// The namespace it is to run in.
    #[arg(long, value_name = "NAME")]
    namespace: Option<String>,

    /// A label of the namespace; may be repeated.
    #[arg(long, value_name = "KEY=VALUE", value_parser = label)]
    namespace_label: Vec<(String, String)>,

    /// The service it is for.
    #[arg(long, value_name = "NAME")]
    service: Option<String>,

    /// The team that answers for it.
    #[arg(long, value_name = "NAME")]
    team: Option<String>,

    /// A label of the workload; may be repeated.
    #[arg(long, value_name = "KEY=VALUE", value_parser = label)]
    label: Vec<(String, String)>,

    /// An earlier report of the same image or service, for rules about age and growth; may be repeated.
    #[arg(long, value_name = "REPORT", value_parser = crate::command::path)]
    history: Vec<PathBuf>,

    /// A Sigstore bundle by which the source, a report, is signed: what `assay sign-blob` wrote. It must hold for one of the policy's
    /// trust roots, which the rule `scan` can ask for.
    #[arg(long, value_name = "BUNDLE", value_parser = crate::command::path)]
    report_signature: Option<PathBuf>,

    /// A JSON file that says of each indicator whether its error budget is used up: `{"time-to-remediate": false}`.
    #[arg(long, value_name = "FILE", value_parser = crate::command::path)]
    budgets: Option<PathBuf>,
}

#[cfg(feature = "server")]
impl GateArgs {
    /// Returns namespace and labels, as a server takes them; or an option that it does not take.
    pub(crate) fn for_server(&self) -> Result<(Option<String>, Option<String>), &'static str> {
        let others = [
            (self.tier.is_some(), "--tier"),
            (!self.namespace_label.is_empty(), "--namespace-label"),
            (self.service.is_some(), "--service"),
            (self.team.is_some(), "--team"),
            (!self.history.is_empty(), "--history"),
            (self.report_signature.is_some(), "--report-signature"),
            (self.budgets.is_some(), "--budgets"),
        ];
        if let Some((_, option)) = others.into_iter().find(|(given, _)| *given) {
            return Err(option);
        }
        let labels: Vec<String> = self.label.iter().map(|(key, value)| format!("{key}={value}")).collect();
        Ok((self.namespace.clone(), Some(labels.join(",")).filter(|labels| !labels.is_empty())))
    }
}

fn label(text: &str) -> Result<(String, String), String> {
    text.split_once('=')
        .filter(|(key, _)| !key.is_empty())
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .ok_or_else(|| "expected KEY=VALUE".to_owned())
}

/// What was gathered about a source.
pub(crate) struct Judged {
    source: String,
    reference: Option<ImageReference>,
    reports: Vec<Gathered>,
    evidence: Evidence,
    placement: Placement,
    history: Option<History>,
    budgets: Option<BTreeMap<String, bool>>,
    problems: Vec<Obstacle>,
}

/// One image, and its report.
struct Gathered {
    digest: Option<Digest>,
    platform: Option<Platform>,
    index: Option<Digest>,
    report: Option<Report>,
    scanned_at: Option<Timestamp>,
    /// The trust roots by which a report that was kept is signed.
    scanned_by: Vec<String>,
}

impl Gathered {
    fn of(report: Report, scanned_at: Option<Timestamp>) -> Self {
        Self {
            digest: report.image.manifest_digest.or(report.image.image_id),
            platform: report.image.platform.clone(),
            index: report.image.index_digest,
            report: Some(report),
            scanned_at,
            scanned_by: Vec::new(),
        }
    }
}

impl Judged {
    /// Judges it.
    pub(crate) fn verdict(&self, policy: &Policy, tier: Option<&str>, now: Timestamp) -> Verdict {
        evaluate(policy, tier, &self.facts(), now)
    }

    fn facts(&self) -> Facts<'_> {
        Facts {
            reference: self.reference.clone(),
            source: self.source.clone(),
            index: self.reports.iter().find_map(|one| one.index),
            images: self
                .reports
                .iter()
                .map(|one| ImageFacts {
                    digest: one.digest,
                    platform: one.platform.clone(),
                    report: one.report.as_ref(),
                    scanned_at: one.scanned_at,
                    scanned_by: one.scanned_by.clone(),
                })
                .collect(),
            evidence: self.evidence.clone(),
            placement: self.placement.clone(),
            history: self.history.clone(),
            budgets: self.budgets.clone(),
            // A gate asks about something new.
            admitted: None,
            problems: self.problems.clone(),
        }
    }
}

/// Reads a policy.
pub(crate) fn read_policy(path: &Path) -> Result<Policy, CommandError> {
    read_policy_and_bytes(path).map(|(policy, _)| policy)
}

/// Reads a policy, and returns the bytes that it was read from, too.
pub(crate) fn read_policy_and_bytes(path: &Path) -> Result<(Policy, Vec<u8>), CommandError> {
    let failed = |error: Box<dyn std::error::Error + Send + Sync>| {
        CommandError::work(format!("cannot read the policy `{}`", path.display()), error)
            .hint("name a policy with `--policy FILE`; write a first one with `assay policy init --profile baseline`")
    };
    let bytes = read_file(path).map_err(|error| failed(error.into()))?;
    let text = std::str::from_utf8(&bytes).map_err(|error| failed(error.into()))?;
    let policy = Policy::parse(text).map_err(|problems| mistakes(path, &problems))?;
    Ok((policy, bytes))
}

/// Puts everything that is wrong with a file into one error.
pub(crate) fn mistakes(path: &Path, problems: &[Problem]) -> CommandError {
    let told = |problem: &Problem| match problem.place.line {
        0 => format!("`{}`: {}", path.display(), problem.message),
        line => {
            format!("`{}` line {line}, column {}: {}", path.display(), problem.place.column, problem.message)
        }
    };
    let mut messages = problems.iter().map(told);
    let first = messages.next().unwrap_or_default();
    let hint = problems.iter().find_map(|problem| problem.hint.clone());
    CommandError::usage(first)
        .also(messages)
        .hint(hint.unwrap_or_else(|| "see docs/manual/policy.md for what a policy may hold".to_owned()))
}

/// By what a source is judged, and how it is opened.
pub(crate) struct About<'a> {
    /// The policy.
    pub(crate) policy: &'a Policy,
    /// Where it was read, to which the files it names are relative.
    pub(crate) path: &'a Path,
    /// Where the image is to run.
    pub(crate) gate: &'a GateArgs,
    /// How it is opened.
    pub(crate) open: &'a SourceArgs,
    /// The time of the verdict.
    pub(crate) now: Timestamp,
}

/// Gathers the facts about a source.
pub(crate) fn facts(
    text: &str,
    about: &About<'_>,
    global: &Global,
    settings: &Settings,
    vex: &[VexDocument],
) -> Result<Judged, CommandError> {
    if let Some((report, bytes)) = report::named(text)? {
        let mut gathered = Gathered::of(report, None);
        if let Some(path) = &about.gate.report_signature {
            let network = about.open.network();
            let roots = roots::roots(about.policy, about.path, &|| Outside::new(network, global))?;
            gathered.scanned_by = report::signers(path, &bytes, &roots)?;
        }
        return judged(text, vec![gathered], about, global, None);
    }
    if about.gate.report_signature.is_some() {
        return Err(CommandError::usage("only a report that was kept is signed, and the source is none")
            .hint("name a report as one, `report:FILE`; `assay scan SOURCE --format json --output FILE` writes it"));
    }
    let (database, built_in) = source::open_database(global)?;
    let deep = about.policy.needs_deep_scan();
    let scan = |platform: Option<&Platform>| {
        source::gate_report(text, about.open, (deep, platform), global, (&database, built_in), settings, vex)
    };
    let gathered = images::all(text, None, about, global, &scan)?;
    judged(text, gathered, about, global, Some(&database))
}

fn judged(
    text: &str,
    mut reports: Vec<Gathered>,
    about: &About<'_>,
    global: &Global,
    database: Option<&Database>,
) -> Result<Judged, CommandError> {
    let args = about.gate;
    let first = reports.iter().find_map(|one| one.report.as_ref());
    let reference = reference(text, first);
    let evidence = gather(text, &reports, reference.as_ref(), about, global)?;
    for one in &mut reports {
        let subjects: Vec<Digest> = [one.digest, one.index].into_iter().flatten().collect();
        let documents = assay_engine::attested_vex(&evidence, &about.policy.vex, &subjects);
        if let (false, Some(report)) = (documents.is_empty(), &mut one.report) {
            // Only for a report that was kept there is none yet, and then it is the only one.
            let own;
            let database = match database {
                Some(database) => database,
                None => {
                    (own, _) = source::open_database(global)?;
                    &own
                }
            };
            assay_match::apply_vex(report, &documents, database)
                .map_err(|error| source::damaged_database(error, global))?;
        }
    }
    Ok(Judged {
        source: without_password(text).into_owned(),
        reference,
        reports,
        evidence,
        placement: args.placement(),
        history: args.history()?,
        budgets: args.budgets()?,
        problems: Vec::new(),
    })
}

/// Looks up what is attached to the images, and to their bases, where the policy asks for that.
fn gather(
    text: &str,
    reports: &[Gathered],
    reference: Option<&ImageReference>,
    about: &About<'_>,
    global: &Global,
) -> Result<Evidence, CommandError> {
    let policy = about.policy;
    let mut found = Evidence::default();
    if !policy.needs_evidence() && !policy.needs_base_evidence() {
        return Ok(found);
    }
    let network = about.open.network();
    let roots = roots::roots(policy, about.path, &|| Outside::new(network, global))?;
    let now = about.now;
    if policy.needs_evidence() {
        let digests: BTreeSet<Digest> =
            reports.iter().flat_map(|one| [one.index, one.digest]).flatten().collect();
        // A report is judged by what is attached to its own digest, wherever its tag points by now.
        let place = match reference {
            Some(reference) => Some(reference.name()),
            None => images::keeps_manifests(text).then(|| text.to_owned()),
        };
        if let Some(place) = place {
            let named = |digest: &Digest| match reference {
                Some(_) => format!("registry:{place}@{digest}"),
                None => place.clone(),
            };
            let is_of_all = |index: &Digest, subject: &attached::Subject| {
                let mut of_index = reports.iter().filter(|one| one.index == Some(*index));
                of_index.all(|one| one.digest.is_none_or(|digest| subject.lists(digest)))
            };
            for digest in &digests {
                match attached::open(&named(digest), network, &quiet(global)) {
                    // A report may say that its image is in any index.
                    Ok(subject) if !is_of_all(digest, &subject) => {
                        let why = "the index does not list the image that was judged";
                        found.failed.insert(*digest, why.to_owned());
                    }
                    Ok(subject) => evidence::add(&mut found, &subject, *digest, &roots, now),
                    Err(error) => {
                        found.failed.insert(*digest, error.told());
                    }
                }
            }
        }
    }
    if policy.needs_base_evidence() {
        let bases = reports.iter().filter_map(|one| one.report.as_ref()?.image.base.as_ref());
        for base in bases.filter(|base| base.evidence == BaseEvidence::LayerPrefix) {
            let (Some(digest), Some(name)) = (base.manifest_digest, &base.reference) else { continue };
            let parsed = name.strip_prefix("registry:").unwrap_or(name).parse::<Reference>();
            let is_path = Path::new(name).exists() || name.contains(':') && has_prefix(name);
            let named = match parsed {
                Ok(parsed) if !is_path => {
                    format!("registry:{}/{}@{digest}", parsed.registry(), parsed.repository())
                }
                _ => name.clone(),
            };
            match attached::open(&named, network, &quiet(global)) {
                Ok(subject) => evidence::add(&mut found, &subject, digest, &roots, now),
                Err(error) => {
                    found.failed.insert(digest, error.told());
                }
            }
        }
    }
    Ok(found)
}

fn has_prefix(name: &str) -> bool {
    ["oci:", "oci-archive:", "docker-archive:", "docker:", "podman:"]
        .iter()
        .any(|prefix| name.starts_with(prefix))
}

/// Nobody needs to be told what a digest stands for.
fn quiet(global: &Global) -> Global {
    Global { quiet: true, ..global.clone() }
}

/// Gathers the facts about what was scanned elsewhere in the same run: `assay scan --policy`. Of an index the other images are scanned
/// by `scan`.
pub(crate) fn of_report(
    text: &str,
    report: Report,
    about: &About<'_>,
    global: &Global,
    database: &Database,
    scan: &images::Scan<'_>,
) -> Result<Judged, CommandError> {
    if about.gate.report_signature.is_some() {
        return Err(CommandError::usage("what is scanned just now has no signature")
            .hint("judge a report that was kept with `assay gate report:FILE --report-signature BUNDLE`"));
    }
    let gathered = images::all(text, Some(report), about, global, scan)?;
    judged(text, gathered, about, global, Some(database))
}

/// Reads the trust roots of a policy, and returns with them what tells them from others besides the policy's text: the bytes of the files
/// that it names, and what was told of keys that are elsewhere.
#[cfg(feature = "server")]
pub(crate) fn trust(
    policy: &Policy,
    path: &Path,
    outside: &dyn Fn() -> Result<Outside, CommandError>,
) -> Result<(Vec<assay_sign::verify::TrustRoot>, Vec<u8>), CommandError> {
    let roots = roots::roots(policy, path, outside)?;
    let mut material = format!("{roots:?}").into_bytes();
    let folder = path.parent().unwrap_or(Path::new("."));
    for file in files(policy) {
        for bytes in roots::contents(&folder.join(file)) {
            material.extend((bytes.len() as u64).to_be_bytes());
            material.extend(bytes);
        }
    }
    Ok((roots, material))
}

/// Returns the files that a policy names and that are not there.
pub(crate) fn missing_files(policy: &Policy, path: &Path) -> Vec<String> {
    let folder = path.parent().unwrap_or(Path::new("."));
    files(policy).into_iter().filter(|file| !folder.join(file).exists()).map(str::to_owned).collect()
}

/// Returns the files and folders from which a policy takes its trust roots.
fn files(policy: &Policy) -> Vec<&str> {
    let mut files: Vec<&str> = Vec::new();
    for root in policy.trust.values() {
        match root {
            TrustRoot::Keys(keys) => files.extend(keys.iter().filter_map(|key| file(&key.material))),
            TrustRoot::Keyless(keyless) => files.extend(keyless.trusted_root.as_deref()),
            TrustRoot::Notation(notation) => {
                files.extend(
                    notation.authorities.iter().chain(&notation.timestamp_authorities).filter_map(file),
                );
            }
        }
    }
    files
}

fn file(material: &Material) -> Option<&str> {
    match material {
        Material::File(file) => Some(file),
        Material::Inline(_) | Material::Reference(_) => None,
    }
}

impl GateArgs {
    fn placement(&self) -> Placement {
        Placement {
            namespace: self.namespace.clone(),
            namespace_labels: self.namespace_label.iter().cloned().collect(),
            service: self.service.clone(),
            team: self.team.clone(),
            labels: self.label.iter().cloned().collect(),
        }
    }

    fn history(&self) -> Result<Option<History>, CommandError> {
        if self.history.is_empty() {
            return Ok(None);
        }
        let mut reports = Vec::new();
        for path in &self.history {
            reports.push(read_report(path)?);
        }
        Ok(Some(History::of(&reports.iter().collect::<Vec<_>>())))
    }

    fn budgets(&self) -> Result<Option<BTreeMap<String, bool>>, CommandError> {
        let Some(path) = &self.budgets else { return Ok(None) };
        let failed = |error: Box<dyn std::error::Error + Send + Sync>| {
            CommandError::work(
                format!("cannot read the state of error budgets in `{}`", path.display()),
                error,
            )
            .hint("name a JSON file such as `{\"time-to-remediate\": false}` with `--budgets FILE`")
        };
        let bytes = read_file(path).map_err(|error| failed(error.into()))?;
        serde_json::from_slice(&bytes).map(Some).map_err(|error| failed(error.into()))
    }
}

/// Returns the image's name in a registry: as it was asked for, or as the report says of itself.
pub(crate) fn reference(text: &str, report: Option<&Report>) -> Option<ImageReference> {
    let parsed = match images::source(text) {
        Some(Source::Registry(reference)) => Some(reference),
        _ => report
            .filter(|report| report.source == assay_model::report::SourceKind::Registry)
            .and_then(|report| report.image.reference.parse::<Reference>().ok()),
    }?;
    Some(ImageReference {
        registry: parsed.registry().to_owned(),
        repository: parsed.repository().to_owned(),
        tag: parsed.tag().map(str::to_owned),
        digest: parsed.digest(),
    })
}

/// Returns the denial of what could not be evaluated.
pub(crate) fn not_evaluated(
    policy: &str,
    text: &str,
    args: &GateArgs,
    error: &CommandError,
    now: Timestamp,
) -> Verdict {
    let mut facts = Facts { source: without_password(text).into_owned(), ..Facts::default() };
    facts.problems.push(Obstacle {
        code: "evaluation".to_owned(),
        message: error.told(),
        remedy: error.first_hint().unwrap_or("mend what is wrong, and try again").to_owned(),
    });
    // By an empty policy: nothing else is to be said of what could not be judged.
    let empty = Policy { name: policy.to_owned(), ..Policy::default() };
    let mut verdict = evaluate(&empty, None, &facts, now);
    verdict.tiers = args.tier.iter().cloned().collect();
    verdict
}
