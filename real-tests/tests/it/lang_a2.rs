//! Ruby and PHP: what the analyzers find against what RubyGems, Bundler and Composer say of the same files.

use assay_analyze::{Fact, File, LayerFacts, Sink};
use assay_model::{Origin, Package, PackageKind};
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
    let package = |fact| if let Fact::Package(package) = fact { Some(*package) } else { None };
    facts.facts.into_iter().filter_map(package).collect()
}

fn run(command: &mut Command) -> String {
    let done = command.output().unwrap();
    assert!(done.status.success(), "{command:?}: {}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8(done.stdout).unwrap()
}

/// Compares two sets and names what only one has.
#[track_caller]
fn assert_same(got: &BTreeSet<String>, want: &BTreeSet<String>) {
    let only = |a: &BTreeSet<String>, b: &BTreeSet<String>| a.difference(b).cloned().collect::<Vec<_>>();
    assert_eq!((only(got, want), only(want, got)), (Vec::new(), Vec::new()), "(only here, only there)");
    assert!(!got.is_empty());
}

fn identity(package: &Package) -> String {
    format!("{} {}", package.full_name(), package.version)
}

fn lines(text: &str) -> BTreeSet<String> {
    text.lines().map(str::to_owned).collect()
}

/// Unpacks the files of a corpus image that match tar's patterns; none of its layers removes any.
fn unpack(image: &Path, patterns: &[&str]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for blob in std::fs::read_dir(image.join("oci/blobs/sha256")).unwrap() {
        let mut tar = Command::new("tar");
        tar.arg("-xzf")
            .arg(blob.unwrap().path())
            .arg("-C")
            .arg(folder.path())
            .arg("--wildcards")
            .args(patterns);
        // Manifests are no archives, and not every layer has every pattern.
        tar.output().unwrap();
    }
    folder
}

/// Returns the files below a folder, relative to it.
fn files(root: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let entry = entry.unwrap();
            if entry.file_type().unwrap().is_dir() {
                folders.push(entry.path());
            } else {
                found.push(entry.path().strip_prefix(root).unwrap().to_str().unwrap().to_owned());
            }
        }
    }
    found.sort();
    found
}

/// Returns `name version` of the lines of `gem list`: `racc (1.6.2, default: 1.6.0)`, `ffi (1.15.5 x86_64-linux)`.
fn gem_list(text: &str) -> BTreeSet<String> {
    let mut gems = BTreeSet::new();
    for (name, versions) in text.lines().filter_map(|line| line.split_once(" (")) {
        for version in versions.trim_end_matches(')').split(", ") {
            let version = version.trim_start_matches("default: ").split(' ').next().unwrap();
            gems.insert(format!("{name} {version}"));
        }
    }
    gems
}

#[test]
fn the_image_has_the_gems_that_gem_lists() {
    let Some(image) = real_tests::corpus("ruby-php-dotnet") else { return };
    let said = gem_list(&std::fs::read_to_string(image.join("oracle/gem.txt")).unwrap());
    let root = unpack(&image, &["*.gemspec"]);
    let mut found = BTreeSet::new();
    for path in files(root.path()) {
        let packages = analyze("ruby-gemspec", &path, &std::fs::read(root.path().join(&path)).unwrap());
        assert!(packages.iter().all(|package| package.origin == Origin::Installed));
        found.extend(packages.iter().map(identity));
    }
    assert!(found.contains("sinatra 2.2.0") && found.contains("racc 1.6.0") && found.contains("racc 1.6.2"));
    assert_same(&found, &said);
}

/// Prints of every gemspec RubyGems sees: path, name, version, licences and what it needs to run.
const SPECS: &str = "Gem::Specification.stubs.map(&:to_spec).uniq { |s| s.loaded_from }.each { |s| \
    needs = s.runtime_dependencies.map(&:name).uniq.sort.join(','); \
    puts [s.loaded_from, s.name, s.version, s.licenses.join(';'), needs].join('|') }";

#[test]
fn gemspecs_say_what_ruby_evaluates_them_to() {
    let Some(ruby) = real_tests::tool("ruby") else { return };
    let said = run(Command::new(ruby).args(["-e", SPECS]));
    let mut found = BTreeSet::new();
    for line in said.lines() {
        let path = line.split('|').next().unwrap();
        let inside = path.trim_start_matches('/');
        for package in analyze("ruby-gemspec", inside, &std::fs::read(path).unwrap()) {
            let (licenses, needs) = (package.licenses.join(";"), package.requires.join(","));
            found.insert(format!("{path}|{}|{}|{licenses}|{needs}", package.name, package.version));
        }
    }
    assert_same(&found, &lines(&said));
}

