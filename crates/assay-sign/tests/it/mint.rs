//! An instance of Sigstore in this process: an authority, a log of certificates, a transparency log of either version, and a
//! timestamp authority, each with a key of its own. It makes whatever it is told to, right or wrong.

use assay_model::Timestamp;
use assay_sign::Base64;
use assay_sign::bundle::{
    Bundle, Checkpoint, Content, InclusionPromise, InclusionProof, KeyMaterial, KindVersion, LogEntry, LogId,
    MessageDigest, MessageSignature, Version,
};
use assay_sign::dsse::Envelope;
use assay_sign::key::{Hash, NewKey, PrivateKey, Scheme};
use assay_sign::signer::Signer as _;
use serde_json::{Value, json};

pub(crate) const SCHEME: Scheme = Scheme::EcdsaDer(Hash::Sha256);
/// When everything is signed.
pub(crate) const NOW: i64 = 1_700_000_000;

pub(crate) fn key() -> PrivateKey {
    PrivateKey::generate(NewKey::EcdsaP256).unwrap()
}

pub(crate) fn base64(bytes: &[u8]) -> String {
    serde_json::to_value(Base64(bytes.to_vec())).unwrap().as_str().unwrap().to_owned()
}

pub(crate) fn der(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len();
    let mut out = vec![tag];
    match length {
        0..128 => out.push(u8::try_from(length).unwrap()),
        128..256 => out.extend([0x81, u8::try_from(length).unwrap()]),
        _ => {
            out.push(0x82);
            out.extend(u16::try_from(length).unwrap().to_be_bytes());
        }
    }
    out.extend_from_slice(content);
    out
}

pub(crate) fn seq(parts: &[&[u8]]) -> Vec<u8> {
    der(0x30, &parts.concat())
}

fn oid(numbers: &[u8]) -> Vec<u8> {
    der(0x06, numbers)
}

fn time(time: i64) -> Vec<u8> {
    let text: String = Timestamp(time)
        .to_string()
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .filter(|c| *c != 'T')
        .collect();
    der(0x18, text.as_bytes())
}

const ECDSA_SHA256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02];
const SHA256: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01];
const SCT_LIST: &[u8] = &[0x2b, 0x06, 0x01, 0x04, 0x01, 0xd6, 0x79, 0x02, 0x04, 0x02];
const FULCIO: &[u8] = &[0x2b, 0x06, 0x01, 0x04, 0x01, 0x83, 0xbf, 0x30, 0x01];
pub(crate) const CODE_SIGNING: u8 = 3;
pub(crate) const TIME_STAMPING: u8 = 8;

fn extension(numbers: &[u8], critical: bool, value: &[u8]) -> Vec<u8> {
    let critical = if critical { der(0x01, &[0xff]) } else { Vec::new() };
    seq(&[&oid(numbers), &critical, &der(0x04, value)])
}

/// What a certificate is made of.
pub(crate) struct Template<'a> {
    pub(crate) subject: &'a str,
    pub(crate) issuer: &'a str,
    pub(crate) from: i64,
    pub(crate) until: i64,
    pub(crate) key: &'a PrivateKey,
    pub(crate) extensions: Vec<Vec<u8>>,
    pub(crate) serial: u8,
}

pub(crate) fn name(common_name: &str) -> Vec<u8> {
    seq(&[&der(0x31, &seq(&[&oid(&[0x55, 0x04, 0x03]), &der(0x0c, common_name.as_bytes())]))])
}

pub(crate) fn authority() -> Vec<Vec<u8>> {
    vec![
        extension(&[0x55, 0x1d, 0x13], true, &seq(&[&der(0x01, &[0xff])])),
        extension(&[0x55, 0x1d, 0x0f], true, &der(0x03, &[1, 0x06])),
    ]
}

pub(crate) fn leaf(purpose: u8) -> Vec<Vec<u8>> {
    let purpose = [0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, purpose];
    vec![
        extension(&[0x55, 0x1d, 0x0f], true, &der(0x03, &[7, 0x80])),
        extension(&[0x55, 0x1d, 0x25], true, &seq(&[&oid(&purpose)])),
    ]
}

