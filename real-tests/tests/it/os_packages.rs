//! The operating systems' package databases, against the package managers that wrote them: package for package.

use assay_analyze::{Fact, File, LayerFacts, PathFacts, Sink};
use assay_model::Package;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

/// Runs the analyzer `name` on one file.
fn analyze(name: &str, path: &str, content: &[u8]) -> PathFacts {
    let analyzer = assay_packages::os::ANALYZERS.iter().find(|analyzer| analyzer.id().name == name).unwrap();
    let mut facts = LayerFacts::default();
    analyzer.analyze(&File::new(path, 0o644, &content), &mut Sink::new(path, &mut facts));
    let facts = facts.paths.remove(path).unwrap_or_default();
    assert_eq!(facts.warnings, [], "{path}");
    facts
}

fn packages(facts: &PathFacts) -> Vec<&Package> {
    let mut packages = Vec::new();
    for fact in &facts.facts {
        if let Fact::Package(package) = fact {
            packages.push(&**package);
        }
    }
    packages
}

/// Returns the owned files by package, without its architecture.
fn owned(facts: &PathFacts) -> BTreeMap<String, BTreeSet<String>> {
    let mut owned: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for fact in &facts.facts {
        if let Fact::OwnedFiles { package, files, .. } = fact {
            let name = package.split(':').next().unwrap();
            owned.entry(name.to_owned()).or_default().extend(files.iter().map(str::to_owned));
        }
    }
    owned
}

