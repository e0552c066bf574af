//! API tokens. Only their hashes are kept: who reads the database cannot use them.
//!
//! A plain SHA-256 is enough, as a token is 256 random bits and no password that could be guessed. The lookup is by the hash, so how
//! long it takes says nothing about the token.

use crate::error::StoreError;
use crate::moment::Moment;
use crate::scope::Scope;
use crate::store::{Store, Work};
use crate::text::clean;
use crate::view::View;
use assay_model::contents::hex;
use sha2::{Digest as _, Sha256};
use sqlx::any::AnyRow;
use sqlx::{AssertSqlSafe, Row as _};
use std::fmt;
use std::str::FromStr;

/// What the holder of a token may do. Each may do what those before it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Read.
    Viewer,
    /// Record builds and ask for scans.
    Developer,
    /// Judge findings and see the audit log.
    Security,
    /// Everything.
    Admin,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 4] = [Self::Viewer, Self::Developer, Self::Security, Self::Admin];

    /// Returns the name used in the database and the API.
    pub fn name(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Developer => "developer",
            Self::Security => "security",
            Self::Admin => "admin",
        }
    }
}

/// A text names no role.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected viewer, developer, security or admin")]
pub struct UnknownRole;

impl FromStr for Role {
    type Err = UnknownRole;
    fn from_str(text: &str) -> Result<Self, UnknownRole> {
        Self::ALL.into_iter().find(|role| role.name() == text).ok_or(UnknownRole)
    }
}

/// A token: what its holder sends. Shown only by [`Token::reveal`].
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

impl Token {
    /// Makes a token of 32 random bytes.
    pub fn new(random: [u8; 32]) -> Self {
        // The prefix lets secret scanners, also Assay's own, recognise one that was leaked.
        Self(format!("assay_{}", hex(&random)))
    }

    /// Takes what a client sent.
    pub fn presented(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// Returns the text, to be shown once.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    pub(crate) fn hash(&self) -> String {
        hex(&Sha256::digest(self.0.as_bytes()))
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

/// Who holds a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// The token's name.
    pub name: String,
    /// What it allows.
    pub role: Role,
    /// Of which images.
    pub scope: Scope,
}

/// A token as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownToken {
    /// Its number, by which lists go on.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// What it allows.
    pub role: String,
    /// Of which images.
    pub scope: Scope,
    /// When it was made.
    pub created: Moment,
    /// Until when it lets in, if that was said.
    pub expires: Option<Moment>,
    /// Since when it lets in no more.
    pub revoked: Option<Moment>,
}

/// What became of the wish to revoke a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Revoked {
    /// It lets in no more.
    Done,
    /// No token of this name lets in.
    Unknown,
    /// Nobody could make another afterwards, so it stays.
    LastAdministrator,
}

/// Writes the teams of a scope as they are kept.
pub(crate) fn write_teams(scope: &Scope) -> Option<String> {
    let teams: Vec<String> = scope.teams()?.iter().map(|team| clean(team)).collect();
    Some(serde_json::to_string(&teams).unwrap_or_default())
}

/// Reads the teams as they are kept. Who is bound by what cannot be read sees nothing.
pub(crate) fn read_teams(text: Option<&str>) -> Scope {
    Scope::of(text.map(|text| serde_json::from_str::<Vec<String>>(text).unwrap_or_default()))
}

/// Reads a holder of the columns name, role and teams; nothing where the role is one of a newer program: it allows nothing here.
pub(crate) fn holder(row: &AnyRow) -> Result<Option<Holder>, StoreError> {
    let role: String = row.try_get(1)?;
    let Ok(role) = role.parse() else { return Ok(None) };
    let teams: Option<String> = row.try_get(2)?;
    Ok(Some(Holder { name: row.try_get(0)?, role, scope: read_teams(teams.as_deref()) }))
}

/// Tokens that let in at a moment.
const VALID: &str = "revoked IS NULL AND (expires IS NULL OR expires > $1)";

