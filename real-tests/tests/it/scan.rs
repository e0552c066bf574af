//! The inventory of each image of the corpus, package for package what the ecosystem's own tool lists in it.
//!
//! The tools were asked when the image was built, in the image itself where they run there (`oracle/` beside the image).
//! A difference is a bug, or is one of the [`Difference`]s of a test, with its reason.

use crate::report::{corpus_report, created_by, list, report, text};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// What a tool says is in an image.
struct Oracle {
    /// The type of these packages in the report.
    kind: &'static str,
    file: &'static str,
    read: fn(&str) -> Vec<String>,
}

const DPKG: Oracle = Oracle { kind: "deb", file: "dpkg.tsv", read: dpkg };
const RPM: Oracle = Oracle { kind: "rpm", file: "rpm.tsv", read: rpm };
const APK: Oracle = Oracle { kind: "apk", file: "apk.tsv", read: lines };
const PIP: Oracle = Oracle { kind: "pypi", file: "pip.json", read: pip };
const NPM: Oracle = Oracle { kind: "npm", file: "npm.json", read: npm };
const NPM_LOCK: Oracle = Oracle { kind: "npm", file: "npm-lock.json", read: npm_lock };
const GO: Oracle = Oracle { kind: "golang", file: "go.txt", read: go };
const MAVEN_FAT: Oracle = Oracle { kind: "maven", file: "maven-fat.txt", read: maven };
const MAVEN_SHADED: Oracle = Oracle { kind: "maven", file: "maven-shaded.txt", read: maven };
const AUDITABLE: Oracle = Oracle { kind: "cargo", file: "auditable.json", read: auditable };
const COMPOSER: Oracle = Oracle { kind: "composer", file: "composer.json", read: composer };

/// A package that only one side has, and why that is right.
struct Difference {
    kind: &'static str,
    /// `+` for what only Assay has, `-` for what only the tool has; then the package.
    what: &'static str,
    why: &'static str,
}

const fn difference(kind: &'static str, what: &'static str, why: &'static str) -> Difference {
    Difference { kind, what, why }
}

/// What Spring Boot's plug-in makes of the dependencies that Maven lists, and what a shaded jar cannot tell.
const SPRING_BOOT: &[Difference] = &[
    difference(
        "maven",
        "- org.springframework.boot:spring-boot-starter 2.6.5",
        "a starter is an empty jar and left out",
    ),
    difference(
        "maven",
        "- org.springframework.boot:spring-boot-starter-json 2.6.5",
        "a starter is an empty jar and left out",
    ),
    difference(
        "maven",
        "- org.springframework.boot:spring-boot-starter-log4j2 2.6.5",
        "a starter is an empty jar and left out",
    ),
    difference(
        "maven",
        "- org.springframework.boot:spring-boot-starter-tomcat 2.6.5",
        "a starter is an empty jar and left out",
    ),
    difference(
        "maven",
        "- org.springframework.boot:spring-boot-starter-web 2.6.5",
        "a starter is an empty jar and left out",
    ),
    difference(
        "maven",
        "+ org.springframework.boot:spring-boot-jarmode-layertools 2.6.5",
        "the plug-in adds this tool to the jar",
    ),
    difference(
        "maven",
        "- org.checkerframework:checker-qual 2.11.1",
        "built by Gradle: nothing in the shaded jar names it",
    ),
];

#[test]
fn debian_minimal() {
    check("debian-minimal", &[DPKG], &[]);
}

#[test]
fn umoci_image() {
    check("umoci-image", &[DPKG], &[]);
}

#[test]
fn debian11_synthetic() {
    check("debian11-synthetic", &[DPKG], &[]);
}

