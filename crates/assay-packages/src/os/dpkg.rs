//! dpkg's database: `var/lib/dpkg/status`, its file lists, and Debian's `copyright` files.
//!
//! The status file is deb822 (<https://manpages.debian.org/dpkg-query.1>, <https://www.debian.org/doc/debian-policy/ch-controlfields.html>).
//! Distroless images have no status file but one record per package under `status.d`, next to `*.md5sums` that name its files.
//! What is surprising: a record says what dpkg *knows*, not what is there; removed packages stay with the state `config-files`.

mod sums;

pub(super) use sums::DpkgSums;

use super::copyright;
use super::damage::Damage;
use super::deb822::{Paragraph, paragraphs};
use assay_analyze::{Analyzer, AnalyzerId, Fact, File, Select, Sink};
use assay_model::{Inventory, Package, PackageKind, PathList, SourcePackage, path};
use std::borrow::Cow;

const STATUS: &str = "var/lib/dpkg/status";
const STATUS_D: &str = "var/lib/dpkg/status.d/";
const INFO: &str = "var/lib/dpkg/info/";
const DOC: &str = "usr/share/doc/";

/// The largest `copyright` that is read, in bytes: Chromium's, the longest known, has about three million.
const COPYRIGHT_LIMIT: u64 = 16 << 20;

/// Reads dpkg's database.
pub(super) struct Dpkg;

impl Analyzer for Dpkg {
    fn id(&self) -> AnalyzerId {
        AnalyzerId { name: "dpkg", revision: 2 }
    }

