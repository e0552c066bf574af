//! `pdm.lock` (<https://pdm-project.org/latest/usage/lockfile/>).
//!
//! A package that is wanted with extras has an entry of its own beside the plain one. Only the group `default` is what
//! `pdm install --prod` installs; files older than groups do not tell.

use super::lenient::{self, Names, record};
use super::lockfile::{Declared, is_inside_package, warn_if_damaged};
use super::python;
use assay_analyze::{Analyzer, AnalyzerId, File, Select, Sink};
use assay_model::PackageKind;

/// `pdm.lock`.
pub(super) struct PdmLock;

record! {
    struct Lock {
        "package" => packages: Vec<Entry>,
    }
}

record! {
    struct Entry {
        "name" => name: String,
        "version" => version: String,
        "path" => path: Option<String>,
        "groups" => groups: Names,
        "dependencies" => dependencies: Names,
    }
}

impl Analyzer for PdmLock {
    fn id(&self) -> AnalyzerId {
        AnalyzerId { name: "python-pdm-lock", revision: 1 }
    }

    fn select(&self) -> &'static [Select] {
        &[Select::Name("pdm.lock")]
    }

    fn analyze(&self, file: &File<'_>, out: &mut Sink<'_>) {
        if is_inside_package(file.path) {
            return;
        }
        let Some(text) = file.text(out) else { return };
        let mut lock = Lock::default();
        warn_if_damaged(lenient::toml(&text, &mut lock), out);
        let mut declared = Declared::new(PackageKind::Python);
        for entry in &lock.packages {
            let groups = &entry.groups.0;
            // What has a `path` is a folder of the project's own.
            if entry.path.is_some() || !(groups.is_empty() || groups.iter().any(|group| group == "default")) {
                continue;
            }
            let own = python::normalise(&entry.name);
            let names = entry.dependencies.0.iter().filter_map(|wanted| python::requirement_name(wanted));
            let requires = names.filter(|name| python::normalise(name) != own).map(str::to_owned);
            declared.add(&entry.name, &entry.version, requires, Vec::new());
        }
        declared.report(out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lang::testing::{check, check_total};

    #[test]
    fn groups_and_extras() {
        let text = b"[metadata]\ngroups = [\"default\", \"dev\"]\nlock_version = \"4.5.0\"\n\n\
            [[package]]\nname = \"idna\"\nversion = \"3.4\"\ngroups = [\"default\"]\n\n[[package]]\nname = \"pytest\"\nversion = \"7.2.0\"\ngroups = [\"dev\"]\n\n\
            [[package]]\nname = \"requests\"\nversion = \"2.28.1\"\ngroups = [\"default\"]\ndependencies = [\"idna<4,>=2.5\"]\n\n\
            [[package]]\nname = \"requests\"\nversion = \"2.28.1\"\nextras = [\"socks\"]\ngroups = [\"default\"]\ndependencies = [\n    \"PySocks!=1.5.7,>=1.5.6\",\n    \"requests==2.28.1\",\n]\n";
        check(&PdmLock, "srv/pdm.lock", text, "~ idna 3.4\n~ requests 2.28.1 -> PySocks, idna\n");
    }

    #[test]
    fn damage_keeps_what_was_read() {
        let text =
            b"[[package]]\nname = \"a\"\nversion = \"1.0\"\n[[package]]\nname = \"b\"\nversion = \"2.0";
        check(&PdmLock, "pdm.lock", text, "! damaged-lockfile\n~ a 1.0\n~ b 2.0\n");
        check_total(&PdmLock, "pdm.lock");
    }
}
