//! Evidence beside images: what anybody who can push may put there, and the documents that say whom to trust.
//!
//! Evidence is verified against trust roots that trust nobody's key of whoever makes inputs: nothing may hold.

use super::{choice, chosen};
use crate::Target;
use assay_model::{Digest, Timestamp};
use assay_sign::Base64;
use assay_sign::bundle::{Bundle, Content, KeyMaterial, MEDIA_TYPE, MessageSignature, Version};
use assay_sign::certificate::Certificate;
use assay_sign::certificate::crl::RevocationList;
use assay_sign::key::PublicKey;
use assay_sign::notation::{COSE_MEDIA_TYPE, JWS_MEDIA_TYPE};
use assay_sign::simple_signing::{self, Payload};
use assay_sign::statement::Statement;
use assay_sign::trust::TrustedRoot;
use assay_sign::verify::{
    Artifact, Candidate, Found, IdentityPolicy, LogPolicy, NotationIdentity, NotationTrust, Pattern, Request,
    Trust, TrustRoot, TrustedKey, bundle, image,
};
use std::collections::BTreeMap;
use std::sync::LazyLock;

const SUBJECT: Digest = Digest::Sha256([7; 32]);
const NOW: Timestamp = Timestamp(1_800_000_000);
const KEY: &str = "-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE2G2Y+2tabdTV5BcGiBIx0a9fAFwrkBbmLSGtks4L3qX6yYY0zufBnhC8Ur/iy55GhWP/9A/bY2LhC30M9+RYtw==\n-----END PUBLIC KEY-----\n";
const TYPES: &[&str] = &[
    MEDIA_TYPE,
    simple_signing::MEDIA_TYPE,
    "application/vnd.dsse.envelope.v1+json",
    JWS_MEDIA_TYPE,
    COSE_MEDIA_TYPE,
    "text/plain",
];

static SIGSTORE: LazyLock<TrustedRoot> = LazyLock::new(|| TrustedRoot::public().expect("it is built in"));

