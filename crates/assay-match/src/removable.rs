//! Which packages an image could do without, and what that would save.
//!
//! A package is suggested when something speaks against it (nothing uses it, another does the same, no running program needs
//! its kind) *and* nothing that stays depends on it. So what is used, and all that it depends on, is never suggested; neither is
//! what the distribution needs to work. Packages whose usage is not known count as staying, unless the catalogue says that their
//! kind is not for running.

mod catalogue;

use crate::remedy;
use assay_model::removable::{Removable, RemovalReason};
use assay_model::{Finding, Inventory, Origin, Package, PackageKind, Scheme, Usage};
use assay_version::sort;
use catalogue::{Need, function_of, is_essential};
use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};

/// What speaks against a package.
#[derive(Debug, Clone)]
struct Suggestion {
    reason: RemovalReason,
    function: Option<&'static str>,
    beside: Vec<u32>,
}

/// Returns the packages that can be removed, the most useful first: by findings, then bytes.
pub fn removable(inventory: &Inventory, findings: &[Finding]) -> Vec<Removable> {
    let packages = &inventory.packages;
    let mut suggested: HashMap<u32, Suggestion> = HashMap::new();
    by_function(packages, &mut suggested);
    duplicates(packages, &mut suggested);
    for (index, package) in (0..).zip(packages) {
        if package.usage == Usage::Unused && removes(package) {
            let function = function_of(package).map(|(function, _)| function.name);
            let suggestion = Suggestion { reason: RemovalReason::Unused, function, beside: Vec::new() };
            suggested.insert(index, suggestion);
        }
    }
    suggested.retain(|index, _| {
        packages
            .get(*index as usize)
            .is_some_and(|package| package.usage != Usage::Used && !is_essential(package))
    });
    keep_what_is_needed(packages, &mut suggested);

    let mut counts: HashMap<u32, u64> = HashMap::new();
    for index in findings.iter().filter_map(|finding| finding.package) {
        *counts.entry(index).or_default() += 1;
    }
    let usual = usual_layers(packages);
    let mut found: Vec<Removable> = suggested
        .into_iter()
        .filter_map(|(index, suggestion)| {
            let package = packages.get(index as usize)?;
            let layer = layer(package);
            let newest = suggestion.beside.first().copied();
            Some(Removable {
                package: index,
                reason: suggestion.reason,
                function: suggestion.function.map(Cow::Borrowed),
                beside: suggestion.beside,
                later_layer: layer
                    .filter(|layer| usual.get(&package.kind).is_some_and(|usual| layer > usual)),
                bytes: package.installed_size,
                findings: counts.get(&index).copied().unwrap_or_default(),
                instruction: instruction(packages, package, suggestion.reason, newest),
            })
        })
        .collect();
    found.sort_by_key(|one| (one.reason, Reverse(one.findings), Reverse(one.bytes), one.package));
    found
}

/// Puts the removal of unused packages before their upgrade.
pub fn advise_removal(findings: &mut [Finding], removable: &[Removable]) {
    let unused: HashMap<u32, &str> = removable
        .iter()
        .filter(|one| one.reason == RemovalReason::Unused)
        .map(|one| (one.package, one.instruction.as_str()))
        .collect();
    for finding in findings {
        // A finding that was kept from an earlier report may have it already.
        if let Some(instruction) = finding.package.and_then(|index| unused.get(&index))
            && !finding.remediation.starts_with(*instruction)
        {
            finding.remediation = format!(
                "{instruction}, as nothing that the entry point reaches needs it; else {}",
                finding.remediation
            );
        }
    }
}

/// Says what to do. A second version is there because something asks for it.
fn instruction(
    packages: &[Package],
    package: &Package,
    reason: RemovalReason,
    newest: Option<u32>,
) -> String {
    let newest = newest.and_then(|index| packages.get(index as usize));
    match (reason, newest) {
        (RemovalReason::Duplicate, Some(newest)) => format!(
            "use one version of `{}`: move what asks for {} to {}",
            package.full_name(),
            package.version,
            newest.version
        ),
        _ => remedy::removal(package),
    }
}

/// Returns whether a package can be taken out of an image by itself. What is compiled into a program cannot, and a lockfile
/// brings nothing into an image.
fn removes(package: &Package) -> bool {
    package.origin == Origin::Installed
        && !matches!(package.kind, PackageKind::Go | PackageKind::Cargo | PackageKind::Generic)
}

