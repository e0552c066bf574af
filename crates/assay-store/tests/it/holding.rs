//! Transactions that change several images at once do not wait for one another in a circle.

use crate::fixture::{at, digest, on_each, place};
use assay_store::{Child, Store};

/// Changes images one after the other, many times, each time in a transaction of its own.
async fn change(store: Store, images: [u8; 2]) {
    let digests = images.map(digest);
    for _ in 0..50 {
        let mut work = store.begin().await.unwrap();
        work.hold_all(&digests).await.unwrap();
        for one in &digests {
            work.forget_verdicts(one).await.unwrap();
            tokio::task::yield_now().await;
        }
        work.commit().await.unwrap();
    }
}

#[test]
fn parts_of_two_indexes_are_changed_in_any_order() {
    on_each(async |store| {
        let mut work = store.begin().await.unwrap();
        for number in [1, 2, 3, 4, 10, 11] {
            work.see(&digest(number), &place(None), at(0)).await.unwrap();
        }
        for (index, parts) in [(10, [1, 2]), (11, [3, 4])] {
            let parts = parts.map(|part| Child { digest: digest(part), platform: String::new() });
            work.set_children(&digest(index), &parts).await.unwrap();
        }
        work.commit().await.unwrap();
        let tasks = [[1, 3], [4, 2], [3, 1]].map(|images| tokio::spawn(change(store.clone(), images)));
        for task in tasks {
            task.await.unwrap();
        }
        for (number, times) in [(1, 100), (2, 50), (10, 150), (11, 150)] {
            assert_eq!(store.generation(&digest(number)).await.unwrap(), Some(times));
        }
    });
}
