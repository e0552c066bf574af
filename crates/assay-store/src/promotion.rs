//! Promotions: what was carried from an incoming repository to a release repository, and what became of what was not.
//!
//! A promotion is written down before its tag is given and again when that is done. So a sighting of the release tag in between is no
//! alarm, and one that was cut short is found and done again. What is to be looked at is not remembered as a list of work but found by
//! comparison: a tag of an incoming repository is due while nothing was decided about its image, by this policy, since the last change
//! of anything that verdicts rest on.

use crate::error::StoreError;
use crate::image::{CURRENT, Place, digest};
use crate::moment::Moment;
use crate::scope::Scope;
use crate::store::{Store, Work};
use crate::text::{clean, key};
use crate::view::View;
use assay_model::Digest;
use sqlx::Row as _;
use sqlx::any::AnyRow;

/// What is to be carried where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewPromotion<'a> {
    /// Where it comes from, without a tag.
    pub from: &'a Place,
    /// Where it goes, with the tag that it gets.
    pub to: &'a Place,
    /// The image.
    pub digest: Digest,
    /// Who asked for it.
    pub actor: &'a str,
    /// `admit` or `warn`.
    pub verdict: &'a str,
    /// The policy, by the digest of its text.
    pub policy: &'a str,
}

/// A promotion, as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Promotion {
    /// Its number, by which lists go on.
    pub id: i64,
    /// Where it came from, without a tag.
    pub from: Place,
    /// Where it went, with the tag that it got.
    pub to: Place,
    /// The image.
    pub digest: Digest,
    /// Who asked for it.
    pub actor: String,
    /// `admit` or `warn`.
    pub verdict: String,
    /// The policy, by the digest of its text.
    pub policy: String,
    /// When it was begun.
    pub started: Moment,
    /// When it was done, if it is.
    pub finished: Option<Moment>,
    /// What its tag names by now without a promotion, if it does.
    pub moved_to: Option<String>,
}

/// What became of a tag of an incoming repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CandidateState {
    /// Its image cannot be judged yet.
    Pending,
    /// The policy denies it.
    Denied,
    /// The policy admits it, and it is to be promoted.
    Admitted,
    /// It was promoted.
    Promoted,
    /// It cannot be promoted, because the release tag names another image.
    Refused,
}

impl CandidateState {
    const ALL: [Self; 5] = [Self::Pending, Self::Denied, Self::Admitted, Self::Promoted, Self::Refused];

    /// Returns the name used in the database and the API.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Denied => "denied",
            Self::Admitted => "admitted",
            Self::Promoted => "promoted",
            Self::Refused => "refused",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == text)
    }
}

/// Tags of which repositories are to be promoted, and where to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Incoming<'a> {
    /// The registry's host.
    pub registry: &'a str,
    /// The repository, or what its name begins with.
    pub repository: &'a str,
    /// Whether all repositories are meant whose names begin so.
    pub below: bool,
    /// Where to, as the operator wrote it.
    pub target: &'a str,
}

/// A tag of an incoming repository about which there is something to decide.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// Where it is, with its tag.
    pub place: Place,
    /// Where it is to go, as the operator wrote it.
    pub target: String,
    /// The image.
    pub digest: Digest,
    /// How often what verdicts about it rest on has changed.
    pub generation: i64,
    /// What was last decided, about which image and why.
    pub before: Option<(CandidateState, String, String)>,
}

/// A tag of an incoming repository that is not promoted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Staying {
    /// Where it is, with its tag.
    pub place: Place,
    /// Where it would go, as the operator wrote it.
    pub target: String,
    /// The image.
    pub digest: Digest,
    /// Whether it is denied or refused.
    pub state: CandidateState,
    /// Why.
    pub reason: String,
    /// When it was last judged.
    pub looked: Moment,
}

/// A release tag that names something else than was promoted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReleaseTag {
    /// It names what was promoted, or was never promoted, or that it does not is known.
    Fine,
    /// It has moved without a promotion.
    Moved {
        /// What was promoted.
        promoted: Digest,
    },
    /// It had moved, and names again what was promoted.
    Back,
}