pub(super) fn targets() -> Vec<Target> {
    vec![
        Target::new("evidence", evidence_seeds, |data| {
            let (number, bytes) = choice(data);
            judge(TYPES[number % TYPES.len()], bytes, BTreeMap::new())
        }),
        Target::new("evidence-annotations", annotation_seeds, |data| {
            let annotations = serde_json::from_slice(data).unwrap_or_default();
            judge(
                simple_signing::MEDIA_TYPE,
                &Payload::new("r/a", SUBJECT, BTreeMap::new()).to_json(),
                annotations,
            )
        }),
        Target::new(
            "timestamp-token",
            || vec![b"0\x030\x01\x00".to_vec()],
            |data| keyless(KeyMaterial::Certificate(Vec::new()), data.to_vec()),
        ),
        Target::new(
            "certificate",
            || vec![b"0\x030\x01\x00".to_vec(), KEY.as_bytes().to_vec()],
            |data| {
                let read = Certificate::from_file(data)
                    .map(|chain| chain.iter().map(Certificate::subject_text).collect::<Vec<_>>());
                (
                    read.ok(),
                    RevocationList::from_file(data).is_ok(),
                    keyless(KeyMaterial::Certificate(data.to_vec()), Vec::new()),
                )
            },
        ),
        Target::new(
            "public-key",
            || vec![KEY.as_bytes().to_vec()],
            |data| {
                let text = String::from_utf8_lossy(data);
                (
                    PublicKey::from_pem(&text).ok(),
                    PublicKey::from_der(data).ok(),
                    PublicKey::from_pkcs1(data).ok(),
                )
            },
        ),
        Target::new(
            "trusted-root",
            || vec![br#"{"mediaType":"application/vnd.dev.sigstore.trustedroot+json;version=0.1"}"#.to_vec()],
            |data| TrustedRoot::parse(data).is_ok(),
        ),
        Target::new(
            "statement",
            || {
                vec![br#"{"_type":"https://in-toto.io/Statement/v1","subject":[{"digest":{}}],"predicateType":"p"}"#.to_vec()]
            },
            |data| {
                Statement::parse(data).ok().map(|statement| {
                    let again = Statement::parse(&statement.to_json()).expect("what is written is read");
                    assert_eq!(again, statement);
                })
            },
        ),
        Target::new(
            "identity-pattern",
            || vec![b"https://github.com/acme/.*".to_vec()],
            |data| {
                let text = String::from_utf8_lossy(data);
                let identity = text.parse::<NotationIdentity>().ok();
                (
                    Pattern::expression(&text)
                        .ok()
                        .map(|pattern| pattern.matches("https://github.com/acme/app")),
                    identity,
                )
            },
        ),
    ]
}

fn evidence_seeds() -> Vec<Vec<u8>> {
    let bundle = br#"{"mediaType":"application/vnd.dev.sigstore.bundle.v0.3+json","verificationMaterial":{"publicKey":{"hint":"x"}},"messageSignature":{"signature":"AQ=="}}"#;
    let envelope =
        br#"{"payload":"e30=","payloadType":"application/vnd.in-toto+json","signatures":[{"sig":"AQ=="}]}"#;
    let protected = "eyJhbGciOiJFUzI1NiIsImNyaXQiOlsiaW8uY25jZi5ub3Rhcnkuc2lnbmluZ1NjaGVtZSJdLCJjdHkiOiJ4IiwiaW8uY25jZi5ub3Rhcnkuc2lnbmluZ1NjaGVtZSI6Im5vdGFyeS54NTA5In0";
    let jws =
        format!(r#"{{"payload":"e30","protected":"{protected}","header":{{"x5c":[]}},"signature":"AQ"}}"#);
    vec![
        chosen(0, bundle),
        chosen(1, &Payload::new("r/a", SUBJECT, BTreeMap::new()).to_json()),
        chosen(2, envelope),
        chosen(3, jws.as_bytes()),
        chosen(4, &[0xd2, 0x84, 0x41, 0xa0, 0xa0, 0x40, 0x41, 0x01]),
    ]
}

fn annotation_seeds() -> Vec<Vec<u8>> {
    vec![br#"{"dev.cosignproject.cosign/signature":"AQ==","dev.sigstore.cosign/bundle":"{\"SignedEntryTimestamp\":\"AQ==\",\"Payload\":{\"body\":\"e30=\",\"integratedTime\":1,\"logIndex\":1,\"logID\":\"00\"}}"}"#.to_vec()]
}

fn judge(media_type: &str, bytes: &[u8], annotations: BTreeMap<String, String>) -> String {
    let mut root = TrustRoot::new("fuzz", SIGSTORE.clone());
    root.keys.push(TrustedKey::new(PublicKey::from_pem(KEY).expect("it is one")));
    root.keyless.identities.push(IdentityPolicy::exact("https://issuer.test", "me"));
    root.notation =
        Some(NotationTrust { identities: vec![NotationIdentity::Any], ..NotationTrust::default() });
    let candidate = Candidate {
        found: Found::File { name: "x".to_owned() },
        media_type: media_type.to_owned(),
        annotations,
        bytes: bytes.to_vec(),
    };
    let outcome = image(&Request::signature(&SUBJECT), &[candidate], &[root], NOW);
    assert!(!outcome.verified, "nobody here holds a key");
    outcome.summary
}

fn keyless(key: KeyMaterial, timestamp: Vec<u8>) -> String {
    let made = Bundle {
        version: Version::V0_3,
        key,
        entries: Vec::new(),
        timestamps: vec![timestamp],
        content: Content::Message(MessageSignature { message_digest: None, signature: Base64(vec![1]) }),
    };
    let policy = IdentityPolicy::exact("https://issuer.test", "me");
    let trust = Trust::Identities(std::slice::from_ref(&policy));
    let artifact = Artifact::from_digest(&SUBJECT);
    bundle(&made, &artifact, trust, &SIGSTORE, LogPolicy::WhenPresent, NOW)
        .expect_err("nothing proves it")
        .message
}
