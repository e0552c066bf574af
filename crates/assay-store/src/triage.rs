//! Triage: what people decided about findings. A decision names an advisory or rule, perhaps a package, and an image or a repository; it
//! holds for every finding that fits, also one of an image that is pushed later, until it ends.
//!
//! Findings are never changed by it: they are stored and counted as before, and a decision is looked up beside them.
//!
//! Whoever may push to a repository could put an image of another one into it as well. So a decision about a repository covers an image
//! only if each repository that the image is known in has one about the same; the image cannot choose the most lenient.

use crate::error::StoreError;
use crate::image;
use crate::moment::Moment;
use crate::scan::{ROWS, rows};
use crate::scope::Scope;
use crate::store::{Lock, Store, Work};
use crate::text::{clean, key};
use crate::view::View;
use assay_model::Digest;
use assay_model::contents::hex;
use sha2::{Digest as _, Sha256};
use sqlx::any::AnyRow;
use sqlx::{AssertSqlSafe, Row as _};
use std::collections::{BTreeMap, BTreeSet};

/// Decisions that end in one transaction because their time is over.
const EXPIRED_AT_ONCE: i64 = 100;

/// What was decided about a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum TriageState {
    /// It is not so: nothing is wrong.
    FalsePositive,
    /// It is so, and the risk is taken.
    Accepted,
    /// It is so, and is dealt with elsewhere until a day.
    Exception,
}

/// A text is no state of triage.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected `accepted`, `false-positive` or `exception`, not `{0}`")]
pub struct UnknownTriageState(pub String);

impl TriageState {
    /// Every state.
    pub const ALL: [Self; 3] = [Self::FalsePositive, Self::Accepted, Self::Exception];

    /// Returns the name used in the database and the API.
    pub fn name(self) -> &'static str {
        match self {
            Self::FalsePositive => "false-positive",
            Self::Accepted => "accepted",
            Self::Exception => "exception",
        }
    }

    /// Returns whether a decision must say when it ends: what is wrong must be looked at again.
    pub fn must_end(self) -> bool {
        match self {
            Self::FalsePositive => false,
            Self::Accepted | Self::Exception => true,
        }
    }
}

impl std::str::FromStr for TriageState {
    type Err = UnknownTriageState;
    fn from_str(text: &str) -> Result<Self, UnknownTriageState> {
        let found = Self::ALL.into_iter().find(|state| state.name() == text);
        found.ok_or_else(|| UnknownTriageState(text.chars().take(100).collect()))
    }
}

/// Where a decision holds.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum TriageScope {
    /// In one image.
    Image(Digest),
    /// In every image of a repository.
    Repository {
        /// The registry's host.
        registry: String,
        /// The repository.
        repository: String,
    },
}

impl TriageScope {
    fn columns(&self) -> [String; 3] {
        match self {
            Self::Image(digest) => [digest.to_string(), String::new(), String::new()],
            Self::Repository { registry, repository } => [String::new(), clean(registry), clean(repository)],
        }
    }
}

impl std::fmt::Display for TriageScope {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Image(digest) => write!(f, "{digest}"),
            Self::Repository { registry, repository } => write!(f, "{registry}/{repository}"),
        }
    }
}

/// What is to be decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewTriage {
    /// The vulnerability by any identifier, or the rule of another finding.
    pub advisory: String,
    /// The package, if it is about one only.
    pub package: Option<String>,
    /// Where it holds.
    pub scope: TriageScope,
    /// What was decided.
    pub state: TriageState,
    /// Why.
    pub reason: String,
    /// Who answers for it.
    pub owner: String,
    /// Who decided.
    pub decided_by: String,
    /// When it ends.
    pub expires: Option<Moment>,
}

/// Why a decision holds no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TriageEnd {
    /// Its time was over.
    Expired,
    /// Somebody took it back.
    Withdrawn,
    /// Another one about the same took its place.
    Replaced,
}

impl TriageEnd {
    /// Returns the name used in the database and the API.
    pub fn name(self) -> &'static str {
        match self {
            Self::Expired => "expired",
            Self::Withdrawn => "withdrawn",
            Self::Replaced => "replaced",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        [Self::Expired, Self::Withdrawn, Self::Replaced].into_iter().find(|end| end.name() == text)
    }
}

/// A decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Triage {
    /// Its number.
    pub id: i64,
    /// What was decided.
    pub decision: NewTriage,
    /// When.
    pub decided: Moment,
    /// When and why it ended, if it did.
    pub ended: Option<(Moment, TriageEnd)>,
}

