//! In which images a file is, by the SHA-256 of its content: of those files that somebody looked at one by one.

use crate::blast::{Hit, Where};
use crate::error::StoreError;
use crate::hits::{Asked, Having, MANY, Page, each};
use crate::scan::{ROWS, rows};
use crate::store::{Store, Work};
use crate::text::key;
use crate::view::View;
use assay_model::Digest;
use sqlx::{AssertSqlSafe, Row as _};
use std::collections::BTreeSet;

/// Files that are kept of one image. An image of a whole Debian desktop has some 7,000 programs, libraries and scripts.
pub const MAX_FILES: usize = 20_000;

/// How often files are written that others delete meanwhile.
const MAX_TRIES: usize = 5;

/// A file of an image.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct FileSeen {
    /// The digest of its content.
    pub sha256: [u8; 32],
    /// Its path, without a leading `/`.
    pub path: String,
}

/// Of how many images files are known: a file that is in none of them may be in another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FilesKnown {
    /// Images whose files were looked at one by one.
    pub images: i64,
    /// Of those, images with more files than are kept.
    pub in_part: i64,
    /// All images that were scanned.
    pub scanned: i64,
}

impl Work {
    /// Records which files an image has, instead of those that were recorded before; more than [`MAX_FILES`] are left out, and that is
    /// recorded as well.
    ///
    /// # Errors
    /// Fails when the database does not answer, or the image was never seen.
    pub async fn save_files(&mut self, digest: &Digest, files: &[FileSeen]) -> Result<(), StoreError> {
        let image = self.image_id(digest).await?;
        // Sorted: two scans that write the same new files in different orders would wait for one another for ever.
        let all: BTreeSet<([u8; 32], String)> =
            files.iter().map(|file| (file.sha256, key(&file.path))).collect();
        let kept: Vec<&([u8; 32], String)> = all.iter().take(MAX_FILES).collect();
        sqlx::query("UPDATE images SET files_left_out = $1 WHERE id = $2")
            .bind(i64::from(all.len() > kept.len()))
            .bind(image)
            .execute(&mut *self.transaction)
            .await?;
        sqlx::query("DELETE FROM image_files WHERE image = $1")
            .bind(image)
            .execute(&mut *self.transaction)
            .await?;
        for chunk in kept.chunks(ROWS) {
            let mut missing = u64::try_from(chunk.len()).unwrap_or(u64::MAX);
            // Of what was there already, pruning may have deleted some before it was kept from that.
            for _ in 0..MAX_TRIES {
                missing = missing.saturating_sub(self.refer_to_files(image, chunk).await?);
                if missing == 0 {
                    break;
                }
            }
            if missing > 0 {
                return Err(StoreError::Database(sqlx::Error::RowNotFound));
            }
        }
        Ok(())
    }

    /// Writes that an image has files; returns how many of them that was not yet written of.
    async fn refer_to_files(&mut self, image: i64, chunk: &[&([u8; 32], String)]) -> Result<u64, StoreError> {
        let pairs = rows(chunk.len(), 2, |at| format!("(${}, ${})", at + 1, at + 2));
        let of_image = rows(chunk.len(), 2, |at| format!("(${}, ${})", at + 2, at + 3));
        let new =
            format!("INSERT INTO files (sha256, path) VALUES {pairs} ON CONFLICT (sha256, path) DO NOTHING");
        let mut query = sqlx::query(self.backend.with_many(new));
        for (sha256, path) in chunk {
            query = query.bind(sha256.to_vec()).bind(path.as_str());
        }
        query.execute(&mut *self.transaction).await?;
        let has = format!(
            "INSERT INTO image_files (file, image) SELECT id, CAST($1 AS BIGINT) FROM (SELECT id FROM files \
             WHERE (sha256, path) IN (VALUES {of_image}) ORDER BY id{}) kept WHERE 1 = 1 ON CONFLICT DO NOTHING",
            self.backend.share_rows()
        );
        let mut query = sqlx::query(self.backend.with_many(has)).bind(image);
        for (sha256, path) in chunk {
            query = query.bind(sha256.to_vec()).bind(path.as_str());
        }
        Ok(query.execute(&mut *self.transaction).await?.rows_affected())
    }
}

impl Store {
    /// Returns the images that have a file of this content, as [`View::images_with_file`] does.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn images_with_file(
        &self,
        place: &Where,
        sha256: &[u8; 32],
        after: i64,
        limit: i64,
    ) -> Result<Vec<Hit>, StoreError> {
        self.whole().images_with_file(place, sha256, after, limit).await
    }

    /// Returns of how many images files are known.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn files_known(&self) -> Result<FilesKnown, StoreError> {
        self.whole().files_known().await
    }
}

impl View<'_> {
    /// Returns the images that have a file of this content, those that were seen somewhere and after a number. The limit counts images,
    /// of each of which there is a hit for every path that it has.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn images_with_file(
        &self,
        place: &Where,
        sha256: &[u8; 32],
        after: i64,
        limit: i64,
    ) -> Result<Vec<Hit>, StoreError> {
        let files = sqlx::query("SELECT id FROM files WHERE sha256 = $1 ORDER BY id LIMIT $2")
            .bind(sha256.to_vec())
            .bind(i64::try_from(MANY).unwrap_or(i64::MAX))
            .fetch_all(&self.store.pool)
            .await?;
        let numbers = files.iter().map(|row| row.try_get(0)).collect::<Result<Vec<i64>, _>>()?;
        let (conditions, numbers) = match numbers.len() {
            0 => return Ok(Vec::new()),
            // A file that is empty, or the same in every package, may have very many paths.
            MANY.. => (vec!["m.file IN (SELECT id FROM files WHERE sha256 = $1)".to_owned()], Vec::new()),
            _ => (each("file", &numbers), numbers),
        };
        let page = Page { asked: Asked::Sha256(sha256), place, after, limit, numbers: &numbers };
        let [registry, repository] = self.scope.name("i", page.teams());
        let select = format!(
            "SELECT i.id, i.digest, {registry}, {repository}, '', NULL, NULL, '', i.first_seen, f.path, NULL \
             FROM files f CROSS JOIN image_files x CROSS JOIN images i WHERE f.sha256 = $1 AND x.file = f.id AND x.image > $2 \
             AND x.image <= (SELECT MAX(image) FROM chosen) AND +x.image IN (SELECT image FROM chosen) AND i.id = x.image \
             ORDER BY i.id, f.path"
        );
        self.hits(&page, &Having { table: "image_files", conditions }, &select).await
    }

    /// Returns of how many images files are known.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn files_known(&self) -> Result<FilesKnown, StoreError> {
        let sql = format!(
            "SELECT (SELECT COUNT(*) FROM images i WHERE i.files_left_out IS NOT NULL{within}), \
             (SELECT COUNT(*) FROM images i WHERE i.files_left_out = 1{within}), \
             (SELECT COUNT(*) FROM (SELECT DISTINCT r.image FROM reports r WHERE 1 = 1{}) known)",
            self.scope.images("r.image", 1),
            within = self.scope.images("i.id", 1)
        );
        let row = self.scope.bind(sqlx::query(AssertSqlSafe(sql))).fetch_one(&self.store.pool).await?;
        Ok(FilesKnown { images: row.try_get(0)?, in_part: row.try_get(1)?, scanned: row.try_get(2)? })
    }
}
