//! What is attached to images: the bytes as they were found in a repository, to be judged, and the history of each piece.
//!
//! Evidence belongs to a repository: the same image may be signed in one and unsigned in another. What was found stays until the repository
//! was asked again with success; that asking fails is kept beside it, with since when, and never looks like an empty answer.

use crate::document::{pack, unpack};
use crate::error::StoreError;
use crate::image::{self, Place};
use crate::moment::Moment;
use crate::store::{Store, Work};
use crate::text::{clean, key};
use crate::view::View;
use assay_model::Digest;
use sqlx::Row as _;
use sqlx::any::AnyRow;
use std::collections::{BTreeMap, BTreeSet};

/// Pieces that are gone and are remembered for an image in a repository, the last to go: whoever can push can attach and take away.
const MAX_GONE: i64 = 1000;
/// What is kept of an error's text.
const MAX_ERROR: usize = 4096;

/// A signature, attestation or other piece of evidence that refers to an image.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct EvidenceSeen {
    /// What tells it from others, wherever it is.
    pub digest: Digest,
    /// The manifest that carries it.
    pub carrier: Digest,
    /// Its kind: the predicate type of an attestation, or its format.
    pub kind: String,
}

/// What came and went.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EvidenceChange {
    /// Pieces that were not there before.
    pub added: Vec<EvidenceSeen>,
    /// Pieces that are not there any more.
    pub gone: Vec<EvidenceSeen>,
}

/// A piece of evidence, with its history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownEvidence {
    /// Its number, by which lists go on.
    pub id: i64,
    /// Where it is, or was, without a tag.
    pub place: Place,
    /// What it is.
    pub seen: EvidenceSeen,
    /// When it was first seen there.
    pub first_seen: Moment,
    /// When it was found to be gone.
    pub gone_at: Option<Moment>,
}

/// What a repository said when it was last asked for what is attached to an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gathered {
    /// Where, without a tag.
    pub place: Place,
    /// When the answer that is kept was asked for.
    pub asked: Moment,
    /// The answer, as whoever gathers writes it; nothing where there was never one, or where it was not asked for.
    pub body: Option<Vec<u8>>,
    /// Since when asking fails.
    pub failing: Option<Moment>,
    /// Why.
    pub error: Option<String>,
}

/// What became of an answer that was to be kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Saved {
    /// One that was asked for later is there already: nothing was changed.
    Older,
    /// It is the same answer as before, and nothing failed meanwhile.
    Same,
    /// It is another answer, or the first, or the first since asking failed.
    Changed,
}

