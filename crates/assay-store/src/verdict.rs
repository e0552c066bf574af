//! Stored verdicts: what a policy says of an image in a tier, by which inputs, and until when that may be relied on.

use crate::error::StoreError;
use crate::image::Place;
use crate::moment::Moment;
use crate::scan::rows;
use crate::store::{Store, Work};
use crate::text;
use assay_model::Digest;
use sqlx::any::AnyRow;
use sqlx::{AssertSqlSafe, Row as _};

/// A verdict as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredVerdict {
    /// The policy, by the digest of its text.
    pub policy: String,
    /// The tier.
    pub tier: String,
    /// `admit`, `warn` or `deny`.
    pub verdict: String,
    /// The verdict with its reasons, as JSON.
    pub detail: Vec<u8>,
    /// What it was decided by, as JSON: database, report, evidence, and `registry` and `repository` of the name.
    pub inputs: String,
    /// When it was decided.
    pub decided: Moment,
    /// Until when it may be relied on.
    pub expires: Option<Moment>,
}

impl StoredVerdict {
    /// Says whether it may still be relied on.
    pub fn holds(&self, now: Moment) -> bool {
        self.expires.is_none_or(|expires| now < expires)
    }

    /// Returns the repository by whose name the image was judged, if its inputs say.
    pub(crate) fn place(&self) -> Option<Place> {
        let inputs: serde_json::Value = serde_json::from_str(&self.inputs).ok()?;
        let text = |name: &str| inputs.get(name)?.as_str().map(str::to_owned);
        Some(Place { registry: text("registry")?, repository: text("repository")?, tag: None })
    }
}

impl Work {
    /// Keeps a verdict instead of the one there was for the same policy and tier, unless what it was decided by has changed since
    /// [`Store::generation`] was asked: then nothing is kept, and it is to be decided again. Says whether it was kept.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn save_verdict(
        &mut self,
        digest: &Digest,
        verdict: &StoredVerdict,
        generation: i64,
    ) -> Result<bool, StoreError> {
        let Some(image) = self.hold(digest, generation).await? else { return Ok(false) };
        sqlx::query(
            "INSERT INTO verdicts (image, policy, tier, verdict, detail, inputs, decided, expires) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (image, policy, tier) DO UPDATE SET \
             verdict = excluded.verdict, detail = excluded.detail, inputs = excluded.inputs, decided = excluded.decided, \
             expires = excluded.expires",
        )
        .bind(image)
        .bind(text::key(&verdict.policy))
        .bind(text::key(&verdict.tier))
        .bind(&verdict.verdict)
        .bind(&verdict.detail)
        .bind(text::clean(&verdict.inputs))
        .bind(verdict.decided.0)
        .bind(verdict.expires.map(|moment| moment.0))
        .execute(&mut *self.transaction)
        .await?;
        Ok(true)
    }

    /// Says whether nothing about an image has changed since [`Store::generation`] was asked, and keeps it so until the end of this
    /// transaction.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn is_still(&mut self, digest: &Digest, generation: i64) -> Result<bool, StoreError> {
        Ok(self.hold(digest, generation).await?.is_some())
    }

    /// Keeps images and every index that they are part of as they are until the end of this transaction, so that only it changes them.
    /// All of them are asked for at once, in the order of their numbers, as everybody does who changes several: one image after the
    /// other, each with its indexes, is an order of its own, in which two would wait for one another.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn hold_all(&mut self, digests: &[Digest]) -> Result<(), StoreError> {
        let keep_rows = self.backend.keep_rows();
        if digests.is_empty() || keep_rows.is_empty() {
            return Ok(());
        }
        let choice = rows(digests.len(), 1, |at| format!("${}", at + 1));
        let sql = format!(
            "WITH RECURSIVE whole (id) AS (SELECT id FROM images WHERE digest IN ({choice}) UNION SELECT c.parent FROM children c \
             JOIN whole w ON w.id = c.child) SELECT id FROM images WHERE id IN (SELECT id FROM whole) ORDER BY id{keep_rows}"
        );
        let mut query = sqlx::query(AssertSqlSafe(sql));
        for digest in digests {
            query = query.bind(digest.to_string());
        }
        query.fetch_all(&mut *self.transaction).await?;
        Ok(())
    }

    async fn hold(&mut self, digest: &Digest, generation: i64) -> Result<Option<i64>, StoreError> {
        // Whoever changes it next waits for this transaction, and then sees what it wrote.
        let sql = format!(
            "SELECT id FROM images WHERE digest = $1 AND generation = $2{}",
            self.backend.keep_rows()
        );
        let row = sqlx::query(AssertSqlSafe(sql))
            .bind(digest.to_string())
            .bind(generation)
            .fetch_optional(&mut *self.transaction)
            .await?;
        Ok(row.map(|row| row.try_get(0)).transpose()?)
    }

    /// Forgets the verdicts of an image and of every index that it is part of, because what they were decided by is no longer so.
    /// Verdicts that are being decided meanwhile are not kept.
    ///
    /// # Errors
    /// Fails when the database does not answer, or the image was never seen.
    pub async fn forget_verdicts(&mut self, digest: &Digest) -> Result<u64, StoreError> {
        let image = self.image_id(digest).await?;
        // In the order of their numbers: two that change parts of one index wait for one another, but not in a circle.
        let rows = sqlx::query(
            "WITH RECURSIVE whole (id) AS (SELECT CAST($1 AS BIGINT) UNION SELECT c.parent FROM children c \
             JOIN whole w ON w.id = c.child) SELECT id FROM whole ORDER BY id",
        )
        .bind(image)
        .fetch_all(&mut *self.transaction)
        .await?;
        let mut gone = 0;
        for row in rows {
            let id: i64 = row.try_get(0)?;
            sqlx::query("UPDATE images SET generation = generation + 1 WHERE id = $1")
                .bind(id)
                .execute(&mut *self.transaction)
                .await?;
            let deleted = sqlx::query("DELETE FROM verdicts WHERE image = $1")
                .bind(id)
                .execute(&mut *self.transaction)
                .await?;
            gone += deleted.rows_affected();
        }
        Ok(gone)
    }
}

