//! What is imported is a policy that can be read, and what is not taken over is told.

use super::*;
use crate::Policy;
use proptest::prelude::*;

#[track_caller]
fn check(name: &str, text: &str) -> (Policy, Vec<String>) {
    let imported = import(name, text).unwrap();
    let policy =
        Policy::parse(&imported.text).unwrap_or_else(|problems| panic!("{problems:?}\n{}", imported.text));
    (policy, imported.notes)
}

const PEM: &str =
    "-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE\n-----END PUBLIC KEY-----";

fn indented(pem: &str, by: usize) -> String {
    pem.lines().map(|line| format!("{}{line}\n", " ".repeat(by))).collect()
}

#[test]
fn ignored_vulnerabilities_become_exceptions() {
    let (policy, notes) = check(
        ".trivyignore",
        "# not reachable\nCVE-2022-40897 exp:2030-01-01\n\nCVE-2023-2650\nAVD-DS-0002\n",
    );
    assert_eq!(policy.exceptions.len(), 2, "nothing ships a fix for a misconfiguration");
    assert!(notes.iter().any(|note| note.contains("`AVD-DS-0002`") && note.contains("left out")));
    assert_eq!(policy.exceptions[0].reason, "not reachable");
    assert_eq!(policy.exceptions[0].expires.unwrap().date_text(), "2030-01-01");
    assert!(policy.exceptions[1].until_fixed);
    assert!(notes.iter().any(|note| note.contains("CVE-2023-2650")));
}

#[test]
fn the_yaml_form_keeps_paths_and_packages() {
    let text = "vulnerabilities:\n  - id: CVE-2022-40897\n    paths: [\"usr/**\"]\n    purls: [\"pkg:pypi/setuptools\"]\n    statement: accepted\n    expired_at: 2030-01-01\nsecrets:\n  - id: aws-access-key-id\n    expired_at: 2030-01-01\n  - id: jwt-token\nother: []\n";
    let (policy, notes) = check(".trivyignore.yaml", text);
    assert_eq!(policy.exceptions[0].packages, ["pkg:pypi/setuptools"]);
    assert_eq!(policy.exceptions.len(), 2);
    assert_eq!(policy.exceptions[1].rules, ["secrets"]);
    assert!(notes.iter().any(|note| note.contains("`jwt-token`") && note.contains("left out")), "{notes:?}");
    assert!(notes.iter().any(|note| note.contains("`other`")));
}

#[test]
fn kyverno_verify_images_become_rules() {
    let text = format!(
        "apiVersion: kyverno.io/v1\nkind: ClusterPolicy\nmetadata: {{name: check}}\nspec:\n  validationFailureAction: Enforce\n  rules:\n    - name: signed\n      verifyImages:\n        - imageReferences: [\"ghcr.io/acme/*\"]\n          attestors:\n            - count: 1\n              entries:\n                - keys:\n                    publicKeys: |-\n{}                - keyless: {{issuer: \"https://issuer.example\", subject: \"https://github.com/acme/*\"}}\n          attestations:\n            - type: https://slsa.dev/provenance/v1\n              attestors: [{{entries: [{{keyless: {{issuer: i, subject: s}}}}]}}]\n              conditions: [{{all: []}}]\n    - name: other\n      validate: {{}}\n",
        indented(PEM, 22)
    );
    let (policy, notes) = check("policy.yaml", &text);
    let ids: Vec<&str> = policy.rules.iter().map(|rule| rule.id.as_str()).collect();
    assert_eq!(ids, ["signed-signed", "signed-attested"]);
    assert_eq!(policy.rules[0].selector.images, ["ghcr.io/acme/**"]);
    assert_eq!(policy.rules[0].params.texts("of").len(), 2);
    assert_eq!(policy.rules[1].params.text("type"), Some("slsa"));
    assert_eq!(policy.rules[1].params.list("conditions").len(), 1, "one that nothing satisfies");
    assert!(
        notes.iter().any(|note| note.contains("`other`")) && notes.iter().any(|note| note.contains("CEL"))
    );
}

#[test]
fn image_validating_policies_become_rules() {
    let text = format!(
        "apiVersion: policies.kyverno.io/v1\nkind: ImageValidatingPolicy\nmetadata: {{name: check}}\nspec:\n  validationActions: [Deny]\n  matchImageReferences: [{{glob: \"ghcr.io/acme/*\"}}]\n  attestors:\n    - name: cosign\n      cosign:\n        key:\n          data: |\n{}  validations:\n    - expression: images.containers.map(image, verifyImageSignatures(image, [attestors.cosign])).all(e, e > 0)\n    - expression: object.spec.x == 1\n",
        indented(PEM, 12)
    );
    let (policy, notes) = check("policy.yaml", &text);
    assert_eq!(policy.rules.len(), 1);
    assert_eq!(policy.rules[0].params.texts("of"), ["check"]);
    assert!(notes.iter().any(|note| note.contains("object.spec.x")));
}

