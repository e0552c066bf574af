//! `kitchen-sink`: more than a gigabyte of everything at once, for benches and as the hardest ordinary image.

use std::fs;

use anyhow::{Result, bail};
use serde_json::json;

use super::{Kit, Recipe, go_app, java_app, node_app, python_app};
use crate::stage::Stage;

pub(super) const RECIPE: Recipe = Recipe {
    name: "kitchen-sink",
    about: "over 1 GB: Debian with compilers, JDK, Node, Ruby and the applications of the others (oracle: all of theirs)",
    revision: 3,
    needs: &["mmdebstrap", "skopeo", "python3", "npm", "go", "mvn"],
    forms: &[],
    build,
};

fn build(kit: &Kit) -> Result<()> {
    let node = kit.part("node", 1, node_app::tree)?;
    let go = kit.part("go", 1, go_app::binaries)?;
    let java = kit.part("java", 1, java_app::jars)?;
    let mut layout = kit.layout()?;
    let mut stage = Stage::debian(kit, &layout)?;
    stage.run(
        "apt-get update && apt-get install -y --no-install-recommends build-essential ruby python3-yaml python3-six && \
         rm -rf /var/lib/apt/lists/*",
    )?;
    stage.run(
        "apt-get update && apt-get install -y --no-install-recommends openjdk-17-jdk-headless nodejs && \
         rm -rf /var/lib/apt/lists/*",
    )?;
    python_app::install(&mut stage)?;
    stage.copy(&node.join("app"), "srv/shop-front")?;
    stage.commit("RUN /bin/sh -c npm ci --ignore-scripts --omit=dev # buildkit")?;
    stage.copy(&java.join("orders.jar"), "app/orders.jar")?;
    stage.copy(&java.join("report-job.jar"), "opt/jobs/report-job-0.3.1.jar")?;
    stage.copy(&go.join("gateway-amd64"), "usr/local/bin/gateway")?;
    stage.commit("COPY --from=build /out / # buildkit")?;
    stage.meta("CMD [\"/usr/local/bin/gateway\"]");
    stage.config("Cmd", json!(["/usr/local/bin/gateway"]));
    stage.dpkg_oracle()?;
    kit.oracle("pip.json", stage.shell("/opt/venv/bin/pip list --format json")?)?;
    // Debian's own Python packages, which belong to dpkg and to no virtual environment.
    let system =
        "import importlib.metadata as m; [print(d.metadata['Name'], d.version) for d in m.distributions()]";
    kit.oracle("python-system.txt", stage.shell(&format!("/usr/bin/python3 -c \"{system}\""))?)?;
    kit.oracle("gem.txt", stage.shell("gem list --local")?)?;
    for (name, file) in [
        ("npm.json", node.join("npm.json")),
        ("npm-lock.json", node.join("npm-lock.json")),
        ("go.txt", go.join("gateway-amd64.txt")),
        ("maven-fat.txt", java.join("orders.txt")),
        ("maven-shaded.txt", java.join("report-job.txt")),
    ] {
        kit.oracle(name, fs::read(file)?)?;
    }
    let size = stage.shell("du -sxm / | cut -f1")?;
    if size.trim().parse::<u32>()? < 1000 {
        bail!("only {} MB unpacked, though it shall be a gigabyte", size.trim());
    }
    kit.oracle("unpacked-megabytes.txt", size)?;
    let image = stage.finish()?;
    layout.tag(image, "latest");
    layout.finish()
}
