//! Lockfiles and metadata that nest without end, repeat without end, or have lines without end.

use super::raw::{Layer, image};
use super::{BOTH, Case, Subject, heavy, light};
use std::path::Path;

pub(super) const CASES: &[Case] = &[
    heavy("documents-deep", |folder| every(folder, 200_000, deep), BOTH, &["damaged-lockfile"]),
    heavy("documents-one-line", |folder| every(folder, 300_000, one_line), BOTH, &[]),
    heavy("documents-many-lines", |folder| every(folder, 100_000, many_lines), BOTH, &[]),
    heavy("yaml-anchors", yaml_anchors, BOTH, &[]),
    light("xml-entities", xml_entities, BOTH, &[]),
    light("json-duplicate-and-huge-numbers", json_numbers, BOTH, &[]),
    heavy("documents-deep-large", |folder| every(folder, 1 << 20, deep), BOTH, &["damaged-lockfile"]),
    heavy("documents-one-line-large", |folder| every(folder, 1 << 20, one_line), BOTH, &[]),
    heavy("documents-many-lines-large", |folder| every(folder, 1 << 20, many_lines), BOTH, &[]),
    heavy("package-json-gigabyte", package_json_gigabyte, BOTH, &["file-too-large"]),
    heavy("package-lock-of-30-megabytes", package_lock, BOTH, &[]),
    heavy("requirements-of-30-megabytes", requirements, BOTH, &[]),
];

/// Files that analyzers look at, one of each format at least.
const NAMES: &[&str] = &[
    "a/package.json",
    "node_modules/a/package.json",
    "a/package-lock.json",
    "a/npm-shrinkwrap.json",
    "a/yarn.lock",
    "a/pnpm-lock.yaml",
    "a/bun.lock",
    "a/composer.lock",
    "a/vendor/composer/installed.json",
    "a/Pipfile.lock",
    "a/poetry.lock",
    "a/pdm.lock",
    "a/uv.lock",
    "a/pylock.toml",
    "a/requirements.txt",
    "a/x-1.dist-info/METADATA",
    "a/x-1.egg-info/PKG-INFO",
    "a/Gemfile.lock",
    "a/gems/x.gemspec",
    "a/Cargo.lock",
    "a/go.mod",
    "a/pom.xml",
    "a/gradle.lockfile",
    "a/app.deps.json",
    "a/packages.lock.json",
    "a/packages.config",
    "a/mix.lock",
    "a/rebar.lock",
    "a/pubspec.lock",
    "a/Package.resolved",
    "a/Podfile.lock",
    "a/stack.yaml.lock",
    "a/cabal.project.freeze",
    "a/renv.lock",
    "a/DESCRIPTION",
    "a/cpanfile.snapshot",
    "a/conan.lock",
    "a/Manifest.toml",
    "a/deno.lock",
    "a/MODULE.bazel.lock",
    "a/conda-meta/x.json",
    "a/.terraform.lock.hcl",
    "a/x.opam",
    "a/x.rockspec",
    "a/main.py",
    "a/main.js",
    "a/main.rb",
    "a/main.php",
    "a/main.pl",
    "a/main.sh",
    "etc/os-release",
    "etc/lsb-release",
    "etc/ld.so.conf",
    "var/lib/dpkg/status",
    "var/lib/dpkg/info/a.list",
    "usr/share/doc/a/copyright",
    "var/lib/pacman/local/a-1-1/desc",
    "var/lib/pacman/local/a-1-1/files",
    "usr/lib/opkg/status",
    "var/db/pkg/a/b-1/CONTENTS",
];

/// Puts every shape that `shapes` gives into a file of every name.
fn every(folder: &Path, size: usize, shapes: fn(usize) -> Vec<Vec<u8>>) -> Subject {
    image(folder, |layer| {
        for (number, shape) in shapes(size).iter().enumerate() {
            for name in NAMES {
                // Most are found in any folder; the others replace each other, which must not matter.
                let path =
                    name.strip_prefix("a/").map_or((*name).to_owned(), |rest| format!("s{number}/{rest}"));
                if *name != "etc/os-release" || number == 0 {
                    layer.file(&path, shape);
                }
            }
        }
        layer.file("etc/os-release", "ID=alpine\nVERSION_ID=3.20.0\n").beside().end();
    })
}

fn repeat(piece: &str, size: usize) -> Vec<u8> {
    piece.repeat(size / piece.len()).into_bytes()
}

fn deep(size: usize) -> Vec<Vec<u8>> {
    let pieces = [
        "[",
        "{\"a\":",
        "{\"packages\":[",
        "a:\n - ",
        "- ",
        "a = [",
        "a = {b = ",
        "[a.b]\n[[a]]\n",
        "<a>",
        "(",
        "{",
        "\"",
        "'",
        "[[package]]\nname = [",
        "? ",
        "&a [",
        "#{",
        "$(",
        "`",
        "<?php (",
        "a.b.c.d.",
    ];
    pieces.iter().map(|piece| repeat(piece, size)).collect()
}

