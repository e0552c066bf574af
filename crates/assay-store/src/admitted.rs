//! What was admitted in which cluster, by which tiers: so that an image which runs already is not in its own way while a scan is waited
//! for, and people are told that it is.
//!
//! It is remembered of every namespace, repository and set of tiers by itself, survives that the image is forgotten, and ends with a
//! denial.

use crate::error::StoreError;
use crate::image;
use crate::moment::Moment;
use crate::store::{Store, Work};
use crate::text::{clean, key};
use crate::view::View;
use assay_model::Digest;
use sqlx::any::AnyRow;
use sqlx::{AssertSqlSafe, Row as _};

/// Where an image was admitted, and as what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdmittedIn {
    /// The cluster.
    pub cluster: String,
    /// The namespace.
    pub namespace: String,
    /// The registry that the pod named.
    pub registry: String,
    /// The repository that the pod named.
    pub repository: String,
    /// The image or index.
    pub digest: Digest,
    /// The tiers by which it was judged.
    pub tiers: Vec<String>,
    /// What tells policy and trust roots from others.
    pub policy: String,
}

/// An image that was admitted somewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Admitted {
    /// Its number.
    pub id: i64,
    /// Where.
    pub place: AdmittedIn,
    /// The labels of the last pod and of its namespace, as JSON.
    pub placement: String,
    /// Since when.
    pub since: Moment,
    /// When it last was; at most some minutes are between two times.
    pub last: Moment,
    /// Since when it is admitted only because it was before: its scan is stale.
    pub stale: Option<Moment>,
    /// Why it would not be.
    pub why: Option<String>,
}

/// From when on a scan is stale.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StaleAfter {
    /// One that was last found to hold before this, or is by a database that was built before.
    pub before: Option<Moment>,
    /// One that is not deep.
    pub shallow: bool,
}

const COLUMNS: &str = "a.id, a.cluster, a.namespace, a.registry, a.repository, a.digest, a.tiers, a.policy, a.placement, a.since, a.last, \
     a.stale, a.why FROM admitted a";

/// Places of one image that are remembered: where anybody may ask, anybody may make up names of clusters and namespaces.
const MAX_PLACES: i64 = 1000;

/// Between the names of tiers, which are texts of one line.
const BETWEEN: &str = "\n";

impl AdmittedIn {
    /// Returns what tells it from others of the same image.
    fn name(&self) -> String {
        let tiers = self.tiers.join(BETWEEN);
        let parts = [&self.cluster, &self.namespace, &self.registry, &self.repository, &tiers];
        // With their lengths, so that no two of them run into one another.
        key(&parts.map(|part| format!("{}:{part}", part.len())).join(" "))
    }
}

fn admitted(row: &AnyRow) -> Result<Admitted, StoreError> {
    let tiers: String = row.try_get(6)?;
    Ok(Admitted {
        id: row.try_get(0)?,
        place: AdmittedIn {
            cluster: row.try_get(1)?,
            namespace: row.try_get(2)?,
            registry: row.try_get(3)?,
            repository: row.try_get(4)?,
            digest: image::digest(row, 5)?,
            tiers: tiers.split(BETWEEN).filter(|name| !name.is_empty()).map(str::to_owned).collect(),
            policy: row.try_get(7)?,
        },
        placement: row.try_get(8)?,
        since: Moment(row.try_get(9)?),
        last: Moment(row.try_get(10)?),
        stale: row.try_get::<Option<i64>, _>(11)?.map(Moment),
        why: row.try_get(12)?,
    })
}

