//! The checksums in apk's database: `Z:Q1…`, SHA-1 in base64, behind each file's `R:` (`Q2…`, SHA-256, in the database of apk 3).
//!
//! What lies in `/etc` is the user's (apk's `protected_paths.d`); of a link it is the target that was summed, and a link is no file.

use assay_analyze::{Analyzer, AnalyzerId, Fact, File, Select, Sink};
use assay_model::contents::Sum;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::borrow::Cow;

/// Reads them.
pub(in crate::os) struct ApkSums;

/// The bytes of paths that are kept of one database.
const PATHS_LIMIT: usize = 64 << 20;

impl Analyzer for ApkSums {
    fn id(&self) -> AnalyzerId {
        AnalyzerId { name: "apk-sums", revision: 1 }
    }

    fn select(&self) -> &'static [Select] {
        &[Select::Path("lib/apk/db/installed"), Select::Path("usr/lib/apk/db/installed")]
    }

    fn lists_files(&self) -> bool {
        true
    }

    fn analyze(&self, file: &File<'_>, out: &mut Sink<'_>) {
        // What is damaged is said by the analyzer of the packages.
        let Some(text) = file.text(out) else { return };
        let (mut package, mut folder, mut path) = ("", "", None);
        let mut files = Vec::new();
        let mut budget = PATHS_LIMIT;
        for line in text.lines().chain([""]) {
            match line.split_once(':') {
                None => {
                    if !files.is_empty() {
                        let files = std::mem::take(&mut files);
                        let manager = Cow::Borrowed("apk");
                        out.fact(Fact::Installed { manager, package: package.to_owned(), files });
                    }
                    (package, folder, path) = ("", "", None);
                }
                Some(("P", name)) => package = name,
                Some(("F", name)) => folder = name,
                Some(("R", name)) => path = Some(name),
                Some(("Z", sum)) => {
                    let (Some(name), Some(sum)) = (path.take(), sum_of(sum)) else { continue };
                    let whole = if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") };
                    let Some(rest) = budget.checked_sub(whole.len()) else { continue };
                    budget = rest;
                    let is_users = whole.starts_with("etc/");
                    files.push((whole, (!is_users).then_some(sum)));
                }
                Some(_) => {}
            }
        }
    }
}

fn sum_of(text: &str) -> Option<Sum> {
    let decoded = |text: &str| STANDARD.decode(text).ok();
    if let Some(sha1) = text.strip_prefix("Q1") {
        return decoded(sha1)?.try_into().ok().map(Sum::Sha1);
    }
    decoded(text.strip_prefix("Q2")?)?.try_into().ok().map(Sum::Sha256)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{check_total, run};

    #[test]
    fn sums_of_files_are_read_and_settings_excepted() {
        let text = "P:busybox\nV:1\nF:bin\nR:busybox\na:0:0:755\nZ:Q1AyAbYpSWzbkr9sRRNBYOZ8lsQMA=\nR:odd\nZ:Q1?\nF:etc\nR:securetty\n\
            Z:Q1mB95Hq2NUTZ599RDiSsj9w5FrOU=\n\nP:empty\nV:1\nF:\n\n";
        let facts = run(&ApkSums, "lib/apk/db/installed", text.as_bytes());
        let [Fact::Installed { package, files, .. }] = facts.paths["lib/apk/db/installed"].facts.as_slice()
        else {
            panic!("{facts:?}")
        };
        let bin = STANDARD.decode("AyAbYpSWzbkr9sRRNBYOZ8lsQMA=").unwrap().try_into().unwrap();
        let want = [("bin/busybox".to_owned(), Some(Sum::Sha1(bin))), ("etc/securetty".to_owned(), None)];
        assert_eq!((package.as_str(), files.as_slice()), ("busybox", want.as_slice()));
    }

    #[test]
    fn total() {
        check_total(&ApkSums, "lib/apk/db/installed");
    }
}
