//! The way forwards from the first version on.

use crate::fixture::{at, digest, fresh, run};
use assay_store::{Address, BuildFilter, Folder, Objects, OpenStoreError, SCHEMA_VERSION, Store};
use std::sync::Arc;

#[test]
fn what_the_first_version_wrote_is_there_after_every_step() {
    run(async {
        for fresh in fresh().await {
            let old = Store::open_at(&fresh.address, 1).await.unwrap();
            let pool = sqlx::AnyPool::connect(&url(&fresh.address)).await.unwrap();
            sqlx::query(
                "INSERT INTO images (digest, registry, repository, first_seen, last_seen) VALUES ($1, 'r.example', 'app', 5000, 5000)",
            )
            .bind(digest(1).to_string())
            .execute(&pool)
            .await
            .unwrap();
            pool.close().await;
            // Nothing of the later versions is there yet.
            assert!(old.audit_log(0, 1).await.is_err());
            old.close().await;
            for _ in 0..2 {
                let new = Store::open(&fresh.address).await.unwrap();
                assert_eq!(new.image(&digest(1)).await.unwrap().unwrap().first_seen, at(5));
                assert_eq!(new.audit_log(0, 1).await.unwrap(), []);
                new.close().await;
            }
        }
    });
}

#[test]
fn an_index_that_hid_an_image_is_looked_at_again() {
    run(async {
        for fresh in fresh().await {
            let old = Store::open_at(&fresh.address, 3).await.unwrap();
            assert!(old.refused(&digest(1)).await.is_err(), "the fourth version is there already");
            old.close().await;
            let pool = sqlx::AnyPool::connect(&url(&fresh.address)).await.unwrap();
            for sql in [
                "INSERT INTO images (digest, registry, repository, first_seen, last_seen) VALUES ($1, 'r.example', 'app', 1, 2)",
                "INSERT INTO tags (registry, repository, tag, image, first_seen, last_seen) \
                 SELECT 'r.example', 'other', 'x' || $1, id, 1, 9 FROM images",
                "INSERT INTO reports (image, depth, database_date, created, body) SELECT id, 'fast', 5, 7, digest FROM images WHERE '' <> $1",
                "INSERT INTO children (parent, child, platform) SELECT id, id, $1 FROM images",
            ] {
                // A body is bytes on PostgreSQL.
                let sql = match fresh.address {
                    Address::Postgres(_) => sql.replace("7, digest", "7, CAST(digest AS BYTEA)"),
                    Address::File(_) => sql.to_owned(),
                };
                sqlx::query(sqlx::AssertSqlSafe(sql))
                    .bind(digest(1).to_string())
                    .execute(&pool)
                    .await
                    .unwrap();
            }
            pool.close().await;
            let new = Store::open(&fresh.address).await.unwrap();
            assert_eq!(new.children(&digest(1)).await.unwrap(), []);
            let places = new.places(&digest(1)).await.unwrap();
            let repositories: Vec<&str> = places.iter().map(|place| place.repository.as_str()).collect();
            assert_eq!(repositories, ["other", "app"]);
            assert_eq!(new.report_status(&digest(1)).await.unwrap().unwrap().evaluated.0, 7);
            new.close().await;
        }
    });
}

