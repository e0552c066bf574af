//! Which layer brought a package, whom its files belong to, and what becomes one.

use crate::{check, inventory, layer, lines, matcher};
use assay_analyze::{Lockfiles, squash};
use assay_test::image::Tree;

const STATUS: &str = "var/lib/status.list";

fn status(text: &str) -> Tree {
    Tree::new().file(STATUS, text)
}

#[test]
fn a_package_keeps_the_layer_in_which_its_version_first_appeared() {
    check(
        [status("deb a 1\ndeb b 1"), status("deb a 1\ndeb b 2"), status("deb a 1\ndeb b 2\ndeb c 1")],
        &[
            "deb a 1 @ 0:var/lib/status.list",
            "deb b 2 @ 1:var/lib/status.list",
            "deb c 1 @ 2:var/lib/status.list",
        ],
    );
}

#[test]
fn a_package_that_was_removed_and_added_again_has_the_new_layer() {
    check(
        [status("deb a 1\ndeb b 1"), status("deb b 1"), status("deb a 1\ndeb b 1")],
        &["deb a 1 @ 2:var/lib/status.list", "deb b 1 @ 0:var/lib/status.list"],
    );
}

#[test]
fn a_layer_without_the_database_does_not_interrupt_its_history() {
    check(
        [status("deb a 1"), Tree::new().file("other", ""), status("deb a 1\ndeb b 1")],
        &["deb a 1 @ 0:var/lib/status.list", "deb b 1 @ 2:var/lib/status.list"],
    );
}

#[test]
fn a_package_removed_from_the_database_is_gone() {
    check([status("deb a 1\ndeb b 1"), status("deb b 1")], &["deb b 1 @ 0:var/lib/status.list"]);
}

#[test]
fn a_folder_names_no_layers() {
    let analysis = layer(&status("deb a 1").tar());
    let inventory = squash(vec![analysis], false, Lockfiles::Always, &matcher()).inventory;
    assert_eq!(lines(&inventory), ["deb a 1 @ var/lib/status.list"]);
}

fn owned() -> Tree {
    status("deb python3-x 1-1\nowns python3-x /usr/lib/python3/x.list /usr/bin/x")
        .file("usr/lib/python3/x.list", "pypi x 1")
}

#[test]
fn what_the_package_manager_installed_is_its_and_not_counted_twice() {
    check([owned()], &["deb python3-x 1-1 @ 0:var/lib/status.list contains pkg:pypi/x@1"]);
    // A later layer that rewrites only the database changes nothing about the files.
    check(
        [owned(), status("deb python3-x 1-1\ndeb y 1\nowns python3-x /usr/lib/python3/x.list")],
        &[
            "deb python3-x 1-1 @ 0:var/lib/status.list contains pkg:pypi/x@1",
            "deb y 1 @ 1:var/lib/status.list",
        ],
    );
}

#[test]
fn what_a_package_of_the_distribution_does_not_answer_for_is_counted() {
    // Debian's policy keeps its packages out of `/opt`: what is there is a vendor's, with copies no tracker knows.
    check(
        [status("deb vendor 1-1\nowns vendor /opt/vendor/x.list").file("opt/vendor/x.list", "pypi x 1")],
        &["deb vendor 1-1 @ 0:var/lib/status.list", "pypi x 1 @ 0:opt/vendor/x.list"],
    );
    // A lockfile that came with it still says nothing about what is there.
    check(
        [status("deb vendor 1-1\nowns vendor /opt/vendor/lock.list")
            .file("opt/vendor/lock.list", "npm y 1 declared")],
        &["deb vendor 1-1 @ 0:var/lib/status.list"],
    );
}

#[test]
fn what_a_later_layer_wrote_over_owned_files_is_counted() {
    check(
        [owned(), Tree::new().file("usr/lib/python3/x.list", "pypi x 2")],
        &["deb python3-x 1-1 @ 0:var/lib/status.list", "pypi x 2 @ 1:usr/lib/python3/x.list"],
    );
}

#[test]
fn an_upgrade_by_the_package_manager_owns_its_files_again() {
    let upgrade = status("deb python3-x 2-1\nowns python3-x /usr/lib/python3/x.list")
        .file("usr/lib/python3/x.list", "pypi x 2");
    check([owned(), upgrade], &["deb python3-x 2-1 @ 1:var/lib/status.list contains pkg:pypi/x@2"]);
}

#[test]
fn the_list_of_a_removed_package_owns_nothing() {
    check(
        [status("owns python3-x /usr/lib/python3/x.list").file("usr/lib/python3/x.list", "pypi x 1")],
        &["pypi x 1 @ 0:usr/lib/python3/x.list"],
    );
}