impl Template<'_> {
    fn tbs(&self) -> Vec<u8> {
        let algorithm = seq(&[&oid(ECDSA_SHA256)]);
        seq(&[
            &der(0xa0, &der(0x02, &[2])),
            &der(0x02, &[self.serial]),
            &algorithm,
            &name(self.issuer),
            &seq(&[&time(self.from), &time(self.until)]),
            &name(self.subject),
            self.key.public_key().to_der(),
            &der(0xa3, &der(0x30, &self.extensions.concat())),
        ])
    }

    pub(crate) fn sign(&self, issuer: &PrivateKey) -> Vec<u8> {
        let tbs = self.tbs();
        let signature = issuer.sign(SCHEME, &tbs).unwrap();
        seq(&[&tbs, &seq(&[&oid(ECDSA_SHA256)]), &der(0x03, &[&[0], signature.as_slice()].concat())])
    }
}

/// The instance, and how it misbehaves.
pub(crate) struct Sigstore {
    ca: PrivateKey,
    pub(crate) ca_certificate: Vec<u8>,
    ct: PrivateKey,
    pub(crate) rekor: PrivateKey,
    tsa: PrivateKey,
    tsa_certificate: Vec<u8>,
    pub(crate) tsa_root: Vec<u8>,
}

pub(crate) const ISSUER: &str = "https://issuer.test";
pub(crate) const SUBJECT: &str = "https://build.test/acme/app";
const HOST: &str = "rekor.test";

impl Sigstore {
    pub(crate) fn new() -> Self {
        let (ca, ct, rekor, tsa, root) = (key(), key(), key(), key(), key());
        let self_signed = |name, key: &PrivateKey| {
            Template {
                subject: name,
                issuer: name,
                from: 0,
                until: NOW * 2,
                key,
                extensions: authority(),
                serial: 1,
            }
            .sign(key)
        };
        let tsa_certificate = Template {
            subject: "tsa",
            issuer: "tsa root",
            from: 0,
            until: NOW * 2,
            key: &tsa,
            extensions: leaf(TIME_STAMPING),
            serial: 2,
        }
        .sign(&root);
        Self {
            ca_certificate: self_signed("fulcio", &ca),
            tsa_root: self_signed("tsa root", &root),
            ca,
            ct,
            rekor,
            tsa,
            tsa_certificate,
        }
    }

    /// Returns the trust root as JSON, to be changed by tests.
    pub(crate) fn trusted_root(&self) -> Value {
        let valid = json!({"start": "2020-01-01T00:00:00Z"});
        let log = |key: &PrivateKey, url: &str| {
            json!([{
                "baseUrl": url, "hashAlgorithm": "SHA2_256",
                "publicKey": {"rawBytes": base64(key.public_key().to_der()), "keyDetails": "PKIX_ECDSA_P256_SHA_256", "validFor": valid},
                "logId": {"keyId": base64(&key.public_key().fingerprint())}
            }])
        };
        let chain = |certificates: &[&Vec<u8>]| {
            let certificates: Vec<Value> =
                certificates.iter().map(|der| json!({"rawBytes": base64(der)})).collect();
            json!([{"uri": "https://ca.test", "certChain": {"certificates": certificates}, "validFor": valid}])
        };
        json!({
            "mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
            "tlogs": log(&self.rekor, "https://rekor.test"),
            "ctlogs": log(&self.ct, "https://ct.test"),
            "certificateAuthorities": chain(&[&self.ca_certificate]),
            "timestampAuthorities": chain(&[&self.tsa_certificate, &self.tsa_root]),
        })
    }

    /// Issues a certificate of ten minutes, logged.
    pub(crate) fn certificate(&self, key: &PrivateKey, purpose: u8) -> Vec<u8> {
        let mut extensions = leaf(purpose);
        extensions.push(extension(&[0x55, 0x1d, 0x11], true, &seq(&[&der(0x86, SUBJECT.as_bytes())])));
        extensions.push(extension(&[FULCIO, &[8]].concat(), false, &der(0x0c, ISSUER.as_bytes())));
        extensions.push(extension(&[FULCIO, &[14]].concat(), false, &der(0x0c, b"refs/heads/main")));
        let mut template = Template {
            subject: "",
            issuer: "fulcio",
            from: NOW - 60,
            until: NOW + 540,
            key,
            extensions,
            serial: 3,
        };
        template.subject = "leaf";
        let tbs = template.tbs();
        let mut signed = vec![0, 0];
        let moment = u64::try_from(NOW - 60).unwrap() * 1000;
        signed.extend(moment.to_be_bytes());
        signed.extend([0, 1]);
        signed.extend(self.ca.public_key().fingerprint());
        signed.extend(&u32::try_from(tbs.len()).unwrap().to_be_bytes()[1..]);
        signed.extend(&tbs);
        signed.extend([0, 0]);
        let signature = self.ct.sign(SCHEME, &signed).unwrap();
        let mut sct = vec![0];
        sct.extend(self.ct.public_key().fingerprint());
        sct.extend(moment.to_be_bytes());
        sct.extend([0, 0, 4, 3]);
        sct.extend(u16::try_from(signature.len()).unwrap().to_be_bytes());
        sct.extend(&signature);
        let prefixed = |bytes: &[u8]| [&u16::try_from(bytes.len()).unwrap().to_be_bytes(), bytes].concat();
        template.extensions.push(extension(SCT_LIST, false, &der(0x04, &prefixed(&prefixed(&sct)))));
        template.sign(&self.ca)
    }

