//! The JSON documents of an image: descriptor, manifest, index and configuration, in OCI's and Docker's spelling.
//!
//! <https://github.com/opencontainers/image-spec/blob/main/manifest.md> and
//! <https://distribution.github.io/distribution/spec/manifest-v2-2/>. Go writes `null` for empty lists and maps, so
//! everything that may be absent may be `null` too.

pub(crate) mod names;

use crate::descriptor::spelled;
use crate::error::OpenError;
use assay_model::image::ImageConfig;
use assay_model::{DiffId, Digest, HistoryEntry, Platform};
use names::{Named, OF_CONFIGURATIONS, OF_MANIFESTS};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;

/// The largest manifest or index: 4 MiB is the limit of the distribution specification.
pub(crate) const MAX_MANIFEST: u64 = 4 * 1024 * 1024;
/// The largest configuration; real ones have kilobytes. Parsed, `[{},{},…]` takes ten times its bytes.
pub(crate) const MAX_CONFIG: u64 = 4 * 1024 * 1024;

/// Points at a blob.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Descriptor {
    #[serde(default)]
    pub(crate) media_type: Option<String>,
    pub(crate) digest: Digest,
    #[serde(default)]
    pub(crate) size: Option<u64>,
    #[serde(default)]
    pub(crate) platform: Option<RawPlatform>,
    #[serde(default)]
    pub(crate) annotations: Option<BTreeMap<String, String>>,
    /// Set for an artifact that is listed beside images.
    #[serde(default)]
    pub(crate) artifact_type: Option<String>,
}

impl Descriptor {
    pub(crate) fn annotation(&self, name: &str) -> Option<&str> {
        self.annotations.as_ref()?.get(name).map(String::as_str)
    }

    pub(crate) fn platform(&self) -> Option<Platform> {
        self.platform.clone().and_then(RawPlatform::known)
    }

    /// Tells whether this is no image but what BuildKit attaches to one; its annotation makes no attestation of what has a platform,
    /// by which runtimes choose.
    pub(crate) fn is_attestation(&self) -> bool {
        match self.platform.as_ref().filter(|platform| !platform.is_empty()) {
            Some(platform) => {
                platform.os.as_deref() == Some("unknown")
                    && platform.architecture.as_deref() == Some("unknown")
            }
            None => self.annotation("vnd.docker.reference.type").is_some(),
        }
    }
}

/// A platform as documents write it.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct RawPlatform {
    #[serde(default)]
    os: Option<String>,
    #[serde(default)]
    architecture: Option<String>,
    #[serde(default)]
    variant: Option<String>,
}

impl RawPlatform {
    fn is_empty(&self) -> bool {
        [&self.os, &self.architecture].into_iter().flatten().all(String::is_empty)
    }

    fn known(self) -> Option<Platform> {
        let filled = |text: &String| !text.is_empty();
        let (os, architecture) = (self.os.filter(filled)?, self.architecture.filter(filled)?);
        Some(spelled(&os, &architecture, &self.variant.unwrap_or_default()))
    }
}

/// A manifest or an index: both are parsed as one, so that a document that claims to be both is noticed.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawDocument {
    #[serde(default)]
    media_type: Option<String>,
    #[serde(default)]
    artifact_type: Option<String>,
    #[serde(default)]
    config: Option<Descriptor>,
    #[serde(default)]
    layers: Option<Vec<Descriptor>>,
    #[serde(default)]
    manifests: Option<Vec<Descriptor>>,
    #[serde(default)]
    schema_version: Option<u32>,
    #[serde(default)]
    annotations: Option<BTreeMap<String, String>>,
}

impl Named for RawDocument {
    const NAMES: &'static [&'static str] = OF_MANIFESTS;
}

/// A manifest or an index.
#[derive(Debug)]
pub(crate) enum Document {
    Manifest(Box<Manifest>),
    Index(Vec<Descriptor>),
}

/// An image manifest.
#[derive(Debug)]
pub(crate) struct Manifest {
    pub(crate) config: Descriptor,
    pub(crate) layers: Vec<Descriptor>,
    pub(crate) annotations: BTreeMap<String, String>,
}

const MANIFESTS: [&str; 2] =
    ["application/vnd.oci.image.manifest.v1+json", "application/vnd.docker.distribution.manifest.v2+json"];
