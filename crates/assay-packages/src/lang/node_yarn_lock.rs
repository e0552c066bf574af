//! `yarn.lock`: Yarn 1's own format (<https://classic.yarnpkg.com/lang/en/docs/yarn-lock/>), and the YAML of Yarn 2 and later.
//!
//! Both are written by machines with the same indentation, so one reader goes through the lines of either, which also
//! survives merge conflicts. An entry is headed by the patterns (`debug@^4.1.0`) it answers, and dependencies are patterns.
//! Surprising: neither form tells which packages are only for development.

use super::lockfile::{Declared, is_inside_package, warn_if_damaged};
use assay_analyze::{Analyzer, AnalyzerId, File, Select, Sink};
use assay_model::PackageKind;
use std::collections::HashMap;

/// `yarn.lock`.
pub(super) struct YarnLock;

impl Analyzer for YarnLock {
    fn id(&self) -> AnalyzerId {
        AnalyzerId { name: "node-yarn-lock", revision: 1 }
    }

    fn select(&self) -> &'static [Select] {
        &[Select::Name("yarn.lock")]
    }

    fn analyze(&self, file: &File<'_>, out: &mut Sink<'_>) {
        if is_inside_package(file.path) {
            return;
        }
        let Some(text) = file.text(out) else { return };
        let (entries, result) = read(&text);
        warn_if_damaged(result, out);
        let packages: Vec<Option<(&str, &str)>> = entries.iter().map(Entry::package).collect();
        let by_pattern: HashMap<&str, (&str, &str)> = entries
            .iter()
            .zip(&packages)
            .flat_map(|(entry, package)| {
                entry.patterns.iter().filter_map(|pattern| Some((*pattern, (*package)?)))
            })
            .collect();
        let mut declared = Declared::new(PackageKind::Npm);
        for (entry, package) in entries.iter().zip(&packages) {
            let Some((name, version)) = package else { continue };
            let requires = entry.dependencies.iter().filter_map(|(name, range)| {
                // Up to Yarn 3 the dependency leaves out `npm:`, which the pattern has.
                let found = [format!("{name}@{range}"), format!("{name}@npm:{range}")];
                let (name, version) = found.iter().find_map(|pattern| by_pattern.get(pattern.as_str()))?;
                Some(format!("{name}@{version}"))
            });
            declared.add(name, version, requires, Vec::new());
        }
        declared.report(out);
    }
}

#[derive(Default)]
struct Entry<'a> {
    patterns: Vec<&'a str>,
    version: &'a str,
    /// Yarn 2 and later: what the patterns were resolved to, `name@npm:1.0.0`.
    resolution: Option<&'a str>,
    dependencies: Vec<(&'a str, &'a str)>,
}

impl<'a> Entry<'a> {
    /// Returns name and version, unless it is a folder of the project's own.
    fn package(&self) -> Option<(&'a str, &'a str)> {
        let (name, range) = split(self.resolution.or(self.patterns.first().copied())?)?;
        const OWN: [&str; 6] = ["workspace:", "link:", "portal:", "file:", "./", "../"];
        if OWN.iter().any(|start| range.starts_with(start)) || self.version.is_empty() {
            return None;
        }
        // An alias: `ms-old@npm:ms@2.0.0`; plain `a@npm:^1.0.0` has a range there.
        let real = range
            .strip_prefix("npm:")
            .filter(|_| self.resolution.is_none())
            .map(|real| split(real).map_or(real, |(real, _)| real));
        let real = real.filter(|real| real.starts_with(|c: char| c == '@' || c.is_ascii_alphabetic()));
        Some((real.unwrap_or(name), self.version))
    }
}

/// Splits `@scope/name@range`.
fn split(pattern: &str) -> Option<(&str, &str)> {
    let at = pattern.get(1..)?.find('@')?.checked_add(1)?;
    let (name, range) = pattern.split_at_checked(at)?;
    Some((name, range.strip_prefix('@')?))
}

