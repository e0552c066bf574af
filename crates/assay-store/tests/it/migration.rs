//! The way forwards from the first version on.

use crate::fixture::{at, digest, fresh, place, run};
use assay_store::{OpenStoreError, SCHEMA_VERSION, Store};

#[test]
fn what_the_first_version_wrote_is_there_after_every_step() {
    run(async {
        for fresh in fresh().await {
            let old = Store::open_at(&fresh.address, 1).await.unwrap();
            let mut work = old.begin().await.unwrap();
            work.see(&digest(1), &place(Some("1.0")), at(5)).await.unwrap();
            work.commit().await.unwrap();
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
            let url = match &fresh.address {
                assay_store::Address::Postgres(url) => url.clone(),
                assay_store::Address::File(path) => {
                    format!(
                        "sqlite://{}",
                        path.display()
                            .to_string()
                            .replace('%', "%25")
                            .replace('?', "%3F")
                            .replace('#', "%23")
                    )
                }
            };
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
