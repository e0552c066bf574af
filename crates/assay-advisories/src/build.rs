//! From feeds on disk to a database file.
//!
//! Inputs are folders laid out as publishers serve their files, or single files. A file belongs to the feed whose
//! [`FeedFile`] its path ends with; else it is asked about by content; else, when it is OSV JSON (or a zip of it), it is
//! somebody's own advisories, a feed named after the input. Whatever remains is counted. Folders named `samples` are
//! left out unless an input points into one: they prove parsers, and would pass for coverage.
//!
//! The database is written beside its target, synced, and renamed over it; a reader keeps the file it has open.

use crate::compile::{Compiler, DatabaseTooLarge};
use crate::database::Database;
use crate::feed::osv::{MAX_RECORD, looks_like, read_record};
use crate::feed::{FEEDS, Feed, FeedFile};
use crate::sink::{AdvisorySink, Counts};
use assay_decode::compression::{Limited, decompress};
use assay_decode::read_at::FileSpool;
use assay_decode::tar::{EntryKind, TarLimits, TarReader};
use assay_decode::zip::Zip;
use assay_model::timestamp::Timestamp;
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

/// Bytes of one zip entry; a year of NVD in one file has about 100 MB.
const MAX_ENTRY: usize = 1024 * 1024 * 1024;
/// Bytes a compressed file may unpack to; all of OSV is about 6 GB.
const MAX_UNPACKED: u64 = 32 * 1024 * 1024 * 1024;
/// How deep folders are walked; CSAF trees are four deep.
const MAX_DEPTH: usize = 16;
/// Records below which a feed may shrink as it likes.
const SHRINK_FLOOR: u64 = 100;

/// What the name of a feed of somebody's own advisories begins with; the input's name follows.
pub const OWN_FEED: &str = "osv:";

/// Choices for building.
#[derive(Debug, Clone, Copy, Default)]
pub struct BuildOptions<'a> {
    /// The time noted as that of building.
    pub built_at: Timestamp,
    /// Leaves out prose.
    pub facts_only: bool,
    /// The database in use: a feed with less than half of the records it has there is refused.
    pub previous: Option<&'a Database>,
    /// Accepts feeds that lost records all the same.
    pub allow_shrink: bool,
    /// What went wrong when fetching: feed and message, noted in the feed table.
    pub errors: &'a [(String, String)],
}

/// What building came to.
#[derive(Debug, Clone, Default)]
pub struct BuildSummary {
    /// Per feed: name, files, counts.
    pub feeds: Vec<(String, u64, Counts)>,
    /// Files of no feed.
    pub unrecognised: u64,
    /// The first of them.
    pub first_unrecognised: Vec<PathBuf>,
    /// Bytes of the database.
    pub bytes: u64,
}

impl BuildSummary {
    /// Returns the build log: one line per feed, and one per named rejection.
    pub fn log(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for (feed, files, counts) in &self.feeds {
            let Counts { used, rejected, ignored, .. } = counts;
            let records = counts.records();
            lines.push(format!(
                "{feed}: {files} files, {records} records: {used} used, {rejected} rejected, {ignored} ignored"
            ));
            lines.extend(
                counts
                    .first_rejected
                    .iter()
                    .map(|(record, reason)| format!("{feed}: rejected `{record}`: {reason}")),
            );
        }
        if self.unrecognised > 0 {
            lines.push(format!("{} files belong to no feed", self.unrecognised));
        }
        lines
    }
}

