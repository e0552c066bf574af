//! `assay vex`: make, merge and show statements on vulnerabilities.

use super::Global;
use crate::environment;
use crate::error::CommandError;
use crate::output;
use crate::repository::{self, failed};
use crate::source::{NetworkArgs, read_vex};
use crate::terminal;
use assay_oci::Access;
use assay_report::escape;
use assay_sbom::vex::{Format, Heading, Identity, Justification, Product, Statement, Status, merge, write};
use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

/// Make, merge or show statements on whether vulnerabilities concern a product (VEX).
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    Create(CreateArgs),
    Merge(MergeArgs),
    Show(ShowArgs),
}

/// Where a document goes, and whose it is.
#[derive(Debug, clap::Args)]
struct WriteArgs {
    /// Who makes the statements; `assay scan` shows it beside each.
    #[arg(long, value_name = "NAME", env = "ASSAY_VEX_AUTHOR")]
    author: String,

    /// An address that stands for the author; CSAF asks for one.
    #[arg(long, value_name = "URI", default_value = "https://assay.invalid/")]
    namespace: String,

    /// The format: openvex, csaf or cyclonedx.
    #[arg(long, short, value_name = "FORMAT", default_value = "openvex")]
    format: Format,

    /// Write to a file instead of standard output.
    #[arg(long, short, value_name = "FILE", value_parser = super::path)]
    output: Option<PathBuf>,

    /// Attach the document to this image, in its registry or OCI layout, instead of writing it.
    #[arg(long, value_name = "IMAGE", conflicts_with = "output")]
    attach: Option<String>,

    #[command(flatten)]
    network: NetworkArgs,
}

/// State something about a vulnerability and a product.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    assay vex create --author 'App team' --vulnerability CVE-2021-44228 --status not_affected \\\n      \
    --product pkg:oci/app@sha256:… --part pkg:maven/org.apache.logging.log4j/log4j-core@2.14.1 \\\n      \
    --justification vulnerable_code_not_in_execute_path --output app.vex.json\n  \
    assay scan app.tar --vex app.vex.json")]
struct CreateArgs {
    /// The vulnerability; more of its identifiers may follow.
    #[arg(long, value_name = "ID", required = true)]
    vulnerability: Vec<String>,

    /// The product: a package URL, the digest of an image, or an image reference; may be repeated.
    #[arg(long, value_name = "PRODUCT", required = true)]
    product: Vec<String>,

    /// The part of the product that is meant, as a package URL; may be repeated.
    #[arg(long, value_name = "PURL")]
    part: Vec<String>,

    /// What is stated: not_affected, affected, fixed or under_investigation.
    #[arg(long, value_name = "STATUS")]
    status: Status,

    /// Why it is not affected, in one of the five words of OpenVEX.
    #[arg(long, value_name = "WORD")]
    justification: Option<Justification>,

    /// Why it is not affected, or what the impact is, in your words.
    #[arg(long, value_name = "TEXT")]
    impact: Option<String>,

    /// What to do about it.
    #[arg(long, value_name = "TEXT")]
    action: Option<String>,

    #[command(flatten)]
    write: WriteArgs,
}

/// Join documents: of each author's statements about the same thing the newest is kept.
#[derive(Debug, clap::Args)]
struct MergeArgs {
    /// VEX documents of any format.
    #[arg(value_name = "FILE", required = true, value_parser = super::path)]
    files: Vec<PathBuf>,

    #[command(flatten)]
    write: WriteArgs,
}

/// Show what documents state.
#[derive(Debug, clap::Args)]
struct ShowArgs {
    /// VEX documents of any format.
    #[arg(value_name = "FILE", required = true, value_parser = super::path)]
    files: Vec<PathBuf>,

