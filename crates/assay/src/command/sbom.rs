//! `assay sbom`: what a source consists of, in the formats other tools read.

use super::Global;
use crate::environment;
use crate::error::CommandError;
use crate::output;
use crate::repository::{self, failed};
use crate::source::{self, SourceArgs};
use crate::terminal;
use assay_model::Digest;
use assay_oci::Access;
use assay_oci::source::Selector;
use assay_sbom::{Document, Format, Origin, Score, compose, score, write};
use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

/// Write the bill of materials of an image or folder; no vulnerability database is needed.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    assay sbom registry.example/app:1.0 --output app.cdx.json       CycloneDX 1.6\n  \
    assay sbom app.tar --format spdx-tv                             SPDX 2.3, tag-value\n  \
    assay sbom dir:. --format cyclonedx-xml --spec-version 1.4      an older version, as XML\n  \
    assay sbom app.cdx.json --format spdx3                          from one format to another\n  \
    assay sbom app.tar --file-hashes --format spdx                  with every file of a package and its digests\n  \
    assay sbom app.spdx.json --score                                how complete it is\n  \
    assay sbom registry.example/app:1.0 --attach                   attach it to the image\n  \
    assay sbom sbom:registry.example/app:1.0                       what is attached there, in the format you like")]
pub(crate) struct Args {
    /// An image, archive, folder, lockfile or bill of materials, named as for `assay scan`.
    #[arg(value_name = "SOURCE")]
    subject: String,

    #[command(flatten)]
    source: SourceArgs,

    /// The format: cyclonedx, cyclonedx-xml, spdx, spdx-tv or spdx3.
    #[arg(long, short, value_name = "FORMAT", default_value = "cyclonedx")]
    format: String,

    /// The version of the format: 1.4 to 1.7 for CycloneDX (1.6), 2.3 for SPDX, 3.0.1 for SPDX 3.
    #[arg(long, value_name = "VERSION")]
    spec_version: Option<String>,

    /// List the files of packages, too, with the digests of their content.
    #[arg(long)]
    file_hashes: bool,

    /// Write to a file instead of standard output.
    #[arg(long, short, value_name = "FILE", value_parser = super::path)]
    output: Option<PathBuf>,

    /// Say how complete it is instead: the share of packages with a version, purl, licence, supplier, hash and dependency.
    #[arg(
        long,
        value_name = "table|json",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "table",
        conflicts_with_all = ["format", "spec_version"]
    )]
    score: Option<ScoreFormat>,

    /// Attach it to the image, in its registry or OCI layout, instead of writing it.
    #[arg(long, conflicts_with_all = ["output", "score", "attach_to"])]
    attach: bool,

    /// Attach it to this image instead of writing it.
    #[arg(long, value_name = "IMAGE", conflicts_with_all = ["output", "score"])]
    attach_to: Option<String>,

    /// Exit with 0 even though something was left unscanned.
    #[arg(long)]
    allow_partial: bool,
}

/// How the score is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum ScoreFormat {
    Table,
    Json,
}

/// Runs the command.
pub(super) fn run(mut args: Args, global: &Global) -> Result<ExitCode, CommandError> {
    let format = Format::named(&args.format, args.spec_version.as_deref()).map_err(|error| {
        CommandError::usage(error.to_string()).hint("see `assay sbom --help` for formats and versions")
    })?;
    args.source.only_packages();
    if args.file_hashes {
        args.source.with_files();
    }
    let scanned = source::inventory(&args.subject, &args.source, global)?;
    let document = match scanned.sbom {
        Some((document, _)) => document,
        None => {
            let own = scanned.image.created;
            let created = environment::source_date().or(own).unwrap_or_else(environment::now);
            let origin = Origin {
                source: scanned.kind,
                version: env!("CARGO_PKG_VERSION"),
                created: Some(created),
                files: args.file_hashes,
            };
            compose(&scanned.image, &scanned.inventory, &origin)
        }
    };
    if document.incomplete {
        terminal::note(global, "something was left unscanned; the bill of materials says so");
    }
    let bytes = match args.score {
        Some(ScoreFormat::Table) => table(&score(&document)).into_bytes(),
        Some(ScoreFormat::Json) => json(&score(&document)).into_bytes(),
        None => render(&document, format)?,
    };
    let partial = document.incomplete && !args.allow_partial;
    if let Some(to) = args.attach_to.as_ref().or(args.attach.then_some(&args.subject)) {
        // A bill of materials that lacks something unsaid would be believed for ever.
        if partial {
            return Err(CommandError::usage("a bill of materials that is not complete is not attached")
                .hint("attach it all the same with `--allow-partial`"));
        }
        let own = scanned.image.manifest_digest.filter(|_| args.attach_to.is_none());
        attach(to, own, format, &bytes, &args.source, global)?;
        return Ok(ExitCode::SUCCESS);
    }
    output::put(args.output.as_deref(), &bytes)?;
    Ok(if partial { ExitCode::from(2) } else { ExitCode::SUCCESS })
}

/// Attaches the document to an image: the one that was looked at, by its digest, or else the one that `to` names.
fn attach(
    to: &str,
    own: Option<Digest>,
    format: Format,
    bytes: &[u8],
    args: &SourceArgs,
    global: &Global,
) -> Result<(), CommandError> {
    let verb = "attach something to";
    let network = repository::network(args.network(), global)?;
    let opened = repository::open(verb, to, Access::Write, &network)?;
    let wanted = own.map(Selector::Digest).or_else(|| opened.wanted.clone());
    let subject = opened
        .repository
        .resolve_for(wanted.as_ref(), args.platform())
        .map_err(|error| failed(verb, to, error))?;
    let media_type = match format {
        Format::CycloneDxJson(_) => "application/vnd.cyclonedx+json",
        Format::CycloneDxXml(_) => "application/vnd.cyclonedx+xml",
        Format::SpdxJson | Format::Spdx3 => "application/spdx+json",
        Format::SpdxTagValue => "text/spdx",
    };
    let target = super::attach::Target { opened: &opened, subject: &subject.descriptor, name: to };
    super::attach::attach_document(&target, media_type, media_type, bytes, global)
}

fn render(document: &Document, format: Format) -> Result<Vec<u8>, CommandError> {
    let mut bytes = Vec::new();
    write(document, None, format, &mut bytes)
        .map_err(|error| CommandError::work("cannot write the bill of materials", error))?;
    Ok(bytes)
}

fn table(score: &Score) -> String {
    let mut text = format!("{:<12} {:>5}\n", "packages", score.packages);
    for (name, count) in score.parts() {
        let _ = writeln!(text, "{name:<12} {count:>5} {:>4} %", score.percent(count));
    }
    let _ = writeln!(text, "{:<12} {:>10} %", "score", score.total());
    text
}

fn json(score: &Score) -> String {
    let parts: serde_json::Map<String, serde_json::Value> = score
        .parts()
        .into_iter()
        .map(|(name, count)| {
            let value = serde_json::json!({ "count": count, "percent": score.percent(count) });
            (name.to_owned(), value)
        })
        .collect();
    let document = serde_json::json!({
        "schema": "assay.sbom-score/v1",
        "packages": score.packages,
        "score": score.total(),
        "parts": parts,
    });
    format!("{document:#}\n")
}
