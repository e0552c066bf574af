//! `multi-arch`: an index with two platforms whose contents differ, and an attestation as BuildKit attaches it.

use std::fs;

use anyhow::Result;
use serde_json::{Value, json};

use super::{Kit, Recipe, go_app};
use crate::image::{Layout, set};
use crate::stage::Stage;

pub(super) const RECIPE: Recipe = Recipe {
    name: "multi-arch",
    about: "an index of linux/amd64, linux/arm64 (other content) and an attestation manifest (oracle: go version -m)",
    revision: 1,
    needs: &["go", "skopeo"],
    forms: &[],
    build,
};

fn build(kit: &Kit) -> Result<()> {
    let part = kit.part("go", 1, go_app::binaries)?;
    let mut layout = kit.layout()?;
    let mut manifests = Vec::new();
    for (architecture, variant, apk) in [("amd64", None, "1.2.12-r0"), ("arm64", Some("v8"), "1.2.13-r0")] {
        let mut stage = Stage::scratch(kit, &layout)?;
        stage.architecture(architecture);
        stage.copy(&part.join(format!("gateway-{architecture}")), "gateway")?;
        stage.write("etc/os-release", "ID=wolfi\nNAME=\"Wolfi\"\nVERSION_ID=\"20230201\"\n")?;
        let arch = if architecture == "amd64" { "x86_64" } else { "aarch64" };
        let installed = format!(
            "P:zlib\nV:{apk}\nA:{arch}\nS:1\nI:1\nT:Synthetic package of the corpus\nU:https://example.com/zlib\nL:Zlib\no:zlib\n\n"
        );
        stage.write("lib/apk/db/installed", installed)?;
        stage.synthetic("the package database was written by the corpus");
        stage.commit("COPY /out/ / # buildkit")?;
        stage.config("Entrypoint", json!(["/gateway"]));
        stage.meta("ENTRYPOINT [\"/gateway\"]");
        kit.oracle(
            &format!("go-{architecture}.txt"),
            fs::read(part.join(format!("gateway-{architecture}.txt")))?,
        )?;
        kit.oracle(&format!("apk-{architecture}.tsv"), format!("zlib\t{apk}\t{arch}\tzlib\tZlib\n"))?;
        let mut platform = json!({"architecture": architecture, "os": "linux"});
        if let Some(variant) = variant {
            set(&mut platform, "variant", json!(variant));
        }
        let mut image = stage.finish()?;
        set(&mut image, "platform", platform);
        manifests.push(image);
    }
    if let Some(subject) = manifests.first() {
        manifests.push(attestation(&layout, subject)?);
    }
    let index = layout.index(&manifests)?;
    layout.tag(index, "latest");
    layout.finish()
}

fn attestation(layout: &Layout, subject: &Value) -> Result<Value> {
    let digest = subject.get("digest").and_then(Value::as_str).unwrap_or_default();
    let statement = json!({
        "_type": "https://in-toto.io/Statement/v0.1",
        "predicateType": "https://slsa.dev/provenance/v0.2",
        "subject": [{"name": "gateway", "digest": {"sha256": digest.trim_start_matches("sha256:")}}],
        "predicate": {"builder": {"id": ""}, "buildType": "https://mobyproject.org/buildkit@v1"},
    });
    layout.attestation(subject, &statement)
}
