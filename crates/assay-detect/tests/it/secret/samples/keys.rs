//! Samples of the rules in `secret/keys.rs`.

use super::Sample;

pub(super) const SAMPLES: &[Sample] = &[
    Sample {
        rule: "encrypted-private-key",
        hits: &["-----BEGIN ENCRYPTED PRIVATE KEY-----
MII<b:61>
<b:64>
-----END ENCRYPTED PRIVATE KEY-----
"],
        misses: &["-----BEGIN PRIVATE KEY-----
MII<b:61>
<b:64>
-----END PRIVATE KEY-----
"],
    },
    Sample {
        rule: "private-key",
        hits: &[
            "-----BEGIN RSA PRIVATE KEY-----
MII<b:61>
<b:64>
-----END RSA PRIVATE KEY-----
",
            "-----BEGIN OPENSSH PRIVATE KEY-----
<openssh>
-----END OPENSSH PRIVATE KEY-----
",
            r#"key = "-----BEGIN PRIVATE KEY-----\nMII<b:61>\n<b:64>\n-----END PRIVATE KEY-----\n""#,
        ],
        misses: &[
            "-----BEGIN PRIVATE KEY-----
...
-----END PRIVATE KEY-----",
            "-----BEGIN PUBLIC KEY-----
MII<b:61>
<b:64>
-----END PUBLIC KEY-----
",
            "-----BEGIN RSA PRIVATE KEY-----
<b:64>
",
            "-----BEGIN RSA PRIVATE KEY-----
0000<b:60>
<b:64>
-----END RSA PRIVATE KEY-----
",
        ],
    },
    Sample {
        rule: "putty-private-key",
        hits: &["PuTTY-User-Key-File-3: ssh-ed25519
Encryption: none
Comment: me
Public-Lines: 1
<b:60>
Private-Lines: 1
<b:48>
"],
        misses: &["PuTTY-User-Key-File-3: ssh-ed25519
Encryption: aes256-cbc
Public-Lines: 1
<b:60>
Private-Lines: 1
<b:48>
"],
    },
    Sample {
        rule: "pkcs12-file",
        hits: &["etc/key.p12
<hex:308204d2020103>"],
        misses: &[
            "etc/key.p12
hello, world",
            "etc/key.txt
<hex:308204d2020103>",
        ],
    },
    Sample {
        rule: "java-key-store",
        hits: &["app/server.jks
<hex:feedfeed000000020000000100000001>"],
        misses: &["app/trust.jks
<hex:feedfeed000000020000000100000002>"],
    },
    Sample {
        rule: "keepass-database",
        hits: &["root/all.kdbx
<hex:03d9a29a67fb4bb5>"],
        misses: &["root/all.kdbx
<hex:03d9a29a67fb4bb6>"],
    },
];
