//! Samples of every rule: texts in which it must find something, and near misses.
//!
//! No token stands in these files, which scanners of repositories read too: a sample says what a token is made of, and a test draws it.
//!
//! | piece | becomes |
//! |---|---|
//! | `<a:20>` | twenty random letters and digits; `A` letters, `l` lower-case letters and digits, `u` upper-case letters and digits, `h` and `X` hexadecimal digits, `d` digits, `n` digits without a leading zero, `w` letters, digits, `_` and `-`, `b` base64, `k` and `q` base32 |
//! | `<b64:14>` | base64 of fourteen random letters and digits |
//! | `<uuid>` | a UUID |
//! | `<crc62>`, `<crc36>` | the checksum of the token before it, as GitHub and GitLab compute it |
//! | `<bech32:AGE-SECRET-KEY->` | an age identity |
//! | `<basic>` | base64 of a user and a password |
//! | `<jwt>` | a JSON Web Token |
//! | `<openssh>` | the body of an OpenSSH key |
//! | `<hex:3082>` | these bytes |
//!
//! The first line of a sample of a rule for whole files is the path.

mod atlassian;
mod aws;
mod azure;
mod cloud;
mod development;
mod generic;
mod github;
mod gitlab;
mod google;
mod identity;
mod keys;
mod media;
mod messaging;
mod models;
mod monitoring;
mod packages;
mod payments;
mod tokens;
mod uris;

/// What a rule finds and what it does not.
pub(super) struct Sample {
    /// The rule.
    pub(super) rule: &'static str,
    /// Texts in which it finds something.
    pub(super) hits: &'static [&'static str],
    /// Texts in which it finds nothing.
    pub(super) misses: &'static [&'static str],
}

/// The samples by file.
pub(super) const SAMPLES: &[&[Sample]] = &[
    aws::SAMPLES,
    google::SAMPLES,
    azure::SAMPLES,
    cloud::SAMPLES,
    github::SAMPLES,
    gitlab::SAMPLES,
    atlassian::SAMPLES,
    packages::SAMPLES,
    development::SAMPLES,
    identity::SAMPLES,
    messaging::SAMPLES,
    payments::SAMPLES,
    monitoring::SAMPLES,
    media::SAMPLES,
    models::SAMPLES,
    keys::SAMPLES,
    tokens::SAMPLES,
    uris::SAMPLES,
    generic::SAMPLES,
];
