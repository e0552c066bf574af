//! Atlassian: Jira, Confluence, Bitbucket, Statuspage.

use super::rule::{Find, SecretRule, TOKEN, VALUE};
use assay_model::Severity::Low;

/// The rules, the more specific first.
pub(super) const RULES: &[SecretRule] = &[
    SecretRule {
        id: "atlassian-api-token",
        title: "Atlassian API token",
        find: Find::Literal(&["ATATT3"]),
        pattern: "ATATT3[A-Za-z0-9_=-]{186}",
        shown: 6,
        rotate: "revoke the token at id.atlassian.com",
        ..TOKEN
    },
    SecretRule {
        id: "atlassian-api-token-legacy",
        title: "Atlassian API token",
        find: Find::Assigned(&["atlassian", "confluence", "jira"]),
        pattern: "[A-Za-z0-9]{24}",
        rotate: "revoke the token at id.atlassian.com",
        ..VALUE
    },
    SecretRule {
        id: "bitbucket-app-password",
        title: "Bitbucket app password",
        find: Find::Literal(&["ATBB"]),
        pattern: "ATBB[A-Za-z0-9]{24}[A-F0-9]{8}",
        shown: 4,
        rotate: "revoke the app password in the Bitbucket personal settings",
        ..TOKEN
    },
    SecretRule {
        id: "bitbucket-client-secret",
        title: "Bitbucket client secret",
        find: Find::Assigned(&["bitbucket"]),
        pattern: "[A-Za-z0-9_=-]{64}",
        rotate: "delete the OAuth consumer in Bitbucket",
        ..VALUE
    },
    SecretRule {
        id: "bitbucket-client-id",
        title: "Bitbucket client identifier",
        severity: Low,
        find: Find::Assigned(&["bitbucket"]),
        pattern: "[A-Za-z0-9]{32}",
        rotate: "delete the OAuth consumer in Bitbucket",
        ..VALUE
    },
];
