//! The result of a scan, written whole: report, inventory, the index from packages to images, and the findings over time.

use crate::error::StoreError;
use crate::image;
use crate::inventory;
use crate::moment::Moment;
use crate::object::{Document, Stored};
use crate::store::{Store, Work};
use crate::text;
use crate::triage::decision;
use crate::view::View;
use assay_model::contents::hex;
use assay_model::{Digest, Inventory, Report};
use sha2::{Digest as _, Sha256};
use sqlx::any::AnyRow;
use sqlx::{AssertSqlSafe, Row as _};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

const REPORT: &str = "report";
const INVENTORY: &str = "inventory";

/// Rows of one statement. SQLite allows 32,766 parameters, PostgreSQL 65,535; longer statements gain nothing.
pub(crate) const ROWS: usize = 200;

/// How closely an image was looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Depth {
    /// Only what is wanted by name, by tables of contents: partial.
    Partial,
    /// Packages and what content gives away.
    Fast,
    /// Everything.
    Deep,
}

impl Depth {
    /// Returns the name used in the database and the API.
    pub fn name(self) -> &'static str {
        match self {
            Self::Partial => "partial",
            Self::Fast => "fast",
            Self::Deep => "deep",
        }
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        [Self::Partial, Self::Fast, Self::Deep].into_iter().find(|depth| depth.name() == text)
    }
}

/// A package under the names by which advisories would find it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IndexEntry {
    /// The ecosystem.
    pub ecosystem: String,
    /// The canonical name in it.
    pub name: String,
    /// The version that is installed.
    pub version: String,
}

/// What a scan came to.
#[derive(Debug, Clone, Copy)]
pub struct Scan<'a> {
    /// The image.
    pub digest: &'a Digest,
    /// How closely it was looked at.
    pub depth: Depth,
    /// The report.
    pub report: &'a Report,
    /// The report as `assay.report/v1`.
    pub json: &'a [u8],
    /// The packages, under every name.
    pub index: &'a [IndexEntry],
}

/// The documents of a scan, packed, and in object storage where they are large.
#[derive(Debug, Clone)]
pub struct ScanDocuments {
    report: Document,
    inventory: Document,
}

impl Scan<'_> {
    fn inventory(&self) -> Result<Vec<u8>, StoreError> {
        inventory::write(&self.report.inventory)
            .map_err(|_| StoreError::Damaged { what: INVENTORY, name: self.digest.to_string() })
    }
}
/// The largest size of an image that is believed, 1 TiB: manifests may claim anything, and the sum over a fleet must stay a number.
pub const MAX_SIZE: u64 = 1 << 40;

/// What a scan changed in the findings of an image, by fingerprint.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FindingChanges {
    /// Findings that are new, or that came back.
    pub appeared: Vec<String>,
    /// Findings that are no more.
    pub gone: Vec<String>,
}

/// A stored report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredReport {
    /// How closely the image was looked at.
    pub depth: Depth,
    /// When the newest database was built by which it holds.
    pub database: Moment,
    /// When it was made.
    pub created: Moment,
    /// When it was last found to hold, by that database.
    pub evaluated: Moment,
    /// The report as `assay.report/v1`.
    pub json: Vec<u8>,
}

/// What there is to say about a report without reading it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReportStatus {
    /// How closely the image was looked at.
    pub depth: Depth,
    /// When the newest database was built by which it holds.
    pub database: Moment,
    /// When it was made.
    pub created: Moment,
    /// When it was last found to hold, by that database.
    pub evaluated: Moment,
}

/// A finding of one image over time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownFinding {
    /// Its fingerprint.
    pub fingerprint: String,
    /// Its kind.
    pub kind: String,
    /// The vulnerability or rule.
    pub rule: String,
    /// The severity.
    pub severity: String,
    /// The priority, where it was decided.
    pub priority: Option<String>,
    /// The package, if it is about one.
    pub package: Option<String>,
    /// Its version.
    pub version: Option<String>,
    /// Whether there is a fix.
    pub fix: String,
    /// The versions that fix it, separated by commas.
    pub fixed_versions: String,
    /// Whether a statement takes it out of the count.
    pub suppressed: bool,
    /// Since when it is known.
    pub first_seen: Moment,
    /// Since when it is no more, if it is not.
    pub gone_at: Option<Moment>,
    /// How often it came back.
    pub reopened: i64,
    /// The number of the decision about it, if one is in effect.
    pub triage: Option<i64>,
}

