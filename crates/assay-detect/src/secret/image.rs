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
    /// Where it stands.
    pub place: ImagePlace,
    /// What was found.
    pub hit: Hit,
}

/// A place in an image's configuration.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum ImagePlace {
    /// The environment variable of this name.
    Environment(String),
    /// The label of this name.
    Label(String),
    /// The entry point, the command or the health check.
    Command,
    /// The entry of the build history with this number, from 1.
    History(usize),
}

impl std::fmt::Display for ImagePlace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Environment(name) => write!(f, "environment variable `{name}`"),
            Self::Label(name) => write!(f, "label `{name}`"),
            Self::Command => f.write_str("command line"),
            Self::History(number) => write!(f, "build history, step {number}"),
        }
    }
}

/// Returns the secrets in the configuration of `image`, by place.
pub fn in_image(scanner: &Scanner, image: &Image) -> Vec<ImageHit> {
    let mut all = Vec::new();
    // The environment's values, so that its copies in the history are known; nothing of them is kept.
    let mut told: Vec<&str> = Vec::new();
    for setting in &image.config.env {
        let Some((name, value)) = setting.split_once('=') else { continue };
        let mut hits = scanner.settings(setting);
        hits.truncate(1);
        if hits.is_empty()
            && let Some(rule) = weak(name, value)
        {
            hits.push(scanner.hit(rule, value.as_bytes(), Some(name)));
        }
        if !hits.is_empty() {
            told.push(value);
        }
        let place = ImagePlace::Environment(shown(name));
        all.extend(hits.into_iter().map(|hit| ImageHit { place: place.clone(), hit }));
    }
    for (name, value) in &image.labels {
        let hits = scanner.settings(&format!("{name}={value}"));
        let place = ImagePlace::Label(shown(name));
        all.extend(hits.into_iter().map(|hit| ImageHit { place: place.clone(), hit }));
    }
    let config = &image.config;
    let mut commands: Vec<Hit> = Vec::new();
    for command in [&config.entrypoint, &config.command, &config.health_check] {
        commands.extend(scanner.settings(&command.join(" ")));
    }
    all.extend(commands.into_iter().map(|hit| ImageHit { place: ImagePlace::Command, hit }));
    for (index, step) in image.history.iter().enumerate() {
        let mut text = step.created_by.clone();
        for value in &told {
            text = text.replace(value, "");
        }
        let place = ImagePlace::History(index + 1);
        all.extend(scanner.settings(&text).into_iter().map(|hit| ImageHit { place: place.clone(), hit }));
    }
    for found in &mut all {
        // It is one line, whatever the text looks like.
        found.hit.line = None;
    }
    all
}

/// Returns a name as far as it is one: who writes a secret before the `=` gets no help from the report.
fn shown(name: &str) -> String {
    let good =
        name.len() <= 128 && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-./".contains(&byte));
    if good { name.to_owned() } else { "(not a name)".to_owned() }
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
