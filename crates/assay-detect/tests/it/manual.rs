//! The manual's tables are those of the definitions.
//!
//! `ASSAY_WRITE_MANUAL=1 cargo test -p assay-detect manual` writes them.

use assay_detect::check::{self, Check};
use assay_detect::license::{Class, Policy, policy};
use assay_detect::lint::{self, Kind};
use assay_detect::malware;
use std::fmt::Write as _;
use std::path::Path;

/// Makes a table of checks.
fn table<'a>(checks: impl Iterator<Item = &'a Check>) -> String {
    let mut text =
        "| check | severity | what | why | what to do | elsewhere |\n|---|---|---|---|---|---|\n".to_owned();
    for check in checks {
        let elsewhere =
            check.aliases.iter().copied().chain(Some(check.reference).filter(|text| !text.is_empty()));
        let elsewhere = elsewhere.collect::<Vec<_>>().join(", ");
        let Check { id, title, severity, why, fix, .. } = check;
        writeln!(text, "| `{id}` | {severity} | {title} | {} | {} | {elsewhere} |", cell(why), cell(fix))
            .unwrap();
    }
    text
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

fn rules() -> String {
    let mut text = "| rule | severity | what | looked for in |\n|---|---|---|---|\n".to_owned();
    for rule in malware::RULES {
        let on: Vec<String> = rule.on.iter().map(|kind| format!("{kind:?}").to_ascii_lowercase()).collect();
        writeln!(text, "| `{}` | {} | {} | {} |", rule.id, rule.severity, rule.title, on.join(", ")).unwrap();
    }
    text
}

fn classes() -> String {
    let default = Policy::default();
    let examples = |class: Class| match class {
        Class::Permissive => "MIT, BSD-3-Clause, Apache-2.0, ISC, CC0-1.0",
        Class::WeakCopyleft => "LGPL-2.1-or-later, MPL-2.0, EPL-2.0, CDDL-1.0",
        Class::StrongCopyleft => "GPL-2.0-only, GPL-3.0-or-later, CC-BY-SA-4.0",
        Class::NetworkCopyleft => "AGPL-3.0-only, EUPL-1.2, OSL-3.0",
        Class::Proprietary => "SSPL-1.0, BUSL-1.1, Elastic-2.0, CC-BY-NC-4.0",
        Class::Unknown => "LicenseRef-Acme",
    };
    let mut text = "| class | examples | by default |\n|---|---|---|\n".to_owned();
    for class in Class::ALL {
        for id in examples(class).split(", ") {
            assert_eq!(Class::of(id, None), class, "{id}");
        }
        let severity = default.classes.get(&class).map_or("no finding".to_owned(), ToString::to_string);
        writeln!(text, "| `{class}` | {} | {severity} |", examples(class)).unwrap();
    }
    text.push_str("\n| rule | what | what to do |\n|---|---|---|\n");
    for (rule, title, fix) in policy::RULES {
        writeln!(text, "| `{rule}` | {title} | {fix} |").unwrap();
    }
    text
}

/// Puts `table` between the marks of its name, or holds it against what stands there.
fn check_page(page: &str, name: &str, table: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/manual").join(page);
    let text = std::fs::read_to_string(&path).unwrap();
    let (start, end) = (format!("<!-- table: {name} -->\n"), "<!-- end -->");
    let (before, rest) = text.split_once(&start).unwrap_or_else(|| panic!("{page} has no table of {name}"));
    let (written, after) = rest.split_once(end).unwrap();
    let wanted = format!("\n{table}\n");
    if written != wanted && std::env::var_os("ASSAY_WRITE_MANUAL").is_some() {
        std::fs::write(&path, format!("{before}{start}{wanted}{end}{after}")).unwrap();
        return;
    }
    assert_eq!(
        written, wanted,
        "{page} is stale: run `ASSAY_WRITE_MANUAL=1 cargo test -p assay-detect manual`"
    );
}

#[test]
fn tables_of_lint() {
    for kind in Kind::ALL {
        check_page("lint.md", kind.name(), &table(lint::checks(kind).into_iter()));
    }
}

#[test]
fn tables_of_checks() {
    check_page("checks.md", "files", &table(check::file::CHECKS.iter().map(|check| &check.check)));
    let of_image = check::image::CHECKS.iter().map(|check| &check.check);
    let of_image = of_image.chain(std::iter::once(&check::accumulated::CHECK));
    check_page("checks.md", "image", &table(of_image));
    check_page("checks.md", "history", &table(check::history::lints().map(|lint| &lint.check)));
    check_page("checks.md", "system", &table(check::system::CHECKS.iter().map(|check| &check.check)));
}

#[test]
fn tables_of_licences_and_malware() {
    check_page("licences.md", "classes", &classes());
    check_page("malware.md", "rules", &rules());
}
