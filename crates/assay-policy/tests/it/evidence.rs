//! What is attached to an image: what counts, what is too little, and what could not be looked up.

use crate::facts::*;
use crate::rules::of;
use assay_policy::Decision;
use assay_policy::facts::Claim;
use assay_policy::verdict::Cause;

#[test]
fn whether_a_base_is_the_newest_has_to_be_known() {
    let judge = |newest: Option<bool>| {
        let mut case = Case::clean();
        case.report.image.base.as_mut().unwrap().newest = newest;
        let verdict = case.judge(&policy("  - bases: {newest: true}\n", ""));
        of(&verdict, "bases").first().map(|reason| reason.cause)
    };
    assert_eq!(judge(Some(true)), None);
    assert_eq!(judge(Some(false)), Some(Cause::Violation));
    assert_eq!(judge(None), Some(Cause::MissingEvidence));
}

/// Judges a rule that holds because nothing is attached, or everything that is fits, with evidence that is not all known.
#[track_caller]
fn blind_to_evidence(rule: &str, kind: &str) {
    let mut case = Case::clean();
    let policy = policy(rule, "");
    assert!(policy.needs_evidence(), "{rule}: it is never fetched");
    case.evidence.candidates.clear();
    assert_eq!(case.judge(&policy).decision, Decision::Admit, "{rule}: nothing is attached");
    case.sign(digest(1), "release");
    assert_eq!(case.judge(&policy).decision, Decision::Deny, "{rule}: it sees it");
    case.evidence.candidates.clear();
    let causes = |case: &Case| {
        let verdict = case.judge(&policy);
        let reasons = of(&verdict, kind);
        (
            verdict.decision,
            reasons.iter().map(|reason| (reason.cause, reason.message.clone())).collect::<Vec<_>>(),
        )
    };
    let mut failed = case.clone();
    failed.evidence.listed.clear();
    failed.evidence.failed.insert(digest(1), "it answered 503".into());
    let mut unlisted = case.clone();
    unlisted.evidence.listed.clear();
    let mut index = case.clone();
    index.index = Some(digest(5));
    let mut unread = case.clone();
    unread.evidence.candidates.push(candidate(
        digest(1),
        Claim::Unreadable("layer ab: 503".into()),
        "release",
    ));
    unread.evidence.candidates[0].checks.clear();
    let mut nameless = case.clone();
    nameless.report.image.manifest_digest = None;
    for (blind, want) in [
        (failed, "503"),
        (unlisted, "not looked up"),
        (index, "not looked up"),
        (unread, "503"),
        (nameless, "no digest"),
    ] {
        let (decision, told) = causes(&blind);
        assert_eq!(decision, Decision::Deny, "{rule} {want}");
        assert!(
            told.iter().any(|(cause, message)| *cause == Cause::MissingEvidence && message.contains(want)),
            "{told:?}"
        );
    }
}

#[test]
fn an_expression_does_not_take_what_could_not_be_looked_up_for_nothing() {
    blind_to_evidence("  - cel: {expression: \"evidence.size() == 0\", message: m}\n", "cel");
    let other = policy("  - cel: {expression: \"image.registry != ''\", message: m}\n", "");
    assert!(!other.needs_evidence());
    let mut case = Case::clean();
    case.evidence = Default::default();
    assert_eq!(case.judge(&other).decision, Decision::Admit);
}

#[cfg(feature = "rego")]
#[test]
fn a_module_does_not_take_what_could_not_be_looked_up_for_nothing() {
    let module = "package main\\ndeny contains one.kind if some one in input.evidence";
    blind_to_evidence(&format!("  - rego: {{module: \"{module}\"}}\n"), "rego");
}

