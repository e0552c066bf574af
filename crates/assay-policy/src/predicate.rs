//! Predicates of attestations: their types by short names, and what those that rules look at say.

use serde_json::Value as Json;

/// Short names of predicate types, with patterns of all versions.
const TYPES: &[(&str, &[&str])] = &[
    ("slsa", &["https://slsa.dev/provenance/*"]),
    ("cyclonedx", &["https://cyclonedx.org/bom", "https://cyclonedx.org/bom/**"]),
    ("spdx", &["https://spdx.dev/Document", "https://spdx.dev/Document/**"]),
    (
        "vuln",
        &[
            "https://in-toto.io/attestation/vulns/*",
            "https://in-toto.io/attestation/vulns",
            "https://cosign.sigstore.dev/attestation/vuln/*",
        ],
    ),
    ("openvex", &["https://openvex.dev/ns", "https://openvex.dev/ns/**"]),
    ("verdict", &["https://slsa.dev/verification_summary/*"]),
];

/// Returns the patterns of types that a name stands for: a short one, or the type itself.
pub(crate) fn types(name: &str) -> Vec<String> {
    match TYPES.iter().find(|(short, _)| *short == name) {
        Some((_, patterns)) => patterns.iter().map(|pattern| (*pattern).to_owned()).collect(),
        None => vec![name.to_owned()],
    }
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
/// SLSA leaves to the build type where the source stands; these are the places of the builders in use. Materials beyond the first
/// are dependencies, and a build from an allowed dependency is no build from an allowed source.
pub(crate) fn provenance(predicate: &Json) -> Said {
    let texts = |pointers: &[&str]| {
        let mut texts: Vec<String> = pointers
            .iter()
            .filter_map(|pointer| predicate.pointer(pointer)?.as_str())
            .map(str::to_owned)
            .collect();
        texts.dedup();
        texts
    };
    let mut source = texts(&[
        "/buildDefinition/externalParameters/workflow/repository",
        "/buildDefinition/externalParameters/source",
        "/buildDefinition/externalParameters/source/uri",
        "/buildDefinition/externalParameters/configSource/uri",
        "/invocation/configSource/uri",
    ]);
    if source.is_empty() {
        source = texts(&["/buildDefinition/resolvedDependencies/0/uri", "/materials/0/uri"]);
    }
    Said {
        builder: texts(&["/runDetails/builder/id", "/builder/id"]),
        source,
        build_type: texts(&["/buildDefinition/buildType", "/buildType"]),
    }
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
    fn documents_are_unwrapped() {
        assert_eq!(document(&json!({ "Data": "{\"a\":1}" })), b"{\"a\":1}");
        assert_eq!(document(&json!({ "a": 1 })), b"{\"a\":1}");
    }
}
