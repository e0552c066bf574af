//! What a path says about a file: whether to look at all, and how far to believe what is found.
//!
//! The rules that go by a token's own shape hold everywhere. Those that go by the name a value is assigned to (`api_key = "…"`) are held
//! back in what a package manager unpacked: it is public already, it is full of documentation and examples, and it is not the user's.

use aho_corasick::AhoCorasick;
use memchr::memmem;
use std::sync::LazyLock;

/// Whose a file is, by where it lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    /// The user's, as far as one can see.
    Own,
    /// The system's: its programs and libraries, among which users put things, too.
    System,
    /// Of a package of some language: a copy of what everybody has.
    Package,
}

/// What a path says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    /// Nobody writes secrets here, or nobody can read them: media, fonts, translations, manual pages.
    pub(crate) skipped: bool,
    /// Whose it is.
    pub(crate) origin: Origin,
    /// Tests, examples, documentation.
    pub(crate) sample: bool,
    /// Settings: what is assigned is a value and no program's variable.
    pub(crate) settings: bool,
}

/// Suffixes, in lower case, of files that are not looked into: media, fonts, translations, map and index data.
pub(crate) const SKIPPED: &[&str] = &[
    ".png",
    ".jpg",
    ".jpeg",
    ".gif",
    ".webp",
    ".ico",
    ".icns",
    ".bmp",
    ".tif",
    ".tiff",
    ".avif",
    ".heic",
    ".svg",
    ".svgz",
    ".psd",
    ".ai",
    ".mp3",
    ".mp4",
    ".m4a",
    ".m4v",
    ".ogg",
    ".oga",
    ".ogv",
    ".opus",
    ".flac",
    ".wav",
    ".avi",
    ".mov",
    ".mkv",
    ".webm",
    ".woff",
    ".woff2",
    ".ttf",
    ".ttc",
    ".otf",
    ".eot",
    ".pfb",
    ".pfm",
    ".afm",
    ".pcf",
    ".mo",
    ".gmo",
    ".qm",
    ".pak",
    ".nib",
    ".xcf",
    ".pdf",
    ".xz",
    ".bz2",
    ".lzma",
    ".lz4",
    ".br",
    ".7z",
    ".rar",
    ".deb",
    ".rpm",
    ".cab",
    ".dmg",
    ".iso",
    ".squashfs",
    ".wasm",
    ".rlib",
    ".rmeta",
    ".o",
    ".a",
    ".lib",
    ".pdb",
    ".debug",
    ".dwo",
    ".hyb",
    ".traineddata",
    ".parquet",
    ".npy",
    ".onnx",
    ".safetensors",
    ".gguf",
];

/// Folders of documentation and tables of the system.
pub(crate) const SKIPPED_FOLDERS: &[&str] = &[
    "usr/share/man/",
    "usr/share/doc/",
    "usr/share/info/",
    "usr/share/locale/",
    "usr/share/i18n/",
    "usr/share/zoneinfo/",
    "usr/share/icons/",
    "usr/share/fonts/",
    "usr/share/licenses/",
    "usr/share/mime/",
    "usr/share/terminfo/",
    "usr/share/gtk-doc/",
    "usr/share/help/",
    "usr/share/common-licenses/",
    "usr/share/unicode/",
    "usr/share/X11/",
    "usr/share/hunspell/",
    "usr/share/dict/",
    "usr/lib/locale/",
    "usr/lib/terminfo/",
    "usr/lib/debug/",
    "usr/local/share/man/",
    "usr/local/share/doc/",
    "var/lib/dpkg/",
    "var/lib/rpm/",
    "usr/lib/sysimage/rpm/",
    "lib/apk/db/",
    "usr/lib/apk/db/",
    "var/lib/apt/lists/",
    "var/lib/pacman/local/",
    "var/cache/apt/",
    "var/cache/fontconfig/",
    "proc/",
    "sys/",
];

