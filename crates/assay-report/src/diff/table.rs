//! A difference for people at a terminal.

use super::{ChangedPackage, Difference, FindingChange, Layers, PackageChange, bytes};
use crate::summary;
use assay_escape::{shorten, terminal};
use std::io::{self, Write};

pub(super) fn write(difference: &Difference, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "old: {}", terminal(&difference.old))?;
    writeln!(out, "new: {}\n", terminal(&difference.new))?;
    for change in PackageChange::ALL {
        let list: Vec<&ChangedPackage> =
            difference.packages.iter().filter(|package| package.change == change).collect();
        if list.is_empty() {
            continue;
        }
        writeln!(out, "{} {}", summary::count(list.len() as u64, "package"), change.name())?;
        for package in list {
            writeln!(out, "  {}", terminal(&line(package)))?;
        }
        writeln!(out)?;
    }
    for change in FindingChange::ALL {
        let list: Vec<_> = difference.findings.iter().filter(|finding| finding.change == change).collect();
        if list.is_empty() {
            continue;
        }
        writeln!(out, "{} {}", summary::count(list.len() as u64, "finding"), change.name())?;
        for finding in list {
            let priority = finding.priority.map(|priority| format!(" ({priority})")).unwrap_or_default();
            let details = match finding.details.join("; ") {
                none if none.is_empty() => none,
                some => format!("  {some}"),
            };
            let text = format!(
                "{}{priority}  {}  {}{details}",
                finding.severity,
                shorten(&finding.rule, 60),
                finding.subject
            );
            writeln!(out, "  {}", terminal(&text))?;
        }
        writeln!(out)?;
    }
    if let Some(layers) = &difference.layers {
        writeln!(out, "{}\n", layers_line(layers))?;
    }
    if !difference.settings.is_empty() {
        writeln!(out, "{} changed", summary::count(difference.settings.len() as u64, "setting"))?;
        for setting in &difference.settings {
            let value =
                |value: &Option<String>| value.as_deref().map_or("none".to_owned(), |it| shorten(it, 80));
            let text = format!("{}: {} to {}", setting.name, value(&setting.old), value(&setting.new));
            writeln!(out, "  {}", terminal(&text))?;
        }
        writeln!(out)?;
    }
    if difference.packages.is_empty() && difference.findings.is_empty() && difference.settings.is_empty() {
        writeln!(out, "no package, finding or setting changed")?;
    }
    for note in &difference.notes {
        writeln!(out, "note: {note}")?;
    }
    Ok(())
}

pub(super) fn line(package: &ChangedPackage) -> String {
    let architecture = package.architecture.as_ref().map(|it| format!(":{it}")).unwrap_or_default();
    let version = match (&package.old, &package.new) {
        (Some(old), Some(new)) => format!("{old} to {new}"),
        (Some(version), None) | (None, Some(version)) => version.clone(),
        (None, None) => String::new(),
    };
    format!("{}{architecture} {version}  {}", package.name, package.kind)
}

pub(super) fn layers_line(layers: &Layers) -> String {
    let mut text =
        format!("layers: {} shared, {} removed, {} added", layers.shared, layers.removed, layers.added);
    if let Some(added) = layers.added_bytes.filter(|_| layers.added > 0) {
        text.push_str(&format!(" ({})", bytes(added)));
    }
    if let (Some(old), Some(new)) = (layers.old_bytes, layers.new_bytes) {
        text.push_str(&format!("; size: {} to {}", bytes(old), bytes(new)));
    }
    text
}
