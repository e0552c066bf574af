//! Envelopes that Notation 1.3.2 made (`notation sign`, over a layout), and such as it never would.
//!
//! `testdata/notation`: an image's signature as JWS and as COSE, by the certificate of `notation cert generate-test`.

use assay_model::{Digest, Timestamp};
use assay_sign::certificate::Certificate;
use assay_sign::notation::NotationEnvelope;
use assay_sign::trust::TrustedRoot;
use assay_sign::verify::{Candidate, Code, Found, NotationTrust, Outcome, Request, TrustRoot, image};
use std::collections::BTreeMap;

const JWS: &[u8] = include_bytes!("../../testdata/notation/signature.jws");
const COSE: &[u8] = include_bytes!("../../testdata/notation/signature.cose");
const AUTHORITY: &str = include_str!("../../testdata/notation/ca.crt");
const SUBJECT: &str = "sha256:4cf7c50e779b4d6bb19abbf56dced673bd427bc656b1201781496bc192a8b312";
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

/// While the certificate, which is for a day, was valid.
fn now() -> Timestamp {
    "2026-11-27T15:00:00Z".parse().unwrap()
}

fn trust(identity: &str) -> TrustRoot {
    let mut root = TrustRoot::new("acme", TrustedRoot::public().unwrap());
    root.notation = Some(NotationTrust {
        authorities: Certificate::from_pem(AUTHORITY).unwrap(),
        identities: vec![identity.parse().unwrap()],
        ..NotationTrust::default()
    });
    root
}

fn candidate(media_type: &str, bytes: &[u8]) -> Candidate {
    let found = Found::Referrer { digest: Digest::Sha256([1; 32]) };
    Candidate {
        found,
        media_type: media_type.to_owned(),
        annotations: BTreeMap::new(),
        bytes: bytes.to_vec(),
    }
}

fn both() -> [Candidate; 2] {
    [candidate("application/jose+json", JWS), candidate("application/cose", COSE)]
}

fn verify(
    evidence: &Candidate,
    root: &TrustRoot,
    change: impl FnOnce(&mut Request<'_>),
    now: Timestamp,
) -> Outcome {
    let subject = SUBJECT.parse().unwrap();
    let mut request = Request { media_type: Some(MANIFEST), size: Some(405), ..Request::signature(&subject) };
    change(&mut request);
    image(&request, std::slice::from_ref(evidence), std::slice::from_ref(root), now)
}

fn code(outcome: &Outcome) -> Code {
    assert!(!outcome.verified);
    outcome.candidates[0].refusal().expect("a refusal").code
}

#[test]
fn what_notation_signs_holds() {
    for evidence in both() {
        for identity in ["*", "x509.subject: C=US, ST=WA, O=Notary", "O=Notary"] {
            let outcome = verify(&evidence, &trust(identity), |_| {}, now());
            assert!(outcome.verified, "{}", outcome.summary);
        }
    }
    let annotated = verify(
        &both()[1],
        &trust("*"),
        |request| {
            request.annotations.insert("who".to_owned(), "me".to_owned());
        },
        now(),
    );
    assert!(annotated.verified, "{}", annotated.summary);
}

#[test]
fn each_condition_of_the_trust_policy_is_held() {
    for evidence in both() {
        let ask = |root: &TrustRoot| verify(&evidence, root, |_| {}, now());
        assert_eq!(code(&ask(&trust("x509.subject: O=Acme"))), Code::WrongIdentity);
        let mut other = trust("*");
        other.notation.as_mut().unwrap().authorities.clear();
        assert_eq!(code(&ask(&other)), Code::Certificate);
        // The store of the other scheme does not count.
        let mut swapped = trust("*");
        let stores = swapped.notation.as_mut().unwrap();
        std::mem::swap(&mut stores.authorities, &mut stores.signing_authorities);
        assert_eq!(code(&ask(&swapped)), Code::Certificate);
        let late: Timestamp = "2026-11-29T00:00:00Z".parse().unwrap();
        assert_eq!(code(&verify(&evidence, &trust("*"), |_| {}, late)), Code::Expired);
        assert_eq!(
            code(&verify(&evidence, &trust("*"), |request| request.size = Some(406), now())),
            Code::DigestMismatch
        );
        assert_eq!(
            code(&verify(&evidence, &trust("*"), |request| request.media_type = Some("x"), now())),
            Code::DigestMismatch
        );
        let other = Digest::Sha256([2; 32]);
        let request = Request::signature(&other);
        assert_eq!(
            code(&image(&request, std::slice::from_ref(&evidence), &[trust("*")], now())),
            Code::DigestMismatch
        );
    }
}

#[test]
fn no_changed_envelope_holds() {
    for evidence in both() {
        for at in 0..evidence.bytes.len() {
            let mut changed = evidence.clone();
            changed.bytes[at] ^= 1;
            let outcome = verify(&changed, &trust("O=Notary"), |_| {}, now());
            // Of what is not signed, only the name of the program that signed may change.
            let agent = |bytes: &[u8]| {
                NotationEnvelope::from_jws(bytes)
                    .or_else(|_| NotationEnvelope::from_cose(bytes))
                    .map(|read| read.agent)
            };
            let same = agent(&changed.bytes).ok() == agent(&evidence.bytes).ok();
            assert!(!outcome.verified || !same, "byte {at}");
        }
    }
}

/// The published vectors of notation-core-go, where `ASSAY_CONFORMANCE_DIR` holds them: they mark a name as critical that nobody
/// knows, and their payload is no image.
#[test]
fn the_published_vectors_are_read() {
    #[expect(
        clippy::disallowed_methods,
        reason = "tests say by a variable where data outside the repository is"
    )]
    let Some(given) = std::env::var_os("ASSAY_CONFORMANCE_DIR").map(std::path::PathBuf::from) else { return };
    let read = |name: &str| std::fs::read(given.join("notation").join(name));
    let (Ok(jws), Ok(cose)) = (read("jws.json"), read("cose.json")) else { return };
    let envelope = NotationEnvelope::from_jws(&jws).unwrap();
    assert_eq!(envelope.payload, br#"{"key":"hello JWS"}"#);
    assert_eq!(envelope.unknown_critical, ["signedCritKey1"]);
    assert_eq!(envelope.expiry.unwrap().to_string(), "2099-08-30T13:50:00Z");
    let vector: serde_json::Value = serde_json::from_slice(&cose).unwrap();
    let hex = vector["expectedOutput"]["cborHex"].as_str().unwrap();
    let bytes: Vec<u8> =
        (0..hex.len() / 2).map(|at| u8::from_str_radix(&hex[at * 2..at * 2 + 2], 16).unwrap()).collect();
    let envelope = NotationEnvelope::from_cose(&bytes).unwrap();
    assert_eq!(envelope.payload, b"hello COSE");
    assert_eq!(envelope.unknown_critical, ["signedCritKey1"]);
    assert_eq!(envelope.signing_time, Some(Timestamp(1_661_321_924)));
    assert_eq!(envelope.expiry, Some(Timestamp(1_661_408_324)));
    assert_eq!(envelope.agent.as_deref(), Some("NotationConformanceTest/1.0.0"));
}
