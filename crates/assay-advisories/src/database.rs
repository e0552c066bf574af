//! The compiled database: one file, memory-mapped, nothing parsed at open.
//!
//! See `database/header.rs` for the file, `database/records.rs` for regions and indices. Opening checks the header and the
//! file's length; each record is checked when it is read, so that a damaged file gives an error and never a wrong answer;
//! [`Database::verify`] checks everything.

pub(crate) mod bytes;
mod changes;
pub(crate) mod header;
pub(crate) mod records;
pub(crate) mod view;

use crate::map;
use crate::sink::EndOfLife;
use assay_model::ecosystem::Ecosystem;
use assay_model::timestamp::Timestamp;
use bytes::{Corrupt, Cursor};
use header::{FACTS_ONLY, Header, Section};
use records::{Records, Table};
use std::borrow::Cow;
use std::path::Path;
use view::PackageRecord;

pub use changes::{Change, Changes, What, changed_between};
pub use header::{FORMAT_VERSION, OpenDatabaseError};
pub use view::{AdvisoryView, Coverage, CvssView, End, FeedRecord, Interval, Statement, Vulnerability};

/// A damaged record was met.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the database is damaged in section `{section}`")]
pub struct CorruptDatabase {
    /// The section with the damage.
    pub section: &'static str,
}

/// Names a vulnerability within one database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VulnerabilityKey(pub(crate) u32);

/// Names an advisory within one database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AdvisoryKey(pub(crate) u32);

enum Storage {
    Mapped(memmap2::Mmap),
    Bytes(Cow<'static, [u8]>),
}

/// An open database.
pub struct Database {
    storage: Storage,
    header: Header,
}

impl std::fmt::Debug for Database {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Database").field("built_at", &self.header.built_at).finish_non_exhaustive()
    }
}

/// What an identifier names.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Identified {
    /// The vulnerabilities it names, as identifier, alias, or erratum that fixes them.
    pub vulnerabilities: Vec<VulnerabilityKey>,
    /// The advisories that have it as their identifier.
    pub advisories: Vec<AdvisoryKey>,
}

/// A hit of [`Database::search`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hit {
    /// An identifier of an advisory or vulnerability, in lower case.
    Id(String),
    /// A package.
    Package {
        /// The ecosystem.
        ecosystem: String,
        /// The canonical name.
        name: String,
    },
}

impl Database {
    /// Maps a database file and checks its header.
    ///
    /// # Errors
    /// Fails when the file cannot be read, is not a database, has another format version, is truncated, or has a damaged header.
    pub fn open(path: &Path) -> Result<Self, OpenDatabaseError> {
        let file = std::fs::File::open(path)?;
        // An empty file cannot be mapped; it is foreign like any other file without the magic.
        if file.metadata()?.len() == 0 {
            return Err(OpenDatabaseError::Foreign);
        }
        let map = map::map(&file)?;
        let header = Header::parse(&map)?;
        Ok(Self { storage: Storage::Mapped(map), header })
    }

    /// Opens a database held in memory, such as the built-in snapshot.
    ///
    /// # Errors
    /// Fails like [`Self::open`].
    pub fn from_bytes(bytes: impl Into<Cow<'static, [u8]>>) -> Result<Self, OpenDatabaseError> {
        let bytes = bytes.into();
        let header = Header::parse(&bytes)?;
        Ok(Self { storage: Storage::Bytes(bytes), header })
    }

    /// Compares every byte with the checksums.
    ///
    /// # Errors
    /// Fails naming the first damaged section.
    pub fn verify(&self) -> Result<(), OpenDatabaseError> {
        self.header.verify(self.bytes())
    }

    /// Returns when the database was built.
    pub fn built_at(&self) -> Timestamp {
        self.header.built_at
    }

    /// Returns whether titles and descriptions were left out.
    pub fn facts_only(&self) -> bool {
        self.header.flags & FACTS_ONLY != 0
    }

    /// Returns the bytes of the file.
    pub fn bytes(&self) -> &[u8] {
        match &self.storage {
            Storage::Mapped(map) => map,
            Storage::Bytes(bytes) => bytes,
        }
    }

    /// Returns how many vulnerabilities there are.
    pub fn vulnerability_count(&self) -> u32 {
        self.records(Section::Vulnerabilities).len()
    }

    /// Returns how many advisories there are.
    pub fn advisory_count(&self) -> u32 {
        self.records(Section::Advisories).len()
    }

