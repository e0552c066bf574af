//! Where a release is put: a folder that is new, empty, or holds nothing but a former release.
//!
//! Nothing else is ever deleted, since `--out` is typed by people. A former release is told by its `SHA256SUMS`: every file in the
//! folder is named there.

use std::collections::BTreeSet;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};

/// The file with the sums of all others.
pub(super) const SUMS: &str = "SHA256SUMS";

/// Returns the files that a release in `out` would replace.
pub(super) fn former(out: &Path) -> Result<Vec<PathBuf>> {
    let shown = out.display();
    match fs::symlink_metadata(out) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error).with_context(|| format!("cannot look at {shown}")),
        Ok(found) => ensure!(found.is_dir(), "{shown} is no folder; name another with `--out`"),
    }
    let mut files = Vec::new();
    for entry in fs::read_dir(out).with_context(|| format!("cannot list {shown}"))? {
        files.push(entry?.path());
    }
    if files.is_empty() {
        return Ok(files);
    }
    let sums = fs::read_to_string(out.join(SUMS)).unwrap_or_default();
    let known: BTreeSet<&str> =
        sums.lines().filter_map(|line| line.split_once("  ")).map(|(_, name)| name).collect();
    for file in &files {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        let is_file = fs::symlink_metadata(file).is_ok_and(|found| found.is_file());
        if !is_file || !(name == SUMS || known.contains(&*name)) {
            bail!(
                "{shown} holds `{name}`, which is of no former release; empty it, or name another folder with `--out`"
            );
        }
    }
    Ok(files)
}

/// Puts the files of `from` into `out`, in place of a former release.
pub(super) fn publish(from: &Path, out: &Path) -> Result<()> {
    let same = fs::canonicalize(from)? == fs::canonicalize(out).unwrap_or_default();
    ensure!(!same, "{} is where releases are made; name another folder with `--out`", out.display());
    for file in former(out)? {
        fs::remove_file(&file).with_context(|| format!("cannot remove {}", file.display()))?;
    }
    fs::create_dir_all(out)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        fs::copy(entry.path(), out.join(entry.file_name()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder that goes when the test ends.
    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let path = std::env::temp_dir().join(format!("assay-out-{name}-{}", std::process::id()));
            let _ = fs::remove_dir_all(&path);
            fs::create_dir(&path).unwrap();
            Self(path)
        }

        fn names(&self, of: &str) -> Vec<String> {
            let names = fs::read_dir(self.0.join(of)).unwrap();
            let mut names: Vec<String> =
                names.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
            names.sort();
            names
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn a_former_release_is_replaced_and_nothing_else() {
        let folder = Folder::new("former");
        let (new, out) = (folder.0.join("new"), folder.0.join("out"));
        fs::create_dir(&new).unwrap();
        fs::write(new.join("b.tar.gz"), "b").unwrap();
        fs::write(new.join(SUMS), "00  b.tar.gz\n").unwrap();
        publish(&new, &out).unwrap();
        assert_eq!(folder.names("out"), [SUMS, "b.tar.gz"]);

        // The next release has other names.
        fs::rename(new.join("b.tar.gz"), new.join("c.tar.gz")).unwrap();
        fs::write(new.join(SUMS), "00  c.tar.gz\n").unwrap();
        publish(&new, &out).unwrap();
        assert_eq!(folder.names("out"), [SUMS, "c.tar.gz"]);

        // Where it is made it would be removed itself.
        assert!(publish(&new, &out.join("../new")).is_err());
        assert_eq!(folder.names("new").len(), 2);

        // Somebody's own file, a key, or a folder of that name stops it, and everything stays.
        for strange in ["thesis.tex", "assay.key"] {
            fs::write(out.join(strange), "mine").unwrap();
            let error = publish(&new, &out).unwrap_err().to_string();
            assert!(error.contains(strange), "{error}");
            assert_eq!(folder.names("out").len(), 3);
            fs::remove_file(out.join(strange)).unwrap();
        }
        fs::remove_file(out.join("c.tar.gz")).unwrap();
        fs::create_dir(out.join("c.tar.gz")).unwrap();
        assert!(publish(&new, &out).is_err());
        assert_eq!(folder.names("out"), [SUMS, "c.tar.gz"]);
    }

    #[test]
    fn other_folders_are_left_alone() {
        let folder = Folder::new("other");
        let at = |name: &str| folder.0.join(name);
        assert!(former(&at("none")).unwrap().is_empty());
        fs::create_dir(at("empty")).unwrap();
        assert!(former(&at("empty")).unwrap().is_empty());
        fs::create_dir(at("home")).unwrap();
        fs::write(at("home").join("letter"), "").unwrap();
        assert!(former(&at("home")).is_err());
        assert!(former(&at("home").join("letter")).is_err(), "a file");
        std::os::unix::fs::symlink(at("empty"), at("link")).unwrap();
        assert!(former(&at("link")).is_err(), "a link");
    }
}
