//! The fleet as a whole: how many findings there are and how that went, which images there are, how widespread a vulnerability is.
//!
//! All of it is for people who look at pages, so every answer is bounded; the counts go through an index of open findings.

use crate::error::StoreError;
use crate::image;
use crate::moment::Moment;
use crate::scope::Scope;
use crate::text;
use crate::view::View;
use assay_model::Digest;
use sqlx::any::AnyRow;
use sqlx::{AssertSqlSafe, Row as _};

/// Milliseconds of a day.
const DAY: i64 = 86_400_000;

/// Open findings of a severity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeverityCount {
    /// The severity.
    pub severity: String,
    /// How many findings.
    pub findings: i64,
    /// How many images have one.
    pub images: i64,
}

/// Findings that came or went on a day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DayCount {
    /// The day, in days since 1970-01-01.
    pub day: i64,
    /// The severity.
    pub severity: String,
    /// How many there were.
    pub findings: i64,
}

/// A vulnerability, and how widespread it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Widespread {
    /// The vulnerability or rule.
    pub rule: String,
    /// Its severity.
    pub severity: String,
    /// How many images have it.
    pub images: i64,
}

/// An image in a list of the fleet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FleetImage {
    /// Its number, by which lists go on.
    pub id: i64,
    /// Its digest.
    pub digest: Digest,
    /// The registry it was first seen in.
    pub registry: String,
    /// The repository it was first seen in.
    pub repository: String,
    /// The tag it was last given.
    pub tag: Option<String>,
    /// When it was last seen.
    pub last_seen: Moment,
    /// When it was last scanned.
    pub scanned: Option<Moment>,
    /// Its open critical findings.
    pub critical: i64,
    /// Its open high findings.
    pub high: i64,
    /// All its open findings.
    pub findings: i64,
}

/// Which images of the fleet are wanted.
#[derive(Debug, Clone, Copy, Default)]
pub struct Search<'a> {
    /// Part of the registry, repository, tag or digest; everything when empty.
    pub text: &'a str,
    /// Only those with an open finding of this severity.
    pub severity: Option<&'a str>,
    /// Only those that were never scanned.
    pub unscanned: bool,
    /// Those seen first before the image of this number.
    pub before: Option<i64>,
    /// How many at most.
    pub limit: i64,
}

/// How widespread one vulnerability is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Spread {
    /// The names by which the findings are known, some at most.
    pub names: Vec<String>,
    /// The severities that they have.
    pub severities: Vec<String>,
    /// Open findings.
    pub findings: i64,
    /// Images that have one.
    pub images: i64,
    /// Images that had one.
    pub gone: i64,
}

/// Names that are told of one vulnerability.
const MAX_NAMES: i64 = 20;

fn escaped(text: &str) -> String {
    let mut pattern = String::from("%");
    for char in text.to_lowercase().chars() {
        if matches!(char, '%' | '_' | '!') {
            pattern.push('!');
        }
        pattern.push(char);
    }
    pattern.push('%');
    pattern
}

