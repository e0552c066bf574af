//! Small images to check.

use super::*;
use assay_model::{Digest, Layer, Package, PackageKind};

/// The day it is in tests.
pub(super) const NOW: Timestamp = Timestamp(1_790_000_000);

pub(super) fn digest() -> Digest {
    format!("sha256:{}", "ab".repeat(32)).parse().unwrap()
}

fn found(check: &ImageCheck, image: &Image, inventory: &Inventory) -> usize {
    check.run(&Seen { image, inventory, now: Some(NOW) }).len()
}

pub(super) fn check(check: &ImageCheck, change: impl FnOnce(&mut Image), expected: usize) {
    let layer = Layer::default();
    let mut image = Image { layers: vec![layer], ..Image::default() };
    change(&mut image);
    assert_eq!(found(check, &image, &Inventory::default()), expected);
}

pub(super) fn check_inventory(check: &ImageCheck, change: impl FnOnce(&mut Inventory), expected: usize) {
    let mut inventory = Inventory::default();
    change(&mut inventory);
    assert_eq!(found(check, &Image::default(), &inventory), expected);
}

pub(super) fn check_package(check: &ImageCheck, name: &str, expected: usize) {
    let package = Package::new(PackageKind::Deb, name, "1");
    check_inventory(check, |inventory| inventory.packages = vec![package], expected);
}
