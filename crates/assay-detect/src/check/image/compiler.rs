//! A compiler is installed.

use crate::check::Check;
use crate::check::image::{ImageCheck, Places, Seen};
use assay_model::Severity;

pub(super) const CHECK: ImageCheck = ImageCheck {
    check: Check {
        id: "image-compiler",
        aliases: &[],
        title: "a compiler is installed",
        severity: Severity::Low,
        why: "Whoever gets in builds there what else would have to be brought.",
        fix: "build in a stage of its own, and copy only what was built",
        reference: "CIS Docker Benchmark 4.3",
    },
    find,
};

fn find(seen: &Seen<'_>, places: &mut Places) {
    places.packages(seen.inventory, NAMES);
}

/// Names of packages; `*` stands for a version.
const NAMES: &[&str] = &[
    "gcc",
    "gcc-*",
    "g++",
    "g++-*",
    "clang",
    "clang-*",
    "golang",
    "golang-*-go",
    "go",
    "rustc",
    "rust",
    "gcc-c++",
    "tcc",
    "fpc",
    "gdc",
    "gfortran",
    "build-base",
    "build-essential",
    "openjdk-*-jdk",
    "openjdk-*-jdk-headless",
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::image::testing::*;

    #[test]
    fn by_the_names_of_packages() {
        check_package(&CHECK, "gcc-12", 1);
        check_package(&CHECK, "gcc-12-base", 0);
    }
}
