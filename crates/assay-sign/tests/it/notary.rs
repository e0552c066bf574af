//! Notary Project envelopes of an authority in this process: what holds, and each single thing that may be wrong.

use crate::mint::{
    CODE_SIGNING, NOW, Sigstore, TIME_STAMPING, Template, authority, base64, key, leaf, revocation_list,
};
use assay_model::{Digest, Timestamp};
use assay_sign::certificate::Certificate;
use assay_sign::certificate::crl::RevocationList;
use assay_sign::key::{Hash, PrivateKey, Scheme};
use assay_sign::signer::Signer as _;
use assay_sign::trust::TrustedRoot;
use assay_sign::verify::{
    CLOCK_SKEW, Candidate, Code, Found, NotationIdentity, NotationTrust, Outcome, Refusal, Request,
    TrustRoot, image,
};
use serde_json::{Value, json};
use std::collections::BTreeMap;

const IMAGE: Digest = Digest::Sha256([7; 32]);
const SCHEME_NAME: &str = "io.cncf.notary.signingScheme";
const DAY: i64 = 86_400;

/// An authority and the holder of a certificate for ten minutes.
struct Notary {
    root: PrivateKey,
    signer: PrivateKey,
    /// Leaf and root.
    chain: Vec<Vec<u8>>,
    protected: Value,
    timestamp: Option<Vec<u8>>,
}

fn url(bytes: &[u8]) -> String {
    base64(bytes).replace('+', "-").replace('/', "_").trim_end_matches('=').to_owned()
}

fn rfc3339(time: i64) -> String {
    Timestamp(time).to_string()
}

impl Notary {
    fn new() -> Self {
        let (root, signer) = (key(), key());
        let mut notary = Self {
            protected: json!({
                "alg": "ES256", "cty": "application/vnd.cncf.notary.payload.v1+json", "crit": [SCHEME_NAME],
                SCHEME_NAME: "notary.x509", "io.cncf.notary.signingTime": rfc3339(NOW),
            }),
            timestamp: None,
            chain: Vec::new(),
            root,
            signer,
        };
        notary.issue(leaf(CODE_SIGNING));
        notary
    }

    fn issue(&mut self, extensions: Vec<Vec<u8>>) {
        let root = Template {
            subject: "root",
            issuer: "root",
            from: 0,
            until: NOW * 2,
            key: &self.root,
            extensions: authority(),
            serial: 1,
        };
        let leaf = Template {
            subject: "leaf",
            issuer: "root",
            from: NOW - 60,
            until: NOW + 540,
            key: &self.signer,
            extensions,
            serial: 9,
        };
        self.chain = vec![leaf.sign(&self.root), root.sign(&self.root)];
    }

    fn jws(&self, stamp: impl FnOnce(&[u8]) -> Option<Vec<u8>>) -> Vec<u8> {
        let payload = json!({"targetArtifact": {"mediaType": "m", "digest": IMAGE.to_string(), "size": 5}});
        let (protected, payload) =
            (url(self.protected.to_string().as_bytes()), url(payload.to_string().as_bytes()));
        let signature = self
            .signer
            .sign(Scheme::EcdsaFixed(Hash::Sha256), format!("{protected}.{payload}").as_bytes())
            .unwrap();
        let chain: Vec<String> = self.chain.iter().map(|der| base64(der)).collect();
        let mut header = json!({"x5c": chain});
        if let Some(token) = stamp(&signature).or_else(|| self.timestamp.clone()) {
            header["io.cncf.notary.timestampSignature"] = json!(base64(&token));
        }
        json!({"payload": payload, "protected": protected, "header": header, "signature": url(&signature)})
            .to_string()
            .into_bytes()
    }

    fn trust(&self) -> NotationTrust {
        NotationTrust {
            authorities: vec![Certificate::from_der(&self.chain[1]).unwrap()],
            identities: vec![NotationIdentity::Any],
            ..NotationTrust::default()
        }
    }
}

fn ask(jws: Vec<u8>, trust: NotationTrust, now: i64) -> Outcome {
    let mut root = TrustRoot::new("notary", TrustedRoot::public().unwrap());
    root.notation = Some(trust);
    let candidate = Candidate {
        found: Found::Referrer { digest: IMAGE },
        media_type: "application/jose+json".to_owned(),
        annotations: BTreeMap::new(),
        bytes: jws,
    };
    image(&Request::signature(&IMAGE), &[candidate], &[root], Timestamp(now))
}

fn refusal(outcome: &Outcome) -> &Refusal {
    assert!(!outcome.verified);
    outcome.candidates[0].refusal().expect("a refusal")
}

/// Changes one thing and expects a refusal of that kind.
#[track_caller]
fn check(change: impl FnOnce(&mut Notary), code: Code, words: &str) {
    let mut notary = Notary::new();
    assert!(ask(notary.jws(|_| None), notary.trust(), NOW).verified);
    change(&mut notary);
    let outcome = ask(notary.jws(|_| None), notary.trust(), NOW);
    let refusal = refusal(&outcome);
    assert!(refusal.code == code && refusal.message.contains(words), "{refusal:?}, not {words}");
}

