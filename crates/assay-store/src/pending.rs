//! News that somebody is to be told: taken up once from the events, kept until it was told, and told in messages of which each is the
//! same however often it is sent.

use crate::error::StoreError;
use crate::moment::Moment;
use crate::store::{Store, Work};
use crate::text::{clean, key};
use sqlx::Row as _;
use sqlx::any::AnyRow;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// How many pieces of news are looked at together for the next message.
const PAGE: i64 = 500;

/// What news says of its subject.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum NewsState {
    /// It happened, and that was it.
    Happened,
    /// It is so from now on.
    Firing,
    /// It is so no more.
    Cleared,
}

impl NewsState {
    /// Returns its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Happened => "happened",
            Self::Firing => "firing",
            Self::Cleared => "cleared",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        [Self::Happened, Self::Firing, Self::Cleared].into_iter().find(|state| state.name() == text)
    }
}

/// A piece of news for somebody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct News {
    /// What it is about: two with one subject and state are one piece of news.
    pub subject: String,
    /// What it says.
    pub state: NewsState,
    /// What it is told together with: one message per bundle and window.
    pub bundle: String,
    /// When it happened.
    pub at: Moment,
    /// All that is told, as the teller wrote it.
    pub body: String,
}

/// News that is told in one message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// The message's name, which is the same when it is sent again.
    pub message: String,
    /// What is in it, in the order in which it happened.
    pub news: Vec<News>,
}

/// How news is held back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// For how long what was told is not told again.
    pub repeat: Duration,
    /// How long a bundle of which something was told is not spoken of again.
    pub window: Duration,
    /// How many pieces of news are in one message at most.
    pub most: i64,
}

/// Returns how it is remembered that a bundle was told of. No subject begins so.
fn sent(bundle: &str) -> String {
    format!("\u{1}sent {bundle}")
}