    /// Write the statements as OpenVEX JSON instead of a list.
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub(super) fn run(args: &Args, global: &Global) -> Result<ExitCode, CommandError> {
    match &args.action {
        Action::Create(args) => put(&[created(args)?], &args.write, global)?,
        Action::Merge(args) => {
            let mut statements = merge(read(&args.files, global)?);
            let authors: Vec<&str> = statements.iter().map(|one| one.author.as_str()).collect();
            let foreign = authors.iter().any(|author| !author.is_empty() && *author != args.write.author);
            if foreign {
                // None of the formats names an author for each statement.
                terminal::note(
                    global,
                    &format!("the statements of others are now stated by `{}`", args.write.author),
                );
            }
            for statement in &mut statements {
                statement.author.clone_from(&args.write.author);
            }
            // What two authors said of one thing is now one author's word: the newest.
            put(&merge(statements), &args.write, global)?;
        }
        Action::Show(args) => show(args, global)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn read(files: &[PathBuf], global: &Global) -> Result<Vec<Statement>, CommandError> {
    let mut statements = Vec::new();
    for path in files {
        let (read, unknown) = read_vex(path)?;
        if unknown > 0 {
            let count = assay_report::summary::count(unknown as u64, "statement");
            terminal::note(global, &format!("`{}` has {count} that could not be understood", path.display()));
        }
        statements.extend(read);
    }
    Ok(statements)
}

fn created(args: &CreateArgs) -> Result<Statement, CommandError> {
    if args.status == Status::NotAffected && args.justification.is_none() && args.impact.is_none() {
        return Err(CommandError::usage("a statement that something is not affected says why")
            .hint("add `--justification WORD` or `--impact TEXT`"));
    }
    if args.status == Status::Affected && args.action.is_none() {
        return Err(CommandError::usage("a statement that something is affected says what to do")
            .hint("add `--action TEXT`"));
    }
    if args.justification.is_some() && args.status != Status::NotAffected {
        return Err(CommandError::usage("only what is not affected has a justification")
            .hint("leave out `--justification`, or use `--impact TEXT`"));
    }
    let parts: Vec<Vec<Identity>> = args.part.iter().map(|part| vec![Identity::parse(part)]).collect();
    let products = args
        .product
        .iter()
        .map(|product| Product { identities: vec![Identity::parse(product)], parts: parts.clone() })
        .collect();
    Ok(Statement {
        vulnerabilities: args.vulnerability.clone(),
        products,
        status: args.status,
        justification: args.justification,
        impact: args.impact.clone(),
        action: args.action.clone(),
        author: args.write.author.clone(),
        issued: Some(environment::now()),
    })
}

fn put(statements: &[Statement], args: &WriteArgs, global: &Global) -> Result<(), CommandError> {
    let version = env!("CARGO_PKG_VERSION");
    let heading = Heading::new(&args.author, &args.namespace, environment::now(), version, statements);
    let mut bytes = Vec::new();
    write(statements, &heading, args.format, &mut bytes).map_err(|error| {
        CommandError::work("cannot write the statements", error)
            .hint("write them with `--format openvex`, or a document for each product")
    })?;
    if let Some(image) = &args.attach {
        return attach(image, &bytes, args, global);
    }
    output::put(args.output.as_deref(), &bytes)
}

fn attach(image: &str, bytes: &[u8], args: &WriteArgs, global: &Global) -> Result<(), CommandError> {
    let verb = "attach something to";
    let network = repository::network(&args.network, global)?;
    let opened = repository::open(verb, image, Access::Write, &network)?;
    let subject =
        opened.repository.resolve(opened.wanted.as_ref()).map_err(|error| failed(verb, image, error))?;
    let (artifact_type, media_type) = match args.format {
        Format::OpenVex => ("application/vnd.openvex+json", "application/vnd.openvex+json"),
        Format::Csaf => ("application/csaf+json", "application/csaf+json"),
        // A document of statements only, unlike other documents of that format.
        Format::CycloneDx => ("application/vnd.cyclonedx.vex+json", "application/vnd.cyclonedx+json"),
    };
    let target = super::attach::Target { opened: &opened, subject: &subject.descriptor, name: image };
    super::attach::attach_document(&target, artifact_type, media_type, bytes, global)
}

fn show(args: &ShowArgs, global: &Global) -> Result<(), CommandError> {
    let statements = read(&args.files, global)?;
    let mut text = String::new();
    if args.json {
        let heading = Heading::new("", "", environment::now(), env!("CARGO_PKG_VERSION"), &statements);
        let mut bytes = Vec::new();
        write(&statements, &heading, Format::OpenVex, &mut bytes)
            .map_err(|error| CommandError::work("cannot write the statements", error))?;
        return output::print(&bytes);
    }
    for statement in &statements {
        let date = statement.issued.map(|time| format!(" on {}", time.date_text())).unwrap_or_default();
        let author = if statement.author.is_empty() { "nobody" } else { &statement.author };
        let line =
            format!("{}  {} by {author}{date}", statement.vulnerabilities.join(", "), statement.status);
        let _ = writeln!(text, "{}", escape::terminal(&line));
        let reason = statement.reason();
        if !reason.is_empty() {
            let _ = writeln!(text, "  {}", escape::terminal(&reason));
        }
        for product in &statement.products {
            let names = |names: &[Identity]| names.first().map(Identity::text).unwrap_or_default();
            let _ = writeln!(text, "  {}", escape::terminal(&names(&product.identities)));
            for part in &product.parts {
                let _ = writeln!(text, "    {}", escape::terminal(&names(part)));
            }
        }
    }
    let count = assay_report::summary::count(statements.len() as u64, "statement");
    let _ = writeln!(text, "{count}");
    output::print(text)
}
