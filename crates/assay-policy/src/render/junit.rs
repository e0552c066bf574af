//! JUnit's XML, as test runners and CI systems read it: a test case per reason. XML 1.0 has no way to write most control
//! characters; they are replaced.

use super::{Options, words};
use crate::verdict::{Cause, Effect, Reason, Verdict};
use assay_escape::visible;
use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesEnd, BytesStart, BytesText, Event};
use std::io::{self, Write};

pub(super) fn write(verdict: &Verdict, _: &Options, out: &mut dyn Write) -> io::Result<()> {
    let mut xml = Writer::new_with_indent(out, b' ', 2);
    xml.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    let errors = verdict.reasons.iter().filter(|reason| reason.cause == Cause::NotEvaluated).count();
    let denied = verdict.with(Effect::Deny).count();
    let skipped = verdict.reasons.len() - denied;
    // A verdict without reasons is one test that passed.
    let tests = verdict.reasons.len().max(1);
    let counts = |element: &mut BytesStart<'_>, with_skipped: bool| {
        element.push_attribute(("tests", tests.to_string().as_str()));
        element.push_attribute(("failures", (denied - errors.min(denied)).to_string().as_str()));
        element.push_attribute(("errors", errors.to_string().as_str()));
        if with_skipped {
            element.push_attribute(("skipped", skipped.to_string().as_str()));
        }
    };
    let mut suites = BytesStart::new("testsuites");
    suites.push_attribute(("name", "assay gate"));
    counts(&mut suites, false);
    xml.write_event(Event::Start(suites))?;
    let mut suite = BytesStart::new("testsuite");
    suite.push_attribute(("name", line(&verdict.source).as_str()));
    counts(&mut suite, true);
    xml.write_event(Event::Start(suite))?;
    if verdict.reasons.is_empty() {
        xml.create_element("testcase")
            .with_attribute(("classname", "assay.gate"))
            .with_attribute(("name", "every rule holds"))
            .with_attribute(("time", "0"))
            .write_empty()?;
    }
    for reason in &verdict.reasons {
        case(&mut xml, verdict, reason)?;
    }
    xml.write_event(Event::End(BytesEnd::new("testsuite")))?;
    xml.write_event(Event::End(BytesEnd::new("testsuites")))?;
    xml.into_inner().write_all(b"\n")
}

fn case<W: Write>(xml: &mut Writer<W>, verdict: &Verdict, reason: &Reason) -> io::Result<()> {
    let message = line(&words::sentence(verdict, reason));
    let mut body: Vec<String> = reason.findings.iter().map(words::finding).collect();
    body.extend(reason.near_misses.iter().cloned());
    body.push(format!("do: {}", reason.remedy));
    let body = text(&body.join("\n"));
    xml.create_element("testcase")
        .with_attribute(("classname", format!("assay.gate.{}", line(&reason.kind)).as_str()))
        .with_attribute(("name", line(&reason.rule).as_str()))
        .with_attribute(("time", "0"))
        .write_inner_content(|xml| {
            let element = match (reason.effect, reason.cause) {
                (Effect::Deny, Cause::NotEvaluated) => "error",
                (Effect::Deny, _) => "failure",
                // Only denials make a test fail; the others are shown.
                (Effect::Warn | Effect::Audit, _) => {
                    xml.create_element("skipped")
                        .with_attribute(("message", message.as_str()))
                        .write_empty()?;
                    return Ok(());
                }
            };
            xml.create_element(element)
                .with_attribute(("type", reason.kind.as_str()))
                .with_attribute(("message", message.as_str()))
                .write_text_content(BytesText::new(&body))?;
            Ok(())
        })?;
    Ok(())
}

fn text(text: &str) -> String {
    // The only two that are neither controls nor allowed.
    visible(text).replace(['\u{fffe}', '\u{ffff}'], "\u{fffd}")
}

fn line(value: &str) -> String {
    text(value).replace('\n', " ")
}
