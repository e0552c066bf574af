//! The checksums that dpkg keeps: `<package>.md5sums` as md5sum writes them, and those of settings in the field `Conffiles` of the status.
//!
//! Settings are the administrator's, and what was diverted (dpkg-divert(1)) lies somewhere else: both are excepted. The file `diversions` has
//! three lines for each: the path, where it went, and the package that took its place, or `:`.

use crate::os::deb822::{Paragraph, paragraphs};
use assay_analyze::{Analyzer, AnalyzerId, Fact, File, Select, Sink};
use assay_model::contents::{Sum, from_hex};
use assay_model::path::normalise;
use std::borrow::Cow;

/// Reads them.
pub(in crate::os) struct DpkgSums;

const STATUS: &str = "var/lib/dpkg/status";
const STATUS_D: &str = "var/lib/dpkg/status.d/";
const INFO: &str = "var/lib/dpkg/info/";
const DIVERSIONS: &str = "var/lib/dpkg/diversions";
const SUFFIX: &str = ".md5sums";

impl Analyzer for DpkgSums {
    fn id(&self) -> AnalyzerId {
        AnalyzerId { name: "dpkg-sums", revision: 1 }
    }

    fn select(&self) -> &'static [Select] {
        &[
            Select::Path(STATUS),
            Select::Path(DIVERSIONS),
            Select::Under(STATUS_D, SUFFIX),
            Select::Under(INFO, SUFFIX),
        ]
    }

    fn lists_files(&self) -> bool {
        true
    }

    fn analyze(&self, file: &File<'_>, out: &mut Sink<'_>) {
        let Some(text) = file.text(out) else { return };
        let (package, files): (&str, Vec<_>) = match file.path {
            STATUS => ("", settings(&text).collect()),
            DIVERSIONS => ("", text.lines().step_by(3).map(|path| (excepted(path), None)).collect()),
            _ => {
                (file.name().strip_suffix(SUFFIX).unwrap_or_default(), text.lines().filter_map(sum).collect())
            }
        };
        if !files.is_empty() {
            let manager = Cow::Borrowed("dpkg");
            out.fact(Fact::Installed { manager, package: package.to_owned(), files });
        }
    }
}

fn excepted(path: &str) -> String {
    normalise(path).to_owned()
}

/// Returns the paths of the settings of all packages.
fn settings(text: &str) -> impl Iterator<Item = (String, Option<Sum>)> {
    let fields = paragraphs(text).flat_map(Paragraph::fields);
    let settings = fields.filter(|(name, _)| *name == "Conffiles").flat_map(|(_, value)| value.lines());
    let paths = settings.filter_map(|line| line.split_whitespace().next());
    paths.map(|path| (excepted(path), None))
}

/// Reads `0123…  usr/bin/ls`. md5sum writes a backslash before the digest of a path that it escapes.
fn sum(line: &str) -> Option<(String, Option<Sum>)> {
    let (digest, path) = line.split_once(char::is_whitespace)?;
    let md5 = from_hex(digest)?;
    Some((normalise(path.trim_start_matches([' ', '*'])).to_owned(), Some(Sum::Md5(md5))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{check_total, run};

    #[track_caller]
    fn check(path: &str, text: &str, package: &str, want: &[(&str, bool)]) {
        let facts = run(&DpkgSums, path, text.as_bytes());
        let [Fact::Installed { package: of, files, .. }] = facts.paths[path].facts.as_slice() else {
            panic!("{facts:?}")
        };
        let got: Vec<_> = files.iter().map(|(path, sum)| (path.as_str(), sum.is_some())).collect();
        assert_eq!((of.as_str(), got.as_slice()), (package, want));
    }

    #[test]
    fn sums_settings_and_diversions_are_read() {
        let sums = "d41d8cd98f00b204e9800998ecf8427e  usr/bin/ls\n\
            d41d8cd98f00b204e9800998ecf8427e  usr/share/a file\nodd  line\n";
        let want = [("usr/bin/ls", true), ("usr/share/a file", true)];
        check("var/lib/dpkg/info/coreutils:amd64.md5sums", sums, "coreutils:amd64", &want);
        check("var/lib/dpkg/status.d/coreutils.md5sums", sums, "coreutils", &want);
        let status = "Package: a\nConffiles:\n /etc/a.conf d41d8cd98f00b204e9800998ecf8427e\n /etc/b 00 obsolete\nVersion: 1\n\nPackage: b\n";
        check("var/lib/dpkg/status", status, "", &[("etc/a.conf", false), ("etc/b", false)]);
        let diversions = "/bin/sh\n/bin/sh.distrib\ndash\n/sbin/initctl\n/sbin/initctl.distrib\n:\n";
        check("var/lib/dpkg/diversions", diversions, "", &[("bin/sh", false), ("sbin/initctl", false)]);
    }

    #[test]
    fn total() {
        for path in ["var/lib/dpkg/status", "var/lib/dpkg/info/a.md5sums", "var/lib/dpkg/diversions"] {
            check_total(&DpkgSums, path);
        }
    }
}
