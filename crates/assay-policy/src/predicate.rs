//! Predicates of attestations: their types by short names, and what those that rules look at say.

use serde_json::Value as Json;

/// A kind of predicate.
struct Type {
    /// Its name in policies.
    short: &'static str,
    /// What cosign and Kyverno call it as well.
    others: &'static [&'static str],
    /// The type that is written today.
    full: &'static str,
    /// Patterns of the types of all versions.
    patterns: &'static [&'static str],
}

const TYPES: &[Type] = &[
    Type {
        short: "slsa",
        others: &["slsaprovenance", "slsaprovenance02", "slsaprovenance1"],
        full: "https://slsa.dev/provenance/v1",
        patterns: &["https://slsa.dev/provenance/*"],
    },
    Type {
        short: "cyclonedx",
        others: &[],
        full: "https://cyclonedx.org/bom",
        patterns: &["https://cyclonedx.org/bom", "https://cyclonedx.org/bom/**"],
    },
    Type {
        short: "spdx",
        others: &["spdxjson"],
        full: "https://spdx.dev/Document",
        patterns: &["https://spdx.dev/Document", "https://spdx.dev/Document/**"],
    },
    Type {
        short: "vuln",
        others: &[],
        full: "https://in-toto.io/attestation/vulns/v0.2",
        patterns: &[
            "https://in-toto.io/attestation/vulns/*",
            "https://in-toto.io/attestation/vulns",
            "https://cosign.sigstore.dev/attestation/vuln/*",
        ],
    },
    Type {
        short: "openvex",
        others: &[],
        full: "https://openvex.dev/ns",
        patterns: &["https://openvex.dev/ns", "https://openvex.dev/ns/**"],
    },
    Type {
        short: "verdict",
        others: &[],
        full: "https://slsa.dev/verification_summary/v1",
        patterns: &["https://slsa.dev/verification_summary/*"],
    },
];

/// Returns the patterns of types that a name stands for: a short one, or the type itself.
pub(crate) fn types(name: &str) -> Vec<String> {
    match TYPES.iter().find(|one| one.short == name) {
        Some(one) => one.patterns.iter().map(|pattern| (*pattern).to_owned()).collect(),
        None => vec![name.to_owned()],
    }
}

/// Returns the type that a name stands for: that of a short one, or the name itself.
pub(crate) fn full(name: &str) -> &str {
    TYPES.iter().find(|one| one.short == name).map_or(name, |one| one.full)
}

/// Returns the short name of a type, or of what other tools call it.
pub(crate) fn short(kind: &str) -> Option<&'static str> {
    let is = |one: &&Type| {
        one.short == kind
            || one.others.contains(&kind)
            || one.patterns.iter().any(|pattern| crate::pattern::matches(pattern, kind))
    };
    TYPES.iter().find(is).map(|one| one.short)
}

/// Returns whether a predicate type is that of VEX.
pub fn is_vex(predicate_type: &str) -> bool {
    types("openvex").iter().any(|pattern| crate::pattern::matches(pattern, predicate_type))
}

/// Returns the bytes of a document that is a predicate: as it is, as text, or wrapped as older versions of cosign do.
pub fn document(predicate: &Json) -> Vec<u8> {
    let inner = match predicate {
        Json::Object(map) if map.contains_key("Data") => map.get("Data").unwrap_or(predicate),
        other => other,
    };
    match inner {
        Json::String(text) => text.clone().into_bytes(),
        other => other.to_string().into_bytes(),
    }
}

/// What provenance says.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Said {
    pub(crate) builder: Vec<String>,
    pub(crate) source: Vec<String>,
    pub(crate) build_type: Vec<String>,
}

/// Reads provenance of SLSA v1 and v0.2.
///
/// SLSA leaves to the build type where the source stands; these are the places of the builders in use. Repositories among the
/// materials are sources, too, wherever they stand: what configures a build need not be what is built. Other materials are
/// dependencies, of which only the first is taken for the source where nothing else is named.
pub(crate) fn provenance(predicate: &Json) -> Said {
    let texts = |pointers: &[&str]| -> Vec<String> {
        pointers
            .iter()
            .filter_map(|pointer| predicate.pointer(pointer)?.as_str())
            .map(str::to_owned)
            .collect()
    };
    let materials: Vec<&str> = ["/buildDefinition/resolvedDependencies", "/materials"]
        .iter()
        .filter_map(|pointer| predicate.pointer(pointer)?.as_array())
        .flatten()
        .filter_map(|material| material.get("uri")?.as_str())
        .collect();
    let mut source = texts(&[
        "/buildDefinition/externalParameters/workflow/repository",
        "/buildDefinition/externalParameters/source",
        "/buildDefinition/externalParameters/source/uri",
        "/buildDefinition/externalParameters/source/repository",
        "/buildDefinition/externalParameters/sourceToBuild/repository",
        "/buildDefinition/externalParameters/buildConfigSource/repository",
        "/buildDefinition/externalParameters/configSource/uri",
        "/invocation/configSource/uri",
    ]);
    source.extend(materials.iter().filter(|uri| is_repository(uri)).map(|uri| (*uri).to_owned()));
    if source.is_empty() {
        source.extend(materials.first().map(|uri| (*uri).to_owned()));
    }
    Said {
        builder: texts(&["/runDetails/builder/id", "/builder/id"]),
        source,
        build_type: texts(&["/buildDefinition/buildType", "/buildType"]),
    }
}

