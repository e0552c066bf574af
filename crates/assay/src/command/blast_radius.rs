//! `assay blast-radius`: which images of a server's fleet contain something.

use super::Global;
use crate::columns::{Column, ListArgs, joined, or_dash};
use crate::error::CommandError;
use crate::server_client::ServerArgs;
use crate::source::sha256_of;
use crate::terminal;
use assay_model::Digest;
use assay_server::api::blast::{FilesKnown, Hit};
use std::path::Path;
use std::process::ExitCode;

/// Ask a server which images have a vulnerability, contain a package, hold a file, or give away a secret.
#[derive(Debug, clap::Args)]
#[command(group(clap::ArgGroup::new("asked").required(true).args(["what", "file", "rule"])),
    after_help = "Examples:\n  \
    assay blast-radius CVE-2021-44228 --server https://assay.example\n  \
    assay blast-radius CVE-2021-44228 --triage open\n  \
    assay blast-radius flask --ecosystem PyPI\n  \
    assay blast-radius 'org.apache.logging.log4j:log4j-core@>=2.0,<2.17.1' --ecosystem Maven\n  \
    assay blast-radius '@babel/traverse@<7.23.2' --ecosystem npm --format json\n  \
    assay blast-radius --file sha256:0c8ad7fb5cf3…\n  \
    assay blast-radius --file ./liblzma.so.5.6.1\n  \
    assay blast-radius --rule aws-access-key-id --registry registry.example\n\n\
    Exit codes: 0 nothing has it; 1 something has it; 2 it could not be told. A version that cannot be compared with the range is listed \
    and marked `?`. Files are known of images that had a deep scan: where others were not looked at and nothing was found, that is 2. \
    The server is also named by the variable `ASSAY_SERVER`, and the token by `ASSAY_TOKEN`.")]
pub(crate) struct Args {
    /// An identifier of a vulnerability, such as `CVE-2021-44228`, or the name of a package, with `@` and a range of versions if not all
    /// are meant.
    #[arg(value_name = "ADVISORY|PACKAGE[@RANGE]")]
    what: Option<String>,

    /// A file instead, by its SHA-256, or one that lies here and is only read.
    #[arg(long, value_name = "SHA256|PATH", conflicts_with_all = ["ecosystem", "package", "advisory", "triage"])]
    file: Option<String>,

    /// Secrets instead, by the rule that finds them, such as `aws-access-key-id`.
    #[arg(long, value_name = "RULE", conflicts_with_all = ["ecosystem", "package", "advisory"])]
    rule: Option<String>,

    /// The package's ecosystem, such as `Maven`; a range takes one, in whose way it is written.
    #[arg(long, value_name = "ECOSYSTEM")]
    ecosystem: Option<String>,

    /// It is the name of a package, although it looks like an identifier.
    #[arg(long)]
    package: bool,

    /// It is an identifier of a vulnerability, or the rule of another finding, although it looks like the name of a package.
    #[arg(long, conflicts_with_all = ["package", "ecosystem"])]
    advisory: bool,

    /// Only findings about which nothing was decided, or something.
    #[arg(long, value_name = "STATE")]
    triage: Option<Triaged>,

    /// Only images that were seen in this registry.
    #[arg(long, value_name = "HOST")]
    registry: Option<String>,

    /// Only images that were seen in this repository.
    #[arg(long, value_name = "REPOSITORY")]
    repository: Option<String>,

    #[command(flatten)]
    list: ListArgs,

