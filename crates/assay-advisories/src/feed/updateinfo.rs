//! `updateinfo.xml`: the errata of an RPM repository, as yum and dnf read them (`dnf updateinfo`). One `update` has one or more
//! collections of packages; its CVEs are references of type `cve`.
//!
//! Surprising things: not every update is about security; a collection may belong to an RPM module; the severity may be `None`.

use super::xml::{Element, XmlError, elements};
use assay_model::advisory::{Advisory, Affected, Range};
use assay_model::ecosystem::Ecosystem;
use assay_model::severity::Severity;
use assay_model::timestamp::Timestamp;
use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;

/// Calls `visit` with each `update` element.
///
/// # Errors
/// Fails at the first place that is not XML; what came before has been visited.
pub(super) fn read(file: impl Read, visit: &mut dyn FnMut(&Element)) -> Result<(), XmlError> {
    elements(file, &["update"], &mut |update| visit(&update))
}

/// Returns the erratum in an `update`, all of whose packages are of `ecosystem`, or why there is none.
pub(super) fn advisory(update: &Element, ecosystem: &Ecosystem) -> Result<Advisory, &'static str> {
    let id = update.child_text("id");
    if id.is_empty() {
        return Err("it has no `id`");
    }
    let severity = Severity::from_vendor(update.child_text("severity"))
        .filter(|severity| *severity != Severity::Unknown);
    let time =
        |name: &str| update.child(name).and_then(|child| child.attribute("date").parse::<Timestamp>().ok());
    let mut advisory = Advisory {
        id: id.to_owned(),
        title: update.child_text("title").to_owned(),
        details: update.child_text("description").to_owned(),
        severity,
        published: time("issued"),
        modified: time("updated"),
        ..Advisory::default()
    };
    let references = update.child("references");
    for reference in references.iter().flat_map(|references| references.all("reference")) {
        let (kind, id, href) =
            (reference.attribute("type"), reference.attribute("id"), reference.attribute("href"));
        if kind.eq_ignore_ascii_case("cve") && id.starts_with("CVE-") {
            advisory.fixes.push(id.to_owned());
        }
        if !href.is_empty() {
            advisory.references.push(href.to_owned());
        }
    }
    advisory.fixes.sort_unstable();
    advisory.fixes.dedup();
    advisory.affected = packages(update, ecosystem);
    if advisory.affected.is_empty() { Err("it lists no packages") } else { Ok(advisory) }
}

fn packages(update: &Element, ecosystem: &Ecosystem) -> Vec<Affected> {
    let mut found: BTreeMap<(String, String, Option<String>), BTreeSet<String>> = BTreeMap::new();
    for collection in update.all("pkglist").flat_map(|list| list.all("collection")) {
        let module = collection
            .child("module")
            .map(|module| format!("{}:{}", module.attribute("name"), module.attribute("stream")));
        for package in collection.all("package") {
            let (name, version, release) =
                (package.attribute("name"), package.attribute("version"), package.attribute("release"));
            let architecture = package.attribute("arch");
            // Symbols are no code that runs; a source package's binaries are listed beside it.
            let code =
                !name.ends_with("-debuginfo") && !name.ends_with("-debugsource") && architecture != "src";
            if !code || name.is_empty() || version.is_empty() || release.is_empty() {
                continue;
            }
            let fixed = evr(package.attribute("epoch"), &format!("{version}-{release}"));
            let architectures = found.entry((name.to_owned(), fixed, module.clone())).or_default();
            if !architecture.is_empty() {
                architectures.insert(architecture.to_owned());
            }
        }
    }
    let mut affected = Vec::new();
    for ((name, fixed, module), architectures) in found {
        let mut statement = Affected::new(ecosystem.clone(), &name);
        statement.ranges = vec![Range::until_fixed(fixed)];
        statement.module = module;
        statement.architectures = architectures.into_iter().collect();
        affected.push(statement);
    }
    affected
}

/// Joins an epoch and `version-release`; epoch 0 is left out, as rpm's tools print it.
pub(super) fn evr(epoch: &str, version: &str) -> String {
    match epoch.trim() {
        "" | "0" | "(none)" => version.to_owned(),
        epoch => format!("{epoch}:{version}"),
    }
}
