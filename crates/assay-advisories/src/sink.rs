//! Where feeds put what they read: one [`Record`] at a time, handed on at once, and counts of what came in and went out.
//!
//! Nothing is kept here but the counts and the names of the first rejected records, so that a feed of a million records
//! needs no more memory than one of ten.

use crate::feed::Feed;
use assay_model::advisory::{Advisory, Affected, Cvss};
use assay_model::ecosystem::Ecosystem;
use assay_model::finding::{Epss, Kev};
use assay_model::severity::Severity;
use assay_model::timestamp::Timestamp;
use std::io::Read;

/// Rejected records that are named; the others are only counted.
pub const NAMED_REJECTIONS: usize = 10;

/// One thing a feed says.
#[derive(Debug, Clone, PartialEq)]
pub enum Record {
    /// An advisory about packages.
    Advisory(Box<Advisory>),
    /// An entry of the catalogue of exploited vulnerabilities.
    Kev(String, Kev),
    /// An exploitation forecast.
    Epss(String, Epss),
    /// Exploit code for this CVE is publicly listed.
    Exploit(String),
    /// Facts about a vulnerability, whatever packages it is in.
    Score(String, Box<Score>),
    /// The end of a product's release cycle.
    EndOfLife {
        /// The product as endoflife.date names it.
        product: String,
        /// The release cycle.
        cycle: String,
        /// When it ends or ended.
        end: EndOfLife,
    },
    /// The feed speaks about this ecosystem, however few records it has.
    Covers(Ecosystem),
}

/// Facts about a vulnerability from a source that does not speak about packages, such as NVD.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Score {
    /// One line for people.
    pub title: String,
    /// The description.
    pub details: String,
    /// The severity given by the source.
    pub severity: Option<Severity>,
    /// CVSS vectors.
    pub cvss: Vec<Cvss>,
    /// Weaknesses (`CWE-79`).
    pub weaknesses: Vec<String>,
    /// Addresses of further reading.
    pub references: Vec<String>,
    /// When it was published.
    pub published: Option<Timestamp>,
    /// When it was last changed.
    pub modified: Option<Timestamp>,
}

/// When a release cycle stops getting security fixes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndOfLife {
    /// On this day.
    On(Timestamp),
    /// It has ended; the source does not say when.
    Ended,
    /// It has not ended, and no day is known.
    NotEnded,
}

/// How many records came in, were used, and were rejected, with the names of the first rejected ones.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Counts {
    /// Records handed on.
    pub used: u64,
    /// Records that could not be read.
    pub rejected: u64,
    /// Records left out on purpose: a kind or an ecosystem Assay has no use for.
    pub ignored: u64,
    /// The first rejected records with the reason.
    pub first_rejected: Vec<(String, String)>,
    /// The newest time seen in the data.
    pub data_time: Option<Timestamp>,
}

impl Counts {
    /// Returns how many records were read in all.
    pub fn records(&self) -> u64 {
        self.used.saturating_add(self.rejected).saturating_add(self.ignored)
    }

    /// Adds the counts of another file of the same feed.
    pub fn add(&mut self, other: Self) {
        self.used = self.used.saturating_add(other.used);
        self.rejected = self.rejected.saturating_add(other.rejected);
        self.ignored = self.ignored.saturating_add(other.ignored);
        let room = NAMED_REJECTIONS.saturating_sub(self.first_rejected.len());
        self.first_rejected.extend(other.first_rejected.into_iter().take(room));
        self.data_time = self.data_time.max(other.data_time);
    }
}

/// Takes what a feed reads.
pub struct AdvisorySink<'a> {
    receiver: &'a mut dyn FnMut(Record),
    counts: Counts,
}

impl std::fmt::Debug for AdvisorySink<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AdvisorySink").field("counts", &self.counts).finish_non_exhaustive()
    }
}

impl<'a> AdvisorySink<'a> {
    /// Returns a sink that hands each record to `receiver`.
    pub fn new(receiver: &'a mut dyn FnMut(Record)) -> Self {
        Self { receiver, counts: Counts::default() }
    }

