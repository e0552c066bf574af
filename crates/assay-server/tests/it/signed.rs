//! The rate of signed deployments: an exact number for a history that is known.

use crate::admission::Cluster;
use crate::evidence::{attach, key, policy, signature};
use crate::fixture::{BUILT, World, database, image, now, run};
use assay_model::Digest;
use assay_server::count_signed;
use assay_sign::bundle::MEDIA_TYPE;
use assay_sign::make::sign_statement;
use assay_sign::statement::{Statement, Subject};
use assay_store::{Role, Service};
use assay_test::http::Server;
use assay_test::image::{BuiltImage, INDEX, digest, index};
use assay_test::pushable::{Behaviour, Pushable};
use std::collections::BTreeMap;

const REPOSITORY: &str = "team/app";

async fn values(world: &World, name: &str) -> BTreeMap<String, String> {
    count_signed(&world.app).await.unwrap();
    let text = world.ask("GET", "/metrics", Some(Role::Viewer), "").await.1;
    let value = |line: &str| {
        let (label, value) = line.strip_prefix(name)?.strip_prefix('{')?.split_once("} ")?;
        Some((label.to_owned(), value.to_owned()))
    };
    text.lines().filter_map(value).collect()
}

fn of(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(label, value)| ((*label).to_owned(), (*value).to_owned())).collect()
}

#[test]
fn the_rate_is_what_is_signed_of_what_runs() {
    run(async {
        let (ours, theirs) = (key(), key());
        let registry = Pushable::new(Behaviour { referrers: true, ..Behaviour::default() });
        let packages = ["signed", "unsigned", "attested", "foreign", "one", "two", "half"];
        let images = packages.map(|name| image(&[(name, "1")]));
        let [signed, unsigned, attested, foreign, one, two, half] = &images;
        for (tag, image) in packages.into_iter().zip(&images) {
            registry.image(REPOSITORY, tag, image);
        }
        let (both, part) = (index(&[one, two]), index(&[one, half]));
        for (tag, list) in [("both", &both), ("part", &part)] {
            registry.manifest(REPOSITORY, tag, INDEX, list);
            registry.manifest(REPOSITORY, &digest(list), INDEX, list);
        }
        for (by, image) in [(&ours, signed), (&theirs, foreign), (&ours, one), (&ours, two)] {
            attach(&registry, image, &[(MEDIA_TYPE, &signature(by, image))]);
        }
        // What the same signer says of it besides is no signature.
        let subject = Subject::new("", &attested.digest().parse::<Digest>().unwrap());
        let statement =
            Statement::new(vec![subject], "https://slsa.dev/provenance/v1", serde_json::json!({}));
        attach(&registry, attested, &[(MEDIA_TYPE, &sign_statement(&ours, &statement).unwrap().to_json())]);

        let content = registry.clone();
        let server = Server::start(move |request| content.answer(request));
        let warning = policy(&ours, "")
            .replace("  - signed: {of: [release]}", "  - signed: {of: [release]}\n    effect: warn");
        let mut world = World::on(server, &database(&[], BUILT), Some(&warning)).await;
        let host = world.registry.host();
        for (tag, image) in packages.into_iter().zip(&images) {
            world.push(&host, tag, &image.digest()).await;
        }
        for (tag, list) in [("both", &both), ("part", &part)] {
            world.push(&host, tag, &digest(list)).await;
        }
        world.work().await;
        assert_eq!(values(&world, "assay_signed_deployment_ratio").await, of(&[]));

        let mut work = world.store.begin().await.unwrap();
        for (environment, name, digest) in [
            ("production", "a", signed.digest()),
            ("production", "b", signed.digest()),
            ("production", "c", unsigned.digest()),
            ("production", "d", digest(&both)),
            ("staging", "e", attested.digest()),
            ("staging", "f", foreign.digest()),
            ("staging", "g", digest(&part)),
            ("staging", "h", one.digest()),
            ("development", "i", unsigned.digest()),
        ] {
            work.deploy(&Service { environment, name }, &digest.parse().unwrap(), now()).await.unwrap();
        }
        work.undeploy(&Service { environment: "development", name: "i" }, now()).await.unwrap();
        work.commit().await.unwrap();
        let want = of(&[("environment=\"production\"", "0.75"), ("environment=\"staging\"", "0.25")]);
        assert_eq!(values(&world, "assay_signed_deployment_ratio").await, want);
        let want = of(&[("environment=\"production\"", "1"), ("environment=\"staging\"", "3")]);
        assert_eq!(values(&world, "assay_unsigned_deployments").await, want);
        assert_eq!(values(&world, "assay_signed_admitted_ratio").await, of(&[]));

        // What clusters run that told of no deployment.
        let cluster = Cluster(world);
        let pinned = |image: &BuiltImage| format!("{host}/{REPOSITORY}@{}", image.digest());
        for image in [signed, unsigned, attested] {
            assert!(cluster.create("prod", &[&pinned(image)]).await.0);
        }
        world = cluster.0;
        let ratio = values(&world, "assay_signed_admitted_ratio").await;
        assert_eq!(ratio, of(&[("cluster=\"default\"", "0.3333333333333333")]));

        // A service moves on, and the key is revoked.
        let mut work = world.store.begin().await.unwrap();
        let moved = Service { environment: "production", name: "c" };
        work.deploy(&moved, &signed.digest().parse().unwrap(), now()).await.unwrap();
        work.commit().await.unwrap();
        let ratio = values(&world, "assay_signed_deployment_ratio").await;
        assert_eq!(ratio["environment=\"production\""], "1");
        let revoked = warning.replace("      - pem: |", "      - revoked: true\n        pem: |");
        assert_ne!(revoked, warning);
        world.restart(Some(&revoked)).await;
        let ratio = values(&world, "assay_signed_deployment_ratio").await;
        assert_eq!(ratio, of(&[("environment=\"production\"", "0"), ("environment=\"staging\"", "0")]));
    });
}
