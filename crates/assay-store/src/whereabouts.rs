//! Where images are: which tags name them, which services run them, and which newer image of the same repository could take their place.

use crate::error::StoreError;
use crate::image::{self, CURRENT};
use crate::moment::Moment;
use crate::scan::{ROWS, rows};
use crate::store::Store;
use crate::text;
use crate::view::View;
use assay_model::{Digest, FindingKind};
use sqlx::{AssertSqlSafe, Row as _};
use std::collections::BTreeMap;

/// Tags that are told of one image, and services.
const TOLD: i64 = 20;

/// The newest images of a repository, among which the one is looked for that could take the place of another.
const NEWEST: i64 = 50;

/// A service that runs an image.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct RunsIn {
    /// The environment.
    pub environment: String,
    /// The service.
    pub service: String,
    /// Since when.
    pub since: Moment,
}

/// Where an image is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Whereabouts {
    /// The tags that name it now, as `registry/repository:tag`, some at most.
    pub tags: Vec<String>,
    /// The services that run it, by itself or in an index, some at most.
    pub running: Vec<RunsIn>,
}

/// A scanned image of a repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Successor {
    /// Its number: newer images have higher ones.
    pub id: i64,
    /// Its digest.
    pub digest: Digest,
    /// The tag that it was last given.
    pub tag: Option<String>,
}

/// What may be in an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Question<'a> {
    /// A finding that counts, by any identifier, perhaps of one kind.
    Finding(&'a str, Option<FindingKind>),
    /// A package, in one ecosystem or any.
    Package(Option<&'a str>, &'a str),
    /// A file of this SHA-256.
    File(&'a [u8; 32]),
}

impl Store {
    /// Returns where images are, by their numbers.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn whereabouts(&self, images: &[i64]) -> Result<BTreeMap<i64, Whereabouts>, StoreError> {
        self.whole().whereabouts(images).await
    }

    /// Returns the newest image of a repository without something, as [`View::newest_without`] does.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn newest_without(
        &self,
        repository: (&str, &str),
        question: Question<'_>,
        counts: impl Fn(&str) -> bool,
    ) -> Result<Option<Successor>, StoreError> {
        self.whole().newest_without(repository, question, counts).await
    }
}

