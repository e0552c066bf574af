//! The connection, and the transaction in which everything is written.

use crate::backend::{Address, Backend};
use crate::error::{OpenStoreError, StoreError};
use crate::event::NewEvent;
use crate::migration::{SCHEMA_VERSION, migrate};
use crate::object::Objects;
use sqlx::any::AnyPoolOptions;
use sqlx::{Any, AnyConnection, AnyPool, AssertSqlSafe, Connection as _, Row as _, Transaction};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Mutex, OwnedMutexGuard};

/// Connections of one process. SQLite has one writer at a time anyway; PostgreSQL allows 100 in all by default.
const CONNECTIONS: u32 = 8;

/// Mebibytes of a file that a connection keeps in memory. SQLite's own 2 are read anew for every page of a fleet.
const CACHE: u32 = 16;

/// How long a writer waits for the others before it is an error.
const PATIENCE: Duration = Duration::from_secs(60);

/// How often the mode of a new file is tried to be set.
const MODE_ATTEMPTS: u32 = 40;

/// The server's database. Clones share the connections.
#[derive(Debug, Clone)]
pub struct Store {
    pub(crate) pool: AnyPool,
    pub(crate) backend: Backend,
    /// Where large documents are, if not in their rows.
    pub(crate) objects: Option<Objects>,
    /// Who may write to a file. One writes at a time in any case; without this the others would wait with a connection each, until none is
    /// left for those that only read.
    pub(crate) writer: Arc<Mutex<()>>,
}

/// What is being written: all of it becomes visible with [`Work::commit`], or nothing does.
#[derive(Debug)]
pub struct Work {
    pub(crate) transaction: Transaction<'static, Any>,
    pub(crate) backend: Backend,
    /// What happened and is written at the end.
    pub(crate) events: Vec<NewEvent>,
    /// Let go after the transaction.
    _turn: Option<OwnedMutexGuard<()>>,
}

impl Store {
    /// Opens a database and brings its tables to this version of the program.
    ///
    /// # Errors
    /// Fails when it does not answer, is no database, or was written by a newer program.
    pub async fn open(address: &Address) -> Result<Self, OpenStoreError> {
        Self::open_at(address, SCHEMA_VERSION).await
    }

    /// Opens a database as [`Store::open`] does, for who writes very much in one transaction after the other and nothing else: one
    /// connection, which keeps so many mebibytes of a file in memory, so that a place that many rows fall into is written once.
    ///
    /// # Errors
    /// Fails as [`Store::open`] does.
    pub async fn open_to_load(address: &Address, cache: u32) -> Result<Self, OpenStoreError> {
        Self::open_with(address, SCHEMA_VERSION, 1, cache).await
    }

    /// Opens a database and brings its tables up to an older version, as that version of the program would have: for tests of the
    /// way forwards.
    ///
    /// # Errors
    /// Fails as [`Store::open`] does.
    pub async fn open_at(address: &Address, version: i64) -> Result<Self, OpenStoreError> {
        Self::open_with(address, version, CONNECTIONS, CACHE).await
    }

    async fn open_with(
        address: &Address,
        version: i64,
        connections: u32,
        cache: u32,
    ) -> Result<Self, OpenStoreError> {
        sqlx::any::install_default_drivers();
        let backend = address.backend();
        let url = address.url().ok_or_else(|| OpenStoreError::Path(address.to_string()))?;
        let failed = |source| OpenStoreError::Connect { address: address.to_string(), source };
        // The pool would try for a minute to open what is no database.
        prepare(&url, backend).await.map_err(failed)?;
        let pool = AnyPoolOptions::new()
            .max_connections(connections)
            .acquire_timeout(PATIENCE)
            .after_connect(move |connection, _| {
                Box::pin(async move {
                    if backend == Backend::Sqlite {
                        sqlx::query("PRAGMA busy_timeout = 60000").execute(&mut *connection).await?;
                        // Negative: in kibibytes instead of pages (<https://www.sqlite.org/pragma.html#pragma_cache_size>).
                        let kept = format!("PRAGMA cache_size = -{}", u64::from(cache) * 1024);
                        sqlx::query(AssertSqlSafe(kept)).execute(&mut *connection).await?;
                        // What would undo a statement of many rows goes into a file otherwise, a third of the time of writing a scan.
                        sqlx::query("PRAGMA temp_store = MEMORY").execute(&mut *connection).await?;
                    }
                    Ok(())
                })
            })
            .connect(&url)
            .await
            .map_err(failed)?;
        let store = Self { pool, backend, objects: None, writer: Arc::default() };
        let mut work = store.begin().await.map_err(|error| match error {
            StoreError::Database(source) => failed(source),
            _ => OpenStoreError::Path(address.to_string()),
        })?;
        migrate(&mut work.transaction, backend, version).await?;
        work.transaction.commit().await.map_err(|source| OpenStoreError::Migrate { source })?;
        Ok(store)
    }