/// Which decisions are wanted: all that fit what is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TriageFilter<'a> {
    /// About this advisory or rule, by the identifier that was decided about.
    pub advisory: Option<&'a str>,
    /// Of this state.
    pub state: Option<TriageState>,
    /// Answered for by somebody.
    pub owner: Option<&'a str>,
    /// Those that ended, or those in effect.
    pub ended: Option<bool>,
}

/// In which order decisions are listed, and from where on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TriageOrder {
    /// The newest first, before a number.
    Newest(Option<i64>),
    /// The oldest first, after a number.
    Oldest(i64),
}

/// Whether findings are wanted about which something was decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Triaged {
    /// All.
    #[default]
    Either,
    /// Those about which nothing was decided.
    Open,
    /// Those about which something was.
    Settled,
}

impl Triaged {
    /// Returns the condition for the finding `f`, of whoever sees what is within a scope.
    pub(crate) fn condition(self, scope: &Scope, first: usize) -> String {
        match self {
            Self::Either => "1 = 1".to_owned(),
            Self::Open => format!("{} IS NULL", decision(scope, first)),
            Self::Settled => format!("{} IS NOT NULL", decision(scope, first)),
        }
    }
}

/// Returns the expression for the number of the decision that is in effect for the finding `f`, the newest first; NULL where there is
/// none. What was decided about the image itself goes before what was decided about its repositories, of which one is told that is within
/// the scope.
pub(crate) fn decision(scope: &Scope, first: usize) -> String {
    // What is joined in this order is looked up by the whole of an index: the names of a finding and the places of an image are few, while
    // there may be a thousand decisions about one advisory. SQLite takes the order of a CROSS JOIN as it is written.
    let about = |triage: &str, name: &str| {
        format!(
            "{triage}.advisory = {name}.name AND {triage}.ended IS NULL \
             AND ({triage}.package = '' OR {triage}.package = f.package)"
        )
    };
    format!(
        "COALESCE((SELECT MAX(t.id) FROM finding_names n CROSS JOIN images o CROSS JOIN triage t WHERE n.finding = f.id \
         AND o.id = f.image AND t.registry = '' AND t.repository = '' AND t.digest = o.digest AND {}), \
         (SELECT MAX(t.id) FROM finding_names n CROSS JOIN image_places p CROSS JOIN triage t WHERE n.finding = f.id \
         AND p.image = f.image AND t.registry = p.registry AND t.repository = p.repository AND t.digest = '' AND {}{} \
         AND NOT EXISTS (SELECT 1 FROM image_places q WHERE q.image = f.image AND NOT EXISTS (SELECT 1 FROM finding_names m \
         CROSS JOIN triage u WHERE m.finding = f.id AND u.registry = q.registry AND u.repository = q.repository \
         AND u.digest = '' AND {}))))",
        about("t", "n"),
        about("t", "n"),
        scope.place("p.registry", "p.repository", first),
        about("u", "m")
    )
}

const COLUMNS: &str = "t.id, t.advisory, t.package, t.digest, t.registry, t.repository, t.state, t.reason, t.owner, t.decided_by, \
     t.decided, t.expires, t.ended, t.ending";

/// Returns the columns for `RETURNING`, where SQLite knows no other name of the table.
fn own() -> String {
    COLUMNS.replace("t.", "")
}

fn read(row: &AnyRow) -> Result<Triage, StoreError> {
    let id: i64 = row.try_get(0)?;
    let damaged = || StoreError::Damaged { what: "decision", name: id.to_string() };
    let (package, digest): (String, String) = (row.try_get(2)?, row.try_get(3)?);
    let scope = if digest.is_empty() {
        TriageScope::Repository { registry: row.try_get(4)?, repository: row.try_get(5)? }
    } else {
        TriageScope::Image(image::digest(row, 3)?)
    };
    let ended = match row.try_get::<Option<i64>, _>(12)? {
        Some(at) => {
            let why: Option<String> = row.try_get(13)?;
            Some((Moment(at), why.as_deref().and_then(TriageEnd::parse).ok_or_else(damaged)?))
        }
        None => None,
    };
    Ok(Triage {
        id,
        decision: NewTriage {
            advisory: row.try_get(1)?,
            package: Some(package).filter(|package| !package.is_empty()),
            scope,
            state: row.try_get::<String, _>(6)?.parse().map_err(|_| damaged())?,
            reason: row.try_get(7)?,
            owner: row.try_get(8)?,
            decided_by: row.try_get(9)?,
            expires: row.try_get::<Option<i64>, _>(11)?.map(Moment),
        },
        decided: Moment(row.try_get(10)?),
        ended,
    })
}

