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
        hits: &["root/.pgpass\ndb:5432:*:app:<a:12>\n"],
        misses: &["root/.pgpass\n# empty\n"],
    },
    Sample {
        rule: "kubernetes-secret",
        hits: &[
            "apiVersion: v1\nkind: Secret\nmetadata:\n  name: db\ndata:\n  password: <b64:14>\n",
            "apiVersion: v1\ndata:\n  password: <b64:14>\nkind: Secret\n",
        ],
        misses: &[
            "kind: Secret\nmetadata:\n  name: db\n",
            "kind: SecretStore\ndata:\n  password: <b64:14>\n",
        ],
    },
];
