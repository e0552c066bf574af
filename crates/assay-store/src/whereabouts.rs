//! Where images are: which tags name them, which services run them, and which newer image of the same repository could take their place.

use crate::error::StoreError;
use crate::image::{self, CURRENT};
use crate::moment::Moment;
use crate::scan::{ROWS, rows};
use crate::store::Store;
use crate::text;
use crate::view::View;
use assay_model::{Digest, FindingKind};
use sqlx::Row as _;
use std::collections::{BTreeMap, BTreeSet};

/// Tags that are told of one image, and services.
const TOLD: i64 = 20;

/// The newest images of a repository, among which the one is looked for that could take the place of another.
const NEWEST: i64 = 50;

/// Candidates that are looked at by one statement, which does little about each.
const LOOKED_UP: usize = 1000;

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

    /// Returns of repositories the newest image without something, as [`View::newest_without`] does.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn newest_without(
        &self,
        repositories: &BTreeMap<(String, String), i64>,
        question: Question<'_>,
        counts: impl Fn(&str) -> bool,
    ) -> Result<BTreeMap<(String, String), Successor>, StoreError> {
        self.whole().newest_without(repositories, question, counts).await
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
            let mut query = sqlx::query(self.with_many(sql));
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
            let mut query = sqlx::query(self.with_many(sql));
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

    /// Returns of repositories the newest image in which something is not, as far as is known: it was scanned, not only in part, and for a
    /// file its files are known in full. Only some of the newest images are looked at, and only those that are newer than the one of the
    /// number that stands with the repository. `counts` says of each version of a package whether it is what was asked about; of other
    /// questions it is not asked.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn newest_without(
        &self,
        repositories: &BTreeMap<(String, String), i64>,
        question: Question<'_>,
        counts: impl Fn(&str) -> bool,
    ) -> Result<BTreeMap<(String, String), Successor>, StoreError> {
        let repositories: Vec<(&(String, String), &i64)> = repositories.iter().collect();
        let mut newest = BTreeMap::new();
        for chunk in repositories.chunks(ROWS) {
            let candidates = self.newest(chunk, matches!(question, Question::File(_))).await?;
            let all: Vec<i64> = candidates.iter().flatten().copied().collect();
            let with = self.having(&all, question, &counts).await?;
            let chosen: Vec<Option<i64>> =
                candidates.iter().map(|ids| ids.iter().copied().find(|id| !with.contains(id))).collect();
            let mut found = self.successors(&chosen.iter().flatten().copied().collect::<Vec<_>>()).await?;
            for ((repository, _), id) in chunk.iter().zip(chosen) {
                if let Some(successor) = id.and_then(|id| found.remove(&id)) {
                    newest.insert((*repository).clone(), successor);
                }
            }
        }
        Ok(newest)
    }

    /// Returns the numbers of the newest scanned images of each repository that are newer than a number, the newest first.
    async fn newest(
        &self,
        repositories: &[(&(String, String), &i64)],
        by_files: bool,
    ) -> Result<Vec<Vec<i64>>, StoreError> {
        let files_known = if by_files { "AND i.files_left_out = 0" } else { "" };
        let sql = format!(
            "WITH asked (place, registry, repository, after) AS (VALUES {}) SELECT a.place, (SELECT string_agg(CAST(c.id AS TEXT), ',') \
             FROM (SELECT i.id FROM images i WHERE i.registry = a.registry AND i.repository = a.repository AND i.id > a.after \
             {files_known} AND EXISTS (SELECT 1 FROM reports r WHERE r.image = i.id AND r.depth <> 'partial'){} \
             ORDER BY i.id DESC LIMIT {NEWEST}) c) FROM asked a",
            rows(repositories.len(), 4, |at| format!("(${}, ${}, ${}, ${})", at + 1, at + 2, at + 3, at + 4)),
            self.scope.place("i.registry", "i.repository", 4 * repositories.len() + 1)
        );
        let mut query = sqlx::query(self.with_many(sql));
        for (place, ((registry, repository), after)) in (0_i64..).zip(repositories) {
            query = query.bind(place).bind(text::clean(registry)).bind(text::clean(repository)).bind(**after);
        }
        let mut newest = vec![Vec::new(); repositories.len()];
        for row in self.scope.bind(query).fetch_all(&self.store.pool).await? {
            let ids: Option<String> = row.try_get(1)?;
            let mut ids: Vec<i64> = ids.iter().flat_map(|ids| ids.split(',')).flat_map(str::parse).collect();
            ids.sort_unstable_by(|a, b| b.cmp(a));
            let place = usize::try_from(row.try_get::<i64, _>(0)?).ok();
            if let Some(there) = place.and_then(|place| newest.get_mut(place)) {
                *there = ids;
            }
        }
        Ok(newest)
    }

    /// Returns those of some images that have it.
    async fn having(
        &self,
        images: &[i64],
        question: Question<'_>,
        counts: impl Fn(&str) -> bool,
    ) -> Result<BTreeSet<i64>, StoreError> {
        let mut with = BTreeSet::new();
        for chunk in images.chunks(LOOKED_UP) {
            let sql = match question {
                Question::Finding(_, kind) => {
                    let of_kind = kind.map(|kind| {
                        format!("AND EXISTS (SELECT 1 FROM findings f WHERE f.id = n.finding AND f.kind = '{}')", kind.name())
                    });
                    format!(
                        "SELECT DISTINCT n.image, '' FROM finding_names n WHERE n.name = $1 AND n.counts = 1 {} AND $2 = '' \
                         AND n.image IN ",
                        of_kind.unwrap_or_default()
                    )
                }
                Question::Package(..) => "SELECT x.image, x.version FROM packages p CROSS JOIN image_packages x WHERE p.name = $1 \
                     AND COALESCE(NULLIF($2, ''), p.ecosystem) = p.ecosystem AND x.package = p.id AND x.image IN "
                    .to_owned(),
                Question::File(_) => "SELECT i.id, '' FROM images i WHERE EXISTS (SELECT 1 FROM files f CROSS JOIN image_files x \
                     WHERE f.sha256 = $1 AND x.file = f.id AND x.image = i.id) AND $2 = '' AND i.id IN "
                    .to_owned(),
            };
            let sql = format!("{sql} ({})", rows(chunk.len(), 1, |at| format!("${}", at + 3)));
            let query = sqlx::query(self.with_many(sql));
            let mut query = match question {
                Question::Finding(name, _) => query.bind(text::key(name)).bind(""),
                Question::Package(ecosystem, name) => {
                    query.bind(text::key(name)).bind(text::key(ecosystem.unwrap_or_default()))
                }
                Question::File(sha256) => query.bind(sha256.to_vec()).bind(""),
            };
            for id in chunk {
                query = query.bind(*id);
            }
            for row in query.fetch_all(&self.store.pool).await? {
                let version: String = row.try_get(1)?;
                if !matches!(question, Question::Package(..)) || counts(&version) {
                    with.insert(row.try_get(0)?);
                }
            }
        }
        Ok(with)
    }

    /// Returns what there is to say of images that could take the place of others, by their numbers.
    async fn successors(&self, images: &[i64]) -> Result<BTreeMap<i64, Successor>, StoreError> {
        let mut all = BTreeMap::new();
        if images.is_empty() {
            return Ok(all);
        }
        let sql = format!(
            "SELECT i.id, i.digest, (SELECT t.tag FROM tags t WHERE t.image = i.id AND t.registry = i.registry \
             AND t.repository = i.repository ORDER BY t.id DESC LIMIT 1) FROM images i WHERE i.id IN ({})",
            rows(images.len(), 1, |at| format!("${}", at + 1))
        );
        let mut query = sqlx::query(self.with_many(sql));
        for id in images {
            query = query.bind(*id);
        }
        for row in query.fetch_all(&self.store.pool).await? {
            let id = row.try_get(0)?;
            all.insert(id, Successor { id, digest: image::digest(&row, 1)?, tag: row.try_get(2)? });
        }
        Ok(all)
    }
}
