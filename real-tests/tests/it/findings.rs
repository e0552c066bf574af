//! The vulnerabilities that are known to be in the corpus are found: with fix, file, layer and build instruction.
//!
//! The database is built from the full feeds; the pairs of package and advisory are the spot checks of the feeds' manifest.

use crate::report::{assay, corpus_report, created_by, database, list, text};
use serde_json::Value;

/// A finding that must be there.
struct Expected {
    image: &'static str,
    /// The beginning of the package's purl.
    package: &'static str,
    /// The CVE, which is the finding's name.
    rule: &'static str,
    /// The advisory that says so, in the evidence.
    advisory: &'static str,
    fixed: &'static str,
    path: &'static str,
    /// The beginning of the layer's build instruction.
    created_by: &'static str,
}

const DPKG: &str = "var/lib/dpkg/status";
const RPM_SQLITE: &str = "var/lib/rpm/rpmdb.sqlite";
const APK: &str = "lib/apk/db/installed";
const WOLFI: &str = "usr/lib/apk/db/installed";
const VENV: &str = "RUN /bin/sh -c /opt/venv/bin/pip install";
const SYNTHETIC: &str = "/bin/sh -c #(nop) ADD file:";

const EXPECTED: &[Expected] = &[
    Expected {
        image: "java-app",
        package: "pkg:maven/org.apache.logging.log4j/log4j-core@2.14.1",
        rule: "CVE-2021-44228",
        advisory: "GHSA-jfh8-c2jp-5v3q",
        fixed: "2.17.1",
        path: "app/orders.jar!/BOOT-INF/lib/log4j-core-2.14.1.jar",
        created_by: "COPY target/orders-1.8.0.jar /app/orders.jar # buildkit",
    },
    Expected {
        image: "java-app",
        package: "pkg:maven/org.springframework/spring-beans@5.3.17",
        rule: "CVE-2022-22965",
        advisory: "GHSA-36p3-wjmg-h94x",
        fixed: "5.3.18",
        path: "app/orders.jar!/BOOT-INF/lib/spring-beans-5.3.17.jar",
        created_by: "COPY target/orders-1.8.0.jar /app/orders.jar # buildkit",
    },
    Expected {
        image: "python-app",
        package: "pkg:pypi/django@3.2.13",
        rule: "CVE-2022-34265",
        advisory: "PYSEC-2022-213",
        fixed: "3.2.14",
        path: "opt/venv/lib/python3.11/site-packages/Django-3.2.13.dist-info/METADATA",
        created_by: VENV,
    },
    Expected {
        image: "python-app",
        package: "pkg:pypi/jinja2@3.1.2",
        rule: "CVE-2024-22195",
        advisory: "PYSEC-2026-1473",
        fixed: "3.1.3",
        path: "opt/venv/lib/python3.11/site-packages/Jinja2-3.1.2.dist-info/METADATA",
        created_by: VENV,
    },
    Expected {
        image: "node-app",
        package: "pkg:npm/lodash@4.17.20",
        rule: "CVE-2021-23337",
        advisory: "CVE-2021-23337",
        fixed: "4.17.21",
        path: "srv/shop-front/node_modules/lodash/package.json",
        created_by: "RUN /bin/sh -c npm ci --ignore-scripts --omit=dev # buildkit",
    },
    Expected {
        image: "node-app",
        package: "pkg:npm/minimist@1.2.5",
        rule: "CVE-2021-44906",
        advisory: "GHSA-xvch-5gv4-984h",
        fixed: "1.2.6",
        path: "srv/shop-front/node_modules/minimist/package.json",
        created_by: "RUN /bin/sh -c npm ci --ignore-scripts --omit=dev # buildkit",
    },
    Expected {
        image: "go-app",
        package: "pkg:golang/golang.org/x/net@v0.16.0",
        rule: "CVE-2023-39325",
        advisory: "GO-2023-2102",
        fixed: "0.17.0",
        path: "gateway",
        created_by: "COPY ",
    },
    Expected {
        image: "rust-app",
        package: "pkg:cargo/regex@1.5.4",
        rule: "CVE-2022-24713",
        advisory: "RUSTSEC-2022-0013",
        fixed: "1.5.5",
        path: "usr/local/bin/ledger",
        created_by: "COPY target/release/ledger /usr/local/bin/ledger # buildkit",
    },
    Expected {
        image: "rust-app",
        package: "pkg:cargo/smallvec@1.6.0",
        rule: "CVE-2021-25900",
        advisory: "RUSTSEC-2021-0003",
        fixed: "1.6.1",
        path: "usr/local/bin/ledger",
        created_by: "COPY target/release/ledger /usr/local/bin/ledger # buildkit",
    },
    Expected {
        image: "rust-app",
        package: "pkg:cargo/time@0.2.22",
        rule: "CVE-2020-26235",
        advisory: "RUSTSEC-2020-0071",
        fixed: "0.2.23",
        path: "usr/local/bin/ledger",
        created_by: "COPY target/release/ledger /usr/local/bin/ledger # buildkit",
    },
    // Debian names source packages, so each binary package of openssl has the finding.
    Expected {
        image: "debian11-synthetic",
        package: "pkg:deb/debian/openssl@1.1.1k-1%2Bdeb11u1",
        rule: "CVE-2022-0778",
        advisory: "DSA-5103-1",
        fixed: "1.1.1k-1+deb11u2",
        path: DPKG,
        created_by: SYNTHETIC,
    },
    Expected {
        image: "debian11-synthetic",
        package: "pkg:deb/debian/libssl1.1@1.1.1k-1%2Bdeb11u1",
        rule: "CVE-2022-0778",
        advisory: "DSA-5103-1",
        fixed: "1.1.1k-1+deb11u2",
        path: DPKG,
        created_by: SYNTHETIC,
    },
    Expected {
        image: "debian11-synthetic",
        package: "pkg:deb/debian/xvfb@1.20.11-1%2Bdeb11u5",
        rule: "CVE-2023-1393",
        advisory: "DSA-5380-1",
        fixed: "2:1.20.11-1+deb11u6",
        path: DPKG,
        created_by: SYNTHETIC,
    },
    Expected {
        image: "rpm-sqlite",
        package: "pkg:rpm/almalinux/openssl@3.0.1-42.el9_0",
        rule: "CVE-2022-3602",
        advisory: "ALSA-2022:7288",
        fixed: "1:3.0.1-43.el9_0",
        path: RPM_SQLITE,
        created_by: SYNTHETIC,
    },
    Expected {
        image: "rpm-bdb",
        package: "pkg:rpm/almalinux/sudo@1.8.29-8.el8",
        rule: "CVE-2023-22809",
        advisory: "ALSA-2023:0284",
        fixed: "1.8.29-8.el8_7.1",
        path: "var/lib/rpm/Packages",
        created_by: SYNTHETIC,
    },
    Expected {
        image: "wolfi-synthetic",
        package: "pkg:apk/wolfi/zlib@1.2.12-r0",
        rule: "CVE-2022-37434",
        advisory: "CGA-x22h-f4m4-2grc",
        fixed: "1.2.13-r1",
        path: WOLFI,
        created_by: "ADD file:9d2a64ef0b1c5377e8f1 in / # buildkit",
    },
    Expected {
        image: "wolfi-synthetic",
        package: "pkg:apk/wolfi/curl@8.3.0-r0",
        rule: "CVE-2023-38545",
        advisory: "CGA-h26h-2qmg-crpw",
        fixed: "8.4.0-r0",
        path: WOLFI,
        created_by: "ADD file:9d2a64ef0b1c5377e8f1 in / # buildkit",
    },
    Expected {
        image: "alpine-synthetic",
        package: "pkg:apk/alpine/libssl1.1@1.1.1d-r2",
        rule: "CVE-2019-1551",
        advisory: "CVE-2019-1551",
        fixed: "1.1.1d-r3",
        path: APK,
        created_by: "ADD file:9d2a64ef0b1c5377e8f1 in / # buildkit",
    },
    Expected {
        image: "ruby-php-dotnet",
        package: "pkg:nuget/log4net@2.0.9",
        rule: "CVE-2018-1285",
        advisory: "CVE-2018-1285",
        fixed: "2.0.10",
        path: "srv/billing/Billing.deps.json",
        created_by: "COPY --from=publish /app /srv/billing # buildkit",
    },
];

