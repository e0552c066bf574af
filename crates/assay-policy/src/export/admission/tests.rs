//! What is exported, and what it says of pods when its own CEL is evaluated.

use super::*;
use crate::tree;
use cel::common::ast::IdedExpr;
use cel::parser::Parser;
use cel::{Context, Value};
use serde_json::{Value as Json, json};
use std::collections::HashMap;
use std::sync::Arc;

fn policy(text: &str) -> Policy {
    Policy::parse(&format!("apiVersion: assay.dev/v1\nkind: ImagePolicy\nmetadata: {{name: Prod}}\n{text}"))
        .unwrap_or_else(|problems| panic!("{problems:?}"))
}

/// The functions of Kubernetes that expressions use.
fn kubernetes() -> Context<'static, 'static> {
    use cel::extractors::This;
    fn text(value: &Arc<String>) -> &str {
        value.as_str()
    }
    fn at(text: &str, place: i64) -> usize {
        text.char_indices().nth(usize::try_from(place).unwrap()).map_or(text.len(), |(at, _)| at)
    }
    let mut context = Context::default();
    let split = |This(this): This<Arc<String>>, by: Arc<String>, limit: i64| -> Value {
        let parts = text(&this).splitn(usize::try_from(limit).unwrap(), text(&by));
        parts.map(str::to_owned).collect::<Vec<String>>().into()
    };
    let replace = |This(this): This<Arc<String>>, from: Arc<String>, to: Arc<String>, limit: i64| -> String {
        text(&this).replacen(text(&from), text(&to), usize::try_from(limit).unwrap())
    };
    let last = |This(this): This<Arc<String>>, of: Arc<String>| -> i64 {
        text(&this).rfind(text(&of)).map_or(-1, |at| i64::try_from(at).unwrap())
    };
    let part = |This(this): This<Arc<String>>,
                cel::extractors::Arguments(args): cel::extractors::Arguments|
     -> String {
        let place = |index: usize| match args.get(index) {
            Some(Value::Int(place)) => Some(at(&this, *place)),
            _ => None,
        };
        text(&this).get(place(0).unwrap()..place(1).unwrap_or(this.len())).unwrap().to_owned()
    };
    context.add_function("split", split).unwrap();
    context.add_function("replace", replace).unwrap();
    context.add_function("lastIndexOf", last).unwrap();
    context.add_function("substring", part).unwrap();
    let lower = |This(this): This<Arc<String>>| -> String { text(&this).to_ascii_lowercase() };
    context.add_function("lowerAscii", lower).unwrap();
    context
}

fn parsed(expression: &str) -> IdedExpr {
    Parser::new().parse(expression).unwrap_or_else(|error| panic!("{expression}: {error}"))
}

/// Returns the messages of all exported validations that a pod does not satisfy.
fn broken(rules: &str, pod: &Json) -> Vec<String> {
    let (text, _) = validating_admission_policy(&policy(rules));
    let mut messages = Vec::new();
    for document in tree::documents(&text).unwrap() {
        if document.written_at(&["kind"]).as_deref() != Some("ValidatingAdmissionPolicy") {
            continue;
        }
        let mut variables: HashMap<String, Value> = HashMap::new();
        let evaluate = |variables: &HashMap<String, Value>, expression: &str| {
            let mut context = kubernetes();
            context.add_variable_from_value("object", cel::to_value(pod).unwrap());
            context.add_variable_from_value("variables", Value::Map(variables.clone().into()));
            context.resolve(&parsed(expression)).unwrap_or_else(|error| panic!("{expression}: {error}"))
        };
        for variable in document.items_at(&["spec", "variables"]) {
            let value = evaluate(&variables, &variable.written_at(&["expression"]).unwrap());
            variables.insert(variable.written_at(&["name"]).unwrap(), value);
        }
        for validation in document.items_at(&["spec", "validations"]) {
            match evaluate(&variables, &validation.written_at(&["expression"]).unwrap()) {
                Value::Bool(true) => {}
                Value::Bool(false) => messages.push(validation.written_at(&["message"]).unwrap()),
                other => panic!("{other:?}"),
            }
        }
    }
    messages
}

fn pod(images: &[&str]) -> Json {
    let containers: Vec<Json> = images.iter().map(|image| json!({ "name": "c", "image": image })).collect();
    json!({ "spec": { "containers": containers } })
}