impl Work {
    /// Remembers that an image was admitted on its own merits, in up to a thousand places. `generation` is what [`Store::generation`] said before that was decided.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn admit(
        &mut self,
        place: &AdmittedIn,
        placement: &str,
        generation: i64,
        now: Moment,
    ) -> Result<(), StoreError> {
        let full = sqlx::query("SELECT COUNT(*) FROM admitted WHERE digest = $1 AND name <> $2")
            .bind(place.digest.to_string())
            .bind(place.name())
            .fetch_one(&mut *self.transaction)
            .await?;
        if full.try_get::<i64, _>(0)? >= MAX_PLACES {
            return Ok(());
        }
        let row = sqlx::query(
            "INSERT INTO admitted (name, cluster, namespace, registry, repository, digest, tiers, policy, placement, generation, since, \
             last, checked) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) ON CONFLICT (digest, name) DO UPDATE SET \
             policy = excluded.policy, placement = excluded.placement, generation = excluded.generation, last = excluded.last, \
             checked = excluded.checked RETURNING id",
        )
        .bind(place.name())
        .bind(clean(&place.cluster))
        .bind(clean(&place.namespace))
        .bind(clean(&place.registry))
        .bind(clean(&place.repository))
        .bind(place.digest.to_string())
        .bind(clean(&place.tiers.join(BETWEEN)))
        .bind(clean(&place.policy))
        .bind(clean(placement))
        .bind(generation)
        .bind(now.0)
        .bind(now.0)
        .bind(now.0)
        .fetch_one(&mut *self.transaction)
        .await?;
        self.stale_no_more(row.try_get(0)?, now).await
    }

    /// Notes that what was admitted before would be still, on its own merits; nothing is known of a pod.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn still_good(
        &mut self,
        id: i64,
        policy: &str,
        generation: i64,
        now: Moment,
    ) -> Result<(), StoreError> {
        self.judged_again(id, policy, generation, now).await?;
        self.stale_no_more(id, now).await
    }

    /// Notes that what was admitted before is admitted only because it was: its scan is stale, and why. With an event, if it is the first
    /// of that image in that cluster; says whether it is. `pod` says that it was by a pod.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn grown_stale(
        &mut self,
        known: &Admitted,
        why: &str,
        pod: bool,
        now: Moment,
    ) -> Result<bool, StoreError> {
        let place = &known.place;
        let others = self.stale_in(&place.cluster, &place.digest).await?;
        let last = if pod { now } else { known.last };
        sqlx::query("UPDATE admitted SET last = $1, checked = $2, stale = COALESCE(stale, $3), why = $4 WHERE id = $5")
            .bind(last.0)
            .bind(now.0)
            .bind(now.0)
            .bind(clean(why))
            .bind(known.id)
            .execute(&mut *self.transaction)
            .await?;
        if others > 0 {
            return Ok(false);
        }
        let detail = serde_json::json!({
            "image": format!("{}/{}@{}", place.registry, place.repository, place.digest),
            "registry": place.registry, "repository": place.repository, "cluster": place.cluster,
            "namespace": place.namespace, "tiers": place.tiers, "since": known.since.timestamp().to_string(), "why": why });
        self.record("admitted-stale", Some(&place.digest), &detail, now).await?;
        Ok(true)
    }

    /// Notes by what it was judged again.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn judged_again(
        &mut self,
        id: i64,
        policy: &str,
        generation: i64,
        now: Moment,
    ) -> Result<(), StoreError> {
        sqlx::query("UPDATE admitted SET policy = $1, generation = $2, checked = $3 WHERE id = $4")
            .bind(clean(policy))
            .bind(generation)
            .bind(now.0)
            .bind(id)
            .execute(&mut *self.transaction)
            .await?;
        Ok(())
    }

    /// Notes that nothing could be found out about it.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn looked_at_admitted(&mut self, id: i64, now: Moment) -> Result<(), StoreError> {
        sqlx::query("UPDATE admitted SET checked = $1 WHERE id = $2")
            .bind(now.0)
            .bind(id)
            .execute(&mut *self.transaction)
            .await?;
        Ok(())
    }

    /// Forgets that it was admitted, because it is denied now for more than the age of its scan.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn admit_no_more(&mut self, id: i64, now: Moment) -> Result<(), StoreError> {
        self.stale_no_more(id, now).await?;
        sqlx::query("DELETE FROM admitted WHERE id = $1").bind(id).execute(&mut *self.transaction).await?;
        Ok(())
    }

    /// Forgets what no pod named since a moment; returns how much that was.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn forget_admitted(&mut self, before: Moment) -> Result<u64, StoreError> {
        let gone = sqlx::query("DELETE FROM admitted WHERE last < $1")
            .bind(before.0)
            .execute(&mut *self.transaction)
            .await?;
        Ok(gone.rows_affected())
    }

    async fn stale_no_more(&mut self, id: i64, now: Moment) -> Result<(), StoreError> {
        let row = sqlx::query(
            "UPDATE admitted SET stale = NULL, why = NULL WHERE id = $1 AND stale IS NOT NULL \
             RETURNING cluster, digest, registry, repository",
        )
        .bind(id)
        .fetch_optional(&mut *self.transaction)
        .await?;
        let Some(row) = row else { return Ok(()) };
        let (cluster, digest): (String, Digest) = (row.try_get(0)?, image::digest(&row, 1)?);
        if self.stale_in(&cluster, &digest).await? == 0 {
            let (registry, repository): (String, String) = (row.try_get(2)?, row.try_get(3)?);
            let detail = serde_json::json!({
                "image": format!("{registry}/{repository}@{digest}"), "registry": registry, "repository": repository,
                "cluster": cluster });
            self.record("admitted-stale-cleared", Some(&digest), &detail, now).await?;
        }
        Ok(())
    }

    async fn stale_in(&mut self, cluster: &str, digest: &Digest) -> Result<i64, StoreError> {
        let row = sqlx::query(
            "SELECT COUNT(*) FROM admitted WHERE digest = $1 AND cluster = $2 AND stale IS NOT NULL",
        )
        .bind(digest.to_string())
        .bind(clean(cluster))
        .fetch_one(&mut *self.transaction)
        .await?;
        Ok(row.try_get(0)?)
    }
}

