//! How images were built, as CI says: also builds that failed, and of images that were never pushed.

use crate::error::StoreError;
use crate::moment::Moment;
use crate::object::{Document, Stored};
use crate::scope::Scope;
use crate::store::{Store, Work};
use crate::text::{clean, key};
use crate::view::View;
use assay_model::Digest;
use assay_model::contents::hex;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use sqlx::Row as _;
use std::time::Duration;

/// One thing an image was made from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Input {
    /// What the recipe calls it, such as `golang:1.22`.
    pub name: String,
    /// What it was.
    pub digest: String,
}

/// How a build ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BuildOutcome {
    /// There is an image.
    Success,
    /// There is none.
    Failure,
}

impl BuildOutcome {
    /// Returns the name used in the database and the API.
    pub fn name(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Failure => "failure",
        }
    }

    /// Reads the name.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Success, Self::Failure].into_iter().find(|outcome| outcome.name() == text)
    }
}

/// A build.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Build {
    /// What came of it.
    pub digest: Option<Digest>,
    /// The name of the image, without tag; empty where it is not known.
    pub image: String,
    /// What it was built for, such as `linux/arm64`; empty where it was not said.
    pub platform: String,
    /// Where the recipe is; empty where it is not known.
    pub source: String,
    /// The commit of the recipe.
    pub recipe: String,
    /// What it was made from besides.
    pub inputs: Vec<Input>,
    /// How it ended.
    pub outcome: BuildOutcome,
    /// When it began.
    pub started: Moment,
    /// How long it took.
    pub duration: Duration,
    /// The run of CI; empty where there was none.
    pub invocation: String,
}

impl Build {
    /// Returns the inputs in the order and form in which they are compared.
    fn sorted(&self) -> Vec<Input> {
        let mut inputs: Vec<Input> = self
            .inputs
            .iter()
            .map(|input| Input { name: clean(&input.name), digest: clean(&input.digest) })
            .collect();
        inputs.sort();
        inputs.dedup();
        inputs
    }

    /// Returns the hash of everything the image was made from. Builds without inputs have none: what nobody stated cannot be equal.
    fn given(&self) -> Option<String> {
        let inputs = self.sorted();
        if inputs.is_empty() || self.recipe.is_empty() {
            return None;
        }
        let mut fields = vec![&self.image, &self.platform, &self.source, &self.recipe];
        fields.extend(inputs.iter().flat_map(|input| [&input.name, &input.digest]));
        Some(hash(fields.into_iter().map(String::as_str)))
    }

    /// Returns the hash of the record, by which it is known when it is sent again.
    fn identity(&self, log: &Document) -> String {
        let digest = self.digest.as_ref().map(ToString::to_string).unwrap_or_default();
        let [started, duration, size] =
            [self.started.0.to_string(), self.duration.as_millis().to_string(), log.size().to_string()];
        let inputs = self.sorted();
        let fields = [
            digest.as_str(),
            &self.image,
            &self.platform,
            &self.source,
            &self.recipe,
            self.outcome.name(),
            &started,
            &duration,
            &self.invocation,
            &size,
        ];
        let inputs = inputs.iter().flat_map(|input| [input.name.as_str(), input.digest.as_str()]);
        hash(fields.into_iter().chain(inputs))
    }
}

/// Returns the hash of fields, each after its length, so that no two lists have one text.
fn hash<'a>(fields: impl Iterator<Item = &'a str>) -> String {
    let mut hash = Sha256::new();
    for field in fields {
        hash.update(u64::try_from(field.len()).unwrap_or(u64::MAX).to_be_bytes());
        hash.update(field);
    }
    hex(&hash.finalize())
}

/// A build as it was recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownBuild {
    /// Its number, by which lists go on.
    pub id: i64,
    /// What was said of it.
    pub build: Build,
    /// When.
    pub recorded: Moment,
    /// By whom.
    pub recorder: String,
    /// Bytes of its log.
    pub log_size: i64,
}

/// Which builds are meant: all that fit what is given.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct BuildFilter {
    /// That made this image.
    pub digest: Option<Digest>,
    /// Of an image of this name.
    pub image: Option<String>,
    /// By the recipe of this commit.
    pub recipe: Option<String>,
    /// That ended so.
    pub outcome: Option<BuildOutcome>,
}

/// What became of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecordedBuild {
    /// It was written under this number.
    New(i64),
    /// It had been sent before, and has this number.
    Known(i64),
}

impl Work {
    /// Keeps how an image was built. The very same record is kept once.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn record_build(
        &mut self,
        build: &Build,
        log: &Document,
        recorder: &str,
        now: Moment,
    ) -> Result<RecordedBuild, StoreError> {
        let identity = build.identity(log);
        let (body, object) = self.refer(log).await?;
        let inputs = serde_json::to_string(&build.sorted()).unwrap_or_default();
        let row = sqlx::query(
            "INSERT INTO builds (digest, image, platform, source, recipe, inputs, outcome, started, duration, invocation, given, identity, \
             recorded, recorder, log_size, log, object) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17) \
             ON CONFLICT (identity) DO NOTHING RETURNING id",
        )
        .bind(build.digest.as_ref().map(ToString::to_string).unwrap_or_default())
        .bind(key(&build.image))
        .bind(key(&build.platform))
        .bind(clean(&build.source))
        .bind(key(&build.recipe))
        .bind(inputs)
        .bind(build.outcome.name())
        .bind(build.started.0)
        .bind(i64::try_from(build.duration.as_millis()).unwrap_or(i64::MAX))
        .bind(clean(&build.invocation))
        .bind(build.given().unwrap_or_default())
        .bind(&identity)
        .bind(now.0)
        .bind(clean(recorder))
        .bind(log.size())
        .bind(body)
        .bind(object)
        .fetch_optional(&mut *self.transaction)
        .await?;
        if let Some(row) = row {
            return Ok(RecordedBuild::New(row.try_get(0)?));
        }
        let row = sqlx::query("SELECT id FROM builds WHERE identity = $1")
            .bind(&identity)
            .fetch_one(&mut *self.transaction)
            .await?;
        Ok(RecordedBuild::Known(row.try_get(0)?))
    }

    /// Forgets builds that were recorded before a moment and whose image is not known, up to so many; returns how many.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn forget_builds(&mut self, before: Moment, limit: i64) -> Result<u64, StoreError> {
        let gone = sqlx::query(
            "DELETE FROM builds WHERE id IN (SELECT b.id FROM builds b WHERE b.recorded < $1 \
             AND NOT EXISTS (SELECT 1 FROM images i WHERE i.digest = b.digest) ORDER BY b.id LIMIT $2)",
        )
        .bind(before.0)
        .bind(limit)
        .execute(&mut *self.transaction)
        .await?;
        Ok(gone.rows_affected())
    }
}