impl Work {
    /// Says whether an image was seen.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn is_known(&mut self, digest: &Digest) -> Result<bool, StoreError> {
        let row = sqlx::query("SELECT id FROM images WHERE digest = $1")
            .bind(digest.to_string())
            .fetch_optional(&mut *self.transaction)
            .await?;
        Ok(row.is_some())
    }

    /// Says whether an image was seen in a repository, or that was asked about it.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn is_known_in(&mut self, digest: &Digest, place: &Place) -> Result<bool, StoreError> {
        let row = sqlx::query(
            "SELECT i.id FROM images i WHERE i.digest = $1 AND (EXISTS (SELECT 1 FROM image_places x WHERE x.image = i.id \
             AND x.registry = $2 AND x.repository = $3) OR EXISTS (SELECT 1 FROM gathered g WHERE g.image = i.id \
             AND g.registry = $4 AND g.repository = $5))",
        )
        .bind(digest.to_string())
        .bind(key(&place.registry))
        .bind(key(&place.repository))
        .bind(key(&place.registry))
        .bind(key(&place.repository))
        .fetch_optional(&mut *self.transaction)
        .await?;
        Ok(row.is_some())
    }

    /// Records all the evidence there is for an image in a repository now; returns what is new and what is gone, which changes verdicts.
    ///
    /// # Errors
    /// Fails when the database does not answer, or the image was never seen.
    pub async fn see_evidence(
        &mut self,
        digest: &Digest,
        place: &Place,
        seen: &[EvidenceSeen],
        now: Moment,
    ) -> Result<EvidenceChange, StoreError> {
        let image = self.image_id(digest).await?;
        let rows = sqlx::query(
            "SELECT digest, carrier, kind FROM evidence \
             WHERE image = $1 AND registry = $2 AND repository = $3 AND gone_at IS NULL",
        )
        .bind(image)
        .bind(key(&place.registry))
        .bind(key(&place.repository))
        .fetch_all(&mut *self.transaction)
        .await?;
        let mut before = BTreeMap::new();
        for row in rows {
            let piece = piece(&row, 0)?;
            before.insert(piece.digest, piece);
        }
        let mut change = EvidenceChange::default();
        let mut done = BTreeSet::new();
        for one in seen {
            // The same piece may be carried by several manifests.
            if !done.insert(one.digest) {
                continue;
            }
            let known = before.remove(&one.digest);
            if known.as_ref() == Some(one) {
                continue;
            }
            if known.is_none() {
                change.added.push(one.clone());
            }
            sqlx::query(
                "INSERT INTO evidence (image, registry, repository, digest, carrier, kind, first_seen) \
                 VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (image, registry, repository, digest) DO UPDATE SET \
                 kind = excluded.kind, carrier = excluded.carrier, gone_at = NULL",
            )
            .bind(image)
            .bind(key(&place.registry))
            .bind(key(&place.repository))
            .bind(one.digest.to_string())
            .bind(one.carrier.to_string())
            .bind(clean(&one.kind))
            .bind(now.0)
            .execute(&mut *self.transaction)
            .await?;
        }
        for (digest, piece) in before {
            sqlx::query(
                "UPDATE evidence SET gone_at = $1 WHERE image = $2 AND registry = $3 AND repository = $4 AND digest = $5",
            )
            .bind(now.0)
            .bind(image)
            .bind(key(&place.registry))
            .bind(key(&place.repository))
            .bind(digest.to_string())
            .execute(&mut *self.transaction)
            .await?;
            change.gone.push(piece);
        }
        if !change.gone.is_empty() {
            sqlx::query(
                "DELETE FROM evidence WHERE image = $1 AND registry = $2 AND repository = $3 AND gone_at IS NOT NULL \
                 AND id NOT IN (SELECT id FROM evidence WHERE image = $4 AND registry = $5 AND repository = $6 \
                 AND gone_at IS NOT NULL ORDER BY gone_at DESC, id DESC LIMIT $7)",
            )
            .bind(image)
            .bind(key(&place.registry))
            .bind(key(&place.repository))
            .bind(image)
            .bind(key(&place.registry))
            .bind(key(&place.repository))
            .bind(MAX_GONE)
            .execute(&mut *self.transaction)
            .await?;
        }
        Ok(change)
    }

    /// Keeps what a repository answered, unless an answer to a later question is there.
    ///
    /// # Errors
    /// Fails when the database does not answer, the image was never seen, or the answer is larger than anything kept.
    pub async fn save_gathered(
        &mut self,
        digest: &Digest,
        place: &Place,
        body: &[u8],
        asked: Moment,
    ) -> Result<Saved, StoreError> {
        let image = self.image_id(digest).await?;
        let packed = pack("evidence", &digest.to_string(), body)?;
        // Of two that write at once the second compares with what the first wrote.
        let sql = format!(
            "SELECT failing, body FROM gathered WHERE image = $1 AND registry = $2 AND repository = $3{}",
            self.backend.keep_rows()
        );
        let row = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(image)
            .bind(key(&place.registry))
            .bind(key(&place.repository))
            .fetch_optional(&mut *self.transaction)
            .await?;
        let same = match row {
            None => false,
            Some(row) => {
                row.try_get::<Option<i64>, _>(0)?.is_none()
                    && row.try_get::<Option<Vec<u8>>, _>(1)?.as_deref() == Some(&packed)
            }
        };
        let written = sqlx::query(
            "INSERT INTO gathered (image, registry, repository, asked, tried, body) VALUES ($1, $2, $3, $4, $5, $6) \
             ON CONFLICT (image, registry, repository) DO UPDATE SET asked = excluded.asked, tried = excluded.tried, \
             failing = NULL, error = NULL, body = excluded.body WHERE gathered.asked <= excluded.asked",
        )
        .bind(image)
        .bind(key(&place.registry))
        .bind(key(&place.repository))
        .bind(asked.0)
        .bind(asked.0)
        .bind(packed)
        .execute(&mut *self.transaction)
        .await?;
        Ok(match (written.rows_affected(), same) {
            (0, _) => Saved::Older,
            (_, true) => Saved::Same,
            (_, false) => Saved::Changed,
        })
    }

    /// Records that asking a repository failed, unless it answered a question since. What it answered before stays. Says whether this is
    /// the first time since it last answered.
    ///
    /// # Errors
    /// Fails when the database does not answer, or the image was never seen.
    pub async fn fail_gathering(
        &mut self,
        digest: &Digest,
        place: &Place,
        error: &str,
        asked: Moment,
    ) -> Result<bool, StoreError> {
        let image = self.image_id(digest).await?;
        let error: String = clean(error).chars().take(MAX_ERROR).collect();
        let row = sqlx::query(
            "INSERT INTO gathered (image, registry, repository, asked, tried, failing, error) \
             VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (image, registry, repository) DO UPDATE SET \
             tried = excluded.tried, failing = COALESCE(gathered.failing, excluded.failing), error = excluded.error \
             WHERE gathered.asked <= excluded.tried RETURNING failing",
        )
        .bind(image)
        .bind(key(&place.registry))
        .bind(key(&place.repository))
        .bind(i64::MIN)
        .bind(asked.0)
        .bind(asked.0)
        .bind(error)
        .fetch_optional(&mut *self.transaction)
        .await?;
        Ok(match row {
            Some(row) => row.try_get::<i64, _>(0)? == asked.0,
            None => false,
        })
    }
}

