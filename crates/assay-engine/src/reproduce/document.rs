//! Differences of manifests and configurations: JSON documents, of which every member that differs is named.
//!
//! Surprising: a member that only follows from something that is compared elsewhere (the digest of a layer that differs) is left
//! out, but only where that something does differ; and a list in another order is another list, unless order means nothing in it.

use super::{Build, Cause, Comparison, Difference, Level};
use assay_model::{Image, Timestamp};
use serde_json::Value;
use std::collections::BTreeSet;

/// Letters of a value that are shown.
const MAX_SHOWN: usize = 200;
/// Objects in objects; real documents have five.
const MAX_DEPTH: usize = 32;

/// Compares the manifests, but for what follows from configuration and layers.
pub(super) fn manifests(old: &Build<'_>, new: &Build<'_>, result: &mut Comparison) {
    let (Some(old), Some(new)) = (&old.manifest, &new.manifest) else { return };
    let (Ok(first), Ok(second)) = (serde_json::from_slice(old), serde_json::from_slice(new)) else {
        result.incomplete.push("the manifests: one of them is no JSON document".to_owned());
        return;
    };
    let is_other = |path: &str| {
        let digest = |document: &Value| document.pointer(path).and_then(|it| it.get("digest")).cloned();
        digest(&first) != digest(&second)
    };
    let judge = |path: &str, old: &Value, new: &Value| of_manifest(path, &is_other, old, new);
    let mut walk = Walk { level: Level::Manifest, judge: &judge, found: false, result };
    walk.compare("", &first, &second, 0);
    walk.finish(old, new, "manifest");
}

