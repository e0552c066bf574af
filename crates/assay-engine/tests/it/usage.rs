//! Whether packages are used: images built in code, of ELF files that are written here, and graded as a scan does.

use assay_analyze::{Limits, Lockfiles, Matcher, analyze_layer, squash};
use assay_engine::analyzers;
use assay_model::image::ImageConfig;
use assay_model::{Package, Usage};
use assay_test::elf::Elf;
use assay_test::image::Tree;
use std::fmt::Write as _;

/// An image of Debian packages.
struct Built {
    tree: Tree,
    status: String,
    config: ImageConfig,
}

const LINKER: &str = "lib64/ld-linux-x86-64.so.2";

impl Built {
    /// A dynamic linker, and what is started.
    fn new(start: &[&str]) -> Self {
        let config = ImageConfig {
            command: start.iter().map(|word| (*word).to_owned()).collect(),
            ..ImageConfig::default()
        };
        let built = Self {
            tree: Tree::new().folder("usr").file("etc/os-release", "ID=debian\nVERSION_ID=12\n"),
            status: String::new(),
            config,
        };
        built.package("libc6", &[(LINKER, Elf::library("ld-linux-x86-64.so.2").build())])
    }

    fn env(mut self, setting: &str) -> Self {
        self.config.env.push(setting.to_owned());
        self
    }

    fn package(mut self, name: &str, files: &[(&str, Vec<u8>)]) -> Self {
        write!(
            self.status,
            "Package: {name}\nStatus: install ok installed\nVersion: 1\nArchitecture: amd64\n\n"
        )
        .unwrap();
        let mut list = String::from("/.\n/usr\n");
        for (path, content) in files {
            self.tree = self.tree.program(path, content);
            writeln!(list, "/{path}").unwrap();
        }
        self.tree = self.tree.file(&format!("var/lib/dpkg/info/{name}.list"), list);
        self
    }

    fn library(self, name: &str, path: &str, elf: &Elf) -> Self {
        self.package(name, &[(path, elf.build())])
    }

    fn link(mut self, path: &str, target: &str) -> Self {
        self.tree = self.tree.symlink(path, target);
        self
    }

    fn file(mut self, path: &str, text: &str) -> Self {
        self.tree = self.tree.program(path, text);
        self
    }

    fn packages(self) -> Vec<Package> {
        let tar = self.tree.file("var/lib/dpkg/status", self.status).tar();
        let matcher = Matcher::new(analyzers(&[]));
        let (layer, _) = analyze_layer(&tar[..], None, &matcher, &Limits::new(std::env::temp_dir())).unwrap();
        let mut squashed = squash(vec![layer], true, Lockfiles::WhenNothingInstalled, &matcher);
        assert_eq!(squashed.inventory.warnings, []);
        assay_usage::judge(&self.config, &mut squashed);
        squashed.inventory.packages
    }

    /// Holds what a package is graded, and that the words of the last step say why.
    #[track_caller]
    fn check(self, wanted: &[(&str, Usage, &str)]) {
        let packages = self.packages();
        for (name, usage, why) in wanted {
            let package = packages.iter().find(|package| package.name == *name).unwrap();
            let steps: Vec<String> =
                package.usage_evidence.iter().map(|step| format!("{} ({})", step.path, step.how)).collect();
            let steps = steps.join(" > ");
            assert!(package.usage == *usage && steps.contains(why), "{name}: {:?}: {steps}", package.usage);
        }
    }
}

use Usage::{Unknown, Unused, Used};

fn vulnerable() -> Elf {
    Elf::library("libbad.so.1")
}

#[test]
fn a_library_that_nothing_loads_is_unused() {
    Built::new(&["/usr/bin/app"])
        .package("app", &[("usr/bin/app", Elf::program().needs("libgood.so.1").build())])
        .library("libgood1", "usr/lib/libgood.so.1", &Elf::library("libgood.so.1"))
        .library("libbad1", "usr/lib/libbad.so.1", &vulnerable())
        .check(&[
            ("app", Used, "usr/bin/app (command: /usr/bin/app)"),
            (
                "libgood1",
                Used,
                "usr/bin/app (command: /usr/bin/app) > usr/lib/libgood.so.1 (needed: libgood.so.1)",
            ),
            ("libbad1", Unused, "nothing that is started reaches its one file of code"),
            ("libc6", Used, "dynamic linker"),
        ]);
}

