//! What is wrong with the installation itself: whoever of several processes sees it first tells of it, and whoever sees first that it is
//! over tells of that.

use crate::error::StoreError;
use crate::moment::Moment;
use crate::store::{Store, Work};
use crate::text::{clean, key};
use sqlx::Row as _;

/// Something that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    /// Its name, such as `feed-stale osv`.
    pub name: String,
    /// The kind of event that tells of it. That it is over is told by an event of that kind with `-cleared` behind it.
    pub kind: String,
    /// Since when it is known.
    pub since: Moment,
    /// When it was last found to be so.
    pub seen: Moment,
}

impl Work {
    /// Notes that something is wrong, with an event if that is new; says whether it is.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn begin_condition(
        &mut self,
        name: &str,
        kind: &str,
        detail: &serde_json::Value,
        now: Moment,
    ) -> Result<bool, StoreError> {
        let known = sqlx::query("UPDATE conditions SET seen = $1 WHERE name = $2")
            .bind(now.0)
            .bind(key(name))
            .execute(&mut *self.transaction)
            .await?;
        if known.rows_affected() > 0 {
            return Ok(false);
        }
        let added = sqlx::query(
            "INSERT INTO conditions (name, kind, detail, since, seen) VALUES ($1, $2, $3, $4, $5) ON CONFLICT (name) DO NOTHING",
        )
        .bind(key(name))
        .bind(kind)
        .bind(clean(&detail.to_string()))
        .bind(now.0)
        .bind(now.0)
        .execute(&mut *self.transaction)
        .await?;
        if added.rows_affected() == 0 {
            return Ok(false);
        }
        self.record(kind, None, detail, now).await?;
        Ok(true)
    }

    /// Notes that something is wrong no more, with an event; says whether it was.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn end_condition(&mut self, name: &str, now: Moment) -> Result<bool, StoreError> {
        let gone = sqlx::query("DELETE FROM conditions WHERE name = $1 RETURNING kind, detail")
            .bind(key(name))
            .fetch_optional(&mut *self.transaction)
            .await?;
        let Some(row) = gone else { return Ok(false) };
        let (kind, detail): (String, String) = (row.try_get(0)?, row.try_get(1)?);
        let detail = serde_json::from_str(&detail).unwrap_or_default();
        self.record(&format!("{kind}-cleared"), None, &detail, now).await?;
        Ok(true)
    }
}

impl Store {
    /// Returns what is wrong.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn conditions(&self) -> Result<Vec<Condition>, StoreError> {
        let rows = sqlx::query("SELECT name, kind, since, seen FROM conditions ORDER BY name")
            .fetch_all(&self.pool)
            .await?;
        rows.iter()
            .map(|row| {
                Ok(Condition {
                    name: row.try_get(0)?,
                    kind: row.try_get(1)?,
                    since: Moment(row.try_get(2)?),
                    seen: Moment(row.try_get(3)?),
                })
            })
            .collect()
    }
}
