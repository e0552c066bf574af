//! Which licences are a finding, and how bad: the user's to say, with a default that does not drown anybody.
//!
//! By default packages of the distribution are left out: each is a work of its own, which the distribution passes on, and a base
//! image would alone give hundreds of findings. Of the libraries of languages, those that bring their licence into the work
//! are told: network copyleft and non-free ones as medium, strong copyleft as low. What is permissive, weak or not known is
//! listed in the report of packages, and a finding only when the policy says so.

use super::class::Class;
use super::expression::Expression;
use assay_model::{Detail, Detection, FindingKind, Inventory, Package, PackageKind, Severity};
use std::collections::BTreeMap;

/// What a user wants to be told about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// The severity of each class that is a finding.
    pub classes: BTreeMap<Class, Severity>,
    /// Licences that are never a finding, by SPDX identifier.
    pub allow: Vec<String>,
    /// Licences that always are, as high, unless another may be chosen.
    pub deny: Vec<String>,
    /// Whether packages of the distribution count.
    pub system: bool,
    /// The licence of the user's own work, which those of what it links must not contradict.
    pub project: Option<Expression>,
}

impl Default for Policy {
    fn default() -> Self {
        let classes = [
            (Class::StrongCopyleft, Severity::Low),
            (Class::NetworkCopyleft, Severity::Medium),
            (Class::Proprietary, Severity::Medium),
        ];
        Self {
            classes: classes.into_iter().collect(),
            allow: Vec::new(),
            deny: Vec::new(),
            system: false,
            project: None,
        }
    }
}

/// The rules of findings, with what they say.
pub const RULES: &[(&str, &str, &str)] = &[
    (
        "license-denied",
        "a licence that the policy forbids",
        "replace the package, or take its licence out of `licenses.deny`",
    ),
    (
        "license-conflict",
        "licences that contradict each other",
        "replace one of the packages, or ask its authors for another licence",
    ),
    ("license-permissive", "a permissive licence", "keep its notice with what you pass on"),
    (
        "license-weak-copyleft",
        "a licence with weak copyleft",
        "pass on the source of the licensed files with your changes to them",
    ),
    (
        "license-strong-copyleft",
        "a licence with strong copyleft",
        "replace the package, or pass on the source of the whole work under its licence",
    ),
    (
        "license-network-copyleft",
        "a licence with network copyleft",
        "replace the package, or offer the source of the whole work to all who use it over a network",
    ),
    (
        "license-proprietary",
        "a licence that is not free",
        "read what it forbids; buy a licence or replace the package where that is what you do",
    ),
    (
        "license-unknown",
        "a licence that is not known",
        "read it, and name it in `licenses.allow` when it is acceptable",
    ),
];

impl Policy {
    /// Judges the licences of packages; `texts` are licence texts that were found beside them, by path.
    pub fn judge(&self, inventory: &Inventory) -> Vec<Detection> {
        let mut found = Vec::new();
        for package in inventory.packages.iter().filter(|package| self.system || !package.kind.is_os()) {
            let Some(expression) = of(package, inventory) else { continue };
            for (rule, severity, why) in self.reasons(&expression) {
                found.push(detection(package, &expression, rule, severity, &why));
            }
        }
        found
    }

    fn reasons(&self, expression: &Expression) -> Vec<(&'static str, Severity, String)> {
        let listed = |list: &[String], id: &str| list.iter().any(|name| name.eq_ignore_ascii_case(id));
        if !expression.can_avoid(&|id| listed(&self.deny, id)) {
            return vec![("license-denied", Severity::High, "the policy denies it".to_owned())];
        }
        let mut reasons = Vec::new();
        if let Some(why) = contradiction(expression) {
            reasons.push(("license-conflict", Severity::Low, why));
        }
        if let Some(project) = &self.project
            && let Some(why) = against(project, expression)
        {
            reasons.push(("license-conflict", Severity::Medium, why));
        }
        // What is allowed is as good as permissive, also as one of several to choose from.
        if expression.can_avoid(&|id| !listed(&self.allow, id)) {
            return reasons;
        }
        let class = expression.class();
        if let Some(severity) = self.classes.get(&class) {
            let rule = RULES.iter().find(|(rule, ..)| rule.strip_prefix("license-") == Some(class.name()));
            reasons.extend(rule.map(|(rule, ..)| (*rule, *severity, format!("the class is {class}"))));
        }
        reasons
    }
}

