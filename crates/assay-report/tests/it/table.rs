//! The table at several widths; what comes from the image cannot steer the terminal.

use crate::sample::{clean, report};
use crate::{options, render};
use assay_report::{Group, Options};

fn table(width: u16, group: Group) -> String {
    render("table", &report(), &Options { width, group, ..options() })
}

#[test]
fn by_package_at_80_columns() {
    insta::assert_snapshot!(table(80, Group::Package));
}

#[test]
fn by_package_at_200_columns() {
    insta::assert_snapshot!(table(200, Group::Package));
}

#[test]
fn by_severity_at_80_columns() {
    insta::assert_snapshot!(table(80, Group::Severity));
}

#[test]
fn by_severity_at_200_columns() {
    insta::assert_snapshot!(table(200, Group::Severity));
}

#[test]
fn by_severity_at_120_columns() {
    insta::assert_snapshot!(table(120, Group::Severity));
}

#[test]
fn a_clean_folder() {
    insta::assert_snapshot!(render("table", &clean(), &options()));
}

#[test]
fn what_could_be_removed_is_listed_when_asked_for() {
    let options = Options { removable: true, explain_priority: true, width: 120, ..options() };
    let text = render("table", &report(), &options);
    let (_, from) = text.split_once("\nact: CVE-2021-44228 in ").unwrap();
    insta::assert_snapshot!(from);
}

#[test]
fn many_packages_that_could_be_removed_are_counted() {
    let mut report = report();
    let one = report.removable[0].clone();
    report.removable = vec![one; 25];
    let text = render("table", &report, &options()).replace("\n  ", " ");
    let names = ["Django"; 10].join(", ");
    let want = format!(
        "removing 25 packages that nothing uses would save 50 findings: {names} and 15 more; `--removable` lists them"
    );
    assert!(text.contains(&want), "{text}");
}

#[test]
fn lines_are_no_wider_than_the_terminal() {
    let widths = [80, 90, 100, 110, 120, 159, 160, 200].into_iter();
    for (width, group) in widths.flat_map(|width| [(width, Group::Package), (width, Group::Severity)]) {
        for line in table(width, group).lines() {
            assert!(line.chars().count() <= usize::from(width), "{width}: {line}");
        }
    }
}

#[test]
fn nothing_from_the_image_steers_the_terminal() {
    for group in [Group::Package, Group::Severity] {
        let text = table(200, group);
        let steering = |char: char| (char.is_control() && char != '\n') || char == '\u{202e}';
        assert_eq!(text.find(steering), None, "{text}");
        assert!(text.contains("\\u{1b}[2J"), "it is shown as an escape: {text}");
    }
}

#[test]
fn colour_is_used_only_when_asked_for_and_changes_no_word() {
    let colored = render("table", &report(), &Options { color: true, ..options() });
    let plain = render("table", &report(), &options());
    assert!(!plain.contains('\x1b'));
    assert!(colored.contains('\x1b'));
    // Only the sequences that set attributes, and only ours: none of the image's own.
    let mut bare = String::new();
    let mut rest = colored.as_str();
    while let Some((before, after)) = rest.split_once("\x1b[") {
        bare.push_str(before);
        let (codes, after) = after.split_once('m').unwrap();
        assert!(codes.bytes().all(|byte| byte.is_ascii_digit() || byte == b';'), "{codes:?}");
        rest = after;
    }
    bare.push_str(rest);
    assert_eq!(bare, plain);
}

#[test]
fn many_warnings_are_counted() {
    let mut report = report();
    let warning = report.inventory.warnings[0].clone();
    report.inventory.warnings = vec![warning; 50];
    let text = render("table", &report, &options());
    assert_eq!(text.matches("entry 3 has no version").count(), 20);
    assert!(text.contains("warning: 30 more; `--format json` lists them all"));
}
