//! `cargo xtask release`: Assay's own release, built twice, described, judged, signed and checked by Assay itself.
//!
//! What is built is the last commit, unpacked into two folders of different names and depths; the two programs must be equal
//! byte for byte, or there is no release. The archive is made from the first: names sorted, no owners, the commit's time. Beside
//! it lie a bill of materials, what the gate said, the archive's signature and its attestations (provenance, bill of materials),
//! and the sums of all. At the end everything is verified again with nothing but the public key, and only then put into `--out`.

mod out;
mod settings;
mod surroundings;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use sha2::{Digest, Sha256};

use crate::run::{output, visible, workspace};
use surroundings::{Private, command, of_key};

/// What `cargo xtask release` is told.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The key to sign with, a file or a reference as `assay sign-blob` takes it; without one a new key is made for a trial
    #[arg(long, value_name = "KEY")]
    key: Option<String>,
    /// The policy the release must pass; without one `xtask/release-policy.yaml` of the commit
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// Where the release is put: a folder that is new or empty, or holds a former release
    #[arg(long, default_value = "target/release-out")]
    out: PathBuf,
    /// The database to judge by; without one it is built from `--feeds`
    #[arg(long, value_name = "FILE")]
    db: Option<PathBuf>,
    /// Where the feeds lie from which the database is built
    #[arg(long, default_value = "../shared/feeds")]
    feeds: PathBuf,
    /// Leaves out the second build, and with it the proof that the release can be built again
    #[arg(long)]
    once: bool,
}

/// The programs of a release for `target`: a static program cannot load the library of a token's vendor.
fn programs(target: &str) -> &'static [&'static str] {
    if target.contains("musl") { &["assay"] } else { &["assay", "assay-plugin-pkcs11"] }
}

/// Where the sources, Cargo's own folder and the compiler seem to lie, wherever they are: paths end up in the program.
const SOURCES: &str = "/assay";
const CARGO: &str = "/cargo";
const COMPILER: &str = "/rust";

/// Makes the release.
pub(crate) fn release(arguments: &Arguments) -> Result<()> {
    let commit = git(&["rev-parse", "HEAD"])?;
    let time = git(&["log", "-1", "--format=%ct", &commit])?;
    let out = workspace().join(&arguments.out);
    // What is wrong is told now rather than after an hour.
    out::former(&out)?;
    let absolute =
        |path: &PathBuf| fs::canonicalize(path).with_context(|| format!("there is no {}", path.display()));
    let given_policy = arguments.policy.as_ref().map(absolute).transpose()?;
    let given_database = arguments.db.as_ref().map(absolute).transpose()?;
    // A key that is a file is named from where the caller stands.
    let key = match arguments.key.as_ref().map(PathBuf::from) {
        Some(file) if file.exists() => Some(text(&absolute(&file)?)),
        _ => arguments.key.clone(),
    };
    let target = target()?;
    let stage = workspace().join("target/release-stage");
    if stage.exists() {
        fs::remove_dir_all(&stage).with_context(|| format!("cannot clear {}", stage.display()))?;
    }
    println!("release: commit {commit} for {target}");
    let first = Build::new(&stage.join("a"), &target, &commit, &time)?;
    if arguments.once {
        println!("release: built once; nothing is proven about building it again");
    } else {
        let second = Build::new(&stage.join("second/and/deeper"), &target, &commit, &time)?;
        for name in programs(&target) {
            let files = [&first, &second].map(|build| build.program.with_file_name(name));
            let [one, two] = [sum(&files[0])?, sum(&files[1])?];
            ensure!(
                one == two,
                "two builds of one commit differ: {one} and {two}; compare {} and {}",
                files[0].display(),
                files[1].display()
            );
            println!("release: two builds of {name} agree, {one}");
        }
    }
    let (files, folder) = (stage.join("out"), stage.join("work"));
    fs::create_dir_all(&files)?;
    fs::create_dir_all(&folder)?;
    // The nearest settings count: these are none, whatever lies in the folders above.
    fs::write(folder.join("assay.yaml"), "")?;
    // The gate judges by current advisories; the facts built into the program are none.
    let database = match given_database {
        Some(database) => database,
        None => {
            let database = stage.join("full.db");
            let mut build = command(&first.program, &|_| false);
            build.args(["db", "build", "--from"]).arg(workspace().join(&arguments.feeds)).arg("--out");
            visible(build.arg(&database).current_dir(&folder))?;
            database
        }
    };
    let policy = given_policy.unwrap_or_else(|| first.sources.join("xtask/release-policy.yaml"));
    let name = format!("assay-{}-{target}", version(&first.sources)?);
    let release = Release { name, target, out: files, folder, time, build: first, database, policy, key };
    release.make(&commit)?;
    out::publish(&release.out, &out)?;
    println!("release: {}", out.display());
    Ok(())
}

