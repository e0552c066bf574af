//! Who is signed in with a browser. A session holds no token: it is a random number of its own, of which only the hash is kept, and it
//! opens what its token opens for as long as that is valid. A token that is revoked or expires takes its sessions with it.

use crate::error::StoreError;
use crate::moment::Moment;
use crate::store::{Store, Work};
use crate::token::{Holder, Token, holder};
use assay_model::contents::hex;
use sha2::{Digest as _, Sha256};
use sqlx::Row as _;
use std::fmt;
use std::time::Duration;

/// How long somebody stays signed in: a working day.
pub const SESSION_LIFETIME: Duration = Duration::from_secs(12 * 3600);

/// Sessions of one token; with one more the oldest ends.
const MAX_SESSIONS: i64 = 50;

/// A session: what a browser sends. Shown only by [`Session::reveal`].
#[derive(Clone, PartialEq, Eq)]
pub struct Session(String);

impl Session {
    /// Makes a session of 32 random bytes.
    pub fn new(random: [u8; 32]) -> Self {
        Self(hex(&random))
    }

    /// Takes what a browser sent.
    pub fn presented(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// Returns the text, for the browser.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// Returns what forms of this session must bring along: another site cannot know it, and who reads it in a page cannot tell the
    /// session from it.
    pub fn form_key(&self) -> String {
        hex(&Sha256::digest(format!("form of {}", self.0).as_bytes()))
    }

    pub(crate) fn hash(&self) -> String {
        hex(&Sha256::digest(self.0.as_bytes()))
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Session(…)")
    }
}

impl Work {
    /// Begins a session of whoever holds a token; `None` when the token opens nothing.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn begin_session(
        &mut self,
        token: &Token,
        session: &Session,
        now: Moment,
    ) -> Result<Option<Holder>, StoreError> {
        let row = sqlx::query(
            "SELECT name, role, teams, id FROM tokens WHERE hash = $1 AND revoked IS NULL AND (expires IS NULL OR expires > $2)",
        )
        .bind(token.hash())
        .bind(now.0)
        .fetch_optional(&mut *self.transaction)
        .await?;
        let Some(row) = row else { return Ok(None) };
        let Some(holder) = holder(&row)? else { return Ok(None) };
        let token: i64 = row.try_get(3)?;
        sqlx::query("DELETE FROM sessions WHERE expires <= $1")
            .bind(now.0)
            .execute(&mut *self.transaction)
            .await?;
        sqlx::query(
            "DELETE FROM sessions WHERE token = $1 AND id NOT IN \
             (SELECT id FROM sessions WHERE token = $2 ORDER BY id DESC LIMIT $3)",
        )
        .bind(token)
        .bind(token)
        .bind(MAX_SESSIONS - 1)
        .execute(&mut *self.transaction)
        .await?;
        sqlx::query("INSERT INTO sessions (hash, token, created, expires) VALUES ($1, $2, $3, $4)")
            .bind(session.hash())
            .bind(token)
            .bind(now.0)
            .bind(now.plus(SESSION_LIFETIME).0)
            .execute(&mut *self.transaction)
            .await?;
        Ok(Some(holder))
    }

    /// Ends a session; says whether there was one.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn end_session(&mut self, session: &Session) -> Result<bool, StoreError> {
        let mut ended = 0;
        for sql in ["DELETE FROM sessions WHERE hash = $1", "DELETE FROM logins WHERE hash = $1"] {
            let gone = sqlx::query(sql).bind(session.hash()).execute(&mut *self.transaction).await?;
            ended += gone.rows_affected();
        }
        Ok(ended > 0)
    }
}

impl Store {
    /// Returns whose session this is; `None` when it is unknown or over, or its token opens nothing any more. `terms` are those by which
    /// an identity provider lets people in now, if one does.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn session_holder(
        &self,
        session: &Session,
        terms: Option<&str>,
        now: Moment,
    ) -> Result<Option<Holder>, StoreError> {
        let row = sqlx::query(
            "SELECT t.name, t.role, t.teams FROM sessions s JOIN tokens t ON t.id = s.token WHERE s.hash = $1 AND s.expires > $2 \
             AND t.revoked IS NULL AND (t.expires IS NULL OR t.expires > $3)",
        )
        .bind(session.hash())
        .bind(now.0)
        .bind(now.0)
        .fetch_optional(&self.pool)
        .await?;
        match row.as_ref() {
            Some(row) => holder(row),
            None => self.login_holder(session, terms, now).await,
        }
    }
}
