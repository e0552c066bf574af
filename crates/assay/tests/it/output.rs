//! Where reports go, and that they are always the same.

use crate::{Place, image, json};
use std::fs;

fn place() -> Place {
    let place = Place::new();
    place.layout("image", &image());
    place
}

#[test]
fn the_table_goes_to_standard_output() {
    let place = place();
    insta::assert_snapshot!(place.shown(&place.run(&["scan", "oci:image"])));
}

#[test]
fn the_table_may_be_grouped_by_severity() {
    let place = place();
    insta::assert_snapshot!(place.shown(&place.run(&[
        "scan",
        "oci:image",
        "--group-by",
        "severity",
        "--only-fixed"
    ])));
}

#[test]
fn a_named_file_takes_the_place_of_standard_output() {
    let place = place();
    let ran = place.run(&["scan", "oci:image", "--format", "json", "--output", "out/report.json"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (0, ""));
    assert_eq!(json(&place.path("out/report.json"))["summary"]["findings"], 2);
}

#[test]
fn files_in_other_formats_come_beside_it() {
    let place = place();
    let outputs =
        ["--output", "json=out/a.json", "--output", "sarif=out/b.sarif", "--output", "table=out/c.txt"];
    let ran = place.run(&[&["scan", "oci:image"], &outputs[..]].concat());
    assert!(ran.stdout.contains("2 findings: 1 critical, 1 high"), "{}", ran.stdout);
    assert_eq!(json(&place.path("out/a.json"))["schema"], "assay.report/v1");
    assert_eq!(json(&place.path("out/b.sarif"))["version"], "2.1.0");
    assert!(!fs::read_to_string(place.path("out/c.txt")).unwrap().contains('\x1b'));
}

#[test]
fn a_report_replaces_an_older_one_and_a_name_may_hold_an_equals_sign() {
    let place = place();
    place.write("out/a=b.json", "old");
    assert_eq!(place.run(&["scan", "oci:image", "--format", "json", "--output", "out/a=b.json"]).code, 0);
    assert_eq!(json(&place.path("out/a=b.json"))["complete"], true);
    assert_eq!(fs::read_dir(place.path("out")).unwrap().count(), 1);
}

#[test]
fn a_report_that_cannot_be_written_is_an_error() {
    let place = place();
    // Even root cannot make files there.
    for target in ["nowhere/report.json", "test.db/report.json", "/proc/report.json"] {
        let ran = place.run(&["scan", "oci:image", "--output", target]);
        assert_eq!(ran.code, 2, "{target}");
        insta::allow_duplicates! {
            let stderr = ran.stderr.replace(target, "[TARGET]");
            let first = stderr.lines().next().unwrap();
            insta::assert_snapshot!(first, @"error: cannot write `[TARGET]`");
        }
        assert!(ran.stderr.contains("  caused by: ") && ran.stderr.contains("hint: "), "{}", ran.stderr);
    }
}

#[test]
fn two_runs_are_the_same() {
    let place = place();
    for format in ["table", "json", "sarif"] {
        let run = || place.run(&["scan", "oci:image", "--format", format]).stdout;
        assert_eq!(run(), run(), "{format}");
    }
}

#[test]
fn the_same_image_gives_the_same_report_from_every_form_of_it() {
    let place = place();
    place.write("docker.tar", image().docker_archive("app:1"));
    place.write("new.tar", image().docker_oci_archive("app:1"));
    place.write("oci.tar", image().oci_archive("app"));
    let report = |source: &str| {
        let ran = place.run(&["scan", source, "--format", "json"]);
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        let mut report: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
        report["source"].take();
        report
    };
    let first = report("oci:image");
    for source in
        ["docker-archive:docker.tar", "oci-archive:oci.tar", "docker.tar", "new.tar", "oci.tar", "image"]
    {
        assert_eq!(report(source), first, "{source}");
    }
}

#[test]
fn colour_is_for_terminals_only() {
    let place = place();
    assert!(!place.run_with(&["scan", "oci:image"], &[("TERM", "xterm-256color")]).stdout.contains('\x1b'));
}

#[test]
fn several_sources_are_reported_one_after_the_other() {
    let place = place();
    let ran = place.run(&["scan", "oci:image", "image"]);
    assert_eq!(ran.stdout.matches("2 findings").count(), 2);
    insta::assert_snapshot!(place.refused(&["scan", "oci:image", "image"]), @r"
    error: several sources cannot share one document or output file
    hint: scan them one by one
    ");
}

#[test]
fn a_template_of_the_users_is_a_format() {
    let place = place();
    place.write("own.txt", "{{ source.kind }}{% for one in findings %} {{ one.rule }}{% endfor %}\n");
    let ran = place.run(&["scan", "oci:image", "--format", "template", "--template", "own.txt"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (0, "oci CVE-2019-14234 CVE-2022-4450\n"));
    assert!(place.refused(&["scan", "oci:image", "--format", "template"]).contains("`--template FILE`"));
    place.write("bad.txt", "{{ nothing }}");
    let stderr = place.refused(&["scan", "oci:image", "--format", "template", "--template", "bad.txt"]);
    assert!(stderr.contains("line 1 of `bad.txt`"), "{stderr}");
}

#[test]
fn shells_and_manuals_know_every_command() {
    let place = place();
    for shell in ["bash", "zsh", "fish"] {
        let ran = place.run(&["completions", shell]);
        assert!(ran.code == 0 && ran.stdout.contains("explain"), "{shell}");
    }
    assert!(place.run(&["man"]).stdout.contains(".TH assay 1"));
    assert_eq!(place.run(&["man", "--output", "out"]).code, 0);
    assert!(fs::read_to_string(place.path("out/assay-scan.1")).unwrap().contains("fail\\-on"));
}
