//! `cargo xtask tools`: installs what the real-tool tests and the corpus need on a bare Debian machine.
//!
//! Programs of Debian come from apt, only those that are missing. Programs of other ecosystems go below
//! `target/tools`, one folder per version, linked into `target/tools/bin`. What cannot be installed is named; the
//! tests that need it are skipped and counted, unless the variable `CI` is set: then this fails.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result, bail};

use crate::run::{find, is_ci, is_root, output, tools_dir};

/// A program and the Debian package it is in.
const DEBIAN: &[(&str, &str)] = &[
    ("apt-get", "apt"),
    ("buildah", "buildah"),
    ("bundle", "ruby-bundler"),
    ("chromium", "chromium"),
    ("composer", "composer"),
    ("curl", "curl"),
    ("db5.3_load", "db5.3-util"),
    ("docker-registry", "docker-registry"),
    ("dpkg-deb", "dpkg"),
    ("etcd", "etcd-server"),
    ("gcc", "build-essential"),
    ("gem", "ruby"),
    ("git", "git"),
    ("go", "golang-go"),
    ("htpasswd", "apache2-utils"),
    ("ip", "iproute2"),
    ("javac", "openjdk-17-jdk-headless"),
    ("jq", "jq"),
    ("mkfs.btrfs", "btrfs-progs"),
    ("mkfs.ext4", "e2fsprogs"),
    ("mkfs.vfat", "dosfstools"),
    ("mkfs.xfs", "xfsprogs"),
    ("mksquashfs", "squashfs-tools"),
    ("mmdebstrap", "mmdebstrap"),
    ("mvn", "maven"),
    ("node", "nodejs"),
    ("npm", "npm"),
    ("objcopy", "binutils"),
    ("openssl", "openssl"),
    ("php", "php-cli"),
    ("pkcs11-tool", "opensc"),
    ("podman", "podman"),
    ("pvck", "lvm2"),
    ("prometheus-alertmanager", "prometheus-alertmanager"),
    ("promtool", "prometheus"),
    ("python3", "python3"),
    ("qemu-img", "qemu-utils"),
    ("rpm", "rpm"),
    ("rpmbuild", "rpm"),
    ("sfdisk", "fdisk"),
    ("sgdisk", "gdisk"),
    ("skopeo", "skopeo"),
    ("softhsm2-util", "softhsm2"),
    ("sqlite3", "sqlite3"),
    ("strace", "strace"),
    ("umoci", "umoci"),
    ("unshare", "util-linux"),
    ("zip", "zip"),
    ("zstd", "zstd"),
];

/// Debian packages without a program of their own: the package and a file that shows it is there.
const DEBIAN_FILES: &[(&str, &str)] = &[
    ("libdpkg-perl", "/usr/share/perl5/Dpkg/Version.pm"),
    ("ca-certificates", "/etc/ssl/certs/ca-certificates.crt"),
    ("python3-pip", "/usr/lib/python3/dist-packages/pip"),
    ("python3-venv", "/usr/share/doc/python3-venv"),
    ("postgresql", "/usr/share/doc/postgresql"),
    ("libmaven3-core-java", "/usr/share/java/maven3-artifact.jar"),
];

/// Programs built by Cargo: crate, version, program.
const CARGO: &[(&str, &str)] = &[("cargo-auditable", "0.7.7")];

/// Modules for Python and Node: a mail server, what the differential tests of version orders load, the validator and the schema of SARIF
/// logs, and a verifier of Sigstore bundles: `target/tools/{python,node}`.
const PYTHON: &[&str] = &["aiosmtpd==1.4.6", "packaging==26.3", "jsonschema==4.23.0"];
const NODE: &[&str] = &[
    "semver@7.8.6",
    "@microsoft/jest-sarif@1.0.0-beta.0",
    "@sigstore/bundle@4.0.0",
    "@sigstore/verify@3.1.1",
];