fn run(command: &mut Command) -> String {
    let done = command.output().unwrap();
    assert!(done.status.success(), "{command:?}: {}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8(done.stdout).unwrap()
}

/// Compares two lists line by line and names what only one has.
#[track_caller]
fn assert_same(got: impl IntoIterator<Item = String>, want: &str) {
    let (got, want): (BTreeSet<String>, BTreeSet<String>) = (
        got.into_iter().collect(),
        want.lines().filter(|line| !line.is_empty()).map(str::to_owned).collect(),
    );
    let only =
        |a: &BTreeSet<String>, b: &BTreeSet<String>| a.difference(b).take(10).cloned().collect::<Vec<_>>();
    assert_eq!((only(&got, &want), only(&want, &got)), (Vec::new(), Vec::new()), "(only here, only there)");
    assert!(!got.is_empty());
}

#[test]
fn dpkg_query_lists_the_same_packages() {
    let Some(dpkg_query) = real_tests::tool("dpkg-query") else { return };
    let format = "${db:Status-Status}\t${Package}\t${Version}\t${Architecture}\t${source:Package}\t${source:Version}\t${Maintainer}\n";
    let want: String = run(Command::new(&dpkg_query).args(["-W", "-f", format]))
        .lines()
        // What was removed and left its configuration is not there.
        .filter_map(|line| line.split_once('\t').filter(|(status, _)| *status != "config-files"))
        .map(|(_, line)| format!("{line}\n"))
        .collect();
    let status = std::fs::read("/var/lib/dpkg/status").unwrap();
    let facts = analyze("dpkg", "var/lib/dpkg/status", &status);
    let got = packages(&facts).into_iter().map(|package| {
        let source = package.source.as_ref().unwrap();
        let (architecture, vendor) = (package.architecture.as_deref(), package.vendor.as_deref());
        [
            &package.name,
            &package.version,
            architecture.unwrap(),
            &source.name,
            &source.version,
            vendor.unwrap_or(""),
        ]
        .join("\t")
    });
    assert_same(got, &want);

    let format = "${db:Status-Status}\t${Package}\t${Installed-Size}\n";
    let want: String = run(Command::new(&dpkg_query).args(["-W", "-f", format]))
        .lines()
        .filter_map(|line| line.split_once('\t').filter(|(status, _)| *status != "config-files"))
        .map(|(_, line)| format!("{line}\n"))
        .collect();
    let got = packages(&facts).into_iter().map(|package| {
        let size = package.installed_size.map(|bytes| (bytes / 1024).to_string());
        format!("{}\t{}", package.name, size.unwrap_or_default())
    });
    assert_same(got, &want);
}

/// Checks packages with every state dpkg has against `dpkg-query` on an own database.
#[test]
fn dpkg_query_lists_the_same_states() {
    let Some(dpkg_query) = real_tests::tool("dpkg-query") else { return };
    let folder = tempfile::tempdir().unwrap();
    let states = [
        "install ok installed",
        "hold ok installed",
        "deinstall ok installed",
        "install ok unpacked",
        "install ok half-configured",
        "install reinstreq half-installed",
        "install ok triggers-pending",
        "install ok triggers-awaited",
        "deinstall ok config-files",
        "purge ok not-installed",
    ];
    let mut status = String::new();
    for (number, state) in states.iter().enumerate() {
        let more = match *state {
            "install ok triggers-pending" => "Triggers-Pending: x\n",
            "install ok triggers-awaited" => "Triggers-Awaited: p6\n",
            _ => "",
        };
        status += &format!(
            "Package: p{number}\nStatus: {state}\nMaintainer: M <m@example.com>\nArchitecture: all\nSource: s{number} (1:0~{number})\n\
             Version: 1:{number}-1\n{more}Description: p\n\n"
        );
    }
    std::fs::write(folder.path().join("status"), &status).unwrap();
    let format = "${db:Status-Status} ${Package} ${Version} ${source:Package} ${source:Version}\n";
    let listed =
        run(Command::new(&dpkg_query).arg("--admindir").arg(folder.path()).args(["-W", "-f", format]));
    let there = |line: &&str| !line.starts_with("config-files ") && !line.starts_with("not-installed ");
    let want: String =
        listed.lines().filter(there).map(|line| format!("{}\n", line.split_once(' ').unwrap().1)).collect();
    assert_eq!(want.lines().count(), 8);
    let facts = analyze("dpkg", "var/lib/dpkg/status", status.as_bytes());
    let got = packages(&facts).into_iter().map(|package| {
        let source = package.source.as_ref().unwrap();
        format!("{} {} {} {}", package.name, package.version, source.name, source.version)
    });
    assert_same(got, &want);
}

#[test]
fn dpkg_query_lists_the_same_files() {
    let Some(dpkg_query) = real_tests::tool("dpkg-query") else { return };
    for package in ["base-files", "dpkg", "libc6", "tar"] {
        let listed = run(Command::new(&dpkg_query).args(["-L", package]));
        let info = Path::new("/var/lib/dpkg/info");
        let native = run(Command::new(&dpkg_query).args(["--control-path", package, "md5sums"]));
        let stem = Path::new(native.trim()).file_stem().unwrap().to_str().unwrap().to_owned();
        let list = std::fs::read(info.join(format!("{stem}.list"))).unwrap();
        let facts = analyze("dpkg", &format!("var/lib/dpkg/info/{stem}.list"), &list);
        let got = owned(&facts).remove(package).unwrap().into_iter().map(|path| format!("/{path}"));
        let want: String = listed
            .lines()
            .filter(|line| line.starts_with('/') && *line != "/.")
            .map(|line| format!("{line}\n"))
            .collect();
        assert_same(got, &want);
    }
}

const RPM_FORMAT: &str = "%{NAME}\t%{EPOCH}\t%{VERSION}\t%{RELEASE}\t%{ARCH}\t%{SOURCERPM}\t%{MODULARITYLABEL}\t%{LICENSE}\t%{VENDOR}\n";

/// Turns a line of [`RPM_FORMAT`] into what Assay keeps of it.
fn expected(line: &str) -> String {
    let columns: Vec<&str> = line.split('\t').collect();
    let [name, epoch, version, release, architecture, source, module, license, vendor] = columns[..] else {
        panic!("{line}")
    };
    let epoch = if matches!(epoch, "(none)" | "0") { String::new() } else { format!("{epoch}:") };
    let (rest, source_release) = source.trim_end_matches(".src.rpm").rsplit_once('-').unwrap();
    let (source, source_version) = rest.rsplit_once('-').unwrap();
    format!(
        "{name}\t{epoch}{version}-{release}\t{architecture}\t{source}\t{epoch}{source_version}-{source_release}\t{module}\t{license}\t{vendor}\n"
    )
}

fn rpm_lines(facts: &PathFacts) -> impl Iterator<Item = String> {
    packages(facts).into_iter().map(|package| {
        let source = package.source.as_ref().unwrap();
        let none = || "(none)".to_owned();
        [
            package.name.clone(),
            package.version.clone(),
            package.architecture.clone().unwrap(),
            source.name.clone(),
            source.version.clone(),
            package.module.clone().unwrap_or_else(none),
            package.licenses.join(" "),
            package.vendor.clone().unwrap_or_else(none),
        ]
        .join("\t")
    })
}

/// Checks the database of an image of the corpus against what `rpm -qa` said when it was made.
fn check_corpus(image: &str, database: &str) {
    let Some(umoci) = real_tests::tool("umoci") else { return };
    let Some(image) = real_tests::corpus(image) else { return };
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("root");
    let layout = format!("{}:latest", image.join("oci").display());
    run(Command::new(umoci).args(["raw", "unpack", "--rootless", "--image", &layout]).arg(&root));
    let facts = analyze("rpm", database, &std::fs::read(root.join(database)).unwrap());
    let want = std::fs::read_to_string(image.join("oracle/rpm.tsv")).unwrap();
    assert_same(rpm_lines(&facts), &want.lines().map(expected).collect::<String>());
    let files = std::fs::read_to_string(image.join("oracle/rpm-files.tsv")).unwrap();
    let owned = owned(&facts).into_iter();
    assert_same(
        owned.flat_map(|(package, files)| files.into_iter().map(move |file| format!("{package}\t/{file}"))),
        &files,
    );
}

#[test]
fn rpm_lists_the_same_packages_of_sqlite() {
    check_corpus("rpm-sqlite", "var/lib/rpm/rpmdb.sqlite");
}

#[test]
fn rpm_lists_the_same_packages_of_ndb() {
    check_corpus("rpm-ndb", "usr/lib/sysimage/rpm/Packages.db");
}

#[test]
fn rpm_lists_the_same_packages_of_berkeley_db() {
    check_corpus("rpm-bdb", "var/lib/rpm/Packages");
}

/// Builds packages with everything a header can hold and installs them, with rows long enough for overflow pages.
///
/// Only in SQLite: Debian's rpm can write no other format. The corpus has the other two, converted.
#[test]
fn rpm_lists_the_same_of_what_it_installs() {
    let (Some(rpmbuild), Some(rpm)) = (real_tests::tool("rpmbuild"), real_tests::tool("rpm")) else { return };
    let folder = tempfile::tempdir().unwrap();
    let spec = folder.path().join("parts.spec");
    let sub = |number: usize| {
        let paths: String =
            (0..60).map(|file| format!("/usr/share/part{number}/folder{}/file{file}\n", file % 7)).collect();
        format!(
            "%package -n part{number}\nSummary: part\nRequires: parts, /usr/bin/part-shell, missing\nProvides: capability({number}) = 1\n\
             %description -n part{number}\npart\n%files -n part{number}\n{paths}"
        )
    };
    let install: String = (0..40)
        .flat_map(|number| {
            (0..60).map(move |file| format!("/usr/share/part{number}/folder{}/file{file}", file % 7))
        })
        .chain(["/usr/bin/part-shell".to_owned()])
        .map(|path| format!("mkdir -p $(dirname %{{buildroot}}{path}); echo x > %{{buildroot}}{path}\n"))
        .collect();
    let text = format!(
        "Name: parts\nEpoch: 3\nVersion: 1.2~rc1\nRelease: 4.el9\nSummary: parts\nLicense: MIT AND (GPL-2.0-only OR BSD)\nVendor: Ünïcode Ltd\n\
         ModularityLabel: parts:1:2:3\n%description\nparts\n%install\n{install}%files\n/usr/bin/part-shell\n{}",
        (0..40).map(sub).collect::<String>()
    );
    std::fs::write(&spec, text).unwrap();
    let top = format!("_topdir {}", folder.path().display());
    run(Command::new(rpmbuild).args(["-bb", "--quiet", "--define", &top]).arg(&spec));
    let built = walk(&folder.path().join("RPMS"));
    assert_eq!(built.len(), 41);
    let database = folder.path().join("database");
    let rpm = || {
        let mut command = Command::new(&rpm);
        command.args(["--define", "_db_backend sqlite", "--dbpath"]).arg(&database);
        command
    };
    run(rpm().args(["-i", "--justdb", "--nodeps", "--noscripts", "--ignorearch", "--ignoreos"]).args(&built));
    let content = std::fs::read(database.join("rpmdb.sqlite")).unwrap();
    let facts = analyze("rpm", "var/lib/rpm/rpmdb.sqlite", &content);
    let want = run(rpm().args(["-qa", "--qf", RPM_FORMAT]));
    assert_same(rpm_lines(&facts), &want.lines().map(expected).collect::<String>());
    let want = run(rpm().args(["-qa", "--qf", "%{NAME}\t%{LONGSIZE}\n"]));
    let sizes = packages(&facts).into_iter().map(|it| format!("{}\t{}", it.name, it.installed_size.unwrap()));
    assert_same(sizes, &want);
    let want = run(rpm().args(["-qa", "--qf", "[%{=NAME}\t%{FILENAMES}\n]"]));
    let files = owned(&facts).into_iter();
    assert_same(
        files.flat_map(|(package, files)| files.into_iter().map(move |file| format!("{package}\t/{file}"))),
        &want,
    );
    let shell = packages(&facts).into_iter().find(|package| package.name == "parts").unwrap().clone();
    assert!(shell.provides.contains(&"/usr/bin/part-shell".to_owned()), "{:?}", shell.provides);
}

fn walk(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(walk(&path)) } else { found.push(path) }
    }
    found
}