    /// Stamps a message, as an authority answers.
    pub(crate) fn timestamp(&self, message: &[u8], at: i64) -> Vec<u8> {
        seq(&[&seq(&[&der(0x02, &[0])]), &self.token(message, at, &[])])
    }

    /// Stamps a message and puts the authority's certificate into the timestamp.
    pub(crate) fn token_with_certificate(&self, message: &[u8], at: i64) -> Vec<u8> {
        self.token(message, at, &der(0xa0, &self.tsa_certificate))
    }

    fn token(&self, message: &[u8], at: i64, certificates: &[u8]) -> Vec<u8> {
        let sha256 = seq(&[&oid(SHA256)]);
        let info = seq(&[
            &der(0x02, &[1]),
            &oid(&[0x2a, 0x03]),
            &seq(&[&sha256, &der(0x04, &Hash::Sha256.of(message))]),
            &der(0x02, &[7]),
            &time(at),
        ]);
        const TST: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x10, 0x01, 0x04];
        const PKCS9: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09];
        let attribute =
            |number: u8, value: &[u8]| seq(&[&oid(&[PKCS9, &[number]].concat()), &der(0x31, value)]);
        let attributes =
            [attribute(3, &oid(TST)), attribute(4, &der(0x04, &Hash::Sha256.of(&info)))].concat();
        let signature = self.tsa.sign(SCHEME, &der(0x31, &attributes)).unwrap();
        let signer = seq(&[
            &der(0x02, &[1]),
            &seq(&[&name("tsa root"), &der(0x02, &[2])]),
            &sha256,
            &der(0xa0, &attributes),
            &seq(&[&oid(ECDSA_SHA256)]),
            &der(0x04, &signature),
        ]);
        let data = seq(&[
            &der(0x02, &[3]),
            &der(0x31, &sha256),
            &seq(&[&oid(TST), &der(0xa0, &der(0x04, &info))]),
            certificates,
            &der(0x31, &signer),
        ]);
        const SIGNED_DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02];
        seq(&[&oid(SIGNED_DATA), &der(0xa0, &data)])
    }

    /// Logs a body in a tree of one.
    pub(crate) fn log(&self, body: &Value, kind: (&str, &str), at: Option<i64>) -> LogEntry {
        let body = body.to_string().into_bytes();
        let id = self.rekor.public_key().fingerprint();
        let root = Hash::Sha256.of(&[&[0], body.as_slice()].concat());
        let text = format!("{HOST}\n1\n{}\n", base64(&root));
        let signature = self.rekor.sign(SCHEME, text.as_bytes()).unwrap();
        let line = base64(&[&id[..4], signature.as_slice()].concat());
        let mut entry = LogEntry {
            log_index: 5,
            log_id: LogId { key_id: Base64(id.to_vec()) },
            kind_version: KindVersion { kind: kind.0.to_owned(), version: kind.1.to_owned() },
            integrated_time: at.unwrap_or(0),
            inclusion_promise: None,
            inclusion_proof: Some(InclusionProof {
                log_index: 0,
                root_hash: Base64(root),
                tree_size: 1,
                hashes: Vec::new(),
                checkpoint: Some(Checkpoint { envelope: format!("{text}\n\u{2014} {HOST} {line}\n") }),
            }),
            canonicalized_body: Base64(body),
        };
        if at.is_some() {
            self.promise(&mut entry);
        }
        entry
    }

    /// Signs the entry's promise anew.
    pub(crate) fn promise(&self, entry: &mut LogEntry) {
        let id: String = entry.log_id.key_id.0.iter().map(|byte| format!("{byte:02x}")).collect();
        let signed = format!(
            r#"{{"body":"{}","integratedTime":{},"logID":"{id}","logIndex":{}}}"#,
            base64(&entry.canonicalized_body.0),
            entry.integrated_time,
            entry.log_index
        );
        let signature = self.rekor.sign(SCHEME, signed.as_bytes()).unwrap();
        entry.inclusion_promise = Some(InclusionPromise { signed_entry_timestamp: Base64(signature) });
    }

    /// Signs an artifact with a new certificate, logged in version 1.
    pub(crate) fn sign(&self, artifact: &[u8]) -> Bundle {
        let signer = key();
        let certificate = self.certificate(&signer, CODE_SIGNING);
        let signature = signer.sign(SCHEME, artifact).unwrap();
        let body = hashed_rekord(&Hash::Sha256.of(artifact), &signature, &pem("CERTIFICATE", &certificate));
        let message = MessageSignature {
            message_digest: Some(MessageDigest {
                algorithm: "SHA2_256".to_owned(),
                digest: Base64(Hash::Sha256.of(artifact)),
            }),
            signature: Base64(signature),
        };
        Bundle {
            version: Version::V0_3,
            key: KeyMaterial::Certificate(certificate),
            entries: vec![self.log(&body, ("hashedrekord", "0.0.1"), Some(NOW))],
            timestamps: Vec::new(),
            content: Content::Message(message),
        }
    }

    /// Signs an artifact with a new certificate, logged in version 2 and stamped.
    pub(crate) fn sign_2(&self, artifact: &[u8]) -> Bundle {
        let mut bundle = self.sign(artifact);
        let body = json!({"apiVersion": "0.0.2", "kind": "hashedrekord", "spec": {"hashedRekordV002": {
            "data": {"algorithm": "SHA2_256", "digest": base64(&Hash::Sha256.of(artifact))},
            "signature": {"content": base64(bundle.signature()), "verifier": {
                "keyDetails": "PKIX_ECDSA_P256_SHA_256", "x509Certificate": {"rawBytes": base64(&bundle.certificates()[0])}
            }}
        }}});
        bundle.entries = vec![self.log(&body, ("hashedrekord", "0.0.2"), None)];
        bundle.timestamps = vec![self.timestamp(bundle.signature(), NOW)];
        bundle
    }

    /// Signs a payload with a new certificate, logged in version 1 as `dsse`.
    pub(crate) fn sign_envelope(&self, payload: &[u8]) -> Bundle {
        let signer = key();
        let certificate = self.certificate(&signer, CODE_SIGNING);
        let mut envelope: Envelope = serde_json::from_value(json!({
            "payload": base64(payload), "payloadType": "application/vnd.in-toto+json", "signatures": [{"sig": ""}]
        }))
        .unwrap();
        let signature = signer.sign(SCHEME, &envelope.pae()).unwrap();
        envelope.signatures[0].sig = Base64(signature.clone());
        let digest: String = Hash::Sha256.of(payload).iter().map(|byte| format!("{byte:02x}")).collect();
        let body = json!({"apiVersion": "0.0.1", "kind": "dsse", "spec": {
            "payloadHash": {"algorithm": "sha256", "value": digest},
            "signatures": [{"signature": base64(&signature), "verifier": base64(pem("CERTIFICATE", &certificate).as_bytes())}]
        }});
        Bundle {
            version: Version::V0_3,
            key: KeyMaterial::Certificate(certificate),
            entries: vec![self.log(&body, ("dsse", "0.0.1"), Some(NOW))],
            timestamps: Vec::new(),
            content: Content::Dsse(envelope),
        }
    }
}