impl Work {
    /// Lets a token in, unless another of its name lets in; says whether it did.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn add_named_token(
        &mut self,
        token: &Token,
        holder: &Holder,
        expires: Option<Moment>,
        now: Moment,
    ) -> Result<bool, StoreError> {
        self.lock(crate::store::Lock::Audit).await?;
        let sql = format!("SELECT id FROM tokens WHERE {VALID} AND name = $2 LIMIT 1");
        let known = sqlx::query(AssertSqlSafe(sql))
            .bind(now.0)
            .bind(clean(&holder.name))
            .fetch_optional(&mut *self.transaction)
            .await?;
        if known.is_some() {
            return Ok(false);
        }
        self.add_token(token, holder, expires, now).await?;
        Ok(true)
    }

    /// Lets a token in no more, unless it is the last that can let others in. One that is bound to more than the scope of who asks is unknown to them.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn revoke_named_token(
        &mut self,
        scope: &Scope,
        name: &str,
        now: Moment,
    ) -> Result<Revoked, StoreError> {
        // Of two that revoke each other one must see that the other has.
        self.lock(crate::store::Lock::Audit).await?;
        let sql = format!(
            "SELECT id FROM tokens WHERE {VALID} AND role = 'admin' AND name <> $2 AND expires IS NULL AND teams IS NULL LIMIT 1"
        );
        let other = sqlx::query(AssertSqlSafe(sql))
            .bind(now.0)
            .bind(clean(name))
            .fetch_optional(&mut *self.transaction)
            .await?;
        let sql = format!("SELECT role, teams FROM tokens WHERE {VALID} AND name = $2");
        let own = sqlx::query(AssertSqlSafe(sql))
            .bind(now.0)
            .bind(clean(name))
            .fetch_all(&mut *self.transaction)
            .await?;
        if own.is_empty() {
            return Ok(Revoked::Unknown);
        }
        for row in own {
            let bound = read_teams(row.try_get::<Option<String>, _>(1)?.as_deref());
            if !scope.covers(&bound) {
                return Ok(Revoked::Unknown);
            }
            let opens_all = bound == Scope::Fleet && row.try_get::<String, _>(0)? == Role::Admin.name();
            if other.is_none() && opens_all {
                return Ok(Revoked::LastAdministrator);
            }
        }
        self.revoke_tokens(name, now).await?;
        Ok(Revoked::Done)
    }

    /// Lets a token in.
    ///
    /// # Errors
    /// Fails when the database does not answer, or the token is known already.
    pub async fn add_token(
        &mut self,
        token: &Token,
        holder: &Holder,
        expires: Option<Moment>,
        now: Moment,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO tokens (name, hash, role, created, expires, teams) VALUES ($1, $2, $3, $4, $5, $6)",
        )
        .bind(clean(&holder.name))
        .bind(token.hash())
        .bind(holder.role.name())
        .bind(now.0)
        .bind(expires.map(|moment| moment.0))
        .bind(write_teams(&holder.scope))
        .execute(&mut *self.transaction)
        .await?;
        Ok(())
    }

    /// Lets the tokens of a name in no more; returns how many there were.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn revoke_tokens(&mut self, name: &str, now: Moment) -> Result<u64, StoreError> {
        let revoked = sqlx::query("UPDATE tokens SET revoked = $1 WHERE name = $2 AND revoked IS NULL")
            .bind(now.0)
            .bind(clean(name))
            .execute(&mut *self.transaction)
            .await?;
        Ok(revoked.rows_affected())
    }

    /// Makes the first token of an administrator, unless there ever was a token; says whether it did. Of several servers that
    /// start at once one does.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn add_first_token(&mut self, token: &Token, now: Moment) -> Result<bool, StoreError> {
        self.lock(crate::store::Lock::Audit).await?;
        let any = sqlx::query("SELECT id FROM tokens LIMIT 1").fetch_optional(&mut *self.transaction).await?;
        if any.is_some() {
            return Ok(false);
        }
        let holder =
            Holder { name: "first administrator".to_owned(), role: Role::Admin, scope: Scope::Fleet };
        self.add_token(token, &holder, None, now).await?;
        Ok(true)
    }
}

impl Store {
    /// Returns tokens in the order in which they were made, those after a number.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn tokens(&self, after: i64, limit: i64) -> Result<Vec<KnownToken>, StoreError> {
        self.whole().tokens_like(None, None, after, limit).await
    }

    /// Returns who holds a token; `None` when it is unknown, expired or revoked.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn holder(&self, token: &Token, now: Moment) -> Result<Option<Holder>, StoreError> {
        let row = sqlx::query(
            "SELECT name, role, teams FROM tokens WHERE hash = $1 AND revoked IS NULL AND (expires IS NULL OR expires > $2)",
        )
        .bind(token.hash())
        .bind(now.0)
        .fetch_optional(&self.pool)
        .await?;
        row.as_ref().map_or(Ok(None), self::holder)
    }
}

impl View<'_> {
    /// Returns tokens of one name or all and of one role or all, those after a number that are bound to nothing out of sight.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn tokens_like(
        &self,
        name: Option<&str>,
        role: Option<&str>,
        after: i64,
        limit: i64,
    ) -> Result<Vec<KnownToken>, StoreError> {
        let (mut all, mut after) = (Vec::new(), after);
        loop {
            let found = self.store.some_tokens(name, role, after, limit).await?;
            let Some(last) = found.last().map(|token| token.id) else { return Ok(all) };
            let is_end = i64::try_from(found.len()).is_ok_and(|length| length < limit);
            for token in found.into_iter().filter(|token| self.scope.covers(&token.scope)) {
                all.push(token);
                if i64::try_from(all.len()).is_ok_and(|length| length >= limit) {
                    return Ok(all);
                }
            }
            if is_end {
                return Ok(all);
            }
            after = last;
        }
    }
}

impl Store {
    async fn some_tokens(
        &self,
        name: Option<&str>,
        role: Option<&str>,
        after: i64,
        limit: i64,
    ) -> Result<Vec<KnownToken>, StoreError> {
        let (name, role) = (clean(name.unwrap_or_default()), clean(role.unwrap_or_default()));
        let rows = sqlx::query(
            "SELECT id, name, role, created, expires, revoked, teams FROM tokens WHERE id > $1 \
             AND ($2 = '' OR name = $3) AND ($4 = '' OR role = $5) ORDER BY id LIMIT $6",
        )
        .bind(after)
        .bind(&name)
        .bind(&name)
        .bind(&role)
        .bind(&role)
        .bind(limit)
        .fetch_all(&self.pool)
        .await?;
        rows.iter()
            .map(|row| {
                Ok(KnownToken {
                    id: row.try_get(0)?,
                    name: row.try_get(1)?,
                    role: row.try_get(2)?,
                    scope: read_teams(row.try_get::<Option<String>, _>(6)?.as_deref()),
                    created: Moment(row.try_get(3)?),
                    expires: row.try_get::<Option<i64>, _>(4)?.map(Moment),
                    revoked: row.try_get::<Option<i64>, _>(5)?.map(Moment),
                })
            })
            .collect()
    }
}
