//! Finds what changed.

use super::{
    ChangedFinding, ChangedPackage, ChangedSetting, Difference, FindingChange, Layers, PackageChange, Side,
    SideKind, subject,
};
use assay_model::{DiffId, Finding, Image, Os, Package, Report, Scheme};
use assay_version::{compare as order, sort};
use std::cmp::{Ordering, Reverse};
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

pub(super) fn compare(old: Side<'_>, new: Side<'_>) -> Difference {
    let packages = packages(old.report, new.report);
    let mut difference = Difference {
        old: name(old.image()),
        new: name(new.image()),
        findings: findings(old.report, new.report, &packages),
        packages,
        layers: layers(old.image(), new.image()),
        files: super::files::compare(&old.report.inventory.files, &new.report.inventory.files),
        settings: settings(old, new),
        notes: Vec::new(),
    };
    for (side, which) in [(old, "old"), (new, "new")] {
        if !side.report.complete() {
            difference.notes.push(format!("something of the {which} side was left unscanned"));
        }
    }
    if old.report.scanners != new.report.scanners {
        let names =
            |report: &Report| report.scanners.iter().map(|kind| kind.name()).collect::<Vec<_>>().join(", ");
        difference.notes.push(format!(
            "not the same was looked for: {} before, {} now",
            names(old.report),
            names(new.report)
        ));
    }
    let built = |side: &Side<'_>| side.report.database.built_at;
    if built(&old) != built(&new) {
        difference.notes.push("the findings are of different databases".to_owned());
    }
    if old.kind != SideKind::Image || new.kind != SideKind::Image {
        difference.notes.push("only settings that both sides name were compared".to_owned());
    }
    if difference.files.is_none() && difference.layers.is_some() {
        difference.notes.push("files were compared by layer; `--files` compares them one by one".to_owned());
    }
    difference
}

fn name(image: &Image) -> String {
    match image.manifest_digest.or(image.image_id) {
        Some(digest) => format!("{} ({})", image.reference, digest.short()),
        None => image.reference.clone(),
    }
}

