//! Differences of manifests and configurations: JSON documents, of which every member that differs is named.

use super::{Build, Cause, Comparison, Difference, Level};
use assay_model::Image;
use serde_json::Value;
use std::collections::BTreeSet;

/// Letters of a value that are shown.
const MAX_SHOWN: usize = 200;
/// Objects in objects; real documents have five.
const MAX_DEPTH: usize = 32;

/// Compares the manifests, but for what follows from configuration and layers.
pub(super) fn manifests(old: &Build<'_>, new: &Build<'_>, result: &mut Comparison) {
    let read = |bytes: &Option<Vec<u8>>| serde_json::from_slice(bytes.as_deref()?).ok();
    let (Some(first), Some(second)) = (read(&old.manifest), read(&new.manifest)) else { return };
    let mut walk = Walk { level: Level::Manifest, judge: of_manifest, result };
    walk.compare("", &first, &second, 0);
}

/// Compares the configurations.
pub(super) fn configs(old: &Build<'_>, new: &Build<'_>, result: &mut Comparison) {
    let read = |bytes: &Option<Vec<u8>>| serde_json::from_slice(bytes.as_deref()?).ok();
    let (first, second) = match (read(&old.config), read(&new.config)) {
        (Some(first), Some(second)) => (first, second),
        // An engine or archive that gives no document gives what was read of it.
        _ => (of_image(old.image.image()), of_image(new.image.image())),
    };
    let mut walk = Walk { level: Level::Config, judge: of_config, result };
    walk.compare("", &first, &second, 0);
}

fn of_image(image: &Image) -> Value {
    let config = &image.config;
    serde_json::json!({
        "created": image.created.map(|time| time.to_string()),
        "config": {
            "User": config.user, "Env": config.env, "Entrypoint": config.entrypoint, "Cmd": config.command,
            "WorkingDir": config.working_dir, "ExposedPorts": config.exposed_ports,
            "Healthcheck": config.health_check, "Labels": image.labels,
        },
        "history": image.history.iter().map(|step| &step.created_by).collect::<Vec<_>>(),
        "platform": image.platform.as_ref().map(ToString::to_string),
    })
}

/// Says why a member of a manifest differs; `None` for what follows from something else.
fn of_manifest(path: &str) -> Option<Cause> {
    let mut parts = path.trim_start_matches('/').split('/');
    match (parts.next(), parts.next(), parts.next()) {
        // Digest and size of what is compared below.
        (Some("config"), Some("digest" | "size"), _) | (Some("layers"), _, Some("digest" | "size")) => None,
        (Some("layers"), Some(_), Some("mediaType")) => Some(Cause::Compression),
        (Some("annotations"), Some("org.opencontainers.image.created"), _) => Some(Cause::Timestamp),
        (Some("annotations"), ..) => Some(Cause::Annotation),
        // Tables of contents are named by their digest.
        (Some("layers"), Some(_), Some("annotations")) => None,
        _ => Some(Cause::ArchiveFormat),
    }
}

/// Says why a member of a configuration differs.
fn of_config(path: &str) -> Option<Cause> {
    let mut parts = path.trim_start_matches('/').split('/');
    match (parts.next(), parts.next(), parts.next()) {
        (Some("rootfs"), ..) => None,
        (Some("created"), ..) | (Some("history"), Some(_), Some("created")) => Some(Cause::Timestamp),
        (Some("history"), ..) => Some(Cause::History),
        (Some("config" | "container_config"), Some("Labels"), Some(name)) => {
            let is_time = name.ends_with(".created") || name.ends_with("build-date");
            Some(if is_time { Cause::Timestamp } else { Cause::Annotation })
        }
        // What Docker's old builder left behind: the container it built in.
        (Some("container" | "container_config" | "id" | "parent"), ..)
        | (Some("config"), Some("Hostname" | "Image"), _) => Some(Cause::BuildId),
        (Some("docker_version" | "moby.buildkit.buildinfo.v1" | "author"), ..) => Some(Cause::History),
        _ => Some(Cause::Setting),
    }
}

struct Walk<'a> {
    level: Level,
    judge: fn(&str) -> Option<Cause>,
    result: &'a mut Comparison,
}

