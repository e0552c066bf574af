//! JUnit's XML, as test runners and CI systems read it: a suite per source, a failed test case per finding.
//!
//! There is no standard; what is written is what the schemas of Jenkins' xUnit plug-in and of Apache Ant have in common. XML 1.0
//! has no way to write most control characters, not even escaped; they are replaced.

use super::{Format, Options};
use crate::words;
use assay_escape::visible;
use assay_model::{Finding, Report};
use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesEnd, BytesStart, BytesText, Event};
use std::io::{self, Write};

/// Writes JUnit XML.
pub(super) struct Junit;

impl Format for Junit {
    fn name(&self) -> &'static str {
        "junit"
    }

    fn write(&self, report: &Report, options: &Options, out: &mut dyn Write) -> io::Result<()> {
        let mut xml = Writer::new_with_indent(out, b' ', 2);
        xml.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
        let open = report.findings.iter().filter(|finding| finding.suppression.is_none()).count();
        let skipped = report.findings.len() - open;
        let complete = report.complete();
        // What was left unscanned fails a test of its own; a scan without findings is one that passed.
        let tests = report.findings.len() + 1;
        let counts = |element: &mut BytesStart<'_>, with_skipped: bool| {
            element.push_attribute(("tests", tests.to_string().as_str()));
            element.push_attribute(("failures", open.to_string().as_str()));
            element.push_attribute(("errors", if complete { "0" } else { "1" }));
            if with_skipped {
                element.push_attribute(("skipped", skipped.to_string().as_str()));
            }
        };
        let mut suites = BytesStart::new("testsuites");
        suites.push_attribute(("name", "assay"));
        counts(&mut suites, false);
        xml.write_event(Event::Start(suites))?;
        let mut suite = BytesStart::new("testsuite");
        suite.push_attribute(("name", line(&report.image.reference).as_str()));
        counts(&mut suite, true);
        xml.write_event(Event::Start(suite))?;
        xml.create_element("properties").write_inner_content(|xml| {
            let digest = report.image.manifest_digest.or(report.image.image_id);
            let properties = [
                ("assay.version", options.version.to_owned()),
                ("digest", digest.map(|digest| digest.to_string()).unwrap_or_default()),
                ("packages", report.inventory.packages.len().to_string()),
                ("unassessed", report.unassessed().to_string()),
                ("hidden", options.hidden.to_string()),
            ];
            for (name, value) in properties.iter().filter(|(_, value)| !value.is_empty()) {
                xml.create_element("property")
                    .with_attribute(("name", *name))
                    .with_attribute(("value", line(value).as_str()))
                    .write_empty()?;
            }
            Ok(())
        })?;
        scanned(&mut xml, report)?;
        for finding in &report.findings {
            case(&mut xml, report, finding)?;
        }
        xml.write_event(Event::End(BytesEnd::new("testsuite")))?;
        xml.write_event(Event::End(BytesEnd::new("testsuites")))?;
        xml.into_inner().write_all(b"\n")
    }
}

/// The test that everything was looked at.
fn scanned<W: Write>(xml: &mut Writer<W>, report: &Report) -> io::Result<()> {
    let case = xml
        .create_element("testcase")
        .with_attribute(("classname", "assay.scan"))
        .with_attribute(("name", "everything was scanned"))
        .with_attribute(("time", "0"));
    if report.complete() {
        return case.write_empty().map(|_| ());
    }
    let left: Vec<String> = report
        .inventory
        .warnings
        .iter()
        .filter(|warning| warning.incomplete)
        .map(|warning| text(&warning.to_string()))
        .collect();
    case.write_inner_content(|xml| {
        xml.create_element("error")
            .with_attribute(("type", "incomplete"))
            .with_attribute(("message", "something was left unscanned"))
            .write_text_content(BytesText::new(&left.join("\n")))?;
        Ok(())
    })?;
    Ok(())
}

fn case<W: Write>(xml: &mut Writer<W>, report: &Report, finding: &Finding) -> io::Result<()> {
    let subject = line(&words::subject(report, finding));
    let class = format!("assay.{}.{subject}", finding.kind.name());
    let name = format!("{} [{}]", line(&finding.rule), finding.severity);
    xml.create_element("testcase")
        .with_attribute(("classname", class.as_str()))
        .with_attribute(("name", name.as_str()))
        .with_attribute(("time", "0"))
        .write_inner_content(|xml| {
            if let Some(suppression) = &finding.suppression {
                let why = format!("{}: {}", suppression.state.name(), suppression.reason);
                xml.create_element("skipped")
                    .with_attribute(("message", line(&why).as_str()))
                    .write_empty()?;
                return Ok(());
            }
            let message = line(&words::sentence(report, finding));
            xml.create_element("failure")
                .with_attribute(("type", finding.severity.name()))
                .with_attribute(("message", message.as_str()))
                .write_text_content(BytesText::new(&text(&body(report, finding))))?;
            Ok(())
        })?;
    Ok(())
}

/// All that a person needs who only sees the test.
fn body(report: &Report, finding: &Finding) -> String {
    let mut lines = vec![finding.title.clone()];
    let fix = words::fix(finding);
    if !fix.is_empty() {
        lines.push(format!("fixed in: {fix}"));
    }
    for place in &finding.locations {
        let layer = words::layer(report, place.layer).map(|layer| format!(" in {layer}")).unwrap_or_default();
        lines.push(format!("at: {}{layer}", words::place(place)));
    }
    lines.extend(finding.details.iter().map(|detail| format!("{}: {}", detail.name, detail.value)));
    lines.push(format!("do: {}", finding.remediation));
    lines.push(format!("finding: {}", finding.id));
    lines.join("\n")
}

/// Makes visible what XML 1.0 cannot hold (<https://www.w3.org/TR/xml/#charsets>); the writer escapes the rest.
fn text(text: &str) -> String {
    // The only two that are neither controls nor allowed.
    visible(text).replace(['\u{fffe}', '\u{ffff}'], "\u{fffd}")
}

/// The same for attributes, in which readers take line ends for spaces.
fn line(value: &str) -> String {
    text(value).replace('\n', " ")
}
