//! Nix and Guix: store paths `nix/store/<hash>-<name>-<version>` (<https://nix.dev/manual/nix/latest/store/store-path>), from Nix's
//! database (table `ValidPaths`) and from the files in the store.
//!
//! Images built by `dockerTools` have no database. An analyzer sees one file at a time, so every program, library and
//! package description in a store path names the path; all of them are one package at one place, the store path. A path with
//! nothing of that kind in it (sources, settings) is known only by the database. A path without a version in its name is no
//! package of which an advisory could speak, and is left out.

use super::damage::Damage;
use assay_analyze::{Analyzer, AnalyzerId, File, Select, Sink};
use assay_decode::sqlite::Sqlite;
use assay_model::{Location, Package, PackageKind};

/// Reads the store.
pub(super) struct Nix;

const DATABASE: &str = "nix/var/nix/db/db.sqlite";
const STORES: [&str; 2] = ["nix/store/", "gnu/store/"];

/// Length of the hash before the name.
const HASH_LEN: usize = 32;

/// The most store paths that are taken from a database: the largest systems have some ten thousand.
const PATHS_LIMIT: usize = 1_000_000;

/// What one package is split into; it stands behind the version (`openssl-3.0.12-bin`).
const OUTPUTS: [&str; 10] = ["bin", "dev", "lib", "out", "man", "doc", "info", "static", "debug", "devdoc"];

/// The most components below the store path of a file that names it: enough for `lib/python3.11/site-packages/x.dist-info/METADATA`
/// and `lib/node_modules/@a/b/package.json`.
const DEPTH: usize = 6;

impl Analyzer for Nix {
    fn id(&self) -> AnalyzerId {
        AnalyzerId { name: "nix", revision: 1 }
    }

    fn select(&self) -> &'static [Select] {
        &[
            Select::Path(DATABASE),
            // Programs are looked at for their modules anyway, so that this reads no file more.
            Select::Magic(b"\x7fELF"),
            Select::Under("nix/store/", ".dist-info/METADATA"),
            Select::Under("nix/store/", "/package.json"),
            Select::Under("nix/store/", ".pc"),
            Select::Under("nix/store/", "/propagated-build-inputs"),
            Select::Under("gnu/store/", ".dist-info/METADATA"),
            Select::Under("gnu/store/", ".pc"),
        ]
    }

    fn analyze(&self, file: &File<'_>, out: &mut Sink<'_>) {
        if file.path == DATABASE {
            return database(file, out);
        }
        let Some(store) = STORES.into_iter().find(|store| file.path.starts_with(store)) else { return };
        let Some((folder, inside)) = file.path.strip_prefix(store).and_then(|rest| rest.split_once('/'))
        else {
            return;
        };
        if inside.split('/').count() <= DEPTH {
            report(store, folder, out);
        }
    }
}

fn database(file: &File<'_>, out: &mut Sink<'_>) {
    let mut damage = Damage::default();
    let rows = Sqlite::open(file.content)
        .and_then(|sqlite| Ok(sqlite.table("ValidPaths")?.map(|table| table.rows())));
    match rows {
        Ok(Some(rows)) => {
            for row in rows.take(PATHS_LIMIT) {
                let row = match row {
                    Ok(row) => row,
                    Err(error) => {
                        damage.add(error.to_string());
                        continue;
                    }
                };
                // `id integer primary key, path text, …`
                let path = row.columns.get(1).and_then(|value| value.bytes());
                let Some(path) = path.and_then(|bytes| std::str::from_utf8(bytes).ok()) else { continue };
                let path = path.trim_start_matches('/');
                if let Some(store) = STORES.into_iter().find(|store| path.starts_with(store)) {
                    report(store, path.get(store.len()..).unwrap_or_default(), out);
                }
            }
        }
        Ok(None) => damage.add("it has no table of store paths"),
        Err(error) => damage.add(error.to_string()),
    }
    damage.report(out);
}