fn read(text: &str) -> (Vec<Entry<'_>>, Result<(), String>) {
    let mut entries: Vec<Entry<'_>> = Vec::new();
    let mut result = Ok(());
    let mut in_dependencies = false;
    for (number, line) in (1_usize..).zip(text.lines()) {
        let line = line.trim_end();
        let content = line.trim_start();
        // YAML puts keys beyond 1,024 characters on a line `? "key"`, followed by a line `:`.
        if content.is_empty() || content.starts_with('#') || line == ":" {
            continue;
        }
        let indent = line.len().saturating_sub(content.len());
        if indent == 0 {
            in_dependencies = false;
            let long = line.strip_prefix("? ");
            match long.or(line.strip_suffix(':')) {
                Some(patterns) => {
                    let patterns = patterns.split(", ").map(|pattern| pattern.trim_matches('"')).collect();
                    entries.push(Entry { patterns, ..Entry::default() });
                }
                None => result = Err(format!("line {number} is not an entry")),
            }
            continue;
        }
        let Some(entry) = entries.last_mut() else { continue };
        let (key, value) = key_value(content);
        if indent > 2 {
            if in_dependencies {
                entry.dependencies.push((key, value));
            }
            continue;
        }
        in_dependencies = matches!(key, "dependencies" | "optionalDependencies");
        match key {
            "version" => entry.version = value,
            "resolution" => entry.resolution = Some(value),
            _ => {}
        }
    }
    let incomplete = entries.iter().any(|entry| entry.version.is_empty() && entry.patterns != ["__metadata"]);
    if result.is_ok() && incomplete {
        result = Err("an entry has no version".to_owned());
    }
    (entries, result)
}

/// Splits `name "value"`, `name: value`, and both with a quoted name.
fn key_value(line: &str) -> (&str, &str) {
    let (key, value) = match line.strip_prefix('"') {
        Some(rest) => rest.split_once('"').unwrap_or((rest, "")),
        None => line.split_at_checked(line.find([':', ' ']).unwrap_or(line.len())).unwrap_or((line, "")),
    };
    (key, value.trim_start_matches([':', ' ']).trim_matches('"'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lang::testing::{check, check_total};

    const EXPECTED: &str =
        "~ @types/ms 0.7.31\n~ debug 4.3.4 -> @types/ms@0.7.31, ms@2.1.2\n~ ms 2.0.0\n~ ms 2.1.2\n";

    #[test]
    fn yarn_1() {
        let text = b"# yarn lockfile v1\n\n\n\"@types/ms@0.7.31\", \"@types/ms@^0.7.0\":\n  version \"0.7.31\"\n  resolved \"https://example.com/ms-0.7.31.tgz#31b7\"\n\n\
            debug@4.3.4:\n  version \"4.3.4\"\n  dependencies:\n    ms \"2.1.2\"\n  optionalDependencies:\n    \"@types/ms\" \"^0.7.0\"\n    gone \"^1.0.0\"\n\n\
            \"ms-old@npm:ms@2.0.0\":\n  version \"2.0.0\"\n\nms@2.1.2:\n  version \"2.1.2\"\n\n\"own@file:./own\":\n  version \"1.0.0\"\n";
        check(&YarnLock, "srv/yarn.lock", text, EXPECTED);
        check(&YarnLock, "srv/node_modules/x/yarn.lock", text, "");
    }

    #[test]
    fn yarn_2_and_later() {
        let text = b"__metadata:\n  version: 8\n  cacheKey: 10c0\n\n\"@types/ms@npm:0.7.31, @types/ms@npm:^0.7.0\":\n  version: 0.7.31\n  resolution: \"@types/ms@npm:0.7.31\"\n\n\
            \"debug@npm:4.3.4\":\n  version: 4.3.4\n  resolution: \"debug@npm:4.3.4\"\n  dependencies:\n    \"@types/ms\": ^0.7.0\n    ms: \"npm:2.1.2\"\n  peerDependenciesMeta:\n    supports-color:\n      optional: true\n\n\
            \"ms-old@npm:ms@2.0.0\":\n  version: 2.0.0\n  resolution: \"ms@npm:2.0.0\"\n\n\
            ? \"ms@npm:2.1.2\"\n:\n  version: 2.1.2\n  resolution: \"ms@patch:ms@npm%3A2.1.2#~/.yarn/patches/ms.patch\"\n\n\
            \"shop@workspace:.\":\n  version: 0.0.0-use.local\n  resolution: \"shop@workspace:.\"\n  dependencies:\n    debug: \"npm:4.3.4\"\n  linkType: soft\n";
        check(&YarnLock, "srv/yarn.lock", text, EXPECTED);
    }

    #[test]
    fn damage_keeps_what_was_read() {
        let text =
            b"a@1:\n<<<<<<< HEAD\n  version \"1.0.0\"\n=======\nb@2:\n  version \"2.0.0\"\n>>>>>>> x\n";
        check(&YarnLock, "yarn.lock", text, "! damaged-lockfile\n~ a 1.0.0\n~ b 2.0.0\n");
        check(&YarnLock, "yarn.lock", b"a@1:\n  vers", "! damaged-lockfile\n");
        check_total(&YarnLock, "yarn.lock");
    }
}