type Key = (&'static str, String, Option<String>);

fn versions(packages: &[Package]) -> BTreeMap<Key, (&Package, BTreeSet<&str>)> {
    let mut found: BTreeMap<Key, (&Package, BTreeSet<&str>)> = BTreeMap::new();
    for package in packages {
        let key = (package.kind.purl_type(), package.full_name(), package.architecture.clone());
        found.entry(key).or_insert_with(|| (package, BTreeSet::new())).1.insert(&package.version);
    }
    found
}

fn scheme(package: &Package, os: Option<&Os>) -> Scheme {
    package.ecosystem(os).map_or(Scheme::Generic, |ecosystem| ecosystem.scheme())
}

fn packages(old: &Report, new: &Report) -> Vec<ChangedPackage> {
    let (before, now) = (versions(&old.inventory.packages), versions(&new.inventory.packages));
    let keys: BTreeSet<&Key> = before.keys().chain(now.keys()).collect();
    let empty = BTreeSet::new();
    let mut changed = Vec::new();
    for key in keys {
        let old_versions = before.get(key).map_or(&empty, |(_, versions)| versions);
        let new_versions = now.get(key).map_or(&empty, |(_, versions)| versions);
        let sample = now.get(key).map(|(package, _)| (*package, new));
        let sample = sample.or(before.get(key).map(|(package, _)| (*package, old)));
        let scheme =
            sample.map_or(Scheme::Generic, |(package, report)| scheme(package, report.inventory.os.as_ref()));
        let sorted = |these: &BTreeSet<&str>, those: &BTreeSet<&str>| -> Vec<String> {
            let mut only: Vec<String> = these.difference(those).map(|it| (*it).to_owned()).collect();
            sort(scheme, &mut only, |version| version);
            only
        };
        let (gone, come) = (sorted(old_versions, new_versions), sorted(new_versions, old_versions));
        for at in 0..gone.len().max(come.len()) {
            let (old, new) = (gone.get(at).cloned(), come.get(at).cloned());
            let change = match (&old, &new) {
                (Some(old), Some(new)) => match order(scheme, old, new) {
                    Ok(Ordering::Less) => PackageChange::Upgraded,
                    Ok(Ordering::Greater) => PackageChange::Downgraded,
                    _ => PackageChange::Changed,
                },
                (None, _) => PackageChange::Added,
                (Some(_), None) => PackageChange::Removed,
            };
            let (kind, name, architecture) = key.clone();
            changed.push(ChangedPackage { change, kind, name, architecture, old, new });
        }
    }
    changed.sort_by(|a, b| (a.change, &a.name, &a.old).cmp(&(b.change, &b.name, &b.old)));
    changed
}

/// Fingerprints are stable; reports of other tools or versions may lack them.
fn identity(report: &Report, finding: &Finding) -> (String, String, String) {
    if finding.id.is_empty() {
        (String::new(), finding.rule.clone(), subject(report, finding))
    } else {
        (finding.id.clone(), String::new(), String::new())
    }
}

fn findings(old: &Report, new: &Report, packages: &[ChangedPackage]) -> Vec<ChangedFinding> {
    // Should several have one fingerprint, they are paired in their order.
    let mut before: HashMap<(String, String, String), VecDeque<usize>> = HashMap::new();
    for (at, finding) in old.findings.iter().enumerate() {
        before.entry(identity(old, finding)).or_default().push_back(at);
    }
    let mut changed = Vec::new();
    let change = |report: &Report, finding: &Finding, change, details| ChangedFinding {
        change,
        id: finding.id.clone(),
        kind: finding.kind,
        rule: finding.rule.clone(),
        subject: subject(report, finding),
        severity: finding.severity,
        priority: finding.priority,
        details,
    };
    for finding in &new.findings {
        let known = before.get_mut(&identity(new, finding)).and_then(VecDeque::pop_front);
        let known = known.and_then(|at| old.findings.get(at));
        match known {
            None => changed.push(change(new, finding, FindingChange::New, Vec::new())),
            Some(known) => {
                let details = differences(known, finding);
                if !details.is_empty() {
                    changed.push(change(new, finding, FindingChange::Changed, details));
                }
            }
        }
    }
    let gone: BTreeSet<usize> = before.into_values().flatten().collect();
    for finding in gone.into_iter().filter_map(|at| old.findings.get(at)) {
        let name = subject(old, finding);
        let reason = packages
            .iter()
            .find(|package| finding.package.is_some() && package.name == name && package.old.is_some())
            .map(|package| match (&package.change, &package.new) {
                (change, Some(version)) => format!("{} {} to {version}", package.name, change.name()),
                (change, None) => format!("{} {}", package.name, change.name()),
            });
        let details = reason.into_iter().collect();
        changed.push(change(old, finding, FindingChange::Fixed, details));
    }
    changed.sort_by(|a, b| {
        let key = |one: &ChangedFinding| {
            let urgency = (Reverse(one.priority), Reverse(one.severity));
            (one.change, urgency, one.rule.clone(), one.subject.clone(), one.id.clone())
        };
        key(a).cmp(&key(b))
    });
    changed
}

fn differences(old: &Finding, new: &Finding) -> Vec<String> {
    let mut details = Vec::new();
    let mut note = |what: &str, old: &str, new: &str| {
        if old != new {
            details.push(format!("{what}: {old} to {new}"));
        }
    };
    note("severity", old.severity.name(), new.severity.name());
    let priority = |finding: &Finding| finding.priority.map_or("none", assay_model::Priority::name);
    note("priority", priority(old), priority(new));
    note("fix", old.fix.name(), new.fix.name());
    let versions = |finding: &Finding| match finding.fixed_versions.join(", ") {
        none if none.is_empty() => "none".to_owned(),
        some => some,
    };
    note("fixed versions", &versions(old), &versions(new));
    let status = |finding: &Finding| match &finding.suppression {
        Some(suppression) => format!("suppressed ({})", suppression.state.name()),
        None => "open".to_owned(),
    };
    note("status", &status(old), &status(new));
    let exploited =
        |finding: &Finding| if finding.kev.is_some() { "exploited" } else { "not known exploited" };
    note("exploitation", exploited(old), exploited(new));
    details
}

fn layers(old: &Image, new: &Image) -> Option<Layers> {
    if old.layers.is_empty() || new.layers.is_empty() {
        return None;
    }
    // The same layer may come several times; each counts.
    let mut left: HashMap<Option<DiffId>, u64> = HashMap::new();
    for layer in &old.layers {
        *left.entry(layer.diff_id).or_default() += 1;
    }
    let mut layers = Layers::default();
    let mut added_bytes = Some(0u64);
    for layer in &new.layers {
        match left.get_mut(&layer.diff_id).filter(|count| layer.diff_id.is_some() && **count > 0) {
            Some(count) => {
                *count -= 1;
                layers.shared += 1;
            }
            None => {
                layers.added += 1;
                added_bytes = added_bytes.zip(layer.size).map(|(sum, size)| sum.saturating_add(size));
            }
        }
    }
    layers.removed = left.values().sum();
    let total = |image: &Image| {
        image
            .layers
            .iter()
            .map(|layer| layer.size)
            .try_fold(0u64, |sum, size| Some(sum.saturating_add(size?)))
    };
    layers.old_bytes = total(old);
    layers.new_bytes = total(new);
    layers.added_bytes = added_bytes;
    Some(layers)
}

fn settings(old: Side<'_>, new: Side<'_>) -> Vec<ChangedSetting> {
    let (before, now) = (known(old), known(new));
    let both = |name: &str| {
        let group = name.split(' ').next().unwrap_or(name);
        groups(old.kind).contains(&group) && groups(new.kind).contains(&group)
    };
    let names: BTreeSet<&String> = before.keys().chain(now.keys()).collect();
    names
        .into_iter()
        .filter(|name| both(name) && before.get(*name) != now.get(*name))
        .map(|name| ChangedSetting {
            name: name.clone(),
            old: before.get(name).map(|value| told(name, value)),
            new: now.get(name).map(|value| told(name, value)),
        })
        .collect()
}

/// Which settings are known of a side at all.
fn groups(kind: SideKind) -> &'static [&'static str] {
    match kind {
        SideKind::Image => &[
            "user",
            "working-directory",
            "entrypoint",
            "command",
            "health-check",
            "port",
            "label",
            "env",
            "platform",
        ],
        SideKind::Sbom => &["user", "port", "label", "platform"],
        SideKind::Report => &["label", "platform"],
        SideKind::Folder => &[],
    }
}