impl View<'_> {
    /// Returns how many open findings there are of each severity.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn severity_counts(&self) -> Result<Vec<SeverityCount>, StoreError> {
        let sql = format!(
            "SELECT f.severity, COUNT(*), COUNT(DISTINCT f.image) FROM findings f WHERE f.gone_at IS NULL AND f.suppressed = 0{} \
             GROUP BY f.severity ORDER BY f.severity",
            self.scope.images("f.image", 1)
        );
        let rows = self.scope.bind(sqlx::query(AssertSqlSafe(sql))).fetch_all(&self.store.pool).await?;
        rows.iter()
            .map(|row| {
                Ok(SeverityCount {
                    severity: row.try_get(0)?,
                    findings: row.try_get(1)?,
                    images: row.try_get(2)?,
                })
            })
            .collect()
    }

    /// Returns how many images have a report.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn scanned_count(&self) -> Result<i64, StoreError> {
        let sql = format!(
            "SELECT COUNT(DISTINCT r.image) FROM reports r WHERE 1 = 1{}",
            self.scope.images("r.image", 1)
        );
        let query = self.scope.bind(sqlx::query(AssertSqlSafe(sql)));
        Ok(query.fetch_one(&self.store.pool).await?.try_get(0)?)
    }

    /// Returns how many findings were first seen on each day since a moment.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn findings_came(&self, since: Moment) -> Result<Vec<DayCount>, StoreError> {
        self.by_day("first_seen", since).await
    }

    /// Returns how many findings were gone on each day since a moment, and still are.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn findings_went(&self, since: Moment) -> Result<Vec<DayCount>, StoreError> {
        self.by_day("gone_at", since).await
    }

    async fn by_day(&self, column: &'static str, since: Moment) -> Result<Vec<DayCount>, StoreError> {
        let sql = format!(
            "SELECT f.{column} / {DAY}, f.severity, COUNT(*) FROM findings f WHERE f.{column} >= $1 AND f.suppressed = 0{} \
             GROUP BY 1, 2 ORDER BY 1, 2",
            self.scope.images("f.image", 2)
        );
        let query = self.scope.bind(sqlx::query(AssertSqlSafe(sql)).bind(since.0));
        let rows = query.fetch_all(&self.store.pool).await?;
        rows.iter()
            .map(|row| {
                Ok(DayCount { day: row.try_get(0)?, severity: row.try_get(1)?, findings: row.try_get(2)? })
            })
            .collect()
    }

    /// Returns the vulnerabilities and rules of a severity that most images have.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn most_widespread(&self, severity: &str, limit: i64) -> Result<Vec<Widespread>, StoreError> {
        let sql = format!(
            "SELECT f.rule, f.severity, COUNT(DISTINCT f.image) FROM findings f \
             WHERE f.severity = $1 AND f.gone_at IS NULL AND f.suppressed = 0{} GROUP BY f.severity, f.rule \
             ORDER BY 3 DESC, f.rule LIMIT $2",
            self.scope.images("f.image", 3)
        );
        let query = self.scope.bind(sqlx::query(AssertSqlSafe(sql)).bind(severity).bind(limit));
        let rows = query.fetch_all(&self.store.pool).await?;
        rows.iter()
            .map(|row| {
                Ok(Widespread { rule: row.try_get(0)?, severity: row.try_get(1)?, images: row.try_get(2)? })
            })
            .collect()
    }

    /// Returns images of the fleet, the one seen first last.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn search_images(&self, search: &Search<'_>) -> Result<Vec<FleetImage>, StoreError> {
        let open = "FROM findings f WHERE f.image = i.id AND f.gone_at IS NULL AND f.suppressed = 0";
        let [registry, repository] = self.scope.name("i", 10);
        let tag = self.scope.place("t.registry", "t.repository", 10);
        // Where somebody else has an image, it has a name that is not told and must not be found by either.
        let named = match self.scope {
            Scope::Fleet => "lower(i.registry || '/' || i.repository) LIKE $6 ESCAPE '!'".to_owned(),
            Scope::Teams(_) => format!(
                "EXISTS (SELECT 1 FROM image_places x WHERE x.image = i.id{} \
                 AND lower(x.registry || '/' || x.repository) LIKE $6 ESCAPE '!')",
                self.scope.place("x.registry", "x.repository", 10)
            ),
        };
        let sql = format!(
            "SELECT i.id, i.digest, {registry}, {repository}, \
             (SELECT t.tag FROM tags t WHERE t.image = i.id{tag} ORDER BY t.id DESC LIMIT 1), i.last_seen, \
             (SELECT MAX(r.created) FROM reports r WHERE r.image = i.id), \
             (SELECT COUNT(*) {open} AND f.severity = 'critical'), (SELECT COUNT(*) {open} AND f.severity = 'high'), \
             (SELECT COUNT(*) {open}) FROM images i WHERE i.id < $1{} \
             AND ($2 = '' OR EXISTS (SELECT 1 {open} AND f.severity = $3)) \
             AND ($4 = 0 OR NOT EXISTS (SELECT 1 FROM reports r WHERE r.image = i.id)) \
             AND ($5 = '%%' OR {named} OR i.digest LIKE $7 ESCAPE '!' \
             OR EXISTS (SELECT 1 FROM tags t WHERE t.image = i.id{tag} \
             AND lower(t.registry || '/' || t.repository || ':' || t.tag) LIKE $8 ESCAPE '!')) \
             ORDER BY i.id DESC LIMIT $9",
            self.scope.images("i.id", 10)
        );
        let (severity, text) = (search.severity.unwrap_or_default(), escaped(search.text));
        let query = sqlx::query(AssertSqlSafe(sql))
            .bind(search.before.unwrap_or(i64::MAX))
            .bind(severity)
            .bind(severity)
            .bind(i64::from(search.unscanned))
            .bind(&text)
            .bind(&text)
            .bind(&text)
            .bind(&text)
            .bind(search.limit);
        let rows = self.scope.bind(query).fetch_all(&self.store.pool).await?;
        rows.iter().map(fleet_image).collect()
    }

    /// Returns how widespread a vulnerability is, by any of its identifiers.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn spread(&self, advisory: &str) -> Result<Spread, StoreError> {
        let advisory = text::key(advisory);
        let image = self.scope.images("f.image", 2);
        let sql = format!(
            "SELECT f.severity, COUNT(*), COUNT(DISTINCT f.image) FROM finding_names n JOIN findings f ON f.id = n.finding \
             WHERE n.name = $1 AND f.gone_at IS NULL AND f.suppressed = 0{image} GROUP BY f.severity ORDER BY f.severity"
        );
        let ask = |sql: String| self.scope.bind(sqlx::query(AssertSqlSafe(sql)).bind(advisory.clone()));
        let rows = ask(sql).fetch_all(&self.store.pool).await?;
        let mut spread = Spread::default();
        for row in rows {
            spread.severities.push(row.try_get(0)?);
            spread.findings = spread.findings.saturating_add(row.try_get(1)?);
        }
        let sql = format!(
            "SELECT COUNT(DISTINCT CASE WHEN f.gone_at IS NULL AND f.suppressed = 0 THEN f.image END), \
             COUNT(DISTINCT CASE WHEN f.gone_at IS NOT NULL THEN f.image END) FROM finding_names n \
             JOIN findings f ON f.id = n.finding WHERE n.name = $1{image}"
        );
        let row = ask(sql).fetch_one(&self.store.pool).await?;
        (spread.images, spread.gone) = (row.try_get(0)?, row.try_get(1)?);
        // The names of the first finding: all findings of one vulnerability come from the same record.
        let first = match self.scope {
            Scope::Fleet => "SELECT MIN(n.finding) FROM finding_names n WHERE n.name = $1".to_owned(),
            Scope::Teams(_) => format!(
                "SELECT MIN(n.finding) FROM finding_names n JOIN findings f ON f.id = n.finding WHERE n.name = $1{image}"
            ),
        };
        let sql = format!(
            "SELECT m.name FROM finding_names m WHERE m.finding = ({first}) ORDER BY m.name LIMIT {MAX_NAMES}"
        );
        for row in ask(sql).fetch_all(&self.store.pool).await? {
            spread.names.push(row.try_get(0)?);
        }
        Ok(spread)
    }

    /// Returns packages, ecosystem and name, whose name contains a text.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn packages_like(&self, text: &str, limit: i64) -> Result<Vec<(String, String)>, StoreError> {
        // With the sign the images of a package are gone through, not the packages of all images of the teams.
        let seen = match self.scope {
            Scope::Fleet => String::new(),
            Scope::Teams(_) => format!(
                " AND EXISTS (SELECT 1 FROM image_packages y WHERE y.package = p.id{})",
                self.scope.images("+y.image", 3)
            ),
        };
        let sql = format!(
            "SELECT p.ecosystem, p.name FROM packages p WHERE lower(p.name) LIKE $1 ESCAPE '!'{seen} \
             ORDER BY LENGTH(p.name), p.name, p.ecosystem LIMIT $2"
        );
        let query = sqlx::query(AssertSqlSafe(sql)).bind(escaped(text)).bind(limit);
        let rows = self.scope.bind(query).fetch_all(&self.store.pool).await?;
        rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).collect()
    }

    /// Says whether anybody has recorded which services run which images.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn knows_deployments(&self) -> Result<bool, StoreError> {
        let row = sqlx::query("SELECT id FROM deployments LIMIT 1").fetch_optional(&self.store.pool).await?;
        Ok(row.is_some())
    }
}

fn fleet_image(row: &AnyRow) -> Result<FleetImage, StoreError> {
    Ok(FleetImage {
        id: row.try_get(0)?,
        digest: image::digest(row, 1)?,
        registry: row.try_get(2)?,
        repository: row.try_get(3)?,
        tag: row.try_get(4)?,
        last_seen: Moment(row.try_get(5)?),
        scanned: row.try_get::<Option<i64>, _>(6)?.map(Moment),
        critical: row.try_get(7)?,
        high: row.try_get(8)?,
        findings: row.try_get(9)?,
    })
}

#[cfg(test)]
mod tests {
    use super::escaped;

    #[test]
    fn what_means_something_to_a_search_is_taken_as_it_is() {
        assert_eq!(escaped("Team/a_b%!"), "%team/a!_b!%!!%");
        assert_eq!(escaped(""), "%%");
    }
}
