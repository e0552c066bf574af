//! Which files of an image are indexed by their digest, so that one can be asked for after an incident.
//!
//! Only a deep scan looks at files one by one. An image has some 30,000, and a row for each would take 1.6 MB and two seconds of the
//! database; what runs or brings something in is some 2,000: whatever may be executed, by its mode or its name; whatever a deep scan
//! observed by its content (programs, libraries, archives, scripts that fetch, what starts by itself, what is hidden, what is no longer as its
//! package installed it); and whatever a finding is about. An image cannot keep a program out of it by calling it otherwise.

use assay_model::{Finding, FindingKind, Inventory};
use assay_store::FileSeen;
use std::collections::BTreeSet;

/// The permission bits that let somebody execute.
const EXECUTE: u32 = 0o111;

/// How the names of files end that are run without being executable.
const RUN: [&str; 18] = [
    ".jar", ".war", ".ear", ".aar", ".class", ".whl", ".egg", ".pyz", ".dll", ".exe", ".node", ".wasm",
    ".sh", ".ps1", ".php", ".jsp", ".service", ".so",
];

/// Returns the files of an image that are indexed; `None` when nobody looked at its files one by one.
pub(crate) fn indexed(inventory: &Inventory, findings: &[Finding]) -> Option<Vec<FileSeen>> {
    if !inventory.deep {
        return None;
    }
    let observed = inventory.observations.iter().map(|observation| observation.path.as_str());
    // What is wrong with a package says nothing of each of its files.
    let found = findings.iter().filter(|finding| {
        matches!(finding.kind, FindingKind::Malware | FindingKind::Secret | FindingKind::Misconfiguration)
    });
    let places = found.flat_map(|finding| &finding.locations).map(|place| place.path.as_str());
    // Members of archives have no digest of their own here; the archive does.
    let named: BTreeSet<&str> =
        observed.chain(places).map(|path| path.split("!/").next().unwrap_or(path)).collect();
    let runs = |path: &str| {
        let path = path.to_ascii_lowercase();
        RUN.iter().any(|end| path.ends_with(end))
    };
    let wanted = inventory.files.iter().filter(|file| {
        // Every image has empty files; they say nothing.
        file.content.size > 0
            && (file.content.mode & EXECUTE != 0 || runs(&file.path) || named.contains(file.path.as_str()))
    });
    Some(wanted.map(|file| FileSeen { sha256: file.content.sums.sha256, path: file.path.clone() }).collect())
}

/// Reads the SHA-256 of a file: `sha256:` and 64 digits, or the digits alone.
pub(crate) fn sha256(text: &str) -> Option<[u8; 32]> {
    let text = text.trim();
    assay_model::contents::from_hex(text.strip_prefix("sha256:").unwrap_or(text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_model::contents::{Content, FileEntry, Sums};
    use assay_model::observation::{Observation, Topic};

    fn file(path: &str, mode: u32, size: u64) -> FileEntry {
        let sums = Sums { md5: [0; 16], sha1: [0; 20], sha256: [1; 32] };
        let content = Content { size, mode, uid: 0, gid: 0, sums };
        FileEntry { path: path.to_owned(), layer: None, content, owners: Vec::new() }
    }

    #[test]
    fn what_runs_is_indexed_whatever_it_is_called() {
        let files = vec![
            file("bin/tool", 0o755, 9),
            file("opt/App.JAR", 0o644, 9),
            file("opt/picture.png", 0o644, 9),
            file("usr/share/doc/readme", 0o644, 9),
            file("opt/empty", 0o755, 0),
            file("var/bundle.zip", 0o644, 9),
        ];
        let mut inventory = Inventory { files, ..Inventory::default() };
        assert_eq!(indexed(&inventory, &[]), None, "it is no deep scan");
        inventory.deep = true;
        for path in ["opt/picture.png", "var/bundle.zip!/inner.js"] {
            let observation = Observation::new(Topic::Executable, Vec::new());
            inventory.observations.push(Observation { path: path.to_owned(), ..observation });
        }
        let paths: Vec<String> =
            indexed(&inventory, &[]).unwrap().into_iter().map(|file| file.path).collect();
        assert_eq!(paths, ["bin/tool", "opt/App.JAR", "opt/picture.png", "var/bundle.zip"]);
    }

    #[test]
    fn a_digest_of_a_file_is_read_in_both_spellings() {
        let digits = "0a".repeat(32);
        assert_eq!(sha256(&digits), Some([10; 32]));
        assert_eq!(sha256(&format!(" sha256:{digits} ")), Some([10; 32]));
        for wrong in
            ["", "sha256:", "sha512:0a", digits.trim_start_matches("0a0a"), &format!("{digits}0"), "xyz"]
        {
            assert_eq!(sha256(wrong), None, "{wrong}");
        }
    }
}
