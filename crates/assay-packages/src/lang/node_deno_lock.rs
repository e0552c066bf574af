//! `deno.lock`, versions 3 to 5 (<https://docs.deno.com/runtime/fundamentals/modules/#integrity-checking-and-lock-files>).
//!
//! Packages of npm are `name@version`, with the versions of their peers behind `_`. Those of JSR are reported under the names by
//! which JSR serves them to npm: `@jsr/std__path` is `@std/path` (<https://jsr.io/docs/npm-compatibility>). Modules that are
//! fetched by address (`remote`) have no names or versions; a notice counts them.

use super::lenient::{self, Table, record};
use super::lockfile::{Declared, is_inside_package, warn_if_damaged};
use assay_analyze::{Analyzer, AnalyzerId, File, Select, Sink};
use assay_model::PackageKind;

/// `deno.lock`.
pub(super) struct DenoLock;

record! {
    struct Lock {
        "npm" => npm: Table<()>,
        "jsr" => jsr: Table<()>,
        "packages" => version_3: Registries,
        "remote" => remote: Table<()>,
    }
}

record! {
    struct Registries {
        "npm" => npm: Table<()>,
        "jsr" => jsr: Table<()>,
    }
}

impl Analyzer for DenoLock {
    fn id(&self) -> AnalyzerId {
        AnalyzerId { name: "node-deno-lock", revision: 1 }
    }

    fn select(&self) -> &'static [Select] {
        &[Select::Name("deno.lock")]
    }

    fn analyze(&self, file: &File<'_>, out: &mut Sink<'_>) {
        if is_inside_package(file.path) {
            return;
        }
        let Some(text) = file.text(out) else { return };
        let mut lock = Lock::default();
        warn_if_damaged(lenient::json(&text, &mut lock), out);
        let mut declared = Declared::new(PackageKind::Npm);
        for (key, ()) in lock.npm.0.iter().chain(&lock.version_3.npm.0) {
            if let Some((name, version)) = split(key) {
                let version = version.split_once('_').map_or(version, |(version, _)| version);
                declared.add(name, version, [], Vec::new());
            }
        }
        for (key, ()) in lock.jsr.0.iter().chain(&lock.version_3.jsr.0) {
            if let Some((name, version)) = split(key) {
                let name = format!("@jsr/{}", name.trim_start_matches('@').replace('/', "__"));
                declared.add(&name, version, [], Vec::new());
            }
        }
        declared.report(out);
        if !lock.remote.0.is_empty() {
            let count = lock.remote.0.len();
            out.notice(
                "nameless-modules",
                format!("{count} modules are fetched by address and belong to no package"),
            );
        }
    }
}

/// Splits `@scope/name@1.0.0` before the version, which comes before the peers' (`name@1.0.0_@scope+peer@2.0.0`).
fn split(key: &str) -> Option<(&str, &str)> {
    let at = key.get(1..)?.find('@')?.checked_add(1)?;
    let (name, version) = key.split_at_checked(at)?;
    Some((name, version.strip_prefix('@')?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lang::testing::{check, check_total};

    #[test]
    fn all_versions() {
        let new = br#"{"version": "4",
  "specifiers": {"jsr:@std/path@1": "1.0.8", "npm:chalk@5": "5.3.0"},
  "jsr": {"@std/path@1.0.8": {"integrity": "548fa456bb6a04d3c1a1e7477986b6cffbce95102d0bb447c67c4ee70e0364be"}},
  "npm": {"chalk@5.3.0": {"integrity": "sha512-dLitG79d+GV1Nb/VYcCDFivJeK1hiukt9QjRNVOsUtTy1rR1YJsmpGGTZ3qJos+uw7WmWF4wUwBd9jxjocFC2w=="},
    "@a/b@1.0.0_@c+d@2.0.0": {"integrity": "sha512-x"}},
  "remote": {"https://deno.land/std@0.100.0/http/server.ts": "0a"}}"#;
        let want = "! nameless-modules\n~ @a/b 1.0.0\n~ @jsr/std__path 1.0.8\n~ chalk 5.3.0\n";
        check(&DenoLock, "srv/deno.lock", new, want);
        let old = br#"{"version":"3","packages":{"specifiers":{},"npm":{"chalk@5.3.0":{"dependencies":{}}}},"remote":{}}"#;
        check(&DenoLock, "srv/deno.lock", old, "~ chalk 5.3.0\n");
        check(&DenoLock, "deno.lock", br#"{"npm":{"a@1.0":{},"b"#, "! damaged-lockfile\n~ a 1.0\n");
        check_total(&DenoLock, "deno.lock");
    }
}
