//! Images by digest, and the tags under which they were seen.

use crate::error::StoreError;
use crate::moment::Moment;
use crate::scope::Scope;
use crate::store::{Store, Work};
use crate::text;
use crate::view::View;
use assay_model::Digest;
use sqlx::any::AnyRow;
use sqlx::{AssertSqlSafe, Row as _};

/// Where an image was seen.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The registry's host.
    pub registry: String,
    /// The repository.
    pub repository: String,
    /// The tag, if it was seen by one.
    pub tag: Option<String>,
}

/// What a sighting says about a tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TagState {
    /// It was seen without a tag.
    None,
    /// The tag is new.
    New,
    /// It names the image that it named.
    Same,
    /// It named another image, and that was seen later than this: somebody was slow to tell. Nothing was changed.
    Older,
    /// It named another image.
    Moved {
        /// The one it named.
        from: Digest,
    },
}

/// An image that is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownImage {
    /// Its number, by which lists go on.
    pub id: i64,
    /// Its digest.
    pub digest: Digest,
    /// The registry it was first seen in.
    pub registry: String,
    /// The repository it was first seen in.
    pub repository: String,
    /// When it was first seen.
    pub first_seen: Moment,
    /// When it was last seen.
    pub last_seen: Moment,
    /// How many findings there are that count.
    pub findings: i64,
    /// When it was last scanned, if it was.
    pub scanned: Option<Moment>,
}

/// Which images are meant: all that fit what is given.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ImageFilter {
    /// Seen in this registry.
    pub registry: Option<String>,
    /// Seen in this repository.
    pub repository: Option<String>,
    /// Scanned, or not.
    pub scanned: Option<bool>,
    /// With a finding of this severity that counts.
    pub severity: Option<String>,
}

/// A tag and how long it named an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TagPeriod {
    /// Where.
    pub place: Place,
    /// The image.
    pub digest: Digest,
    /// From when.
    pub first_seen: Moment,
    /// Until when it is known to.
    pub last_seen: Moment,
}

pub(crate) fn digest(row: &AnyRow, column: usize) -> Result<Digest, StoreError> {
    let text: String = row.try_get(column)?;
    text.parse().map_err(|_| StoreError::Damaged { what: "digest", name: text })
}

impl Work {
    /// Returns the number of an image.
    pub(crate) async fn image_id(&mut self, digest: &Digest) -> Result<i64, StoreError> {
        let row = sqlx::query("SELECT id FROM images WHERE digest = $1")
            .bind(digest.to_string())
            .fetch_optional(&mut *self.transaction)
            .await?
            .ok_or_else(|| StoreError::UnknownImage(digest.to_string()))?;
        Ok(row.try_get(0)?)
    }

    /// Records that an image was seen, and where. `now` is when it was looked for: what the registry said then.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn see(&mut self, digest: &Digest, place: &Place, now: Moment) -> Result<TagState, StoreError> {
        let row = sqlx::query(
            "INSERT INTO images (digest, registry, repository, first_seen, last_seen) VALUES ($1, $2, $3, $4, $5) \
             ON CONFLICT (digest) DO UPDATE SET last_seen = CASE WHEN excluded.last_seen > images.last_seen \
             THEN excluded.last_seen ELSE images.last_seen END RETURNING id",
        )
        .bind(digest.to_string())
        .bind(&place.registry)
        .bind(&place.repository)
        .bind(now.0)
        .bind(now.0)
        .fetch_one(&mut *self.transaction)
        .await?;
        let image: i64 = row.try_get(0)?;
        sqlx::query(
            "INSERT INTO image_places (image, registry, repository, last_seen) VALUES ($1, $2, $3, $4) \
             ON CONFLICT (image, registry, repository) DO UPDATE SET last_seen = CASE \
             WHEN excluded.last_seen > image_places.last_seen THEN excluded.last_seen ELSE image_places.last_seen END",
        )
        .bind(image)
        .bind(&place.registry)
        .bind(&place.repository)
        .bind(now.0)
        .execute(&mut *self.transaction)
        .await?;
        self.note_repository(&place.registry, &place.repository).await?;
        let Some(tag) = &place.tag else { return Ok(TagState::None) };
        let newest = sqlx::query(
            "SELECT t.id, i.digest, t.last_seen FROM tags t JOIN images i ON i.id = t.image \
             WHERE t.registry = $1 AND t.repository = $2 AND t.tag = $3 ORDER BY t.id DESC LIMIT 1",
        )
        .bind(&place.registry)
        .bind(&place.repository)
        .bind(tag)
        .fetch_optional(&mut *self.transaction)
        .await?;
        let state = match &newest {
            None => TagState::New,
            Some(row) => match self::digest(row, 1)? {
                same if same == *digest => TagState::Same,
                _ if row.try_get::<i64, _>(2)? > now.0 => TagState::Older,
                from => TagState::Moved { from },
            },
        };
        match (state, newest) {
            (TagState::Older, _) => {}
            (TagState::Same, Some(row)) => {
                sqlx::query("UPDATE tags SET last_seen = $1 WHERE id = $2 AND last_seen < $3")
                    .bind(now.0)
                    .bind(row.try_get::<i64, _>(0)?)
                    .bind(now.0)
                    .execute(&mut *self.transaction)
                    .await?;
            }
            _ => {
                // What was admitted by this name is known by its digest from now on.
                self.unwatch(&format!("{}/{}:{tag}", place.registry, place.repository)).await?;
                sqlx::query(
                    "INSERT INTO tags (registry, repository, tag, image, first_seen, last_seen) VALUES ($1, $2, $3, $4, $5, $6)",
                )
                .bind(&place.registry)
                .bind(&place.repository)
                .bind(tag)
                .bind(image)
                .bind(now.0)
                .bind(now.0)
                .execute(&mut *self.transaction)
                .await?;
            }
        }
        Ok(state)
    }
}

