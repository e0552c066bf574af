//! Builds images in memory: layers, configuration, manifest, and the archives that carry them.
//!
//! The formats are those of <https://github.com/opencontainers/image-spec> and, for `docker save`,
//! <https://github.com/moby/docker-image-spec/blob/main/spec.md>. Everything is reproducible: no clock, fixed owners.

use crate::chunked::{self, Chunked};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use std::fs;
use std::io::Write;
use std::path::Path;

/// The media type of OCI manifests.
pub const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
/// The media type of OCI indexes.
pub const INDEX: &str = "application/vnd.oci.image.index.v1+json";
/// The media type of OCI configurations.
pub const CONFIG: &str = "application/vnd.oci.image.config.v1+json";

/// Returns `sha256:<hex>` of `bytes`.
pub fn digest(bytes: &[u8]) -> String {
    let hex: String = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{hex}")
}

/// Compresses with gzip.
pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// How a layer is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stored {
    /// As it is.
    Plain,
    /// With gzip.
    Gzip,
    /// With Zstandard.
    Zstd,
    /// With gzip, each file apart, and a table of contents.
    Estargz,
    /// With Zstandard, each file apart, and a table of contents.
    ZstdChunked,
}

/// The files of one layer.
pub struct Tree(tar::Builder<Vec<u8>>);

impl Default for Tree {
    fn default() -> Self {
        Self::new()
    }
}

impl Tree {
    /// Starts with nothing.
    pub fn new() -> Self {
        Self(tar::Builder::new(Vec::new()))
    }

    fn entry(
        mut self,
        path: &str,
        kind: tar::EntryType,
        mode: u32,
        link: Option<&str>,
        bytes: &[u8],
    ) -> Self {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(kind);
        header.set_mode(mode);
        header.set_size(bytes.len() as u64);
        header.set_mtime(0);
        match link {
            Some(target) => self.0.append_link(&mut header, path, target).unwrap(),
            None => self.0.append_data(&mut header, path, bytes).unwrap(),
        }
        self
    }

    /// Adds a regular file.
    #[must_use]
    pub fn file(self, path: &str, content: impl AsRef<[u8]>) -> Self {
        self.entry(path, tar::EntryType::Regular, 0o644, None, content.as_ref())
    }

    /// Adds an executable file.
    #[must_use]
    pub fn program(self, path: &str, content: impl AsRef<[u8]>) -> Self {
        self.entry(path, tar::EntryType::Regular, 0o755, None, content.as_ref())
    }

    /// Adds a folder.
    #[must_use]
    pub fn folder(self, path: &str) -> Self {
        self.entry(path, tar::EntryType::Directory, 0o755, None, b"")
    }

    /// Adds a symbolic link.
    #[must_use]
    pub fn symlink(self, path: &str, target: &str) -> Self {
        self.entry(path, tar::EntryType::Symlink, 0o777, Some(target), b"")
    }

    /// Adds a hard link.
    #[must_use]
    pub fn hard_link(self, path: &str, target: &str) -> Self {
        self.entry(path, tar::EntryType::Link, 0o644, Some(target), b"")
    }

    /// Adds the mark that deletes `path` of the layers below.
    #[must_use]
    pub fn whiteout(self, path: &str) -> Self {
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
        let slash = if folder.is_empty() { "" } else { "/" };
        self.file(&format!("{folder}{slash}.wh.{name}"), "")
    }

    /// Adds the mark that hides everything below in the folder `path`.
    #[must_use]
    pub fn opaque(self, path: &str) -> Self {
        self.file(&format!("{path}/.wh..wh..opq"), "")
    }

    /// Returns the tar archive.
    pub fn tar(self) -> Vec<u8> {
        self.0.into_inner().unwrap()
    }
}

/// One layer of a built image.
#[derive(Debug, Clone)]
pub struct BuiltLayer {
    /// The uncompressed archive.
    pub tar: Vec<u8>,
    /// As stored.
    pub blob: Vec<u8>,
    /// The blob's media type.
    pub media_type: &'static str,
    /// Annotations of its descriptor.
    pub annotations: Map<String, Value>,
}

/// Builds an image.
#[derive(Debug, Clone)]
pub struct Builder {
    layers: Vec<BuiltLayer>,
    history: Vec<Value>,
    stored: Stored,
    architecture: String,
    created: String,
    annotations: Map<String, Value>,
    runtime: Map<String, Value>,
}

impl Default for Builder {
    fn default() -> Self {
        Self::new()
    }
}

