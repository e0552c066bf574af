//! `bun.lock`, Bun's lockfile as text (<https://bun.com/docs/pm/lockfile>).
//!
//! JSON with comments and trailing commas. A package's key is its place, as in `node_modules` but without that word
//! (`debug/ms`), and its value a list that begins with `name@version`. What is only for development is what the workspaces'
//! `dependencies` do not reach.

use super::lenient::{self, Fill, Names, Place, Table, record};
use super::lockfile::{Declared, is_inside_package, reachable, warn_if_damaged};
use assay_analyze::{Analyzer, AnalyzerId, File, Select, Sink};
use assay_model::PackageKind;
use serde::de::SeqAccess;
use std::collections::HashMap;

/// `bun.lock`.
pub(super) struct BunLock;

/// Parts of a package's key; each is a place where a dependency is looked for.
const MAX_PARTS: usize = 32;

record! {
    struct Lock {
        "workspaces" => workspaces: Table<Wanted>,
        "packages" => packages: Table<Entry>,
    }
}

record! {
    struct Wanted {
        "name" => name: String,
        "dependencies" => dependencies: Names,
        "optionalDependencies" => optional: Names,
        "peerDependencies" => peer: Names,
    }
}

impl Wanted {
    fn names(&self) -> impl Iterator<Item = &String> {
        self.dependencies.0.iter().chain(&self.optional.0).chain(&self.peer.0)
    }
}

/// `["name@version", "registry", {"dependencies": …}, "integrity"]`; other sources leave items out.
#[derive(Debug, Default)]
struct Entry {
    identity: Option<String>,
    wanted: Wanted,
}

#[derive(Debug, Default)]
struct Item {
    text: Option<String>,
    wanted: Wanted,
}

impl Fill for Item {
    fn text(&mut self, text: &str) {
        self.text.text(text);
    }

    fn table<'de, A: serde::de::MapAccess<'de>>(&mut self, table: A) -> Result<(), A::Error> {
        self.wanted.table(table)
    }
}

impl Fill for Entry {
    fn list<'de, A: SeqAccess<'de>>(&mut self, mut list: A) -> Result<(), A::Error> {
        loop {
            let mut item = Item::default();
            if list.next_element_seed(Place(&mut item))?.is_none() {
                return Ok(());
            }
            self.identity = self.identity.take().or(item.text);
            if item.wanted.names().next().is_some() {
                self.wanted = item.wanted;
            }
        }
    }
}

impl Entry {
    /// Returns name and version, unless it is a folder, a repository or an archive.
    fn package(&self) -> Option<(&str, &str)> {
        let identity = self.identity.as_deref()?;
        let at = identity.get(1..)?.find('@')?.checked_add(1)?;
        let (name, version) = identity.split_at_checked(at)?;
        let version = version.strip_prefix('@')?;
        version.starts_with(|c: char| c.is_ascii_digit()).then_some((name, version))
    }
}

impl Analyzer for BunLock {
    fn id(&self) -> AnalyzerId {
        AnalyzerId { name: "node-bun-lock", revision: 1 }
    }

    fn select(&self) -> &'static [Select] {
        &[Select::Name("bun.lock")]
    }

    fn analyze(&self, file: &File<'_>, out: &mut Sink<'_>) {
        if is_inside_package(file.path) {
            return;
        }
        let Some(text) = file.text(out) else { return };
        let mut lock = Lock::default();
        let result = lenient::json(&plain_json(&text), &mut lock);
        report(&lock, result.is_ok(), out);
        warn_if_damaged(result, out);
    }
}

fn report(lock: &Lock, whole: bool, out: &mut Sink<'_>) {
    let entries = &lock.packages.0;
    let index: HashMap<&str, usize> =
        entries.iter().enumerate().map(|(index, (key, _))| (key.as_str(), index)).collect();
    let find = |key: &str, name: &str| {
        let places = places(key).into_iter().map(|place| format!("{place}/{name}")).chain([name.to_owned()]);
        places.into_iter().find_map(|place| index.get(place.as_str()).copied())
    };
    let edges = |at: usize| -> Vec<usize> {
        let Some((key, entry)) = entries.get(at) else { return Vec::new() };
        entry.wanted.names().filter_map(|name| find(key, name)).collect()
    };
    let reached = if whole {
        let workspaces = lock.workspaces.0.iter().map(|(_, workspace)| workspace);
        let wanted =
            workspaces.flat_map(|workspace| workspace.names().map(|name| find(&workspace.name, name)));
        reachable(entries.len(), wanted.flatten(), edges)
    } else {
        vec![true; entries.len()]
    };
    let mut declared = Declared::new(PackageKind::Npm);
    for (at, ((_, entry), _)) in
        entries.iter().zip(&reached).enumerate().filter(|(_, (_, reached))| **reached)
    {
        let Some((name, version)) = entry.package() else { continue };
        let found = edges(at).into_iter().filter_map(|at| entries.get(at)?.1.package());
        declared.add(name, version, found.map(|(name, version)| format!("{name}@{version}")), Vec::new());
    }
    declared.report(out);
}