/// An image of an index.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Child {
    /// The image.
    pub digest: Digest,
    /// What it runs on, as `os/architecture[/variant]`; empty where the index does not say.
    pub platform: String,
}

/// A tag `t` that names its image now: it has named no other since, and no listing that came later missed it.
pub(crate) const CURRENT: &str = "NOT EXISTS (SELECT 1 FROM tags n WHERE n.registry = t.registry AND n.repository = t.repository \
     AND n.tag = t.tag AND n.id > t.id) AND NOT EXISTS (SELECT 1 FROM listed_tags l WHERE l.registry = t.registry \
     AND l.repository = t.repository AND l.tag = t.tag AND l.gone_at >= t.last_seen)";

impl Work {
    /// Records which images an index consists of. All of them were seen.
    ///
    /// # Errors
    /// Fails when the database does not answer, or one was never seen.
    pub async fn set_children(&mut self, index: &Digest, children: &[Child]) -> Result<(), StoreError> {
        let parent = self.image_id(index).await?;
        sqlx::query("UPDATE images SET refused = NULL WHERE id = $1")
            .bind(parent)
            .execute(&mut *self.transaction)
            .await?;
        for child in children {
            let id = self.image_id(&child.digest).await?;
            sqlx::query(
                "INSERT INTO children (parent, child, platform) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
            )
            .bind(parent)
            .bind(id)
            .bind(text::clean(&child.platform))
            .execute(&mut *self.transaction)
            .await?;
        }
        Ok(())
    }
}

impl Work {
    /// Records that the images of an index are where the index is: a registry takes no index without them.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn see_children(
        &mut self,
        index: &Digest,
        place: &Place,
        now: Moment,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO image_places (image, registry, repository, last_seen) SELECT c.child, CAST($1 AS TEXT), CAST($2 AS TEXT), \
             CAST($3 AS BIGINT) FROM children c JOIN images p ON p.id = c.parent WHERE p.digest = $4 ORDER BY c.child \
             ON CONFLICT (image, registry, repository) DO NOTHING",
        )
        .bind(&place.registry)
        .bind(&place.repository)
        .bind(now.0)
        .bind(index.to_string())
        .execute(&mut *self.transaction)
        .await?;
        Ok(())
    }

    /// Records that an image can never be judged, and why. It stays so until it is scanned all the same.
    ///
    /// # Errors
    /// Fails when the database does not answer, or the image was never seen.
    pub async fn refuse(&mut self, digest: &Digest, why: &str) -> Result<(), StoreError> {
        let image = self.image_id(digest).await?;
        sqlx::query("UPDATE images SET refused = $1 WHERE id = $2")
            .bind(text::clean(why))
            .bind(image)
            .execute(&mut *self.transaction)
            .await?;
        self.unwatch(&digest.to_string()).await?;
        self.forget_verdicts(digest).await?;
        Ok(())
    }
}