impl Work {
    /// Writes the result of a scan of an image that was seen before, instead of the one there was. Of an image that was looked at
    /// more closely before, only the report is kept: what is known of it stays what the closer look gave.
    ///
    /// # Errors
    /// Fails when the database does not answer, the image was never seen, or the report is larger than anything kept.
    pub async fn save_scan(&mut self, scan: &Scan<'_>, now: Moment) -> Result<FindingChanges, StoreError> {
        let name = scan.digest.to_string();
        let documents = ScanDocuments {
            report: Document::inline(REPORT, &name, scan.json)?,
            inventory: Document::inline(INVENTORY, &name, &scan.inventory()?)?,
        };
        self.save_scan_with(scan, &documents, now).await
    }

    /// Does what [`Work::save_scan`] does, with documents that [`Store::scan_documents`] returned.
    ///
    /// # Errors
    /// Fails when the database does not answer, or the image was never seen.
    pub async fn save_scan_with(
        &mut self,
        scan: &Scan<'_>,
        documents: &ScanDocuments,
        now: Moment,
    ) -> Result<FindingChanges, StoreError> {
        let image = self.image_id(scan.digest).await?;
        let (body, object) = self.refer(&documents.report).await?;
        let database = scan.report.database.built_at.map_or(Moment(0), Moment::from);
        sqlx::query(
            "INSERT INTO reports (image, depth, database_date, created, evaluated, body, object) VALUES ($1, $2, $3, $4, $5, $6, $7) \
             ON CONFLICT (image, depth) DO UPDATE SET database_date = excluded.database_date, created = excluded.created, \
             evaluated = excluded.evaluated, body = excluded.body, object = excluded.object",
        )
        .bind(image)
        .bind(scan.depth.name())
        .bind(database.0)
        .bind(now.0)
        .bind(now.0)
        .bind(body)
        .bind(object)
        .execute(&mut *self.transaction)
        .await?;
        sqlx::query("UPDATE images SET refused = NULL WHERE id = $1")
            .bind(image)
            .execute(&mut *self.transaction)
            .await?;
        // From now on it is judged by its report.
        self.unwatch(&scan.digest.to_string()).await?;
        let depths = sqlx::query("SELECT depth FROM reports WHERE image = $1")
            .bind(image)
            .fetch_all(&mut *self.transaction)
            .await?;
        for row in depths {
            if Depth::parse(&row.try_get::<String, _>(0)?).is_some_and(|depth| depth > scan.depth) {
                return Ok(FindingChanges::default());
            }
        }
        let made = scan.report.image.created.map(|time| Moment::from(time).0);
        let layers = &scan.report.image.layers;
        let size =
            layers.iter().fold(0_u64, |size, layer| size.saturating_add(layer.size.unwrap_or_default()));
        let packages = scan.report.inventory.packages.len();
        let indexed = self.index(image, scan.index).await?;
        sqlx::query(
            "UPDATE images SET made = $1, size = $2, packages = $3, removable = $4, indexed = $5 WHERE id = $6",
        )
            .bind(made)
            .bind(i64::try_from(size.min(MAX_SIZE)).unwrap_or(i64::MAX))
            .bind(i64::try_from(packages).unwrap_or(i64::MAX))
            .bind(i64::try_from(scan.report.removable.len()).unwrap_or(i64::MAX))
            .bind(indexed)
            .bind(image)
            .execute(&mut *self.transaction)
            .await?;
        if scan.depth > Depth::Partial {
            self.save_chain(image, &scan.report.image).await?;
        }
        let (body, object) = self.refer(&documents.inventory).await?;
        sqlx::query(
            "INSERT INTO inventories (image, revision, body, object) VALUES ($1, $2, $3, $4) \
             ON CONFLICT (image) DO UPDATE SET revision = excluded.revision, body = excluded.body, object = excluded.object \
             WHERE inventories.revision <> excluded.revision OR inventories.body <> excluded.body \
             OR COALESCE(inventories.object, '') <> COALESCE(excluded.object, '')",
        )
        .bind(image)
        .bind(inventory::REVISION)
        .bind(body)
        .bind(object)
        .execute(&mut *self.transaction)
        .await?;
        self.save_findings(image, scan.report, now).await
    }

