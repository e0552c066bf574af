//! What records say, read in place: the texts are borrowed from the database.

use super::bytes::{Corrupt, Cursor};
use super::{AdvisoryKey, VulnerabilityKey};
use assay_model::Scheme;
use assay_model::advisory::{Fix, Range, RangeEnd};
use assay_model::finding::{Epss, Kev};
use assay_model::severity::Severity;
use assay_model::timestamp::Timestamp;
use assay_version::InvalidVersion;

/// One advisory's statement that one package is affected by one vulnerability.
#[derive(Debug, Clone, PartialEq)]
pub struct Statement<'a> {
    /// The vulnerability.
    pub vulnerability: VulnerabilityKey,
    /// The advisory that says it.
    pub advisory: AdvisoryKey,
    /// The feed the advisory is of: an index into [`super::Database::feeds`].
    pub feed: u32,
    /// Whether the package is a source package.
    pub of_source: bool,
    /// Whether the advisory is withdrawn; [`super::Database::affected`] leaves such statements out.
    pub withdrawn: bool,
    /// The affected intervals.
    pub ranges: Vec<Interval<'a>>,
    /// Affected versions listed one by one.
    pub versions: Vec<&'a str>,
    /// What the source says about a fix.
    pub fix: Fix,
    /// The severity the source gives to this package, or to the advisory when it is an erratum.
    pub severity: Option<Severity>,
    /// The architectures concerned; empty means all.
    pub architectures: Vec<&'a str>,
    /// The RPM module and stream concerned.
    pub module: Option<&'a str>,
    /// Whether the advisory names this package only as one of many that were built together, and is about another of them: see
    /// [`assay_model::holds`].
    pub fan_out: bool,
}

/// An interval of affected versions; see [`Range`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Interval<'a> {
    /// The first affected version.
    pub introduced: Option<&'a str>,
    /// Where it ends.
    pub end: End<'a>,
}

/// The end of an interval; see [`RangeEnd`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End<'a> {
    /// No end is known.
    Open,
    /// The first version that is fixed.
    Fixed(&'a str),
    /// The last affected version.
    LastAffected(&'a str),
    /// The first version not affected although nothing was fixed.
    Limit(&'a str),
}

impl<'a> From<&'a Range> for Interval<'a> {
    fn from(range: &'a Range) -> Self {
        let end = match &range.end {
            RangeEnd::Open => End::Open,
            RangeEnd::Fixed(version) => End::Fixed(version),
            RangeEnd::LastAffected(version) => End::LastAffected(version),
            RangeEnd::Limit(version) => End::Limit(version),
        };
        Self { introduced: range.introduced.as_deref(), end }
    }
}

impl std::fmt::Display for Interval<'_> {
    /// Writes the interval in words: `>= 2.0-beta9, < 2.15.0`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let introduced = self.introduced.filter(|introduced| *introduced != "0");
        if let Some(introduced) = introduced {
            write!(f, ">= {introduced}")?;
        }
        let comma = if introduced.is_some() { ", " } else { "" };
        match self.end {
            End::Open if introduced.is_none() => f.write_str("all versions"),
            End::Open => Ok(()),
            End::Fixed(version) | End::Limit(version) => write!(f, "{comma}< {version}"),
            End::LastAffected(version) => write!(f, "{comma}<= {version}"),
        }
    }
}

impl Interval<'_> {
    /// Returns whether a version lies in the interval.
    ///
    /// # Errors
    /// Names the version or bound that cannot be compared in the scheme.
    pub fn contains(&self, scheme: Scheme, version: &str) -> Result<bool, InvalidVersion> {
        let end = match self.end {
            End::Open => assay_version::End::Open,
            End::Fixed(bound) | End::Limit(bound) => assay_version::End::Fixed(bound),
            End::LastAffected(bound) => assay_version::End::LastAffected(bound),
        };
        assay_version::contains(
            scheme,
            &assay_version::Interval { introduced: self.introduced, end },
            version,
        )
    }

    /// Returns the interval as a model type of its own.
    pub fn to_range(self) -> Range {
        Range {
            introduced: self.introduced.map(str::to_owned),
            end: match self.end {
                End::Open => RangeEnd::Open,
                End::Fixed(version) => RangeEnd::Fixed(version.to_owned()),
                End::LastAffected(version) => RangeEnd::LastAffected(version.to_owned()),
                End::Limit(version) => RangeEnd::Limit(version.to_owned()),
            },
        }
    }
}

/// A package, and all that is said about it.
#[derive(Debug, Clone)]
pub(crate) struct PackageRecord<'a> {
    pub(crate) ecosystem: &'a str,
    pub(crate) name: &'a str,
    pub(crate) groups: Cursor<'a>,
}