const INDEXES: [&str; 2] =
    ["application/vnd.oci.image.index.v1+json", "application/vnd.docker.distribution.manifest.list.v2+json"];

/// Returns the types to ask a registry for, the most specific first.
pub(crate) fn accepted_manifests() -> String {
    INDEXES.iter().chain(&MANIFESTS).copied().collect::<Vec<_>>().join(", ")
}

impl Document {
    /// Reads a manifest or index that was announced as `media_type`.
    pub(crate) fn parse(bytes: &[u8], media_type: Option<&str>, what: &str) -> Result<Self, OpenError> {
        let raw: RawDocument = parse(bytes, what)?;
        let unsupported = |media_type: String| OpenError::MediaType { what: what.to_owned(), media_type };
        if raw.schema_version == Some(1) {
            return Err(unsupported("application/vnd.docker.distribution.manifest.v1+json".to_owned()));
        }
        // A generic type (`text/plain`, `application/json`, none) is what careless servers send: the shape decides.
        let known = |name: &&str| MANIFESTS.contains(name) || INDEXES.contains(name);
        let named = raw.media_type.as_deref().filter(|name| !name.is_empty()).or(media_type);
        if let Some(name) =
            named.filter(|name| name.starts_with("application/vnd.")).filter(|name| !known(name))
        {
            return Err(unsupported(name.to_owned()));
        }
        let says_index = named.map(|name| INDEXES.contains(&name));
        match (raw.config, raw.layers, raw.manifests) {
            (None, None, Some(manifests))
                if says_index != Some(false) || !named.is_some_and(|name| known(&name)) =>
            {
                Ok(Self::Index(manifests))
            }
            (Some(config), layers, None) if says_index != Some(true) => {
                let layers = layers.unwrap_or_default();
                let annotations = raw.annotations.unwrap_or_default();
                let manifest = Manifest { config, layers, annotations };
                manifest.check_types(what, raw.artifact_type.as_deref())?;
                Ok(Self::Manifest(Box::new(manifest)))
            }
            _ => Err(OpenError::NoManifest { what: what.to_owned() }),
        }
    }
}

impl Manifest {
    /// Refuses artifacts that only look like images: charts, signatures, SBOMs.
    fn check_types(&self, what: &str, artifact_type: Option<&str>) -> Result<(), OpenError> {
        let config = self.config.media_type.as_deref().unwrap_or("");
        let is_config = matches!(
            config,
            "" | "application/vnd.oci.image.config.v1+json"
                | "application/vnd.docker.container.image.v1+json"
        );
        if !is_config {
            let artifact_type = artifact_type.unwrap_or(config).to_owned();
            return Err(OpenError::Artifact { what: what.to_owned(), artifact_type });
        }
        match self.layers.iter().filter_map(|layer| layer.media_type.as_deref()).find(|name| !is_layer(name))
        {
            Some(name) => {
                Err(OpenError::MediaType { what: format!("a layer of {what}"), media_type: name.to_owned() })
            }
            None => Ok(()),
        }
    }
}

/// Tells whether a media type is that of a layer's tar archive.
fn is_layer(media_type: &str) -> bool {
    let Some(name) = media_type.strip_prefix("application/vnd.") else { return media_type.is_empty() };
    matches!(
        name,
        "oci.image.layer.v1.tar"
            | "oci.image.layer.v1.tar+gzip"
            | "oci.image.layer.v1.tar+zstd"
            | "docker.image.rootfs.diff.tar"
            | "docker.image.rootfs.diff.tar.gzip"
            | "docker.image.rootfs.diff.tar.zstd"
            | "docker.container.image.rootfs.diff+x-gtar"
    ) || not_distributed(media_type)
}

/// Tells whether a layer's media type says that registries need not have it.
pub(crate) fn not_distributed(media_type: &str) -> bool {
    media_type.starts_with("application/vnd.oci.image.layer.nondistributable.v1.tar")
        || media_type.starts_with("application/vnd.docker.image.rootfs.foreign.diff.tar")
}

/// An image's configuration.
#[derive(Debug, Deserialize)]
pub(crate) struct Config {
    #[serde(default)]
    pub(crate) created: Option<String>,
    #[serde(default)]
    os: Option<String>,
    #[serde(default)]
    architecture: Option<String>,
    #[serde(default)]
    variant: Option<String>,
    #[serde(default)]
    config: Option<RawRuntime>,
    #[serde(default)]
    rootfs: Option<RootFs>,
    #[serde(default)]
    history: Option<Vec<History>>,
}

