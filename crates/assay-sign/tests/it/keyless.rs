//! Bundles of an instance of Sigstore in this process: what holds, and each single thing that may be wrong.

use crate::mint::{
    CODE_SIGNING, ISSUER, NOW, SUBJECT, Sigstore, TIME_STAMPING, base64, hashed_rekord, key, pem,
};
use assay_model::{Digest, Timestamp};
use assay_sign::Base64;
use assay_sign::bundle::{Bundle, Content, KeyMaterial, Version};
use assay_sign::key::Hash;
use assay_sign::signer::Signer as _;
use assay_sign::trust::TrustedRoot;
use assay_sign::verify::{Artifact, Code, IdentityPolicy, LogPolicy, Refusal, Trust, Verified, bundle};
use serde_json::{Value, json};

const ARTIFACT: &[u8] = b"artifact";

fn verify_at(signed: &Bundle, root: &Value, policy: &IdentityPolicy, now: i64) -> Result<Verified, Refusal> {
    // What is verified is what is read, not what was made.
    let parsed = Bundle::parse(&signed.to_json()).expect("a bundle");
    let root = TrustedRoot::parse(root.to_string().as_bytes()).expect("a trust root");
    let by_digest = Artifact::from_digest(&Digest::Sha256(Hash::Sha256.of(ARTIFACT).try_into().unwrap()));
    let trust = Trust::Identities(std::slice::from_ref(policy));
    let verify = |artifact: &Artifact<'_>| {
        bundle(&parsed, artifact, trust, &root, LogPolicy::Required, Timestamp(now))
    };
    let result = verify(&Artifact::from_bytes(ARTIFACT));
    assert_eq!(result, verify(&by_digest));
    result
}

fn verify(signed: &Bundle, root: &Value) -> Result<Verified, Refusal> {
    verify_at(signed, root, &IdentityPolicy::exact(ISSUER, SUBJECT), NOW + 86_400)
}

/// Changes one thing of the bundle or the trust root and expects a refusal of that kind.
fn check(
    make: fn(&Sigstore) -> Bundle,
    change: impl FnOnce(&Sigstore, &mut Bundle, &mut Value),
    code: Code,
    words: &str,
) {
    let sigstore = Sigstore::new();
    let (mut signed, mut root) = (make(&sigstore), sigstore.trusted_root());
    verify(&signed, &root).expect("it holds before the change");
    change(&sigstore, &mut signed, &mut root);
    let refusal = verify(&signed, &root).expect_err(words);
    assert!(refusal.code == code && refusal.message.contains(words), "{refusal:?}, not {words}");
}

fn first(sigstore: &Sigstore) -> Bundle {
    sigstore.sign(ARTIFACT)
}

fn second(sigstore: &Sigstore) -> Bundle {
    sigstore.sign_2(ARTIFACT)
}

fn envelope(sigstore: &Sigstore) -> Bundle {
    sigstore.sign_envelope(statement("https://in-toto.io/Statement/v1").to_string().as_bytes())
}

fn statement(kind: &str) -> Value {
    let digest: String = Hash::Sha256.of(ARTIFACT).iter().map(|byte| format!("{byte:02x}")).collect();
    json!({"_type": kind, "subject": [{"digest": {"sha512": "00"}}, {"digest": {"sha256": digest}}], "predicateType": "https://p.test"})
}

#[test]
fn what_is_whole_holds() {
    let sigstore = Sigstore::new();
    let root = sigstore.trusted_root();
    for make in [first, second, envelope] {
        let verified = verify(&make(&sigstore), &root).unwrap();
        assert_eq!(verified.signed_at, Some(Timestamp(NOW)));
        assert_eq!(verified.log_index, Some(5));
    }
    let older = |version, key: fn(Vec<u8>) -> KeyMaterial| {
        let mut signed = first(&sigstore);
        signed.version = version;
        signed.key = key(signed.certificates()[0].clone());
        signed
    };
    verify(&older(Version::V0_2, |leaf| KeyMaterial::Chain(vec![leaf])), &root).unwrap();
    let mut oldest = older(Version::V0_1, |leaf| KeyMaterial::Chain(vec![leaf]));
    oldest.entries[0].inclusion_proof = None;
    verify(&oldest, &root).unwrap();
}