const COLUMNS: &str = "SELECT v.policy, v.tier, v.verdict, v.detail, v.inputs, v.decided, v.expires FROM verdicts v \
     JOIN images i ON i.id = v.image WHERE i.digest = $1";

fn verdict(row: &AnyRow) -> Result<StoredVerdict, StoreError> {
    Ok(StoredVerdict {
        policy: row.try_get(0)?,
        tier: row.try_get(1)?,
        verdict: row.try_get(2)?,
        detail: row.try_get(3)?,
        inputs: row.try_get(4)?,
        decided: Moment(row.try_get(5)?),
        expires: row.try_get::<Option<i64>, _>(6)?.map(Moment),
    })
}

impl Store {
    /// Returns the verdict about an image by a policy in a tier, also one that expired.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn verdict(
        &self,
        digest: &Digest,
        policy: &str,
        tier: &str,
    ) -> Result<Option<StoredVerdict>, StoreError> {
        let sql = format!("{COLUMNS} AND v.policy = $2 AND v.tier = $3");
        let row = sqlx::query(AssertSqlSafe(sql))
            .bind(digest.to_string())
            .bind(text::key(policy))
            .bind(text::key(tier))
            .fetch_optional(&self.pool)
            .await?;
        row.as_ref().map(verdict).transpose()
    }

    /// Returns how often what verdicts about an image are decided by has changed; `None` when it was never seen. To be asked before
    /// it is read.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn generation(&self, digest: &Digest) -> Result<Option<i64>, StoreError> {
        let row = sqlx::query("SELECT generation FROM images WHERE digest = $1")
            .bind(digest.to_string())
            .fetch_optional(&self.pool)
            .await?;
        Ok(row.map(|row| row.try_get(0)).transpose()?)
    }

    /// Forgets verdicts that may no more be relied on; returns how many. Every new label of a pod makes another.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn forget_expired_verdicts(&self, now: Moment) -> Result<u64, StoreError> {
        let gone =
            sqlx::query("DELETE FROM verdicts WHERE expires <= $1").bind(now.0).execute(&self.pool).await?;
        Ok(gone.rows_affected())
    }

    /// Returns the verdicts about an image, expired ones included, by policy and tier.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn verdicts(&self, digest: &Digest) -> Result<Vec<StoredVerdict>, StoreError> {
        let sql = format!("{COLUMNS} ORDER BY v.policy, v.tier");
        let rows = sqlx::query(AssertSqlSafe(sql)).bind(digest.to_string()).fetch_all(&self.pool).await?;
        rows.iter().map(verdict).collect()
    }
}