    /// Writes under which names the packages of an image are found; returns a hash of them, to be kept with the image. Nothing is written
    /// where that stands there: an image that is only judged again has the same packages.
    async fn index(&mut self, image: i64, entries: &[IndexEntry]) -> Result<String, StoreError> {
        // Sorted: two scans that write the same new names in different orders would wait for one another for ever.
        let entries: BTreeSet<[String; 3]> = entries
            .iter()
            .map(|entry| [text::key(&entry.ecosystem), text::key(&entry.name), text::key(&entry.version)])
            .collect();
        let mut hash = Sha256::new();
        for text in entries.iter().flatten() {
            hash.update(text);
            // No text holds one.
            hash.update([0]);
        }
        let hash = hex(&hash.finalize());
        let written = sqlx::query("SELECT indexed FROM images WHERE id = $1")
            .bind(image)
            .fetch_one(&mut *self.transaction)
            .await?;
        if written.try_get::<Option<String>, _>(0)?.as_ref() == Some(&hash) {
            return Ok(hash);
        }
        sqlx::query("DELETE FROM image_packages WHERE image = $1")
            .bind(image)
            .execute(&mut *self.transaction)
            .await?;
        let entries: Vec<[String; 3]> = entries.into_iter().collect();
        let mut names: Vec<(&str, &str)> =
            entries.iter().map(|[ecosystem, name, _]| (ecosystem.as_str(), name.as_str())).collect();
        names.dedup();
        let mut packages = self.packages(&names).await?;
        names.retain(|name| !packages.contains_key(&owned(*name)));
        for chunk in names.chunks(ROWS) {
            let sql = format!(
                "INSERT INTO packages (ecosystem, name) VALUES {} ON CONFLICT (name, ecosystem) DO NOTHING",
                rows(chunk.len(), 2, |at| format!("(${}, ${})", at + 1, at + 2))
            );
            let mut query = sqlx::query(self.backend.with_many(sql));
            for (ecosystem, name) in chunk {
                query = query.bind(*ecosystem).bind(*name);
            }
            query.execute(&mut *self.transaction).await?;
        }
        packages.append(&mut self.packages(&names).await?);
        for chunk in entries.chunks(ROWS) {
            let sql = format!(
                "INSERT INTO image_packages (package, image, version) VALUES {}",
                rows(chunk.len(), 3, |at| format!("(${}, ${}, ${})", at + 1, at + 2, at + 3))
            );
            let mut query = sqlx::query(self.backend.with_many(sql));
            for [ecosystem, name, version] in chunk {
                let package = packages.get(&owned((ecosystem, name))).ok_or(sqlx::Error::RowNotFound)?;
                query = query.bind(*package).bind(image).bind(version.as_str());
            }
            query.execute(&mut *self.transaction).await?;
        }
        Ok(hash)
    }

    /// Returns the numbers of those packages that are known, by ecosystem and name, and keeps these from being pruned meanwhile.
    async fn packages(
        &mut self,
        names: &[(&str, &str)],
    ) -> Result<BTreeMap<(String, String), i64>, StoreError> {
        let mut packages = BTreeMap::new();
        for chunk in names.chunks(ROWS) {
            let choice = rows(chunk.len(), 2, |at| format!("(${}, ${})", at + 1, at + 2));
            let sql = format!(
                "SELECT id, ecosystem, name FROM packages WHERE (name, ecosystem) IN (VALUES {choice}) ORDER BY id{}",
                self.backend.share_rows()
            );
            let mut query = sqlx::query(self.backend.with_many(sql));
            for (ecosystem, name) in chunk {
                query = query.bind(*name).bind(*ecosystem);
            }
            for row in query.fetch_all(&mut *self.transaction).await? {
                packages.insert((row.try_get(1)?, row.try_get(2)?), row.try_get(0)?);
            }
        }
        Ok(packages)
    }
}

fn owned((ecosystem, name): (&str, &str)) -> (String, String) {
    (ecosystem.to_owned(), name.to_owned())
}

/// Writes the rows of a statement, each made from the number of parameters before it. No data enters the text.
pub(crate) fn rows(count: usize, width: usize, row: impl Fn(usize) -> String) -> String {
    let mut text = String::new();
    for number in 0..count {
        let _ = write!(text, "{}{}", if number > 0 { ", " } else { "" }, row(number * width));
    }
    text
}

