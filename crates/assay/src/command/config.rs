//! `assay config`: which settings are in force and where each comes from; whether a settings file is right.

use super::Global;
use crate::config::{self, Settings};
use crate::context::ContextArgs;
use crate::error::CommandError;
use crate::output;
use assay_match::priority::of_image;
use assay_model::Image;
use assay_model::context::{Context, Grade, Setting};
use assay_report::escape;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

/// Show which settings are in force, or check a settings file.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Show(ShowArgs),
    Check(CheckArgs),
}

/// Show the settings in force and where each comes from.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    assay config show                                 what holds for every image\n  \
    assay config show registry.example/shop/app:1.0   what holds for this one")]
struct ShowArgs {
    /// The image the settings are for; it is not opened.
    #[arg(value_name = "SOURCE")]
    source: Option<String>,

    #[command(flatten)]
    context: ContextArgs,
}

/// Check a settings file and say everything that is wrong with it.
#[derive(Debug, clap::Args)]
#[command(after_help = "Exit codes: 0 it is right; 2 it is not, or cannot be read.")]
struct CheckArgs {
    /// The file.
    #[arg(value_name = "FILE", default_value = config::FILE_NAME)]
    file: PathBuf,
}

/// Runs the command.
pub(super) fn run(args: &Args, global: &Global) -> Result<ExitCode, CommandError> {
    let text = match &args.command {
        Command::Show(args) => show(args, global)?,
        Command::Check(args) => {
            let config = config::read_file(&args.file)?;
            let rules = assay_report::summary::count(config.images.len() as u64, "image rule");
            format!("`{}` is right: {rules}\n", args.file.display())
        }
    };
    output::print(text)?;
    Ok(ExitCode::SUCCESS)
}

fn show(args: &ShowArgs, global: &Global) -> Result<String, CommandError> {
    let settings = Settings::load(&args.context, global)?;
    let source = args.source.as_deref().unwrap_or_default();
    let statements = settings.statements(source, None);
    let (context, _) = of_image(&statements, &Image::default());
    let Context { environment, exposure, data, criticality, owner } = &context;
    let mut text = String::new();
    let file = settings.path().map_or_else(|| "none".to_owned(), |path| format!("`{}`", path.display()));
    let _ = writeln!(text, "file         {}", escape::terminal(&file));
    grade(&mut text, environment);
    grade(&mut text, exposure);
    grade(&mut text, data);
    grade(&mut text, criticality);
    if let Some(owner) = owner {
        line(&mut text, "owner", &owner.value, &owner.origin);
    }
    Ok(text)
}

fn grade<T: Grade>(text: &mut String, setting: &Setting<T>) {
    line(text, T::KEY, setting.value.name(), &setting.origin);
}

fn line(text: &mut String, key: &str, value: &str, origin: &str) {
    let _ = writeln!(text, "{key:<12} {:<14} {}", escape::terminal(value), escape::terminal(origin));
}
