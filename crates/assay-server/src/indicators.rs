//! Service-level indicators in the text format of Prometheus, each with its objective, where what is stored can give them.
//!
//! They are about the whole fleet and the same whichever process is asked; [`crate::metrics`] counts what this process did.

use crate::report::feeds;
use assay_store::{Indicators, Moment, Store, StoreError, TriageState};
use std::fmt::Write as _;
use std::time::Duration;
use tokio::sync::Mutex;

/// The window of indicators that are about a time.
const WINDOW: Duration = Duration::from_secs(30 * 86_400);
/// How long they are kept: going through millions of findings at every look would be work for nothing.
const KEPT: Duration = Duration::from_secs(60);

/// What is aimed at, by the name of the indicator. Ratios are from 0 to 1.
const OBJECTIVES: [(&str, f64); 7] = [
    ("assay_scan_coverage_ratio", 0.95),
    ("assay_critical_images_ratio", 0.01),
    ("assay_scan_failure_ratio", 0.02),
    ("assay_scan_duration_seconds", 120.0),
    ("assay_false_positive_ratio", 0.2),
    ("assay_time_to_remediate_seconds critical", 7.0 * 86_400.0),
    ("assay_time_to_remediate_seconds high", 30.0 * 86_400.0),
];

/// The indicators as they were last worked out.
#[derive(Debug, Default)]
pub struct Kept(Mutex<Option<(Moment, Indicators)>>);

impl Kept {
    /// Returns the indicators, worked out again when those that are kept are old. Of several that ask at once one works them out.
    pub(crate) async fn read(&self, store: &Store, now: Moment) -> Result<Indicators, StoreError> {
        let mut kept = self.0.lock().await;
        if let Some((at, indicators)) = &*kept
            && *at <= now
            && now.since(*at) < KEPT
        {
            return Ok(indicators.clone());
        }
        let indicators = store.indicators(now.minus(WINDOW)).await?;
        *kept = Some((now, indicators.clone()));
        Ok(indicators)
    }
}

/// Writes the indicators.
pub(crate) fn render(indicators: &Indicators, now: Moment) -> String {
    let mut text = String::new();
    let mut gauge = |name: &str, help: &str, values: Vec<(String, f64)>| {
        let _ = write!(text, "# HELP {name} {help}\n# TYPE {name} gauge\n");
        for (labels, value) in values {
            let _ = writeln!(text, "{name}{labels} {value}");
        }
    };
    let plain =
        |value: Option<f64>| value.map(|value| (String::new(), value)).into_iter().collect::<Vec<_>>();
    gauge(
        "assay_scan_coverage_ratio",
        "Images that were scanned, of those that were seen.",
        plain(ratio(indicators.scanned, indicators.images)),
    );
    let critical =
        indicators.findings.iter().filter(|one| one.kind == "vulnerability" && one.severity == "critical");
    gauge(
        "assay_critical_images_ratio",
        "Images with critical vulnerabilities, of those that were scanned.",
        plain(ratio(critical.map(|one| one.images).sum(), indicators.scanned)),
    );
    let (done, failed) = indicators.scans;
    gauge(
        "assay_scan_failure_ratio",
        "Scans that were given up, of those that ended; of the jobs that are kept, seven days.",
        plain(ratio(failed, done.saturating_add(failed))),
    );
    gauge(
        "assay_scan_duration_seconds",
        "How long a scan took on average; of the jobs that are kept, seven days.",
        plain((done > 0).then(|| indicators.scanning.as_secs_f64() / number(done))),
    );
    let by = |one: &assay_store::OpenFindings| {
        format!("{{kind=\"{}\",severity=\"{}\"}}", escaped(&one.kind), escaped(&one.severity))
    };
    gauge(
        "assay_open_findings",
        "Findings that count, over all images.",
        indicators.findings.iter().map(|one| (by(one), number(one.findings))).collect(),
    );
    gauge(
        "assay_recurring_findings",
        "Findings that had been gone and came back.",
        indicators.findings.iter().map(|one| (by(one), number(one.recurring))).collect(),
    );
    gauge(
        "assay_affected_images",
        "Images with such findings.",
        indicators.findings.iter().map(|one| (by(one), number(one.images))).collect(),
    );
    let severity = |severity: &str| format!("{{severity=\"{}\"}}", escaped(severity));
    gauge(
        "assay_time_to_remediate_seconds",
        "From when a vulnerability was known until the tag named an image without it, on average over 30 days.",
        indicators
            .remediated
            .iter()
            .map(|one| (severity(&one.severity), one.together.as_secs_f64() / number(one.count).max(1.0)))
            .collect(),
    );
    gauge(
        "assay_remediated_vulnerabilities",
        "How many went away in 30 days.",
        indicators.remediated.iter().map(|one| (severity(&one.severity), number(one.count))).collect(),
    );
    let exposure = &indicators.exposure;
    gauge(
        "assay_regressed_findings",
        "Vulnerabilities that a tag has again after it named an image without them; of tags that moved within 30 days.",
        exposure.regressed.iter().map(|(name, count)| (severity(name), number(*count))).collect(),
    );
    gauge(
        "assay_vulnerable_packages_per_image",
        "Vulnerable packages of a scanned image, on average.",
        plain(ratio(exposure.packages, indicators.scanned)),
    );
    gauge(
        "assay_vulnerable_packages_weight_per_image",
        "The same, each by its worst finding: critical 10, high 5, medium 2, low and unknown 1, negligible 0.",
        plain(ratio(exposure.weight, indicators.scanned)),
    );
    gauge(
        "assay_triage_decisions",
        "What people decided about findings in 30 days, without what was taken back or replaced.",
        exposure
            .decided
            .iter()
            .map(|(state, count)| (format!("{{state=\"{}\"}}", state.name()), number(*count)))
            .collect(),
    );
    let wrong = exposure.decided.get(&TriageState::FalsePositive).copied().unwrap_or_default();
    gauge(
        "assay_false_positive_ratio",
        "Findings that were called false, of those that people decided about in 30 days.",
        plain(ratio(wrong, exposure.decided.values().sum())),
    );
    gauge(
        "assay_reports_behind",
        "Images whose report is by an older vulnerability database than the newest.",
        plain(Some(number(indicators.behind))),
    );
    gauge(
        "assay_watched",
        "What is admitted before its scan at the moment.",
        plain(Some(number(indicators.watched))),
    );
    if let Some((built, description)) = &indicators.database {
        gauge(
            "assay_database_age_seconds",
            "How old the newest vulnerability database is.",
            plain(Some(now.since(*built).as_secs_f64())),
        );
        gauge(
            "assay_feed_age_seconds",
            "How old the newest data of each of its feeds are.",
            feeds(description)
                .into_iter()
                .map(|(name, synced)| {
                    (
                        format!("{{feed=\"{}\"}}", escaped(&name)),
                        now.since(Moment::from(synced)).as_secs_f64(),
                    )
                })
                .collect(),
        );
    }
    gauge(
        "assay_objective",
        "What is aimed at.",
        OBJECTIVES
            .iter()
            .map(|(name, value)| match name.split_once(' ') {
                Some((name, severity)) => {
                    (format!("{{indicator=\"{name}\",severity=\"{severity}\"}}"), *value)
                }
                None => (format!("{{indicator=\"{name}\"}}"), *value),
            })
            .collect(),
    );
    text
}