/// Returns what tells the subject of a decision from others: two about the same cannot both be in effect.
fn subject(new: &NewTriage) -> String {
    let [digest, registry, repository] = new.scope.columns();
    let package = new.package.as_deref().map(clean).unwrap_or_default();
    let mut hash = Sha256::new();
    for part in [&key(&new.advisory), &package, &digest, &registry, &repository] {
        hash.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        hash.update(part);
    }
    hex(&hash.finalize())
}

impl Work {
    /// Records a decision, in the place of one about the same, and forgets the verdicts of the images that it is about.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn decide(&mut self, new: &NewTriage, now: Moment) -> Result<Triage, StoreError> {
        self.lock(Lock::Triage).await?;
        let subject = subject(new);
        sqlx::query("UPDATE triage SET ended = $1, ending = $2 WHERE subject = $3 AND ended IS NULL")
            .bind(now.0)
            .bind(TriageEnd::Replaced.name())
            .bind(&subject)
            .execute(&mut *self.transaction)
            .await?;
        let [digest, registry, repository] = new.scope.columns();
        let row = sqlx::query(
            "INSERT INTO triage (subject, advisory, package, digest, registry, repository, state, reason, owner, decided_by, decided, \
             expires) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) RETURNING id",
        )
        .bind(&subject)
        .bind(key(&new.advisory))
        .bind(new.package.as_deref().map(clean).unwrap_or_default())
        .bind(digest)
        .bind(registry)
        .bind(repository)
        .bind(new.state.name())
        .bind(clean(&new.reason))
        .bind(clean(&new.owner))
        .bind(clean(&new.decided_by))
        .bind(now.0)
        .bind(new.expires.map(|expires| expires.0))
        .fetch_one(&mut *self.transaction)
        .await?;
        self.judge_again(new).await?;
        Ok(Triage { id: row.try_get(0)?, decision: new.clone(), decided: now, ended: None })
    }

    /// Takes a decision back; nothing when there is none in effect of this number.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn withdraw(&mut self, id: i64, now: Moment) -> Result<Option<Triage>, StoreError> {
        self.lock(Lock::Triage).await?;
        let sql = format!(
            "UPDATE triage SET ended = $1, ending = $2 WHERE id = $3 AND ended IS NULL RETURNING {}",
            own()
        );
        let row = sqlx::query(AssertSqlSafe(sql))
            .bind(now.0)
            .bind(TriageEnd::Withdrawn.name())
            .bind(id)
            .fetch_optional(&mut *self.transaction)
            .await?;
        let Some(row) = row else { return Ok(None) };
        let triage = read(&row)?;
        self.judge_again(&triage.decision).await?;
        Ok(Some(triage))
    }

    /// Ends decisions whose time is over, some at once, and returns them.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn expire_triage(&mut self, now: Moment) -> Result<Vec<Triage>, StoreError> {
        self.lock(Lock::Triage).await?;
        let sql = format!(
            "UPDATE triage SET ended = $1, ending = $2 WHERE id IN (SELECT e.id FROM triage e WHERE e.ended IS NULL \
             AND e.expires <= $3 ORDER BY e.expires, e.id LIMIT $4) RETURNING {}",
            own()
        );
        let rows = sqlx::query(AssertSqlSafe(sql))
            .bind(now.0)
            .bind(TriageEnd::Expired.name())
            .bind(now.0)
            .bind(EXPIRED_AT_ONCE)
            .fetch_all(&mut *self.transaction)
            .await?;
        let mut ended = rows.iter().map(read).collect::<Result<Vec<_>, _>>()?;
        ended.sort_by_key(|triage| triage.id);
        for triage in &ended {
            self.judge_again(&triage.decision).await?;
        }
        Ok(ended)
    }

    /// Forgets the verdicts of all images that a decision is about, and of the indexes that they are part of, as
    /// [`Work::forget_verdicts`] does for one.
    async fn judge_again(&mut self, about: &NewTriage) -> Result<(), StoreError> {
        let [digest, registry, repository] = about.scope.columns();
        let found = sqlx::query(
            "WITH RECURSIVE whole (id) AS (SELECT f.image FROM finding_names n JOIN findings f ON f.id = n.finding \
             JOIN images i ON i.id = f.image WHERE n.name = $1 AND f.gone_at IS NULL AND (i.digest = $2 OR EXISTS (SELECT 1 \
             FROM image_places p WHERE p.image = i.id AND p.registry = $3 AND p.repository = $4)) \
             UNION SELECT c.parent FROM children c JOIN whole w ON w.id = c.child) SELECT id FROM whole ORDER BY id",
        )
        .bind(key(&about.advisory))
        .bind(digest)
        .bind(registry)
        .bind(repository)
        .fetch_all(&mut *self.transaction)
        .await?;
        let ids = found.iter().map(|row| row.try_get::<i64, _>(0)).collect::<Result<Vec<_>, _>>()?;
        for chunk in ids.chunks(ROWS) {
            let choice = rows(chunk.len(), 1, |at| format!("CAST(${} AS BIGINT)", at + 1));
            // In the order of their numbers, as everybody who changes several takes them.
            for sql in [
                format!(
                    "SELECT id FROM images WHERE id IN ({choice}) ORDER BY id{}",
                    self.backend.keep_rows()
                ),
                format!("UPDATE images SET generation = generation + 1 WHERE id IN ({choice})"),
                format!("DELETE FROM verdicts WHERE image IN ({choice})"),
            ] {
                let mut query = sqlx::query(AssertSqlSafe(sql));
                for id in chunk {
                    query = query.bind(*id);
                }
                query.execute(&mut *self.transaction).await?;
            }
        }
        Ok(())
    }
}

