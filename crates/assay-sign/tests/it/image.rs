//! The one verifier, over evidence that Assay makes itself with keys.

use crate::mint::{ISSUER, SUBJECT, Sigstore, base64, pem};
use assay_model::{Digest, Timestamp};
use assay_sign::bundle::MEDIA_TYPE;
use assay_sign::key::{NewKey, PrivateKey};
use assay_sign::make::{sign_simple, sign_statement, signature_statement, simple_payload};
use assay_sign::signer::Signer as _;
use assay_sign::simple_signing;
use assay_sign::statement::{SIGN, Statement, Subject};
use assay_sign::trust::TrustedRoot;
use assay_sign::verify::{
    Candidate, Code, Found, IdentityPolicy, LogPolicy, MAX_CANDIDATES, NOTICE, Outcome, Request, TrustRoot,
    TrustedKey, Wanted, image,
};
use serde_json::json;
use std::collections::BTreeMap;

const NOW: Timestamp = Timestamp(1_700_000_000);
const IMAGE: Digest = Digest::Sha256([7; 32]);

fn key(kind: NewKey) -> PrivateKey {
    PrivateKey::generate(kind).unwrap()
}

fn candidate(media_type: &str, bytes: Vec<u8>, annotations: BTreeMap<String, String>) -> Candidate {
    Candidate {
        found: Found::Referrer { digest: Digest::Sha256([1; 32]) },
        media_type: media_type.to_owned(),
        annotations,
        bytes,
    }
}

fn signature(key: &PrivateKey, digest: &Digest) -> Candidate {
    let annotations = BTreeMap::from([("build".to_owned(), "7".to_owned())]);
    let bundle = sign_statement(key, &signature_statement(digest, &annotations)).unwrap();
    candidate(MEDIA_TYPE, bundle.to_json(), BTreeMap::new())
}

fn attestation(key: &PrivateKey, kind: &str) -> Candidate {
    let statement =
        Statement::new(vec![Subject::new("", &IMAGE)], kind, json!({"builder": {"id": "b"}, "count": 3}));
    candidate(MEDIA_TYPE, sign_statement(key, &statement).unwrap().to_json(), BTreeMap::new())
}

fn legacy(key: &PrivateKey, digest: &Digest) -> Candidate {
    let annotations = BTreeMap::from([("build".to_owned(), "7".to_owned())]);
    let signed = sign_simple(key, simple_payload("registry.test/app", digest, &annotations)).unwrap();
    let layer = BTreeMap::from([("dev.cosignproject.cosign/signature".to_owned(), signed.signature)]);
    candidate(simple_signing::MEDIA_TYPE, signed.payload, layer)
}

fn legacy_attestation(key: &PrivateKey, kind: &str) -> Candidate {
    let bundle = attestation(key, kind).bytes;
    let value: serde_json::Value = serde_json::from_slice(&bundle).unwrap();
    candidate(
        "application/vnd.dsse.envelope.v1+json",
        value["dsseEnvelope"].to_string().into_bytes(),
        BTreeMap::new(),
    )
}

fn trusting(keys: &[&PrivateKey]) -> TrustRoot {
    let mut root = TrustRoot::new("release", TrustedRoot::public().unwrap());
    root.keys = keys.iter().map(|key| TrustedKey::new(key.public_key().clone())).collect();
    root
}

fn verify(candidates: &[Candidate], root: &TrustRoot) -> Outcome {
    let outcome = image(&Request::signature(&IMAGE), candidates, std::slice::from_ref(root), NOW);
    // What programs read says the same.
    let text = serde_json::to_string(&outcome).unwrap();
    assert_eq!(serde_json::from_str::<Outcome>(&text).unwrap(), outcome);
    outcome
}

fn code(outcome: &Outcome) -> Code {
    assert!(!outcome.verified && outcome.signers.is_empty());
    outcome.candidates[0].refusal().expect("a refusal").code
}

#[test]
fn signatures_of_both_forms_by_every_kind_of_key_hold() {
    for kind in NewKey::ALL {
        let signer = key(kind);
        for evidence in [signature(&signer, &IMAGE), legacy(&signer, &IMAGE)] {
            let outcome = verify(&[evidence], &trusting(&[&signer]));
            assert!(outcome.verified, "{kind:?}: {}", outcome.summary);
        }
    }
}

