//! What an image may be built on: images whose layers are the first of its own, each found by the chain of its layers.
//!
//! A chain identifies layers in their order, as the `ChainID` of the image specification does
//! (<https://github.com/opencontainers/image-spec/blob/main/config.md#layer-chainid>). Only verified digests of contents are in it.

use crate::error::StoreError;
use crate::image::{self, CURRENT};
use crate::moment::Moment;
use crate::scan::rows;
use crate::store::{Store, Work};
use crate::text::clean;
use assay_model::{DiffId, Digest, Image};
use sha2::{Digest as _, Sha256};
use sqlx::any::AnyRow;
use sqlx::{AssertSqlSafe, Row as _};

/// Layers of an image that has more are known to be no base, and its bases are not looked for: overlay file systems take 128.
pub const MAX_LAYERS: usize = 500;
/// Images that are told of at once.
const MAX_TOLD: i64 = 2000;

/// An image that was scanned, under one of its names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BaseImage {
    /// Its digest.
    pub digest: Digest,
    /// The registry it was seen in.
    pub registry: String,
    /// The repository it was seen in.
    pub repository: String,
    /// A tag that names it, or its index, there now.
    pub tag: Option<String>,
    /// The digest of its configuration.
    pub image_id: Option<Digest>,
    /// What it runs on.
    pub platform: Option<String>,
    /// When it was built, as it claims.
    pub made: Option<Moment>,
    /// What identifies its layers.
    pub chain: String,
    /// How many layers of the image that was asked about are its; nothing where they are not.
    pub layers: Option<usize>,
}

/// Returns what identifies the first layer, the first two, and so on up to all.
fn chains(layers: impl Iterator<Item = Option<DiffId>>) -> Option<Vec<Digest>> {
    let mut chains: Vec<Digest> = Vec::new();
    for layer in layers {
        let layer = layer?.0;
        chains.push(match chains.last() {
            None => layer,
            Some(below) => Digest::Sha256(Sha256::digest(format!("{below} {layer}")).into()),
        });
    }
    (1..=MAX_LAYERS).contains(&chains.len()).then_some(chains)
}

impl Work {
    /// Writes down by what an image is found to be a base, or to have one.
    pub(crate) async fn save_chain(&mut self, id: i64, image: &Image) -> Result<(), StoreError> {
        let chains = chains(image.layers.iter().map(|layer| layer.diff_id)).unwrap_or_default();
        let texts: Vec<String> = chains.iter().map(ToString::to_string).collect();
        sqlx::query("UPDATE images SET image_id = $1, platform = $2, chain = $3, chains = $4 WHERE id = $5")
            .bind(image.image_id.map(|digest| digest.to_string()))
            .bind(image.platform.as_ref().map(|platform| clean(&platform.to_string())))
            .bind(texts.last())
            .bind((!texts.is_empty()).then(|| texts.join(" ")))
            .bind(id)
            .execute(&mut *self.transaction)
            .await?;
        Ok(())
    }
}

/// An image under each name that it has now, and under its digest where it has none. A tag of an index names its images.
const NAMED: &str = "SELECT i.digest, p.registry, p.repository, t.tag, i.image_id, i.platform, i.made, i.chain FROM images i \
     JOIN image_places p ON p.image = i.id LEFT JOIN tags t ON t.registry = p.registry AND t.repository = p.repository \
     AND (t.image = i.id OR t.image IN (SELECT c.parent FROM children c WHERE c.child = i.id)) AND";

fn base(row: &AnyRow, chains: &[&str]) -> Result<BaseImage, StoreError> {
    let chain: String = row.try_get(7)?;
    let image_id: Option<String> = row.try_get(4)?;
    Ok(BaseImage {
        digest: image::digest(row, 0)?,
        registry: row.try_get(1)?,
        repository: row.try_get(2)?,
        tag: row.try_get(3)?,
        image_id: image_id.and_then(|text| text.parse().ok()),
        platform: row.try_get(5)?,
        made: row.try_get::<Option<i64>, _>(6)?.map(Moment),
        layers: chains.iter().position(|one| *one == chain).map(|index| index + 1),
        chain,
    })
}