impl Builder {
    /// Starts a `linux/amd64` image with gzip layers.
    pub fn new() -> Self {
        Self {
            layers: Vec::new(),
            history: Vec::new(),
            stored: Stored::Gzip,
            architecture: "amd64".into(),
            created: "2024-02-01T00:00:00Z".into(),
            annotations: Map::new(),
            runtime: Map::new(),
        }
    }

    /// Sets how the layers that follow are stored.
    #[must_use]
    pub fn stored(mut self, stored: Stored) -> Self {
        self.stored = stored;
        self
    }

    /// Sets the architecture.
    #[must_use]
    pub fn architecture(mut self, name: &str) -> Self {
        self.architecture = name.into();
        self
    }

    /// Sets when it was built.
    #[must_use]
    pub fn created(mut self, time: &str) -> Self {
        self.created = time.into();
        self
    }

    /// Adds an annotation to the manifest.
    #[must_use]
    pub fn annotation(mut self, name: &str, value: &str) -> Self {
        self.annotations.insert(name.into(), value.into());
        self
    }

    /// Sets a member of the configuration's `config`, such as `User`, `Env` or `Labels`.
    #[must_use]
    pub fn runtime(mut self, name: &str, value: Value) -> Self {
        self.runtime.insert(name.into(), value);
        self
    }

    /// Adds a layer made by the build instruction `created_by`.
    #[must_use]
    pub fn layer(self, tree: Tree, created_by: &str) -> Self {
        self.layer_tar(tree.tar(), created_by)
    }

    /// Adds a layer from a finished, possibly damaged, archive.
    #[must_use]
    pub fn layer_tar(mut self, tar: Vec<u8>, created_by: &str) -> Self {
        const GZIP: &str = "application/vnd.oci.image.layer.v1.tar+gzip";
        const ZSTD: &str = "application/vnd.oci.image.layer.v1.tar+zstd";
        let whole = |tar, blob| Chunked { tar, blob, annotations: Map::new() };
        let (layer, media_type) = match self.stored {
            Stored::Plain => (whole(tar.clone(), tar), "application/vnd.oci.image.layer.v1.tar"),
            Stored::Gzip => (whole(tar.clone(), gzip(&tar)), GZIP),
            Stored::Zstd => (whole(tar.clone(), zstd::encode_all(&tar[..], 3).unwrap()), ZSTD),
            Stored::Estargz => (chunked::estargz(&tar), GZIP),
            Stored::ZstdChunked => (chunked::zstd_chunked(&tar), ZSTD),
        };
        let Chunked { tar, blob, annotations } = layer;
        self.layers.push(BuiltLayer { tar, blob, media_type, annotations });
        self.history.push(json!({"created": "2024-02-01T00:00:00Z", "created_by": created_by}));
        self
    }

    /// Adds an instruction that made no layer.
    #[must_use]
    pub fn instruction(mut self, created_by: &str) -> Self {
        self.history.push(json!({"created_by": created_by, "empty_layer": true}));
        self
    }

    /// Makes the image.
    pub fn build(self) -> BuiltImage {
        let diff_ids: Vec<_> = self.layers.iter().map(|layer| digest(&layer.tar)).collect();
        let config = json!({
            "created": self.created,
            "architecture": self.architecture,
            "os": "linux",
            "config": self.runtime,
            "rootfs": {"type": "layers", "diff_ids": diff_ids},
            "history": self.history,
        });
        let config = serde_json::to_vec(&config).unwrap();
        let describe = |layer: &BuiltLayer| {
            let mut descriptor = descriptor(layer.media_type, &layer.blob);
            if !layer.annotations.is_empty() {
                descriptor["annotations"] = Value::Object(layer.annotations.clone());
            }
            descriptor
        };
        let layers: Vec<_> = self.layers.iter().map(describe).collect();
        let mut manifest = json!({
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": descriptor(CONFIG, &config),
            "layers": layers,
        });
        if !self.annotations.is_empty() {
            manifest["annotations"] = Value::Object(self.annotations);
        }
        let manifest = serde_json::to_vec(&manifest).unwrap();
        BuiltImage { config, manifest, layers: self.layers, architecture: self.architecture }
    }
}

/// Returns a descriptor of `bytes`.
pub fn descriptor(media_type: &str, bytes: &[u8]) -> Value {
    json!({"mediaType": media_type, "digest": digest(bytes), "size": bytes.len()})
}

