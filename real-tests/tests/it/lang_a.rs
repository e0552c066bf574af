//! Python and Node: installed packages and lockfiles, against what pip, npm and the tools that wrote them list.

use assay_analyze::{Fact, File, LayerFacts, Sink};
use assay_model::Package;
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Runs the analyzer `name` on one file, which must not be damaged.
fn analyze(name: &str, path: &str, content: &[u8]) -> Vec<Package> {
    let analyzer =
        assay_packages::lang::ANALYZERS.iter().find(|analyzer| analyzer.id().name == name).unwrap();
    let mut facts = LayerFacts::default();
    analyzer.analyze(&File::new(path, 0o644, &content), &mut Sink::new(path, &mut facts));
    let facts = facts.paths.remove(path).unwrap_or_default();
    assert_eq!(facts.warnings, [], "{path}");
    let packages = facts.facts.into_iter().filter_map(|fact| match fact {
        Fact::Package(package) => Some(*package),
        _ => None,
    });
    packages.collect()
}

fn names(packages: &[Package]) -> BTreeSet<String> {
    packages.iter().map(|package| format!("{} {}", package.name, package.version)).collect()
}

/// Returns what the analyzer `name` finds in one lockfile.
fn locked(name: &str, file: &Path) -> BTreeSet<String> {
    let path = file.file_name().unwrap().to_str().unwrap();
    names(&analyze(name, path, &std::fs::read(file).unwrap()))
}

/// Returns what the analyzer `name` finds in the files of a folder whose path ends with one of `suffixes`, by path.
fn installed(name: &str, folder: &Path, suffixes: &[&str]) -> Vec<(String, Package)> {
    let mut found = Vec::new();
    let mut todo = vec![folder.to_owned()];
    while let Some(at) = todo.pop() {
        for entry in std::fs::read_dir(at).unwrap().flatten() {
            let kind = entry.file_type().unwrap();
            let path = entry.path();
            let shown = path.strip_prefix(folder).unwrap().to_str().unwrap().to_owned();
            if kind.is_dir() {
                todo.push(path);
            } else if kind.is_file() && suffixes.iter().any(|suffix| shown.ends_with(suffix)) {
                let packages = analyze(name, &shown, &std::fs::read(&path).unwrap());
                found.extend(packages.into_iter().map(|package| (shown.clone(), package)));
            }
        }
    }
    found
}

const PYTHON: [&str; 4] = [".dist-info/METADATA", ".egg-info/PKG-INFO", "/EGG-INFO/PKG-INFO", ".egg-info"];

/// Unpacks the files of a corpus image that match a pattern; no layer of these images takes such a file away.
fn unpack(image: &Path, patterns: &[&str]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for blob in std::fs::read_dir(image.join("oci/blobs/sha256")).unwrap().flatten() {
        // Manifests are no archives, and many layers have no such file: tar fails for both.
        let mut tar = Command::new("tar");
        tar.arg("-xzf").arg(blob.path()).arg("-C").arg(folder.path()).arg("--wildcards").args(patterns);
        tar.output().unwrap();
    }
    folder
}

