//! A verdict that somebody put beside an image that was not judged proves nothing, whoever signed it.

use assay_model::{Digest, Timestamp};
use assay_sign::bundle::{Content, MEDIA_TYPE};
use assay_sign::key::{NewKey, PrivateKey};
use assay_sign::make::sign_statement;
use assay_sign::predicate::VERDICT;
use assay_sign::predicate::verdict::{About, Verdict};
use assay_sign::signer::Signer as _;
use assay_sign::statement::{Statement, Subject};
use assay_sign::trust::TrustedRoot;
use assay_sign::verify::{
    Artifact, Candidate, Code, Found, LogPolicy, Request, Trust, TrustRoot, TrustedKey, Wanted, bundle, image,
};
use std::collections::BTreeMap;

const NOW: Timestamp = Timestamp(1_800_000_000);
const OTHER: Digest = Digest::Sha256([9; 32]);

#[test]
fn a_verdict_of_another_image_is_refused_in_every_form() {
    let key = PrivateKey::generate(NewKey::EcdsaP256).unwrap();
    let document = include_bytes!("../../testdata/verdict/gate.json");
    let about = About { resource: "registry.test/app", policy: None, version: "0.1.0" };
    let summary = Verdict::parse(document).unwrap().summary(&about);
    let judged: Digest = summary["assay_judged"]["digests"][1].as_str().unwrap().parse().unwrap();
    let mut root = TrustRoot::new("gate", TrustedRoot::public().unwrap());
    root.keys = vec![TrustedKey::new(key.public_key().clone())];
    for (subject, holds) in [(judged, true), (OTHER, false)] {
        let statement = Statement::new(vec![Subject::new("app", &subject)], VERDICT, summary.clone());
        let signed = sign_statement(&key, &statement).unwrap();
        let Content::Dsse(envelope) = &signed.content else { panic!("not an envelope") };
        let forms =
            [(MEDIA_TYPE, signed.to_json()), ("application/vnd.dsse.envelope.v1+json", envelope.to_json())];
        for (media_type, bytes) in forms {
            let candidate = Candidate {
                found: Found::Referrer { digest: OTHER },
                media_type: media_type.to_owned(),
                annotations: BTreeMap::new(),
                bytes,
            };
            let request = Request { wanted: Wanted::Attestation(vec![]), ..Request::signature(&subject) };
            let outcome = image(&request, &[candidate], std::slice::from_ref(&root), NOW);
            assert_eq!(outcome.verified, holds, "{media_type}: {}", outcome.summary);
            if !holds {
                let refusal = outcome.candidates[0].refusal().unwrap();
                assert_eq!(refusal.code, Code::DigestMismatch);
                assert!(refusal.message.contains("the verdict is about sha256:"), "{refusal}");
            }
        }
        let artifact = Artifact::from_digest(&subject);
        let trust = Trust::Key(&root.keys[0]);
        let result = bundle(&signed, &artifact, trust, &root.sigstore, LogPolicy::WhenPresent, NOW);
        assert_eq!(result.is_ok(), holds);
    }
}