    #[command(flatten)]
    server: ServerArgs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Triaged {
    Open,
    Settled,
}

/// What is asked for.
#[derive(Debug, PartialEq, Eq)]
enum Question<'a> {
    Advisory(&'a str),
    Package(&'a str, Option<&'a str>),
    File(Digest),
    Rule(&'a str),
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

/// Reads the SHA-256 of a file, as `sha256sum`, registries or Windows write it; what is no digest is a path.
fn file(text: &str) -> Result<Digest, CommandError> {
    let digits = text.trim().to_ascii_lowercase();
    let prefixed = digits.strip_prefix("sha256:");
    if let Ok(digest) = format!("sha256:{}", prefixed.unwrap_or(&digits)).parse() {
        return Ok(digest);
    }
    let hint = "name a file that you may read, or its SHA-256: `sha256:` and 64 digits, such as `sha256sum FILE` prints";
    if prefixed.is_some() {
        return Err(CommandError::usage(format!("`{text}` is no SHA-256 of a file")).hint(hint));
    }
    let opened = std::fs::File::open(Path::new(text)).and_then(sha256_of);
    opened.map_err(|error| CommandError::work(format!("cannot read the file `{text}`"), error).hint(hint))
}

impl Args {
    fn question(&self) -> Result<Question<'_>, CommandError> {
        match (&self.what, &self.file, &self.rule) {
            (Some(what), ..) => self.named(what),
            (None, Some(text), _) => file(text).map(Question::File),
            (None, None, rule) => Ok(Question::Rule(rule.as_deref().unwrap_or_default())),
        }
    }

    fn named<'a>(&self, what: &'a str) -> Result<Question<'a>, CommandError> {
        if self.advisory || (!self.package && self.ecosystem.is_none() && is_advisory(what)) {
            return Ok(Question::Advisory(what));
        }
        if self.triage.is_some() {
            return Err(CommandError::usage("decisions are about findings, and a package is none")
                .hint("leave out `--triage`, or say with `--advisory` that it is no package"));
        }
        let (name, range) = name_and_range(what);
        if range.is_some() && self.ecosystem.is_none() {
            return Err(CommandError::usage(
                "a range of versions takes the ecosystem in whose way it is written",
            )
            .hint("add for example `--ecosystem PyPI`"));
        }
        Ok(Question::Package(name, range))
    }
}

impl Question<'_> {
    /// Returns the parameters that ask it.
    fn parameters(&self) -> Vec<(&'static str, Option<String>)> {
        let given = |text: &str| Some(text.to_owned());
        match self {
            Self::Advisory(name) => vec![("advisory", given(name))],
            Self::Package(name, range) => {
                vec![("package", given(name)), ("versions", range.map(str::to_owned))]
            }
            Self::File(digest) => vec![("file", given(&digest.to_string()))],
            Self::Rule(rule) => vec![("rule", given(rule))],
        }
    }

    /// Returns what is asked for, for people.
    fn told(&self) -> String {
        match self {
            Self::Advisory(name) | Self::Package(name, _) => format!("has `{name}`"),
            Self::File(digest) => format!("holds the file `{digest}`"),
            Self::Rule(rule) => format!("gives away what `{rule}` finds"),
        }
    }

    fn columns(&self) -> Vec<Column<Hit>> {
        let of_question: &[Column<Hit>] = match self {
            Self::Advisory(_) => &[MATCH, PACKAGE, VERSION, FIXED_IN, TRIAGE],
            Self::Package(_, None) => &[MATCH, PACKAGE, VERSION],
            Self::Package(_, Some(_)) => &[MATCH, PACKAGE, COMPARED],
            Self::File(_) => &[PATH],
            Self::Rule(_) => &[TRIAGE],
        };
        [&[IMAGE, DIGEST], of_question, &[SINCE, RUNS_IN, OWNER, NEWER]].concat()
    }
}

const IMAGE: Column<Hit> = ("IMAGE", |hit| format!("{}/{}", hit.registry, hit.repository));
const DIGEST: Column<Hit> = ("DIGEST", |hit| hit.digest.clone());
const MATCH: Column<Hit> = ("MATCH", |hit| hit.of.clone());
const PACKAGE: Column<Hit> = ("PACKAGE", |hit| or_dash(&hit.package));
const VERSION: Column<Hit> = ("VERSION", |hit| or_dash(&hit.version));
// Nobody can say of each version whether it is inside of a range.
const COMPARED: Column<Hit> =
    ("VERSION", |hit| format!("{}{}", or_dash(&hit.version), if hit.in_range.is_none() { " ?" } else { "" }));
