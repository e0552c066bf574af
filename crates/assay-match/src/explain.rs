//! Why an advisory matched a package, and why not.

use crate::judge::{Judgement, Subject, judge, statement_words, words};
use assay_advisories::Database;
use assay_advisories::database::{AdvisoryView, CorruptDatabase};
use assay_model::holds::Holds;
use assay_model::{Inventory, Package};

/// All that is known about one identifier, and what it means for an inventory.
#[derive(Debug, Clone, PartialEq)]
pub struct Explanation {
    /// The vulnerability's identifier.
    pub vulnerability: String,
    /// Statement by statement, what every advisory about it says.
    pub statements: Vec<StatementSummary>,
    /// Package by package, what that means; empty when there is no inventory or nothing of that name in it.
    pub packages: Vec<PackageVerdict>,
}

/// What one advisory says about one package.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct StatementSummary {
    /// The feed.
    pub feed: String,
    /// The advisory.
    pub advisory: String,
    /// The ecosystem.
    pub ecosystem: String,
    /// The package.
    pub package: String,
    /// The affected versions, in words.
    pub range: String,
    /// Whether the advisory was withdrawn.
    pub withdrawn: bool,
}

/// What one statement means for one package of the inventory.
#[derive(Debug, Clone, PartialEq)]
pub struct PackageVerdict {
    /// The index of the package.
    pub package: u32,
    /// The feed.
    pub feed: String,
    /// The advisory.
    pub advisory: String,
    /// Whether the statement makes it a finding.
    pub affected: bool,
    /// Why, or why not, in one sentence.
    pub reason: String,
}

/// Explains an identifier; `None` when the database knows nothing by that name.
///
/// # Errors
/// Fails when the database is damaged.
pub fn explain(
    id: &str,
    inventory: Option<&Inventory>,
    database: &Database,
) -> Result<Option<Vec<Explanation>>, CorruptDatabase> {
    let identified = database.by_id(id)?;
    let feeds = database.feeds()?;
    let feed = |index: u32| feeds.get(index as usize).map(|feed| feed.id.clone()).unwrap_or_default();
    let mut explanations = Vec::new();
    for key in identified.vulnerabilities {
        let vulnerability = database.vulnerability(key)?;
        let advisories: Vec<AdvisoryView<'_>> =
            vulnerability.advisories.iter().map(|key| database.advisory(*key)).collect::<Result<_, _>>()?;
        let mut explanation = Explanation {
            vulnerability: vulnerability.id.to_owned(),
            statements: Vec::new(),
            packages: Vec::new(),
        };
        for advisory in &advisories {
            for (ecosystem, name, statement) in database.packages_of(advisory)? {
                if statement.vulnerability != key {
                    continue;
                }
                explanation.statements.push(StatementSummary {
                    feed: feed(statement.feed),
                    advisory: advisory.id.to_owned(),
                    ecosystem: ecosystem.to_owned(),
                    package: name.to_owned(),
                    range: statement_words(&statement),
                    withdrawn: statement.withdrawn,
                });
                let Some(inventory) = inventory else { continue };
                for (index, package) in (0..).zip(&inventory.packages) {
                    let subject = Subject::new(package, inventory.os.as_ref());
                    let named = subject.names().contains(&name)
                        || subject.others.iter().any(|(_, other)| *other == name);
                    if !named {
                        continue;
                    }
                    let own = subject.ecosystem.as_ref().map(ToString::to_string);
                    let meant = subject
                        .lookups()
                        .any(|(of, names)| of.to_string() == ecosystem && names.contains(&name));
                    let (affected, reason) = if meant {
                        reason(
                            package,
                            name,
                            &judge(&subject, name, &statement, &feed(statement.feed)),
                            &statement_words(&statement),
                        )
                    } else {
                        let own = own.unwrap_or_else(|| "no ecosystem Assay knows".to_owned());
                        (false, format!("it is a package of {own}, the statement is about {ecosystem}"))
                    };
                    explanation.packages.push(PackageVerdict {
                        package: index,
                        feed: feed(statement.feed),
                        advisory: advisory.id.to_owned(),
                        affected,
                        reason,
                    });
                }
            }
        }
        explanation.statements.sort();
        explanation.statements.dedup();
        overrule(&mut explanation);
        explanations.push(explanation);
    }
    Ok((!explanations.is_empty()).then_some(explanations))
}

/// A statement that a package is not affected overrules others about the same package, as in matching.
fn overrule(explanation: &mut Explanation) {
    let cleared: Vec<u32> = explanation
        .packages
        .iter()
        .filter(|verdict| verdict.reason.starts_with(NOT_AFFECTED))
        .map(|verdict| verdict.package)
        .collect();
    for verdict in &mut explanation.packages {
        if verdict.affected && cleared.contains(&verdict.package) {
            verdict.affected = false;
            verdict.reason =
                format!("{}, but another statement says that it is not affected", verdict.reason);
        }
    }
}

const NOT_AFFECTED: &str = "the source says that it is not affected";

fn nothing(holds: Holds) -> &'static str {
    match holds {
        Holds::KernelInterface => {
            "the statement is about the kernel, of which it holds only headers, build files or texts"
        }
        Holds::KernelTool => {
            "the statement is about the kernel; it is another program built from the same sources"
        }
        Holds::Folders => "it holds only folders, and nothing of what was built beside it",
        Holds::Program => "it holds nothing of what the statement is about",
    }
}

fn reason(package: &Package, name: &str, judgement: &Judgement<'_>, range: &str) -> (bool, String) {
    match judgement {
        Judgement::Affected { version, interval } => {
            let range = interval.as_ref().map_or_else(|| format!("= {version}"), words);
            let of = if name == package.full_name() { String::new() } else { format!(" of `{name}`") };
            (true, format!("version {version}{of} is affected: {range}"))
        }
        Judgement::OutsideRange { version } => {
            (false, format!("version {version} is not affected: only {range}"))
        }
        Judgement::NotAffected => (false, NOT_AFFECTED.to_owned()),
        Judgement::OtherPackage => {
            (false, format!("the statement is about the source package `{name}`, which did not build it"))
        }
        Judgement::OtherArchitecture => {
            let own = package.architecture.as_deref().unwrap_or("unknown");
            (false, format!("the statement is about other architectures than {own}"))
        }
        Judgement::OtherModule => (false, "the statement is about another module stream".to_owned()),
        Judgement::HoldsNothing { holds } => (false, nothing(*holds).to_owned()),
        Judgement::ThirdParty { vendor } => (
            false,
            format!(
                "it was made by {vendor}, not by the distribution, whose statements do not reach it: unassessed"
            ),
        ),
        Judgement::Withdrawn => (false, "the advisory was withdrawn".to_owned()),
        Judgement::Incomparable { version } => {
            (false, format!("`{version}` cannot be compared as a version"))
        }
    }
}