#[test]
fn python_app() {
    let Some(report) = check("python-app", &[DPKG, PIP], &[]) else { return };
    let pip = "/opt/venv/bin/pip install --no-cache-dir --no-compile -r /srv/tickets/requirements.txt";
    check_origin(&report, "pypi", "Django", "3.2.13", &format!("RUN /bin/sh -c {pip} # buildkit"));
    // Written by the pip of Debian 12 without a wheel: `.egg-info`.
    check_origin(&report, "pypi", "PyYAML", "5.3.1", &format!("RUN /bin/sh -c {pip} # buildkit"));
    check_origin(&report, "pypi", "pip", "23.0.1", "RUN /bin/sh -c python3 -m venv /opt/venv # buildkit");
    check_origin(&report, "deb", "libc6", "2.36", "/bin/sh -c #(nop) ADD file:");
    check_origin(&report, "deb", "python3.11", "3.11.2", "RUN /bin/sh -c apt-get update && apt-get install");
    check_depends(&report, "pkg:pypi/django@3.2.13", &["pkg:pypi/asgiref@3.6.0", "pkg:pypi/sqlparse@0.4.3"]);
}

#[test]
fn node_app() {
    // The lockfile names the development dependencies, too; what is installed is what counts.
    let Some(report) = check("node-app", &[DPKG, NPM], &[]) else { return };
    check_origin(
        &report,
        "npm",
        "lodash",
        "4.17.20",
        "RUN /bin/sh -c npm ci --ignore-scripts --omit=dev # buildkit",
    );
    check_origin(&report, "deb", "nodejs", "18.", "RUN /bin/sh -c apt-get update && apt-get install");
    check_depends(&report, "pkg:npm/express@4.17.1", &["pkg:npm/accepts@1.3.8", "pkg:npm/cookie@0.4.0"]);
}

#[test]
fn go_app() {
    let Some(report) = check("go-app", &[GO], &[]) else { return };
    check_origin(&report, "golang", "golang.org/x/net", "v0.16.0", "COPY ");
}

#[test]
fn java_app() {
    let Some(report) = check("java-app", &[DPKG, MAVEN_FAT, MAVEN_SHADED], SPRING_BOOT) else { return };
    let log4j = package(&report, "maven", "org.apache.logging.log4j:log4j-core", "2.14.1");
    let path = text(&list(log4j, "locations")[0], "path");
    assert_eq!(path, "app/orders.jar!/BOOT-INF/lib/log4j-core-2.14.1.jar");
    check_origin(
        &report,
        "maven",
        "com.acme:report-job",
        "0.3.1",
        "COPY target/report-job-0.3.1.jar /opt/jobs/ # buildkit",
    );
}

#[test]
fn rust_app() {
    let Some(report) = check("rust-app", &[DPKG, AUDITABLE], &[]) else { return };
    check_origin(
        &report,
        "cargo",
        "regex",
        "1.5.4",
        "COPY target/release/ledger /usr/local/bin/ledger # buildkit",
    );
    check_origin(&report, "deb", "libssl3", "3.0.", "bazel build //base:static");
    check_depends(
        &report,
        "pkg:cargo/regex@1.5.4",
        &["pkg:cargo/aho-corasick@0.7.20", "pkg:cargo/regex-syntax@0.6.29"],
    );
}

#[test]
fn rpm_sqlite() {
    check("rpm-sqlite", &[RPM], &[]);
}

#[test]
fn rpm_ndb() {
    check("rpm-ndb", &[RPM], &[]);
}

#[test]
fn rpm_bdb() {
    check("rpm-bdb", &[RPM], &[]);
}

#[test]
fn alpine_synthetic() {
    let Some(report) = check("alpine-synthetic", &[APK], &[]) else { return };
    // `so:libc.musl-x86_64.so.1` is provided by musl.
    let musl = package(&report, "apk", "musl", "1.1.24-r2");
    let busybox = package(&report, "apk", "busybox", "1.31.1-r9");
    assert!(list(busybox, "depends_on").contains(&musl["purl"]), "{busybox}");
}

#[test]
fn wolfi_synthetic() {
    check("wolfi-synthetic", &[APK], &[]);
}