/// One build of the last commit.
struct Build {
    sources: PathBuf,
    program: PathBuf,
}

impl Build {
    fn new(folder: &Path, target: &str, commit: &str, time: &str) -> Result<Self> {
        let sources = folder.join("src");
        fs::create_dir_all(&sources)?;
        let archive = folder.join("src.tar");
        // Of a folder below, git would pack that folder only.
        let mut pack = Command::new("git");
        pack.args(["archive", "--format=tar", "--output"]).arg(&archive).arg(commit);
        visible(pack.current_dir(workspace()))?;
        visible(Command::new("tar").arg("-xf").arg(&archive).arg("-C").arg(&sources))?;
        let (cargo, compiler) = (cargo_home()?, sysroot()?);
        settings::check(&sources, &workspace(), &cargo)?;
        let pairs = [
            (folder.display().to_string(), SOURCES),
            (cargo.display().to_string(), CARGO),
            (compiler, COMPILER),
        ];
        for (path, _) in &pairs {
            ensure!(!path.contains(' '), "`{path}` has a space, which the flags for C compilers cannot have");
        }
        let rust: Vec<String> =
            pairs.iter().map(|(from, to)| format!("--remap-path-prefix={from}={to}")).collect();
        let c: Vec<String> =
            pairs.iter().map(|(from, to)| format!("-ffile-prefix-map={from}={to}")).collect();
        visible(
            command("cargo", &|_| false)
                .args(["build", "--release", "--locked", "--quiet", "--target", target])
                .args(programs(target).iter().flat_map(|program| ["--package", program]))
                .arg("--target-dir")
                .arg(folder.join("target"))
                .env("CARGO_ENCODED_RUSTFLAGS", rust.join("\u{1f}"))
                .env("CFLAGS", c.join(" "))
                .env("CXXFLAGS", c.join(" "))
                .env("SOURCE_DATE_EPOCH", time)
                .env("CARGO_INCREMENTAL", "0")
                .current_dir(&sources),
        )?;
        let program = folder.join("target").join(target).join("release/assay");
        Ok(Self { sources, program })
    }
}

/// What a command of Assay needs beyond the files it is given.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Needs {
    Nothing,
    /// The key: what opens it, and for keys in services the network.
    Key,
}

struct Release {
    name: String,
    target: String,
    /// Where the files of the release are made.
    out: PathBuf,
    /// Where commands run, so that none finds settings by chance.
    folder: PathBuf,
    time: String,
    build: Build,
    database: PathBuf,
    policy: PathBuf,
    key: Option<String>,
}

