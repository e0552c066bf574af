//! Grades of use against what runs: applications of the corpus are started under `strace`, serve a request, and no file that was opened
//! may belong to a package that is graded unused.
//!
//! Which file belongs to which package is read here anew, from what package managers left in the unpacked image, and not from what
//! Assay thinks of it. An application that brings no server gets one: files laid over the image, for Assay as a layer of their own.

use assay_analyze::{Limits, Lockfiles, Matcher, analyze_layer, squash};
use assay_model::image::ImageConfig;
use assay_model::{Package, PackageKind, Usage};
use assay_oci::{Network, NetworkOptions, OpenOptions, Source, SpoolOptions, recognise};
use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// One application.
struct App<'a> {
    /// Its name, for the table.
    name: &'a str,
    /// Files laid over the image.
    files: &'a [(&'a str, &'a [u8])],
    /// What is started instead of what the image says.
    command: &'a [&'a str],
    /// The port it answers on; an application without one ends by itself.
    port: Option<u16>,
    /// How many packages must be graded used, and how many unused, at least.
    least: (usize, usize),
}

/// An image of the corpus, unpacked.
struct Image {
    folder: PathBuf,
    root: tempfile::TempDir,
}

impl Image {
    fn unpack(name: &str) -> Option<Self> {
        let folder = real_tests::corpus(name)?;
        for tool in ["strace", "unshare", "nsenter", "ip", "curl"] {
            real_tests::tool(tool)?;
        }
        let umoci = real_tests::tool("umoci")?;
        let root = tempfile::tempdir().unwrap();
        let done = Command::new(umoci)
            .args(["raw", "unpack", "--image"])
            .arg(format!("{}:latest", folder.join("oci").display()))
            .arg(root.path().join("root"))
            .output()
            .unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        let image = Self { folder, root };
        // What every container runtime provides.
        for folder in ["proc", "dev", "tmp", "etc"] {
            std::fs::create_dir_all(image.path().join(folder)).unwrap();
        }
        for (name, minor) in [("null", "3"), ("zero", "5"), ("random", "8"), ("urandom", "9")] {
            let node = image.path().join("dev").join(name);
            if !node.exists() {
                Command::new("mknod").arg(&node).args(["-m", "666", "c", "1", minor]).status().unwrap();
            }
        }
        Some(image)
    }

    fn path(&self) -> PathBuf {
        self.root.path().join("root")
    }

    /// Returns the packages with their grades, as a scan gives them, and how the image is started.
    fn grades(&self, app: &App<'_>) -> (Vec<Package>, ImageConfig) {
        let source =
            Source::parse(&format!("oci:{}:latest", self.folder.join("oci").display()), &|path: &Path| {
                recognise(path)
            });
        let options = OpenOptions { platform: None, spool: SpoolOptions::in_folder(std::env::temp_dir()) };
        let opened = source.unwrap().open(&options, &Network::new(NetworkOptions::default())).unwrap();
        let matcher = Matcher::new(assay_packages::analyzers().chain(assay_usage::analyzers()));
        let limits = Limits::new(std::env::temp_dir());
        let mut layers = Vec::new();
        for index in 0..opened.image().layers.len() {
            layers.push(analyze_layer(opened.read(index).unwrap(), None, &matcher, &limits).unwrap().0);
        }
        let tree = app
            .files
            .iter()
            .fold(assay_test::image::Tree::new(), |tree, (path, content)| tree.program(path, content));
        layers.push(analyze_layer(&tree.tar()[..], None, &matcher, &limits).unwrap().0);
        let mut config = opened.image().config.clone();
        if !app.command.is_empty() {
            config.entrypoint.clear();
            config.command = app.command.iter().map(|word| (*word).to_owned()).collect();
        }
        let mut squashed = squash(layers, true, Lockfiles::WhenNothingInstalled, &matcher);
        let start = Instant::now();
        assay_usage::judge(&config, &mut squashed);
        println!(
            "{}: judged {} files of code in {:.1?}",
            app.name,
            squashed.files.code.len(),
            start.elapsed()
        );
        (squashed.inventory.packages, config)
    }

