//! Runs the built `assay` and compares what it says with snapshots: exit code, standard output, standard error.
//!
//! Images and the database are made in code. Corner cases of scanning, matching and rendering are tested in the crates below;
//! here stands what only the whole program can get wrong.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "helpers of tests are tests too: what is wrong should stop them at once"
)]

#[cfg(feature = "server")]
mod admission;
mod artifacts;
#[cfg(feature = "server")]
mod asking;
#[cfg(feature = "server")]
mod credentials;
mod damage;
mod database;
#[cfg(feature = "server")]
mod delivery;
mod demo;
mod detection;
mod disks;
mod error_classes;
mod exit_codes;
mod explain;
mod formats;
mod gate;
mod hostile;
mod lineage;
mod lint;
mod metamorphic;
mod notifications;
mod output;
mod policy;
mod priority;
mod promote;
mod registry;
mod reproducible;
mod sbom;
mod secrets;
#[cfg(feature = "server")]
mod serve;
mod sign;
mod sources;
mod verify;
mod vex;

use assay_advisories::Compiler;
use assay_advisories::sink::{Counts, Record};
use assay_model::advisory::{Advisory, Affected, Fix, Range};
use assay_model::{Severity, Timestamp};
use assay_test::image::{Builder, BuiltImage, Tree};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// The day on which every database here is built: 2023-11-14.
const BUILT: Timestamp = Timestamp(1_700_000_000);

const OS_RELEASE: &str = "ID=debian\nVERSION_ID=\"12\"\nPRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\n";

/// A folder of a test's own, with a database in it.
struct Place {
    folder: TempDir,
    scanners: &'static str,
}

/// What a run came to.
struct Ran {
    code: i32,
    stdout: String,
    stderr: String,
}

impl Place {
    fn new() -> Self {
        Self::looking_for("vulnerability")
    }

