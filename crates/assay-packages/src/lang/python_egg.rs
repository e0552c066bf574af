//! Zipped eggs (<https://setuptools.pypa.io/en/latest/deprecated/python_eggs.html>): a distribution that stays one `.egg`
//! file, imported in place, with its metadata in `EGG-INFO/PKG-INFO`.

use super::python;
use assay_analyze::{Analyzer, AnalyzerId, File, Select, Sink};
use assay_decode::zip::Zip;

/// Zipped eggs.
pub(super) struct PythonEgg;

/// Bytes of the metadata, which holds the whole description.
const MAX_METADATA: usize = 16 << 20;

impl Analyzer for PythonEgg {
    fn id(&self) -> AnalyzerId {
        AnalyzerId { name: "python-egg", revision: 1 }
    }

    fn select(&self) -> &'static [Select] {
        &[Select::Suffix(".egg")]
    }

    fn analyze(&self, file: &File<'_>, out: &mut Sink<'_>) {
        let mut start = [0; 2];
        if file.content.read_exact_at(0, &mut start).is_err() || start != *b"PK" {
            return;
        }
        let metadata = Zip::open(file.content).and_then(|zip| {
            let entries = zip.entries(|name| name == b"EGG-INFO/PKG-INFO")?;
            entries.first().map(|entry| zip.read(entry, MAX_METADATA)).transpose()
        });
        match metadata {
            Ok(Some(bytes)) => {
                let folder = file.name().strip_suffix(".egg").unwrap_or_default();
                python::metadata(&String::from_utf8_lossy(&bytes), folder, out);
            }
            Ok(None) => {}
            Err(error) => out.warn("damaged-package-metadata", format!("it is not a readable egg: {error}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lang::testing::{check, check_total};

    #[test]
    fn egg() {
        let egg = include_bytes!("../../testdata/python_egg/shelf-1.2-py3.11.egg");
        check(&PythonEgg, "usr/lib/site-packages/shelf-1.2-py3.11.egg", egg, "shelf 1.2 [MIT]\n");
        let cut = &egg[..egg.len() / 2];
        check(&PythonEgg, "shelf-1.2-py3.11.egg", cut, "! damaged-package-metadata\n");
        check(&PythonEgg, "shelf.egg", b"not a zip", "");
        check_total(&PythonEgg, "a.egg");
    }
}
