//! Software that no package manager registered: by which names, and by whose word, it is judged.

use crate::{check, findings, inventory, one, opened, say};
use assay_advisories::Compiler;
use assay_advisories::sink::Record;
use assay_match::{explain, match_inventory};
use assay_model::Software;
use assay_model::report::CoverageState;
use assay_model::software::SOFTWARE;

#[test]
fn software_is_judged_by_exactly_its_own_names() {
    one("", "generic openssl 3.0.2", ("CPE", "openssl:openssl", ">=3.0.0 <3.0.7"), "fixed 3.0.7");
    one("", "generic openssl 3.0.7", ("CPE", "openssl:openssl", ">=3.0.0 <3.0.7"), "");
    one("", "generic openssl 1.1.1k", ("CPE", "openssl:openssl", ">=1.1.1 <1.1.1l"), "fixed 1.1.1l");
    one("", "generic openssl 1.1.1l", ("CPE", "openssl:openssl", ">=1.1.1 <1.1.1l"), "");
    one("", "generic openssh 9.2p1", ("CPE", "openbsd:openssh", "<9.3"), "fixed 9.3");
    one("", "generic openssh 9.3p2", ("CPE", "openbsd:openssh", "<9.3"), "");
    one("", "generic httpd 2.4.50", ("Bitnami", "apache", "<2.4.51"), "fixed 2.4.51");
    one("", "generic postgresql 15.3", ("Bitnami", "postgresql", ">=15.0.0 <15.4.0"), "fixed 15.4.0");
    one("", "generic postgresql 15.4", ("Bitnami", "postgresql", ">=15.0.0 <15.4.0"), "");
    one("", "generic nginx 1.20.0", ("CPE", "igor_sysoev:nginx", "<1.20.1"), "fixed 1.20.1");
    one("", "generic nginx 1.27.0-rc1", ("CPE", "f5:nginx", "<1.27.0"), "fixed 1.27.0");
    // Names that look alike, names of another name space, and software that is not in the list.
    one("", "generic nginx 1.20.0", ("CPE", "f5:nginx_plus", "<1.20.1"), "");
    one("", "generic nginx 1.20.0", ("CPE", "nginx", "<1.20.1"), "");
    one("", "generic nginx 1.20.0", ("Bitnami", "f5:nginx", "<1.20.1"), "");
    one("", "generic nginx 1.20.0", ("Debian:12", "nginx", "<1.20.1"), "");
    one("", "generic redis 7.0.0", ("PyPI", "redis", "<7.0.1"), "");
    one("", "pypi redis 7.0.0", ("Bitnami", "redis", "<7.0.1"), "");
    one("", "generic httpd 2.4.50", ("Bitnami", "httpd", "<2.4.51"), "");
    one("", "generic frobnicator 1", ("CPE", "acme:frobnicator", "<2"), "");
}

#[test]
fn two_sources_about_one_vulnerability_are_one_finding() {
    let feeds = [
        (
            "osv",
            vec![say("BIT-nginx-2021-23017").alias("CVE-2021-23017").affects("Bitnami", "nginx", "<1.20.1")],
        ),
        ("nvd", vec![say("CVE-2021-23017").affects("CPE", "f5:nginx", ">=0.6.18 <1.20.1")]),
    ];
    check("", &["generic nginx 1.20.0"], &feeds, &["CVE-2021-23017 of 0: fixed 1.20.1"]);
    let finding = findings("", &["generic nginx 1.20.0"], &crate::database(&feeds)).remove(0);
    let names: Vec<_> =
        finding.evidence.iter().map(|one| format!("{} {}", one.ecosystem, one.package)).collect();
    assert_eq!(names, ["CPE f5:nginx", "Bitnami nginx"]);
}

#[test]
fn explaining_knows_all_names() {
    let database = crate::database(&[("nvd", vec![say("CVE-2021-1").affects("CPE", "f5:nginx", "<1.20.1")])]);
    let reasons = |package| {
        let found = explain("CVE-2021-1", Some(&inventory(None, &[package])), &database).unwrap().unwrap();
        found[0].packages.iter().map(|verdict| verdict.affected).collect::<Vec<_>>()
    };
    assert_eq!(reasons("generic nginx 1.20.0"), [true]);
    assert_eq!(reasons("generic nginx 1.20.1"), [false]);
    assert_eq!(reasons("generic openssl 1.20.1"), [false; 0]);
}

/// Whether software that only NVD speaks about is covered by a feed that speaks about this much of the list.
fn covered(share: impl Fn(usize, usize) -> bool) -> bool {
    let judged: Vec<&Software> = SOFTWARE.iter().filter(|software| !software.cpes.is_empty()).collect();
    let mut compiler = Compiler::new(false);
    let feed = compiler.feed("nvd", "public domain");
    for (index, software) in judged.iter().enumerate().filter(|(index, _)| share(*index, judged.len())) {
        let advisory = say(&format!("CVE-2020-{index}")).affects("CPE", software.cpes[0], "<0.1").0;
        compiler.record(feed, Record::Advisory(Box::new(advisory)));
    }
    let matched = match_inventory(&inventory(None, &["generic openssl 3.0.2"]), &opened(compiler)).unwrap();
    assert_eq!((matched.findings.len(), matched.coverage.len()), (0, 1));
    matched.coverage[0].state != CoverageState::None
}

#[test]
fn some_of_the_records_do_not_cover_all_of_the_products() {
    assert!(covered(|_, _| true));
    assert!(covered(|index, all| index * 5 < all * 4));
    assert!(!covered(|index, all| index * 3 < all * 2));
    assert!(!covered(|_, _| false));
}