/// Returns a new folder under `target/`, which goes away with the value.
fn project(files: &[(&str, &str)]) -> tempfile::TempDir {
    let target = real_tests::workspace().join("target");
    std::fs::create_dir_all(&target).unwrap();
    let folder = tempfile::Builder::new().prefix("lang-a-").tempdir_in(target).unwrap();
    for (name, text) in files {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

/// Runs a command in a folder; npm tells of missing optional packages by its exit code, so that it may fail.
fn output(folder: &Path, program: &Path, arguments: &[&str]) -> (bool, String) {
    let mut command = Command::new(program);
    command
        .current_dir(folder)
        .args(arguments)
        .env_remove("CI")
        .env("PIPENV_VENV_IN_PROJECT", "1")
        .env("POETRY_VIRTUALENVS_IN_PROJECT", "1");
    let done = command
        .env("YARN_ENABLE_TELEMETRY", "0")
        .env("YARN_ENABLE_IMMUTABLE_INSTALLS", "0")
        .env("npm_config_loglevel", "error")
        .output()
        .unwrap();
    let text = String::from_utf8(done.stdout).unwrap();
    if !done.status.success() {
        eprintln!("{program:?} {arguments:?}: {text}{}", String::from_utf8_lossy(&done.stderr));
    }
    (done.status.success(), text)
}

#[track_caller]
fn run(folder: &Path, program: &Path, arguments: &[&str]) -> String {
    let (success, text) = output(folder, program, arguments);
    assert!(success, "{program:?} {arguments:?}");
    text
}

/// Compares two sets and names what only one has.
#[track_caller]
fn assert_same(got: &BTreeSet<String>, want: &BTreeSet<String>) {
    let only = |a: &BTreeSet<String>, b: &BTreeSet<String>| a.difference(b).cloned().collect::<Vec<_>>();
    assert_eq!((only(got, want), only(want, got)), (Vec::new(), Vec::new()), "(only here, only there)");
    assert!(!got.is_empty());
}

/// Returns what `pip list --format json` says.
fn pip_says(json: &str) -> BTreeSet<String> {
    let list: Vec<Value> = serde_json::from_str(json).unwrap();
    let text = |entry: &Value, key: &str| entry[key].as_str().unwrap().to_owned();
    list.iter().map(|entry| format!("{} {}", text(entry, "name"), text(entry, "version"))).collect()
}

/// Compares installed distributions with pip's list, which leaves out what distributions carry inside themselves.
#[track_caller]
fn assert_pip_agrees(found: &[(String, Package)], pip: &str) {
    let own = found.iter().filter(|(path, _)| !path.contains("/_vendor/"));
    let own: Vec<Package> = own.map(|(_, package)| package.clone()).collect();
    assert_same(&names(&own), &pip_says(pip));
}

#[test]
fn the_python_image_has_what_pip_lists() {
    let Some(image) = real_tests::corpus("python-app") else { return };
    let folder = unpack(&image, &["opt/venv/*-info*"]);
    let found = installed("python-metadata", folder.path(), &PYTHON);
    assert_pip_agrees(&found, &std::fs::read_to_string(image.join("oracle/pip.json")).unwrap());
    // Debian's pip builds two of them from source, which leaves the older form.
    assert!(found.iter().any(|(path, _)| path.ends_with(".egg-info/PKG-INFO")));
    assert!(found.iter().any(|(_, package)| package.name == "Django" && package.requires.len() == 3));
}

#[test]
fn a_virtual_environment_has_what_pip_lists() {
    let Some(python) = real_tests::tool("python3") else { return };
    let folder = project(&[]);
    run(folder.path(), &python, &["-m", "venv", "venv"]);
    let pip = folder.path().join("venv/bin/pip");
    run(folder.path(), &pip, &["install", "--quiet", "requests==2.28.1", "zope.interface==6.0", "PyYAML"]);
    let found = installed("python-metadata", folder.path(), &PYTHON);
    assert_pip_agrees(&found, &run(folder.path(), &pip, &["list", "--format", "json"]));
    let shown = run(folder.path(), &pip, &["show", "requests"]);
    let requires = shown.lines().find_map(|line| line.strip_prefix("Requires: ")).unwrap();
    let (_, requests) = found.iter().find(|(_, package)| package.name == "requests").unwrap();
    assert_same(
        &requests.requires.iter().cloned().collect(),
        &requires.split(", ").map(str::to_owned).collect(),
    );
}

/// Adds what `npm ls --json` says below `node`; optional dependencies that are not there have no version.
fn npm_says(node: &Value, said: &mut BTreeSet<String>) {
    for (name, node) in node["dependencies"].as_object().into_iter().flatten() {
        if let Some(version) = node["version"].as_str() {
            // npm names the folder; `ms-old` is the alias in `MANIFEST`, and the package in it is `ms`.
            said.insert(format!("{} {version}", if name == "ms-old" { "ms" } else { name }));
            npm_says(node, said);
        }
    }
}

fn npm_tree(json: &str) -> BTreeSet<String> {
    let mut said = BTreeSet::new();
    npm_says(&serde_json::from_str(json).unwrap(), &mut said);
    said
}

fn node_modules(folder: &Path) -> BTreeSet<String> {
    let found = installed("node-package-json", folder, &["/package.json"]);
    names(&found.into_iter().map(|(_, package)| package).collect::<Vec<_>>())
}

#[test]
fn the_node_image_has_what_npm_lists() {
    let Some(image) = real_tests::corpus("node-app") else { return };
    let folder = unpack(&image, &["srv/*package.json", "srv/*package-lock.json"]);
    let oracle = |name: &str| npm_tree(&std::fs::read_to_string(image.join("oracle").join(name)).unwrap());
    assert_same(&node_modules(folder.path()), &oracle("npm.json"));
    // What is only for development is in npm's list of the lockfile, but not in ours.
    let lock = locked("node-package-lock", &folder.path().join("srv/shop-front/package-lock.json"));
    let all = oracle("npm-lock.json");
    assert!(lock.is_subset(&all), "{:?}", lock.difference(&all));
    assert!(lock.is_superset(&oracle("npm.json")) && !lock.contains("mocha 9.1.3"));
}

const MANIFEST: &str = r#"{"name":"shop","version":"1.0.0","private":true,"license":"MIT",
    "dependencies":{"debug":"4.3.4","ms-old":"npm:ms@2.0.0","@types/ms":"0.7.31","chokidar":"3.5.3"},
    "devDependencies":{"mkdirp":"0.5.5","ms":"2.1.2"}}"#;

#[test]
fn npm_lockfiles_and_trees_have_what_npm_lists() {
    let Some(npm) = real_tests::tool("npm") else { return };
    let quiet = ["--ignore-scripts", "--no-audit", "--no-fund"];
    for version in ["1", "2", "3"] {
        let folder = project(&[("package.json", MANIFEST)]);
        let install = ["install", "--package-lock-only", "--lockfile-version", version];
        run(folder.path(), &npm, &[&install[..], &quiet].concat());
        let list = ["ls", "--all", "--json", "--omit=dev"];
        let said = npm_tree(&output(folder.path(), &npm, &[&list[..], &["--package-lock-only"]].concat()).1);
        assert!(said.contains("ms 2.0.0") && !said.contains("mkdirp 0.5.5"));
        let lock = folder.path().join("package-lock.json");
        assert_same(&locked("node-package-lock", &lock), &said);
        if version == "3" {
            run(folder.path(), &npm, &[&["ci", "--omit=dev"][..], &quiet].concat());
            let said = npm_tree(&output(folder.path(), &npm, &list).1);
            assert_same(&node_modules(folder.path()), &said);
        }
    }
}

/// Installs a program from npm's registry and returns its script.
fn from_npm(folder: &Path, package: &str, script: &str) -> Option<PathBuf> {
    let npm = real_tests::tool("npm")?;
    run(
        folder,
        &npm,
        &["install", "--prefix", "tools", "--ignore-scripts", "--no-audit", "--no-fund", package],
    );
    Some(folder.join("tools/node_modules").join(script))
}

#[test]
fn yarn_1_lockfiles_have_what_yarn_lists() {
    let Some(node) = real_tests::tool("node") else { return };
    let folder = project(&[]);
    let Some(script) = from_npm(folder.path(), "yarn@1.22.22", "yarn/bin/yarn.js") else { return };
    let app = project(&[("package.json", MANIFEST)]);
    let yarn =
        |arguments: &[&str]| run(app.path(), &node, &[&[script.to_str().unwrap()], arguments].concat());
    yarn(&["install", "--ignore-scripts", "--non-interactive", "--no-progress"]);
    fn collect(tree: &Value, said: &mut BTreeSet<String>) {
        // A shadow repeats what stands elsewhere, with a range.
        if tree["shadow"] != true {
            let (name, version) = tree["name"].as_str().unwrap().rsplit_once('@').unwrap();
            said.insert(format!("{} {version}", if name == "ms-old" { "ms" } else { name }));
            tree["children"].as_array().into_iter().flatten().for_each(|child| collect(child, said));
        }
    }
    let list: Value = serde_json::from_str(yarn(&["list", "--json"]).lines().last().unwrap()).unwrap();
    let mut said = BTreeSet::new();
    list["data"]["trees"].as_array().unwrap().iter().for_each(|tree| collect(tree, &mut said));
    assert_same(&locked("node-yarn-lock", &app.path().join("yarn.lock")), &said);
}

#[test]
fn yarn_4_lockfiles_have_what_yarn_lists() {
    let Some(node) = real_tests::tool("node") else { return };
    let folder = project(&[]);
    let script = from_npm(folder.path(), "@yarnpkg/cli-dist@4.9.1", "@yarnpkg/cli-dist/bin/yarn.js");
    let Some(script) = script else { return };
    let app = project(&[("package.json", MANIFEST), ("yarn.lock", "")]);
    let yarn =
        |arguments: &[&str]| run(app.path(), &node, &[&[script.to_str().unwrap()], arguments].concat());
    yarn(&["install", "--mode=update-lockfile"]);
    let said = yarn(&["info", "-A", "-R", "--json"]);
    let locators = said.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let said: BTreeSet<String> = locators
        .filter(|locator| !locator["value"].as_str().unwrap().contains("@workspace:"))
        .map(|locator| {
            let (name, _) = locator["value"].as_str().unwrap()[1..].split_once('@').unwrap();
            let name = format!("{}{name}", &locator["value"].as_str().unwrap()[..1]);
            format!("{name} {}", locator["children"]["Version"].as_str().unwrap())
        })
        .collect();
    assert_same(&locked("node-yarn-lock", &app.path().join("yarn.lock")), &said);
}

#[test]
fn pnpm_lockfiles_and_trees_have_what_pnpm_lists() {
    let Some(node) = real_tests::tool("node") else { return };
    for version in ["7.33.7", "8.15.9", "9.15.9"] {
        let folder = project(&[]);
        let script = from_npm(folder.path(), &format!("pnpm@{version}"), "pnpm/bin/pnpm.cjs");
        let Some(script) = script else { return };
        let app = project(&[("package.json", MANIFEST)]);
        let pnpm =
            |arguments: &[&str]| run(app.path(), &node, &[&[script.to_str().unwrap()], arguments].concat());
        pnpm(&["install", "--prod", "--ignore-scripts", "--store-dir", folder.path().to_str().unwrap()]);
        let list: Value = serde_json::from_str(&pnpm(&["ls", "--prod", "--depth", "99", "--json"])).unwrap();
        fn collect(node: &Value, said: &mut BTreeSet<String>) {
            for (alias, node) in ["dependencies", "optionalDependencies"]
                .iter()
                .flat_map(|key| node[key].as_object().into_iter().flatten())
            {
                let name = node["from"].as_str().unwrap_or(alias);
                said.insert(format!("{name} {}", node["version"].as_str().unwrap()));
                collect(node, said);
            }
        }
        let mut said = BTreeSet::new();
        collect(&list[0], &mut said);
        // For macOS only: it is locked, but not installed here; some versions list it nevertheless.
        said.remove("fsevents 2.3.3");
        assert_same(&node_modules(app.path()), &said);
        said.insert("fsevents 2.3.3".to_owned());
        assert_same(&locked("node-pnpm-lock", &app.path().join("pnpm-lock.yaml")), &said);
    }
}

/// Makes a virtual environment with a program from PyPI and returns the program.
fn from_pypi(folder: &Path, package: &str, program: &str) -> Option<PathBuf> {
    let python = real_tests::tool("python3")?;
    run(folder, &python, &["-m", "venv", "tools"]);
    run(folder, &folder.join("tools/bin/pip"), &["install", "--quiet", package]);
    Some(folder.join("tools/bin").join(program))
}

const PYPROJECT: &str = r#"[project]
name = "shop"
version = "0.1.0"
requires-python = ">=3.9"
dependencies = ["requests[socks]==2.28.1", "flask==2.2.2"]
[project.optional-dependencies]
fast = ["ujson==5.7.0"]
[dependency-groups]
dev = ["pytest==7.2.0"]
"#;

#[test]
fn uv_lockfiles_and_exports_have_what_uv_exports() {
    let folder = project(&[("pyproject.toml", PYPROJECT)]);
    let Some(uv) = from_pypi(folder.path(), "uv", "uv") else { return };
    run(folder.path(), &uv, &["lock"]);
    let export = ["export", "--no-dev", "--all-extras"];
    let plain =
        run(folder.path(), &uv, &[&export[..], &["--no-hashes", "--no-annotate", "--no-header"]].concat());
    let said: BTreeSet<String> =
        plain.lines().map(|line| line.split(';').next().unwrap().trim().replace("==", " ")).collect();
    assert!(said.contains("pysocks 1.7.1") && said.contains("ujson 5.7.0"));
    assert!(!said.iter().any(|name| name.starts_with("pytest ")));
    assert_same(&locked("python-uv-lock", &folder.path().join("uv.lock")), &said);
    run(folder.path(), &uv, &[&export[..], &["-o", "requirements.txt"]].concat());
    assert_same(&locked("python-requirements", &folder.path().join("requirements.txt")), &said);
    run(folder.path(), &uv, &[&export[..], &["-o", "pylock.toml"]].concat());
    assert_same(&locked("python-pylock", &folder.path().join("pylock.toml")), &said);
}

#[test]
fn poetry_lockfiles_have_what_poetry_shows() {
    let folder = project(&[]);
    let Some(poetry) = from_pypi(folder.path(), "poetry==2.1.3", "poetry") else { return };
    // Poetry asks a service that mirrors do not have, unless it is told an index; pip knows which one.
    let tools = |program: &str| folder.path().join("tools/bin").join(program);
    let (_, configured) = output(folder.path(), &tools("pip"), &["config", "get", "global.index-url"]);
    let index = match configured.trim() {
        "" => {
            let print = "from pip._internal.models.index import PyPI; print(PyPI.simple_url)";
            run(folder.path(), &tools("python"), &["-c", print]).trim().to_owned()
        }
        configured => configured.to_owned(),
    };
    let source = format!("[[tool.poetry.source]]\nname = \"index\"\nurl = \"{index}\"\n");
    let manifest = format!(
        "[tool.poetry]\npackage-mode = false\n[tool.poetry.dependencies]\npython = \"^3.9\"\n\
         requests = {{version = \"2.28.1\", extras = [\"socks\"]}}\n\
         [tool.poetry.group.dev.dependencies]\npytest = \"7.2.0\"\n{source}"
    );
    std::fs::write(folder.path().join("pyproject.toml"), manifest).unwrap();
    run(folder.path(), &poetry, &["lock", "-n"]);
    let shown = run(folder.path(), &poetry, &["show", "--only", "main", "-n", "--no-ansi"]);
    let said: BTreeSet<String> = shown
        .lines()
        .map(|line| {
            let words: Vec<&str> = line.split_whitespace().filter(|word| *word != "(!)").take(2).collect();
            words.join(" ")
        })
        .collect();
    assert!(said.contains("pysocks 1.7.1"));
    assert_same(&locked("python-poetry-lock", &folder.path().join("poetry.lock")), &said);
}

#[test]
fn pipfile_locks_have_what_pipenv_requires() {
    let pipfile = "[packages]\nrequests = {version = \"==2.28.1\", extras = [\"socks\"]}\n\n[dev-packages]\npytest = \"==7.2.0\"\n";
    let folder = project(&[("Pipfile", pipfile)]);
    let Some(pipenv) = from_pypi(folder.path(), "pipenv", "pipenv") else { return };
    run(folder.path(), &pipenv, &["lock"]);
    let said: BTreeSet<String> = run(folder.path(), &pipenv, &["requirements"])
        .lines()
        .filter_map(|line| line.split(';').next()?.split_once("=="))
        .map(|(name, version)| format!("{} {}", name.split('[').next().unwrap(), version.trim()))
        .collect();
    assert!(said.contains("pysocks 1.7.1"));
    assert_same(&locked("python-pipfile-lock", &folder.path().join("Pipfile.lock")), &said);
}

#[test]
fn bun_lockfiles_have_what_npm_chooses() {
    let folder = project(&[]);
    let script = from_npm(folder.path(), "bun@1.2.2", "@oven/bun-linux-x64/bin/bun");
    let (Some(bun), Some(npm)) = (script, real_tests::tool("npm")) else { return };
    let app = project(&[("package.json", MANIFEST)]);
    run(app.path(), &bun, &["install", "--lockfile-only", "--save-text-lockfile"]);
    // Bun's own list needs an installation; for the same manifest npm chooses the same versions.
    run(app.path(), &npm, &["install", "--package-lock-only", "--ignore-scripts", "--no-audit", "--no-fund"]);
    let list = ["ls", "--all", "--json", "--omit=dev", "--package-lock-only"];
    let said = npm_tree(&output(app.path(), &npm, &list).1);
    assert_same(&locked("node-bun-lock", &app.path().join("bun.lock")), &said);
}