/// Returns the condition under which the decision `t` is within a scope: its image or its repository is.
fn within(scope: &Scope, first: usize) -> String {
    if *scope == Scope::Fleet {
        return String::new();
    }
    format!(
        " AND ((t.digest <> '' AND EXISTS (SELECT 1 FROM images d WHERE d.digest = t.digest{})) OR (t.digest = ''{}))",
        scope.image("d.id", first),
        scope.place("t.registry", "t.repository", first)
    )
}

impl View<'_> {
    /// Returns a decision.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn triage(&self, id: i64) -> Result<Option<Triage>, StoreError> {
        Ok(self.triage_of([id]).await?.remove(&id))
    }

    /// Returns decisions by their numbers.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn triage_of(
        &self,
        ids: impl IntoIterator<Item = i64>,
    ) -> Result<BTreeMap<i64, Triage>, StoreError> {
        let ids: Vec<i64> = ids.into_iter().collect::<BTreeSet<i64>>().into_iter().collect();
        let mut all = BTreeMap::new();
        for chunk in ids.chunks(ROWS) {
            let choice = rows(chunk.len(), 1, |at| format!("CAST(${} AS BIGINT)", at + 1));
            let sql = format!(
                "SELECT {COLUMNS} FROM triage t WHERE t.id IN ({choice}){}",
                within(self.scope, chunk.len() + 1)
            );
            let mut query = sqlx::query(AssertSqlSafe(sql));
            for id in chunk {
                query = query.bind(*id);
            }
            for row in self.scope.bind(query).fetch_all(&self.store.pool).await? {
                let triage = read(&row)?;
                all.insert(triage.id, triage);
            }
        }
        Ok(all)
    }

    /// Returns decisions.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn triage_like(
        &self,
        filter: &TriageFilter<'_>,
        order: TriageOrder,
        limit: i64,
    ) -> Result<Vec<Triage>, StoreError> {
        let (relation, from, direction) = match order {
            TriageOrder::Newest(before) => ("<", before.unwrap_or(i64::MAX), "DESC"),
            TriageOrder::Oldest(after) => (">", after, "ASC"),
        };
        let ended = match filter.ended {
            None => "",
            Some(true) => "AND t.ended IS NOT NULL",
            Some(false) => "AND t.ended IS NULL",
        };
        let sql = format!(
            "SELECT {COLUMNS} FROM triage t WHERE t.id {relation} $1 {ended} AND ($2 = '' OR t.advisory = $3) AND ($4 = '' OR t.state = $5) \
             AND ($6 = '' OR t.owner = $7){} ORDER BY t.id {direction} LIMIT $8",
            within(self.scope, 9)
        );
        let advisory = key(filter.advisory.unwrap_or_default());
        let state = filter.state.map_or("", TriageState::name);
        let owner = clean(filter.owner.unwrap_or_default());
        let query = sqlx::query(AssertSqlSafe(sql))
            .bind(from)
            .bind(&advisory)
            .bind(&advisory)
            .bind(state)
            .bind(state)
            .bind(&owner)
            .bind(&owner)
            .bind(limit);
        let rows = self.scope.bind(query).fetch_all(&self.store.pool).await?;
        rows.iter().map(read).collect()
    }
}

