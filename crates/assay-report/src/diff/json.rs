//! A difference as JSON, `assay.diff/v1`: for programs, under the same rules as the report.

use super::{Difference, FileChange, FileState};
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
    let files = difference.files.as_ref().map(|files| {
        let state = |state: &FileState| {
            json!({
                "size": state.size,
                "mode": format!("{:04o}", state.mode),
                "uid": state.uid,
                "gid": state.gid,
                "sha256": state.sha256,
            })
        };
        let mut document = json!({ "same": files.same, "left_out": files.unnamed() });
        for (change, total) in FileChange::ALL.into_iter().zip(files.totals) {
            if let Some(document) = document.as_object_mut() {
                let total = json!({ "files": total.files, "bytes": total.bytes });
                document.insert(change.name().to_owned(), total);
            }
        }
        let changed: Vec<_> = files
            .changed
            .iter()
            .map(|one| {
                json!({
                    "change": one.change.name(),
                    "path": one.path,
                    "old": one.old.as_ref().map(state),
                    "new": one.new.as_ref().map(state),
                })
            })
            .collect();
        if let Some(document) = document.as_object_mut() {
            document.insert("list".to_owned(), changed.into());
        }
        document
    });
    let settings: Vec<_> = difference
        .settings
        .iter()
        .map(|one| json!({ "name": one.name, "old": one.old, "new": one.new }))
        .collect();
    let mut document = json!({
        "schema": SCHEMA,
        "old": difference.old,
        "new": difference.new,
        "packages": packages,
        "findings": findings,
        "layers": layers,
        "settings": settings,
        "notes": difference.notes,
    });
    if let (Some(files), Some(document)) = (files, document.as_object_mut()) {
        document.insert("files".to_owned(), files);
    }
    serde_json::to_writer_pretty(&mut *out, &document)?;
    out.write_all(b"\n")
}
