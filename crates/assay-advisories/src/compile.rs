//! The compiler: records of all feeds in, the bytes of one database out.
//!
//! Records are kept in interned, already encoded form: an affected package costs twelve bytes besides its name, and equal
//! statements (the forty packages of an erratum) are kept once. The same records in the same order give the same bytes.

mod coverage;
mod identity;
mod intern;
mod write;

use crate::database::Interval;
use crate::database::bytes::Encoder;
use crate::database::header::{self, FACTS_ONLY};
use crate::database::records::TooLarge;
use crate::database::view::FAN_OUT;
use crate::sink::{Counts, EndOfLife, Record, Score};
use assay_model::advisory::{Advisory, Affected, Cvss, Fix, RangeEnd};
use assay_model::ecosystem::Ecosystem;
use assay_model::finding::{Epss, Kev};
use assay_model::holds::{Holds, holds, is_kernel};
use assay_model::severity::Severity;
use assay_model::timestamp::Timestamp;
use intern::Interner;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Characters of a description that are kept; the whole is at the first reference.
const DETAILS: usize = 1_000;
/// Characters of a title that are kept.
const TITLE: usize = 200;
/// References that are kept of each advisory.
const REFERENCES: usize = 6;
/// Longest identifier, name or version believed; longer ones are no data of a package manager.
const LONGEST: usize = 1_024;

/// The regions of a database would be larger than its offsets reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the database would have a section of more than 4 GiB")]
pub struct DatabaseTooLarge;

impl From<TooLarge> for DatabaseTooLarge {
    fn from(_: TooLarge) -> Self {
        Self
    }
}

/// What is kept of an advisory; identifiers are interned.
#[derive(Debug, Default)]
struct Entry {
    feed: u16,
    id: u32,
    aliases: BTreeSet<u32>,
    fixes: BTreeSet<u32>,
    facts: Facts,
    withdrawn: Option<Timestamp>,
    /// Whether a record that is not withdrawn was merged into this entry.
    live: bool,
}

/// What is kept of the facts about a vulnerability.
#[derive(Debug, Default, Clone)]
struct Facts {
    title: Box<str>,
    details: Box<str>,
    severity: Option<Severity>,
    cvss: Vec<(u32, f64, u32)>,
    weaknesses: BTreeSet<u32>,
    references: Vec<Box<str>>,
    published: Option<Timestamp>,
    modified: Option<Timestamp>,
}

#[derive(Debug, Default)]
struct FeedEntry {
    id: String,
    license: String,
    note: String,
    files: u64,
    counts: Counts,
    covers: BTreeSet<u32>,
}

/// Collects records and writes the database.
#[derive(Debug, Default)]
pub struct Compiler {
    strings: Interner,
    feeds: Vec<FeedEntry>,
    entries: Vec<Entry>,
    entry_of: HashMap<(u16, u32), u32>,
    /// Ecosystem and name.
    packages: Vec<(u32, u32)>,
    package_of: HashMap<(u32, u32), u32>,
    bodies: Interner,
    /// Package, entry, body.
    affected: Vec<(u32, u32, u32)>,
    kev: BTreeMap<u32, Kev>,
    epss: HashMap<u32, Epss>,
    exploits: BTreeSet<u32>,
    scores: HashMap<u32, Vec<(u16, Facts)>>,
    end_of_life: BTreeMap<String, u64>,
    facts_only: bool,
    without: BTreeSet<String>,
    /// What was left out of which feed.
    dropped: BTreeSet<(u16, String)>,
}

impl Compiler {
    /// Returns an empty compiler. Prose is dropped as it comes in when only facts are wanted.
    pub fn new(facts_only: bool) -> Self {
        Self { facts_only, ..Self::default() }
    }

    /// Leaves out what is said about an ecosystem, for a database that must be small.
    pub fn leave_out(&mut self, ecosystem: &str) {
        self.without.insert(ecosystem.to_owned());
    }