/// Lists certificates as revoked.
pub(crate) fn revocation_list(issuer: &str, key: &PrivateKey, until: i64, revoked: &[(u8, i64)]) -> Vec<u8> {
    let entries: Vec<Vec<u8>> =
        revoked.iter().map(|(serial, since)| seq(&[&der(0x02, &[*serial]), &time(*since)])).collect();
    let algorithm = seq(&[&oid(ECDSA_SHA256)]);
    let tbs = seq(&[
        &der(0x02, &[1]),
        &algorithm,
        &name(issuer),
        &time(NOW),
        &time(until),
        &der(0x30, &entries.concat()),
    ]);
    let signature = key.sign(SCHEME, &tbs).unwrap();
    seq(&[&tbs, &algorithm, &der(0x03, &[&[0], signature.as_slice()].concat())])
}

pub(crate) fn pem(label: &str, der: &[u8]) -> String {
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", base64(der))
}

pub(crate) fn hashed_rekord(digest: &[u8], signature: &[u8], key: &str) -> Value {
    let digest: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    json!({"apiVersion": "0.0.1", "kind": "hashedrekord", "spec": {
        "data": {"hash": {"algorithm": "sha256", "value": digest}},
        "signature": {"content": base64(signature), "publicKey": {"content": base64(key.as_bytes())}}
    }})
}
