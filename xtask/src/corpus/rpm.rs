//! RPM roots for `rpm-sqlite`, `rpm-ndb` and `rpm-bdb`: packages built here by rpmbuild under the names and versions
//! of real ones, and installed by rpm.
//!
//! Debian's rpm writes the sqlite database only. The header blobs of the other two formats are the same bytes, so
//! they are taken out of sqlite and stored in the older container: by libdb's own loader for Berkeley DB (and read
//! back by rpm's `bdb_ro`), and by [`ndb`] for the format of SUSE, which nothing in Debian can write.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use serde_json::json;

use super::Kit;
use crate::image::EPOCH;
use crate::run::output;
use crate::stage::Stage;

/// One source package and the binary packages it gives.
pub(super) struct Source {
    pub(super) name: &'static str,
    pub(super) epoch: Option<u32>,
    pub(super) version: &'static str,
    pub(super) release: &'static str,
    pub(super) licence: &'static str,
    pub(super) module: Option<&'static str>,
    pub(super) binaries: &'static [Binary],
}

/// A binary package: name, architecture and the files it owns.
pub(super) struct Binary(
    pub(super) &'static str,
    pub(super) &'static str,
    pub(super) &'static [&'static str],
);

/// Which container the headers are kept in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Database {
    /// `var/lib/rpm/rpmdb.sqlite`, as rpm 4.16 and later write it.
    Sqlite,
    /// `usr/lib/sysimage/rpm/Packages.db`, as SUSE writes it.
    Ndb,
    /// `var/lib/rpm/Packages`, as rpm before 4.16 wrote it.
    Bdb,
}

/// A root to build.
pub(super) struct Root {
    pub(super) database: Database,
    pub(super) vendor: &'static str,
    pub(super) os_release: &'static str,
    /// Further files: path and content.
    pub(super) files: &'static [(&'static str, &'static str)],
    pub(super) sources: &'static [Source],
}

const QUERY: &str = "%{NAME}\\t%{EPOCH}\\t%{VERSION}\\t%{RELEASE}\\t%{ARCH}\\t%{SOURCERPM}\\t%{MODULARITYLABEL}\\t\
                     %{LICENSE}\\t%{VENDOR}\\n";

/// Builds the image: the packages, the root they are installed in, and what rpm says about it.
pub(super) fn build(kit: &Kit, root: &Root) -> Result<()> {
    let packages = kit.scratch("rpms")?;
    for source in root.sources {
        build_source(&packages, source, root.vendor)?;
    }
    let mut layout = kit.layout()?;
    let mut stage = Stage::scratch(kit, &layout)?;
    stage.write("etc/os-release", root.os_release)?;
    for (path, text) in root.files {
        stage.write(path, text)?;
    }
    let rpm = |arguments: &[&str]| {
        let mut command = Command::new("rpm");
        command.arg("--root").arg(stage.root()).args(["--dbpath", "/var/lib/rpm"]);
        command.args(["--define", "_db_backend sqlite"]).args(arguments);
        command
    };
    let mut files: Vec<_> =
        fs::read_dir(packages.join("done"))?.map(|e| Ok(e?.path())).collect::<Result<_>>()?;
    files.sort();
    let install = ["--nodeps", "--noscripts", "--nosignature", "--install", "--ignorearch"];
    output(rpm(&install).args(&files))?;
    kit.oracle("rpm.tsv", sorted(&output(&mut rpm(&["-qa", "--qf", QUERY]))?))?;
    let owned = "[%{=NAME}\\t%{FILENAMES}\\n]";
    kit.oracle("rpm-files.tsv", sorted(&output(&mut rpm(&["-qa", "--qf", owned]))?))?;
    let folder = stage.root().join("var/lib/rpm");
    let sqlite = folder.join("rpmdb.sqlite");
    // rpm leaves its last transaction in the write-ahead log; published images have it folded in.
    output(Command::new("sqlite3").arg(&sqlite).arg("PRAGMA wal_checkpoint(TRUNCATE)"))?;
    if root.database != Database::Sqlite {
        let headers = headers(&sqlite)?;
        fs::remove_dir_all(&folder)?;
        if root.database == Database::Bdb {
            fs::create_dir_all(&folder)?;
            bdb(&folder.join("Packages"), &headers)?;
            let mut read = Command::new("rpm");
            read.arg("--root").arg(stage.root()).args(["--dbpath", "/var/lib/rpm"]);
            read.args(["--define", "_db_backend bdb_ro", "-qa", "--qf", QUERY]);
            let said = sorted(&output(&mut read)?);
            if fs::read_to_string(kit.path("oracle/rpm.tsv"))? != said {
                bail!("rpm reads other packages from the Berkeley DB file than from the sqlite file");
            }
        } else {
            let path = stage.root().join("usr/lib/sysimage/rpm/Packages.db");
            fs::create_dir_all(path.parent().context("a folder above")?)?;
            fs::write(path, ndb(&headers)?)?;
        }
    }
    stage.synthetic("packages built by the corpus under the names and versions of the distribution's own");
    stage.commit("/bin/sh -c #(nop) ADD file:4b1d9a2f6c3e5870a1c2 in / ")?;
    stage.meta("/bin/sh -c #(nop)  CMD [\"/bin/bash\"]");
    stage.config("Cmd", json!(["/bin/bash"]));
    let image = stage.finish()?;
    layout.tag(image, "latest");
    layout.finish()
}

