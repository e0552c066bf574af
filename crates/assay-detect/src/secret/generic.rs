//! Secrets of no known kind: values assigned to names for secrets and for passwords.
//!
//! These find most and err most, so that they ask most: only files of settings and text in quotes, nothing that a package manager
//! unpacked, and values that look drawn at random or like a password that was thought of.

use super::rule::{Find, SecretRule, TOKEN, VALUE, Within, never};
use assay_model::Severity::Medium;

/// The rules.
pub(super) const RULES: &[SecretRule] = &[*SECRET, *PASSWORD];

/// A value of a name for secrets.
pub(super) const SECRET: &SecretRule = &SecretRule {
    id: "secret-assignment",
    title: "secret",
    severity: Medium,
    find: Find::Generic,
    pattern: "[A-Za-z0-9_+/=.~-]{16,200}",
    entropy: 3.5,
    within: Within::Own,
    rotate: "replace the secret where it was made, and pass it at run time",
    ..VALUE
};

/// A value of a name for passwords.
pub(super) const PASSWORD: &SecretRule = &SecretRule {
    id: "password-assignment",
    title: "password",
    severity: Medium,
    find: Find::Password,
    pattern: r"[\x20-\x7e]{6,128}",
    entropy: 2.2,
    placeholder: never,
    within: Within::Own,
    rotate: "change the password, and pass it at run time",
    ..TOKEN
};
