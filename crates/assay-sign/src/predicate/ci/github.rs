//! GitHub Actions: <https://docs.github.com/en/actions/reference/workflows-and-actions/variables>, in the form of
//! <https://actions.github.io/buildtypes/workflow/v1>.

use super::{Build, Ci, Variables, git, object};
use serde_json::json;

pub(super) const GITHUB: Ci = Ci { name: "GitHub Actions", is, build };

fn is(variable: Variables<'_>) -> bool {
    variable("GITHUB_ACTIONS").as_deref() == Some("true") && variable("GITHUB_REPOSITORY").is_some()
}

fn build(variable: Variables<'_>) -> Build {
    let server = variable("GITHUB_SERVER_URL").unwrap_or_else(|| "https://github.com".to_owned());
    let name = variable("GITHUB_REPOSITORY").unwrap_or_default();
    let repository = format!("{server}/{name}");
    let reference = variable("GITHUB_REF");
    // `owner/repository/path@ref`: the workflow may be another repository's, or of another ref than the source.
    let workflow = variable("GITHUB_WORKFLOW_REF").unwrap_or_default();
    let (file, workflow_reference) = workflow.split_once('@').unwrap_or((&workflow, ""));
    let (owner, rest) = file.split_once('/').unwrap_or_default();
    let (its_repository, path) = rest.split_once('/').unwrap_or_default();
    let known = |text: String| Some(text).filter(|text| !text.is_empty());
    let home = (!owner.is_empty()).then(|| format!("{server}/{owner}/{its_repository}"));
    let attempt = variable("GITHUB_RUN_ATTEMPT").unwrap_or_else(|| "1".to_owned());
    Build {
        build_type: "https://actions.github.io/buildtypes/workflow/v1".to_owned(),
        builder: match variable("RUNNER_ENVIRONMENT") {
            Some(kind) => format!("https://github.com/actions/runner/{kind}"),
            None => "https://github.com/actions/runner".to_owned(),
        },
        external: json!({ "workflow": object([
            ("ref", known(workflow_reference.to_owned()).or_else(|| reference.clone())),
            ("repository", home.or_else(|| known(repository.clone()))),
            ("path", known(path.to_owned())),
        ]) }),
        internal: json!({ "github": object([
            ("event_name", variable("GITHUB_EVENT_NAME")),
            ("repository_id", variable("GITHUB_REPOSITORY_ID")),
            ("repository_owner_id", variable("GITHUB_REPOSITORY_OWNER_ID")),
            ("runner_environment", variable("RUNNER_ENVIRONMENT")),
        ]) }),
        source: Some(git(&repository, reference.as_deref())),
        commit: variable("GITHUB_SHA"),
        invocation: variable("GITHUB_RUN_ID")
            .map(|run| format!("{repository}/actions/runs/{run}/attempts/{attempt}")),
        started: None,
    }
}
