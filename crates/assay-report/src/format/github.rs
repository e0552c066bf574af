//! Annotations of GitHub Actions: workflow commands on standard output
//! (<https://docs.github.com/actions/reference/workflow-commands-for-github-actions>).
//!
//! GitHub shows at most ten annotations of each level for a step, so the worst come first and a notice says how many there are. The
//! step summary is the format `markdown`, written to the file that `GITHUB_STEP_SUMMARY` names.

use super::{Format, Options};
use crate::{summary, words};
use assay_escape::shorten;
use assay_model::report::SourceKind;
use assay_model::{Finding, Report, Severity};
use std::io::{self, Write};

/// Writes workflow commands.
pub(super) struct Github;

impl Format for Github {
    fn name(&self) -> &'static str {
        "github"
    }

    fn write(&self, report: &Report, options: &Options, out: &mut dyn Write) -> io::Result<()> {
        let mut headline = summary::headline(report);
        if options.hidden > 0 {
            headline.push_str(&format!("; {} left out by filters", options.hidden));
        }
        if !report.complete() {
            headline.push_str("; incomplete: something was left unscanned");
        }
        command(out, "notice", &[("title", &format!("Assay: {}", report.image.reference))], &headline)?;
        for finding in report.findings.iter().filter(|finding| finding.suppression.is_none()) {
            annotation(report, finding, out)?;
        }
        for warning in report.inventory.warnings.iter().filter(|warning| warning.incomplete) {
            command(out, "warning", &[("title", "Assay: not scanned")], &warning.to_string())?;
        }
        Ok(())
    }
}

fn annotation(report: &Report, finding: &Finding, out: &mut dyn Write) -> io::Result<()> {
    let level = match finding.severity {
        Severity::Critical | Severity::High => "error",
        Severity::Medium | Severity::Unknown => "warning",
        Severity::Low | Severity::Negligible => "notice",
    };
    let title = format!("{} {}", finding.rule, words::subject(report, finding));
    let title = shorten(&title, 200);
    let line = finding.locations.first().and_then(|place| place.line).map(|line| line.to_string());
    let mut properties = vec![("title", title.as_str())];
    // Only files of the checkout can be annotated; those of an image are in no repository.
    if matches!(report.source, SourceKind::Dir | SourceKind::File)
        && let Some(place) = finding.locations.first()
    {
        properties.push(("file", &place.path));
        properties.extend(line.as_deref().map(|line| ("line", line)));
    }
    command(out, level, &properties, &words::sentence(report, finding))
}

fn command(out: &mut dyn Write, level: &str, properties: &[(&str, &str)], message: &str) -> io::Result<()> {
    let properties: Vec<String> =
        properties.iter().map(|(name, value)| format!("{name}={}", property(value))).collect();
    writeln!(out, "::{level} {}::{}", properties.join(","), data(message))
}

/// Escapes a message, as GitHub's own toolkit does; what could steer a terminal is made visible first.
fn data(text: &str) -> String {
    assay_escape::visible(text).replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::{data, property};

    #[test]
    fn no_text_starts_a_command_of_its_own() {
        assert_eq!(data("a\n::error::b 100%"), "a%0A::error::b 100%25");
        assert_eq!(data("a\r::set-output"), "a ::set-output");
        assert_eq!(property("a,file=b:c"), "a%2Cfile=b%3Ac");
    }
}
