//! Bills of materials that somebody gave of an image, as they came.

use crate::error::StoreError;
use crate::moment::Moment;
use crate::object::{Document, Stored};
use crate::store::{Store, Work};
use crate::text::key;
use assay_model::Digest;
use sqlx::Row as _;

const SBOM: &str = "bill of materials";

/// A bill of materials to keep.
#[derive(Debug, Clone, Copy)]
pub struct NewSbom<'a> {
    /// Its format.
    pub format: &'a str,
    /// The document.
    pub document: &'a Document,
    /// How complete it is, in percent.
    pub score: u64,
    /// How many packages it names.
    pub packages: u64,
}

/// What there is to say about a bill of materials without reading it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SbomFound {
    /// Its format.
    pub format: String,
    /// When it came.
    pub created: Moment,
    /// How complete it is, in percent.
    pub score: i64,
    /// How many packages it names.
    pub packages: i64,
}

impl Work {
    /// Keeps a bill of materials that nobody judged.
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
        let document = Document::inline(SBOM, &digest.to_string(), document)?;
        self.keep_sbom(digest, &NewSbom { format, document: &document, score: 0, packages: 0 }, now).await
    }

    /// Keeps a bill of materials instead of the one of this format that there was.
    ///
    /// # Errors
    /// Fails when the database does not answer, or the image was never seen.
    pub async fn keep_sbom(
        &mut self,
        digest: &Digest,
        sbom: &NewSbom<'_>,
        now: Moment,
    ) -> Result<(), StoreError> {
        let image = self.image_id(digest).await?;
        let (body, object) = self.refer(sbom.document).await?;
        sqlx::query(
            "INSERT INTO sboms (image, format, created, body, object, score, packages) VALUES ($1, $2, $3, $4, $5, $6, $7) \
             ON CONFLICT (image, format) DO UPDATE SET created = excluded.created, body = excluded.body, object = excluded.object, \
             score = excluded.score, packages = excluded.packages",
        )
        .bind(image)
        .bind(key(sbom.format))
        .bind(now.0)
        .bind(body)
        .bind(object)
        .bind(i64::try_from(sbom.score).unwrap_or(i64::MAX))
        .bind(i64::try_from(sbom.packages).unwrap_or(i64::MAX))
        .execute(&mut *self.transaction)
        .await?;
        Ok(())
    }
}

impl Store {
    /// Returns a bill of materials.
    ///
    /// # Errors
    /// Fails when the database or the object storage does not answer, or the document is damaged.
    pub async fn sbom(&self, digest: &Digest, format: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let name = digest.to_string();
        let row = sqlx::query(
            "SELECT s.body, s.object FROM sboms s JOIN images i ON i.id = s.image WHERE i.digest = $1 AND s.format = $2",
        )
        .bind(&name)
        .bind(key(format))
        .fetch_optional(&self.pool)
        .await?;
        let Some(row) = row else { return Ok(None) };
        self.unpacked(SBOM, &name, Stored::read(&row, 0)?).await.map(Some)
    }

    /// Returns the bills of materials of an image, by format.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn sboms(&self, digest: &Digest) -> Result<Vec<SbomFound>, StoreError> {
        let rows = sqlx::query(
            "SELECT s.format, s.created, s.score, s.packages FROM sboms s JOIN images i ON i.id = s.image \
             WHERE i.digest = $1 ORDER BY s.format",
        )
        .bind(digest.to_string())
        .fetch_all(&self.pool)
        .await?;
        rows.iter()
            .map(|row| {
                Ok(SbomFound {
                    format: row.try_get(0)?,
                    created: Moment(row.try_get(1)?),
                    score: row.try_get(2)?,
                    packages: row.try_get(3)?,
                })
            })
            .collect()
    }
}
