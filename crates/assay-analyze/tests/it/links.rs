//! Hard links: a second name for a file that was, or was not, looked at under its first.

use crate::{analyze, check, limits};
use assay_test::image::Tree;

/// Returns whether a layer needs a second reading.
fn read_twice(tree: Tree) -> bool {
    !analyze(&tree.tar(), &limits()).unwrap().1.is_empty()
}

#[test]
fn a_link_says_what_its_target_says() {
    let tree = || Tree::new().file("a.list", "pypi a 1").hard_link("copy/b.list", "a.list");
    check([tree()], &["pypi a 1 @ 0:a.list 0:copy/b.list"]);
    assert!(!read_twice(tree()), "the target was analysed by whom the link asks for");
}

#[test]
fn a_link_to_a_file_known_by_its_content_is_known_too() {
    let tree = || Tree::new().program("bin/one", "MAGIC tool").hard_link("bin/two", "bin/one");
    check([tree()], &["generic tool 1 @ 0:bin/one 0:bin/two"]);
    assert!(!read_twice(tree()));
}

#[test]
fn a_link_whose_name_asks_for_more_is_looked_at_in_a_second_reading() {
    let tree = || Tree::new().file("blob", "pypi a 1").hard_link("a.list", "blob");
    assert!(read_twice(tree()));
    check([tree()], &["pypi a 1 @ 0:a.list"]);
}

#[test]
fn a_second_reading_adds_to_what_the_first_one_knew() {
    let tree = Tree::new().file("blob", "MAGIC tool\npypi a 1").hard_link("a.list", "blob");
    check([tree], &["pypi a 1 @ 0:a.list", "generic tool\npypi a 1 1 @ 0:a.list 0:blob"]);
}

#[test]
fn a_link_outlives_its_target() {
    let tree = Tree::new().file("a.list", "pypi a 1").hard_link("b.list", "a.list");
    check([tree, Tree::new().whiteout("a.list")], &["pypi a 1 @ 0:b.list"]);
    let tree =
        Tree::new().file("a.list", "pypi a 1").hard_link("b.list", "a.list").file("a.list", "pypi a 2");
    check([tree], &["pypi a 1 @ 0:b.list", "pypi a 2 @ 0:a.list"]);
}

#[test]
fn a_link_keeps_the_content_its_target_had_when_it_was_made() {
    let tree = Tree::new().file("blob", "pypi a 1").hard_link("a.list", "blob").file("blob", "pypi a 2");
    check([tree], &["pypi a 1 @ 0:a.list"]);
}

#[test]
fn a_link_that_is_replaced_is_forgotten() {
    let tree = Tree::new().file("blob", "pypi a 1").hard_link("a.list", "blob").file("a.list", "pypi a 2");
    check([tree], &["pypi a 2 @ 0:a.list"]);
}

#[test]
fn a_link_to_a_lower_layer_is_reported_as_not_looked_at() {
    check(
        [Tree::new().file("blob", "pypi a 1"), Tree::new().hard_link("a.list", "blob")],
        &["unresolved-link: `a.list`: it is a hard link to `blob`, which this layer does not have"],
    );
}

#[test]
fn links_to_links_and_to_themselves_end() {
    check(
        [Tree::new().file("a.list", "pypi a 1").hard_link("b.list", "a.list").hard_link("c.list", "b.list")],
        &["pypi a 1 @ 0:a.list 0:b.list 0:c.list"],
    );
    check(
        [Tree::new().file("blob", "pypi a 1").hard_link("b.list", "blob").hard_link("c.list", "b.list")],
        &["pypi a 1 @ 0:b.list 0:c.list"],
    );
    check(
        [Tree::new().hard_link("a.list", "a.list")],
        &["unresolved-link: `a.list`: it is a hard link to `a.list`, which this layer does not have"],
    );
}