/// Returns whether an address is that of a repository of sources (<https://spdx.github.io/spdx-spec/v2.3/package-information/#77-package-download-location-field>).
fn is_repository(uri: &str) -> bool {
    ["git+", "git:", "git@", "ssh:", "hg+", "svn+", "bzr+"].iter().any(|start| uri.starts_with(start))
        || without_revision(uri).ends_with(".git")
}

/// Returns the address of a repository without the revision and path behind it.
fn without_revision(uri: &str) -> &str {
    let uri = uri.split(['#', '?']).next().unwrap_or(uri);
    // Before the first slash of its path, an `@` stands behind a user's name and before the host.
    let start = uri.find("://").map_or(0, |at| at.saturating_add(3));
    let path =
        uri.get(start..).and_then(|rest| rest.find('/')).map_or(uri.len(), |at| at.saturating_add(start));
    match uri.get(path..).and_then(|rest| rest.find('@')) {
        Some(at) => uri.get(..path.saturating_add(at)).unwrap_or(uri),
        None => uri,
    }
}

/// Returns the spellings under which patterns know an address: as it is, without a revision, and without the name of the tool.
pub(crate) fn spellings(uri: &str) -> Vec<&str> {
    let plain = without_revision(uri);
    let mut all = vec![uri, plain];
    all.extend([uri, plain].iter().filter_map(|one| one.strip_prefix("git+")));
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn both_versions_of_provenance_are_read() {
        let new = json!({ "buildDefinition": { "buildType": "t", "externalParameters": { "workflow": { "repository": "r" } } },
            "runDetails": { "builder": { "id": "b" } } });
        let old = json!({ "builder": { "id": "b" }, "buildType": "t", "materials": [{ "uri": "r" }, { "uri": "x" }] });
        let want = Said { builder: vec!["b".into()], source: vec!["r".into()], build_type: vec!["t".into()] };
        assert_eq!(
            (provenance(&new), provenance(&old)),
            (
                want,
                Said { builder: vec!["b".into()], source: vec!["r".into()], build_type: vec!["t".into()] }
            )
        );
        assert_eq!(provenance(&json!([1])), Said::default());
    }

    #[test]
    fn every_repository_is_a_source() {
        let said = provenance(
            &json!({ "invocation": { "configSource": { "uri": "git+https://a.example/pipeline" } },
            "materials": [{ "uri": "pkg:docker/debian@12" }, { "uri": "https://b.example/app.git#main" }] }),
        );
        assert_eq!(said.source, ["git+https://a.example/pipeline", "https://b.example/app.git#main"]);
    }

    #[test]
    fn addresses_are_known_without_their_revision() {
        let check =
            |uri: &str, want: &str| assert!(spellings(uri).contains(&want), "{uri}: {:?}", spellings(uri));
        check("git+https://github.com/acme/app@refs/heads/main", "https://github.com/acme/app");
        check("https://github.com/acme/app.git#v1", "https://github.com/acme/app.git");
        // The host is not what stands before the `@`.
        let lie = "git+https://github.com@elsewhere.example/acme/app";
        assert!(spellings(lie).iter().all(|one| one.contains("elsewhere.example")));
    }

    #[test]
    fn short_names_stand_for_types() {
        for one in TYPES {
            assert_eq!((full(one.short), short(one.full)), (one.full, Some(one.short)));
        }
        assert_eq!((short("slsaprovenance02"), short("https://example.com/x")), (Some("slsa"), None));
    }

    #[test]
    fn documents_are_unwrapped() {
        assert_eq!(document(&json!({ "Data": "{\"a\":1}" })), b"{\"a\":1}");
        assert_eq!(document(&json!({ "a": 1 })), b"{\"a\":1}");
    }
}
