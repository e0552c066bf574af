//! Envelopes of the Notary Project that are made here are read and verified here, and unfit certificates are refused.

use crate::mint;
use assay_model::{Digest, Timestamp};
use assay_sign::certificate::Certificate;
use assay_sign::key::PrivateKey;
use assay_sign::notation::{
    Descriptor, EnvelopeFormat, NewEnvelope, NotationEnvelope, NotationPayload, NotationSignError,
    SigningScheme, sign,
};
use assay_sign::signer::Signer as _;
use std::collections::BTreeMap;

fn payload() -> NotationPayload {
    NotationPayload {
        target_artifact: Descriptor {
            media_type: "application/vnd.oci.image.manifest.v1+json".to_owned(),
            digest: Digest::Sha256([7; 32]),
            size: 1234,
            annotations: BTreeMap::from([("build".to_owned(), "7".to_owned())]),
        },
    }
}

fn chain(leaf: &PrivateKey, extensions: Vec<Vec<u8>>) -> Vec<Certificate> {
    let root = mint::key();
    let certificate = |subject, key, extensions| {
        let template = mint::Template {
            subject,
            issuer: "root",
            from: 0,
            until: mint::NOW * 2,
            key,
            extensions,
            serial: 1,
        };
        Certificate::from_der(&template.sign(&root)).unwrap()
    };
    vec![certificate("leaf", leaf, extensions), certificate("root", &root, mint::authority())]
}

#[test]
fn both_envelopes_are_read_and_verified() {
    let leaf = mint::key();
    let (chain, payload) = (chain(&leaf, mint::leaf(mint::CODE_SIGNING)), payload());
    for format in [EnvelopeFormat::Jws, EnvelopeFormat::Cose] {
        for expiry in [None, Some(Timestamp(mint::NOW + 1000))] {
            let new = NewEnvelope {
                payload: &payload,
                chain: &chain,
                time: Timestamp(mint::NOW),
                expiry,
                agent: "test/1",
            };
            let bytes = sign(&leaf, &new, format).unwrap();
            let envelope = match format {
                EnvelopeFormat::Jws => NotationEnvelope::from_jws(&bytes).unwrap(),
                EnvelopeFormat::Cose => NotationEnvelope::from_cose(&bytes).unwrap(),
            };
            assert!(envelope.verify_signature(leaf.public_key()).is_ok());
            assert!(envelope.verify_signature(mint::key().public_key()).is_err());
            assert_eq!(NotationPayload::parse(&envelope.payload).unwrap(), payload);
            assert_eq!((envelope.signing_time, envelope.expiry), (Some(Timestamp(mint::NOW)), expiry));
            assert_eq!((envelope.signing_scheme, envelope.chain.len()), (SigningScheme::X509, 2));
            assert_eq!(envelope.agent.as_deref(), Some("test/1"));
            assert!(envelope.unknown_critical.is_empty());
            // Signed again it would say the same, unless anything that verifiers look at differs.
            let renewed = self::chain(&leaf, mint::leaf(mint::CODE_SIGNING));
            let other = NotationPayload {
                target_artifact: Descriptor { size: 1, ..payload.target_artifact.clone() },
            };
            assert!(envelope.says(&NewEnvelope { time: Timestamp(mint::NOW + 999), ..new }));
            assert!(!envelope.says(&NewEnvelope { payload: &other, ..new }));
            assert!(!envelope.says(&NewEnvelope { chain: &renewed, ..new }));
            assert!(!envelope.says(&NewEnvelope { expiry: Some(Timestamp(mint::NOW + 2000)), ..new }));
            assert_eq!(
                envelope.says(&NewEnvelope { time: Timestamp(mint::NOW + 1000), ..new }),
                expiry.is_none(),
                "expired"
            );
        }
    }
}

#[test]
fn what_verifiers_would_refuse_is_not_signed() {
    let leaf = mint::key();
    let payload = payload();
    let check = |chain: &[Certificate], time: i64| {
        let new =
            NewEnvelope { payload: &payload, chain, time: Timestamp(time), expiry: None, agent: "test" };
        sign(&leaf, &new, EnvelopeFormat::Jws)
    };
    let good = chain(&leaf, mint::leaf(mint::CODE_SIGNING));
    assert!(check(&good, mint::NOW).is_ok());
    assert!(matches!(check(&[], mint::NOW), Err(NotationSignError::NoChain)));
    assert!(matches!(check(&good[1..], mint::NOW), Err(NotationSignError::OtherKey)));
    assert!(matches!(check(&good[..1], mint::NOW), Err(NotationSignError::Chain(_))), "without its root");
    assert!(matches!(check(&good, mint::NOW * 3), Err(NotationSignError::Chain(_))), "expired");
    let foreign = chain(&leaf, mint::leaf(mint::TIME_STAMPING));
    assert!(matches!(check(&foreign, mint::NOW), Err(NotationSignError::Chain(_))), "for timestamps");
    let over = NewEnvelope {
        payload: &payload,
        chain: &good,
        time: Timestamp(mint::NOW),
        expiry: Some(Timestamp(mint::NOW)),
        agent: "test",
    };
    assert!(matches!(sign(&leaf, &over, EnvelopeFormat::Cose), Err(NotationSignError::Expired(_))));
    let other = chain(&mint::key(), mint::leaf(mint::CODE_SIGNING));
    assert!(matches!(check(&other, mint::NOW), Err(NotationSignError::OtherKey)));
}
