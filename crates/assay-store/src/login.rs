//! Who signed in by an identity provider (OpenID Connect), and who is about to.
//!
//! A login is a session of its own, without a token: its role is what the provider's claims were worth under the terms of the server at that
//! time. When the terms change, all logins under others end. An attempt is used once, by whoever brings the state that began it.

use crate::error::StoreError;
use crate::moment::Moment;
use crate::session::{SESSION_LIFETIME, Session};
use crate::store::{Store, Work};
use crate::text::{clean, key};
use crate::token::{Holder, holder, write_teams};
use assay_model::contents::hex;
use sha2::{Digest as _, Sha256};
use sqlx::Row as _;
use std::time::Duration;

/// How long somebody may take to prove to the provider who they are.
pub const LOGIN_TIME: Duration = Duration::from_secs(600);

/// Logins of one person; with one more the oldest ends.
const MAX_LOGINS: i64 = 50;

/// Attempts that are open at once: anybody may begin one, without being anybody. With one more the oldest ends.
const MAX_ATTEMPTS: i64 = 10_000;

/// What was agreed when somebody went to the provider, and must hold when they come back.
#[derive(Clone, PartialEq, Eq)]
pub struct LoginAttempt {
    /// What the token must repeat.
    pub nonce: String,
    /// What, with the state, proves that the code is ours (RFC 7636). Without it, it proves nothing.
    pub verifier: String,
    /// Where they wanted to go.
    pub wanted: String,
}

fn hash(state: &str) -> String {
    hex(&Sha256::digest(state.as_bytes()))
}

impl Work {
    /// Begins an attempt to sign in.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn begin_login(
        &mut self,
        state: &str,
        attempt: &LoginAttempt,
        now: Moment,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "DELETE FROM login_attempts WHERE expires <= $1 OR id <= (SELECT COALESCE(MAX(id), 0) FROM login_attempts) - $2",
        )
        .bind(now.0)
        .bind(MAX_ATTEMPTS)
        .execute(&mut *self.transaction)
        .await?;
        sqlx::query(
            "INSERT INTO login_attempts (hash, nonce, verifier, wanted, expires) VALUES ($1, $2, $3, $4, $5)",
        )
        .bind(hash(state))
        .bind(clean(&attempt.nonce))
        .bind(clean(&attempt.verifier))
        .bind(clean(&attempt.wanted))
        .bind(now.plus(LOGIN_TIME).0)
        .execute(&mut *self.transaction)
        .await?;
        Ok(())
    }

    /// Takes an attempt, which then cannot be taken again; `None` when it is unknown, used or too old.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn take_login(&mut self, state: &str, now: Moment) -> Result<Option<LoginAttempt>, StoreError> {
        let row = sqlx::query(
            "DELETE FROM login_attempts WHERE hash = $1 AND expires > $2 RETURNING nonce, verifier, wanted",
        )
        .bind(hash(state))
        .bind(now.0)
        .fetch_optional(&mut *self.transaction)
        .await?;
        row.map(|row| {
            Ok(LoginAttempt { nonce: row.try_get(0)?, verifier: row.try_get(1)?, wanted: row.try_get(2)? })
        })
        .transpose()
    }

    /// Lets somebody in whom the provider named.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn add_login(
        &mut self,
        session: &Session,
        holder: &Holder,
        terms: &str,
        now: Moment,
    ) -> Result<(), StoreError> {
        let name = key(&holder.name);
        sqlx::query("DELETE FROM logins WHERE expires <= $1")
            .bind(now.0)
            .execute(&mut *self.transaction)
            .await?;
        sqlx::query(
            "DELETE FROM logins WHERE name = $1 AND id NOT IN (SELECT id FROM logins WHERE name = $2 ORDER BY id DESC LIMIT $3)",
        )
        .bind(&name)
        .bind(&name)
        .bind(MAX_LOGINS - 1)
        .execute(&mut *self.transaction)
        .await?;
        sqlx::query(
            "INSERT INTO logins (hash, name, role, terms, created, expires, teams) VALUES ($1, $2, $3, $4, $5, $6, $7)",
        )
        .bind(session.hash())
        .bind(&name)
        .bind(holder.role.name())
        .bind(terms)
        .bind(now.0)
        .bind(now.plus(SESSION_LIFETIME).0)
        .bind(write_teams(&holder.scope))
        .execute(&mut *self.transaction)
        .await?;
        Ok(())
    }

    /// Ends all logins that came about under other terms than these; returns how many. Without terms all end.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn end_other_logins(&mut self, terms: Option<&str>) -> Result<u64, StoreError> {
        let ended = sqlx::query("DELETE FROM logins WHERE terms <> $1")
            .bind(terms.unwrap_or_default())
            .execute(&mut *self.transaction)
            .await?;
        Ok(ended.rows_affected())
    }
}

impl Store {
    /// Returns whose login this is; `None` when it is unknown, over, or came about under other terms than these: another server may
    /// still let people in by former ones.
    pub(crate) async fn login_holder(
        &self,
        session: &Session,
        terms: Option<&str>,
        now: Moment,
    ) -> Result<Option<Holder>, StoreError> {
        let row = sqlx::query(
            "SELECT name, role, teams FROM logins WHERE hash = $1 AND expires > $2 AND terms = $3",
        )
        .bind(session.hash())
        .bind(now.0)
        .bind(terms.unwrap_or_default())
        .fetch_optional(&self.pool)
        .await?;
        row.as_ref().map_or(Ok(None), holder)
    }
}
