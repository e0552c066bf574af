//! Section 6 of the feeds' manifest, from a package to its findings, over the real feeds.

use assay_advisories::{BuildOptions, Database, build_bytes};
use assay_match::match_inventory;
use assay_model::{Finding, Inventory, Os, Package, PackageKind, distro};
use std::path::PathBuf;

/// The table that `assay-advisories` holds its look-ups against, too.
const ROWS: &str = include_str!("../../../assay-advisories/testdata/spot_checks.txt");

/// Returns the database of the shared feeds; without them the test says so and stops.
fn database() -> Option<Database> {
    let feeds = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/feeds"));
    if !feeds.is_dir() {
        assert!(option_env!("CI").is_none(), "`{}` is missing", feeds.display());
        println!("skipped: there are no feeds at `{}`", feeds.display());
        return None;
    }
    let (bytes, _) = build_bytes(&[feeds], &BuildOptions::default()).unwrap();
    Some(Database::from_bytes(bytes).unwrap())
}

/// Makes a package of an ecosystem with nothing else around it.
fn inventory(ecosystem: &str, name: &str, version: &str) -> Inventory {
    let (head, release) = ecosystem.split_once(':').unwrap_or((ecosystem, ""));
    let (os, kind) = match head {
        "PyPI" => (None, PackageKind::Python),
        "crates.io" => (None, PackageKind::Cargo),
        "Go" => (None, PackageKind::Go),
        "RubyGems" => (None, PackageKind::Gem),
        "npm" => (None, PackageKind::Npm),
        "Maven" => (None, PackageKind::Maven),
        "NuGet" => (None, PackageKind::NuGet),
        "Packagist" => (None, PackageKind::Composer),
        "AlmaLinux" => (Some("almalinux"), PackageKind::Rpm),
        "Debian" => (Some("debian"), PackageKind::Deb),
        "Wolfi" => (Some("wolfi"), PackageKind::Apk),
        "Bitnami" => (None, PackageKind::Bitnami),
        "ConanCenter" => (None, PackageKind::Conan),
        other => panic!("no kind for {other}"),
    };
    let (namespace, name) = match kind {
        PackageKind::Maven => name.split_once(':').map(|(group, artifact)| (Some(group), artifact)).unwrap(),
        PackageKind::Composer => name.split_once('/').map(|(vendor, name)| (Some(vendor), name)).unwrap(),
        _ => (None, name),
    };
    let mut package = Package::new(kind, name, version);
    package.namespace = namespace.map(str::to_owned);
    let os = os.map(|id| Os {
        distro: distro::by_id(id),
        id: id.into(),
        version: release.into(),
        ..Os::default()
    });
    Inventory { os, packages: vec![package], ..Inventory::default() }
}

fn names(finding: &Finding) -> impl Iterator<Item = &str> {
    [finding.rule.as_str()].into_iter().chain(finding.aliases.iter().map(String::as_str))
}

#[test]
fn spot_checks_hold() {
    let Some(database) = database() else { return };
    let mut wrong = Vec::new();
    for row in ROWS.lines().filter(|row| !row.starts_with('#')) {
        let fields: Vec<&str> = row.split(" | ").collect();
        let [ecosystem, package, affected, unaffected, advisory] = fields[..] else { panic!("{row}") };
        let (advisory, other_name) = advisory.split_once('=').unwrap_or((advisory, advisory));
        let versions = affected.split(' ').map(|version| (version, true));
        for (version, expected) in versions.chain(unaffected.split(' ').map(|version| (version, false))) {
            let inventory = inventory(ecosystem, package, version);
            let findings = match_inventory(&inventory, &database).unwrap().findings;
            let found: Vec<&Finding> =
                findings.iter().filter(|finding| names(finding).any(|name| name == advisory)).collect();
            if found.is_empty() == expected {
                wrong.push(format!("{ecosystem} {package} {version}: {advisory} expected: {expected}"));
            }
            if expected && !found.iter().any(|finding| names(finding).any(|name| name == other_name)) {
                wrong.push(format!("{ecosystem} {package} {version}: {advisory} without {other_name}"));
            }
            // However many sources report a vulnerability, it is one finding.
            let mut rules: Vec<&str> = findings.iter().map(|finding| finding.rule.as_str()).collect();
            rules.sort_unstable();
            let count = rules.len();
            rules.dedup();
            if rules.len() != count {
                wrong.push(format!("{ecosystem} {package} {version}: a vulnerability is reported twice"));
            }
            let fixed = found.iter().all(|finding| {
                finding.fixed_versions.is_empty() || !finding.fixed_versions.contains(&version.to_owned())
            });
            if !fixed {
                wrong.push(format!("{ecosystem} {package} {version}: named as its own fix"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
