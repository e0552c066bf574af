//! What belongs to an image besides its report: bills of materials, and how it was built.

use crate::document::{pack, unpack};
use crate::error::StoreError;
use crate::moment::Moment;
use crate::store::{Store, Work};
use crate::text::{clean, key};
use assay_model::Digest;
use sqlx::Row as _;
use std::time::Duration;

/// How an image was built, as CI says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Build {
    /// What came of it.
    pub digest: Digest,
    /// The commit of the recipe.
    pub recipe: String,
    /// What it was made from, as JSON.
    pub inputs: String,
    /// `success` or `failure`.
    pub outcome: String,
    /// When it began.
    pub started: Moment,
    /// How long it took.
    pub duration: Duration,
    /// What it wrote.
    pub log: Vec<u8>,
}

impl Work {
    /// Keeps a bill of materials.
    ///
    /// # Errors
    /// Fails when the database does not answer, the image was never seen, or the document is larger than anything kept.
    pub async fn save_sbom(
        &mut self,
        digest: &Digest,
        format: &str,
        document: &[u8],
        now: Moment,
    ) -> Result<(), StoreError> {
        let image = self.image_id(digest).await?;
        sqlx::query(
            "INSERT INTO sboms (image, format, created, body) VALUES ($1, $2, $3, $4) \
             ON CONFLICT (image, format) DO UPDATE SET created = excluded.created, body = excluded.body",
        )
        .bind(image)
        .bind(key(format))
        .bind(now.0)
        .bind(pack("bill of materials", &digest.to_string(), document)?)
        .execute(&mut *self.transaction)
        .await?;
        Ok(())
    }

    /// Keeps how an image was built. Also of images that were never pushed: failed builds count, too.
    ///
    /// # Errors
    /// Fails when the database does not answer, or the log is larger than anything kept.
    pub async fn record_build(&mut self, build: &Build) -> Result<(), StoreError> {
        let digest = build.digest.to_string();
        sqlx::query(
            "INSERT INTO builds (digest, recipe, inputs, outcome, started, duration, log) VALUES ($1, $2, $3, $4, $5, $6, $7)",
        )
        .bind(&digest)
        .bind(clean(&build.recipe))
        .bind(clean(&build.inputs))
        .bind(clean(&build.outcome))
        .bind(build.started.0)
        .bind(i64::try_from(build.duration.as_millis()).unwrap_or(i64::MAX))
        .bind(pack("build log", &digest, &build.log)?)
        .execute(&mut *self.transaction)
        .await?;
        Ok(())
    }
}

impl Store {
    /// Returns a bill of materials.
    ///
    /// # Errors
    /// Fails when the database does not answer, or the document is damaged.
    pub async fn sbom(&self, digest: &Digest, format: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let name = digest.to_string();
        let row = sqlx::query(
            "SELECT s.body FROM sboms s JOIN images i ON i.id = s.image WHERE i.digest = $1 AND s.format = $2",
        )
        .bind(&name)
        .bind(key(format))
        .fetch_optional(&self.pool)
        .await?;
        row.map(|row| unpack("bill of materials", &name, &row.try_get::<Vec<u8>, _>(0)?)).transpose()
    }

    /// Returns how an image was built, the newest first.
    ///
    /// # Errors
    /// Fails when the database does not answer, or a log is damaged.
    pub async fn builds(&self, digest: &Digest) -> Result<Vec<Build>, StoreError> {
        let name = digest.to_string();
        let rows = sqlx::query(
            "SELECT digest, recipe, inputs, outcome, started, duration, log FROM builds WHERE digest = $1 ORDER BY id DESC",
        )
        .bind(&name)
        .fetch_all(&self.pool)
        .await?;
        rows.iter()
            .map(|row| {
                Ok(Build {
                    digest: crate::image::digest(row, 0)?,
                    recipe: row.try_get(1)?,
                    inputs: row.try_get(2)?,
                    outcome: row.try_get(3)?,
                    started: Moment(row.try_get(4)?),
                    duration: Duration::from_millis(
                        u64::try_from(row.try_get::<i64, _>(5)?).unwrap_or_default(),
                    ),
                    log: unpack("build log", &name, &row.try_get::<Vec<u8>, _>(6)?)?,
                })
            })
            .collect()
    }
}