#[test]
fn documents_that_the_seventh_version_kept_in_rows_are_read() {
    run(async {
        for fresh in fresh().await {
            Store::open_at(&fresh.address, 7).await.unwrap().close().await;
            let pool = sqlx::AnyPool::connect(&url(&fresh.address)).await.unwrap();
            let inventory = r#"{"os": null, "packages": [], "leftovers": [], "deep": false, "observations": [],
                "detections": [], "warnings": []}"#;
            for (sql, document) in [
                (
                    "INSERT INTO images (digest, registry, repository, first_seen, last_seen) \
                     SELECT $1, 'r.example', 'app', 1, 2 WHERE $2 IS NOT NULL",
                    "",
                ),
                (
                    "INSERT INTO reports (image, depth, database_date, created, evaluated, body) \
                     SELECT id, 'fast', 5, 7, 7, $2 FROM images WHERE digest = $1",
                    "a report",
                ),
                (
                    "INSERT INTO inventories (image, revision, body) SELECT id, 1, $2 FROM images WHERE digest = $1",
                    inventory,
                ),
                (
                    "INSERT INTO sboms (image, format, created, body) SELECT id, 'spdx', 8, $2 FROM images WHERE digest = $1",
                    "a bill of materials",
                ),
                (
                    "INSERT INTO builds (digest, recipe, inputs, outcome, started, duration, log) \
                     SELECT digest, 'c', '[]', 'success', 9, 10, $2 FROM images WHERE digest = $1",
                    "a log",
                ),
            ] {
                let sql = match fresh.address {
                    Address::Postgres(_) => sql.replace("$2", "CAST($2 AS BYTEA)"),
                    Address::File(_) => sql.to_owned(),
                };
                sqlx::query(sqlx::AssertSqlSafe(sql))
                    .bind(digest(1).to_string())
                    .bind(zstd::bulk::compress(document.as_bytes(), 3).unwrap())
                    .execute(&pool)
                    .await
                    .unwrap();
            }
            pool.close().await;
            let folder = tempfile::tempdir().unwrap();
            let objects = Objects::new(Arc::new(Folder::new(folder.path().to_owned())));
            let new = Store::open(&fresh.address).await.unwrap().with_objects(objects).await.unwrap();
            assert_eq!(new.report(&digest(1), None).await.unwrap().unwrap().json, b"a report");
            assert!(new.inventory(&digest(1)).await.unwrap().is_some());
            assert_eq!(new.sbom(&digest(1), "spdx").await.unwrap().unwrap(), b"a bill of materials");
            let builds = new.builds(&BuildFilter::default(), 0, 9).await.unwrap();
            assert_eq!((builds[0].build.digest, builds[0].recorded.0), (Some(digest(1)), 9));
            assert_eq!(new.build_log(builds[0].id).await.unwrap().unwrap(), b"a log");
            new.close().await;
        }
    });
}

pub(crate) fn url(address: &Address) -> String {
    match address {
        Address::Postgres(url) => url.clone(),
        Address::File(path) => {
            let path = path.display().to_string();
            format!("sqlite://{}", path.replace('%', "%25").replace('?', "%3F").replace('#', "%23"))
        }
    }
}

#[test]
fn several_processes_may_open_a_new_database_at_once() {
    run(async {
        for fresh in fresh().await {
            let opened: Vec<_> = (0..6)
                .map(|_| {
                    let address = fresh.address.clone();
                    tokio::spawn(async move { Store::open(&address).await.map(|store| store.backend()) })
                })
                .collect();
            for one in opened {
                assert_eq!(one.await.unwrap().unwrap(), fresh.address.backend());
            }
        }
    });
}

#[test]
fn a_database_of_a_newer_program_is_refused() {
    run(async {
        for fresh in fresh().await {
            Store::open(&fresh.address).await.unwrap().close().await;
            let url = url(&fresh.address);
            let pool = sqlx::AnyPool::connect(&url).await.unwrap();
            sqlx::query("INSERT INTO schema_version (version) VALUES ($1)")
                .bind(SCHEMA_VERSION + 1)
                .execute(&pool)
                .await
                .unwrap();
            pool.close().await;
            let error = Store::open(&fresh.address).await.unwrap_err();
            assert!(matches!(error, OpenStoreError::Newer { found, known } if found == known + 1), "{error}");
        }
    });
}

#[test]
fn what_is_no_database_is_refused() {
    run(async {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("text.db");
        std::fs::write(&path, "this is a text and no database. ".repeat(200)).unwrap();
        let error = Store::open(&assay_store::Address::File(path)).await.unwrap_err();
        assert!(matches!(error, OpenStoreError::Connect { .. }), "{error:?}");
        let error = Store::open(&assay_store::Address::File("relative.db".into())).await.unwrap_err();
        assert!(matches!(error, OpenStoreError::Path(_)), "{error:?}");
    });
}