/// The module and the artifact of the same tests: `target/tools/go/semver` and `target/tools/maven`.
const GO: &str = "golang.org/x/mod@v0.42.0";
const MAVEN: &str = "org.apache.maven:maven-artifact:3.9.9";

/// What fuzzes the server's API from its description.
const PYTHON_API: &[&str] = &["schemathesis==4.32.5"];

/// What reads and validates bills of materials and VEX, each in a folder of its own below `target/tools`: `python-sbom`, `maven-spdx` and
/// `go/openvex`.
const PYTHON_SBOM: &[&str] = &[
    "cyclonedx-python-lib[validation]==11.12.0",
    "spdx-tools==0.8.5",
    "spdx-python-model==0.0.6",
    "csaf-vex==0.1.0b5",
    "jsonschema==4.26.0",
    "jsonschema-rs==0.61.0",
];
const MAVEN_SPDX: &str = "org.spdx:spdx-v3jsonld-store:1.0.0";
const GO_OPENVEX: &str = "github.com/openvex/go-vex/pkg/vex@v0.2.9";

/// Programs of Go modules: program, package, version. cosign takes minutes to build the first time.
const GO_PROGRAMS: &[(&str, &str, &str)] = &[
    ("cosign", "github.com/sigstore/cosign/v3/cmd/cosign", "v3.1.3"),
    ("helm", "helm.sh/helm/v4/cmd/helm", "v4.3.1"),
    ("kwok", KWOK, KWOK_VERSION),
    ("versitygw", "github.com/versity/versitygw/cmd/versitygw", "v1.8.0"),
];

/// What plays the kubelet, and describes itself what nodes and pods do.
const KWOK: &str = "sigs.k8s.io/kwok/cmd/kwok";
const KWOK_VERSION: &str = "v0.8.0";

/// The control plane of Kubernetes: the version without its first number, its programs, and its modules that are published apart.
const KUBERNETES: &str = "35.0";
const KUBERNETES_PROGRAMS: [&str; 3] = ["kube-apiserver", "kube-controller-manager", "kube-scheduler"];
const KUBERNETES_MODULES: &[&str] = &[
    "api",
    "apiextensions-apiserver",
    "apimachinery",
    "apiserver",
    "cli-runtime",
    "client-go",
    "cloud-provider",
    "cluster-bootstrap",
    "code-generator",
    "component-base",
    "component-helpers",
    "controller-manager",
    "cri-api",
    "cri-client",
    "cri-streaming",
    "csi-translation-lib",
    "dynamic-resource-allocation",
    "endpointslice",
    "externaljwt",
    "kms",
    "kube-aggregator",
    "kube-controller-manager",
    "kube-proxy",
    "kube-scheduler",
    "kubectl",
    "kubelet",
    "metrics",
    "mount-utils",
    "pod-security-admission",
    "sample-apiserver",
    "sample-cli-plugin",
    "sample-controller",
];

