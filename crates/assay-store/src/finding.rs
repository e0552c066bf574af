//! Findings as they are written: by image and fingerprint, with every name they may be asked for by.

use crate::error::StoreError;
use crate::moment::Moment;
use crate::scan::{FindingChanges, ROWS, rows};
use crate::store::Work;
use crate::text;
use assay_model::{Finding, Report};
use sqlx::Row as _;
use std::collections::{BTreeMap, BTreeSet};

impl Work {
    /// Brings the findings of an image up to date. Those that stand there as they are, which most do, are not written again.
    pub(crate) async fn save_findings(
        &mut self,
        image: i64,
        report: &Report,
        now: Moment,
    ) -> Result<FindingChanges, StoreError> {
        let mut before = self.findings_of(image).await?;
        let now_there: BTreeMap<String, &Finding> =
            report.findings.iter().rev().map(|finding| (text::key(&finding.id), finding)).collect();
        let mut changes = FindingChanges::default();
        let (mut ids, mut news, mut names) = (BTreeMap::new(), Vec::new(), Vec::new());
        let (mut counting, mut not_counting) = (Vec::new(), Vec::new());
        for (fingerprint, finding) in &now_there {
            let row = Row::of(finding, report);
            let counts = row.counts();
            let was = before.remove(fingerprint);
            let open = was.as_ref().filter(|was| was.gone_at.is_none());
            if open.is_none() {
                changes.appeared.push(finding.id.clone());
            }
            if let Some(was) = was.as_ref().filter(|was| was.counts() != counts) {
                if counts { &mut counting } else { &mut not_counting }.push(was.id);
            }
            match open {
                Some(open) if open.row == row => drop(ids.insert(fingerprint.as_str(), open.id)),
                _ => news.push(NewRow { fingerprint, kind: finding.kind.name(), row }),
            }
            let known = was.map(|was| was.names).unwrap_or_default();
            names.push((fingerprint.as_str(), counts, names_of(finding, &known)));
        }
        let mut gone = Vec::new();
        for (fingerprint, was) in before {
            if was.gone_at.is_none() {
                gone.push(was.id);
                not_counting.push(was.id);
                changes.gone.push(fingerprint);
            }
        }
        self.write_findings(image, &news, now, &mut ids).await?;
        self.end_findings(&gone, now).await?;
        self.count_names(&not_counting, false).await?;
        self.count_names(&counting, true).await?;
        let mut written = Vec::new();
        for (fingerprint, counts, names) in names {
            let Some(id) = ids.get(fingerprint) else { continue };
            written.extend(names.into_iter().map(|name| (name, counts, *id)));
        }
        self.name(image, &written).await?;
        Ok(changes)
    }

    /// Returns the findings of an image that were ever written, by their fingerprints.
    async fn findings_of(&mut self, image: i64) -> Result<BTreeMap<String, Written>, StoreError> {
        let rows = sqlx::query(
            "SELECT fingerprint, id, gone_at, rule, severity, priority, package, version, fix, fixed_versions, suppressed \
             FROM findings WHERE image = $1",
        )
        .bind(image)
        .fetch_all(&mut *self.transaction)
        .await?;
        let mut fingerprints = BTreeMap::new();
        let mut findings = BTreeMap::new();
        for row in rows {
            let (fingerprint, id): (String, i64) = (row.try_get(0)?, row.try_get(1)?);
            fingerprints.insert(id, fingerprint.clone());
            let written = Written {
                id,
                gone_at: row.try_get(2)?,
                row: Row {
                    rule: row.try_get(3)?,
                    severity: row.try_get(4)?,
                    priority: row.try_get(5)?,
                    package: row.try_get(6)?,
                    version: row.try_get(7)?,
                    fix: row.try_get(8)?,
                    fixed_versions: row.try_get(9)?,
                    suppressed: row.try_get(10)?,
                },
                names: BTreeSet::new(),
            };
            findings.insert(fingerprint, written);
        }
        if findings.is_empty() {
            return Ok(findings);
        }
        let rows = sqlx::query(
            "SELECT n.finding, n.name FROM findings f JOIN finding_names n ON n.finding = f.id WHERE f.image = $1",
        )
        .bind(image)
        .fetch_all(&mut *self.transaction)
        .await?;
        for row in rows {
            let fingerprint = fingerprints.get(&row.try_get::<i64, _>(0)?);
            if let Some(finding) = fingerprint.and_then(|fingerprint| findings.get_mut(fingerprint)) {
                finding.names.insert(row.try_get(1)?);
            }
        }
        Ok(findings)
    }

