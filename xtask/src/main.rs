#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![expect(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a developer's tool: it talks to the terminal and reads its environment"
)]

use anyhow::Result;
use clap::{Parser, Subcommand};

mod corpus;
mod image;
mod run;
mod snapshot;
mod stage;

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
}

fn main() -> Result<()> {
    match Arguments::parse().task {
        Task::Corpus { list: true, .. } => corpus::list(),
        Task::Corpus { names, .. } => {
            corpus::build(&names)?;
        }
    }
    Ok(())
}
