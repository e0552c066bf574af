//! `assay policy`: write, check, try and carry over policies.

use super::Global;
use crate::error::CommandError;
use crate::gate::read_policy;
use crate::output;
use assay_policy::profile::PROFILES;
use assay_report::escape;
use assay_report::summary::count;
use std::path::PathBuf;
use std::process::ExitCode;

mod explain;
mod export;
mod import;
mod simulate;
mod test;

/// Write, check, test and try policies.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Init(InitArgs),
    Check(CheckArgs),
    Test(test::Args),
    Explain(Box<explain::Args>),
    Simulate(simulate::Args),
    Import(import::Args),
    Export(export::Args),
    /// Print the JSON schema of policies, for editors.
    Schema,
}

/// Write a policy to begin with.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    assay policy init --profile baseline --output policy.yaml\n  \
    assay policy init --profile production")]
struct InitArgs {
    /// How strict it is: baseline, production or regulated.
    #[arg(long, value_name = "NAME", default_value = "baseline", value_parser = profile)]
    profile: &'static str,

    /// Write it to this file, which must not be there yet.
    #[arg(long, short, value_name = "FILE", value_parser = super::path)]
    output: Option<PathBuf>,
}

fn profile(name: &str) -> Result<&'static str, String> {
    PROFILES.iter().find(|profile| profile.name == name).map(|profile| profile.text).ok_or_else(|| {
        let names: Vec<String> =
            PROFILES.iter().map(|profile| format!("{} ({})", profile.name, profile.about)).collect();
        format!("expected one of {}", names.join(", "))
    })
}

/// Check a policy and say everything that is wrong with it.
#[derive(Debug, clap::Args)]
#[command(after_help = "Exit codes: 0 it is right; 2 it is not, or cannot be read.")]
struct CheckArgs {
    /// The policy.
    #[arg(value_name = "FILE", default_value = "policy.yaml", value_parser = super::path)]
    file: PathBuf,
}

/// Runs the command.
pub(super) fn run(args: &Args, global: &Global) -> Result<ExitCode, CommandError> {
    match &args.command {
        Command::Init(args) => init(args),
        Command::Check(args) => check(args),
        Command::Test(args) => test::run(args),
        Command::Explain(args) => explain::run(args, global),
        Command::Simulate(args) => simulate::run(args),
        Command::Import(args) => import::run(args, global),
        Command::Export(args) => export::run(args, global),
        Command::Schema => {
            let mut bytes = Vec::new();
            escape::json::write_pretty(&assay_policy::schema::schema(), &mut bytes)
                .map_err(|error| CommandError::work("cannot write the schema", error))?;
            output::print(bytes)?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn init(args: &InitArgs) -> Result<ExitCode, CommandError> {
    if let Some(path) = args.output.as_ref().filter(|path| path.exists()) {
        return Err(CommandError::usage(format!("`{}` is there already", path.display()))
            .hint("name another file with `--output FILE`"));
    }
    output::put(args.output.as_deref(), args.profile)?;
    Ok(ExitCode::SUCCESS)
}

fn check(args: &CheckArgs) -> Result<ExitCode, CommandError> {
    let policy = read_policy(&args.file)?;
    let missing = crate::gate::missing_files(&policy, &args.file);
    if let Some(first) = missing.first() {
        return Err(CommandError::usage(format!(
            "`{}` names a file that is not there: `{first}`",
            args.file.display()
        ))
        .also(missing.iter().skip(1).map(|file| format!("`{file}` is not there either")))
        .hint("put it beside the policy; make keys with `assay key generate --out NAME`"));
    }
    let text = format!(
        "`{}` is right: {}, {}, {}, {}",
        args.file.display(),
        count(policy.rules.len() as u64, "rule"),
        count(policy.tiers.len() as u64, "tier"),
        count(policy.trust.len() as u64, "trust root"),
        count(policy.exceptions.len() as u64, "exception"),
    );
    output::print(format!("{}\n", escape::terminal(&text)))?;
    Ok(ExitCode::SUCCESS)
}
