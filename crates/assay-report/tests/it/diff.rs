//! What changed between two reports.

use crate::sample::report;
use assay_model::finding::{Suppression, SuppressionState};
use assay_model::{PackageKind, Report, Severity};
use assay_report::diff::{DiffFormat, Side, SideKind, diff, write_diff};

fn render(old: &Report, new: &Report, format: DiffFormat) -> String {
    let side = |report| Side { kind: SideKind::Image, report };
    let mut bytes = Vec::new();
    write_diff(&diff(side(old), side(new)), format, &mut bytes).unwrap();
    String::from_utf8(bytes).unwrap()
}

/// A package upgraded, one removed, one added; a finding gone, one new, one changed, one suppressed; a layer and settings changed.
fn next() -> Report {
    let mut report = report();
    let packages = &mut report.inventory.packages;
    let django = packages.iter().position(|package| package.name == "Django").unwrap();
    packages[django].version = "3.2.13".into();
    let mut added = packages[django].clone();
    (added.kind, added.name, added.version) = (PackageKind::Npm, "left-pad".into(), "1.0".into());
    packages.push(added);
    report.findings.remove(1);
    report.findings[0].severity = Severity::Low;
    let mut new = report.findings[0].clone();
    (new.id, new.rule) = ("new".into(), "CVE-2030-1".into());
    report.findings.push(new);
    report.findings[1].suppression = Some(Suppression {
        state: SuppressionState::NotAffected,
        source: "a.json".into(),
        author: "Team".into(),
        reason: "not built in".into(),
        issued: None,
    });
    let image = &mut report.image;
    image.layers.pop();
    let mut layer = image.layers[0].clone();
    layer.diff_id = format!("sha256:{}", "9".repeat(64)).parse().ok();
    image.layers.push(layer);
    image.config.user = "root".into();
    image.config.env = vec!["PATH=/usr/bin:/bin".into(), "PASSWORD=hunter2".into()];
    image.labels.insert("version".into(), "<b>2</b> | @all".into());
    report
}

#[test]
fn table() {
    insta::assert_snapshot!(render(&report(), &next(), DiffFormat::Table));
}

#[test]
fn json() {
    insta::assert_snapshot!(render(&report(), &next(), DiffFormat::Json));
}

#[test]
fn markdown() {
    insta::assert_snapshot!(render(&report(), &next(), DiffFormat::Markdown));
}

#[test]
fn values_of_the_environment_are_not_told() {
    for format in [DiffFormat::Table, DiffFormat::Json, DiffFormat::Markdown] {
        assert!(!render(&report(), &next(), format).contains("hunter2"));
    }
}

#[test]
fn a_report_does_not_differ_from_itself() {
    let text = render(&report(), &report(), DiffFormat::Table);
    assert!(text.contains("no package, finding or setting changed"), "{text}");
}

#[test]
fn changing_sides_turns_additions_into_removals() {
    let side = |report| Side { kind: SideKind::Image, report };
    let (old, new) = (report(), next());
    let (there, back) = (diff(side(&old), side(&new)), diff(side(&new), side(&old)));
    let count = |changes: &[assay_report::diff::ChangedPackage], name: &str| {
        changes.iter().filter(|one| one.change.name() == name).count()
    };
    assert_eq!(count(&there.packages, "added"), count(&back.packages, "removed"));
    assert_eq!(count(&there.packages, "upgraded"), count(&back.packages, "downgraded"));
    assert_eq!(there.findings.len(), back.findings.len());
}