const FIXED_IN: Column<Hit> = ("FIXED IN", |hit| joined(&hit.fixed_versions));
const PATH: Column<Hit> = ("PATH", |hit| or_dash(&hit.path));
const TRIAGE: Column<Hit> =
    ("TRIAGE", |hit| or_dash(&hit.triage.as_ref().map(|decision| decision.state.clone())));
const SINCE: Column<Hit> = ("SINCE", |hit| hit.since.clone());
const RUNS_IN: Column<Hit> = ("RUNS IN", |hit| {
    let services = hit.running.iter().map(|one| format!("{}/{}", one.environment, one.service));
    joined(&services.collect::<Vec<_>>())
});
const OWNER: Column<Hit> = ("OWNER", |hit| or_dash(&hit.owner));
const NEWER: Column<Hit> = ("NEWER WITHOUT IT", |hit| {
    let newer = hit.fixed_in.as_ref();
    or_dash(&newer.map(|image| image.tag.clone().unwrap_or_else(|| image.digest.clone())))
});

/// Runs the command.
pub(super) fn run(args: &Args, global: &Global) -> Result<ExitCode, CommandError> {
    let question = args.question()?;
    let client = args.server.client(global)?;
    let parameters = question.parameters();
    let mut query: Vec<_> = parameters.iter().map(|(name, value)| (*name, value.as_deref())).collect();
    let triage = args.triage.map(|state| match state {
        Triaged::Open => "open",
        Triaged::Settled => "settled",
    });
    query.extend([
        ("ecosystem", args.ecosystem.as_deref()),
        ("triage", triage),
        ("registry", args.registry.as_deref()),
        ("repository", args.repository.as_deref()),
    ]);
    let (hits, files) = client
        .radius(&query, args.list.limit)
        .map_err(|error| error.into_command_error(format!("cannot tell what {}", question.told())))?;
    let more: Vec<_> = files.iter().map(|files| ("files", serde_json::json!(files))).collect();
    args.list.shape.print_with(&hits, &question.columns(), &more)?;
    let unseen = files.as_ref().is_some_and(|files| files.images - files.in_part < files.scanned);
    if let Some(files) = files.filter(|_| unseen) {
        terminal::stderr(&format!("warning: {}\n{HINT}", known(&files)));
    }
    Ok(ExitCode::from(match (hits.is_empty(), unseen) {
        (false, _) => 1,
        (true, false) => 0,
        // What was not looked at is not clean.
        (true, true) => 2,
    }))
}

const HINT: &str =
    "hint: have such images scanned deeply, such as with `assay serve --deep-tags '*'`, and ask again\n";

fn known(files: &FilesKnown) -> String {
    let part = match files.in_part {
        0 => String::new(),
        count => format!(", of {count} of them not all"),
    };
    format!("files are known of {} of {} images{part}: it may be in others", files.images, files.scanned)
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

    #[test]
    fn a_file_is_named_by_its_digest_or_by_itself() {
        let digits = "0a".repeat(32);
        let want: Digest = format!("sha256:{digits}").parse().unwrap();
        for text in
            [&digits, &digits.to_uppercase(), &format!("sha256:{digits}"), &format!(" SHA256:{digits}")]
        {
            assert_eq!(file(text).unwrap(), want, "{text}");
        }
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("empty");
        std::fs::write(&path, "").unwrap();
        let empty = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(file(path.to_str().unwrap()).unwrap().to_string(), empty);
        // A digest with a slip of the pen is no file, and a file that is not there has no digest.
        for wrong in ["sha256:0a", digits.trim_start_matches('0'), "", folder.path().to_str().unwrap()] {
            assert!(file(wrong).unwrap_err().first_hint().is_some(), "{wrong}");
        }
    }

    #[test]
    fn what_is_not_known_of_files_is_told() {
        let files = FilesKnown { images: 2, in_part: 1, scanned: 3 };
        assert_eq!(
            known(&files),
            "files are known of 2 of 3 images, of 1 of them not all: it may be in others"
        );
    }
}
