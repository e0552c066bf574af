//! Tokens of no provider: JSON Web Tokens (RFC 7519), authorisation headers, commands with credentials.
//!
//! A JWT's first part is a JSON object in base64, so that it starts with one of a few texts, whatever its members' order.

use super::check::{basic, jwt, kubernetes, password, random, user_password};
use super::rule::{Find, SecretRule, TOKEN, Within, never};
use assay_model::Severity::Medium;

/// The rules, the more specific first.
pub(super) const RULES: &[SecretRule] = &[
    SecretRule {
        id: "jwt",
        title: "JSON Web Token",
        severity: Medium,
        find: Find::Literal(&[
            "eyJhbGci", "eyJ0eXAi", "eyJraWQi", "eyJ4NXQi", "eyJjdHki", "eyJlbmMi", "eyJ6aXAi", "eyJqa3Ui",
            "ewogICJ", "ewoJIm",
        ]),
        pattern: r"e[yw][A-Za-z0-9_-]{16,2000}\.e[yw][A-Za-z0-9_-]{16,8000}\.[A-Za-z0-9_-]{20,2000}",
        reach: 12 << 10,
        entropy: 4.0,
        valid: jwt,
        within: Within::Own,
        rotate: "end the session or rotate the key that signs, where the token does not expire soon",
        ..TOKEN
    },
    SecretRule {
        id: "curl-auth-header",
        title: "authorisation header of a curl command",
        severity: Medium,
        find: Find::TextLiteral(&["curl "]),
        pattern: r#"curl [^\n]{0,300}?(?:-H|--header)[= ]?\\?["'](?:[Aa]uthorization: ?(?:[Bb]asic|[Bb]earer|[Tt]oken) |[Xx]-[A-Za-z-]{0,30}(?:[Kk]ey|[Tt]oken): ?)([A-Za-z0-9+/=_.~-]{16,400})"#,
        reach: 1 << 10,
        entropy: 3.5,
        valid: random,
        within: Within::Own,
        rotate: "revoke the token where it was made",
        ..TOKEN
    },
    SecretRule {
        id: "curl-auth-user",
        title: "user and password of a curl command",
        find: Find::TextLiteral(&["curl "]),
        pattern: r#"curl [^\n]{0,300}?(?:-u|--user)[= ]\\?["']?([^\s"':$<{]{1,64}:[^\s"'$<{]{3,128})"#,
        entropy: 2.5,
        valid: user_password,
        placeholder: never,
        within: Within::Own,
        rotate: "change the password",
        ..TOKEN
    },
    SecretRule {
        id: "basic-auth",
        title: "basic authorisation header",
        severity: Medium,
        find: Find::TextLiteral(&["Basic "]),
        pattern: "Basic ([A-Za-z0-9+/]{12,400}={0,2})",
        entropy: 2.5,
        valid: basic,
        within: Within::Own,
        rotate: "change the password",
        ..TOKEN
    },
    SecretRule {
        id: "netrc-password",
        title: "password in a `.netrc` file",
        find: Find::TextLiteral(&["machine "]),
        pattern: r"machine\s+[A-Za-z0-9._-]+\s+login\s+\S+\s+password\s+(\S{4,200})",
        entropy: 2.0,
        valid: password,
        placeholder: never,
        within: Within::Own,
        rotate: "change the password",
        ..TOKEN
    },
    SecretRule {
        id: "pgpass-file",
        title: "password file of PostgreSQL",
        find: Find::File(&[".pgpass"]),
        pattern: r"\A(?:#[^\n]*\n)*[^:\n]+:[^:\n]+:[^:\n]+:[^:\n]+:[^\n]+",
        rotate: "change the passwords",
        ..TOKEN
    },
    SecretRule {
        id: "kubernetes-secret",
        title: "Kubernetes Secret with data",
        find: Find::TextLiteral(&["kind: Secret", r#"kind: "Secret""#]),
        pattern: r#"(?:kind: "?Secret"?\s*\n(?:[^\n-][^\n]*\n|\s*\n){0,30}?(?:data|stringData):\s*\n(?:\s*#[^\n]*\n)*\s+"?[A-Za-z0-9_.-]+"?:[ ]*["']?([A-Za-z0-9+/]{8,}={0,2})|\n(?:data|stringData):\s*\n(?:\s*#[^\n]*\n)*\s+"?[A-Za-z0-9_.-]+"?:[ ]*["']?([A-Za-z0-9+/]{8,}={0,2})["']?\s*\n(?:[^\n-][^\n]*\n){0,60}?kind: "?Secret)"#,
        before: 4096,
        reach: 4 << 10,
        entropy: 2.5,
        valid: kubernetes,
        placeholder: never,
        within: Within::Own,
        rotate: "change what the Secret holds, and keep it out of images",
        ..TOKEN
    },
];
