//! `buildah-image`: an image committed by buildah, once in the OCI format and once in Docker's.

use std::process::Command;

use anyhow::Result;
use std::fs;

use super::{Kit, Recipe, go_app};
use crate::run::output;

pub(super) const RECIPE: Recipe = Recipe {
    name: "buildah-image",
    about: "the Go binary and a lockfile committed by buildah as OCI (oci/) and Docker (docker-archive.tar)",
    revision: 1,
    needs: &["buildah", "skopeo", "go"],
    forms: &[],
    build,
};

const LOCK: &str = r#"{
  "name": "status-page",
  "version": "2.0.0",
  "lockfileVersion": 3,
  "packages": {
    "": {"name": "status-page", "version": "2.0.0", "dependencies": {"lodash": "4.17.20"}},
    "node_modules/lodash": {"version": "4.17.20", "license": "MIT"}
  }
}
"#;

fn build(kit: &Kit) -> Result<()> {
    let part = kit.part("go", 1, go_app::binaries)?;
    let scratch = kit.scratch("buildah")?;
    let lock = scratch.join("package-lock.json");
    fs::write(&lock, LOCK)?;
    let buildah = |arguments: &[&str]| {
        let mut command = Command::new("buildah");
        command.args(["--storage-driver", "vfs", "--root"]).arg(scratch.join("root"));
        command.arg("--runroot").arg(scratch.join("run")).args(arguments);
        command
    };
    let container = output(&mut buildah(&["from", "scratch"]))?;
    let container = container.trim();
    let gateway = part.join("gateway-amd64");
    output(buildah(&["copy", "--add-history", container]).arg(&gateway).arg("/usr/bin/gateway"))?;
    output(&mut buildah(&["commit", "--quiet", "--timestamp", "1706745600", container, "first"]))?;
    output(&mut buildah(&["rm", container]))?;
    let container = output(&mut buildah(&["from", "--pull-never", "localhost/first"]))?;
    let container = container.trim();
    output(
        buildah(&["copy", "--add-history", container]).arg(&lock).arg("/srv/status-page/package-lock.json"),
    )?;
    output(&mut buildah(&[
        "config",
        "--entrypoint",
        "[\"/usr/bin/gateway\"]",
        "--label",
        "maintainer=corpus",
        container,
    ]))?;
    let oci = format!("oci:{}:latest", kit.path("oci").display());
    let docker = format!(
        "docker-archive:{}:assay.test/buildah-image:latest",
        kit.path("docker-archive.tar").display()
    );
    output(&mut buildah(&[
        "commit",
        "--quiet",
        "--timestamp",
        "1706745600",
        "--format",
        "oci",
        container,
        &oci,
    ]))?;
    output(&mut buildah(&[
        "commit",
        "--quiet",
        "--timestamp",
        "1706745600",
        "--format",
        "docker",
        container,
        &docker,
    ]))?;
    kit.oracle("go.txt", fs::read(part.join("gateway-amd64.txt"))?)?;
    kit.oracle("npm-lock.json", LOCK)
}
