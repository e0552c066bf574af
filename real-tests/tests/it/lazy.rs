//! Layers with tables of contents as real tools make them: zstd:chunked by skopeo, eStargz by its own Go module; both in a real
//! registry, read by their tables and whole.

use crate::services::{registry, run};
use assay_analyze::Limits;
use assay_engine::{Progress, Settings, image_inventory};
use assay_model::Inventory;
use assay_oci::{Network, NetworkOptions, OpenOptions, Source, SpoolOptions};
use std::collections::BTreeSet;
use std::fs;
use std::num::NonZeroUsize;
use std::path::Path;
use std::process::Command;

fn inventory(text: &str, lazy: bool) -> (Inventory, u64) {
    let source = Source::Registry(text.parse().unwrap());
    let spool = SpoolOptions::in_folder(std::env::temp_dir());
    let network = Network::new(NetworkOptions::default());
    let opened = source.open(&OpenOptions { platform: None, spool }, &network).unwrap();
    let limits = Limits::new(std::env::temp_dir());
    let settings = Settings { lazy, ..Settings::new(limits, NonZeroUsize::new(2).unwrap(), &[]) };
    let mut image = opened.image().clone();
    let inventory = image_inventory(&*opened, &mut image, &settings, &Progress::default()).unwrap();
    (inventory, image.layers.iter().filter_map(|layer| layer.size).sum())
}

/// Scans an image both ways and compares; returns how many bytes were fetched by the tables, and of how many.
fn check(image: &str) -> (u64, u64) {
    let (whole, size) = inventory(image, false);
    let (lazy, _) = inventory(image, true);
    let named = |inventory: &Inventory| -> BTreeSet<String> {
        let packages = inventory.packages.iter().map(|one| {
            let places: Vec<_> = one.locations.iter().map(|place| (&place.path, place.layer)).collect();
            format!("{:?} {} {} {places:?}", one.kind, one.name, one.version)
        });
        packages.collect()
    };
    let (all, some) = (named(&whole), named(&lazy));
    assert!(some.is_subset(&all), "{:?}", some.difference(&all).collect::<Vec<_>>());
    // Debian's packages are known by name; what is missing is known by content.
    let debs = |names: &BTreeSet<String>| names.iter().filter(|name| name.starts_with("Deb ")).count();
    assert!(debs(&all) > 50, "{}", debs(&all));
    assert_eq!(debs(&some), debs(&all));
    assert_eq!(lazy.os, whole.os);
    let mut fetched = 0;
    for warning in &lazy.warnings {
        assert_ne!(warning.code, "unusable-table", "{warning}");
        assert_ne!(warning.code, "unverified-file", "{warning}");
        if warning.code == "lazy-scan" {
            let (_, rest) = warning.message.split_once("files, ").unwrap();
            fetched += rest.split_once(' ').unwrap().0.parse::<u64>().unwrap();
        }
    }
    println!("{image}: {fetched} of {size} bytes; {} of {} packages", some.len(), all.len());
    (fetched, size)
}

/// Checks what users see: the same image, partial.
fn check_command(image: &str) {
    let scan = |more: &[&str]| {
        let mut command = Command::new(real_tests::assay());
        command.args(["scan", "--no-cache", "--format", "json", "--lazy"]).args(more).arg(image);
        command.output().unwrap()
    };
    let output = scan(&[]);
    assert_eq!(output.status.code(), Some(2), "{}", String::from_utf8_lossy(&output.stderr));
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["complete"], false);
    assert!(report["warnings"].as_array().unwrap().iter().any(|warning| warning["code"] == "lazy-scan"));
    assert_eq!(scan(&["--allow-partial"]).status.code(), Some(0));
}

#[test]
fn zstd_chunked_of_skopeo_is_read_by_its_table() {
    let (Some(program), Some(skopeo)) = (real_tests::tool("docker-registry"), real_tests::tool("skopeo"))
    else {
        return;
    };
    let Some(corpus) = real_tests::corpus("debian-minimal") else { return };
    let folder = tempfile::tempdir().unwrap();
    let (_running, host) = registry(&program, folder.path(), "", "");
    let (from, to) = (format!("oci:{}", corpus.join("oci").display()), format!("docker://{host}/app:1"));
    let options = ["--dest-tls-verify=false", "--dest-compress-format", "zstd:chunked", "--format", "oci"];
    run(&skopeo, &[&["copy", "--quiet"][..], &options, &[&from, &to]].concat());
    let image = format!("{host}/app:1");
    let (fetched, size) = check(&image);
    assert!(fetched < size / 2, "{fetched} of {size}");
    check_command(&image);
}