fn build_source(folder: &Path, source: &Source, vendor: &str) -> Result<()> {
    let mut spec = format!(
        "Name: {}\nVersion: {}\nRelease: {}\nSummary: Synthetic package of the corpus\nLicense: {}\nVendor: {vendor}\n",
        source.name, source.version, source.release, source.licence
    );
    if let Some(epoch) = source.epoch {
        writeln!(spec, "Epoch: {epoch}")?;
    }
    if let Some(module) = source.module {
        writeln!(spec, "ModularityLabel: {module}")?;
    }
    spec.push_str("%description\nSynthetic.\n");
    let (mut install, mut lists) = (String::from("%install\n"), String::new());
    for Binary(name, architecture, files) in source.binaries {
        if *name == source.name {
            lists.push_str("%files\n");
        } else {
            writeln!(spec, "%package -n {name}\nSummary: Synthetic package of the corpus")?;
            if *architecture == "noarch" {
                spec.push_str("BuildArch: noarch\n");
            }
            writeln!(spec, "%description -n {name}\nSynthetic.")?;
            writeln!(lists, "%files -n {name}")?;
        }
        for file in *files {
            writeln!(install, "install -D -m 0644 /dev/null %{{buildroot}}{file}")?;
            writeln!(install, "echo '{name} {file}' > %{{buildroot}}{file}")?;
            writeln!(lists, "{file}")?;
        }
    }
    let path = folder.join(format!("{}.spec", source.name));
    fs::write(&path, format!("{spec}{install}{lists}"))?;
    let mut command = Command::new("rpmbuild");
    command.args(["-bb", "--quiet", "--target", "x86_64-linux"]).env("SOURCE_DATE_EPOCH", EPOCH.to_string());
    for define in [
        format!("_topdir {}", folder.join("top").display()),
        format!("_rpmdir {}", folder.join("done").display()),
        "_rpmfilename %%{NAME}-%%{VERSION}-%%{RELEASE}.%%{ARCH}.rpm".to_owned(),
        "debug_package %{nil}".to_owned(),
        "_build_id_links none".to_owned(),
        "__os_install_post %{nil}".to_owned(),
        "use_source_date_epoch_as_buildtime 1".to_owned(),
        "_buildhost build.assay.test".to_owned(),
    ] {
        command.arg("--define").arg(define);
    }
    output(command.arg(&path)).map(|_| ())
}

fn sorted(text: &str) -> String {
    let mut lines: Vec<&str> = text.lines().collect();
    lines.sort_unstable();
    lines.iter().map(|line| format!("{line}\n")).collect()
}

