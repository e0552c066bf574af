//! Every check finds its bad examples and passes its good ones; files as people have them give what they should.

use super::*;
use proptest::prelude::*;
use std::collections::BTreeSet;

fn ids(kind: Kind, text: &str) -> Vec<(&'static str, u32)> {
    lint(kind, text).issues.into_iter().map(|issue| (issue.check.id, issue.line)).collect()
}

fn check_examples<S>(kind: Kind, lints: &[&'static Lint<S>]) {
    for one in lints {
        assert!(!one.bad.is_empty() && !one.good.is_empty(), "{} has no examples", one.check.id);
        for text in one.bad {
            let linted = lint(kind, text);
            assert!(linted.warnings.is_empty(), "{text}\n{:?}", linted.warnings);
            assert!(
                linted.issues.iter().any(|issue| issue.check.id == one.check.id),
                "{} misses\n{text}",
                one.check.id
            );
        }
        for text in one.good {
            let linted = lint(kind, text);
            assert!(linted.warnings.is_empty(), "{text}\n{:?}", linted.warnings);
            let found = linted.issues.iter().find(|issue| issue.check.id == one.check.id);
            assert!(
                found.is_none(),
                "{} finds {:?} in\n{text}",
                one.check.id,
                found.map(|issue| (issue.line, &issue.message))
            );
        }
    }
}

#[test]
fn dockerfile_examples() {
    check_examples(Kind::Dockerfile, dockerfile::LINTS);
}

#[test]
fn compose_examples() {
    check_examples(Kind::Compose, compose::LINTS);
}

#[test]
fn kubernetes_examples() {
    check_examples(Kind::Kubernetes, kubernetes::LINTS);
}

#[test]
fn names_are_unique_and_texts_are_in_style() {
    let mut seen = BTreeSet::new();
    for kind in Kind::ALL {
        for check in checks(kind) {
            assert!(check.id.starts_with(kind.name()), "{}", check.id);
            assert!(seen.insert(check.id), "{} is there twice", check.id);
            assert!(
                !check.title.ends_with('.')
                    && check.why.ends_with('.')
                    && !check.fix.ends_with('.')
                    && !check.fix.starts_with(char::is_uppercase),
                "{}",
                check.id
            );
        }
    }
}

#[test]
fn files_are_recognised_by_name_and_content() {
    let check = |name: &str, text: &str, kind| assert_eq!(recognise(name, text), kind, "{name}");
    check("a/Dockerfile", "", Some(Kind::Dockerfile));
    check("web.dockerfile", "", Some(Kind::Dockerfile));
    check("Dockerfile.prod", "FROM a\n", Some(Kind::Dockerfile));
    check("dockerfile.vim", "\" Vim\n", None);
    check("Containerfile", "", Some(Kind::Dockerfile));
    check("build/image", "# x\nARG A\nFROM b\n", Some(Kind::Dockerfile));
    check("compose.override.yaml", "x: 1", Some(Kind::Compose));
    check("docker-compose.yml", "", Some(Kind::Compose));
    check("a.yml", "services:\n  a: {}\n", Some(Kind::Compose));
    check("a.yaml", "apiVersion: v1\nkind: Pod\n", Some(Kind::Kubernetes));
    check("a.json", "{\"apiVersion\": \"v1\",\n \"kind\": \"Pod\"}", Some(Kind::Kubernetes));
    check("values.yaml", "image: x\n", None);
    check("README.md", "# x\n", None);
}

#[test]
fn a_careful_dockerfile_is_left_alone() {
    let text = "\
# syntax=docker/dockerfile:1
FROM golang:1.26@sha256:abc AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN --mount=type=cache,target=/go go mod download
COPY . .
RUN CGO_ENABLED=0 go build -trimpath -o /app ./cmd/app
FROM gcr.io/distroless/static@sha256:def
COPY --from=build /app /app
USER 65532:65532
HEALTHCHECK CMD [\"/app\", \"health\"]
ENTRYPOINT [\"/app\"]
";
    assert_eq!(ids(Kind::Dockerfile, text), []);
}

#[test]
fn a_careless_dockerfile_is_told_line_by_line() {
    let text = "\
FROM ubuntu
ENV API_TOKEN=abcdef123456
RUN apt-get update
RUN apt-get install curl \\
    && curl -sSL https://x.example/install.sh | sh
ADD https://x.example/a.tgz /a.tgz
EXPOSE 22
CMD start
";
    let found = ids(Kind::Dockerfile, text);
    for expected in [
        ("dockerfile-untagged-image", 1),
        ("dockerfile-root-user", 1),
        ("dockerfile-missing-healthcheck", 1),
        ("dockerfile-secret-in-variable", 2),
        ("dockerfile-update-alone", 3),
        ("dockerfile-package-cache-left", 3),
        ("dockerfile-no-assume-yes", 4),
        ("dockerfile-unpinned-package", 4),
        ("dockerfile-recommended-packages", 4),
        ("dockerfile-pipe-to-shell", 5),
        ("dockerfile-pipe-without-pipefail", 5),
        ("dockerfile-add-from-url", 6),
        ("dockerfile-administrative-port", 7),
        ("dockerfile-shell-form", 8),
    ] {
        assert!(found.contains(&expected), "{expected:?} not in {found:?}");
    }
}

#[test]
fn every_workload_of_lists_and_several_documents_is_looked_at() {
    let pod = "containers: [{name: c, image: a, securityContext: {privileged: true}}]";
    let text = format!(
        "apiVersion: v1\nkind: List\nitems:\n- apiVersion: apps/v1\n  kind: Deployment\n  spec: {{template: {{spec: {{{pod}}}}}}}\n\
         - apiVersion: batch/v1\n  kind: CronJob\n  spec: {{jobTemplate: {{spec: {{template: {{spec: {{{pod}}}}}}}}}}}\n---\n\
         apiVersion: argoproj.io/v1alpha1\nkind: Rollout\nspec:\n  template: {{spec: {{{pod}}}}}\n---\n\
         apiVersion: v1\nkind: ConfigMap\ndata: {{a: b}}\n---\napiVersion: v1\nkind: Pod\nspec: {{{pod}}}\n"
    );
    let found = ids(Kind::Kubernetes, &text);
    let privileged: Vec<u32> =
        found.iter().filter(|(id, _)| *id == "kubernetes-privileged").map(|(_, line)| *line).collect();
    assert_eq!(privileged, [6, 9, 14, 22]);
}

#[test]
fn merged_settings_count() {
    let text = "x-base: &base\n  privileged: true\nservices:\n  a:\n    <<: *base\n    image: b:1\n";
    assert!(ids(Kind::Compose, text).iter().any(|(id, _)| *id == "compose-privileged"));
}

#[test]
fn an_ignored_issue_is_kept_with_its_reason() {
    let text = "FROM a:1\n# hadolint ignore=DL3004 # needed\nRUN sudo x\nRUN sudo y\n";
    let sudo = |issue: &&Issue| issue.check.id == "dockerfile-sudo";
    let linted = lint(Kind::Dockerfile, text);
    let reasons: Vec<Option<&str>> =
        linted.issues.iter().filter(sudo).map(|issue| issue.ignored.as_deref()).collect();
    assert_eq!(reasons, [Some("needed"), None]);
}

proptest! {
    #[test]
    fn total(text in "(FROM |RUN |apt-get install |curl |\\| sh|services:\n|  a:\n|kind: Pod\n|spec: |[ -~\n]){0,40}") {
        for kind in Kind::ALL {
            lint(kind, &text);
        }
    }
}
