//! Java archives, Go and Rust programs: what the analyzers find against what the tools say that built them.

use assay_analyze::{Fact, File, LayerFacts, Sink};
use assay_decode::{FileSpool, ReadAt};
use assay_model::{Package, PackageKind};
use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

/// Runs the analyzer `name` on one file, which must not be damaged.
fn analyze(name: &str, path: &str, content: &dyn ReadAt) -> Vec<Package> {
    let analyzer =
        assay_packages::lang::ANALYZERS.iter().find(|analyzer| analyzer.id().name == name).unwrap();
    let mut facts = LayerFacts::default();
    analyzer.analyze(&File::new(path, 0o755, content), &mut Sink::new(path, &mut facts));
    let facts = facts.paths.remove(path).unwrap_or_default();
    assert_eq!(facts.warnings, [], "{path}");
    let mut packages = Vec::new();
    for fact in facts.facts {
        if let Fact::Package(package) = fact {
            packages.push(*package);
        }
    }
    packages
}

fn run(command: &mut Command) -> String {
    let done = command.output().unwrap();
    assert!(done.status.success(), "{command:?}: {}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8(done.stdout).unwrap()
}

/// Returns a file of a corpus image, from whichever layer has it.
pub(crate) fn file_of(image: &Path, path: &str) -> Vec<u8> {
    let blobs = std::fs::read_dir(image.join("oci/blobs/sha256")).unwrap();
    let found = blobs.flatten().find_map(|blob| {
        let done = Command::new("tar").arg("-xzOf").arg(blob.path()).arg(path).output().unwrap();
        (done.status.success() && !done.stdout.is_empty()).then_some(done.stdout)
    });
    found.unwrap_or_else(|| panic!("no layer of {} has `{path}`", image.display()))
}

/// Compares two sets and names what only one has.
#[track_caller]
fn assert_same(got: &BTreeSet<String>, want: &BTreeSet<String>) {
    let only = |a: &BTreeSet<String>, b: &BTreeSet<String>| a.difference(b).cloned().collect::<Vec<_>>();
    assert_eq!((only(got, want), only(want, got)), (Vec::new(), Vec::new()), "(only here, only there)");
    assert!(!got.is_empty());
}

/// Returns `name version` of the modules that `go version -m` prints, the standard library included.
fn go_says(text: &str) -> BTreeSet<String> {
    let mut lines = text.lines();
    let toolchain = lines.next().and_then(|line| line.rsplit_once(": go")).unwrap().1;
    let mut modules = vec![format!("stdlib {}", toolchain.split(' ').next().unwrap())];
    for line in lines {
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
    modules.into_iter().collect()
}

fn go_finds(path: &str, content: &dyn ReadAt) -> BTreeSet<String> {
    let packages = analyze("go-binary", path, content);
    packages.iter().map(|package| format!("{} {}", package.name, package.version)).collect()
}

const GO_MOD: &str = "module example.com/hello\n\ngo 1.21\n\nrequire (\n\tgolang.org/x/net v0.15.0\n\tgolang.org/x/text v0.13.0\n)\n\n\
    replace golang.org/x/net => golang.org/x/net v0.16.0\n";
const GO_MAIN: &str = "package main\n\nimport (\n\t\"fmt\"\n\n\t\"golang.org/x/net/html\"\n\t\"golang.org/x/text/width\"\n)\n\n\
    func main() { fmt.Println(html.EscapeString(width.Fold.String(\"<a>\"))) }\n";

#[test]
fn go_programs_name_the_modules_that_go_version_names() {
    let Some(go) = real_tests::tool("go") else { return };
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("go.mod"), GO_MOD).unwrap();
    std::fs::write(folder.path().join("main.go"), GO_MAIN).unwrap();
    let command = || {
        let mut command = Command::new(&go);
        command.current_dir(folder.path()).env("CGO_ENABLED", "0");
        command
    };
    run(command().args(["mod", "tidy"]));
    let builds: [(&str, &str, &[&str]); 6] = [
        ("linux", "amd64", &[]),
        ("linux", "amd64", &["-trimpath", "-ldflags=-s -w"]),
        ("linux", "amd64", &["-buildmode=pie"]),
        ("linux", "386", &[]),
        ("windows", "amd64", &["-ldflags=-s -w"]),
        ("darwin", "arm64", &[]),
    ];
    for (system, processor, flags) in builds {
        let program = folder.path().join("program");
        run(command()
            .env("GOOS", system)
            .env("GOARCH", processor)
            .arg("build")
            .args(flags)
            .arg("-o")
            .arg(&program));
        let said = go_says(&run(command().args(["version", "-m"]).arg(&program)));
        assert!(said.contains("golang.org/x/net v0.16.0"));
        let content = FileSpool::new(std::fs::File::open(&program).unwrap()).unwrap();
        assert_same(&go_finds("program", &content), &said);
    }
}

#[test]
fn the_go_image_has_the_modules_that_go_version_names() {
    let Some(image) = real_tests::corpus("go-app") else { return };
    let said = std::fs::read_to_string(image.join("oracle/go.txt")).unwrap();
    assert_same(&go_finds("gateway", &file_of(&image, "gateway")), &go_says(&said));
}

fn maven_finds(path: &str, content: &dyn ReadAt) -> BTreeSet<String> {
    let packages = analyze("java-archive", path, content);
    assert!(packages.iter().all(|package| package.kind == PackageKind::Maven));
    packages.iter().map(|package| format!("{}:{}", package.full_name(), package.version)).collect()
}

/// Returns `group:artifact:version` of the lines `group:artifact:jar:version:scope`.
fn maven_says(text: &str) -> BTreeSet<String> {
    let fields = text.lines().map(|line| line.split(':').collect::<Vec<_>>());
    fields.map(|fields| format!("{}:{}:{}", fields[0], fields[1], fields[3])).collect()
}

#[test]
fn jars_have_the_artifacts_that_maven_put_there() {
    let Some(image) = real_tests::corpus("java-app") else { return };
    let oracle = |name: &str| maven_says(&std::fs::read_to_string(image.join("oracle").join(name)).unwrap());

    let mut fat = oracle("maven-fat.txt");
    // Starters are empty jars that only bring others along: Spring Boot's plug-in leaves them out, and adds a tool.
    fat.retain(|artifact| !artifact.contains(":spring-boot-starter"));
    fat.insert("org.springframework.boot:spring-boot-jarmode-layertools:2.6.5".to_owned());
    let found = maven_finds("app/orders.jar", &file_of(&image, "app/orders.jar"));
    assert!(found.contains("org.apache.logging.log4j:log4j-core:2.14.1"));
    assert!(found.contains("org.springframework:spring-beans:5.3.17"));
    assert_same(&found, &fat);

    let mut shaded = oracle("maven-shaded.txt");
    // Built by Gradle: its classes are in the shaded jar, but nothing that names it.
    assert!(shaded.remove("org.checkerframework:checker-qual:2.11.1"));
    let path = "opt/jobs/report-job-0.3.1.jar";
    assert_same(&maven_finds(path, &file_of(&image, path)), &shaded);
}

#[test]
fn rust_programs_name_the_crates_that_cargo_auditable_recorded() {
    let Some(image) = real_tests::corpus("rust-app") else { return };
    let oracle = |name: &str| std::fs::read_to_string(image.join("oracle").join(name)).unwrap();
    // One line of JSON, each crate an object without others inside.
    let said = oracle("auditable.json");
    let value = |object: &str, key: &str| {
        let rest = object.split_once(&format!("\"{key}\":\"")).unwrap().1;
        rest.split('"').next().unwrap().to_owned()
    };
    let crates = said
        .split('{')
        .filter(|object| object.contains("\"name\"") && !object.contains("\"kind\":\"build\""));
    let said: BTreeSet<String> =
        crates.map(|object| format!("{} {}", value(object, "name"), value(object, "version"))).collect();
    let packages = analyze("rust-auditable", "ledger", &file_of(&image, RUST_PROGRAM));
    let name = |package: &Package| format!("{} {}", package.name, package.version);
    let found: BTreeSet<String> = packages.iter().map(name).collect();
    assert_same(&found, &said);
    // Everything in the program is in Cargo's tree, and so is every dependency in the program.
    let tree = oracle("cargo-tree.txt").replace(" v", " ");
    let tree: BTreeSet<String> =
        tree.lines().map(|line| line.split(' ').take(2).collect::<Vec<_>>().join(" ")).collect();
    assert!(found.is_subset(&tree), "{:?}", found.difference(&tree));
    assert!(packages.iter().flat_map(|package| &package.requires).all(|name| found.contains(name)));

    // Of the lockfile, all but the program itself.
    let lock = oracle("Cargo.lock");
    let locked = analyze("rust-cargo-lock", "Cargo.lock", &lock.as_bytes().to_vec());
    let locked: BTreeSet<String> = locked.iter().map(name).collect();
    assert!(tree.is_subset(&locked.iter().cloned().chain(["ledger 0.6.0".to_owned()]).collect()));
    assert!(!locked.contains("ledger 0.6.0"));
}

const RUST_PROGRAM: &str = "usr/local/bin/ledger";