#[test]
fn the_log_must_vouch_for_this_signature() {
    check(first, |_, b, _| b.entries.clear(), Code::Log, "no entry");
    check(first, |_, b, _| b.entries.push(b.entries[0].clone()), Code::Log, "twice");
    check(first, |_, _, root| root["tlogs"] = json!([]), Code::Log, "not trusted");
    check(first, |_, b, _| b.entries[0].integrated_time += 1, Code::Log, "promise");
    check(first, |_, b, _| b.entries[0].log_index += 1, Code::Log, "promise");
    check(
        first,
        |_, b, _| b.entries[0].inclusion_promise.as_mut().unwrap().signed_entry_timestamp = Base64(vec![1]),
        Code::Log,
        "promise",
    );
    let proof = |b: &mut Bundle| b.entries[0].inclusion_proof.take().unwrap();
    check(
        second,
        |_, b, _| {
            let mut changed = proof(b);
            changed.log_index = 1;
            b.entries[0].inclusion_proof = Some(changed);
        },
        Code::Log,
        "does not lead",
    );
    check(
        second,
        |_, b, _| {
            let mut changed = proof(b);
            changed.hashes = vec![Base64(vec![0; 32])];
            b.entries[0].inclusion_proof = Some(changed);
        },
        Code::Log,
        "does not lead",
    );
    check(
        second,
        |_, b, _| {
            let mut changed = proof(b);
            let note = &mut changed.checkpoint.as_mut().unwrap().envelope;
            *note = note.replace("rekor.test\n1\n", "rekor.test\n2\n");
            b.entries[0].inclusion_proof = Some(changed);
        },
        Code::Log,
        "no valid signature",
    );
    // Another entry of the same log, valid in itself (CVE-2022-36056).
    for make in [first, second, envelope] {
        check(make, |sigstore, b, _| b.entries = make(sigstore).entries, Code::Log, "another signature");
    }
    check(
        first,
        |sigstore, b, _| {
            let body = hashed_rekord(&[0; 32], b.signature(), &pem("CERTIFICATE", &b.certificates()[0]));
            b.entries = vec![sigstore.log(&body, ("hashedrekord", "0.0.1"), Some(NOW))];
        },
        Code::Log,
        "another content",
    );
    check(
        first,
        |sigstore, b, _| {
            let body = hashed_rekord(&Hash::Sha256.of(ARTIFACT), b.signature(), &key().public_key().to_pem());
            b.entries = vec![sigstore.log(&body, ("hashedrekord", "0.0.1"), Some(NOW))];
        },
        Code::Log,
        "another key",
    );
    check(
        first,
        |sigstore, b, _| {
            b.entries = vec![sigstore.log(
                &json!({"apiVersion": "0.0.1", "kind": "rpm", "spec": {}}),
                ("rpm", "0.0.1"),
                Some(NOW),
            )];
        },
        Code::Log,
        "not known",
    );
}

#[test]
fn a_checkpoint_needs_the_signature_of_the_log_and_may_have_others() {
    let note = |b: &mut Bundle, change: &dyn Fn(&str) -> String| {
        let checkpoint = b.entries[0].inclusion_proof.as_mut().unwrap().checkpoint.as_mut().unwrap();
        checkpoint.envelope = change(&checkpoint.envelope);
    };
    let sigstore = Sigstore::new();
    let mut cosigned = second(&sigstore);
    note(&mut cosigned, &|text| text.replace("\n\n", "\n\n\u{2014} witness.test AAAAAAE=\n"));
    verify(&cosigned, &sigstore.trusted_root()).unwrap();
    check(
        second,
        |_, b, _| {
            note(b, &|text| {
                format!(
                    "{}\n\u{2014} witness.test AAAAAAE=\n",
                    text.split("\n\n").next().unwrap().to_owned() + "\n"
                )
            });
        },
        Code::Log,
        "no valid signature",
    );
    check(
        second,
        |_, b, _| note(b, &|text| text.replace("\u{2014} rekor.test ", "\u{2014} rekor.test AA")),
        Code::Log,
        "",
    );
    check(
        second,
        |_, b, _| note(b, &|text| text.replace("\u{2014} rekor.test", "\u{2014} other.test")),
        Code::Log,
        "no valid",
    );
    check(second, |_, b, _| note(b, &|text| text.replace("\n\n", "\n")), Code::Log, "malformed");
    check(
        second,
        |_, _, root| root["tlogs"][0]["baseUrl"] = json!("https://elsewhere.test"),
        Code::Log,
        "no valid",
    );
    // A checkpoint of another tree, signed by the log.
    check(
        second,
        |sigstore, b, _| {
            let other = second(sigstore).entries[0].inclusion_proof.clone().unwrap().checkpoint;
            b.entries[0].inclusion_proof.as_mut().unwrap().checkpoint = other;
        },
        Code::Log,
        "another tree",
    );
}

