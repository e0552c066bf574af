//! Credentials for registries. What is secret of them comes and goes encrypted: nothing here can read it.

use crate::error::StoreError;
use crate::moment::Moment;
use crate::store::{Lock, Store, Work};
use crate::text::{clean, key};
use sqlx::any::AnyRow;
use sqlx::{AssertSqlSafe, Row as _};
use std::fmt;
use std::time::Duration;

/// How many there may be. The largest fleets have a few for each team, and each is opened anew when the key changes.
pub const MAX_CREDENTIALS: i64 = 1000;

/// How exactly it is known when a credential was last used: each note of it is a write, and each scan is a use.
const USED_PRECISION: Duration = Duration::from_secs(3600);

/// What a credential is used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum CredentialPurpose {
    /// Scans, crawls, and looking for what is attached to images.
    Read,
    /// Promotions, where they write.
    Write,
}

impl CredentialPurpose {
    /// Every purpose.
    pub const ALL: [Self; 2] = [Self::Read, Self::Write];

    /// Returns the name used in the database and the API.
    pub fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
        }
    }
}

/// What the secret of a credential is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum CredentialKind {
    /// A password.
    Password,
    /// A token that is exchanged for others.
    Identity,
    /// A token that registries take as it is.
    Bearer,
}

impl CredentialKind {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::Password, Self::Identity, Self::Bearer];

    /// Returns the name used in the database and the API.
    pub fn name(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::Identity => "identity",
            Self::Bearer => "bearer",
        }
    }
}

/// What a credential is for, and whose it is: all of it that is not secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CredentialTerms {
    /// The registry, by its host.
    pub registry: String,
    /// The repository or namespace; empty for all of the registry.
    pub repository: String,
    /// What it is used for.
    pub purpose: CredentialPurpose,
    /// What its secret is.
    pub kind: CredentialKind,
    /// The user name; empty for a token.
    pub account: String,
}

impl CredentialTerms {
    /// Returns where it is for, as people write it.
    pub fn place(&self) -> String {
        match self.repository.as_str() {
            "" => self.registry.clone(),
            repository => format!("{}/{repository}", self.registry),
        }
    }
}

/// What is secret of a credential, encrypted.
#[derive(Clone, PartialEq, Eq)]
pub struct Sealed {
    /// Which key it was encrypted by.
    pub by: String,
    /// The bytes.
    pub bytes: Vec<u8>,
}

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sealed(by {})", self.by)
    }
}

/// A credential as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptCredential {
    /// Its number, by which lists go on.
    pub id: i64,
    /// What it is for.
    pub terms: CredentialTerms,
    /// What is secret of it.
    pub sealed: Sealed,
    /// Who set it.
    pub set_by: String,
    /// When.
    pub set: Moment,
    /// When it was last used, to the hour.
    pub used: Option<Moment>,
}

/// What became of a credential that was to be kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CredentialSet {
    /// It is the first for this, and has this number.
    Added(i64),
    /// It took the place and the number of another.
    Replaced(i64),
    /// There are too many.
    TooMany,
}

const COLUMNS: &str =
    "id, registry, repository, purpose, kind, account, sealed_by, sealed, set_by, set_at, used";

impl Work {
    /// Keeps a credential, in the place of another for the same.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn set_credential(
        &mut self,
        terms: &CredentialTerms,
        sealed: &Sealed,
        set_by: &str,
        now: Moment,
    ) -> Result<CredentialSet, StoreError> {
        // Who counts must see what others add.
        self.lock(Lock::Audit).await?;
        let known = sqlx::query(
            "SELECT id FROM credentials WHERE registry = $1 AND repository = $2 AND purpose = $3",
        )
        .bind(key(&terms.registry))
        .bind(key(&terms.repository))
        .bind(terms.purpose.name())
        .fetch_optional(&mut *self.transaction)
        .await?;
        if known.is_none() {
            let row =
                sqlx::query("SELECT COUNT(*) FROM credentials").fetch_one(&mut *self.transaction).await?;
            if row.try_get::<i64, _>(0)? >= MAX_CREDENTIALS {
                return Ok(CredentialSet::TooMany);
            }
        }
        let row = sqlx::query(
            "INSERT INTO credentials (registry, repository, purpose, kind, account, sealed_by, sealed, set_by, set_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (registry, repository, purpose) DO UPDATE SET \
             kind = excluded.kind, account = excluded.account, sealed_by = excluded.sealed_by, sealed = excluded.sealed, \
             set_by = excluded.set_by, set_at = excluded.set_at, used = NULL RETURNING id",
        )
        .bind(key(&terms.registry))
        .bind(key(&terms.repository))
        .bind(terms.purpose.name())
        .bind(terms.kind.name())
        .bind(clean(&terms.account))
        .bind(&sealed.by)
        .bind(sealed.bytes.clone())
        .bind(clean(set_by))
        .bind(now.0)
        .fetch_one(&mut *self.transaction)
        .await?;
        let id = row.try_get(0)?;
        Ok(if known.is_some() { CredentialSet::Replaced(id) } else { CredentialSet::Added(id) })
    }

    /// Forgets a credential, and returns what it was for; `None` when there is none of this number.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn remove_credential(&mut self, id: i64) -> Result<Option<KeptCredential>, StoreError> {
        let sql = format!("DELETE FROM credentials WHERE id = $1 RETURNING {COLUMNS}");
        let row = sqlx::query(AssertSqlSafe(sql)).bind(id).fetch_optional(&mut *self.transaction).await?;
        row.as_ref().map(kept).transpose()
    }

    /// Keeps a credential encrypted by another key; says whether it was still the same.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn reseal_credential(
        &mut self,
        before: &KeptCredential,
        sealed: &Sealed,
    ) -> Result<bool, StoreError> {
        let done =
            sqlx::query("UPDATE credentials SET sealed_by = $1, sealed = $2 WHERE id = $3 AND sealed = $4")
                .bind(&sealed.by)
                .bind(sealed.bytes.clone())
                .bind(before.id)
                .bind(before.sealed.bytes.clone())
                .execute(&mut *self.transaction)
                .await?;
        Ok(done.rows_affected() > 0)
    }
}

