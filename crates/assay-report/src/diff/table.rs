//! A difference for people at a terminal.

use super::{ChangedPackage, Difference, FileChange, Files, FindingChange, Layers, PackageChange, bytes};
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
    if let Some(files) = &difference.files {
        self::files(files, out)?;
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

/// Files of a change that are shown: the JSON document names more.
const FILES: usize = 50;

fn files(files: &Files, out: &mut dyn Write) -> io::Result<()> {
    for (change, total) in FileChange::ALL.into_iter().zip(files.totals) {
        if total.files == 0 {
            continue;
        }
        writeln!(out, "{} {} ({})", summary::count(total.files, "file"), change.name(), bytes(total.bytes))?;
        let shown = files.changed.iter().filter(|file| file.change == change).take(FILES);
        let mut count = 0_u64;
        for file in shown {
            count += 1;
            let text = format!("{}  {}", shorten(&file.path, 200), file.details());
            writeln!(out, "  {}", terminal(&text))?;
        }
        if let Some(more) = total.files.checked_sub(count).filter(|more| *more > 0) {
            writeln!(out, "  and {more} more; `--format json` names more of them")?;
        }
        writeln!(out)?;
    }
    writeln!(out, "{}\n", files_line(files))
}

pub(super) fn files_line(files: &Files) -> String {
    let [added, removed, changed] = files.totals.map(|total| total.files);
    format!("files: {} the same, {removed} removed, {added} added, {changed} changed", files.same)
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
