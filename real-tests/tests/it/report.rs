//! Scans by the `assay` binary, and what several topics ask of the report.

use serde_json::Value;
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};
use std::sync::Mutex;
use std::time::UNIX_EPOCH;

/// Runs `assay` with nothing of the developer's own: no cache, no settings.
pub(crate) fn assay(arguments: &[&str]) -> Output {
    command(arguments).output().unwrap()
}

/// Prepares a run of `assay`, for tests that set more.
pub(crate) fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(real_tests::assay());
    command.args(arguments).env("ASSAY_CACHE_DIR", "/nonexistent").env("NO_COLOR", "1");
    for name in ["ASSAY_DB", "ASSAY_PLATFORM", "ASSAY_OFFLINE", "DOCKER_HOST", "CONTAINER_HOST"] {
        command.env_remove(name);
    }
    command
}

/// Returns the database built from the full feeds, which is built once for each `assay`.
pub(crate) fn database() -> Option<PathBuf> {
    static LOCK: Mutex<()> = Mutex::new(());
    let feeds = real_tests::feeds()?;
    // A test that failed to build it has said so; the next one tries again.
    let _guard = LOCK.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let binary = fs::metadata(real_tests::assay()).unwrap();
    let built = binary.modified().unwrap().duration_since(UNIX_EPOCH).unwrap().as_nanos();
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    let database = folder.join(format!("feeds-{built}.db"));
    if !database.exists() {
        for old in fs::read_dir(&folder).unwrap().flatten() {
            if old.file_name().to_string_lossy().starts_with("feeds-") {
                fs::remove_file(old.path()).unwrap();
            }
        }
        let (feeds, out) = (feeds.display().to_string(), database.display().to_string());
        let done = assay(&["db", "build", "--from", &feeds, "--out", &out]);
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    }
    Some(database)
}

/// Returns the report on `source`, which must be complete and without a warning; of findings it has vulnerabilities only, unless
/// `more` asks for others.
#[track_caller]
pub(crate) fn report(source: &str, more: &[&str]) -> Option<Value> {
    let database = database()?;
    let database = database.display().to_string();
    let kinds: &[&str] = if more.contains(&"--scanners") { &[] } else { &["--scanners", "vulnerability"] };
    let done = assay(&[&["scan", source, "--db", &database, "--format", "json"], kinds, more].concat());
    assert_eq!(done.status.code(), Some(0), "{source}: {}", String::from_utf8_lossy(&done.stderr));
    let report: Value = serde_json::from_slice(&done.stdout).unwrap();
    assert_eq!(report["schema"], "assay.report/v1");
    assert_eq!(report["complete"], true, "{source}");
    assert_eq!(report["warnings"], Value::Array(Vec::new()), "{source}");
    Some(report)
}

/// Returns the report on an image of the corpus, read from its layout.
#[track_caller]
pub(crate) fn corpus_report(image: &str) -> Option<Value> {
    let folder = real_tests::corpus(image)?;
    report(&format!("oci:{}", folder.join("oci").display()), &[])
}

/// Returns the same with findings of these kinds.
#[track_caller]
pub(crate) fn corpus_report_of(image: &str, kinds: &str) -> Option<Value> {
    let folder = real_tests::corpus(image)?;
    report(&format!("oci:{}", folder.join("oci").display()), &["--scanners", kinds])
}

/// Returns the objects of a list.
pub(crate) fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value[key].as_array().map_or_else(|| panic!("no list `{key}` in {value}"), Vec::as_slice)
}

/// Returns a text, empty when there is none.
pub(crate) fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}

/// Returns the build instruction of the layer with this diff-id.
#[track_caller]
pub(crate) fn created_by<'a>(report: &'a Value, diff_id: &Value) -> &'a str {
    let layers = list(&report["source"], "layers");
    let layer = layers.iter().find(|layer| layer["diff_id"] == *diff_id);
    text(layer.unwrap_or_else(|| panic!("the image has no layer {diff_id}")), "created_by")
}