#[test]
fn times_must_be_proven_and_inside_every_window() {
    check(second, |_, b, _| b.timestamps.clear(), Code::Timestamp, "nothing proves");
    check(
        first,
        |_, b, _| {
            b.entries[0].inclusion_promise = None;
        },
        Code::Timestamp,
        "nothing proves",
    );
    check(
        second,
        |s, b, _| b.timestamps = vec![s.timestamp(b"else", NOW)],
        Code::Timestamp,
        "something else",
    );
    check(second, |_, b, _| b.timestamps.push(b.timestamps[0].clone()), Code::Timestamp, "twice");
    // The first is good, and still the second counts.
    check(
        second,
        |s, b, _| b.timestamps.push(s.timestamp(b.signature(), NOW + 541)),
        Code::Expired,
        "was not valid at",
    );
    check(
        second,
        |s, b, _| b.timestamps = vec![s.timestamp(b.signature(), NOW - 61)],
        Code::Expired,
        "was not valid at",
    );
    check(second, |_, _, root| root["timestampAuthorities"] = json!([]), Code::Timestamp, "not by a trusted");
    check(
        second,
        |_, _, root| {
            root["timestampAuthorities"] = Sigstore::new().trusted_root()["timestampAuthorities"].clone();
        },
        Code::Timestamp,
        "",
    );
    let ended = json!({"start": "2020-01-01T00:00:00Z", "end": "2023-11-14T22:13:19Z"});
    check(
        second,
        |_, _, root| root["timestampAuthorities"][0]["validFor"] = ended.clone(),
        Code::Timestamp,
        "was not trusted",
    );
    // Another authority's window does not help.
    check(
        second,
        |_, _, root| {
            root["timestampAuthorities"][0]["validFor"] = ended.clone();
            let other =
                json!({"certChain": {"certificates": []}, "validFor": {"start": "2020-01-01T00:00:00Z"}});
            root["timestampAuthorities"].as_array_mut().unwrap().push(other);
        },
        Code::Timestamp,
        "was not trusted",
    );
    check(
        first,
        |_, _, root| root["tlogs"][0]["publicKey"]["validFor"] = ended.clone(),
        Code::Log,
        "was not trusted",
    );
    check(
        second,
        |_, _, root| root["tlogs"][0]["publicKey"]["validFor"] = ended.clone(),
        Code::Log,
        "was not trusted",
    );
    // What the entry says of the time without the log's signature takes nothing back into the log's window, ...
    check(
        second,
        |_, b, root| {
            root["tlogs"][0]["publicKey"]["validFor"] = ended.clone();
            b.entries[0].integrated_time = NOW - 100;
        },
        Code::Log,
        "was not trusted",
    );
    // ... and must not contradict it.
    check(second, |_, b, _| b.entries[0].integrated_time = 1, Code::Log, "was not trusted");
    check(
        first,
        |_, _, root| root["certificateAuthorities"][0]["validFor"] = ended.clone(),
        Code::Certificate,
        "was not trusted",
    );
    for time in [NOW - 61, NOW + 541] {
        check(
            first,
            |sigstore, b, _| {
                b.entries[0].integrated_time = time;
                sigstore.promise(&mut b.entries[0]);
            },
            Code::Expired,
            "was not valid at",
        );
    }
    let sigstore = Sigstore::new();
    let policy = IdentityPolicy::exact(ISSUER, SUBJECT);
    let refusal = verify_at(&first(&sigstore), &sigstore.trusted_root(), &policy, NOW - 86_400).unwrap_err();
    assert!(refusal.message.contains("in the future"));
}

