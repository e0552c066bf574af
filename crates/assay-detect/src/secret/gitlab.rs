//! GitLab: tokens by their prefixes (<https://docs.gitlab.com/security/tokens/>).
//!
//! Routable tokens (`….01.<length><checksum>`, at first without the `01.`) end with a CRC-32 in base 36; older ones are 20 characters without one.

use super::rule::{Find, SecretRule, TOKEN, never};
use super::scan::checksum::crc32_base36;
use assay_model::Severity::{Critical, Medium};

/// The rules, the more specific first.
pub(super) const RULES: &[SecretRule] = &[
    SecretRule {
        id: "gitlab-pat-routable",
        title: "GitLab personal access token",
        severity: Critical,
        find: Find::Literal(&["glpat-"]),
        pattern: r"glpat-[0-9A-Za-z_-]{27,300}\.(?:[0-9a-z]{2}\.)?[0-9a-z]{2}[0-9a-z]{7}",
        shown: 6,
        valid: crc32_base36,
        placeholder: never,
        rotate: "revoke the token in the GitLab user settings",
        ..TOKEN
    },
    SecretRule {
        id: "gitlab-runner-authentication-token-routable",
        title: "GitLab runner authentication token",
        find: Find::Literal(&["glrt-", "glrtr-"]),
        pattern: r"glrtr?-(?:t\d_)?[0-9A-Za-z_-]{27,300}\.(?:[0-9a-z]{2}\.)?[0-9a-z]{2}[0-9a-z]{7}",
        valid: crc32_base36,
        placeholder: never,
        rotate: "delete the runner, or reset its authentication token",
        ..TOKEN
    },
    SecretRule {
        id: "gitlab-pat",
        title: "GitLab personal access token",
        severity: Critical,
        find: Find::Literal(&["glpat-"]),
        pattern: r"(glpat-[0-9A-Za-z_-]{20})(?:[^0-9A-Za-z_.-]|\.[^0-9a-z]|\z)",
        shown: 6,
        rotate: "revoke the token in the GitLab user settings",
        ..TOKEN
    },
    SecretRule {
        id: "gitlab-ptt",
        title: "GitLab pipeline trigger token",
        find: Find::Literal(&["glptt-"]),
        pattern: r"(glptt-[0-9A-Za-z_-]{20,40})(?:[^0-9A-Za-z_.-]|\.[^0-9a-z]|\z)",
        shown: 6,
        rotate: "revoke the token in GitLab where it was made",
        ..TOKEN
    },
    SecretRule {
        id: "gitlab-runner-registration-token",
        title: "GitLab runner registration token",
        find: Find::Literal(&["GR1348941"]),
        pattern: r"(GR1348941[0-9A-Za-z_-]{20})(?:[^0-9A-Za-z_.-]|\.[^0-9a-z]|\z)",
        shown: 9,
        rotate: "revoke the token in GitLab where it was made",
        ..TOKEN
    },
    SecretRule {
        id: "gitlab-runner-authentication-token",
        title: "GitLab runner authentication token",
        find: Find::Literal(&["glrt-"]),
        pattern: r"(glrt-[0-9A-Za-z_-]{20,26})(?:[^0-9A-Za-z_.-]|\.[^0-9a-z]|\z)",
        shown: 5,
        rotate: "revoke the token in GitLab where it was made",
        ..TOKEN
    },
    SecretRule {
        id: "gitlab-deploy-token",
        title: "GitLab deploy token",
        find: Find::Literal(&["gldt-"]),
        pattern: r"(gldt-[0-9A-Za-z_-]{20})(?:[^0-9A-Za-z_.-]|\.[^0-9a-z]|\z)",
        shown: 5,
        rotate: "revoke the token in GitLab where it was made",
        ..TOKEN
    },
    SecretRule {
        id: "gitlab-feed-token",
        title: "GitLab feed token",
        severity: Medium,
        find: Find::Literal(&["glft-"]),
        pattern: r"(glft-[0-9A-Za-z_-]{20})(?:[^0-9A-Za-z_.-]|\.[^0-9a-z]|\z)",
        shown: 5,
        rotate: "revoke the token in GitLab where it was made",
        ..TOKEN
    },
    SecretRule {
        id: "gitlab-incoming-mail-token",
        title: "GitLab incoming mail token",
        severity: Medium,
        find: Find::Literal(&["glimt-"]),
        pattern: r"(glimt-[0-9A-Za-z_-]{20,25})(?:[^0-9A-Za-z_.-]|\.[^0-9a-z]|\z)",
        shown: 6,
        rotate: "revoke the token in GitLab where it was made",
        ..TOKEN
    },
    SecretRule {
        id: "gitlab-kubernetes-agent-token",
        title: "GitLab agent token",
        find: Find::Literal(&["glagent-"]),
        pattern: r"(glagent-[0-9A-Za-z_-]{20,50})(?:[^0-9A-Za-z_.-]|\.[^0-9a-z]|\z)",
        shown: 8,
        rotate: "revoke the token in GitLab where it was made",
        ..TOKEN
    },
    SecretRule {
        id: "gitlab-oauth-app-secret",
        title: "GitLab OAuth application secret",
        find: Find::Literal(&["gloas-"]),
        pattern: r"(gloas-[0-9A-Za-z_-]{20,64})(?:[^0-9A-Za-z_.-]|\.[^0-9a-z]|\z)",
        shown: 6,
        rotate: "revoke the token in GitLab where it was made",
        ..TOKEN
    },
    SecretRule {
        id: "gitlab-feature-flag-client-token",
        title: "GitLab feature flag client token",
        severity: Medium,
        find: Find::Literal(&["glffct-"]),
        pattern: r"(glffct-[0-9A-Za-z_-]{20})(?:[^0-9A-Za-z_.-]|\.[^0-9a-z]|\z)",
        shown: 7,
        rotate: "revoke the token in GitLab where it was made",
        ..TOKEN
    },
    SecretRule {
        id: "gitlab-scim-token",
        title: "GitLab SCIM token",
        find: Find::Literal(&["glsoat-"]),
        pattern: r"(glsoat-[0-9A-Za-z_-]{20})(?:[^0-9A-Za-z_.-]|\.[^0-9a-z]|\z)",
        shown: 7,
        rotate: "revoke the token in GitLab where it was made",
        ..TOKEN
    },
    SecretRule {
        id: "gitlab-cicd-job-token",
        title: "GitLab job token",
        severity: Medium,
        find: Find::Literal(&["glcbt-"]),
        pattern: "glcbt-[0-9a-zA-Z]{1,5}_[0-9a-zA-Z_-]{20}",
        shown: 6,
        rotate: "it ends with its job",
        ..TOKEN
    },
    SecretRule {
        id: "gitlab-session-cookie",
        title: "GitLab session cookie",
        severity: Medium,
        find: Find::TextLiteral(&["_gitlab_session="]),
        pattern: "_gitlab_session=([0-9a-z]{32})",
        rotate: "sign out of GitLab",
        ..TOKEN
    },
];
