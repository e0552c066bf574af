//! `rust-app`: a Rust binary built by cargo-auditable, on a base without a shell or package manager.
//!
//! The base is put together as distroless images are: packages of Debian unpacked into an empty root, with each
//! one's control file in `var/lib/dpkg/status.d/` instead of one `status` file.

use std::fs;
use std::io::Read;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};
use serde_json::json;

use super::{Form, Kit, Recipe};
use crate::run::{output, tools_dir};
use crate::stage::{Stage, write};

pub(super) const RECIPE: Recipe = Recipe {
    name: "rust-app",
    about: "a cargo-auditable binary with regex 1.5.4 on a distroless-like base (oracle: dpkg-deb, cargo tree, .dep-v0)",
    revision: 1,
    needs: &["cargo", "cargo-auditable", "objcopy", "apt-get", "dpkg-deb", "skopeo"],
    forms: &[Form::DockerArchive],
    build,
};

const MANIFEST: &str = r#"[package]
name = "ledger"
version = "0.6.0"
edition = "2021"

[dependencies]
regex = "=1.5.4"
smallvec = "=1.6.0"
time = "=0.2.22"

[workspace]
"#;

const MAIN: &str = r#"fn main() {
    let numbers: smallvec::SmallVec<[i64; 4]> = smallvec::smallvec![1, 2];
    let found = regex::Regex::new("[0-9]+").map(|re| re.is_match("12")).unwrap_or(false);
    println!("{} {} {}", numbers.len(), found, time::Duration::seconds(1).whole_seconds());
}
"#;

const PACKAGES: &[&str] =
    &["base-files", "ca-certificates", "libc6", "libgcc-s1", "libssl3", "netbase", "tzdata"];

/// Makes `ledger`, its `Cargo.lock`, `cargo-tree.txt` and `auditable.json`, the list embedded in the binary.
pub(super) fn binary(_: &Kit, folder: &Path) -> Result<()> {
    let source = folder.join("source");
    write(&source, "Cargo.toml", MANIFEST)?;
    write(&source, "src/main.rs", MAIN)?;
    let path = std::env::join_paths(
        std::iter::once(tools_dir().join("bin"))
            .chain(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default())),
    )?;
    let cargo = || {
        let mut command = Command::new("cargo");
        command.current_dir(&source).env("PATH", &path).env("CARGO_TARGET_DIR", source.join("target"));
        command
    };
    output(cargo().args(["auditable", "build", "--release", "--quiet"]))?;
    let tree = ["tree", "--prefix", "none", "--edges", "normal,build", "--format", "{p}", "--no-dedupe"];
    fs::write(folder.join("cargo-tree.txt"), output(cargo().args(tree))?)?;
    fs::copy(source.join("Cargo.lock"), folder.join("Cargo.lock"))?;
    let binary = folder.join("ledger");
    fs::copy(source.join("target/release/ledger"), &binary)?;
    let section = folder.join("section");
    let dump = format!(".dep-v0={}", section.display());
    output(Command::new("objcopy").arg("--dump-section").arg(dump).arg(&binary).arg("/dev/null"))?;
    let mut text = String::new();
    flate2::read::ZlibDecoder::new(fs::File::open(&section)?).read_to_string(&mut text)?;
    fs::write(folder.join("auditable.json"), text)?;
    fs::remove_file(section)?;
    fs::remove_dir_all(source.join("target"))?;
    Ok(())
}

fn build(kit: &Kit) -> Result<()> {
    let part = kit.part("rust", 1, binary)?;
    let mut layout = kit.layout()?;
    let mut stage = Stage::scratch(kit, &layout)?;
    let archives = kit.scratch("debs")?;
    // apt drops to its own user for downloads where it can; as root in a root-only folder it says so and goes on.
    output(Command::new("apt-get").current_dir(&archives).args(["-qq", "download"]).args(PACKAGES))?;
    let mut oracle = String::new();
    let mut files: Vec<_> = fs::read_dir(&archives)?.map(|e| Ok(e?.path())).collect::<Result<_>>()?;
    files.sort();
    for file in &files {
        oracle.push_str(&distroless(&stage, file)?);
    }
    kit.oracle("dpkg.tsv", oracle)?;
    stage.commit("bazel build //base:static")?;
    stage.copy(&part.join("ledger"), "usr/local/bin/ledger")?;
    stage.commit("COPY target/release/ledger /usr/local/bin/ledger # buildkit")?;
    stage.meta("ENTRYPOINT [\"/usr/local/bin/ledger\"]");
    stage.config("Entrypoint", json!(["/usr/local/bin/ledger"]));
    stage.config("User", json!("65532"));
    for name in ["cargo-tree.txt", "auditable.json", "Cargo.lock"] {
        kit.oracle(name, fs::read(part.join(name))?)?;
    }
    let image = stage.finish()?;
    layout.tag(image, "latest");
    layout.finish()
}

/// Unpacks one package into the root and records it in `status.d`; returns its line for the oracle.
fn distroless(stage: &Stage<'_>, archive: &Path) -> Result<String> {
    output(Command::new("dpkg-deb").arg("--extract").arg(archive).arg(stage.root()))?;
    let control = output(Command::new("dpkg-deb").arg("--field").arg(archive))?;
    let name = output(Command::new("dpkg-deb").arg("--field").arg(archive).arg("Package"))?;
    let name = name.trim();
    stage.write(&format!("var/lib/dpkg/status.d/{name}"), control)?;
    let sums = Command::new("dpkg-deb").arg("--info").arg(archive).arg("md5sums").output()?;
    if sums.status.success() {
        stage.write(&format!("var/lib/dpkg/status.d/{name}.md5sums"), sums.stdout)?;
    }
    let format = "--showformat=${Package}\\t${Version}\\t${Architecture}\\t${source:Package}\\t${source:Version}\\tinstalled\\n";
    output(Command::new("dpkg-deb").arg("--show").arg(format).arg(archive)).context("cannot ask dpkg-deb")
}
