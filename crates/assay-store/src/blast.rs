//! Blast radius: which images contain a package, or are hit by a vulnerability.

use crate::error::StoreError;
use crate::image;
use crate::moment::Moment;
use crate::scope::Scope;
use crate::store::Store;
use crate::text;
use crate::triage::{Triaged, decision};
use crate::view::View;
use assay_model::{Digest, FindingKind};
use sqlx::Row as _;
use sqlx::any::AnyRow;

/// An image that contains what was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hit {
    /// The image's number, by which lists go on.
    pub id: i64,
    /// The image.
    pub digest: Digest,
    /// The registry it was first seen in.
    pub registry: String,
    /// The repository it was first seen in.
    pub repository: String,
    /// The ecosystem of a package, or the identifier by which a vulnerability is known there.
    pub of: String,
    /// The package, if it is about one.
    pub package: Option<String>,
    /// Its version.
    pub version: Option<String>,
    /// The versions that fix it, separated by commas; empty where none is known or a package was asked for.
    pub fixed_versions: String,
    /// Since when it is known to be there.
    pub since: Moment,
    /// Whether a service runs it, as far as deployments were recorded.
    pub deployed: bool,
    /// The path of the file, if it is about one.
    pub path: Option<String>,
    /// The number of the decision about the finding, if one is in effect.
    pub triage: Option<i64>,
}

/// Which findings of a name are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Affected {
    /// Only those of this kind.
    pub kind: Option<FindingKind>,
    /// Whether something was decided about them.
    pub triage: Triaged,
}

/// Where images must have been seen; anywhere where nothing is said.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Where {
    /// In this registry.
    pub registry: Option<String>,
    /// In this repository.
    pub repository: Option<String>,
}

impl Where {
    /// Returns the condition for a column with an image's number; its six parameters, from a number on, are bound in any case, and the teams
    /// of the scope after them.
    pub(crate) fn condition(column: &str, first: usize, scope: &Scope) -> String {
        let [a, b, c, d, e, f, teams] = [0, 1, 2, 3, 4, 5, 6].map(|more| first + more);
        let (image, place) = (scope.images(column, teams), scope.place("w.registry", "w.repository", teams));
        format!(
            "AND ((${a} = '' AND ${b} = '') OR EXISTS (SELECT 1 FROM image_places w WHERE w.image = {column} \
             AND (${c} = '' OR w.registry = ${d}) AND (${e} = '' OR w.repository = ${f}){place})){image}"
        )
    }

    pub(crate) fn bound(&self) -> (String, String) {
        let text = |text: &Option<String>| text::clean(text.as_deref().unwrap_or_default());
        (text(&self.registry), text(&self.repository))
    }
}

/// Returns how many services run an image, by itself or in an index, as far as they are within a scope.
pub(crate) fn deployed(scope: &Scope, first: usize) -> String {
    format!(
        "(SELECT COUNT(*) FROM deployments d WHERE d.ended IS NULL{} AND d.image IN \
         (WITH RECURSIVE whole (id) AS (SELECT i.id UNION SELECT c.parent FROM children c JOIN whole w ON w.id = c.child) \
         SELECT id FROM whole))",
        scope.deployment("d", first)
    )
}

pub(crate) fn hit(row: &AnyRow) -> Result<Hit, StoreError> {
    Ok(Hit {
        id: row.try_get(0)?,
        digest: image::digest(row, 1)?,
        registry: row.try_get(2)?,
        repository: row.try_get(3)?,
        of: row.try_get(4)?,
        package: row.try_get(5)?,
        version: row.try_get(6)?,
        fixed_versions: row.try_get(7)?,
        since: Moment(row.try_get(8)?),
        deployed: row.try_get::<i64, _>(9)? > 0,
        path: row.try_get(10)?,
        triage: row.try_get(11)?,
    })
}

impl Store {
    /// Returns the images that contain a package, in any ecosystem or one, those after a number. The limit counts images, of each of
    /// which there is a hit for every version that it has.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn images_containing(
        &self,
        ecosystem: Option<&str>,
        name: &str,
        after: i64,
        limit: i64,
    ) -> Result<Vec<Hit>, StoreError> {
        self.whole().images_containing_in(&Where::default(), ecosystem, name, after, limit).await
    }

    /// Returns the images with a finding of this identifier or alias that counts, those after a number. The limit counts images.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn images_affected(
        &self,
        advisory: &str,
        after: i64,
        limit: i64,
    ) -> Result<Vec<Hit>, StoreError> {
        self.images_affected_like(&Where::default(), advisory, Affected::default(), after, limit).await
    }

    /// Returns the images with such a finding, as [`View::images_affected_like`] does.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn images_affected_like(
        &self,
        place: &Where,
        advisory: &str,
        affected: Affected,
        after: i64,
        limit: i64,
    ) -> Result<Vec<Hit>, StoreError> {
        self.whole().images_affected_like(place, advisory, affected, after, limit).await
    }
}

