//! What one layer costs must not be the others' loss, and an image of too many layers still has a result.

use crate::cache::{Fake, Version, image, settings};
use assay_analyze::{Limits, MemoryBudget};
use assay_engine::{Progress, Settings, image_inventory};
use assay_model::Inventory;
use assay_test::image::Tree;

/// Returns the inventory of an image, with `facts` and `marks` bytes of memory for it.
fn inventory(fake: &Fake, facts: u64, marks: u64) -> Inventory {
    let version = Version::new("orders", 1);
    let all = settings(&[&version], None);
    let (facts, marks) = (MemoryBudget::new(facts), MemoryBudget::new(marks));
    let settings = Settings { limits: Limits { facts, marks, ..all.limits.clone() }, ..all };
    image_inventory(fake, &mut fake.image.clone(), &settings, &Progress::default()).unwrap()
}

/// Returns where packages were found.
fn places(inventory: &Inventory) -> Vec<&str> {
    let all = inventory.packages.iter().flat_map(|package| &package.locations);
    let mut places: Vec<_> = all.map(|place| place.path.as_str()).collect();
    places.sort_unstable();
    places
}

/// Returns the codes of warnings about layers, with the layer that each names.
fn warned(inventory: &Inventory) -> Vec<String> {
    let number = |message: &str| message.split(" (").next().unwrap_or_default().to_owned();
    let of_layers = inventory.warnings.iter().filter(|warning| warning.path.is_none());
    of_layers.map(|warning| format!("{}: {}", warning.code, number(&warning.message))).collect()
}

fn many(folder: &str, count: usize) -> Tree {
    let versions = (0..count).map(|number| (format!("{folder}/{number:05}/VERSION"), format!("{number}")));
    versions.fold(Tree::new(), |tree, (path, version)| tree.file(&path, version))
}

#[test]
fn a_greedy_layer_leaves_the_others_what_they_need() {
    let small = |name: &str| {
        let paths = (0..20).map(|number| format!("{name}/{number:02}/VERSION"));
        paths.fold(Tree::new(), |tree, path| tree.file(&path, path.as_str()))
    };
    let removing = Tree::new().whiteout("low/00").file("low/01", "no folder any more");
    let fake = image([small("low"), many("srv/a", 5000), many("srv/b", 4000), small("high"), removing]);
    let got = inventory(&fake, 4 << 20, 1 << 20);
    let of = |folder: &str| places(&got).iter().filter(|place| place.starts_with(folder)).count();
    assert_eq!((of("low/"), of("high/")), (18, 20));
    assert!(of("srv/") > 500, "{}", of("srv/"));
    assert_eq!(warned(&got), ["too-many-facts: layer 2", "too-many-facts: layer 3"]);

    let got = inventory(&fake, 64 << 20, 40_000);
    let of = |folder: &str| places(&got).iter().filter(|place| place.starts_with(folder)).count();
    assert_eq!((of("low/"), of("high/"), of("srv/")), (18, 20, 9000), "only marks of the greedy are missing");
    assert_eq!(warned(&got), ["too-many-marks: layer 2", "too-many-marks: layer 3"]);
}

#[test]
fn a_layer_that_comes_again_and_again_is_bounded() {
    let mut fake = image([Tree::new().file("first/VERSION", "1"), many("srv", 300)]);
    for _ in 0..200 {
        fake.image.layers.push(fake.image.layers[1].clone());
        fake.blobs.push(fake.blobs[1].clone());
    }
    let enough = inventory(&fake, 1 << 30, 64 << 20);
    assert_eq!((places(&enough).len(), warned(&enough).len()), (301, 0));
    let bounded = inventory(&fake, 8 << 20, 64 << 20);
    assert_eq!(places(&bounded), places(&enough), "the topmost counts, and it was there first");
    assert!(warned(&bounded).iter().all(|warned| warned.starts_with("too-many-facts")));
    assert!(!warned(&bounded).is_empty());
}

#[test]
fn of_too_many_layers_the_lowest_are_looked_at() {
    let fake = image((0..1003).map(|number| Tree::new().file(&format!("{number:04}/VERSION"), "1")));
    let got = inventory(&fake, 128 << 20, 64 << 20);
    assert_eq!((places(&got).len(), places(&got).last().copied()), (1000, Some("0999/VERSION")));
    let said: Vec<_> = got.warnings.iter().map(|warning| (&*warning.code, warning.incomplete)).collect();
    assert_eq!(said, [("too-many-layers", true)]);
}
