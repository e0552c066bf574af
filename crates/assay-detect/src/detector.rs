//! The detectors: one for each kind of finding that content gives rise to, and the list of them all.

use assay_analyze::Analyzer;
use assay_model::{Detection, FindingKind, Image, Inventory, Severity};

/// How detections of one rule become findings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grouping {
    /// One finding for each path and subject: what is to be done differs from place to place.
    ByPlace,
    /// One finding for each rule and subject, with all its places: what is to be done is the same everywhere.
    ByRule,
}

/// What a rule says to users about what it found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Description {
    /// One line for people.
    pub title: String,
    /// How bad it is.
    pub severity: Severity,
    /// What to do, as one instruction.
    pub remediation: String,
    /// The same rule's identifiers elsewhere: CIS controls, other tools' numbers.
    pub aliases: Vec<String>,
}

/// Everything about one kind of finding.
pub struct Detector {
    /// The kind.
    pub kind: FindingKind,
    /// Who looks at files for it.
    pub analyzers: &'static [&'static dyn Analyzer],
    /// Looks at an image's configuration and history, and at the inventory as a whole.
    pub of_image: fn(&Image, &Inventory) -> Vec<Detection>,
    /// Says what a detection of this kind means; `None` for a rule that is no longer known.
    pub describe: fn(&Detection) -> Option<Description>,
    /// How its detections become findings.
    pub grouping: Grouping,
}

impl std::fmt::Debug for Detector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Detector").field(&self.kind).finish()
    }
}

/// Every detector, in the order of their kinds.
pub const DETECTORS: &[Detector] = &[crate::secret::DETECTOR];

/// Returns those who look at files for findings of these kinds.
pub fn analyzers(kinds: &[FindingKind]) -> impl Iterator<Item = &'static dyn Analyzer> {
    let wanted = DETECTORS.iter().filter(|detector| kinds.contains(&detector.kind));
    wanted.flat_map(|detector| detector.analyzers.iter().copied())
}

/// Returns what an image's configuration, its history and its inventory as a whole give away, of these kinds.
pub fn of_image(kinds: &[FindingKind], image: &Image, inventory: &Inventory) -> Vec<Detection> {
    let wanted = DETECTORS.iter().filter(|detector| kinds.contains(&detector.kind));
    wanted.flat_map(|detector| (detector.of_image)(image, inventory)).collect()
}
