//! What runs where, since when, and whose it is: what CI or a cluster tells.

use crate::error::StoreError;
use crate::image;
use crate::moment::Moment;
use crate::retention::Service;
use crate::store::{Lock, Work};
use crate::text::{clean, key};
use crate::view::View;
use assay_model::Digest;
use sqlx::Row as _;

/// A deployment, running or ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deployment {
    /// Its number, by which lists go on.
    pub id: i64,
    /// The environment.
    pub environment: String,
    /// The service.
    pub service: String,
    /// The image.
    pub digest: Digest,
    /// Since when.
    pub since: Moment,
    /// Until when, if it has ended.
    pub ended: Option<Moment>,
    /// Whether it was said to work.
    pub good: bool,
    /// Whose it is.
    pub owner: Option<String>,
    /// Whose it is.
    pub team: Option<String>,
}

/// Which deployments are meant: all that fit what is given.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DeploymentFilter {
    /// In this environment.
    pub environment: Option<String>,
    /// Of this service.
    pub service: Option<String>,
    /// Of this image.
    pub digest: Option<Digest>,
    /// That run, or have ended.
    pub running: Option<bool>,
}

/// What runs, with every image of an index: nobody here knows which of them a node has chosen.
pub(crate) const RUNNING: &str = "WITH RECURSIVE running (environment, service, image) AS \
     (SELECT environment, service, image FROM deployments WHERE ended IS NULL \
     UNION SELECT r.environment, r.service, c.child FROM children c JOIN running r ON c.parent = r.image)";

impl Work {
    /// Records whose a service is. What is not given is as it was before, also with the image that the service ran before.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn own(
        &mut self,
        service: &Service<'_>,
        owner: Option<&str>,
        team: Option<&str>,
    ) -> Result<(), StoreError> {
        let rows = sqlx::query(
            "SELECT id, owner, team FROM deployments WHERE environment = $1 AND service = $2 ORDER BY id DESC LIMIT 2",
        )
        .bind(key(service.environment))
        .bind(key(service.name))
        .fetch_all(&mut *self.transaction)
        .await?;
        let Some(running) = rows.first() else { return Ok(()) };
        let mut whose = [owner.map(clean), team.map(clean)];
        for row in &rows {
            for (column, one) in (1_usize..).zip(&mut whose) {
                if one.is_none() {
                    *one = row.try_get(column)?;
                }
            }
        }
        let [owner, team] = whose;
        sqlx::query("UPDATE deployments SET owner = $1, team = $2 WHERE id = $3")
            .bind(owner)
            .bind(team)
            .bind(running.try_get::<i64, _>(0)?)
            .execute(&mut *self.transaction)
            .await?;
        Ok(())
    }
}

impl Work {
    /// Has whoever changes what is deployed, or prunes images, wait until this is committed: for who writes about the image first.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn begin_deployment(&mut self) -> Result<(), StoreError> {
        self.lock(Lock::Deployments).await
    }
}

impl View<'_> {
    /// Returns deployments in the order in which they began, those after a number.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn deployments(
        &self,
        filter: &DeploymentFilter,
        after: i64,
        limit: i64,
    ) -> Result<Vec<Deployment>, StoreError> {
        let running = match filter.running {
            None => "",
            Some(true) => "AND d.ended IS NULL",
            Some(false) => "AND d.ended IS NOT NULL",
        };
        let sql = format!(
            "SELECT d.id, d.environment, d.service, i.digest, d.since, d.ended, d.good, d.owner, d.team FROM deployments d \
             JOIN images i ON i.id = d.image WHERE d.id > $1 {running} AND ($2 = '' OR d.environment = $3) \
             AND ($4 = '' OR d.service = $5) AND ($6 = '' OR i.digest = $7){} ORDER BY d.id LIMIT $8",
            self.scope.deployment("d", 9)
        );
        let text = |text: &Option<String>| key(text.as_deref().unwrap_or_default());
        let (environment, service) = (text(&filter.environment), text(&filter.service));
        let digest = filter.digest.as_ref().map(ToString::to_string).unwrap_or_default();
        let query = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(after)
            .bind(&environment)
            .bind(&environment)
            .bind(&service)
            .bind(&service)
            .bind(&digest)
            .bind(&digest)
            .bind(limit);
        let rows = self.scope.bind(query).fetch_all(&self.store.pool).await?;
        rows.iter()
            .map(|row| {
                Ok(Deployment {
                    id: row.try_get(0)?,
                    environment: row.try_get(1)?,
                    service: row.try_get(2)?,
                    digest: image::digest(row, 3)?,
                    since: Moment(row.try_get(4)?),
                    ended: row.try_get::<Option<i64>, _>(5)?.map(Moment),
                    good: row.try_get::<i64, _>(6)? != 0,
                    owner: row.try_get(7)?,
                    team: row.try_get(8)?,
                })
            })
            .collect()
    }
}
