//! `Package.resolved` of the Swift package manager, versions 1 to 3
//! (<https://docs.swift.org/swiftpm/documentation/packagemanagerdocs/resolvingpackageversions>).
//!
//! A package's name is where it lies, as OSV's `SwiftURL` has it: `github.com/apple/swift-nio`. A pin to a branch has only a
//! commit; it is reported with that as its version, which nothing can be compared with, so that it counts as unassessed.

use super::lenient::{self, record};
use super::lockfile::{Declared, warn_if_damaged};
use assay_analyze::{Analyzer, AnalyzerId, File, Select, Sink};
use assay_model::PackageKind;

/// `Package.resolved`.
pub(super) struct PackageResolved;

record! {
    struct Resolved {
        "pins" => pins: Vec<Pin>,
        "object" => version_1: Object,
    }
}

record! {
    struct Object {
        "pins" => pins: Vec<Pin>,
    }
}

record! {
    struct Pin {
        "identity" => identity: String,
        "kind" => kind: String,
        "location" => location: String,
        "repositoryURL" => repository: String,
        "state" => state: State,
    }
}

record! {
    struct State {
        "version" => version: String,
        "revision" => revision: String,
    }
}

impl Analyzer for PackageResolved {
    fn id(&self) -> AnalyzerId {
        AnalyzerId { name: "swift-package-resolved", revision: 1 }
    }

    fn select(&self) -> &'static [Select] {
        &[Select::Name("Package.resolved")]
    }

    fn analyze(&self, file: &File<'_>, out: &mut Sink<'_>) {
        let Some(text) = file.text(out) else { return };
        let mut resolved = Resolved::default();
        warn_if_damaged(lenient::json(&text, &mut resolved), out);
        let mut declared = Declared::new(PackageKind::Swift);
        for pin in resolved.pins.into_iter().chain(resolved.version_1.pins) {
            let location = if pin.location.is_empty() { &pin.repository } else { &pin.location };
            // A package of a registry is known by scope and name, and has no address.
            let name = if location.is_empty() { pin.identity.clone() } else { address(location) };
            let version = if pin.state.version.is_empty() { &pin.state.revision } else { &pin.state.version };
            // A repository in a folder of the developer's machine is nobody else's.
            if pin.kind != "localSourceControl" {
                declared.add(&name, version, [], Vec::new());
            }
        }
        declared.report(out);
    }
}

/// Returns host and path of a repository: of `https://user@host/a/b.git`, `ssh://git@host/a/b` and `git@host:a/b.git` alike.
fn address(location: &str) -> String {
    let (scheme, rest) = location.split_once("://").map_or((false, location), |(_, rest)| (true, rest));
    let (host, path) = match (scheme, rest.split_once(':')) {
        (false, Some((host, path))) if !host.contains('/') => (host, path),
        _ => rest.split_once('/').unwrap_or((rest, "")),
    };
    let host = host.rsplit('@').next().unwrap_or(host);
    let path = path.trim_matches('/');
    let path = path.strip_suffix(".git").unwrap_or(path);
    if path.is_empty() { host.to_owned() } else { format!("{host}/{path}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lang::testing::{check, check_total};

    #[test]
    fn all_versions() {
        let old = br#"{"object": {"pins": [{"package": "Alamofire", "repositoryURL": "https://github.com/Alamofire/Alamofire.git",
            "state": {"branch": null, "revision": "f96b619bcb2383b43d898402283924b80e2c4bae", "version": "5.4.3"}}]}, "version": 1}"#;
        check(&PackageResolved, "Package.resolved", old, "~ github.com/Alamofire/Alamofire 5.4.3\n");
        let new = br#"{
  "originHash" : "6e0ecdf8c4a09bd30b8a9d4b4ba2a0fa8f1b0e2ddd0ea4ff0b0c1c3f6d0e1b5a",
  "pins" : [
    { "identity" : "swift-nio", "kind" : "remoteSourceControl", "location" : "git@github.com:apple/swift-nio.git",
      "state" : { "revision" : "702cd7c56d5d44eeba73fdf83918339b26dc855c", "version" : "2.62.0" } },
    { "identity" : "swift-syntax", "kind" : "remoteSourceControl", "location" : "https://github.com/apple/swift-syntax",
      "state" : { "branch" : "main", "revision" : "abc0" } },
    { "identity" : "mona.LinkedList", "kind" : "registry", "location" : "", "state" : { "version" : "1.1.1" } },
    { "identity" : "own", "kind" : "localSourceControl", "location" : "/Users/x/own", "state" : { "version" : "1.0.0" } }
  ],
  "version" : 3
}"#;
        check(
            &PackageResolved,
            "Package.resolved",
            new,
            "~ github.com/apple/swift-nio 2.62.0\n~ github.com/apple/swift-syntax abc0\n~ mona.LinkedList 1.1.1\n",
        );
    }

    #[test]
    fn repositories_have_one_address() {
        for location in
            ["https://host/a/b.git", "ssh://git@host/a/b", "git@host:a/b.git", "http://me:x@host/a/b/"]
        {
            assert_eq!(address(location), "host/a/b", "{location}");
        }
    }

    #[test]
    fn damage_keeps_what_was_read() {
        let text = br#"{"pins":[{"location":"https://h/a","state":{"version":"1.0"}},{"location":3,"state""#;
        check(&PackageResolved, "Package.resolved", text, "! damaged-lockfile\n~ h/a 1.0\n");
        check_total(&PackageResolved, "Package.resolved");
    }
}
