//! What the documents look like; official schemas are asked in `real-tests`.

use crate::round_trip::{bytes, sample_document};
use assay_sbom::Format;

#[track_caller]
fn check(name: &str, version: Option<&str>, snapshot: &str) {
    let bytes = bytes(&sample_document(), Format::named(name, version).unwrap());
    insta::assert_snapshot!(snapshot, String::from_utf8(bytes).unwrap());
}

#[test]
fn cyclonedx_json() {
    check("cyclonedx", None, "cyclonedx-1.6");
    check("cyclonedx", Some("1.4"), "cyclonedx-1.4");
}

#[test]
fn cyclonedx_xml() {
    check("cyclonedx-xml", Some("1.7"), "cyclonedx-xml-1.7");
}

#[test]
fn spdx() {
    check("spdx", None, "spdx");
    check("spdx-tv", None, "spdx-tv");
    check("spdx3", None, "spdx3");
}

#[test]
fn other_formats_are_refused_with_those_there_are() {
    let error = |name, version| Format::named(name, version).unwrap_err().to_string();
    assert_eq!(
        error("cyclonedx", Some("1.3")),
        "`cyclonedx` is not written in version `1.3`: expected 1.4, 1.5, 1.6, 1.7"
    );
    assert_eq!(error("spdx-tv", Some("3.0")), "`spdx-tv` is not written in version `3.0`: expected 2.3");
    assert_eq!(
        error("swid", None),
        "there is no format `swid`: expected cyclonedx, cyclonedx-xml, spdx, spdx-tv or spdx3"
    );
}