#[test]
fn the_same_library_is_used_when_it_is_needed() {
    Built::new(&["/usr/bin/app"])
        .package("app", &[("usr/bin/app", Elf::program().needs("libgood.so.1").build())])
        .library("libgood1", "usr/lib/libgood.so.1", &Elf::library("libgood.so.1").needs("libbad.so.1"))
        .library("libbad1", "usr/lib/libbad.so.1.2.3", &vulnerable())
        .link("usr/lib/libbad.so.1", "libbad.so.1.2.3")
        .check(&[(
            "libbad1",
            Used,
            "usr/lib/libgood.so.1 (needed: libgood.so.1) > usr/lib/libbad.so.1.2.3 (needed: libbad.so.1)",
        )]);
}

#[test]
fn a_name_in_the_constants_makes_it_unknown() {
    let app = Elf::program().imports("dlopen").constant("libbad.so.1").constant("hello");
    Built::new(&["/usr/bin/app"])
        .package("app", &[("usr/bin/app", app.build())])
        .library("libbad1", "usr/lib/libbad.so.1", &vulnerable().needs("libworse.so.1"))
        .library("libworse1", "usr/lib/libworse.so.1", &Elf::library("libworse.so.1"))
        .library("libgood1", "usr/lib/libgood.so.1", &Elf::library("libgood.so.1"))
        .check(&[
            ("libbad1", Unknown, "named in its constants: libbad.so.1"),
            // What may be loaded may need this.
            ("libworse1", Unknown, "needed: libworse.so.1"),
            ("libgood1", Unused, "nothing that is started"),
        ]);
}

#[test]
fn a_computed_name_makes_every_library_unknown() {
    for constant in ["/usr/lib/app/%s.so", "no name at all"] {
        let app = Elf::program().imports("dlopen").constant(constant);
        Built::new(&["/usr/bin/app"])
            .package("app", &[("usr/bin/app", app.build())])
            .library("libbad1", "usr/lib/libbad.so.1", &vulnerable())
            .package("tool", &[("usr/bin/tool", Elf::program().build())])
            .check(&[
                ("libbad1", Unknown, "may load any library: the name is computed"),
                ("tool", Unused, ""),
            ]);
    }
}

#[test]
fn a_program_that_runs_what_it_computes_makes_programs_unknown() {
    let app = Elf::program().imports("execvp");
    Built::new(&["/usr/bin/app"])
        .package("app", &[("usr/bin/app", app.build())])
        .package("tool", &[("usr/bin/tool", Elf::program().needs("libbad.so.1").build())])
        .library("libbad1", "usr/lib/libbad.so.1", &vulnerable())
        .library("libgood1", "usr/lib/libgood.so.1", &Elf::library("libgood.so.1"))
        .check(&[
            ("tool", Unknown, "may run any program"),
            ("libbad1", Unknown, "needed: libbad.so.1"),
            ("libgood1", Unused, "nothing that is started"),
        ]);
    let app = Elf::program().imports("execv").constant("/usr/bin/tool");
    Built::new(&["/usr/bin/app"])
        .package("app", &[("usr/bin/app", app.build())])
        .package("tool", &[("usr/bin/tool", Elf::program().build())])
        .package("other", &[("usr/bin/other", Elf::program().build())])
        .check(&[("tool", Unknown, "its constants name"), ("other", Unused, "nothing that is started")]);
}

