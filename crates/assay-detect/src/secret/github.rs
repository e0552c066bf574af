//! GitHub: personal, OAuth, application and refresh tokens.
//!
//! The last six characters are a CRC-32 in base 62
//! (<https://github.blog/engineering/behind-githubs-new-authentication-token-formats/>), so that a random match is one in 56 billion.

use super::rule::{Find, SecretRule, TOKEN, never};
use super::scan::checksum::crc32_base62;
use assay_model::Severity::Critical;

/// The rules, the more specific first.
pub(super) const RULES: &[SecretRule] = &[
    SecretRule {
        id: "github-pat",
        title: "GitHub personal access token",
        severity: Critical,
        find: Find::Literal(&["ghp_"]),
        pattern: "ghp_[0-9A-Za-z]{36}",
        shown: 4,
        valid: crc32_base62,
        placeholder: never,
        rotate: "delete the token in the GitHub settings under developer settings",
        ..TOKEN
    },
    SecretRule {
        id: "github-oauth",
        title: "GitHub OAuth token",
        severity: Critical,
        find: Find::Literal(&["gho_"]),
        pattern: "gho_[0-9A-Za-z]{36}",
        shown: 4,
        valid: crc32_base62,
        placeholder: never,
        rotate: "revoke the application in the GitHub settings",
        ..TOKEN
    },
    SecretRule {
        id: "github-refresh-token",
        title: "GitHub refresh token",
        severity: Critical,
        find: Find::Literal(&["ghr_"]),
        pattern: "ghr_(?:[0-9A-Za-z]{36}|[0-9A-Za-z]{76})",
        shown: 4,
        valid: crc32_base62,
        placeholder: never,
        rotate: "revoke the application in the GitHub settings",
        ..TOKEN
    },
    SecretRule {
        id: "github-app-token",
        title: "GitHub application token",
        find: Find::Literal(&["ghu_", "ghs_"]),
        pattern: "gh[us]_[0-9A-Za-z]{36}",
        valid: crc32_base62,
        placeholder: never,
        rotate: "it ends within eight hours; revoke the installation of the application",
        ..TOKEN
    },
    SecretRule {
        id: "github-stateless-token",
        title: "stateless GitHub installation token",
        find: Find::Literal(&["ghs_"]),
        pattern: r"ghs_(?:[0-9]{1,12}_)?eyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{40,}",
        reach: 2 << 10,
        shown: 4,
        rotate: "it ends within an hour; revoke the installation of the application",
        ..TOKEN
    },
    SecretRule {
        id: "github-fine-grained-pat",
        title: "GitHub fine-grained personal access token",
        severity: Critical,
        find: Find::Literal(&["github_pat_"]),
        pattern: "github_pat_[0-9A-Za-z]{22}_[0-9A-Za-z]{59}",
        shown: 11,
        rotate: "delete the token in the GitHub settings under developer settings",
        ..TOKEN
    },
];
