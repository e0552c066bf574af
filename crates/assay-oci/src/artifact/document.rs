//! The manifest of an artifact, and indexes of them, read leniently.
//!
//! <https://github.com/opencontainers/image-spec/blob/main/manifest.md#guidelines-for-artifact-usage>. Surprising: what an artifact
//! is may stand in any of four places, and clients have written wrong values into the first; the `blobs` of the withdrawn artifact
//! manifest are layers by another name; and one malformed entry of an index must not hide the others.

use crate::descriptor::{Descriptor, or_default};
use crate::document::names::{Named, OF_MANIFESTS};
use crate::error::OpenError;
use serde::Deserialize;
use std::collections::BTreeMap;

/// The media type of an empty JSON object, which stands for "no configuration".
pub const EMPTY_TYPE: &str = "application/vnd.oci.empty.v1+json";
/// The empty JSON object.
pub const EMPTY: &[u8] = b"{}";

/// A manifest or index, with what matters of artifacts.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ManifestDocument {
    /// What it says it is; empty when it does not say.
    #[serde(default, deserialize_with = "or_default")]
    pub media_type: String,
    /// What kind of artifact it says it is.
    #[serde(default, deserialize_with = "or_default")]
    pub artifact_type: String,
    /// The configuration of a manifest.
    #[serde(default)]
    pub config: Option<Descriptor>,
    /// The layers of a manifest.
    #[serde(default, deserialize_with = "or_default", alias = "blobs")]
    pub layers: Vec<Descriptor>,
    /// The entries of an index; those that are malformed are left out, and counted by [`malformed`](Self::malformed).
    #[serde(default, deserialize_with = "entries")]
    pub manifests: Vec<Descriptor>,
    /// How many entries the index has, if there is a list of them.
    #[serde(skip)]
    listed: Option<usize>,
    /// The manifest that this one is about.
    #[serde(default)]
    pub subject: Option<Descriptor>,
    /// What its author says of it.
    #[serde(default, deserialize_with = "or_default")]
    pub annotations: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Entry {
    Good(Box<Descriptor>),
    Bad(serde::de::IgnoredAny),
}

fn entries<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Vec<Descriptor>, D::Error> {
    let entries = Option::<Vec<Entry>>::deserialize(deserializer)?.unwrap_or_default();
    let good = |entry| match entry {
        Entry::Good(entry) => Some(*entry),
        Entry::Bad(serde::de::IgnoredAny) => None,
    };
    Ok(entries.into_iter().filter_map(good).collect())
}

/// Looks only whether the member is there, and how long it is.
#[derive(Deserialize)]
struct Shape {
    #[serde(default)]
    manifests: Option<Vec<serde::de::IgnoredAny>>,
}

impl Named for ManifestDocument {
    const NAMES: &'static [&'static str] = OF_MANIFESTS;
}

impl ManifestDocument {
    /// Reads a manifest or index.
    ///
    /// # Errors
    /// Fails when it is not the JSON of either.
    pub fn parse(bytes: &[u8]) -> Result<Self, OpenError> {
        let what = "the manifest of an artifact";
        let mut document: Self = crate::document::parse(bytes, what)?;
        // What stands in it is checked by now.
        let shape: Shape = serde_json::from_slice(bytes)
            .map_err(|source| OpenError::Malformed { what: what.to_owned(), source })?;
        document.listed = shape.manifests.map(|entries| entries.len());
        Ok(document)
    }

    /// Tells whether it is an index.
    pub fn is_index(&self) -> bool {
        self.listed.is_some() && self.config.is_none()
    }

    /// Returns how many entries of an index are left out because they are malformed. A runtime may understand, and run, what is not
    /// understood here, so that nobody may judge an index by what is left.
    pub fn malformed(&self) -> usize {
        self.listed.unwrap_or_default().saturating_sub(self.manifests.len())
    }

    /// Returns the type of the artifact, from wherever its author put it.
    pub fn decided_type(&self) -> &str {
        let config = self.config.as_ref().map_or("", |config| config.media_type.as_str());
        let says = |name: &str| !matches!(name, "" | EMPTY_TYPE);
        let is_image = |name: &str| {
            matches!(
                name,
                "application/vnd.oci.image.config.v1+json" | "application/vnd.docker.container.image.v1+json"
            )
        };
        if says(&self.artifact_type) {
            &self.artifact_type
        } else if says(config) && !is_image(config) {
            config
        } else {
            self.layers.first().map_or("", |layer| layer.media_type.as_str())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const D: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    fn parse(text: &str) -> ManifestDocument {
        ManifestDocument::parse(text.replace("D", D).as_bytes()).unwrap()
    }

    #[test]
    fn the_type_is_found_where_clients_put_it() {
        let check = |text: &str, expected: &str| assert_eq!(parse(text).decided_type(), expected, "{text}");
        let empty = r#""config":{"mediaType":"application/vnd.oci.empty.v1+json","digest":"D"}"#;
        let layer = r#""layers":[{"mediaType":"text/spdx","digest":"D"}]"#;
        check(&format!(r#"{{"artifactType":"a/b",{empty},{layer}}}"#), "a/b");
        check(
            &format!(r#"{{"artifactType":"application/vnd.oci.empty.v1+json",{empty},{layer}}}"#),
            "text/spdx",
        );
        check(&format!(r#"{{{empty},{layer}}}"#), "text/spdx");
        check(&format!(r#"{{"config":{{"mediaType":"c/d","digest":"D"}},{layer}}}"#), "c/d");
        let image = r#""config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"D"}"#;
        check(&format!(r#"{{{image},{layer}}}"#), "text/spdx");
        check(r#"{"blobs":[{"mediaType":"e/f","digest":"D"}]}"#, "e/f");
        check("{}", "");
    }

    #[test]
    fn a_malformed_entry_hides_no_other() {
        let index = parse(r#"{"manifests":[{"digest":"md5:0"},7,{"digest":"D","size":-1},{"digest":"D"}]}"#);
        assert!(index.is_index());
        assert_eq!((index.manifests.len(), index.malformed()), (1, 3));
        assert_eq!(parse(r#"{"manifests":[{"digest":"D"}]}"#).malformed(), 0);
        assert!(parse(r#"{"manifests":[]}"#).is_index());
        assert!(!parse("{}").is_index());
    }

    #[test]
    fn an_index_that_runtimes_read_otherwise_is_none() {
        let check = |text: &str| ManifestDocument::parse(text.replace("D1", D).as_bytes());
        check(r#"{"manifests":[{"digest":"D1"}]}"#).unwrap();
        for text in [
            r#"{"manifests":[{"digest":"D1"}],"Manifests":[{"digest":"D1"}]}"#,
            r#"{"manifests":[{"Digest":"D1"}]}"#,
            r#"{"manifests":[{"digest":"D1","digest":"D1"}]}"#,
            r#"{"manifests":[{"digest":"D1","platform":{"os":"unknown","Os":"linux","architecture":"unknown"}}]}"#,
        ] {
            check(text).expect_err(text);
        }
    }

    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig::with_cases(128))]
        #[test]
        fn parsing_is_total(bytes: Vec<u8>, text in r#"[\{\}\[\]":,a-z0-9]{0,60}"#) {
            for input in [&bytes[..], text.as_bytes()] {
                let _ = ManifestDocument::parse(input).map(|document| document.decided_type().len());
            }
        }
    }
}