impl Store {
    /// Packs report and inventory of a scan, and writes them to object storage where they are large.
    ///
    /// # Errors
    /// Fails when one is larger than anything kept, or the database or the storage does not take it.
    pub async fn scan_documents(&self, scan: &Scan<'_>) -> Result<ScanDocuments, StoreError> {
        let name = scan.digest.to_string();
        Ok(ScanDocuments {
            report: self.document(REPORT, &name, scan.json).await?,
            inventory: self.document(INVENTORY, &name, &scan.inventory()?).await?,
        })
    }

    /// Returns the report of an image: the deepest there is, or that of a depth.
    ///
    /// # Errors
    /// Fails when the database or the object storage does not answer, or the report is damaged.
    pub async fn report(
        &self,
        digest: &Digest,
        depth: Option<Depth>,
    ) -> Result<Option<StoredReport>, StoreError> {
        // It may have been replaced, and its object removed, while it was read.
        match self.report_as_it_is(digest, depth).await {
            Err(StoreError::Gone { .. }) => self.report_as_it_is(digest, depth).await.map_err(lost),
            result => result,
        }
    }

    async fn report_as_it_is(
        &self,
        digest: &Digest,
        depth: Option<Depth>,
    ) -> Result<Option<StoredReport>, StoreError> {
        let name = digest.to_string();
        let rows = sqlx::query(
            "SELECT r.depth, r.database_date, r.created, r.evaluated, r.body, r.object FROM reports r JOIN images i ON i.id = r.image \
             WHERE i.digest = $1",
        )
        .bind(&name)
        .fetch_all(&self.pool)
        .await?;
        let mut reports = Vec::new();
        for row in &rows {
            let found = Depth::parse(&row.try_get::<String, _>(0)?);
            let Some(found) = found.filter(|found| depth.is_none_or(|depth| depth == *found)) else {
                continue;
            };
            reports.push((found, row));
        }
        let Some((depth, row)) = reports.into_iter().max_by_key(|(depth, _)| *depth) else { return Ok(None) };
        Ok(Some(StoredReport {
            depth,
            database: Moment(row.try_get(1)?),
            created: Moment(row.try_get(2)?),
            evaluated: Moment(row.try_get(3)?),
            json: self.unpacked(REPORT, &name, Stored::read(row, 4)?).await?,
        }))
    }

    /// Returns what is in an image, if that is known in a form that this program reads.
    ///
    /// # Errors
    /// Fails when the database or the object storage does not answer, or the inventory is damaged.
    pub async fn inventory(&self, digest: &Digest) -> Result<Option<Inventory>, StoreError> {
        // It may have been replaced, and its object removed, while it was read.
        match self.inventory_as_it_is(digest).await {
            Err(StoreError::Gone { .. }) => self.inventory_as_it_is(digest).await.map_err(lost),
            result => result,
        }
    }

    async fn inventory_as_it_is(&self, digest: &Digest) -> Result<Option<Inventory>, StoreError> {
        let name = digest.to_string();
        let row = sqlx::query(
            "SELECT v.body, v.object FROM inventories v JOIN images i ON i.id = v.image WHERE i.digest = $1 AND v.revision = $2",
        )
        .bind(&name)
        .bind(inventory::REVISION)
        .fetch_optional(&self.pool)
        .await?;
        let Some(row) = row else { return Ok(None) };
        let bytes = self.unpacked(INVENTORY, &name, Stored::read(&row, 0)?).await?;
        let read = inventory::read(&bytes).map_err(|_| StoreError::Damaged { what: INVENTORY, name })?;
        Ok(Some(read))
    }

