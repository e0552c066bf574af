//! Documents outside of the rows: object storage by content, and the table that says what is in it.
//!
//! An object has its row in `objects` before it is written, and is written before a row refers to it. Whoever dies in between leaves
//! an object that no row refers to, and its name: [`Store::sweep`] removes it later. It never removes what a row refers to, or is
//! about to: an object goes in two steps, an hour apart. Who writes claims it, which undoes the first step, and finds out in the transaction
//! that refers to it whether the claim held. If it did not, the document stays in the row, however long the storage took. Only what another
//! process began to remove and did not finish rests on time: it is taken over after an hour, when no request of that process can be under way.

use crate::document::{pack, unpack};
use crate::error::{OpenStoreError, StoreError};
use crate::moment::Moment;
use crate::store::{Store, Work};
use assay_model::contents::hex;
use sha2::{Digest as _, Sha256};
use sqlx::Row as _;
use sqlx::any::AnyRow;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// Packed documents up to this size stay in their row: a database reads them faster than a file can be opened, let alone a bucket asked.
pub const SMALL: usize = 64 << 10;

/// The most that is read of an object. Packed documents are smaller than what is packed, but for some bytes of frame.
pub const MAX_OBJECT: u64 = 257 << 20;

/// For how long nothing must refer to an object before it is removed, and how long who dooms one has to remove it.
const PATIENCE: Duration = Duration::from_secs(3600);

/// Every place where a row refers to an object.
const REFERRED: &str = "(EXISTS (SELECT 1 FROM reports x WHERE x.object = objects.name) \
     OR EXISTS (SELECT 1 FROM inventories x WHERE x.object = objects.name) \
     OR EXISTS (SELECT 1 FROM sboms x WHERE x.object = objects.name) \
     OR EXISTS (SELECT 1 FROM builds x WHERE x.object = objects.name))";

/// Where objects are. Called on threads that may wait; several processes may do the same to the same object at once.
///
/// Names are 64 hexadecimal digits: the SHA-256 of what is in the object. So an object that is written again is the same.
pub trait ObjectStorage: Send + Sync {
    /// Returns what it is called in the database and in messages: the same for every process that reaches the same objects.
    fn place(&self) -> String;

    /// Writes an object. When this returns it outlives a crash.
    ///
    /// # Errors
    /// Fails when the storage does not take it.
    fn put(&self, name: &str, bytes: &[u8]) -> Result<(), ObjectError>;

    /// Reads an object; nothing when there is none.
    ///
    /// # Errors
    /// Fails when the storage does not answer, or the object is larger than [`MAX_OBJECT`].
    fn get(&self, name: &str) -> Result<Option<Vec<u8>>, ObjectError>;

    /// Removes an object; that there is none is no error.
    ///
    /// # Errors
    /// Fails when the storage does not do it.
    fn delete(&self, name: &str) -> Result<(), ObjectError>;
}

/// Object storage did not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[error("cannot {doing} an object in `{place}`")]
pub struct ObjectError {
    /// `read`, `write` or `remove`.
    pub doing: &'static str,
    /// Where.
    pub place: String,
    /// Why.
    pub source: Box<dyn std::error::Error + Send + Sync>,
}

/// Object storage, and from which size on it is used.
#[derive(Clone)]
pub struct Objects {
    storage: Arc<dyn ObjectStorage>,
    /// Packed documents up to this size stay in their row.
    small: usize,
}

impl fmt::Debug for Objects {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.storage.place())
    }
}

impl Objects {
    /// Keeps packed documents of more than [`SMALL`] bytes in this storage.
    pub fn new(storage: Arc<dyn ObjectStorage>) -> Self {
        Self { storage, small: SMALL }
    }

    /// Keeps packed documents of more than this many bytes in it.
    #[must_use]
    pub fn above(self, small: usize) -> Self {
        Self { small, ..self }
    }
}

/// A document that can be referred to: packed, and in object storage if it is large.
#[derive(Debug, Clone)]
pub struct Document {
    packed: Vec<u8>,
    object: Option<String>,
    size: usize,
}

