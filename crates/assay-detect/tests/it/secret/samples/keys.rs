//! Samples of the rules in `secret/keys.rs`.

use super::Sample;

pub(super) const SAMPLES: &[Sample] = &[
    Sample {
        rule: "encrypted-private-key",
        hits: &[
            "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMII<b:61>\n<b:64>\n-----END ENCRYPTED PRIVATE KEY-----\n",
        ],
        misses: &["-----BEGIN PRIVATE KEY-----\nMII<b:61>\n<b:64>\n-----END PRIVATE KEY-----\n"],
    },
    Sample {
        rule: "private-key",
        hits: &[
            "-----BEGIN RSA PRIVATE KEY-----\nMII<b:61>\n<b:64>\n-----END RSA PRIVATE KEY-----\n",
            "-----BEGIN OPENSSH PRIVATE KEY-----\n<openssh>\n-----END OPENSSH PRIVATE KEY-----\n",
            r#"key = "-----BEGIN PRIVATE KEY-----\nMII<b:61>\n<b:64>\n-----END PRIVATE KEY-----\n""#,
        ],
        misses: &[
            "-----BEGIN PRIVATE KEY-----\n...\n-----END PRIVATE KEY-----",
            "-----BEGIN PUBLIC KEY-----\nMII<b:61>\n<b:64>\n-----END PUBLIC KEY-----\n",
            "-----BEGIN RSA PRIVATE KEY-----\n<b:64>\n",
            "-----BEGIN RSA PRIVATE KEY-----\n0000<b:60>\n<b:64>\n-----END RSA PRIVATE KEY-----\n",
        ],
    },
    Sample {
        rule: "putty-private-key",
        hits: &[
            "PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none\nComment: me\nPublic-Lines: 1\n<b:60>\nPrivate-Lines: 1\n<b:48>\n",
        ],
        misses: &[
            "PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: aes256-cbc\nPublic-Lines: 1\n<b:60>\nPrivate-Lines: 1\n<b:48>\n",
        ],
    },
    Sample {
        rule: "pkcs12-file",
        hits: &["etc/key.p12\n<hex:308204d2020103>"],
        misses: &["etc/key.p12\nhello, world", "etc/key.txt\n<hex:308204d2020103>"],
    },
    Sample {
        rule: "java-key-store",
        hits: &["app/server.jks\n<hex:feedfeed000000020000000100000001>"],
        misses: &["app/trust.jks\n<hex:feedfeed000000020000000100000002>"],
    },
    Sample {
        rule: "keepass-database",
        hits: &["root/all.kdbx\n<hex:03d9a29a67fb4bb5>"],
        misses: &["root/all.kdbx\n<hex:03d9a29a67fb4bb6>"],
    },
];
