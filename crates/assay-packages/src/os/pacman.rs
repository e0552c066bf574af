//! pacman's local database, as in Arch Linux images: a folder `name-version-release` for each package.
//!
//! `desc` describes the package, `files` lists what it owns
//! (<https://gitlab.archlinux.org/pacman/pacman/-/blob/master/lib/libalpm/be_local.c>): a line `%KEY%`, then a value on each
//! line, up to a blank one. Surprising: `files` does not say whose it is; only its folder does.

use super::damage::Damage;
use assay_analyze::{Analyzer, AnalyzerId, File, Select, Sink};
use assay_model::{Inventory, Package, PackageKind, PathList, SourcePackage, path};

/// Reads pacman's database.
pub(super) struct Pacman;

impl Analyzer for Pacman {
    fn id(&self) -> AnalyzerId {
        AnalyzerId { name: "pacman", revision: 2 }
    }

    fn select(&self) -> &'static [Select] {
        &[Select::Under("var/lib/pacman/local/", "/desc"), Select::Under("var/lib/pacman/local/", "/files")]
    }

    fn analyze(&self, file: &File<'_>, out: &mut Sink<'_>) {
        let Some(text) = file.text(out) else { return };
        let mut damage = Damage::default();
        if !text.is_empty() && !text.ends_with('\n') {
            damage.add("the file is cut off");
        }
        let folder = split_folder(path::file_name(path::parent(file.path)));
        if file.name() == "files" {
            let files: PathList =
                values(&text).filter(|(key, _)| *key == "FILES").map(|(_, path)| path).collect();
            match folder {
                Some((name, _)) if !files.is_empty() => out.owned_files("pacman", name, files),
                Some(_) => {}
                None => damage.add("its folder names no package"),
            }
        } else {
            describe(&text, folder, &mut damage, out);
        }
        damage.report(out);
    }

    fn link(&self, inventory: &mut Inventory) {
        super::link_by_provides(inventory, PackageKind::Pacman);
    }
}

/// Reports the package of a `desc` file.
fn describe(text: &str, folder: Option<(&str, &str)>, damage: &mut Damage, out: &mut Sink<'_>) {
    let mut package = Package::new(PackageKind::Pacman, "", "");
    let mut base = None;
    for (key, value) in values(text) {
        match key {
            "NAME" => package.name = value.to_owned(),
            "VERSION" => package.version = value.to_owned(),
            "BASE" => base = Some(value),
            "ARCH" => package.architecture = Some(value.to_owned()),
            "SIZE" => package.installed_size = value.parse().ok(),
            "PACKAGER" => package.vendor = Some(value.to_owned()),
            "LICENSE" => package.licenses.push(value.to_owned()),
            "PROVIDES" => package.provides.push(bare_name(value).to_owned()),
            "DEPENDS" => package.requires.push(bare_name(value).to_owned()),
            // Dates, checksums, optional dependencies and whatever later versions add.
            _ => {}
        }
    }
    // For libalpm the folder is the package, and what `desc` says otherwise is an error.
    match folder {
        Some((name, version)) => {
            if (package.name.as_str(), package.version.as_str()) != (name, version) {
                damage.add("its name and version are not those of its folder");
            }
            (package.name, package.version) = (name.to_owned(), version.to_owned());
        }
        None => damage.add("its folder names no package"),
    }
    if package.name.is_empty() || package.version.is_empty() {
        return;
    }
    // Split packages share the version of what they are built from.
    package.source =
        base.map(|name| SourcePackage { name: name.to_owned(), version: package.version.clone() });
    out.package(package);
}

/// Returns every value with its key.
fn values(text: &str) -> impl Iterator<Item = (&str, &str)> {
    let mut key = "";
    text.lines().filter_map(move |line| {
        if line.is_empty() {
            key = "";
        } else if key.is_empty() {
            key = line.strip_prefix('%').and_then(|line| line.strip_suffix('%')).unwrap_or_default();
        } else {
            return Some((key, line));
        }
        None
    })
}

