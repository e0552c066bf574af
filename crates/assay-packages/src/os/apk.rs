//! apk's database of installed packages, as in Alpine, Wolfi and Chainguard images.
//!
//! <https://wiki.alpinelinux.org/wiki/Apk_spec#Installed_Database_V2>: records separated by blank lines, of lines `X:value`.
//! The order of lines matters: `F:` opens a folder and `R:` names a file in it. What is surprising: virtual packages
//! (`apk add --virtual .build-deps`) are records like any other, and `apk info` lists them; so does this.

mod sums;

pub(super) use sums::ApkSums;

use super::damage::Damage;
use assay_analyze::{Analyzer, AnalyzerId, File, Select, Sink};
use assay_model::{Inventory, Package, PackageKind, PathList, SourcePackage};

/// The longest path that is kept, in bytes; Linux opens none above it (`PATH_MAX`).
const PATH_LIMIT: usize = 4096;
/// The bytes of paths that are kept of one database: full Alpine desktops have some ten million.
const PATHS_LIMIT: usize = 256 << 20;

/// Reads apk's database.
pub(super) struct Apk;

impl Analyzer for Apk {
    fn id(&self) -> AnalyzerId {
        AnalyzerId { name: "apk", revision: 2 }
    }

    fn select(&self) -> &'static [Select] {
        // The second since Alpine 3.22 and in Wolfi, where `/lib` is a link into `/usr`.
        &[Select::Path("lib/apk/db/installed"), Select::Path("usr/lib/apk/db/installed")]
    }

    fn analyze(&self, file: &File<'_>, out: &mut Sink<'_>) {
        let Some(text) = file.text(out) else { return };
        let mut damage = Damage::default();
        let mut record = Record::default();
        let mut budget = PATHS_LIMIT;
        // The blank line at the end closes a last record that has none of its own.
        for line in text.lines().chain([""]) {
            if line.is_empty() {
                std::mem::take(&mut record).finish(&mut damage, out);
            } else if let Err(problem) = record.line(line, &mut budget) {
                damage.add(problem);
            }
        }
        if !text.is_empty() && !text.ends_with('\n') {
            damage.add("the last record is cut off");
        }
        damage.report(out);
    }

    fn link(&self, inventory: &mut Inventory) {
        super::link_by_provides(inventory, PackageKind::Apk);
    }
}

/// The lines of one package.
#[derive(Default)]
struct Record<'a> {
    touched: bool,
    name: &'a str,
    version: &'a str,
    architecture: &'a str,
    origin: &'a str,
    license: &'a str,
    maintainer: &'a str,
    provides: &'a str,
    depends: &'a str,
    size: &'a str,
    folder: &'a str,
    files: PathList,
}

impl<'a> Record<'a> {
    fn line(&mut self, line: &'a str, budget: &mut usize) -> Result<(), &'static str> {
        self.touched = true;
        let Some((key, value)) = line.split_once(':').filter(|(key, _)| key.len() == 1) else {
            return Err("a line does not start with a letter and a colon");
        };
        let slot = match key {
            "P" => &mut self.name,
            "V" => &mut self.version,
            "A" => &mut self.architecture,
            "o" => &mut self.origin,
            "L" => &mut self.license,
            "m" => &mut self.maintainer,
            "p" => &mut self.provides,
            "D" => &mut self.depends,
            "I" => &mut self.size,
            "F" => &mut self.folder,
            "R" => return self.file(value, budget),
            // The download's size, checksums, times, modes and whatever later versions add.
            _ => return Ok(()),
        };
        *slot = value;
        Ok(())
    }

    fn file(&mut self, name: &str, budget: &mut usize) -> Result<(), &'static str> {
        let len = self.folder.len().saturating_add(1).saturating_add(name.len());
        // A long folder and a million short names would otherwise become gigabytes of paths.
        let rest = budget.checked_sub(len).filter(|_| len <= PATH_LIMIT);
        *budget = rest.ok_or("it lists longer or more paths than are kept")?;
        if self.folder.is_empty() {
            self.files.push(name);
        } else {
            self.files.push(&format!("{}/{name}", self.folder));
        }
        Ok(())
    }

    fn finish(self, damage: &mut Damage, out: &mut Sink<'_>) {
        if !self.touched {
            return;
        }
        if self.name.is_empty() || self.version.is_empty() {
            damage.add("a record has no name or no version");
            return;
        }
        let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let names = |text: &str| -> Vec<String> {
            // `!name` is a conflict.
            let words = text.split_ascii_whitespace().filter(|word| !word.starts_with('!'));
            words.map(|word| bare_name(word).to_owned()).collect()
        };
        let mut package = Package::new(PackageKind::Apk, self.name, self.version);
        package.architecture = some(self.architecture);
        // Sub-packages share the version of what they were split from. Virtual packages have no origin, and no source.
        package.source =
            some(self.origin).map(|name| SourcePackage { name, version: self.version.to_owned() });
        package.licenses = some(self.license).into_iter().collect();
        package.vendor = some(self.maintainer);
        package.installed_size = self.size.parse().ok();
        package.provides = names(self.provides);
        package.requires = names(self.depends);
        if !self.files.is_empty() {
            out.owned_files("apk", self.name, self.files);
        }
        out.package(package);
    }
}

/// Returns the name in `so:libc.musl-x86_64.so.1=1`, `busybox>=1.36`, `py3~3.12` or `tool@edge`.
fn bare_name(word: &str) -> &str {
    word.split(['=', '<', '>', '~', '@']).next().unwrap_or(word)
}

#[cfg(test)]
mod tests;