    /// Returns the number of a feed, which is entered when it is new.
    pub fn feed(&mut self, id: &str, license: &str) -> u16 {
        if let Some(index) = self.feeds.iter().position(|feed| feed.id == id) {
            return u16::try_from(index).unwrap_or(u16::MAX);
        }
        self.feeds.push(FeedEntry { id: id.to_owned(), license: license.to_owned(), ..FeedEntry::default() });
        u16::try_from(self.feeds.len() - 1).unwrap_or(u16::MAX)
    }

    /// Adds what reading one file of a feed came to.
    pub fn count(&mut self, feed: u16, counts: Counts) {
        if let Some(feed) = self.feeds.get_mut(usize::from(feed)) {
            feed.files = feed.files.saturating_add(1);
            feed.counts.add(counts);
        }
    }

    /// Adds something that users of the feed should know.
    pub fn note(&mut self, feed: u16, note: &str) {
        if let Some(feed) = self.feeds.get_mut(usize::from(feed)) {
            if !feed.note.is_empty() {
                feed.note.push_str("; ");
            }
            feed.note.push_str(note);
        }
    }

    /// Returns each feed's name, files and counts.
    pub fn summary(&self) -> impl Iterator<Item = (&str, u64, &Counts)> {
        self.feeds.iter().map(|feed| (feed.id.as_str(), feed.files, &feed.counts))
    }

    /// Takes a record of a feed.
    pub fn record(&mut self, feed: u16, record: Record) {
        match record {
            Record::Advisory(advisory) => self.advisory(feed, *advisory),
            Record::Kev(cve, kev) => {
                let id = self.id(&cve);
                self.kev.entry(id).or_insert(kev);
            }
            Record::Epss(cve, epss) => {
                let id = self.id(&cve);
                // With several days' files the newest counts.
                if self.epss.get(&id).is_none_or(|known| known.date <= epss.date) {
                    self.epss.insert(id, epss);
                }
            }
            Record::Exploit(cve) => {
                let id = self.id(&cve);
                self.exploits.insert(id);
            }
            Record::Score(id, score) => {
                let id = self.id(&id);
                let Score { title, details, severity, cvss, weaknesses, references, published, modified } =
                    *score;
                let facts = self.facts(
                    &title,
                    &details,
                    severity,
                    &cvss,
                    &weaknesses,
                    &references,
                    (published, modified),
                );
                self.scores.entry(id).or_default().push((feed, facts));
            }
            Record::EndOfLife { product, cycle, end } => {
                let value = match end {
                    EndOfLife::NotEnded => 0,
                    EndOfLife::Ended => 1,
                    EndOfLife::On(Timestamp(time)) => {
                        ((time << 1) ^ (time >> 63)).cast_unsigned().saturating_add(2)
                    }
                };
                self.end_of_life.insert(crate::database::package_key(&product, &cycle), value);
            }
            Record::Covers(ecosystem) if self.left_out(&ecosystem) => {}
            Record::Covers(ecosystem) => {
                let ecosystem = self.strings.intern(&ecosystem.to_string());
                if let Some(feed) = self.feeds.get_mut(usize::from(feed)) {
                    feed.covers.insert(ecosystem);
                }
            }
        }
    }

    fn left_out(&self, ecosystem: &Ecosystem) -> bool {
        !self.without.is_empty() && self.without.contains(&ecosystem.to_string())
    }

