//! Alpine-shaped roots for `alpine-synthetic` and `wolfi-synthetic`: the package database is written here.
//!
//! apk itself is not in Debian. The format is that of `/lib/apk/db/installed`: one paragraph per package, one letter
//! per field, and a list of folders (`F:`) and files (`R:`, with mode `a:` and checksum `Z:`),
//! <https://wiki.alpinelinux.org/wiki/Apk_spec>. Checksums of files are the real SHA-1 of the files in the image;
//! those of packages are made from the package's identity.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use anyhow::Result;
use serde_json::json;
use sha1::{Digest as _, Sha1};

use super::Kit;
use crate::image::EPOCH;
use crate::stage::Stage;

/// One package.
pub(super) struct Package {
    pub(super) name: &'static str,
    pub(super) version: &'static str,
    /// The source package, `o:`.
    pub(super) origin: &'static str,
    pub(super) licence: &'static str,
    pub(super) depends: &'static str,
    pub(super) provides: &'static str,
    pub(super) files: &'static [&'static str],
}

/// A root to build.
pub(super) struct Root {
    pub(super) os_release: &'static str,
    pub(super) alpine_release: Option<&'static str>,
    /// Where the database is; Wolfi moved it below `usr`.
    pub(super) database: &'static str,
    pub(super) packages: &'static [Package],
}

/// Builds the image and its oracle, the table it was made from.
pub(super) fn build(kit: &Kit, root: &Root) -> Result<()> {
    let mut layout = kit.layout()?;
    let mut stage = Stage::scratch(kit, &layout)?;
    stage.write("etc/os-release", root.os_release)?;
    if let Some(release) = root.alpine_release {
        stage.write("etc/alpine-release", release)?;
    }
    let (mut installed, mut oracle, mut world) = (String::new(), String::new(), String::new());
    for package in root.packages {
        let Package { name, version, origin, licence, .. } = package;
        for file in package.files {
            stage.write(file, content(name, file))?;
        }
        installed.push_str(&paragraph(package)?);
        writeln!(oracle, "{name}\t{version}\tx86_64\t{origin}\t{licence}")?;
        writeln!(world, "{name}")?;
    }
    stage.write(root.database, installed)?;
    stage.write("etc/apk/world", world)?;
    stage.write("etc/apk/arch", "x86_64\n")?;
    kit.oracle("apk.tsv", oracle)?;
    stage.synthetic("the package database was written by the corpus");
    stage.commit("ADD file:9d2a64ef0b1c5377e8f1 in / # buildkit")?;
    stage.meta("CMD [\"/bin/sh\"]");
    stage.config("Cmd", json!(["/bin/sh"]));
    let image = stage.finish()?;
    layout.tag(image, "latest");
    layout.finish()
}

fn content(package: &str, file: &str) -> String {
    format!("synthetic file of {package}: {file}\n")
}

fn paragraph(package: &Package) -> Result<String> {
    let Package { name, version, origin, licence, .. } = package;
    let mut text = format!(
        "C:Q1{}\nP:{name}\nV:{version}\nA:x86_64\nS:43810\nI:98304\n",
        sum(&format!("{name}-{version}"))
    );
    write!(text, "T:Synthetic package of the corpus\nU:https://example.com/{origin}\nL:{licence}\n")?;
    write!(text, "o:{origin}\nm:Corpus <corpus@example.com>\nt:{EPOCH}\nc:{}\n", "0".repeat(40))?;
    if !package.depends.is_empty() {
        writeln!(text, "D:{}", package.depends)?;
    }
    if !package.provides.is_empty() {
        writeln!(text, "p:{}", package.provides)?;
    }
    let mut folders: BTreeMap<&str, Vec<(&str, &str)>> = BTreeMap::new();
    for file in package.files {
        let (folder, base) = file.rsplit_once('/').unwrap_or(("", file));
        folders.entry(folder).or_default().push((base, file));
    }
    for (folder, files) in folders {
        writeln!(text, "F:{folder}")?;
        for (base, file) in files {
            let mode = if folder.ends_with("bin") { "a:0:0:755\n" } else { "" };
            write!(text, "R:{base}\n{mode}Z:Q1{}\n", sum(&content(name, file)))?;
        }
    }
    text.push('\n');
    Ok(text)
}

fn sum(text: &str) -> String {
    base64(&Sha1::digest(text))
}

fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let bits = chunk.iter().fold(0_usize, |bits, byte| bits << 8 | usize::from(*byte))
            << (8 * (3 - chunk.len()));
        for place in 0..4 {
            let digit = ALPHABET.get(bits >> (18 - 6 * place) & 63).copied().unwrap_or(b'=');
            text.push(if place <= chunk.len() { char::from(digit) } else { '=' });
        }
    }
    text
}
