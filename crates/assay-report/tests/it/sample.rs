//! The report that is rendered: an image with every kind of finding, package, warning and coverage.

use assay_model::finding::{Decision, Epss, FindingKind, Kev, Suppression, SuppressionState};
use assay_model::observation::Topic;
use assay_model::removable::{Removable, RemovalReason};
use assay_model::report::{Coverage, CoverageState, DatabaseStatus, FeedStatus, SourceKind};
use assay_model::{
    Context, Cvss, Detail, DiffId, Digest, Evidence, Finding, FixState, Image, Inventory, Layer, Leftover,
    Location, Observation, Origin, Os, Package, PackageKind, Place, Priority, Report, Severity,
    SourcePackage, Timestamp, Usage, Warning, distro,
};

/// Returns a digest whose digits are all the same.
fn digest(digit: char) -> Digest {
    format!("sha256:{}", String::from(digit).repeat(64)).parse().unwrap()
}

fn day(text: &str) -> Option<Timestamp> {
    Some(format!("{text}T00:00:00Z").parse().unwrap())
}

fn layer(digit: char, created_by: Option<&str>) -> Layer {
    Layer {
        diff_id: Some(DiffId(digest(digit))),
        digest: Some(digest(char::from_u32(u32::from(digit) + 3).unwrap())),
        size: Some(1000),
        media_type: "application/vnd.oci.image.layer.v1.tar+gzip".into(),
        annotations: std::collections::BTreeMap::new(),
        created_by: created_by.map(str::to_owned),
    }
}

fn image() -> Image {
    Image {
        reference: "registry.example/team/app:1.4".into(),
        index_digest: Some(digest('e')),
        manifest_digest: Some(digest('d')),
        image_id: Some(digest('c')),
        platform: Some("linux/amd64".parse().unwrap()),
        created: day("2024-02-01"),
        labels: [("org.opencontainers.image.title".to_owned(), "app".to_owned())].into(),
        layers: vec![
            layer('1', Some("/bin/sh -c #(nop) ADD file:0f1e in / ")),
            layer('2', Some("RUN /bin/sh -c pip install -r requirements.txt # buildkit")),
            layer('3', None),
        ],
        ..Image::default()
    }
}

fn package(kind: PackageKind, name: &str, version: &str, places: &[(&str, u32)]) -> Package {
    let mut package = Package::new(kind, name, version);
    package.locations =
        places.iter().map(|(path, layer)| Location { path: (*path).into(), layer: Some(*layer) }).collect();
    package
}

fn packages() -> Vec<Package> {
    let mut openssl =
        package(PackageKind::Deb, "libssl1.1", "1:1.1.1n-0+deb11u3", &[("var/lib/dpkg/status", 0)]);
    openssl.architecture = Some("amd64".into());
    openssl.source = Some(SourcePackage { name: "openssl".into(), version: "1:1.1.1n-0+deb11u3".into() });
    openssl.licenses = vec!["OpenSSL".into()];
    openssl.contains = vec!["pkg:pypi/owned@1.0".into()];
    let mut node =
        package(PackageKind::Rpm, "nodejs", "1:18.1.0-1.module_el9", &[("var/lib/rpm/rpmdb.sqlite", 1)]);
    node.module = Some("nodejs:18:9020:rhel9".into());
    let mut log4j = package(
        PackageKind::Maven,
        "log4j-core",
        "2.14.1",
        &[("srv/app.jar!/BOOT-INF/lib/log4j core.jar", 2)],
    );
    log4j.namespace = Some("org.apache.logging.log4j".into());
    let places =
        [("venv/a/METADATA", 1), ("venv/b/METADATA", 1), ("venv/c/METADATA", 1), ("venv/d/METADATA", 2)];
    let mut django = package(PackageKind::Python, "Django", "2.2.0", &places);
    django.depends_on = vec![2];
    django.usage = Usage::Used;
    let mut hostile = package(
        PackageKind::Npm,
        "evil\x1b[2J\u{202e}name\n",
        "1.0.0<script>",
        &[("app/\x07package-lock.json", 2)],
    );
    hostile.origin = Origin::Declared;
    vec![openssl, node, log4j, django, hostile]
}

