//! Gentoo's Portage: a folder `var/db/pkg/<category>/<name>-<version>/` for each package
//! (<https://wiki.gentoo.org/wiki//var/db/pkg>).
//!
//! Each fact is a file of its own, and an analyzer sees one file: `CONTENTS`, which every package has, stands for the package,
//! and the folder's name says which it is (<https://projects.gentoo.org/pms/8/pms.html#x1-200003.2>). `LICENSE` adds the licence.

use super::damage::Damage;
use assay_analyze::{Analyzer, AnalyzerId, Fact, File, Select, Sink};
use assay_model::{Package, PackageKind, PathList, path};
use std::borrow::Cow;

/// Reads Portage's database.
pub(super) struct Portage;

const DATABASE: &str = "var/db/pkg/";

impl Analyzer for Portage {
    fn id(&self) -> AnalyzerId {
        AnalyzerId { name: "portage", revision: 1 }
    }

    fn select(&self) -> &'static [Select] {
        &[Select::Under(DATABASE, "/CONTENTS"), Select::Under(DATABASE, "/LICENSE")]
    }

    fn analyze(&self, file: &File<'_>, out: &mut Sink<'_>) {
        let folder = path::parent(file.path);
        let Some((category, package)) = folder.strip_prefix(DATABASE).and_then(|it| it.split_once('/'))
        else {
            return;
        };
        // What is being merged has a name with a dash before it.
        if package.contains('/') || package.starts_with('-') {
            return;
        }
        let Some((name, version)) = split(package) else {
            let mut damage = Damage::default();
            damage.add("its folder names no package and version");
            return damage.report(out);
        };
        let Some(text) = file.text(out) else { return };
        if file.name() == "LICENSE" {
            let licenses: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
            if !licenses.is_empty() {
                out.fact(Fact::Licenses {
                    manager: Cow::Borrowed("portage"),
                    package: format!("{category}/{name}"),
                    licenses: vec![licenses.join(" ")],
                });
            }
            return;
        }
        let mut found = Package::new(PackageKind::Portage, name, version);
        found.namespace = Some(category.to_owned());
        out.package(found);
        let files: PathList = text.lines().filter_map(owned).collect();
        if !files.is_empty() {
            out.owned_files("portage", format!("{category}/{name}"), files);
        }
    }
}

/// Returns the path in `obj /usr/bin/x <md5> <time>` or `sym /usr/bin/y -> x <time>`; paths may hold blanks.
fn owned(line: &str) -> Option<&str> {
    let (kind, rest) = line.split_once(' ')?;
    let path = match kind {
        "obj" => rest.rsplitn(3, ' ').nth(2)?,
        "sym" => rest.split_once(" -> ")?.0,
        _ => return None,
    };
    Some(path.trim_start_matches('/')).filter(|path| !path.is_empty())
}

/// Splits `python-exec-2.4.8-r1` before the version: after the last dash that a digit follows, where a revision is no version.
fn split(package: &str) -> Option<(&str, &str)> {
    let is_revision = |text: &str| {
        text.strip_prefix('r')
            .is_some_and(|digits| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()))
    };
    let (head, tail) = package.rsplit_once('-')?;
    let (name, _) = if is_revision(tail) { head.rsplit_once('-')? } else { (head, tail) };
    let version = package.strip_prefix(name)?.strip_prefix('-')?;
    (!name.is_empty() && version.starts_with(|c: char| c.is_ascii_digit())).then_some((name, version))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{analyze, codes, owned, packages};
    use super::*;
    use proptest::prelude::*;

    const CONTENTS: &[u8] = b"dir /usr
dir /usr/share/my docs
obj /usr/share/my docs/a 0cc175b9c0f1b6a831c399e269772661 1670000000
obj /usr/bin/skopeo d41d8cd98f00b204e9800998ecf8427e 1670000000
sym /usr/bin/s -> skopeo 1670000000
fif /run/x
";

    #[track_caller]
    fn check(folder: &str, want: &[&str], warnings: usize) {
        let facts = analyze(&Portage, &format!("var/db/pkg/{folder}/CONTENTS"), CONTENTS);
        let lines: Vec<_> =
            packages(&facts).iter().map(|it| format!("{} {}", it.full_name(), it.version)).collect();
        assert_eq!(
            (lines, codes(&facts).len()),
            (want.iter().map(|it| (*it).to_owned()).collect(), warnings)
        );
    }

    #[test]
    fn packages_and_their_files() {
        check("app-containers/skopeo-1.5.1", &["app-containers/skopeo 1.5.1"], 0);
        check("dev-lang/python-exec-2.4.8-r1", &["dev-lang/python-exec 2.4.8-r1"], 0);
        check("media-fonts/font-adobe-100dpi-1.0.3", &["media-fonts/font-adobe-100dpi 1.0.3"], 0);
        check("sys-libs/-MERGING-x-1", &[], 0);
        check("sys-libs/x", &[], 1);
        check("sys-libs/x-r1", &[], 1);
        let facts = analyze(&Portage, "var/db/pkg/app-containers/skopeo-1.5.1/CONTENTS", CONTENTS);
        let files = vec!["usr/share/my docs/a", "usr/bin/skopeo", "usr/bin/s"];
        assert_eq!(super::super::testing::owned(&facts), [("app-containers/skopeo", files)]);
        let facts = analyze(&Portage, "var/db/pkg/a/b-1/LICENSE", b"|| ( GPL-2 MIT )\n");
        assert!(matches!(&facts.facts[..], [Fact::Licenses { package, licenses, .. }]
            if package == "a/b" && licenses == &["|| ( GPL-2 MIT )"]));
        assert!(owned(&facts).is_empty());
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(64) })]
        #[test]
        fn any_bytes_are_survived(folder in "[a-z0-9:./-]{0,12}", text in "(obj |sym |dir |/a|->|\\PC| |\n){0,30}") {
            analyze(&Portage, &format!("var/db/pkg/{folder}/CONTENTS"), text.as_bytes());
            analyze(&Portage, &format!("var/db/pkg/{folder}/LICENSE"), text.as_bytes());
        }
    }
}
