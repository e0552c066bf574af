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
    // The same units as those of the tests, so that nothing is compiled twice for the program they drive.
    step("build", cargo(&["build", "--workspace", "--bins", "--tests"]))?;
    let program = std::env::current_exe()?.with_file_name("assay");
    let mut command = cargo(&["test", "--workspace"]);
    command.args(arguments).env("ASSAY_CORPUS", corpus::folder()).env("ASSAY_SKIPS", &skips);
    command.env("ASSAY_BIN", program);
    // As with the feeds: used where they lie beside the checkout, or where the variable says already.
    let conformance = workspace().join("../shared/conformance");
    if std::env::var_os("ASSAY_CONFORMANCE_DIR").is_none() && conformance.is_dir() {
        command.env("ASSAY_CONFORMANCE_DIR", conformance);
    }
    let result = step("all tests", command);
    // What is off by default; the rest of the workspace would be built a second time for it.
    let rego = step("policies in Rego", cargo(&["test", "--package", "assay-policy", "--features", "rego"]));
    let skipped = fs::read_to_string(&skips).unwrap_or_default();
    let mut lines: Vec<&str> = skipped.lines().collect();
    lines.sort_unstable();
    lines.dedup();
    println!("\n{} tools missing, {} images left out, {} skips", missing.len(), left_out.len(), lines.len());
    for line in lines {
        println!("  skipped: {line}");
    }
    result.and(rego)
}