#[test]
fn ruby_php_dotnet() {
    // No .NET SDK wrote these files, so the recipe is their only oracle.
    let dotnet = [
        difference("nuget", "+ log4net 2.0.9", "in the recipe"),
        difference("nuget", "+ Newtonsoft.Json 12.0.3", "in the recipe"),
        difference("nuget", "+ System.Configuration.ConfigurationManager 4.5.0", "in the recipe"),
    ];
    // Those of `gem list` that gem installed, not dpkg.
    let gems = [
        difference("gem", "+ mustermann 1.1.2", "installed by gem"),
        difference("gem", "+ rack 2.2.3", "installed by gem"),
        difference("gem", "+ rack-protection 2.2.0", "installed by gem"),
        difference("gem", "+ rexml 3.2.6", "installed by gem"),
        difference("gem", "+ ruby2_keywords 0.0.5", "installed by gem"),
        difference("gem", "+ sinatra 2.2.0", "installed by gem"),
        difference("gem", "+ tilt 2.0.11", "installed by gem"),
    ];
    let differences: Vec<Difference> = dotnet.into_iter().chain(gems).collect();
    let Some(report) = check("ruby-php-dotnet", &[DPKG, COMPOSER], &differences) else { return };
    check_gems(&report, "ruby-php-dotnet");
    check_origin(
        &report,
        "composer",
        "twig/twig",
        "3.26.0",
        "RUN /bin/sh -c composer install --no-dev # buildkit",
    );
    check_origin(&report, "gem", "rack", "2.2.3", "RUN /bin/sh -c gem install --no-document ");
    check_attributed(&report, "ruby-nokogiri", "pkg:gem/nokogiri@1.13.10");
}

#[test]
fn many_layers() {
    let vendored = [difference(
        "pypi",
        "+ sqlparse 0.4.4",
        "in a folder that is on no path of pip's, as `paths.txt` says",
    )];
    let Some(report) = check("many-layers", &[DPKG, PIP], &vendored) else { return };
    assert!(list(&report["source"], "layers").len() > 40);
    let pip = "RUN /bin/sh -c /opt/venv/bin/pip install --no-cache-dir --no-compile --no-deps";
    check_origin(&report, "pypi", "idna", "3.4", &format!("{pip} requests==2.30.0 idna==3.4"));
    check_origin(&report, "pypi", "urllib3", "1.26.15", &format!("{pip} urllib3==1.26.15"));
    // Upgraded: the layer is that of the version that is there, and the old version is gone.
    check_origin(&report, "pypi", "requests", "2.31.0", &format!("{pip} requests==2.31.0 # buildkit"));
    // Opaque directory: what was vendored first is gone as a whole.
    check_origin(&report, "pypi", "sqlparse", "0.4.4", "RUN /bin/sh -c rm -rf /srv/vendor");
    // The package database is rewritten by four later layers; each package keeps the layer that brought it.
    check_origin(&report, "deb", "libc6", "2.36", "/bin/sh -c #(nop) ADD file:");
    check_origin(
        &report,
        "deb",
        "python3.11",
        "3.11.2",
        "RUN /bin/sh -c apt-get update && apt-get install -y --no-install-recommends python3",
    );
    for gone in [("deb", "hostname"), ("deb", "tzdata"), ("pypi", "Jinja2"), ("pypi", "pytz")] {
        let found =
            list(&report, "packages").iter().find(|one| (text(one, "type"), text(one, "name")) == gone);
        assert!(found.is_none(), "{gone:?} was deleted by a later layer");
    }
}

#[test]
fn multi_arch() {
    for platform in ["amd64", "arm64"] {
        let Some(folder) = real_tests::corpus("multi-arch") else { return };
        let source = format!("oci:{}", folder.join("oci").display());
        let wanted = format!("linux/{platform}");
        let Some(report) = report(&source, &["--platform", &wanted]) else { return };
        let oracle = |name: &str| std::fs::read_to_string(folder.join("oracle").join(name)).unwrap();
        let mut want = go(&oracle(&format!("go-{platform}.txt")));
        want.extend(lines(&oracle(&format!("apk-{platform}.tsv"))));
        assert_same(
            &by_kind(&report).into_values().flatten().collect(),
            &want.into_iter().collect(),
            platform,
        );
        assert!(text(&report["source"], "platform").starts_with(&wanted), "{}", report["source"]);
        assert!(text(&report["source"], "index_digest").starts_with("sha256:"));
    }
}

