//! SARIF 2.1.0 for code-scanning services (<https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html>): a rule of the
//! policy is a rule, a reason a result.

use super::{Options, words};
use crate::verdict::{Cause, Effect, Reason, Verdict};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::{self, Write};

pub(super) fn write(verdict: &Verdict, _: &Options, out: &mut dyn Write) -> io::Result<()> {
    let mut rules: BTreeMap<&str, Value> = BTreeMap::new();
    for reason in &verdict.reasons {
        rules.entry(&reason.rule).or_insert_with(|| {
            let about = crate::rule::by_id(&reason.kind).map_or("the image can be judged", |rule| rule.about());
            json!({ "id": reason.rule, "shortDescription": { "text": about }, "fullDescription": { "text": about } })
        });
    }
    let positions: BTreeMap<&str, usize> = rules.keys().enumerate().map(|(index, id)| (*id, index)).collect();
    let results: Vec<Value> = verdict
        .reasons
        .iter()
        .map(|reason| {
            result(verdict, reason, positions.get(reason.rule.as_str()).copied().unwrap_or_default())
        })
        .collect();
    let log = json!({
        "$schema": "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "Assay",
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "informationUri": env!("CARGO_PKG_REPOSITORY"),
                "rules": rules.into_values().collect::<Vec<_>>(),
            }},
            "originalUriBaseIds": { "IMAGE": { "description": { "text": "the root folder of what was judged" } } },
            "invocations": [{ "executionSuccessful": verdict.evaluated }],
            "results": results,
            "columnKind": "utf16CodeUnits",
            "properties": {
                "verdict": verdict.decision.name(),
                "policy": verdict.policy,
                "tiers": verdict.tiers,
                "source": verdict.source,
                "digests": verdict.digests.iter().map(ToString::to_string).collect::<Vec<_>>(),
            },
        }],
    });
    assay_escape::json::write_pretty(&log, out)
}

fn result(verdict: &Verdict, reason: &Reason, rule: usize) -> Value {
    let level = match reason.effect {
        Effect::Deny => "error",
        Effect::Warn => "warning",
        Effect::Audit => "note",
    };
    let mut text = format!("{}; do: {}", words::sentence(verdict, reason), reason.remedy);
    for line in reason.findings.iter().map(words::finding).chain(reason.near_misses.iter().cloned()) {
        text.push_str(&format!("\n{line}"));
    }
    // GitHub wants a location with a line in every result, also where there is none.
    let mut paths: Vec<&str> = reason.findings.iter().filter_map(|finding| finding.path.as_deref()).collect();
    paths.dedup();
    paths.truncate(10);
    if paths.is_empty() {
        paths.push("image");
    }
    let locations: Vec<Value> = paths
        .iter()
        .map(|path| {
            let file = path.split_once("!/").map_or(*path, |(outer, _)| outer);
            json!({ "physicalLocation": {
                "artifactLocation": { "uri": uri(file), "uriBaseId": "IMAGE" },
                "region": { "startLine": 1 },
            }, "message": { "text": path } })
        })
        .collect();
    json!({
        "ruleId": reason.rule,
        "ruleIndex": rule,
        "level": level,
        "message": { "text": text },
        "locations": locations,
        "partialFingerprints": { "assayReason/v1": format!("{}:{}", reason.rule, reason.digest.map(|digest| digest.to_string()).unwrap_or_default()) },
        "properties": {
            "effect": reason.effect.name(),
            "cause": match reason.cause {
                Cause::Violation => "violation",
                Cause::MissingEvidence => "missing-evidence",
                Cause::NotEvaluated => "not-evaluated",
            },
            "findings": reason.findings.iter().map(|finding| finding.id.as_str()).collect::<Vec<_>>(),
        },
    })
}

/// Percent-encodes a path as a relative URI reference (RFC 3986).
fn uri(path: &str) -> String {
    let mut uri = String::new();
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/!$&'()*+,;=@".contains(&byte) {
            uri.push(char::from(byte));
        } else {
            uri.push_str(&format!("%{byte:02X}"));
        }
    }
    uri
}