/// Returns a share; nothing of nothing is no share.
fn ratio(part: i64, whole: i64) -> Option<f64> {
    (whole > 0).then(|| number(part) / number(whole))
}

/// Returns a count as Prometheus has it. Counts of things fit; one that does not is as good as endless.
fn number(count: i64) -> f64 {
    i32::try_from(count).map_or(f64::INFINITY, f64::from)
}

/// Returns the value of a label as it is written.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_store::{Exposure, OpenFindings, Remediated};

    #[test]
    fn every_indicator_is_what_its_formula_says() {
        let finding = |severity: &str, images| OpenFindings {
            kind: "vulnerability".to_owned(),
            severity: severity.to_owned(),
            findings: 6,
            recurring: 1,
            images,
        };
        let indicators = Indicators {
            images: 8,
            scanned: 4,
            behind: 2,
            watched: 3,
            scans: (3, 1),
            scanning: Duration::from_millis(4500),
            findings: vec![finding("critical", 1), finding("high", 3)],
            remediated: vec![Remediated { severity: "high".to_owned(), count: 2, together: Duration::from_secs(50) }],
            exposure: Exposure {
                packages: 6,
                weight: 22,
                regressed: [("high".to_owned(), 3)].into(),
                decided: [
                    (TriageState::FalsePositive, 1),
                    (TriageState::Accepted, 6),
                    (TriageState::Exception, 1),
                ]
                .into(),
            },
            database: Some((
                Moment(1000),
                r#"{"built_at":1,"built_in":false,"feeds":[{"name":"a\"b","synced_at":2,"records":1,"rejected":0,"license":""},
                {"name":"never","synced_at":null,"records":1,"rejected":0,"license":""}],"ecosystems":[]}"#
                    .to_owned(),
            )),
        };
        let text = render(&indicators, Moment(11_000));
        for line in [
            "assay_scan_coverage_ratio 0.5",
            "assay_critical_images_ratio 0.25",
            "assay_scan_failure_ratio 0.25",
            "assay_scan_duration_seconds 1.5",
            "assay_open_findings{kind=\"vulnerability\",severity=\"high\"} 6",
            "assay_recurring_findings{kind=\"vulnerability\",severity=\"high\"} 1",
            "assay_affected_images{kind=\"vulnerability\",severity=\"high\"} 3",
            "assay_time_to_remediate_seconds{severity=\"high\"} 25",
            "assay_remediated_vulnerabilities{severity=\"high\"} 2",
            "assay_regressed_findings{severity=\"high\"} 3",
            "assay_vulnerable_packages_per_image 1.5",
            "assay_vulnerable_packages_weight_per_image 5.5",
            "assay_triage_decisions{state=\"accepted\"} 6",
            "assay_false_positive_ratio 0.125",
            "assay_objective{indicator=\"assay_false_positive_ratio\"} 0.2",
            "assay_reports_behind 2",
            "assay_watched 3",
            "assay_database_age_seconds 10",
            "assay_feed_age_seconds{feed=\"a\\\"b\"} 9",
            "assay_objective{indicator=\"assay_scan_coverage_ratio\"} 0.95",
            "assay_objective{indicator=\"assay_time_to_remediate_seconds\",severity=\"critical\"} 604800",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
        }
        assert!(!text.contains("never"), "{text}");
    }

    #[test]
    fn nothing_gives_no_shares() {
        let text = render(&Indicators::default(), Moment(0));
        assert!(
            !text.contains("\nassay_scan_coverage_ratio ")
                && !text.contains("\nassay_false_positive_ratio ")
                && !text.contains("NaN"),
            "{text}"
        );
    }
}