impl Walk<'_> {
    fn compare(&mut self, path: &str, old: &Value, new: &Value, depth: usize) {
        if old == new {
            return;
        }
        // Each member of what only one side has may have a cause of its own.
        let none = Value::Object(serde_json::Map::new());
        let (old, new) = match (old, new) {
            (Value::Object(_), Value::Null) if depth < MAX_DEPTH => (old, &none),
            (Value::Null, Value::Object(_)) if depth < MAX_DEPTH => (&none, new),
            other => other,
        };
        match (old, new) {
            (Value::Object(first), Value::Object(second)) if depth < MAX_DEPTH => {
                let names: BTreeSet<&String> = first.keys().chain(second.keys()).collect();
                for name in names {
                    let (old, new) = (first.get(name), second.get(name));
                    self.compare(
                        &format!("{path}/{name}"),
                        old.unwrap_or(&Value::Null),
                        new.unwrap_or(&Value::Null),
                        depth.saturating_add(1),
                    );
                }
            }
            (Value::Array(first), Value::Array(second)) if depth < MAX_DEPTH => {
                let sorted = |list: &[Value]| {
                    let mut texts: Vec<String> = list.iter().map(Value::to_string).collect();
                    texts.sort();
                    texts
                };
                if first.len() == second.len() && sorted(first) == sorted(second) {
                    if (self.judge)(path).is_some() {
                        self.add(path, Cause::Order, old, new);
                    }
                    return;
                }
                let most = first.len().max(second.len());
                for at in 0..most {
                    let (old, new) = (first.get(at), second.get(at));
                    self.compare(
                        &format!("{path}/{at}"),
                        old.unwrap_or(&Value::Null),
                        new.unwrap_or(&Value::Null),
                        depth.saturating_add(1),
                    );
                }
            }
            _ => {
                if let Some(cause) = (self.judge)(path) {
                    self.add(path, cause, old, new);
                }
            }
        }
    }

    fn add(&mut self, path: &str, cause: Cause, old: &Value, new: &Value) {
        let path = path.trim_start_matches('/').replace('/', ".");
        let level = self.level;
        self.result.add(Difference { level, cause, layer: None, path, old: shown(old), new: shown(new) });
    }
}

fn shown(value: &Value) -> String {
    let text = match value {
        Value::Null => "nothing".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    if text.chars().count() > MAX_SHOWN {
        let start: String = text.chars().take(MAX_SHOWN).collect();
        return format!("{start}…");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn causes(old: &Value, new: &Value) -> Vec<(String, Cause)> {
        let mut result = Comparison::default();
        let mut walk = Walk { level: Level::Config, judge: of_config, result: &mut result };
        walk.compare("", old, new, 0);
        result.differences.into_iter().map(|one| (one.path, one.cause)).collect()
    }

    #[test]
    fn members_that_differ_are_named_with_their_cause() {
        let old = json!({"created": "2024-01-01T00:00:00Z", "rootfs": {"diff_ids": ["a"]},
            "config": {"Env": ["A=1", "B=2"], "User": "root", "Labels": {"x": "1", "org.opencontainers.image.created": "1"}},
            "history": [{"created": "1", "created_by": "RUN a"}]});
        let new = json!({"created": "2024-01-02T00:00:00Z", "rootfs": {"diff_ids": ["b"]},
            "config": {"Env": ["B=2", "A=1"], "Labels": {"x": "2", "org.opencontainers.image.created": "2"}},
            "history": [{"created": "2", "created_by": "RUN b"}, {"created": "3"}]});
        let found = causes(&old, &new);
        let expected = [
            ("config.Env", Cause::Order),
            ("config.Labels.org.opencontainers.image.created", Cause::Timestamp),
            ("config.Labels.x", Cause::Annotation),
            ("config.User", Cause::Setting),
            ("created", Cause::Timestamp),
            ("history.0.created", Cause::Timestamp),
            ("history.0.created_by", Cause::History),
            ("history.1.created", Cause::Timestamp),
        ];
        let expected: Vec<_> = expected.iter().map(|(path, cause)| ((*path).to_owned(), *cause)).collect();
        assert_eq!(found, expected);
        assert_eq!(causes(&old, &old), []);
    }
}
