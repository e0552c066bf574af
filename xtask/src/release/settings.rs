//! Cargo's settings (<https://doc.rust-lang.org/cargo/reference/config.html>), of which those of the commit are the only ones that count.
//!
//! Surprising: Cargo reads them from every folder above, too, under two names, and from its own folder. What stands there may say where
//! crates are fetched, since `Cargo.lock` has the sums of all, and nothing that changes what is built.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};

/// The names of a file of settings, in a folder's `.cargo` or in Cargo's own.
const NAMES: [&str; 2] = ["config.toml", "config"];

/// Settings of the way that crates come, of the terminal and of other commands than `build`.
const HARMLESS: &[&str] = &[
    "alias",
    "cache",
    "cargo-new",
    "credential-alias",
    "future-incompat-report",
    "http",
    "install",
    "net",
    "registries",
    "registry",
    "source",
    "term",
];

/// Makes sure that no settings but those of the commit in `sources` change the build: those of the `workspace` are the same, and others
/// say nothing of it.
pub(super) fn check(sources: &Path, workspace: &Path, cargo_home: &Path) -> Result<()> {
    let real =
        |path: &Path| fs::canonicalize(path).with_context(|| format!("there is no {}", path.display()));
    let (sources, workspace) = (real(sources)?, real(workspace)?);
    for folder in sources.ancestors().skip(1) {
        for name in NAMES {
            let file = Path::new(".cargo").join(name);
            let here = folder.join(&file);
            if folder == workspace {
                let same = fs::read(&here).ok() == fs::read(sources.join(&file)).ok();
                ensure!(same, "{} is not that of the commit, and would change the build", here.display());
            } else {
                harmless(&here)?;
            }
        }
    }
    NAMES.iter().try_for_each(|name| harmless(&cargo_home.join(name)))
}

/// Makes sure that a file of settings, if it is there, changes nothing that is built.
fn harmless(file: &Path) -> Result<()> {
    if !file.exists() {
        return Ok(());
    }
    let text = fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    let settings: toml::Table = text.parse().with_context(|| format!("cannot read {}", file.display()))?;
    let changing: Vec<&str> =
        settings.keys().map(String::as_str).filter(|name| !HARMLESS.contains(name)).collect();
    ensure!(
        changing.is_empty(),
        "{} would change the build by `{}`: move it away for the release",
        file.display(),
        changing.join("`, `")
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_settings_of_the_commit_change_the_build() {
        let folder = std::env::temp_dir().join(format!("assay-settings-{}", std::process::id()));
        let (workspace, home) = (folder.join("work"), folder.join("home"));
        let sources = workspace.join("target/a/src");
        for place in [&workspace, &sources, &folder] {
            fs::create_dir_all(place.join(".cargo")).unwrap();
        }
        fs::create_dir_all(&home).unwrap();
        let told = || check(&sources, &workspace, &home).map_err(|error| error.to_string());
        let write = |file: &Path, text: &str| fs::write(file, text).unwrap();
        let own = "[alias]\nx = \"build\"\n[build]\nrustflags = []\n";
        write(&sources.join(".cargo/config.toml"), own);
        assert!(told().unwrap_err().contains("not that of the commit"));
        write(&workspace.join(".cargo/config.toml"), own);
        told().unwrap();
        for file in [".cargo/config.toml", ".cargo/config", "home/config.toml", "home/config"] {
            let file = folder.join(file);
            write(&file, "[net]\nretry = 3\n[source.crates-io]\nreplace-with = \"mirror\"\n");
            told().unwrap();
            for text in [
                "[build]\nrustflags = []\n",
                "[profile.release]\nlto = false\n",
                "[env]\nA = \"b\"\n",
                "paths = [\"x\"]\n",
            ] {
                write(&file, text);
                assert!(
                    told().unwrap_err().contains("would change the build by"),
                    "{} {text}",
                    file.display()
                );
            }
            write(&file, "[");
            told().unwrap_err();
            fs::remove_file(&file).unwrap();
        }
        write(&workspace.join(".cargo/config"), own);
        assert!(told().unwrap_err().contains("not that of the commit"));
        fs::remove_dir_all(&folder).unwrap();
    }
}
