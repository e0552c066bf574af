//! Secrets in files and image configurations: the rules, as data, and the engine that applies them.
//!
//! A secret that was found is never passed on. A [`Hit`] has the rule, the place, the public prefix and the length, and nothing computed
//! from the rest: no digest, which a short password would not survive.

mod analyzer;
mod archive;
mod atlassian;
mod aws;
mod azure;
mod check;
mod cloud;
mod development;
mod generic;
mod github;
mod gitlab;
mod google;
mod identity;
mod image;
mod keys;
mod media;
mod messaging;
mod models;
mod monitoring;
mod packages;
mod payments;
mod rule;
mod scan;
mod tokens;
mod uris;

pub(crate) use analyzer::DETECTOR;
pub use analyzer::redact;
pub use image::{ImageHit, in_image};
pub use rule::{Find, SecretRule, Within};
pub use scan::{Hit, Hits, Scanner};

/// The rules by file, in the order of their precedence: what a provider's rule says goes before what a name alone suggests.
const FAMILIES: &[&[SecretRule]] = &[
    aws::RULES,
    google::RULES,
    azure::RULES,
    cloud::RULES,
    github::RULES,
    gitlab::RULES,
    atlassian::RULES,
    packages::RULES,
    development::RULES,
    identity::RULES,
    messaging::RULES,
    payments::RULES,
    monitoring::RULES,
    media::RULES,
    models::RULES,
    keys::RULES,
    tokens::RULES,
    uris::RULES,
    generic::RULES,
];

/// Returns all rules in the order of their precedence.
pub fn rules() -> impl Iterator<Item = &'static SecretRule> {
    FAMILIES.iter().copied().flatten()
}

/// Returns the rule with this identifier.
pub fn rule(id: &str) -> Option<&'static SecretRule> {
    rules().find(|rule| rule.id == id)
}
