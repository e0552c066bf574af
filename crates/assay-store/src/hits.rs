//! One page of a blast radius: the images that have something, after a number and in the order of their numbers.
//!
//! Tables say who has what in the order of images, so that a page is read from an index and ends with its last image, however many there are.

use crate::blast::{Hit, Where};
use crate::error::StoreError;
use crate::image;
use crate::moment::Moment;
use crate::scan::{ROWS, rows};
use crate::scope::Scope;
use crate::text;
use crate::view::View;
use sqlx::any::AnyRow;
use sqlx::{AssertSqlSafe, Row as _};
use std::collections::BTreeSet;

/// From how many numbers on a thing is not looked up by each of them in the order of images, but all its images are put in order. A package
/// has one in every ecosystem that it is in, a file one for every path.
pub(crate) const MANY: usize = 64;

/// The first parameter for such a number.
const FIRST: usize = 6;

/// What is asked for, which is `$1`.
#[derive(Clone, Copy)]
pub(crate) enum Asked<'a> {
    /// A name, to be cleaned as it was when it was stored.
    Name(&'a str),
    /// The SHA-256 of a file.
    Sha256(&'a [u8; 32]),
}

/// A page that is asked for.
pub(crate) struct Page<'a> {
    pub(crate) asked: Asked<'a>,
    pub(crate) place: &'a Where,
    /// After the image of this number.
    pub(crate) after: i64,
    /// How many images.
    pub(crate) limit: i64,
    /// The numbers that it has, if it is asked for by them.
    pub(crate) numbers: &'a [i64],
}

impl Page<'_> {
    /// Returns the first parameter for a team of the scope.
    pub(crate) fn teams(&self) -> usize {
        FIRST + self.numbers.len()
    }
}

/// Where it stands which image has it.
pub(crate) struct Having {
    /// The table, with an index on what `conditions` are about and then the image.
    pub(crate) table: &'static str,
    /// Conditions for the table as `m`, each with one value for every column of the index before the image; an image has it where one is met.
    pub(crate) conditions: Vec<String>,
}

impl Having {
    /// Returns the query for the images of a page, as far as they are within a scope.
    fn chosen(&self, page: &Page<'_>, scope: &Scope) -> String {
        let table = self.table;
        let here = scope.place("w.registry", "w.repository", page.teams());
        let mut each: Vec<String> = Vec::new();
        for condition in &self.conditions {
            each.push(if page.place.repository.is_some() {
                // A repository has few images, and what is everywhere is in many others.
                format!(
                    "SELECT DISTINCT w.image FROM image_places w WHERE w.repository = $5 AND ($4 = '' OR w.registry = $4){here} \
                     AND w.image > $2{} AND EXISTS (SELECT 1 FROM {table} m WHERE {condition} AND m.image = w.image) \
                     ORDER BY w.image LIMIT $3",
                    scope.images("w.image", page.teams())
                )
            } else {
                format!(
                    "SELECT DISTINCT m.image FROM {table} m WHERE {condition} AND m.image > $2 AND ($4 = '' OR EXISTS \
                     (SELECT 1 FROM image_places w WHERE w.image = m.image AND w.registry = $4{here})){} ORDER BY m.image LIMIT $3",
                    scope.images("m.image", page.teams())
                )
            });
        }
        match each.as_slice() {
            [one] => one.clone(),
            several => {
                let several: Vec<String> = several
                    .iter()
                    .enumerate()
                    .map(|(number, one)| format!("SELECT image FROM ({one}) one{number}"))
                    .collect();
                format!(
                    "SELECT DISTINCT image FROM ({}) every ORDER BY image LIMIT $3",
                    several.join(" UNION ALL ")
                )
            }
        }
    }
}

/// Returns the conditions that a column is one of the numbers of a page: of few numbers one for each.
pub(crate) fn each(column: &str, numbers: &[i64]) -> Vec<String> {
    if numbers.len() < MANY {
        (FIRST..).take(numbers.len()).map(|at| format!("m.{column} = ${at}")).collect()
    } else {
        vec![format!("m.{column} IN ({})", numbered(numbers))]
    }
}

/// Returns the parameters for the numbers of a page.
pub(crate) fn numbered(numbers: &[i64]) -> String {
    rows(numbers.len(), 1, |at| format!("${}", FIRST + at))
}

impl View<'_> {
    /// Returns what the images of a page have. `select` goes on after `WITH chosen (image)`, the images of the page, and returns the columns
    /// that [`hit`] reads.
    pub(crate) async fn hits(
        &self,
        page: &Page<'_>,
        having: &Having,
        select: &str,
    ) -> Result<Vec<Hit>, StoreError> {
        let sql = format!("WITH chosen (image) AS ({}) {select}", having.chosen(page, self.scope));
        let query = sqlx::query(AssertSqlSafe(sql));
        let query = match page.asked {
            Asked::Name(name) => query.bind(text::key(name)),
            Asked::Sha256(sha256) => query.bind(sha256.to_vec()),
        };
        let bound = |text: &Option<String>| text::clean(text.as_deref().unwrap_or_default());
        let mut query = query
            .bind(page.after)
            .bind(page.limit)
            .bind(bound(&page.place.registry))
            .bind(bound(&page.place.repository));
        for number in page.numbers {
            query = query.bind(*number);
        }
        let found = self.scope.bind(query).fetch_all(&self.store.pool).await?;
        let mut hits = found.iter().map(hit).collect::<Result<Vec<_>, _>>()?;
        let running = self.run_of(&hits).await?;
        for hit in &mut hits {
            hit.deployed = running.contains(&hit.id);
        }
        Ok(hits)
    }

    /// Returns which images are run by a service, by themselves or in an index, as far as services are within the scope.
    async fn run_of(&self, hits: &[Hit]) -> Result<BTreeSet<i64>, StoreError> {
        let ids: BTreeSet<i64> = hits.iter().map(|hit| hit.id).collect();
        let ids: Vec<i64> = ids.into_iter().collect();
        let mut deployed = BTreeSet::new();
        for chunk in ids.chunks(ROWS) {
            let sql = format!(
                "WITH RECURSIVE whole (image, id) AS (SELECT i.id, i.id FROM images i WHERE i.id IN ({}) \
                 UNION SELECT w.image, c.parent FROM children c JOIN whole w ON w.id = c.child) \
                 SELECT DISTINCT w.image FROM whole w JOIN deployments d ON d.image = w.id WHERE d.ended IS NULL{}",
                rows(chunk.len(), 1, |at| format!("${}", at + 1)),
                self.scope.deployment("d", chunk.len() + 1)
            );
            let mut query = sqlx::query(self.with_many(sql));
            for id in chunk {
                query = query.bind(*id);
            }
            for row in self.scope.bind(query).fetch_all(&self.store.pool).await? {
                deployed.insert(row.try_get(0)?);
            }
        }
        Ok(deployed)
    }
}

/// Reads a hit; who runs it is asked for afterwards.
fn hit(row: &AnyRow) -> Result<Hit, StoreError> {
    Ok(Hit {
        id: row.try_get(0)?,
        digest: image::digest(row, 1)?,
        registry: row.try_get(2)?,
        repository: row.try_get(3)?,
        of: row.try_get(4)?,
        package: row.try_get(5)?,
        version: row.try_get(6)?,
        fixed_versions: row.try_get(7)?,
        since: Moment(row.try_get(8)?),
        deployed: false,
        path: row.try_get(9)?,
        triage: row.try_get(10)?,
    })
}