    /// Most tests are about packages; those about other kinds of findings say so.
    fn looking_for(scanners: &'static str) -> Self {
        let place = Self { folder: tempfile::tempdir().unwrap(), scanners };
        for folder in ["home", "scratch", "out"] {
            fs::create_dir(place.path(folder)).unwrap();
        }
        place.write("test.db", database());
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    /// Puts an image into an OCI layout folder.
    fn layout(&self, name: &str, image: &BuiltImage) {
        fs::create_dir_all(self.path(name)).unwrap();
        image.write_layout(&self.path(name), "app");
    }

    /// Runs `assay` in this folder with nothing of the developer's own: no settings, credentials or cache.
    fn run(&self, arguments: &[&str]) -> Ran {
        self.run_with(arguments, &[])
    }

    fn run_with(&self, arguments: &[&str], variables: &[(&str, &str)]) -> Ran {
        self.run_in(".", arguments, variables)
    }

    fn run_in(&self, folder: &str, arguments: &[&str], variables: &[(&str, &str)]) -> Ran {
        let output = Command::new(env!("CARGO_BIN_EXE_assay"))
            .args(arguments)
            .current_dir(self.path(folder))
            .env_clear()
            .env("HOME", self.path("home"))
            .env("TMPDIR", self.path("scratch"))
            .env("ASSAY_DB", "test.db")
            .env("ASSAY_SCANNERS", self.scanners)
            .env("SOURCE_DATE_EPOCH", "1700172800")
            .envs(variables.iter().copied())
            .output()
            .unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Ran { code: output.status.code().unwrap(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }

    /// Runs a command that must fail with exit code 2, an error in the usual form, and nothing left behind.
    #[track_caller]
    fn refused(&self, arguments: &[&str]) -> String {
        let ran = self.run(&[arguments, &["--output", "json=out/report.json"]].concat());
        assert_eq!(ran.code, 2, "{}", ran.stderr);
        assert_eq!(ran.stdout, "");
        let lines: Vec<&str> = ran.stderr.lines().collect();
        assert!(lines[0].starts_with("error: "), "{}", ran.stderr);
        assert!(lines.iter().any(|line| line.starts_with("hint: ")), "no hint: {}", ran.stderr);
        for line in &lines {
            let known = ["error: ", "  caused by: ", "hint: "].iter().any(|start| line.starts_with(start));
            assert!(known && !line.ends_with('.'), "{line}");
        }
        for folder in ["out", "scratch"] {
            assert_eq!(
                fs::read_dir(self.path(folder)).unwrap().count(),
                0,
                "something was left in `{folder}`"
            );
        }
        self.filtered(&ran.stderr)
    }

    /// Replaces what differs from run to run.
    fn filtered(&self, text: &str) -> String {
        let text = text.replace(&self.folder.path().display().to_string(), "[FOLDER]");
        numbers_of(&text)
    }

    fn shown(&self, ran: &Ran) -> String {
        let text = format!("exit code {}\n---- stdout\n{}---- stderr\n{}", ran.code, ran.stdout, ran.stderr);
        self.filtered(&text)
    }
}

/// Replaces ports of the loopback address and digests, whose digits say nothing.
fn numbers_of(text: &str) -> String {
    let mut shown = String::new();
    let mut word = String::new();
    for char in text.chars().chain(['\0']) {
        if char.is_ascii_hexdigit() {
            word.push(char);
            continue;
        }
        let digits = word.bytes().all(|byte| byte.is_ascii_digit());
        shown.push_str(match word.len() {
            12 | 32 | 64 if !word.is_empty() => "[HEX]",
            4..=5 if digits && shown.ends_with("127.0.0.1:") => "[PORT]",
            _ => &word,
        });
        word.clear();
        if char != '\0' {
            shown.push(char);
        }
    }
    shown
}

/// An image with one package of the distribution and one of Python, of which both are vulnerable.
fn image() -> BuiltImage {
    builder().build()
}

fn builder() -> Builder {
    Builder::new().layer(base(STATUS), "/bin/sh -c #(nop) ADD file:rootfs in / ").layer(
        Tree::new()
            .file("venv/lib/python3.11/site-packages/Django-2.2.0.dist-info/METADATA", METADATA)
            .file("venv/lib/python3.11/site-packages/Django-2.2.0.dist-info/RECORD", ""),
        "RUN /bin/sh -c pip install django==2.2.0 # buildkit",
    )
}

const STATUS: &str = "Package: libssl3\nStatus: install ok installed\nArchitecture: amd64\nSource: openssl\n\
    Version: 3.0.1-1\n\nPackage: adduser\nStatus: install ok installed\nArchitecture: all\nVersion: 3.134\n";

const METADATA: &str = "Metadata-Version: 2.1\nName: Django\nVersion: 2.2.0\nLicense: BSD\n";

fn base(status: &str) -> Tree {
    Tree::new().file("etc/os-release", OS_RELEASE).file("var/lib/dpkg/status", status)
}

fn affected(ecosystem: &str, package: &str, range: Range, fix: Fix) -> Affected {
    let mut affected = Affected::new(ecosystem.parse().unwrap(), package);
    affected.ranges.push(range);
    affected.fix = fix;
    affected
}

fn advisory(id: &str, severity: Option<Severity>, title: &str, affected: Affected) -> Advisory {
    Advisory {
        id: id.into(),
        title: title.into(),
        severity,
        published: Some(Timestamp(1_600_000_000)),
        modified: Some(BUILT),
        affected: vec![affected],
        ..Advisory::default()
    }
}

/// Compiles the database: Debian 12 and PyPI are covered.
fn database() -> Vec<u8> {
    let mut compiler = Compiler::new(false);
    let advisories = [
        (
            "debian-tracker",
            advisory(
                "CVE-2022-4450",
                Some(Severity::High),
                "double free after PEM_read_bio_ex",
                affected("Debian:12", "openssl", Range::all(), Fix::NotFixed),
            ),
        ),
        (
            "osv",
            Advisory {
                aliases: vec!["GHSA-6r97-cj55-9hrq".into()],
                ..advisory(
                    "CVE-2019-14234",
                    Some(Severity::Critical),
                    "SQL injection in Django",
                    affected("PyPI", "django", Range::until_fixed("2.2.4"), Fix::Unknown),
                )
            },
        ),
        (
            "osv",
            advisory(
                "PYSEC-2023-1",
                None,
                "nobody has rated this",
                affected("PyPI", "unrated", Range::until_fixed("2.0"), Fix::Unknown),
            ),
        ),
    ];
    for (feed, advisory) in advisories {
        let feed = compiler.feed(feed, "CC0-1.0");
        compiler.record(feed, Record::Covers(advisory.affected[0].ecosystem.clone()));
        compiler.record(feed, Record::Advisory(Box::new(advisory)));
        compiler.count(feed, Counts { used: 1, data_time: Some(BUILT), ..Counts::default() });
    }
    compiler.finish(BUILT).unwrap()
}

/// Reads a JSON report.
fn json(path: &Path) -> serde_json::Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}
