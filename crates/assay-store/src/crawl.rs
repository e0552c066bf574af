//! What crawls of registries list, against what is known: tags that no event told of, that moved, or that are gone.
//!
//! A tag is gone when a whole list does not have it and nobody saw it since that list was asked for. It is told of once; what is known of
//! its image stays, since something may still run it.

use crate::error::StoreError;
use crate::image::{Place, TagState, digest};
use crate::moment::Moment;
use crate::store::{Store, Work};
use assay_model::Digest;
use sqlx::Row as _;
use sqlx::any::AnyRow;
use std::collections::{BTreeMap, BTreeSet};

/// What is known of a tag before it is listed again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ListedTag {
    /// The image that it named when it was last resolved; `None` for what was never resolved, or is no image.
    pub digest: Option<Digest>,
    /// When it was last seen to name that image.
    pub seen: Option<Moment>,
    /// When a crawl last asked what it stands for.
    pub looked: Option<Moment>,
    /// Whether it is known to be gone.
    pub gone: bool,
}

/// What a crawl of one repository listed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Listing {
    /// The registry's host.
    pub registry: String,
    /// The repository.
    pub repository: String,
    /// The tags.
    pub tags: BTreeSet<String>,
    /// What the registry said of those that were looked at.
    pub told: BTreeMap<String, Digest>,
    /// Whether these are all the tags there are.
    pub complete: bool,
    /// When the registry was asked.
    pub asked: Moment,
}

/// A tag that stands for something that is not known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundTag {
    /// The tag.
    pub tag: String,
    /// What the registry says that it stands for.
    pub told: Digest,
    /// The image that it named when it was last resolved.
    pub before: Option<Digest>,
}

/// What a listing says that was not known.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Reconciled {
    /// Tags that stand for something else than is known, or that were never resolved.
    pub found: Vec<FoundTag>,
    /// Tags that are gone, and the image that each named.
    pub gone: Vec<(String, Option<Digest>)>,
    /// Tags that were gone and are there again.
    pub back: Vec<String>,
}

/// The last crawl of a repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Crawl {
    /// Its number; later ones have higher ones.
    pub id: i64,
    /// The registry's host.
    pub registry: String,
    /// The repository; empty for the list of repositories.
    pub repository: String,
    /// When it was last asked for.
    pub asked: Moment,
    /// When it was last listed.
    pub listed: Option<Moment>,
    /// Whether the list was whole.
    pub complete: bool,
    /// How many tags, or repositories, there were.
    pub tags: i64,
    /// How many of them were found to be new or moved.
    pub found: i64,
    /// How many were found to be gone.
    pub gone: i64,
}