/// Why no database was built.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildDatabaseError {
    /// An input cannot be read.
    #[error("cannot read `{}`", path.display())]
    Input {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Nothing in the inputs is a feed.
    #[error("no feed was found in the inputs")]
    NoFeeds,
    /// A feed lost more than half of its records.
    #[error("feed `{feed}` has `{now}` records and had `{before}`; it may be incomplete")]
    Shrunk {
        /// The feed.
        feed: String,
        /// Records in the database in use.
        before: u64,
        /// Records now.
        now: u64,
    },
    /// The database exceeds its format.
    #[error("the database cannot be encoded")]
    TooLarge(#[from] DatabaseTooLarge),
    /// The database cannot be written.
    #[error("cannot write `{}`", path.display())]
    Output {
        /// The target.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// Builds a database from `inputs` and puts it at `target`.
///
/// # Errors
/// Fails when an input cannot be read, holds no feed, or a feed shrank; the target is then as before.
pub fn build(
    inputs: &[PathBuf],
    target: &Path,
    options: &BuildOptions<'_>,
) -> Result<BuildSummary, BuildDatabaseError> {
    let (bytes, summary) = build_bytes(inputs, options)?;
    replace(target, &bytes)
        .map_err(|source| BuildDatabaseError::Output { path: target.to_owned(), source })?;
    Ok(summary)
}

/// Builds a database in memory.
///
/// # Errors
/// Fails as [`build`] does.
pub fn build_bytes(
    inputs: &[PathBuf],
    options: &BuildOptions<'_>,
) -> Result<(Vec<u8>, BuildSummary), BuildDatabaseError> {
    build_bytes_without(inputs, options, &[])
}

/// Builds a database in memory, leaving out ecosystems.
pub(crate) fn build_bytes_without(
    inputs: &[PathBuf],
    options: &BuildOptions<'_>,
    without: &[&str],
) -> Result<(Vec<u8>, BuildSummary), BuildDatabaseError> {
    let mut builder =
        Builder { compiler: Compiler::new(options.facts_only), summary: BuildSummary::default() };
    for ecosystem in without {
        builder.compiler.leave_out(ecosystem);
    }
    for input in inputs {
        let failed = |source| BuildDatabaseError::Input { path: input.clone(), source };
        // The whole path says what a file is: `--from feeds/osv/PyPI` is still `osv/PyPI/all.zip`.
        let root = input.canonicalize().map_err(failed)?;
        let name = root.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        if root.is_dir() {
            builder.folder(&root, &name, 0)?;
        } else {
            builder.file(&root, &name)?;
        }
    }
    if builder.compiler.summary().next().is_none() {
        return Err(BuildDatabaseError::NoFeeds);
    }
    for (feed, message) in options.errors {
        let license = FEEDS.iter().find(|known| known.id() == feed).map_or("", |known| known.license());
        let feed = builder.compiler.feed(feed, license);
        builder.compiler.note(feed, message);
    }
    if let Some(previous) = options.previous.filter(|_| !options.allow_shrink) {
        refuse_shrunk(&builder.compiler, previous)?;
    }
    let mut summary = builder.summary;
    summary.feeds = builder
        .compiler
        .summary()
        .map(|(id, files, counts)| (id.to_owned(), files, counts.clone()))
        .collect();
    let bytes = builder.compiler.finish(options.built_at)?;
    summary.bytes = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    Ok((bytes, summary))
}

fn refuse_shrunk(compiler: &Compiler, previous: &Database) -> Result<(), BuildDatabaseError> {
    // A damaged database in use is a reason to replace it, not to keep it.
    for before in previous.feeds().unwrap_or_default() {
        let now = compiler.summary().find(|(id, ..)| *id == before.id).map(|(_, _, counts)| counts.used);
        // A feed that is not among the inputs was left out by choice.
        if let Some(now) = now
            && before.used >= SHRINK_FLOOR
            && now < before.used / 2
        {
            return Err(BuildDatabaseError::Shrunk { feed: before.id, before: before.used, now });
        }
    }
    Ok(())
}

/// Puts `bytes` at `target` at once or not at all.
pub(crate) fn replace(target: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = target.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder)?;
    // Advisories are no secret: the user's mask decides who may read them, as for any other file.
    let permissions = std::os::unix::fs::PermissionsExt::from_mode(0o666);
    let mut file = tempfile::Builder::new().prefix(".assay-").permissions(permissions).tempfile_in(folder)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(target).map_err(|error| error.error)?;
    File::open(folder)?.sync_all()
}

struct Builder {
    compiler: Compiler,
    summary: BuildSummary,
}

impl Builder {
    fn folder(&mut self, folder: &Path, input: &str, depth: usize) -> Result<(), BuildDatabaseError> {
        let failed = |source| BuildDatabaseError::Input { path: folder.to_owned(), source };
        let mut paths = Vec::new();
        for entry in std::fs::read_dir(folder).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            // The download cache keeps its validators in a hidden file.
            if !entry.file_name().as_encoded_bytes().starts_with(b".") {
                paths.push(entry.path());
            }
        }
        // The order of the file system must not reach the database.
        paths.sort();
        for path in paths {
            if !path.is_dir() {
                self.file(&path, input)?;
            } else if depth < MAX_DEPTH && !path.ends_with("samples") {
                self.folder(&path, input, depth + 1)?;
            }
        }
        Ok(())
    }

    fn file(&mut self, path: &Path, input: &str) -> Result<(), BuildDatabaseError> {
        let failed = |source| BuildDatabaseError::Input { path: path.to_owned(), source };
        let mut start = Vec::new();
        File::open(path).and_then(|file| file.take(4096).read_to_end(&mut start)).map_err(failed)?;
        let zipped = start.starts_with(b"PK\x03\x04") || start.starts_with(b"PK\x05\x06");
        let text = path.to_string_lossy();
        if let Some((feed, published)) = by_path(&text) {
            let number = self.compiler.feed(feed.id(), feed.license());
            return self
                .read(path, number, &published, zipped, &mut |path, file, out| feed.read(path, file, out));
        }
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        if zipped {
            return self.own(path, input, &name, true);
        }
        let unpacked = first_bytes(path).unwrap_or(start);
        if let Some(feed) = FEEDS.iter().find(|feed| feed.recognise(&name, &unpacked)) {
            let number = self.compiler.feed(feed.id(), feed.license());
            return self.read(path, number, &name, false, &mut |path, file, out| feed.read(path, file, out));
        }
        if name.ends_with(".json") && std::fs::metadata(path).map_err(failed)?.len() <= MAX_RECORD {
            return self.own(path, input, &name, false);
        }
        self.unrecognised(path);
        Ok(())
    }

    /// Reads a file or zip of OSV JSON as the feed named after the input; unrecognised when there is none in it.
    fn own(&mut self, path: &Path, input: &str, name: &str, zipped: bool) -> Result<(), BuildDatabaseError> {
        let mut found = Vec::new();
        let mut counts = Counts::default();
        {
            let mut receiver = |record| found.push(record);
            let mut sink = AdvisorySink::new(&mut receiver);
            let mut any = false;
            let mut visit = |path: &str, file: &mut dyn Read, out: &mut AdvisorySink<'_>| {
                let mut bytes = Vec::new();
                let json = path.ends_with(".json") && file.take(MAX_RECORD).read_to_end(&mut bytes).is_ok();
                if json && looks_like(&bytes) {
                    any = true;
                    read_record(path, &bytes, out);
                } else {
                    out.ignore();
                }
            };
            let result = unpack(path, name, zipped, &mut sink, &mut visit);
            if !any {
                self.unrecognised(path);
                return Ok(());
            }
            if let Err(error) = result {
                sink.reject(name, error);
            }
            counts.add(sink.into_counts());
        }
        let feed = self.compiler.feed(&format!("{OWN_FEED}{input}"), "the publisher's own");
        for record in found {
            self.compiler.record(feed, record);
        }
        self.compiler.count(feed, counts);
        Ok(())
    }

    fn read(
        &mut self,
        path: &Path,
        feed: u16,
        published: &str,
        zipped: bool,
        visit: &mut Visit<'_>,
    ) -> Result<(), BuildDatabaseError> {
        let compiler = &mut self.compiler;
        let mut receiver = |record| compiler.record(feed, record);
        let mut sink = AdvisorySink::new(&mut receiver);
        // A damaged archive loses what it holds, not the other files.
        if let Err(error) = unpack(path, published, zipped, &mut sink, visit) {
            sink.reject(published, error);
        }
        let counts = sink.into_counts();
        self.compiler.count(feed, counts);
        Ok(())
    }

    fn unrecognised(&mut self, path: &Path) {
        self.summary.unrecognised = self.summary.unrecognised.saturating_add(1);
        if self.summary.first_unrecognised.len() < crate::sink::NAMED_REJECTIONS {
            self.summary.first_unrecognised.push(path.to_owned());
        }
    }
}

