//! Every crate has its front page, takes the workspace's lints and forbids `unsafe`.

use std::fs;

use crate::{members, none};

/// The one crate that maps its database into memory; there `unsafe` is denied, and allowed in one module.
const MAPS_MEMORY: &str = "assay-advisories";

#[test]
fn every_crate_has_a_front_page() {
    let mut wrong = Vec::new();
    for folder in members() {
        let name = folder.file_name().unwrap().to_string_lossy().into_owned();
        let readme = fs::read_to_string(folder.join("README.md")).unwrap_or_default();
        if !readme.starts_with(&format!("# {name}")) {
            wrong.push(format!("{name}: README.md does not start with `# {name}`"));
        }
        let manifest = fs::read_to_string(folder.join("Cargo.toml")).unwrap();
        if !manifest.contains("[lints]\nworkspace = true") {
            wrong.push(format!("{name}: Cargo.toml does not take the workspace's lints"));
        }
        for field in ["version", "edition", "rust-version", "license"] {
            if !manifest.contains(&format!("\n{field}.workspace = true")) {
                wrong.push(format!("{name}: Cargo.toml sets its own `{field}`"));
            }
        }
    }
    none(&wrong);
}

#[test]
fn every_crate_forbids_unsafe() {
    let mut wrong = Vec::new();
    for folder in members() {
        let name = folder.file_name().unwrap().to_string_lossy().into_owned();
        let roots = ["src/lib.rs", "src/main.rs"].map(|root| folder.join(root));
        let roots: Vec<_> = roots.iter().filter(|root| root.exists()).collect();
        assert!(!roots.is_empty(), "{name} has no root");
        for root in roots {
            let text = fs::read_to_string(root).unwrap();
            if name != MAPS_MEMORY && !text.contains("#![forbid(unsafe_code)]") {
                wrong.push(format!("{}: no `#![forbid(unsafe_code)]`", root.display()));
            }
        }
    }
    none(&wrong);
}

#[test]
fn what_unsafe_there_is_says_why_it_is_sound() {
    let mut wrong = Vec::new();
    let mut modules = std::collections::BTreeSet::new();
    let mut files = Vec::new();
    for folder in members() {
        crate::walk(&folder.join("src"), &mut files);
    }
    for file in files.iter().filter(|file| file.extension().is_some_and(|e| e == "rs")) {
        let text = fs::read_to_string(file).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        for (number, line) in lines.iter().enumerate() {
            let code = line.split("//").next().unwrap_or_default();
            if code.contains("unsafe {") || code.contains("unsafe fn") || code.contains("unsafe impl") {
                modules.insert(file.clone());
                let above = &lines[number.saturating_sub(6)..number];
                if !above.iter().any(|line| line.trim_start().starts_with("// SAFETY:")) {
                    wrong.push(format!("{}:{}: no `// SAFETY:`", file.display(), number + 1));
                }
            }
        }
    }
    none(&wrong);
    assert!(modules.len() <= 1, "unsafe code in more than one module: {modules:?}");
}
