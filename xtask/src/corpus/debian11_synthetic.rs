//! `debian11-synthetic`: a Debian 11 root with old versions, whose dpkg database is written here.
//!
//! The archives no longer have these versions. `Source:` names the source package where it differs, with its own
//! version in parentheses where that differs too (deb-control(5)).

use std::fmt::Write as _;

use anyhow::Result;
use serde_json::json;

use super::{Kit, Recipe};
use crate::stage::Stage;

pub(super) const RECIPE: Recipe = Recipe {
    name: "debian11-synthetic",
    about: "synthetic Debian 11 root: openssl 1.1.1k-1+deb11u1, xorg-server (oracle: dpkg-query on it)",
    revision: 1,
    needs: &["dpkg-query", "skopeo"],
    forms: &[],
    build,
};

/// Name, version, architecture, the `Source:` field, state, owned files.
type Package =
    (&'static str, &'static str, &'static str, &'static str, &'static str, &'static [&'static str]);

const INSTALLED: &str = "install ok installed";

const PACKAGES: &[Package] = &[
    ("base-files", "11.1+deb11u2", "amd64", "", INSTALLED, &["/etc/debian_version", "/usr/lib/os-release"]),
    ("libc6", "2.31-13+deb11u2", "amd64", "glibc", INSTALLED, &["/lib/x86_64-linux-gnu/libc-2.31.so"]),
    ("openssl", "1.1.1k-1+deb11u1", "amd64", "", INSTALLED, &["/usr/bin/openssl"]),
    (
        "libssl1.1",
        "1.1.1k-1+deb11u1",
        "amd64",
        "openssl",
        INSTALLED,
        &["/usr/lib/x86_64-linux-gnu/libcrypto.so.1.1", "/usr/lib/x86_64-linux-gnu/libssl.so.1.1"],
    ),
    (
        "xserver-common",
        "2:1.20.11-1+deb11u5",
        "all",
        "xorg-server",
        INSTALLED,
        &["/etc/X11/Xsession.d/35x11-common"],
    ),
    ("xserver-xorg-core", "2:1.20.11-1+deb11u5", "amd64", "xorg-server", INSTALLED, &["/usr/lib/xorg/Xorg"]),
    ("xvfb", "2:1.20.11-1+deb11u5", "amd64", "xorg-server", INSTALLED, &["/usr/bin/Xvfb"]),
    ("libpam0g", "1.4.0-9+deb11u1", "amd64", "pam", INSTALLED, &["/lib/x86_64-linux-gnu/libpam.so.0.85.1"]),
    ("perl-base", "5.32.1-4+deb11u2", "amd64", "perl", INSTALLED, &["/usr/bin/perl"]),
    ("bash", "5.1-2+b3", "amd64", "bash (5.1-2)", INSTALLED, &["/bin/bash"]),
    ("libgcc-s1", "10.2.1-6", "amd64", "gcc-10", INSTALLED, &["/lib/x86_64-linux-gnu/libgcc_s.so.1"]),
    // Removed with its configuration left behind: not installed, though the database still names it.
    ("nginx-common", "1.18.0-6.1", "all", "nginx", "deinstall ok config-files", &["/etc/nginx/nginx.conf"]),
];

const OS_RELEASE: &str = "\
PRETTY_NAME=\"Debian GNU/Linux 11 (bullseye)\"
NAME=\"Debian GNU/Linux\"
VERSION_ID=\"11\"
VERSION=\"11 (bullseye)\"
VERSION_CODENAME=bullseye
ID=debian
HOME_URL=\"https://www.debian.org/\"
";

fn build(kit: &Kit) -> Result<()> {
    let mut layout = kit.layout()?;
    let mut stage = Stage::scratch(kit, &layout)?;
    stage.write("usr/lib/os-release", OS_RELEASE)?;
    std::fs::create_dir_all(stage.root().join("etc"))?;
    std::os::unix::fs::symlink("../usr/lib/os-release", stage.root().join("etc/os-release"))?;
    stage.write("etc/debian_version", "11.2\n")?;
    let mut status = String::new();
    for (name, version, architecture, source, state, files) in PACKAGES {
        write!(
            status,
            "Package: {name}\nStatus: {state}\nPriority: optional\nSection: misc\nInstalled-Size: 100\n"
        )?;
        write!(status, "Maintainer: Corpus <corpus@example.com>\nArchitecture: {architecture}\n")?;
        if !source.is_empty() {
            writeln!(status, "Source: {source}")?;
        }
        write!(
            status,
            "Version: {version}\nDescription: synthetic package of the corpus\n Nothing in it is real.\n\n"
        )?;
        let mut list = String::from("/.\n");
        for file in *files {
            let mut above = String::new();
            for part in file.split('/').skip(1).take(file.matches('/').count() - 1) {
                write!(above, "/{part}")?;
                if !list.lines().any(|line| line == above) {
                    writeln!(list, "{above}")?;
                }
            }
            writeln!(list, "{file}")?;
            let path = file.trim_start_matches('/');
            if !stage.root().join(path).exists() {
                stage.write(path, format!("synthetic file of {name}\n"))?;
            }
        }
        stage.write(&format!("var/lib/dpkg/info/{name}.list"), list)?;
    }
    stage.write("var/lib/dpkg/status", status)?;
    let format = "${Package}\\t${Version}\\t${Architecture}\\t${source:Package}\\t${source:Version}\\t\
                  ${db:Status-Status}\\n";
    let mut query = std::process::Command::new("dpkg-query");
    query.arg(format!("--admindir={}", stage.root().join("var/lib/dpkg").display()));
    kit.oracle("dpkg.tsv", crate::run::output(query.args(["-W", "-f", format]))?)?;
    stage.synthetic("the dpkg database was written by the corpus");
    stage.commit("/bin/sh -c #(nop) ADD file:5c44d2a0e6d8b1f07a93 in / ")?;
    stage.meta("/bin/sh -c #(nop)  CMD [\"bash\"]");
    stage.config("Cmd", json!(["bash"]));
    let image = stage.finish()?;
    layout.tag(image, "latest");
    layout.finish()
}
