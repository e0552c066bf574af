//! Small files of package managers, by the path at which an image has them. Each analyzer takes as seeds those it selects.
//!
//! To give a new analyzer a seed, add a line; without one it is fuzzed from general texts.

use super::rarer::{CODE, LANGUAGES, SYSTEMS};
use super::{
    ZIP_MEMBERS, dotnet_bundle, fixture, go_program, macho, pe, rust_program, stored_zip, zip, zstd,
};

/// Text files, by path.
const TEXTS: &[(&str, &str)] = &[
    (
        "etc/os-release",
        "NAME=\"Debian GNU/Linux\"\nID=debian\nVERSION_ID=\"12\"\nVERSION_CODENAME=bookworm\nPRETTY_NAME='Debian 12'\n",
    ),
    ("etc/redhat-release", "CentOS Linux release 7.9.2009 (Core)\n"),
    ("etc/lsb-release", "DISTRIB_ID=Ubuntu\nDISTRIB_RELEASE=22.04\nDISTRIB_CODENAME=jammy\n"),
    ("etc/alpine-release", "3.20.1\n"),
    ("etc/debian_version", "12.5\n"),
    (
        "var/lib/dpkg/status.d/base",
        "Package: base\nVersion: 1:2.0-1\nArchitecture: amd64\nSource: src (1.9)\nStatus: install ok installed\nDepends: a (>= 1) | b, c\n",
    ),
    ("var/lib/dpkg/info/base.list", "/.\n/usr\n/usr/bin\n/usr/bin/x\n"),
    (
        "usr/share/doc/base/copyright",
        "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n\nFiles: *\nCopyright: x\nLicense: GPL-2+ or MIT\n\nLicense: GPL-2+\n text\n",
    ),
    (
        "var/lib/rpmmanifest/container-manifest-2",
        "bash\t5.1-1.azl3\t1\t2\tx\t(none)\t3\tx86_64\t0\tbash-5.1.src.rpm\n",
    ),
    (
        "srv/site-packages/Django-2.2.dist-info/METADATA",
        "Metadata-Version: 2.1\nName: Django\nVersion: 2.2\nLicense: BSD\nClassifier: License :: OSI Approved :: BSD License\nRequires-Dist: pytz (>=1) ; extra == 'x'\n",
    ),
    ("srv/x.egg-info", "Metadata-Version: 1.0\nName: x\nVersion: 1.0\n"),
    (
        "srv/requirements.txt",
        "# c\nDjango==2.2 ; python_version < '3' --hash=sha256:x\n-r other.txt\nrequests[security]==2.0 \\\n  --hash=x\n-e git+https://x/y@v1#egg=z\n",
    ),
    (
        "srv/Pipfile.lock",
        r#"{"_meta":{},"default":{"a":{"version":"==1.0","hashes":[]}},"develop":{"b":{"version":"==2"}}}"#,
    ),
    (
        "srv/poetry.lock",
        "[[package]]\nname = \"a\"\nversion = \"1.0\"\ncategory = \"main\"\noptional = false\n\n[package.dependencies]\nb = {version = \">=1\", optional = true}\n\n[metadata]\nlock-version = \"2.0\"\n",
    ),
    (
        "srv/pdm.lock",
        "[metadata]\ngroups = [\"default\"]\n\n[[package]]\nname = \"a\"\nversion = \"1.0\"\ngroups = [\"default\"]\ndependencies = [\"b<2,>=1; x\"]\n",
    ),
    (
        "srv/uv.lock",
        "version = 1\n\n[[package]]\nname = \"a\"\nversion = \"1.0\"\nsource = { virtual = \".\" }\ndependencies = [{ name = \"b\" }]\n\n[[package]]\nname = \"b\"\nversion = \"2.0\"\nsource = { registry = \"https://x\" }\n",
    ),
    (
        "srv/pylock.toml",
        "lock-version = \"1.0\"\ncreated-by = \"x\"\n\n[[packages]]\nname = \"a\"\nversion = \"1.0\"\ndependencies = [{ name = \"b\" }]\n",
    ),
    (
        "srv/package-lock.json",
        r#"{"name":"app","lockfileVersion":3,"packages":{"":{"name":"app","dependencies":{"a":"^1"}},"node_modules/a":{"version":"1.0.0","license":"MIT","dependencies":{"b":"1"}},"node_modules/a/node_modules/@s/b":{"version":"1.0.0","dev":true,"link":false,"resolved":"https://x/b.tgz"}},"dependencies":{"a":{"version":"1.0.0","requires":{"b":"1"},"dependencies":{"b":{"version":"npm:c@1.0"}}}}}"#,
    ),
    (
        "srv/node_modules/a/package.json",
        r#"{"name":"@s/a","version":"1.0.0","license":{"type":"MIT"},"licenses":["A"],"dependencies":{"b":"^1"}}"#,
    ),
    (
        "srv/yarn.lock",
        "# yarn lockfile v1\n\n\"@s/a@^1.0\", a@npm:^2:\n  version \"1.0.1\"\n  resolved \"https://x/a.tgz#x\"\n  dependencies:\n    b \"^2\"\n\nb@^2:\n  version \"2.0.0\"\n",
    ),
    (
        "srv/berry/yarn.lock",
        "__metadata:\n  version: 6\n\n\"a@npm:^1.0\":\n  version: 1.0.1\n  resolution: \"a@npm:1.0.1\"\n  dependencies:\n    b: ^2\n  linkType: hard\n",
    ),
    (
        "srv/pnpm-lock.yaml",
        "lockfileVersion: '9.0'\nimporters:\n  .:\n    dependencies:\n      a:\n        specifier: ^1\n        version: 1.0.0(b@2.0.0)\npackages:\n  /c/1.0.0:\n    dev: true\n  '@s/a@1.0.0':\n    resolution: {integrity: x}\nsnapshots:\n  a@1.0.0(b@2.0.0):\n    dependencies:\n      b: 2.0.0\n  b@2.0.0: {}\n",
    ),
    (
        "srv/bun.lock",
        "{\n  \"lockfileVersion\": 1, // c\n  \"workspaces\": { \"\": { \"name\": \"app\", \"dependencies\": { \"a\": \"^1\" }, }, },\n  \"packages\": {\n    \"a\": [\"a@1.0.0\", \"\", { \"dependencies\": { \"b\": \"2\" } }, \"sha512-x\"],\n  }\n}\n",
    ),
    (
        "srv/pom.xml",
        "<project xmlns=\"x\"><parent><groupId>g</groupId><artifactId>p</artifactId><version>1</version></parent><artifactId>a</artifactId><properties><v>2.0</v></properties><dependencyManagement><dependencies><dependency><groupId>g</groupId><artifactId>m</artifactId><version>3</version></dependency></dependencies></dependencyManagement><dependencies><dependency><groupId>${project.groupId}</groupId><artifactId>d</artifactId><version>${v}</version><scope>runtime</scope></dependency></dependencies></project>",
    ),
    ("srv/gradle.lockfile", "# c\ng:a:1.0=compileClasspath,runtimeClasspath\nempty=x\n"),
    (
        "srv/go.mod",
        "module a.b/c\n\ngo 1.21\n\nrequire (\n\tx.y/z v1.2.3 // indirect\n)\nrequire q.r/s v0.0.0-20240101000000-abcdefabcdef\nreplace x.y/z => ../z\nexclude x.y/z v1.0.0\n",
    ),
    (
        "srv/Cargo.lock",
        "version = 3\n\n[[package]]\nname = \"a\"\nversion = \"1.0.0\"\nsource = \"registry+https://x\"\nchecksum = \"x\"\ndependencies = [\"b 2.0.0\", \"c\"]\n",
    ),
    (
        "srv/Gemfile.lock",
        "GIT\n  remote: https://x\n  revision: abc\n  specs:\n    g (1.0)\n\nGEM\n  remote: https://x\n  specs:\n    a (1.0-java)\n      b (>= 2, < 3)\n    b (2.1)\n\nPLATFORMS\n  ruby\n\nDEPENDENCIES\n  a!\n",
    ),
    (
        "usr/specifications/a-1.0.gemspec",
        "# stub: a 1.0 ruby lib\nGem::Specification.new do |s|\n  s.name = \"a\".freeze\n  s.version = Gem::Version.new(\"1.0\")\n  s.licenses = [\"MIT\".freeze]\n  s.add_runtime_dependency(%q<b>.freeze, [\">= 1\".freeze])\nend\n",
    ),
    (
        "srv/composer.lock",
        r#"{"packages":[{"name":"a/b","version":"v1.0","license":["MIT"],"require":{"php":">=7","c/d":"^1"}}],"packages-dev":[{"name":"e/f","version":"dev-main"}]}"#,
    ),
    (
        "srv/vendor/composer/installed.json",
        r#"{"packages":[{"name":"a/b","version":"1.0","license":"MIT","replace":{"x/y":"*"}}],"dev":false,"dev-package-names":[]}"#,
    ),
    (
        "srv/app.deps.json",
        r#"{"runtimeTarget":{"name":".NETCoreApp,Version=v6.0/linux-x64"},"targets":{".NETCoreApp,Version=v6.0":{"A/1.0.0":{"dependencies":{"B":"2.0.0"},"runtime":{}}}},"libraries":{"A/1.0.0":{"type":"package","path":"a/1.0.0"},"B/2.0.0":{"type":"project"}}}"#,
    ),
    (
        "srv/packages.lock.json",
        r#"{"version":1,"dependencies":{"net6.0":{"A":{"type":"Direct","requested":"[1.0, )","resolved":"1.0.0","dependencies":{"B":"2"}},"B":{"type":"Project"}}}}"#,
    ),
    (
        "srv/packages.config",
        "<?xml version=\"1.0\"?><packages><package id=\"A\" version=\"1.0.0\" targetFramework=\"net45\" /><package id=\"B\" version=\"1.0\" developmentDependency=\"true\"/></packages>",
    ),
];