    /// Starts the application, asks it once, stops it, and returns the real paths of all regular files that were opened or run.
    fn run(&self, app: &App<'_>, config: &ImageConfig) -> BTreeSet<String> {
        for (path, content) in app.files {
            let path = self.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, content).unwrap();
            Command::new("chmod").arg("755").arg(&path).status().unwrap();
        }
        std::fs::create_dir_all(self.path().join("proc")).unwrap();
        let log = self.root.path().join(format!("{}.strace", app.name));
        let words: Vec<&String> = config.entrypoint.iter().chain(&config.command).collect();
        // A network of its own, so that two tests may use the same port; `unshare` enters the image, `strace` sees it do so.
        let script = "ip link set lo up; log=$1 root=$2 wd=$3; shift 3; \
                      exec strace -f -qq -o \"$log\" -e trace=chroot,chdir,open,openat,execve,execveat -s 4096 \
                      unshare --mount-proc=/proc --mount --pid --fork --kill-child -R \"$root\" -w \"$wd\" \"$@\"";
        let working_dir = if config.working_dir.is_empty() { "/" } else { &config.working_dir };
        let mut command = Command::new("unshare");
        command
            .args(["--net", "/bin/sh", "-c", script, "sh"])
            .arg(&log)
            .arg(self.path())
            .arg(working_dir)
            .args(&words);
        command.env_clear().env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
        command.envs(config.env.iter().filter_map(|setting| setting.split_once('=')));
        let output = self.root.path().join(format!("{}.out", app.name));
        let file = std::fs::File::create(&output).unwrap();
        command.stdin(Stdio::null()).stdout(file.try_clone().unwrap()).stderr(file).process_group(0);
        let mut child = command.spawn().unwrap();
        let said = || std::fs::read_to_string(&output).unwrap_or_default();
        // Starting under strace is slow on a busy machine; a minute is not.
        let end = Instant::now() + Duration::from_secs(180);
        let mut answered = app.port.is_none();
        loop {
            if child.try_wait().unwrap().is_some() {
                assert!(answered, "{} ended: {}", app.name, said());
                break;
            }
            if let Some(port) = app.port.filter(|_| !answered) {
                let pid = child.id().to_string();
                let url = format!("http://127.0.0.1:{port}/");
                let asked = Command::new("nsenter")
                    .args(["-t", &pid, "-n", "curl", "-s", "-m", "20", "-o", "/dev/null", &url])
                    .status();
                if asked.unwrap().success() {
                    answered = true;
                    // The last lines of the log belong to the answer.
                    std::thread::sleep(Duration::from_millis(300));
                    break;
                }
            }
            if Instant::now() > end {
                break;
            }
            std::thread::sleep(Duration::from_millis(200));
        }
        // The whole group: `strace` alone would leave what it traces running, and `--kill-child` ends the rest.
        let _ = Command::new("kill").args(["-KILL", "--", &format!("-{}", child.id())]).status();
        let _ = child.wait();
        assert!(answered, "{} does not answer: {}", app.name, said());
        let text = String::from_utf8_lossy(&std::fs::read(&log).unwrap()).into_owned();
        self.opened(&text, working_dir)
    }

    /// Reads the log of `strace` from where the image is entered.
    fn opened(&self, log: &str, working_dir: &str) -> BTreeSet<String> {
        let root = std::fs::canonicalize(self.path()).unwrap();
        let inside = log.lines().skip_while(|line| !line.contains("chroot(")).skip(1);
        let mut opened = BTreeSet::new();
        // A call that another thread interrupts ends on a later line; its path stands on the first.
        let mut open: BTreeMap<String, String> = BTreeMap::new();
        for line in inside {
            let Some((pid, rest)) = line.split_once(' ') else { continue };
            let rest = rest.trim_start();
            let whole = if let Some(rest) = rest.strip_prefix("<... ") {
                let Some(start) = open.remove(pid) else { continue };
                format!("{start}{}", rest.split_once('>').map_or("", |(_, end)| end))
            } else if let Some(start) = rest.strip_suffix(" <unfinished ...>") {
                open.insert(pid.to_owned(), start.to_owned());
                continue;
            } else {
                rest.to_owned()
            };
            if !(whole.starts_with("open") || whole.starts_with("execve")) || whole.contains(" = -1 ") {
                continue;
            }
            let Some(path) = whole.split('"').nth(1) else { continue };
            let path = if path.starts_with('/') { path.to_owned() } else { format!("{working_dir}/{path}") };
            if let Some(real) = real_path(&root, &path, 0) {
                opened.insert(real);
            }
        }
        opened
    }

    /// Returns the packages by the files they own, as package managers say.
    fn owners(&self) -> BTreeMap<String, Vec<String>> {
        let root = std::fs::canonicalize(self.path()).unwrap();
        let mut owners: BTreeMap<String, Vec<String>> = BTreeMap::new();
        let info = root.join("var/lib/dpkg/info");
        for entry in std::fs::read_dir(info).into_iter().flatten().map(Result::unwrap) {
            let name = entry.file_name().into_string().unwrap();
            let Some(name) = name.strip_suffix(".list") else { continue };
            let name = name.split(':').next().unwrap();
            for path in std::fs::read_to_string(entry.path()).unwrap().lines() {
                // The folder's links are followed, the file's own are not: who owns a link does not own its target.
                let (folder, file) = path.rsplit_once('/').unwrap_or(("", path));
                let folder = real_path(&root, folder, 0).unwrap_or_default();
                owners
                    .entry(format!("{folder}/{file}").trim_start_matches('/').to_owned())
                    .or_default()
                    .push(format!("deb {name}"));
            }
        }
        owners
    }
}