#[test]
fn buildah_image() {
    check("buildah-image", &[GO, NPM_LOCK], &[]);
}

#[test]
fn kitchen_sink() {
    let oracles = [DPKG, PIP, NPM, GO, MAVEN_FAT, MAVEN_SHADED];
    let Some(report) = check("kitchen-sink", &oracles, SPRING_BOOT) else { return };
    check_gems(&report, "kitchen-sink");
    check_attributed(&report, "python3-yaml", "pkg:pypi/pyyaml@6.0");
    check_attributed(&report, "python3-six", "pkg:pypi/six@1.16.0");
    // Everything that Debian's own Python can import belongs to packages of Debian.
    let folder = real_tests::corpus("kitchen-sink").unwrap();
    let system = std::fs::read_to_string(folder.join("oracle/python-system.txt")).unwrap();
    let want: BTreeSet<String> = system.lines().map(str::to_lowercase).collect();
    assert_same(&attributed(&report, "pkg:pypi/"), &want, "Debian's Python packages");
    let net = package(&report, "golang", "golang.org/x/net", "v0.16.0");
    assert_eq!(text(&list(net, "locations")[0], "path"), "usr/local/bin/gateway");
    check_origin(&report, "npm", "lodash", "4.17.20", "RUN /bin/sh -c npm ci");
}

#[test]
fn every_image_of_the_corpus_is_checked() {
    let Some(corpus) = real_tests::corpus("debian-minimal") else { return };
    let this = include_str!("scan.rs");
    for entry in std::fs::read_dir(corpus.parent().unwrap()).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let called = format!("\"{name}\"");
        assert!(name.starts_with('.') || this.contains(&called), "no test here looks at the image `{name}`");
    }
}

/// Scans an image of the corpus and compares all its packages with what the tools list.
#[track_caller]
fn check(image: &str, oracles: &[Oracle], differences: &[Difference]) -> Option<Value> {
    let folder = real_tests::corpus(image)?;
    let report = corpus_report(image)?;
    let mut want: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for oracle in oracles {
        let said = std::fs::read_to_string(folder.join("oracle").join(oracle.file)).unwrap();
        let packages = (oracle.read)(&said);
        assert!(!packages.is_empty(), "{image}: `{}` lists nothing", oracle.file);
        want.entry(oracle.kind.to_owned()).or_default().extend(packages);
    }
    for Difference { kind, what, why } in differences {
        let packages = want.entry((*kind).to_owned()).or_default();
        let (sign, package) = what.split_once(' ').unwrap();
        let applies =
            if sign == "+" { packages.insert(package.to_owned()) } else { packages.remove(package) };
        assert!(applies, "{image}: `{what}` ({why}) is no difference any more");
    }
    let got = by_kind(&report);
    for kind in got.keys().chain(want.keys()) {
        let of = |all: &BTreeMap<String, BTreeSet<String>>| all.get(kind).cloned().unwrap_or_default();
        assert_same(&of(&got), &of(&want), &format!("{image}, {kind}"));
    }
    assert_eq!(
        report["summary"]["packages"],
        got.values().map(BTreeSet::len).sum::<usize>(),
        "{image}: no package twice"
    );
    check_consistent(&report);
    Some(report)
}

/// Returns the packages of a report by type, as the oracles name them.
fn by_kind(report: &Value) -> BTreeMap<String, BTreeSet<String>> {
    let mut packages: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for package in list(report, "packages") {
        let columns: &[&str] = match text(package, "type") {
            "deb" => &["name", "version", "architecture", "source_name", "source_version"],
            "rpm" => &["name", "version", "architecture", "source_name", "source_version", "module"],
            "apk" => &["name", "version", "architecture", "source_name"],
            _ => &["name", "version"],
        };
        let mut line: Vec<&str> = columns.iter().map(|column| text(package, column)).collect();
        let separator = if columns.len() > 2 { "\t" } else { " " };
        if text(package, "type") == "apk" {
            line.push(list(package, "licenses").first().and_then(Value::as_str).unwrap_or_default());
        }
        packages.entry(text(package, "type").to_owned()).or_default().insert(line.join(separator));
    }
    packages
}