#[test]
fn both_ends_of_a_window_belong_to_it() {
    let sigstore = Sigstore::new();
    let exact = json!({"start": "2023-11-14T22:13:20Z", "end": "2023-11-14T22:13:20Z"});
    for make in [first, second] {
        let mut root = sigstore.trusted_root();
        root["timestampAuthorities"][0]["validFor"] = exact.clone();
        root["tlogs"][0]["publicKey"]["validFor"] = exact.clone();
        root["certificateAuthorities"][0]["validFor"] = exact.clone();
        verify(&make(&sigstore), &root).unwrap();
    }
    let mut root = sigstore.trusted_root();
    root["tlogs"][0]["publicKey"]["validFor"] = json!({"end": "2030-01-01T00:00:00Z"});
    assert!(TrustedRoot::parse(root.to_string().as_bytes()).is_err());
    for authorities in ["certificateAuthorities", "timestampAuthorities"] {
        let mut root = sigstore.trusted_root();
        root[authorities][0].as_object_mut().unwrap().remove("validFor");
        assert!(TrustedRoot::parse(root.to_string().as_bytes()).is_err());
    }
}

#[test]
fn the_certificate_must_be_issued_logged_and_for_code() {
    check(first, |_, _, root| root["certificateAuthorities"] = json!([]), Code::Certificate, "does not lead");
    check(
        first,
        |_, _, root| {
            root["certificateAuthorities"] = Sigstore::new().trusted_root()["certificateAuthorities"].clone();
        },
        Code::Certificate,
        "does not lead",
    );
    check(
        first,
        |_, _, root| root["ctlogs"] = Sigstore::new().trusted_root()["ctlogs"].clone(),
        Code::Certificate,
        "trusted log",
    );
    let ended = json!({"start": "2020-01-01T00:00:00Z", "end": "2023-11-14T22:12:19Z"});
    check(
        first,
        |_, _, root| root["ctlogs"][0]["publicKey"]["validFor"] = ended,
        Code::Certificate,
        "was not trusted",
    );
    // A certificate that says it was logged is held to it, also where no log is known.
    check(first, |_, _, root| root["ctlogs"] = json!([]), Code::Certificate, "trusted log");
    // Whoever logs certificates wrote the promise, but with another key than the trust root has.
    check(
        first,
        |_, _, root| root["ctlogs"][0]["publicKey"]["rawBytes"] = json!(base64(key().public_key().to_der())),
        Code::Certificate,
        "does not verify",
    );
    let sigstore = Sigstore::new();
    // A second authority of the same name before the right one is no obstacle.
    let mut root = sigstore.trusted_root();
    let decoy = Sigstore::new().trusted_root()["certificateAuthorities"][0].clone();
    root["certificateAuthorities"].as_array_mut().unwrap().insert(0, decoy);
    verify(&first(&sigstore), &root).unwrap();
    // A certificate for timestamps by the same authority signs no code.
    let signer = key();
    let certificate = sigstore.certificate(&signer, TIME_STAMPING);
    let mut signed = first(&sigstore);
    let Content::Message(message) = &mut signed.content else { panic!() };
    message.signature = Base64(signer.sign(crate::mint::SCHEME, ARTIFACT).unwrap());
    let body =
        hashed_rekord(&Hash::Sha256.of(ARTIFACT), &message.signature.0, &pem("CERTIFICATE", &certificate));
    signed.entries = vec![sigstore.log(&body, ("hashedrekord", "0.0.1"), Some(NOW))];
    signed.key = KeyMaterial::Certificate(certificate);
    let refusal = verify(&signed, &sigstore.trusted_root()).unwrap_err();
    assert!(refusal.message.contains("not for this purpose"), "{refusal}");
    assert_ne!(CODE_SIGNING, TIME_STAMPING);
    // A root certificate does not belong into a bundle.
    check(
        first,
        |sigstore, b, _| {
            b.version = Version::V0_2;
            b.key = KeyMaterial::Chain(vec![b.certificates()[0].clone(), sigstore.ca_certificate.clone()]);
        },
        Code::Certificate,
        "root certificate",
    );
}

