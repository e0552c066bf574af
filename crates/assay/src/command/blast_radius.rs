//! `assay blast-radius`: which images of a server's fleet contain something.

use super::Global;
use crate::columns::{Shape, columns};
use crate::error::CommandError;
use crate::server_client::ServerArgs;
use crate::terminal;
use assay_server::api::blast::Hit;
use std::process::ExitCode;

/// Ask a server which images have a vulnerability, or contain a package.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    assay blast-radius CVE-2021-44228 --server https://assay.example\n  \
    assay blast-radius flask --ecosystem PyPI\n  \
    assay blast-radius 'org.apache.logging.log4j:log4j-core@>=2.0,<2.17.1' --ecosystem Maven\n  \
    assay blast-radius '@babel/traverse@<7.23.2' --ecosystem npm --format json\n\n\
    Exit codes: 0 nothing has it; 1 something has it; 2 it could not be told. A version that cannot be compared with the range is listed \
    and marked `?`. The server is also named by the variable `ASSAY_SERVER`, and the token by `ASSAY_TOKEN`.")]
pub(crate) struct Args {
    /// An identifier of a vulnerability, such as `CVE-2021-44228`, or the name of a package, with `@` and a range of versions if not all
    /// are meant.
    #[arg(value_name = "ADVISORY|PACKAGE[@RANGE]")]
    what: String,

    /// The package's ecosystem, such as `Maven`; a range takes one, in whose way it is written.
    #[arg(long, value_name = "ECOSYSTEM")]
    ecosystem: Option<String>,

    /// It is the name of a package, although it looks like an identifier.
    #[arg(long)]
    package: bool,

    /// Only images that were seen in this registry.
    #[arg(long, value_name = "HOST")]
    registry: Option<String>,

    /// Only images that were seen in this repository.
    #[arg(long, value_name = "REPOSITORY")]
    repository: Option<String>,

    /// How many entries at most.
    #[arg(long, value_name = "N", default_value = "100000")]
    limit: usize,

    /// How they are written.
    #[arg(long, short, value_name = "FORMAT", default_value = "table")]
    format: Shape,

    #[command(flatten)]
    server: ServerArgs,
}

/// Says whether a text looks like an identifier of a vulnerability: capital letters, a dash, and a digit somewhere behind it.
fn is_advisory(text: &str) -> bool {
    text.split_once('-').is_some_and(|(prefix, rest)| {
        prefix.len() > 1
            && prefix.starts_with(|first: char| first.is_ascii_uppercase())
            && prefix.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
            && rest.bytes().any(|byte| byte.is_ascii_digit())
            && rest.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-:._".contains(&byte))
    })
}

/// Splits off a range of versions. A package of npm may begin with `@`.
fn name_and_range(text: &str) -> (&str, Option<&str>) {
    match text.rsplit_once('@') {
        Some((name, range)) if !name.is_empty() && !range.is_empty() => (name, Some(range)),
        _ => (text, None),
    }
}

/// Runs the command.
pub(super) fn run(args: &Args, global: &Global) -> Result<ExitCode, CommandError> {
    let advisory = !args.package && args.ecosystem.is_none() && is_advisory(&args.what);
    let (name, range) = if advisory { (args.what.as_str(), None) } else { name_and_range(&args.what) };
    if range.is_some() && args.ecosystem.is_none() {
        return Err(CommandError::usage(
            "a range of versions takes the ecosystem in whose way it is written",
        )
        .hint("add for example `--ecosystem PyPI`"));
    }
    let client = args.server.client(global)?;
    let query = [
        (if advisory { "advisory" } else { "package" }, Some(name)),
        ("ecosystem", args.ecosystem.as_deref()),
        ("versions", range),
        ("registry", args.registry.as_deref()),
        ("repository", args.repository.as_deref()),
    ];
    let hits = client
        .radius(&query, args.limit)
        .map_err(|error| error.into_command_error(format!("cannot tell what has `{}`", args.what)))?;
    let bytes = match args.format {
        Shape::Json => crate::columns::json(&hits)?,
        Shape::Table => columns(
            &["IMAGE", "DIGEST", "MATCH", "PACKAGE", "VERSION", "FIXED IN", "SINCE", "DEPLOYED"],
            hits.iter().map(|hit| row(hit, range.is_some()).to_vec()),
        ),
    };
    terminal::stdout(&bytes).map_err(|error| CommandError::work("cannot write to standard output", error))?;
    Ok(if hits.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

fn row(hit: &Hit, ranged: bool) -> [String; 8] {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let fixed = hit.fixed_versions.join(", ");
    let unsure = if ranged && hit.in_range.is_none() { " ?" } else { "" };
    [
        format!("{}/{}", hit.registry, hit.repository),
        hit.digest.clone(),
        hit.of.clone(),
        text(&hit.package),
        format!("{}{unsure}", text(&hit.version)),
        if fixed.is_empty() { "-".to_owned() } else { fixed },
        hit.since.clone(),
        if hit.deployed { "yes" } else { "no" }.to_owned(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_are_told_from_packages() {
        for text in [
            "CVE-2021-44228",
            "GHSA-jfh8-c2jp-5v3q",
            "DSA-5000-1",
            "RHSA-2024:1234",
            "ALAS2-2023-1",
            "GO-2023-1",
        ] {
            assert!(is_advisory(text), "{text}");
        }
        for text in
            ["log4j-core", "JSON-XS", "libssl3", "org.apache:log4j-2", "@babel/x", "A-1", "Foo-1", "", "-1"]
        {
            assert!(!is_advisory(text), "{text}");
        }
    }

    #[test]
    fn a_range_is_what_follows_the_last_at() {
        assert_eq!(name_and_range("flask@<2"), ("flask", Some("<2")));
        assert_eq!(name_and_range("@babel/traverse@<7"), ("@babel/traverse", Some("<7")));
        assert_eq!(name_and_range("@babel/traverse"), ("@babel/traverse", None));
        assert_eq!(name_and_range("flask@"), ("flask@", None));
    }
}