/// Prints what Bundler reads from a lockfile, without the gems in folders.
const LOCKED: &str = "Bundler::LockfileParser.new(File.read(ARGV[0])).specs.each { |s| \
    next if s.source.instance_of?(Bundler::Source::Path); \
    puts \"#{s.name} #{s.version}\"; s.dependencies.each { |d| puts \"#{s.name} #{s.version} -> #{d.name}\" } }";

#[test]
fn lockfiles_have_the_gems_that_bundler_reads() {
    let Some(ruby) = real_tests::tool("ruby") else { return };
    let testdata =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/assay-packages/testdata/ruby_gemfile_lock");
    let mut locks = vec![testdata.join("Gemfile.lock")];
    // Some gems carry the lockfiles of their authors.
    let carried =
        run(Command::new(&ruby)
            .args(["-e", "puts Gem.path.flat_map { |d| Dir[d + '/gems/**/Gemfile.lock'] }"]));
    locks.extend(carried.lines().map(PathBuf::from));
    for lock in locks {
        // Bundler wants to know whose lockfile it is, not that there is a Gemfile.
        let mut bundler = Command::new(&ruby);
        bundler.env("BUNDLE_GEMFILE", lock.with_file_name("Gemfile"));
        let said = run(bundler.args(["-rbundler", "-e", LOCKED]).arg(&lock));
        let mut found = BTreeSet::new();
        for package in analyze("ruby-gemfile-lock", "app/Gemfile.lock", &std::fs::read(&lock).unwrap()) {
            assert_eq!((package.kind, package.origin), (PackageKind::Gem, Origin::Declared));
            found.extend(package.requires.iter().map(|name| format!("{} -> {name}", identity(&package))));
            found.insert(identity(&package));
        }
        assert_same(&found, &lines(&said));
    }
}

/// Prints, by PHP's own decoder, name, version, licences and needed packages of the packages of a file of Composer's.
const PACKAGES: &str = "$d = json_decode(file_get_contents($argv[1]), true); foreach ($d['packages'] as $p) { \
    $n = array_filter(array_keys($p['require'] ?? []), fn($n) => str_contains($n, '/')); sort($n); \
    echo \"$p[name] $p[version] \" . implode(';', $p['license']) . ' ' . implode(',', $n) . \"\\n\"; }";

#[test]
fn the_image_has_the_packages_that_composer_shows() {
    let Some(image) = real_tests::corpus("ruby-php-dotnet") else { return };
    let Some(php) = real_tests::tool("php") else { return };
    let shown = std::fs::read_to_string(image.join("oracle/composer.json")).unwrap();
    // Pretty-printed, a key on each line.
    let values = |key: &str| {
        let start = format!("\"{key}\": \"");
        let values = shown.lines().filter_map(|line| line.trim().strip_prefix(&start)?.split('"').next());
        values.map(str::to_owned).collect::<Vec<_>>()
    };
    let names = values("name").into_iter().zip(values("version"));
    let shown: BTreeSet<String> = names.map(|(name, version)| format!("{name} {version}")).collect();

    let root = unpack(&image, &["*/composer.lock", "*/vendor/composer/installed.json"]);
    for (analyzer, path, origin) in [
        ("php-composer-installed", "srv/newsletter/vendor/composer/installed.json", Origin::Installed),
        ("php-composer-lock", "srv/newsletter/composer.lock", Origin::Declared),
    ] {
        let file = root.path().join(path);
        let packages = analyze(analyzer, path, &std::fs::read(&file).unwrap());
        assert!(packages.iter().all(|package| package.origin == origin && package.namespace.is_some()));
        assert_same(&packages.iter().map(identity).collect(), &shown);
        let line = |package: &Package| {
            format!("{} {} {}", identity(package), package.licenses.join(";"), package.requires.join(","))
        };
        let said = run(Command::new(&php).args(["-r", PACKAGES, "--"]).arg(&file));
        assert_same(&packages.iter().map(line).collect(), &lines(&said));
    }
}
