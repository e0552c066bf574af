//! Stored verdicts: what a policy says of an image in a tier, by which inputs, and until when that may be relied on.

use crate::error::StoreError;
use crate::moment::Moment;
use crate::store::{Store, Work};
use assay_model::Digest;
use sqlx::Row as _;

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
    /// What it was decided by, as JSON: database, report, evidence.
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
}

impl Work {
    /// Keeps a verdict instead of the one there was for the same policy and tier.
    ///
    /// # Errors
    /// Fails when the database does not answer, or the image was never seen.
    pub async fn save_verdict(&mut self, digest: &Digest, verdict: &StoredVerdict) -> Result<(), StoreError> {
        let image = self.image_id(digest).await?;
        sqlx::query(
            "INSERT INTO verdicts (image, policy, tier, verdict, detail, inputs, decided, expires) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (image, policy, tier) DO UPDATE SET \
             verdict = excluded.verdict, detail = excluded.detail, inputs = excluded.inputs, decided = excluded.decided, \
             expires = excluded.expires",
        )
        .bind(image)
        .bind(&verdict.policy)
        .bind(&verdict.tier)
        .bind(&verdict.verdict)
        .bind(&verdict.detail)
        .bind(&verdict.inputs)
        .bind(verdict.decided.0)
        .bind(verdict.expires.map(|moment| moment.0))
        .execute(&mut *self.transaction)
        .await?;
        Ok(())
    }

    /// Forgets the verdicts of an image, because what they were decided by is no longer so.
    ///
    /// # Errors
    /// Fails when the database does not answer, or the image was never seen.
    pub async fn forget_verdicts(&mut self, digest: &Digest) -> Result<u64, StoreError> {
        let image = self.image_id(digest).await?;
        let gone = sqlx::query("DELETE FROM verdicts WHERE image = $1")
            .bind(image)
            .execute(&mut *self.transaction)
            .await?;
        Ok(gone.rows_affected())
    }
}

impl Store {
    /// Returns the verdicts about an image, expired ones included, by policy and tier.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn verdicts(&self, digest: &Digest) -> Result<Vec<StoredVerdict>, StoreError> {
        let rows = sqlx::query(
            "SELECT v.policy, v.tier, v.verdict, v.detail, v.inputs, v.decided, v.expires FROM verdicts v \
             JOIN images i ON i.id = v.image WHERE i.digest = $1 ORDER BY v.policy, v.tier",
        )
        .bind(digest.to_string())
        .fetch_all(&self.pool)
        .await?;
        rows.iter()
            .map(|row| {
                Ok(StoredVerdict {
                    policy: row.try_get(0)?,
                    tier: row.try_get(1)?,
                    verdict: row.try_get(2)?,
                    detail: row.try_get(3)?,
                    inputs: row.try_get(4)?,
                    decided: Moment(row.try_get(5)?),
                    expires: row.try_get::<Option<i64>, _>(6)?.map(Moment),
                })
            })
            .collect()
    }
}
