//! `assay policy import`: other tools' policies as one of ours.

use crate::command::Global;
use crate::error::CommandError;
use crate::output;
use crate::source::read_file;
use crate::terminal;
use std::path::PathBuf;
use std::process::ExitCode;

/// Turn a policy of another tool into one of Assay, as far as that goes, and list what does not.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    assay policy import .trivyignore --output exceptions.yaml\n  \
    assay policy import cluster-policy.yaml                 Kyverno: verifyImages, ImageValidatingPolicy\n  \
    assay policy import cluster-image-policy.yaml           Sigstore's policy-controller\n  \
    assay policy import trustpolicy.json                    Notation")]
pub(super) struct Args {
    /// The policy of the other tool.
    #[arg(value_name = "FILE", value_parser = crate::command::path)]
    file: PathBuf,

    /// Write the policy to this file.
    #[arg(long, short, value_name = "FILE", value_parser = crate::command::path)]
    output: Option<PathBuf>,
}

/// Runs the command.
pub(super) fn run(args: &Args, global: &Global) -> Result<ExitCode, CommandError> {
    let failed = |error: Box<dyn std::error::Error + Send + Sync>| {
        CommandError::work(format!("cannot import `{}`", args.file.display()), error)
            .hint("see docs/manual/policy.md for what can be imported")
    };
    let bytes = read_file(&args.file).map_err(|error| failed(error.into()))?;
    let text = String::from_utf8(bytes).map_err(|error| failed(error.into()))?;
    let imported = assay_policy::import::import(&args.file.display().to_string(), &text)
        .map_err(|error| failed(error.into()))?;
    for note in &imported.notes {
        terminal::note(global, &assay_report::escape::terminal(note));
    }
    // What was not taken over stands in the policy, too: whoever reviews it should see it.
    let mut text = format!("# Imported from a {}.\n", imported.what.trim_start_matches('.'));
    for note in &imported.notes {
        text.push_str(&format!("# - {}\n", assay_report::escape::visible(note).replace('\n', " ")));
    }
    text.push_str(&imported.text);
    output::put(args.output.as_deref(), text)?;
    Ok(ExitCode::SUCCESS)
}
