//! `assay promote` and `assay registry prune`, against registries in process.

use crate::Place;
use assay_test::http::Server;
use assay_test::image::{Builder, BuiltImage, INDEX, digest, index};
use assay_test::pushable::{Behaviour, Pushable};
use serde_json::{Value, json};

const POLICY: &str = "apiVersion: assay.dev/v1\nkind: ImagePolicy\nmetadata: {name: test}\ntiers:\n  - {name: production}\nrules:\n  - vulnerabilities: {max: {critical: 0}, fix: fixed}\n  - signed: {of: [release]}\ntrust: {release: {keys: [{file: release.pub}]}}\n";
const PASSWORD: [(&str, &str); 1] = [("ASSAY_KEY_PASSWORD", "x")];

/// An image with one package, of which 2.2.0 is vulnerable.
fn built(version: &str, architecture: &str) -> BuiltImage {
    let metadata = format!("Metadata-Version: 2.1\nName: Django\nVersion: {version}\nLicense: BSD\n");
    let folder = format!("venv/lib/python3.11/site-packages/Django-{version}.dist-info");
    let tree =
        crate::base("Package: adduser\nStatus: install ok installed\nArchitecture: all\nVersion: 3.134\n")
            .file(&format!("{folder}/METADATA"), metadata)
            .file(&format!("{folder}/RECORD"), "");
    Builder::new().architecture(architecture).layer(tree, "ADD rootfs.tar /").build()
}

struct World {
    place: Place,
    registry: Pushable,
    server: Server,
}

impl World {
    fn new() -> Self {
        let registry = Pushable::new(Behaviour::default());
        let server = registry.serve();
        let place = Place::new();
        place.write("policy.yaml", POLICY);
        for key in ["release", "other"] {
            assert_eq!(place.run_with(&["key", "generate", "--out", key], &PASSWORD).code, 0);
        }
        Self { place, registry, server }
    }

    fn name(&self, rest: &str) -> String {
        format!("{}/{rest}", self.server.host())
    }

    fn sign(&self, key: &str, image: &str) {
        let key = format!("{key}.key");
        let ran = self.place.run_with(&["sign", "--key", &key, &self.name(image)], &PASSWORD);
        assert_eq!(ran.code, 0, "{}", ran.stderr);
    }

    /// Promotes, and returns the exit code, what is said as JSON, and the errors.
    fn promote(&self, source: &str, target: &str, more: &[&str]) -> (i32, Value, String) {
        let (source, target) = (self.name(source), self.name(target));
        let fixed = ["promote", &source, &target, "--policy", "policy.yaml", "--format", "json"];
        let ran = self.place.run(&[&fixed[..], more].concat());
        (ran.code, serde_json::from_str(&ran.stdout).unwrap_or(Value::Null), ran.stderr)
    }

    fn writes(&self) -> usize {
        self.server
            .requests()
            .iter()
            .filter(|request| !matches!(request.method.as_str(), "GET" | "HEAD"))
            .count()
    }
}

