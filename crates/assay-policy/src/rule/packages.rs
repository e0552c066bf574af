//! Packages that must not be there, and those that must.

use super::Rule;
use crate::define::{Field, Kind, Params};
use crate::exception::names_of;
use crate::facts::Facts;
use crate::pattern;
use crate::reasons::Reasons;
use crate::synthetic;
use assay_model::{FindingKind, Severity};

/// What it takes.
const FIELDS: &[Field] = &[
    Field::optional(
        "forbid",
        Kind::List(&Kind::Pattern),
        "Packages that must not be there: names, `name@version`, or package URLs.",
    ),
    Field::optional("require", Kind::List(&Kind::Pattern), "Packages that must be."),
];

/// The rule.
pub(super) struct Packages;

impl Rule for Packages {
    fn id(&self) -> &'static str {
        "packages"
    }

    fn about(&self) -> &'static str {
        "None of the forbidden packages is there, and all of the required ones are."
    }

    fn schema(&self) -> &'static [Field] {
        FIELDS
    }

    fn check(&self, params: &Params) -> Result<(), String> {
        if params.list("forbid").is_empty() && params.list("require").is_empty() {
            return Err("asks for nothing: give `forbid` or `require`".to_owned());
        }
        Ok(())
    }

    fn evaluate(&self, params: &Params, _: &Facts<'_>, out: &mut Reasons<'_, '_>) {
        let (forbidden, required) = (params.texts("forbid"), params.texts("require"));
        for (image, report) in out.reports() {
            let mut findings = Vec::new();
            let mut missing = required.clone();
            for (index, package) in (0..).zip(&report.inventory.packages) {
                let names = names_of(package, report);
                missing.retain(|pattern| !names.iter().any(|name| pattern::matches(pattern, name)));
                if names.iter().any(|name| pattern::any(&forbidden, name)) {
                    findings.push(synthetic::of_package(
                        report,
                        index,
                        package,
                        (FindingKind::Misconfiguration, "package-forbidden", Severity::High),
                        "the policy forbids it".to_owned(),
                        format!("remove `{}` from the image", package.full_name()),
                    ));
                }
            }
            let counted: Vec<_> =
                findings.iter().filter(|finding| out.open(image, report, finding)).collect();
            if !counted.is_empty() {
                let message = format!("{} that must not be there", synthetic::packages(counted.len()));
                out.findings(image, report, message, &counted);
            }
            if !missing.is_empty() {
                let list = missing.join("`, `");
                out.violation(
                    Some(image),
                    format!("there is no package `{list}`"),
                    format!("install `{list}` in the image"),
                );
            }
        }
    }
}