    fn select(&self) -> &'static [Select] {
        &[
            Select::Path(STATUS),
            Select::Under(STATUS_D, ""),
            Select::Under(INFO, ".list"),
            Select::Under(DOC, "/copyright"),
        ]
    }

    fn analyze(&self, file: &File<'_>, out: &mut Sink<'_>) {
        if file.path == STATUS {
            status(file, Place::Status, out);
        } else if file.path.starts_with(STATUS_D) {
            match file.name().strip_suffix(".md5sums") {
                Some(package) => md5sums(file, package, out),
                None => status(file, Place::StatusD, out),
            }
        } else if file.path.starts_with(INFO) {
            if let Some(package) = file.name().strip_suffix(".list") {
                list(file, package, out);
            }
        } else if let Some(package) = documented_package(file.path) {
            licenses(file, package, out);
        }
    }

    fn link(&self, inventory: &mut Inventory) {
        super::link_by_provides(inventory, PackageKind::Deb);
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Place {
    Status,
    StatusD,
}

fn status(file: &File<'_>, place: Place, out: &mut Sink<'_>) {
    let Some(text) = file.text(out) else { return };
    let mut damage = Damage::default();
    for paragraph in paragraphs(&text) {
        match package(paragraph) {
            Ok(Some(package)) => out.package(package),
            Ok(None) => {}
            Err(problem) => damage.add(problem),
        }
        if paragraph.is_damaged() {
            damage.add("a line is neither a field nor the continuation of one");
        }
    }
    // dpkg writes the file as a whole and refuses one that was cut ("missing final newline"); distroless' records may lack it.
    if place == Place::Status && !text.is_empty() && !text.ends_with('\n') {
        damage.add("the last record is cut off");
    }
    damage.report(out);
}

/// Reads one record; `None` when its package is not there.
fn package(paragraph: Paragraph<'_>) -> Result<Option<Package>, &'static str> {
    let mut name = "";
    let mut version = "";
    let mut architecture = "";
    let mut source = "";
    let mut maintainer = "";
    let mut state = "installed";
    let mut provides = "";
    let mut depends = "";
    let mut pre_depends = "";
    let mut size = "";
    let mut priority = "";
    let mut essential = "";
    for (field, value) in paragraph.fields() {
        // Field names are compared without regard to case (deb822(5)), but dpkg always writes them like this.
        let slot = match field {
            "Package" => &mut name,
            "Version" => &mut version,
            "Architecture" => &mut architecture,
            "Source" => &mut source,
            "Maintainer" => &mut maintainer,
            "Provides" => &mut provides,
            "Depends" => &mut depends,
            "Pre-Depends" => &mut pre_depends,
            "Installed-Size" => &mut size,
            "Priority" => &mut priority,
            "Essential" => &mut essential,
            "Status" => {
                // `want flag state`; only the state tells what is there, so `hold ok installed` and `deinstall ok installed` count.
                state = value.rsplit(|char: char| char.is_ascii_whitespace()).next().unwrap_or(value);
                continue;
            }
            _ => continue,
        };
        *slot = value;
    }
    if name.is_empty() {
        return Err("a record names no package");
    }
    if matches!(state, "not-installed" | "config-files") {
        return Ok(None);
    }
    if version.is_empty() {
        // dpkg writes none for a package whose first unpacking was interrupted: there is nothing to assess.
        return if state == "half-installed" { Ok(None) } else { Err("a record has no version") };
    }
    let mut package = Package::new(PackageKind::Deb, name, version);
    package.architecture = (!architecture.is_empty()).then(|| architecture.to_owned());
    package.source = Some(source_package(source, name, version));
    package.vendor = (!maintainer.is_empty()).then(|| maintainer.to_owned());
    // In units of 1024 bytes (Debian Policy, 5.6.20).
    package.installed_size = size.trim().parse().ok().and_then(|size: u64| size.checked_mul(1024));
    package.essential = priority.trim() == "required" || essential.trim() == "yes";
    package.provides =
        provides.split(',').map(bare_name).filter(|name| !name.is_empty()).map(str::to_owned).collect();
    package.requires = pre_depends.split(',').chain(depends.split(',')).filter_map(requirement).collect();
    Ok(Some(package))
}

/// Reads `Source: name (version)`; both parts default to the binary package's own.
fn source_package(source: &str, name: &str, version: &str) -> SourcePackage {
    let (source, own) = source.split_once('(').unwrap_or((source, ""));
    let own = own.trim_end().trim_end_matches(')').trim();
    let source = source.trim();
    SourcePackage {
        name: if source.is_empty() { name } else { source }.to_owned(),
        version: if own.is_empty() { version } else { own }.to_owned(),
    }
}

/// Returns one requirement with its alternatives separated by `|`, without versions and architectures.
fn requirement(text: &str) -> Option<String> {
    let mut names = String::new();
    for name in text.split('|').map(bare_name).filter(|name| !name.is_empty()) {
        if !names.is_empty() {
            names.push('|');
        }
        names.push_str(name);
    }
    (!names.is_empty()).then_some(names)
}

/// Returns the name in `name:any (>= 1.0) [amd64]`.
fn bare_name(text: &str) -> &str {
    let text = text.trim();
    text.split([' ', '\t', '\n', '(', '[', '<', ':']).next().unwrap_or(text)
}

fn list(file: &File<'_>, package: &str, out: &mut Sink<'_>) {
    let Some(text) = file.text(out) else { return };
    // `/.` is the root, which every package has.
    let files: PathList = text.lines().filter(|line| line.starts_with('/') && *line != "/.").collect();
    out.owned_files("dpkg", package, files);
}

fn md5sums(file: &File<'_>, package: &str, out: &mut Sink<'_>) {
    let Some(text) = file.text(out) else { return };
    let files: PathList =
        text.lines().filter_map(|line| line.split_once("  ")).map(|(_, path)| path).collect();
    out.owned_files("dpkg", package, files);
}

/// Returns the package of `usr/share/doc/<package>/copyright`.
fn documented_package(path: &str) -> Option<&str> {
    let package = path.strip_prefix(DOC)?.strip_suffix("/copyright")?;
    (!package.contains('/') && path::file_name(path) == "copyright").then_some(package)
}

fn licenses(file: &File<'_>, package: &str, out: &mut Sink<'_>) {
    if file.content.len() > COPYRIGHT_LIMIT {
        // Not a warning that something is unscanned: packages are judged without knowing their licences.
        out.notice(
            "file-too-large",
            format!("a `copyright` of more than {COPYRIGHT_LIMIT} bytes is not read"),
        );
        return;
    }
    let Some(text) = file.text(out) else { return };
    let licenses = copyright::licenses(&text);
    if !licenses.is_empty() {
        out.fact(Fact::Licenses { manager: Cow::Borrowed("dpkg"), package: package.to_owned(), licenses });
    }
}

#[cfg(test)]
mod tests;
