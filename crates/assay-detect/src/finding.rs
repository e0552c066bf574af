//! From detections to findings: grouped, described, with fingerprints and priorities.

use crate::detector::{DETECTORS, Description, Detector, Grouping};
use assay_model::finding::Decision;
use assay_model::{Detail, Detection, Finding, FindingKind, FixState, Image, Place, Priority, Severity};
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;

/// The most places that one finding names; the others are counted.
const MAX_PLACES: usize = 100;

/// What belongs into one finding: kind, rule, path (empty when places do not matter) and subject.
type Key<'a> = (FindingKind, &'a str, &'a str, &'a str);

/// Makes findings of detections, by the rules of the given kinds' detectors, in a defined order.
pub fn findings(kinds: &[FindingKind], detections: &[Detection], image: &Image) -> Vec<Finding> {
    let mut groups: BTreeMap<Key<'_>, Vec<&Detection>> = BTreeMap::new();
    for detection in detections.iter().filter(|detection| kinds.contains(&detection.kind)) {
        let Some(detector) = detector(detection.kind) else { continue };
        let path = match detector.grouping {
            Grouping::ByPlace => detection.path.as_str(),
            Grouping::ByRule => "",
        };
        groups
            .entry((detection.kind, &detection.rule, path, &detection.subject))
            .or_default()
            .push(detection);
    }
    groups
        .into_iter()
        .filter_map(|(key, detections)| {
            let first = detections.first()?;
            let description = (detector(first.kind)?.describe)(first)?;
            Some(finding(key, &detections, description, image))
        })
        .collect()
}

fn detector(kind: FindingKind) -> Option<&'static Detector> {
    DETECTORS.iter().find(|detector| detector.kind == kind)
}

fn finding(key: Key<'_>, detections: &[&Detection], description: Description, image: &Image) -> Finding {
    let (kind, rule, path, subject) = key;
    let mut places: Vec<Place> = detections
        .iter()
        .map(|one| Place { path: one.path.clone(), line: one.line, layer: one.layer })
        .collect();
    places.sort();
    places.dedup();
    let mut details: Vec<Detail> = Vec::new();
    for detail in detections.iter().flat_map(|one| &one.details) {
        if details.len() < MAX_PLACES && !details.contains(detail) {
            details.push(detail.clone());
        }
    }
    // Whoever deletes a file in a later layer believes that it is gone.
    for one in detections {
        if let (Some(layer), Some(by)) = (one.layer, one.hidden_by) {
            let instruction = image.layers.get(by as usize).and_then(|layer| layer.created_by.as_deref());
            let instruction = instruction.map(|text| format!(" ({text})")).unwrap_or_default();
            let value =
                format!("layer {} still carries it; layer {}{instruction} only hides it", layer + 1, by + 1);
            let detail = Detail::new("hidden", value);
            if !details.contains(&detail) {
                details.push(detail);
            }
        }
    }
    if let Some(more) = places.len().checked_sub(MAX_PLACES).filter(|more| *more > 0) {
        places.truncate(MAX_PLACES);
        details.push(Detail::new("more-places", more.to_string()));
    }
    let (priority, decision) = priority(kind, description.severity);
    Finding {
        id: fingerprint(kind, rule, path, subject),
        kind,
        rule: rule.to_owned(),
        aliases: description.aliases,
        title: description.title,
        severity: description.severity,
        severity_source: "assay".to_owned(),
        cvss: Vec::new(),
        epss: None,
        kev: None,
        exploit: false,
        priority: Some(priority),
        priority_path: vec![decision],
        package: None,
        fix: FixState::Unknown,
        fixed_versions: Vec::new(),
        locations: places,
        in_base: None,
        evidence: Vec::new(),
        details,
        remediation: description.remediation,
        suppression: None,
    }
}

/// A fingerprint survives rescans and other layers; it holds nothing of what was found, which may be a secret.
fn fingerprint(kind: FindingKind, rule: &str, path: &str, subject: &str) -> String {
    let hash = Sha256::digest(format!("{kind}\n{rule}\n{path}\n{subject}"));
    hash.iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

/// Says how urgent it is: there is no exploit to wait for, so kind and severity decide.
fn priority(kind: FindingKind, severity: Severity) -> (Priority, Decision) {
    let worst = severity >= Severity::High;
    let (priority, reason) = match kind {
        FindingKind::Malware => {
            (Priority::Act, "software made to do harm is at work as soon as the image runs")
        }
        FindingKind::Secret if worst => {
            (Priority::Act, "whoever can pull the image has the credential, until it is replaced")
        }
        FindingKind::Secret if severity == Severity::Medium => {
            (Priority::Attend, "whoever can pull the image has what looks like a credential")
        }
        FindingKind::Misconfiguration if worst => {
            (Priority::Attend, "it makes an attack easier, and nothing needs to be released first to mend it")
        }
        FindingKind::Misconfiguration if severity == Severity::Medium => {
            (Priority::TrackClosely, "it makes an attack easier that has another cause")
        }
        FindingKind::License if worst => (Priority::TrackClosely, "the policy forbids the licence"),
        FindingKind::Secret
        | FindingKind::Misconfiguration
        | FindingKind::License
        | FindingKind::Vulnerability => (Priority::Track, "it does no harm by itself"),
    };
    (priority, Decision { point: "kind".into(), value: kind.name().into(), reason: reason.to_owned() })
}