    /// Returns what is said about a package, given its name as [`Ecosystem::canonical_name`] spells it. Withdrawn advisories
    /// are left out. Nothing is compared: which statement concerns which version is for matching to find out.
    ///
    /// # Errors
    /// Fails when the database is damaged.
    pub fn affected(&self, ecosystem: &Ecosystem, name: &str) -> Result<Statements<'_>, CorruptDatabase> {
        let ecosystem = ecosystem.to_string();
        let key = package_key(&ecosystem, name);
        let number = self.table(Section::Packages).get(key.as_bytes()).map_err(corrupt(Section::Packages))?;
        let Some(number) = number else { return Ok(Statements::default()) };
        let package =
            self.package(u32::try_from(number).map_err(|_| corrupt(Section::Packages)(Corrupt))?)?;
        if package.ecosystem != ecosystem || package.name != name {
            return Err(corrupt(Section::Statements)(Corrupt));
        }
        Ok(Statements { groups: package.groups, current: None, withdrawn: false })
    }

    /// Returns a vulnerability.
    ///
    /// # Errors
    /// Fails when the database is damaged or the key is of another one.
    pub fn vulnerability(&self, key: VulnerabilityKey) -> Result<Vulnerability<'_>, CorruptDatabase> {
        let record = self.records(Section::Vulnerabilities).get(key.0);
        record.and_then(|record| Vulnerability::read(key, record)).map_err(corrupt(Section::Vulnerabilities))
    }

    /// Returns an advisory.
    ///
    /// # Errors
    /// Fails when the database is damaged or the key is of another one.
    pub fn advisory(&self, key: AdvisoryKey) -> Result<AdvisoryView<'_>, CorruptDatabase> {
        let record = self.records(Section::Advisories).get(key.0);
        record.and_then(|record| AdvisoryView::read(key, record)).map_err(corrupt(Section::Advisories))
    }

    /// Returns all that an advisory says about packages: ecosystem, name and statement. Those of a withdrawn one too.
    ///
    /// # Errors
    /// Fails when the database is damaged.
    pub fn packages_of(
        &self,
        advisory: &AdvisoryView<'_>,
    ) -> Result<Vec<(&str, &str, Statement<'_>)>, CorruptDatabase> {
        let mut found = Vec::new();
        for &number in &advisory.packages {
            let package = self.package(number)?;
            for statement in (Statements { groups: package.groups, current: None, withdrawn: true }) {
                let statement = statement?;
                if statement.advisory == advisory.key {
                    found.push((package.ecosystem, package.name, statement));
                }
            }
        }
        Ok(found)
    }

    /// Returns what an identifier names, in any case: an advisory's, a CVE, or an alias.
    ///
    /// # Errors
    /// Fails when the database is damaged.
    pub fn by_id(&self, id: &str) -> Result<Identified, CorruptDatabase> {
        let key = id.trim().to_lowercase();
        let Some(number) = self.table(Section::Ids).get(key.as_bytes()).map_err(corrupt(Section::Ids))?
        else {
            return Ok(Identified::default());
        };
        let read = || {
            let mut cursor =
                self.records(Section::Identities).get(u32::try_from(number).map_err(|_| Corrupt)?)?;
            Ok(Identified {
                vulnerabilities: cursor.ascending()?.into_iter().map(VulnerabilityKey).collect(),
                advisories: cursor.ascending()?.into_iter().map(AdvisoryKey).collect(),
            })
        };
        read().map_err(corrupt(Section::Identities))
    }

    /// Returns identifiers that begin with `text` and packages whose name contains it, without regard to case; at most
    /// `limit` of each, in order, packages whose whole name it is first.
    ///
    /// # Errors
    /// Fails when the database is damaged.
    pub fn search(&self, text: &str, limit: usize) -> Result<Vec<Hit>, CorruptDatabase> {
        let text = text.trim().to_lowercase();
        let mut hits = Vec::new();
        self.table(Section::Ids)
            .visit(text.as_bytes(), |key, _| {
                if !key.starts_with(text.as_bytes()) || hits.len() >= limit {
                    return false;
                }
                hits.push(Hit::Id(String::from_utf8_lossy(key).into_owned()));
                true
            })
            .map_err(corrupt(Section::Ids))?;
        let (mut whole, mut part) = (Vec::new(), Vec::new());
        self.table(Section::Packages)
            .visit(&[], |key, _| {
                let key = String::from_utf8_lossy(key);
                if let Some((ecosystem, name)) = key.split_once('\0') {
                    let lower = name.to_lowercase();
                    let hit = || Hit::Package { ecosystem: ecosystem.to_owned(), name: name.to_owned() };
                    if lower == text {
                        whole.push(hit());
                    } else if part.len() < limit && lower.contains(&text) {
                        part.push(hit());
                    }
                }
                whole.len() < limit
            })
            .map_err(corrupt(Section::Packages))?;
        hits.extend(whole.into_iter().chain(part).take(limit));
        Ok(hits)
    }

    /// Returns the feeds in the database, in the order in which statements number them.
    ///
    /// # Errors
    /// Fails when the database is damaged.
    pub fn feeds(&self) -> Result<Vec<FeedRecord>, CorruptDatabase> {
        let records = self.records(Section::Feeds);
        let read = |number| {
            let mut cursor = records.get(number)?;
            Ok(FeedRecord {
                id: cursor.text()?.to_owned(),
                license: cursor.text()?.to_owned(),
                data_time: view::read_time(&mut cursor)?,
                files: cursor.number()?,
                used: cursor.number()?,
                rejected: cursor.number()?,
                ignored: cursor.number()?,
                note: cursor.text()?.to_owned(),
            })
        };
        (0..records.len()).map(read).collect::<Result<_, Corrupt>>().map_err(corrupt(Section::Feeds))
    }

    /// Returns what is known about an ecosystem as a whole; `None` means that no feed covers it, and nothing can be said about
    /// its packages.
    ///
    /// # Errors
    /// Fails when the database is damaged.
    pub fn coverage(&self, ecosystem: &Ecosystem) -> Result<Option<Coverage>, CorruptDatabase> {
        let wanted = ecosystem.to_string();
        Ok(self.coverages()?.into_iter().find(|(name, _)| *name == wanted).map(|(_, coverage)| coverage))
    }

    /// Returns all covered ecosystems, by name.
    ///
    /// # Errors
    /// Fails when the database is damaged.
    pub fn coverages(&self) -> Result<Vec<(String, Coverage)>, CorruptDatabase> {
        let records = self.records(Section::Coverage);
        let read = |number| {
            let mut cursor = records.get(number)?;
            let ecosystem = cursor.text()?.to_owned();
            let coverage = Coverage {
                feeds: cursor.texts()?.into_iter().map(str::to_owned).collect(),
                packages: cursor.number()?,
                advisories: cursor.number()?,
                data_time: view::read_time(&mut cursor)?,
            };
            Ok((ecosystem, coverage))
        };
        (0..records.len()).map(read).collect::<Result<_, Corrupt>>().map_err(corrupt(Section::Coverage))
    }

    /// Returns when a release cycle of a product ends, as endoflife.date says.
    ///
    /// # Errors
    /// Fails when the database is damaged.
    pub fn end_of_life(&self, product: &str, cycle: &str) -> Result<Option<EndOfLife>, CorruptDatabase> {
        let key = package_key(product, cycle);
        let value =
            self.table(Section::EndOfLife).get(key.as_bytes()).map_err(corrupt(Section::EndOfLife))?;
        Ok(value.map(|value| match value {
            0 => EndOfLife::NotEnded,
            1 => EndOfLife::Ended,
            // Stored as 2 + zigzag.
            time => {
                let time = time - 2;
                EndOfLife::On(Timestamp((time >> 1).cast_signed() ^ -(time & 1).cast_signed()))
            }
        }))
    }

    fn package(&self, number: u32) -> Result<PackageRecord<'_>, CorruptDatabase> {
        let record = self.records(Section::Statements).get(number);
        record.and_then(PackageRecord::read).map_err(corrupt(Section::Statements))
    }

    fn records(&self, section: Section) -> Records<'_> {
        Records(self.header.section(self.bytes(), section))
    }

    fn table(&self, section: Section) -> Table<'_> {
        Table(self.records(section))
    }
}

