//! Applications of Erlang and Elixir as they are installed: `ebin/<name>.app`, an Erlang term
//! `{application, name, [{vsn, "1.0"}, …]}` (<https://www.erlang.org/doc/apps/kernel/app.html>).
//!
//! Nearly all come from Hex, and are named as there. What is part of Erlang/OTP says so by `runtime_dependencies`, which only
//! OTP's own build writes; the few applications of Elixir itself are known by name. A release's own application looks like
//! any other: it is reported, too.

use super::tokens::{ERLANG, Token, tokens};
use assay_analyze::{Analyzer, AnalyzerId, File, Select, Sink};
use assay_model::{Inventory, Package, PackageKind, path};

/// Installed applications.
pub(super) struct ErlangApp;

/// What comes with Elixir, by its source tree (`lib/`).
const OF_ELIXIR: [&str; 6] = ["eex", "elixir", "ex_unit", "iex", "logger", "mix"];

/// The largest file that is read: with some hundred modules, the longest have some ten thousand bytes.
const APP_LIMIT: u64 = 4 << 20;

impl Analyzer for ErlangApp {
    fn id(&self) -> AnalyzerId {
        AnalyzerId { name: "erlang-app", revision: 1 }
    }

    fn select(&self) -> &'static [Select] {
        &[Select::Within("ebin/", ".app")]
    }

    fn analyze(&self, file: &File<'_>, out: &mut Sink<'_>) {
        if path::file_name(path::parent(file.path)) != "ebin" {
            return;
        }
        let Some(bytes) = file.bytes(APP_LIMIT, out) else { return };
        let text = String::from_utf8_lossy(&bytes);
        let tokens = tokens(&text, &ERLANG);
        match application(&tokens) {
            Some(package) => out.package(package),
            None => out.warn("damaged-package-metadata", "it is no application with a name and a version"),
        }
    }

    /// Connects applications of one installation: `lib/<name>-<version>/ebin/<name>.app`.
    fn link(&self, inventory: &mut Inventory) {
        inventory.link_by_name(
            |package| {
                matches!(package.kind, PackageKind::Hex | PackageKind::Otp)
                    && package.locations.iter().any(|location| location.path.ends_with(".app"))
            },
            |package| vec![package.name.clone()],
            |package| {
                let place = package.locations.first().map_or("", |location| location.path.as_str());
                path::parent(path::parent(path::parent(place))).to_owned()
            },
            str::to_owned,
        );
    }
}

/// Reads `{application, name, [{key, value}, …]}`.
fn application(tokens: &[Token<'_>]) -> Option<Package> {
    let [Token::Sign('{'), Token::Word("application"), Token::Sign(','), name, rest @ ..] = tokens else {
        return None;
    };
    let name = name.name()?;
    let (mut version, mut requires, mut licenses) = (None, Vec::new(), Vec::new());
    let mut kind = if OF_ELIXIR.contains(&name) { PackageKind::Otp } else { PackageKind::Hex };
    let mut depth = 0_usize;
    for (at, token) in rest.iter().enumerate() {
        match token {
            Token::Sign('[' | '{') => depth = depth.saturating_add(1),
            Token::Sign(']' | '}') => depth = depth.saturating_sub(1),
            _ => {}
        }
        // Its own settings are tuples of the outer list; what lies deeper is its configuration (`env`).
        let (2, Some([Token::Sign('{'), Token::Word(key), Token::Sign(','), value @ ..])) =
            (depth, rest.get(at..))
        else {
            continue;
        };
        match *key {
            "vsn" => version = version.or_else(|| value.first()?.name().map(str::to_owned)),
            "applications" => requires.extend(names(value)),
            "licenses" => licenses.extend(names(value)),
            "runtime_dependencies" => kind = PackageKind::Otp,
            _ => {}
        }
    }
    let mut package = Package::new(kind, name, version.filter(|version| !version.is_empty())?);
    requires.sort_unstable();
    requires.dedup();
    (package.requires, package.licenses) = (requires, licenses);
    Some(package)
}

/// Returns the names in a flat list.
fn names(value: &[Token<'_>]) -> impl Iterator<Item = String> {
    let list = value.strip_prefix(&[Token::Sign('[')]).unwrap_or_default();
    list.iter()
        .take_while(|token| !matches!(token, Token::Sign(']' | '{' | '[')))
        .filter_map(|token| token.name().map(str::to_owned))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lang::testing::{check, check_total, run};
    use assay_analyze::Fact;

    const APP: &[u8] = include_bytes!("../../testdata/erlang_app/cowboy/cowboy.app");

    #[test]
    fn applications() {
        let at = "opt/shop/lib/cowboy-2.9.0/ebin/cowboy.app";
        check(&ErlangApp, at, APP, "cowboy 2.9.0 [ISC] -> cowlib, crypto, kernel, ranch, stdlib\n");
        check(&ErlangApp, "opt/cowboy.app", APP, "");
    }

    #[test]
    fn what_belongs_to_erlang_and_elixir_is_not_from_hex() {
        for (text, kind) in [
            ("{application,ssl,[{vsn,\"10.8\"},{runtime_dependencies,[\"erts-13.0\"]}]}.", PackageKind::Otp),
            ("{application,mix,[{vsn,\"1.14.0\"}]}.", PackageKind::Otp),
            ("{application,mixer,[{env,[{vsn,\"9\"}]},{vsn,\"1.0\"}]}.", PackageKind::Hex),
        ] {
            let facts = run(&ErlangApp, "lib/x/ebin/x.app", text.as_bytes());
            let fact = &facts.paths["lib/x/ebin/x.app"].facts[0];
            let Fact::Package(package) = fact else { panic!("{text}") };
            assert_eq!((package.kind, package.version == "9"), (kind, false), "{text}");
        }
    }

    #[test]
    fn damage_is_said() {
        let at = "x/ebin/x.app";
        check(&ErlangApp, at, b"{application, x, [{description, \"", "! damaged-package-metadata\n");
        check(&ErlangApp, at, b"{application, x, [{vsn, \"1\"}, {applicat", "x 1\n");
        check_total(&ErlangApp, at);
    }
}