impl View<'_> {
    /// Returns where images are, by their numbers.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn whereabouts(&self, images: &[i64]) -> Result<BTreeMap<i64, Whereabouts>, StoreError> {
        let mut all: BTreeMap<i64, Whereabouts> =
            images.iter().map(|id| (*id, Whereabouts::default())).collect();
        for chunk in images.chunks(ROWS) {
            let choice = rows(chunk.len(), 1, |at| format!("CAST(${} AS BIGINT)", at + 1));
            let place = self.scope.place("t.registry", "t.repository", chunk.len() + 1);
            let sql = format!(
                "SELECT image, registry, repository, tag FROM (SELECT t.id, t.image, t.registry, t.repository, t.tag, \
                 ROW_NUMBER() OVER (PARTITION BY t.image ORDER BY t.id DESC) AS place FROM tags t WHERE t.image IN ({choice}) \
                 AND {CURRENT}{place}) named WHERE place <= {TOLD} ORDER BY image, registry, repository, tag"
            );
            let mut query = sqlx::query(AssertSqlSafe(sql));
            for id in chunk {
                query = query.bind(*id);
            }
            for row in self.scope.bind(query).fetch_all(&self.store.pool).await? {
                let (registry, repository, tag): (String, String, String) =
                    (row.try_get(1)?, row.try_get(2)?, row.try_get(3)?);
                let tags = &mut all.entry(row.try_get(0)?).or_default().tags;
                tags.push(format!("{registry}/{repository}:{tag}"));
            }
            let deployment = self.scope.deployment("d", chunk.len() + 1);
            let sql = format!(
                "WITH RECURSIVE whole (image, id) AS (SELECT i.id, i.id FROM images i WHERE i.id IN ({choice}) \
                 UNION SELECT w.image, c.parent FROM children c JOIN whole w ON w.id = c.child) \
                 SELECT image, environment, service, since FROM (SELECT w.image, d.environment, d.service, d.since, ROW_NUMBER() OVER \
                 (PARTITION BY w.image ORDER BY d.environment, d.service, d.id) AS place FROM whole w JOIN deployments d \
                 ON d.image = w.id WHERE d.ended IS NULL{deployment}) running WHERE place <= {TOLD} ORDER BY image, environment, service"
            );
            let mut query = sqlx::query(AssertSqlSafe(sql));
            for id in chunk {
                query = query.bind(*id);
            }
            for row in self.scope.bind(query).fetch_all(&self.store.pool).await? {
                let running = &mut all.entry(row.try_get(0)?).or_default().running;
                running.push(RunsIn {
                    environment: row.try_get(1)?,
                    service: row.try_get(2)?,
                    since: Moment(row.try_get(3)?),
                });
            }
        }
        Ok(all)
    }

    /// Returns the newest image of a repository that is newer than another and in which something is not, as far as is known: it was
    /// scanned, not only in part, and for a file its files are known in full. Only some of the newest images are looked at. `counts` says of each version of
    /// a package whether it is what was asked about; of other questions it is not asked.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn newest_without(
        &self,
        (registry, repository): (&str, &str),
        question: Question<'_>,
        counts: impl Fn(&str) -> bool,
    ) -> Result<Option<Successor>, StoreError> {
        let sql = format!(
            "SELECT i.id, i.digest, (SELECT t.tag FROM tags t WHERE t.image = i.id AND t.registry = i.registry \
             AND t.repository = i.repository ORDER BY t.id DESC LIMIT 1), i.files_left_out FROM images i \
             WHERE i.registry = $1 AND i.repository = $2 AND EXISTS (SELECT 1 FROM reports r WHERE r.image = i.id \
             AND r.depth <> 'partial'){} ORDER BY i.id DESC LIMIT $3",
            self.scope.place("i.registry", "i.repository", 4)
        );
        let query = sqlx::query(AssertSqlSafe(sql))
            .bind(text::clean(registry))
            .bind(text::clean(repository))
            .bind(NEWEST);
        let candidates = self.scope.bind(query).fetch_all(&self.store.pool).await?;
        for row in &candidates {
            let id: i64 = row.try_get(0)?;
            let known: Option<i64> = row.try_get(3)?;
            if matches!(question, Question::File(_)) && known != Some(0) {
                continue;
            }
            if !self.has(id, question, &counts).await? {
                return Ok(Some(Successor { id, digest: image::digest(row, 1)?, tag: row.try_get(2)? }));
            }
        }
        Ok(None)
    }

    async fn has(
        &self,
        image: i64,
        question: Question<'_>,
        counts: impl Fn(&str) -> bool,
    ) -> Result<bool, StoreError> {
        let rows = match question {
            Question::Finding(name, kind) => {
                let of_kind =
                    kind.map(|kind| format!(" AND f.kind = '{}'", kind.name())).unwrap_or_default();
                let sql = format!(
                    "SELECT f.rule FROM findings f JOIN finding_names n ON n.finding = f.id WHERE n.name = $1 AND f.image = $2 \
                     AND f.gone_at IS NULL AND f.suppressed = 0{of_kind} LIMIT 1"
                );
                let query = sqlx::query(AssertSqlSafe(sql)).bind(text::key(name)).bind(image);
                query.fetch_all(&self.store.pool).await?
            }
            Question::Package(ecosystem, name) => {
                let ecosystem = text::key(ecosystem.unwrap_or_default());
                sqlx::query(
                    "SELECT x.version FROM packages p JOIN image_packages x ON x.package = p.id WHERE p.name = $1 \
                     AND ($2 = '' OR p.ecosystem = $3) AND x.image = $4",
                )
                .bind(text::key(name))
                .bind(&ecosystem)
                .bind(&ecosystem)
                .bind(image)
                .fetch_all(&self.store.pool)
                .await?
            }
            Question::File(sha256) => {
                sqlx::query(
                    "SELECT f.path FROM files f JOIN image_files x ON x.file = f.id WHERE f.sha256 = $1 AND x.image = $2 LIMIT 1",
                )
                .bind(sha256.to_vec())
                .bind(image)
                .fetch_all(&self.store.pool)
                .await?
            }
        };
        for row in rows {
            let found: String = row.try_get(0)?;
            if !matches!(question, Question::Package(..)) || counts(&found) {
                return Ok(true);
            }
        }
        Ok(false)
    }
}
