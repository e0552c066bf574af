//! `cargo xtask test`: every test there is, also those against other people's tools and real images.

use std::fs;

use anyhow::Result;

use crate::check::{cargo, step};
use crate::run::workspace;
use crate::{corpus, tools};

/// Installs the tools, builds the corpus, runs all tests and sums up what was skipped.
pub(crate) fn test(arguments: &[String]) -> Result<()> {
    let missing = tools::install()?;
    let left_out = corpus::build(&[])?;
    let skips = workspace().join("target/skips.txt");
    let _ = fs::remove_file(&skips);
    let mut command = cargo(&["test", "--workspace"]);
    command.args(arguments).env("ASSAY_CORPUS", corpus::folder()).env("ASSAY_SKIPS", &skips);
    let result = step("all tests", command);
    let skipped = fs::read_to_string(&skips).unwrap_or_default();
    let mut lines: Vec<&str> = skipped.lines().collect();
    lines.sort_unstable();
    lines.dedup();
    println!("\n{} tools missing, {} images left out, {} skips", missing.len(), left_out.len(), lines.len());
    for line in lines {
        println!("  skipped: {line}");
    }
    result
}
