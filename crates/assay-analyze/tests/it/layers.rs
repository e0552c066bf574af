//! What an upper layer hides of the lower ones.

use crate::{check, inventory, lines};
use assay_test::image::Tree;

fn base() -> Tree {
    Tree::new().folder("app").file("app/a.list", "pypi a 1\n").file("app/deep/b.list", "pypi b 1\n")
}

#[test]
fn layers_add_up() {
    check(
        [base(), Tree::new().file("c.list", "pypi c 1")],
        &["pypi a 1 @ 0:app/a.list", "pypi b 1 @ 0:app/deep/b.list", "pypi c 1 @ 1:c.list"],
    );
}

#[test]
fn a_whiteout_removes_a_file() {
    check([base(), Tree::new().whiteout("app/a.list")], &["pypi b 1 @ 0:app/deep/b.list"]);
}

#[test]
fn a_whiteout_removes_a_folder_with_all_in_it() {
    check([base(), Tree::new().whiteout("app")], &[]);
}

#[test]
fn a_whiteout_does_not_concern_its_own_layer() {
    // The order of entries within a layer does not matter (image-spec, layer.md "Whiteouts").
    check(
        [base(), Tree::new().file("app/a.list", "pypi a 2").whiteout("app/a.list")],
        &["pypi a 2 @ 1:app/a.list", "pypi b 1 @ 0:app/deep/b.list"],
    );
}

#[test]
fn an_opaque_folder_hides_what_lies_below_and_keeps_its_own() {
    check(
        [base(), Tree::new().file("app/new.list", "pypi n 1").opaque("app")],
        &["pypi n 1 @ 1:app/new.list"],
    );
}

#[test]
fn an_opaque_root_hides_everything() {
    check([base(), Tree::new().file(".wh..wh..opq", "")], &[]);
}

#[test]
fn names_that_only_begin_alike_stay() {
    check(
        [base().file("app2/x.list", "pypi x 1"), Tree::new().whiteout("app")],
        &["pypi x 1 @ 0:app2/x.list"],
    );
}

#[test]
fn a_file_in_place_of_a_folder_hides_what_was_in_it() {
    check([base(), Tree::new().file("app", "now a file")], &[]);
}

#[test]
fn a_symbolic_link_in_place_of_a_folder_hides_what_was_in_it() {
    check([base(), Tree::new().symlink("app", "elsewhere")], &[]);
}

#[test]
fn a_folder_in_place_of_a_file_hides_it() {
    check([base(), Tree::new().folder("app/a.list")], &["pypi b 1 @ 0:app/deep/b.list"]);
}

#[test]
fn a_folder_listed_again_hides_nothing() {
    check(
        [base(), Tree::new().folder("app").folder("app/deep")],
        &["pypi a 1 @ 0:app/a.list", "pypi b 1 @ 0:app/deep/b.list"],
    );
}

#[test]
fn a_file_without_facts_replaces_one_with_facts() {
    check([base(), Tree::new().file("app/a.list", "")], &["pypi b 1 @ 0:app/deep/b.list"]);
}

#[test]
fn what_was_removed_and_made_anew_counts_as_new() {
    check(
        [base(), Tree::new().whiteout("app/a.list"), base()],
        &[
            "pypi a 1 @ 2:app/a.list",
            // This one was only written again, with the same package in it.
            "pypi b 1 @ 0:app/deep/b.list",
        ],
    );
}

#[test]
fn of_two_entries_with_one_path_the_later_counts() {
    check([Tree::new().file("a.list", "pypi a 1").file("a.list", "pypi a 2")], &["pypi a 2 @ 0:a.list"]);
    check([Tree::new().file("a.list", "pypi a 1").symlink("a.list", "b")], &[]);
    check([Tree::new().file("a.list", "pypi a 1").file("a.list", "nothing")], &[]);
}

#[test]
fn a_folder_replaced_within_one_layer_takes_its_files_along() {
    check([Tree::new().file("app/a.list", "pypi a 1").file("app", "now a file")], &[]);
}

#[test]
fn warnings_of_hidden_files_are_hidden_too() {
    let damaged = || Tree::new().file("a.list", "damaged\npypi a 1");
    check([damaged()], &["pypi a 1 @ 0:a.list", "damaged-list: `a.list`: a line is damaged"]);
    check([damaged(), Tree::new().whiteout("a.list")], &[]);
}

#[test]
fn the_operating_system_is_the_best_ranked_and_visible_one() {
    let id = |layers: Vec<Tree>| inventory(layers).os.map(|os| os.id);
    let debian = || Tree::new().file("etc/os.list", "os debian 3").file("usr/lib/os.list", "os other 3");
    assert_eq!(id(vec![debian()]).as_deref(), Some("debian"), "of equal rank the first path counts");
    assert_eq!(id(vec![debian(), Tree::new().file("a.list", "os alpine 2")]).as_deref(), Some("debian"));
    assert_eq!(id(vec![debian(), Tree::new().file("etc/os.list", "os ubuntu 3")]).as_deref(), Some("ubuntu"));
    assert_eq!(id(vec![debian(), Tree::new().whiteout("etc").whiteout("usr")]), None);
}

#[test]
fn the_same_layers_give_the_same_inventory_in_any_order_of_reading() {
    let layers = || {
        (0..6).map(|number| base().file(&format!("n{number}.list"), format!("pypi n{number} 1\npypi same 1")))
    };
    let one_by_one = lines(&inventory(layers()));
    let tars: Vec<Vec<u8>> = layers().map(Tree::tar).collect();
    for _ in 0..4 {
        let analysed: Vec<_> = std::thread::scope(|scope| {
            let threads: Vec<_> = tars.iter().map(|tar| scope.spawn(|| crate::layer(tar))).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        let squashed = assay_analyze::squash(
            analysed,
            true,
            assay_analyze::Lockfiles::WhenNothingInstalled,
            &crate::matcher(),
        );
        assert_eq!(lines(&squashed.inventory), one_by_one);
    }
    assert!(
        one_by_one
            .iter()
            .any(|line| line == "pypi same 1 @ 0:n0.list 1:n1.list 2:n2.list 3:n3.list 4:n4.list 5:n5.list")
    );
}
