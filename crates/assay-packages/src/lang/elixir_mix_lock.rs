//! `mix.lock`, written by Mix for Elixir projects (<https://hexdocs.pm/mix/Mix.Tasks.Deps.Get.html>): an Elixir map from
//! application to `{:hex, :package, "version", "checksum", [managers], [dependencies], "repository", "checksum"}`.
//!
//! A Git dependency has no version, only a commit, and is left out: what it is called says nothing about Hex. The lock does not
//! say which packages only development or tests need.

use super::lockfile::{self, Declared};
use super::tokens::{ELIXIR, Token, tokens};
use assay_analyze::{Analyzer, AnalyzerId, File, Select, Sink};
use assay_model::{Inventory, PackageKind};

/// `mix.lock`; links all Hex packages.
pub(super) struct MixLock;

impl Analyzer for MixLock {
    fn id(&self) -> AnalyzerId {
        AnalyzerId { name: "elixir-mix-lock", revision: 1 }
    }

    fn select(&self) -> &'static [Select] {
        &[Select::Name("mix.lock")]
    }

    fn analyze(&self, file: &File<'_>, out: &mut Sink<'_>) {
        let Some(text) = file.text(out) else { return };
        // `:` only marks atoms, and `%` the map.
        let mut tokens = tokens(&text, &ELIXIR);
        tokens.retain(|token| !token.is(':') && !token.is('%'));
        let mut declared = Declared::new(PackageKind::Hex);
        let mut current: Option<(String, String, Vec<String>)> = None;
        let mut rest = &tokens[..];
        while let Some((first, after)) = rest.split_first() {
            if let (Token::Sign('{'), Some(entry)) = (first, hex_entry(after)) {
                if let Some((name, version, requires)) = current.replace(entry) {
                    declared.add(&name, &version, requires, Vec::new());
                }
            } else if let (Token::Sign('{'), Some((_, _, requires))) = (first, &mut current) {
                requires.extend(dependency(after));
            }
            rest = after;
        }
        if let Some((name, version, requires)) = current {
            declared.add(&name, &version, requires, Vec::new());
        }
        declared.report(out);
        if !tokens.last().is_none_or(|token| token.is('}')) {
            out.warn("damaged-lockfile", "it can be read only in part: it does not end with `}`");
        }
    }

    fn link(&self, inventory: &mut Inventory) {
        lockfile::link(inventory, PackageKind::Hex);
    }
}

/// Reads `hex, name, "version"` behind the brace of an entry.
fn hex_entry(tokens: &[Token<'_>]) -> Option<(String, String, Vec<String>)> {
    match tokens {
        [Token::Word("hex"), Token::Sign(','), name, Token::Sign(','), Token::Text(version), ..] => {
            Some((name.name()?.to_owned(), version.to_string(), Vec::new()))
        }
        _ => None,
    }
}

/// Reads `name, "requirement", [hex: name, …, optional: false]` behind the brace of a dependency that is not optional.
fn dependency(tokens: &[Token<'_>]) -> Option<String> {
    let [_, Token::Sign(','), Token::Text(_), Token::Sign(','), Token::Sign('['), options @ ..] = tokens
    else {
        return None;
    };
    let options = options.split(|token| token.is(']')).next()?;
    let option = |key: &str| {
        let at = options.iter().position(|token| *token == Token::Word(key))?;
        options.get(at.checked_add(1)?)?.name()
    };
    (option("optional") != Some("true")).then(|| option("hex").map(str::to_owned))?
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lang::testing::{check, check_total};

    #[test]
    fn packages_of_hex_with_what_they_need() {
        check(
            &MixLock,
            "srv/shop/mix.lock",
            include_bytes!("../../testdata/elixir_mix_lock/shop/mix.lock"),
            "~ cowboy 2.9.0 -> cowlib, ranch\n~ cowlib 2.11.0\n~ plug_cowboy 2.5.2 -> cowboy\n~ ranch 1.8.0\n~ telemetry 1.1.0\n",
        );
    }

    #[test]
    fn damage_keeps_what_was_read() {
        let text = br#"%{ "a": {:hex, :"a", "1.0.0", "x", [:mix], [{:b, "~> 1.0", [hex: :b_, repo: "#;
        check(&MixLock, "mix.lock", text, "! damaged-lockfile\n~ a 1.0.0 -> b_\n");
        check(&MixLock, "mix.lock", b"%{\n}\n", "");
        check_total(&MixLock, "mix.lock");
    }
}
