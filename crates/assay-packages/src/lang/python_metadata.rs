//! Installed Python distributions: `*.dist-info/METADATA`, and the older `*.egg-info` and unpacked `*.egg`
//! (<https://packaging.python.org/en/latest/specifications/recording-installed-packages/>).
//!
//! Surprising: an `.egg-info` is a folder with `PKG-INFO` or that file itself, and `pip list` does not show what packages
//! carry inside themselves (`setuptools/_vendor/…`), although it is on disk and is reported here.

use super::python;
use assay_analyze::{Analyzer, AnalyzerId, File, Select, Sink};
use assay_model::{Inventory, path};

/// Reads the metadata of installed distributions, and links all Python packages.
pub(super) struct PythonMetadata;

impl Analyzer for PythonMetadata {
    fn id(&self) -> AnalyzerId {
        AnalyzerId { name: "python-metadata", revision: 1 }
    }

    fn select(&self) -> &'static [Select] {
        &[
            Select::Suffix(".dist-info/METADATA"),
            Select::Suffix(".egg-info/PKG-INFO"),
            Select::Suffix("/EGG-INFO/PKG-INFO"),
            Select::Suffix(".egg-info"),
        ]
    }

    fn analyze(&self, file: &File<'_>, out: &mut Sink<'_>) {
        let Some(text) = file.text(out) else { return };
        let folder = if file.path.ends_with(".egg-info") {
            file.name()
        } else {
            path::file_name(path::parent(file.path))
        };
        let folder = folder
            .strip_suffix(".dist-info")
            .or_else(|| folder.strip_suffix(".egg-info"))
            .unwrap_or_default();
        python::metadata(&text, folder, out);
    }

    fn link(&self, inventory: &mut Inventory) {
        python::link(inventory);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lang::testing::{check, check_total};

    const DJANGO: &str = include_str!("../../testdata/python_metadata/django/METADATA");

    #[test]
    fn dist_info() {
        check(
            &PythonMetadata,
            "venv/lib/python3.11/site-packages/Django-3.2.dist-info/METADATA",
            DJANGO.as_bytes(),
            "Django 3.2 [BSD-3-Clause] -> asgiref, pytz, sqlparse\n",
        );
    }

    #[test]
    fn egg_info_file_and_missing_name() {
        check(&PythonMetadata, "x/wsgiref.egg-info", b"Name: wsgiref\nVersion: 0.1.2\nLicense: UNKNOWN\nClassifier: License :: OSI Approved :: MIT License\n\nName: no\n", "wsgiref 0.1.2 [MIT License]\n");
        check(
            &PythonMetadata,
            "x/foo-1.0-py3.11.egg-info/PKG-INFO",
            b"Metadata-Version: 1.0\n",
            "! damaged-package-metadata\nfoo 1.0\n",
        );
        check(&PythonMetadata, "x/foo.egg-info/PKG-INFO", b"", "! damaged-package-metadata\n");
    }

    #[test]
    fn total() {
        check_total(&PythonMetadata, "x/foo-1.dist-info/METADATA");
    }
}