impl View<'_> {
    /// Returns the images that contain a package as [`Store::images_containing`] does, those that were seen somewhere.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn images_containing_in(
        &self,
        place: &Where,
        ecosystem: Option<&str>,
        name: &str,
        after: i64,
        limit: i64,
    ) -> Result<Vec<Hit>, StoreError> {
        let ([registry, repository], deployed) = (self.scope.name("i", 15), deployed(self.scope, 15));
        let sql = format!(
            "SELECT i.id, i.digest, {registry}, {repository}, p.ecosystem, p.name, x.version, '', i.first_seen, {deployed}, NULL, NULL \
             FROM packages p JOIN image_packages x ON x.package = p.id JOIN images i ON i.id = x.image \
             WHERE p.name = $1 AND ($2 = '' OR p.ecosystem = $3) AND i.id IN (SELECT DISTINCT y.image FROM packages q \
             JOIN image_packages y ON y.package = q.id WHERE q.name = $4 AND ($5 = '' OR q.ecosystem = $6) AND y.image > $7 {} \
             ORDER BY y.image LIMIT $8) ORDER BY i.id, p.ecosystem, x.version",
            Where::condition("y.image", 9, self.scope)
        );
        let (registry, repository) = place.bound();
        let name = text::key(name);
        let ecosystem = text::key(ecosystem.unwrap_or_default());
        let query = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(&name)
            .bind(&ecosystem)
            .bind(&ecosystem)
            .bind(&name)
            .bind(&ecosystem)
            .bind(&ecosystem)
            .bind(after)
            .bind(limit)
            .bind(&registry)
            .bind(&repository)
            .bind(&registry)
            .bind(&registry)
            .bind(&repository)
            .bind(&repository);
        let rows = self.scope.bind(query).fetch_all(&self.store.pool).await?;
        rows.iter().map(hit).collect()
    }

    /// Returns the images with such a finding, those that were seen somewhere.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn images_affected_like(
        &self,
        place: &Where,
        advisory: &str,
        affected: Affected,
        after: i64,
        limit: i64,
    ) -> Result<Vec<Hit>, StoreError> {
        let ([registry, repository], deployed) = (self.scope.name("i", 11), deployed(self.scope, 11));
        let meant = format!(
            "f.gone_at IS NULL AND f.suppressed = 0{} AND {}",
            affected.kind.map(|kind| format!(" AND f.kind = '{}'", kind.name())).unwrap_or_default(),
            affected.triage.condition(self.scope, 11)
        );
        // The page first: what a vulnerability that is everywhere says about all images need not be put in order for one of them.
        let sql = format!(
            "WITH chosen (image) AS (SELECT DISTINCT f.image FROM finding_names m JOIN findings f ON f.id = m.finding \
             WHERE m.name = $1 AND {meant} AND f.image > $2 {} ORDER BY f.image LIMIT $3) \
             SELECT i.id, i.digest, {registry}, {repository}, f.rule, f.package, f.version, f.fixed_versions, f.first_seen, {deployed}, \
             NULL, {} FROM chosen c JOIN images i ON i.id = c.image JOIN findings f ON f.image = i.id \
             WHERE {meant} AND EXISTS (SELECT 1 FROM finding_names n WHERE n.name = $4 \
             AND n.finding = f.id) ORDER BY i.id, f.package, f.version, f.fingerprint",
            Where::condition("f.image", 5, self.scope),
            decision(self.scope, 11)
        );
        let (registry, repository) = place.bound();
        let advisory = text::key(advisory);
        let query = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(&advisory)
            .bind(after)
            .bind(limit)
            .bind(&advisory)
            .bind(&registry)
            .bind(&repository)
            .bind(&registry)
            .bind(&registry)
            .bind(&repository)
            .bind(&repository);
        let rows = self.scope.bind(query).fetch_all(&self.store.pool).await?;
        rows.iter().map(hit).collect()
    }
}
