//! Checks of images and systems, and what every check has in common, whatever it looks at: its identity and what it tells people.
//!
//! The manual's tables are made from these constants.

use crate::detector::{Description, Detector, Grouping, Options};
use assay_analyze::Analyzer;
use assay_model::{Detection, FindingKind, Image, Inventory, Severity};

pub mod accumulated;
pub mod file;
pub mod history;
pub mod image;
pub mod system;

/// One thing that should not be so, why, and what to do about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Check {
    /// Its identifier, which findings, ignore comments and policies name.
    pub id: &'static str,
    /// Names of the same thing in other tools: hadolint's, dockle's, Trivy's.
    pub aliases: &'static [&'static str],
    /// What is wrong, in a few words.
    pub title: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// Why it matters, in one sentence.
    pub why: &'static str,
    /// What to do, as one instruction: lower case, no full stop, as every remediation.
    pub fix: &'static str,
    /// The clause of a benchmark or standard that asks for it; empty when there is none.
    pub reference: &'static str,
}

impl Check {
    /// Returns whether `name` is its identifier or one of its aliases, in any case.
    pub fn is_called(&self, name: &str) -> bool {
        self.id.eq_ignore_ascii_case(name)
            || self.aliases.iter().any(|alias| alias.eq_ignore_ascii_case(name))
    }
}

/// Everything about misconfigurations.
pub const DETECTOR: Detector = Detector {
    kind: FindingKind::Misconfiguration,
    analyzers: &ANALYZERS,
    of_image,
    describe,
    grouping: Grouping::ByRule,
};

/// Who looks at files for it: each check of files, and what notes settings for the checks of systems.
const ANALYZERS: [&dyn Analyzer; file::CHECKS.len() + 1] = {
    let mut analyzers: [&dyn Analyzer; file::CHECKS.len() + 1] = [&system::Settings; file::CHECKS.len() + 1];
    let mut at = 0;
    while at < file::CHECKS.len() {
        #[expect(
            clippy::indexing_slicing,
            reason = "the loop ends at the shorter of both; it runs when this is compiled"
        )]
        {
            analyzers[at] = file::CHECKS[at];
        }
        at += 1;
    }
    analyzers
};

/// Returns every check that an image or system can fail, by where it looks.
pub fn checks() -> impl Iterator<Item = &'static Check> {
    let files = file::CHECKS.iter().map(|check| &check.check);
    let images = image::CHECKS.iter().map(|check| &check.check);
    let systems = system::CHECKS.iter().map(|check| &check.check);
    let histories = history::lints().map(|lint| &lint.check);
    files.chain(images).chain(histories).chain(systems).chain(std::iter::once(&accumulated::CHECK))
}

/// Returns the check of this identifier, or of this name elsewhere, wherever it looks: at images, systems or what they are made from.
pub fn by_name(name: &str) -> Option<&'static Check> {
    let lints = crate::lint::Kind::ALL.into_iter().flat_map(crate::lint::checks);
    checks().chain(lints).find(|check| check.is_called(name))
}

fn of_image(image: &Image, inventory: &Inventory, options: &Options) -> Vec<Detection> {
    let mut found = Vec::new();
    let seen = image::Seen { image, inventory, now: options.now };
    // A folder or a disk has no configuration that could be wrong.
    let is_image = !image.layers.is_empty();
    let of_any = |check: &&&image::ImageCheck| is_image || check.of_any_source();
    found.extend(image::CHECKS.iter().filter(of_any).flat_map(|check| check.run(&seen)));
    found.extend(history::of_image(image));
    if let Some(system) = system::System::of(image, inventory) {
        found.extend(system::CHECKS.iter().flat_map(|check| check.run(&system)));
    }
    found
}

fn describe(detection: &Detection) -> Option<Description> {
    let check = checks().find(|check| check.id == detection.rule)?;
    let mut aliases: Vec<String> = check.aliases.iter().map(|alias| (*alias).to_owned()).collect();
    if !check.reference.is_empty() {
        aliases.push(check.reference.to_owned());
    }
    Some(Description {
        title: check.title.to_owned(),
        severity: check.severity,
        remediation: check.fix.to_owned(),
        aliases,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn names_are_unique_and_texts_are_in_style() {
        let mut seen = BTreeSet::new();
        for check in checks() {
            assert!(seen.insert(check.id), "{} is there twice", check.id);
            assert!(
                !check.title.ends_with('.')
                    && check.why.ends_with('.')
                    && !check.fix.ends_with('.')
                    && !check.fix.starts_with(char::is_uppercase),
                "{}",
                check.id
            );
        }
    }

    #[test]
    fn what_is_only_noted_is_no_finding() {
        assert!(describe(&Detection::new(FindingKind::Misconfiguration, system::NOTED)).is_none());
        assert!(describe(&Detection::new(FindingKind::Misconfiguration, "image-setuid")).is_some());
    }
}
