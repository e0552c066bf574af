//! Bills of materials and build records.

use crate::fixture::{at, digest, on_each, place};
use assay_store::Build;
use std::time::Duration;

#[test]
fn bills_of_materials_are_kept_by_format() {
    on_each(async |store| {
        let mut work = store.begin().await.unwrap();
        work.see(&digest(1), &place(None), at(1)).await.unwrap();
        for (format, text) in [("cyclonedx", "old"), ("spdx", "s"), ("cyclonedx", "new")] {
            work.save_sbom(&digest(1), format, text.as_bytes(), at(2)).await.unwrap();
        }
        work.commit().await.unwrap();
        assert_eq!(store.sbom(&digest(1), "cyclonedx").await.unwrap().as_deref(), Some(b"new".as_slice()));
        assert_eq!(store.sbom(&digest(1), "spdx3").await.unwrap(), None);
    });
}

#[test]
fn builds_are_recorded_also_of_images_that_were_never_pushed() {
    on_each(async |store| {
        let build = |outcome: &str, second| Build {
            digest: digest(7),
            recipe: "0123abc".to_owned(),
            inputs: "[]".to_owned(),
            outcome: outcome.to_owned(),
            started: at(second),
            duration: Duration::from_millis(1500),
            log: b"step 1\n".repeat(1000),
        };
        let mut work = store.begin().await.unwrap();
        work.record_build(&build("failure", 1)).await.unwrap();
        work.record_build(&build("success", 2)).await.unwrap();
        work.commit().await.unwrap();
        assert_eq!(store.builds(&digest(7)).await.unwrap(), [build("success", 2), build("failure", 1)]);
    });
}
