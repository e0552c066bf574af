//! Who owns which repositories, as the server's file of owners says: kept here so that lists of a team's images can be had from the database.
//!
//! Whoever sees an image in a repository that nobody has looked up yet only notes that; a server, which knows the owners, does the rest. All
//! of it may be done by several servers at once, and again.

use crate::error::StoreError;
use crate::store::{Lock, Store, Work};
use crate::text::clean;
use sqlx::Row as _;
use std::collections::BTreeSet;

/// Repositories that are looked at in one transaction.
const AT_ONCE: i64 = 500;

impl Work {
    /// Notes a repository, unless it is known: one in which an image was seen, or of which somebody told.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn note_repository(&mut self, registry: &str, repository: &str) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO new_repositories (registry, repository) SELECT CAST($1 AS TEXT), CAST($2 AS TEXT) WHERE NOT EXISTS \
             (SELECT 1 FROM repositories r WHERE r.registry = $3 AND r.repository = $4)",
        )
        .bind(registry.to_owned())
        .bind(repository.to_owned())
        .bind(registry.to_owned())
        .bind(repository.to_owned())
        .execute(&mut *self.transaction)
        .await?;
        Ok(())
    }

    async fn own_repository(
        &mut self,
        registry: &str,
        repository: &str,
        owner: Option<&str>,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO repositories (registry, repository, owner) VALUES ($1, $2, $3) \
             ON CONFLICT (registry, repository) DO UPDATE SET owner = excluded.owner",
        )
        .bind(registry.to_owned())
        .bind(repository.to_owned())
        .bind(owner.map(clean))
        .execute(&mut *self.transaction)
        .await?;
        Ok(())
    }
}

impl Store {
    /// Records who owns the repositories that were seen since this was last done; returns how many.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn own_new_repositories(
        &self,
        owner: impl Fn(&str, &str) -> Option<String>,
    ) -> Result<usize, StoreError> {
        let mut count = 0;
        loop {
            // Mostly there are none, and then nobody need wait for the one that writes.
            if sqlx::query("SELECT 1 FROM new_repositories LIMIT 1")
                .fetch_optional(&self.pool)
                .await?
                .is_none()
            {
                return Ok(count);
            }
            let mut work = self.begin().await?;
            work.lock(Lock::Owners).await?;
            let rows =
                sqlx::query("SELECT id, registry, repository FROM new_repositories ORDER BY id LIMIT $1")
                    .bind(AT_ONCE)
                    .fetch_all(&mut *work.transaction)
                    .await?;
            let mut new = BTreeSet::new();
            for row in &rows {
                new.insert((row.try_get::<String, _>(1)?, row.try_get::<String, _>(2)?));
            }
            for (registry, repository) in &new {
                work.own_repository(registry, repository, owner(registry, repository).as_deref()).await?;
                sqlx::query("DELETE FROM new_repositories WHERE registry = $1 AND repository = $2")
                    .bind(registry.clone())
                    .bind(repository.clone())
                    .execute(&mut *work.transaction)
                    .await?;
            }
            work.commit().await?;
            count += new.len();
        }
    }

    /// Records who owns the repositories that are known: when somebody else does than before; returns how many changed hands.
    ///
    /// # Errors
    /// Fails when the database does not answer. What was written until then stays.
    pub async fn own_repositories(
        &self,
        owner: impl Fn(&str, &str) -> Option<String>,
    ) -> Result<usize, StoreError> {
        self.own_new_repositories(&owner).await?;
        let (mut changed, mut last) = (0, (String::new(), String::new()));
        loop {
            let mut work = self.begin().await?;
            work.lock(Lock::Owners).await?;
            let rows = sqlx::query(
                "SELECT registry, repository, owner FROM repositories WHERE (registry, repository) > ($1, $2) \
                 ORDER BY registry, repository LIMIT $3",
            )
            .bind(last.0.clone())
            .bind(last.1.clone())
            .bind(AT_ONCE)
            .fetch_all(&mut *work.transaction)
            .await?;
            for row in &rows {
                let (registry, repository): (String, String) = (row.try_get(0)?, row.try_get(1)?);
                let (was, is) = (row.try_get::<Option<String>, _>(2)?, owner(&registry, &repository));
                if was.as_deref() != is.as_deref().map(clean).as_deref() {
                    work.own_repository(&registry, &repository, is.as_deref()).await?;
                    changed += 1;
                }
                last = (registry, repository);
            }
            work.commit().await?;
            if rows.is_empty() {
                return Ok(changed);
            }
        }
    }
}
