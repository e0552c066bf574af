//! Samples of the rules in `secret/uris.rs`.

use super::Sample;

pub(super) const SAMPLES: &[Sample] = &[
    Sample {
        rule: "database-uri",
        hits: &["postgres://app:<a:14>@db.acme.net:5432/app", "redis://:<a:14>@cache:6379"],
        misses: &[
            "postgres://app@db/app",
            "postgres://user:password@localhost/app",
            "mysql://root:${DB_PASS}@db/app",
        ],
    },
    Sample {
        rule: "uri-password",
        hits: &["https://deploy:<a:12>x7@git.acme.net/a.git"],
        misses: &["https://git.acme.net:8443/a@b", "https://user:pass@example.com/", "http://x:$TOKEN@host/"],
    },
];