/// Fixtures that only real tools can make, or that are real excerpts, by path.
const FIXTURES: &[(&str, &str)] = &[
    ("lib/apk/db/installed", "apk/installed"),
    ("var/lib/dpkg/status", "dpkg/status"),
    ("var/lib/rpm/Packages", "rpm/Packages"),
    ("var/lib/rpm/Packages.db", "rpm/Packages.db"),
    ("var/lib/rpm/rpmdb.sqlite", "rpm/rpmdb.sqlite"),
    ("var/lib/pacman/local/gcc-libs-13.2.1-3/desc", "pacman/desc"),
    ("var/lib/pacman/local/gcc-libs-13.2.1-3/files", "pacman/files"),
    ("srv/shelf-1.2-py3.11.egg", "python_egg/shelf-1.2-py3.11.egg"),
];

/// What Chisel writes, before it is compressed.
const CHISEL: &[u8] = br#"{"jsonwall":"1.0","schema":"1.0","count":3}
{"kind":"content","slice":"libc6_libs","path":"/usr/lib/libc.so.6"}
{"kind":"package","name":"libc6","version":"2.39-0ubuntu8.3","sha256":"0a","arch":"amd64"}
"#;

/// Returns every sample: its path in an image, and its content.
pub(crate) fn package_files() -> Vec<(String, Vec<u8>)> {
    let texts = TEXTS.iter().chain(LANGUAGES).chain(SYSTEMS).chain(CODE);
    let texts = texts.map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec()));
    let fixtures = FIXTURES
        .iter()
        .map(|(path, file)| ((*path).to_owned(), fixture(&format!("assay-packages/testdata/{file}"))));
    let made = [
        ("var/lib/chisel/manifest.wall", zstd(CHISEL)),
        ("nix/store/0c2f4b2bd1e9b1ff3e6e4f2b0a4c8b2f-openssl-3.0.12/lib/x.so", go_program()),
        ("srv/lib/b-2.14.1.jar", zip(ZIP_MEMBERS)),
        ("srv/app.war", stored_zip()),
        ("usr/bin/go-program", go_program()),
        ("usr/bin/rust-program", rust_program()),
        ("srv/app.exe", dotnet_bundle()),
        ("srv/program.exe", pe(&[("FileVersion", "1.2.3")])),
        ("usr/bin/mac-program", macho(b"\xff Go buildinf:\x08\x02")),
    ];
    let made = made.into_iter().map(|(path, content)| (path.to_owned(), content));
    texts.chain(fixtures).chain(made).collect()
}
