//! The house rules: what STYLE.md says about every crate and file, held by plain `cargo test`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "clippy's exceptions for tests do not reach the helpers of an integration test"
)]

use std::path::{Path, PathBuf};
use std::process::Command;

mod crates;
mod layers;
mod plugins;
mod tidy;

/// Returns the workspace's root folder.
fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// Returns the folder of every member.
fn members() -> Vec<PathBuf> {
    let mut folders: Vec<PathBuf> = std::fs::read_dir(workspace().join("crates"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.join("Cargo.toml").exists())
        .collect();
    folders.sort();
    assert!(folders.len() > 5, "the crates were not found");
    folders.push(workspace().join("fuzz"));
    folders.push(workspace().join("real-tests"));
    folders.push(workspace().join("xtask"));
    folders
}

/// Returns every file of the repository, relative to its root: what Git tracks, or, without Git, all there is.
fn files() -> Vec<PathBuf> {
    let listed = Command::new("git").current_dir(workspace()).args(["ls-files", "-z"]).output();
    let tracked = listed.ok().filter(|out| out.status.success()).map(|out| {
        let text = String::from_utf8(out.stdout).unwrap();
        text.split_terminator('\0').map(PathBuf::from).collect::<Vec<_>>()
    });
    let mut files = tracked.unwrap_or_else(|| {
        let mut files = Vec::new();
        for name in ["crates", "docs", "fuzz", "real-tests", "xtask", ".ci", ".cargo"] {
            walk(&workspace().join(name), &mut files);
        }
        files.iter().map(|file| file.strip_prefix(workspace()).unwrap().to_owned()).collect()
    });
    // A file deleted but not yet committed is still tracked.
    files.retain(|file| workspace().join(file).is_file());
    assert!(files.len() > 50, "the files were not found");
    files
}

/// Adds every file below `folder`, sorted.
fn walk(folder: &Path, files: &mut Vec<PathBuf>) {
    let Ok(listing) = std::fs::read_dir(folder) else { return };
    let mut paths: Vec<PathBuf> = listing.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    for path in paths {
        if path.is_dir() { walk(&path, files) } else { files.push(path) }
    }
}

/// Fails with the list of what is wrong, so that one run shows everything.
fn none(wrong: &[String]) {
    assert!(wrong.is_empty(), "\n  {}\n", wrong.join("\n  "));
}