/// Compares the configurations.
pub(super) fn configs(old: &Build<'_>, new: &Build<'_>, result: &mut Comparison) {
    let (images, documents) = ((old.image.image(), new.image.image()), (&old.config, &new.config));
    let layers = |image: &Image| image.layers.iter().map(|layer| layer.digest).collect::<Vec<_>>();
    let (first, second) = (layers(images.0), layers(images.1));
    // Of layers without a digest nothing tells that they are the same before they are read.
    let is_other = |at: usize| first.get(at).copied().flatten().is_none() || first.get(at) != second.get(at);
    let judge = |path: &str, old: &Value, new: &Value| of_config(path, &is_other, old, new);
    let mut walk = Walk { level: Level::Config, judge: &judge, found: false, result };
    match documents {
        (Some(old), Some(new)) => {
            let (Ok(a), Ok(b)) = (serde_json::from_slice(old), serde_json::from_slice(new)) else {
                walk.result.incomplete.push("the configurations: one of them is no JSON document".to_owned());
                return;
            };
            walk.compare("", &a, &b, 0);
            walk.finish(old, new, "configuration");
        }
        // A source that gives no document gives what was read of it.
        _ => walk.compare("", &of_image(images.0), &of_image(images.1), 0),
    }
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

/// Annotations of a layer that name its table of contents by digest and place: they follow from its bytes.
const OF_CONTENTS: [&str; 6] = [
    "containerd.io/snapshot/stargz/toc.digest",
    "io.containers.estargz.uncompressed-size",
    "io.github.containers.zstd-chunked.manifest-checksum",
    "io.github.containers.zstd-chunked.manifest-position",
    "io.github.containers.zstd-chunked.tarsplit-checksum",
    "io.github.containers.zstd-chunked.tarsplit-position",
];

/// Types of a layer's archive, which differ by how it is compressed and by who writes them.
const LAYERS: [&str; 6] = [
    "application/vnd.oci.image.layer.v1.tar",
    "application/vnd.oci.image.layer.v1.tar+gzip",
    "application/vnd.oci.image.layer.v1.tar+zstd",
    "application/vnd.docker.image.rootfs.diff.tar",
    "application/vnd.docker.image.rootfs.diff.tar.gzip",
    "application/vnd.docker.image.rootfs.diff.tar.zstd",
];
/// The two types of a manifest, and of a configuration: OCI's and Docker's, with the same members.
const MANIFESTS: [&str; 2] =
    ["application/vnd.oci.image.manifest.v1+json", "application/vnd.docker.distribution.manifest.v2+json"];
const CONFIGS: [&str; 2] =
    ["application/vnd.oci.image.config.v1+json", "application/vnd.docker.container.image.v1+json"];

fn are_among(types: &[&str], old: &Value, new: &Value) -> bool {
    [old, new].iter().all(|value| value.as_str().is_some_and(|text| types.contains(&text)))
}

/// Says why a member of a manifest differs; `None` for what follows from something else. `is_other` tells whether the digest of
/// what stands at a path differs.
fn of_manifest(path: &str, is_other: &dyn Fn(&str) -> bool, old: &Value, new: &Value) -> Option<Cause> {
    let parts: Vec<String> = parts(path);
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    match parts.as_slice() {
        // Digest and size of what is compared below.
        ["config", "digest"] => None,
        ["layers", _, "digest"] => None,
        ["config", "size"] if is_other("/config") => None,
        ["layers", at, "size"] if is_other(&format!("/layers/{at}")) => None,
        ["layers", at, "annotations", name]
            if OF_CONTENTS.contains(name) && is_other(&format!("/layers/{at}")) =>
        {
            None
        }
        // A layer that only one build has is told below.
        ["layers", at, "mediaType"]
            if old.is_null() != new.is_null() && is_other(&format!("/layers/{at}")) =>
        {
            None
        }
        ["layers", _, "mediaType"] if are_among(&LAYERS, old, new) => Some(Cause::Compression),
        ["mediaType"] if are_among(&MANIFESTS, old, new) => Some(Cause::ArchiveFormat),
        ["config", "mediaType"] if are_among(&CONFIGS, old, new) => Some(Cause::ArchiveFormat),
        ["annotations", "org.opencontainers.image.created"] if are_times(old, new) => Some(Cause::Timestamp),
        ["annotations", ..] | ["layers", _, "annotations", ..] => Some(Cause::Annotation),
        _ => Some(Cause::Content),
    }
}

/// Says why a member of a configuration differs. `is_other` tells whether the layer at a place differs.
fn of_config(path: &str, is_other: &dyn Fn(usize) -> bool, old: &Value, new: &Value) -> Option<Cause> {
    let parts: Vec<String> = parts(path);
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    match parts.as_slice() {
        ["rootfs", "diff_ids", at] if at.parse().is_ok_and(is_other) => None,
        // The same layer cannot hold two different archives: one of the configurations is wrong.
        ["rootfs", "diff_ids", ..] => Some(Cause::Content),
        ["created"] | ["history", _, "created"] if are_times(old, new) => Some(Cause::Timestamp),
        ["history", ..] => Some(Cause::History),
        ["config" | "container_config", "Labels", name] => {
            let is_time = name.ends_with(".created") || name.ends_with("build-date");
            Some(if is_time && are_times(old, new) { Cause::Timestamp } else { Cause::Annotation })
        }
        // What Docker's old builder left behind: the container it built in.
        ["container" | "id" | "parent"] | ["config" | "container_config", "Hostname" | "Image"]
            if is_made_up(old) && is_made_up(new) =>
        {
            Some(Cause::BuildId)
        }
        // No runtime looks at these: they say how the last instruction was run, and by what.
        ["container_config" | "docker_version" | "moby.buildkit.buildinfo.v1" | "author", ..] => {
            Some(Cause::History)
        }
        _ => Some(Cause::Setting),
    }
}

/// Splits a path; members may hold a slash in their names, which is written `~1` (RFC 6901).
fn parts(path: &str) -> Vec<String> {
    path.split('/').skip(1).map(|part| part.replace("~1", "/").replace("~0", "~")).collect()
}

/// Tells whether both are times, or one is and the other is missing.
fn are_times(old: &Value, new: &Value) -> bool {
    let is_time = |value: &Value| match value {
        Value::Null => true,
        Value::String(text) => text.parse::<Timestamp>().is_ok(),
        _ => false,
    };
    is_time(old) && is_time(new)
}

/// Tells whether a value is a name that a builder makes up: none, or twelve or sixty-four hexadecimal digits.
fn is_made_up(value: &Value) -> bool {
    let is_hex = |text: &str| {
        let digits = text.strip_prefix("sha256:").unwrap_or(text);
        matches!(digits.len(), 0 | 12 | 64) && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
    };
    value.is_null() || value.as_str().is_some_and(is_hex)
}

/// Tells whether the order of a list means nothing: that of variables of the environment, unless one is there twice.
fn is_unordered(path: &str, list: &[Value]) -> bool {
    let names: BTreeSet<Option<&str>> =
        list.iter().map(|value| value.as_str().and_then(|text| text.split('=').next())).collect();
    path == "/config/Env" && names.len() == list.len()
}

/// Judges a member by its path and its two values.
type Judge<'a> = &'a dyn Fn(&str, &Value, &Value) -> Option<Cause>;

struct Walk<'a> {
    level: Level,
    judge: Judge<'a>,
    /// A member differs, be it told or following from something else.
    found: bool,
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
                    let name = name.replace('~', "~0").replace('/', "~1");
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
                if is_unordered(path, first) && sorted(first) == sorted(second) {
                    self.found = true;
                    self.add(path, Cause::Order, old, new);
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
                self.found = true;
                if let Some(cause) = (self.judge)(path, old, new) {
                    self.add(path, cause, old, new);
                }
            }
        }
    }

    /// Tells what is left when no member differs: the same document, written otherwise.
    fn finish(&mut self, old: &[u8], new: &[u8], what: &str) {
        if !self.found && old != new {
            let (level, path) = (self.level, what.to_owned());
            let (old, new) =
                (format!("{} bytes", old.len()), format!("{} bytes of the same members", new.len()));
            self.result.add(Difference { level, cause: Cause::Content, layer: None, path, old, new });
        }
    }

    fn add(&mut self, path: &str, cause: Cause, old: &Value, new: &Value) {
        let path = parts(path).join(".");
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
        causes_of(old, new, &|_| true)
    }

    fn causes_of(old: &Value, new: &Value, is_other: &dyn Fn(usize) -> bool) -> Vec<(String, Cause)> {
        let mut result = Comparison::default();
        let judge = |path: &str, old: &Value, new: &Value| of_config(path, is_other, old, new);
        let mut walk = Walk { level: Level::Config, judge: &judge, found: false, result: &mut result };
        walk.compare("", old, new, 0);
        result.differences.into_iter().map(|one| (one.path, one.cause)).collect()
    }

    #[test]
    fn members_that_differ_are_named_with_their_cause() {
        let old = json!({"created": "2024-01-01T00:00:00Z", "rootfs": {"diff_ids": ["a"]},
            "config": {"Env": ["A=1", "B=2"], "User": "root", "Labels": {"x": "1", "org.opencontainers.image.created": "2024-01-01"}},
            "history": [{"created": "2024-01-01T00:00:00Z", "created_by": "RUN a"}]});
        let new = json!({"created": "2024-01-02T00:00:00Z", "rootfs": {"diff_ids": ["b"]},
            "config": {"Env": ["B=2", "A=1"], "Labels": {"x": "2", "org.opencontainers.image.created": "2024-01-02"}},
            "history": [{"created": "2024-01-02T00:00:00Z", "created_by": "RUN b"}, {"created": "2024-01-03T00:00:00Z"}]});
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

    #[test]
    fn no_member_hides_behind_a_name_or_an_order() {
        let check = |old: Value, new: Value, expected: &[(&str, Cause)]| {
            let expected: Vec<_> =
                expected.iter().map(|(path, cause)| ((*path).to_owned(), *cause)).collect();
            assert_eq!(causes(&old, &new), expected);
        };
        let labels = |value: &str| json!({"config": {"Labels": {"com.example.user.created": value}}});
        check(
            labels("alice"),
            labels("bob"),
            &[("config.Labels.com.example.user.created", Cause::Annotation)],
        );
        check(json!({"created": "now"}), json!({"created": "then"}), &[("created", Cause::Setting)]);
        check(
            json!({"config": {"Cmd": ["run", "stop"]}}),
            json!({"config": {"Cmd": ["stop", "run"]}}),
            &[("config.Cmd.0", Cause::Setting), ("config.Cmd.1", Cause::Setting)],
        );
        let twice = |first: &str, second: &str| json!({"config": {"Env": [first, second]}});
        check(
            twice("A=1", "A=2"),
            twice("A=2", "A=1"),
            &[("config.Env.0", Cause::Setting), ("config.Env.1", Cause::Setting)],
        );
        check(
            json!({"rootfs": {"type": "a"}}),
            json!({"rootfs": {"type": "b"}}),
            &[("rootfs.type", Cause::Setting)],
        );
        check(json!({"a/created": 1}), json!({"a/created": 2}), &[("a/created", Cause::Setting)]);
        let host = |name: &str| json!({"config": {"Hostname": name}});
        check(host("0123456789ab"), host("ba9876543210"), &[("config.Hostname", Cause::BuildId)]);
        check(host("0123456789ab"), host("internal"), &[("config.Hostname", Cause::Setting)]);
        let ids = |id: &str| json!({"rootfs": {"diff_ids": [id]}});
        assert_eq!(causes(&ids("a"), &ids("b")), []);
        let same_layer = causes_of(&ids("a"), &ids("b"), &|_| false);
        assert_eq!(same_layer, [("rootfs.diff_ids.0".to_owned(), Cause::Content)]);
    }

    #[test]
    fn members_of_a_manifest_follow_only_from_what_differs() {
        let causes = |old: &Value, new: &Value| -> Vec<(String, Cause)> {
            let mut result = Comparison::default();
            let is_other = |path: &str| {
                let digest =
                    |document: &Value| document.pointer(path).and_then(|it| it.get("digest")).cloned();
                digest(old) != digest(new)
            };
            let judge = |path: &str, old: &Value, new: &Value| of_manifest(path, &is_other, old, new);
            let mut walk = Walk { level: Level::Manifest, judge: &judge, found: false, result: &mut result };
            walk.compare("", old, new, 0);
            result.differences.into_iter().map(|one| (one.path, one.cause)).collect()
        };
        let typed = |of_manifest: &str, of_layer: &str| json!({"mediaType": of_manifest, "layers": [{"mediaType": of_layer}]});
        let found = causes(&typed(MANIFESTS[0], LAYERS[1]), &typed(MANIFESTS[1], LAYERS[4]));
        assert_eq!(
            found.iter().map(|one| one.1).collect::<Vec<_>>(),
            [Cause::Compression, Cause::ArchiveFormat]
        );
        let found = causes(&typed(MANIFESTS[0], LAYERS[1]), &typed("other", "other"));
        assert_eq!(found.iter().map(|one| one.1).collect::<Vec<_>>(), [Cause::Content, Cause::Content]);
        let layer = |digest: &str, size: u64, toc: &str, note: &str| {
            json!({"layers": [{"digest": digest, "size": size,
                "annotations": {"containerd.io/snapshot/stargz/toc.digest": toc, "note": note}}]})
        };
        assert_eq!(causes(&layer("a", 1, "t", "n"), &layer("b", 2, "u", "n")), []);
        let found = causes(&layer("a", 1, "t", "n"), &layer("b", 2, "u", "other"));
        assert_eq!(found, [("layers.0.annotations.note".to_owned(), Cause::Annotation)]);
        let found: Vec<Cause> =
            causes(&layer("a", 1, "t", "n"), &layer("a", 2, "u", "n")).into_iter().map(|one| one.1).collect();
        assert_eq!(found, [Cause::Annotation, Cause::Content]);
    }

    #[test]
    fn the_same_members_written_otherwise_are_a_difference() {
        let mut result = Comparison::default();
        let judge = |_: &str, _: &Value, _: &Value| None;
        let mut walk = Walk { level: Level::Config, judge: &judge, found: false, result: &mut result };
        walk.finish(b"{}", b"{} ", "configuration");
        assert_eq!(result.causes.keys().collect::<Vec<_>>(), [&Cause::Content]);
    }
}
