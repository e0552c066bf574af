//! RPM's database, in the three formats it has had, and the manifest that stands in for it in distroless images.
//!
//! `Packages` is Berkeley DB (until about 2021), `Packages.db` is SUSE's ndb, `rpmdb.sqlite` is SQLite; each holds one header
//! per package. The format is told by the content. What is surprising: requirements may be *files* (`/bin/sh`), and
//! whoever owns the file satisfies them without saying so; such packages get the path as one more name they provide.

mod header;
mod manifest;
mod package;
mod sums;

pub(super) use sums::RpmSums;

use super::damage::Damage;
use assay_analyze::{Analyzer, AnalyzerId, File, Select, Sink};
use assay_decode::ReadAt;
use assay_decode::bdb::Bdb;
use assay_decode::ndb::Ndb;
use assay_decode::sqlite::Sqlite;
use assay_model::{Inventory, PackageKind, path};
use header::Header;
use package::Installed;
use std::borrow::Cow;
use std::collections::HashMap;
use std::error::Error;

/// The bytes of paths that are kept of one database: a full desktop has about fifty million.
const PATHS_LIMIT: usize = 256 << 20;

/// Reads RPM's database.
pub(super) struct Rpm;

impl Analyzer for Rpm {
    fn id(&self) -> AnalyzerId {
        AnalyzerId { name: "rpm", revision: 2 }
    }

    fn select(&self) -> &'static [Select] {
        &[
            Select::Path("var/lib/rpm/Packages"),
            Select::Path("var/lib/rpm/Packages.db"),
            Select::Path("var/lib/rpm/rpmdb.sqlite"),
            Select::Path("var/lib/rpm/rpmdb.sqlite-wal"),
            // Where the database went with images whose `/var` is state; `/var/lib/rpm` is then a link.
            Select::Path("usr/lib/sysimage/rpm/Packages"),
            Select::Path("usr/lib/sysimage/rpm/Packages.db"),
            Select::Path("usr/lib/sysimage/rpm/rpmdb.sqlite"),
            Select::Path("usr/lib/sysimage/rpm/rpmdb.sqlite-wal"),
            // ostree.
            Select::Path("usr/share/rpm/Packages"),
            Select::Path("usr/share/rpm/Packages.db"),
            Select::Path("usr/share/rpm/rpmdb.sqlite"),
            Select::Path("usr/share/rpm/rpmdb.sqlite-wal"),
            Select::Path(manifest::PATH),
        ]
    }

    fn analyze(&self, file: &File<'_>, out: &mut Sink<'_>) {
        if file.path == manifest::PATH {
            manifest::read(file, out);
        } else if file.path.ends_with("-wal") {
            // SQLite empties it when the database is closed. What is left in it was never moved into the database.
            if !file.content.is_empty() {
                let message =
                    "changes to the package database were not merged into it; packages may be missing";
                out.warn("damaged-package-database", message);
            }
        } else {
            database(file, out);
        }
    }

    fn link(&self, inventory: &mut Inventory) {
        super::link_by_provides(inventory, PackageKind::Rpm);
    }
}

fn database(file: &File<'_>, out: &mut Sink<'_>) {
    let mut reading = Reading { budget: PATHS_LIMIT, installed: Vec::new(), damage: Damage::default() };
    each_header(file.content, &mut |blob| match blob {
        Ok(blob) => reading.header(blob),
        Err(problem) => reading.damage.add(problem),
    });
    provide_required_files(&mut reading.installed);
    for Installed { package, files, .. } in reading.installed {
        if !files.is_empty() {
            let owner = match &package.architecture {
                // `glibc` is often there twice.
                Some(architecture) => format!("{}:{architecture}", package.name),
                None => package.name.clone(),
            };
            out.owned_files("rpm", owner, files);
        }
        out.package(package);
    }
    reading.damage.report(out);
}

/// The bytes of a header, or what is wrong with it.
type Blob<'a> = Result<&'a [u8], Cow<'static, str>>;

/// Calls `take` with every header of a database.
fn each_header(content: &dyn ReadAt, take: &mut dyn FnMut(Blob<'_>)) {
    if let Ok(sqlite) = Sqlite::open(content) {
        let table = match sqlite.table("Packages") {
            Ok(Some(table)) => table,
            Ok(None) => return take(Err("it has no table `Packages`".into())),
            Err(error) => return take(Err(chain(&error).into())),
        };
        for row in table.rows() {
            match row {
                // hnum, blob
                Ok(row) => {
                    if let Some(blob) = row.columns.get(1).and_then(|column| column.bytes()) {
                        take(Ok(blob));
                    }
                }
                Err(error) => take(Err(chain(&error).into())),
            }
        }
    } else if let Ok(ndb) = Ndb::open(content) {
        for blob in ndb.blobs() {
            match blob {
                Ok(blob) => take(Ok(&blob.bytes)),
                Err(error) => take(Err(chain(&error).into())),
            }
        }
    } else if let Ok(bdb) = Bdb::open(content) {
        for record in bdb.records() {
            match record {
                // The record of number zero only says which number comes next.
                Ok(record) if record.key.iter().all(|&byte| byte == 0) => {}
                Ok(record) => take(Ok(&record.value)),
                Err(error) => take(Err(chain(&error).into())),
            }
        }
    } else {
        take(Err("it is in none of the formats of rpm's database".into()));
    }
}

struct Reading {
    budget: usize,
    installed: Vec<Installed>,
    damage: Damage,
}

impl Reading {
    fn header(&mut self, blob: &[u8]) {
        let header = Header::parse(blob).ok_or("a header is cut off");
        match header.and_then(|header| package::read(header, &mut self.budget)) {
            Ok(Some(installed)) => {
                if installed.files_are_cut {
                    self.damage.add(format!("the files of `{}` are cut off", installed.package.name));
                }
                self.installed.push(installed);
            }
            Ok(None) => {}
            Err(problem) => self.damage.add(problem),
        }
    }
}

/// Returns an error and its causes in one line.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

/// Adds to each package the paths it owns that another one requires.
fn provide_required_files(installed: &mut [Installed]) {
    // The path as files are listed, to the path as it is asked for: `/bin/sh` may be owned as `/usr/bin/sh`.
    let mut wanted: HashMap<String, String> = HashMap::new();
    for requirement in
        installed.iter().flat_map(|one| &one.package.requires).filter(|name| name.starts_with('/'))
    {
        let path = path::normalise(requirement);
        if let Some(merged) = path::usr_merged(path) {
            wanted.entry(merged).or_insert_with(|| requirement.clone());
        }
        wanted.insert(path.to_owned(), requirement.clone());
    }
    if wanted.is_empty() {
        return;
    }
    for Installed { package, files, .. } in installed {
        for file in files.iter() {
            let merged = || path::usr_merged(file).and_then(|merged| wanted.get(&merged));
            if let Some(requirement) = wanted.get(file).or_else(merged)
                && !package.provides.contains(requirement)
            {
                package.provides.push(requirement.clone());
            }
        }
    }
}

#[cfg(test)]
mod tests;
