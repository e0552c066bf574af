//! Packages that no feed speaks about are unassessed, never clean.

use super::Rule;
use crate::define::{Field, Kind, Params};
use crate::facts::Facts;
use crate::pattern;
use crate::reasons::Reasons;
use assay_model::report::CoverageState;

/// What it takes.
const FIELDS: &[Field] = &[
    Field::or("maxUnassessed", Kind::Count, "0", "How many packages may be unassessed."),
    Field::or(
        "stale",
        Kind::Truth,
        "false",
        "Whether feeds will do whose data is old against the rest of the database.",
    ),
    Field::optional("ignore", Kind::List(&Kind::Pattern), "Ecosystems that need no coverage."),
];

/// The rule.
pub(super) struct Coverage;

impl Rule for Coverage {
    fn id(&self) -> &'static str {
        "coverage"
    }

    fn about(&self) -> &'static str {
        "Every ecosystem with packages in the image is covered by a feed. It holds in every policy, with its defaults."
    }

    fn schema(&self) -> &'static [Field] {
        FIELDS
    }

    fn implied(&self) -> bool {
        true
    }

    fn evaluate(&self, params: &Params, _: &Facts<'_>, out: &mut Reasons<'_, '_>) {
        let ignored = params.texts("ignore");
        let accepted = params.count("maxUnassessed").unwrap_or_default();
        for (image, report) in out.reports() {
            let (mut unassessed, mut none, mut stale) = (0u64, Vec::new(), Vec::new());
            for one in report.coverage.iter().filter(|one| one.packages > 0) {
                let name = one.ecosystem.as_ref().map_or_else(|| one.label.clone(), ToString::to_string);
                if pattern::any(&ignored, &name) {
                    continue;
                }
                match one.state {
                    CoverageState::Covered => {}
                    CoverageState::Stale => stale.push(name),
                    CoverageState::None => {
                        unassessed = unassessed.saturating_add(one.packages);
                        none.push(format!("{name} ({})", one.packages));
                    }
                }
            }
            if unassessed > accepted {
                out.missing(
                    Some(image),
                    format!("{} unassessed: no feed covers {}", packages(unassessed), none.join(", ")),
                    // What has no version cannot be looked up in any database.
                    if none.iter().all(|one| one.contains("without a comparable version")) {
                        "build them with a version, or name them under `ignore` of the rule `coverage`"
                    } else {
                        "fetch a database with feeds for them: `assay db update`"
                    },
                );
            }
            if !stale.is_empty() && !params.truth("stale") {
                out.stale(
                    image,
                    format!("the data about {} is stale", stale.join(", ")),
                    "fetch it again: `assay db update`",
                );
            }
        }
    }
}

fn packages(count: u64) -> String {
    if count == 1 { "1 package is".to_owned() } else { format!("{count} packages are") }
}