type Visit<'v> = dyn FnMut(&str, &mut dyn Read, &mut AdvisorySink<'_>) + 'v;

/// Calls `visit` with the unpacked file, or with each file of the archive it is.
fn unpack(
    path: &Path,
    published: &str,
    zipped: bool,
    sink: &mut AdvisorySink<'_>,
    visit: &mut Visit<'_>,
) -> io::Result<()> {
    if zipped {
        let spool = FileSpool::new(File::open(path)?)?;
        let zip = Zip::open(&spool).map_err(io::Error::other)?;
        let mut entries = zip.entries(|_| true).map_err(io::Error::other)?;
        entries.sort_by(|one, two| one.name.cmp(&two.name));
        for entry in entries.iter().filter(|entry| !entry.is_directory()) {
            match zip.read(entry, MAX_ENTRY) {
                Ok(bytes) => visit(&format!("{published}/{}", entry.name), &mut bytes.as_slice(), sink),
                Err(error) => sink.reject(&entry.name, error),
            }
        }
        return Ok(());
    }
    let mut plain: Box<dyn Read> = match decompress(File::open(path)?) {
        Ok((_, plain)) => Box::new(Limited::new(plain, MAX_UNPACKED)),
        // bzip2 and xz are left to the feeds that have them.
        Err(error) if error.kind() == io::ErrorKind::Unsupported => Box::new(File::open(path)?),
        Err(error) => return Err(error),
    };
    if !published.contains(".tar") && !published.ends_with(".tgz") {
        visit(published, &mut plain, sink);
        return Ok(());
    }
    let mut tar = TarReader::new(plain, TarLimits::default());
    while let Some(mut entry) = tar.next_entry().map_err(io::Error::other)? {
        if entry.kind() == EntryKind::File {
            let name = format!("{published}/{}", entry.path());
            visit(&name, entry.reader(), sink);
        }
    }
    Ok(())
}