    /// Takes an advisory. Its `modified` and `published` times count for [`Self::data_time`].
    pub fn advisory(&mut self, advisory: Advisory) {
        if let Some(time) = advisory.modified.or(advisory.published) {
            self.data_time(time);
        }
        self.take(Record::Advisory(Box::new(advisory)));
    }

    /// Takes an entry of the catalogue of exploited vulnerabilities.
    pub fn kev(&mut self, cve: &str, kev: Kev) {
        self.take(Record::Kev(cve.to_owned(), kev));
    }

    /// Takes an exploitation forecast.
    pub fn epss(&mut self, cve: &str, epss: Epss) {
        self.take(Record::Epss(cve.to_owned(), epss));
    }

    /// Takes the fact that exploit code for a CVE is publicly listed.
    pub fn exploit(&mut self, cve: &str) {
        self.take(Record::Exploit(cve.to_owned()));
    }

    /// Takes what the record of a [`Self::score`] says about packages besides; part of that record, so it is not counted.
    pub fn affects(&mut self, vulnerability: &str, affected: Vec<Affected>, score: &Score) {
        if affected.is_empty() {
            return;
        }
        let advisory = Advisory {
            id: vulnerability.to_owned(),
            published: score.published,
            modified: score.modified,
            affected,
            ..Advisory::default()
        };
        (self.receiver)(Record::Advisory(Box::new(advisory)));
    }

    /// Takes facts about a vulnerability; nothing is said about packages.
    pub fn score(&mut self, vulnerability: &str, score: Score) {
        if let Some(time) = score.modified.or(score.published) {
            self.data_time(time);
        }
        self.take(Record::Score(vulnerability.to_owned(), Box::new(score)));
    }

    /// Takes the end of a product's release cycle.
    pub fn end_of_life(&mut self, product: &str, cycle: &str, end: EndOfLife) {
        self.take(Record::EndOfLife { product: product.to_owned(), cycle: cycle.to_owned(), end });
    }

    /// States that the feed speaks about an ecosystem as a whole, so that a package it does not mention is not affected.
    ///
    /// Without this an ecosystem counts as covered only when the feed has a body of records for it (see `coverage.rs`):
    /// a single stray record must not make a release look assessed. Not a record, so it is not counted.
    pub fn covers(&mut self, ecosystem: &Ecosystem) {
        (self.receiver)(Record::Covers(ecosystem.clone()));
    }

    /// Counts a record that cannot be read, naming the first ones.
    pub fn reject(&mut self, record: &str, reason: impl std::fmt::Display) {
        self.counts.rejected = self.counts.rejected.saturating_add(1);
        if self.counts.first_rejected.len() < NAMED_REJECTIONS {
            let short = |text: &str| text.chars().take(200).collect::<String>();
            self.counts.first_rejected.push((short(record), short(&reason.to_string())));
        }
    }

    /// Counts a record left out on purpose.
    pub fn ignore(&mut self) {
        self.counts.ignored = self.counts.ignored.saturating_add(1);
    }

    /// Notes a time in the data; the newest one counts as the age of the feed.
    pub fn data_time(&mut self, time: Timestamp) {
        self.counts.data_time = self.counts.data_time.max(Some(time));
    }

    /// Returns the counts so far.
    pub fn counts(&self) -> &Counts {
        &self.counts
    }

    /// Returns the counts.
    pub fn into_counts(self) -> Counts {
        self.counts
    }

    fn take(&mut self, record: Record) {
        self.counts.used = self.counts.used.saturating_add(1);
        (self.receiver)(record);
    }
}

/// Reads one file with one feed and returns all it says: for tests and for looking into a feed.
pub fn collect(feed: &dyn Feed, path: &str, mut file: impl Read) -> (Vec<Record>, Counts) {
    let mut records = Vec::new();
    let mut receiver = |record| records.push(record);
    let mut sink = AdvisorySink::new(&mut receiver);
    feed.read(path, &mut file, &mut sink);
    let counts = sink.into_counts();
    (records, counts)
}
