//! Keys as others hand them in, and what signing plug-ins answer.

use super::fields;
use crate::Target;
use assay_sign::key::{KeyFile, KeyReference, NewKey, PrivateKey};
use assay_sign::plugin::PluginSignature;
use assay_sign::predicate::PredicateType;

pub(super) fn targets() -> Vec<Target> {
    vec![
        Target::new("key-file", file_seeds, file),
        Target::new("private-key", private_seeds, private),
        Target::new("key-reference", reference_seeds, reference),
        Target::new("plugin-answer", answer_seeds, answer),
    ]
}

/// A file with salt, nonce and text that encrypt nothing: opening one costs a quarter of a second, reading it nothing.
fn file_seeds() -> Vec<Vec<u8>> {
    let json = r#"{"kdf":{"name":"scrypt","params":{"N":65536,"r":8,"p":1},"salt":"AAAA"},"cipher":{"name":"nacl/secretbox","nonce":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"},"ciphertext":"AAAAAAAAAAAAAAAAAAAAAAAAAAAA"}"#;
    let encoded = assay_sign::Base64(json.as_bytes().to_vec()).encoded();
    ["SIGSTORE", "COSIGN"]
        .map(|kind| {
            format!("-----BEGIN ENCRYPTED {kind} PRIVATE KEY-----\n{encoded}\n-----END ENCRYPTED {kind} PRIVATE KEY-----\n")
                .into_bytes()
        })
        .into()
}

fn file(data: &[u8]) -> String {
    let text = String::from_utf8_lossy(data);
    match KeyFile::parse(&text) {
        Ok(file) => {
            assert!(KeyFile::is(&text), "what is read looks like a key file");
            assert_eq!(KeyFile::parse(&file.to_pem()).expect("what is written is read"), file);
            assert!([32_768, 65_536, 131_072].contains(&file.cost()), "a cost that cosign never writes");
            format!("{file:?}")
        }
        Err(error) => error.to_string(),
    }
}

fn private_seeds() -> Vec<Vec<u8>> {
    // Of a kind whose keys are made fast.
    [NewKey::EcdsaP256, NewKey::Ed25519]
        .into_iter()
        .map(|kind| {
            PrivateKey::generate(kind)
                .expect("there are random numbers")
                .to_pkcs8()
                .expect("it is written")
                .to_vec()
        })
        .collect()
}

fn private(data: &[u8]) -> String {
    let text = String::from_utf8_lossy(data);
    let of_text =
        PrivateKey::from_pem(&text).map(|key| format!("{key:?}")).map_err(|error| error.to_string());
    let of_bytes = match PrivateKey::from_der(data) {
        Ok(key) => {
            let again = PrivateKey::from_der(&key.to_pkcs8().expect("it is written")).expect("and read");
            assert_eq!(format!("{again:?}"), format!("{key:?}"));
            format!("{key:?}")
        }
        Err(error) => error.to_string(),
    };
    format!("{of_text:?} {of_bytes}")
}

fn reference_seeds() -> Vec<Vec<u8>> {
    [
        "k.key\ncustom",
        "env://KEY\nslsa",
        "awskms:///alias/release\nhttps://example.com/x",
        "gcpkms://projects/p/locations/l/keyRings/r/cryptoKeys/k\nvuln",
        "plugin://name/key%20id?a=b&c=%3D\nvsa",
        "pkcs11:token=t;object=k\nlink",
    ]
    .map(|text| text.as_bytes().to_vec())
    .into()
}

fn reference(data: &[u8]) -> String {
    let both = fields(data, 2);
    if let Ok(KeyReference::Service(key)) = both[0].parse() {
        let again: KeyReference = key.to_string().parse().expect("what is shown is read");
        assert_eq!(again, KeyReference::Service(key));
    }
    if let Ok(kind) = both[1].parse::<PredicateType>() {
        assert_eq!(kind.to_string().parse::<PredicateType>().expect("what is shown is read"), kind);
    }
    format!("{:?} {:?}", both[0].parse::<KeyReference>(), both[1].parse::<PredicateType>())
}

fn answer_seeds() -> Vec<Vec<u8>> {
    vec![
        br#"{"keyId":"k","signature":"AAAA","signingAlgorithm":"ECDSA-SHA-256","certificateChain":["AAAA"]}"#
            .to_vec(),
    ]
}

fn answer(data: &[u8]) -> String {
    format!("{:?}", PluginSignature::parse(data))
}