/// Describes a finding: package, identifier, severity, state of the fix and fixed versions.
fn finding(package: u32, rule: &str, severity: Severity, fix: FixState, fixed: &[&str]) -> Finding {
    let fixed: Vec<String> = fixed.iter().map(|version| (*version).to_owned()).collect();
    let package_of = &packages()[package as usize];
    Finding {
        id: format!("{:032x}", u128::from(package) << 64 | rule.bytes().map(u128::from).sum::<u128>()),
        kind: FindingKind::Vulnerability,
        rule: rule.into(),
        aliases: Vec::new(),
        title: "A title of ordinary length that says what an attacker could do with the vulnerability".into(),
        severity,
        severity_source: if severity == Severity::Unknown { String::new() } else { "osv".into() },
        cvss: Vec::new(),
        epss: None,
        kev: None,
        exploit: false,
        priority: Some(Priority::Track),
        priority_path: Vec::new(),
        package: Some(package),
        fix,
        fixed_versions: fixed.clone(),
        locations: package_of.locations.iter().map(Place::from).collect(),
        in_base: None,
        evidence: vec![Evidence {
            feed: "osv".into(),
            advisory: rule.into(),
            ecosystem: "PyPI".parse().unwrap(),
            package: package_of.full_name(),
            by_source: false,
            version: package_of.version.clone(),
            range: "all versions".into(),
            fixed,
            state: fix,
            severity: Some(severity),
        }],
        details: Vec::new(),
        remediation: format!("upgrade `{}`", package_of.full_name()),
        suppression: None,
    }
}

/// Describes a finding that is about no package.
fn detected(kind: FindingKind, rule: &str, severity: Severity, places: Vec<Place>) -> Finding {
    Finding {
        id: format!("{:032x}", rule.bytes().map(u128::from).sum::<u128>()),
        kind,
        title: format!("what `{rule}` is about"),
        severity_source: "assay".into(),
        package: None,
        evidence: Vec::new(),
        locations: places,
        remediation: format!("mend `{rule}`"),
        ..finding(0, rule, severity, FixState::Unknown, &[])
    }
}

fn others() -> Vec<Finding> {
    let place = |path: &str, line, layer| Place { path: path.into(), line, layer };
    let mut secret = detected(
        FindingKind::Secret,
        "aws-access-key",
        Severity::Critical,
        vec![place("app/.e\x1b[1mnv", Some(3), Some(1))],
    );
    secret.priority = Some(Priority::Act);
    secret.details = vec![
        Detail::new("match", "AKIA**************** (20 characters)"),
        Detail::new("hidden", "layer 2 still carries it; layer 3 (RUN rm\x1b[2J app/.env) only hides it"),
    ];
    let places = (0..5).map(|number| place(&format!("usr/bin/tool{number}"), None, Some(0))).collect();
    let mut accepted = detected(
        FindingKind::License,
        "license-forbidden",
        Severity::Low,
        vec![place("config.json#/config/Env/3", None, None)],
    );
    accepted.suppression = Some(Suppression {
        state: SuppressionState::Accepted,
        source: "assay.yaml".into(),
        author: "legal <legal@example.com>".into(),
        reason: "bought\x1b[0m a licence".into(),
        issued: day("2024-10-01"),
    });
    vec![secret, detected(FindingKind::Misconfiguration, "setuid-files", Severity::Medium, places), accepted]
}

fn findings() -> Vec<Finding> {
    let mut log4shell =
        finding(2, "CVE-2021-44228", Severity::Critical, FixState::Fixed, &["2.15.0", "3.0.0"]);
    log4shell.aliases = vec!["GHSA-jfh8-c2jp-5v3q".into()];
    log4shell.title = "Remote code injection in Log4j".into();
    let vector = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:C/C:H/I:H/A:H";
    log4shell.cvss = vec![Cvss { vector: vector.into(), score: 10.0, source: "ghsa".into() }];
    log4shell.epss = Some(Epss { score: 0.967, percentile: 0.999, date: day("2024-10-25") });
    log4shell.kev = Some(Kev { added: day("2021-12-10"), due: day("2021-12-24"), ransomware: true });
    log4shell.exploit = true;
    log4shell.evidence[0].ecosystem = "Maven".parse().unwrap();
    log4shell.evidence[0].range = ">= 2.13.0, < 2.15.0".into();
    log4shell.priority = Some(Priority::Act);
    log4shell.priority_path = vec![
        Decision {
            point: "exploitation".into(),
            value: "active".into(),
            reason: "CVE-2021-44228 is in CISA KEV since 2021-12-10, and ransomware uses it".into(),
        },
        Decision {
            point: "usage".into(),
            value: "used".into(),
            reason: "the entry point reaches \x1b[1mit".into(),
        },
    ];
    let mut openssl = finding(0, "CVE-2022-4450", Severity::High, FixState::WontFix, &[]);
    openssl.evidence[0].ecosystem = "Debian:11".parse().unwrap();
    openssl.evidence[0].package = "openssl".into();
    openssl.evidence[0].by_source = true;
    let mut hostile = finding(4, "OWN-\x1b]0;x\x07", Severity::Unknown, FixState::Unknown, &[]);
    hostile.priority = Some(Priority::TrackClosely);
    hostile.title = "a title\nof \x1b[31mtwo lines\u{9b}".into();
    vec![
        log4shell,
        openssl,
        finding(3, "CVE-2019-14234", Severity::High, FixState::Fixed, &["2.2.4"]),
        finding(3, "CVE-2022-34265", Severity::Medium, FixState::NotFixed, &[]),
        finding(0, "CVE-2019-0190", Severity::Low, FixState::EndOfLife, &[]),
        finding(1, "CVE-2023-1", Severity::Negligible, FixState::Fixed, &[]),
        hostile,
    ]
    .into_iter()
    .chain(others())
    .collect()
}

