#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![expect(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a developer's tool: it talks to the terminal and reads its environment"
)]

use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;
use clap::{Parser, Subcommand};

mod bench;
mod check;
mod corpus;
mod fuzz;
mod image;
mod release;
mod run;
mod snapshot;
mod stage;
mod test;
mod tools;

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Every developer task")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Builds the images that tests and benches work on
    Corpus {
        /// The images to build; all when none is named
        names: Vec<String>,
        /// Lists the images and which of them are built
        #[arg(long)]
        list: bool,
    },
    /// Installs what the tests against other people's tools need
    Tools,
    /// Runs all tests, after installing the tools and building the images they need
    Test {
        /// What follows `cargo test --workspace`
        #[arg(last = true)]
        arguments: Vec<String>,
    },
    /// Makes the snapshot of vulnerability facts that is built into the binary
    Snapshot {
        /// The feeds, laid out as their publishers serve them
        #[arg(long, default_value = "../shared/feeds")]
        from: Vec<PathBuf>,
    },
    /// Measures the figures the product must hold
    Bench(bench::Arguments),
    /// Fuzzes every decoder and parser with libFuzzer
    Fuzz(fuzz::Arguments),
    /// Makes Assay's own release: built twice, described, judged, signed and verified by Assay
    Release(release::Arguments),
    /// Checks formatting, lints, licences and the house rules
    Check,
}

fn main() -> Result<()> {
    match Arguments::parse().task {
        Task::Corpus { list: true, .. } => corpus::list(),
        Task::Corpus { names, .. } => {
            corpus::build(&names)?;
        }
        Task::Tools => {
            tools::install()?;
        }
        Task::Test { arguments } => test::test(&arguments)?,
        Task::Snapshot { from } => run::visible(
            Command::new("cargo")
                .args([
                    "run",
                    "--quiet",
                    "--release",
                    "--package",
                    "assay-advisories",
                    "--example",
                    "snapshot",
                    "--",
                ])
                .arg("crates/assay-snapshot")
                .args(from)
                .current_dir(run::workspace()),
        )?,
        Task::Bench(arguments) => bench::bench(&arguments)?,
        Task::Fuzz(arguments) => fuzz::fuzz(&arguments)?,
        Task::Release(arguments) => release::release(&arguments)?,
        Task::Check => check::check()?,
    }
    Ok(())
}