/// Returns the rules of a ClusterPolicy with these attestors: how many of how many, and the notes.
fn attestors(sets: &str) -> (Vec<(usize, u64)>, Vec<String>) {
    let text = format!(
        "apiVersion: kyverno.io/v1\nkind: ClusterPolicy\nmetadata: {{name: check}}\nspec:\n  validationFailureAction: Enforce\n  rules:\n    - name: signed\n      verifyImages:\n        - imageReferences: [\"ghcr.io/acme/*\"]\n          attestors: {sets}\n"
    );
    let (policy, notes) = check("policy.yaml", &text);
    let rules = policy.rules.iter().map(|rule| {
        assert_eq!(rule.effect, crate::Effect::Deny);
        (rule.params.texts("of").len(), rule.params.count("atLeast").unwrap_or(1))
    });
    (rules.collect(), notes)
}

#[test]
fn sets_of_attestors_are_taken_over_exactly_or_not_at_all() {
    let key = |name: &str| format!("{{keys: {{kms: \"awskms:///{name}\"}}}}");
    let (a, b, c) = (key("a"), key("b"), key("c"));
    let of_annotations = "{keys: {kms: \"awskms:///d\"}, annotations: {env: prod}}";
    for (sets, want) in [
        // All, any, some; sets after each other; sets within sets.
        (format!("[{{entries: [{a}, {b}]}}]"), Some(vec![(2, 2)])),
        (format!("[{{count: 1, entries: [{a}, {b}]}}]"), Some(vec![(2, 1)])),
        (format!("[{{count: 2, entries: [{a}, {b}, {c}]}}]"), Some(vec![(3, 2)])),
        (format!("[{{entries: [{a}]}}, {{count: 1, entries: [{b}, {c}]}}]"), Some(vec![(1, 1), (2, 1)])),
        (
            format!("[{{entries: [{a}, {{attestor: {{count: 1, entries: [{b}, {c}]}}}}]}}]"),
            Some(vec![(1, 1), (2, 1)]),
        ),
        (format!("[{{count: 1, entries: [{a}, {{attestor: {{entries: [{b}]}}}}]}}]"), Some(vec![(2, 1)])),
        // The same one twice is one signer.
        (format!("[{{entries: [{a}, {b}, {a}]}}]"), Some(vec![(2, 2)])),
        // What cannot be said.
        (format!("[{{count: 2, entries: [{a}, {b}, {a}]}}]"), None),
        (format!("[{{count: 1, entries: [{a}, {{attestor: {{entries: [{b}, {c}]}}}}]}}]"), None),
        (format!("[{{count: 2, entries: [{a}, {b}, {{attestor: {{entries: [{c}]}}}}]}}]"), None),
        (format!("[{{count: 3, entries: [{a}, {b}]}}]"), None),
        (format!("[{{count: 0, entries: [{a}]}}]"), None),
        (format!("[{{count: 1, entries: [{a}, {of_annotations}]}}]"), None),
        (format!("[{{count: 1, entries: [{a}, {{keys: {{secret: {{name: k}}}}}}]}}]"), None),
        ("[{entries: [{keyless: {issuer: i, subject: s, roots: x}}]}]".to_owned(), None),
        ("[{entries: [{keyless: {issuer: i}}]}]".to_owned(), None),
        ("[{entries: [{certificates: {cert: x}}]}]".to_owned(), None),
    ] {
        let (rules, notes) = attestors(&sets);
        assert_eq!(rules, want.clone().unwrap_or_default(), "{sets}: {notes:?}");
        let left_out = notes.iter().any(|note| note.contains("was left out"));
        assert_eq!(left_out, want.is_none(), "{sets}: {notes:?}");
    }
    // Each of several keys in one text is an attestor.
    let two = format!("{PEM}\n{}", PEM.replace("MFkw", "MFkx"));
    let quoted = serde_json::to_string(&two).unwrap();
    assert_eq!(attestors(&format!("[{{entries: [{{keys: {{publicKeys: {quoted}}}}}]}}]")).0, [(2, 2)]);
}

