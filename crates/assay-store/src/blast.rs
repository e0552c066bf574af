//! Blast radius: which images contain a package, or are hit by a vulnerability.

use crate::error::StoreError;
use crate::hits::{Asked, Having, Page, each, numbered};
use crate::moment::Moment;
use crate::store::Store;
use crate::text;
use crate::triage::{Triaged, decision};
use crate::view::View;
use assay_model::{Digest, FindingKind};
use sqlx::Row as _;

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
        let ecosystem = text::key(ecosystem.unwrap_or_default());
        let packages = sqlx::query(
            "SELECT id FROM packages WHERE name = $1 AND ($2 = '' OR ecosystem = $3) ORDER BY id",
        )
        .bind(text::key(name))
        .bind(&ecosystem)
        .bind(&ecosystem)
        .fetch_all(&self.store.pool)
        .await?;
        let numbers = packages.iter().map(|row| row.try_get(0)).collect::<Result<Vec<i64>, _>>()?;
        if numbers.is_empty() {
            return Ok(Vec::new());
        }
        let page = Page { asked: Asked::Name(name), place, after, limit, numbers: &numbers };
        let [registry, repository] = self.scope.name("i", page.teams());
        // What is joined in this order is looked up by the whole of an index. SQLite takes the order of a CROSS JOIN as it is written.
        let select = format!(
            "SELECT i.id, i.digest, {registry}, {repository}, p.ecosystem, p.name, x.version, '', i.first_seen, NULL, NULL \
             FROM packages p CROSS JOIN chosen c CROSS JOIN image_packages x CROSS JOIN images i WHERE p.id IN ({}) \
             AND x.package = p.id AND x.image = c.image AND i.id = c.image ORDER BY i.id, p.ecosystem, x.version",
            numbered(&numbers)
        );
        let having = Having { table: "image_packages", conditions: each("package", &numbers) };
        self.hits(&page, &having, &select).await
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
        let page = Page { asked: Asked::Name(advisory), place, after, limit, numbers: &[] };
        let [registry, repository] = self.scope.name("i", page.teams());
        let mut meant = String::new();
        if let Some(kind) = affected.kind {
            meant = format!(" AND f.kind = '{}'", kind.name());
        }
        if affected.triage != Triaged::Either {
            meant = format!("{meant} AND {}", affected.triage.condition(self.scope, page.teams()));
        }
        let mut condition = "m.name = $1 AND m.counts = 1".to_owned();
        if !meant.is_empty() {
            condition =
                format!("{condition} AND EXISTS (SELECT 1 FROM findings f WHERE f.id = m.finding{meant})");
        }
        let select = format!(
            "SELECT i.id, i.digest, {registry}, {repository}, f.rule, f.package, f.version, f.fixed_versions, f.first_seen, NULL, {} \
             FROM chosen c CROSS JOIN finding_names m CROSS JOIN findings f CROSS JOIN images i WHERE m.name = $1 AND m.counts = 1 \
             AND m.image = c.image AND f.id = m.finding{meant} AND i.id = c.image ORDER BY i.id, f.package, f.version, f.fingerprint",
            decision(self.scope, page.teams())
        );
        self.hits(&page, &Having { table: "finding_names", conditions: vec![condition] }, &select).await
    }
}