/// Returns the number and bytes (in hexadecimal) of every header in rpm's sqlite database.
fn headers(sqlite: &Path) -> Result<Vec<(u32, String)>> {
    let rows = output(
        Command::new("sqlite3").arg(sqlite).arg("SELECT hnum, hex(blob) FROM Packages ORDER BY hnum"),
    )?;
    rows.lines()
        .map(|row| {
            let (number, blob) = row.split_once('|').context("two columns")?;
            Ok((number.parse()?, blob.to_ascii_lowercase()))
        })
        .collect()
}

// The keys are the package numbers in the machine's byte order; number 0 holds the highest number given so far.
fn bdb(path: &Path, headers: &[(u32, String)]) -> Result<()> {
    use std::io::Write as _;
    let number = |value: u32| crate::image::hex(&value.to_le_bytes());
    let highest = headers.iter().map(|(number, _)| *number).max().unwrap_or_default();
    let mut dump = String::from("VERSION=3\nformat=bytevalue\ntype=hash\ndb_pagesize=4096\nHEADER=END\n");
    writeln!(dump, " {}\n {}", number(0), number(highest))?;
    for (key, blob) in headers {
        writeln!(dump, " {}\n {blob}", number(*key))?;
    }
    dump.push_str("DATA=END\n");
    let mut child = Command::new("db5.3_load").arg(path).stdin(Stdio::piped()).spawn()?;
    child.stdin.take().context("a pipe")?.write_all(dump.as_bytes())?;
    if !child.wait()?.success() {
        bail!("db5.3_load failed");
    }
    Ok(())
}

/// Returns an ndb `Packages.db` (`lib/backend/ndb/rpmpkg.c` in rpm): a page of slots, then 16-byte blocks of blobs.
fn ndb(headers: &[(u32, String)]) -> Result<Vec<u8>> {
    const PAGE: usize = 4096;
    const BLOCK: usize = 16;
    let words = |words: &[u32]| words.iter().flat_map(|word| word.to_le_bytes()).collect::<Vec<u8>>();
    let magic = |text: &[u8; 4]| u32::from_le_bytes(*text);
    let highest = headers.iter().map(|(number, _)| *number).max().unwrap_or_default();
    // The file header takes the room of the first two slots; the rest of the page holds one slot per package.
    let pages = (headers.len() + 2).div_ceil(PAGE / BLOCK);
    let mut slots = words(&[magic(b"RpmP"), 0, 1, u32::try_from(pages)?, highest + 1, 0, 0, 0]);
    let mut blobs = Vec::new();
    for (number, text) in headers {
        let blob = unhex(text)?;
        let length = u32::try_from(blob.len())?;
        let start = (pages * PAGE + blobs.len()) / BLOCK;
        let count = (16 + blob.len() + 12).div_ceil(BLOCK);
        slots.extend(words(&[magic(b"Slot"), *number, u32::try_from(start)?, u32::try_from(count)?]));
        let mut entry = words(&[magic(b"BlbS"), *number, u32::try_from(EPOCH)?, length]);
        entry.extend(blob);
        entry.resize(count * BLOCK - 12, 0);
        let sum = adler32(&entry);
        entry.extend(words(&[sum, length, magic(b"BlbE")]));
        blobs.extend(entry);
    }
    while slots.len() < pages * PAGE {
        slots.extend(words(&[magic(b"Slot"), 0, 0, 0]));
    }
    slots.extend(blobs);
    Ok(slots)
}

fn adler32(bytes: &[u8]) -> u32 {
    let (low, high) = bytes.iter().fold((1_u32, 0_u32), |(low, high), byte| {
        let low = (low + u32::from(*byte)) % 65_521;
        (low, (high + low) % 65_521)
    });
    high << 16 | low
}

fn unhex(text: &str) -> Result<Vec<u8>> {
    let digits: Vec<u32> =
        text.chars().map(|c| c.to_digit(16).context("a hexadecimal digit")).collect::<Result<_>>()?;
    digits
        .chunks_exact(2)
        .map(|pair| Ok(u8::try_from(pair.iter().fold(0, |value, digit| value << 4 | digit))?))
        .collect()
}
