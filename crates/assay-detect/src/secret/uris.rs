//! Connection strings: addresses with a user and a password (RFC 3986, section 3.2.1).

use super::check::{password, strong_password};
use super::rule::{Find, SecretRule, TOKEN, Within, never};

/// The rules, the more specific first.
pub(super) const RULES: &[SecretRule] = &[
    SecretRule {
        id: "database-uri",
        title: "database address with a password",
        find: Find::TextLiteral(&[
            "postgres://",
            "postgresql://",
            "postgresql+",
            "mysql://",
            "mysql2://",
            "mysql+",
            "mariadb://",
            "mongodb://",
            "mongodb+srv://",
            "redis://",
            "rediss://",
            "amqp://",
            "amqps://",
            "mssql://",
            "mssql+",
            "clickhouse://",
            "sqlserver://",
            "cockroachdb://",
        ]),
        pattern: r#"[a-z0-9+]{3,20}://[^\s:/@"'<>`]{0,64}:([^\s:/@"'<>`]{4,128})@[A-Za-z0-9_.\[-]+"#,
        entropy: 2.0,
        valid: password,
        placeholder: never,
        within: Within::Own,
        rotate: "change the password of the database user",
        ..TOKEN
    },
    SecretRule {
        id: "uri-password",
        title: "address with a password",
        find: Find::TextLiteral(&["://"]),
        pattern: r#"[A-Za-z][A-Za-z0-9+.-]{1,20}://[^\s:/@"'<>`?#]{1,64}:([^\s:/@"'<>`?#]{6,128})@[A-Za-z0-9_-]+[A-Za-z0-9_.:-]*"#,
        before: 21,
        entropy: 2.5,
        valid: strong_password,
        placeholder: never,
        within: Within::Own,
        rotate: "change the password",
        ..TOKEN
    },
];