/// Returns the licences of a package: what it declares, or else the licence texts beside it.
pub fn of(package: &Package, inventory: &Inventory) -> Option<Expression> {
    // A pom that names several leaves the choice, and so did the old form of npm.
    let any = matches!(package.kind, PackageKind::Maven | PackageKind::Npm);
    if let Some(declared) = Expression::read_all(&package.licenses, any) {
        return Some(declared);
    }
    let folders: Vec<&str> = package
        .locations
        .iter()
        .filter_map(|place| place.path.rsplit_once('/'))
        .map(|(folder, _)| folder)
        .collect();
    let beside =
        inventory.detections.iter().filter(|one| one.kind == FindingKind::License && one.rule == TEXT_RULE);
    let beside = beside.filter(|one| {
        one.path.rsplit_once('/').is_some_and(|(folder, _)| {
            folders.iter().any(|own| {
                folder == *own
                    || folder.strip_prefix(own).is_some_and(|rest| matches!(rest, "/licenses" | "/license"))
            })
        })
    });
    let texts: Vec<String> = beside.map(|one| one.subject.clone()).collect();
    Expression::read_all(&texts, false)
}

/// The rule of a licence text that was found: no finding of its own, but known to [`of`].
pub(crate) const TEXT_RULE: &str = "license-text";

/// Returns why the licences of one package cannot all be kept, as the Free Software Foundation sees it
/// (<https://www.gnu.org/licenses/license-list.html>).
fn contradiction(expression: &Expression) -> Option<String> {
    let Expression::And(terms) = expression else { return None };
    let forced: Vec<&str> = terms
        .iter()
        .filter_map(|term| match term {
            Expression::License { id, exception: None } => Some(id.as_str()),
            _ => None,
        })
        .collect();
    let has = |ids: &[&str]| forced.iter().copied().find(|id| ids.contains(id));
    let pairs: &[(&[&str], &[&str])] = &[
        (
            &["GPL-2.0-only"],
            &[
                "Apache-2.0",
                "GPL-3.0-only",
                "GPL-3.0-or-later",
                "AGPL-3.0-only",
                "AGPL-3.0-or-later",
                "LGPL-3.0-only",
                "LGPL-3.0-or-later",
            ],
        ),
        (
            &["GPL-2.0-only", "GPL-2.0-or-later", "GPL-3.0-only", "GPL-3.0-or-later"],
            &[
                "CDDL-1.0",
                "CDDL-1.1",
                "BSD-4-Clause",
                "OpenSSL",
                "EPL-1.0",
                "CPL-1.0",
                "MPL-1.1",
                "SSPL-1.0",
                "JSON",
            ],
        ),
    ];
    let (one, other) = pairs.iter().find_map(|(one, other)| Some((has(one)?, has(other)?)))?;
    Some(format!("{one} and {other} cannot both be kept in one work"))
}

/// Returns why what a work links contradicts the work's own licence.
fn against(project: &Expression, expression: &Expression) -> Option<String> {
    let (own, class) = (project.class(), expression.class());
    let brings = matches!(class, Class::StrongCopyleft | Class::NetworkCopyleft);
    if brings && own < class {
        return Some(format!("it brings its licence into the work, which is under {project}"));
    }
    contradiction(&Expression::And(vec![project.clone(), expression.clone()]))
}

