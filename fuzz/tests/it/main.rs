//! Every target on its seeds and on damaged ones: nothing panics, the same input says the same, and memory is bounded.

#![allow(clippy::indexing_slicing, clippy::print_stderr, reason = "helpers of tests are tests too")]

#[path = "../../memory.rs"]
mod memory;

use fuzz::mutate::{Dice, damage};
use fuzz::{MAX_INPUT, MEMORY_LIMIT, Target, targets};
use std::collections::HashSet;

/// Damaged inputs per target: the whole of it stays below half a minute.
const DAMAGED: usize = 200;

/// Says what was read when reading it panics.
struct Reading<'a>(&'a Target, &'a [u8]);

impl Drop for Reading<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{}: b\"{}\"", self.0.name, self.1.escape_ascii());
        }
    }
}

/// Reads an input twice and counts.
fn check(target: &Target, input: &[u8]) {
    let _reading = Reading(target, input);
    let held = memory::peak(|| target.run_twice(input));
    assert!(held <= MEMORY_LIMIT, "{}: {held} bytes were held for an input of {}", target.name, input.len());
}

/// Runs all targets whose number leaves this rest, so that tests run side by side.
fn survive(rest: usize) {
    for target in targets().iter().skip(rest).step_by(PARTS) {
        let seeds = target.seeds();
        let mut dice = Dice::new(&target.name);
        check(target, b"");
        for seed in &seeds {
            assert!(seed.len() <= MAX_INPUT, "{}: a seed has {} bytes", target.name, seed.len());
            check(target, seed);
        }
        for number in 0..DAMAGED {
            check(target, &damage(&seeds[number % seeds.len()], &mut dice));
        }
    }
}

const PARTS: usize = 4;

#[test]
fn any_damage_is_survived_1() {
    survive(0);
}

#[test]
fn any_damage_is_survived_2() {
    survive(1);
}

#[test]
fn any_damage_is_survived_3() {
    survive(2);
}

#[test]
fn any_damage_is_survived_4() {
    survive(3);
}

#[test]
fn targets_have_names_of_their_own_and_seeds() {
    let mut names = HashSet::new();
    for target in targets() {
        assert!(
            target.name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-.".contains(&byte)),
            "{}",
            target.name
        );
        assert!(!target.seeds().is_empty(), "{} has no seeds", target.name);
        assert!(names.insert(target.name.clone()), "two targets are called {}", target.name);
    }
}

#[test]
fn every_analyzer_and_feed_is_a_target() {
    let names: HashSet<String> = targets().into_iter().map(|target| target.name).collect();
    for analyzer in assay_engine::analyzers(&assay_model::FindingKind::ALL) {
        assert!(names.contains(&format!("analyzer-{}", analyzer.id().name)), "{}", analyzer.id().name);
    }
    for feed in assay_advisories::FEEDS {
        assert!(names.contains(&format!("feed-{}", feed.id())), "{}", feed.id());
    }
}

#[test]
fn what_is_held_is_counted() {
    let held = memory::peak(|| drop(std::hint::black_box(vec![1_u8; 5 << 20])));
    assert!((5 << 20..6 << 20).contains(&held), "{held}");
    assert!(memory::peak(|| ()) < 1000);
}
