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

/// Takes the secrets out of what an image says of itself, so that whoever shows that shows none.
pub(super) fn redact(scanner: &Scanner, image: &mut Image) {
    /// What stands in the place of a secret.
    const STARS: &str = "********";
    let mut secrets: Vec<String> = Vec::new();
    let mut pairs: Vec<(String, String)> = Vec::new();
    let config = &image.config;
    let commands =
        [&config.entrypoint, &config.command, &config.health_check].map(|command| command.join(" "));
    let named = |(name, value): (&String, &String)| format!("{name}={value}");
    let steps = image.history.iter().map(|step| step.created_by.clone());
    let texts = config.env.iter().cloned().chain(image.labels.iter().map(named));
    let texts = texts.chain(image.annotations.iter().map(named)).chain(commands).chain(steps);
    for text in texts.chain(image.layers.iter().filter_map(|layer| layer.created_by.clone())) {
        secrets.extend(scanner.secrets_in(&text).into_iter().map(str::to_owned));
    }
    for setting in &config.env {
        // A weak password is a word that stands elsewhere, too: it is replaced only behind its name.
        if let Some((name, value)) = setting.split_once('=')
            && weak(name, value).is_some()
        {
            for quote in ["", "\"", "'"] {
                let pair = |value: &str| format!("{name}={quote}{value}{quote}");
                pairs.push((pair(value), pair(STARS)));
            }
        }
    }
    if secrets.is_empty() && pairs.is_empty() {
        return;
    }
    // What holds another comes first.
    secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
    secrets.dedup();
    let clean = |text: &mut String| {
        for secret in
            secrets.iter().filter(|secret| secret.len() >= 4 && text.contains(*secret)).collect::<Vec<_>>()
        {
            *text = text.replace(secret, STARS);
        }
        for (pair, instead) in &pairs {
            if text.contains(pair) {
                *text = text.replace(pair, instead);
            }
        }
    };
    let config = &mut image.config;
    let lists = [&mut config.env, &mut config.entrypoint, &mut config.command, &mut config.health_check];
    lists.into_iter().flatten().for_each(clean);
    image.labels.values_mut().chain(image.annotations.values_mut()).for_each(clean);
    image.history.iter_mut().map(|step| &mut step.created_by).for_each(clean);
    image.layers.iter_mut().filter_map(|layer| layer.created_by.as_mut()).for_each(clean);
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