impl Work {
    /// Takes up what is to be told of the events up to `after`; says whether that was still this process's to do.
    ///
    /// What was told within `pace.repeat` is left out. What ended before anybody was told that it had begun is not told at all, and
    /// the other way round.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn take_up(
        &mut self,
        sink: &str,
        owner: &str,
        after: i64,
        news: &[News],
        (pace, now): (&Pace, Moment),
    ) -> Result<bool, StoreError> {
        let moved = sqlx::query("UPDATE sinks SET after = $1 WHERE name = $2 AND owner = $3 AND after < $4")
            .bind(after)
            .bind(key(sink))
            .bind(clean(owner))
            .bind(after)
            .execute(&mut *self.transaction)
            .await?;
        if moved.rows_affected() == 0 {
            return Ok(false);
        }
        for one in news {
            let opposite = match one.state {
                NewsState::Happened => None,
                NewsState::Firing => Some(NewsState::Cleared),
                NewsState::Cleared => Some(NewsState::Firing),
            };
            if let Some(opposite) = opposite
                && self.take_back(sink, &one.subject, opposite).await?
            {
                continue;
            }
            let told = self.was_told(sink, &one.subject, now.minus(pace.repeat)).await?;
            let is_news = match one.state {
                NewsState::Happened => !told,
                // Once the message that says it is over is taken, it is forgotten that somebody was told.
                NewsState::Firing => !told || self.is_kept(sink, &one.subject, NewsState::Cleared).await?,
                NewsState::Cleared => told || self.is_pending(sink, &one.subject).await?,
            };
            if is_news {
                self.keep_news(sink, one).await?;
            }
        }
        Ok(true)
    }

    /// Takes back news that is in no message yet; says whether there was any.
    async fn take_back(&mut self, sink: &str, subject: &str, state: NewsState) -> Result<bool, StoreError> {
        let gone = sqlx::query(
            "DELETE FROM pending WHERE sink = $1 AND subject = $2 AND state = $3 AND message IS NULL",
        )
        .bind(key(sink))
        .bind(key(subject))
        .bind(state.name())
        .execute(&mut *self.transaction)
        .await?;
        Ok(gone.rows_affected() > 0)
    }

    async fn is_kept(&mut self, sink: &str, subject: &str, state: NewsState) -> Result<bool, StoreError> {
        let row = sqlx::query("SELECT 1 FROM pending WHERE sink = $1 AND subject = $2 AND state = $3")
            .bind(key(sink))
            .bind(key(subject))
            .bind(state.name())
            .fetch_optional(&mut *self.transaction)
            .await?;
        Ok(row.is_some())
    }

    async fn was_told(&mut self, sink: &str, subject: &str, since: Moment) -> Result<bool, StoreError> {
        let row = sqlx::query("SELECT at FROM told WHERE sink = $1 AND subject = $2 AND at >= $3")
            .bind(key(sink))
            .bind(key(subject))
            .bind(since.0)
            .fetch_optional(&mut *self.transaction)
            .await?;
        Ok(row.is_some())
    }

    /// Says whether somebody is being told of a subject, or was and it is not over: that lasts longer than what was told is remembered.
    async fn is_pending(&mut self, sink: &str, subject: &str) -> Result<bool, StoreError> {
        let row = sqlx::query(
            "SELECT 1 FROM pending WHERE sink = $1 AND subject = $2 AND state = 'firing' \
             UNION ALL SELECT 1 FROM alerts WHERE sink = $3 AND subject = $4",
        )
        .bind(key(sink))
        .bind(key(subject))
        .bind(key(sink))
        .bind(key(subject))
        .fetch_optional(&mut *self.transaction)
        .await?;
        Ok(row.is_some())
    }

    async fn keep_news(&mut self, sink: &str, news: &News) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO pending (sink, subject, state, bundle, at, body) VALUES ($1, $2, $3, $4, $5, $6) \
             ON CONFLICT (sink, subject, state) DO NOTHING",
        )
        .bind(key(sink))
        .bind(key(&news.subject))
        .bind(news.state.name())
        .bind(key(&news.bundle))
        .bind(news.at.0)
        .bind(clean(&news.body))
        .execute(&mut *self.transaction)
        .await?;
        Ok(())
    }

    /// Records that a message was taken; says whether telling was still this process's to do.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn message_taken(
        &mut self,
        sink: &str,
        owner: &str,
        batch: &Batch,
        now: Moment,
    ) -> Result<bool, StoreError> {
        let ours = sqlx::query(
            "UPDATE sinks SET failures = 0, retry_at = 0, error = NULL WHERE name = $1 AND owner = $2",
        )
        .bind(key(sink))
        .bind(clean(owner))
        .execute(&mut *self.transaction)
        .await?;
        if ours.rows_affected() == 0 {
            return Ok(false);
        }
        sqlx::query("DELETE FROM pending WHERE sink = $1 AND message = $2")
            .bind(key(sink))
            .bind(&batch.message)
            .execute(&mut *self.transaction)
            .await?;
        let mut told = BTreeSet::new();
        for news in &batch.news {
            match news.state {
                NewsState::Happened | NewsState::Firing => {
                    told.insert(key(&news.subject));
                }
                // When it begins again that is news.
                NewsState::Cleared => {
                    sqlx::query("DELETE FROM told WHERE sink = $1 AND subject = $2")
                        .bind(key(sink))
                        .bind(key(&news.subject))
                        .execute(&mut *self.transaction)
                        .await?;
                }
            }
            told.insert(key(&sent(&news.bundle)));
        }
        for subject in told {
            sqlx::query(
                "INSERT INTO told (sink, subject, at) VALUES ($1, $2, $3) ON CONFLICT (sink, subject) DO UPDATE SET at = excluded.at",
            )
            .bind(key(sink))
            .bind(subject)
            .bind(now.0)
            .execute(&mut *self.transaction)
            .await?;
        }
        Ok(true)
    }

    /// Returns what is to be told next: a message that was not taken, or else one of all bundles whose time has come.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn next_message(
        &mut self,
        sink: &str,
        pace: &Pace,
        now: Moment,
    ) -> Result<Option<Batch>, StoreError> {
        let unfinished = sqlx::query(
            "SELECT message FROM pending WHERE sink = $1 AND message IS NOT NULL ORDER BY id LIMIT 1",
        )
        .bind(key(sink))
        .fetch_optional(&mut *self.transaction)
        .await?;
        let message = match unfinished {
            Some(row) => row.try_get(0)?,
            None => match self.new_message(sink, pace, now).await? {
                Some(message) => message,
                None => return Ok(None),
            },
        };
        let rows = sqlx::query(
            "SELECT subject, state, bundle, at, body FROM pending WHERE sink = $1 AND message = $2 ORDER BY id",
        )
        .bind(key(sink))
        .bind(&message)
        .fetch_all(&mut *self.transaction)
        .await?;
        Ok(Some(Batch { message, news: rows.iter().map(news).collect::<Result<_, _>>()? }))
    }

    async fn new_message(
        &mut self,
        sink: &str,
        pace: &Pace,
        now: Moment,
    ) -> Result<Option<String>, StoreError> {
        let most = usize::try_from(pace.most).unwrap_or_default();
        let mut due: Vec<i64> = Vec::new();
        let mut waits: BTreeMap<String, bool> = BTreeMap::new();
        let mut after = 0_i64;
        // What waits may be more than is told at once, and must not hide what comes after it.
        'pages: loop {
            let rows = sqlx::query(
                "SELECT id, bundle FROM pending WHERE sink = $1 AND id > $2 ORDER BY id LIMIT $3",
            )
            .bind(key(sink))
            .bind(after)
            .bind(PAGE)
            .fetch_all(&mut *self.transaction)
            .await?;
            if rows.is_empty() {
                break;
            }
            for row in rows {
                let (id, bundle): (i64, String) = (row.try_get(0)?, row.try_get(1)?);
                after = id;
                let is_waiting = match waits.get(&bundle) {
                    Some(known) => *known,
                    None => {
                        // Of what was told exactly one window ago may be spoken again.
                        let since = Moment(now.minus(pace.window).0.saturating_add(1));
                        let found = self.was_told(sink, &sent(&bundle), since).await?;
                        waits.insert(bundle, found);
                        found
                    }
                };
                if due.len() >= most {
                    break 'pages;
                }
                if !is_waiting {
                    due.push(id);
                }
            }
        }
        let (Some(first), Some(last)) = (due.first(), due.last()) else { return Ok(None) };
        let message = format!("{first}-{last}");
        for id in &due {
            sqlx::query("UPDATE pending SET message = $1 WHERE id = $2")
                .bind(&message)
                .bind(*id)
                .execute(&mut *self.transaction)
                .await?;
        }
        Ok(Some(message))
    }
}

impl Store {
    /// Returns how many pieces of news wait to be told to somebody.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn pending_count(&self, sink: &str) -> Result<i64, StoreError> {
        let row = sqlx::query("SELECT COUNT(*) FROM pending WHERE sink = $1")
            .bind(key(sink))
            .fetch_one(&self.pool)
            .await?;
        Ok(row.try_get(0)?)
    }
}

fn news(row: &AnyRow) -> Result<News, StoreError> {
    let state: String = row.try_get(1)?;
    Ok(News {
        subject: row.try_get(0)?,
        state: NewsState::parse(&state).ok_or(StoreError::Damaged { what: "state of news", name: state })?,
        bundle: row.try_get(2)?,
        at: Moment(row.try_get(3)?),
        body: row.try_get(4)?,
    })
}