impl Work {
    /// Says that a repository is to be crawled now, unless it was asked for after `before`: then another server did. Says which.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn ask_for_crawl(
        &mut self,
        registry: &str,
        repository: &str,
        before: Moment,
        now: Moment,
    ) -> Result<bool, StoreError> {
        let asked = sqlx::query(
            "INSERT INTO crawls (registry, repository, asked) VALUES ($1, $2, $3) \
             ON CONFLICT (registry, repository) DO UPDATE SET asked = excluded.asked WHERE crawls.asked <= $4",
        )
        .bind(registry)
        .bind(repository)
        .bind(now.0)
        .bind(before.0)
        .execute(&mut *self.transaction)
        .await?;
        Ok(asked.rows_affected() > 0)
    }

    /// Records how many there were in a list, and how many of them were new.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn save_crawl(
        &mut self,
        (registry, repository): (&str, &str),
        complete: bool,
        [tags, found, gone]: [usize; 3],
        now: Moment,
    ) -> Result<(), StoreError> {
        let number = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
        sqlx::query(
            "INSERT INTO crawls (registry, repository, asked, listed, complete, tags, found, gone) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (registry, repository) DO UPDATE SET \
             listed = excluded.listed, complete = excluded.complete, tags = excluded.tags, found = excluded.found, \
             gone = excluded.gone",
        )
        .bind(registry)
        .bind(repository)
        .bind(now.0)
        .bind(now.0)
        .bind(i64::from(complete))
        .bind(number(tags))
        .bind(number(found))
        .bind(number(gone))
        .execute(&mut *self.transaction)
        .await?;
        Ok(())
    }

    /// Compares a list with what is known, and records what it confirms.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn reconcile(&mut self, listing: &Listing) -> Result<Reconciled, StoreError> {
        let known = self.known_tags(&listing.registry, &listing.repository).await?;
        let mut reconciled = Reconciled::default();
        for (tag, told) in &listing.told {
            let before = known.get(tag).copied().unwrap_or_default();
            if before.digest == Some(*told) {
                let place = Place {
                    registry: listing.registry.clone(),
                    repository: listing.repository.clone(),
                    tag: Some(tag.clone()),
                };
                // Only what was resolved before: a digest that a registry says is no reason to believe in an image.
                let state = self.see(told, &place, listing.asked).await?;
                debug_assert!(matches!(state, TagState::Same | TagState::Older));
            } else {
                let before = before.digest;
                reconciled.found.push(FoundTag { tag: tag.clone(), told: *told, before });
            }
            if before.gone {
                reconciled.back.push(tag.clone());
            }
            self.note_tag(listing, tag, None).await?;
        }
        if listing.complete {
            for (tag, before) in &known {
                let seen_since = before.seen.is_some_and(|seen| seen >= listing.asked);
                if before.gone || seen_since || listing.tags.contains(tag) {
                    continue;
                }
                self.note_tag(listing, tag, Some(listing.asked)).await?;
                // What never named an image is forgotten, so that names that come and go do not pile up.
                if before.digest.is_none() {
                    self.forget_tag(listing, tag).await?;
                }
                reconciled.gone.push((tag.clone(), before.digest));
            }
        }
        Ok(reconciled)
    }

    /// Returns the repositories of a registry with tags that are not known to be gone.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn crawled_repositories(&mut self, registry: &str) -> Result<BTreeSet<String>, StoreError> {
        let rows = sqlx::query(
            "SELECT repository FROM crawls WHERE registry = $1 AND repository <> '' AND (tags > 0 OR listed IS NULL)",
        )
        .bind(registry)
        .fetch_all(&mut *self.transaction)
        .await?;
        rows.iter().map(|row| Ok(row.try_get(0)?)).collect()
    }

    /// Returns how many jobs may be queued until there are `limit`.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn room(&mut self, limit: i64) -> Result<usize, StoreError> {
        let row = sqlx::query("SELECT COUNT(*) FROM jobs WHERE state = 'queued'")
            .fetch_one(&mut *self.transaction)
            .await?;
        Ok(usize::try_from(limit.saturating_sub(row.try_get(0)?)).unwrap_or(0))
    }

    /// Tells whether the last job of that kind and name was done.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn is_done(&mut self, kind: &str, name: &str) -> Result<bool, StoreError> {
        let row =
            sqlx::query("SELECT state FROM jobs WHERE kind = $1 AND name = $2 ORDER BY id DESC LIMIT 1")
                .bind(kind)
                .bind(name)
                .fetch_optional(&mut *self.transaction)
                .await?;
        Ok(row.map(|row| row.try_get::<String, _>(0)).transpose()?.is_some_and(|state| state == "done"))
    }

    async fn note_tag(
        &mut self,
        listing: &Listing,
        tag: &str,
        gone: Option<Moment>,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO listed_tags (registry, repository, tag, looked, gone_at) \
             VALUES ($1, $2, $3, $4, CASE WHEN $5 = 1 THEN CAST($6 AS BIGINT) END) \
             ON CONFLICT (registry, repository, tag) DO UPDATE SET looked = excluded.looked, gone_at = excluded.gone_at",
        )
        .bind(&listing.registry)
        .bind(&listing.repository)
        .bind(tag)
        .bind(listing.asked.0)
        .bind(i64::from(gone.is_some()))
        .bind(gone.unwrap_or_default().0)
        .execute(&mut *self.transaction)
        .await?;
        Ok(())
    }

    async fn forget_tag(&mut self, listing: &Listing, tag: &str) -> Result<(), StoreError> {
        sqlx::query("DELETE FROM listed_tags WHERE registry = $1 AND repository = $2 AND tag = $3")
            .bind(&listing.registry)
            .bind(&listing.repository)
            .bind(tag)
            .execute(&mut *self.transaction)
            .await?;
        Ok(())
    }

    async fn known_tags(
        &mut self,
        registry: &str,
        repository: &str,
    ) -> Result<BTreeMap<String, ListedTag>, StoreError> {
        let resolved =
            sqlx::query(RESOLVED).bind(registry).bind(repository).fetch_all(&mut *self.transaction).await?;
        let listed =
            sqlx::query(LISTED).bind(registry).bind(repository).fetch_all(&mut *self.transaction).await?;
        join(&resolved, &listed)
    }
}