/// Folders, anywhere in the path, into which package managers unpack.
pub(crate) const LIBRARY_FOLDERS: &[&str] = &[
    "node_modules/",
    "site-packages/",
    "dist-packages/",
    "bower_components/",
    "go/pkg/mod/",
    "golang.org/",
    "github.com/",
    ".m2/repository/",
    ".cargo/registry/",
    ".cargo/git/",
    "gems/",
    "vendor/bundle/",
    "vendor/cache/",
    ".nuget/packages/",
    ".gradle/caches/",
    ".ivy2/cache/",
    "Homebrew/",
    ".rustup/",
    "conda/pkgs/",
    "nix/store/",
    "perl5/",
    "usr/local/go/",
    "go/src/",
    "google-cloud-sdk/",
    "vendor/",
    "_vendor/",
    "third_party/",
    "third-party/",
    ".npm/_cacache/",
    ".cache/pip/",
    ".pnpm-store/",
];

/// Folders from the root that hold the system's own programs.
pub(crate) const SYSTEM_FOLDERS: &[&str] = &[
    "usr/lib/",
    "usr/lib64/",
    "usr/libexec/",
    "usr/share/",
    "usr/include/",
    "usr/bin/",
    "usr/sbin/",
    "usr/src/",
    "usr/local/lib/",
    "usr/local/include/",
    "usr/local/go/",
    "usr/local/share/",
    "usr/local/bin/",
    "lib/",
    "lib64/",
    "bin/",
    "sbin/",
    "opt/java/",
    "opt/conda/lib/",
    "opt/conda/pkgs/",
    "snap/",
    "usr/local/rustup/",
    "usr/local/cargo/",
    "opt/jdk/",
    "opt/openjdk/",
];

/// Words that, as a component of a path or the start of one, mean that the content is there to be seen.
const SAMPLES: &[&str] = &[
    "example",
    "examples",
    "sample",
    "samples",
    "demo",
    "demos",
    "doc",
    "docs",
    "documentation",
    "fixture",
    "fixtures",
    "mock",
    "mocks",
    "__mocks__",
    "spec",
    "specs",
    "__tests__",
    "__test__",
    "stub",
    "stubs",
    "tutorial",
    "tutorials",
    "cookbook",
    "benchmark",
    "benchmarks",
    "bench",
];

/// What may follow `test` in the name of something that belongs to tests; the longest first.
const TESTS: &[&str] = &[
    "suites", "suite", "cases", "certs", "cert", "data", "files", "utils", "util", "ing", "lib", "keys", "s",
    "",
];

/// Suffixes, in lower case, of files of settings.
const SETTINGS: &[&str] = &[
    ".env",
    ".properties",
    ".yml",
    ".yaml",
    ".ini",
    ".conf",
    ".cfg",
    ".cnf",
    ".config",
    ".toml",
    ".json",
    ".xml",
    ".tf",
    ".tfvars",
    ".tfstate",
    ".hcl",
    ".sh",
    ".bash",
    ".zsh",
    ".ps1",
    ".cmd",
    ".bat",
    ".profile",
    ".rc",
    ".netrc",
    ".npmrc",
    ".pypirc",
    ".pgpass",
    ".htaccess",
    ".service",
    ".plist",
    "dockerfile",
    "containerfile",
    "credentials",
    "bashrc",
    "_history",
    ".sql",
    ".envrc",
    ".secret",
    ".secrets",
    ".settings",
];

impl Place {
    /// Reads what the path of a file, without a leading `/`, says.
    pub(crate) fn of(path: &str) -> Self {
        // Only what lies before `!/` is where the archive is; what lies behind is looked at as if it were unpacked there.
        let lower = path.to_ascii_lowercase();
        let name = assay_model::path::file_name(&lower);
        let skipped = SKIPPED.iter().any(|suffix| name.ends_with(suffix))
            || SKIPPED_FOLDERS.iter().any(|folder| path.starts_with(folder));
        let packaged = is_in_package(path) || is_of_python(path);
        let system = || SYSTEM_FOLDERS.iter().any(|folder| path.starts_with(folder));
        let origin = match packaged {
            true => Origin::Package,
            false if system() => Origin::System,
            false => Origin::Own,
        };
        let settings = SETTINGS.iter().any(|suffix| name.ends_with(suffix))
            || name.starts_with(".env")
            || name.starts_with("dockerfile.");
        Self { skipped, origin, sample: path.split('/').any(is_sample) || is_documentation(name), settings }
    }
}