/// How many promotions there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PromotionCounts {
    /// Those that are done.
    pub done: i64,
    /// Those that were begun and are not done.
    pub open: i64,
    /// Times that a promoted tag moved without a promotion.
    pub alarms: i64,
    /// Promoted tags that name something else now.
    pub moved: i64,
    /// Tags of incoming repositories that the policy denies.
    pub denied: i64,
    /// Tags that cannot be promoted because the release tag names another image.
    pub refused: i64,
}

impl Work {
    /// Writes down that a promotion begins, unless the same was begun before and not ended.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn start_promotion(&mut self, new: &NewPromotion<'_>, now: Moment) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO promotions (source_registry, source_repository, registry, repository, tag, digest, actor, verdict, policy, \
             started) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) \
             ON CONFLICT (registry, repository, tag, digest) WHERE finished IS NULL DO UPDATE SET \
             verdict = excluded.verdict, policy = excluded.policy, actor = excluded.actor",
        )
        .bind(&new.from.registry)
        .bind(&new.from.repository)
        .bind(&new.to.registry)
        .bind(&new.to.repository)
        .bind(new.to.tag.as_deref().unwrap_or_default())
        .bind(new.digest.to_string())
        .bind(clean(new.actor))
        .bind(new.verdict)
        .bind(key(new.policy))
        .bind(now.0)
        .execute(&mut *self.transaction)
        .await?;
        Ok(())
    }

    /// Writes down that a promotion is done.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn finish_promotion(
        &mut self,
        to: &Place,
        image: &Digest,
        now: Moment,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "UPDATE promotions SET finished = $1 WHERE registry = $2 AND repository = $3 AND tag = $4 AND digest = $5 \
             AND finished IS NULL",
        )
        .bind(now.0)
        .bind(&to.registry)
        .bind(&to.repository)
        .bind(to.tag.as_deref().unwrap_or_default())
        .bind(image.to_string())
        .execute(&mut *self.transaction)
        .await?;
        Ok(())
    }

    /// Forgets a promotion that was begun and gave no name to anything.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn drop_promotion(&mut self, to: &Place, image: &Digest) -> Result<(), StoreError> {
        sqlx::query(
            "DELETE FROM promotions WHERE registry = $1 AND repository = $2 AND tag = $3 AND digest = $4 AND finished IS NULL",
        )
        .bind(&to.registry)
        .bind(&to.repository)
        .bind(to.tag.as_deref().unwrap_or_default())
        .bind(image.to_string())
        .execute(&mut *self.transaction)
        .await?;
        Ok(())
    }

    /// Writes down what was decided about a tag of an incoming repository; says whether that is news.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn decide_candidate(
        &mut self,
        candidate: &Candidate,
        policy: &str,
        (state, reason): (CandidateState, &str),
        now: Moment,
    ) -> Result<bool, StoreError> {
        let (reason, image) = (clean(reason), candidate.digest.to_string());
        sqlx::query(
            "INSERT INTO candidates (registry, repository, tag, target, digest, generation, policy, state, reason, looked) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT (registry, repository, tag, target) DO UPDATE SET \
             digest = excluded.digest, generation = excluded.generation, policy = excluded.policy, state = excluded.state, \
             reason = excluded.reason, looked = excluded.looked",
        )
        .bind(&candidate.place.registry)
        .bind(&candidate.place.repository)
        .bind(candidate.place.tag.as_deref().unwrap_or_default())
        .bind(key(&candidate.target))
        .bind(&image)
        .bind(candidate.generation)
        .bind(key(policy))
        .bind(state.name())
        .bind(&reason)
        .bind(now.0)
        .execute(&mut *self.transaction)
        .await?;
        let news = candidate
            .before
            .as_ref()
            .is_none_or(|(before, about, why)| *before != state || *about != image || *why != reason);
        Ok(news)
    }

    /// Compares what a tag named at a moment with what was promoted to it, and remembers the answer so that each move is told of once.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn check_release(
        &mut self,
        place: &Place,
        image: &Digest,
        asked: Moment,
    ) -> Result<ReleaseTag, StoreError> {
        let Some(tag) = &place.tag else { return Ok(ReleaseTag::Fine) };
        let row = sqlx::query(
            "SELECT id, digest, finished, moved_to FROM promotions WHERE registry = $1 AND repository = $2 AND tag = $3 \
             AND finished IS NOT NULL ORDER BY finished DESC, id DESC LIMIT 1",
        )
        .bind(&place.registry)
        .bind(&place.repository)
        .bind(tag)
        .fetch_optional(&mut *self.transaction)
        .await?;
        let Some(row) = row else { return Ok(ReleaseTag::Fine) };
        let (id, promoted): (i64, Digest) = (row.try_get(0)?, digest(&row, 1)?);
        let moved_to: Option<String> = row.try_get(3)?;
        // Who asked before it was done may have seen what was there before.
        if asked <= Moment(row.try_get(2)?) {
            return Ok(ReleaseTag::Fine);
        }
        let seen = image.to_string();
        let (moved, answer) = if promoted == *image {
            (None, if moved_to.is_some() { ReleaseTag::Back } else { ReleaseTag::Fine })
        } else if moved_to.as_deref() == Some(seen.as_str()) || self.is_on_its_way(place, tag, &seen).await? {
            return Ok(ReleaseTag::Fine);
        } else {
            (Some(seen), ReleaseTag::Moved { promoted })
        };
        if moved_to != moved {
            sqlx::query("UPDATE promotions SET moved_to = $1 WHERE id = $2")
                .bind(moved)
                .bind(id)
                .execute(&mut *self.transaction)
                .await?;
        }
        Ok(answer)
    }

    /// Says whether a promotion of an image to a tag was begun and is not done.
    async fn is_on_its_way(&mut self, place: &Place, tag: &str, image: &str) -> Result<bool, StoreError> {
        let row = sqlx::query(
            "SELECT id FROM promotions WHERE registry = $1 AND repository = $2 AND tag = $3 AND digest = $4 AND finished IS NULL",
        )
        .bind(&place.registry)
        .bind(&place.repository)
        .bind(tag)
        .bind(image)
        .fetch_optional(&mut *self.transaction)
        .await?;
        Ok(row.is_some())
    }

    /// Records that an image was pulled, at most once in a minute; says whether that is written. Of what is not known nothing is kept.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn pulled(&mut self, image: &Digest, now: Moment) -> Result<bool, StoreError> {
        let written = sqlx::query(
            "INSERT INTO pulls (image, last_pulled) SELECT id, CAST($1 AS BIGINT) FROM images WHERE digest = $2 \
             ON CONFLICT (image) DO UPDATE SET last_pulled = excluded.last_pulled WHERE pulls.last_pulled <= $3",
        )
        .bind(now.0)
        .bind(image.to_string())
        .bind(now.minus(PULLS).0)
        .execute(&mut *self.transaction)
        .await?;
        Ok(written.rows_affected() > 0)
    }
}

