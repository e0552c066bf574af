//! What may go of a repository and what goes with it, in registries of every behaviour.

use assay_model::{Digest, Timestamp};
use assay_oci::prune::{Keep, plan};
use assay_oci::{Access, Network, NetworkOptions, Repository};
use assay_test::http::Server;
use assay_test::image::{Builder, BuiltImage, INDEX, MANIFEST, Tree, digest, index};
use assay_test::pushable::{Behaviour, Pushable};
use std::collections::{BTreeMap, BTreeSet};

const REPOSITORY: &str = "team/app";

struct World {
    registry: Pushable,
    server: Server,
    deployed: BTreeSet<Digest>,
    seen: BTreeMap<Digest, Timestamp>,
    pulled: BTreeMap<Digest, Timestamp>,
}

impl World {
    fn new(referrers: bool) -> Self {
        let registry = Pushable::new(Behaviour { referrers, ..Behaviour::default() });
        let server = registry.serve();
        Self { registry, server, deployed: BTreeSet::new(), seen: BTreeMap::new(), pulled: BTreeMap::new() }
    }

    /// Puts an image there that claims to be of a day of 2024.
    fn image(&self, tag: &str, day: u32) -> BuiltImage {
        let image = built(tag, &format!("2024-01-{day:02}T00:00:00Z"));
        self.registry.image(REPOSITORY, tag, &image);
        image
    }

    /// Attaches something, as a referrer or under a list; returns its digest.
    fn attach(&self, subject: &str, name: &str, listed: bool) -> String {
        self.registry.blob(REPOSITORY, b"{}");
        let manifest = serde_json::json!({
            "schemaVersion": 2, "mediaType": MANIFEST, "artifactType": format!("application/vnd.example.{name}"),
            "config": { "mediaType": "application/vnd.oci.empty.v1+json", "digest": digest(b"{}"), "size": 2 },
            "layers": [], "subject": { "mediaType": MANIFEST, "digest": subject, "size": 1 },
        });
        let bytes = manifest.to_string();
        let own = digest(bytes.as_bytes());
        self.registry.manifest(REPOSITORY, &own, MANIFEST, bytes.as_bytes());
        if listed {
            self.list(subject, &[(&own, bytes.len())]);
        }
        own
    }

    fn list(&self, subject: &str, entries: &[(&str, usize)]) {
        let entries: Vec<_> = entries
            .iter()
            .map(
                |(digest, size)| serde_json::json!({ "mediaType": MANIFEST, "digest": digest, "size": size }),
            )
            .collect();
        let list =
            serde_json::json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": entries }).to_string();
        self.registry.manifest(REPOSITORY, &subject.replace(':', "-"), INDEX, list.as_bytes());
    }

    /// Deletes what may go, and says for each tag why it stays.
    fn prune(&self, last: usize, since: Option<&str>) -> Vec<String> {
        let reference = format!("{}/{REPOSITORY}", self.server.host()).parse().unwrap();
        let network = Network::new(NetworkOptions { retries: 0, ..NetworkOptions::default() });
        let repository = Repository::registry(&reference, Access::Write, &network).unwrap();
        let keep = Keep {
            last,
            since: since.map(|text| text.parse().unwrap()),
            tag: &|tag| tag.starts_with('v'),
            deployed: &self.deployed,
            first_seen: &self.seen,
            last_pulled: &self.pulled,
        };
        let tags = self.registry.tags(REPOSITORY).into_iter().collect();
        let plan = plan(&repository, &tags, &keep).unwrap();
        let before = self.registry.tags(REPOSITORY);
        for deletion in &plan.deletions {
            assert!(repository.delete(&deletion.digest).unwrap(), "{} is not there", deletion.digest);
        }
        // What the plan says of tags is what happens to them.
        let left: BTreeSet<String> = self.registry.tags(REPOSITORY).into_iter().collect();
        assert_eq!(plan.rows.len(), before.len());
        for row in &plan.rows {
            assert_eq!(row.kept.is_some(), left.contains(&row.tag), "{row:?}");
        }
        let why = |kept: &Option<assay_oci::prune::Why>| {
            kept.as_ref().map_or("goes".to_owned(), ToString::to_string)
        };
        plan.rows.iter().map(|row| format!("{} {}", row.tag, why(&row.kept))).collect()
    }

    fn has(&self, name: &str) -> bool {
        self.registry.get(REPOSITORY, name).is_some()
    }
}

fn built(content: &str, created: &str) -> BuiltImage {
    Builder::new().created(created).layer(Tree::new().file("name", content), "COPY . /").build()
}

