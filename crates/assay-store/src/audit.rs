//! The audit log: each entry holds the hash of the one before it, so that none can be changed, removed or put in between without
//! changing all that follow. Removing the end leaves no trace in the log itself; that is what checkpoints kept elsewhere are for.

use crate::error::StoreError;
use crate::moment::Moment;
use crate::store::{Lock, Store, Work};
use crate::text::clean;
use sha2::{Digest as _, Sha256};
use sqlx::Row as _;
use std::fmt::Write as _;

/// An entry of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEntry {
    /// Its number, from 1 without a gap.
    pub sequence: i64,
    /// When.
    pub at: Moment,
    /// Who.
    pub actor: String,
    /// Did what.
    pub action: String,
    /// To what.
    pub subject: String,
    /// The rest, as JSON.
    pub detail: String,
    /// The hash of the entry before; zeroes for the first.
    pub previous: String,
    /// The hash of this entry.
    pub hash: String,
}

/// The end of the log at some moment. Whoever keeps one can tell later whether the log was cut or rewritten.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// The number of the last entry; 0 when there is none.
    pub sequence: i64,
    /// Its hash.
    pub hash: String,
}

/// What is wrong with a log.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AuditFault {
    /// An entry is not what its hash says.
    #[error("entry {0} of the audit log was changed")]
    Changed(i64),
    /// An entry is missing, or the chain is broken before it.
    #[error("the audit log is broken before entry {0}")]
    Broken(i64),
    /// The log does not contain the checkpoint.
    #[error("the audit log does not contain entry {0} as the checkpoint has it")]
    Checkpoint(i64),
}

/// Entries that are read at a time.
const PAGE: i64 = 1000;

fn start() -> String {
    "0".repeat(64)
}

/// Returns the hash of an entry: over every field, each after its length, so that no two entries have one text.
fn hash(entry: &AuditEntry) -> String {
    let mut hash = Sha256::new();
    let (sequence, at) = (entry.sequence.to_string(), entry.at.0.to_string());
    for field in [&sequence, &at, &entry.actor, &entry.action, &entry.subject, &entry.detail, &entry.previous]
    {
        hash.update(u64::try_from(field.len()).unwrap_or(u64::MAX).to_be_bytes());
        hash.update(field);
    }
    hex(&hash.finalize())
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

impl Work {
    /// Adds an entry to the audit log.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn audit(
        &mut self,
        actor: &str,
        action: &str,
        subject: &str,
        detail: &serde_json::Value,
        now: Moment,
    ) -> Result<(), StoreError> {
        self.lock(Lock::Audit).await?;
        let last = sqlx::query("SELECT sequence, hash FROM audit ORDER BY sequence DESC LIMIT 1")
            .fetch_optional(&mut *self.transaction)
            .await?;
        let (sequence, previous) = match last {
            Some(row) => (row.try_get::<i64, _>(0)?.saturating_add(1), row.try_get(1)?),
            None => (1, start()),
        };
        let mut entry = AuditEntry {
            sequence,
            at: now,
            actor: clean(actor),
            action: clean(action),
            subject: clean(subject),
            detail: detail.to_string(),
            previous,
            hash: String::new(),
        };
        entry.hash = hash(&entry);
        sqlx::query(
            "INSERT INTO audit (sequence, at, actor, action, subject, detail, previous, hash) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        )
        .bind(entry.sequence)
        .bind(entry.at.0)
        .bind(entry.actor)
        .bind(entry.action)
        .bind(entry.subject)
        .bind(entry.detail)
        .bind(entry.previous)
        .bind(entry.hash)
        .execute(&mut *self.transaction)
        .await?;
        Ok(())
    }
}

impl Store {
    /// Returns entries of the audit log, those after a number.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn audit_log(&self, after: i64, limit: i64) -> Result<Vec<AuditEntry>, StoreError> {
        self.audit_like(None, None, after, limit).await
    }

    /// Returns entries of the audit log, of one actor or all and about one action or all, those after a number.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn audit_like(
        &self,
        actor: Option<&str>,
        action: Option<&str>,
        after: i64,
        limit: i64,
    ) -> Result<Vec<AuditEntry>, StoreError> {
        let (actor, action) = (clean(actor.unwrap_or_default()), clean(action.unwrap_or_default()));
        let rows = sqlx::query(
            "SELECT sequence, at, actor, action, subject, detail, previous, hash FROM audit \
             WHERE sequence > $1 AND ($2 = '' OR actor = $3) AND ($4 = '' OR action = $5) ORDER BY sequence LIMIT $6",
        )
        .bind(after)
        .bind(&actor)
        .bind(&actor)
        .bind(&action)
        .bind(&action)
        .bind(limit)
        .fetch_all(&self.pool)
        .await?;
        rows.iter()
            .map(|row| {
                Ok(AuditEntry {
                    sequence: row.try_get(0)?,
                    at: Moment(row.try_get(1)?),
                    actor: row.try_get(2)?,
                    action: row.try_get(3)?,
                    subject: row.try_get(4)?,
                    detail: row.try_get(5)?,
                    previous: row.try_get(6)?,
                    hash: row.try_get(7)?,
                })
            })
            .collect()
    }

    /// Returns the end of the audit log, without going through it.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn audit_end(&self) -> Result<Checkpoint, StoreError> {
        let last = sqlx::query("SELECT sequence, hash FROM audit ORDER BY sequence DESC LIMIT 1")
            .fetch_optional(&self.pool)
            .await?;
        match last {
            Some(row) => Ok(Checkpoint { sequence: row.try_get(0)?, hash: row.try_get(1)? }),
            None => Ok(Checkpoint { sequence: 0, hash: start() }),
        }
    }

    /// Goes through the whole audit log, and returns its end, or what is wrong with it.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn verify_audit(
        &self,
        checkpoint: Option<&Checkpoint>,
    ) -> Result<Result<Checkpoint, AuditFault>, StoreError> {
        let mut end = Checkpoint { sequence: 0, hash: start() };
        let mut contained = checkpoint.is_none_or(|checkpoint| *checkpoint == end);
        loop {
            let page = self.audit_log(end.sequence, PAGE).await?;
            if page.is_empty() {
                break;
            }
            for entry in page {
                if entry.sequence != end.sequence.saturating_add(1) || entry.previous != end.hash {
                    return Ok(Err(AuditFault::Broken(entry.sequence)));
                }
                if hash(&entry) != entry.hash {
                    return Ok(Err(AuditFault::Changed(entry.sequence)));
                }
                end = Checkpoint { sequence: entry.sequence, hash: entry.hash };
                contained |= checkpoint.is_some_and(|checkpoint| *checkpoint == end);
            }
        }
        match checkpoint {
            Some(checkpoint) if !contained => Ok(Err(AuditFault::Checkpoint(checkpoint.sequence))),
            _ => Ok(Ok(end)),
        }
    }
}