#[test]
fn an_attestation_is_not_a_signature_and_the_other_way_round() {
    let signer = key(NewKey::EcdsaP256);
    let root = trusting(&[&signer]);
    let kind = "https://slsa.dev/provenance/v1";
    for evidence in [attestation(&signer, kind), legacy_attestation(&signer, kind)] {
        assert_eq!(code(&verify(std::slice::from_ref(&evidence), &root)), Code::WrongPredicate);
        let ask = |wanted: Wanted, values: &[(&str, &str)]| {
            let values =
                values.iter().map(|(pointer, value)| ((*pointer).to_owned(), (*value).to_owned())).collect();
            let request = Request { wanted, values, ..Request::signature(&IMAGE) };
            image(&request, std::slice::from_ref(&evidence), std::slice::from_ref(&root), NOW).verified
        };
        assert!(ask(Wanted::Attestation(vec![]), &[]));
        assert!(ask(
            Wanted::Attestation(vec!["x".to_owned(), kind.to_owned()]),
            &[("/builder/id", "b"), ("/count", "3")]
        ));
        assert!(!ask(Wanted::Attestation(vec![kind.to_owned()]), &[("/builder/id", "c")]));
        assert!(!ask(Wanted::Attestation(vec!["x".to_owned()]), &[]));
    }
    for evidence in [signature(&signer, &IMAGE), legacy(&signer, &IMAGE)] {
        let request = Request { wanted: Wanted::Attestation(vec![]), ..Request::signature(&IMAGE) };
        let outcome = image(&request, &[evidence], std::slice::from_ref(&root), NOW);
        assert_eq!(code(&outcome), Code::WrongPredicate);
    }
}

#[test]
fn either_may_be_asked_for_and_told_apart_later() {
    let signer = key(NewKey::EcdsaP256);
    let root = trusting(&[&signer]);
    let request = Request { wanted: Wanted::Anything, ..Request::signature(&IMAGE) };
    let kind = "https://slsa.dev/provenance/v1";
    let all = [
        signature(&signer, &IMAGE),
        legacy(&signer, &IMAGE),
        attestation(&signer, kind),
        legacy_attestation(&signer, kind),
    ];
    let outcome = image(&request, &all, std::slice::from_ref(&root), NOW);
    let kinds: Vec<Option<&str>> = outcome
        .verified()
        .map(|(_, _, verified)| {
            verified.statement.as_ref().map(|statement| statement.predicate_type.as_str())
        })
        .collect();
    assert_eq!(kinds, [Some(SIGN), None, Some(kind), Some(kind)]);
}

#[test]
fn what_nobody_vouches_for_is_told_in_few_words() {
    let signer = key(NewKey::EcdsaP256);
    let kind = "k".repeat(100_000);
    let evidence = attestation(&signer, &kind);
    let outcome = verify(&[evidence], &trusting(&[&signer]));
    assert_eq!(code(&outcome), Code::WrongPredicate);
    assert!(outcome.summary.len() < 1000, "{}", outcome.summary.len());
    assert!(outcome.candidates[0].predicate_type.as_ref().unwrap().len() <= 200);
    // Its own type still is what it is.
    let request = Request { wanted: Wanted::Attestation(vec![kind.clone()]), ..Request::signature(&IMAGE) };
    let outcome = image(&request, &[attestation(&signer, &kind)], &[trusting(&[&signer])], NOW);
    assert!(outcome.verified);
    let request = Request { wanted: Wanted::Attestation(vec![kind[..200].to_owned()]), ..request };
    assert!(!image(&request, &[attestation(&signer, &kind)], &[trusting(&[&signer])], NOW).verified);
}

#[test]
fn where_nobody_is_trusted_nothing_is_verified() {
    let signer = key(NewKey::EcdsaP256);
    let outcome = image(&Request::signature(&IMAGE), &[signature(&signer, &IMAGE)], &[], NOW);
    assert!(!outcome.verified);
    assert_eq!(outcome.summary, "1 bundle found: 1 not judged (nobody is trusted)");
}

#[test]
fn every_candidate_is_tried_and_the_summary_tells_of_each() {
    let (ours, theirs) = (key(NewKey::EcdsaP256), key(NewKey::EcdsaP256));
    let root = trusting(&[&ours]);
    let rubbish = candidate(MEDIA_TYPE, b"{".to_vec(), BTreeMap::new());
    let unknown = candidate("text/plain", Vec::new(), BTreeMap::new());
    let others = [
        rubbish,
        unknown,
        signature(&theirs, &IMAGE),
        legacy(&theirs, &IMAGE),
        attestation(&ours, "https://p.test"),
    ];
    let outcome = verify(&others, &root);
    assert!(!outcome.verified);
    for words in [
        "3 bundles",
        "1 cosign signature",
        "1 wrong predicate",
        "1 wrong key",
        "1 bad signature",
        "1 malformed",
    ] {
        assert!(outcome.summary.contains(words), "{words}: {}", outcome.summary);
    }
    assert!(outcome.summary.contains(&theirs.public_key().fingerprint_hex()));
    let mut with_ours = others.to_vec();
    with_ours.push(legacy(&ours, &IMAGE));
    assert!(verify(&with_ours, &root).verified);
    assert_eq!(verify(&[], &root).summary, "no signature found");
}

