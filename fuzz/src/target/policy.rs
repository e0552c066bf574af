//! Policies, tests of policies, expressions, and the policies of other tools that are imported.

use super::{choice, chosen};
use crate::Target;
use assay_model::Timestamp;
use assay_policy::expression::{Expression, Variables};
use assay_policy::fixture::Suite;
use assay_policy::import::import;
use assay_policy::profile::PROFILES;
use assay_policy::{Facts, Policy, evaluate};

pub(super) fn targets() -> Vec<Target> {
    vec![
        Target::new(
            "policy",
            || PROFILES.iter().map(|profile| profile.text.as_bytes().to_vec()).collect(),
            policy,
        ),
        Target::new(
            "policy-test",
            || vec![SUITE.as_bytes().to_vec()],
            |data| {
                Suite::parse(&String::from_utf8_lossy(data))
                    .map(|suite| suite.cases.len())
                    .map_err(|problems| problems.len())
            },
        ),
        Target::new("policy-expression", expression_seeds, expression),
        Target::new("policy-import", import_seeds, imported),
    ]
}

const SUITE: &str = "policy: a.yaml\ncases:\n  - name: x\n    report: {schema: assay.report/v1}\n    now: 2026-01-01\n    evidence: [{type: slsa, by: [a], predicate: {b: [1, 2.5, true]}}]\n    expect: {verdict: deny, deny: [secrets], exceptions: {E: used}}\n";

/// A policy that is accepted also judges, and its exports can be made.
fn policy(data: &[u8]) -> (bool, usize) {
    match Policy::parse(&String::from_utf8_lossy(data)) {
        Ok(policy) => {
            let verdict = evaluate(&policy, None, &Facts::default(), Timestamp(1_700_000_000));
            let (_, notes) = assay_policy::export::validating_admission_policy(&policy);
            let (statements, _) = assay_policy::export::statements(&policy, Timestamp(0));
            (true, verdict.reasons.len() + notes.len() + statements.len())
        }
        Err(problems) => {
            assert!(!problems.is_empty(), "it is refused without a word");
            (false, problems.len())
        }
    }
}

fn expression_seeds() -> Vec<Vec<u8>> {
    [
        "image.labels['team'] in ['a', 'b'] && findings.all(f, f.severity != 'critical')",
        "list.map(x, x + x).filter(y, y > 2).exists(z, z == 4)",
        "has(image.labels) ? image.labels.team.matches('^[a-z]+$') : false",
        "[[1, 2], [3]].exists_one(l, size(l) == 1) || {'a': 1}.a == 1",
    ]
    .map(|text| text.as_bytes().to_vec())
    .into()
}

fn expression(data: &[u8]) -> Option<bool> {
    let expression = Expression::compile(&String::from_utf8_lossy(data)).ok()?;
    let mut variables = Variables::default();
    variables.set("image", &serde_json::json!({ "labels": { "team": "a" } }));
    variables.set("list", &serde_json::json!([1, 2, 3]));
    variables.set("findings", &serde_json::json!([{ "severity": "high" }]));
    expression.holds(&variables).ok()
}

fn import_seeds() -> Vec<Vec<u8>> {
    let yaml = [
        "apiVersion: kyverno.io/v1\nkind: ClusterPolicy\nmetadata: {name: a}\nspec:\n  rules:\n    - name: r\n      verifyImages:\n        - imageReferences: [\"a/*\"]\n          attestors: [{count: 1, entries: [{keyless: {issuer: i, subject: s}}]}]\n",
        "apiVersion: policies.kyverno.io/v1\nkind: ImageValidatingPolicy\nspec:\n  attestors: [{name: a, cosign: {keyless: {identities: [{issuer: i, subject: s}]}}}]\n  validations: [{expression: \"verifyImageSignatures(image, [attestors.a])\"}]\n",
        "apiVersion: policy.sigstore.dev/v1beta1\nkind: ClusterImagePolicy\nspec:\n  images: [{glob: \"**\"}]\n  authorities: [{keyless: {identities: [{issuer: i, subject: s}]}, attestations: [{predicateType: vuln}]}]\n",
        "{\"version\":\"1.0\",\"trustPolicies\":[{\"name\":\"a\",\"registryScopes\":[\"*\"],\"signatureVerification\":{\"level\":\"strict\"},\"trustStores\":[\"ca:a\"],\"trustedIdentities\":[\"*\"]}]}",
        "vulnerabilities: [{id: CVE-1, paths: [a], expired_at: 2030-01-01}]\nsecrets: [{id: x}]\n",
    ];
    let mut seeds: Vec<Vec<u8>> = yaml.iter().map(|text| chosen(0, text.as_bytes())).collect();
    seeds.push(chosen(1, b"# why\nCVE-2022-1 exp:2030-01-01\nGHSA-1\n"));
    seeds
}

/// Whatever is imported is a policy.
fn imported(data: &[u8]) -> Option<(String, Vec<String>)> {
    let (number, text) = choice(data);
    let name = if number % 2 == 0 { "policy.yaml" } else { ".trivyignore" };
    let imported = import(name, &String::from_utf8_lossy(text)).ok()?;
    let policy = Policy::parse(&imported.text);
    assert!(policy.is_ok(), "{:?}\n{}", policy.err(), imported.text);
    Some((imported.text, imported.notes))
}
