//! 0 done, 1 over the threshold, 2 not done or not complete; filters of the view never change it.

use crate::{Place, STATUS, base, builder, image};
use assay_test::image::{Builder, Tree};

/// Checks the exit code of a scan of an image with a critical finding that has a fix and a high one that has none.
#[track_caller]
fn check(arguments: &[&str], want: i32) {
    let place = Place::new();
    place.layout("image", &image());
    let ran = place.run(&[&["scan", "oci:image"], arguments].concat());
    assert_eq!(ran.code, want, "{arguments:?}\n{}{}", ran.stdout, ran.stderr);
}

#[test]
fn findings_alone_do_not_fail() {
    check(&[], 0);
}

#[test]
fn a_threshold_fails_on_what_is_as_bad_or_worse() {
    check(&["--fail-on", "critical"], 1);
    check(&["--fail-on", "low"], 1);
    check(&["--fail-on", "unknown"], 1);
}

#[test]
fn a_threshold_may_ask_for_a_fix() {
    check(&["--fail-on", "fixed"], 1);
    check(&["--fail-on", "critical,fixed"], 1);
    let place = Place::new();
    place.layout("image", &Builder::new().layer(base(STATUS), "ADD").build());
    // Only the distribution's package is in this one, and it has no fix.
    for (threshold, want) in [("critical", 0), ("high", 1), ("high,fixed", 0), ("fixed", 0)] {
        assert_eq!(place.run(&["scan", "oci:image", "--fail-on", threshold]).code, want, "{threshold}");
    }
}

#[test]
fn filters_of_the_view_do_not_change_the_code() {
    for filter in
        [&["--severity", "low"][..], &["--only-fixed"], &["--severity", "low,medium", "--only-fixed"]]
    {
        check(&[&["--fail-on", "high"], filter].concat(), 1);
        check(filter, 0);
    }
}

#[test]
fn an_unknown_severity_passes_no_threshold() {
    let place = Place::new();
    let metadata = "Metadata-Version: 2.1\nName: unrated\nVersion: 1.0\n";
    let tree = Tree::new().file("usr/lib/python3/site-packages/unrated-1.0.dist-info/METADATA", metadata);
    place.layout("image", &Builder::new().layer(tree, "COPY").build());
    let ran = place.run(&["scan", "oci:image", "--fail-on", "critical"]);
    insta::assert_snapshot!(place.shown(&ran));
}

#[test]
fn passing_a_threshold_says_what_nobody_judged() {
    let place = Place::new();
    let crates = Tree::new().file(
        "Cargo.lock",
        "version = 4\n[[package]]\nname = \"x\"\nversion = \"1.0.0\"\nsource = \"registry+https://index.example\"\n",
    );
    place.layout("image", &Builder::new().layer(crates, "COPY").build());
    let said = "the threshold says nothing about what was not assessed: 1 package";
    let ran = place.run(&["scan", "oci:image", "--fail-on", "low"]);
    assert_eq!(ran.code, 0);
    assert!(ran.stderr.contains(said), "{}", ran.stderr);
    assert!(!place.run(&["scan", "oci:image"]).stderr.contains(said));
}

#[test]
fn what_is_partial_fails_unless_allowed_and_a_crossed_threshold_wins() {
    let place = Place::new();
    let broken = Tree::new().file("app/Cargo.lock", "version = 3\n[[package]\nname = ");
    place.layout("image", &builder().layer(broken, "COPY").build());
    for (arguments, want) in [
        (&[][..], 2),
        (&["--allow-partial"], 0),
        (&["--fail-on", "critical"], 1),
        (&["--fail-on", "critical", "--allow-partial"], 1),
        (&["--fail-on", "track"], 1),
    ] {
        let ran = place.run(&[&["scan", "oci:image"], arguments].concat());
        assert_eq!(ran.code, want, "{arguments:?}: {}{}", ran.stdout, ran.stderr);
    }
}

#[test]
fn wrong_arguments_are_usage_errors() {
    for arguments in [
        &["scan"][..],
        &["scan", "x", "--format", "xml"],
        &["scan", "x", "--fail-on", "terrible"],
        &["scan", "x", "--severity", "terrible"],
        &["scan", "x", "--platform", "a/b/c/d"],
        &["scan", "x", "--output", "json="],
        &["frobnicate"],
        &["explain"],
    ] {
        let place = Place::new();
        let ran = place.run(arguments);
        assert_eq!(ran.code, 2, "{arguments:?}");
        assert!(ran.stderr.starts_with("error: "), "{}", ran.stderr);
    }
    assert_eq!(Place::new().run(&["--version"]).code, 0);
    assert_eq!(Place::new().run(&["scan", "--help"]).code, 0);
}