impl Store {
    /// Returns the images whose layers are the first of this one's, or all of them; those with the most layers first. With `within`, only
    /// those of these repositories, each with its registry: of all there may be more than are told of, as anybody can push images of the
    /// same layers.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn bases(&self, digest: &Digest, within: &[String]) -> Result<Vec<BaseImage>, StoreError> {
        let row = sqlx::query("SELECT chains FROM images WHERE digest = $1")
            .bind(digest.to_string())
            .fetch_optional(&self.pool)
            .await?;
        let text: Option<String> = row.map(|row| row.try_get(0)).transpose()?.flatten();
        let chains: Vec<&str> = text.as_deref().unwrap_or_default().split_ascii_whitespace().collect();
        if chains.is_empty() {
            return Ok(Vec::new());
        }
        let choice = rows(chains.len(), 1, |at| format!("${}", at + 1));
        let next = chains.len() + 1;
        let places = rows(within.len(), 1, |at| format!("${}", at + next + 2));
        let places = match within {
            [] => String::new(),
            _ => format!("AND p.registry || '/' || p.repository IN ({places})"),
        };
        let sql = format!(
            "{NAMED} {CURRENT} WHERE i.chain IN ({choice}) AND i.digest <> ${next} {places} ORDER BY LENGTH(i.chains) DESC, i.id, p.registry, \
             p.repository, t.tag LIMIT ${}",
            next + 1
        );
        let mut query = sqlx::query(AssertSqlSafe(sql));
        for chain in &chains {
            query = query.bind(*chain);
        }
        query = query.bind(digest.to_string()).bind(MAX_TOLD);
        for place in within {
            query = query.bind(place.as_str());
        }
        let rows = query.fetch_all(&self.pool).await?;
        rows.iter().map(|row| base(row, &chains)).collect()
    }

    /// Returns the scanned images of a repository that a tag names now, and whether those are all that there are: it was listed, and nothing
    /// of it waits to be scanned.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn images_in(
        &self,
        registry: &str,
        repository: &str,
    ) -> Result<(Vec<BaseImage>, bool), StoreError> {
        let sql = format!(
            "{NAMED} {CURRENT} WHERE p.registry = $1 AND p.repository = $2 AND i.chain IS NOT NULL AND t.tag IS NOT NULL \
             ORDER BY i.id, t.tag LIMIT $3"
        );
        let rows = sqlx::query(AssertSqlSafe(sql))
            .bind(registry)
            .bind(repository)
            .bind(MAX_TOLD)
            .fetch_all(&self.pool)
            .await?;
        let images = rows.iter().map(|row| base(row, &[])).collect::<Result<Vec<_>, _>>()?;
        let known = "i.chain IS NOT NULL OR i.refused IS NOT NULL";
        let sql = format!(
            "SELECT (SELECT COUNT(*) FROM crawls WHERE registry = $1 AND repository = $2 AND listed IS NOT NULL AND complete = 1), \
             (SELECT COUNT(*) FROM listed_tags l WHERE l.registry = $3 AND l.repository = $4 AND l.gone_at IS NULL \
             AND NOT EXISTS (SELECT 1 FROM tags t JOIN images i ON i.id = t.image WHERE t.registry = l.registry \
             AND t.repository = l.repository AND t.tag = l.tag AND {CURRENT} AND ({known} OR (EXISTS (SELECT 1 FROM children c \
             WHERE c.parent = t.image) AND NOT EXISTS (SELECT 1 FROM children c JOIN images i ON i.id = c.child \
             WHERE c.parent = t.image AND NOT ({known}))))))"
        );
        let row = sqlx::query(AssertSqlSafe(sql))
            .bind(registry)
            .bind(repository)
            .bind(registry)
            .bind(repository)
            .fetch_one(&self.pool)
            .await?;
        let (listed, unread): (i64, i64) = (row.try_get(0)?, row.try_get(1)?);
        let is_cut = i64::try_from(images.len()).is_ok_and(|count| count >= MAX_TOLD);
        Ok((images, listed > 0 && unread == 0 && !is_cut))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chains_are_those_of_the_specification() {
        let layer = |byte: u8| Some(DiffId(Digest::Sha256([byte; 32])));
        let all = chains([layer(1), layer(2)].into_iter()).unwrap();
        assert_eq!(all[0], Digest::Sha256([1; 32]));
        let text = format!("sha256:{} sha256:{}", "01".repeat(32), "02".repeat(32));
        assert_eq!(all[1], Digest::Sha256(Sha256::digest(text).into()));
        assert_eq!(chains([layer(1), None].into_iter()), None);
        assert_eq!(chains(std::iter::empty()), None);
        assert_eq!(chains((0..=MAX_LAYERS).map(|_| layer(1))), None);
    }
}
