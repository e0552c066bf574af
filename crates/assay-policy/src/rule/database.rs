//! The database a scan was made with: there, and young enough.

use super::Rule;
use crate::define::{Field, Kind, Params};
use crate::facts::Facts;
use crate::reasons::Reasons;

const UPDATE: &str = "fetch a current database with `assay db update`, and scan again";

/// What it takes.
const FIELDS: &[Field] = &[
    Field::or("builtIn", Kind::Truth, "false", "Whether the facts built into the program will do."),
    Field::optional("maxAge", Kind::Duration, "How long ago it may have been built."),
    Field::optional("feeds", Kind::List(&Kind::Text), "Feeds that must be in it."),
    Field::optional(
        "feedMaxAge",
        Kind::Duration,
        "How old the data of these feeds may be, or, when none are named, of the newest feed.",
    ),
];

/// The rule.
pub(super) struct Database;

impl Rule for Database {
    fn id(&self) -> &'static str {
        "database"
    }

    fn about(&self) -> &'static str {
        "The scan was made with a real vulnerability database, young enough. It holds in every policy, with its defaults."
    }

    fn schema(&self) -> &'static [Field] {
        FIELDS
    }

    fn implied(&self) -> bool {
        true
    }

    fn stale_after(&self, params: &Params) -> Option<i64> {
        ["maxAge", "feedMaxAge"].into_iter().filter_map(|name| params.duration(name)).min()
    }

    fn evaluate(&self, params: &Params, _: &Facts<'_>, out: &mut Reasons<'_, '_>) {
        let now = out.now();
        for (image, report) in out.reports() {
            let database = &report.database;
            if database.built_in && !params.truth("builtIn") {
                out.missing(
                    Some(image),
                    "there is no vulnerability database, only the facts built into the program",
                    UPDATE,
                );
            }
            match (database.built_at, params.duration("maxAge")) {
                (None, _) => {
                    out.missing(Some(image), "the scan was made without a vulnerability database", UPDATE);
                }
                (Some(at), Some(limit)) if now.0.saturating_sub(at.0) > limit => {
                    out.stale(image, format!("the database is stale: it is from {}", at.date_text()), UPDATE);
                }
                (Some(_), _) => {}
            }
            let wanted = params.texts("feeds");
            for name in &wanted {
                let feed = database.feeds.iter().find(|feed| feed.name == **name && feed.records > 0);
                if feed.is_none() {
                    out.missing(
                        Some(image),
                        format!("the database has nothing of the feed `{name}`"),
                        UPDATE,
                    );
                }
            }
            let Some(limit) = params.duration("feedMaxAge") else { continue };
            let old =
                |at: Option<assay_model::Timestamp>| at.is_none_or(|at| now.0.saturating_sub(at.0) > limit);
            if wanted.is_empty() {
                if old(database.feeds.iter().filter_map(|feed| feed.synced_at).max()) {
                    out.stale(image, "the data of all feeds is stale", UPDATE);
                }
                continue;
            }
            for feed in database.feeds.iter().filter(|feed| wanted.contains(&feed.name.as_str())) {
                if old(feed.synced_at) {
                    let at = feed
                        .synced_at
                        .map_or_else(|| "an unknown time".to_owned(), assay_model::Timestamp::date_text);
                    out.stale(
                        image,
                        format!("the data of the feed `{}` is stale: it is from {at}", feed.name),
                        UPDATE,
                    );
                }
            }
        }
    }
}
