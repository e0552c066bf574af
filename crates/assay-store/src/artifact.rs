//! Signatures and attestations that were seen of an image.

use crate::error::StoreError;
use crate::moment::Moment;
use crate::store::{Store, Work};
use crate::text::clean;
use assay_model::Digest;
use sqlx::Row as _;
use std::collections::BTreeSet;

/// A signature, attestation or other artifact that refers to an image.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct EvidenceSeen {
    /// Its own digest.
    pub digest: Digest,
    /// Its kind: the artifact type, or the predicate type of an attestation.
    pub kind: String,
}

impl Work {
    /// Records all the evidence there is for an image now; says whether that is another set than before, which changes verdicts.
    ///
    /// # Errors
    /// Fails when the database does not answer, or the image was never seen.
    pub async fn see_evidence(
        &mut self,
        digest: &Digest,
        seen: &BTreeSet<EvidenceSeen>,
        now: Moment,
    ) -> Result<bool, StoreError> {
        let image = self.image_id(digest).await?;
        let rows = sqlx::query("SELECT digest FROM evidence WHERE image = $1 AND gone_at IS NULL")
            .bind(image)
            .fetch_all(&mut *self.transaction)
            .await?;
        let mut before = BTreeSet::new();
        for row in rows {
            before.insert(row.try_get::<String, _>(0)?);
        }
        let mut changed = false;
        for one in seen {
            changed |= !before.remove(&one.digest.to_string());
            sqlx::query(
                "INSERT INTO evidence (image, digest, kind, first_seen) VALUES ($1, $2, $3, $4) \
                 ON CONFLICT (image, digest) DO UPDATE SET kind = excluded.kind, gone_at = NULL",
            )
            .bind(image)
            .bind(one.digest.to_string())
            .bind(clean(&one.kind))
            .bind(now.0)
            .execute(&mut *self.transaction)
            .await?;
        }
        for gone in before {
            changed = true;
            sqlx::query("UPDATE evidence SET gone_at = $1 WHERE image = $2 AND digest = $3")
                .bind(now.0)
                .bind(image)
                .bind(gone)
                .execute(&mut *self.transaction)
                .await?;
        }
        Ok(changed)
    }
}

impl Store {
    /// Returns the evidence there is for an image.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn evidence(&self, digest: &Digest) -> Result<BTreeSet<EvidenceSeen>, StoreError> {
        let rows = sqlx::query(
            "SELECT e.digest, e.kind FROM evidence e JOIN images i ON i.id = e.image WHERE i.digest = $1 AND e.gone_at IS NULL",
        )
        .bind(digest.to_string())
        .fetch_all(&self.pool)
        .await?;
        rows.iter()
            .map(|row| Ok(EvidenceSeen { digest: crate::image::digest(row, 0)?, kind: row.try_get(1)? }))
            .collect()
    }
}
