//! Samples of the rules in `secret/atlassian.rs`.

use super::Sample;

pub(super) const SAMPLES: &[Sample] = &[
    Sample { rule: "atlassian-api-token", hits: &["ATATT3<w:178>=<u:7>"], misses: &["ATATT3<w:100>"] },
    Sample {
        rule: "atlassian-api-token-legacy",
        hits: &["JIRA_API_TOKEN=<a:24>"],
        misses: &["JIRA_API_TOKEN=<a:22>"],
    },
    Sample { rule: "bitbucket-app-password", hits: &["ATBB<a:24><X:8>"], misses: &["ATBB<a:20>"] },
    Sample {
        rule: "bitbucket-client-secret",
        hits: &["BITBUCKET_CLIENT_SECRET=<a:64>"],
        misses: &["BITBUCKET_CLIENT_SECRET=<a:60>"],
    },
    Sample {
        rule: "bitbucket-client-id",
        hits: &["BITBUCKET_CLIENT_ID=<a:32>"],
        misses: &["BITBUCKET_CLIENT_ID=<a:31>"],
    },
];