/// Returns the columns of an image, the teams of the scope from a parameter on.
fn columns(scope: &Scope, first: usize) -> String {
    let [registry, repository] = scope.name("i", first);
    format!(
        "SELECT i.id, i.digest, {registry}, {repository}, i.first_seen, i.last_seen, \
         (SELECT COUNT(*) FROM findings f WHERE f.image = i.id AND f.gone_at IS NULL AND f.suppressed = 0), \
         (SELECT MAX(r.created) FROM reports r WHERE r.image = i.id) FROM images i"
    )
}

fn known_image(row: &AnyRow) -> Result<KnownImage, StoreError> {
    Ok(KnownImage {
        id: row.try_get(0)?,
        digest: digest(row, 1)?,
        registry: row.try_get(2)?,
        repository: row.try_get(3)?,
        first_seen: Moment(row.try_get(4)?),
        last_seen: Moment(row.try_get(5)?),
        findings: row.try_get(6)?,
        scanned: row.try_get::<Option<i64>, _>(7)?.map(Moment),
    })
}

impl Store {
    /// Returns images as [`View::images_like`] does, every one.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn images(&self, after: i64, limit: i64) -> Result<Vec<KnownImage>, StoreError> {
        self.whole().images_like(&ImageFilter::default(), after, limit).await
    }

    /// Returns an image.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn image(&self, digest: &Digest) -> Result<Option<KnownImage>, StoreError> {
        self.whole().image(digest).await
    }

    /// Returns how many images are known.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn image_count(&self) -> Result<i64, StoreError> {
        self.whole().image_count().await
    }

    /// Returns the images that an index consists of; none for an image.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn children(&self, index: &Digest) -> Result<Vec<Child>, StoreError> {
        self.whole().children(index).await
    }

    /// Returns why an image can never be judged, if it is known that it cannot.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn refused(&self, digest: &Digest) -> Result<Option<String>, StoreError> {
        let row = sqlx::query("SELECT refused FROM images WHERE digest = $1")
            .bind(digest.to_string())
            .fetch_optional(&self.pool)
            .await?;
        Ok(row.map(|row| row.try_get(0)).transpose()?.flatten())
    }

    /// Returns where an image can be had, as [`View::places`] does.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn places(&self, digest: &Digest) -> Result<Vec<Place>, StoreError> {
        self.whole().places(digest).await
    }

    /// Returns under which tags an image was seen, the earliest first.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn tags(&self, digest: &Digest) -> Result<Vec<TagPeriod>, StoreError> {
        self.whole().tags(digest).await
    }

    /// Returns the image that a tag named when it was last seen.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn tagged(&self, place: &Place) -> Result<Option<TagPeriod>, StoreError> {
        self.whole().tagged(place).await
    }
}