#[test]
fn libraries_are_sought_as_the_linker_does() {
    let bad = vulnerable();
    let here = |app: Elf, path: &str| {
        Built::new(&["/opt/app/bin/app"])
            .package("app", &[("opt/app/bin/app", app.needs("libbad.so.1").build())])
            .library("libbad1", path, &bad)
            // Of the same name, for another machine, and first in the order.
            .library("foreign", "lib64/libbad.so.1", &bad.clone().machine(183))
    };
    let used = [("libbad1", Used, "needed: libbad.so.1"), ("foreign", Unused, "")];
    here(Elf::program().rpath("$ORIGIN/../lib"), "opt/app/lib/libbad.so.1").check(&used);
    here(Elf::program().runpath("/x:${ORIGIN}/../lib"), "opt/app/lib/libbad.so.1").check(&used);
    here(Elf::program(), "usr/lib/x86_64-linux-gnu/libbad.so.1").check(&used);
    here(Elf::program(), "opt/l/libbad.so.1").env("LD_LIBRARY_PATH=/opt/l").check(&used);
    here(Elf::program(), "srv/l/libbad.so.1")
        .file("etc/ld.so.conf", "include /etc/ld.so.conf.d/*.conf\n")
        .file("etc/ld.so.conf.d/a.conf", "# ours\n/srv/l\n")
        .check(&used);
    // On no search path at all: somebody may set one.
    here(Elf::program(), "srv/l/libbad.so.1").check(&[("libbad1", Unknown, "found on no search path")]);
}

#[test]
fn an_rpath_holds_for_what_is_loaded_and_a_runpath_does_not() {
    let chain = |app: Elf| {
        Built::new(&["/usr/bin/app"])
            .package("app", &[("usr/bin/app", app.needs("libmiddle.so.1").build())])
            .library(
                "libmiddle1",
                "opt/l/libmiddle.so.1",
                &Elf::library("libmiddle.so.1").needs("libbad.so.1"),
            )
            .library("libbad1", "opt/l/libbad.so.1", &vulnerable())
    };
    chain(Elf::program().rpath("/opt/l")).check(&[("libbad1", Used, "needed: libbad.so.1")]);
    chain(Elf::program().runpath("/opt/l"))
        .check(&[("libmiddle1", Used, "needed"), ("libbad1", Unknown, "no search path")]);
}

#[test]
fn what_is_preloaded_is_used() {
    let app = || Elf::program().build();
    Built::new(&["/usr/bin/app"])
        .env("LD_PRELOAD=/opt/libbad.so.1")
        .package("app", &[("usr/bin/app", app())])
        .library("libbad1", "opt/libbad.so.1", &vulnerable())
        .check(&[("libbad1", Used, "preloaded")]);
    Built::new(&["/usr/bin/app"])
        .file("etc/ld.so.preload", "/opt/libbad.so.1\n")
        .package("app", &[("usr/bin/app", app())])
        .library("libbad1", "opt/libbad.so.1", &vulnerable())
        .check(&[("libbad1", Used, "preloaded")]);
}

fn shell(start: &[&str]) -> Built {
    let needs = Elf::program().needs("libbad.so.1").build();
    Built::new(start)
        .package("dash", &[("usr/bin/dash", Elf::program().imports("execve").build())])
        .link("bin", "usr/bin")
        .link("usr/bin/sh", "dash")
        .package("server", &[("usr/sbin/server", needs)])
        .package("tini", &[("usr/bin/tini", Elf::program().imports("execvp").build())])
        .package("coreutils", &[("usr/bin/chown", Elf::program().build())])
        .package("tool", &[("usr/bin/tool", Elf::program().build())])
        .library("libbad1", "usr/lib/libbad.so.1", &vulnerable())
}