    /// Writes findings that are new, are back, or say something else; adds their numbers.
    async fn write_findings<'f>(
        &mut self,
        image: i64,
        findings: &[NewRow<'f>],
        now: Moment,
        ids: &mut BTreeMap<&'f str, i64>,
    ) -> Result<(), StoreError> {
        for chunk in findings.chunks(ROWS) {
            let sql = format!(
                "INSERT INTO findings (image, fingerprint, kind, rule, severity, priority, package, version, fix, fixed_versions, \
                 suppressed, first_seen) VALUES {} \
                 ON CONFLICT (image, fingerprint) DO UPDATE SET rule = excluded.rule, severity = excluded.severity, \
                 priority = excluded.priority, package = excluded.package, version = excluded.version, fix = excluded.fix, \
                 fixed_versions = excluded.fixed_versions, suppressed = excluded.suppressed, gone_at = NULL, \
                 reopened = findings.reopened + CASE WHEN findings.gone_at IS NULL THEN 0 ELSE 1 END RETURNING id, fingerprint",
                rows(chunk.len(), 12, |at| {
                    let columns: Vec<String> = (1..=12).map(|column| format!("${}", at + column)).collect();
                    format!("({})", columns.join(", "))
                })
            );
            let mut query = sqlx::query(self.backend.with_many(sql));
            for NewRow { fingerprint, kind, row } in chunk {
                query = query
                    .bind(image)
                    .bind(*fingerprint)
                    .bind(*kind)
                    .bind(&row.rule)
                    .bind(&row.severity)
                    .bind(&row.priority)
                    .bind(&row.package)
                    .bind(&row.version)
                    .bind(&row.fix)
                    .bind(&row.fixed_versions)
                    .bind(row.suppressed)
                    .bind(now.0);
            }
            // In which order they come back is not said.
            let mut numbers = BTreeMap::new();
            for row in query.fetch_all(&mut *self.transaction).await? {
                numbers.insert(row.try_get::<String, _>(1)?, row.try_get::<i64, _>(0)?);
            }
            for NewRow { fingerprint, .. } in chunk {
                let id = numbers.get(*fingerprint).ok_or(sqlx::Error::RowNotFound)?;
                ids.insert(fingerprint, *id);
            }
        }
        Ok(())
    }

    /// Writes that findings are no more.
    async fn end_findings(&mut self, findings: &[i64], now: Moment) -> Result<(), StoreError> {
        for chunk in findings.chunks(ROWS) {
            let choice = rows(chunk.len(), 1, |at| format!("CAST(${} AS BIGINT)", at + 2));
            let sql = format!("UPDATE findings SET gone_at = $1 WHERE id IN ({choice})");
            let mut query = sqlx::query(self.backend.with_many(sql)).bind(now.0);
            for id in chunk {
                query = query.bind(*id);
            }
            query.execute(&mut *self.transaction).await?;
        }
        Ok(())
    }

    /// Writes beside the names of findings whether these count.
    async fn count_names(&mut self, findings: &[i64], counts: bool) -> Result<(), StoreError> {
        for chunk in findings.chunks(ROWS) {
            let choice = rows(chunk.len(), 1, |at| format!("CAST(${} AS BIGINT)", at + 2));
            let sql = format!("UPDATE finding_names SET counts = $1 WHERE finding IN ({choice})");
            let mut query = sqlx::query(self.backend.with_many(sql)).bind(i64::from(counts));
            for id in chunk {
                query = query.bind(*id);
            }
            query.execute(&mut *self.transaction).await?;
        }
        Ok(())
    }

    /// Writes names, each with whether its finding counts and the finding's number.
    async fn name(&mut self, image: i64, names: &[(String, bool, i64)]) -> Result<(), StoreError> {
        for chunk in names.chunks(ROWS) {
            let sql = format!(
                "INSERT INTO finding_names (name, counts, image, finding) VALUES {}",
                rows(chunk.len(), 4, |at| format!("(${}, ${}, ${}, ${})", at + 1, at + 2, at + 3, at + 4))
            );
            let mut query = sqlx::query(self.backend.with_many(sql));
            for (name, counts, finding) in chunk {
                query = query.bind(name.as_str()).bind(i64::from(*counts)).bind(image).bind(*finding);
            }
            query.execute(&mut *self.transaction).await?;
        }
        Ok(())
    }
}

/// Returns every identifier by which a finding may be asked for, but for those `known` already.
fn names_of(finding: &Finding, known: &BTreeSet<String>) -> BTreeSet<String> {
    std::iter::once(finding.rule.as_str())
        .chain(finding.aliases.iter().map(String::as_str))
        .map(text::key)
        .filter(|name| !known.contains(name))
        .collect()
}

/// A finding that is to be written.
struct NewRow<'f> {
    fingerprint: &'f str,
    kind: &'static str,
    row: Row,
}

/// A finding as it was written.
struct Written {
    id: i64,
    gone_at: Option<i64>,
    row: Row,
    names: BTreeSet<String>,
}

impl Written {
    fn counts(&self) -> bool {
        self.gone_at.is_none() && self.row.counts()
    }
}

/// What is written of a finding besides when it was there.
#[derive(PartialEq)]
struct Row {
    rule: String,
    severity: String,
    priority: Option<String>,
    package: Option<String>,
    version: Option<String>,
    fix: String,
    fixed_versions: String,
    suppressed: i64,
}

impl Row {
    /// Says whether a finding counts as long as it is there.
    fn counts(&self) -> bool {
        self.suppressed == 0
    }

    fn of(finding: &Finding, report: &Report) -> Self {
        let package =
            finding.package.and_then(|index| report.inventory.packages.get(usize::try_from(index).ok()?));
        Self {
            rule: text::clean(&finding.rule),
            severity: finding.severity.name().to_owned(),
            priority: finding.priority.map(|priority| priority.name().to_owned()),
            package: package.map(|package| text::clean(&package.name)),
            version: package.map(|package| text::clean(&package.version)),
            fix: finding.fix.name().to_owned(),
            fixed_versions: text::clean(&finding.fixed_versions.join(",")),
            suppressed: i64::from(finding.suppression.is_some()),
        }
    }
}