fn detection(
    package: &Package,
    expression: &Expression,
    rule: &'static str,
    severity: Severity,
    why: &str,
) -> Detection {
    let mut detection = Detection::new(FindingKind::License, rule);
    if let Some(place) = package.locations.first() {
        detection.path.clone_from(&place.path);
        detection.layer = place.layer;
    }
    detection.subject = format!("{} {}: {expression}", package.full_name(), package.version);
    detection.details = vec![
        Detail::new("license", expression.to_string()),
        Detail::new("class", expression.class().name()),
        Detail::new("why", why),
        Detail::new("severity", severity.name()),
    ];
    detection
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_model::Location;

    fn inventory(packages: &[(PackageKind, &str, &[&str])]) -> Inventory {
        let packages = packages.iter().map(|(kind, name, licenses)| {
            let mut package = Package::new(*kind, (*name).to_owned(), "1".to_owned());
            package.licenses = licenses.iter().map(|license| (*license).to_owned()).collect();
            package.locations = vec![Location { path: format!("app/{name}/METADATA"), layer: None }];
            package
        });
        Inventory { packages: packages.collect(), ..Inventory::default() }
    }

    fn check(policy: &Policy, inventory: &Inventory, expected: &[(&str, &str)]) {
        let found = policy.judge(inventory);
        let found: Vec<(&str, &str)> =
            found.iter().map(|one| (one.rule.as_ref(), one.subject.split(' ').next().unwrap())).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn by_default_only_what_brings_its_licence_along_is_told() {
        let inventory = inventory(&[
            (PackageKind::Deb, "bash", &["GPL-3+"]),
            (PackageKind::Python, "flask", &["BSD-3-Clause"]),
            (PackageKind::Python, "gpl", &["GNU General Public License v3 (GPLv3)"]),
            (PackageKind::Npm, "agpl", &["AGPL-3.0"]),
            (PackageKind::Npm, "choice", &["MIT", "GPL-3.0"]),
            (PackageKind::Npm, "odd", &["Acme"]),
            (PackageKind::Go, "redis", &["SSPL-1.0"]),
        ]);
        let expected = [
            ("license-strong-copyleft", "gpl"),
            ("license-network-copyleft", "agpl"),
            ("license-proprietary", "redis"),
        ];
        check(&Policy::default(), &inventory, &expected);
    }

    #[test]
    fn the_policy_decides() {
        let inventory = inventory(&[
            (PackageKind::Deb, "bash", &["GPL-3+"]),
            (PackageKind::Npm, "a", &["MIT"]),
            (PackageKind::Npm, "b", &["MIT OR GPL-3.0-only"]),
        ]);
        let deny = Policy { deny: vec!["MIT".to_owned()], ..Policy::default() };
        check(&deny, &inventory, &[("license-denied", "a")]);
        let system = Policy { system: true, ..Policy::default() };
        check(&system, &inventory, &[("license-strong-copyleft", "bash")]);
        let allow = Policy { allow: vec!["GPL-3.0-or-later".to_owned()], ..system };
        check(&allow, &inventory, &[]);
    }

    #[test]
    fn contradictions_are_told() {
        let inventory = inventory(&[
            (PackageKind::Python, "a", &["GPL-2.0-only AND Apache-2.0"]),
            (PackageKind::Python, "b", &["GPL-2.0-or-later AND Apache-2.0"]),
        ]);
        let policy = Policy { classes: BTreeMap::new(), ..Policy::default() };
        check(&policy, &inventory, &[("license-conflict", "a")]);
        let project = Policy { project: Expression::read("Apache-2.0"), ..policy };
        check(
            &project,
            &inventory,
            &[("license-conflict", "a"), ("license-conflict", "a"), ("license-conflict", "b")],
        );
    }

    #[test]
    fn texts_beside_a_package_stand_in_for_what_it_does_not_declare() {
        let mut inventory = inventory(&[(PackageKind::Python, "a", &[])]);
        let mut text = Detection::new(FindingKind::License, TEXT_RULE);
        text.path = "app/a/licenses/COPYING".to_owned();
        text.subject = "AGPL-3.0-only".to_owned();
        inventory.detections.push(text);
        check(&Policy::default(), &inventory, &[("license-network-copyleft", "a")]);
    }
}
