//! Licences of packages, as SPDX expressions: of `A OR B` one that is accepted is enough, of `A AND B` both have to be.

use super::Rule;
use crate::define::{Field, Kind, Params};
use crate::facts::Facts;
use crate::reasons::Reasons;
use crate::synthetic;
use assay_detect::license::{Class, policy};
use assay_model::{FindingKind, Severity};

const CLASSES: &[&str] =
    &["permissive", "weak-copyleft", "strong-copyleft", "network-copyleft", "proprietary", "unknown"];

/// What it takes.
const FIELDS: &[Field] = &[
    Field::optional(
        "allow",
        Kind::List(&Kind::Text),
        "The only licences that are accepted, by SPDX identifier.",
    ),
    Field::optional("deny", Kind::List(&Kind::Text), "Licences that are not accepted."),
    Field::optional(
        "denyClasses",
        Kind::List(&Kind::Word(CLASSES)),
        "Classes of licences that are not accepted, unless `allow` names the licence.",
    ),
    Field::or(
        "denyMissing",
        Kind::Truth,
        "false",
        "Whether a package that names no licence is not accepted either.",
    ),
    Field::or("system", Kind::Truth, "false", "Whether packages of the distribution count."),
];

/// The rule.
pub(super) struct Licenses;

impl Rule for Licenses {
    fn id(&self) -> &'static str {
        "licenses"
    }

    fn about(&self) -> &'static str {
        "Every package can be used under licences that are allowed and not denied."
    }

    fn schema(&self) -> &'static [Field] {
        FIELDS
    }

    fn check(&self, params: &Params) -> Result<(), String> {
        let lists = ["allow", "deny", "denyClasses"];
        if lists.iter().all(|name| params.list(name).is_empty()) && !params.truth("denyMissing") {
            return Err("asks for nothing: give `allow`, `deny` or `denyClasses`".to_owned());
        }
        Ok(())
    }

    fn evaluate(&self, params: &Params, _: &Facts<'_>, out: &mut Reasons<'_, '_>) {
        let (allow, deny, classes) =
            (params.texts("allow"), params.texts("deny"), params.texts("denyClasses"));
        let listed = |list: &[&str], id: &str| list.iter().any(|name| name.eq_ignore_ascii_case(id));
        let forbidden = |id: &str| {
            listed(&deny, id)
                || !listed(&allow, id)
                    && (classes.contains(&Class::of(id, None).name())
                        || !allow.is_empty() && classes.is_empty())
        };
        for (image, report) in out.reports_of(FindingKind::License) {
            let mut findings = Vec::new();
            for (index, package) in (0..).zip(&report.inventory.packages) {
                if package.kind.is_os() && !params.truth("system") {
                    continue;
                }
                let why = match policy::of(package, &report.inventory) {
                    Some(expression) if expression.can_avoid(&forbidden) => continue,
                    Some(expression) => format!("{expression} is not accepted"),
                    None if params.truth("denyMissing") => "it names no licence".to_owned(),
                    None => continue,
                };
                findings.push(synthetic::of_package(
                    report,
                    index,
                    package,
                    (FindingKind::License, "license-not-accepted", Severity::High),
                    why,
                    format!("replace `{}`, or accept its licence in the policy", package.full_name()),
                ));
            }
            let counted: Vec<_> =
                findings.iter().filter(|finding| out.open(image, report, finding)).collect();
            if !counted.is_empty() {
                let message =
                    format!("{} under licences that are not accepted", synthetic::packages(counted.len()));
                out.findings(image, report, message, &counted);
            }
        }
    }
}