fn coverage(name: &str, state: CoverageState, synced: Option<Timestamp>, packages: u64) -> Coverage {
    let ecosystem = name.parse().ok();
    let feeds = if state == CoverageState::None { Vec::new() } else { vec!["osv".into(), "tracker".into()] };
    Coverage { ecosystem, label: name.into(), state, feeds, synced_at: synced, packages }
}

/// Returns the report.
pub(crate) fn report() -> Report {
    let os = Os {
        distro: distro::by_id("debian"),
        id: "debian".into(),
        version: "11".into(),
        codename: "bullseye".into(),
        name: "Debian GNU/Linux 11 (bullseye)".into(),
        end_of_life: day("2024-08-31"),
    };
    let feed = |name: &str, rejected| FeedStatus {
        name: name.into(),
        synced_at: day("2024-10-25"),
        records: 1000,
        rejected,
        license: "CC-BY-4.0".into(),
    };
    Report {
        source: SourceKind::Registry,
        image: image(),
        scanners: FindingKind::ALL.to_vec(),
        inventory: Inventory {
            os: Some(os),
            packages: packages(),
            leftovers: vec![Leftover {
                folder: "var/lib/apt/lists".into(),
                bytes: 18_400_000,
                files: 7,
                layers: vec![1],
            }],
            deep: true,
            files: Vec::new(),
            observations: vec![
                Observation {
                    path: "usr/bin/pa\x1bcked".into(),
                    layer: Some(2),
                    ..Observation::new(
                        Topic::Executable,
                        vec![
                            Detail::new("kind", "static program"),
                            Detail::new("no-execute", "no"),
                            Detail::new("packed", "7.9 bits of information in each byte of code"),
                        ],
                    )
                },
                Observation {
                    path: "etc/cron.d/job".into(),
                    layer: Some(1),
                    ..Observation::new(Topic::Start, vec![Detail::new("runs", "* * * * * root /usr/bin/job")])
                },
            ],
            detections: Vec::new(),
            warnings: vec![
                Warning::unscanned(
                    "damaged-package-database",
                    Some("var/lib/dpkg/status"),
                    "entry 3 has no version",
                ),
                Warning::notice("odd-name", Some("app/\x1b[1mx"), "it is odd"),
            ],
        },
        database: DatabaseStatus {
            built_at: day("2024-11-01"),
            built_in: false,
            feeds: vec![feed("osv", 2), feed("tracker", 0)],
        },
        context: Context::default(),
        coverage: vec![
            coverage("Debian:11", CoverageState::Stale, day("2024-01-01"), 1),
            coverage("Maven", CoverageState::Covered, day("2024-10-25"), 1),
            coverage("PyPI", CoverageState::Covered, day("2024-10-25"), 1),
            coverage("npm", CoverageState::None, None, 1),
            coverage("rpm of an unknown distribution", CoverageState::None, None, 2),
        ],
        findings: findings(),
        removable: vec![
            Removable {
                package: 3,
                reason: RemovalReason::Unused,
                function: None,
                beside: Vec::new(),
                later_layer: Some(1),
                bytes: None,
                findings: 2,
                instruction: "remove `Django`: `pip uninstall Django`, or build without it".into(),
            },
            Removable {
                package: 0,
                reason: RemovalReason::Redundant,
                function: Some("tls-library".into()),
                beside: vec![1],
                later_layer: None,
                bytes: Some(4_210_000),
                findings: 2,
                instruction: "remove `libssl1.1`: `apt-get purge libssl1.1`, or build without it".into(),
            },
        ],
    }
}

/// Returns the report of a folder in which nothing is wrong.
pub(crate) fn clean() -> Report {
    let mut report = report();
    report.source = SourceKind::Dir;
    report.image = Image { reference: "dir:/srv/app".into(), ..Image::default() };
    report.inventory = Inventory { packages: vec![packages().remove(3)], ..Inventory::default() };
    report.inventory.packages[0].depends_on.clear();
    for location in &mut report.inventory.packages[0].locations {
        location.layer = None;
    }
    report.findings.clear();
    report.removable.clear();
    report.coverage = vec![coverage("PyPI", CoverageState::Covered, day("2024-10-25"), 1)];
    report
}
