//! Google: API keys, service accounts, OAuth clients and tokens; Looker.
//!
//! A service account's key is a JSON file (<https://cloud.google.com/iam/docs/keys-create-delete>); it is told by the two members that stand
//! beside each other in it.

use super::check::private_key;
use super::rule::{Find, SecretRule, TOKEN, VALUE, Within, never};
use assay_model::Severity::{Critical, Low, Medium};

/// The rules, the more specific first.
pub(super) const RULES: &[SecretRule] = &[
    SecretRule {
        id: "gcp-service-account",
        title: "Google Cloud service account key",
        severity: Critical,
        find: Find::TextLiteral(&[r#""private_key_id""#]),
        pattern: r#""private_key_id"\s*:\s*"[0-9a-f]{20,64}"\s*,\s*"private_key"\s*:\s*"(-----BEGIN (?:RSA )?PRIVATE KEY-----[^"]{100,}?)""#,
        reach: 8 << 10,
        valid: private_key,
        placeholder: never,
        rotate: "delete the key of the service account in Google Cloud IAM and look for its use in the audit log",
        ..TOKEN
    },
    SecretRule {
        id: "gcp-api-key",
        title: "Google API key",
        severity: Medium,
        find: Find::Literal(&["AIza"]),
        pattern: "AIza[0-9A-Za-z_-]{35}",
        shown: 4,
        entropy: 3.8,
        within: Within::Own,
        rotate: "restrict or delete the key in the Google Cloud console under credentials",
        ..TOKEN
    },
    SecretRule {
        id: "google-oauth-client-secret",
        title: "Google OAuth client secret",
        find: Find::Literal(&["GOCSPX-"]),
        pattern: "GOCSPX-[A-Za-z0-9_-]{28}",
        shown: 7,
        rotate: "reset the client secret in the Google Cloud console",
        ..TOKEN
    },
    SecretRule {
        id: "google-oauth-access-token",
        title: "Google OAuth access token",
        severity: Medium,
        find: Find::Literal(&["ya29."]),
        pattern: r"ya29\.[0-9A-Za-z_-]{60,}",
        shown: 5,
        rotate: "it ends within an hour; revoke the grant at myaccount.google.com/permissions",
        ..TOKEN
    },
    SecretRule {
        id: "google-oauth-refresh-token",
        title: "Google OAuth refresh token",
        find: Find::Literal(&["1//0"]),
        pattern: "1//0[A-Za-z0-9_-]{60,128}",
        shown: 4,
        entropy: 4.2,
        rotate: "revoke the grant at myaccount.google.com/permissions",
        ..TOKEN
    },
    SecretRule {
        id: "looker-client-secret",
        title: "Looker client secret",
        find: Find::Assigned(&["looker"]),
        pattern: "[A-Za-z0-9]{24}",
        rotate: "delete the API key of the user in Looker and make a new one",
        ..VALUE
    },
    SecretRule {
        id: "looker-client-id",
        title: "Looker client identifier",
        severity: Low,
        find: Find::Assigned(&["looker"]),
        pattern: "[A-Za-z0-9]{20}",
        rotate: "delete the API key of the user in Looker and make a new one",
        ..VALUE
    },
];