/// Checks what every report owes: places with a layer of the image, and dependencies that are in the list.
#[track_caller]
fn check_consistent(report: &Value) {
    let packages = list(report, "packages");
    let purls: BTreeSet<&str> = packages.iter().map(|package| text(package, "purl")).collect();
    for package in packages {
        assert!(!list(package, "locations").is_empty(), "{package}");
        for location in list(package, "locations") {
            created_by(report, &location["layer"]);
        }
        for dependency in list(package, "depends_on") {
            assert!(purls.contains(dependency.as_str().unwrap()), "{package} needs {dependency}");
        }
    }
}

#[track_caller]
fn assert_same(got: &BTreeSet<String>, want: &BTreeSet<String>, what: &str) {
    let only = |a: &BTreeSet<String>, b: &BTreeSet<String>| a.difference(b).cloned().collect::<Vec<_>>();
    assert_eq!(
        (only(got, want), only(want, got)),
        (Vec::new(), Vec::new()),
        "{what}: (only here, only there)"
    );
    assert!(!got.is_empty(), "{what}");
}

/// Returns the package whose version begins with `version`.
#[track_caller]
fn package<'a>(report: &'a Value, kind: &str, name: &str, version: &str) -> &'a Value {
    let mut found = list(report, "packages").iter().filter(|package| {
        text(package, "type") == kind
            && text(package, "name") == name
            && text(package, "version").starts_with(version)
    });
    let package = found.next().unwrap_or_else(|| panic!("no {kind} package `{name}` {version}"));
    assert!(found.next().is_none(), "two of {name} {version}");
    package
}

/// Checks which build instruction, told by its beginning, brought a package.
#[track_caller]
fn check_origin(report: &Value, kind: &str, name: &str, version: &str, instruction: &str) {
    let package = package(report, kind, name, version);
    for location in list(package, "locations") {
        let by = created_by(report, &location["layer"]);
        assert!(by.starts_with(instruction), "`{name}` is said to come from `{by}`");
    }
}

#[track_caller]
fn check_depends(report: &Value, purl: &str, on: &[&str]) {
    let package = list(report, "packages").iter().find(|package| text(package, "purl") == purl).unwrap();
    for dependency in on {
        assert!(list(package, "depends_on").iter().any(|one| one == dependency), "{package}");
    }
}

/// Checks that a package of Debian answers for the package of a language that it contains.
#[track_caller]
fn check_attributed(report: &Value, owner: &str, purl: &str) {
    let owner = package(report, "deb", owner, "");
    assert!(list(owner, "contains").iter().any(|one| one == purl), "{owner}");
}

/// Returns `name version` of the packages that packages of the operating system contain.
fn attributed(report: &Value, prefix: &str) -> BTreeSet<String> {
    let contained =
        list(report, "packages").iter().filter_map(|package| package["contains"].as_array()).flatten();
    let names = contained.filter_map(|purl| purl.as_str().unwrap().strip_prefix(prefix));
    names.map(|name| name.split('?').next().unwrap().replace('@', " ")).collect()
}

/// Checks the gems: those that gem installed are listed, Debian's are attributed, together they are what `gem list` says.
#[track_caller]
fn check_gems(report: &Value, image: &str) {
    let folder = real_tests::corpus(image).unwrap();
    let want: BTreeSet<String> =
        gem(&std::fs::read_to_string(folder.join("oracle/gem.txt")).unwrap()).into_iter().collect();
    let listed = by_kind(report).remove("gem").unwrap_or_default();
    let attributed = attributed(report, "pkg:gem/");
    assert_same(&listed.union(&attributed).cloned().collect(), &want, &format!("{image}: gems"));
}

fn lines(said: &str) -> Vec<String> {
    said.lines().filter(|line| !line.is_empty()).map(str::to_owned).collect()
}

/// Reads `name version architecture source source-version state`: all but what was removed and left its configuration.
fn dpkg(said: &str) -> Vec<String> {
    let fields = said.lines().map(|line| line.rsplit_once('\t').unwrap());
    fields.filter(|(_, state)| *state != "config-files").map(|(package, _)| package.to_owned()).collect()
}

