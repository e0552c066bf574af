//! SARIF as a snapshot, and what code-scanning services need; the official schema is held in `real-tests`.

use crate::sample::{clean, report};
use crate::{options, render};
use serde_json::Value;

fn run(text: &str) -> Value {
    serde_json::from_str::<Value>(text).unwrap()["runs"][0].take()
}

#[test]
fn the_whole_log() {
    insta::assert_snapshot!(render("sarif", &report(), &options()));
}

#[test]
fn a_clean_folder() {
    insta::assert_snapshot!(render("sarif", &clean(), &options()));
}

#[test]
fn results_point_to_their_rules() {
    let run = run(&render("sarif", &report(), &options()));
    let results = run["results"].as_array().unwrap();
    assert_eq!(results.len(), report().findings.len());
    for result in results {
        let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
        assert_eq!(run["tool"]["driver"]["rules"][index]["id"], result["ruleId"]);
        assert!(!result["locations"].as_array().unwrap().is_empty(), "services drop results without a place");
        assert!(result["partialFingerprints"]["assayFindingId/v1"].is_string());
    }
}

#[test]
fn paths_are_relative_references() {
    let run = run(&render("sarif", &report(), &options()));
    for result in run["results"].as_array().unwrap() {
        for location in result["locations"].as_array().unwrap() {
            let uri = location["physicalLocation"]["artifactLocation"]["uri"].as_str().unwrap();
            assert!(!uri.starts_with('/') && !uri.contains([' ', ':', '\\']) && uri.is_ascii(), "{uri}");
        }
    }
}

#[test]
fn what_was_left_unscanned_is_a_notification() {
    let run = run(&render("sarif", &report(), &options()));
    let invocation = &run["invocations"][0];
    assert_eq!(invocation["executionSuccessful"], false);
    let levels: Vec<&Value> = invocation["toolExecutionNotifications"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["level"])
        .collect();
    assert_eq!(levels, ["warning", "note"]);
}
