//! Builds one image step by step, as a builder runs a Dockerfile: change the root, commit, change it again.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde_json::{Map, Value, json};

use crate::corpus::Kit;
use crate::image::{Blob, CREATED, ImageSpec, Layer, Layout};
use crate::run::{is_root, output};
use crate::snapshot::Snapshot;

/// The folder inside the root that holds what a step borrows from the host; gone before a commit.
const BORROWED: &str = ".kit";

/// An image under construction and the root file system its next layer is taken from.
pub(crate) struct Stage<'a> {
    kit: &'a Kit,
    layout: &'a Layout,
    root: PathBuf,
    before: Snapshot,
    spec: ImageSpec,
}

impl<'a> Stage<'a> {
    /// Starts from nothing.
    pub(crate) fn scratch(kit: &'a Kit, layout: &'a Layout) -> Result<Self> {
        let root = kit.scratch("root")?;
        let spec = ImageSpec { architecture: "amd64".to_owned(), ..ImageSpec::default() };
        Ok(Self { kit, layout, root, before: Snapshot::default(), spec })
    }

    /// Starts from the minimal Debian, whose layer all images share as they would in a registry.
    pub(crate) fn debian(kit: &'a Kit, layout: &'a Layout) -> Result<Self> {
        let base = kit.part("debian", 1, bootstrap)?;
        let mut stage = Self::scratch(kit, layout)?;
        output(Command::new("tar").arg("-xpf").arg(base.join("root.tar")).arg("-C").arg(&stage.root))?;
        stage.before = Snapshot::take(&stage.root)?;
        let cached = base.join("layer.json");
        if !cached.exists() {
            let folder = kit.scratch("base-layer")?;
            let own = Layout::create(&folder)?;
            let layer = own.layer(|tar| {
                Snapshot::default().write_changes(&stage.before, &stage.root, tar).map(|_| ())
            })?;
            fs::rename(
                folder.join("blobs").join(layer.blob.digest.replace(':', "/")),
                base.join("layer.tar.gz"),
            )?;
            let text = json!({"digest": layer.blob.digest, "size": layer.blob.size, "diff": layer.diff_id});
            fs::write(&cached, text.to_string())?;
        }
        let text: Value = serde_json::from_slice(&fs::read(&cached)?)?;
        let field = |name: &str| text.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let size = text.get("size").and_then(Value::as_u64).unwrap_or_default();
        let layer = Layer { blob: Blob { digest: field("digest"), size }, diff_id: field("diff") };
        layout.adopt(&base.join("layer.tar.gz"), &layer)?;
        let sum: String = layer.diff_id.trim_start_matches("sha256:").chars().take(20).collect();
        stage.history(&format!("/bin/sh -c #(nop) ADD file:{sum} in / "), false);
        stage.spec.layers.push(layer);
        stage.meta("/bin/sh -c #(nop)  CMD [\"bash\"]");
        stage.config("Cmd", json!(["bash"]));
        let path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
        stage.config("Env", json!([path]));
        Ok(stage)
    }

    /// Returns the root file system's folder.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// Sets the platform's architecture.
    pub(crate) fn architecture(&mut self, name: &str) {
        name.clone_into(&mut self.spec.architecture);
    }

    /// Sets a field of the image's `config` object.
    pub(crate) fn config(&mut self, key: &str, value: Value) {
        self.spec.config.insert(key.to_owned(), value);
    }

    /// Adds a label.
    pub(crate) fn label(&mut self, key: &str, value: &str) {
        let labels = self.spec.config.entry("Labels").or_insert_with(|| Value::Object(Map::new()));
        crate::image::set(labels, key, json!(value));
    }

    /// Marks the image as one whose package database was written by hand, not by a distribution.
    pub(crate) fn synthetic(&mut self, what: &str) {
        self.label("assay.corpus.synthetic", what);
    }

    /// Records an instruction that changes no file.
    pub(crate) fn meta(&mut self, created_by: &str) {
        self.history(created_by, true);
    }

    /// Runs `script` by the root's own shell and commits what changed; the history shows the same script.
    pub(crate) fn run(&mut self, script: &str) -> Result<()> {
        self.shell(script)?;
        self.commit(&format!("RUN /bin/sh -c {script} # buildkit"))
    }

