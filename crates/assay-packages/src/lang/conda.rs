//! Conda environments: a record `conda-meta/<name>-<version>-<build>.json` for each package
//! (<https://docs.conda.io/projects/conda/en/stable/dev-guide/specs/environment-metadata.html>).
//!
//! Nobody publishes advisories for Conda's packages. One that carries a Python distribution (its list of files has a
//! `*.dist-info`) is judged as that distribution, and owns its metadata: it is not counted a second time.

use super::lenient::{self, Names, record};
use assay_analyze::{Analyzer, AnalyzerId, File, Select, Sink};
use assay_model::{Inventory, Package, PackageKind, SourcePackage, path};

/// Installed Conda packages; links them.
pub(super) struct Conda;

record! {
    struct Record {
        "name" => name: String,
        "version" => version: String,
        "license" => license: Option<String>,
        "subdir" => subdir: Option<String>,
        "channel" => channel: String,
        "depends" => depends: Names,
        "files" => files: Names,
    }
}

impl Analyzer for Conda {
    fn id(&self) -> AnalyzerId {
        AnalyzerId { name: "conda", revision: 1 }
    }

    fn select(&self) -> &'static [Select] {
        &[Select::Within("conda-meta/", ".json")]
    }

    fn analyze(&self, file: &File<'_>, out: &mut Sink<'_>) {
        let folder = path::parent(file.path);
        if path::file_name(folder) != "conda-meta" {
            return;
        }
        let Some(text) = file.text(out) else { return };
        let mut record = Record::default();
        let result = lenient::json(&text, &mut record);
        if result.is_err() || record.name.is_empty() || record.version.is_empty() {
            out.warn(
                "damaged-package-metadata",
                "it cannot be read to its end, or has no name or no version",
            );
        }
        if record.name.is_empty() || record.version.is_empty() {
            return;
        }
        let mut package = Package::new(PackageKind::Conda, record.name, record.version);
        package.licenses = record.license.into_iter().filter(|license| !license.is_empty()).collect();
        package.architecture = record.subdir;
        package.vendor = channel(&record.channel).map(str::to_owned);
        let carried = python_distribution(&record.files.0);
        package.source = carried.as_ref().map(|(source, _)| source.clone());
        package.requires = record
            .depends
            .0
            .iter()
            .filter_map(|wanted| wanted.split_whitespace().next())
            // Names with two underscores before them stand for the machine (`__glibc`).
            .filter(|name| !name.starts_with("__"))
            .map(str::to_owned)
            .collect();
        package.requires.sort_unstable();
        package.requires.dedup();
        out.package(package);
        // Only the metadata of what it is judged as is claimed: what else lies in it (vendored copies, npm packages) is judged by
        // itself, as nobody else would.
        if let Some((_, metadata)) = carried {
            let prefix = path::parent(folder);
            let metadata = if prefix.is_empty() { metadata } else { format!("{prefix}/{metadata}") };
            out.owned_files("conda", file.path, [metadata.as_str()].into_iter().collect());
        }
    }

    fn link(&self, inventory: &mut Inventory) {
        inventory.link_by_name(
            |package| package.kind == PackageKind::Conda,
            |package| vec![package.name.clone()],
            // One folder of records is one environment.
            |package| package.locations.first().map_or("", |at| path::parent(&at.path)).to_owned(),
            str::to_owned,
        );
    }
}

/// Returns the last part of `https://conda.anaconda.org/conda-forge/linux-64` that is not the platform.
fn channel(address: &str) -> Option<&str> {
    let mut parts = address.trim_end_matches('/').rsplit('/');
    let last = parts.next()?;
    let is_platform = last == "noarch"
        || last.starts_with("linux-")
        || last.starts_with("osx-")
        || last.starts_with("win-");
    if is_platform { parts.next() } else { Some(last) }.filter(|channel| !channel.is_empty())
}

/// Returns the distribution whose metadata is among the files, and that file, when there is just one: of several nothing tells
/// which is meant, and each is then found by itself.
fn python_distribution(files: &[String]) -> Option<(SourcePackage, String)> {
    let mut found = files.iter().filter_map(|file| {
        let folder = file.strip_suffix("/METADATA").or_else(|| file.strip_suffix("/PKG-INFO"))?;
        if path::file_name(path::parent(folder)) != "site-packages" {
            return None;
        }
        let name = path::file_name(folder);
        let identity = name.strip_suffix(".dist-info").or_else(|| name.strip_suffix(".egg-info"))?;
        let (name, version) = identity.split_once('-')?;
        let version = version.split_once("-py").map_or(version, |(version, _)| version);
        Some((SourcePackage { name: name.to_owned(), version: version.to_owned() }, file.clone()))
    });
    let first = found.next()?;
    found.next().is_none().then_some(first)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lang::testing::{check, check_total, run};
    use assay_analyze::Fact;

    const AT: &str = "opt/conda/conda-meta/pytorch-cpu-1.13.1-py310_0.json";
    const RECORD: &[u8] = br#"{"build": "py310_0", "channel": "https://conda.anaconda.org/conda-forge/linux-64",
  "depends": ["__glibc >=2.17", "numpy >=1.21,<2.0a0", "python >=3.10"],
  "files": ["bin/torchrun", "lib/python3.10/site-packages/torch-1.13.1.dist-info/METADATA", "lib/python3.10/site-packages/torch/__init__.py",
     "lib/python3.10/site-packages/torch/_vendor/x-1.dist-info/METADATA"],
  "license": "BSD-3-Clause", "name": "pytorch-cpu", "subdir": "linux-64", "version": "1.13.1"}"#;

    #[test]
    fn packages_and_what_they_carry() {
        check(&Conda, AT, RECORD, "pytorch-cpu 1.13.1 [BSD-3-Clause] -> numpy, python\n");
        check(&Conda, "opt/conda/conda-meta/x/y.json", RECORD, "");
        let facts = run(&Conda, AT, RECORD);
        let [Fact::Package(package), Fact::OwnedFiles { manager, package: owner, files }] =
            &facts.paths[AT].facts[..]
        else {
            panic!("{facts:?}")
        };
        assert_eq!(package.source, Some(SourcePackage { name: "torch".into(), version: "1.13.1".into() }));
        assert_eq!(package.advised_as(), ("torch".to_owned(), "1.13.1"));
        assert_eq!(package.vendor.as_deref(), Some("conda-forge"));
        assert_eq!((manager.as_ref(), owner.as_str()), ("conda", AT));
        let metadata = "opt/conda/lib/python3.10/site-packages/torch-1.13.1.dist-info/METADATA";
        assert_eq!(files.iter().collect::<Vec<_>>(), [metadata]);
        let two = String::from_utf8_lossy(RECORD).replace("torch/_vendor/", "");
        let facts = run(&Conda, AT, two.as_bytes());
        assert_eq!(facts.paths[AT].facts.len(), 1, "of two distributions neither is claimed");
    }

    #[test]
    fn channels() {
        for (address, want) in [
            ("https://repo.anaconda.com/pkgs/main/linux-64", Some("main")),
            ("conda-forge", Some("conda-forge")),
            ("https://conda.anaconda.org/bioconda/noarch/", Some("bioconda")),
            ("", None),
        ] {
            assert_eq!(channel(address), want, "{address}");
        }
    }

    #[test]
    fn damage_keeps_what_was_read() {
        let text = br#"{"name":"a","version":"1.0","files":["x"#;
        check(&Conda, AT, text, "! damaged-package-metadata\na 1.0\n");
        check(&Conda, AT, b"[]", "! damaged-package-metadata\n");
        check_total(&Conda, AT);
    }
}