fn piece(row: &AnyRow, at: usize) -> Result<EvidenceSeen, StoreError> {
    Ok(EvidenceSeen {
        digest: image::digest(row, at)?,
        carrier: image::digest(row, at + 1)?,
        kind: row.try_get(at + 2)?,
    })
}

fn place(row: &AnyRow, at: usize) -> Result<Place, StoreError> {
    Ok(Place { registry: row.try_get(at)?, repository: row.try_get(at + 1)?, tag: None })
}

fn gathered(row: &AnyRow, body: Option<Vec<u8>>) -> Result<Gathered, StoreError> {
    Ok(Gathered {
        place: place(row, 0)?,
        asked: Moment(row.try_get(2)?),
        body,
        failing: row.try_get::<Option<i64>, _>(3)?.map(Moment),
        error: row.try_get(4)?,
    })
}

/// Returns the numbers of the parameters that stand for registries, from the third on.
fn choice(registries: &BTreeSet<String>) -> String {
    let numbers: Vec<String> = (3..).zip(registries).map(|(number, _)| format!("${number}")).collect();
    numbers.join(", ")
}

impl Store {
    /// Returns what is attached to an image in a repository, with the answer; `None` where that was never asked.
    ///
    /// # Errors
    /// Fails when the database does not answer, or the answer is damaged.
    pub async fn gathered(&self, digest: &Digest, place: &Place) -> Result<Option<Gathered>, StoreError> {
        let name = digest.to_string();
        let row = sqlx::query(
            "SELECT g.registry, g.repository, g.asked, g.failing, g.error, g.body FROM gathered g \
             JOIN images i ON i.id = g.image WHERE i.digest = $1 AND g.registry = $2 AND g.repository = $3",
        )
        .bind(&name)
        .bind(key(&place.registry))
        .bind(key(&place.repository))
        .fetch_optional(&self.pool)
        .await?;
        let Some(row) = row else { return Ok(None) };
        let body = row.try_get::<Option<Vec<u8>>, _>(5)?.map(|body| unpack("evidence", &name, &body));
        gathered(&row, body.transpose()?).map(Some)
    }