impl<'a> PackageRecord<'a> {
    pub(crate) fn read(mut record: Cursor<'a>) -> Result<Self, Corrupt> {
        Ok(Self { ecosystem: record.text()?, name: record.text()?, groups: record })
    }
}

/// Set in a statement's flags when it is a fan-out; a reader that does not know it reports what it always did.
pub(crate) const FAN_OUT: u8 = 8;

/// Reads the next group without its statement: the numbers of the advisory and the vulnerabilities, and the statement's bytes.
pub(crate) fn read_group_raw<'a>(cursor: &mut Cursor<'a>) -> Result<(u32, Vec<u32>, &'a [u8]), Corrupt> {
    let (advisory, _feed) = (cursor.index()?, cursor.index()?);
    Ok((advisory, cursor.ascending()?, cursor.bytes()?))
}

/// Reads the next group: a statement and the vulnerabilities it is made about.
pub(crate) fn read_group<'a>(cursor: &mut Cursor<'a>) -> Result<(Statement<'a>, Vec<u32>), Corrupt> {
    let advisory = AdvisoryKey(cursor.index()?);
    let feed = cursor.index()?;
    let vulnerabilities = cursor.ascending()?;
    let mut body = Cursor(cursor.bytes()?);
    let flags = body.byte()?;
    let fix = match body.byte()? {
        0 => Fix::Unknown,
        1 => Fix::NotFixed,
        2 => Fix::WontFix,
        3 => Fix::EndOfLife,
        4 => Fix::NotAffected,
        _ => return Err(Corrupt),
    };
    let severity = read_severity(&mut body)?;
    let count = body.count()?;
    let ranges = (0..count).map(|_| read_interval(&mut body)).collect::<Result<_, _>>()?;
    let versions = body.texts()?;
    let architectures = body.texts()?;
    let module = if flags & 4 == 0 { None } else { Some(body.text()?) };
    let statement = Statement {
        vulnerability: VulnerabilityKey(0),
        advisory,
        feed,
        withdrawn: flags & 1 != 0,
        of_source: flags & 2 != 0,
        fan_out: flags & FAN_OUT != 0,
        ranges,
        versions,
        fix,
        severity,
        architectures,
        module,
    };
    Ok((statement, vulnerabilities))
}

fn read_interval<'a>(cursor: &mut Cursor<'a>) -> Result<Interval<'a>, Corrupt> {
    let kind = cursor.byte()?;
    let introduced = if kind & 4 == 0 { None } else { Some(cursor.text()?) };
    let end = match kind & 3 {
        0 => End::Open,
        1 => End::Fixed(cursor.text()?),
        2 => End::LastAffected(cursor.text()?),
        _ => End::Limit(cursor.text()?),
    };
    Ok(Interval { introduced, end })
}

pub(crate) fn read_severity(cursor: &mut Cursor<'_>) -> Result<Option<Severity>, Corrupt> {
    Ok(match cursor.byte()? {
        0 => None,
        1 => Some(Severity::Unknown),
        2 => Some(Severity::Negligible),
        3 => Some(Severity::Low),
        4 => Some(Severity::Medium),
        5 => Some(Severity::High),
        6 => Some(Severity::Critical),
        _ => return Err(Corrupt),
    })
}

pub(crate) fn read_time(cursor: &mut Cursor<'_>) -> Result<Option<Timestamp>, Corrupt> {
    Ok(if cursor.byte()? == 0 { None } else { Some(Timestamp(cursor.signed()?)) })
}

/// An advisory as its source published it, without what it says about packages.
#[derive(Debug, Clone, PartialEq)]
pub struct AdvisoryView<'a> {
    /// Its key.
    pub key: AdvisoryKey,
    /// Its identifier.
    pub id: &'a str,
    /// The feed it is of: an index into [`super::Database::feeds`].
    pub feed: u32,
    /// Its other identifiers, and for an erratum those it fixes, as its source lists them.
    pub aliases: Vec<&'a str>,
    /// Its title.
    pub title: &'a str,
    /// Its severity.
    pub severity: Option<Severity>,
    /// When it was published.
    pub published: Option<Timestamp>,
    /// When it was last changed.
    pub modified: Option<Timestamp>,
    /// When it was withdrawn.
    pub withdrawn: Option<Timestamp>,
    /// The vulnerabilities it speaks about.
    pub vulnerabilities: Vec<VulnerabilityKey>,
    pub(crate) packages: Vec<u32>,
}

