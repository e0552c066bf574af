//! `cargo xtask check`: formatting, lints, licences and the house rules.

use std::process::Command;
use std::time::Instant;

use anyhow::Result;

use crate::run::{tools_dir, visible, workspace};
use crate::tools;

/// The version of cargo-deny; building it takes two to four minutes on two cores, once.
const DENY: &str = "0.20.2";

/// Runs every check, in the order of how fast it fails.
pub(crate) fn check() -> Result<()> {
    step("format", cargo(&["fmt", "--all", "--check"]))?;
    step("house rules", cargo(&["test", "--quiet", "--package", "xtask"]))?;
    step(
        "lints",
        cargo(&["clippy", "--quiet", "--locked", "--workspace", "--all-targets", "--", "-D", "warnings"]),
    )?;
    tools::cargo("cargo-deny", DENY)?;
    let mut deny = Command::new(tools_dir().join("bin/cargo-deny"));
    // Run by its own name the program expects no `deny` before its arguments.
    deny.args([
        "--all-features",
        "--workspace",
        "check",
        "--hide-inclusion-graph",
        "licenses",
        "bans",
        "sources",
    ]);
    step("licences, bans and sources", deny)
}

/// Returns a call of Cargo in the workspace.
pub(crate) fn cargo(arguments: &[&str]) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(arguments);
    command
}

/// Runs one step and prints how long it took.
pub(crate) fn step(name: &str, mut command: Command) -> Result<()> {
    let start = Instant::now();
    println!("==> {name}");
    visible(command.current_dir(workspace()))?;
    println!("    {name}: {:.1} s", start.elapsed().as_secs_f64());
    Ok(())
}
