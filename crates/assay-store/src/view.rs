//! The store as somebody sees it: everything, or what is of their teams. Whoever answers people reads through this, and so cannot forget it.
//!
//! What is out of sight is not told from what is not there. Lists have the scope in their statements; what is asked for by the digest of an
//! image is looked up here first.

use crate::error::StoreError;
use crate::image::Place;
use crate::moment::Moment;
use crate::sbom::SbomFound;
use crate::scan::{Depth, ReportStatus, StoredReport};
use crate::scope::Scope;
use crate::store::Store;
use crate::triage::TriageScope;
use crate::verdict::StoredVerdict;
use assay_model::Digest;
use sqlx::{AssertSqlSafe, Row as _};

/// How many images are no more few.
const FEW: i64 = 2000;

/// The store as somebody sees it.
#[derive(Debug, Clone, Copy)]
pub struct View<'s> {
    pub(crate) store: &'s Store,
    pub(crate) scope: &'s Scope,
}

impl Store {
    /// Returns the store as somebody sees it.
    pub fn within<'s>(&'s self, scope: &'s Scope) -> View<'s> {
        View { store: self, scope }
    }

    /// Returns the store as whoever sees everything does.
    pub(crate) fn whole(&self) -> View<'_> {
        self.within(&Scope::Fleet)
    }
}

