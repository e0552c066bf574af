//! Looks at what images are built from and run by: Dockerfiles, compose files and Kubernetes manifests.
//!
//! Text in, issues out. Nothing is opened: what another file would say (a `.dockerignore`, an `env_file`) is not known here.

use crate::check::Check;
use assay_model::Warning;

pub mod compose;
pub mod dockerfile;
pub(crate) mod environment;
mod ignore;
pub mod kubernetes;
pub mod managers;
pub(crate) mod reference;
pub mod sensitive;
pub mod shell;
pub mod yaml;

/// A check of a subject `S` with an example on each side, which are its tests and the manual's illustration.
#[derive(Debug)]
pub struct Lint<S: 'static> {
    /// What it is.
    pub check: Check,
    /// Texts in which it finds something.
    pub bad: &'static [&'static str],
    /// Texts in which it finds nothing.
    pub good: &'static [&'static str],
    /// Looks at a subject.
    pub find: fn(&S, &mut Places),
}

/// Takes the places at which a check found something.
#[derive(Debug, Default)]
pub struct Places {
    found: Vec<(u32, String)>,
}

impl Places {
    /// Adds a place: its line, and what is wrong there.
    pub fn at(&mut self, line: u32, message: impl Into<String>) {
        self.found.push((line, message.into()));
    }

    /// Returns the places, in the order in which they were added.
    pub fn into_found(self) -> Vec<(u32, String)> {
        self.found
    }
}

/// What kind of file it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// A Dockerfile or Containerfile.
    Dockerfile,
    /// A compose file (<https://github.com/compose-spec/compose-spec>).
    Compose,
    /// Manifests of Kubernetes.
    Kubernetes,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::Dockerfile, Self::Compose, Self::Kubernetes];

    /// Returns the name used in reports and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Dockerfile => "dockerfile",
            Self::Compose => "compose",
            Self::Kubernetes => "kubernetes",
        }
    }
}

/// What a check found at one place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issue {
    /// The check.
    pub check: &'static Check,
    /// The line, from 1.
    pub line: u32,
    /// What is wrong there.
    pub message: String,
    /// The reason given by the comment that takes it out (empty when it gives none); `None` without such a comment.
    pub ignored: Option<String>,
}

/// What was found in one file.
#[derive(Debug, Clone, PartialEq)]
pub struct Linted {
    /// What kind of file it was taken for.
    pub kind: Kind,
    /// What is wrong, by line and check.
    pub issues: Vec<Issue>,
    /// What could not be looked at.
    pub warnings: Vec<Warning>,
}

/// More issues than this of one check in one file say nothing new.
const ISSUES_PER_CHECK: usize = 200;

/// Larger files are nothing that people write.
pub const TEXT_LIMIT: usize = 8 << 20;

/// Tells the kind of file by its name and, for YAML, its content; `None` when it is none of them.
pub fn recognise(name: &str, text: &str) -> Option<Kind> {
    let lower = name.rsplit(['/', '\\']).next().unwrap_or(name).to_ascii_lowercase();
    let stem = lower.rsplit_once('.').map_or(lower.as_str(), |(stem, _)| stem);
    let suffix = lower.rsplit_once('.').map(|(_, suffix)| suffix);
    let builds = |name: &str| name == "dockerfile" || name == "containerfile";
    if builds(&lower) || suffix.is_some_and(builds) {
        return Some(Kind::Dockerfile);
    }
    // `Dockerfile.prod` is one, `dockerfile.vim` is not, and the parts of one that generators put together are no whole.
    if builds(stem) || ["dockerfile", "containerfile"].iter().any(|start| lower.starts_with(start)) {
        return first_instruction_is_from(text).then_some(Kind::Dockerfile);
    }
    if !matches!(suffix, Some("yaml" | "yml" | "json")) {
        return first_instruction_is_from(text).then_some(Kind::Dockerfile);
    }
    let named = ["compose", "docker-compose"];
    let by_name = named.iter().any(|start| {
        stem.strip_prefix(start).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '-', '_']))
    });
    let top = |key: &str| {
        text.lines().any(|line| {
            line.strip_prefix(key)
                .or_else(|| {
                    line.trim_start().trim_start_matches('{').trim_start().strip_prefix(&format!("\"{key}\""))
                })
                .is_some_and(|rest| rest.trim_start().starts_with(':'))
        })
    };
    if top("apiVersion") && top("kind") {
        return Some(Kind::Kubernetes);
    }
    (by_name || top("services")).then_some(Kind::Compose)
}

fn first_instruction_is_from(text: &str) -> bool {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    let mut words = lines
        .map(|line| line.split_ascii_whitespace().next().unwrap_or_default().to_ascii_uppercase())
        .skip_while(|word| word == "ARG");
    words.next().is_some_and(|word| word == "FROM")
}

/// Looks at a file.
pub fn lint(kind: Kind, text: &str) -> Linted {
    let mut warnings = Vec::new();
    let mut issues = Vec::new();
    if text.len() > TEXT_LIMIT {
        let message =
            format!("it has {} bytes, more than the {TEXT_LIMIT} that are read of such a file", text.len());
        warnings.push(Warning::unscanned("file-too-large", None, message));
    } else {
        match kind {
            Kind::Dockerfile => {
                let (file, damage) = dockerfile::parse(text);
                warnings.extend(damage);
                run(dockerfile::LINTS, &file, &mut issues, &mut warnings);
            }
            Kind::Compose => {
                let (documents, damage) = yaml::documents(text);
                warnings.extend(damage);
                for file in documents.into_iter().map(compose::Compose::of) {
                    run(compose::LINTS, &file, &mut issues, &mut warnings);
                }
            }
            Kind::Kubernetes => {
                let (documents, damage) = yaml::documents(text);
                warnings.extend(damage);
                for workload in documents.iter().flat_map(kubernetes::workloads) {
                    run(kubernetes::LINTS, &workload, &mut issues, &mut warnings);
                }
            }
        }
        let ignores = ignore::Ignores::of(kind, text);
        for issue in &mut issues {
            issue.ignored = ignores.reason(issue.check, issue.line);
        }
    }
    issues.sort_by(|a, b| (a.line, a.check.id, &a.message).cmp(&(b.line, b.check.id, &b.message)));
    issues.dedup();
    Linted { kind, issues, warnings }
}

fn run<S>(lints: &[&'static Lint<S>], subject: &S, issues: &mut Vec<Issue>, warnings: &mut Vec<Warning>) {
    for lint in lints {
        let mut places = Places::default();
        (lint.find)(subject, &mut places);
        let found = places.into_found();
        if let Some(more) = found.len().checked_sub(ISSUES_PER_CHECK).filter(|more| *more > 0) {
            let message = format!("`{}` has {more} more places", lint.check.id);
            warnings.push(Warning::notice("more-issues", None, message));
        }
        let found = found.into_iter().take(ISSUES_PER_CHECK);
        issues.extend(found.map(|(line, message)| Issue {
            check: &lint.check,
            line,
            message,
            ignored: None,
        }));
    }
}

/// Returns every check of this kind of file, in the order of the lists.
pub fn checks(kind: Kind) -> Vec<&'static Check> {
    match kind {
        Kind::Dockerfile => dockerfile::LINTS.iter().map(|lint| &lint.check).collect(),
        Kind::Compose => compose::LINTS.iter().map(|lint| &lint.check).collect(),
        Kind::Kubernetes => kubernetes::LINTS.iter().map(|lint| &lint.check).collect(),
    }
}

#[cfg(test)]
mod tests;
