//! What is wrong with the installation itself, found out at intervals: sources that fail to authenticate too often, feeds whose data grow
//! old, updates of the vulnerability database that fail, and credentials for registries that cannot be opened. Each is an event when it begins and another when it is over.
//!
//! Several servers may look at once. What any of them finds is so; it is over when none has found it for a while.

use crate::http::App;
use crate::notify::Thresholds;
use crate::report::feeds;
use assay_store::{Moment, StoreError};
use std::sync::Arc;
use std::time::Duration;

/// How often is looked.
pub(crate) const PERIOD: Duration = Duration::from_secs(5);
/// How long nobody must have found something until it is over.
const GRACE: Duration = Duration::from_secs(60);
/// Sources or feeds of which is told at once. An attacker with many addresses must not fill the database.
const MAX_CONDITIONS: usize = 100;
/// What is kept of the text of an error.
const MAX_ERROR: usize = 500;

/// What the last update of the vulnerability database could not do: a feed, or all of it, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UpdateFailure {
    /// What could not be updated.
    pub feed: String,
    /// Why.
    pub error: String,
}

/// Returns what the last update could not do, where there was one.
pub type ReadUpdate = dyn Fn() -> Vec<UpdateFailure> + Send + Sync;

struct Found {
    kind: &'static str,
    about: String,
    detail: serde_json::Value,
}

/// Looks once what is wrong.
///
/// # Errors
/// Fails when the database does not answer.
pub async fn check_conditions(
    app: &App,
    thresholds: &Thresholds,
    update: &ReadUpdate,
    now: Moment,
) -> Result<(), StoreError> {
    let mut found = suspects(app, thresholds, now);
    found.extend(stale(app, thresholds, now).await?);
    found.extend(update().into_iter().map(|failure| Found {
        kind: "feed-error",
        detail: serde_json::json!({
            "feed": failure.feed, "error": assay_report::escape::shorten(&failure.error, MAX_ERROR) }),
        about: failure.feed,
    }));
    found.extend(shut(app).await?);
    found.truncate(MAX_CONDITIONS);
    let known = app.store.conditions().await?;
    let is_over = |seen: Moment| now.since(seen) >= GRACE;
    // Most looks find nothing, and should not make writers wait.
    if found.is_empty() && !known.iter().any(|condition| is_over(condition.seen)) {
        return Ok(());
    }
    let mut work = app.store.begin().await?;
    for one in &found {
        work.begin_condition(&format!("{} {}", one.kind, one.about), one.kind, &one.detail, now).await?;
    }
    for condition in &known {
        let name = |one: &Found| format!("{} {}", one.kind, one.about);
        if is_over(condition.seen) && !found.iter().any(|one| name(one) == condition.name) {
            work.end_condition(&condition.name, now).await?;
        }
    }
    work.commit().await
}

fn suspects(app: &App, thresholds: &Thresholds, now: Moment) -> Vec<Found> {
    let suspects = app.limits.suspects(thresholds.failures, thresholds.failure_window, now);
    let found = suspects.into_iter().map(|(source, failures)| Found {
        kind: "authentication-failures",
        detail: serde_json::json!({
            "source": source, "failures": failures, "seconds": thresholds.failure_window.as_secs() }),
        about: source,
    });
    found.collect()
}

async fn stale(app: &App, thresholds: &Thresholds, now: Moment) -> Result<Vec<Found>, StoreError> {
    let Some((built, description)) = app.store.newest_database().await? else { return Ok(Vec::new()) };
    let mut dated: Vec<(String, Moment)> =
        feeds(&description).into_iter().map(|(name, time)| (name, Moment::from(time))).collect();
    dated.push(("the vulnerability database".to_owned(), built));
    let old = dated.into_iter().filter(|(_, time)| now.since(*time) > thresholds.feed_age);
    Ok(old
        .map(|(name, time)| Found {
            kind: "feed-stale",
            detail: serde_json::json!({
                "feed": name, "since": time.timestamp().to_string(), "limit": spelt(thresholds.feed_age) }),
            about: name,
        })
        .collect())
}

/// Returns the credentials that cannot be opened: whatever wants them fails.
async fn shut(app: &App) -> Result<Vec<Found>, StoreError> {
    let found = app.vault.shut().await?.into_iter().map(|shut| Found {
        kind: "credential-shut",
        detail: serde_json::json!({ "place": shut.place, "purpose": shut.purpose.name(), "error": shut.why.to_string() }),
        about: format!("{} ({})", shut.place, shut.purpose.name()),
    });
    Ok(found.collect())
}

/// Returns a span of time as people say it.
fn spelt(span: Duration) -> String {
    let seconds = span.as_secs();
    let (number, unit) = match seconds {
        86_400.. => (seconds / 86_400, "day"),
        3600.. => (seconds / 3600, "hour"),
        60.. => (seconds / 60, "minute"),
        _ => (seconds, "second"),
    };
    format!("{number} {unit}{}", if number == 1 { "" } else { "s" })
}

/// Looks what is wrong until the process ends.
pub(crate) async fn keep_checking(app: Arc<App>, thresholds: Thresholds, update: Arc<ReadUpdate>) {
    loop {
        let now = (app.clock)();
        if check_conditions(&app, &thresholds, &*update, now).await.is_err() {
            app.metrics.store_errors.add(1);
        }
        tokio::time::sleep(PERIOD).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_spelt_in_their_largest_unit() {
        for (seconds, want) in [(0, "0 seconds"), (60, "1 minute"), (7200, "2 hours"), (3 * 86_400, "3 days")]
        {
            assert_eq!(spelt(Duration::from_secs(seconds)), want);
        }
    }
}