#[track_caller]
fn check(rules: &str, pod: &Json, admitted: bool) {
    let messages = broken(rules, pod);
    assert_eq!(messages.is_empty(), admitted, "{rules} {pod}: {messages:?}");
}

const DIGEST: &str = "sha256:0000000000000000000000000000000000000000000000000000000000000000";

#[test]
fn names_are_written_out_as_runtimes_do() {
    let official = "rules: [{registries: {allow: [\"docker.io/library/*\"]}}]\n";
    for image in ["nginx", "nginx:1", "docker.io/nginx", "docker.io/library/nginx:1", "index.docker.io/nginx"]
    {
        check(official, &pod(&[image]), true);
        check(official, &pod(&[&format!("{image}@{DIGEST}")]), true);
    }
    for image in [
        "acme/nginx",
        "docker.io/acme/nginx",
        "index.docker.io/acme/x",
        "library.example/nginx",
        "localhost/library/nginx",
        "library:5000/nginx",
    ] {
        check(official, &pod(&[image]), false);
    }
    let denied = "rules: [{registries: {deny: [\"evil.example/**\", \"evil.example:5000/**\"]}}]\n";
    for image in [
        "evil.example/a/b:1",
        "EVIL.example/a",
        "Evil.Example/a@sha256:0",
        "evil.example:5000/a",
        "evil.example:443/a",
        "evil.example:0443/a",
        "Evil.Example:000443/a/b",
        "evil.example:05000/a",
    ] {
        check(denied, &pod(&[image]), false);
    }
    let hub = "rules: [{registries: {deny: [\"docker.io/**\"]}}]\n";
    for image in [
        "nginx",
        "Docker.io/acme/x",
        "docker.io:443/acme/x",
        "index.docker.io:00443/acme/x",
        "registry-1.docker.io/acme/x",
        "index.docker.io/acme/x",
    ] {
        check(hub, &pod(&[image]), false);
    }
    check(denied, &pod(&["good.example/evil.example/a"]), true);
}

#[test]
fn a_tag_is_no_part_of_the_repository() {
    let rules =
        "rules: [{registries: {allow: [\"registry.example/**-prod\", \"registry.example:5000/*\"]}}]\n";
    check(rules, &pod(&["registry.example/a/b-prod:1", "registry.example:5000/a:1"]), true);
    check(rules, &pod(&["registry.example/a/b:1-prod"]), false);
    check(rules, &pod(&["registry.example:5000/a/b"]), false);
    check("rules: [{registries: {allow: [\"*\"]}}]\n", &pod(&["registry.example:5000/app"]), false);
}

#[test]
fn tags_are_those_of_what_is_not_pinned() {
    let forbidden = "rules: [{tags: {forbid: [latest, \"dev-*\"]}}]\n";
    for (image, admitted) in [
        ("nginx", false),
        ("nginx:latest", false),
        ("localhost:5000/nginx", false),
        ("registry.example/app:dev-7", false),
        ("registry.example/app:1.0", true),
    ] {
        check(forbidden, &pod(&[image]), admitted);
        check(forbidden, &pod(&["registry.example/app:1.0", image]), admitted);
    }
    check(forbidden, &pod(&[&format!("nginx:latest@{DIGEST}")]), true);
    check("rules: [{tags: {allow: [1.10]}}]\n", &pod(&["a:1.10"]), true);
    check("rules: [{tags: {allow: [1.10]}}]\n", &pod(&["a:1.1"]), false);
    check("rules: [{pinned: {}}]\n", &pod(&["nginx:1"]), false);
    check("rules: [{pinned: {}}]\n", &pod(&[&format!("nginx:1@{DIGEST}")]), true);
}

#[test]
fn every_place_of_a_pod_that_holds_images_is_looked_at() {
    let rules = "rules: [{registries: {allow: [\"registry.example/**\"]}}]\n";
    for (key, good, bad) in [
        ("initContainers", json!([{ "image": "registry.example/a" }]), json!([{ "image": "nginx" }])),
        ("ephemeralContainers", json!([{ "image": "registry.example/a" }]), json!([{ "image": "nginx" }])),
        (
            "volumes",
            json!([{ "image": { "reference": "registry.example/a" } }, { "emptyDir": {} }]),
            json!([{ "image": { "reference": "nginx" } }]),
        ),
    ] {
        for (value, admitted) in [(good, true), (bad, false)] {
            let mut pod = pod(&["registry.example/app:1"]);
            pod["spec"][key] = value;
            check(rules, &pod, admitted);
        }
    }
}

