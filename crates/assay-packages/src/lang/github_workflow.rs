//! GitHub Actions that a project's workflows use: `.github/workflows/*.yml`
//! (<https://docs.github.com/actions/reference/workflows-and-actions/workflow-syntax#jobsjob_idstepsuses>).
//!
//! Only those of a project's own root count: the workflows inside a package built that package once, elsewhere. Actions by
//! commit are reported with that commit, which cannot be compared; those in folders (`./`) and images (`docker://`) are not
//! packages.

use super::lenient::{self, Table, record};
use super::lockfile::{Declared, warn_if_damaged};
use assay_analyze::{Analyzer, AnalyzerId, File, Select, Sink};
use assay_model::PackageKind;

/// Workflows of the project.
pub(super) struct GitHubWorkflow;

record! {
    struct Workflow {
        "jobs" => jobs: Table<Job>,
    }
}

record! {
    struct Job {
        "uses" => uses: String,
        "steps" => steps: Vec<Step>,
    }
}

record! {
    struct Step {
        "uses" => uses: String,
    }
}

impl Analyzer for GitHubWorkflow {
    fn id(&self) -> AnalyzerId {
        AnalyzerId { name: "github-workflow", revision: 1 }
    }

    fn select(&self) -> &'static [Select] {
        &[Select::Under(".github/workflows/", ".yml"), Select::Under(".github/workflows/", ".yaml")]
    }

    fn analyze(&self, file: &File<'_>, out: &mut Sink<'_>) {
        let Some(text) = file.text(out) else { return };
        let mut workflow = Workflow::default();
        warn_if_damaged(lenient::yaml(&text, &mut workflow), out);
        let mut declared = Declared::new(PackageKind::GitHubAction);
        for (_, job) in &workflow.jobs.0 {
            for uses in job.steps.iter().map(|step| &step.uses).chain([&job.uses]) {
                if let Some((name, version)) = action(uses) {
                    declared.add(&name, version, [], Vec::new());
                }
            }
        }
        declared.report(out);
    }
}

/// Returns `owner/repository` and the version of `owner/repository/folder@v4`.
fn action(uses: &str) -> Option<(String, &str)> {
    let (path, version) = uses.rsplit_once('@')?;
    let mut parts = path.split('/');
    let (owner, repository) = (parts.next()?, parts.next()?);
    let named =
        !owner.is_empty() && !repository.is_empty() && !owner.starts_with('.') && !owner.contains(':');
    named.then(|| (format!("{owner}/{repository}"), version))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lang::testing::{check, check_total};

    #[test]
    fn actions() {
        let text = br#"on: [push]
jobs:
  build:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4.1.1
      - run: make
      - uses: github/codeql-action/init@v3
      - uses: ./local
      - uses: docker://alpine:3.8
  call:
    uses: org/shared/.github/workflows/x.yml@0123abc
"#;
        let want = "~ actions/checkout v4.1.1\n~ github/codeql-action v3\n~ org/shared 0123abc\n";
        check(&GitHubWorkflow, ".github/workflows/ci.yml", text, want);
        check(
            &GitHubWorkflow,
            ".github/workflows/ci.yml",
            b"jobs: {a: {uses: a/b@1}, b: [",
            "! damaged-lockfile\n~ a/b 1\n",
        );
        check_total(&GitHubWorkflow, ".github/workflows/ci.yml");
    }
}