    /// Forgets repositories that never answered and fail since a moment; returns how many. Whoever may create a pod may name any.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn forget_unanswered(&self, before: Moment) -> Result<u64, StoreError> {
        let gone = sqlx::query("DELETE FROM gathered WHERE failing < $1 AND body IS NULL")
            .bind(before.0)
            .execute(&self.pool)
            .await?;
        Ok(gone.rows_affected())
    }

    /// Returns for what no repository of these registries was asked since a moment, what waits longest first.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn gathered_before(
        &self,
        registries: &BTreeSet<String>,
        before: Moment,
        limit: i64,
    ) -> Result<Vec<(Digest, Place)>, StoreError> {
        let sql = format!(
            "SELECT i.digest, g.registry, g.repository FROM gathered g JOIN images i ON i.id = g.image \
             WHERE g.tried < $1 AND g.registry IN ({}) ORDER BY g.tried, i.id LIMIT $2",
            choice(registries)
        );
        self.due(sql, registries, before, limit).await
    }

    /// Returns images that were last seen before a moment in repositories of these registries that were never asked what is attached to
    /// them.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn never_gathered(
        &self,
        registries: &BTreeSet<String>,
        before: Moment,
        limit: i64,
    ) -> Result<Vec<(Digest, Place)>, StoreError> {
        let sql = format!(
            "SELECT i.digest, x.registry, x.repository FROM image_places x JOIN images i ON i.id = x.image WHERE x.last_seen < $1 \
             AND x.registry IN ({}) AND NOT EXISTS (SELECT 1 FROM gathered g WHERE g.image = i.id AND g.registry = x.registry \
             AND g.repository = x.repository) ORDER BY x.last_seen DESC, i.id LIMIT $2",
            choice(registries)
        );
        self.due(sql, registries, before, limit).await
    }

    async fn due(
        &self,
        sql: String,
        registries: &BTreeSet<String>,
        before: Moment,
        limit: i64,
    ) -> Result<Vec<(Digest, Place)>, StoreError> {
        if registries.is_empty() {
            return Ok(Vec::new());
        }
        let mut query = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(before.0).bind(limit);
        for registry in registries {
            query = query.bind(key(registry));
        }
        let rows = query.fetch_all(&self.pool).await?;
        rows.iter().map(|row| Ok((image::digest(row, 0)?, place(row, 1)?))).collect()
    }

    /// Returns in which repositories it was asked what is attached to an image, without the answers.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn gathered_in(&self, digest: &Digest) -> Result<Vec<Gathered>, StoreError> {
        self.whole().gathered_in(digest).await
    }

    /// Returns the evidence that there is or was for an image, as [`View::evidence`] does.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn evidence(
        &self,
        digest: &Digest,
        after: i64,
        limit: i64,
    ) -> Result<Vec<KnownEvidence>, StoreError> {
        self.whole().evidence(digest, after, limit).await
    }
}

impl View<'_> {
    /// Returns in which repositories it was asked what is attached to an image, without the answers.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn gathered_in(&self, digest: &Digest) -> Result<Vec<Gathered>, StoreError> {
        let sql = format!(
            "SELECT g.registry, g.repository, g.asked, g.failing, g.error FROM gathered g JOIN images i ON i.id = g.image \
             WHERE i.digest = $1{}{} ORDER BY g.registry, g.repository",
            self.scope.image("i.id", 2),
            self.scope.place("g.registry", "g.repository", 2)
        );
        let query = self.scope.bind(sqlx::query(sqlx::AssertSqlSafe(sql)).bind(digest.to_string()));
        let rows = query.fetch_all(&self.store.pool).await?;
        rows.iter().map(|row| gathered(row, None)).collect()
    }

    /// Returns the evidence that there is or was for an image, in the order in which it was first seen, those after a number.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn evidence(
        &self,
        digest: &Digest,
        after: i64,
        limit: i64,
    ) -> Result<Vec<KnownEvidence>, StoreError> {
        let sql = format!(
            "SELECT e.id, e.registry, e.repository, e.digest, e.carrier, e.kind, e.first_seen, e.gone_at \
             FROM evidence e JOIN images i ON i.id = e.image WHERE i.digest = $1 AND e.id > $2{}{} ORDER BY e.id LIMIT $3",
            self.scope.image("i.id", 4),
            self.scope.place("e.registry", "e.repository", 4)
        );
        let query = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(digest.to_string()).bind(after).bind(limit);
        let rows = self.scope.bind(query).fetch_all(&self.store.pool).await?;
        rows.iter()
            .map(|row| {
                Ok(KnownEvidence {
                    id: row.try_get(0)?,
                    place: place(row, 1)?,
                    seen: piece(row, 3)?,
                    first_seen: Moment(row.try_get(6)?),
                    gone_at: row.try_get::<Option<i64>, _>(7)?.map(Moment),
                })
            })
            .collect()
    }
}
