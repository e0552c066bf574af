//! `assay policy`: from a first policy to tests, simulations, imports and exports.

use super::Place;

const POLICY: &str = "apiVersion: assay.dev/v1\nkind: ImagePolicy\nmetadata: {name: test, owner: security}\nrules:\n  - vulnerabilities: {max: {critical: 0}, fix: fixed}\n  - pinned: {}\n    effect: audit\nexceptions:\n  - {id: E-1, advisories: [CVE-2019-14234], repositories: [registry.example/app], owner: o, reason: r, approvedBy: a, expires: 2100-01-01}\n";

fn place() -> Place {
    let place = Place::new();
    place.write("policy.yaml", POLICY);
    place.layout("layout", &super::image());
    place
}

#[test]
fn profiles_are_policies_to_begin_with() {
    let place = Place::new();
    for profile in ["baseline", "production", "regulated"] {
        let file = format!("{profile}.yaml");
        let init = ["policy", "init", "--profile", profile, "--output", &file];
        assert_eq!(place.run(&init).code, 0);
        assert_eq!(place.run(&init).code, 2, "it is there already");
        let ran = place.run(&["policy", "check", &file]);
        // The keys that the stricter ones name have to be made first.
        assert_eq!(ran.code, if profile == "baseline" { 0 } else { 2 }, "{}{}", ran.stdout, ran.stderr);
    }
    assert_eq!(place.run(&["policy", "init", "--profile", "none"]).code, 2);
}

#[test]
fn all_mistakes_are_told() {
    let place = Place::new();
    place.write(
        "policy.yaml",
        "apiVersion: assay.dev/v1\nkind: ImagePolicy\nrules:\n  - secret: {}\n  - pinned: {x: 1}\n",
    );
    let ran = place.run(&["policy", "check"]);
    assert_eq!(ran.code, 2);
    assert_eq!(
        ran.stderr,
        "error: `policy.yaml` line 4, column 5: a rule has no key `secret`\n  also: `policy.yaml` line 5, column 14: `pinned` has no key `x`\nhint: did you mean `secrets`?\n"
    );
}

#[test]
fn tests_say_what_differs() {
    let place = place();
    assert_eq!(place.run(&["scan", "oci:layout:app", "--format", "json", "--output", "report.json"]).code, 0);
    let case = |verdict: &str, deny: &str| {
        format!(
            "policy: policy.yaml\ncases:\n  - name: an old Django\n    report: report.json\n    source: registry.example/other:1\n    now: 2023-11-15\n    expect: {{verdict: {verdict}, deny: [{deny}], audit: [pinned]}}\n  - name: an excepted one\n    report: report.json\n    source: registry.example/app:1\n    now: 2023-11-15\n    expect: {{verdict: admit, exceptions: {{E-1: used}}}}\n"
        )
    };
    place.write("good.yaml", case("deny", "vulnerabilities"));
    let ran = place.run(&["policy", "test", "good.yaml"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (0, "2 passed, 0 failed\n"), "{}", ran.stderr);
    place.write("bad.yaml", case("admit", "secrets"));
    let ran = place.run(&["policy", "test", "bad.yaml"]);
    assert_eq!(ran.code, 1);
    for want in [
        "bad.yaml: an old Django",
        "expected admit, got deny",
        "expected `secrets` to deny",
        "1 passed, 1 failed",
    ] {
        assert!(ran.stdout.contains(want), "{want}: {}", ran.stdout);
    }
    assert_eq!(place.run(&["policy", "test", "policy.yaml"]).code, 2);
}

#[test]
fn a_simulation_counts_what_would_be_blocked() {
    let place = place();
    std::fs::create_dir(place.path("reports")).unwrap();
    for name in ["one", "two"] {
        let file = format!("reports/{name}.json");
        assert_eq!(place.run(&["scan", "oci:layout:app", "--format", "json", "--output", &file]).code, 0);
    }
    place.write("reports/other.json", "{}");
    place.write(
        "mild.yaml",
        "apiVersion: assay.dev/v1\nkind: ImagePolicy\nrules:\n  - malware: {}\n    effect: audit\n",
    );
    let simulate = ["policy", "simulate", "policy.yaml", "--reports", "reports", "--against", "mild.yaml"];
    let ran = place.run(&simulate);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(
        ran.stdout.starts_with("would block 2 of 2, warn about 0, admit 0\nthis change would block 2 more"),
        "{}",
        ran.stdout
    );
    assert!(
        ran.stdout.contains("deny  vulnerabilities: 2") && ran.stdout.contains("left out "),
        "{}",
        ran.stdout
    );
    let ran = place.run(&[&simulate[..], &["--format", "json", "--without", "vulnerabilities"]].concat());
    let json: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!((&json["images"], &json["deny"]), (&2.into(), &0.into()));
    assert_eq!(place.run(&[&simulate[..], &["--without", "nothing"]].concat()).code, 2);
}

#[test]
fn rules_are_explained_alone_and_on_an_image() {
    let place = place();
    assert!(place.run(&["policy", "explain"]).stdout.contains("vulnerabilities"));
    assert!(
        place.run(&["policy", "explain", "signed"]).stdout.contains("atLeast (whole number, otherwise 1)")
    );
    assert_eq!(place.run(&["policy", "explain", "sign"]).code, 2);
    let ran = place.run(&["policy", "explain", "--policy", "policy.yaml", "oci:layout:app"]);
    assert!(ran.stdout.starts_with("deny oci:layout:app\n"), "{}{}", ran.stdout, ran.stderr);
    assert!(ran.stdout.contains("critical CVE-2019-14234"), "{}", ran.stdout);
}

#[test]
fn policies_come_from_and_go_to_other_tools() {
    let place = place();
    place.write(".trivyignore", "# accepted\nCVE-2019-14234 exp:2100-01-01\nCVE-1\n");
    let ran = place.run(&["policy", "import", ".trivyignore", "--output", "imported.yaml"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(ran.stderr.contains("note: `CVE-1` had no end"), "{}", ran.stderr);
    assert_eq!(place.run(&["policy", "check", "imported.yaml"]).code, 0);
    let ran =
        place.run(&["policy", "export", "policy.yaml", "--format", "openvex", "--output", "a.vex.json"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let shown = place.run(&["vex", "show", "a.vex.json"]);
    assert!(shown.stdout.contains("CVE-2019-14234  affected by security"), "{}", shown.stdout);
    let ran = place.run(&["policy", "export", "policy.yaml", "--format", "validating-admission-policy"]);
    assert!(ran.stdout.contains("kind: ValidatingAdmissionPolicy\n"), "{}", ran.stdout);
    assert!(ran.stderr.contains("`vulnerabilities` needs more than the pod"), "{}", ran.stderr);
    assert_eq!(place.run(&["policy", "import", "policy.yaml"]).code, 2);
}

#[test]
fn the_schema_is_printed() {
    let ran = Place::new().run(&["policy", "schema"]);
    let schema: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(schema["title"], "A policy of Assay");
}