#[test]
fn estargz_of_its_own_module_is_read_by_its_table() {
    let (Some(program), Some(skopeo)) = (real_tests::tool("docker-registry"), real_tests::tool("skopeo"))
    else {
        return;
    };
    let (Some(go), Some(corpus)) = (real_tests::tool("go"), real_tests::corpus("debian-minimal")) else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let tool = folder.path().join("tool");
    fs::create_dir(&tool).unwrap();
    fs::write(tool.join("go.mod"), GO_MOD).unwrap();
    fs::write(tool.join("main.go"), GO_MAIN).unwrap();
    let go = |arguments: &[&str]| {
        let output =
            Command::new(&go).args(arguments).current_dir(&tool).env("CGO_ENABLED", "0").output().unwrap();
        assert!(output.status.success(), "go {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    };
    go(&["mod", "tidy"]);
    let out = folder.path().join("oci");
    let path = |path: &Path| path.display().to_string();
    go(&["run", ".", &path(&corpus.join("oci")), &path(&out)]);
    let (_running, host) = registry(&program, folder.path(), "", "");
    let (from, to) = (format!("oci:{}:1", out.display()), format!("docker://{host}/app:1"));
    run(&skopeo, &["copy", "--quiet", "--dest-tls-verify=false", &from, &to]);
    let (fetched, size) = check(&format!("{host}/app:1"));
    assert!(fetched < size / 2, "{fetched} of {size}");
    // A layout is read in parts, too.
    check_command(&from);
}

const GO_MOD: &str = "module example.com/estargz\n\ngo 1.22\n\nrequire github.com/containerd/stargz-snapshotter/estargz v0.16.3\n";

/// Copies a layout of one image; every layer becomes eStargz.
const GO_MAIN: &str = r#"package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/containerd/stargz-snapshotter/estargz"
)

type object = map[string]any

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

func read(path string) object {
	var value object
	if err := json.Unmarshal(must(os.ReadFile(path)), &value); err != nil {
		panic(err)
	}
	return value
}

func main() {
	from, to := os.Args[1], os.Args[2]
	blob := func(root, digest string) string { return filepath.Join(root, "blobs/sha256", digest[7:]) }
	if err := os.MkdirAll(filepath.Join(to, "blobs/sha256"), 0o755); err != nil {
		panic(err)
	}
	write := func(content []byte) (string, int) {
		digest := fmt.Sprintf("sha256:%x", sha256.Sum256(content))
		if err := os.WriteFile(blob(to, digest), content, 0o644); err != nil {
			panic(err)
		}
		return digest, len(content)
	}
	index := read(filepath.Join(from, "index.json"))
	top := index["manifests"].([]any)[0].(object)
	manifest := read(blob(from, top["digest"].(string)))
	config := read(blob(from, manifest["config"].(object)["digest"].(string)))
	diffs := []string{}
	for _, one := range manifest["layers"].([]any) {
		layer := one.(object)
		stored := must(os.ReadFile(blob(from, layer["digest"].(string))))
		made := must(estargz.Build(io.NewSectionReader(bytes.NewReader(stored), 0, int64(len(stored)))))
		content := must(io.ReadAll(made))
		if err := made.Close(); err != nil {
			panic(err)
		}
		layer["digest"], layer["size"] = write(content)
		layer["mediaType"] = "application/vnd.oci.image.layer.v1.tar+gzip"
		layer["annotations"] = object{estargz.TOCJSONDigestAnnotation: made.TOCDigest().String()}
		diffs = append(diffs, made.DiffID().String())
	}
	config["rootfs"].(object)["diff_ids"] = diffs
	described := manifest["config"].(object)
	described["digest"], described["size"] = write(must(json.Marshal(config)))
	top["digest"], top["size"] = write(must(json.Marshal(manifest)))
	top["annotations"] = object{"org.opencontainers.image.ref.name": "1"}
	for name, content := range map[string][]byte{"index.json": must(json.Marshal(index)), "oci-layout": []byte(`{"imageLayoutVersion":"1.0.0"}`)} {
		if err := os.WriteFile(filepath.Join(to, name), content, 0o644); err != nil {
			panic(err)
		}
	}
}
"#;
