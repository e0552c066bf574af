//! What happened, in order: for people who ask what changed and why, and for whoever is to be told.

use crate::error::StoreError;
use crate::moment::Moment;
use crate::scan::{ROWS, rows};
use crate::scope::Scope;
use crate::store::{Lock, Store, Work};
use crate::text::clean;
use crate::view::View;
use assay_model::Digest;
use sqlx::any::AnyRow;
use sqlx::{AssertSqlSafe, Row as _};

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Its number; later events have higher ones.
    pub id: i64,
    /// When.
    pub at: Moment,
    /// What: `image-seen`, `tag-moved`, `scanned`, `finding-appeared` …
    pub kind: String,
    /// The image it is about, if it is about one.
    pub digest: Option<String>,
    /// The rest, as JSON.
    pub detail: String,
}

/// An event that has no number yet.
#[derive(Debug)]
pub(crate) struct NewEvent {
    at: Moment,
    kind: String,
    digest: Option<String>,
    detail: String,
    /// Registry and repository that it names; empty where it names none, and nothing where that is not known.
    place: Option<(String, String)>,
}

/// Kinds of events that are about what is in an image, and so about no repository.
const OF_CONTENT: &str =
    "'scanned', 'rematched', 'finding-appeared', 'finding-changed', 'finding-gone', 'sbom-given'";

/// Kinds of events that name two repositories: that of the image as well as the target.
const OF_PROMOTIONS: &str = "'promoted', 'promotion-failed', 'promotion-denied', 'promotion-refused'";

/// Returns the repository that an event names: the target of a promotion, an image, the scope of a decision, or as such. Of what is said of a
/// service it is not known whose that is.
fn place(detail: &serde_json::Value) -> Option<(String, String)> {
    let text = |name: &str| detail.get(name).and_then(serde_json::Value::as_str);
    if detail.get("service").is_some() {
        return None;
    }
    for name in ["target", "image", "scope"] {
        let Some((registry, rest)) = text(name).and_then(|text| text.split_once('/')) else { continue };
        let path = rest.split('@').next().unwrap_or(rest);
        return Some((clean(registry), clean(path.split(':').next().unwrap_or(path))));
    }
    let both = text("registry").zip(text("repository"));
    Some(both.map_or_else(Default::default, |(registry, repository)| (clean(registry), clean(repository))))
}

/// Returns the condition under which an event is within a scope: the repository that it names is, and so is the image that it is about, if it
/// is about one; or it names none, and its image is within and nowhere else, or it is about what is in the image.
fn within(scope: &Scope, first: usize) -> String {
    if *scope == Scope::Fleet {
        return String::new();
    }
    let of =
        |condition: String| format!("EXISTS (SELECT 1 FROM images i WHERE i.digest = e.digest{condition})");
    let (image, whole) = (of(scope.image("i.id", first)), of(scope.whole_image("i.id", first)));
    let place = scope.place("e.registry", "e.repository", first);
    format!(
        " AND ((e.registry <> ''{place} AND (e.digest IS NULL OR {image}) AND (e.kind NOT IN ({OF_PROMOTIONS}) OR {whole})) \
         OR (e.kind IN ({OF_CONTENT}) AND COALESCE(e.registry, '') = '' AND {image}) OR (e.registry = '' AND {whole}))"
    )
}