impl Store {
    /// Returns a decision.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn triage(&self, id: i64) -> Result<Option<Triage>, StoreError> {
        self.whole().triage(id).await
    }

    /// Returns decisions, as [`View::triage_like`] does.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn triage_like(
        &self,
        filter: &TriageFilter<'_>,
        order: TriageOrder,
        limit: i64,
    ) -> Result<Vec<Triage>, StoreError> {
        self.whole().triage_like(filter, order, limit).await
    }

    /// Says whether any image that a decision would be about has, or had, such a finding: what nobody has seen is likely misspelt.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn is_found(
        &self,
        advisory: &str,
        package: Option<&str>,
        scope: &TriageScope,
    ) -> Result<bool, StoreError> {
        let [digest, registry, repository] = scope.columns();
        let package = package.map(clean).unwrap_or_default();
        let row = sqlx::query(
            "SELECT f.id FROM finding_names n JOIN findings f ON f.id = n.finding JOIN images i ON i.id = f.image \
             WHERE n.name = $1 AND ($2 = '' OR f.package = $3) AND (i.digest = $4 OR EXISTS (SELECT 1 FROM image_places p \
             WHERE p.image = i.id AND p.registry = $5 AND p.repository = $6)) LIMIT 1",
        )
        .bind(key(advisory))
        .bind(&package)
        .bind(&package)
        .bind(digest)
        .bind(registry)
        .bind(repository)
        .fetch_optional(&self.pool)
        .await?;
        Ok(row.is_some())
    }

    /// Returns what was decided about a finding of an image, if something is in effect.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn decided(&self, digest: &str, fingerprint: &str) -> Result<Option<Triage>, StoreError> {
        let sql = format!(
            "SELECT {} FROM findings f JOIN images i ON i.id = f.image WHERE i.digest = $1 AND f.fingerprint = $2",
            decision(&Scope::Fleet, 3)
        );
        let row = sqlx::query(AssertSqlSafe(sql))
            .bind(clean(digest))
            .bind(key(fingerprint))
            .fetch_optional(&self.pool)
            .await?;
        match row.map(|row| row.try_get::<Option<i64>, _>(0)).transpose()?.flatten() {
            Some(id) => self.triage(id).await,
            None => Ok(None),
        }
    }

    /// Returns the decisions in effect about an image where it is asked for in a repository, each with the fingerprints of the findings
    /// that it is about. Decisions about other repositories that hold the image are left out: what is judged is what was named.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn decided_in(
        &self,
        digest: &Digest,
        registry: &str,
        repository: &str,
    ) -> Result<Vec<(Triage, Vec<String>)>, StoreError> {
        let sql = format!(
            "SELECT {COLUMNS}, f.fingerprint FROM images i JOIN findings f ON f.image = i.id JOIN finding_names n ON n.finding = f.id \
             JOIN triage t ON t.advisory = n.name WHERE i.digest = $1 AND f.gone_at IS NULL AND t.ended IS NULL \
             AND (t.package = '' OR t.package = f.package) AND (t.digest = i.digest OR (t.registry = $2 AND t.repository = $3)) \
             ORDER BY t.id, f.fingerprint"
        );
        let rows = sqlx::query(AssertSqlSafe(sql))
            .bind(digest.to_string())
            .bind(clean(registry))
            .bind(clean(repository))
            .fetch_all(&self.pool)
            .await?;
        let mut all: BTreeMap<i64, (Triage, Vec<String>)> = BTreeMap::new();
        for row in &rows {
            let triage = read(row)?;
            let (_, findings) = all.entry(triage.id).or_insert_with(|| (triage, Vec::new()));
            findings.push(row.try_get(14)?);
        }
        let mut all: Vec<_> = all.into_values().collect();
        for (_, findings) in &mut all {
            findings.dedup();
        }
        Ok(all)
    }

    /// Returns how many decisions of each state were made since a moment, without those that were taken back or replaced: what was
    /// thought better of does not count.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn decisions(&self, since: Moment) -> Result<BTreeMap<TriageState, i64>, StoreError> {
        let rows = sqlx::query(
            "SELECT state, COUNT(*) FROM triage WHERE decided >= $1 AND (ended IS NULL OR ending = 'expired') GROUP BY state",
        )
        .bind(since.0)
        .fetch_all(&self.pool)
        .await?;
        let mut counts = BTreeMap::new();
        for row in rows {
            if let Ok(state) = row.try_get::<String, _>(0)?.parse() {
                counts.insert(state, row.try_get(1)?);
            }
        }
        Ok(counts)
    }
}
