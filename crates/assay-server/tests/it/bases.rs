//! Rules about bases: found by their layers among what was scanned, and by what is attached to them.

use crate::admission::Cluster;
use crate::evidence::{attach, key, policy, signature};
use crate::fixture::{BUILT, World, database, run};
use assay_sign::bundle::MEDIA_TYPE;
use assay_test::http::Server;
use assay_test::image::{Builder, Tree};
use assay_test::pushable::{Behaviour, Pushable};
use std::time::Duration;

const REPOSITORY: &str = "team/app";

fn layer(name: &str) -> Tree {
    Tree::new().file(&format!("etc/{name}"), name)
}

#[test]
fn a_signature_of_the_base_is_looked_for_where_the_base_is() {
    run(async {
        let key = key();
        let registry = Pushable::new(Behaviour { referrers: true, ..Behaviour::default() });
        let bottom = |name: &str| Builder::new().layer(layer(name), "ADD / /");
        let (signed, unsigned) = (bottom("signed").build(), bottom("unsigned").build());
        let on = |name: &str| bottom(name).layer(layer("app"), "COPY . /").build();
        let images = [
            ("base-1", signed),
            ("base-2", unsigned),
            ("app-1", on("signed")),
            ("app-2", on("unsigned")),
            ("app-3", on("nowhere")),
        ];
        for (tag, image) in &images {
            registry.image(REPOSITORY, tag, image);
        }
        attach(&registry, &images[0].1, &[(MEDIA_TYPE, &signature(&key, &images[0].1))]);
        let content = registry.clone();
        let server = Server::start(move |request| content.answer(request));
        let text =
            policy(&key, "").replace("  - signed: {of: [release]}", "  - bases: {signedBy: [release]}");
        let world = World::on(server, &database(&[], BUILT), Some(&text)).await;
        let host = world.registry.host();
        for (tag, image) in &images {
            world.push(&host, tag, &image.digest()).await;
        }
        world.work().await;
        let cluster = Cluster(world);
        let create = async |number: usize| {
            let name = format!("{host}/{REPOSITORY}@{}", images[number].1.digest());
            cluster.create("prod", &[&name]).await
        };
        assert_eq!(create(2).await, (true, "null".to_owned()));
        let (allowed, why) = create(3).await;
        assert!(!allowed && why.contains("is not signed (wanted by `release`)"), "{why}");
        let (allowed, why) = create(4).await;
        assert!(!allowed && why.contains("the base image is not known"), "{why}");
        // It is known as soon as its base is, without a new scan of it.
        let late = bottom("nowhere").build();
        registry.image(REPOSITORY, "base-3", &late);
        attach(&registry, &late, &[(MEDIA_TYPE, &signature(&key, &late))]);
        cluster.0.push(&host, "base-3", &late.digest()).await;
        cluster.0.work().await;
        cluster.0.pass(Duration::from_secs(61));
        assert_eq!(create(4).await, (true, "null".to_owned()));
    });
}