impl Release {
    fn make(&self, commit: &str) -> Result<()> {
        let archive = self.file("tar.gz");
        self.pack(&archive)?;
        let (sbom, report) = (self.file("cdx.json"), self.file("gate.json"));
        println!("release: bill of materials and gate");
        // The sources name their dependencies in Cargo.lock; the stripped program names none.
        let lock = self.build.sources.join("Cargo.lock");
        let sbom_of = ["sbom", "--format", "cyclonedx", "--output", &text(&sbom), &text(&lock)];
        self.run(&sbom_of, Needs::Nothing)?;
        let (policy, to) = (text(&self.policy), format!("json={}", text(&report)));
        self.run(&["gate", "--policy", &policy, "--output", &to, &text(&lock)], Needs::Nothing)?;
        let private = Private::new()?;
        let (key, public) = self.key(private.path())?;
        println!("release: signature and attestations");
        let name = text(&archive);
        let bundle = |what: &str| format!("{name}.{what}.sigstore.json");
        let of = |kind: &str, more: &[&str], to: &str| {
            let mut words = vec!["attest-blob", "--key", &key, "--type", kind];
            words.extend(more);
            words.extend(["--bundle", to, &name]);
            self.run(&words, Needs::Key)
        };
        self.run(&["sign-blob", "--key", &key, "--bundle", &bundle("signature"), &name], Needs::Key)?;
        of("cyclonedx", &["--predicate", &text(&sbom)], &bundle("sbom"))?;
        let provenance = self.out.join("provenance.json");
        fs::write(&provenance, self.provenance(commit)?)?;
        of("slsa", &["--predicate", &text(&provenance)], &bundle("provenance"))?;
        println!("release: verified again with the public key alone");
        for what in ["signature", "sbom", "provenance"] {
            let mut words = vec!["verify-blob", "--key", &public];
            let bundle = bundle(what);
            words.extend(["--bundle", &bundle]);
            let predicate = match what {
                "sbom" => Some("cyclonedx"),
                "provenance" => Some("slsa"),
                _ => None,
            };
            if let Some(predicate) = predicate {
                words.extend(["--type", predicate]);
            }
            words.push(&name);
            self.run(&words, Needs::Nothing)?;
        }
        let mut sums = String::new();
        let mut files: Vec<PathBuf> = fs::read_dir(&self.out)?.flatten().map(|entry| entry.path()).collect();
        files.sort();
        for file in &files {
            let name = file.file_name().context("a file has a name")?.to_string_lossy();
            sums.push_str(&format!("{}  {name}\n", sum(file)?));
        }
        fs::write(self.out.join(out::SUMS), &sums)?;
        print!("{sums}");
        Ok(())
    }

    fn file(&self, end: &str) -> PathBuf {
        self.out.join(format!("{}.{end}", self.name))
    }

    /// Returns a command of the program that was just built, which knows nothing but what is given.
    fn command(&self, words: &[&str], needs: Needs) -> Command {
        let key = self.key.as_deref().filter(|_| needs == Needs::Key);
        let mut command = command(&self.build.program, &|name| key.is_some_and(|key| of_key(key, name)));
        command.args(words).current_dir(&self.folder).env("SOURCE_DATE_EPOCH", &self.time);
        command.env("ASSAY_CACHE_DIR", self.folder.join("cache")).env("ASSAY_DB", &self.database);
        // Key services are asked over the network, and plug-ins may ask theirs.
        if key.is_none() {
            command.env("ASSAY_OFFLINE", "1");
        }
        if self.key.is_none() {
            command.env("ASSAY_KEY_PASSWORD", "");
        }
        command
    }

    fn run(&self, words: &[&str], needs: Needs) -> Result<()> {
        visible(&mut self.command(words, needs))
    }

    /// Returns the key and the public key that belongs to it. The key of a trial is made in `private` and goes with it.
    fn key(&self, private: &Path) -> Result<(String, String)> {
        let public = self.out.join("assay.pub");
        if let Some(key) = &self.key {
            let printed = output(&mut self.command(&["key", "public", key], Needs::Key))?;
            fs::write(&public, printed)?;
            return Ok((key.clone(), text(&public)));
        }
        println!("release: no key was given: one is made for this trial, and thrown away");
        let trial = private.join("assay");
        self.run(&["key", "generate", "--out", &text(&trial)], Needs::Nothing)?;
        fs::copy(trial.with_extension("pub"), &public)?;
        Ok((text(&trial.with_extension("key")), text(&public)))
    }