#[test]
fn only_what_the_right_one_signed_and_the_policy_admits_is_promoted() {
    let world = World::new();
    let (good, bad) = (built("2.2.4", "amd64"), built("2.2.0", "amd64"));
    world.registry.image("incoming/app", "1.0", &good);
    world.registry.image("incoming/app", "0.9", &bad);
    let tags = || world.registry.tags("release/app");

    // Nobody signed it, then the wrong one did.
    for _ in 0..2 {
        let (code, said, errors) = world.promote("incoming/app:1.0", "release/app", &[]);
        assert_eq!(
            (code, &said["promoted"], &said["verdict"]["verdict"]),
            (1, &false.into(), &"deny".into()),
            "{errors}"
        );
        world.sign("other", "incoming/app:1.0");
    }
    world.sign("release", "incoming/app:0.9");
    let (code, said, _) = world.promote("incoming/app:0.9", "release/app", &[]);
    assert_eq!((code, &said["verdict"]["reasons"][0]["rule"]), (1, &"vulnerabilities".into()), "{said}");
    assert_eq!(tags(), Vec::<String>::new());

    world.sign("release", "incoming/app:1.0");
    let before = world.writes();
    let (code, said, errors) = world.promote("incoming/app:1.0", "release/app", &["--dry-run"]);
    assert_eq!((code, &said["promoted"], &said["dry_run"]), (0, &false.into(), &true.into()), "{errors}");
    assert_eq!((world.writes(), tags()), (before, Vec::new()));

    let (code, said, errors) = world.promote("incoming/app:1.0", "release/app", &[]);
    assert_eq!(code, 0, "{errors}");
    assert_eq!(
        (&said["schema"], &said["digest"], &said["target"], &said["promoted"], &said["complete"]),
        (
            &"assay.promotion/v1".into(),
            &good.digest().into(),
            &world.name("release/app:1.0").into(),
            &true.into(),
            &true.into()
        )
    );
    assert_eq!(said["artifacts"], 2, "both signatures");
    assert_eq!(world.registry.get("release/app", "1.0"), Some(good.manifest.clone()));
    let last = world.server.requests().into_iter().rfind(|request| request.method == "PUT").unwrap();
    assert!(last.target.ends_with("/release/app/manifests/1.0"), "the tag comes last: {}", last.target);
    let release = world.name("release/app:1.0");
    assert_eq!(world.place.run(&["verify", "--key", "release.pub", &release]).code, 0);
    // Again it is the same.
    assert_eq!(world.promote("incoming/app:1.0", "release/app:1.0", &[]).0, 0);
    let (source, table) = (world.name("incoming/app:1.0"), ["--policy", "policy.yaml"]);
    let ran = world.place.run(&[&["promote", &source, &release][..], &table].concat());
    let want = format!("{} promoted to {release}, with 2 artifacts\n", good.digest());
    assert!(ran.code == 0 && ran.stdout.ends_with(&want), "{}", ran.stdout);
}

#[test]
fn a_release_tag_moves_only_when_that_is_said() {
    let world = World::new();
    world.place.write("policy.yaml", POLICY.replace("  - signed: {of: [release]}\n", ""));
    let (first, second) = (built("2.2.4", "amd64"), built("2.2.5", "amd64"));
    world.registry.image("release/app", "1.0", &first);
    world.registry.image("incoming/app", "1.0", &second);
    let before = world.writes();
    let (code, said, errors) = world.promote("incoming/app:1.0", "release/app", &[]);
    assert_eq!((code, said), (2, Value::Null));
    assert!(
        errors.contains(&first.digest()) && errors.contains("hint: ") && errors.contains("`--move`"),
        "{errors}"
    );
    assert_eq!(world.writes(), before);
    assert_eq!(world.promote("incoming/app:1.0", "release/app", &["--dry-run"]).0, 2);
    let (code, said, errors) = world.promote("incoming/app:1.0", "release/app", &["--move"]);
    assert_eq!((code, &said["moved_from"]), (0, &first.digest().into()), "{errors}");
    assert_eq!(world.registry.get("release/app", "1.0"), Some(second.manifest.clone()));
    // By its digest it has no tag of its own.
    let by_digest = format!("incoming/app@{}", second.digest());
    assert_eq!(world.promote(&by_digest, "release/app", &[]).0, 2);
    assert_eq!(world.promote(&by_digest, "release/app:2.0", &[]).0, 0);
    for (source, target, more) in [
        ("incoming/app:1.0", "release/app@sha256:0", &[][..]),
        ("incoming/app:1.0", "release/app:3.0", &["--platform", "linux/amd64"]),
        ("incoming/app:none", "release/app:3.0", &[]),
        ("incoming/app:1.0", "release/app:3.0", &["--policy", "none.yaml"]),
    ] {
        assert_eq!(world.promote(source, target, more).0, 2, "{source} {target} {more:?}");
    }
    let target = world.name("release/app:3.0");
    assert_eq!(world.place.run(&["promote", "dir:.", &target, "--policy", "policy.yaml"]).code, 2);
    assert!(!world.registry.tags("release/app").contains(&"3.0".to_owned()));
}

