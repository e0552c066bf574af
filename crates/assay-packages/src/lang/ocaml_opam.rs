//! OCaml packages: a switch's state, `.opam-switch/switch-state`, with what is installed
//! (<https://opam.ocaml.org/doc/Manual.html#Switches>), and `*.opam.locked` of `opam lock`.

use super::lockfile::Declared;
use super::tokens::{OPAM, Token, tokens};
use assay_analyze::{Analyzer, AnalyzerId, File, Select, Sink};
use assay_model::{Package, PackageKind};

/// Installed and locked OCaml packages.
pub(super) struct Opam;

impl Analyzer for Opam {
    fn id(&self) -> AnalyzerId {
        AnalyzerId { name: "ocaml-opam", revision: 1 }
    }

    fn select(&self) -> &'static [Select] {
        &[Select::Suffix(".opam-switch/switch-state"), Select::Suffix(".opam.locked")]
    }

    fn analyze(&self, file: &File<'_>, out: &mut Sink<'_>) {
        let Some(text) = file.text(out) else { return };
        let tokens = tokens(&text, &OPAM);
        if file.name() == "switch-state" {
            for identity in list(&tokens, "installed") {
                // Names hold no dots, versions do.
                if let Token::Text(identity) = identity
                    && let Some((name, version)) = identity.split_once('.')
                {
                    out.package(Package::new(PackageKind::Opam, name, version));
                }
            }
            return;
        }
        let mut declared = Declared::new(PackageKind::Opam);
        // `"base" {= "v0.16.3" & build}`
        let list: Vec<&Token<'_>> = list(&tokens, "depends").collect();
        for window in list.windows(4) {
            if let [Token::Text(name), Token::Sign('{'), Token::Sign('='), Token::Text(version)] = window {
                declared.add(name, version, [], Vec::new());
            }
        }
        declared.report(out);
    }
}

/// Returns the tokens of the list that the field `name` holds.
fn list<'a, 'b>(tokens: &'a [Token<'b>], name: &'static str) -> impl Iterator<Item = &'a Token<'b>> {
    let starts = [Token::Word(name), Token::Sign(':'), Token::Sign('[')];
    let start = tokens.windows(3).position(|window| window == starts);
    let list = start.and_then(|start| tokens.get(start.checked_add(3)?..)).unwrap_or_default();
    list.iter().take_while(|token| !token.is(']'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lang::testing::{check, check_total};

    #[test]
    fn a_switch() {
        let text = br#"opam-version: "2.0"
compiler: ["ocaml-base-compiler.4.14.1"]
roots: ["dune.3.12.1"]
installed: [
  "base-bigarray.base"
  "dune.3.12.1"
  "ocaml-base-compiler.4.14.1"
]
pinned: "own.dev"
"#;
        let at = "home/opam/.opam/default/.opam-switch/switch-state";
        check(&Opam, at, text, "base-bigarray base\ndune 3.12.1\nocaml-base-compiler 4.14.1\n");
        check_total(&Opam, at);
    }

    #[test]
    fn a_lock() {
        let text = br#"opam-version: "2.0"
name: "shop"
depends: [
  "base" {= "v0.16.3"}
  "dune" {= "3.12.1" & build}
  "odoc" {with-doc}
]
depopts: [ "x" {= "1.0"} ]
"#;
        check(&Opam, "srv/shop.opam.locked", text, "~ base v0.16.3\n~ dune 3.12.1\n");
        check_total(&Opam, "x.opam.locked");
    }
}