/// Programs around Go modules: program, package, version, and its source.
const GO_SOURCES: &[(&str, &str, &str, &str)] = &[
    // `crane registry serve` has the referrers API switched off.
    (
        "referrers-registry",
        "github.com/google/go-containerregistry/pkg/registry",
        "v0.22.1",
        r#"package main

import (
	"net"
	"net/http"
	"os"

	"github.com/google/go-containerregistry/pkg/registry"
)

func main() {
	listener, err := net.Listen("tcp", os.Args[1])
	if err != nil {
		panic(err)
	}
	panic(http.Serve(listener, registry.New(registry.WithReferrersSupport(true))))
}
"#,
    ),
    // Notation itself cannot be installed by the Go client; the library that reads its envelopes can.
    (
        "notation-verify",
        "github.com/notaryproject/notation-core-go",
        "v1.3.0",
        r#"package main

import (
	"fmt"
	"os"

	"github.com/notaryproject/notation-core-go/signature"
	_ "github.com/notaryproject/notation-core-go/signature/cose"
	_ "github.com/notaryproject/notation-core-go/signature/jws"
)

func main() {
	bytes, err := os.ReadFile(os.Args[2])
	if err != nil {
		panic(err)
	}
	envelope, err := signature.ParseEnvelope(os.Args[1], bytes)
	if err == nil {
		var content *signature.EnvelopeContent
		if content, err = envelope.Verify(); err == nil {
			fmt.Println(string(content.Payload.Content))
			return
		}
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}
"#,
    ),
];

/// Installs what is missing; returns what could not be installed.
pub(crate) fn install() -> Result<Vec<String>> {
    let start = Instant::now();
    let mut missing = Vec::new();
    apt();
    for (program, package) in DEBIAN {
        if find(program).is_none() {
            missing.push(format!("`{program}` (Debian package `{package}`)"));
        }
    }
    for (package, file) in DEBIAN_FILES {
        if !is_there(package, file) {
            missing.push(format!("Debian package `{package}`"));
        }
    }
    for (name, version) in CARGO {
        note(&mut missing, name, cargo(name, version));
    }
    note(&mut missing, "the Python modules", python("python", PYTHON));
    note(&mut missing, "the Python modules for SBOMs", python("python-sbom", PYTHON_SBOM));
    note(&mut missing, "the Python modules for the API", python("python-api", PYTHON_API));
    note(&mut missing, "the Node modules", node());
    note(&mut missing, "the Go module", go("semver", GO));
    note(&mut missing, "the Go module for OpenVEX", go("openvex", GO_OPENVEX));
    for (name, package, version) in GO_PROGRAMS {
        note(&mut missing, name, go_program(name, package, version));
    }
    for (name, package, version, source) in GO_SOURCES {
        note(&mut missing, name, go_source(name, &format!("{package}@{version}"), source));
    }
    note(&mut missing, "the control plane of Kubernetes", kubernetes());
    note(&mut missing, "kwok's stages", kwok_stages());
    note(&mut missing, "Maven's jar", maven("maven", MAVEN));
    note(&mut missing, "SPDX's jar", maven("maven-spdx", MAVEN_SPDX));
    if missing.is_empty() {
        println!("tools: all there ({:.1} s)", start.elapsed().as_secs_f64());
    } else {
        for name in &missing {
            println!("tools: MISSING {name}");
        }
        if is_ci() {
            bail!("{} tools are missing, and in CI nothing may be skipped", missing.len());
        }
    }
    Ok(missing)
}

/// Installs `name` by Cargo below `target/tools` and links its program, unless that is done.
pub(crate) fn cargo(name: &str, version: &str) -> Result<()> {
    let folder = tools_dir().join(format!("{name}-{version}"));
    let program = folder.join("bin").join(name);
    if !program.exists() {
        println!("tools: building {name} {version}");
        let mut command = Command::new("cargo");
        command.args(["install", "--quiet", "--locked", "--no-track", "--version", version, name, "--root"]);
        output(command.arg(&folder).env_remove("CARGO_TARGET_DIR"))?;
    }
    link(name, &program)
}

/// Makes `program` one of those that tests find.
fn link(name: &str, program: &Path) -> Result<()> {
    let link = tools_dir().join("bin").join(name);
    fs::create_dir_all(tools_dir().join("bin"))?;
    let _ = fs::remove_file(&link);
    symlink(program, &link).with_context(|| format!("cannot link `{}`", link.display()))
}

fn note(missing: &mut Vec<String>, name: &str, result: Result<()>) {
    if let Err(error) = result {
        missing.push(format!("{name}: {error:#}"));
    }
}

// A Python that is not Debian's brings its own pip and venv, and the packages would not change it.
fn is_there(package: &str, file: &str) -> bool {
    let module = package.strip_prefix("python3-").filter(|_| find("python3").is_some());
    let has_module = module.is_some_and(|module| {
        let mut command = Command::new("python3");
        output(command.args(["-c", &format!("import {module}, ensurepip")])).is_ok()
    });
    has_module || Path::new(file).exists()
}

fn apt() {
    let programs = DEBIAN.iter().filter(|(program, _)| find(program).is_none()).map(|(_, package)| *package);
    let files =
        DEBIAN_FILES.iter().filter(|(package, file)| !is_there(package, file)).map(|(package, _)| *package);
    let mut packages: Vec<&str> = programs.chain(files).collect();
    packages.sort_unstable();
    packages.dedup();
    if packages.is_empty() {
        return;
    }
    println!("tools: installing from Debian: {}", packages.join(" "));
    let apt = |arguments: &[&str]| {
        let mut command = Command::new(if is_root() { "env" } else { "sudo" });
        if !is_root() {
            command.args(["-n", "env"]);
        }
        command.args(["DEBIAN_FRONTEND=noninteractive", "apt-get", "-qq", "-o", "DPkg::Lock::Timeout=300"]);
        output(command.args(arguments))
    };
    if let Err(error) = apt(&["update"]) {
        println!("tools: {error:#}");
    }
    let install = ["install", "--yes", "--no-install-recommends"];
    if let Err(error) = apt(&[&install[..], &packages[..]].concat()) {
        println!("tools: {error:#}\ntools: trying the packages one by one");
        // One package that this release does not have must not keep the others away.
        for package in &packages {
            if let Err(error) = apt(&[&install[..], &[*package][..]].concat()) {
                println!("tools: {error:#}");
            }
        }
    }
    stop_services(&packages);
}

/// Programs of Debian that come as services, which nobody asked for: tests start their own.
const SERVICES: &[&str] = &["prometheus", "prometheus-alertmanager"];

fn stop_services(installed: &[&str]) {
    for service in SERVICES.iter().filter(|service| installed.contains(*service)) {
        let mut command = Command::new(if is_root() { "env" } else { "sudo" });
        // Without systemd, as in a container, there is none to stop.
        let _ = output(command.args(["systemctl", "disable", "--now", service]));
    }
}

fn python(name: &str, modules: &[&str]) -> Result<()> {
    in_folder(name, &modules.join("\n"), |folder| {
        let mut command = Command::new("python3");
        command
            .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--target"])
            .arg(folder);
        output(command.args(modules).env("PIP_ROOT_USER_ACTION", "ignore")).map(|_| ())
    })
}

fn node() -> Result<()> {
    in_folder("node", &NODE.join("\n"), |folder| {
        let mut command = Command::new("npm");
        command.args(["install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix"]).arg(folder);
        output(command.args(NODE).env("npm_config_loglevel", "error")).map(|_| ())
    })
}

/// Makes a Go module that requires `package`; the test writes its program.
fn go(name: &str, package: &str) -> Result<()> {
    in_folder(&format!("go/{name}"), package, |folder| {
        let go = |arguments: &[&str]| {
            let mut command = Command::new("go");
            output(command.current_dir(folder).args(arguments)).map(|_| ())
        };
        go(&["mod", "init", name])?;
        go(&["get", package])
    })
}

/// Builds a program of a Go module below `target/tools`, unless that is done.
fn go_program(name: &str, package: &str, version: &str) -> Result<()> {
    let folder = tools_dir().join(format!("{name}-{version}"));
    let program = folder.join(name);
    if !program.exists() {
        println!("tools: building {name} {version}");
        let mut command = Command::new("go");
        command.args(["install", &format!("{package}@{version}")]).env("GOBIN", &folder);
        output(&mut command)?;
    }
    link(name, &program)
}

/// Builds a program of ours around a Go package.
fn go_source(name: &str, package: &str, source: &str) -> Result<()> {
    in_folder(&format!("go/{name}"), &format!("{package}\n{source}"), |folder| {
        let go = |arguments: &[&str]| {
            let mut command = Command::new("go");
            output(command.current_dir(folder).args(arguments)).map(|_| ())
        };
        fs::write(folder.join("main.go"), source)?;
        go(&["mod", "init", name])?;
        go(&["get", package])?;
        go(&["mod", "tidy"])?;
        go(&["build", "-o", name, "."])
    })?;
    link(name, &tools_dir().join("go").join(name).join(name))
}

/// Builds the control plane of Kubernetes, which can be no dependency without saying where its modules are. It takes minutes.
fn kubernetes() -> Result<()> {
    let programs = KUBERNETES_PROGRAMS.map(|name| format!("k8s.io/kubernetes/cmd/{name}"));
    let name = format!("kubernetes-1.{KUBERNETES}");
    let modules: String = KUBERNETES_MODULES
        .iter()
        .map(|module| format!("replace k8s.io/{module} => k8s.io/{module} v0.{KUBERNETES}\n"))
        .collect();
    let module =
        format!("module {name}\n\ngo 1.25.0\n\nrequire k8s.io/kubernetes v1.{KUBERNETES}\n\n{modules}");
    in_folder(&name, &module, |folder| {
        println!("tools: building {name}");
        let go = |arguments: &[&str]| {
            let mut command = Command::new("go");
            output(command.current_dir(folder).args(arguments)).map(|_| ())
        };
        fs::write(folder.join("go.mod"), &module)?;
        let imports: String = programs.iter().map(|program| format!("import _ \"{program}\"\n")).collect();
        fs::write(folder.join("tools.go"), format!("//go:build tools\n\npackage tools\n\n{imports}"))?;
        go(&["mod", "tidy"])?;
        let version = format!("-s -w -X k8s.io/component-base/version.gitVersion=v1.{KUBERNETES}");
        let build = ["build", "-ldflags", &version, "-o", "."];
        go(&[&build[..], &programs.each_ref().map(String::as_str)].concat())
    })?;
    KUBERNETES_PROGRAMS.iter().try_for_each(|program| link(program, &tools_dir().join(&name).join(program)))
}

/// Puts together what kwok's own module says that nodes and pods do.
fn kwok_stages() -> Result<()> {
    in_folder("kwok-stages", KWOK_VERSION, |folder| {
        let mut command = Command::new("go");
        let module = format!("sigs.k8s.io/kwok@{KWOK_VERSION}");
        let sources = output(command.args(["list", "-m", "-f", "{{.Dir}}", &module]))?;
        let stages = Path::new(sources.trim()).join("kustomize/stage");
        let mut text = String::new();
        for part in ["node/fast", "node/heartbeat", "pod/fast"] {
            let mut files: Vec<_> =
                fs::read_dir(stages.join(part))?.map(|entry| Ok(entry?.path())).collect::<Result<_>>()?;
            files.sort();
            // Besides what says how to put them together, and folders of variants.
            let is_stage = |file: &&PathBuf| {
                file.extension().is_some_and(|kind| kind == "yaml") && !file.ends_with("kustomization.yaml")
            };
            for file in files.iter().filter(is_stage) {
                text += &format!("---\n{}\n", fs::read_to_string(file)?);
            }
        }
        Ok(fs::write(folder.join("stages.yaml"), text)?)
    })
}

fn maven(name: &str, artifact: &str) -> Result<()> {
    in_folder(name, artifact, |folder| {
        let mut command = Command::new("mvn");
        command.args(["--batch-mode", "--quiet", "dependency:copy", &format!("-Dartifact={artifact}")]);
        command.arg(format!("-DoutputDirectory={}", folder.display()));
        output(command.current_dir(folder)).map(|_| ())
    })
}

/// Fills `target/tools/<name>` unless its stamp says that it holds `content` already.
fn in_folder(name: &str, content: &str, fill: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
    let folder = tools_dir().join(name);
    let stamp = folder.join(".stamp");
    if fs::read_to_string(&stamp).is_ok_and(|text| text == content) {
        return Ok(());
    }
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    fs::create_dir_all(&folder)?;
    fill(&folder)?;
    fs::write(stamp, content)?;
    Ok(())
}
