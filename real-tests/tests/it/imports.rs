//! Grades of use against the interpreters' own lists of what they loaded: `sys.modules`, `require.cache`, `$LOADED_FEATURES`,
//! `get_included_files()`, `-Xlog:class+load`.
//!
//! Small programs are run by the interpreters of this machine on packages below one folder, and the folder is graded as an image that starts
//! the same program. No package of which a file was loaded may be graded unused; and what nothing loads is, where nothing is computed.

use assay_analyze::{FolderPass, Limits, Lockfiles, Matcher, Node, squash};
use assay_model::image::ImageConfig;
use assay_model::path::parent;
use assay_model::{Package, Usage};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A folder that is graded as an image, and in which programs are run.
struct Root(tempfile::TempDir);

impl Root {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// Unpacks an image of the corpus; what belongs to other users is given to this one.
    fn of_corpus(name: &str) -> Option<Self> {
        let umoci = real_tests::tool("umoci")?;
        let image = real_tests::corpus(name)?;
        let root = Self::new();
        let done = Command::new(umoci)
            .args(["raw", "unpack", "--rootless", "--image"])
            .arg(format!("{}:latest", image.join("oci").display()))
            .arg(root.path())
            .output()
            .unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        Some(root)
    }

    /// Returns the root, whose own links are followed: interpreters tell of real paths.
    fn path(&self) -> PathBuf {
        fs::canonicalize(self.0.path()).unwrap().join("root")
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Puts the interpreter itself into the image: nothing runs without it.
    fn interpreter(&self, program: &Path, path: &str) {
        let at = self.path().join(path);
        fs::create_dir_all(at.parent().unwrap()).unwrap();
        if at.symlink_metadata().is_err() {
            fs::copy(fs::canonicalize(program).unwrap(), at).unwrap();
        }
    }

    /// Runs a program in a folder and returns the paths below the root that it printed, relative to it.
    fn loaded(&self, folder: &str, command: &mut Command) -> BTreeSet<String> {
        let done = command.current_dir(self.path().join(folder)).output().unwrap();
        let said = String::from_utf8_lossy(&done.stdout);
        assert!(done.status.success(), "{said}{}", String::from_utf8_lossy(&done.stderr));
        let root = format!("{}/", self.path().display());
        said.lines()
            .filter_map(|line| line.trim().split_once(root.as_str()).map(|(_, path)| path))
            .map(|path| path.split("!/").next().unwrap_or(path).trim_end_matches(['\'', '"']).to_owned())
            .collect()
    }

    /// Returns the packages of these folders, graded by what such a command reaches.
    fn grades(&self, folders: &[&str], working_dir: &str, command: &[&str], env: &[&str]) -> Vec<Package> {
        let matcher = Matcher::new(assay_packages::analyzers().chain(assay_usage::analyzers()));
        let limits = Limits::new(std::env::temp_dir());
        let mut pass = FolderPass::new(&matcher, &limits);
        let mut links = BTreeMap::new();
        // `bin` and `lib` are links where `/usr` is merged.
        for entry in fs::read_dir(self.path()).unwrap().map(Result::unwrap) {
            if let Ok(target) = fs::read_link(entry.path()) {
                links.insert(entry.file_name().into_string().unwrap(), target.to_str().unwrap().to_owned());
            }
        }
        for folder in folders {
            self.walk(&self.path().join(folder), &mut pass, &mut links);
        }
        let mut layer = pass.finish();
        layer.symlinks = links;
        let mut squashed = squash(vec![layer], true, Lockfiles::WhenNothingInstalled, &matcher);
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        let config = ImageConfig {
            command: words(command),
            env: words(env),
            working_dir: working_dir.to_owned(),
            ..ImageConfig::default()
        };
        assay_usage::judge(&config, &mut squashed);
        squashed.inventory.packages
    }

    fn walk(&self, folder: &Path, pass: &mut FolderPass<'_>, links: &mut BTreeMap<String, String>) {
        let mut entries: Vec<_> = fs::read_dir(folder).unwrap().map(Result::unwrap).collect();
        entries.sort_by_key(fs::DirEntry::file_name);
        for entry in entries {
            let path = entry.path();
            let kind = entry.file_type().unwrap();
            let Some(relative) = path.strip_prefix(self.path()).unwrap().to_str() else { continue };
            if kind.is_symlink() {
                links.insert(relative.to_owned(), fs::read_link(&path).unwrap().to_str().unwrap().to_owned());
            } else if kind.is_dir() {
                self.walk(&path, pass, links);
            } else if kind.is_file() {
                pass.file(relative, Node::file(0o755), &fs::read(&path).unwrap());
            }
        }
    }
}

/// Holds that no package with a loaded file is graded unused; returns the names by grade.
#[track_caller]
fn check(
    packages: &[Package],
    loaded: &BTreeSet<String>,
    owns: impl Fn(&Package, &str) -> bool,
) -> BTreeMap<Usage, BTreeSet<String>> {
    let mut grades: BTreeMap<Usage, BTreeSet<String>> = BTreeMap::new();
    for package in packages {
        let file = loaded.iter().find(|path| owns(package, path));
        if let (Some(file), Usage::Unused) = (file, package.usage) {
            panic!(
                "{} is graded unused ({:?}), but `{file}` was loaded",
                package.full_name(),
                package.usage_evidence
            );
        }
        grades.entry(package.usage).or_default().insert(package.full_name());
    }
    for (grade, names) in &grades {
        println!("{grade:?}: {} {names:.300?}", names.len());
    }
    grades
}

#[track_caller]
fn check_names(grades: &BTreeMap<Usage, BTreeSet<String>>, usage: Usage, names: &[&str]) {
    let found = grades.get(&usage).cloned().unwrap_or_default();
    for name in names {
        assert!(found.contains(*name), "`{name}` is not {usage:?}: {grades:?}");
    }
}

/// Returns whether a file lies in the folder of the record that describes a package.
fn beside(package: &Package, path: &str) -> bool {
    package.locations.iter().any(|location| {
        let folder = parent(&location.path);
        let rest = path.strip_prefix(folder).and_then(|rest| rest.strip_prefix('/'));
        rest.is_some_and(|rest| !rest.contains("node_modules/"))
    })
}

const SITE: &str = "opt/venv/lib/python3.11/site-packages";

/// Prints the files of all modules, whatever was loaded in between.
const PYTHON_END: &str = "
import sys
for module in list(sys.modules.values()):
    print(getattr(module, '__file__', None))
";

fn python(script: &str, command: &[&str], path: &str) -> Option<(Root, BTreeMap<Usage, BTreeSet<String>>)> {
    let python = real_tests::tool("python3")?;
    let root = Root::of_corpus("python-app")?;
    root.write(path, script);
    let site = root.path().join(SITE);
    let loaded = root.loaded(
        "srv/tickets",
        Command::new(python).args(["-B", "-c"]).arg(format!("{script}{PYTHON_END}")).env("PYTHONPATH", &site),
    );
    assert!(loaded.len() > 20, "{loaded:?}");
    let env = ["PATH=/opt/venv/bin:/usr/local/bin:/usr/bin:/bin"];
    let packages =
        root.grades(&["opt", "srv", "usr/bin", "usr/lib/python3.11"], "/srv/tickets", command, &env);
    // What pip says belongs to each distribution.
    let mut owners: BTreeMap<String, String> = BTreeMap::new();
    for entry in fs::read_dir(&site).unwrap().map(Result::unwrap) {
        let folder = entry.file_name().into_string().unwrap();
        let Ok(record) = fs::read_to_string(entry.path().join("RECORD")) else { continue };
        for line in record.lines() {
            owners.insert(format!("{SITE}/{}", line.split(',').next().unwrap()), format!("{SITE}/{folder}"));
        }
    }
    let owns = |package: &Package, path: &str| {
        let folder = owners.get(path);
        package.locations.iter().any(|location| folder.is_some_and(|folder| parent(&location.path) == folder))
    };
    assert!(loaded.iter().filter(|path| packages.iter().any(|package| owns(package, path))).count() > 20);
    let grades = check(&packages, &loaded, owns);
    Some((root, grades))
}

#[test]
fn python_imports_nothing_that_is_graded_unused() {
    let script = "
import click
import itsdangerous
import markupsafe

def later():
    from sqlparse import format
    return format('select 1', reindent=True)

print(later(), itsdangerous.Signer('x').sign('y'), markupsafe.escape('<'), click.style('x'))
";
    let Some((_, grades)) = python(script, &["python", "plain.py"], "srv/tickets/plain.py") else { return };
    check_names(&grades, Usage::Used, &["click", "itsdangerous", "MarkupSafe", "sqlparse"]);
}

#[test]
fn a_server_that_imports_by_name_leaves_the_rest_unknown() {
    let script = "
import os, sys
sys.path.insert(0, os.getcwd())
import gunicorn.app.wsgiapp, gunicorn.workers.sync, gunicorn.glogging
import app
from django.core.wsgi import get_wsgi_application
application = get_wsgi_application()
import io
environ = {'REQUEST_METHOD': 'GET', 'PATH_INFO': '/', 'SERVER_NAME': 'x', 'SERVER_PORT': '80',
           'wsgi.input': io.BytesIO(), 'wsgi.errors': sys.stderr, 'wsgi.url_scheme': 'http'}
print(b''.join(application(environ, lambda status, headers: print(status))))
";
    let Some((_, grades)) = python(script, &["gunicorn", "app"], "srv/tickets/unused.txt") else { return };
    check_names(&grades, Usage::Used, &["gunicorn", "Django"]);
    check_names(&grades, Usage::Unknown, &["redis", "Flask"]);
}

fn node(script: &str) -> Option<BTreeMap<Usage, BTreeSet<String>>> {
    let node = real_tests::tool("node")?;
    let root = Root::of_corpus("node-app")?;
    let folder = "srv/shop-front";
    root.write(&format!("{folder}/main.js"), script);
    root.write(
        "tmp/hook.js",
        "process.on('exit', () => console.log(Object.keys(require('module')._cache).join('\\n')))",
    );
    let mut command = Command::new(node);
    command.arg("--require").arg(root.path().join("tmp/hook.js")).arg("main.js");
    let loaded = root.loaded(folder, &mut command);
    assert!(loaded.len() > 5, "{loaded:?}");
    let packages =
        root.grades(&["srv", "usr/bin"], "/srv/shop-front", &["node", "main.js"], &["PATH=/usr/bin:/bin"]);
    assert!(loaded.iter().filter(|path| packages.iter().any(|package| beside(package, path))).count() > 5);
    Some(check(&packages, &loaded, beside))
}

#[test]
fn node_requires_nothing_that_is_graded_unused() {
    let script = "
const jwt = require('jsonwebtoken')
const WebSocket = require('ws')
const parse = require('minimist')
const fetch = require('node-fetch')
import('lodash').then(({ default: lodash }) => console.log(lodash.chunk([1, 2], 1), jwt.sign({}, 'x'), parse([]), !!fetch, !!WebSocket))
";
    let Some(grades) = node(script) else { return };
    check_names(&grades, Usage::Used, &["jsonwebtoken", "jws", "ws", "minimist", "node-fetch", "lodash"]);
    check_names(&grades, Usage::Unused, &["express", "handlebars", "sequelize"]);
}

#[test]
fn a_framework_that_requires_by_name_leaves_the_rest_unknown() {
    let Some(grades) = node("require('express')\nrequire('socket.io')\nrequire('sequelize')\n") else {
        return;
    };
    check_names(&grades, Usage::Used, &["express", "body-parser", "mime-db", "socket.io", "sequelize"]);
    check_names(&grades, Usage::Unknown, &["handlebars"]);
}

#[test]
fn ruby_requires_nothing_that_is_graded_unused() {
    let Some(ruby) = real_tests::tool("ruby") else { return };
    let Some(gem) = real_tests::tool("gem") else { return };
    let root = Root::new();
    let home = root.path().join("usr/local/lib/gems");
    let source = tempfile::tempdir().unwrap();
    for (name, text) in [
        ("shop", "require 'shop/cart'\nrequire 'money'\nmodule Shop; autoload :Later, 'shop/later'; end\n"),
        ("money", "require_relative 'money/coin'\nrequire 'json'\n"),
        ("other", "module Other; end\n"),
    ] {
        let write = |path: &str, text: &str| {
            let path = source.path().join(name).join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        write(&format!("lib/{name}.rb"), text);
        for part in ["cart", "later", "coin"] {
            write(
                &format!("lib/{name}/{part}.rb"),
                &format!("module {}; class {} ; end; end\n", capital(name), capital(part)),
            );
        }
        let spec = format!(
            "Gem::Specification.new do |s|\n  s.name = '{name}'\n  s.version = '1.0.0'\n  s.summary = 'x'\n  s.authors = ['x']\n  s.files = Dir['lib/**/*']\nend\n"
        );
        write("x.gemspec", &spec);
        let folder = source.path().join(name);
        let build = Command::new(&gem)
            .args(["build", "--silent", "--force", "x.gemspec"])
            .current_dir(&folder)
            .output();
        assert!(build.unwrap().status.success());
        let mut install = Command::new(&gem);
        install
            .args(["install", "--local", "--force", "--no-document", "--silent", "--install-dir"])
            .arg(&home);
        assert!(install.arg(folder.join(format!("{name}-1.0.0.gem"))).status().unwrap().success());
    }
    root.write("srv/app.rb", "require 'shop'\nShop::Later\n");
    root.interpreter(&ruby, "usr/bin/ruby");
    let mut command = Command::new(ruby);
    command.env("GEM_PATH", &home).env("GEM_HOME", &home);
    let loaded = root.loaded("srv", command.args(["-e", "load 'app.rb'\nputs $LOADED_FEATURES"]));
    assert!(loaded.len() >= 5, "{loaded:?}");
    let packages = root.grades(&["usr", "srv"], "/srv", &["ruby", "app.rb"], &["PATH=/usr/bin"]);
    let owns = |package: &Package, path: &str| path.contains(&format!("/gems/{}-1.0.0/", package.name));
    let grades = check(&packages, &loaded, owns);
    check_names(&grades, Usage::Used, &["shop", "money"]);
    check_names(&grades, Usage::Unused, &["other"]);
}

fn capital(name: &str) -> String {
    let (first, rest) = name.split_at(1);
    format!("{}{rest}", first.to_uppercase())
}

#[test]
fn php_includes_nothing_that_is_graded_unused() {
    let Some(php) = real_tests::tool("php") else { return };
    let Some(composer) = real_tests::tool("composer") else { return };
    let root = Root::new();
    let source = tempfile::tempdir().unwrap();
    let mut repositories = vec![serde_json::json!({"packagist.org": false})];
    for (name, autoload, path, text) in [
        (
            "acme/shop",
            serde_json::json!({"psr-4": {"Acme\\Shop\\": "src"}}),
            "src/Cart.php",
            "<?php\nnamespace Acme\\Shop;\nuse Acme\\Money\\Coin;\nclass Cart extends Base { function coin() { return new Coin; } }\n",
        ),
        (
            "acme/money",
            serde_json::json!({"classmap": ["lib"]}),
            "lib/coin.inc.php",
            "<?php\nnamespace Acme\\Money;\nclass Coin {}\n",
        ),
        ("acme/poly", serde_json::json!({"files": ["boot.php"]}), "boot.php", "<?php\nfunction poly() {}\n"),
        (
            "acme/other",
            serde_json::json!({"psr-4": {"Acme\\Other\\": ""}}),
            "Thing.php",
            "<?php\nnamespace Acme\\Other;\nclass Thing {}\n",
        ),
    ] {
        let folder = source.path().join(name);
        fs::create_dir_all(folder.join(path).parent().unwrap()).unwrap();
        fs::write(folder.join(path), text).unwrap();
        let json = serde_json::json!({"name": name, "version": "1.0.0", "autoload": autoload});
        fs::write(folder.join("composer.json"), json.to_string()).unwrap();
        let options = serde_json::json!({"symlink": false});
        repositories.push(serde_json::json!({"type": "path", "url": folder, "options": options}));
    }
    fs::write(
        source.path().join("acme/shop/src/Base.php"),
        "<?php\nnamespace Acme\\Shop;\nabstract class Base {}\n",
    )
    .unwrap();
    let names = ["acme/shop", "acme/money", "acme/poly", "acme/other"];
    let require: serde_json::Map<_, _> =
        names.iter().map(|name| ((*name).to_owned(), "1.0.0".into())).collect();
    root.write(
        "srv/composer.json",
        &serde_json::json!({"repositories": repositories, "require": require}).to_string(),
    );
    root.write("srv/index.php", "<?php\nrequire __DIR__ . '/vendor/autoload.php';\n(new Acme\\Shop\\Cart)->coin();\nif (getenv('SHOW')) { print implode(\"\\n\", get_included_files()); }\n");
    let mut install = Command::new(composer);
    install.current_dir(root.path().join("srv")).env("COMPOSER_ALLOW_SUPERUSER", "1");
    let done = install
        .args(["install", "--no-dev", "--no-scripts", "--quiet", "--no-interaction", "--no-plugins"])
        .output()
        .unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    root.interpreter(&php, "usr/bin/php");
    let loaded = root.loaded("srv", Command::new(php).arg("index.php").env("SHOW", "1"));
    assert!(loaded.len() > 5, "{loaded:?}");
    let packages = root.grades(&["usr", "srv"], "/srv", &["php", "index.php"], &["PATH=/usr/bin"]);
    let owns = |package: &Package, path: &str| path.contains(&format!("/vendor/{}/", package.full_name()));
    let grades = check(&packages, &loaded, owns);
    check_names(&grades, Usage::Used, &["acme/shop", "acme/money", "acme/poly"]);
    check_names(&grades, Usage::Unused, &["acme/other"]);
}

#[test]
fn java_loads_nothing_that_is_graded_unused() {
    let Some(java) = real_tests::tool("java") else { return };
    let Some(javac) = real_tests::tool("javac") else { return };
    let Some(jar) = real_tests::tool("jar") else { return };
    let root = Root::new();
    let source = tempfile::tempdir().unwrap();
    let run = |command: &mut Command| {
        let done = command.current_dir(source.path()).output().unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    };
    let app = root.path().join("srv/lib");
    fs::create_dir_all(&app).unwrap();
    for (name, text, class_path) in [
        ("coin", "public class coin { }", "x"),
        ("cart", "public class cart { public Object o = new coin(); }", "coin-1.0.jar"),
        (
            "main",
            "public class main { public static void main(String[] a) { new cart(); } }",
            "lib/cart-1.0.jar",
        ),
        ("other", "public class other { }", "x"),
    ] {
        fs::write(source.path().join(format!("{name}.java")), text).unwrap();
        run(Command::new(&javac).args(["-cp", ".", &format!("{name}.java")]));
        let manifest = format!(
            "Main-Class: {name}\nClass-Path: {class_path}\nImplementation-Title: {name}\nImplementation-Version: 1.0\nImplementation-Vendor-Id: acme\n"
        );
        fs::write(source.path().join("m"), manifest).unwrap();
        let at = if name == "main" {
            root.path().join("srv/main-1.0.jar")
        } else {
            app.join(format!("{name}-1.0.jar"))
        };
        run(Command::new(&jar).arg("cfm").arg(at).args(["m", &format!("{name}.class")]));
    }
    root.interpreter(&java, "usr/lib/jvm/17/bin/java");
    fs::create_dir_all(root.path().join("usr/bin")).unwrap();
    std::os::unix::fs::symlink("../lib/jvm/17/bin/java", root.path().join("usr/bin/java")).unwrap();
    let loaded = root.loaded(
        "srv",
        Command::new(java).args(["-Xlog:class+load", "-jar"]).arg(root.path().join("srv/main-1.0.jar")),
    );
    assert_eq!(loaded.len(), 3, "{loaded:?}");
    let packages =
        root.grades(&["usr", "srv"], "/srv", &["java", "-jar", "main-1.0.jar"], &["PATH=/usr/bin"]);
    let owns = |package: &Package, path: &str| package.locations.iter().any(|location| location.path == path);
    let grades = check(&packages, &loaded, owns);
    let named = |usage: Usage| {
        grades
            .get(&usage)
            .into_iter()
            .flatten()
            .filter(|name| ["main", "cart", "coin", "other"].iter().any(|end| name.ends_with(end)))
            .count()
    };
    assert_eq!((named(Usage::Used), named(Usage::Unknown)), (3, 1), "{grades:?}");
}
