//! A report as it is stored: `assay.report/v1`, written and read.

use assay_advisories::Database;
use assay_advisories::database::CorruptDatabase;
use assay_match::priority::sort_by_urgency;
use assay_match::{Matched, advise_removal, coverage_state, database_status, prioritise, removable};
use assay_model::report::{CoverageState, DatabaseStatus, FeedStatus};
use assay_model::{Digest, FindingKind, Inventory, Report, Timestamp};
use assay_store::{StoreError, StoredReport, View};
use serde::{Deserialize, Serialize};

/// Writes a report.
pub(crate) fn write(report: &Report) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let format = assay_report::format::by_name("json").ok_or(std::io::ErrorKind::Unsupported)?;
    format.write(report, &assay_report::Options::default(), &mut bytes)?;
    Ok(bytes)
}

/// Puts what a newer database says about the packages into a report; what content gave away stays.
///
/// The report was read back, so it has no inventory of its own that could be matched: `inventory` is the stored one.
pub(crate) fn renew(
    mut report: Report,
    inventory: Inventory,
    matched: Matched,
    database: &Database,
    built_in: bool,
) -> Result<Report, CorruptDatabase> {
    let of_packages = |kind| matches!(kind, FindingKind::Vulnerability | FindingKind::Malware);
    let mut findings = matched.findings;
    // Malware is also found in content, and is then about no package.
    findings.retain(|finding| report.scanners.contains(&finding.kind));
    prioritise(&mut findings, &inventory, &report.context);
    report.findings.retain(|finding| !(of_packages(finding.kind) && finding.package.is_some()));
    report.findings.append(&mut findings);
    sort_by_urgency(&mut report.findings);
    report.removable = removable(&inventory, &report.findings);
    advise_removal(&mut report.findings, &report.removable);
    report.inventory = inventory;
    report.database = database_status(database, built_in)?;
    report.coverage = matched.coverage;
    Ok(report)
}

/// What a database says of itself, as the store keeps it: a report that holds by a newer database is dated by this.
#[derive(Serialize, Deserialize)]
struct Description {
    built_at: i64,
    built_in: bool,
    feeds: Vec<Feed>,
    ecosystems: Vec<Covered>,
}

#[derive(Serialize, Deserialize)]
struct Feed {
    name: String,
    synced_at: Option<i64>,
    records: u64,
    rejected: u64,
    license: String,
}

#[derive(Serialize, Deserialize)]
struct Covered {
    name: String,
    synced_at: Option<i64>,
}

/// Describes a database for the store.
pub(crate) fn describe(database: &Database, built_in: bool) -> Result<String, CorruptDatabase> {
    let status = database_status(database, built_in)?;
    let description = Description {
        built_at: database.built_at().0,
        built_in,
        feeds: status
            .feeds
            .into_iter()
            .map(|feed| Feed {
                name: feed.name,
                synced_at: feed.synced_at.map(|time| time.0),
                records: feed.records,
                rejected: feed.rejected,
                license: feed.license,
            })
            .collect(),
        ecosystems: database
            .coverages()?
            .into_iter()
            .map(|(name, coverage)| Covered { name, synced_at: coverage.data_time.map(|time| time.0) })
            .collect(),
    };
    Ok(serde_json::to_string(&description).unwrap_or_default())
}

/// Returns the feeds of a database that was described, and when their newest data is from, where that is known.
pub(crate) fn feeds(description: &str) -> Vec<(String, Timestamp)> {
    let description = serde_json::from_str::<Description>(description).ok();
    let feeds = description.into_iter().flat_map(|description| description.feeds);
    feeds.filter_map(|feed| Some((feed.name, Timestamp(feed.synced_at?)))).collect()
}

/// Dates a report by a database by which it was found to hold, and which covers the same ecosystems by the same feeds.
pub(crate) fn date(report: &mut Report, description: &str) {
    let Ok(description) = serde_json::from_str::<Description>(description) else { return };
    let built_at = Timestamp(description.built_at);
    report.database = DatabaseStatus {
        built_at: Some(built_at),
        built_in: description.built_in,
        feeds: description
            .feeds
            .into_iter()
            .map(|feed| FeedStatus {
                name: feed.name,
                synced_at: feed.synced_at.map(Timestamp),
                records: feed.records,
                rejected: feed.rejected,
                license: feed.license,
            })
            .collect(),
    };
    for coverage in report.coverage.iter_mut().filter(|coverage| coverage.state != CoverageState::None) {
        let name = coverage.ecosystem.as_ref().map(ToString::to_string).unwrap_or_default();
        let Some(covered) = description.ecosystems.iter().find(|covered| covered.name == name) else {
            continue;
        };
        coverage.synced_at = covered.synced_at.map(Timestamp);
        coverage.state = coverage_state(coverage.synced_at, built_at);
    }
}

/// Returns the report about an image as somebody sees it, dated as [`current`] does. It says by which name the image was scanned, and where the
/// image is in repositories of others as well that may be one of theirs: then it gets the name by which who asks knows it.
///
/// # Errors
/// Fails when the store does not answer.
pub(crate) async fn shown(seen: View<'_>, digest: &Digest) -> Result<Option<StoredReport>, StoreError> {
    let Some(stored) = seen.report(digest, None).await? else { return Ok(None) };
    let stored = current(seen, stored).await?;
    if seen.sees_all_of(digest).await? {
        return Ok(Some(stored));
    }
    let Some(image) = seen.image(digest).await? else { return Ok(None) };
    let name = format!("{}/{}@{digest}", image.registry, image.repository);
    let damaged = || StoreError::Damaged { what: "report", name: digest.to_string() };
    let renaming = tokio::task::spawn_blocking(move || {
        Some(StoredReport { json: renamed(&stored.json, name)?, ..stored })
    });
    renaming.await.ok().flatten().map(Some).ok_or_else(damaged)
}

/// Gives the image of a report another name.
fn renamed(json: &[u8], name: String) -> Option<Vec<u8>> {
    let mut report: serde_json::Value = serde_json::from_slice(json).ok()?;
    *report.get_mut("source")?.get_mut("reference")? = name.into();
    serde_json::to_vec(&report).ok()
}

/// Returns a stored report dated by the database by which it was last found to hold: one that says nothing new about its packages dates a
/// report anew, without writing it again. What is shown to anybody goes through here.
///
/// # Errors
/// Fails when the store does not answer.
pub(crate) async fn current(seen: View<'_>, stored: StoredReport) -> Result<StoredReport, StoreError> {
    let Some(text) = seen.database_description(stored.database).await? else { return Ok(stored) };
    // Large reports take the processor for long; other requests must not wait for it.
    let dating = tokio::task::spawn_blocking(move || StoredReport {
        json: dated(&stored.json, &text).unwrap_or(stored.json),
        ..stored
    });
    dating.await.map_err(|_| StoreError::Damaged { what: "report", name: "of an image".to_owned() })
}

/// Dates a report as [`date`] does, in the form in which it is stored.
pub(crate) fn dated(json: &[u8], description: &str) -> Option<Vec<u8>> {
    let (mut report, _) = assay_report::format::read(json).ok()?;
    date(&mut report, description);
    // What was read is not all that was written: only what is dated is taken from it.
    let newer: serde_json::Value = serde_json::from_slice(&write(&report).ok()?).ok()?;
    let mut whole: serde_json::Value = serde_json::from_slice(json).ok()?;
    for part in ["database", "coverage"] {
        if let (Some(to), Some(from)) = (whole.get_mut(part), newer.get(part)) {
            to.clone_from(from);
        }
    }
    serde_json::to_vec(&whole).ok()
}
