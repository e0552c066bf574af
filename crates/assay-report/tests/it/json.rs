//! The JSON contract: the whole document as a snapshot, and what programs rely on.

use crate::sample::{clean, report};
use crate::{options, render};
use assay_report::Options;
use serde_json::Value;

fn document(hidden: u64) -> Value {
    serde_json::from_str(&render("json", &report(), &Options { hidden, ..options() })).unwrap()
}

#[test]
fn the_whole_contract() {
    insta::assert_snapshot!(render("json", &report(), &options()));
}

#[test]
fn a_clean_folder() {
    insta::assert_snapshot!(render("json", &clean(), &options()));
}

/// The fields SPEC section 3 promises; a field may be added, never taken away.
#[test]
fn every_promised_field_is_there() {
    let document = document(0);
    let promised = [
        ("", "schema complete source os database coverage packages findings warnings summary"),
        ("/source", "kind reference index_digest manifest_digest image_id platform created labels layers"),
        ("/source/layers/0", "diff_id digest created_by base"),
        ("/os", "id version end_of_life"),
        ("/database", "built_at feeds"),
        ("/database/feeds/0", "name synced_at records"),
        ("/coverage/0", "ecosystem state feed synced_at packages"),
        ("/packages/0", "purl type name version source_name licenses locations depends_on usage"),
        ("/packages/0/locations/0", "path layer"),
        (
            "/findings/0",
            "id kind rule aliases title severity severity_source cvss epss kev priority package fix locations evidence \
             remediation status suppression",
        ),
        ("/findings/0/fix", "state versions"),
        ("/findings/0/locations/0", "path line layer"),
        ("/warnings/0", "code message path"),
        ("/summary", "packages unassessed by_severity by_kind by_priority"),
    ];
    for (pointer, fields) in promised {
        let object =
            document.pointer(pointer).and_then(Value::as_object).unwrap_or_else(|| panic!("{pointer}"));
        for field in fields.split_whitespace() {
            assert!(object.contains_key(field), "{pointer} lacks `{field}`");
        }
    }
    assert_eq!(document["schema"], "assay.report/v1");
}

#[test]
fn layers_and_packages_are_referred_to_by_what_is_defined() {
    let document = document(0);
    let all = |pointer: &str, field: &str| -> Vec<Value> {
        document.pointer(pointer).unwrap().as_array().unwrap().iter().map(|one| one[field].clone()).collect()
    };
    let (layers, purls) = (all("/source/layers", "diff_id"), all("/packages", "purl"));
    for finding in document["findings"].as_array().unwrap() {
        let about_package = matches!(finding["kind"].as_str(), Some("vulnerability"));
        assert_eq!(purls.contains(&finding["package"]), about_package, "{}", finding["package"]);
        for location in finding["locations"].as_array().unwrap() {
            let of_config = location["path"].as_str().unwrap().starts_with("config.json#/");
            assert_eq!(layers.contains(&location["layer"]), !of_config, "{location}");
        }
    }
}

#[test]
fn it_says_what_is_incomplete_unassessed_and_hidden() {
    let document = document(4);
    assert_eq!(document["complete"], false);
    assert_eq!(document["summary"]["hidden"], 4);
    assert_eq!(document["summary"]["unassessed"], 3);
    assert_eq!(document["warnings"][0]["incomplete"], true);
    assert_eq!(document["warnings"][1]["incomplete"], false);
}

#[test]
fn control_characters_are_escaped() {
    let text = render("json", &report(), &options());
    assert!(!text.bytes().any(|byte| byte < 0x20 && byte != b'\n'));
}
