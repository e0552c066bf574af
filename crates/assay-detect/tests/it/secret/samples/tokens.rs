//! Samples of the rules in `secret/tokens.rs`.

use super::Sample;

pub(super) const SAMPLES: &[Sample] = &[
    Sample {
        rule: "jwt",
        hits: &["<jwt>", "token: <jwt>"],
        misses: &["eyJhbGciOiJub25lIn0.eyJzdWIiOiJhIn0.", "eyJhbGciOiJIUzI1NiJ9.<w:20>"],
    },
    Sample {
        rule: "curl-auth-header",
        hits: &[
            r#"curl -s -H "Authorization: Bearer <a:32>" https://api.acme.net"#,
            r#"curl -H "X-Api-Key: <a:32>" https://api.acme.net"#,
        ],
        misses: &[
            r#"curl -H "Authorization: Bearer $TOKEN" https://api.acme.net"#,
            "curl https://api.acme.net",
        ],
    },
    Sample {
        rule: "curl-auth-user",
        hits: &["curl -u deploy:<a:12> https://api.acme.net"],
        misses: &[
            "curl -u user:password https://api.acme.net",
            r#"curl -u "$USER:$PASSWORD" https://api.acme.net"#,
        ],
    },
    Sample {
        rule: "basic-auth",
        hits: &["Authorization: Basic <basic>"],
        misses: &["Basic authentication is required", "Authorization: Basic dXNlcjpwYXNzd29yZA=="],
    },
    Sample {
        rule: "netrc-password",
        hits: &["machine git.acme.net login deploy password <a:12>"],
        misses: &["machine git.acme.net login deploy"],
    },
    Sample {
        rule: "pgpass-file",
        hits: &["root/.pgpass
db:5432:*:app:<a:12>
"],
        misses: &["root/.pgpass
# empty
"],
    },
    Sample {
        rule: "kubernetes-secret",
        hits: &[
            "apiVersion: v1
kind: Secret
metadata:
  name: db
data:
  password: <b64:14>
",
            "apiVersion: v1
data:
  password: <b64:14>
kind: Secret
",
        ],
        misses: &[
            "kind: Secret
metadata:
  name: db
",
            "kind: SecretStore
data:
  password: <b64:14>
",
        ],
    },
];