    /// Hands on what is in images, one after the other, of those of which it is known in a form that can be read.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn each_inventory(
        &self,
        digests: &[Digest],
        mut each: impl FnMut(Digest, Inventory),
    ) -> Result<(), StoreError> {
        for chunk in digests.chunks(ROWS) {
            let sql = format!(
                "SELECT i.digest, v.body, v.object FROM inventories v JOIN images i ON i.id = v.image \
                 WHERE v.revision = $1 AND i.digest IN ({})",
                rows(chunk.len(), 1, |at| format!("${}", at + 2))
            );
            let mut query = sqlx::query(self.backend.with_many(sql)).bind(inventory::REVISION);
            for digest in chunk {
                query = query.bind(digest.to_string());
            }
            for row in query.fetch_all(&self.pool).await? {
                let digest = image::digest(&row, 0)?;
                let body = self.unpacked(INVENTORY, &digest.to_string(), Stored::read(&row, 1)?).await;
                if let Some(inventory) = body.ok().and_then(|bytes| inventory::read(&bytes).ok()) {
                    each(digest, inventory);
                }
            }
        }
        Ok(())
    }

    /// Forgets what is in an image, so that it is looked at again when it matters; says whether it was known.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn forget_inventory(&self, digest: &Digest) -> Result<bool, StoreError> {
        let gone =
            sqlx::query("DELETE FROM inventories WHERE image = (SELECT id FROM images WHERE digest = $1)")
                .bind(digest.to_string())
                .execute(&self.pool)
                .await?;
        Ok(gone.rows_affected() > 0)
    }

    /// Returns the images that have any of these packages (ecosystem and canonical name).
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn images_with(
        &self,
        packages: impl IntoIterator<Item = (&str, &str)>,
    ) -> Result<BTreeSet<Digest>, StoreError> {
        let packages: Vec<(String, String)> =
            packages.into_iter().map(|(ecosystem, name)| (text::key(ecosystem), text::key(name))).collect();
        let mut images = BTreeSet::new();
        for chunk in packages.chunks(ROWS) {
            let choice = rows(chunk.len(), 2, |at| format!("(${}, ${})", at + 1, at + 2));
            let sql = format!(
                "SELECT DISTINCT i.digest FROM images i JOIN image_packages x ON x.image = i.id JOIN packages p ON p.id = x.package \
                 WHERE (p.name, p.ecosystem) IN (VALUES {choice})"
            );
            let mut query = sqlx::query(self.backend.with_many(sql));
            for (ecosystem, name) in chunk {
                query = query.bind(name.as_str()).bind(ecosystem.as_str());
            }
            for row in query.fetch_all(&self.pool).await? {
                images.insert(image::digest(&row, 0)?);
            }
        }
        Ok(images)
    }

    /// Returns the findings of an image, as [`View::findings`] does.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn findings(&self, digest: &Digest) -> Result<Vec<KnownFinding>, StoreError> {
        self.whole().findings(digest).await
    }
}

impl View<'_> {
    /// Returns the findings of an image, those that are no more included, the oldest first.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn findings(&self, digest: &Digest) -> Result<Vec<KnownFinding>, StoreError> {
        let sql = format!(
            "SELECT f.fingerprint, f.kind, f.rule, f.severity, f.priority, f.package, f.version, f.fix, f.fixed_versions, \
             f.suppressed, f.first_seen, f.gone_at, f.reopened, {} FROM findings f JOIN images i ON i.id = f.image \
             WHERE i.digest = $1{} ORDER BY f.first_seen, f.rule, f.fingerprint",
            decision(self.scope, 2),
            self.scope.image("i.id", 2)
        );
        let query = self.scope.bind(sqlx::query(AssertSqlSafe(sql)).bind(digest.to_string()));
        let rows = query.fetch_all(&self.store.pool).await?;
        rows.iter().map(known_finding).collect()
    }
}

/// What is not there the second time either is lost, and damaged for all who can make it again.
fn lost(error: StoreError) -> StoreError {
    match error {
        StoreError::Gone { what, name } => StoreError::Damaged { what, name },
        error => error,
    }
}

/// Reads a finding, of its columns from the fingerprint on in the order of its fields.
pub(crate) fn known_finding(row: &AnyRow) -> Result<KnownFinding, StoreError> {
    Ok(KnownFinding {
        fingerprint: row.try_get(0)?,
        kind: row.try_get(1)?,
        rule: row.try_get(2)?,
        severity: row.try_get(3)?,
        priority: row.try_get(4)?,
        package: row.try_get(5)?,
        version: row.try_get(6)?,
        fix: row.try_get(7)?,
        fixed_versions: row.try_get(8)?,
        suppressed: row.try_get::<i64, _>(9)? != 0,
        first_seen: Moment(row.try_get(10)?),
        gone_at: row.try_get::<Option<i64>, _>(11)?.map(Moment),
        reopened: row.try_get(12)?,
        triage: row.try_get(13)?,
    })
}
