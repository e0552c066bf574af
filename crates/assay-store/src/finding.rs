//! Findings as they are written: by image and fingerprint, with every name they may be asked for by.

use crate::error::StoreError;
use crate::moment::Moment;
use crate::scan::{FindingChanges, ROWS, rows};
use crate::store::Work;
use crate::text;
use assay_model::{Finding, Report};
use sqlx::{AssertSqlSafe, Row as _};
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
        for (fingerprint, finding) in &now_there {
            let row = Row::of(finding, report);
            let was = before.remove(fingerprint);
            let open = was.as_ref().filter(|was| was.gone_at.is_none());
            let id = match open {
                Some(open) if open.row == row => open.id,
                _ => self.write_finding(image, fingerprint, finding, &row, now).await?,
            };
            self.names(id, finding, was.as_ref().map(|was| &was.names)).await?;
            if open.is_none() {
                changes.appeared.push(finding.id.clone());
            }
        }
        for (fingerprint, was) in before {
            if was.gone_at.is_none() {
                sqlx::query("UPDATE findings SET gone_at = $1 WHERE id = $2")
                    .bind(now.0)
                    .bind(was.id)
                    .execute(&mut *self.transaction)
                    .await?;
                changes.gone.push(fingerprint);
            }
        }
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

    /// Writes a finding that is new, is back, or says something else; returns its number.
    async fn write_finding(
        &mut self,
        image: i64,
        fingerprint: &str,
        finding: &Finding,
        row: &Row,
        now: Moment,
    ) -> Result<i64, StoreError> {
        let written = sqlx::query(
            "INSERT INTO findings (image, fingerprint, kind, rule, severity, priority, package, version, fix, fixed_versions, \
             suppressed, first_seen) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) \
             ON CONFLICT (image, fingerprint) DO UPDATE SET rule = excluded.rule, severity = excluded.severity, \
             priority = excluded.priority, package = excluded.package, version = excluded.version, fix = excluded.fix, \
             fixed_versions = excluded.fixed_versions, suppressed = excluded.suppressed, gone_at = NULL, \
             reopened = findings.reopened + CASE WHEN findings.gone_at IS NULL THEN 0 ELSE 1 END RETURNING id",
        )
        .bind(image)
        .bind(fingerprint)
        .bind(finding.kind.name())
        .bind(&row.rule)
        .bind(&row.severity)
        .bind(&row.priority)
        .bind(&row.package)
        .bind(&row.version)
        .bind(&row.fix)
        .bind(&row.fixed_versions)
        .bind(row.suppressed)
        .bind(now.0)
        .fetch_one(&mut *self.transaction)
        .await?;
        Ok(written.try_get(0)?)
    }

    /// Writes every identifier by which a finding may be asked for, but for those `known` already.
    async fn names(
        &mut self,
        id: i64,
        finding: &Finding,
        known: Option<&BTreeSet<String>>,
    ) -> Result<(), StoreError> {
        let names: BTreeSet<String> = std::iter::once(finding.rule.as_str())
            .chain(finding.aliases.iter().map(String::as_str))
            .map(text::key)
            .filter(|name| !known.is_some_and(|known| known.contains(name)))
            .collect();
        let names: Vec<String> = names.into_iter().collect();
        for chunk in names.chunks(ROWS) {
            let sql = format!(
                "INSERT INTO finding_names (name, finding) VALUES {} ON CONFLICT DO NOTHING",
                rows(chunk.len(), 2, |at| format!("(${}, ${})", at + 1, at + 2))
            );
            let mut query = sqlx::query(AssertSqlSafe(sql));
            for name in chunk {
                query = query.bind(name.as_str()).bind(id);
            }
            query.execute(&mut *self.transaction).await?;
        }
        Ok(())
    }
}

/// A finding as it was written.
struct Written {
    id: i64,
    gone_at: Option<i64>,
    row: Row,
    names: BTreeSet<String>,
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