impl Document {
    /// Packs a document that stays in its row.
    pub(crate) fn inline(what: &'static str, of: &str, bytes: &[u8]) -> Result<Self, StoreError> {
        Ok(Self { packed: pack(what, of, bytes)?, object: None, size: bytes.len() })
    }

    /// Returns its size before it was packed.
    pub(crate) fn size(&self) -> i64 {
        i64::try_from(self.size).unwrap_or(i64::MAX)
    }
}

/// What a row says of its document.
pub(crate) struct Stored {
    body: Vec<u8>,
    object: Option<String>,
}

impl Stored {
    /// Reads the columns `body` and `object`, the latter right behind the former.
    pub(crate) fn read(row: &AnyRow, column: usize) -> Result<Self, StoreError> {
        Ok(Self { body: row.try_get(column)?, object: row.try_get(column.saturating_add(1))? })
    }
}

impl Store {
    /// Returns the store with object storage.
    ///
    /// # Errors
    /// Fails when the database does not answer, or documents are in another storage.
    pub async fn with_objects(self, objects: Objects) -> Result<Self, OpenStoreError> {
        self.check_objects(Some(&objects.storage.place())).await?;
        Ok(Self { objects: Some(objects), ..self })
    }

    /// Checks that documents are in no other object storage than this; if there is none, that they are all in their rows.
    ///
    /// # Errors
    /// Fails when the database does not answer, or there are others.
    pub async fn check_objects(&self, place: Option<&str>) -> Result<(), OpenStoreError> {
        let row = sqlx::query("SELECT place FROM objects WHERE place <> $1 ORDER BY place LIMIT 1")
            .bind(place.unwrap_or_default())
            .fetch_optional(&self.pool)
            .await
            .and_then(|row| row.map(|row| row.try_get::<String, _>(0)).transpose())
            .map_err(|source| OpenStoreError::Migrate { source })?;
        match row {
            Some(place) => Err(OpenStoreError::OtherObjects { place }),
            None => Ok(()),
        }
    }

    /// Packs a document and, if it is large and there is object storage, writes it there.
    ///
    /// # Errors
    /// Fails when it is larger than anything kept, or the database or the storage does not take it.
    pub async fn document(&self, what: &'static str, of: &str, bytes: &[u8]) -> Result<Document, StoreError> {
        let mut document = Document::inline(what, of, bytes)?;
        let Some(objects) = self.objects.as_ref().filter(|objects| document.packed.len() > objects.small)
        else {
            return Ok(document);
        };
        let name = hex(&Sha256::digest(&document.packed));
        let claimed = sqlx::query(
            "INSERT INTO objects (name, place, size) VALUES ($1, $2, $3) ON CONFLICT (name) DO UPDATE SET idle = NULL \
             WHERE objects.doomed IS NULL RETURNING stored",
        )
        .bind(&name)
        .bind(objects.storage.place())
        .bind(i64::try_from(document.packed.len()).unwrap_or(i64::MAX))
        .fetch_optional(&self.pool)
        .await?;
        // Somebody is removing it at this moment: it stays in the row.
        let Some(row) = claimed else { return Ok(document) };
        if row.try_get::<i64, _>(0)? == 0 {
            let (storage, object) = (objects.storage.clone(), name.clone());
            let packed = document.packed;
            let (put, packed) = waiting(move || (storage.put(&object, &packed), packed)).await?;
            document.packed = packed;
            put.map_err(StoreError::Objects)?;
            sqlx::query("UPDATE objects SET stored = 1 WHERE name = $1 AND doomed IS NULL")
                .bind(&name)
                .execute(&self.pool)
                .await?;
        }
        document.object = Some(name);
        Ok(document)
    }

