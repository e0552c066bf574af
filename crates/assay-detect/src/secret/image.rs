//! Secrets in an image's configuration: environment, labels, command lines and build history.
//!
//! What stands there is readable for everybody who can pull the image, without reading a layer. In the environment a weak password counts,
//! too: whoever starts the image without setting it has it. Histories repeat the environment; what was found there is not said again.

use super::generic;
use super::rule::SecretRule;
use super::scan::{Hit, Promise, Scanner, promise};
use assay_model::Image;

/// A secret in an image's configuration.
#[derive(Debug, Clone, PartialEq)]
pub struct ImageHit {
    /// Where it stands, as a pointer into the configuration: `config.json#/config/Env/3`.
    pub pointer: String,
    /// What was found.
    pub hit: Hit,
}

/// Returns the secrets in the configuration of `image`, by place.
pub fn in_image(scanner: &Scanner, image: &Image) -> Vec<ImageHit> {
    let mut all = Vec::new();
    let mut add = |pointer: String, hits: Vec<Hit>| {
        // It is one line, whatever the text looks like.
        all.extend(
            hits.into_iter().map(|hit| ImageHit { pointer: pointer.clone(), hit: Hit { line: None, ..hit } }),
        );
    };
    // The environment's values, so that their copies in the history are known; nothing of them is kept.
    let mut told: Vec<&str> = Vec::new();
    for (index, setting) in image.config.env.iter().enumerate() {
        let Some((name, value)) = setting.split_once('=') else { continue };
        let mut hits = scanner.settings(setting);
        hits.truncate(1);
        if hits.is_empty()
            && let Some(rule) = weak(name, value)
        {
            hits.push(scanner.hit(rule, value.as_bytes(), Some(name)));
        }
        for hit in &mut hits {
            told.push(value);
            hit.name = scanner.hit(hit.rule, b"", Some(name)).name;
        }
        add(format!("config.json#/config/Env/{index}"), hits);
    }
    for (name, value) in &image.labels {
        let hits = scanner.settings(&format!("{name}={value}"));
        add(format!("config.json#/config/Labels/{}", shown(name)), hits);
    }
    let config = &image.config;
    for (member, command) in
        [("Entrypoint", &config.entrypoint), ("Cmd", &config.command), ("Healthcheck", &config.health_check)]
    {
        add(format!("config.json#/config/{member}"), scanner.settings(&command.join(" ")));
    }
    for (index, step) in image.history.iter().enumerate() {
        let mut text = step.created_by.clone();
        for value in &told {
            text = text.replace(value, "");
        }
        add(format!("config.json#/history/{index}/created_by"), scanner.settings(&text));
    }
    all
}

/// Returns a name as part of a pointer (RFC 6901), as far as it is one: who writes a secret there gets no help from the report.
fn shown(name: &str) -> String {
    let good =
        name.len() <= 128 && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-./".contains(&byte));
    if good { name.replace('/', "~1") } else { "(not a name)".to_owned() }
}

/// Returns the rule for a value that is no strong secret, but is one by its name.
fn weak(name: &str, value: &str) -> Option<&'static SecretRule> {
    let rule = match promise(name) {
        Promise::Password => generic::PASSWORD,
        Promise::Secret => generic::SECRET,
        Promise::Nothing | Promise::Perhaps => return None,
    };
    let plain = value.trim();
    let lower = plain.to_ascii_lowercase();
    // Paths, addresses, references and switches stand in variables of such names, too.
    let other = plain.starts_with(['/', '$', '<', '%', '{', '@'])
        || plain.contains("://")
        || plain.contains("/run/secrets")
        || plain.contains(' ')
        || [
            "true", "false", "yes", "no", "on", "off", "none", "null", "nil", "file", "random", "required",
            "unset",
        ]
        .contains(&lower.as_str())
        || plain.chars().all(|letter| "*xX.-_?".contains(letter))
        || plain.len() < 3
        || (plain.len() < 4 && plain.bytes().all(|byte| byte.is_ascii_digit()));
    (!other).then_some(rule)
}