#[test]
fn the_newest_stay_and_so_does_what_is_asked_for_or_not_known() {
    let mut world = World::new(true);
    let images: Vec<BuiltImage> = (1..=6).map(|day| world.image(&format!("b{day}"), day)).collect();
    world.image("v1", 1);
    world.registry.image(REPOSITORY, "alias", &images[5]);
    // A date that was set, and none at all.
    let reproducible = built("old", "1970-01-01T00:00:00Z");
    world.registry.image(REPOSITORY, "epoch", &reproducible);
    world.registry.manifest(REPOSITORY, "strange", MANIFEST, br#""no manifest""#);
    world.deployed.insert(images[0].digest().parse().unwrap());
    world.pulled.insert(images[1].digest().parse().unwrap(), "2024-01-20".parse().unwrap());
    let told = world.prune(2, Some("2024-01-06"));
    let strange = told.iter().find(|line| line.starts_with("strange")).unwrap().clone();
    assert!(strange.contains("cannot be read"), "{strange}");
    let want = [
        "alias not old enough",
        "b1 deployed, or last known good",
        "b2 pulled on 2024-01-20",
        "b3 goes",
        "b4 goes",
        "b5 one of the newest",
        "b6 not old enough",
        "epoch its age is not known",
        &strange,
        "v1 its tag is to be kept",
    ];
    assert_eq!(told, want);
    // The server saw it long ago: now its age is known.
    world.seen.insert(reproducible.digest().parse().unwrap(), "2024-01-01".parse().unwrap());
    // And this one was pushed late, whatever it says.
    world.seen.insert(images[4].digest().parse().unwrap(), "2024-02-01".parse().unwrap());
    let told = world.prune(0, Some("2024-01-30"));
    assert!(
        told.contains(&"epoch goes".to_owned()) && told.contains(&"b5 not old enough".to_owned()),
        "{told:?}"
    );
    assert!(told.contains(&"b6 goes".to_owned()) && told.contains(&"alias goes".to_owned()), "{told:?}");
}

#[test]
fn what_is_attached_goes_with_its_image_and_nothing_else_does() {
    for referrers in [true, false] {
        let world = World::new(referrers);
        let (old, new) = (world.image("old", 1), world.image("new", 9));
        let on_old = world.attach(&old.digest(), "note", !referrers);
        let on_new = world.attach(&new.digest(), "note", !referrers);
        let on_note = world.attach(&on_old, "signature", !referrers);
        // Cosign's tags; the second manifest is named by an image that stays, too.
        let signature = |name: &str| {
            world.registry.blob(REPOSITORY, b"{}");
            let manifest = serde_json::json!({
                "schemaVersion": 2, "mediaType": MANIFEST, "annotations": { "name": name },
                "config": { "mediaType": "application/vnd.oci.image.config.v1+json", "digest": digest(b"{}"), "size": 2 },
                "layers": [] });
            manifest.to_string()
        };
        let tag = |image: &BuiltImage, suffix: &str| format!("{}{suffix}", image.digest().replace(':', "-"));
        let (own, shared) = (signature("own"), signature("shared"));
        world.registry.manifest(REPOSITORY, &tag(&old, ".sig"), MANIFEST, own.as_bytes());
        world.registry.manifest(REPOSITORY, &tag(&old, ".att"), MANIFEST, shared.as_bytes());
        world.registry.manifest(REPOSITORY, &tag(&new, ".att"), MANIFEST, shared.as_bytes());
        // Attached to what has no tag, but may be pulled by its digest.
        let nobody = format!("sha256:{}", "0".repeat(64));
        world.registry.manifest(
            REPOSITORY,
            &nobody.replace(':', "-"),
            INDEX,
            br#"{"schemaVersion":2,"manifests":[]}"#,
        );
        world.prune(1, None);
        for (name, stays) in [
            (&old.digest(), false),
            (&on_old, false),
            (&on_note, false),
            (&digest(own.as_bytes()), false),
            (&new.digest(), true),
            (&on_new, true),
            (&digest(shared.as_bytes()), true),
            (&nobody.replace(':', "-"), true),
        ] {
            assert_eq!(world.has(name), stays, "{name} {referrers}");
        }
        assert!(!world.has(&old.digest().replace(':', "-")), "{referrers}");
    }
}

#[test]
fn parts_of_what_stays_are_never_deleted_whoever_else_lists_them() {
    let mut world = World::new(false);
    let (shared, alone, child) = (world.image("shared", 1), world.image("alone", 1), world.image("child", 1));
    let (stays, goes) = (index(&[&shared, &child]), index(&[&shared, &alone]));
    world.registry.manifest(REPOSITORY, "vindex", INDEX, &stays);
    world.registry.manifest(REPOSITORY, "index", INDEX, &goes);
    let running = world.image("running", 1);
    let nested = index(&[&running]);
    world.registry.manifest(REPOSITORY, "nested", INDEX, &nested);
    world.deployed.insert(running.digest().parse().unwrap());
    // An attacker's list says that what others need is attached to what goes.
    let (victim, bait) = (world.image("victim", 9), world.image("bait", 1));
    let untagged = built("untagged", "2024-01-01T00:00:00Z");
    world.registry.image(REPOSITORY, &untagged.digest(), &untagged);
    let list: Vec<(String, usize)> = [&shared, &victim, &untagged, &running]
        .iter()
        .map(|image| (image.digest(), image.manifest.len()))
        .collect();
    let entries: Vec<(&str, usize)> = list.iter().map(|(digest, size)| (digest.as_str(), *size)).collect();
    world.list(&bait.digest(), &entries);
    let told = world.prune(1, None);
    for (image, left) in [
        (&shared, true),
        (&child, true),
        (&alone, false),
        (&running, true),
        (&victim, true),
        (&bait, false),
        (&untagged, true),
    ] {
        assert_eq!(world.has(&image.digest()), left, "{told:?}");
    }
    assert!(
        world.has(&digest(&stays)) && world.has(&digest(&nested)) && !world.has(&digest(&goes)),
        "{told:?}"
    );
    assert!(told.contains(&"nested deployed, or last known good".to_owned()), "{told:?}");
}