/// Returns whether a file of this name, in lower case, explains something to people.
fn is_documentation(name: &str) -> bool {
    name.starts_with("readme") || [".md", ".rst", ".adoc", ".mdx"].iter().any(|suffix| name.ends_with(suffix))
}

/// Returns whether a path lies in the standard library of a Python, wherever that is installed.
fn is_of_python(path: &str) -> bool {
    memmem::find_iter(path.as_bytes(), b"lib/python").any(|at| {
        let version = path.get(at + "lib/python".len()..).unwrap_or_default();
        version.starts_with(|digit: char| digit.is_ascii_digit()) && version.contains('/')
    })
}

fn is_sample(component: &str) -> bool {
    let stem = component.split('.').next().unwrap_or_default();
    let (lower, whole) = (stem.to_ascii_lowercase(), component.to_ascii_lowercase());
    let after_test =
        lower.strip_prefix("test").and_then(|rest| TESTS.iter().find_map(|word| rest.strip_prefix(word)));
    SAMPLES.contains(&lower.as_str())
        || after_test.is_some_and(|rest| !rest.starts_with(|next: char| next.is_ascii_lowercase()))
        || ["_test", "-test", "_tests", "-tests", "_spec"].iter().any(|end| lower.ends_with(end))
        || ["Test", "Tests", "TestCase"].iter().any(|end| stem.ends_with(end))
        || [".test.", ".spec.", ".tests."].iter().any(|part| component.contains(part))
        || ["example", "sample", "-test-", "_test_", "snakeoil"].iter().any(|part| whole.contains(part))
}

/// [`LIBRARY_FOLDERS`] as one automaton: every path is asked.
static PACKAGES: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| AhoCorasick::new(LIBRARY_FOLDERS).ok());

/// Returns whether any of [`LIBRARY_FOLDERS`] is a run of whole components of the path.
fn is_in_package(path: &str) -> bool {
    let Some(folders) = &*PACKAGES else { return false };
    folders
        .find_overlapping_iter(path)
        .any(|found| found.start() == 0 || path.as_bytes().get(found.start() - 1) == Some(&b'/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(path: &str, want: &str) {
        let place = Place::of(path);
        let all = [
            (place.skipped, "skipped"),
            (place.origin == Origin::System, "system"),
            (place.origin == Origin::Package, "package"),
            (place.sample, "sample"),
            (place.settings, "settings"),
        ];
        let said: Vec<_> = all.iter().filter(|(is, _)| *is).map(|(_, word)| *word).collect();
        assert_eq!(said.join(" "), want, "{path}");
    }

    #[test]
    fn paths_say_what_files_are() {
        check("app/.env", "settings");
        check("app/.env.production", "settings");
        check("app/main.py", "");
        check("app/README", "sample");
        check("app/install.md", "sample");
        check("app/logo.PNG", "skipped");
        check("usr/share/man/man1/ls.1.gz", "skipped system");
        check("usr/lib/python3/dist-packages/a.py", "package");
        check("srv/node_modules/a/config.json", "package settings");
        check("srv/not_node_modules/a.js", "");
        check("srv/app/tests/key.pem", "sample");
        check("usr/lib/python3.11/test/keycert.pem", "package sample");
        check("srv/app/client_test.go", "sample");
        check("srv/testimonials.html", "");
        check("srv/latest/config.yml", "settings");
        check("usr/local/go/src/net/http/internal/testcert/testcert.go", "package sample");
        check("srv/src/KeyStoreTest.java", "sample");
        check("srv/test_keys.py", "sample");
        check("srv/contest.py", "");
        check("usr/share/nginx/ssl/server.key", "system");
        check("home/app/.pyenv/versions/3.13.0/lib/python3.13/ssl.py", "package");
        check("etc/ssl/private/ssl-cert-snakeoil.key", "sample");
    }
}
