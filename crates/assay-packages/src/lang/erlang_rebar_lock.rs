//! `rebar.lock`, written by rebar3 for Erlang projects (<https://rebar3.org/docs/configuration/dependencies/#lock-files>):
//! Erlang terms `{<<"application">>, {pkg, <<"package">>, <<"version">>}, depth}`, with hashes behind them.
//!
//! Git dependencies have no version, and are left out. It does not say what depends on what.

use super::lockfile::Declared;
use super::tokens::{ERLANG, Token, tokens};
use assay_analyze::{Analyzer, AnalyzerId, File, Select, Sink};
use assay_model::PackageKind;

/// `rebar.lock`; [`MixLock`](super::elixir_mix_lock::MixLock) links it.
pub(super) struct RebarLock;

impl Analyzer for RebarLock {
    fn id(&self) -> AnalyzerId {
        AnalyzerId { name: "erlang-rebar-lock", revision: 1 }
    }

    fn select(&self) -> &'static [Select] {
        &[Select::Name("rebar.lock")]
    }

    fn analyze(&self, file: &File<'_>, out: &mut Sink<'_>) {
        let Some(text) = file.text(out) else { return };
        let mut tokens = tokens(&text, &ERLANG);
        // `<<"…">>` is how Erlang writes a text as bytes.
        tokens.retain(|token| !token.is('<') && !token.is('>'));
        let mut declared = Declared::new(PackageKind::Hex);
        for window in tokens.windows(6) {
            if let [
                Token::Sign('{'),
                Token::Word("pkg"),
                Token::Sign(','),
                Token::Text(name),
                Token::Sign(','),
                Token::Text(version),
            ] = window
            {
                declared.add(name, version, [], Vec::new());
            }
        }
        declared.report(out);
        if tokens.last().is_some_and(|token| *token != Token::Word(".")) {
            out.warn("damaged-lockfile", "it can be read only in part: its last term does not end");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lang::testing::{check, check_total};

    const LOCK: &[u8] = br#"{"1.2.0",
[{<<"cowboy">>,{pkg,<<"cowboy">>,<<"2.9.0">>},0},
 {<<"mine">>,
  {git,"https://git.example/mine.git",
       {ref,"0c2f4b2bd1e9b1ff3e6e4f2b0a4c8b2f7d6e5a41"}},
  0},
 {<<"ranch">>,{pkg,<<"ranch_">>,<<"1.8.0">>},1}]}.
[
{pkg_hash,[
 {<<"cowboy">>, <<"865DD8B6607E14CF03282E10E934023A1BD8BE6F6BACF921A7E2A96D800CD203">>},
 {<<"ranch">>, <<"8C7A100A139FD57F17327B6413E4167AC559FBC04CA7448E9BE9057311597A1D">>}]}
].
"#;

    #[test]
    fn packages_of_hex() {
        check(&RebarLock, "rebar.lock", LOCK, "~ cowboy 2.9.0\n~ ranch_ 1.8.0\n");
        check(&RebarLock, "rebar.lock", b"[].\n", "");
    }

    #[test]
    fn damage_keeps_what_was_read() {
        let damaged = LOCK.get(..80).unwrap();
        check(&RebarLock, "rebar.lock", damaged, "! damaged-lockfile\n~ cowboy 2.9.0\n");
        check_total(&RebarLock, "rebar.lock");
    }
}