/// Steps of a build history that are looked at.
const MAX_HISTORY: usize = 4096;

#[derive(Debug, Deserialize)]
struct RootFs {
    #[serde(default)]
    diff_ids: Option<Vec<DiffId>>,
}

#[derive(Debug, Deserialize)]
struct History {
    #[serde(default)]
    created_by: Option<String>,
    #[serde(default)]
    empty_layer: Option<bool>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct RawRuntime {
    user: Option<String>,
    env: Option<Vec<String>>,
    entrypoint: Option<Vec<String>>,
    cmd: Option<Vec<String>>,
    working_dir: Option<String>,
    exposed_ports: Option<BTreeMap<String, serde::de::IgnoredAny>>,
    labels: Option<BTreeMap<String, String>>,
    healthcheck: Option<RawHealthcheck>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct RawHealthcheck {
    test: Option<Vec<String>>,
}

impl Named for Config {
    const NAMES: &'static [&'static str] = OF_CONFIGURATIONS;
}

impl Config {
    pub(crate) fn platform(&self) -> Option<Platform> {
        let (os, architecture, variant) = (self.os.clone(), self.architecture.clone(), self.variant.clone());
        RawPlatform { os, architecture, variant }.known()
    }

    pub(crate) fn diff_ids(&self) -> &[DiffId] {
        self.rootfs.as_ref().and_then(|rootfs| rootfs.diff_ids.as_deref()).unwrap_or_default()
    }

    /// Returns, for each of `layers` layers, the build instruction that made it.
    ///
    /// A history that does not fit the layers says nothing about any of them: a wrong instruction as evidence would be
    /// worse than none.
    pub(crate) fn created_by(&self, layers: usize) -> Vec<Option<String>> {
        let history = self.history.as_deref().unwrap_or_default();
        let filled: Vec<_> = history.iter().filter(|entry| entry.empty_layer != Some(true)).collect();
        if filled.len() != layers {
            return vec![None; layers];
        }
        filled.iter().map(|entry| entry.created_by.clone().filter(|text| !text.is_empty())).collect()
    }

    /// Returns the whole history, steps without a layer included, if it fits the layers.
    pub(crate) fn history(&self, layers: usize) -> Vec<HistoryEntry> {
        let history = self.history.as_deref().unwrap_or_default();
        let filled = history.iter().filter(|entry| entry.empty_layer != Some(true)).count();
        let entry = |entry: &History| HistoryEntry {
            created_by: entry.created_by.clone().unwrap_or_default(),
            empty_layer: entry.empty_layer == Some(true),
        };
        // Steps without a layer cost nothing to claim.
        if filled != layers || history.len() > MAX_HISTORY {
            return Vec::new();
        }
        history.iter().map(entry).collect()
    }