fn one_line(size: usize) -> Vec<Vec<u8>> {
    let mut all: Vec<_> = [
        "a", " ", "\t", "a,", "a ", "=", "\\", "a==1;", "a|", "a (", ":", "/", "a/../", "\u{e9}", "\0", "a@",
        "-", ",,",
    ]
    .iter()
    .map(|piece| repeat(piece, size))
    .collect();
    all.push(
        [b"Package: a\nVersion: ", &repeat("1.", size)[..], b"\nDepends: ", &repeat("a|b, ", size)].concat(),
    );
    all.push([b"a==", &repeat("1", size)[..], b"\n"].concat());
    all
}

fn many_lines(size: usize) -> Vec<Vec<u8>> {
    let pieces = [
        "\n",
        " \\\n",
        " a\n",
        "#\n",
        "a\n",
        "a==1\n",
        "a: 1\n",
        "Package: a\nVersion: 1\nStatus: install ok installed\n\n",
        "Package: a\n",
        "Depends: a\n",
        " continued\n",
        "%NAME%\na\n",
        "[[package]]\nname = \"a\"\nversion = \"1\"\n\n",
        "a = 1\n",
        "a.b = 1\n",
        "a@1:\n  version \"1\"\n",
        "    a (1)\n",
        "require a v1\n",
        "import a\n",
        "require('a')\n",
    ];
    pieces.iter().map(|piece| repeat(piece, size)).collect()
}

fn yaml_anchors(folder: &Path) -> Subject {
    let mut text = String::from("lockfileVersion: '9.0'\na0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for level in 1..20 {
        let inner = vec![format!("*a{}", level - 1); 10].join(", ");
        text.push_str(&format!("a{level}: &a{level} [{inner}]\n"));
    }
    text.push_str("packages: *a19\n");
    image(folder, |layer| {
        for name in ["pnpm-lock.yaml", "pubspec.lock", "stack.yaml.lock", "Podfile.lock", "yarn.lock"] {
            layer.file(&format!("a/{name}"), &text);
        }
        layer.beside().end();
    })
}

fn xml_entities(folder: &Path) -> Subject {
    let mut text =
        String::from("<?xml version=\"1.0\"?>\n<!DOCTYPE project [\n<!ENTITY e0 \"aaaaaaaaaa\">\n");
    for level in 1..20 {
        let inner = format!("&e{};", level - 1).repeat(10);
        text.push_str(&format!("<!ENTITY e{level} \"{inner}\">\n"));
    }
    text.push_str("<!ENTITY x SYSTEM \"file:///etc/passwd\">\n]>\n<project><groupId>&x;</groupId>");
    text.push_str("<artifactId>&e19;</artifactId><version>&e19;</version></project>");
    image(folder, |layer| {
        for name in ["pom.xml", "packages.config", "x.csproj", "x.nuspec"] {
            layer.file(&format!("a/{name}"), &text);
        }
        layer.beside().end();
    })
}

fn json_numbers(folder: &Path) -> Subject {
    let digits = "9".repeat(100_000);
    let keys = "\"packages\":{\"a\":{\"version\":\"1\"}},".repeat(3000);
    let text = format!(
        "{{{keys}\"lockfileVersion\":{digits},\"x\":1e999999999,\"y\":-{digits}.{digits}e-{digits}}}"
    );
    image(folder, |layer| {
        for name in
            ["package-lock.json", "composer.lock", "Pipfile.lock", "package.json", "packages.lock.json"]
        {
            layer.file(&format!("a/{name}"), &text);
        }
        layer.beside().end();
    })
}

fn spaces(layer: &mut Layer, name: &str, size: u64) {
    layer.repeated(name, size, &[b' '; 1 << 20]);
}

fn package_json_gigabyte(folder: &Path) -> Subject {
    image(folder, |layer| {
        spaces(layer, "a/package.json", 1 << 30);
        spaces(layer, "node_modules/a/package.json", 1 << 30);
        layer.beside().end();
    })
}

fn package_lock(folder: &Path) -> Subject {
    let mut text = String::from("{\"lockfileVersion\":3,\"packages\":{");
    for number in 0..280_000 {
        text.push_str(&format!(
            "\"node_modules/p{number}\":{{\"version\":\"1.0.{number}\",\"dependencies\":{{\"p{}\":\"*\",\"q\":\"1\"}}}},",
            number + 1
        ));
    }
    text.push_str("\"\":{}}}");
    image(folder, |layer| {
        layer.beside().file("a/package-lock.json", text).end();
    })
}

fn requirements(folder: &Path) -> Subject {
    image(folder, |layer| {
        layer.beside();
        layer.file("a/requirements.txt", repeat("a==1 \\\n", 30 << 20));
        layer.file("b/requirements.txt", repeat("a[b,c]==1;x\n", 30 << 20));
        layer.end();
    })
}
