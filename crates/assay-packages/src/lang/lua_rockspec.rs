//! Installed rocks of LuaRocks: `rocks-5.x/<name>/<version>/<name>-<version>.rockspec`, a Lua file
//! (<https://github.com/luarocks/luarocks/blob/main/docs/rockspec_format.md>), and `luarocks.lock`.
//!
//! A rockspec is a program, but is not run: name and version are those of its folders, and only the plain texts of `license`
//! and `dependencies` are taken. Rockspecs elsewhere describe a project, not what is installed.

use super::lockfile::Declared;
use super::tokens::{LUA, Token, tokens};
use assay_analyze::{Analyzer, AnalyzerId, File, Select, Sink};
use assay_model::{Inventory, Origin, Package, PackageKind, path};

/// Installed rocks, and `luarocks.lock`; links all of them.
pub(super) struct Rockspec;

/// The largest rockspec that is read: the longest known has some ten thousand bytes.
const ROCKSPEC_LIMIT: u64 = 4 << 20;

impl Analyzer for Rockspec {
    fn id(&self) -> AnalyzerId {
        AnalyzerId { name: "lua-rockspec", revision: 1 }
    }

    fn select(&self) -> &'static [Select] {
        &[Select::Suffix(".rockspec"), Select::Name("luarocks.lock")]
    }

    fn analyze(&self, file: &File<'_>, out: &mut Sink<'_>) {
        if file.name() == "luarocks.lock" {
            let Some(bytes) = file.bytes(ROCKSPEC_LIMIT, out) else { return };
            return lock(&tokens(&String::from_utf8_lossy(&bytes), &LUA), out);
        }
        let Some((name, version)) = installed(file.path) else { return };
        let Some(bytes) = file.bytes(ROCKSPEC_LIMIT, out) else { return };
        let text = String::from_utf8_lossy(&bytes);
        let tokens = tokens(&text, &LUA);
        let mut package = Package::new(PackageKind::LuaRocks, name, version);
        for (at, window) in tokens.windows(3).enumerate() {
            match window {
                [Token::Word("license"), Token::Sign('='), Token::Text(license)] => {
                    package.licenses = vec![license.to_string()];
                }
                [Token::Word("dependencies"), Token::Sign('='), Token::Sign('{')] => {
                    let list = tokens.get(at.saturating_add(3)..).unwrap_or_default();
                    package.requires.extend(dependencies(list));
                }
                _ => {}
            }
        }
        package.requires.sort_unstable();
        package.requires.dedup();
        out.package(package);
    }

    fn link(&self, inventory: &mut Inventory) {
        inventory.link_by_name(
            |package| package.kind == PackageKind::LuaRocks,
            |package| vec![package.name.clone()],
            |package| {
                let place = package.locations.first().map_or("", |location| location.path.as_str());
                match package.origin {
                    Origin::Declared => place.to_owned(),
                    // All rocks of one tree.
                    Origin::Installed => path::parent(path::parent(path::parent(place))).to_owned(),
                }
            },
            str::to_owned,
        );
    }
}

/// Returns name and version of `…/rocks-5.1/lpeg/1.0.2-1/lpeg-1.0.2-1.rockspec`.
fn installed(at: &str) -> Option<(&str, &str)> {
    let (folder, stem) = (path::parent(at), path::file_name(at).strip_suffix(".rockspec")?);
    let version = path::file_name(folder);
    let name = stem.strip_suffix(version)?.strip_suffix('-')?;
    let tree = path::file_name(path::parent(path::parent(folder)));
    let fits = path::file_name(path::parent(folder)) == name && tree.starts_with("rocks");
    (fits && !name.is_empty() && !version.is_empty()).then_some((name, version))
}

/// Returns the names in `"lua >= 5.1", "lpeg ~> 1.0" }`, but Lua itself.
fn dependencies<'a>(list: &'a [Token<'_>]) -> impl Iterator<Item = String> + 'a {
    list.iter()
        .take_while(|token| !token.is('}'))
        .filter_map(|token| if let Token::Text(text) = token { text.split_whitespace().next() } else { None })
        .map(|name| name.rsplit('/').next().unwrap_or(name).to_owned())
        .filter(|name| name != "lua")
}

/// Reads `return { dependencies = { lpeg = "1.0.2-1", ["lua-cjson"] = "2.1.0-1" } }`; what is for building and testing has tables
/// of its own.
fn lock(tokens: &[Token<'_>], out: &mut Sink<'_>) {
    let starts = [Token::Word("dependencies"), Token::Sign('='), Token::Sign('{')];
    let Some(start) = tokens.windows(3).position(|window| window == starts) else { return };
    let list = tokens.get(start.saturating_add(3)..).unwrap_or_default();
    let list: Vec<&Token<'_>> = list
        .iter()
        .take_while(|token| !token.is('}'))
        .filter(|token| !token.is('[') && !token.is(']'))
        .collect();
    let mut declared = Declared::new(PackageKind::LuaRocks);
    for window in list.windows(3) {
        if let [name, Token::Sign('='), Token::Text(version)] = window {
            declared.add(name.name().unwrap_or_default(), version, [], Vec::new());
        }
    }
    declared.report(out);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lang::testing::{check, check_total};

    const SPEC: &[u8] = br#"package = "lapis"
version = "1.9.0-1"
source = { url = "git://github.com/leafo/lapis.git" }
description = {
  summary = "A web framework, dependencies = {",
  license = "MIT"
}
-- dependencies = { "no" }
dependencies = {
  "lua",
  "lua-cjson >= 2.1",
  "leafo/pgmoon",
}
build = { type = "builtin" }
"#;

    #[test]
    fn installed_rocks() {
        let at = "usr/local/lib/luarocks/rocks-5.1/lapis/1.9.0-1/lapis-1.9.0-1.rockspec";
        check(&Rockspec, at, SPEC, "lapis 1.9.0-1 [MIT] -> lua-cjson, pgmoon\n");
        check(&Rockspec, at, b"\xff", "lapis 1.9.0-1\n");
        check(&Rockspec, "srv/lapis-1.9.0-1.rockspec", SPEC, "");
        check_total(&Rockspec, at);
    }

    #[test]
    fn locked_rocks() {
        let text = br#"return {
   dependencies = {
      ["lua-cjson"] = "2.1.0.10-1",
      lpeg = "1.0.2-1"
   },
   build_dependencies = { x = "1-1" }
}
"#;
        check(&Rockspec, "srv/luarocks.lock", text, "~ lpeg 1.0.2-1\n~ lua-cjson 2.1.0.10-1\n");
        check_total(&Rockspec, "luarocks.lock");
    }
}