#[test]
fn lists_that_spell_paths_as_before_the_merged_usr_are_understood() {
    check(
        [status("deb x 1\nowns x /lib/x.list /usr/other").file("usr/lib/x.list", "pypi x 1")],
        &["deb x 1 @ 0:var/lib/status.list contains pkg:pypi/x@1"],
    );
    check(
        [status("deb x 1\nowns x /opt/x.list").file("usr/opt/x.list", "pypi x 1")],
        &["deb x 1 @ 0:var/lib/status.list", "pypi x 1 @ 0:usr/opt/x.list"],
    );
}

#[test]
fn lists_may_name_the_architecture() {
    check(
        [status("deb x 1 arch=amd64\ndeb x 1 arch=i386\nowns x:i386 /x.list").file("x.list", "pypi x 1")],
        &["deb x 1 @ 0:var/lib/status.list", "deb x 1 @ 0:var/lib/status.list contains pkg:pypi/x@1"],
    );
}

#[test]
fn an_owned_lockfile_is_neither_counted_nor_contained() {
    // Debian's Go brings the `go.mod` of its own sources, Debian's Ruby the `package-lock.json` of an editor's extension:
    // nothing of what they name is there.
    check(
        [status("deb x 1\nowns x /app/lock.list").file("app/lock.list", "npm y 1 declared")],
        &["deb x 1 @ 0:var/lib/status.list"],
    );
    check(
        [status("deb x 1").file("app/lock.list", "npm y 1 declared")],
        &["deb x 1 @ 0:var/lib/status.list", "npm y 1 @ 0:app/lock.list"],
    );
}

#[test]
fn licences_of_another_file_reach_their_package() {
    let found = inventory([status("deb x 1\ndeb y 1").file("doc.list", "licence x MIT")]);
    let licences: Vec<_> = found.packages.iter().map(|package| package.licenses.join(",")).collect();
    assert_eq!(licences, ["MIT", ""]);
}

#[test]
fn a_lockfile_gives_way_to_what_is_installed_from_it() {
    let lock = || Tree::new().file("app/lock.list", "npm a 1 declared\nnpm b 1 declared");
    check([lock()], &["npm a 1 @ 0:app/lock.list", "npm b 1 @ 0:app/lock.list"]);
    check([lock().file("m/a.list", "npm a 1")], &["npm a 1 @ 0:m/a.list"]);
    // Another version is another package: of this lockfile nothing is installed.
    check(
        [lock().file("m/a.list", "npm a 2")],
        &["npm a 1 @ 0:app/lock.list", "npm a 2 @ 0:m/a.list", "npm b 1 @ 0:app/lock.list"],
    );
    // A second lockfile that is not installed stays.
    check(
        [lock().file("m/a.list", "npm a 1").file("other/lock.list", "npm c 1 declared")],
        &["npm a 1 @ 0:m/a.list", "npm c 1 @ 0:other/lock.list"],
    );
}

#[test]
fn a_project_reports_lockfiles_beside_what_is_installed() {
    let tree =
        Tree::new().file("lock.list", "npm a 1 declared\nnpm b 1 declared").file("m/a.list", "npm a 1");
    let inventory = squash(vec![layer(&tree.tar())], false, Lockfiles::Always, &matcher()).inventory;
    assert_eq!(lines(&inventory), ["npm a 1 @ lock.list m/a.list", "npm b 1 @ lock.list"]);
}

#[test]
fn equal_packages_become_one_with_all_places_and_dependencies() {
    let tree = Tree::new()
        .file("one/a.list", "pypi a 1 needs=b")
        .file("one/b.list", "pypi b 1")
        .file("two/a.list", "pypi a 1 needs=b,c")
        .file("two/b.list", "pypi b 2")
        .file("two/c.list", "pypi c 1 needs=a");
    check(
        [tree],
        &[
            "pypi a 1 @ 0:one/a.list 0:two/a.list -> b 1 -> b 2 -> c 1",
            "pypi b 1 @ 0:one/b.list",
            "pypi b 2 @ 0:two/b.list",
            "pypi c 1 @ 0:two/c.list -> a 1",
        ],
    );
}

#[test]
fn dependencies_survive_what_is_dropped_before_linking() {
    // The owned package stood before the others in the list; nobody may depend on its place afterwards.
    let tree = status("deb python3-a 1\nowns python3-a /usr/a.list")
        .file("usr/a.list", "pypi a 1")
        .file("venv/b.list", "pypi b 1 needs=c")
        .file("venv/c.list", "pypi c 1");
    check(
        [tree],
        &[
            "deb python3-a 1 @ 0:var/lib/status.list contains pkg:pypi/a@1",
            "pypi b 1 @ 0:venv/b.list -> c 1",
            "pypi c 1 @ 0:venv/c.list",
        ],
    );
}