    /// Opens a database as it is, whichever version of the program it is of: for who only looks.
    ///
    /// # Errors
    /// Fails as [`Store::open`] does, and when a file is not there.
    pub async fn open_as_it_is(address: &Address) -> Result<Self, OpenStoreError> {
        if let Address::File(path) = address
            && !path.is_file()
        {
            return Err(OpenStoreError::Missing(address.to_string()));
        }
        Self::open_at(address, 0).await
    }

    /// Returns the kind of database.
    pub fn backend(&self) -> Backend {
        self.backend
    }

    /// Begins to write.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn begin(&self) -> Result<Work, StoreError> {
        let (turn, transaction) = match self.backend {
            Backend::Sqlite => {
                let turn = tokio::time::timeout(PATIENCE, self.writer.clone().lock_owned()).await;
                let turn = turn.map_err(|_| sqlx::Error::PoolTimedOut)?;
                // A transaction of SQLite that reads first and writes later fails when another wrote in between; this one waits.
                (Some(turn), self.pool.begin_with("BEGIN IMMEDIATE").await?)
            }
            Backend::Postgres => (None, self.pool.begin().await?),
        };
        Ok(Work { transaction, backend: self.backend, events: Vec::new(), _turn: turn })
    }

    /// Says whether the database answers.
    pub async fn is_ready(&self) -> bool {
        sqlx::query("SELECT 1").fetch_one(&self.pool).await.is_ok()
    }

    /// Ends all connections, once they have done what they are at.
    pub async fn close(&self) {
        self.pool.close().await;
    }
}

/// Makes sure that a database is there, and brings a file into the mode in which readers do not wait for the writer.
async fn prepare(url: &str, backend: Backend) -> Result<(), sqlx::Error> {
    let mut connection = AnyConnection::connect(url).await?;
    if backend == Backend::Sqlite {
        sqlx::query("PRAGMA busy_timeout = 60000").execute(&mut connection).await?;
        // The mode stays in the file. Changing it needs the file alone, which another process that does the same may have: then
        // that one changes it.
        for attempt in 0..MODE_ATTEMPTS {
            let row = sqlx::query("PRAGMA journal_mode").fetch_one(&mut connection).await?;
            if row.try_get::<String, _>(0)? == "wal" {
                break;
            }
            match sqlx::query("PRAGMA journal_mode = WAL").fetch_one(&mut connection).await {
                Err(sqlx::Error::Database(_)) if attempt + 1 < MODE_ATTEMPTS => {
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
                result => drop(result?),
            }
        }
    }
    connection.close().await
}

impl Work {
    /// Makes everything that was written visible.
    ///
    /// # Errors
    /// Fails when the database did not take it; then nothing was written.
    pub async fn commit(mut self) -> Result<(), StoreError> {
        self.write_events().await?;
        Ok(self.transaction.commit().await?)
    }

    /// Makes writers of the same thing wait for one another. SQLite lets only one write anyway.
    pub(crate) async fn lock(&mut self, what: Lock) -> Result<(), StoreError> {
        if self.backend == Backend::Postgres {
            let number = match what {
                Lock::Claims => 7_310_002_i64,
                Lock::Audit => 7_310_003,
                Lock::Deployments => 7_310_004,
                Lock::Events => 7_310_005,
                Lock::Triage => 7_310_012,
                Lock::Owners => 7_310_015,
            };
            sqlx::query("SELECT CAST(pg_advisory_xact_lock($1) AS TEXT)")
                .bind(number)
                .execute(&mut *self.transaction)
                .await?;
        }
        Ok(())
    }
}

/// What is locked.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Lock {
    /// The choice of the next job: limits that are counted hold only when one chooses at a time.
    Claims,
    /// The end of the audit log, which the next entry is chained to.
    Audit,
    /// Which images are deployed, which pruning must not change under its feet.
    Deployments,
    /// The numbers of events, which become visible in their order.
    Events,
    /// What was decided about findings: of two decisions about the same one is the later.
    Triage,
    /// Who owns which repositories.
    Owners,
}