/// Follows links as inside the image; `None` when nothing is there.
fn real_path(root: &Path, path: &str, depth: usize) -> Option<String> {
    let mut real: Vec<String> = Vec::new();
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
    for (index, part) in parts.iter().enumerate() {
        if *part == ".." {
            real.pop();
            continue;
        }
        real.push((*part).to_owned());
        let here = root.join(real.join("/"));
        let meta = here.symlink_metadata().ok()?;
        if meta.is_symlink() {
            let target = std::fs::read_link(&here).unwrap().into_os_string().into_string().unwrap();
            real.pop();
            let base = if target.starts_with('/') { String::new() } else { real.join("/") };
            let rest = parts[index + 1..].join("/");
            return (depth < 40)
                .then(|| real_path(root, &format!("{base}/{target}/{rest}"), depth + 1))
                .flatten();
        }
    }
    Some(real.join("/"))
}

/// Returns whether a file is a package manager's record of a package: reading it is no use of what it describes.
fn is_record(path: &str) -> bool {
    path.contains(".dist-info/")
        || path.contains(".egg-info")
        || path.ends_with(".gemspec")
        || path.starts_with("var/lib/dpkg/")
}

/// Returns the language package whose folder holds a file.
fn language_owner<'p>(packages: &'p [Package], root: &Path, path: &str) -> Vec<&'p Package> {
    let own = |package: &&Package| {
        package.locations.iter().any(|location| {
            let record = location.path.as_str();
            let folder = record.rsplit_once('/').map_or("", |(folder, _)| folder);
            match package.kind {
                PackageKind::Npm => {
                    let rest = path.strip_prefix(folder).and_then(|rest| rest.strip_prefix('/'));
                    !folder.is_empty() && rest.is_some_and(|rest| !rest.contains("node_modules/"))
                }
                PackageKind::Python => {
                    let base = folder.rsplit_once('/').map_or("", |(base, _)| base);
                    let listed = |list: PathBuf, base: &str| {
                        let text = std::fs::read_to_string(list).unwrap_or_default();
                        let mut lines = text.lines().map(|line| line.split(',').next().unwrap_or_default());
                        lines.any(|line| {
                            real_path(root, &format!("{base}/{line}"), 0).as_deref() == Some(path)
                        })
                    };
                    path.starts_with(base)
                        && (listed(root.join(folder).join("RECORD"), base)
                            || listed(root.join(folder).join("installed-files.txt"), folder))
                }
                PackageKind::Gem => {
                    let name = record.rsplit('/').next().unwrap_or_default().trim_end_matches(".gemspec");
                    path.contains(&format!("/gems/{name}/"))
                }
                PackageKind::Maven | PackageKind::Go | PackageKind::Cargo => {
                    record.split("!/").next() == Some(path)
                }
                _ => false,
            }
        })
    };
    packages.iter().filter(own).collect()
}