impl View<'_> {
    /// Returns where an image was admitted, the last first.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn admitted(&self, digest: &Digest) -> Result<Vec<Admitted>, StoreError> {
        let here = self.scope.place("a.registry", "a.repository", 2);
        let sql = format!("SELECT {COLUMNS} WHERE a.digest = $1{here} ORDER BY a.last DESC, a.id");
        let query = self.scope.bind(sqlx::query(AssertSqlSafe(sql)).bind(digest.to_string()));
        let rows = query.fetch_all(&self.store.pool).await?;
        rows.iter().map(admitted).collect()
    }
}

impl Store {
    /// Returns where an image was admitted, as [`View::admitted`] does.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn admitted(&self, digest: &Digest) -> Result<Vec<Admitted>, StoreError> {
        self.whole().admitted(digest).await
    }

    /// Returns what is to be judged again, which was not since `since`: what is admitted by a stale scan, what a scan grew stale of, what is
    /// judged by another policy now, and what something was found out about.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn admitted_to_judge(
        &self,
        policy: &str,
        stale: StaleAfter,
        since: Moment,
        limit: i64,
    ) -> Result<Vec<Admitted>, StoreError> {
        // Indexes in indexes are rare, and are found out about by the next pod.
        let sql = format!(
            "SELECT {COLUMNS} JOIN images i ON i.digest = a.digest WHERE a.checked < $1 AND (a.stale IS NOT NULL OR a.policy <> $2 \
             OR a.generation <> i.generation OR EXISTS (SELECT 1 FROM reports r WHERE (r.image = i.id OR r.image IN \
             (SELECT c.child FROM children c WHERE c.parent = i.id)) AND (r.evaluated < $3 OR r.database_date < $4 \
             OR ($5 = 1 AND r.depth <> 'deep')))) ORDER BY a.checked, a.id LIMIT $6"
        );
        let before = stale.before.map_or(i64::MIN, |moment| moment.0);
        let rows = sqlx::query(AssertSqlSafe(sql))
            .bind(since.0)
            .bind(clean(policy))
            .bind(before)
            .bind(before)
            .bind(i64::from(stale.shallow))
            .bind(limit)
            .fetch_all(&self.pool)
            .await?;
        rows.iter().map(admitted).collect()
    }

    /// Returns for each cluster how many images were admitted there, and how many of them are only because they were before.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn admitted_counts(&self) -> Result<Vec<(String, i64, i64)>, StoreError> {
        let rows = sqlx::query(
            "SELECT cluster, COUNT(DISTINCT digest), COUNT(DISTINCT CASE WHEN stale IS NOT NULL THEN digest END) FROM admitted \
             GROUP BY cluster ORDER BY cluster",
        )
        .fetch_all(&self.pool)
        .await?;
        rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?, row.try_get(2)?))).collect()
    }
}