impl Work {
    /// Records that something happened. It gets its number when the transaction is committed.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn record(
        &mut self,
        kind: &str,
        digest: Option<&Digest>,
        detail: &serde_json::Value,
        now: Moment,
    ) -> Result<(), StoreError> {
        self.events.push(NewEvent {
            at: now,
            kind: kind.to_owned(),
            digest: digest.map(ToString::to_string),
            detail: detail.to_string(),
            place: place(detail),
        });
        Ok(())
    }

    /// Writes what was recorded: the last thing before the transaction is committed.
    ///
    /// PostgreSQL gives numbers when rows are written and shows rows when they are committed. Readers go on after the highest number that
    /// they saw, so a lower one that became visible later would never be read: one transaction at a time gives numbers, and keeps the
    /// others from it until its own can be seen. The lock is the last that a transaction takes, so that it waits for nobody.
    pub(crate) async fn write_events(&mut self) -> Result<(), StoreError> {
        let events = std::mem::take(&mut self.events);
        if !events.is_empty() {
            self.lock(Lock::Events).await?;
        }
        for chunk in events.chunks(ROWS) {
            let sql = format!(
                "INSERT INTO events (at, kind, digest, detail, registry, repository) VALUES {}",
                rows(chunk.len(), 6, |at| {
                    let numbers: Vec<String> = (at + 1..=at + 6).map(|number| format!("${number}")).collect();
                    format!("({})", numbers.join(", "))
                })
            );
            let mut query = sqlx::query(AssertSqlSafe(sql));
            for event in chunk {
                query = query.bind(event.at.0).bind(&event.kind).bind(&event.digest).bind(&event.detail);
                let (registry, repository) = event.place.clone().unzip();
                query = query.bind(registry).bind(repository);
            }
            query.execute(&mut *self.transaction).await?;
        }
        Ok(())
    }
}

impl Store {
    /// Returns events, of one image or all, those after a number.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn events(
        &self,
        digest: Option<&Digest>,
        after: i64,
        limit: i64,
    ) -> Result<Vec<Event>, StoreError> {
        self.whole().events_like(digest, None, after, limit).await
    }
}

impl View<'_> {
    /// Returns events, of one image or all and of one kind or all, those after a number.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn events_like(
        &self,
        digest: Option<&Digest>,
        kind: Option<&str>,
        after: i64,
        limit: i64,
    ) -> Result<Vec<Event>, StoreError> {
        self.some_events(Start::After(after), kind.unwrap_or_default(), digest, limit).await
    }

    /// Returns events from a place on, of one image or all and of one kind or all.
    pub(crate) async fn some_events(
        &self,
        from: Start,
        kind: &str,
        digest: Option<&Digest>,
        limit: i64,
    ) -> Result<Vec<Event>, StoreError> {
        let (condition, order, place) = match from {
            Start::After(place) => ("e.id > $1", "e.id", place),
            Start::Before(place) => ("e.id < $1", "e.id DESC", place),
        };
        let mut asked = Vec::new();
        // A condition that also holds for nothing asked would keep the database from using its indexes.
        let mut conditions = condition.to_owned();
        if !kind.is_empty() {
            asked.push(clean(kind));
            conditions.push_str(" AND e.kind = $2");
        }
        if let Some(digest) = digest {
            asked.push(digest.to_string());
            conditions.push_str(&format!(" AND e.digest = ${}", 1 + asked.len()));
        }
        let first = 3 + asked.len();
        // To find the few events of a small team by going through those of all others took a second for each 200,000.
        let source = if self.has_few_images().await? {
            format!(
                "(SELECT x.* FROM (SELECT i.digest FROM images i WHERE 1 = 1{}) own CROSS JOIN events x WHERE x.digest = own.digest \
                 UNION ALL SELECT y.* FROM events y WHERE y.digest IS NULL) e",
                self.scope.images("i.id", first)
            )
        } else {
            "events e".to_owned()
        };
        let sql = format!(
            "SELECT e.id, e.at, e.kind, e.digest, e.detail FROM {source} WHERE {conditions}{} ORDER BY {order} LIMIT ${}",
            within(self.scope, first),
            2 + asked.len()
        );
        let mut query = sqlx::query(AssertSqlSafe(sql)).bind(place);
        for one in asked {
            query = query.bind(one);
        }
        let rows = self.scope.bind(query.bind(limit)).fetch_all(&self.store.pool).await?;
        rows.iter().map(event).collect()
    }
}

/// Where a list of events begins, and which way it goes on.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Start {
    /// After a number, the oldest first.
    After(i64),
    /// Before a number, the newest first.
    Before(i64),
}

/// Reads an event of the columns `id`, `at`, `kind`, `digest` and `detail`.
pub(crate) fn event(row: &AnyRow) -> Result<Event, StoreError> {
    Ok(Event {
        id: row.try_get(0)?,
        at: Moment(row.try_get(1)?),
        kind: row.try_get(2)?,
        digest: row.try_get(3)?,
        detail: row.try_get(4)?,
    })
}