/// How often at most it is written that an image was pulled: a roll-out pulls it a thousand times.
const PULLS: std::time::Duration = std::time::Duration::from_secs(60);

const COLUMNS: &str = "SELECT id, source_registry, source_repository, registry, repository, tag, digest, actor, verdict, policy, started, \
     finished, moved_to FROM promotions";

fn promotion(row: &AnyRow) -> Result<Promotion, StoreError> {
    Ok(Promotion {
        id: row.try_get(0)?,
        from: Place { registry: row.try_get(1)?, repository: row.try_get(2)?, tag: None },
        to: Place { registry: row.try_get(3)?, repository: row.try_get(4)?, tag: Some(row.try_get(5)?) },
        digest: digest(row, 6)?,
        actor: row.try_get(7)?,
        verdict: row.try_get(8)?,
        policy: row.try_get(9)?,
        started: Moment(row.try_get(10)?),
        finished: row.try_get::<Option<i64>, _>(11)?.map(Moment),
        moved_to: row.try_get(12)?,
    })
}

impl Store {
    /// Says whether the promotion of another image to a release tag was begun after a moment.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn promoted_since(
        &self,
        to: &Place,
        digest: &Digest,
        asked: Moment,
    ) -> Result<bool, StoreError> {
        let row = sqlx::query(
            "SELECT 1 FROM promotions WHERE registry = $1 AND repository = $2 AND tag = $3 AND digest <> $4 AND started > $5 \
             LIMIT 1",
        )
        .bind(&to.registry)
        .bind(&to.repository)
        .bind(to.tag.as_deref().unwrap_or_default())
        .bind(digest.to_string())
        .bind(asked.0)
        .fetch_optional(&self.pool)
        .await?;
        Ok(row.is_some())
    }

    /// Returns tags of incoming repositories about which there is something to decide: nothing was yet, or the image is another; or it was
    /// not promoted, and what verdicts rest on has changed since or it was last looked at before `again`, since time alone changes
    /// verdicts. What is in the way of a promotion that was refused no verdict changes.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn candidates(
        &self,
        incoming: &Incoming<'_>,
        policy: &str,
        again: Moment,
        limit: i64,
    ) -> Result<Vec<Candidate>, StoreError> {
        let (of_repository, length) = if incoming.below {
            let length = i64::try_from(incoming.repository.chars().count()).unwrap_or(i64::MAX);
            ("substr(t.repository, 1, CAST($2 AS INTEGER)) = $3", length)
        } else {
            ("CAST($2 AS INTEGER) = 0 AND t.repository = $3", 0)
        };
        let sql = format!(
            "SELECT t.registry, t.repository, t.tag, i.digest, i.generation, c.state, c.digest, c.reason FROM tags t \
             JOIN images i ON i.id = t.image LEFT JOIN candidates c ON c.registry = t.registry AND c.repository = t.repository \
             AND c.tag = t.tag AND c.target = $1 \
             WHERE {of_repository} AND t.registry = $4 \
             AND {CURRENT} \
             AND (c.tag IS NULL OR c.digest <> i.digest OR (c.state = 'refused' AND c.policy <> $5) \
             OR (c.state NOT IN ('promoted', 'refused') AND (c.policy <> $6 OR c.generation <> i.generation OR c.looked <= $7))) \
             ORDER BY CASE WHEN c.looked IS NULL THEN 0 ELSE c.looked END, t.id LIMIT $8"
        );
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(key(incoming.target))
            .bind(length)
            .bind(incoming.repository)
            .bind(incoming.registry)
            .bind(key(policy))
            .bind(key(policy))
            .bind(again.0)
            .bind(limit)
            .fetch_all(&self.pool)
            .await?;
        let candidate = |row: &AnyRow| {
            let state: Option<String> = row.try_get(5)?;
            let before = match state.as_deref().and_then(CandidateState::parse) {
                Some(state) => Some((state, row.try_get(6)?, row.try_get(7)?)),
                None => None,
            };
            Ok(Candidate {
                place: Place {
                    registry: row.try_get(0)?,
                    repository: row.try_get(1)?,
                    tag: Some(row.try_get(2)?),
                },
                target: incoming.target.to_owned(),
                digest: digest(row, 3)?,
                generation: row.try_get(4)?,
                before,
            })
        };
        rows.iter().map(candidate).collect()
    }
}

