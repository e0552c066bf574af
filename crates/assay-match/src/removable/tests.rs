//! Small inventories in, what could go out of them, as text.

use super::{advise_removal, removable};
use assay_model::finding::FindingKind;
use assay_model::{Finding, FixState, Inventory, Location, Package, PackageKind, Severity, Usage};

/// Describes a package: `type name`, then words: `used`, `unused`, `essential`, `layer=2`, `size=10`, `needs=name`, `version=2`.
fn inventory(lines: &[&str]) -> Inventory {
    let mut inventory = Inventory::default();
    let mut needs: Vec<Vec<String>> = Vec::new();
    for line in lines {
        let mut words = line.split_whitespace();
        let (kind, name) = (words.next().unwrap(), words.next().unwrap());
        let kind = PackageKind::ALL.into_iter().find(|known| known.purl_type() == kind).unwrap();
        let mut package = Package::new(kind, name, "1");
        let mut needed = Vec::new();
        for word in words {
            match word.split_once('=') {
                Some(("layer", layer)) => {
                    package.locations = vec![Location { path: "x".into(), layer: layer.parse().ok() }];
                }
                Some(("size", size)) => package.installed_size = size.parse().ok(),
                Some(("needs", name)) => needed.push(name.to_owned()),
                Some(("version", version)) => package.version = version.to_owned(),
                None if word == "used" => package.usage = Usage::Used,
                None if word == "unused" => package.usage = Usage::Unused,
                None if word == "essential" => package.essential = true,
                _ => panic!("unknown word `{word}`"),
            }
        }
        inventory.packages.push(package);
        needs.push(needed);
    }
    let find = |name: &String| {
        let place = inventory.packages.iter().position(|package| package.name == *name);
        u32::try_from(place.unwrap_or_else(|| panic!("nothing is called `{name}`"))).unwrap()
    };
    let links: Vec<Vec<u32>> = needs.iter().map(|names| names.iter().map(find).collect()).collect();
    for (package, links) in inventory.packages.iter_mut().zip(links) {
        package.depends_on = links;
    }
    inventory
}

fn finding(package: u32) -> Finding {
    Finding {
        id: String::new(),
        kind: FindingKind::Vulnerability,
        rule: "CVE-1".into(),
        aliases: Vec::new(),
        title: String::new(),
        severity: Severity::High,
        severity_source: String::new(),
        cvss: Vec::new(),
        epss: None,
        kev: None,
        exploit: false,
        priority: None,
        priority_path: Vec::new(),
        in_base: None,
        package: Some(package),
        fix: FixState::Fixed,
        fixed_versions: Vec::new(),
        locations: Vec::new(),
        evidence: Vec::new(),
        details: Vec::new(),
        suppression: None,
        remediation: "upgrade it".into(),
    }
}

#[track_caller]
fn check(lines: &[&str], want: &[&str]) {
    let inventory = inventory(lines);
    let name = |index: u32| {
        let package = &inventory.packages[index as usize];
        format!("{} {}", package.name, package.version).trim_end_matches(" 1").to_owned()
    };
    let found: Vec<String> = removable(&inventory, &[])
        .into_iter()
        .map(|one| {
            let function = one.function.as_ref().map(|function| format!(" {function}")).unwrap_or_default();
            let beside: Vec<String> = one.beside.iter().map(|index| name(*index)).collect();
            let beside =
                if beside.is_empty() { String::new() } else { format!(" beside {}", beside.join(", ")) };
            format!("{}: {}{function}{beside}", name(one.package), one.reason.name())
        })
        .collect();
    assert_eq!(found, want);
}

#[test]
fn what_nothing_uses_can_go() {
    check(&["deb app used", "deb left unused", "deb unclear"], &["left: unused"]);
}

#[test]
fn what_something_that_stays_depends_on_stays() {
    // Of a used package, of one whose usage is not known, and over several steps.
    check(&["deb app used needs=a", "deb a unused needs=b", "deb b unused", "deb c unused"], &["c: unused"]);
    check(&["deb unclear needs=a", "deb a unused"], &[]);
    check(&["deb x unused needs=y", "deb y unused needs=x"], &["x: unused", "y: unused"]);
    check(&["deb app used needs=x", "deb x unused needs=y", "deb y unused needs=x"], &[]);
    check(&["deb make", "deb app needs=make"], &[]);
}