    /// Reads a document of a row.
    pub(crate) async fn unpacked(
        &self,
        what: &'static str,
        of: &str,
        stored: Stored,
    ) -> Result<Vec<u8>, StoreError> {
        let damaged = || StoreError::Damaged { what, name: of.to_owned() };
        let Some(name) = stored.object else { return unpack(what, of, &stored.body) };
        let objects = self.objects.as_ref().ok_or(StoreError::NoObjects)?;
        let (storage, object) = (objects.storage.clone(), name.clone());
        let packed = waiting(move || storage.get(&object)).await?.map_err(StoreError::Objects)?;
        let packed = packed.ok_or_else(|| StoreError::Gone { what, name: of.to_owned() })?;
        if hex(&Sha256::digest(&packed)) != name {
            return Err(damaged());
        }
        unpack(what, of, &packed)
    }

    /// Removes up to `limit` objects that no row has referred to for an hour, and nobody is about to; returns how many. Who reads a row
    /// and then its object, or copies the database and then the objects, has that hour.
    ///
    /// # Errors
    /// Fails when the database or the storage does not answer. What was removed until then is gone, and the rest is removed another time.
    pub async fn sweep(&self, now: Moment, limit: i64) -> Result<u64, StoreError> {
        let Some(objects) = &self.objects else { return Ok(0) };
        let before = now.minus(PATIENCE);
        // From when on nothing referred to it is not known, so it counts from when that was first seen.
        for sql in [
            format!("UPDATE objects SET idle = NULL WHERE idle <= $1 AND doomed IS NULL AND {REFERRED}"),
            format!("UPDATE objects SET idle = $1 WHERE idle IS NULL AND doomed IS NULL AND NOT {REFERRED}"),
        ] {
            sqlx::query(sqlx::AssertSqlSafe(sql)).bind(now.0).execute(&self.pool).await?;
        }
        // What somebody doomed long ago and did not remove is taken over: no request of theirs can be under way any more.
        let is_garbage = format!(
            "((doomed IS NULL AND idle < $1 AND NOT {REFERRED}) OR (doomed IS NOT NULL AND doomed < $2))"
        );
        let sql = format!("SELECT name FROM objects WHERE {is_garbage} ORDER BY name LIMIT $3");
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(before.0)
            .bind(before.0)
            .bind(limit)
            .fetch_all(&self.pool)
            .await?;
        let mut removed = 0;
        for row in rows {
            let name: String = row.try_get(0)?;
            // Asked again, now that who claims it waits for this.
            let sql = format!("UPDATE objects SET doomed = $3 WHERE name = $4 AND {is_garbage}");
            let doomed = sqlx::query(sqlx::AssertSqlSafe(sql))
                .bind(before.0)
                .bind(before.0)
                .bind(now.0)
                .bind(&name)
                .execute(&self.pool)
                .await?;
            if doomed.rows_affected() == 0 {
                continue;
            }
            let (storage, object) = (objects.storage.clone(), name.clone());
            waiting(move || storage.delete(&object)).await?.map_err(StoreError::Objects)?;
            sqlx::query("DELETE FROM objects WHERE name = $1 AND doomed = $2")
                .bind(&name)
                .bind(now.0)
                .execute(&self.pool)
                .await?;
            removed += 1;
        }
        Ok(removed)
    }
}

impl Work {
    /// Returns what a row has to say of a document: its body, or the name of the object. Until this transaction ends nobody removes that.
    pub(crate) async fn refer(
        &mut self,
        document: &Document,
    ) -> Result<(Vec<u8>, Option<String>), StoreError> {
        if let Some(name) = &document.object {
            let held = sqlx::query(
                "UPDATE objects SET idle = NULL WHERE name = $1 AND stored = 1 AND doomed IS NULL",
            )
            .bind(name)
            .execute(&mut *self.transaction)
            .await?;
            if held.rows_affected() == 1 {
                return Ok((Vec::new(), Some(name.clone())));
            }
        }
        Ok((document.packed.clone(), None))
    }
}

/// Does what may wait for a disk or a network.
async fn waiting<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, StoreError> {
    tokio::task::spawn_blocking(work).await.map_err(|_| StoreError::Interrupted)
}
