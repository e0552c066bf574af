//! What runs where, and whose it is.

use crate::fixture::{at, digest, on_each, scan};
use assay_store::{Deployment, DeploymentFilter, Depth, Scope, Service};

const SHOP: Service<'_> = Service { environment: "production", name: "shop" };
const STAGED: Service<'_> = Service { environment: "staging", name: "shop" };

#[test]
fn deployments_are_listed_with_whose_they_are() {
    on_each(async |store| {
        for number in 1..=2 {
            scan(&store, &digest(number), Depth::Fast, &[], at(1)).await;
        }
        let mut work = store.begin().await.unwrap();
        work.own(&SHOP, Some("nobody"), None).await.unwrap();
        work.deploy(&SHOP, &digest(1), at(10)).await.unwrap();
        work.own(&SHOP, Some("ada@example.org"), Some("store")).await.unwrap();
        work.mark_good(&SHOP).await.unwrap();
        work.deploy(&STAGED, &digest(2), at(20)).await.unwrap();
        // Whose it is stays with the next image, unless something else is said.
        work.deploy(&SHOP, &digest(2), at(30)).await.unwrap();
        work.own(&SHOP, None, Some("checkout")).await.unwrap();
        work.commit().await.unwrap();
        let one = |id, (environment, number): (&str, u8), since, ended: Option<i64>| Deployment {
            id,
            environment: environment.to_owned(),
            service: "shop".to_owned(),
            digest: digest(number),
            since: at(since),
            ended: ended.map(at),
            good: false,
            owner: Some("ada@example.org".to_owned()),
            team: Some("store".to_owned()),
        };
        let first = Deployment { good: true, ..one(1, ("production", 1), 10, Some(30)) };
        let staged = Deployment { owner: None, team: None, ..one(2, ("staging", 2), 20, None) };
        let now = Deployment { team: Some("checkout".to_owned()), ..one(3, ("production", 2), 30, None) };
        let list = async |filter: DeploymentFilter| {
            store.within(&Scope::Fleet).deployments(&filter, 0, 10).await.unwrap()
        };
        let any = DeploymentFilter::default;
        assert_eq!(list(any()).await, [first.clone(), staged.clone(), now.clone()]);
        assert_eq!(
            list(DeploymentFilter { running: Some(true), ..any() }).await,
            [staged.clone(), now.clone()]
        );
        assert_eq!(
            list(DeploymentFilter { running: Some(false), ..any() }).await,
            std::slice::from_ref(&first)
        );
        assert_eq!(
            list(DeploymentFilter { environment: Some("staging".to_owned()), ..any() }).await,
            std::slice::from_ref(&staged)
        );
        assert_eq!(list(DeploymentFilter { service: Some("blog".to_owned()), ..any() }).await, []);
        assert_eq!(list(DeploymentFilter { digest: Some(digest(2)), ..any() }).await, [staged.clone(), now]);
        assert_eq!(store.within(&Scope::Fleet).deployments(&any(), 1, 1).await.unwrap(), [staged]);
    });
}
