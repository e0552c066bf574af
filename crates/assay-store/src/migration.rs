//! The schema, version by version. Databases only go forwards; one that a newer program wrote is refused.
//!
//! All steps run in one transaction, under a lock, so that several processes may start at once on the same database.

use crate::backend::Backend;
use crate::error::OpenStoreError;
use sqlx::{Any, AssertSqlSafe, Row as _, Transaction};

/// One step.
struct Migration {
    version: i64,
    sql: &'static str,
}

/// Every step, in order. What was released is never edited: a change is a new step.
const MIGRATIONS: &[Migration] = &[
    Migration { version: 1, sql: include_str!("migration/0001_core.sql") },
    Migration { version: 2, sql: include_str!("migration/0002_access.sql") },
    Migration { version: 3, sql: include_str!("migration/0003_children.sql") },
    Migration { version: 4, sql: include_str!("migration/0004_inputs.sql") },
    Migration { version: 5, sql: include_str!("migration/0005_notices.sql") },
    Migration { version: 6, sql: include_str!("migration/0006_crawls.sql") },
    Migration { version: 7, sql: include_str!("migration/0007_pages.sql") },
    Migration { version: 8, sql: include_str!("migration/0008_evidence.sql") },
    Migration { version: 9, sql: include_str!("migration/0009_promotion.sql") },
    Migration { version: 10, sql: include_str!("migration/0010_builds.sql") },
    Migration { version: 11, sql: include_str!("migration/0011_logins.sql") },
    Migration { version: 12, sql: include_str!("migration/0012_triage.sql") },
    Migration { version: 13, sql: include_str!("migration/0013_channels.sql") },
    Migration { version: 14, sql: include_str!("migration/0014_names.sql") },
    Migration { version: 15, sql: include_str!("migration/0015_teams.sql") },
    Migration { version: 16, sql: include_str!("migration/0016_credentials.sql") },
    Migration { version: 17, sql: include_str!("migration/0017_load.sql") },
    Migration { version: 18, sql: include_str!("migration/0018_admitted.sql") },
];

/// The version that this program writes.
pub const SCHEMA_VERSION: i64 = 18;

/// Brings the schema forwards to `target`; returns the version there was before.
pub(crate) async fn migrate(
    transaction: &mut Transaction<'static, Any>,
    backend: Backend,
    target: i64,
) -> Result<i64, OpenStoreError> {
    let failed = |source| OpenStoreError::Migrate { source };
    if backend == Backend::Postgres {
        sqlx::query("SELECT CAST(pg_advisory_xact_lock(7310001) AS TEXT)")
            .execute(&mut **transaction)
            .await
            .map_err(failed)?;
    }
    sqlx::query("CREATE TABLE IF NOT EXISTS schema_version (version BIGINT NOT NULL)")
        .execute(&mut **transaction)
        .await
        .map_err(failed)?;
    let row = sqlx::query("SELECT COALESCE(MAX(version), 0) FROM schema_version")
        .fetch_one(&mut **transaction)
        .await
        .map_err(failed)?;
    let found: i64 = row.try_get(0).map_err(failed)?;
    if found > SCHEMA_VERSION {
        return Err(OpenStoreError::Newer { found, known: SCHEMA_VERSION });
    }
    for migration in MIGRATIONS.iter().filter(|one| one.version > found && one.version <= target) {
        let sql = backend.spell(migration.sql);
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut **transaction).await.map_err(failed)?;
        sqlx::query("INSERT INTO schema_version (version) VALUES ($1)")
            .bind(migration.version)
            .execute(&mut **transaction)
            .await
            .map_err(failed)?;
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_rise_from_one_to_the_newest() {
        let versions: Vec<i64> = MIGRATIONS.iter().map(|migration| migration.version).collect();
        assert!(versions.is_sorted_by(|one, next| one < next), "{versions:?}");
        assert_eq!((versions.first(), versions.last()), (Some(&1), Some(&SCHEMA_VERSION)));
    }

    #[test]
    fn nothing_is_left_to_spell() {
        for backend in [Backend::Sqlite, Backend::Postgres] {
            for migration in MIGRATIONS {
                assert!(!backend.spell(migration.sql).contains('{'), "{backend:?} {}", migration.version);
            }
        }
    }
}