#[track_caller]
fn check(image: &Image, app: &App<'_>) {
    let (packages, config) = image.grades(app);
    let opened = image.run(app, &config);
    let owners = image.owners();
    let root = std::fs::canonicalize(image.path()).unwrap();
    let count = |usage| packages.iter().filter(|package| package.usage == usage).count();
    let grades = [Usage::Used, Usage::Unused, Usage::Unknown].map(count);
    // Shown with `--nocapture`; the manual's table is made of these lines.
    let _ = writeln!(
        std::io::stdout(),
        "| {} | {} | {} | {} | {} |",
        app.name,
        grades[0],
        grades[1],
        grades[2],
        opened.len()
    );
    let mut wrong = BTreeSet::new();
    for path in opened.iter().filter(|path| !is_record(path) && root.join(path).is_file()) {
        let names = owners.get(path).into_iter().flatten();
        let system = names.filter_map(|name| {
            packages
                .iter()
                .find(|package| package.kind == PackageKind::Deb && format!("deb {}", package.name) == *name)
        });
        for package in system.chain(language_owner(&packages, &root, path)) {
            if package.usage == Usage::Unused {
                wrong.insert(format!("{} {}: {path}", package.kind.purl_type(), package.name));
            }
        }
    }
    assert!(opened.len() > 3 || app.port.is_none(), "{}: the log says nothing: {opened:?}", app.name);
    assert!(wrong.is_empty(), "{}: graded unused, but opened: {wrong:#?}", app.name);
    assert!(grades[0] >= app.least.0 && grades[1] >= app.least.1, "{}: {grades:?}", app.name);
}

const WSGI: &[u8] =
    b"import app\nfrom django.core.wsgi import get_wsgi_application\napplication = get_wsgi_application()\n";
const RUBY: &[u8] = b"require 'socket'\nrequire 'json'\nserver = TCPServer.new('127.0.0.1', 8080)\nclient = server.accept\nclient.gets\nclient.write(\"HTTP/1.0 200 OK\\r\\n\\r\\n\" + JSON.generate({ok: true}))\nclient.close\nsleep 30\n";
const PYTHON: &[u8] = b"#!/usr/bin/python3\nimport http.server\nimport six\nhttp.server.HTTPServer(('127.0.0.1', 8080), http.server.SimpleHTTPRequestHandler).serve_forever()\n";
const SHELL: &[u8] =
    b"#!/bin/sh\nset -e\nif [ \"$1\" = gateway ]; then\n  chown root:root /tmp\nfi\nexec \"$@\"\n";
const PERL: &[u8] = b"#!/usr/bin/perl\nuse strict;\nuse IO::Socket::INET;\nmy $s = IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => 8080, Listen => 1) or die;\nmy $c = $s->accept;\n<$c>;\nprint $c \"HTTP/1.0 200 OK\\r\\n\\r\\nok\";\nclose $c;\nsleep 30;\n";

const JAVA: &str = "\
import com.fasterxml.jackson.databind.ObjectMapper;
import com.sun.net.httpserver.HttpServer;
import java.net.InetSocketAddress;
import java.util.Map;