/// Returns the layer that first brought a package.
fn layer(package: &Package) -> Option<u32> {
    package.locations.iter().filter_map(|location| location.layer).min()
}

/// Returns, for each kind, the layer that brought most packages of it; of equals the first.
fn usual_layers(packages: &[Package]) -> HashMap<PackageKind, u32> {
    let mut counts: BTreeMap<(PackageKind, u32), u64> = BTreeMap::new();
    for package in packages {
        if let Some(layer) = layer(package) {
            *counts.entry((package.kind, layer)).or_default() += 1;
        }
    }
    let mut usual: HashMap<PackageKind, (u64, u32)> = HashMap::new();
    for ((kind, layer), count) in counts {
        let best = usual.entry(kind).or_insert((count, layer));
        if count > best.0 {
            *best = (count, layer);
        }
    }
    usual.into_iter().map(|(kind, (_, layer))| (kind, layer)).collect()
}

/// Suggests what no image needs to run, and of several that do the same all but one.
fn by_function(packages: &[Package], suggested: &mut HashMap<u32, Suggestion>) {
    let mut by_function: BTreeMap<&'static str, Vec<(u32, usize)>> = BTreeMap::new();
    for (index, package) in (0..).zip(packages).filter(|(_, package)| removes(package)) {
        let Some((function, alternative)) = function_of(package) else { continue };
        match function.need {
            Need::None => {
                let suggestion = Suggestion {
                    reason: RemovalReason::Unnecessary,
                    function: Some(function.name),
                    beside: Vec::new(),
                };
                suggested.insert(index, suggestion);
            }
            Need::One => by_function.entry(function.name).or_default().push((index, alternative)),
        }
    }
    for (function, providers) in by_function {
        // Which to keep: what is used or cannot go; else what came first; else what comes first in the catalogue.
        let stays = |index: u32| {
            packages
                .get(index as usize)
                .is_some_and(|package| package.usage == Usage::Used || is_essential(package))
        };
        let kept = providers
            .iter()
            .min_by_key(|(index, alternative)| {
                let first = packages.get(*index as usize).and_then(layer);
                (!stays(*index), first, *alternative, *index)
            })
            .map(|(_, alternative)| *alternative);
        let beside: Vec<u32> = providers
            .iter()
            .filter(|(_, alternative)| Some(*alternative) == kept)
            .map(|(index, _)| *index)
            .collect();
        for (index, alternative) in &providers {
            if Some(*alternative) != kept {
                let suggestion = Suggestion {
                    reason: RemovalReason::Redundant,
                    function: Some(function),
                    beside: beside.clone(),
                };
                suggested.insert(*index, suggestion);
            }
        }
    }
}

/// Suggests all but the newest of several versions of a library of a language.
fn duplicates(packages: &[Package], suggested: &mut HashMap<u32, Suggestion>) {
    let mut versions: BTreeMap<(PackageKind, String), Vec<(u32, &str)>> = BTreeMap::new();
    for (index, package) in (0..).zip(packages) {
        if !package.kind.is_os() && removes(package) {
            versions.entry((package.kind, package.full_name())).or_default().push((index, &package.version));
        }
    }
    for ((kind, _), mut instances) in versions {
        let scheme = kind.language_ecosystem().map_or(Scheme::Generic, |ecosystem| ecosystem.scheme());
        sort(scheme, &mut instances, |(_, version)| version);
        let Some((newest, newest_version)) = instances.pop() else { continue };
        for (index, version) in instances {
            // Two places of one version are no two versions.
            if version != newest_version {
                let suggestion =
                    Suggestion { reason: RemovalReason::Duplicate, function: None, beside: vec![newest] };
                suggested.insert(index, suggestion);
            }
        }
    }
}

/// Drops every suggestion on which something depends that stays, until there is none.
fn keep_what_is_needed(packages: &[Package], suggested: &mut HashMap<u32, Suggestion>) {
    // From what stays along its dependencies: each package is visited once.
    let mut waiting: Vec<u32> =
        (0..).zip(packages).map(|(index, _)| index).filter(|index| !suggested.contains_key(index)).collect();
    while let Some(index) = waiting.pop() {
        let Some(package) = packages.get(index as usize) else { continue };
        for needed in &package.depends_on {
            if suggested.remove(needed).is_some() {
                waiting.push(*needed);
            }
        }
    }
}

#[cfg(test)]
mod tests;