/// Splits `gcc-libs-1:13.2.1-3` into name and version, in which release and version have no dash.
fn split_folder(folder: &str) -> Option<(&str, &str)> {
    let (rest, _) = folder.rsplit_once('-')?;
    let (name, _) = rest.rsplit_once('-')?;
    let version = folder.strip_prefix(name)?.strip_prefix('-')?;
    (!name.is_empty()).then_some((name, version))
}

/// Returns the name in `glibc>=2.38`, `libreadline.so=8-64` or `sh`.
fn bare_name(word: &str) -> &str {
    word.split(['=', '<', '>']).next().unwrap_or(word)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{analyze, codes, owned, packages};
    use super::*;
    use proptest::prelude::*;

    const DESC: &str = include_str!("../../testdata/pacman/desc");
    const FILES: &str = include_str!("../../testdata/pacman/files");

    /// Checks `name version source` of what a `desc` says.
    #[track_caller]
    fn check(folder: &str, text: &str, want: &[&str], warnings: usize) {
        let facts = analyze(&Pacman, &format!("var/lib/pacman/local/{folder}/desc"), text.as_bytes());
        let source = |package: &&Package| {
            package.source.as_ref().map(|source| source.name.clone()).unwrap_or_default()
        };
        let lines = packages(&facts);
        let lines: Vec<_> =
            lines.iter().map(|it| format!("{} {} {}", it.name, it.version, source(it))).collect();
        assert_eq!(
            (lines, codes(&facts).len()),
            (want.iter().map(|line| (*line).to_owned()).collect(), warnings)
        );
    }

    #[test]
    fn packages_and_their_files() {
        let folder = "gcc-libs-1:13.2.1-3";
        check(folder, DESC, &["gcc-libs 1:13.2.1-3 gcc"], 0);
        let facts = analyze(&Pacman, "var/lib/pacman/local/gcc-libs-1:13.2.1-3/desc", DESC.as_bytes());
        let package = packages(&facts)[0];
        assert_eq!(package.requires, ["glibc", "sh"]);
        assert_eq!(package.provides, ["libgcc_s.so", "libgcc"]);
        assert_eq!(package.licenses, ["GPL", "LGPL-2.1-or-later"]);
        assert_eq!(package.architecture.as_deref(), Some("any"));
        assert_eq!(package.installed_size, Some(3));
        let facts = analyze(&Pacman, &format!("var/lib/pacman/local/{folder}/files"), FILES.as_bytes());
        let files = ["etc", "etc/x.conf", "usr", "usr/lib", "usr/lib/py", "usr/lib/py/x.so"];
        assert_eq!(owned(&facts), [("gcc-libs", files.to_vec())]);
    }

    #[test]
    fn damage_keeps_what_was_read() {
        let name_only = "%NAME%\nbash\n\n%BASE%\nbash\n\n";
        check("bash-5.2.026-2", name_only, &["bash 5.2.026-2 bash"], 1);
        check("bash-5.2.026-2", "", &["bash 5.2.026-2 "], 1);
        check("bash", name_only, &[], 1);
        check("bash", DESC, &["gcc-libs 1:13.2.1-3 gcc"], 1);
        check("bash-5.2.026-2", "%NAME%\nbash\n\n%VERSION%\n5.2", &["bash 5.2.026-2 "], 1);
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(64) })]
        #[test]
        fn any_bytes_are_survived(folder in "[a-z0-9:.-]{0,12}", text in "(%[A-Z]{4}%\n|NAME|%NAME%\n|%VERSION%\n|\\PC|\n){0,30}") {
            analyze(&Pacman, &format!("var/lib/pacman/local/{folder}/desc"), text.as_bytes());
            analyze(&Pacman, &format!("var/lib/pacman/local/{folder}/files"), text.as_bytes());
        }
    }
}