    /// Packs the program with what belongs to it, the same bytes every time.
    fn pack(&self, archive: &Path) -> Result<()> {
        let root = self.out.join(&self.name);
        fs::create_dir_all(&root)?;
        for name in programs(&self.target) {
            fs::copy(self.build.program.with_file_name(name), root.join(name))?;
        }
        for file in ["README.md", "LICENSE"] {
            fs::copy(self.build.sources.join(file), root.join(file))?;
        }
        let plain = archive.with_extension("");
        let time = format!("--mtime=@{}", self.time);
        visible(
            Command::new("tar")
                .args([
                    "--sort=name",
                    "--owner=0",
                    "--group=0",
                    "--numeric-owner",
                    "--mode=u=rwX,go=rX",
                    &time,
                ])
                .args(["--format=ustar", "-cf"])
                .arg(&plain)
                .arg("-C")
                .arg(&self.out)
                .arg(&self.name),
        )?;
        visible(Command::new("gzip").args(["-n9"]).arg(&plain))?;
        fs::remove_dir_all(root)?;
        Ok(())
    }

    /// Says what was built from what, as SLSA provenance v1 does (<https://slsa.dev/spec/v1.0/provenance>).
    fn provenance(&self, commit: &str) -> Result<String> {
        let lock = sum(&self.build.sources.join("Cargo.lock"))?;
        let compiler = output(Command::new("rustc").arg("--version").current_dir(&self.build.sources))?;
        let statement = serde_json::json!({
            "buildDefinition": {
                "buildType": "https://assay.dev/build/xtask-release/v1",
                "externalParameters": { "commit": commit, "package": "assay", "profile": "release" },
                "internalParameters": { "compiler": compiler.trim() },
                "resolvedDependencies": [
                    { "uri": "git+https://github.com/assay/assay", "digest": { "gitCommit": commit } },
                    { "uri": "Cargo.lock", "digest": { "sha256": lock } },
                ],
            },
            "runDetails": {
                "builder": { "id": "https://assay.dev/build/xtask-release/v1" },
                "metadata": { "invocationId": commit },
            },
        });
        Ok(serde_json::to_string_pretty(&statement)?)
    }
}

fn text(path: &Path) -> String {
    path.display().to_string()
}

fn git(words: &[&str]) -> Result<String> {
    Ok(output(Command::new("git").args(words).current_dir(workspace()))?.trim().to_owned())
}

fn sum(file: &Path) -> Result<String> {
    let bytes = fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
    Ok(Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect())
}

fn version(sources: &Path) -> Result<String> {
    let id = output(
        Command::new("cargo")
            .args(["pkgid", "--package", "assay"])
            .stderr(Stdio::null())
            .current_dir(sources),
    )?;
    let version = id.trim().rsplit(['#', '@']).next().unwrap_or_default();
    ensure!(
        version.starts_with(|first: char| first.is_ascii_digit()),
        "`cargo pkgid` names no version: {id}"
    );
    Ok(version.to_owned())
}

/// Returns the musl target of this machine when it is installed: a program that needs no library. Else the machine's own.
fn target() -> Result<String> {
    let said = output(Command::new("rustc").arg("-vV"))?;
    let host =
        said.lines().find_map(|line| line.strip_prefix("host: ")).context("`rustc -vV` names no host")?;
    let musl = host.replace("-gnu", "-musl");
    let there = Path::new(&sysroot()?).join("lib/rustlib").join(&musl).join("lib").is_dir();
    Ok(if there { musl } else { host.to_owned() })
}

/// Returns where the compiler lies.
fn sysroot() -> Result<String> {
    Ok(output(Command::new("rustc").args(["--print", "sysroot"]))?.trim().to_owned())
}

fn cargo_home() -> Result<PathBuf> {
    let given = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    given.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cargo"))).context("no home folder")
}
