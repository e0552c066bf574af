//! SLSA provenance v1 (<https://slsa.dev/spec/v1.0/provenance>) of a build in a CI system.

use super::ci::{ALL, Build, Ci, Variables};
use assay_model::Timestamp;
use serde_json::{Map, Value, json};

/// What the environment does not say, or says wrongly; it overrides what the CI system states.
#[derive(Debug, Clone, Default)]
pub struct Stated {
    /// Who built.
    pub builder: Option<String>,
    /// Where the source is.
    pub source: Option<String>,
    /// The commit.
    pub commit: Option<String>,
}

/// Provenance cannot be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NoProvenance {
    /// Nobody says who built.
    #[error("nothing here says who builds")]
    NoBuilder,
    /// Nobody says from what.
    #[error("nothing here says from which source is built")]
    NoSource,
}

/// Returns the CI system this is.
pub fn system(variable: Variables<'_>) -> Option<&'static Ci> {
    ALL.iter().find(|ci| (ci.is)(variable))
}

/// Returns the predicate for a build that ends `now`.
///
/// # Errors
/// Fails when neither the environment nor the user says who builds, and from which source.
pub fn provenance(variable: Variables<'_>, stated: &Stated, now: Timestamp) -> Result<Value, NoProvenance> {
    let mut build: Build = system(variable).map(|ci| (ci.build)(variable)).unwrap_or_default();
    if let Some(builder) = &stated.builder {
        build.builder.clone_from(builder);
    }
    if let Some(source) = &stated.source {
        build.source = Some(if source.contains('+') { source.clone() } else { format!("git+{source}") });
    }
    if let Some(commit) = &stated.commit {
        build.commit = Some(commit.clone());
    }
    if build.builder.is_empty() {
        return Err(NoProvenance::NoBuilder);
    }
    let source = build.source.ok_or(NoProvenance::NoSource)?;
    let mut dependency = Map::from_iter([("uri".to_owned(), json!(source))]);
    if let Some(commit) = build.commit {
        // The names of in-toto's digest sets: both algorithms of Git have the same one.
        dependency.insert("digest".to_owned(), json!({ "gitCommit": commit }));
    }
    let mut metadata = Map::new();
    if let Some(invocation) = build.invocation {
        metadata.insert("invocationId".to_owned(), json!(invocation));
    }
    if let Some(started) = build.started {
        metadata.insert("startedOn".to_owned(), json!(started));
    }
    metadata.insert("finishedOn".to_owned(), json!(now.to_string()));
    Ok(json!({
        "buildDefinition": {
            "buildType": build.build_type,
            "externalParameters": build.external,
            "internalParameters": build.internal,
            "resolvedDependencies": [dependency],
        },
        "runDetails": { "builder": { "id": build.builder }, "metadata": metadata },
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(variables: &[(&str, &str)], stated: &Stated) -> Result<Value, NoProvenance> {
        let variable =
            |name: &str| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
        provenance(&variable, stated, Timestamp(1_700_000_000))
    }

    const GITHUB: &[(&str, &str)] = &[
        ("GITHUB_ACTIONS", "true"),
        ("GITHUB_SERVER_URL", "https://github.com"),
        ("GITHUB_REPOSITORY", "acme/app"),
        ("GITHUB_REPOSITORY_ID", "1"),
        ("GITHUB_REPOSITORY_OWNER_ID", "2"),
        ("GITHUB_EVENT_NAME", "push"),
        ("GITHUB_REF", "refs/heads/main"),
        ("GITHUB_SHA", "0123456789012345678901234567890123456789"),
        ("GITHUB_WORKFLOW_REF", "acme/flows/.github/workflows/release.yml@refs/tags/v2"),
        ("GITHUB_RUN_ID", "77"),
        ("GITHUB_RUN_ATTEMPT", "3"),
        ("RUNNER_ENVIRONMENT", "github-hosted"),
    ];

    #[test]
    fn github_is_told_by_its_variables() {
        let want = json!({
            "buildDefinition": {
                "buildType": "https://actions.github.io/buildtypes/workflow/v1",
                "externalParameters": {"workflow": {
                    "ref": "refs/tags/v2", "repository": "https://github.com/acme/flows",
                    "path": ".github/workflows/release.yml"}},
                "internalParameters": {"github": {
                    "event_name": "push", "repository_id": "1", "repository_owner_id": "2",
                    "runner_environment": "github-hosted"}},
                "resolvedDependencies": [{
                    "uri": "git+https://github.com/acme/app@refs/heads/main",
                    "digest": {"gitCommit": "0123456789012345678901234567890123456789"}}],
            },
            "runDetails": {
                "builder": {"id": "https://github.com/actions/runner/github-hosted"},
                "metadata": {
                    "invocationId": "https://github.com/acme/app/actions/runs/77/attempts/3",
                    "finishedOn": "2023-11-14T22:13:20Z"}},
        });
        assert_eq!(made(GITHUB, &Stated::default()).unwrap(), want);
    }

    #[test]
    fn gitlab_is_told_by_its_variables() {
        let made = made(
            &[
                ("GITLAB_CI", "true"),
                ("CI_PROJECT_URL", "https://gitlab.test/acme/app"),
                ("CI_SERVER_URL", "https://gitlab.test"),
                ("CI_RUNNER_ID", "12"),
                ("CI_RUNNER_VERSION", "18.1.0"),
                ("CI_COMMIT_SHA", "abc"),
                ("CI_COMMIT_TAG", "v1"),
                ("CI_JOB_NAME", "build"),
                ("CI_JOB_URL", "https://gitlab.test/acme/app/-/jobs/5"),
                ("CI_JOB_STARTED_AT", "2023-11-14T22:00:00Z"),
            ],
            &Stated::default(),
        )
        .unwrap();
        assert_eq!(made["runDetails"]["builder"]["id"], "https://gitlab.test/-/runners/12");
        assert_eq!(made["runDetails"]["metadata"]["startedOn"], "2023-11-14T22:00:00Z");
        assert_eq!(made["buildDefinition"]["externalParameters"]["entryPoint"], "build");
        let dependency = &made["buildDefinition"]["resolvedDependencies"][0];
        assert_eq!(
            *dependency,
            json!({"uri": "git+https://gitlab.test/acme/app@refs/tags/v1", "digest": {"gitCommit": "abc"}})
        );
    }

    #[test]
    fn elsewhere_somebody_has_to_say_it() {
        assert_eq!(made(&[], &Stated::default()), Err(NoProvenance::NoBuilder));
        let builder = Stated { builder: Some("https://ci.test".to_owned()), ..Stated::default() };
        assert_eq!(made(&[], &builder), Err(NoProvenance::NoSource));
        let all = Stated {
            source: Some("https://git.test/app".to_owned()),
            commit: Some("abc".to_owned()),
            ..builder
        };
        let made_of_options = made(&[("BUILD_URL", "https://ci.test/7")], &all).unwrap();
        assert_eq!(made_of_options["runDetails"]["metadata"]["invocationId"], "https://ci.test/7");
        let overridden = made(GITHUB, &all).unwrap();
        assert_eq!(overridden["runDetails"]["builder"]["id"], "https://ci.test");
        assert_eq!(
            overridden["buildDefinition"]["resolvedDependencies"][0]["uri"],
            "git+https://git.test/app"
        );
    }
}
