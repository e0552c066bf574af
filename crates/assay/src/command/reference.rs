//! `assay ref`: which digest a tag means now, and digests written into the files that name images.

use super::Global;
use crate::error::CommandError;
use crate::output;
use crate::repository::{self, failed};
use crate::source::NetworkArgs;
use crate::terminal;
use assay_model::{Digest, Platform};
use assay_oci::pin::{self, FileKind, Spot, State};
use assay_oci::source::{Selector, Source};
use assay_oci::{Access, Reference, Repository};
use assay_report::escape;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::fmt::Write as _;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Resolve tags to digests, and pin images in files.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    Resolve(ResolveArgs),
    Pin(PinArgs),
}

/// Say which digest each image has now.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    assay ref resolve debian:12\n  \
    assay ref resolve registry.example/app:1.0 --platform linux/arm64 --format json")]
struct ResolveArgs {
    /// Images of registries, or of OCI layouts.
    #[arg(value_name = "IMAGE", required = true)]
    images: Vec<String>,

    /// Of an index, the digest of the image for this platform.
    #[arg(long, value_name = "OS/ARCH")]
    platform: Option<Platform>,

    /// The format: text or json.
    #[arg(long, short, value_name = "FORMAT", default_value = "text")]
    format: ResolveFormat,

    #[command(flatten)]
    network: NetworkArgs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum ResolveFormat {
    Text,
    Json,
}

/// Write the digest behind each tag in Dockerfiles, Kubernetes manifests, compose files and values of Helm charts.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    assay ref pin Dockerfile deploy/*.yaml                 rewrite them\n  \
    assay ref pin compose.yaml --diff                      show what would change\n  \
    assay ref pin --check Dockerfile deploy/*.yaml         for a pipeline: fail if something is not pinned\n  \
    assay ref pin --update Dockerfile                      follow the tags to their present digests\n  \
    cat app.yaml | assay ref pin - > pinned.yaml\n\n\
    Only the references change: everything else stays byte for byte.\n\n\
    Exit codes: 0 all is pinned; 1 with `--check`, something is not; 2 a digest could not be had, or a reference cannot be pinned.")]
struct PinArgs {
    /// The files; `-` is standard input, which is written to standard output.
    #[arg(value_name = "FILE", required = true, value_parser = super::path)]
    files: Vec<PathBuf>,

    /// Change nothing and ask no registry: say what is not pinned.
    #[arg(long, conflicts_with_all = ["diff", "stdout", "update"])]
    check: bool,

    /// Change nothing: show what would change.
    #[arg(long, conflicts_with = "stdout")]
    diff: bool,

    /// Write the only file to standard output instead of in its place.
    #[arg(long)]
    stdout: bool,

    /// Also replace the digests of what is pinned by those their tags have now.
    #[arg(long)]
    update: bool,

    /// Exit with 0 even though a reference cannot be pinned, because it depends on a variable.
    #[arg(long)]
    allow_skipped: bool,

    #[command(flatten)]
    network: NetworkArgs,
}

/// Runs the command.
pub(super) fn run(args: &Args, global: &Global) -> Result<ExitCode, CommandError> {
    match &args.action {
        Action::Resolve(args) => resolve(args, global),
        Action::Pin(args) => pin_files(args, global),
    }
}

fn resolve(args: &ResolveArgs, global: &Global) -> Result<ExitCode, CommandError> {
    let network = repository::network(&args.network, global)?;
    let mut results: Vec<Value> = Vec::new();
    let mut text = String::new();
    for image in &args.images {
        let opened = repository::open("resolve", image, Access::Read, &network)?;
        let stored = opened
            .repository
            .resolve_for(opened.wanted.as_ref(), args.platform.as_ref())
            .map_err(|error| failed("resolve", image, error))?;
        let descriptor = &stored.descriptor;
        let resolved = match &opened.source {
            Source::Registry(reference) => with(reference, descriptor.digest),
            other => other.to_string(),
        };
        let _ = writeln!(text, "{}", escape::terminal(&resolved));
        results.push(json!({
            "reference": image,
            "resolved": resolved,
            "digest": descriptor.digest.to_string(),
            "media_type": descriptor.media_type,
            "size": descriptor.size,
        }));
    }
    if args.format == ResolveFormat::Json {
        text = format!("{:#}\n", json!({ "schema": "assay.resolve/v1", "images": results }));
    }
    output::print(&text)?;
    Ok(ExitCode::SUCCESS)
}

/// Returns `registry/repository:tag@digest`.
fn with(reference: &Reference, digest: Digest) -> String {
    let tag = reference.tag().map(|tag| format!(":{tag}")).unwrap_or_default();
    format!("{}/{}{tag}@{digest}", reference.registry(), reference.repository())
}

/// A file, and what was found in it.
struct Read {
    path: PathBuf,
    text: String,
    spots: Vec<Spot>,
}

impl Read {
    fn name(&self) -> String {
        if self.is_stdin() { "standard input".to_owned() } else { self.path.display().to_string() }
    }

    fn is_stdin(&self) -> bool {
        self.path == Path::new("-")
    }

    /// Names a place for people: `file:line`.
    fn at(&self, spot: &Spot) -> String {
        format!("{}:{}: `{}`", self.name(), spot.line, spot.text)
    }
}

fn pin_files(args: &PinArgs, global: &Global) -> Result<ExitCode, CommandError> {
    if args.stdout && args.files.len() > 1 {
        return Err(CommandError::usage("standard output takes one file")
            .hint("name one file with `--stdout`, or leave it out to write each in its place"));
    }
    let writes = !(args.check || args.diff || args.stdout);
    let files = args.files.iter().map(|path| read(path, writes)).collect::<Result<Vec<_>, _>>()?;
    let mut skipped = false;
    for file in &files {
        for spot in &file.spots {
            if let State::Skipped(reason) = spot.state {
                skipped = true;
                let text = format!("{} cannot be pinned: {reason}", file.at(spot));
                terminal::stderr(&format!("warning: {}\n", escape::terminal(&text)));
            }
        }
    }
    let done = if skipped && !args.allow_skipped { ExitCode::from(2) } else { ExitCode::SUCCESS };
    if args.check {
        return check(&files, done);
    }
    let network = repository::network(&args.network, global)?;
    let mut digests: HashMap<String, Digest> = HashMap::new();
    for file in &files {
        for spot in file.spots.iter().filter(|spot| wants_digest(spot, args)) {
            let Some(reference) = tagged(spot) else { continue };
            let key = reference.to_string();
            if digests.contains_key(&key) {
                continue;
            }
            // What a file names is in a registry, whatever else on this machine has such a name.
            let wanted = reference.tag().map(|tag| Selector::Name(tag.to_owned()));
            let stored = Repository::registry(&reference, Access::Read, &network)
                .and_then(|repository| repository.resolve(wanted.as_ref()))
                .map_err(|error| failed("pin", &key, error))?;
            digests.insert(key, stored.descriptor.digest);
        }
    }
    for file in &files {
        let digest = |spot: &Spot| {
            let reference = tagged(spot).filter(|_| wants_digest(spot, args))?;
            digests.get(&reference.to_string()).copied()
        };
        let new = pin::rewrite(&file.text, &file.spots, digest);
        if args.diff {
            output::print(difference(&file.name(), &file.text, &new))?;
        } else if args.stdout || file.is_stdin() {
            output::print(new)?;
        } else if new != file.text {
            replace(&file.path, file.text.as_bytes(), new.as_bytes()).map_err(|error| {
                CommandError::work(format!("cannot write `{}`", file.path.display()), error).hint(
                    "check that you may write to the file and its folder, or write elsewhere with `--stdout`",
                )
            })?;
            let count = changed(&file.text, &new).len() as u64;
            let lines = assay_report::summary::count(count, "line");
            terminal::note(global, &format!("pinned {lines} of `{}`", file.path.display()));
        }
    }
    Ok(done)
}

fn wants_digest(spot: &Spot, args: &PinArgs) -> bool {
    match spot.state {
        State::Open => true,
        State::Pinned => args.update,
        State::Skipped(_) => false,
    }
}

/// Returns the reference by its tag; `None` if it has only a digest, which means the same for ever.
fn tagged(spot: &Spot) -> Option<Reference> {
    let reference = spot.reference.as_ref()?;
    reference.with_tag(reference.tag()?)
}

fn check(files: &[Read], done: ExitCode) -> Result<ExitCode, CommandError> {
    let mut text = String::new();
    for file in files {
        for spot in file.spots.iter().filter(|spot| spot.state == State::Open) {
            let _ = writeln!(text, "{} is not pinned", escape::terminal(&file.at(spot)));
        }
    }
    output::print(&text)?;
    Ok(if text.is_empty() { done } else { ExitCode::from(1) })
}

/// Reads a file; one that is to be written must be a plain file, and is refused before anything is asked.
fn read(path: &Path, writes: bool) -> Result<Read, CommandError> {
    let failed = |error: std::io::Error| {
        CommandError::work(format!("cannot read `{}`", path.display()), error)
            .hint("name Dockerfiles, manifests, compose files or values of charts")
    };
    let mut bytes = Vec::new();
    let mut take = |from: &mut dyn std::io::Read| from.take(pin::MAX_FILE + 1).read_to_end(&mut bytes);
    if path == Path::new("-") {
        take(&mut std::io::stdin().lock()).map_err(failed)?;
    } else {
        if writes {
            own_file(path).map_err(|error| {
                CommandError::work(format!("cannot rewrite `{}`", path.display()), error)
                    .hint("name the file itself, or write elsewhere with `--stdout`")
            })?;
        }
        std::fs::File::open(path).and_then(|mut file| take(&mut file)).map_err(failed)?;
    }
    if bytes.len() as u64 > pin::MAX_FILE {
        return Err(failed(std::io::Error::other(format!("it has more than {} bytes", pin::MAX_FILE))));
    }
    let text = String::from_utf8(bytes).map_err(|error| failed(std::io::Error::other(error)))?;
    let kind = FileKind::of(&path.to_string_lossy(), &text);
    Ok(Read { spots: pin::find(kind, &text), path: path.to_owned(), text })
}

/// Returns what is known of a plain file that may be written.
///
/// A link is not followed: in a folder of somebody else's it may lead to any file of the user's.
fn own_file(path: &Path) -> std::io::Result<std::fs::Metadata> {
    let metadata = std::fs::symlink_metadata(path)?;
    let problem = if metadata.is_symlink() {
        "it is a symbolic link"
    } else if !metadata.is_file() {
        "it is no plain file"
    } else if metadata.permissions().readonly() {
        "it is read-only"
    } else {
        return Ok(metadata);
    };
    Err(std::io::Error::other(problem))
}

/// Replaces a file at once, or not at all, by one with the same permissions and owner; what was not written by us meanwhile stays.
fn replace(path: &Path, old: &[u8], new: &[u8]) -> std::io::Result<()> {
    use std::io::Write as _;
    use std::os::unix::fs::{MetadataExt as _, fchown};
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = tempfile::Builder::new().prefix(".writing-").tempfile_in(folder)?;
    file.write_all(new)?;
    let before = own_file(path)?;
    let made = file.as_file().metadata()?;
    if (made.uid(), made.gid()) != (before.uid(), before.gid()) {
        // Only the administrator may give files away; others have written it as any editor does.
        let _ = fchown(file.as_file(), Some(before.uid()), Some(before.gid()));
    }
    // After the owner, since a change of that takes some permissions away.
    file.as_file().set_permissions(before.permissions())?;
    file.as_file().sync_all()?;
    let mut now = Vec::new();
    std::fs::File::open(path)?.take(pin::MAX_FILE + 1).read_to_end(&mut now)?;
    if now != old {
        return Err(std::io::Error::other("it has changed meanwhile"));
    }
    file.persist(path)?;
    Ok(())
}

/// Returns the numbers of the lines that differ, from 0. Pinning adds and removes none.
fn changed(old: &str, new: &str) -> Vec<usize> {
    let pairs = old.split_inclusive('\n').zip(new.split_inclusive('\n')).enumerate();
    pairs.filter(|(_, (old, new))| old != new).map(|(at, _)| at).collect()
}

/// Lines shown around a change.
const AROUND: usize = 3;

/// Writes the difference in the form that `patch` reads.
fn difference(name: &str, old: &str, new: &str) -> String {
    let changed = changed(old, new);
    if changed.is_empty() {
        return String::new();
    }
    let (old, new): (Vec<&str>, Vec<&str>) =
        (old.split_inclusive('\n').collect(), new.split_inclusive('\n').collect());
    let mut text = format!("--- {name}\n+++ {name}\n");
    let mut rest = changed.as_slice();
    while let Some(first) = rest.first().copied() {
        // Changes whose surroundings touch are shown as one.
        let mut last = first;
        while let Some(next) = rest.first().copied().filter(|next| *next <= last + 2 * AROUND) {
            last = next;
            rest = rest.get(1..).unwrap_or_default();
        }
        let (from, to) = (first.saturating_sub(AROUND), (last + AROUND + 1).min(old.len()));
        let count = to - from;
        let _ = writeln!(text, "@@ -{},{count} +{},{count} @@", from + 1, from + 1);
        let mut at = from;
        while at < to {
            if old.get(at) == new.get(at) {
                line(&mut text, ' ', old.get(at));
                at += 1;
                continue;
            }
            // Lines that follow each other are taken out together before those in their place.
            let mut end = at;
            while end < to && old.get(end) != new.get(end) {
                end += 1;
            }
            (at..end).for_each(|at| line(&mut text, '-', old.get(at)));
            (at..end).for_each(|at| line(&mut text, '+', new.get(at)));
            at = end;
        }
    }
    text
}

fn line(text: &mut String, mark: char, line: Option<&&str>) {
    let line = line.copied().unwrap_or_default();
    text.push(mark);
    text.push_str(line);
    if !line.ends_with('\n') {
        text.push_str("\n\\ No newline at end of file\n");
    }
}

#[cfg(test)]
mod tests {
    use super::difference;

    #[test]
    fn differences_are_what_patch_reads() {
        let old: String = (0..20).map(|number| format!("line {number}\n")).collect();
        assert_eq!(difference("f", &old, &old), "");
        let new = old.replace("line 1\n", "one\n").replace("line 2\n", "two\n").replace("line 19\n", "last");
        let expected = "--- f\n+++ f\n@@ -1,6 +1,6 @@\n line 0\n-line 1\n-line 2\n+one\n+two\n line 3\n line 4\n line 5\n\
            @@ -17,4 +17,4 @@\n line 16\n line 17\n line 18\n-line 19\n+last\n\\ No newline at end of file\n";
        assert_eq!(difference("f", &old, &new), expected);
    }
}