#[test]
fn what_is_about_another_image_or_changed_is_refused() {
    let signer = key(NewKey::Ed25519);
    let root = trusting(&[&signer]);
    let other = Digest::Sha256([8; 32]);
    assert_eq!(code(&verify(&[signature(&signer, &other)], &root)), Code::DigestMismatch);
    assert_eq!(code(&verify(&[legacy(&signer, &other)], &root)), Code::DigestMismatch);
    let mut changed = legacy(&signer, &IMAGE);
    changed.bytes.push(b' ');
    assert_eq!(code(&verify(&[changed], &root)), Code::BadSignature);
    let mut bare = legacy(&signer, &IMAGE);
    bare.annotations.clear();
    assert_eq!(code(&verify(&[bare], &root)), Code::Malformed);
    let mut no_keys = root.clone();
    no_keys.keys.clear();
    assert_eq!(code(&verify(&[signature(&signer, &IMAGE)], &no_keys)), Code::Unsupported);
}

#[test]
fn thresholds_count_distinct_signers() {
    let (one, two) = (key(NewKey::EcdsaP256), key(NewKey::EcdsaP384));
    let root = trusting(&[&one, &two]);
    let ask = |candidates: &[Candidate], threshold| {
        let request = Request { threshold, ..Request::signature(&IMAGE) };
        image(&request, candidates, std::slice::from_ref(&root), NOW)
    };
    let twice = [signature(&one, &IMAGE), signature(&one, &IMAGE), legacy(&one, &IMAGE)];
    let outcome = ask(&twice, 2);
    assert!(!outcome.verified && outcome.summary.ends_with("1 of 2 signers"), "{}", outcome.summary);
    let both = [signature(&one, &IMAGE), legacy(&two, &IMAGE)];
    assert!(ask(&both, 2).verified);
    assert!(!ask(&both, 3).verified);
    // Nothing is verified by nobody.
    assert!(!ask(&[], 0).verified);
    assert_eq!(ask(&both, 2).signers_of("release").len(), 2);
}

#[test]
fn keys_count_inside_their_windows_and_until_they_are_revoked() {
    let signer = key(NewKey::EcdsaP256);
    let evidence = [signature(&signer, &IMAGE)];
    let with = |change: &dyn Fn(&mut TrustedKey)| {
        let mut root = trusting(&[&signer]);
        change(&mut root.keys[0]);
        verify(&evidence, &root)
    };
    assert!(with(&|key| (key.not_before, key.not_after) = (Some(NOW), Some(NOW))).verified);
    assert_eq!(code(&with(&|key| key.not_before = Some(Timestamp(NOW.0 + 1)))), Code::Expired);
    assert_eq!(code(&with(&|key| key.not_after = Some(Timestamp(NOW.0 - 1)))), Code::Expired);
    assert_eq!(code(&with(&|key| key.revoked = true)), Code::Revoked);
    let mut logged = trusting(&[&signer]);
    logged.key_log = LogPolicy::Required;
    assert_eq!(code(&verify(&evidence, &logged)), Code::Log);
}

#[test]
fn keys_that_run_out_are_told_in_time() {
    let signer = key(NewKey::EcdsaP256);
    let told = |end: i64, revoked: bool| {
        let mut root = trusting(&[&signer]);
        root.keys[0].not_after = Some(Timestamp(end));
        root.keys[0].revoked = revoked;
        root.warnings(NOW)
    };
    assert_eq!(told(NOW.0 + NOTICE + 1, false), Vec::<String>::new());
    assert!(told(NOW.0 + NOTICE, false)[0].contains("runs out on 2023-12-14"));
    assert!(told(NOW.0 - 1, false)[0].contains("has run out on 2023-11-14"));
    assert!(told(NOW.0 - 1, true)[0].contains("is revoked"));
}

#[test]
fn annotations_are_asked_for_in_both_forms() {
    let signer = key(NewKey::EcdsaP256);
    for evidence in [signature(&signer, &IMAGE), legacy(&signer, &IMAGE)] {
        let ask = |key: &str, value: &str| {
            let annotations = BTreeMap::from([(key.to_owned(), value.to_owned())]);
            let request = Request { annotations, ..Request::signature(&IMAGE) };
            image(&request, std::slice::from_ref(&evidence), &[trusting(&[&signer])], NOW)
        };
        assert!(ask("build", "7").verified);
        assert_eq!(code(&ask("build", "8")), Code::WrongAnnotation);
        assert_eq!(code(&ask("other", "7")), Code::WrongAnnotation);
    }
}

