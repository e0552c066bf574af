//! Secrets in layers and image configurations, as the pass and the engine ask for them.

use super::image::in_image;
use super::scan::{Hit, Scanner};
use super::{rule, rules};
use crate::detector::{Description, Detector, Grouping};
use assay_analyze::{Analyzer, AnalyzerId, File, Select, Sink};
use assay_model::{Detail, Detection, FindingKind, Image, Inventory, Severity};
use std::collections::HashMap;
use std::sync::LazyLock;

/// Finds secrets.
pub(crate) const DETECTOR: Detector = Detector {
    kind: FindingKind::Secret,
    analyzers: &[&Secrets],
    of_image,
    describe,
    grouping: Grouping::ByPlace,
};

/// All rules, compiled when the first file is looked at.
static SCANNER: LazyLock<Scanner> = LazyLock::new(|| Scanner::new(rules()));

/// The detail that says why a secret counts little.
const CONTEXT: &str = "context";

/// Looks into every file.
struct Secrets;

impl Analyzer for Secrets {
    fn id(&self) -> AnalyzerId {
        AnalyzerId { name: "secrets", revision: 1 }
    }

    fn select(&self) -> &'static [Select] {
        &[Select::Any]
    }

    fn analyze(&self, file: &File<'_>, out: &mut Sink<'_>) {
        let found = match SCANNER.scan(file.path, file.content, &mut |bytes| out.expand(bytes)) {
            Ok(found) => found,
            Err(error) => return out.warn("unreadable-file", error.to_string()),
        };
        if let Some(reason) = &found.left_out {
            // The analyzers of packages say so of the archives that they understand; most of what is left is no archive at all.
            out.notice("archive-not-searched", format!("not all of it was searched for secrets: {reason}"));
        }
        if found.more {
            out.notice(
                "more-secrets",
                "it holds more of what looks like secrets than is reported of one file",
            );
        }
        let mut numbers = Numbers::default();
        for hit in &found.hits {
            let path =
                hit.member.as_ref().map(|member| format!("{}!/{member}", file.path)).unwrap_or_default();
            out.detection(numbers.detection(hit, path));
        }
    }
}

/// Numbers the findings of a rule in a file: what tells them apart must not be made from the secret.
#[derive(Default)]
struct Numbers(HashMap<(&'static str, String), u32>);

impl Numbers {
    fn detection(&mut self, hit: &Hit, path: String) -> Detection {
        let number = self.0.entry((hit.rule.id, path.clone())).or_default();
        *number += 1;
        let mut details = vec![Detail::new("match", &hit.shown)];
        if let Some(name) = &hit.name {
            details.push(Detail::new("assigned-to", name));
        }
        if hit.encoded {
            details.push(Detail::new("encoding", "base64"));
        }
        if hit.severity < hit.rule.severity {
            details.push(Detail::new(CONTEXT, "among tests or examples"));
        }
        Detection {
            path,
            line: hit.line,
            subject: number.to_string(),
            details,
            ..Detection::new(FindingKind::Secret, hit.rule.id)
        }
    }
}

/// Takes the secrets out of what an image says of itself: its environment, labels, command lines and build history.
pub fn redact(image: &mut Image) {
    super::image::redact(&SCANNER, image);
}

fn of_image(image: &Image, _: &Inventory) -> Vec<Detection> {
    let mut numbers = Numbers::default();
    let found = in_image(&SCANNER, image);
    found.into_iter().map(|found| numbers.detection(&found.hit, found.pointer)).collect()
}

fn describe(detection: &Detection) -> Option<Description> {
    let rule = rule(&detection.rule)?;
    let sample = detection.details.iter().any(|detail| detail.name == CONTEXT);
    Some(Description {
        title: rule.title.to_owned(),
        severity: if sample { rule.severity.min(Severity::Low) } else { rule.severity },
        remediation: rule.rotate.to_owned(),
        aliases: Vec::new(),
    })
}