#[test]
fn the_strictest_of_several_actions_holds() {
    let of_cluster_policy = |spec: &str, verify: &str| {
        let text = format!(
            "apiVersion: kyverno.io/v1\nkind: ClusterPolicy\nmetadata: {{name: a}}\nspec:\n  {spec}\n  rules:\n    - name: r\n      verifyImages:\n        - {{imageReferences: [\"*\"], {verify} attestors: [{{entries: [{{keys: {{kms: \"awskms:///a\"}}}}]}}]}}\n"
        );
        check("policy.yaml", &text).0.rules[0].effect
    };
    use crate::Effect::{Audit, Deny, Warn};
    assert_eq!(of_cluster_policy("background: true", ""), Audit);
    assert_eq!(of_cluster_policy("validationFailureAction: enforce", ""), Deny);
    assert_eq!(of_cluster_policy("validationFailureAction: Audit", "failureAction: Enforce,"), Deny);
    let special = "validationFailureActionOverrides: [{action: Enforce, namespaces: [prod]}]";
    assert_eq!(of_cluster_policy(special, ""), Deny);
    for (actions, want) in [
        ("[Audit, Deny]", Deny),
        ("[Deny]", Deny),
        ("[Audit, Warn]", Warn),
        ("[Audit]", Audit),
        ("Audit", Audit),
        ("[Somehow]", Deny),
    ] {
        let text = format!(
            "apiVersion: policies.kyverno.io/v1\nkind: ImageValidatingPolicy\nmetadata: {{name: check}}\nspec:\n  validationActions: {actions}\n  attestors: [{{name: k, cosign: {{key: {{kms: \"awskms:///a\"}}}}}}]\n  validations:\n    - expression: images.containers.map(i, verifyImageSignatures(i, [attestors.k])).all(e, e > 0)\n"
        );
        assert_eq!(check("policy.yaml", &text).0.rules[0].effect, want, "{actions}");
    }
}

#[test]
fn validations_that_ask_for_more_are_not_taken_for_less() {
    let rules = |expression: &str| {
        let text = format!(
            "apiVersion: policies.kyverno.io/v1\nkind: ImageValidatingPolicy\nmetadata: {{name: check}}\nspec:\n  attestors: [{{name: a, cosign: {{key: {{kms: \"awskms:///a\"}}}}}}, {{name: b, cosign: {{key: {{kms: \"awskms:///b\"}}}}}}]\n  validations:\n    - expression: {}\n",
            serde_json::to_string(expression).unwrap()
        );
        let (policy, notes) = check("policy.yaml", &text);
        let rules: Vec<_> = policy
            .rules
            .iter()
            .map(|rule| (rule.params.texts("of").len(), rule.params.count("atLeast").unwrap_or(1)))
            .collect();
        assert_eq!(rules.is_empty(), notes.iter().any(|note| note.contains("left out")), "{notes:?}");
        rules
    };
    let of = |names: &str| format!("images.containers.map(i, verifyImageSignatures(i, [{names}]))");
    let both = of("attestors.a, attestors.b");
    assert_eq!(rules(&format!("{both}.all(e, e > 0)")), [(2, 1)]);
    assert_eq!(rules(&format!("{both}.all(e, e >= 2)")), [(2, 2)]);
    assert_eq!(rules(&format!("{both}.all(e, e > 2)")), []);
    assert_eq!(rules(&format!("{both}.all(e, e > 0) && object.spec.x == 1")), []);
    assert_eq!(
        rules(&format!("{}.all(e, e > 0) && {}.all(e, e > 0)", of("attestors.a"), of("attestors.b"))),
        []
    );
}

#[test]
fn patterns_of_images_reach_no_fewer() {
    let wide = |glob: &str| kyverno::widened(glob);
    assert_eq!(wide("ghcr.io/acme/a?p:*"), ["ghcr.io/acme/a**p:**"]);
    assert_eq!(wide("docker.io/nginx*"), ["docker.io/nginx**", "docker.io/library/nginx**"]);
    let globs =
        "[{glob: nginx}, {glob: acme/*}, {glob: index.docker.io/nginx}, {glob: \"**\"}, {glob: ghcr.io/a/*}]";
    let text = format!(
        "apiVersion: policy.sigstore.dev/v1beta1\nkind: ClusterImagePolicy\nmetadata: {{name: a}}\nspec:\n  images: {globs}\n  authorities: [{{static: {{action: fail}}}}]\n"
    );
    let (policy, _) = check("policy.yaml", &text);
    assert_eq!(
        policy.rules[0].selector.images,
        ["docker.io/library/nginx", "docker.io/acme/*", "docker.io/library/nginx", "**", "ghcr.io/a/*"]
    );
    assert_eq!(policy.rules[0].rule.id(), "cel", "what admits nothing does so here");
}