#[test]
fn more_candidates_than_the_limit_are_told_and_not_looked_at() {
    let signer = key(NewKey::EcdsaP256);
    let mut candidates = vec![candidate("text/plain", Vec::new(), BTreeMap::new()); MAX_CANDIDATES];
    candidates.push(signature(&signer, &IMAGE));
    let outcome = verify(&candidates, &trusting(&[&signer]));
    assert!(!outcome.verified && outcome.skipped == 1 && outcome.summary.contains("1 not looked at"));
}

/// A layer of cosign 2 that was signed without a key of one's own: certificate, chain and the log's promise are annotations.
#[test]
fn layers_of_cosign_2_hold_with_a_certificate_and_the_logs_promise() {
    let sigstore = Sigstore::new();
    let payload = simple_payload("registry.test/app", &IMAGE, &BTreeMap::new());
    let signed = sigstore.sign(&payload);
    let entry = &signed.entries[0];
    let id: String = entry.log_id.key_id.0.iter().map(|byte| format!("{byte:02x}")).collect();
    let promise = base64(&entry.inclusion_promise.as_ref().unwrap().signed_entry_timestamp.0);
    let bundle = json!({"SignedEntryTimestamp": promise, "Payload": {
        "body": base64(&entry.canonicalized_body.0), "integratedTime": entry.integrated_time,
        "logIndex": entry.log_index, "logID": id,
    }});
    let annotations = BTreeMap::from([
        ("dev.cosignproject.cosign/signature".to_owned(), base64(signed.signature())),
        ("dev.sigstore.cosign/certificate".to_owned(), pem("CERTIFICATE", &signed.certificates()[0])),
        ("dev.sigstore.cosign/chain".to_owned(), pem("CERTIFICATE", &sigstore.ca_certificate)),
        ("dev.sigstore.cosign/bundle".to_owned(), bundle.to_string()),
    ]);
    let trusted = TrustedRoot::parse(sigstore.trusted_root().to_string().as_bytes()).unwrap();
    let mut root = TrustRoot::new("release", trusted);
    root.keyless.identities.push(IdentityPolicy::exact(ISSUER, SUBJECT));
    let later = Timestamp(NOW.0 + 86_400);
    let ask = |annotations: &BTreeMap<String, String>, root: &TrustRoot| {
        let evidence = candidate(simple_signing::MEDIA_TYPE, payload.clone(), annotations.clone());
        image(&Request::signature(&IMAGE), &[evidence], std::slice::from_ref(root), later)
    };
    let outcome = ask(&annotations, &root);
    assert!(outcome.verified, "{}", outcome.summary);
    // A log that is ahead of the time vouches for nothing.
    let evidence = candidate(simple_signing::MEDIA_TYPE, payload.clone(), annotations.clone());
    let early = Timestamp(NOW.0 - 86_400);
    let early = image(&Request::signature(&IMAGE), &[evidence], std::slice::from_ref(&root), early);
    assert!(code(&early) == Code::Timestamp && early.summary.contains("in the future"), "{}", early.summary);
    let without = |name: &str| {
        let mut fewer = annotations.clone();
        fewer.remove(&format!("dev.sigstore.cosign/{name}")).unwrap();
        ask(&fewer, &root)
    };
    assert!(without("chain").verified);
    assert_eq!(code(&without("bundle")), Code::Log);
    assert_eq!(code(&without("certificate")), Code::WrongIdentity);
    // Without a log the certificate must be valid now.
    let mut unlogged = root.clone();
    unlogged.keyless.log = LogPolicy::Ignored;
    assert_eq!(code(&ask(&annotations, &unlogged)), Code::Expired);
    // The promise for another signature (CVE-2022-36056).
    let mut swapped = annotations.clone();
    let other = sigstore.sign(&payload);
    swapped.insert("dev.cosignproject.cosign/signature".to_owned(), base64(other.signature()));
    swapped
        .insert("dev.sigstore.cosign/certificate".to_owned(), pem("CERTIFICATE", &other.certificates()[0]));
    assert_eq!(code(&ask(&swapped, &root)), Code::Log);
    // A key beside the identity is told that a certificate signed.
    let mut keyed = trusting(&[&key(NewKey::EcdsaP256)]);
    keyed.sigstore = root.sigstore.clone();
    assert_eq!(code(&ask(&annotations, &keyed)), Code::WrongKey);
}