#[test]
fn scripts_are_followed() {
    let script = "#!/bin/sh -e\nif [ \"$1\" = server ]; then chown x y; fi\nexec \"$@\"\n";
    let rest = [
        ("dash", Used, "interpreter of the script: /bin/sh"),
        ("coreutils", Used, "run by the script: chown"),
        (
            "libbad1",
            Used,
            "usr/sbin/server (run by the script: $@) > usr/lib/libbad.so.1 (needed: libbad.so.1)",
        ),
        ("tool", Unused, "nothing that is started"),
    ];
    shell(&["/entry.sh", "server", "--port", "1"]).file("entry.sh", script).check(&rest);
    shell(&["tini", "--", "/entry.sh", "server"]).file("entry.sh", script).check(&rest);
    shell(&["/bin/sh", "-c", "exec server --x $X"]).check(&[
        ("libbad1", Used, "needed"),
        ("tool", Unused, ""),
        ("coreutils", Unused, ""),
    ]);
    shell(&["/bin/sh", "-c", "$RUN --x"]).check(&[("tool", Unknown, "may run any program")]);
    shell(&["/bin/sh", "-c", "$RUN --x"])
        .env("RUN=server")
        .check(&[("libbad1", Used, "needed"), ("tool", Unused, "")]);
    let script = "#!/bin/sh\nBIN=/usr/sbin/server\n. /lib.sh\nexec $BIN";
    shell(&["/entry.sh"]).file("entry.sh", script).file("lib.sh", "f() { tool; }").check(&[
        ("libbad1", Used, "needed"),
        ("tool", Used, "run by the script: tool"),
        ("coreutils", Unused, ""),
    ]);
    shell(&["/entry.sh"]).file("entry.sh", "#!/bin/sh\neval \"$X\"").check(&[(
        "tool",
        Unknown,
        "may run any program",
    )]);
}

#[test]
fn what_is_started_counts_with_the_health_check() {
    let mut built = shell(&["server"]);
    built.config.health_check = vec!["CMD-SHELL".into(), "tool || exit 1".into()];
    built.check(&[("tool", Used, "health check"), ("coreutils", Unused, "")]);
}

#[test]
fn nothing_is_said_when_nothing_says_what_is_started() {
    shell(&[]).check(&[("tool", Unknown, "nothing says what is started"), ("libbad1", Unknown, "")]);
    shell(&["absent"]).check(&[("tool", Unknown, "is not among the image's files of code")]);
    shell(&["supervisord"])
        .package("supervisor", &[("usr/bin/supervisord", Elf::program().build())])
        .check(&[("tool", Unknown, "starts what its settings")]);
}

#[test]
fn data_that_others_open_is_never_unused() {
    let app = Elf::program().build();
    Built::new(&["/usr/bin/app"])
        .package("app", &[("usr/bin/app", app)])
        .package("netbase", &[("etc/services", b"http 80/tcp\n".to_vec())])
        .package(
            "ca-certificates",
            &[
                ("usr/share/ca-certificates/a.crt", b"x".to_vec()),
                ("usr/sbin/update-ca", b"#!/bin/sh\n".to_vec()),
            ],
        )
        .package("foo-doc", &[("usr/share/doc/foo/manual.txt", b"x".to_vec())])
        // Its own settings are opened by its own program.
        .package("tool", &[("usr/bin/tool", Elf::program().build()), ("etc/tool/tool.conf", b"x".to_vec())])
        .check(&[
            ("netbase", Unknown, "data that any program may open"),
            ("ca-certificates", Unknown, "data that any program may open"),
            ("foo-doc", Unused, "no code, and no data"),
            ("tool", Unused, ""),
        ]);
}

#[test]
fn an_interpreter_opens_its_own_language_only() {
    let perl = |start: &[&str]| {
        Built::new(start)
            .package("app", &[("usr/bin/app", Elf::program().build())])
            .package(
                "perl-base",
                &[("usr/bin/perl", Elf::program().imports("execve").imports("dlopen").build())],
            )
            .package("libfoo-perl", &[("usr/share/perl5/Foo.pm", b"package Foo; 1;\n".to_vec())])
    };
    perl(&["/usr/bin/app"]).check(&[("libfoo-perl", Unused, ""), ("perl-base", Unused, "")]);
    let packages = perl(&["/usr/bin/perl", "-e", "require $x"]).packages();
    let foo = packages.iter().find(|package| package.name == "libfoo-perl").unwrap();
    assert_eq!(foo.usage, Unknown, "{:?}", foo.usage_evidence);
}