#[test]
fn what_the_distribution_needs_stays() {
    check(&["deb login unused essential", "rpm glibc unused", "apk musl unused"], &[]);
    check(&["deb bash essential needs=libtinfo6", "deb libtinfo6 unused"], &[]);
}

#[test]
fn what_is_not_for_running_can_go_unless_it_is_used() {
    check(
        &[
            "deb gcc-12 needs=binutils",
            "deb binutils",
            "deb gcc-12-base",
            "deb libc6-dev",
            "deb strace",
            "deb app",
        ],
        &[
            "gcc-12: unnecessary compiler",
            "binutils: unnecessary build-tool",
            "libc6-dev: unnecessary development-files",
            "strace: unnecessary debugger",
        ],
    );
    check(
        &["deb git used needs=openssh-client", "deb openssh-client", "deb vim"],
        &["vim: unnecessary editor"],
    );
}

#[test]
fn of_several_that_do_the_same_one_stays() {
    check(&["deb curl", "deb wget"], &["wget: redundant http-client beside curl"]);
    check(&["deb curl", "deb wget used"], &["curl: redundant http-client beside wget"]);
    check(&["deb curl used", "deb wget used"], &[]);
    // The one that came in an earlier layer is the one that others count on.
    check(&["deb curl layer=3", "deb wget layer=0"], &["curl: redundant http-client beside wget"]);
    check(
        &["deb dash essential", "deb zsh needs=zsh-common", "deb zsh-common"],
        &["zsh: redundant shell beside dash", "zsh-common: redundant shell beside dash"],
    );
    check(&["deb libssl3", "deb libgnutls30", "deb apt needs=libgnutls30"], &[]);
    // Two packages of one alternative are no alternatives to each other.
    check(&["deb zsh", "deb zsh-common"], &[]);
}

#[test]
fn of_several_versions_one_stays() {
    check(
        &["pypi six version=1.10", "pypi six version=1.16", "pypi other"],
        &["six 1.10: duplicate beside six 1.16"],
    );
    // Versions are ordered as their ecosystem orders them, and what something asks for stays.
    check(&["maven x version=2.13.2", "maven x version=2.9.8"], &["x 2.9.8: duplicate beside x 2.13.2"]);
    check(&["npm a version=2", "npm a version=3", "npm b needs=a"], &[]);
    let two = inventory(&["npm ws version=7.4.5", "npm ws version=8.2.3"]);
    let found = removable(&two, &[]);
    assert_eq!(found[0].instruction, "use one version of `ws`: move what asks for 7.4.5 to 8.2.3");
    check(&["golang a version=1", "golang a version=2"], &[]);
}

#[test]
fn a_package_says_what_it_saves_and_whether_it_came_late() {
    let inventory = inventory(&[
        "deb a layer=0",
        "deb b layer=0",
        "deb left unused size=2048 layer=4",
        "deb old unused layer=0",
    ]);
    let found = removable(&inventory, &[finding(2), finding(2), finding(0)]);
    let told: Vec<_> =
        found.iter().map(|one| (one.package, one.bytes, one.findings, one.later_layer)).collect();
    assert_eq!(told, [(2, Some(2048), 2, Some(4)), (3, None, 0, None)]);
    assert_eq!(found[0].instruction, "remove `left`: `apt-get purge left`, or build without it");
}

#[test]
fn removing_an_unused_package_is_advised_before_its_upgrade() {
    let inventory = inventory(&["apk left unused", "apk app used", "apk strace"]);
    let mut findings = [finding(0), finding(1), finding(2)];
    let removable = removable(&inventory, &findings);
    advise_removal(&mut findings, &removable);
    advise_removal(&mut findings, &removable);
    let told: Vec<&str> = findings.iter().map(|finding| finding.remediation.as_str()).collect();
    let left = "remove `left`: `apk del left`, or build without it, as nothing that the entry point reaches needs it; else upgrade it";
    assert_eq!(told, [left, "upgrade it", "upgrade it"]);
}
