//! Licences: what packages declare and what licence texts say, as SPDX expressions (<https://spdx.github.io/spdx-spec/v3.0.1/annexes/spdx-license-expressions/>),
//! with what each asks of whoever passes the software on.
//!
//! This sorts licences; it is no legal advice. Which classes are a finding is policy: [`Policy`].

use crate::detector::{Description, Detector, Grouping, Options};
use assay_analyze::{Analyzer, AnalyzerId, File, Select, Sink};
use assay_model::{Detection, FindingKind, Image, Inventory};

pub mod class;
pub mod expression;
mod name;
pub mod policy;
pub mod text;

pub use class::Class;
pub use expression::Expression;
pub use policy::Policy;

/// Everything about licences.
pub const DETECTOR: Detector = Detector {
    kind: FindingKind::License,
    analyzers: &[&LicenseTexts],
    of_image,
    describe,
    grouping: Grouping::ByRule,
};

fn of_image(_: &Image, inventory: &Inventory, options: &Options) -> Vec<Detection> {
    options.licenses.judge(inventory)
}

fn describe(detection: &Detection) -> Option<Description> {
    let (_, title, fix) = policy::RULES.iter().find(|(rule, ..)| *rule == detection.rule)?;
    let detail = |name: &str| {
        detection.details.iter().find(|detail| detail.name == name).map(|detail| detail.value.as_str())
    };
    Some(Description {
        title: format!("{}: {title}", detection.subject),
        severity: detail("severity").and_then(|severity| severity.parse().ok()).unwrap_or_default(),
        remediation: (*fix).to_owned(),
        aliases: Vec::new(),
    })
}

/// Reads licence files.
#[derive(Debug)]
pub struct LicenseTexts;

impl Analyzer for LicenseTexts {
    fn id(&self) -> AnalyzerId {
        AnalyzerId { name: "license-text", revision: 1 }
    }

    fn select(&self) -> &'static [Select] {
        &[
            Select::NameAffixes("LICENSE", ""),
            Select::NameAffixes("LICENCE", ""),
            Select::NameAffixes("License", ""),
            Select::NameAffixes("license", ""),
            Select::NameAffixes("COPYING", ""),
            Select::Name("UNLICENSE"),
        ]
    }

    fn analyze(&self, file: &File<'_>, out: &mut Sink<'_>) {
        // Code about licences is named so too.
        let name = assay_model::path::file_name(file.path);
        let suffix = name.rsplit_once('.').map_or("", |(_, suffix)| suffix).to_ascii_lowercase();
        let is_text = !matches!(
            suffix.as_str(),
            "js" | "ts"
                | "py"
                | "pyc"
                | "go"
                | "rs"
                | "rb"
                | "json"
                | "class"
                | "java"
                | "so"
                | "php"
                | "html"
                | "css"
                | "png"
                | "gz"
        );
        let len = file.content.len();
        if !is_text
            || len > u64::try_from(text::TEXT_LIMIT).unwrap_or_default()
            || file.path.starts_with("usr/share/")
        {
            return;
        }
        let Some(content) = file.text(out) else { return };
        let expressions = text::of(&content);
        if expressions.is_empty() {
            return;
        }
        // One file with several texts holds them all.
        let texts: Vec<String> = expressions.iter().map(ToString::to_string).collect();
        if let Some(expression) = Expression::read_all(&texts, false) {
            let mut detection = Detection::new(FindingKind::License, policy::TEXT_RULE);
            detection.subject = expression.to_string();
            out.detection(detection);
        }
    }
}
