//! Package managers as scripts call them: which verb installs, which upgrades everything, and how a version is pinned.

use super::shell::{Command, Script};

/// A package manager.
#[derive(Debug)]
pub struct Manager {
    /// The name people know it by.
    pub name: &'static str,
    programs: &'static [&'static str],
    install: &'static [&'static str],
    upgrade: &'static [&'static str],
    /// Options whose value is the next word.
    valued: &'static [&'static str],
    /// Options that answer its questions; empty when it asks none.
    pub yes: &'static [&'static str],
    /// Whether it installs the distribution's packages.
    pub system: bool,
    /// Returns whether a package is named with its version, or is a file or address of its own.
    pinned: fn(&str) -> bool,
}

/// A call of a package manager.
#[derive(Debug)]
pub struct Call<'a> {
    /// Which one.
    pub manager: &'static Manager,
    /// The command.
    pub command: &'a Command,
    /// What it is told to do.
    pub verb: &'a str,
    /// The packages and other operands.
    pub operands: Vec<&'a str>,
}

fn local(package: &str) -> bool {
    package.contains("://") || package.starts_with(['.', '/', '$', '~']) || package.contains("$")
}

fn rpm_pinned(package: &str) -> bool {
    // `name-1.2`, `name-1:1.2-3`; groups and provides (`@base`, `libfoo.so.1()(64bit)`) have no version.
    local(package)
        || package.starts_with('@')
        || package.ends_with(".rpm")
        || package.contains('=')
        || package
            .split('-')
            .skip(1)
            .any(|part| part.starts_with(|char: char| char.is_ascii_digit()) && part.contains(['.', ':']))
}

/// Every package manager whose calls are understood.
pub const MANAGERS: &[Manager] = &[
    Manager {
        name: "apt-get",
        programs: &["apt-get", "apt", "aptitude"],
        install: &["install"],
        upgrade: &["upgrade", "dist-upgrade", "full-upgrade", "safe-upgrade"],
        valued: &["-t", "-o", "-c", "--target-release", "--option", "--default-release"],
        yes: &["-y", "--yes", "--assume-yes", "-q=2", "-qq"],
        system: true,
        pinned: |package| {
            local(package) || package.contains('=') || package.ends_with(".deb") || package.ends_with('-')
        },
    },
    Manager {
        name: "apk",
        programs: &["apk"],
        install: &["add"],
        upgrade: &["upgrade"],
        valued: &[
            "-t",
            "--virtual",
            "-X",
            "--repository",
            "-p",
            "--root",
            "--arch",
            "--keys-dir",
            "--repositories-file",
            "--wait",
        ],
        yes: &[],
        system: true,
        pinned: |package| local(package) || package.contains(['=', '~', '<']) || package.ends_with(".apk"),
    },
    Manager {
        name: "yum",
        programs: &["yum"],
        install: &["install", "localinstall", "reinstall", "groupinstall"],
        upgrade: &["update", "upgrade"],
        valued: &[
            "--enablerepo",
            "--disablerepo",
            "-c",
            "--releasever",
            "--installroot",
            "--setopt",
            "-x",
            "--exclude",
        ],
        yes: &["-y", "--assumeyes"],
        system: true,
        pinned: rpm_pinned,
    },
    Manager {
        name: "dnf",
        programs: &["dnf", "microdnf", "tdnf", "dnf5"],
        install: &["install", "localinstall", "reinstall", "groupinstall"],
        upgrade: &["update", "upgrade"],
        valued: &[
            "--enablerepo",
            "--disablerepo",
            "-c",
            "--releasever",
            "--installroot",
            "--setopt",
            "-x",
            "--exclude",
            "--repo",
        ],
        yes: &["-y", "--assumeyes"],
        system: true,
        pinned: rpm_pinned,
    },
    Manager {
        name: "zypper",
        programs: &["zypper"],
        install: &["install", "in"],
        upgrade: &["update", "up", "dist-upgrade", "dup", "patch"],
        valued: &["-r", "--repo", "-R", "--root", "-t", "--type", "-p", "--plus-repo"],
        yes: &["-y", "--no-confirm", "-n", "--non-interactive"],
        system: true,
        pinned: |package| rpm_pinned(package) || package.contains(['<', '>']),
    },
    Manager {
        name: "pip",
        programs: &["pip", "pip3", "pip2"],
        install: &["install"],
        upgrade: &[],
        valued: &[
            "-r",
            "--requirement",
            "-c",
            "--constraint",
            "-i",
            "--index-url",
            "--extra-index-url",
            "-t",
            "--target",
            "--prefix",
            "-e",
            "--editable",
            "--trusted-host",
            "-f",
            "--find-links",
            "--root",
            "--cache-dir",
            "--timeout",
            "--retries",
            "--progress-bar",
            "--only-binary",
            "--no-binary",
            "--platform",
            "--python-version",
            "--log",
            "--root-user-action",
        ],
        yes: &[],
        system: false,
        pinned: |package| {
            local(package)
                || package.contains("==")
                || package.contains(" @ ")
                || package.starts_with("git+")
                || package.ends_with(".whl")
                || package.ends_with(".tar.gz")
                || (package.contains('<') && !package.contains("<="))
        },
    },
    Manager {
        name: "npm",
        programs: &["npm"],
        install: &["install", "i", "add"],
        upgrade: &["update", "upgrade"],
        valued: &[
            "--prefix",
            "--registry",
            "--loglevel",
            "--cache",
            "--userconfig",
            "-w",
            "--workspace",
            "--omit",
            "--include",
        ],
        yes: &[],
        system: false,
        pinned: |package| {
            let versioned = package.rsplit_once('@').is_some_and(|(name, version)| {
                !name.is_empty()
                    && version.starts_with(|char: char| char.is_ascii_digit() || "^~<>=v".contains(char))
            });
            local(package)
                || versioned
                || package.starts_with("git+")
                || package.contains('#')
                || package.ends_with(".tgz")
        },
    },
    Manager {
        name: "gem",
        programs: &["gem"],
        install: &["install"],
        upgrade: &["update"],
        valued: &[
            "-v",
            "--version",
            "--source",
            "-s",
            "-n",
            "--bindir",
            "-i",
            "--install-dir",
            "-P",
            "--platform",
        ],
        yes: &[],
        system: false,
        pinned: |package| local(package) || package.contains(':') || package.ends_with(".gem"),
    },
    Manager {
        name: "go",
        programs: &["go"],
        install: &["install"],
        upgrade: &[],
        valued: &["-tags", "-ldflags", "-mod", "-p", "-gcflags", "-modfile", "-C"],
        yes: &[],
        system: false,
        // Without `@` the version is that of go.mod.
        pinned: |package| {
            package.rsplit_once('@').is_none_or(|(_, version)| {
                !matches!(version, "latest" | "master" | "main" | "upgrade" | "patch")
            })
        },
    },
    Manager {
        name: "cargo",
        programs: &["cargo"],
        install: &["install"],
        upgrade: &[],
        valued: &[
            "--version",
            "--vers",
            "--git",
            "--rev",
            "--tag",
            "--branch",
            "--path",
            "--root",
            "--features",
            "-F",
            "--target",
            "--bin",
            "-j",
            "--profile",
            "--registry",
        ],
        yes: &[],
        system: false,
        pinned: |package| local(package) || package.contains('@'),
    },
];