/// Returns an index of `images`, each with its platform.
pub fn index(images: &[&BuiltImage]) -> Vec<u8> {
    let manifests: Vec<_> = images
        .iter()
        .map(|image| {
            let mut entry = descriptor(MANIFEST, &image.manifest);
            entry["platform"] = json!({"os": "linux", "architecture": image.architecture});
            entry
        })
        .collect();
    serde_json::to_vec(&json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": manifests})).unwrap()
}

/// An image, complete in memory.
#[derive(Debug, Clone)]
pub struct BuiltImage {
    /// The configuration.
    pub config: Vec<u8>,
    /// The manifest.
    pub manifest: Vec<u8>,
    /// The layers, the base first.
    pub layers: Vec<BuiltLayer>,
    /// The architecture.
    pub architecture: String,
}

impl BuiltImage {
    /// Returns the digest of the manifest.
    pub fn digest(&self) -> String {
        digest(&self.manifest)
    }

    /// Returns all blobs but the manifest.
    pub fn blobs(&self) -> impl Iterator<Item = &[u8]> {
        std::iter::once(self.config.as_slice()).chain(self.layers.iter().map(|layer| layer.blob.as_slice()))
    }

    /// Returns the files of an OCI layout that holds this image as `tag`.
    pub fn layout(&self, tag: &str) -> Vec<(String, Vec<u8>)> {
        let mut entry = descriptor(MANIFEST, &self.manifest);
        entry["annotations"] = json!({"org.opencontainers.image.ref.name": tag});
        layout(&[entry], self.blobs().chain([self.manifest.as_slice()]))
    }

    /// Writes an OCI layout into a folder.
    pub fn write_layout(&self, folder: &Path, tag: &str) {
        write_files(folder, &self.layout(tag));
    }

    /// Returns an OCI layout as a tar archive.
    pub fn oci_archive(&self, tag: &str) -> Vec<u8> {
        archive(self.layout(tag))
    }

    /// Returns what Docker before version 25 saves: a folder for each layer, equal layers as links.
    pub fn docker_archive(&self, name: &str) -> Vec<u8> {
        let mut tree = Tree::new();
        let mut members: Vec<(String, &[u8])> = Vec::new();
        for (at, layer) in self.layers.iter().enumerate() {
            let folder = digest(format!("{at}{}", digest(&layer.tar)).as_bytes()).split_off(7);
            let member = format!("{folder}/layer.tar");
            tree = tree.folder(&format!("{folder}/")).file(&format!("{folder}/VERSION"), "1.0");
            tree = match members.iter().find(|(_, tar)| *tar == layer.tar) {
                Some((first, _)) => tree.symlink(&member, &format!("../{first}")),
                None => tree.file(&member, &layer.tar),
            };
            members.push((member, &layer.tar));
        }
        let config = format!("{}.json", digest(&self.config).split_off(7));
        let names: Vec<_> = members.iter().map(|(name, _)| name).collect();
        let manifest = json!([{"Config": config, "RepoTags": [name], "Layers": names}]);
        tree.file(&config, &self.config).file("manifest.json", manifest.to_string()).tar()
    }

    /// Returns what Docker since version 25 saves: an OCI layout with a `manifest.json`.
    pub fn docker_oci_archive(&self, name: &str) -> Vec<u8> {
        let path = |bytes: &[u8]| format!("blobs/sha256/{}", digest(bytes).split_off(7));
        let layers: Vec<_> = self.layers.iter().map(|layer| path(&layer.blob)).collect();
        let manifest = json!([{"Config": path(&self.config), "RepoTags": [name], "Layers": layers}]);
        let mut files = self.layout(name);
        files.push(("manifest.json".into(), manifest.to_string().into_bytes()));
        archive(files)
    }
}

/// Returns the files of an OCI layout with the entries `manifests` of its index, and `blobs`.
pub fn layout<'a>(manifests: &[Value], blobs: impl Iterator<Item = &'a [u8]>) -> Vec<(String, Vec<u8>)> {
    let index = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": manifests});
    let mut files = vec![
        ("oci-layout".to_owned(), br#"{"imageLayoutVersion":"1.0.0"}"#.to_vec()),
        ("index.json".to_owned(), index.to_string().into_bytes()),
    ];
    for blob in blobs {
        let name = format!("blobs/sha256/{}", digest(blob).split_off(7));
        if !files.iter().any(|(have, _)| *have == name) {
            files.push((name, blob.to_vec()));
        }
    }
    files
}

/// Writes files into a folder.
pub fn write_files(folder: &Path, files: &[(String, Vec<u8>)]) {
    for (name, bytes) in files {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
}

/// Returns files as a tar archive.
pub fn archive(files: Vec<(String, Vec<u8>)>) -> Vec<u8> {
    files.into_iter().fold(Tree::new(), |tree, (name, bytes)| tree.file(&name, bytes)).tar()
}