#[test]
fn known_vulnerabilities_of_the_corpus_are_found() {
    let mut images: Vec<&str> = EXPECTED.iter().map(|expected| expected.image).collect();
    images.dedup();
    let mut failures = Vec::new();
    for image in images {
        let Some(report) = corpus_report(image) else { continue };
        let expected = EXPECTED.iter().filter(|expected| expected.image == image);
        failures.extend(expected.filter_map(|expected| missing(&report, expected)));
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// Says what is not as expected.
fn missing(report: &Value, expected: &Expected) -> Option<String> {
    let Expected { image, package, rule, advisory, fixed, path, created_by: by } = expected;
    let found = list(report, "findings")
        .iter()
        .find(|finding| text(finding, "package").starts_with(package) && text(finding, "rule") == *rule);
    let Some(finding) = found else { return Some(format!("{image}: no {rule} of {package}")) };
    let matches = list(&finding["evidence"], "matches");
    let location = list(finding, "locations").first()?;
    let facts = [
        ("state", finding["kind"] == "vulnerability" && finding["status"] == "open"),
        ("advisory", matches.iter().any(|one| text(one, "advisory") == *advisory)),
        ("fix", finding["fix"]["state"] == "fixed"),
        ("fixed version", list(&finding["fix"], "versions").iter().any(|version| version == fixed)),
        ("remediation", text(finding, "remediation").contains(fixed)),
        ("file", text(location, "path") == *path),
        ("layer", text(location, "layer").starts_with("sha256:")),
        ("instruction", created_by(report, &location["layer"]).starts_with(by)),
    ];
    let wrong: Vec<&str> = facts.into_iter().filter(|(_, right)| !right).map(|(what, _)| what).collect();
    (!wrong.is_empty())
        .then(|| format!("{image}: {rule} of {package}: wrong {}: {finding:#}", wrong.join(", ")))
}

/// The feeds hold nothing for these, and nothing found must not look like nothing wrong.
#[test]
fn what_no_feed_covers_is_unassessed_and_not_clean() {
    for (image, ecosystem, packages) in [("debian-minimal", "Debian:12", 96), ("rpm-ndb", "SUSE:15.4", 8)] {
        let Some(report) = corpus_report(image) else { return };
        let coverage = list(&report, "coverage");
        let [only] = coverage else { panic!("{image}: {coverage:?}") };
        assert_eq!((text(only, "ecosystem"), text(only, "state")), (ecosystem, "none"), "{image}");
        assert_eq!(only["packages"], packages, "{image}");
        assert_eq!(report["summary"]["unassessed"], packages, "{image}");
        assert_eq!(report["summary"]["packages"], packages, "{image}");
        let (folder, database) =
            (real_tests::corpus(image).unwrap(), database().unwrap().display().to_string());
        let source = format!("oci:{}", folder.join("oci").display());
        let shown = assay(&["scan", &source, "--db", &database]);
        let shown = String::from_utf8(shown.stdout).unwrap();
        assert!(shown.contains("not assessed") && shown.contains(ecosystem), "{shown}");
    }
}

/// A finding that several feeds report under one identifier is one finding of the package.
#[test]
fn one_vulnerability_of_a_package_is_one_finding() {
    for image in ["python-app", "wolfi-synthetic", "debian11-synthetic", "rpm-sqlite"] {
        let Some(report) = corpus_report(image) else { return };
        let mut seen = std::collections::BTreeMap::new();
        for finding in list(&report, "findings") {
            let aliases = list(finding, "aliases").iter().map(|alias| alias.as_str().unwrap());
            for name in aliases.chain([text(finding, "rule")]).filter(|name| name.starts_with("CVE-")) {
                let other = seen.insert((text(finding, "package").to_owned(), name.to_owned()), finding);
                assert!(other.is_none(), "{image}: {name} twice: {finding:#} {other:#?}");
            }
        }
    }
}

/// `--fail-on` decides the exit code, display filters do not.
#[test]
fn the_exit_code_says_that_a_threshold_was_crossed() {
    let (Some(folder), Some(database)) = (real_tests::corpus("java-app"), database()) else { return };
    let (source, database) =
        (format!("oci:{}", folder.join("oci").display()), database.display().to_string());
    let code = |more: &[&str]| {
        assay(&[&["scan", &source, "--db", &database, "--format", "json"], more].concat()).status.code()
    };
    assert_eq!(code(&[]), Some(0));
    assert_eq!(code(&["--fail-on", "critical"]), Some(1));
    assert_eq!(code(&["--fail-on", "fixed"]), Some(1));
    assert_eq!(code(&["--fail-on", "critical", "--severity", "low"]), Some(1));
}

/// The last step of `.ci/run` asks this of our own lockfile; here it must fail.
#[test]
fn a_lockfile_with_vulnerable_crates_fails_the_gate() {
    let (Some(folder), Some(database)) = (real_tests::corpus("rust-app"), database()) else { return };
    let lockfile = folder.join("oracle/Cargo.lock").display().to_string();
    let database = database.display().to_string();
    let done = assay(&["scan", &lockfile, "--db", &database, "--fail-on", "fixed"]);
    let shown = String::from_utf8(done.stdout).unwrap();
    assert_eq!(done.status.code(), Some(1), "{shown}");
    assert!(shown.contains("CVE-2022-24713") && shown.contains("1.5.5"), "{shown}");
}