fn corrupt(section: Section) -> impl Fn(Corrupt) -> CorruptDatabase {
    move |Corrupt| CorruptDatabase { section: section.name() }
}

/// The key under which a package is found; a NUL cannot be in either part.
pub(crate) fn package_key(ecosystem: &str, name: &str) -> String {
    format!("{ecosystem}\0{name}")
}

/// Iterates over the statements about one package.
#[derive(Debug, Clone)]
pub struct Statements<'a> {
    groups: Cursor<'a>,
    current: Option<(Statement<'a>, std::vec::IntoIter<u32>)>,
    withdrawn: bool,
}

impl Default for Statements<'_> {
    fn default() -> Self {
        Self { groups: Cursor(&[]), current: None, withdrawn: false }
    }
}

impl<'a> Iterator for Statements<'a> {
    type Item = Result<Statement<'a>, CorruptDatabase>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some((statement, vulnerabilities)) = &mut self.current
                && let Some(key) = vulnerabilities.next()
            {
                return Some(Ok(Statement { vulnerability: VulnerabilityKey(key), ..statement.clone() }));
            }
            if self.groups.is_empty() {
                return None;
            }
            match view::read_group(&mut self.groups) {
                Ok((statement, _)) if statement.withdrawn && !self.withdrawn => self.current = None,
                Ok((statement, vulnerabilities)) => {
                    self.current = Some((statement, vulnerabilities.into_iter()));
                }
                Err(error) => {
                    self.groups = Cursor(&[]);
                    self.current = None;
                    return Some(Err(corrupt(Section::Statements)(error)));
                }
            }
        }
    }
}
