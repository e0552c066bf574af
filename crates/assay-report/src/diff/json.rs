//! A difference as JSON, `assay.diff/v1`: for programs, under the same rules as the report.

use super::Difference;
use serde_json::json;
use std::io::{self, Write};

/// The name of the contract.
pub const SCHEMA: &str = "assay.diff/v1";

pub(super) fn write(difference: &Difference, out: &mut dyn Write) -> io::Result<()> {
    let packages: Vec<_> = difference
        .packages
        .iter()
        .map(|one| {
            json!({
                "change": one.change.name(),
                "type": one.kind,
                "name": one.name,
                "architecture": one.architecture,
                "old": one.old,
                "new": one.new,
            })
        })
        .collect();
    let findings: Vec<_> = difference
        .findings
        .iter()
        .map(|one| {
            json!({
                "change": one.change.name(),
                "id": one.id,
                "kind": one.kind.name(),
                "rule": one.rule,
                "subject": one.subject,
                "severity": one.severity.name(),
                "priority": one.priority.map(assay_model::Priority::name),
                "details": one.details,
            })
        })
        .collect();
    let layers = difference.layers.map(|layers| {
        json!({
            "shared": layers.shared,
            "removed": layers.removed,
            "added": layers.added,
            "old_bytes": layers.old_bytes,
            "new_bytes": layers.new_bytes,
            "added_bytes": layers.added_bytes,
        })
    });
    let settings: Vec<_> = difference
        .settings
        .iter()
        .map(|one| json!({ "name": one.name, "old": one.old, "new": one.new }))
        .collect();
    let document = json!({
        "schema": SCHEMA,
        "old": difference.old,
        "new": difference.new,
        "packages": packages,
        "findings": findings,
        "layers": layers,
        "settings": settings,
        "notes": difference.notes,
    });
    serde_json::to_writer_pretty(&mut *out, &document)?;
    out.write_all(b"\n")
}