/// The newest image of each tag.
const RESOLVED: &str = "SELECT t.tag, i.digest, t.last_seen FROM tags t JOIN images i ON i.id = t.image \
     WHERE t.registry = $1 AND t.repository = $2 ORDER BY t.id";
const LISTED: &str = "SELECT tag, looked, gone_at FROM listed_tags WHERE registry = $1 AND repository = $2";

fn join(resolved: &[AnyRow], listed: &[AnyRow]) -> Result<BTreeMap<String, ListedTag>, StoreError> {
    let mut tags: BTreeMap<String, ListedTag> = BTreeMap::new();
    for row in resolved {
        let tag = tags.entry(row.try_get(0)?).or_default();
        tag.digest = Some(digest(row, 1)?);
        tag.seen = Some(Moment(row.try_get(2)?));
    }
    for row in listed {
        let tag = tags.entry(row.try_get(0)?).or_default();
        tag.looked = Some(Moment(row.try_get(1)?));
        // Whoever saw it since knows better.
        let gone = row.try_get::<Option<i64>, _>(2)?.map(Moment);
        tag.gone = gone.is_some_and(|gone| tag.seen.is_none_or(|seen| seen <= gone));
    }
    Ok(tags)
}

impl Store {
    /// Returns what is known of the tags of a repository.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn known_tags(
        &self,
        registry: &str,
        repository: &str,
    ) -> Result<BTreeMap<String, ListedTag>, StoreError> {
        let resolved = sqlx::query(RESOLVED).bind(registry).bind(repository).fetch_all(&self.pool).await?;
        let listed = sqlx::query(LISTED).bind(registry).bind(repository).fetch_all(&self.pool).await?;
        join(&resolved, &listed)
    }

    /// Returns the crawls, those after a number.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn crawls(&self, after: i64, limit: i64) -> Result<Vec<Crawl>, StoreError> {
        self.crawls_like(None, None, after, limit).await
    }

    /// Returns crawls of one registry or all and of one repository or all, those after a number.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn crawls_like(
        &self,
        registry: Option<&str>,
        repository: Option<&str>,
        after: i64,
        limit: i64,
    ) -> Result<Vec<Crawl>, StoreError> {
        let text = |text: Option<&str>| crate::text::clean(text.unwrap_or_default());
        let (registry, repository) = (text(registry), text(repository));
        let rows = sqlx::query(
            "SELECT id, registry, repository, asked, listed, complete, tags, found, gone FROM crawls WHERE id > $1 \
             AND ($2 = '' OR registry = $3) AND ($4 = '' OR repository = $5) ORDER BY id LIMIT $6",
        )
        .bind(after)
        .bind(&registry)
        .bind(&registry)
        .bind(&repository)
        .bind(&repository)
        .bind(limit)
        .fetch_all(&self.pool)
        .await?;
        let crawl = |row: &AnyRow| {
            Ok(Crawl {
                id: row.try_get(0)?,
                registry: row.try_get(1)?,
                repository: row.try_get(2)?,
                asked: Moment(row.try_get(3)?),
                listed: row.try_get::<Option<i64>, _>(4)?.map(Moment),
                complete: row.try_get::<i64, _>(5)? != 0,
                tags: row.try_get(6)?,
                found: row.try_get(7)?,
                gone: row.try_get(8)?,
            })
        };
        rows.iter().map(crawl).collect()
    }
}