#[test]
fn no_container_of_a_pod_runs_as_root() {
    let judge = |of_pod: Json, of_container: Json, admitted: bool| {
        for key in ["containers", "initContainers", "ephemeralContainers"] {
            let mut pod = json!({ "spec": { "containers": [{ "image": "a", "securityContext": { "runAsNonRoot": true, "runAsUser": 7 } }] } });
            if !of_pod.is_null() {
                pod["spec"]["securityContext"] = of_pod.clone();
            }
            let mut container = json!({ "image": "b" });
            if !of_container.is_null() {
                container["securityContext"] = of_container.clone();
            }
            match pod["spec"][key].as_array_mut() {
                Some(list) => list.push(container),
                None => pod["spec"][key] = json!([container]),
            }
            check("rules: [{nonRoot: {}}]\n", &pod, admitted);
        }
    };
    let yes = || json!({ "runAsNonRoot": true });
    judge(Json::Null, Json::Null, false);
    judge(yes(), Json::Null, true);
    judge(yes(), json!({ "privileged": false }), true);
    judge(Json::Null, yes(), true);
    judge(json!({ "runAsNonRoot": false }), yes(), true);
    judge(json!({ "fsGroup": 1 }), yes(), true);
    // What a container says goes before what the pod says.
    judge(yes(), json!({ "runAsNonRoot": false }), false);
    judge(yes(), json!({ "runAsUser": 0 }), false);
    judge(json!({ "runAsNonRoot": true, "runAsUser": 0 }), Json::Null, false);
    judge(json!({ "runAsNonRoot": true, "runAsUser": 0 }), json!({ "runAsUser": 1000 }), true);
}

#[test]
fn static_rules_are_exported_and_the_others_told() {
    let policy = policy(
        "tiers:\n  - {name: production, match: {namespaceLabels: {tier: prod}}}\n  - {name: rest, match: {namespaces: [\"dev-*\"]}}\nrules:\n  - registries: {allow: [\"registry.example/**\"], deny: [\"docker.io/*\"]}\n  - tags: {}\n  - pinned: {}\n    effect: warn\n  - secrets: {}\n",
    );
    let (text, notes) = validating_admission_policy(&policy);
    let documents = tree::documents(&text).unwrap();
    assert_eq!(documents.len(), 6, "{text}");
    assert_eq!(documents[0].written_at(&["metadata", "name"]).unwrap(), "assay-prod-registries");
    assert!(text.contains("^(registry[.]example/.*)$"), "{text}");
    assert!(text.contains("validationActions: [Warn]"));
    for want in ["`secrets`", "`rest`", "namespaces of no tier"] {
        assert!(notes.iter().any(|note| note.contains(want)), "{want}: {notes:?}");
    }
}

#[test]
fn rules_with_like_names_do_not_replace_each_other() {
    let (text, _) = validating_admission_policy(&policy(
        "rules:\n  - id: a b\n    pinned: {}\n  - id: a-b\n    nonRoot: {}\n",
    ));
    let names: BTreeSet<String> = tree::documents(&text)
        .unwrap()
        .iter()
        .filter_map(|one| one.written_at(&["metadata", "name"]))
        .collect();
    assert_eq!(names.len(), 2, "{names:?}");
}

#[test]
fn tiers_with_like_names_have_bindings_of_their_own() {
    let (text, _) = validating_admission_policy(&policy(
        "tiers:\n  - {name: prod eu, match: {namespaces: [a]}}\n  - {name: prod-eu, match: {namespaces: [b]}}\n  - {name: z, match: {namespaces: [c]}}\n  - {name: x-z, match: {namespaces: [d]}}\nrules:\n  - pinned: {}\n  - id: pinned-x\n    nonRoot: {}\n",
    ));
    let mut bindings = BTreeSet::new();
    for document in tree::documents(&text).unwrap() {
        if document.written_at(&["kind"]).as_deref() == Some("ValidatingAdmissionPolicyBinding") {
            let policy = document.written_at(&["spec", "policyName"]).unwrap();
            assert!(["assay-prod-pinned", "assay-prod-pinned-x"].contains(&policy.as_str()), "{policy}");
            assert!(bindings.insert(document.written_at(&["metadata", "name"]).unwrap()), "{text}");
        }
    }
    assert_eq!(bindings.len(), 8, "{text}");
}
