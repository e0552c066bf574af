//! GitLab CI: <https://docs.gitlab.com/ci/variables/predefined_variables/>, in the form that GitLab's runner writes itself
//! (`PROVENANCE.md` of gitlab-org/gitlab-runner).

use super::{Build, Ci, Variables, git, object};

pub(super) const GITLAB: Ci = Ci { name: "GitLab CI", is, build };

fn is(variable: Variables<'_>) -> bool {
    variable("GITLAB_CI").is_some() && variable("CI_PROJECT_URL").is_some()
}

fn build(variable: Variables<'_>) -> Build {
    let project = variable("CI_PROJECT_URL").unwrap_or_default();
    let server = variable("CI_SERVER_URL").unwrap_or_else(|| "https://gitlab.com".to_owned());
    let version = variable("CI_RUNNER_VERSION").unwrap_or_else(|| "main".to_owned());
    let reference = variable("CI_COMMIT_TAG")
        .map(|tag| format!("refs/tags/{tag}"))
        .or_else(|| variable("CI_COMMIT_BRANCH").map(|branch| format!("refs/heads/{branch}")))
        .or_else(|| variable("CI_COMMIT_REF_NAME"));
    Build {
        build_type: format!("https://gitlab.com/gitlab-org/gitlab-runner/-/blob/{version}/PROVENANCE.md"),
        builder: match variable("CI_RUNNER_ID") {
            Some(runner) => format!("{server}/-/runners/{runner}"),
            None => server.clone(),
        },
        external: object([
            ("source", Some(project.clone())),
            ("entryPoint", variable("CI_JOB_NAME")),
            ("configuration", variable("CI_CONFIG_PATH")),
            ("pipelineSource", variable("CI_PIPELINE_SOURCE")),
        ]),
        internal: object([
            ("job", variable("CI_JOB_ID")),
            ("pipeline", variable("CI_PIPELINE_ID")),
            ("project", variable("CI_PROJECT_ID")),
            ("runner", variable("CI_RUNNER_DESCRIPTION")),
            ("architecture", variable("CI_RUNNER_EXECUTABLE_ARCH")),
        ]),
        source: Some(git(&project, reference.as_deref())),
        commit: variable("CI_COMMIT_SHA"),
        invocation: variable("CI_JOB_URL"),
        started: variable("CI_JOB_STARTED_AT"),
    }
}