#[test]
fn the_content_must_be_this_artifact() {
    let sigstore = Sigstore::new();
    let root = sigstore.trusted_root();
    let other = verify(&sigstore.sign(b"other"), &root).unwrap_err();
    assert_eq!(other.code, Code::Log, "{other}");
    check(
        first,
        |_, b, _| {
            let Content::Message(message) = &mut b.content else { panic!() };
            message.message_digest.as_mut().unwrap().digest.0[0] ^= 1;
        },
        Code::DigestMismatch,
        "another artifact",
    );
    check(
        first,
        |_, b, _| {
            let Content::Message(message) = &mut b.content else { panic!() };
            message.message_digest.as_mut().unwrap().algorithm = "MD5".to_owned();
        },
        Code::Unsupported,
        "not known",
    );
    let enveloped = |payload: Value| verify(&sigstore.sign_envelope(payload.to_string().as_bytes()), &root);
    enveloped(statement("https://in-toto.io/Statement/v0.1")).unwrap();
    assert_eq!(enveloped(statement("https://in-toto.io/Statement/v9")).unwrap_err().code, Code::Malformed);
    let mut absent = statement("x");
    absent.as_object_mut().unwrap().remove("_type");
    assert_eq!(enveloped(absent).unwrap_err().code, Code::Malformed);
    let mut foreign = statement("https://in-toto.io/Statement/v1");
    foreign["subject"] = json!([{"digest": {"sha256": "00"}}, {"digest": {"sha512": statement("x")["subject"][1]["digest"]["sha256"]}}]);
    assert_eq!(enveloped(foreign).unwrap_err().code, Code::DigestMismatch);
    check(
        envelope,
        |_, b, _| {
            let Content::Dsse(envelope) = &mut b.content else { panic!() };
            envelope.payload.0.push(b' ');
        },
        Code::Log,
        "another content",
    );
}

/// Rekor keeps statements as `intoto` too, with or without the payload, and envelopes as `hashedrekord` by their encoding's hash.
#[test]
fn statements_may_be_logged_in_other_kinds_of_entries() {
    let sigstore = Sigstore::new();
    let root = sigstore.trusted_root();
    let made = envelope(&sigstore);
    let Content::Dsse(signed) = &made.content else { panic!() };
    let certificate = pem("CERTIFICATE", &made.certificates()[0]);
    let hex = |bytes: &[u8]| -> String {
        Hash::Sha256.of(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
    };
    let twice = |bytes: &[u8]| base64(base64(bytes).as_bytes());
    let in_toto = |payload: Option<String>, digest: Option<String>, signature: String| {
        let mut content = json!({"envelope": {"payloadType": signed.payload_type, "signatures": [
            {"sig": signature, "publicKey": base64(certificate.as_bytes())}
        ]}});
        if let Some(payload) = payload {
            content["envelope"]["payload"] = json!(payload);
        }
        if let Some(digest) = digest {
            content["payloadHash"] = json!({"algorithm": "sha256", "value": digest});
        }
        let body = json!({"apiVersion": "0.0.2", "kind": "intoto", "spec": {"content": content}});
        let mut logged = made.clone();
        logged.entries = vec![sigstore.log(&body, ("intoto", "0.0.2"), Some(NOW))];
        verify(&logged, &root).map_err(|refusal| refusal.code)
    };
    let (payload, signature) = (&signed.payload.0, made.signature());
    assert!(in_toto(Some(twice(payload)), Some(hex(payload)), twice(signature)).is_ok());
    assert!(in_toto(None, Some(hex(payload)), twice(signature)).is_ok());
    assert_eq!(in_toto(None, None, twice(signature)), Err(Code::Log));
    assert_eq!(in_toto(None, Some(hex(b"else")), twice(signature)), Err(Code::Log));
    assert_eq!(in_toto(Some(twice(b"else")), Some(hex(payload)), twice(signature)), Err(Code::Log));
    assert_eq!(in_toto(None, Some(hex(payload)), twice(b"else")), Err(Code::Log));

    let hashed = |bytes: &[u8]| {
        let body = hashed_rekord(&Hash::Sha256.of(bytes), signature, &certificate);
        let mut logged = made.clone();
        logged.entries = vec![sigstore.log(&body, ("hashedrekord", "0.0.1"), Some(NOW))];
        verify(&logged, &root).map_err(|refusal| refusal.code)
    };
    assert!(hashed(&signed.pae()).is_ok());
    assert_eq!(hashed(payload), Err(Code::Log));
}

#[test]
fn the_identity_must_be_the_expected_one() {
    let sigstore = Sigstore::new();
    for (issuer, subject) in [(ISSUER, "https://build.test/acme"), ("https://other.test", SUBJECT)] {
        let policy = IdentityPolicy::exact(issuer, subject);
        let refusal = verify_at(&first(&sigstore), &sigstore.trusted_root(), &policy, NOW).unwrap_err();
        assert_eq!(refusal.code, Code::WrongIdentity);
        assert!(refusal.message.contains(SUBJECT));
    }
}