#[test]
fn identities_are_read_as_the_other_tool_reads_them() {
    let node = tree::parse("{issuer: \"https://i.example\", subject: \"a/*@b.c?\"}").unwrap();
    let subject = |identity| match keyless(&node, identity) {
        Some(Out::Map(entries)) => entries[1].clone(),
        other => panic!("{other:?}"),
    };
    assert_eq!(subject(Identity::Wildcards), ("subjectRegExp".to_owned(), Out::text("a/.*@b\\.c.")));
    assert_eq!(subject(Identity::Exact), ("subjectRegExp".to_owned(), Out::text("a/\\*@b\\.c\\?")));
}

#[test]
fn cluster_image_policies_become_rules() {
    let text = format!(
        "apiVersion: policy.sigstore.dev/v1beta1\nkind: ClusterImagePolicy\nmetadata: {{name: signed}}\nspec:\n  mode: warn\n  images: [{{glob: \"index.docker.io/acme/*\"}}]\n  authorities:\n    - name: key\n      key:\n        data: |\n{}    - name: keyless\n      keyless: {{identities: [{{issuer: i, subjectRegExp: \".*@acme.example\"}}]}}\n      attestations: [{{name: a, predicateType: spdxjson, policy: {{type: cue}}}}]\n    - static: {{action: pass}}\n",
        indented(PEM, 10)
    );
    let (policy, notes) = check("policy.yaml", &text);
    assert_eq!(policy.rules.len(), 2);
    assert_eq!(policy.rules[0].selector.images, ["docker.io/acme/*"]);
    assert_eq!(policy.rules[0].effect, crate::Effect::Warn);
    assert_eq!(policy.rules[1].params.text("type"), Some("spdx"));
    assert!(notes.len() >= 2, "{notes:?}");
}

#[test]
fn trust_policies_of_notation_become_rules() {
    let text = r#"{"version":"1.0","trustPolicies":[
        {"name":"acme","registryScopes":["registry.acme.example/app"],"signatureVerification":{"level":"strict"},
         "trustStores":["ca:acme","tsa:stamps"],"trustedIdentities":["x509.subject: C=US, ST=WA, O=acme"]},
        {"name":"anybody","registryScopes":["*"],"signatureVerification":{"level":"strict"},"trustStores":["ca:acme"],"trustedIdentities":[]},
        {"name":"none","registryScopes":["*"],"signatureVerification":{"level":"skip"}}]}"#;
    let (policy, notes) = check("trustpolicy.json", text);
    assert_eq!(policy.rules.len(), 1);
    assert!(matches!(policy.trust.get("acme"), Some(crate::trust::TrustRoot::Notation(_))));
    for left_out in ["`none`", "`anybody`"] {
        assert!(notes.iter().any(|note| note.contains(left_out)), "{notes:?}");
    }
}

#[test]
fn what_is_no_policy_is_refused() {
    assert_eq!(import("a.yaml", "a: 1\n"), Err(ImportError::Unknown));
    assert!(matches!(import("a.yaml", "a: [\n"), Err(ImportError::Syntax(_))));
}

proptest! {
    #[test]
    fn anything_is_survived_and_what_is_imported_is_a_policy(
        text in "(kind: ClusterPolicy\n|apiVersion: kyverno.io/v1\n|spec:\n|  rules:\n|  - name: a\n|    verifyImages:\n|    - attestors: \\[\\{entries: \\[\\{keys: \\{publicKeys: x\\}\\}\\]\\}\\]\n|trustPolicies: \\[\\{name: x, trustStores: \\[ca:a\\]\\}\\]\n|[ -~\n]){0,12}"
    ) {
        for name in ["a.yaml", ".trivyignore"] {
            if let Ok(imported) = import(name, &text) {
                prop_assert!(Policy::parse(&imported.text).is_ok(), "{}", imported.text);
            }
        }
    }
}

#[test]
fn a_module_in_rego_becomes_a_rule() {
    let old =
        "# deny[x]\npackage main # the usual\n\nviolation[msg] {\n  input.scan.deep\n  msg := \"no\"\n}\n";
    for (module, query, version) in [
        (old, "data.main.violation", "version: v0"),
        ("package a.b\n\ndeny contains \"no\" if true\n", "data.a.b.deny", ""),
    ] {
        let imported = import("team/images.rego", module).unwrap();
        assert_eq!(imported.what, "Rego module");
        assert!(imported.text.contains(query), "{}", imported.text);
        assert_eq!(imported.text.contains("version: v0"), !version.is_empty(), "{}", imported.text);
        // Whether it can be read is known to programs that know Rego.
        let parsed = Policy::parse(&imported.text);
        assert_eq!(parsed.is_ok(), cfg!(feature = "rego"), "{parsed:?}");
        if let Ok(policy) = parsed {
            let kept = policy.rules[0].params.text("module").map(str::trim_end);
            assert_eq!(kept, Some(module.trim_end()));
        }
    }
}