    fn advisory(&mut self, feed: u16, mut advisory: Advisory) {
        if !self.without.is_empty() && !advisory.affected.is_empty() {
            let (without, dropped) = (&self.without, &mut self.dropped);
            advisory.affected.retain(|affected| {
                let ecosystem = affected.ecosystem.to_string();
                let kept = !without.contains(&ecosystem);
                if !kept {
                    dropped.insert((feed, ecosystem));
                }
                kept
            });
            if advisory.affected.is_empty() {
                return;
            }
        }
        let id = self.id(&advisory.id);
        let aliases: Vec<u32> =
            advisory.aliases.iter().map(|alias| self.id(alias)).filter(|&alias| alias != id).collect();
        let fixes: Vec<u32> = advisory.fixes.iter().map(|fix| self.id(fix)).collect();
        let facts = self.facts(
            &advisory.title,
            &advisory.details,
            advisory.severity,
            &advisory.cvss,
            &advisory.weaknesses,
            &advisory.references,
            (advisory.published, advisory.modified),
        );
        let number = *self.entry_of.entry((feed, id)).or_insert_with(|| {
            self.entries.push(Entry { feed, id, ..Entry::default() });
            u32::try_from(self.entries.len() - 1).unwrap_or(u32::MAX)
        });
        // A feed that speaks package by package (secdb, the Debian tracker) gives one advisory in many records.
        let Some(entry) = usize::try_from(number).ok().and_then(|number| self.entries.get_mut(number)) else {
            return;
        };
        entry.aliases.extend(aliases);
        entry.fixes.extend(fixes);
        entry.facts.merge(facts);
        if advisory.withdrawn.is_none() {
            entry.live = true;
        }
        entry.withdrawn = entry.withdrawn.max(advisory.withdrawn);
        for affected in &advisory.affected {
            if affected.package.is_empty()
                || affected.package.len() > LONGEST
                || affected.package.contains('\0')
            {
                continue;
            }
            let package = self.package(&affected.ecosystem, &affected.package);
            // An erratum's severity is about its packages; it says nothing about each vulnerability it fixes.
            let severity = affected.severity.or(advisory.severity.filter(|_| !advisory.fixes.is_empty()));
            let fan_out = is_fan_out(affected, &advisory.affected);
            let body = encode_body(affected, advisory.withdrawn.is_some(), severity, fan_out);
            let body = self.bodies.intern_bytes(&body);
            self.affected.push((package, number, body));
        }
    }

    fn package(&mut self, ecosystem: &Ecosystem, name: &str) -> u32 {
        let key = (self.strings.intern(&ecosystem.to_string()), self.strings.intern(name));
        *self.package_of.entry(key).or_insert_with(|| {
            self.packages.push(key);
            u32::try_from(self.packages.len() - 1).unwrap_or(u32::MAX)
        })
    }

    /// Interns an identifier; CVE numbers are upper case whatever a feed writes.
    fn id(&mut self, id: &str) -> u32 {
        let id = shorten(id.trim(), LONGEST);
        if id.get(..4).is_some_and(|prefix| prefix.eq_ignore_ascii_case("CVE-")) {
            return self.strings.intern(&id.to_ascii_uppercase());
        }
        self.strings.intern(id)
    }

    #[expect(clippy::too_many_arguments, reason = "the fields of two model types that share no struct")]
    fn facts(
        &mut self,
        title: &str,
        details: &str,
        severity: Option<Severity>,
        cvss: &[Cvss],
        weaknesses: &[String],
        references: &[String],
        (published, modified): (Option<Timestamp>, Option<Timestamp>),
    ) -> Facts {
        let prose = |text: &str, max: usize| -> Box<str> {
            if self.facts_only { Box::default() } else { shorten(text.trim(), max).into() }
        };
        let (title, details) = (prose(title, TITLE), prose(details, DETAILS));
        let references = references.iter().take(if self.facts_only { 0 } else { REFERENCES });
        Facts {
            title,
            details,
            severity,
            references: references.map(|url| shorten(url, LONGEST).into()).collect(),
            cvss: cvss
                .iter()
                .map(|cvss| {
                    (self.strings.intern(&cvss.vector), cvss.score, self.strings.intern(&cvss.source))
                })
                .collect(),
            weaknesses: weaknesses.iter().map(|weakness| self.strings.intern(weakness)).collect(),
            published,
            modified,
        }
    }

    /// Writes the database.
    ///
    /// # Errors
    /// Fails when it would be larger than its format allows.
    pub fn finish(mut self, built_at: Timestamp) -> Result<Vec<u8>, DatabaseTooLarge> {
        for (feed, ecosystem) in std::mem::take(&mut self.dropped) {
            self.note(feed, &format!("without {ecosystem} for size"));
        }
        self.affected.sort_unstable();
        self.affected.dedup();
        let flags = if self.facts_only { FACTS_ONLY } else { 0 };
        let sections = write::sections(&self, built_at)?;
        Ok(header::assemble(flags, built_at, &sections))
    }
}

