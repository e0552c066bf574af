//! The formats of pipelines, as snapshots, and what holds for all of them.

use crate::sample::{clean, report};
use crate::{options, render};
use assay_report::format::TemplateText;
use assay_report::{FORMATS, Options};
use quick_xml::events::Event;

#[test]
fn junit() {
    let xml = render("junit", &report(), &options());
    well_formed(&xml);
    insta::assert_snapshot!(xml);
    let xml = render("junit", &clean(), &options());
    well_formed(&xml);
    assert!(xml.contains("tests=\"1\" failures=\"0\" errors=\"0\""), "{xml}");
}

#[test]
fn markdown() {
    insta::assert_snapshot!(render("markdown", &report(), &options()));
}

#[test]
fn github() {
    insta::assert_snapshot!(render("github", &report(), &options()));
}

#[test]
fn gitlab() {
    insta::assert_snapshot!(render("gitlab", &report(), &options()));
}

#[test]
fn csv() {
    let text = render("csv", &report(), &options());
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    assert_eq!(rows.len(), report().findings.len());
    let formula = |cell: &str| cell.starts_with(['=', '+', '-', '@', '\t', '\r']);
    assert!(rows.iter().flatten().all(|cell| !formula(cell)));
    insta::assert_snapshot!(text);
}

#[test]
fn html() {
    let html = render("html", &report(), &options());
    insta::assert_snapshot!(html);
}

/// What a browser may run is what the policy allows: one script and one style, with the hashes it names; no name from the image
/// adds an element.
#[test]
fn html_runs_nothing_of_the_image() {
    let mut hostile = report();
    hostile.image.reference = "\"><script>alert(1)</script><img src=x onerror=alert(2)>".into();
    hostile.findings[0].title = "</summary></details><script>alert(3)</script>".into();
    hostile.findings[0].rule = "CVE-1\" onmouseover=\"alert(4)".into();
    hostile.inventory.packages[0].name = "<svg/onload=alert(5)>".into();
    let elements = |html: &str, name: &str| html.matches(&format!("<{name}")).count();
    let (html, plain) = (render("html", &hostile, &options()), render("html", &report(), &options()));
    for name in ["script", "style", "img", "svg", "iframe", "meta", "link", "details"] {
        assert_eq!(elements(&html, name), elements(&plain, name), "{name}");
    }
    assert_eq!(elements(&html, "script"), 1);
    assert!(!html.contains("\" onmouseover=\""));
    assert!(html.contains("default-src &#x27;none&#x27;") || html.contains("default-src &#39;none&#39;"));
}

#[test]
fn a_template_of_the_users() {
    let render = |name: &str, text: &str| {
        let template = TemplateText { name: name.into(), text: text.into() };
        let options = Options { template: Some(template), ..options() };
        let mut bytes = Vec::new();
        let format = assay_report::format::by_name("template").unwrap();
        format.write(&report(), &options, &mut bytes).map(|()| String::from_utf8(bytes).unwrap())
    };
    let check = |name: &str, text: &str, want: &str| assert_eq!(render(name, text).unwrap(), want);
    check("a.txt", "{{ schema }} {{ report.findings|length }}", "assay.report/v1 10\n");
    check(
        "a.txt",
        "{% for one in findings if one.severity == 'critical' %}{{ one.rule }} {% endfor %}",
        "CVE-2021-44228 aws-access-key \n",
    );
    check("a.html", "{{ '<b>' }}", "&lt;b&gt;\n");
    check("a.csv", "{{ 'a\"b'|csv }}", "\"a\"\"b\"\n");
    let refused = |text: &str| render("own.txt", text).unwrap_err().to_string();
    assert_eq!(
        refused("one\n{{ nothing.there }}"),
        "undefined value: `nothing` is undefined in line 2 of `own.txt`"
    );
    assert!(refused("{% for %}").contains("in line 1 of `own.txt`"));
    // What it may compute is bounded.
    let endless = "{% for a in range(9000) %}{% for b in range(9000) %}{{ a * b }}{% endfor %}{% endfor %}";
    assert!(refused(endless).contains("fuel"), "{}", refused(endless));
}

#[test]
fn without_a_template_it_says_so() {
    let mut bytes = Vec::new();
    let error = assay_report::format::by_name("template").unwrap().write(&report(), &options(), &mut bytes);
    assert_eq!(error.unwrap_err().to_string(), "no template is given");
}

/// The same report gives the same bytes, and no control character of the image gets through, whatever the format.
#[test]
fn every_format_is_deterministic_and_steers_nothing() {
    let template = TemplateText { name: "a.html".into(), text: "{{ source.reference }}".into() };
    let options = Options { template: Some(template), ..options() };
    for format in FORMATS {
        let text = render(format.name(), &report(), &options);
        assert_eq!(text, render(format.name(), &report(), &options), "{format:?}");
        let steering = |char: &char| char.is_control() && !matches!(char, '\n' | '\r');
        assert_eq!(text.chars().find(steering), None, "{format:?}");
    }
}

fn well_formed(xml: &str) {
    let mut reader = quick_xml::Reader::from_str(xml);
    reader.config_mut().check_end_names = true;
    loop {
        match reader.read_event().unwrap() {
            Event::Eof => return,
            Event::Start(element) | Event::Empty(element) => {
                for attribute in element.attributes() {
                    attribute.unwrap();
                }
            }
            _ => {}
        }
    }
}
