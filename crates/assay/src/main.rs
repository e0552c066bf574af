//! The `assay` binary: arguments, terminal, exit codes. Everything else is in the libraries below it.

#![forbid(unsafe_code)]

mod attached;
mod attesting;
mod bytes;
#[cfg(feature = "server")]
mod columns;
mod command;
mod config;
mod context;
#[cfg(feature = "server")]
mod credential_keys;
mod environment;
mod error;
mod evidence;
mod gate;
mod keys;
mod limits;
#[cfg(test)]
mod manual;
#[cfg(feature = "server")]
mod objects;
mod output;
mod password;
mod repository;
#[cfg(feature = "server")]
mod server_client;
mod services;
mod signing;
mod source;
mod terminal;
mod trusting;
mod update_status;
mod verifying;

use clap::Parser;
use std::process::ExitCode;

/// Decides whether an image may run, and says why.
///
/// Takes a container image, the disk of a virtual machine, a function or a folder apart, and says what is wrong with it and what to
/// do about it: vulnerable packages, secrets, malware, unsafe settings, licences; where each is, and which build instruction
/// brought it.
#[derive(Debug, Parser)]
#[command(name = "assay", version, propagate_version = true, arg_required_else_help = true)]
#[command(after_help = "Exit codes: 0 done and nothing over the threshold; 1 the threshold was crossed;\n\
    2 usage error, the work could not be done, or something was left unscanned.")]
struct Cli {
    #[command(subcommand)]
    command: command::Command,

    #[command(flatten)]
    global: command::Global,
}

/// Returns the definition of all commands and options.
fn cli() -> clap::Command {
    <Cli as clap::CommandFactory>::command()
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    match command::run(cli.command, cli.global) {
        Ok(code) => code,
        Err(error) => {
            error.print();
            error.exit_code()
        }
    }
}