    /// Returns the labels and how the image is started.
    pub(crate) fn into_runtime(self) -> (BTreeMap<String, String>, ImageConfig) {
        let raw = self.config.unwrap_or_default();
        let config = ImageConfig {
            user: raw.user.unwrap_or_default(),
            env: raw.env.unwrap_or_default(),
            entrypoint: raw.entrypoint.unwrap_or_default(),
            command: raw.cmd.unwrap_or_default(),
            working_dir: raw.working_dir.unwrap_or_default(),
            exposed_ports: raw.exposed_ports.unwrap_or_default().into_keys().collect(),
            health_check: raw.healthcheck.and_then(|check| check.test).unwrap_or_default(),
        };
        (raw.labels.unwrap_or_default(), config)
    }
}

/// Reads a JSON document, if a runtime reads the same in it.
pub(crate) fn parse<T: DeserializeOwned + Named>(bytes: &[u8], what: &str) -> Result<T, OpenError> {
    names::check(bytes, T::NAMES)
        .and_then(|()| serde_json::from_slice(bytes))
        .map_err(|source| OpenError::Malformed { what: what.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use super::*;

    const D: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    fn check(text: &str, media_type: Option<&str>) -> Result<&'static str, String> {
        match Document::parse(text.replace('D', D).as_bytes(), media_type, "it") {
            Ok(Document::Index(_)) => Ok("index"),
            Ok(Document::Manifest(_)) => Ok("manifest"),
            Err(error) => Err(error.to_string()),
        }
    }

    #[test]
    fn documents_are_told_apart() {
        let manifest = r#"{"config":{"digest":"D"},"layers":null}"#;
        assert_eq!(check(manifest, None).unwrap(), "manifest");
        assert_eq!(check(manifest, Some("text/plain")).unwrap(), "manifest");
        assert_eq!(check(r#"{"manifests":[]}"#, None).unwrap(), "index");
        check(manifest, Some("application/vnd.oci.image.index.v1+json")).unwrap_err();
        check(r#"{"manifests":[]}"#, Some("application/vnd.oci.image.manifest.v1+json")).unwrap_err();
        check(r#"{"manifests":[],"config":{"digest":"D"},"layers":[]}"#, None).unwrap_err();
        check("{}", None).unwrap_err();
        check("[]", None).unwrap_err();
        assert!(check(manifest, Some("application/vnd.cncf.helm")).unwrap_err().contains("vnd.cncf.helm"));
        let chart =
            r#"{"config":{"digest":"D","mediaType":"application/vnd.cncf.helm.config.v1+json"},"layers":[]}"#;
        assert!(check(chart, None).unwrap_err().contains("artifact"));
        let layer = r#"{"config":{"digest":"D"},"layers":[{"digest":"D","mediaType":"application/x-lzma"}]}"#;
        assert!(check(layer, None).unwrap_err().contains("application/x-lzma"));
    }

    #[test]
    fn a_document_that_runtimes_read_otherwise_is_none() {
        let manifest = r#"{"config":{"digest":"D"},"layers":[{"digest":"D"}],"Layers":[]}"#;
        check(manifest, None).unwrap_err();
        check(&manifest.replace(r#","Layers":[]"#, ""), None).unwrap();
        let config = r#"{"config":{"User":"nobody","USER":"root"}}"#;
        parse::<Config>(config.as_bytes(), "it").unwrap_err();
        parse::<Config>(config.replace("USER", "Hostname").as_bytes(), "it").unwrap();
    }

    #[test]
    fn only_what_has_no_platform_is_an_attestation_by_its_annotation() {
        let check = |platform: &str| {
            let text = format!(
                r#"{{"digest":"{D}","annotations":{{"vnd.docker.reference.type":"attestation-manifest"}}{platform}}}"#
            );
            serde_json::from_str::<Descriptor>(&text).unwrap().is_attestation()
        };
        assert!(check(""));
        assert!(check(r#","platform":{"os":"","architecture":""}"#));
        assert!(check(r#","platform":{"os":"unknown","architecture":"unknown"}"#));
        assert!(!check(r#","platform":{"os":"linux","architecture":"amd64"}"#));
    }

    #[test]
    fn history_is_used_only_when_it_fits() {
        let text =
            r#"{"history":[{"created_by":"a"},{"created_by":"b","empty_layer":true},{"created_by":"c"}]}"#;
        let config: Config = parse(text.as_bytes(), "it").unwrap();
        assert_eq!(config.created_by(2), [Some("a".to_owned()), Some("c".to_owned())]);
        assert_eq!(config.created_by(3), [None, None, None]);
    }

    #[test]
    fn nulls_of_go_are_nothing() {
        let text = r#"{"os":"linux","architecture":"arm64","variant":"","rootfs":{"diff_ids":null},"history":null,
            "config":{"Labels":null,"Env":null,"ExposedPorts":{"80/tcp":{}},"Healthcheck":{"Test":["NONE"]}}}"#;
        let config: Config = parse(text.as_bytes(), "it").unwrap();
        assert_eq!(config.platform().unwrap().to_string(), "linux/arm64");
        let (labels, runtime) = config.into_runtime();
        assert!(labels.is_empty());
        assert_eq!(
            (runtime.exposed_ports, runtime.health_check),
            (vec!["80/tcp".to_owned()], vec!["NONE".to_owned()])
        );
    }

    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig::with_cases(128))]
        #[test]
        fn parsing_is_total(bytes: Vec<u8>, text in r#"[\{\}\[\]":,a-z0-9]{0,60}"#) {
            for input in [&bytes[..], text.as_bytes()] {
                let _ = Document::parse(input, None, "it");
                let _ = parse::<Config>(input, "it");
            }
        }
    }
}