impl View<'_> {
    /// Returns what is in sight.
    pub fn scope(&self) -> &Scope {
        self.scope
    }

    /// Returns a statement with very many parameters, each of which stands in it once but for the teams.
    pub(crate) fn with_many(&self, sql: String) -> AssertSqlSafe<String> {
        match self.scope {
            Scope::Fleet => self.store.backend.with_many(sql),
            // Conditions name the teams more than once, which parameters without numbers cannot.
            Scope::Teams(_) => AssertSqlSafe(sql),
        }
    }

    /// Says whether an image is in sight.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn sees(&self, digest: &Digest) -> Result<bool, StoreError> {
        self.meets(digest, &self.scope.image("i.id", 2)).await
    }

    /// Says whether an image is in sight, and in no repository that is not.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn sees_all_of(&self, digest: &Digest) -> Result<bool, StoreError> {
        self.meets(digest, &self.scope.whole_image("i.id", 2)).await
    }

    /// Says whether there is a bound, and so few images are within it that what is about them is best found one by one.
    pub(crate) async fn has_few_images(&self) -> Result<bool, StoreError> {
        if *self.scope == Scope::Fleet {
            return Ok(false);
        }
        let sql = format!(
            "SELECT COUNT(*) FROM (SELECT 1 FROM image_places p WHERE 1 = 1{} LIMIT {FEW}) few",
            self.scope.places("p.registry", "p.repository", 1)
        );
        let row = self.scope.bind(sqlx::query(AssertSqlSafe(sql))).fetch_one(&self.store.pool).await?;
        Ok(row.try_get::<i64, _>(0)? < FEW)
    }

    async fn meets(&self, digest: &Digest, condition: &str) -> Result<bool, StoreError> {
        if *self.scope == Scope::Fleet {
            return Ok(true);
        }
        let sql = format!("SELECT 1 FROM images i WHERE i.digest = $1{condition}");
        let query = self.scope.bind(sqlx::query(AssertSqlSafe(sql)).bind(digest.to_string()));
        Ok(query.fetch_optional(&self.store.pool).await?.is_some())
    }

    /// Says whether a repository is in sight.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn sees_repository(&self, registry: &str, repository: &str) -> Result<bool, StoreError> {
        if *self.scope == Scope::Fleet {
            return Ok(true);
        }
        let sql =
            format!("SELECT 1 WHERE 1 = 1{}", self.scope.place("CAST($1 AS TEXT)", "CAST($2 AS TEXT)", 3));
        let query = sqlx::query(AssertSqlSafe(sql)).bind(registry.to_owned()).bind(repository.to_owned());
        Ok(self.scope.bind(query).fetch_optional(&self.store.pool).await?.is_some())
    }

    /// Returns the report of an image as [`Store::report`] does.
    ///
    /// # Errors
    /// Fails as [`Store::report`] does.
    pub async fn report(
        &self,
        digest: &Digest,
        depth: Option<Depth>,
    ) -> Result<Option<StoredReport>, StoreError> {
        if self.sees(digest).await? { self.store.report(digest, depth).await } else { Ok(None) }
    }

    /// Returns depth and dates of the report that [`View::report`] would return, without reading it.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn report_status(&self, digest: &Digest) -> Result<Option<ReportStatus>, StoreError> {
        if self.sees(digest).await? { self.store.report_status(digest).await } else { Ok(None) }
    }

    /// Returns what a vulnerability database says of itself.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn database_description(&self, built: Moment) -> Result<Option<String>, StoreError> {
        self.store.database_description(built).await
    }

    /// Returns how many open findings of each severity an image has.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn severities_of(&self, digest: &Digest) -> Result<Vec<(String, i64)>, StoreError> {
        if self.sees(digest).await? { self.store.severities_of(digest).await } else { Ok(Vec::new()) }
    }

    /// Returns how many packages of an image are vulnerable, and how much they weigh.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn vulnerable_packages(&self, digest: &Digest) -> Result<(i64, i64), StoreError> {
        if self.sees(digest).await? { self.store.vulnerable_packages(digest).await } else { Ok((0, 0)) }
    }

    /// Returns why an image can never be judged, if it is known that it cannot.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn refused(&self, digest: &Digest) -> Result<Option<String>, StoreError> {
        if self.sees(digest).await? { self.store.refused(digest).await } else { Ok(None) }
    }

    /// Returns when an image was last pulled, as far as events told.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn last_pulled(&self, digest: &Digest) -> Result<Option<Moment>, StoreError> {
        if self.sees(digest).await? { self.store.last_pulled(digest).await } else { Ok(None) }
    }

    /// Returns how often what verdicts about an image are decided by has changed; `None` when it was never seen.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn generation(&self, digest: &Digest) -> Result<Option<i64>, StoreError> {
        if self.sees(digest).await? { self.store.generation(digest).await } else { Ok(None) }
    }

    /// Returns a bill of materials that somebody gave.
    ///
    /// # Errors
    /// Fails as [`Store::sbom`] does.
    pub async fn sbom(&self, digest: &Digest, format: &str) -> Result<Option<Vec<u8>>, StoreError> {
        if self.sees(digest).await? { self.store.sbom(digest, format).await } else { Ok(None) }
    }

    /// Returns the bills of materials of an image, by format.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn sboms(&self, digest: &Digest) -> Result<Vec<SbomFound>, StoreError> {
        if self.sees(digest).await? { self.store.sboms(digest).await } else { Ok(Vec::new()) }
    }

    /// Returns the state of the newest job of a kind about an image, and its last error: that may name any repository in which the image is.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn job_about(
        &self,
        kind: &str,
        digest: &Digest,
    ) -> Result<Option<(String, Option<String>)>, StoreError> {
        if !self.sees(digest).await? {
            return Ok(None);
        }
        let Some((state, error)) = self.store.job_state(kind, &digest.to_string()).await? else {
            return Ok(None);
        };
        let error = if self.sees_all_of(digest).await? { error } else { None };
        Ok(Some((state, error)))
    }

    /// Returns the verdicts about an image as [`Store::verdicts`] does, where it was judged by a name that is in sight.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn verdicts(&self, digest: &Digest) -> Result<Vec<StoredVerdict>, StoreError> {
        if !self.sees(digest).await? {
            return Ok(Vec::new());
        }
        let mut seen = Vec::new();
        for verdict in self.store.verdicts(digest).await? {
            let at = verdict.place();
            let is_seen = match (self.scope, &at) {
                (Scope::Fleet, _) => true,
                (Scope::Teams(_), Some(place)) => {
                    self.sees_repository(&place.registry, &place.repository).await?
                }
                (Scope::Teams(_), None) => false,
            };
            if is_seen {
                seen.push(verdict);
            }
        }
        Ok(seen)
    }

    /// Says whether any image that a decision would be about, and that is in sight, has or had such a finding.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn is_found(
        &self,
        advisory: &str,
        package: Option<&str>,
        scope: &TriageScope,
    ) -> Result<bool, StoreError> {
        let is_seen = match scope {
            TriageScope::Image(digest) => self.sees(digest).await?,
            TriageScope::Repository { registry, repository } => {
                self.sees_repository(registry, repository).await?
            }
        };
        Ok(is_seen && self.store.is_found(advisory, package, scope).await?)
    }

    /// Returns what is attached to an image in a repository, with the answer; `None` where that was never asked.
    ///
    /// # Errors
    /// Fails as [`Store::gathered`] does.
    pub async fn gathered(
        &self,
        digest: &Digest,
        place: &Place,
    ) -> Result<Option<crate::evidence::Gathered>, StoreError> {
        if self.sees_repository(&place.registry, &place.repository).await? {
            return self.store.gathered(digest, place).await;
        }
        Ok(None)
    }
}