impl Store {
    /// Returns the credentials of one registry or all, in the order in which they were first set, those after a number.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn credentials(
        &self,
        registry: Option<&str>,
        after: i64,
        limit: i64,
    ) -> Result<Vec<KeptCredential>, StoreError> {
        let registry = key(registry.unwrap_or_default());
        let sql = format!(
            "SELECT {COLUMNS} FROM credentials WHERE id > $1 AND ($2 = '' OR registry = $3) ORDER BY id LIMIT $4"
        );
        let rows = sqlx::query(AssertSqlSafe(sql))
            .bind(after)
            .bind(&registry)
            .bind(&registry)
            .bind(limit)
            .fetch_all(&self.pool)
            .await?;
        rows.iter().map(kept).collect()
    }

    /// Returns the credential for a repository: that of the longest name which is its own or one above it, else that of the registry.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn credential_for(
        &self,
        registry: &str,
        repository: &str,
        purpose: CredentialPurpose,
    ) -> Result<Option<KeptCredential>, StoreError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM credentials WHERE registry = $1 AND purpose = $2 AND (repository = '' \
             OR substr(CAST($3 AS TEXT), 1, length(repository) + 1) = repository || '/') \
             ORDER BY length(repository) DESC LIMIT 1"
        );
        let row = sqlx::query(AssertSqlSafe(sql))
            .bind(key(registry))
            .bind(purpose.name())
            // With a slash at its end a name is below itself.
            .bind(format!("{}/", clean(repository)))
            .fetch_optional(&self.pool)
            .await?;
        row.as_ref().map(kept).transpose()
    }

    /// Notes that a credential was used, if that was not noted within the last hour.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn use_credential(&self, kept: &KeptCredential, now: Moment) -> Result<(), StoreError> {
        if kept.used.is_some_and(|used| now.since(used) < USED_PRECISION) {
            return Ok(());
        }
        sqlx::query("UPDATE credentials SET used = $1 WHERE id = $2 AND (used IS NULL OR used < $3)")
            .bind(now.0)
            .bind(kept.id)
            .bind(now.0)
            .execute(&self.pool)
            .await?;
        Ok(())
    }
}

fn kept(row: &AnyRow) -> Result<KeptCredential, StoreError> {
    let (registry, repository): (String, String) = (row.try_get(1)?, row.try_get(2)?);
    let (purpose, kind): (String, String) = (row.try_get(3)?, row.try_get(4)?);
    let damaged = || StoreError::Damaged { what: "credential", name: format!("{registry}/{repository}") };
    let purpose = CredentialPurpose::ALL.into_iter().find(|one| one.name() == purpose).ok_or_else(damaged)?;
    let kind = CredentialKind::ALL.into_iter().find(|one| one.name() == kind).ok_or_else(damaged)?;
    Ok(KeptCredential {
        id: row.try_get(0)?,
        terms: CredentialTerms { registry, repository, purpose, kind, account: row.try_get(5)? },
        sealed: Sealed { by: row.try_get(6)?, bytes: row.try_get(7)? },
        set_by: row.try_get(8)?,
        set: Moment(row.try_get(9)?),
        used: row.try_get::<Option<i64>, _>(10)?.map(Moment),
    })
}