    /// Runs `script` by the root's own shell in its own mount and process namespaces, and returns its output.
    ///
    /// The host's name resolution and certificates are lent to it, because package managers need both.
    pub(crate) fn shell(&self, script: &str) -> Result<String> {
        if !is_root() {
            bail!("running commands in a root file system needs root");
        }
        let borrowed = self.root.join(BORROWED);
        fs::create_dir_all(&borrowed)?;
        let resolv = self.root.join("etc/resolv.conf");
        let had_resolv = resolv.exists();
        let mut command = Command::new("unshare");
        command.arg("--mount").arg("--pid").arg("--fork");
        command.arg(format!("--mount-proc={}", self.root.join("proc").display()));
        command.arg("chroot").arg(&self.root).arg("/bin/sh").arg("-ec").arg(script);
        let path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
        command.env("PATH", path).env("HOME", "/root").env("LC_ALL", "C.UTF-8");
        command.env("DEBIAN_FRONTEND", "noninteractive").env("PIP_DISABLE_PIP_VERSION_CHECK", "1");
        command.env("SOURCE_DATE_EPOCH", crate::image::EPOCH.to_string());
        command.env_remove("VIRTUAL_ENV").env_remove("PYTHONPATH").env_remove("TMPDIR");
        if fs::copy("/etc/ssl/certs/ca-certificates.crt", borrowed.join("ca.pem")).is_ok() {
            for name in ["PIP_CERT", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"] {
                command.env(name, format!("/{BORROWED}/ca.pem"));
            }
        }
        if !had_resolv {
            let _ = fs::copy("/etc/resolv.conf", &resolv);
        }
        for (name, value) in &self.kit.pip_settings {
            command.env(name, value);
        }
        let result = output(&mut command);
        fs::remove_dir_all(&borrowed)?;
        if !had_resolv {
            let _ = fs::remove_file(&resolv);
        }
        result
    }

    /// Makes a layer of everything that changed since the last one.
    pub(crate) fn commit(&mut self, created_by: &str) -> Result<()> {
        let after = Snapshot::take(&self.root)?;
        let mut entries = 0;
        let layer = self.layout.layer(|tar| {
            entries = self.before.write_changes(&after, &self.root, tar)?;
            Ok(())
        })?;
        if entries == 0 {
            bail!("`{created_by}` changed nothing");
        }
        self.before = after;
        self.spec.layers.push(layer);
        self.history(created_by, false);
        Ok(())
    }

    /// Writes `text` to `path` in the root, with the folders above it.
    pub(crate) fn write(&self, path: &str, text: impl AsRef<[u8]>) -> Result<()> {
        write(&self.root, path, text)
    }

    /// Copies a file or tree of the host to `path` in the root.
    pub(crate) fn copy(&self, from: &Path, path: &str) -> Result<()> {
        let to = self.root.join(path);
        fs::create_dir_all(to.parent().context("a path inside the root")?)?;
        // No owner of the build machine shall be seen in the image.
        output(Command::new("cp").args(["-r", "--preserve=mode,timestamps,links", "-T"]).arg(from).arg(&to))?;
        output(Command::new("chown").args(["-R", "-h", "0:0"]).arg(&to))?;
        Ok(())
    }

    /// Stores what the root's own dpkg says is installed, as `oracle/dpkg.tsv`.
    pub(crate) fn dpkg_oracle(&self) -> Result<()> {
        let format = "${Package}\\t${Version}\\t${Architecture}\\t${source:Package}\\t${source:Version}\\t\
                      ${db:Status-Status}\\n";
        let text = self.shell(&format!("dpkg-query -W -f '{format}'"))?;
        self.kit.oracle("dpkg.tsv", text)
    }

    /// Writes configuration and manifest, and returns the manifest's descriptor.
    pub(crate) fn finish(self) -> Result<Value> {
        let descriptor = self.layout.image(&self.spec)?;
        fs::remove_dir_all(&self.root)?;
        Ok(descriptor)
    }

    fn history(&mut self, created_by: &str, empty: bool) {
        let mut entry = json!({"created": CREATED, "created_by": created_by});
        if created_by.ends_with("# buildkit") || created_by.starts_with("COPY ") {
            crate::image::set(&mut entry, "comment", json!("buildkit.dockerfile.v0"));
        }
        if empty {
            crate::image::set(&mut entry, "empty_layer", json!(true));
        }
        self.spec.history.push(entry);
    }
}

/// Writes `text` to `path` below `root`, with the folders above it.
pub(crate) fn write(root: &Path, path: &str, text: impl AsRef<[u8]>) -> Result<()> {
    let full = root.join(path);
    fs::create_dir_all(full.parent().context("a path inside the root")?)?;
    fs::write(&full, text).with_context(|| format!("cannot write `{}`", full.display()))
}

// The suite is fixed because the corpus compares with what Debian 12 says; mmdebstrap takes mirror and proxy
// settings from the host.
fn bootstrap(kit: &Kit, folder: &Path) -> Result<()> {
    let _ = kit;
    let tar = folder.join("root.tar");
    let mut command = Command::new("mmdebstrap");
    command.args(["--quiet", "--variant=minbase", "bookworm"]).arg(&tar);
    command.env("SOURCE_DATE_EPOCH", crate::image::EPOCH.to_string());
    output(&mut command)?;
    Ok(())
}
