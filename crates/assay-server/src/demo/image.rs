//! Images for the demo: a small base with an operating system, and packages on top.

use serde_json::json;
use sha2::{Digest as _, Sha256};
use std::io;

const OS: &str = "ID=debian\nVERSION_ID=\"12\"\nPRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\n";
const STATUS: &str =
    "Package: base-files\nStatus: install ok installed\nArchitecture: amd64\nVersion: 12.4+deb12u5\n\n";
pub(super) const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
const LAYER: &str = "application/vnd.oci.image.layer.v1.tar";

/// An image: its manifest, and what that refers to.
pub(super) struct Image {
    pub(super) manifest: Vec<u8>,
    pub(super) blobs: Vec<Vec<u8>>,
}

impl Image {
    /// Makes one with these Python packages.
    pub(super) fn new(packages: &[(&str, &str)]) -> io::Result<Self> {
        let base = tar(&[
            ("etc/os-release".to_owned(), OS.to_owned()),
            ("var/lib/dpkg/status".to_owned(), STATUS.to_owned()),
        ])?;
        let files: Vec<(String, String)> = packages
            .iter()
            .map(|(name, version)| {
                let path = format!("usr/lib/python3/dist-packages/{name}-{version}.dist-info/METADATA");
                (path, format!("Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"))
            })
            .collect();
        let application = tar(&files)?;
        let config = json!({
            "architecture": "amd64",
            "os": "linux",
            "config": { "User": "65532", "Entrypoint": ["/usr/bin/python3", "-m", "shop"] },
            "rootfs": { "type": "layers", "diff_ids": [digest(&base), digest(&application)] },
            "history": [
                { "created_by": "FROM a made-up base" },
                { "created_by": "RUN pip install (made-up packages)" },
            ],
        });
        let config = serde_json::to_vec(&config)?;
        let manifest = serde_json::to_vec(&json!({
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": descriptor(CONFIG, &config),
            "layers": [descriptor(LAYER, &base), descriptor(LAYER, &application)],
        }))?;
        Ok(Self { manifest, blobs: vec![config, base, application] })
    }
}

pub(super) fn digest(bytes: &[u8]) -> String {
    assay_model::Digest::Sha256(Sha256::digest(bytes).into()).to_string()
}

fn descriptor(media_type: &str, bytes: &[u8]) -> serde_json::Value {
    json!({ "mediaType": media_type, "digest": digest(bytes), "size": bytes.len() })
}

fn tar(files: &[(String, String)]) -> io::Result<Vec<u8>> {
    let mut archive = tar::Builder::new(Vec::new());
    for (path, content) in files {
        let mut header = tar::Header::new_ustar();
        header.set_mode(0o644);
        header.set_size(content.len().try_into().map_err(io::Error::other)?);
        archive.append_data(&mut header, path, content.as_bytes())?;
    }
    archive.into_inner()
}