impl<'a> AdvisoryView<'a> {
    pub(crate) fn read(key: AdvisoryKey, mut cursor: Cursor<'a>) -> Result<Self, Corrupt> {
        Ok(Self {
            key,
            id: cursor.text()?,
            feed: cursor.index()?,
            aliases: cursor.texts()?,
            title: cursor.text()?,
            severity: read_severity(&mut cursor)?,
            published: read_time(&mut cursor)?,
            modified: read_time(&mut cursor)?,
            withdrawn: read_time(&mut cursor)?,
            vulnerabilities: cursor.ascending()?.into_iter().map(VulnerabilityKey).collect(),
            packages: cursor.ascending()?,
        })
    }
}

/// A vulnerability: everything known about it that is not about one package.
#[derive(Debug, Clone, PartialEq)]
pub struct Vulnerability<'a> {
    /// Its key.
    pub key: VulnerabilityKey,
    /// Its identifier: the CVE where there is one.
    pub id: &'a str,
    /// Its other identifiers, sorted.
    pub aliases: Vec<&'a str>,
    /// One line for people; empty in a database of facts only.
    pub title: &'a str,
    /// A description, shortened; empty in a database of facts only.
    pub details: &'a str,
    /// The severities given to it as a whole, with the feed that says so.
    pub severities: Vec<(&'a str, Severity)>,
    /// CVSS vectors.
    pub cvss: Vec<CvssView<'a>>,
    /// The exploitation forecast.
    pub epss: Option<Epss>,
    /// The entry in the catalogue of exploited vulnerabilities.
    pub kev: Option<Kev>,
    /// Whether exploit code is publicly listed.
    pub exploit: bool,
    /// Weaknesses.
    pub weaknesses: Vec<&'a str>,
    /// Addresses of further reading; only the first ones.
    pub references: Vec<&'a str>,
    /// When it was first published.
    pub published: Option<Timestamp>,
    /// When it was last changed.
    pub modified: Option<Timestamp>,
    /// The advisories that speak about it, withdrawn ones too.
    pub advisories: Vec<AdvisoryKey>,
}

/// A CVSS vector with its source.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CvssView<'a> {
    /// The vector.
    pub vector: &'a str,
    /// The base score.
    pub score: f64,
    /// Who computed it.
    pub source: &'a str,
}

impl<'a> Vulnerability<'a> {
    pub(crate) fn read(key: VulnerabilityKey, mut cursor: Cursor<'a>) -> Result<Self, Corrupt> {
        let cursor = &mut cursor;
        let (id, aliases, title, details) = (cursor.text()?, cursor.texts()?, cursor.text()?, cursor.text()?);
        let count = cursor.count()?;
        let severities = (0..count)
            .map(|_| Ok((cursor.text()?, read_severity(cursor)?.ok_or(Corrupt)?)))
            .collect::<Result<_, Corrupt>>()?;
        let count = cursor.count()?;
        let cvss = (0..count)
            .map(|_| Ok(CvssView { vector: cursor.text()?, score: cursor.float()?, source: cursor.text()? }))
            .collect::<Result<_, Corrupt>>()?;
        let flags = cursor.byte()?;
        let epss = if flags & 1 == 0 {
            None
        } else {
            Some(Epss { score: cursor.float()?, percentile: cursor.float()?, date: read_time(cursor)? })
        };
        let kev = if flags & 2 == 0 {
            None
        } else {
            Some(Kev { added: read_time(cursor)?, due: read_time(cursor)?, ransomware: cursor.byte()? != 0 })
        };
        Ok(Self {
            key,
            id,
            aliases,
            title,
            details,
            severities,
            cvss,
            epss,
            kev,
            exploit: flags & 4 != 0,
            weaknesses: cursor.texts()?,
            references: cursor.texts()?,
            published: read_time(cursor)?,
            modified: read_time(cursor)?,
            advisories: cursor.ascending()?.into_iter().map(AdvisoryKey).collect(),
        })
    }
}

/// A feed that went into the database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeedRecord {
    /// Its name.
    pub id: String,
    /// The licence of its data.
    pub license: String,
    /// The newest time in its data.
    pub data_time: Option<Timestamp>,
    /// Files read.
    pub files: u64,
    /// Records used.
    pub used: u64,
    /// Records that could not be read.
    pub rejected: u64,
    /// Records left out on purpose.
    pub ignored: u64,
    /// What the user should know: an error of the last download, what was left out. Empty when there is nothing to say.
    pub note: String,
}

/// How much is known about one ecosystem.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Coverage {
    /// The feeds that speak about it.
    pub feeds: Vec<String>,
    /// Packages named.
    pub packages: u64,
    /// Advisories.
    pub advisories: u64,
    /// The newest time in the data of these feeds.
    pub data_time: Option<Timestamp>,
}