/// Reads `name epoch version release architecture source-rpm module licence vendor`.
fn rpm(said: &str) -> Vec<String> {
    let read = |line: &str| {
        let columns: Vec<&str> = line.split('\t').collect();
        let [name, epoch, version, release, architecture, source, module, ..] = columns[..] else {
            panic!("{line}")
        };
        let epoch = if matches!(epoch, "(none)" | "0") { String::new() } else { format!("{epoch}:") };
        let (rest, source_release) = source.trim_end_matches(".src.rpm").rsplit_once('-').unwrap();
        let (source, source_version) = rest.rsplit_once('-').unwrap();
        let module = module.trim_start_matches("(none)");
        format!(
            "{name}\t{epoch}{version}-{release}\t{architecture}\t{source}\t{epoch}{source_version}-{source_release}\t{module}"
        )
    };
    lines(said).iter().map(|line| read(line)).collect()
}

fn parse(said: &str) -> Value {
    serde_json::from_str(said).unwrap()
}

fn named(package: &Value) -> String {
    format!("{} {}", text(package, "name"), text(package, "version"))
}

fn pip(said: &str) -> Vec<String> {
    parse(said).as_array().unwrap().iter().map(named).collect()
}

/// Reads the tree of `npm ls --all --json`; an optional dependency that is not there has no version.
fn npm(said: &str) -> Vec<String> {
    fn walk(tree: &Value, packages: &mut Vec<String>) {
        for (name, below) in tree["dependencies"].as_object().into_iter().flatten() {
            if let Some(version) = below["version"].as_str() {
                packages.push(format!("{name} {version}"));
            }
            walk(below, packages);
        }
    }
    let mut packages = Vec::new();
    walk(&parse(said), &mut packages);
    packages
}

/// Reads a lockfile of npm's version 3.
fn npm_lock(said: &str) -> Vec<String> {
    let lock = parse(said);
    let packages = lock["packages"].as_object().unwrap().iter().filter(|(path, _)| !path.is_empty());
    packages
        .map(|(path, it)| format!("{} {}", path.rsplit_once("node_modules/").unwrap().1, text(it, "version")))
        .collect()
}

/// Reads what `go version -m` prints, the standard library included.
fn go(said: &str) -> Vec<String> {
    let toolchain = said.lines().next().and_then(|line| line.rsplit_once(": go")).unwrap().1;
    let mut modules = vec![format!("stdlib {}", toolchain.split(' ').next().unwrap())];
    for line in said.lines().skip(1) {
        let fields: Vec<&str> = line.trim_start_matches('\t').split('\t').collect();
        match fields[..] {
            // What Go calls `(devel)` has no version.
            ["mod" | "dep", path, version, ..] => {
                modules.push(format!("{path} {}", version.replace("(devel)", "")));
            }
            ["=>", path, version, ..] => *modules.last_mut().unwrap() = format!("{path} {version}"),
            _ => {}
        }
    }
    modules
}

/// Reads `group:artifact:jar:version:scope`.
fn maven(said: &str) -> Vec<String> {
    let fields = said.lines().map(|line| line.split(':').collect::<Vec<_>>());
    fields.map(|fields| format!("{}:{} {}", fields[0], fields[1], fields[3])).collect()
}

/// Reads what cargo-auditable embedded; what only took part in building is not in the program.
fn auditable(said: &str) -> Vec<String> {
    let said = parse(said);
    list(&said, "packages").iter().filter(|one| one["kind"] != "build").map(named).collect()
}

fn composer(said: &str) -> Vec<String> {
    list(&parse(said), "installed").iter().map(named).collect()
}

/// Reads `name (version, default: version)`.
fn gem(said: &str) -> Vec<String> {
    let read = |line: &str| {
        let (name, versions) = line.trim_end_matches(')').split_once(" (").unwrap();
        let versions = versions.split(", ").map(|version| version.trim_start_matches("default: "));
        versions.map(|version| format!("{name} {version}")).collect::<Vec<_>>()
    };
    said.lines().flat_map(read).collect()
}