impl Manager {
    fn call<'a>(&'static self, command: &'a Command, arguments: &'a [String]) -> Option<Call<'a>> {
        let mut operands = Vec::new();
        let mut words = arguments.iter();
        while let Some(word) = words.next() {
            if self.valued.contains(&word.as_str()) {
                words.next();
            } else if !word.starts_with('-') {
                operands.push(word.as_str());
            }
        }
        let verb = *operands.first()?;
        operands.remove(0);
        Some(Call { manager: self, command, verb, operands })
    }
}

impl Call<'_> {
    /// Returns whether it installs packages that it names or a file lists.
    pub fn installs(&self) -> bool {
        self.manager.install.contains(&self.verb)
    }

    /// Returns whether it upgrades everything.
    pub fn upgrades_all(&self) -> bool {
        self.manager.upgrade.contains(&self.verb) && self.operands.is_empty()
    }

    /// Returns the packages that are named without a version.
    pub fn unpinned(&self) -> Vec<&str> {
        if self.command.has(&["--version", "-v", "--vers", "--rev", "--tag"])
            && matches!(self.manager.name, "gem" | "cargo")
        {
            return Vec::new();
        }
        self.operands
            .iter()
            .copied()
            .filter(|package| !package.is_empty() && !(self.manager.pinned)(package))
            .collect()
    }
}

/// Returns the calls of package managers in a script.
pub fn calls(script: &Script) -> Vec<Call<'_>> {
    script.commands.iter().filter_map(call).collect()
}

/// Names a few of many, for messages.
pub fn shown(names: &[&str]) -> String {
    let mut shown: Vec<String> = names.iter().take(5).map(|name| format!("`{name}`")).collect();
    if names.len() > 5 {
        shown.push(format!("{} more", names.len().saturating_sub(5)));
    }
    shown.join(", ")
}

fn call(command: &Command) -> Option<Call<'_>> {
    let (mut name, mut arguments) = command.invoked()?;
    // `python3 -m pip install`.
    if name.starts_with("python") {
        let at = arguments.iter().position(|argument| argument == "-m")?;
        name = arguments.get(at.saturating_add(1))?;
        arguments = arguments.get(at.saturating_add(2)..).unwrap_or_default();
    }
    // `pip3.11`.
    let versioned = name
        .strip_prefix("pip")
        .is_some_and(|rest| rest.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.'));
    let name = if versioned { "pip" } else { name };
    MANAGERS.iter().find(|manager| manager.programs.contains(&name))?.call(command, arguments)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, unpinned: &[&str]) {
        let script = Script::parse(text, 1);
        let calls = calls(&script);
        let found: Vec<&str> =
            calls.iter().filter(|call| call.installs()).flat_map(|call| call.unpinned()).collect();
        assert_eq!(found, unpinned, "{text}");
    }

    #[test]
    fn versions_are_seen_as_each_manager_writes_them() {
        check("apt-get install -y --no-install-recommends -t bookworm curl=7.88 git", &["git"]);
        check("apk --no-cache add -t deps curl~8 jq>1 git=2.4", &["jq"]);
        check("python3 -m pip install -r r.txt a==1 'b>=2' c[x]==3 ./d", &["b>=2"]);
        check("npm install -g npm@10.2 @angular/cli eslint@latest", &["@angular/cli", "eslint@latest"]);
        check("gem install rails -v 7.0 && gem install a:1 b", &["b"]);
        check("go install x.org/y@latest && go install ./...", &["x.org/y@latest"]);
        check("dnf -y install httpd-2.4.57 nginx java-17-openjdk @base", &["nginx", "java-17-openjdk"]);
        check("cargo install ripgrep --version 14.1 && cargo install fd-find", &["fd-find"]);
    }
}