fn report(store: &str, folder: &str, out: &mut Sink<'_>) {
    if let Some((name, version)) = split(folder) {
        let mut package = Package::new(PackageKind::Nix, name, version);
        package.locations = vec![Location { path: format!("{store}{folder}"), layer: None }];
        out.package(package);
    }
}

/// Splits `<hash>-openssl-3.0.12-bin` into name and version: the version starts after the first dash that a digit follows, and ends
/// before the output's name.
fn split(folder: &str) -> Option<(&str, &str)> {
    let (hash, rest) = folder.split_at_checked(HASH_LEN)?;
    let identity = rest.strip_prefix('-')?;
    let is_hash = hash.bytes().all(|byte| byte.is_ascii_digit() || byte.is_ascii_lowercase());
    // Recipes and archives of sources lie in the store, too.
    if !is_hash
        || [".drv", ".tar.gz", ".tar.xz", ".tar.bz2", ".zip", ".patch"]
            .iter()
            .any(|end| identity.ends_with(end))
    {
        return None;
    }
    let at = identity.match_indices('-').map(|(at, _)| at).find(|at| {
        let next = identity.as_bytes().get(at.saturating_add(1));
        next.is_some_and(u8::is_ascii_digit)
    })?;
    let (name, version) = (identity.get(..at)?, identity.get(at.checked_add(1)?..)?);
    let version = match version.rsplit_once('-') {
        Some((version, output)) if OUTPUTS.contains(&output) => version,
        _ => version,
    };
    (!name.is_empty()).then_some((name, version))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{analyze, codes, packages};
    use super::*;
    use proptest::prelude::*;

    const HASH: &str = "0c2f4b2bd1e9b1ff3e6e4f2b0a4c8b2f";

    #[track_caller]
    fn check(path: &str, want: &[&str]) {
        let facts = analyze(&Nix, path, b"\x7fELF");
        let lines: Vec<_> = packages(&facts)
            .iter()
            .map(|it| format!("{} {} at {}", it.name, it.version, it.locations[0].path))
            .collect();
        assert_eq!((lines, codes(&facts).len()), (want.iter().map(|it| (*it).to_owned()).collect(), 0));
    }

    #[test]
    fn store_paths() {
        for (identity, want) in [
            ("openssl-3.0.12-bin", Some("openssl 3.0.12")),
            ("openssl-3.0.12", Some("openssl 3.0.12")),
            ("python3.11-requests-2.31.0", Some("python3.11-requests 2.31.0")),
            ("glibc-2.38-27", Some("glibc 2.38-27")),
            ("source", None),
            ("bash-5.2.drv", None),
            ("curl-8.4.0.tar.xz", None),
        ] {
            let folder = format!("{HASH}-{identity}");
            let want: Vec<String> = want.iter().map(|it| format!("{it} at nix/store/{folder}")).collect();
            check(&format!("nix/store/{folder}/bin/x"), &want.iter().map(String::as_str).collect::<Vec<_>>());
        }
        check(&format!("nix/store/{HASH}-a-1/1/2/3/4/5/6/x"), &[]);
        check(&format!("opt/{HASH}-a-1/bin/x"), &[]);
        check("nix/store/short-1/bin/x", &[]);
        check(
            &format!("gnu/store/{HASH}-hello-2.12.1/bin/x"),
            &[&format!("hello 2.12.1 at gnu/store/{HASH}-hello-2.12.1")],
        );
    }

    #[test]
    fn a_database_that_is_none_is_damage() {
        let facts = analyze(&Nix, DATABASE, b"SQLite");
        assert_eq!(codes(&facts), ["damaged-package-database"]);
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(64) })]
        #[test]
        fn any_path_is_survived(path in "[a-z0-9é./-]{0,60}", bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            analyze(&Nix, &format!("nix/store/{path}"), &[]);
            analyze(&Nix, DATABASE, &bytes);
        }
    }
}