fn known(side: Side<'_>) -> BTreeMap<String, String> {
    let (image, config) = (side.image(), &side.image().config);
    let mut found = BTreeMap::new();
    let mut add = |name: String, value: String| {
        if !value.is_empty() {
            found.insert(name, value);
        }
    };
    add("user".to_owned(), config.user.clone());
    add("working-directory".to_owned(), config.working_dir.clone());
    add("entrypoint".to_owned(), config.entrypoint.join(" "));
    add("command".to_owned(), config.command.join(" "));
    add("health-check".to_owned(), config.health_check.join(" "));
    add("platform".to_owned(), image.platform.as_ref().map(ToString::to_string).unwrap_or_default());
    for port in &config.exposed_ports {
        add(format!("port {port}"), "exposed".to_owned());
    }
    for (label, value) in &image.labels {
        add(format!("label {label}"), value.clone());
    }
    for setting in &config.env {
        let (name, value) = setting.split_once('=').unwrap_or((setting, ""));
        add(format!("env {name}"), value.to_owned());
    }
    found
}

/// Returns a value as it may be told: one of the environment may be a password, and a difference is posted where many read it.
fn told(name: &str, value: &str) -> String {
    let known = ["env PATH", "env LANG", "env LC_ALL", "env TZ", "env HOME"].contains(&name);
    if known || !name.starts_with("env ") {
        value.to_owned()
    } else {
        format!("({} characters)", value.chars().count())
    }
}