impl View<'_> {
    /// Returns the images that a filter means in the order in which they were first seen, those after a number.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn images_like(
        &self,
        filter: &ImageFilter,
        after: i64,
        limit: i64,
    ) -> Result<Vec<KnownImage>, StoreError> {
        let scanned = match filter.scanned {
            None => "",
            Some(true) => "AND EXISTS (SELECT 1 FROM reports r WHERE r.image = i.id)",
            Some(false) => "AND NOT EXISTS (SELECT 1 FROM reports r WHERE r.image = i.id)",
        };
        let sql = format!(
            "{} WHERE i.id > $1{} {scanned} AND (($2 = '' AND $3 = '') OR EXISTS (SELECT 1 FROM image_places x \
             WHERE x.image = i.id AND ($4 = '' OR x.registry = $5) AND ($6 = '' OR x.repository = $7){})) \
             AND ($8 = '' OR EXISTS (SELECT 1 FROM findings f WHERE f.image = i.id AND f.gone_at IS NULL AND f.suppressed = 0 \
             AND f.severity = $9)) ORDER BY i.id LIMIT $10",
            columns(self.scope, 11),
            self.scope.images("i.id", 11),
            self.scope.place("x.registry", "x.repository", 11)
        );
        let text = |text: &Option<String>| text::clean(text.as_deref().unwrap_or_default());
        let (registry, repository) = (text(&filter.registry), text(&filter.repository));
        let severity = text(&filter.severity);
        let query = sqlx::query(AssertSqlSafe(sql))
            .bind(after)
            .bind(&registry)
            .bind(&repository)
            .bind(&registry)
            .bind(&registry)
            .bind(&repository)
            .bind(&repository)
            .bind(&severity)
            .bind(&severity)
            .bind(limit);
        let rows = self.scope.bind(query).fetch_all(&self.store.pool).await?;
        rows.iter().map(known_image).collect()
    }

    /// Returns how many images are in sight.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn image_count(&self) -> Result<i64, StoreError> {
        let sql = format!("SELECT COUNT(*) FROM images i WHERE 1 = 1{}", self.scope.images("i.id", 1));
        let query = self.scope.bind(sqlx::query(AssertSqlSafe(sql)));
        Ok(query.fetch_one(&self.store.pool).await?.try_get(0)?)
    }

    /// Returns an image.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn image(&self, digest: &Digest) -> Result<Option<KnownImage>, StoreError> {
        let sql = format!("{} WHERE i.digest = $1{}", columns(self.scope, 2), self.scope.image("i.id", 2));
        let query = self.scope.bind(sqlx::query(AssertSqlSafe(sql)).bind(digest.to_string()));
        let row = query.fetch_optional(&self.store.pool).await?;
        row.as_ref().map(known_image).transpose()
    }

    /// Returns the images that an index consists of; none for an image.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn children(&self, index: &Digest) -> Result<Vec<Child>, StoreError> {
        let sql = format!(
            "SELECT c.digest, x.platform FROM children x JOIN images p ON p.id = x.parent JOIN images c ON c.id = x.child \
             WHERE p.digest = $1{}{} ORDER BY x.platform, c.digest",
            self.scope.image("p.id", 2),
            self.scope.image("c.id", 2)
        );
        let query = self.scope.bind(sqlx::query(AssertSqlSafe(sql)).bind(index.to_string()));
        let rows = query.fetch_all(&self.store.pool).await?;
        rows.iter().map(|row| Ok(Child { digest: digest(row, 0)?, platform: row.try_get(1)? })).collect()
    }

    /// Returns where an image can be had, the place where it was seen last first, without tags.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn places(&self, digest: &Digest) -> Result<Vec<Place>, StoreError> {
        let sql = format!(
            "SELECT x.registry, x.repository FROM image_places x JOIN images i ON i.id = x.image WHERE i.digest = $1{} \
             ORDER BY x.last_seen DESC, x.registry, x.repository",
            self.scope.place("x.registry", "x.repository", 2)
        );
        let query = self.scope.bind(sqlx::query(AssertSqlSafe(sql)).bind(digest.to_string()));
        let rows = query.fetch_all(&self.store.pool).await?;
        rows.iter()
            .map(|row| Ok(Place { registry: row.try_get(0)?, repository: row.try_get(1)?, tag: None }))
            .collect()
    }

    /// Returns under which tags an image was seen, the earliest first.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn tags(&self, digest: &Digest) -> Result<Vec<TagPeriod>, StoreError> {
        let sql = format!(
            "SELECT t.registry, t.repository, t.tag, i.digest, t.first_seen, t.last_seen FROM tags t \
             JOIN images i ON i.id = t.image WHERE i.digest = $1{} ORDER BY t.id",
            self.scope.place("t.registry", "t.repository", 2)
        );
        let query = self.scope.bind(sqlx::query(AssertSqlSafe(sql)).bind(digest.to_string()));
        let rows = query.fetch_all(&self.store.pool).await?;
        rows.iter().map(tag_period).collect()
    }

    /// Returns the image that a tag named when it was last seen.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn tagged(&self, place: &Place) -> Result<Option<TagPeriod>, StoreError> {
        let sql = format!(
            "SELECT t.registry, t.repository, t.tag, i.digest, t.first_seen, t.last_seen FROM tags t \
             JOIN images i ON i.id = t.image WHERE t.registry = $1 AND t.repository = $2 AND t.tag = $3{} \
             ORDER BY t.id DESC LIMIT 1",
            self.scope.place("t.registry", "t.repository", 4)
        );
        let query = sqlx::query(AssertSqlSafe(sql))
            .bind(&place.registry)
            .bind(&place.repository)
            .bind(place.tag.as_deref().unwrap_or_default());
        let row = self.scope.bind(query).fetch_optional(&self.store.pool).await?;
        row.as_ref().map(tag_period).transpose()
    }
}

fn tag_period(row: &AnyRow) -> Result<TagPeriod, StoreError> {
    Ok(TagPeriod {
        place: Place { registry: row.try_get(0)?, repository: row.try_get(1)?, tag: Some(row.try_get(2)?) },
        digest: digest(row, 3)?,
        first_seen: Moment(row.try_get(4)?),
        last_seen: Moment(row.try_get(5)?),
    })
}