/// Returns the places in which a package's dependencies are looked for, the nearest first: `a/@s/b` → `a/@s/b`, `a`.
fn places(key: &str) -> Vec<&str> {
    let slashes = key.match_indices('/').map(|(at, _)| at).chain([key.len()]);
    let mut places: Vec<&str> = slashes
        .filter_map(|end| key.get(..end))
        // A scope alone is half a name.
        .filter(|place| {
            !place.rsplit('/').next().is_some_and(|last| last.is_empty() || last.starts_with('@'))
        })
        .take(MAX_PARTS)
        .collect();
    places.reverse();
    places
}

/// Blanks comments and trailing commas outside strings.
fn plain_json(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut comma: Option<usize> = None;
    let mut rest = text.char_indices().peekable();
    while let Some((at, c)) = rest.next() {
        match c {
            '"' => {
                plain.push(c);
                comma = None;
                while let Some((_, c)) = rest.next() {
                    plain.push(c);
                    match c {
                        '"' => break,
                        '\\' => plain.extend(rest.next().map(|(_, c)| c)),
                        _ => {}
                    }
                }
            }
            '/' if text.get(at..).is_some_and(|rest| rest.starts_with("//")) => {
                while rest.next_if(|(_, c)| *c != '\n').is_some() {}
            }
            ',' => {
                comma = Some(plain.len());
                plain.push(c);
            }
            ']' | '}' => {
                if let Some(comma) = comma.take() {
                    plain.replace_range(comma..=comma, " ");
                }
                plain.push(c);
            }
            _ => {
                if !c.is_whitespace() {
                    comma = None;
                }
                plain.push(c);
            }
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lang::testing::{check, check_total};

    #[test]
    fn reachable_packages() {
        let text = br#"{
  "lockfileVersion": 1, // a comment
  "workspaces": {
    "": { "name": "shop", "dependencies": { "debug": "4.3.4", "ms": "npm:ms@2.0.0", "own": "workspace:*", }, "devDependencies": { "mkdirp": "0.5.5", }, },
    "packages/own": { "name": "own", "dependencies": { "@types/ms": "0.7.31" } },
  },
  "packages": {
    "@types/ms": ["@types/ms@0.7.31", "", {}, "sha512-a,]b=="],

    "debug": ["debug@4.3.4", "", { "dependencies": { "ms": "2.1.2" } }, "sha512-PRWF//=="],

    "mkdirp": ["mkdirp@0.5.5", "", { "dependencies": { "minimist": "^1.2.5" }, "bin": "bin/cmd.js" }, "sha512-NK"],

    "minimist": ["minimist@1.2.8", "", {}, "sha512-2y"],

    "ms": ["ms@2.0.0", "", {}, "sha512-Tp"],

    "own": ["own@workspace:packages/own"],

    "debug/ms": ["ms@2.1.2", "", {}, "sha512-sG"],
  }
}
"#;
        let expected = "~ @types/ms 0.7.31\n~ debug 4.3.4 -> ms@2.1.2\n~ ms 2.0.0\n~ ms 2.1.2\n";
        check(&BunLock, "srv/bun.lock", text, expected);
        check(&BunLock, "srv/node_modules/x/bun.lock", text, "");
        assert_eq!(places("a/@s/b/c"), ["a/@s/b/c", "a/@s/b", "a"]);
    }

    #[test]
    fn damage_keeps_what_was_read() {
        let text = br#"{"packages":{"a":["a@1.0.0","",{"dependencies":{"b":"1"}}],"b":["b@1.0.0""#;
        check(&BunLock, "bun.lock", text, "! damaged-lockfile\n~ a 1.0.0 -> b@1.0.0\n~ b 1.0.0\n");
        check_total(&BunLock, "bun.lock");
    }
}