/// Returns the condition under which the build `b` is within a scope: it says that it made an image of a repository that is, or it names no
/// known repository, and made an image that is within and nowhere else.
fn within(scope: &Scope, first: usize) -> String {
    if *scope == Scope::Fleet {
        return String::new();
    }
    format!(
        " AND ((1 = 1{}) OR (b.image NOT IN (SELECT k.registry || '/' || k.repository FROM repositories k) \
         AND EXISTS (SELECT 1 FROM images i WHERE i.digest = b.digest{})))",
        scope.named("b.image", first),
        scope.whole_image("i.id", first)
    )
}

impl Store {
    /// Returns builds, as [`View::builds`] does.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn builds(
        &self,
        filter: &BuildFilter,
        after: i64,
        limit: i64,
    ) -> Result<Vec<KnownBuild>, StoreError> {
        self.whole().builds(filter, after, limit).await
    }

    /// Returns what a build wrote.
    ///
    /// # Errors
    /// Fails as [`View::build_log`] does.
    pub async fn build_log(&self, id: i64) -> Result<Option<Vec<u8>>, StoreError> {
        self.whole().build_log(id).await
    }
}

impl View<'_> {
    /// Returns builds in the order in which they were recorded, those after a number.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn builds(
        &self,
        filter: &BuildFilter,
        after: i64,
        limit: i64,
    ) -> Result<Vec<KnownBuild>, StoreError> {
        let digest = filter.digest.as_ref().map(ToString::to_string).unwrap_or_default();
        let text = |text: &Option<String>| key(text.as_deref().unwrap_or_default());
        let (image, recipe) = (text(&filter.image), text(&filter.recipe));
        let outcome = filter.outcome.map(BuildOutcome::name).unwrap_or_default();
        // Only what is asked for is in the statement, so that its index is used.
        let of = |column: &str, value: &str| {
            if value.is_empty() { "AND $2 = ''".to_owned() } else { format!("AND b.{column} = $2") }
        };
        let sql = format!(
            "SELECT id, digest, image, platform, source, recipe, inputs, outcome, started, duration, invocation, recorded, recorder, log_size \
             FROM builds b WHERE id > $1 {} AND ($3 = '' OR image = $4) AND ($5 = '' OR recipe = $6) AND ($7 = '' OR outcome = $8){} \
             ORDER BY id LIMIT $9",
            of("digest", &digest),
            within(self.scope, 10)
        );
        let query = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(after)
            .bind(&digest)
            .bind(&image)
            .bind(&image)
            .bind(&recipe)
            .bind(&recipe)
            .bind(outcome)
            .bind(outcome)
            .bind(limit);
        let rows = self.scope.bind(query).fetch_all(&self.store.pool).await?;
        rows.iter().map(known_build).collect()
    }

    /// Returns what a build wrote.
    ///
    /// # Errors
    /// Fails when the database or the object storage does not answer, or the log is damaged.
    pub async fn build_log(&self, id: i64) -> Result<Option<Vec<u8>>, StoreError> {
        let sql = format!("SELECT b.log, b.object FROM builds b WHERE b.id = $1{}", within(self.scope, 2));
        let query = self.scope.bind(sqlx::query(sqlx::AssertSqlSafe(sql)).bind(id));
        let Some(row) = query.fetch_optional(&self.store.pool).await? else { return Ok(None) };
        self.store.unpacked("build log", &id.to_string(), Stored::read(&row, 0)?).await.map(Some)
    }
}

fn known_build(row: &sqlx::any::AnyRow) -> Result<KnownBuild, StoreError> {
    let digest: String = row.try_get(1)?;
    let outcome: String = row.try_get(7)?;
    let damaged = |what| StoreError::Damaged { what, name: digest.clone() };
    Ok(KnownBuild {
        id: row.try_get(0)?,
        build: Build {
            digest: if digest.is_empty() { None } else { Some(crate::image::digest(row, 1)?) },
            image: row.try_get(2)?,
            platform: row.try_get(3)?,
            source: row.try_get(4)?,
            recipe: row.try_get(5)?,
            inputs: serde_json::from_str(&row.try_get::<String, _>(6)?)
                .map_err(|_| damaged("list of inputs"))?,
            outcome: BuildOutcome::parse(&outcome).ok_or_else(|| damaged("outcome"))?,
            started: Moment(row.try_get(8)?),
            duration: Duration::from_millis(u64::try_from(row.try_get::<i64, _>(9)?).unwrap_or_default()),
            invocation: row.try_get(10)?,
        },
        recorded: Moment(row.try_get(11)?),
        recorder: row.try_get(12)?,
        log_size: row.try_get(13)?,
    })
}
