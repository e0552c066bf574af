//! `assay policy export`: a policy for Kubernetes' own admission, its exceptions as VEX.

use crate::command::Global;
use crate::environment;
use crate::error::CommandError;
use crate::gate::read_policy;
use crate::output;
use crate::terminal;
use assay_policy::export::{statements, validating_admission_policy};
use assay_sbom::vex::{Format, Heading};
use std::path::PathBuf;
use std::process::ExitCode;

/// Write the rules of a policy that need no scan for Kubernetes, or its exceptions as VEX.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    assay policy export policy.yaml --format validating-admission-policy\n  \
    assay policy export policy.yaml --format openvex --author security@example.com")]
pub(super) struct Args {
    /// The policy.
    #[arg(value_name = "FILE", value_parser = crate::command::path)]
    file: PathBuf,

    /// The form: validating-admission-policy, openvex or csaf.
    #[arg(long, short, value_name = "FORMAT", value_parser = ["validating-admission-policy", "openvex", "csaf"])]
    format: String,

    /// Who states the exceptions.
    #[arg(long, value_name = "NAME", default_value = "")]
    author: String,

    /// The address that stands for the author, which CSAF asks for.
    #[arg(long, value_name = "URL", default_value = "")]
    namespace: String,

    /// Write to this file.
    #[arg(long, short, value_name = "FILE", value_parser = crate::command::path)]
    output: Option<PathBuf>,
}

/// Runs the command.
pub(super) fn run(args: &Args, global: &Global) -> Result<ExitCode, CommandError> {
    let policy = read_policy(&args.file)?;
    let now = environment::now();
    let (bytes, notes) = if args.format == "validating-admission-policy" {
        let (text, notes) = validating_admission_policy(&policy);
        (text.into_bytes(), notes)
    } else {
        let (statements, notes) = statements(&policy, now);
        let author = match (args.author.as_str(), &policy.owner) {
            ("", Some(owner)) => owner.as_str(),
            ("", None) => {
                return Err(CommandError::usage("nobody states the exceptions").hint(
                    "name who does with `--author NAME`, or in the policy: `metadata: {owner: NAME}`",
                ));
            }
            (author, _) => author,
        };
        let heading = Heading::new(author, &args.namespace, now, env!("CARGO_PKG_VERSION"), &statements);
        let format = if args.format == "csaf" { Format::Csaf } else { Format::OpenVex };
        let mut bytes = Vec::new();
        assay_sbom::vex::write(&statements, &heading, format, &mut bytes)
            .map_err(|error| CommandError::work("cannot write the statements", error))?;
        (bytes, notes)
    };
    for note in notes {
        terminal::note(global, &assay_report::escape::terminal(&note));
    }
    output::put(args.output.as_deref(), bytes)?;
    Ok(ExitCode::SUCCESS)
}
