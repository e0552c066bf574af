//! Bills of materials.

use crate::fixture::{at, digest, on_each, place};
use assay_store::{NewSbom, SbomFound};

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
        let document = store.document("bill of materials", "x", b"scored").await.unwrap();
        let sbom = NewSbom { format: "spdx", document: &document, score: 71, packages: 12 };
        let mut work = store.begin().await.unwrap();
        work.keep_sbom(&digest(1), &sbom, at(3)).await.unwrap();
        work.commit().await.unwrap();
        let found = |format: &str, second, score, packages| SbomFound {
            format: format.to_owned(),
            created: at(second),
            score,
            packages,
        };
        assert_eq!(
            store.sboms(&digest(1)).await.unwrap(),
            [found("cyclonedx", 2, 0, 0), found("spdx", 3, 71, 12)]
        );
    });
}