/// Returns the condition under which a promotion is within a scope: both of its repositories are, since it names both.
fn promoted_within(scope: &Scope, first: usize) -> String {
    let source = scope.place("promotions.source_registry", "promotions.source_repository", first);
    format!("{source}{}", scope.place("promotions.registry", "promotions.repository", first))
}

impl View<'_> {
    /// Returns tags of incoming repositories that are denied or refused, those judged last first, from a place in the list on.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn staying(&self, skip: i64, limit: i64) -> Result<Vec<Staying>, StoreError> {
        let source = self.scope.place("c.registry", "c.repository", 3);
        let within = format!("{source}{}", self.scope.named("c.target", 3));
        let sql = format!(
            "SELECT c.registry, c.repository, c.tag, c.target, c.digest, c.state, c.reason, c.looked FROM candidates c \
             WHERE c.state IN ('denied', 'refused'){within} ORDER BY c.looked DESC, c.registry, c.repository, c.tag, c.target \
             LIMIT $1 OFFSET $2"
        );
        let query = self.scope.bind(sqlx::query(sqlx::AssertSqlSafe(sql)).bind(limit).bind(skip));
        let rows = query.fetch_all(&self.store.pool).await?;
        let staying = |row: &AnyRow| {
            let state: String = row.try_get(5)?;
            Ok(Staying {
                place: Place {
                    registry: row.try_get(0)?,
                    repository: row.try_get(1)?,
                    tag: Some(row.try_get(2)?),
                },
                target: row.try_get(3)?,
                digest: digest(row, 4)?,
                state: CandidateState::parse(&state)
                    .ok_or(StoreError::Damaged { what: "candidate", name: state })?,
                reason: row.try_get(6)?,
                looked: Moment(row.try_get(7)?),
            })
        };
        rows.iter().map(staying).collect()
    }

    /// Returns promotions before a number, the newest first.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn newest_promotions(
        &self,
        before: Option<i64>,
        limit: i64,
    ) -> Result<Vec<Promotion>, StoreError> {
        let sql =
            format!("{COLUMNS} WHERE id < $1{} ORDER BY id DESC LIMIT $2", promoted_within(self.scope, 3));
        let query = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(before.unwrap_or(i64::MAX)).bind(limit);
        let rows = self.scope.bind(query).fetch_all(&self.store.pool).await?;
        rows.iter().map(promotion).collect()
    }

    /// Returns promotions after a number, in the order in which they were begun.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn promotions(&self, after: i64, limit: i64) -> Result<Vec<Promotion>, StoreError> {
        let sql = format!("{COLUMNS} WHERE id > $1{} ORDER BY id LIMIT $2", promoted_within(self.scope, 3));
        let query = self.scope.bind(sqlx::query(sqlx::AssertSqlSafe(sql)).bind(after).bind(limit));
        let rows = query.fetch_all(&self.store.pool).await?;
        rows.iter().map(promotion).collect()
    }
}

