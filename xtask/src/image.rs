//! Writes OCI image layouts: blobs, layers, configurations, manifests and the index.
//!
//! The corpus writes most images itself instead of calling a builder, because the tests need full control of
//! every `created_by`, of whiteouts and opaque directories, and of time stamps. The formats are those of the
//! image specification, <https://github.com/opencontainers/image-spec>. What other tools write is covered by the
//! recipes `umoci-image` and `buildah-image` and by the forms skopeo derives.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

/// The creation time written into every image, so that two builds of the same tree are the same image.
pub(crate) const CREATED: &str = "2024-02-01T00:00:00Z";
/// [`CREATED`] in seconds since 1970; newer modification times are lowered to it.
pub(crate) const EPOCH: u64 = 1_706_745_600;

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
const LAYER: &str = "application/vnd.oci.image.layer.v1.tar+gzip";

/// Points at a blob of a layout.
#[derive(Clone, Debug)]
pub(crate) struct Blob {
    pub(crate) digest: String,
    pub(crate) size: u64,
}

impl Blob {
    fn descriptor(&self, media_type: &str) -> Value {
        json!({"mediaType": media_type, "digest": self.digest, "size": self.size})
    }
}

/// A compressed layer and the digest of its uncompressed tar.
#[derive(Clone, Debug)]
pub(crate) struct Layer {
    pub(crate) blob: Blob,
    pub(crate) diff_id: String,
}

/// An OCI layout being written.
pub(crate) struct Layout {
    dir: PathBuf,
    manifests: Vec<Value>,
}

impl Layout {
    /// Starts an empty layout in `dir`.
    pub(crate) fn create(dir: &Path) -> Result<Self> {
        fs::create_dir_all(dir.join("blobs/sha256"))?;
        fs::write(dir.join("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#)?;
        Ok(Self { dir: dir.to_owned(), manifests: Vec::new() })
    }

    /// Stores `bytes` as a blob.
    pub(crate) fn blob(&self, bytes: &[u8]) -> Result<Blob> {
        let hex = hex(&Sha256::digest(bytes));
        fs::write(self.dir.join("blobs/sha256").join(&hex), bytes)?;
        Ok(Blob { digest: format!("sha256:{hex}"), size: bytes.len() as u64 })
    }

    /// Streams one layer: `fill` writes the entries, the result is named by its digest.
    pub(crate) fn layer(
        &self,
        fill: impl FnOnce(&mut tar::Builder<&mut dyn Write>) -> Result<()>,
    ) -> Result<Layer> {
        let partial = self.dir.join("blobs/sha256/.partial");
        let file = Hashing::new(BufWriter::new(File::create(&partial)?));
        let gzip = flate2::GzBuilder::new().mtime(0).write(file, flate2::Compression::new(6));
        let mut plain = Hashing::new(gzip);
        {
            let out: &mut dyn Write = &mut plain;
            let mut tar = tar::Builder::new(out);
            fill(&mut tar)?;
            tar.finish()?;
        }
        let (gzip, diff, _) = plain.finish();
        let (file, digest, size) = gzip.finish()?.finish();
        file.into_inner().context("cannot flush the layer")?;
        fs::rename(&partial, self.dir.join("blobs/sha256").join(&digest))?;
        Ok(Layer {
            blob: Blob { digest: format!("sha256:{digest}"), size },
            diff_id: format!("sha256:{diff}"),
        })
    }

    /// Takes over a layer written earlier, by hard link where the file system allows it.
    pub(crate) fn adopt(&self, file: &Path, layer: &Layer) -> Result<()> {
        let to = self.dir.join("blobs").join(layer.blob.digest.replace(':', "/"));
        if !to.exists() && fs::hard_link(file, &to).is_err() {
            fs::copy(file, &to)?;
        }
        Ok(())
    }

    /// Adds an image to the blobs and returns its manifest's descriptor, not yet in any index.
    pub(crate) fn image(&self, spec: &ImageSpec) -> Result<Value> {
        let config = serde_json::to_vec(&spec.config_json())?;
        let config = self.blob(&config)?;
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": config.descriptor(CONFIG),
            "layers": spec.layers.iter().map(|l| l.blob.descriptor(LAYER)).collect::<Vec<_>>(),
        });
        Ok(self.blob(&serde_json::to_vec(&manifest)?)?.descriptor(MANIFEST))
    }