#[test]
fn everything_that_provenance_names_must_be_allowed() {
    let judge = |said: serde_json::Value| {
        let mut case = Case::clean();
        case.evidence.candidates.retain(|one| one.claim == Claim::Signature);
        case.attest(digest(1), "https://slsa.dev/provenance/v1", said);
        let rules = "  - provenance: {of: [release], builders: [\"https://example/*\"], sources: [\"https://github.com/acme/*\"]}\n";
        case.judge(&policy(rules, "")).decision
    };
    let with = |pointer: &str, value: serde_json::Value| {
        let mut said = provenance();
        let (parent, key) = pointer.rsplit_once('/').unwrap();
        said.pointer_mut(parent).unwrap()[key] = value;
        said
    };
    let materials = |uri: &str| {
        with(
            "/buildDefinition/resolvedDependencies",
            serde_json::json!([{ "uri": "pkg:docker/debian@12" }, { "uri": uri }]),
        )
    };
    assert_eq!(judge(provenance()), Decision::Admit);
    assert_eq!(judge(materials("git+https://github.com/acme/app@refs/heads/main")), Decision::Admit);
    assert_eq!(judge(materials("git+https://github.com/mallory/app@refs/heads/main")), Decision::Deny);
    assert_eq!(judge(materials("git+https://github.com/acme@elsewhere.example/acme/app")), Decision::Deny);
    assert_eq!(judge(materials("https://files.example/dependency.tar.gz")), Decision::Admit);
    let elsewhere = serde_json::json!({ "uri": "git+https://github.com/mallory/app" });
    assert_eq!(judge(with("/buildDefinition/externalParameters/source", elsewhere)), Decision::Deny);
    assert_eq!(
        judge(with("/builder", serde_json::json!({ "id": "https://elsewhere/builder" }))),
        Decision::Deny
    );
    assert_eq!(judge(with("/buildDefinition/externalParameters", serde_json::json!({}))), Decision::Deny);
}

#[test]
fn signing_again_makes_no_image_younger() {
    let rules = policy("  - imageAge: {max: 30d, clock: signed}\n", "");
    let mut case = Case::clean();
    assert_eq!(case.judge(&rules).decision, Decision::Admit);
    case.evidence.candidates.clear();
    let verdict = case.judge(&rules);
    assert_eq!(of(&verdict, "imageAge")[0].cause, Cause::MissingEvidence);
    case.sign(digest(1), "release");
    case.sign(digest(1), "release");
    case.evidence.candidates[0].signed_at = Some(ago(40));
    assert_eq!(case.judge(&rules).decision, Decision::Deny);
    // Of somebody who is not trusted nothing is believed.
    case.evidence.candidates[0] = candidate(digest(1), Claim::Signature, "mallory");
    case.evidence.candidates[0].signed_at = Some(ago(40));
    assert_eq!(case.judge(&rules).decision, Decision::Admit);
    // What was attested then was there then.
    case.attest(digest(1), "https://slsa.dev/provenance/v1", provenance());
    case.evidence.candidates[2].signed_at = Some(ago(40));
    assert_eq!(case.judge(&rules).decision, Decision::Deny);
}

#[test]
fn an_attestation_is_no_signature_and_near_misses_are_named() {
    let mut case = Case::clean();
    case.evidence.candidates.retain(|one| one.claim != Claim::Signature);
    let verdict = case.judge(&policy("  - signed: {of: [release]}\n", ""));
    let reason = of(&verdict, "signed")[0];
    assert_eq!(reason.cause, Cause::MissingEvidence);
    assert_eq!(reason.near_misses.len(), 2, "{reason:?}");
    case.sign(digest(1), "mallory");
    let verdict = case.judge(&policy("  - signed: {of: [release]}\n", ""));
    let reason = of(&verdict, "signed")[0];
    assert_eq!(reason.cause, Cause::Violation);
    assert!(reason.near_misses.iter().any(|miss| miss.contains("have `mallory`")), "{reason:?}");
}

#[test]
fn enough_signers_are_different_ones() {
    let rules = "  - signed: {of: [release, security], atLeast: 2}\n";
    let mut case = Case::clean();
    case.sign(digest(1), "release");
    assert_eq!(case.judge(&policy(rules, "")).decision, Decision::Deny);
    // One key that both roots trust is one signer.
    case.evidence.candidates[0].checks.insert("security".into(), Ok("key of release".into()));
    assert_eq!(case.judge(&policy(rules, "")).decision, Decision::Deny);
    case.sign(digest(1), "security");
    assert_eq!(case.judge(&policy(rules, "")).decision, Decision::Admit);
}

#[test]
fn evidence_on_the_index_counts_for_its_images_and_that_of_another_image_does_not() {
    let rules = policy("  - signed: {of: [release]}\n", "");
    let mut case = Case::clean();
    case.evidence.candidates.clear();
    case.index = Some(digest(5));
    case.evidence.listed.insert(digest(5));
    assert_eq!(case.judge(&rules).decision, Decision::Deny);
    case.sign(digest(6), "release");
    assert_eq!(case.judge(&rules).decision, Decision::Deny);
    case.sign(digest(5), "release");
    assert_eq!(case.judge(&rules).decision, Decision::Admit);
}

#[test]
fn an_unsigned_base_is_denied() {
    let mut case = Case::clean();
    case.evidence.candidates.retain(|one| one.subject != digest(9));
    let verdict = case.judge(&policy("  - bases: {signedBy: [release]}\n", ""));
    assert!(of(&verdict, "bases")[0].message.contains("is not signed"), "{:?}", verdict.reasons);
}
