//! The Sigstore client conformance suite, from the folder that `ASSAY_CONFORMANCE_DIR` names; without it there is nothing to do.
//!
//! The folder is the suite's `test/assets/bundle-verify`, or one that holds it under that name or `sigstore-bundle-verify`.

use assay_model::Timestamp;
use assay_sign::verify::conformance::{By, Case};
use std::fs;
use std::path::{Path, PathBuf};

/// After every signature of the suite was made.
const NOW: &str = "2026-11-27T00:00:00Z";

#[test]
fn every_case_of_the_suite_is_judged_as_its_name_says() {
    #[expect(
        clippy::disallowed_methods,
        reason = "tests say by a variable where data outside the repository is"
    )]
    let Some(given) = std::env::var_os("ASSAY_CONFORMANCE_DIR").map(PathBuf::from) else { return };
    let folders = ["sigstore-bundle-verify", "test/assets/bundle-verify", "bundle-verify", ""];
    let folder = folders.iter().map(|name| given.join(name)).find(|folder| folder.join("a.txt").exists());
    let folder = folder.expect("a folder with the suite's `a.txt`");
    let now: Timestamp = NOW.parse().unwrap();
    let mut names: Vec<PathBuf> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    names.sort();
    let (mut right, mut wrong) = (0, Vec::new());
    for path in names.iter().filter(|path| path.join("bundle.sigstore.json").exists()) {
        let case = case(path, &folder.join("a.txt"));
        for by in [By::Content, By::Digest] {
            let result = case.verify(by, now);
            let told = result
                .as_ref()
                .map_or_else(std::string::ToString::to_string, |verified| format!("{:?}", verified.signer));
            println!("{} by {by:?}: {told:.200}", case.name);
            if result.is_err() == case.must_fail() {
                right += 1;
            } else {
                wrong.push(format!("{} by {by:?}: {told}", case.name));
            }
        }
    }
    println!("{right} of {} verifications are right", right + wrong.len());
    assert!(wrong.is_empty() && right > 0, "{wrong:#?}");
}

fn case(path: &Path, default_artifact: &Path) -> Case {
    let text = |name: &str| fs::read_to_string(path.join(name)).ok();
    Case {
        name: path.file_name().unwrap().to_string_lossy().into_owned(),
        bundle: fs::read(path.join("bundle.sigstore.json")).unwrap(),
        artifact: fs::read(path.join("artifact")).or_else(|_| fs::read(default_artifact)).unwrap(),
        identity: text("identity"),
        issuer: text("issuer"),
        key: text("key.pub"),
        trusted_root: fs::read(path.join("trusted_root.json")).ok(),
    }
}
