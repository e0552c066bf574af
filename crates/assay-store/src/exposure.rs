//! How good the findings are, and what becomes of them: what came back, what people made of it, and how much of an image is vulnerable.

use crate::error::StoreError;
use crate::moment::Moment;
use crate::store::Store;
use crate::triage::TriageState;
use assay_model::Digest;
use sqlx::{AssertSqlSafe, Row as _};
use std::collections::BTreeMap;

/// What a vulnerable package weighs, by its most severe finding.
const WEIGHT: &str = "MAX(CASE f.severity WHEN 'critical' THEN 10 WHEN 'high' THEN 5 WHEN 'medium' THEN 2 WHEN 'negligible' THEN 0 \
     ELSE 1 END)";

/// Findings of vulnerabilities that count, by package.
const VULNERABLE: &str =
    "f.kind = 'vulnerability' AND f.gone_at IS NULL AND f.suppressed = 0 AND f.package IS NOT NULL";

/// Returns what counts the vulnerable packages of images, and says how much they weigh.
pub(crate) fn weighed(of_images: &str) -> String {
    format!(
        "SELECT COUNT(*), CAST(COALESCE(SUM(weight), 0) AS BIGINT) FROM (SELECT {WEIGHT} AS weight FROM findings f \
         WHERE {of_images} AND {VULNERABLE} GROUP BY f.image, f.package, f.version) packages"
    )
}

/// What came back, and what people made of findings. Decisions of triage change no count but their own.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Exposure {
    /// Vulnerabilities, by severity, of what tags have named since the beginning of the window, that the tag once had, had no more, and
    /// has again.
    pub regressed: BTreeMap<String, i64>,
    /// Decisions of the window, by state; what was taken back or replaced is not counted.
    pub decided: BTreeMap<TriageState, i64>,
}

impl Store {
    pub(crate) async fn exposure(&self, since: Moment) -> Result<Exposure, StoreError> {
        Ok(Exposure { regressed: self.regressed(since).await?, decided: self.decisions(since).await? })
    }

    /// Returns how many packages of an image are vulnerable, and how much they weigh.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn vulnerable_packages(&self, digest: &Digest) -> Result<(i64, i64), StoreError> {
        let sql = weighed("f.image = (SELECT i.id FROM images i WHERE i.digest = $1)");
        let row = sqlx::query(AssertSqlSafe(sql)).bind(digest.to_string()).fetch_one(&self.pool).await?;
        Ok((row.try_get(0)?, row.try_get(1)?))
    }

    async fn regressed(&self, since: Moment) -> Result<BTreeMap<String, i64>, StoreError> {
        let of_tag = |a: &str| {
            format!("{a}.registry = n.registry AND {a}.repository = n.repository AND {a}.tag = n.tag")
        };
        // Tags that never moved are left out before their findings are looked at, and where a finding began is looked up once, from the
        // oldest image on: the same written as one pair of images beside another took minutes for a thousand tags that moved often.
        let sql = format!(
            "SELECT f.severity, COUNT(*) FROM tags n CROSS JOIN findings f WHERE n.first_seen >= $1 \
             AND NOT EXISTS (SELECT 1 FROM tags l WHERE {} AND l.id > n.id) \
             AND EXISTS (SELECT 1 FROM tags p WHERE {} AND p.id < n.id) \
             AND f.image = n.image AND f.kind = 'vulnerability' AND f.gone_at IS NULL AND f.suppressed = 0 \
             AND EXISTS (SELECT 1 FROM tags m WHERE {} AND m.id < n.id \
             AND m.id > (SELECT o.id FROM tags o CROSS JOIN findings g WHERE {} AND o.id < n.id AND g.image = o.image \
             AND g.fingerprint = f.fingerprint AND g.suppressed = 0 AND g.gone_at IS NULL ORDER BY o.id LIMIT 1) \
             AND EXISTS (SELECT 1 FROM reports r WHERE r.image = m.image) \
             AND NOT EXISTS (SELECT 1 FROM findings h WHERE h.image = m.image AND h.fingerprint = f.fingerprint \
             AND h.gone_at IS NULL)) GROUP BY f.severity ORDER BY f.severity",
            of_tag("l"),
            of_tag("p"),
            of_tag("m"),
            of_tag("o")
        );
        let rows = sqlx::query(AssertSqlSafe(sql)).bind(since.0).fetch_all(&self.pool).await?;
        rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).collect()
    }
}
