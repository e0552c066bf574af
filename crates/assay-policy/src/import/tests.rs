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
    assert_eq!(policy.exceptions.len(), 3);
    assert_eq!(policy.exceptions[0].reason, "not reachable");
    assert_eq!(policy.exceptions[0].expires.unwrap().date_text(), "2030-01-01");
    assert!(policy.exceptions[1].until_fixed);
    assert!(notes.iter().any(|note| note.contains("CVE-2023-2650")));
}

#[test]
fn the_yaml_form_keeps_paths_and_packages() {
    let text = "vulnerabilities:\n  - id: CVE-2022-40897\n    paths: [\"usr/**\"]\n    purls: [\"pkg:pypi/setuptools\"]\n    statement: accepted\n    expired_at: 2030-01-01\nsecrets:\n  - id: aws-access-key-id\nother: []\n";
    let (policy, notes) = check(".trivyignore.yaml", text);
    assert_eq!(policy.exceptions[0].packages, ["pkg:pypi/setuptools"]);
    assert_eq!(policy.exceptions[1].rules, ["secrets"]);
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
    assert_eq!(policy.rules[0].params.texts("of"), ["cosign"]);
    assert!(notes.iter().any(|note| note.contains("object.spec.x")));
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
        {"name":"none","registryScopes":["*"],"signatureVerification":{"level":"skip"}}]}"#;
    let (policy, notes) = check("trustpolicy.json", text);
    assert_eq!(policy.rules.len(), 1);
    assert!(matches!(policy.trust.get("acme"), Some(crate::trust::TrustRoot::Notation(_))));
    assert!(notes.iter().any(|note| note.contains("`none`")));
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