#[test]
fn every_image_of_an_index_is_judged_before_any_is_promoted() {
    let world = World::new();
    world.place.write("policy.yaml", POLICY.replace("  - signed: {of: [release]}\n", ""));
    let (good, bad) = (built("2.2.4", "amd64"), built("2.2.0", "arm64"));
    let mixed = index(&[&good, &bad]);
    for (tag, image) in [("amd64", &good), ("arm64", &bad)] {
        world.registry.image("incoming/app", tag, image);
    }
    world.registry.manifest("incoming/app", "1.0", INDEX, &mixed);
    assert_eq!(world.promote("incoming/app:1.0", "release/app", &[]).0, 1);
    assert_eq!(world.registry.tags("release/app"), Vec::<String>::new());
    let other = built("2.2.4", "arm64");
    world.registry.image("incoming/app", "other", &other);
    let fine = index(&[&good, &other]);
    world.registry.manifest("incoming/app", "1.0", INDEX, &fine);
    let (code, said, errors) = world.promote("incoming/app:1.0", "release/app", &[]);
    assert_eq!(
        (code, &said["digest"], &said["manifests"]),
        (0, &digest(&fine).into(), &json!(3)),
        "{errors}"
    );
}

#[test]
fn nothing_gets_the_tag_while_something_that_is_attached_is_missing() {
    let world = World::new();
    let good = built("2.2.4", "amd64");
    world.registry.image("incoming/app", "1.0", &good);
    world.sign("release", "incoming/app:1.0");
    // Listed, and not there.
    let nobody = format!("sha256:{}", "0".repeat(64));
    let list = good.digest().replace(':', "-");
    let mut entries: Value =
        serde_json::from_slice(&world.registry.get("incoming/app", &list).unwrap()).unwrap();
    let entry =
        json!({ "mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": nobody, "size": 7 });
    entries["manifests"].as_array_mut().unwrap().push(entry);
    world.registry.manifest("incoming/app", &list, INDEX, entries.to_string().as_bytes());
    let (code, _, errors) = world.promote("incoming/app:1.0", "release/app", &[]);
    assert!(code == 2 && errors.contains("--allow-partial"), "{errors}");
    assert!(!world.registry.tags("release/app").contains(&"1.0".to_owned()));
    let (code, said, errors) = world.promote("incoming/app:1.0", "release/app", &["--allow-partial"]);
    assert_eq!((code, &said["complete"]), (0, &false.into()), "{errors}");
    assert!(errors.contains("warning: not copied"), "{errors}");
}

#[test]
fn pruning_says_what_it_would_do_and_does_it_when_told() {
    let world = World::new();
    let images: Vec<BuiltImage> = ["2.2.1", "2.2.2", "2.2.3"].iter().map(|one| built(one, "amd64")).collect();
    for (tag, image) in ["a", "b", "keep-me"].iter().zip(&images) {
        world.registry.image("team/app", tag, image);
    }
    world.sign("release", "team/app:a");
    let name = world.name("team/app");
    let prune = |more: &[&str]| {
        let ran = world.place.run(&[&["registry", "prune", &name], more].concat());
        (ran.code, ran.stdout, ran.stderr)
    };
    // Every image here says the same date, so what is kept of the newest is one of them.
    let keep = ["--keep-days", "1", "--keep-tag", "keep*"];
    let before = world.registry.tags("team/app");
    let (code, text, errors) = prune(&keep);
    assert_eq!(code, 0, "{errors}");
    assert!(
        text.contains("keep-me") && text.contains("its tag is to be kept") && text.contains("--yes"),
        "{text}"
    );
    assert_eq!(world.registry.tags("team/app"), before);
    let (code, text, errors) = prune(&[&keep[..], &["--yes", "--format", "json"]].concat());
    assert_eq!(code, 0, "{errors}");
    let said: Value = serde_json::from_str(&text).unwrap();
    let done = &said["repositories"][0];
    assert_eq!((&said["dry_run"], &done["repository"]), (&false.into(), &name.clone().into()));
    assert_eq!(done["deleted"], done["manifests"].as_array().unwrap().len());
    assert_eq!(world.registry.tags("team/app"), ["keep-me"], "the signature's list went with its image");
    for arguments in [
        &["registry", "prune", &name][..],
        &["registry", "prune", "team/app", "--keep-last", "1"],
        &["registry", "prune", &format!("{name}:1"), "--keep-last", "1"],
    ] {
        assert_eq!(world.place.run(arguments).code, 2, "{arguments:?}");
    }
}
