//! The lists of files that Python's installers leave beside a distribution: `RECORD` in `.dist-info`
//! (<https://packaging.python.org/en/latest/specifications/recording-installed-packages/>) and `installed-files.txt` in `.egg-info`.
//!
//! They say what `import` cannot: that `import yaml` loads a file of PyYAML. Paths are relative to the folder that holds the record's
//! folder; those of the second to the record's own. Only code is kept: an environment has some ten thousand other files.

use assay_analyze::{Analyzer, AnalyzerId, File, Select, Sink};
use assay_model::PathList;
use assay_model::path::parent;

/// Reads what belongs to a Python distribution.
pub(crate) struct PythonRecord;

impl Analyzer for PythonRecord {
    fn id(&self) -> AnalyzerId {
        AnalyzerId { name: "code-python-record", revision: 1 }
    }

    fn select(&self) -> &'static [Select] {
        &[Select::Suffix(".dist-info/RECORD"), Select::Suffix(".egg-info/installed-files.txt")]
    }

    fn analyze(&self, file: &File<'_>, out: &mut Sink<'_>) {
        let Some(text) = file.text(out) else { return };
        let record = parent(file.path);
        let base = if file.name() == "RECORD" { parent(record) } else { record };
        let mut files = PathList::default();
        for line in text.lines() {
            // A comma in a name is quoted; code has none.
            let path = line.split(',').next().unwrap_or_default().trim_matches('"');
            let is_code = path.ends_with(".py") || path.contains(".so") || path.contains("/bin/");
            if is_code && let Some(path) = joined(base, path) {
                files.push(&path);
            }
        }
        out.owned_files("pip", record, files);
    }
}

/// Puts a relative path below `base`; `None` when it leads out of the image.
fn joined(base: &str, path: &str) -> Option<String> {
    if let Some(path) = path.strip_prefix('/') {
        return Some(path.to_owned());
    }
    let mut parts: Vec<&str> = base.split('/').filter(|part| !part.is_empty()).collect();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::code::testing::facts;

    #[test]
    fn records_name_their_files() {
        let record = b"../../../bin/flask,sha256=x,200\nflask/__init__.py,sha256=y,1\nflask/a.txt,,\nFlask-1.dist-info/RECORD,,\n../../../../../../x.py,,\n";
        assert_eq!(
            facts(&PythonRecord, "v/lib/p/s/Flask-1.dist-info/RECORD", record),
            [
                "v/lib/p/s/Flask-1.dist-info owns v/bin/flask",
                "v/lib/p/s/Flask-1.dist-info owns v/lib/p/s/flask/__init__.py"
            ]
        );
        let files = b"../yaml/__init__.py\n../yaml/__pycache__/x.pyc\nPKG-INFO\n";
        assert_eq!(
            facts(&PythonRecord, "s/PyYAML-5-py3.11.egg-info/installed-files.txt", files),
            ["s/PyYAML-5-py3.11.egg-info owns s/yaml/__init__.py"]
        );
    }
}