/// Returns the first unpacked bytes of a file.
fn first_bytes(path: &Path) -> io::Result<Vec<u8>> {
    let (_, plain) = decompress(File::open(path)?)?;
    let mut start = Vec::new();
    plain.take(4096).read_to_end(&mut start)?;
    Ok(start)
}

/// Returns the feed that publishes a file at the end of `path`, and that end.
fn by_path(path: &str) -> Option<(&'static dyn Feed, String)> {
    let segments: Vec<&str> = path.split(['/', '\\']).filter(|segment| !segment.is_empty()).collect();
    FEEDS.iter().find_map(|&feed| {
        let published = feed.files().iter().find_map(|file| ends_with(&segments, file))?;
        Some((feed, published))
    })
}

fn ends_with(segments: &[&str], file: &FeedFile) -> Option<String> {
    let pattern: Vec<&str> =
        file.folder.split('/').chain(file.path.split('/')).filter(|segment| !segment.is_empty()).collect();
    let end = segments.get(segments.len().checked_sub(pattern.len())?..)?;
    pattern.iter().zip(end).all(|(pattern, segment)| fits(pattern, segment)).then(|| end.join("/"))
}

/// Compares one segment of a path with one of a pattern, in which `{…}` stands for one or more characters.
fn fits(pattern: &str, segment: &str) -> bool {
    match pattern.split_once('{') {
        None => pattern == segment,
        Some((before, rest)) => {
            let after = rest.split_once('}').map_or("", |(_, after)| after);
            segment.strip_prefix(before).is_some_and(|rest| {
                rest.char_indices()
                    .skip(1)
                    .map(|(at, _)| at)
                    .chain([rest.len()])
                    .any(|at| at > 0 && rest.get(at..).is_some_and(|rest| fits(after, rest)))
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(path: &str, want: Option<(&str, &str)>) {
        let got = by_path(path);
        assert_eq!(got.as_ref().map(|(feed, published)| (feed.id(), published.as_str())), want);
    }

    #[test]
    fn files_are_recognised_by_the_end_of_their_path() {
        check("/data/feeds/osv/PyPI/all.zip", Some(("osv", "osv/PyPI/all.zip")));
        check("/x/alpine-secdb/v3.11/main.json", Some(("alpine-secdb", "alpine-secdb/v3.11/main.json")));
        check("/x/epss/epss_scores-2024-10-25.csv.gz", Some(("epss", "epss/epss_scores-2024-10-25.csv.gz")));
        check("/x/epss/epss_scores-.csv.gz", None);
        check(
            "/x/endoflife.date/api/v1/products/full.json",
            Some(("endoflife.date", "endoflife.date/api/v1/products/full.json")),
        );
        check(
            "/x/endoflife.date/api/debian.json",
            Some(("endoflife.date", "endoflife.date/api/debian.json")),
        );
        check("/x/main.json", None);
    }
}
