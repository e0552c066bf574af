//! Secrets: every rule against its samples, and what the engine does with them wherever they stand.

mod draw;
mod engine;
mod image;
mod leaks;
mod manual;
mod peers;
mod samples;

use assay_detect::secret::{Find, Hit, Scanner, SecretRule, rules};
use draw::Draw;
use samples::SAMPLES;
use std::collections::BTreeSet;

/// How often each sample is drawn.
const SEEDS: u64 = 12;

fn scanner() -> &'static Scanner {
    static SCANNER: std::sync::OnceLock<Scanner> = std::sync::OnceLock::new();
    SCANNER.get_or_init(|| Scanner::new(rules()))
}

fn rule(id: &str) -> &'static SecretRule {
    rules().find(|rule| rule.id == id).unwrap_or_else(|| panic!("there is no rule `{id}`"))
}

/// Scans a text as settings; what a rule for whole files looks at brings its own path.
fn hits(rule: &SecretRule, text: &[u8]) -> Vec<Hit> {
    if matches!(rule.find, Find::File(_)) {
        let end = text.iter().position(|byte| *byte == b'\n').unwrap();
        let path = std::str::from_utf8(&text[..end]).unwrap();
        return scanner().scan(path, &text[end + 1..].to_vec(), &mut |_| true).unwrap().hits;
    }
    scanner().scan("srv/app/.env", &text.to_vec(), &mut |_| true).unwrap().hits
}

#[test]
fn every_rule_finds_its_hits_and_not_its_near_misses() {
    let mut wrong = Vec::new();
    for sample in SAMPLES.iter().copied().flatten() {
        let rule = rule(sample.rule);
        for seed in 1..=SEEDS {
            for text in sample.hits {
                let drawn = Draw::new(seed).sample(text);
                let found: Vec<_> = hits(rule, &drawn).iter().map(|hit| hit.rule.id).collect();
                if found != [rule.id] {
                    wrong.push(format!(
                        "`{}` found as {found:?} in {}",
                        rule.id,
                        String::from_utf8_lossy(&drawn)
                    ));
                }
            }
            for text in sample.misses {
                let drawn = Draw::new(seed).sample(text);
                if hits(rule, &drawn).iter().any(|hit| hit.rule == rule) {
                    wrong.push(format!("`{}` finds {}", rule.id, String::from_utf8_lossy(&drawn)));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} of them:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn nothing_of_a_secret_is_in_what_is_said_about_it() {
    for sample in SAMPLES.iter().copied().flatten() {
        let rule = rule(sample.rule);
        for text in sample.hits {
            let mut draw = Draw::new(77);
            let drawn = draw.sample(text);
            let said = format!(
                "{:?}",
                hits(rule, &drawn).iter().map(|hit| (&hit.shown, &hit.name, &hit.member)).collect::<Vec<_>>()
            );
            for piece in draw.pieces.iter().filter(|piece| piece.len() >= 6) {
                let piece = String::from_utf8_lossy(piece);
                let parts =
                    piece.as_bytes().windows(6).map(|part| String::from_utf8_lossy(part).into_owned());
                for part in parts {
                    assert!(!said.contains(&part), "`{}` says {said}", rule.id);
                }
            }
        }
    }
}

#[test]
fn every_rule_has_samples_of_both_kinds() {
    let have: BTreeSet<_> = SAMPLES.iter().copied().flatten().map(|sample| sample.rule).collect();
    let all: BTreeSet<_> = rules().map(|rule| rule.id).collect();
    assert_eq!(have, all);
    assert_eq!(rules().count(), all.len(), "an identifier is used twice");
    for sample in SAMPLES.iter().copied().flatten() {
        assert!(!sample.hits.is_empty() && !sample.misses.is_empty(), "{}", sample.rule);
    }
}

#[test]
fn rules_are_written_as_their_readers_expect() {
    for rule in rules() {
        let id = rule.id;
        assert!(
            id.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-'),
            "{id}"
        );
        assert!(!rule.title.is_empty() && !rule.title.ends_with('.'), "{id}");
        assert!(!rule.rotate.is_empty() && !rule.rotate.ends_with('.'), "{id}");
        match rule.find {
            Find::Literal(literals) => assert!(literals.iter().all(|literal| literal.len() >= 4), "{id}"),
            Find::Start(literals) => assert!(literals.iter().all(|literal| literal.len() == 3), "{id}"),
            Find::TextLiteral(literals) => {
                assert!(literals.len() == 1 || literals.iter().all(|literal| literal.len() >= 4), "{id}");
            }
            Find::Assigned(words) => {
                assert!(words.iter().all(|word| *word == word.to_ascii_lowercase()), "{id}");
            }
            Find::Generic | Find::Password | Find::File(_) => {}
        }
    }
}

#[test]
fn every_kind_that_peers_recognise_has_a_rule() {
    for (peer, ours) in peers::PEERS {
        assert!(rules().any(|rule| rule.id == *ours), "`{peer}` should be found by `{ours}`");
    }
    assert!(peers::PEERS.is_sorted() && peers::PEERS.len() > 250);
}