impl Facts {
    fn merge(&mut self, other: Self) {
        if self.title.is_empty() {
            self.title = other.title;
        }
        if self.details.is_empty() {
            self.details = other.details;
        }
        self.severity = self.severity.max(other.severity);
        for cvss in other.cvss {
            if !self.cvss.contains(&cvss) {
                self.cvss.push(cvss);
            }
        }
        self.weaknesses.extend(other.weaknesses);
        for reference in other.references {
            if self.references.len() < REFERENCES && !self.references.contains(&reference) {
                self.references.push(reference);
            }
        }
        self.published = match (self.published, other.published) {
            (Some(one), Some(two)) => Some(one.min(two)),
            (one, two) => one.or(two),
        };
        self.modified = self.modified.max(other.modified);
    }
}

fn shorten(text: &str, max: usize) -> &str {
    text.char_indices().nth(max).map_or(text, |(end, _)| text.get(..end).unwrap_or(text))
}

/// Returns whether the ranges say themselves that a version is affected.
fn in_a_range(affected: &Affected, version: &str) -> bool {
    let scheme = affected.ecosystem.scheme();
    let mut ranges = affected.ranges.iter().filter(|range| sane(range));
    ranges.any(|range| Interval::from(range).contains(scheme, version).unwrap_or(false))
}

/// Returns whether an advisory names a package although it is about another one that was built together with it: errata list all
/// that came out of one build.
fn is_fan_out(affected: &Affected, all: &[Affected]) -> bool {
    if !matches!(affected.ecosystem, Ecosystem::Distro { .. }) {
        return false;
    }
    let others = || all.iter().filter(|other| other.ecosystem == affected.ecosystem);
    match holds(&affected.package) {
        Holds::Program => false,
        Holds::KernelInterface => true,
        Holds::KernelTool => others().any(|other| is_kernel(&other.package)),
        Holds::Folders => others().any(|other| holds(&other.package) == Holds::Program),
    }
}

fn encode_body(affected: &Affected, withdrawn: bool, severity: Option<Severity>, fan_out: bool) -> Vec<u8> {
    let mut body = Encoder::default();
    let flag = |set: bool, bit: u8| if set { bit } else { 0 };
    body.byte(
        flag(withdrawn, 1)
            | flag(affected.of_source, 2)
            | flag(affected.module.is_some(), 4)
            | flag(fan_out, FAN_OUT),
    );
    body.byte(match affected.fix {
        Fix::Unknown => 0,
        Fix::NotFixed => 1,
        Fix::WontFix => 2,
        Fix::EndOfLife => 3,
        Fix::NotAffected => 4,
    });
    body.byte(write::severity_byte(severity));
    let ranges: Vec<_> = affected.ranges.iter().filter(|range| sane(range)).collect();
    body.count(ranges.len());
    for range in ranges {
        let (kind, end) = match &range.end {
            RangeEnd::Open => (0, None),
            RangeEnd::Fixed(version) => (1, Some(version)),
            RangeEnd::LastAffected(version) => (2, Some(version)),
            RangeEnd::Limit(version) => (3, Some(version)),
        };
        body.byte(kind | flag(range.introduced.is_some(), 4));
        for version in range.introduced.iter().chain(end) {
            body.text(version);
        }
    }
    // OSV lists every affected release besides the ranges; what a range contains anyway is four fifths of PyPI's data.
    let listed =
        affected.versions.iter().filter(|version| version.len() <= LONGEST && !in_a_range(affected, version));
    let versions: Vec<_> = listed.collect();
    body.texts(&versions);
    body.texts(&affected.architectures);
    if let Some(module) = &affected.module {
        body.text(module);
    }
    body.0
}

fn sane(range: &assay_model::advisory::Range) -> bool {
    let end = match &range.end {
        RangeEnd::Open => "",
        RangeEnd::Fixed(version) | RangeEnd::LastAffected(version) | RangeEnd::Limit(version) => version,
    };
    end.len() <= LONGEST && range.introduced.as_ref().is_none_or(|version| version.len() <= LONGEST)
}
