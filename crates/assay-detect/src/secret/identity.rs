//! Identity and secret managers: 1Password, Okta, Authress, age; networks: Cloudflare, Fastly.

use super::rule::{Find, SecretRule, TOKEN, VALUE, never};
use super::scan::checksum::bech32;
use assay_model::Severity::{Critical, Medium};

/// The rules, the more specific first.
pub(super) const RULES: &[SecretRule] = &[
    SecretRule {
        id: "1password-secret-key",
        title: "1Password secret key",
        severity: Critical,
        find: Find::Start(&["A3-"]),
        pattern: "A3-[A-Z0-9]{6}-(?:[A-Z0-9]{11}|[A-Z0-9]{6}-[A-Z0-9]{5})-[A-Z0-9]{5}-[A-Z0-9]{5}-[A-Z0-9]{5}",
        shown: 3,
        entropy: 3.6,
        rotate: "regenerate the secret key in the 1Password account",
        ..TOKEN
    },
    SecretRule {
        id: "1password-service-account-token",
        title: "1Password service account token",
        severity: Critical,
        find: Find::Literal(&["ops_eyJ"]),
        pattern: "ops_eyJ[A-Za-z0-9+/_-]{250,}={0,3}",
        reach: 2 << 10,
        shown: 7,
        placeholder: never,
        rotate: "revoke the token of the service account in 1Password",
        ..TOKEN
    },
    SecretRule {
        id: "age-secret-key",
        title: "age identity",
        find: Find::Literal(&["AGE-SECRET-KEY-1"]),
        pattern: "AGE-SECRET-KEY-1[QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L]{58}",
        shown: 16,
        valid: bech32,
        placeholder: never,
        rotate: "encrypt the files anew to another identity",
        ..TOKEN
    },
    SecretRule {
        id: "okta-access-token",
        title: "Okta token",
        find: Find::Assigned(&["okta"]),
        pattern: "00[A-Za-z0-9_-]{40}",
        rotate: "revoke the token in the Okta admin console",
        ..VALUE
    },
    SecretRule {
        id: "authress-service-client-access-key",
        title: "Authress service client key",
        find: Find::Literal(&[".acc_", ".acc-"]),
        pattern: r"(?:sc|ext|scauth|authress)_[A-Za-z0-9]{5,30}\.[A-Za-z0-9]{4,6}\.acc[_-][A-Za-z0-9-]{10,32}\.[A-Za-z0-9+/_=-]{30,120}",
        before: 46,
        rotate: "delete the access key of the service client",
        ..TOKEN
    },
    SecretRule {
        id: "cloudflare-api-key",
        title: "Cloudflare API token",
        find: Find::Assigned(&["cloudflare"]),
        pattern: "[A-Za-z0-9_-]{40}",
        rotate: "roll the token in the Cloudflare profile",
        ..VALUE
    },
    SecretRule {
        id: "cloudflare-global-api-key",
        title: "Cloudflare global API key",
        severity: Critical,
        find: Find::Assigned(&["cloudflare"]),
        pattern: "[a-f0-9]{37}",
        rotate: "change the global key in the Cloudflare profile",
        ..VALUE
    },
    SecretRule {
        id: "cloudflare-origin-ca-key",
        title: "Cloudflare origin CA key",
        find: Find::Literal(&["v1.0-"]),
        pattern: r"v1\.0-[a-f0-9]{24}-[a-f0-9]{146}",
        rotate: "change the origin CA key in the Cloudflare profile",
        ..TOKEN
    },
    SecretRule {
        id: "fastly-api-token",
        title: "Fastly token",
        find: Find::Assigned(&["fastly"]),
        pattern: "[A-Za-z0-9=_-]{32}",
        rotate: "delete the token in the Fastly account",
        ..VALUE
    },
    SecretRule {
        id: "cisco-meraki-api-key",
        title: "Cisco Meraki API key",
        find: Find::Assigned(&["meraki"]),
        pattern: "[0-9a-f]{40}",
        rotate: "revoke the key in the Meraki profile",
        ..VALUE
    },
    SecretRule {
        id: "defined-networking-api-token",
        title: "Defined Networking token",
        find: Find::Literal(&["dnkey-"]),
        pattern: "dnkey-[A-Za-z0-9=_-]{26}-[A-Za-z0-9=_-]{52}",
        shown: 6,
        rotate: "delete the key in the Defined Networking admin",
        ..TOKEN
    },
    SecretRule {
        id: "maxmind-license-key",
        title: "MaxMind licence key",
        severity: Medium,
        find: Find::Literal(&["_mmk"]),
        pattern: "[A-Za-z0-9]{6}_[A-Za-z0-9]{29}_mmk",
        before: 36,
        rotate: "delete the licence key in the MaxMind account",
        ..TOKEN
    },
    SecretRule {
        id: "freemius-secret-key",
        title: "Freemius secret key",
        severity: Medium,
        find: Find::Assigned(&["freemius", "fs_", "secret_key"]),
        pattern: r"sk_[A-Za-z0-9\]~;@#$%^&*()<>{}|-]{29}",
        rotate: "regenerate the keys in the Freemius dashboard",
        ..VALUE
    },
    SecretRule {
        id: "privateai-api-token",
        title: "Private AI key",
        severity: Medium,
        find: Find::Literal(&["x-private-ai-key"]),
        pattern: r#"x-private-ai-key["']?\s*[:=]\s*["']?([a-z0-9]{32})"#,
        rotate: "ask Private AI for a new key",
        ..TOKEN
    },
    SecretRule {
        id: "private-ai-key-assigned",
        title: "Private AI key",
        severity: Medium,
        find: Find::Assigned(&["private_ai", "privateai", "private-ai"]),
        pattern: "[a-z0-9]{32}",
        rotate: "ask Private AI for a new key",
        ..VALUE
    },
];