impl Store {
    /// Returns tags of incoming repositories that are denied or refused, as [`View::staying`] does.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn staying(&self, skip: i64, limit: i64) -> Result<Vec<Staying>, StoreError> {
        self.whole().staying(skip, limit).await
    }

    /// Returns promotions before a number, the newest first.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn newest_promotions(
        &self,
        before: Option<i64>,
        limit: i64,
    ) -> Result<Vec<Promotion>, StoreError> {
        self.whole().newest_promotions(before, limit).await
    }

    /// Returns promotions after a number, in the order in which they were begun.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn promotions(&self, after: i64, limit: i64) -> Result<Vec<Promotion>, StoreError> {
        self.whole().promotions(after, limit).await
    }

    /// Returns how many promotions there are.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn promotion_counts(&self) -> Result<PromotionCounts, StoreError> {
        let row = sqlx::query(
            "SELECT (SELECT COUNT(*) FROM promotions WHERE finished IS NOT NULL), \
             (SELECT COUNT(*) FROM promotions WHERE finished IS NULL), \
             (SELECT COUNT(*) FROM events WHERE kind = 'promoted-tag-moved'), \
             (SELECT COUNT(*) FROM promotions p WHERE p.moved_to IS NOT NULL AND NOT EXISTS (SELECT 1 FROM promotions n \
             WHERE n.registry = p.registry AND n.repository = p.repository AND n.tag = p.tag AND n.finished > p.finished)), \
             (SELECT COUNT(*) FROM candidates WHERE state = 'denied'), \
             (SELECT COUNT(*) FROM candidates WHERE state = 'refused')",
        )
        .fetch_one(&self.pool)
        .await?;
        Ok(PromotionCounts {
            done: row.try_get(0)?,
            open: row.try_get(1)?,
            alarms: row.try_get(2)?,
            moved: row.try_get(3)?,
            denied: row.try_get(4)?,
            refused: row.try_get(5)?,
        })
    }

    /// Returns when an image was last pulled, as far as events told.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn last_pulled(&self, image: &Digest) -> Result<Option<Moment>, StoreError> {
        let row = sqlx::query(
            "SELECT p.last_pulled FROM pulls p JOIN images i ON i.id = p.image WHERE i.digest = $1",
        )
        .bind(image.to_string())
        .fetch_optional(&self.pool)
        .await?;
        Ok(row.map(|row| row.try_get(0)).transpose()?.map(Moment))
    }
}