    /// Adds a manifest whose only layer is `payload`, as BuildKit attaches its attestations to an index.
    pub(crate) fn attestation(&self, subject: &Value, payload: &Value) -> Result<Value> {
        let layer = self.blob(&serde_json::to_vec(payload)?)?;
        let config = json!({
            "architecture": "unknown", "os": "unknown", "config": {},
            "rootfs": {"type": "layers", "diff_ids": [layer.digest]},
        });
        let config = self.blob(&serde_json::to_vec(&config)?)?;
        let mut entry = layer.descriptor("application/vnd.in-toto+json");
        set(&mut entry, "annotations", json!({"in-toto.io/predicate-type": payload["predicateType"]}));
        let manifest = json!({
            "schemaVersion": 2, "mediaType": MANIFEST,
            "config": config.descriptor(CONFIG), "layers": [entry],
        });
        let mut descriptor = self.blob(&serde_json::to_vec(&manifest)?)?.descriptor(MANIFEST);
        set(&mut descriptor, "platform", json!({"architecture": "unknown", "os": "unknown"}));
        let annotations = json!({
            "vnd.docker.reference.type": "attestation-manifest",
            "vnd.docker.reference.digest": subject["digest"],
        });
        set(&mut descriptor, "annotations", annotations);
        Ok(descriptor)
    }

    /// Stores a nested index over `manifests` and returns its descriptor.
    pub(crate) fn index(&self, manifests: &[Value]) -> Result<Value> {
        let index = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": manifests});
        Ok(self.blob(&serde_json::to_vec(&index)?)?.descriptor(INDEX))
    }

    /// Names `descriptor` in the layout's own index.
    pub(crate) fn tag(&mut self, mut descriptor: Value, name: &str) {
        set(&mut descriptor, "annotations", json!({"org.opencontainers.image.ref.name": name}));
        self.manifests.push(descriptor);
    }

    /// Writes `index.json`; without it the folder is not a layout.
    pub(crate) fn finish(self) -> Result<()> {
        let index = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": self.manifests});
        fs::write(self.dir.join("index.json"), serde_json::to_vec(&index)?)?;
        Ok(())
    }
}

/// What an image's configuration and manifest are made from.
#[derive(Clone, Debug, Default)]
pub(crate) struct ImageSpec {
    pub(crate) architecture: String,
    /// The `config` object: `Env`, `Cmd`, `Labels` and so on.
    pub(crate) config: Map<String, Value>,
    pub(crate) history: Vec<Value>,
    pub(crate) layers: Vec<Layer>,
}

impl ImageSpec {
    fn config_json(&self) -> Value {
        json!({
            "created": CREATED,
            "architecture": self.architecture,
            "os": "linux",
            "config": self.config,
            "rootfs": {"type": "layers", "diff_ids": self.layers.iter().map(|l| &l.diff_id).collect::<Vec<_>>()},
            "history": self.history,
        })
    }
}

/// Sets `key` of a JSON object.
pub(crate) fn set(object: &mut Value, key: &str, value: Value) {
    if let Some(map) = object.as_object_mut() {
        map.insert(key.to_owned(), value);
    }
}

/// Returns the lower-case hexadecimal form of `bytes`.
pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

struct Hashing<W> {
    inner: W,
    hash: Sha256,
    size: u64,
}

impl<W> Hashing<W> {
    fn new(inner: W) -> Self {
        Self { inner, hash: Sha256::new(), size: 0 }
    }

    fn finish(self) -> (W, String, u64) {
        (self.inner, hex(&self.hash.finalize()), self.size)
    }
}

impl<W: Write> Write for Hashing<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.hash.update(bytes.get(..written).unwrap_or(bytes));
        self.size += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}
