//! What the checks, the rules about malware and the policy about licences say of images made by other people's tools: a short list,
//! and nothing that is not so.

use crate::report::{corpus_report_of, list, text};
use std::collections::BTreeSet;

/// What may be said of a bare Debian, and of languages installed on it.
const EXPECTED: &[&str] = &[
    "image-root-user",
    "image-missing-healthcheck",
    "image-setuid",
    "image-package-cache",
    "image-end-of-life",
    "image-old-image",
];

#[test]
fn clean_images_give_a_short_list() {
    for name in ["debian-minimal", "python-app", "node-app", "java-app", "go-app"] {
        let Some(report) = corpus_report_of(name, "misconfiguration,malware,license") else { continue };
        let rules: BTreeSet<&str> = list(&report, "findings").iter().map(|one| text(one, "rule")).collect();
        let others: Vec<&&str> = rules.iter().filter(|rule| !EXPECTED.contains(rule)).collect();
        println!("{name}: {rules:?}");
        assert!(others.is_empty(), "{name}: {others:?}");
    }
}
