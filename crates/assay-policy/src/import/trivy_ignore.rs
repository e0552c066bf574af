//! Trivy's ignore files (<https://trivy.dev/latest/docs/configuration/filtering/>): exceptions without owner, reason or end.
//!
//! What has no end gets one: it holds until a fix ships. Nothing ships a fix for a secret; an exception for one that has no end is left
//! out.

use super::Draft;
use crate::tree::Node;
use crate::yaml::Out;
use assay_model::Timestamp;

/// The sections of the YAML form, and the rules they are exceptions from.
pub(super) const SECTIONS: &[(&str, &[&str])] = &[
    ("vulnerabilities", &[]),
    ("misconfigurations", &["misconfigurations"]),
    ("secrets", &["secrets"]),
    ("licenses", &["licenses"]),
];

/// Returns whether a text is a list of identifiers.
pub(super) fn looks_like(text: &str) -> bool {
    let mut lines =
        text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')).peekable();
    lines.peek().is_some()
        && lines.all(|line| {
            let id = line.split_whitespace().next().unwrap_or_default();
            ["CVE-", "GHSA-", "AVD-", "DS", "KSV", "TEMP-", "DSA-", "RHSA-"]
                .iter()
                .any(|start| id.starts_with(start))
        })
}

/// Returns whether an identifier is that of a vulnerability, for which a fix may ship; the plain form does not say.
fn is_vulnerability(id: &str) -> bool {
    const STARTS: &[&str] = &[
        "CVE-",
        "GHSA-",
        "TEMP-",
        "DSA-",
        "DLA-",
        "RHSA-",
        "RHBA-",
        "RHEA-",
        "ELSA-",
        "ALSA-",
        "RLSA-",
        "ALAS",
        "USN-",
        "SUSE-",
        "openSUSE-",
        "OSV-",
        "GO-",
        "PYSEC-",
        "RUSTSEC-",
        "GMS-",
        "NSWG-",
        "CGA-",
        "AZL-",
        "PHSA-",
    ];
    STARTS.iter().any(|start| id.starts_with(start))
}

/// Reads the plain form: an identifier on each line, `exp:` and a date behind it, comments before it.
pub(super) fn lines(text: &str, draft: &mut Draft) {
    let mut comment = String::new();
    for line in text.lines().map(str::trim) {
        if let Some(said) = line.strip_prefix('#') {
            comment = said.trim().to_owned();
            continue;
        }
        let mut words = line.split_whitespace();
        let Some(id) = words.next() else {
            comment.clear();
            continue;
        };
        let mut expires = None;
        for word in words {
            match word.strip_prefix("exp:").map(str::parse::<Timestamp>) {
                Some(Ok(time)) => expires = Some(time),
                Some(Err(_)) => draft.note(format!("`{id}`: the date in `{word}` cannot be read")),
                None => draft.note(format!("`{id}`: `{word}` was left out")),
            }
        }
        let fixable = is_vulnerability(id);
        exception(draft, id, &comment, (expires, fixable), (&[], Vec::new(), Vec::new()));
    }
}

/// Reads the YAML form.
pub(super) fn document(document: &Node, draft: &mut Draft) {
    for (key, ..) in document.entries() {
        if !SECTIONS.iter().any(|(section, _)| section == key) {
            draft.note(format!("the section `{key}` was left out"));
        }
    }
    for (section, rules) in SECTIONS {
        for entry in document.items_at(&[section]) {
            let Some(id) = entry.written_at(&["id"]) else {
                draft.note(format!("an entry of `{section}` without `id` was left out"));
                continue;
            };
            let list =
                |key: &str| entry.items_at(&[key]).iter().filter_map(Node::written).collect::<Vec<_>>();
            let expires = entry.written_at(&["expired_at"]).and_then(|text| text.parse().ok());
            if entry.get("expired_at").is_some() && expires.is_none() {
                draft.note(format!("`{id}`: its date cannot be read"));
            }
            let statement = entry.written_at(&["statement"]).unwrap_or_default();
            let fixable = *section == "vulnerabilities";
            exception(draft, &id, &statement, (expires, fixable), (rules, list("paths"), list("purls")));
        }
    }
}

fn exception(
    draft: &mut Draft,
    id: &str,
    reason: &str,
    (expires, fixable): (Option<Timestamp>, bool),
    (rules, paths, packages): (&[&str], Vec<String>, Vec<String>),
) {
    if expires.is_none() && !fixable {
        draft.note(format!(
            "`{id}` had no end, and no fix ships for it: it was left out; give it a date with `exp:`"
        ));
        return;
    }
    let name = draft.name(&format!("trivy-{id}"));
    let reason = if reason.is_empty() { "imported from .trivyignore, which gave none" } else { reason };
    let mut entries = vec![("id".to_owned(), Out::text(name))];
    if !rules.is_empty() {
        entries.push(("rules".to_owned(), Out::texts(rules.iter().copied())));
    }
    entries.push(("advisories".to_owned(), Out::texts([id])));
    // Trivy's patterns of paths let `*` cross no folder, as ours do.
    if !paths.is_empty() {
        entries.push(("paths".to_owned(), Out::texts(paths)));
    }
    if !packages.is_empty() {
        entries.push(("packages".to_owned(), Out::texts(packages)));
    }
    entries.push(("owner".to_owned(), Out::text("unknown")));
    entries.push(("reason".to_owned(), Out::text(reason)));
    entries.push(("approvedBy".to_owned(), Out::text("unknown")));
    match expires {
        Some(time) => entries.push(("expires".to_owned(), Out::text(time.date_text()))),
        None => {
            entries.push(("until".to_owned(), Out::text("fix-available")));
            draft.note(format!("`{id}` had no end: it now ends when a fix ships"));
        }
    }
    draft.note("owner and approval of the exceptions are unknown: name them".to_owned());
    draft.exceptions.push(Out::Map(entries));
}
