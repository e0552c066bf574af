#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![expect(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a developer's tool: it talks to the terminal and reads its environment"
)]

use anyhow::Result;
use clap::{Parser, Subcommand};

mod check;
mod corpus;
mod image;
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
        Task::Check => check::check()?,
    }
    Ok(())
}
