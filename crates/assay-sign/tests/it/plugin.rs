//! Signing plug-ins: well-behaved ones, and all others. They are shell scripts here.

use crate::mint;
use assay_sign::key::{Hash, KeyReference, PluginKey, Scheme};
use assay_sign::plugin::{Limits, PluginError, PluginSigner, find};
use assay_sign::signer::{SignError, Signer as _};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::time::{Duration, Instant};
use tempfile::TempDir;

fn key() -> PluginKey {
    match "plugin://test/k?option=1".parse().unwrap() {
        KeyReference::Plugin(key) => key,
        other => panic!("{other:?}"),
    }
}

/// A plug-in whose answers are the lines of `answers`, by command.
fn script(answers: &[(&str, &str)]) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path().join("test");
    fs::create_dir(&home).unwrap();
    let mut text = "#!/bin/sh\ncase \"$1\" in\n".to_owned();
    for (command, answer) in answers {
        text.push_str(&format!("{command}) {answer};;\n"));
    }
    text.push_str("esac\n");
    let program = home.join("notation-test");
    fs::write(&program, text).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let found = find("test", &[folder.path().to_owned()]).unwrap();
    assert_eq!(found, program);
    (folder, found)
}

const METADATA: (&str, &str) = (
    "get-plugin-metadata",
    r#"cat >/dev/null; echo '{"name":"test","supportedContractVersions":["1.0"],"capabilities":["SIGNATURE_GENERATOR.RAW"]}'"#,
);

fn limits() -> Limits {
    Limits { time: Duration::from_secs(20), answer: 100_000 }
}

fn open(answers: &[(&str, &str)]) -> Result<PluginSigner, PluginError> {
    let (_folder, program) = script(answers);
    PluginSigner::open(program, key(), limits())
}

/// As plug-ins of Notation are: the key is told by the certificate that comes with a signature.
#[test]
fn a_plugin_of_notation_tells_its_key_by_a_certificate() {
    let (root, leaf) = (mint::key(), mint::key());
    let certificate = |subject, issuer, key, extensions, by| {
        mint::Template { subject, issuer, from: 0, until: mint::NOW * 2, key, extensions, serial: 1 }.sign(by)
    };
    let chain = [
        certificate("leaf", "root", &leaf, mint::leaf(mint::CODE_SIGNING), &root),
        certificate("root", "root", &root, mint::authority(), &root),
    ];
    let encoded = chain.each_ref().map(|der| mint::base64(der));
    let signature = leaf
        .sign(Scheme::EcdsaFixed(Hash::Sha256), b"assay asks a signing plug-in for its certificate")
        .unwrap();
    let answer = format!(
        r#"cat >/dev/null; echo '{{"keyId":"k","signature":"{}","signingAlgorithm":"ECDSA-SHA-256","certificateChain":["{}","{}"]}}'"#,
        mint::base64(&signature),
        encoded[0],
        encoded[1]
    );
    let describe = ("describe-key", r#"cat >/dev/null; echo '{"keyId":"k","keySpec":"EC-256"}'"#);
    let (_folder, program) = script(&[METADATA, describe, ("generate-signature", &answer)]);
    let signer = PluginSigner::open(program, key(), limits()).unwrap();
    assert_eq!(signer.public_key(), leaf.public_key());
    assert_eq!(signer.certificates(), chain);
    // It answers with the same signature whatever it is asked to sign, and that is noticed.
    let signed = signer.sign(Scheme::EcdsaDer(Hash::Sha256), b"something else");
    assert!(matches!(signed, Err(SignError::Wrong { .. })), "{signed:?}");
    let signed = signer
        .sign(Scheme::EcdsaDer(Hash::Sha256), b"assay asks a signing plug-in for its certificate")
        .unwrap();
    let message = b"assay asks a signing plug-in for its certificate";
    assert!(leaf.public_key().verify(Scheme::EcdsaDer(Hash::Sha256), message, &signed).is_ok());
    assert!(matches!(signer.sign(Scheme::EcdsaDer(Hash::Sha384), message), Err(SignError::Scheme)));
    assert!(matches!(signer.sign(Scheme::RsaPkcs1(Hash::Sha256), message), Err(SignError::Scheme)));
}

#[test]
fn what_a_plugin_says_of_its_failure_is_told() {
    let check = |answer: &str, want: &str| {
        let error = open(&[METADATA, ("describe-key", answer)]).unwrap_err().to_string();
        assert!(error.contains(want), "{error}");
    };
    check(
        r#"echo '{"errorCode":"ACCESS_DENIED","errorMessage":"no PIN"}' >&2; exit 1"#,
        "no PIN (ACCESS_DENIED)",
    );
    check("echo first >&2; echo last words >&2; exit 3", "last words");
    check("exit 7", "exit status: 7");
    check("kill -9 $$", "signal: 9");
    check("echo '{'", "cannot be used");
    check("echo '[]'", "cannot be used");
    check("true", "cannot be used");
    check(r#"echo '{"keySpec":"EC-1"}'"#, "its kind is not known");
    check(r#"echo '{"keySpec":"EC-256","publicKey":"AAAA"}'"#, "DER");
}

#[test]
fn other_kinds_of_plugins_are_refused() {
    let check = |answer: &str, want: &str| {
        let error = open(&[("get-plugin-metadata", answer)]).unwrap_err().to_string();
        assert!(error.contains(want), "{error}");
    };
    check(
        r#"echo '{"supportedContractVersions":["1.0"],"capabilities":["SIGNATURE_GENERATOR.ENVELOPE"]}'"#,
        "bare signatures",
    );
    check(
        r#"echo '{"supportedContractVersions":["2.0"],"capabilities":["SIGNATURE_GENERATOR.RAW"]}'"#,
        "version 1",
    );
    check("echo '{}'", "bare signatures");
    let nobody = find("nobody", &[PathBuf::from("/nonexistent")]).unwrap_err().to_string();
    assert!(nobody.contains("`notation-nobody`") && nobody.contains("`/nonexistent`"), "{nobody}");
}

#[test]
fn a_plugin_that_never_ends_is_ended() {
    for answer in ["exec sleep 60", "exec yes", "exec cat /dev/zero >&2"] {
        let (_folder, program) = script(&[("get-plugin-metadata", answer)]);
        let start = Instant::now();
        let limits = Limits { time: Duration::from_millis(500), answer: 1000 };
        let error = PluginSigner::open(program, key(), limits).unwrap_err();
        assert!(start.elapsed() < Duration::from_secs(15), "{answer}");
        // One that floods its errors is cut off, and told so by the system.
        let fits = matches!(
            error,
            PluginError::Time { .. } | PluginError::Answer { .. } | PluginError::Refused { .. }
        );
        assert!(fits && error.to_string().len() < 300, "{answer}: {error}");
    }
}
