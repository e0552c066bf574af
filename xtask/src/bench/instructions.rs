//! Instruction counts of the micro benches: the same on a busy machine as on a quiet one, so that two commits can be compared.
//!
//! Each bench is run under valgrind's cachegrind for one round and for three; half of the difference is one round, without
//! what it costs to start and to make the input.

use std::fs;
use std::process::Command;

use anyhow::{Context, Result};
use serde_json::json;

use super::{newest, target};
use crate::run;

/// Bench programs that take a bench's name and a number of rounds: the package, the program, its benches.
const BENCHES: &[(&str, &str, &[&str])] = &[
    ("assay-engine", "pipeline", &["cold", "rescan", "squash", "judge"]),
    ("assay-version", "compare", &["deb", "rpm", "apk", "npm", "pep440", "maven"]),
];

/// Counts and writes `target/bench/instructions.json`.
pub(super) fn count() -> Result<()> {
    let valgrind = run::find("valgrind").context("valgrind is not installed")?;
    let mut counts = serde_json::Map::new();
    for (package, program, benches) in BENCHES {
        run::visible(
            Command::new("cargo")
                .args(["bench", "--quiet", "--no-run", "--package", package, "--bench", program])
                .current_dir(run::workspace()),
        )?;
        let path = newest(&target().join("release/deps"), &format!("{program}-"))?;
        for bench in *benches {
            let instructions = |rounds: u64| -> Result<u64> {
                let said = Command::new(&valgrind)
                    .args(["--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null"])
                    .arg(&path)
                    .args([*bench, rounds.to_string().as_str()])
                    .output()?;
                let text = String::from_utf8_lossy(&said.stderr);
                let line = text.lines().find_map(|line| line.split_once("I refs:"));
                let (_, number) =
                    line.with_context(|| format!("valgrind says nothing of `{bench}`: {text}"))?;
                Ok(number.trim().replace(',', "").parse()?)
            };
            let one = instructions(3)?.saturating_sub(instructions(1)?) / 2;
            println!("{:24} {one:>16}", format!("{program}/{bench}"));
            counts.insert(format!("{program}/{bench}"), json!(one));
        }
    }
    let folder = run::workspace().join("target/bench");
    fs::create_dir_all(&folder)?;
    fs::write(folder.join("instructions.json"), serde_json::to_vec_pretty(&counts)?)?;
    println!("\ninstructions of one round, written to target/bench/instructions.json");
    Ok(())
}
