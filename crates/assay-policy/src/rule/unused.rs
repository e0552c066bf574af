//! Packages that nothing uses: what is not there cannot be attacked.

use super::Rule;
use crate::define::{Field, Kind, Params};
use crate::facts::Facts;
use crate::reasons::Reasons;
use crate::synthetic;
use assay_model::{FindingKind, Severity, Usage};
use std::collections::BTreeSet;

/// What it takes.
const FIELDS: &[Field] = &[
    Field::or("max", Kind::Count, "0", "How many are accepted."),
    Field::or("vulnerableOnly", Kind::Truth, "false", "Counts only those with vulnerabilities."),
];

/// The rule.
pub(super) struct Unused;

impl Rule for Unused {
    fn id(&self) -> &'static str {
        "unused"
    }

    fn about(&self) -> &'static str {
        "No more packages than this that are shown not to be used."
    }

    fn schema(&self) -> &'static [Field] {
        FIELDS
    }

    fn evaluate(&self, params: &Params, _: &Facts<'_>, out: &mut Reasons<'_, '_>) {
        let accepted = params.count("max").unwrap_or_default();
        for (image, report) in out.reports() {
            let packages = &report.inventory.packages;
            if !packages.is_empty() && packages.iter().all(|package| package.usage == Usage::Unknown) {
                out.missing(
                    Some(image),
                    "which packages are used is not known",
                    "scan the image itself: a bill of materials does not show what is used",
                );
                continue;
            }
            let open = report.findings.iter().filter(|finding| finding.suppression.is_none());
            let vulnerable: BTreeSet<u32> = open
                .filter(|finding| finding.kind == FindingKind::Vulnerability)
                .filter_map(|finding| finding.package)
                .collect();
            let unused = (0..).zip(packages).filter(|(index, package)| {
                package.usage == Usage::Unused
                    && (!params.truth("vulnerableOnly") || vulnerable.contains(index))
            });
            let findings: Vec<_> = unused
                .map(|(index, package)| {
                    synthetic::of_package(
                        report,
                        index,
                        package,
                        (FindingKind::Misconfiguration, "package-unused", Severity::Low),
                        "nothing uses it".to_owned(),
                        format!("remove `{}` from the image", package.full_name()),
                    )
                })
                .collect();
            let counted: Vec<_> =
                findings.iter().filter(|finding| out.open(image, report, finding)).collect();
            if counted.len() as u64 > accepted {
                let message = format!(
                    "{} that nothing uses, accepted at most {accepted}",
                    synthetic::packages(counted.len())
                );
                out.findings(image, report, message, &counted);
            }
        }
    }
}
