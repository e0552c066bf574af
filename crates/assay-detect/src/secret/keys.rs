//! Private keys and key stores: PEM (RFC 7468), OpenSSH, PGP, PuTTY, PKCS #12, Java, KeePass.
//!
//! What stands between the lines of a PEM file must be base64 of what they say: programs have the lines alone, documentation has dots.

use super::check::{encrypted_private_key, private_key};
use super::rule::{Find, SecretRule, TOKEN, Within, never};
use assay_model::Severity::Medium;

/// The rules, the more specific first.
pub(super) const RULES: &[SecretRule] = &[
    SecretRule {
        id: "encrypted-private-key",
        title: "encrypted private key",
        severity: Medium,
        find: Find::Literal(&["-----BEGIN "]),
        pattern: r"-----BEGIN (?:[A-Z0-9]+ ){0,3}PRIVATE KEY(?: BLOCK)?-----[\t\n\r -~]+?-----END (?:[A-Z0-9]+ ){0,3}PRIVATE KEY(?: BLOCK)?-----",
        reach: 16 << 10,
        shown: 11,
        valid: encrypted_private_key,
        placeholder: never,
        within: Within::Text,
        rotate: "make a new key: a passphrase only buys time",
        ..TOKEN
    },
    SecretRule {
        id: "private-key",
        title: "private key",
        find: Find::Literal(&["-----BEGIN "]),
        pattern: r"-----BEGIN (?:[A-Z0-9]+ ){0,3}PRIVATE KEY(?: BLOCK)?-----[\t\n\r -~]+?-----END (?:[A-Z0-9]+ ){0,3}PRIVATE KEY(?: BLOCK)?-----",
        reach: 16 << 10,
        shown: 11,
        valid: private_key,
        placeholder: never,
        within: Within::Text,
        rotate: "make a new key pair, and remove the old public key and its certificates wherever they are trusted",
        ..TOKEN
    },
    SecretRule {
        id: "putty-private-key",
        title: "PuTTY private key",
        find: Find::Literal(&["PuTTY-User-Key-File-"]),
        pattern: r"PuTTY-User-Key-File-[123]: [a-z0-9-]+\r?\nEncryption: none\r?\n[\t\n\r -~]+?Private-Lines: \d+\r?\n[A-Za-z0-9+/=]{20,}",
        reach: 16 << 10,
        placeholder: never,
        within: Within::Text,
        rotate: "make a new key pair, and remove the old public key wherever it is trusted",
        ..TOKEN
    },
    SecretRule {
        id: "pkcs12-file",
        title: "PKCS #12 key store",
        severity: Medium,
        find: Find::File(&[".p12", ".pfx"]),
        pattern: r"\A\x30[\x80-\x84][\x00-\xff]{0,4}?\x02\x01\x03",
        rotate: "replace the key and its certificate",
        ..TOKEN
    },
    SecretRule {
        id: "java-key-store",
        title: "Java key store with a private key",
        severity: Medium,
        find: Find::File(&[".jks", ".keystore", ".ks"]),
        pattern: r"\A\xFE\xED\xFE\xED\x00\x00\x00[\x01\x02][\x00-\xff]{4}\x00\x00\x00\x01",
        rotate: "replace the key and its certificate",
        ..TOKEN
    },
    SecretRule {
        id: "keepass-database",
        title: "KeePass database",
        severity: Medium,
        find: Find::File(&[".kdbx", ".kdb"]),
        pattern: r"\A\x03\xD9\xA2\x9A[\x65-\x67]\xFB\x4B\xB5",
        rotate: "change what is kept in it, if its passphrase is weak",
        ..TOKEN
    },
];
