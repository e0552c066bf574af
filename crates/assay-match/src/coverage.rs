//! Which packages the database can judge at all. What it cannot judge is unassessed, never clean.

use crate::judge::Subject;
use assay_advisories::Database;
use assay_advisories::database::{CorruptDatabase, Coverage as Known};
use assay_advisories::sink::EndOfLife;
use assay_model::report::{Coverage, CoverageState, DatabaseStatus, FeedStatus};
use assay_model::timestamp::DAY;
use assay_model::{Os, Timestamp};
use std::collections::BTreeMap;

/// Data older than this, against the building of the database, is called stale: half a year of unseen advisories.
const STALE_AFTER: i64 = 180 * DAY;

/// Counts packages by whether a feed covers their ecosystem.
pub struct Assessment {
    known: BTreeMap<String, Known>,
    built_at: Timestamp,
    counts: BTreeMap<(String, bool), Coverage>,
}

impl Assessment {
    /// Reads what the database covers.
    ///
    /// # Errors
    /// Fails when the database is damaged.
    pub fn new(database: &Database) -> Result<Self, CorruptDatabase> {
        let known: BTreeMap<_, _> = database.coverages()?.into_iter().collect();
        // Measured against when the database was built, which is an input, not against a clock: the same database gives the
        // same report on another day.
        Ok(Self { known, built_at: database.built_at(), counts: BTreeMap::new() })
    }

    /// Counts a package and returns whether it can be judged.
    pub fn add(&mut self, subject: &Subject<'_>) -> bool {
        let kind = subject.package.kind;
        // Of several ecosystems that speak about it, one that is covered is enough.
        let covered =
            subject.lookups().find(|(ecosystem, _)| self.known.contains_key(&ecosystem.to_string()));
        let ecosystem = covered.map(|(ecosystem, _)| ecosystem).or(subject.ecosystem.as_ref());
        let known = ecosystem.and_then(|ecosystem| self.known.get(&ecosystem.to_string()));
        let judged = known.is_some() && subject.comparable() && subject.third_party.is_none();
        let label = match (ecosystem, known, judged) {
            (Some(ecosystem), _, false) if subject.third_party.is_some() => {
                format!("{ecosystem}, made by others than the distribution")
            }
            (Some(ecosystem), Some(_), false) => format!("{ecosystem} without a comparable version"),
            (Some(ecosystem), _, _) => ecosystem.to_string(),
            (None, _, _) if kind.is_os() => format!("{} of an unknown distribution", kind.purl_type()),
            (None, _, _) => format!("{} without an ecosystem", kind.purl_type()),
        };
        let built_at = self.built_at;
        let entry = self.counts.entry((label.clone(), judged)).or_insert_with(|| Coverage {
            ecosystem: ecosystem.cloned().filter(|_| known.is_none() || judged),
            label,
            state: match known {
                Some(known) if judged => coverage_state(known.data_time, built_at),
                _ => CoverageState::None,
            },
            feeds: known.filter(|_| judged).map(|known| known.feeds.clone()).unwrap_or_default(),
            synced_at: known.filter(|_| judged).and_then(|known| known.data_time),
            packages: 0,
        });
        entry.packages += 1;
        judged
    }

    /// Returns the counts, by ecosystem.
    pub fn finish(self) -> Vec<Coverage> {
        self.counts.into_values().collect()
    }
}

/// Returns the state of an ecosystem that is covered, of whose data the newest is from `data_time`, in a database built at `built_at`.
pub fn coverage_state(data_time: Option<Timestamp>, built_at: Timestamp) -> CoverageState {
    match data_time {
        Some(time) if built_at.0.saturating_sub(time.0) > STALE_AFTER => CoverageState::Stale,
        _ => CoverageState::Covered,
    }
}

/// Describes the database for a report.
///
/// # Errors
/// Fails when the database is damaged.
pub fn database_status(database: &Database, built_in: bool) -> Result<DatabaseStatus, CorruptDatabase> {
    let mut feeds: Vec<FeedStatus> = database
        .feeds()?
        .into_iter()
        .map(|feed| FeedStatus {
            name: feed.id,
            synced_at: feed.data_time,
            records: feed.used,
            rejected: feed.rejected,
            license: feed.license,
        })
        .collect();
    feeds.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(DatabaseStatus { built_at: Some(database.built_at()), built_in, feeds })
}

/// Returns when the release of an operating system stops, or stopped, getting security fixes.
///
/// # Errors
/// Fails when the database is damaged.
pub fn end_of_life(os: &Os, database: &Database) -> Result<Option<Timestamp>, CorruptDatabase> {
    let Some((product, cycle)) = os.distro.and_then(|distro| distro.end_of_life) else { return Ok(None) };
    Ok(match database.end_of_life(product, &cycle(&os.version))? {
        Some(EndOfLife::On(time)) => Some(time),
        Some(EndOfLife::Ended | EndOfLife::NotEnded) | None => None,
    })
}