public final class Server {
    public static void main(String[] arguments) throws Exception {
        HttpServer server = HttpServer.create(new InetSocketAddress(\"127.0.0.1\", 8080), 0);
        server.createContext(\"/\", exchange -> {
            byte[] body = new ObjectMapper().writeValueAsBytes(Map.of(\"ok\", true));
            exchange.sendResponseHeaders(200, body.length);
            exchange.getResponseBody().write(body);
            exchange.close();
        });
        server.start();
    }
}
";

/// Compiles the Java server, which answers with a library of a jar of the image.
fn java_server(image: &Image) -> Option<Vec<u8>> {
    let javac = real_tests::tool("javac")?;
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("Server.java"), JAVA).unwrap();
    let done = Command::new(javac)
        .args(["-proc:none", "--release", "11", "--add-modules", "jdk.httpserver", "-cp"])
        .arg(image.path().join("opt/jobs/report-job-0.3.1.jar"))
        .arg("Server.java")
        .current_dir(folder.path())
        .output()
        .unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    // A lambda is no class of its own: this one file is all.
    Some(std::fs::read(folder.path().join("Server.class")).unwrap())
}

#[test]
fn go_and_rust_programs_use_what_they_open() {
    if let Some(image) = Image::unpack("go-app") {
        check(&image, &App { name: "go-app", files: &[], command: &[], port: None, least: (4, 0) });
    }
    if let Some(image) = Image::unpack("rust-app") {
        check(&image, &App { name: "rust-app", files: &[], command: &[], port: None, least: (3, 1) });
    }
}

#[test]
fn a_python_application_uses_what_it_opens() {
    let Some(image) = Image::unpack("python-app") else { return };
    let files: &[(&str, &[u8])] = &[("srv/tickets/wsgi.py", WSGI)];
    let command = ["gunicorn", "-b", "127.0.0.1:8000", "wsgi:application"];
    check(&image, &App { name: "python-app", files, command: &command, port: Some(8000), least: (10, 0) });
}

#[test]
fn a_node_application_uses_what_it_opens() {
    let Some(image) = Image::unpack("node-app") else { return };
    check(&image, &App { name: "node-app", files: &[], command: &[], port: Some(8080), least: (30, 1) });
}

#[test]
fn a_ruby_application_uses_what_it_opens() {
    let Some(image) = Image::unpack("ruby-php-dotnet") else { return };
    let files: &[(&str, &[u8])] = &[("srv/server.rb", RUBY)];
    check(
        &image,
        &App {
            name: "ruby-php-dotnet",
            files,
            command: &["ruby", "/srv/server.rb"],
            port: Some(8080),
            least: (5, 1),
        },
    );
}

#[test]
fn of_everything_at_once_only_what_is_started_is_used() {
    let Some(image) = Image::unpack("kitchen-sink") else { return };
    check(&image, &App { name: "kitchen-sink, Go", files: &[], command: &[], port: None, least: (4, 300) });
    let files: &[(&str, &[u8])] = &[("entry.sh", SHELL)];
    let command = ["/entry.sh", "gateway"];
    check(
        &image,
        &App { name: "kitchen-sink, shell and Go", files, command: &command, port: None, least: (8, 300) },
    );
    let command = ["node", "/srv/shop-front/server.js"];
    check(
        &image,
        &App { name: "kitchen-sink, Node", files: &[], command: &command, port: Some(8080), least: (10, 0) },
    );
    let files: &[(&str, &[u8])] = &[("srv/server.py", PYTHON)];
    check(
        &image,
        &App {
            name: "kitchen-sink, Python",
            files,
            command: &["/srv/server.py"],
            port: Some(8080),
            least: (3, 0),
        },
    );
    let files: &[(&str, &[u8])] = &[("srv/server.rb", RUBY)];
    check(
        &image,
        &App {
            name: "kitchen-sink, Ruby",
            files,
            command: &["ruby", "/srv/server.rb"],
            port: Some(8080),
            least: (3, 0),
        },
    );
    let files: &[(&str, &[u8])] = &[("srv/server.pl", PERL)];
    check(
        &image,
        &App {
            name: "kitchen-sink, Perl",
            files,
            command: &["/srv/server.pl"],
            port: Some(8080),
            least: (3, 0),
        },
    );
    if let Some(server) = java_server(&image) {
        let files: &[(&str, &[u8])] = &[("srv/Server.class", &server)];
        let command = ["java", "-cp", "/srv:/opt/jobs/report-job-0.3.1.jar", "Server"];
        check(
            &image,
            &App {
                name: "kitchen-sink, Java server",
                files,
                command: &command,
                port: Some(8080),
                least: (3, 0),
            },
        );
    }
    let command = ["java", "-jar", "/app/orders.jar"];
    check(
        &image,
        &App { name: "kitchen-sink, Java", files: &[], command: &command, port: None, least: (3, 0) },
    );
}
