//! From a lockfile or a package's record to a finding, for each ecosystem of which one file is enough: the vulnerable version is
//! found, the fixed one is not.

use crate::{Place, json};
use serde_json::{Value, json};

/// Ecosystem and name of the advisory, which is fixed in 2.0.0; the file; its content, in which `{V}` is the version.
const FILES: &[(&str, &str, &str, &str)] = &[
    (
        "Hex",
        "cowboy",
        "mix.lock",
        r#"%{ "cowboy": {:hex, :cowboy, "{V}", "ab", [:rebar3], [], "hexpm", "cd"} }"#,
    ),
    ("Hex", "ranch", "rebar.lock", r#"{"1.2.0",[{<<"ranch">>,{pkg,<<"ranch">>,<<"{V}">>},0}]}."#),
    ("Hex", "plug", "lib/plug/ebin/plug.app", r#"{application,plug,[{vsn,"{V}"}]}."#),
    (
        "Pub",
        "http",
        "pubspec.lock",
        "packages:\n  http: {dependency: direct main, source: hosted, version: \"{V}\"}\n",
    ),
    (
        "SwiftURL",
        "github.com/apple/swift-nio",
        "Package.resolved",
        r#"{"pins":[{"location":"https://github.com/apple/swift-nio.git","state":{"version":"{V}"}}],"version":2}"#,
    ),
    ("Hackage", "aeson", "cabal.project.freeze", "constraints: any.aeson =={V}\n"),
    (
        "CRAN",
        "commonmark",
        "lib/R/commonmark/DESCRIPTION",
        "Package: commonmark\nVersion: {V}\nBuilt: R 4.2.2\n",
    ),
    ("CRAN", "markdown", "renv.lock", r#"{"Packages":{"markdown":{"Package":"markdown","Version":"{V}"}}}"#),
    ("ConanCenter", "zlib", "conan.lock", r#"{"version":"0.5","requires":["zlib/{V}#0a"]}"#),
    ("Julia", "HTTP", "Manifest.toml", "[[deps.HTTP]]\nuuid = \"cd3eb016\"\nversion = \"{V}\"\n"),
    ("opam", "cohttp", "app.opam.locked", "depends: [ \"cohttp\" {= \"{V}\"} ]\n"),
    (
        "GitHub Actions",
        "tj-actions/changed-files",
        ".github/workflows/ci.yml",
        "jobs: {a: {steps: [{uses: tj-actions/changed-files@{V}}]}}\n",
    ),
    (
        "Bitnami",
        "redis",
        "opt/bitnami/.bitnami_components.json",
        r#"{"redis":{"arch":"amd64","version":"{V}-3"}}"#,
    ),
    (
        "Maven",
        "com.google.guava:guava",
        "maven_install.json",
        r#"{"artifacts":{"com.google.guava:guava":{"version":"{V}"}}}"#,
    ),
    ("npm", "chalk", "deno.lock", r#"{"version":"4","npm":{"chalk@{V}":{}}}"#),
    // A Conda package is judged as the Python distribution that it carries, whatever it is called itself.
    (
        "PyPI",
        "torch",
        "env/conda-meta/pytorch-cpu-{V}-py_0.json",
        r#"{"name":"pytorch-cpu","version":"{V}","files":["lib/python3.10/site-packages/torch-{V}.dist-info/METADATA"]}"#,
    ),
];

fn advisory(index: usize, ecosystem: &str, name: &str) -> String {
    let events = json!([{"introduced": "0"}, {"fixed": "2.0.0"}]);
    let affected = json!([{"package": {"ecosystem": ecosystem, "name": name},
        "ranges": [{"type": "ECOSYSTEM", "events": events}]}]);
    json!({"id": format!("OWN-{index}"), "modified": "2023-01-01T00:00:00Z", "affected": affected})
        .to_string()
}

#[test]
fn a_vulnerable_version_is_found_and_the_fixed_one_is_not() {
    let place = Place::new();
    for (index, (ecosystem, name, ..)) in FILES.iter().enumerate() {
        place.write(&format!("ours/OWN-{index}.json"), advisory(index, ecosystem, name));
    }
    assert_eq!(place.run(&["db", "build", "--from", "ours", "--out", "own.db"]).code, 0);
    for (version, vulnerable) in [("1.9.3", true), ("2.0.0", false)] {
        let folder = format!("project-{version}");
        for (_, _, path, content) in FILES {
            place.write(
                &format!("{folder}/{}", path.replace("{V}", version)),
                content.replace("{V}", version),
            );
        }
        // The same distribution by its own metadata: it is Conda's, and not counted twice.
        let metadata = format!("env/lib/python3.10/site-packages/torch-{version}.dist-info/METADATA");
        place.write(&format!("{folder}/{metadata}"), format!("Name: torch\nVersion: {version}\n"));

        let source = format!("dir:{folder}");
        let ran = place.run(&["scan", &source, "--db", "own.db", "--output", "json=out/report.json"]);
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        let report = json(&place.path("out/report.json"));
        let texts = |list: &str, key: &str| -> Vec<String> {
            let list = report[list].as_array().unwrap();
            let mut texts: Vec<String> =
                list.iter().filter_map(|it| it[key].as_str()).map(str::to_owned).collect();
            texts.sort();
            texts
        };
        let mut want: Vec<String> = (0..FILES.len()).map(|index| format!("OWN-{index}")).collect();
        want.sort();
        want.retain(|_| vulnerable);
        assert_eq!(texts("findings", "rule"), want, "{version}");
        assert_eq!(
            report["packages"].as_array().unwrap().len(),
            FILES.len(),
            "{:?}",
            texts("packages", "purl")
        );
        assert_eq!(report["warnings"], json!([]), "{version}");
    }
}

#[test]
fn packages_of_which_no_feed_speaks_are_unassessed() {
    let place = Place::new();
    for (path, content) in [
        ("root/var/db/pkg/app-arch/xz-utils-5.4.1/CONTENTS", ""),
        ("root/var/db/pkg/app-arch/xz-utils-5.4.1/LICENSE", "public-domain LGPL-2.1+\n"),
        ("root/usr/lib/opkg/status", "Package: busybox\nVersion: 1.36.1-1\n"),
        ("root/nix/store/0c2f4b2bd1e9b1ff3e6e4f2b0a4c8b2f-curl-8.4.0/lib/pkgconfig/libcurl.pc", ""),
        ("root/home/Cellar/curl/8.6.0/INSTALL_RECEIPT.json", "{}"),
        (
            "root/srv/.terraform.lock.hcl",
            "provider \"registry.terraform.io/hashicorp/aws\" {\n version = \"5.31.0\"\n}\n",
        ),
        (
            "root/srv/wp-content/plugins/akismet/akismet.php",
            "<?php\n/* Plugin Name: Akismet\n * Version: 5.3.1\n */",
        ),
        (
            "root/srv/cpanfile.snapshot",
            "DISTRIBUTIONS\n  Plack-1.0047\n    pathname: M/MI/MIYAGAWA/Plack-1.0047.tar.gz\n",
        ),
        ("root/srv/rocks-5.1/lpeg/1.0.2-1/lpeg-1.0.2-1.rockspec", ""),
    ] {
        place.write(path, content);
    }
    let ran = place.run(&["scan", "dir:root", "--output", "json=out/report.json"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let report = json(&place.path("out/report.json"));
    let licensed = report["packages"].as_array().unwrap().iter().find(|it| it["name"] == "app-arch/xz-utils");
    assert_eq!(licensed.unwrap()["licenses"], json!(["public-domain LGPL-2.1+"]));
    let mut purls: Vec<&str> =
        report["packages"].as_array().unwrap().iter().filter_map(|it| it["purl"].as_str()).collect();
    purls.sort_unstable();
    assert_eq!(
        purls,
        [
            "pkg:brew/curl@8.6.0",
            "pkg:cpan/MIYAGAWA/Plack@1.0047",
            "pkg:ebuild/app-arch/xz-utils@5.4.1",
            "pkg:luarocks/lpeg@1.0.2-1",
            "pkg:nix/curl@8.4.0",
            "pkg:opkg/busybox@1.36.1-1",
            "pkg:terraform/registry.terraform.io/hashicorp/aws@5.31.0",
            "pkg:wordpress-plugin/akismet@5.3.1",
        ]
    );
    assert_eq!(report["summary"]["unassessed"], Value::from(purls.len()));
}