#[test]
fn headers_are_held_to_their_rules() {
    check(|n| n.protected["crit"] = json!([SCHEME_NAME, "new"]), Code::Malformed, "crit");
    check(
        |n| {
            n.protected["crit"] = json!([SCHEME_NAME, "io.cncf.notary.verificationPlugin"]);
            n.protected["io.cncf.notary.verificationPlugin"] = json!("plugin");
        },
        Code::Unsupported,
        "verificationPlugin",
    );
    check(|n| n.protected["crit"] = json!([]), Code::Malformed, "critical");
    check(|n| n.protected["io.cncf.notary.expiry"] = json!(rfc3339(NOW + DAY)), Code::Malformed, "critical");
    check(|n| n.protected[SCHEME_NAME] = json!("other"), Code::Malformed, "signingScheme");
    check(|n| n.protected["cty"] = json!("text/plain"), Code::Unsupported, "unknown type");
    check(|n| n.protected["alg"] = json!("HS256"), Code::Malformed, "alg");
    // The key dictates the algorithm.
    check(|n| n.protected["alg"] = json!("ES384"), Code::BadSignature, "does not verify");
}

#[test]
fn certificates_are_held_to_their_rules() {
    check(|n| n.issue(leaf(TIME_STAMPING)), Code::Certificate, "not for signing code");
    check(|n| n.issue(authority()), Code::Certificate, "authority");
    check(|n| n.issue(Vec::new()), Code::Certificate, "key usage");
    check(
        |n| {
            n.chain.insert(1, Notary::new().chain[1].clone());
        },
        Code::Certificate,
        "did not issue",
    );
    // Without the root the chain is not whole.
    let mut notary = Notary::new();
    let trust = notary.trust();
    notary.chain.pop();
    assert!(refusal(&ask(notary.jws(|_| None), trust, NOW)).message.contains("not a root"));
}

#[test]
fn expiry_and_times_count() {
    let mut notary = Notary::new();
    notary.protected["crit"] = json!([SCHEME_NAME, "io.cncf.notary.expiry"]);
    notary.protected["io.cncf.notary.expiry"] = json!(rfc3339(NOW + 60));
    assert!(ask(notary.jws(|_| None), notary.trust(), NOW + 60).verified);
    assert_eq!(refusal(&ask(notary.jws(|_| None), notary.trust(), NOW + 61)).code, Code::Expired);

    // Whether the signer says when it was does not help; a timestamp does.
    let notary = Notary::new();
    assert_eq!(refusal(&ask(notary.jws(|_| None), notary.trust(), NOW + DAY)).code, Code::Expired);
    let sigstore = Sigstore::new();
    let mut trust = notary.trust();
    trust.timestamp_authorities = vec![Certificate::from_der(&sigstore.tsa_root).unwrap()];
    let stamped = |at: i64| notary.jws(|signature| Some(sigstore.token_with_certificate(signature, at)));
    let outcome = ask(stamped(NOW), trust.clone(), NOW + DAY);
    assert!(outcome.verified, "{}", outcome.summary);
    assert_eq!(refusal(&ask(stamped(NOW + DAY), trust.clone(), NOW + DAY)).code, Code::Expired);
    assert_eq!(refusal(&ask(stamped(NOW), notary.trust(), NOW + DAY)).code, Code::Expired);
    // Clocks differ by minutes; an authority that is further ahead vouches for nothing.
    assert!(ask(stamped(NOW), trust.clone(), NOW - CLOCK_SKEW).verified);
    let early = ask(stamped(NOW), trust.clone(), NOW - CLOCK_SKEW - 1);
    let refusal_of_early = refusal(&early);
    assert_eq!(refusal_of_early.code, Code::Timestamp);
    assert!(refusal_of_early.message.contains("in the future"), "{refusal_of_early}");
    let foreign = notary.jws(|_| Some(sigstore.token_with_certificate(b"else", NOW)));
    assert_eq!(refusal(&ask(foreign, trust, NOW)).code, Code::Timestamp);
}

#[test]
fn an_authority_that_signs_for_others_is_trusted_with_the_time() {
    let mut notary = Notary::new();
    notary.protected = json!({
        "alg": "ES256", "cty": "application/vnd.cncf.notary.payload.v1+json",
        "crit": [SCHEME_NAME, "io.cncf.notary.authenticSigningTime"],
        SCHEME_NAME: "notary.x509.signingAuthority", "io.cncf.notary.authenticSigningTime": rfc3339(NOW),
    });
    let mut trust = notary.trust();
    std::mem::swap(&mut trust.authorities, &mut trust.signing_authorities);
    let outcome = ask(notary.jws(|_| None), trust.clone(), NOW + DAY);
    assert!(outcome.verified, "{}", outcome.summary);
    assert_eq!(outcome.verified().next().unwrap().2.signed_at, Some(Timestamp(NOW)));
    // The store of those who sign for themselves does not count.
    assert_eq!(refusal(&ask(notary.jws(|_| None), notary.trust(), NOW)).code, Code::Certificate);
    notary.protected["crit"] = json!([SCHEME_NAME]);
    assert_eq!(refusal(&ask(notary.jws(|_| None), trust, NOW)).code, Code::Malformed);
}

#[test]
fn revoked_certificates_are_refused() {
    let notary = Notary::new();
    let ask_with = |list: &[u8]| {
        let mut trust = notary.trust();
        trust.revocation_lists.push(RevocationList::from_file(list).unwrap());
        ask(notary.jws(|_| None), trust, NOW)
    };
    assert!(ask_with(&revocation_list("root", &notary.root, NOW + DAY, &[(8, NOW)])).verified);
    assert!(
        refusal(&ask_with(&revocation_list("root", &notary.root, NOW + DAY, &[(8, NOW), (9, NOW - DAY)])))
            .message
            .contains("is revoked since")
    );
    // A list that ran out no longer says that a certificate is good.
    assert_eq!(refusal(&ask_with(&revocation_list("root", &notary.root, NOW - 1, &[]))).code, Code::Revoked);
    // Anybody can write a list; it counts only when the issuer signed it.
    assert!(ask_with(&revocation_list("root", &key(), NOW + DAY, &[(9, NOW - DAY)])).verified);
}
