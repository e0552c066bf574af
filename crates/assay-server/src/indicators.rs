//! Service-level indicators in the text format of Prometheus, each with its objective, where what is stored can give them.
//!
//! They are about the whole fleet and the same whichever process is asked; [`crate::metrics`] counts what this process did.

mod admitted;
mod delivery;
mod signed;

use crate::report::feeds;
use crate::signed::{SignedKept, SignedShares};
use assay_store::{Indicators, Measures, Moment, Remediated, Spans, Store, StoreError, TriageState};
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;

/// The window of indicators that are about a time.
const WINDOW: Duration = Duration::from_secs(30 * 86_400);
/// How long they are kept: going through millions of findings at every look would be work for nothing.
const KEPT: Duration = Duration::from_secs(60);

/// Within what time vulnerabilities should be remediated.
const REMEDIATION: [(&str, Duration); 2] =
    [("critical", Duration::from_secs(7 * 86_400)), ("high", Duration::from_secs(30 * 86_400))];

/// What is aimed at: the indicator, its labels, and the value. Ratios are from 0 to 1.
const OBJECTIVES: [(&str, &str, f64); 13] = [
    ("assay_scan_coverage_ratio", "", 0.95),
    ("assay_critical_images_ratio", "", 0.01),
    ("assay_scan_failure_ratio", "", 0.02),
    ("assay_scan_duration_seconds", "", 120.0),
    ("assay_scan_duration_slow_seconds", "", 120.0),
    ("assay_scan_queue_wait_seconds", "", 120.0),
    ("assay_scan_queue_wait_slow_seconds", "", 120.0),
    ("assay_time_to_remediate_seconds", ",severity=\"critical\"", 7.0 * 86_400.0),
    ("assay_time_to_remediate_seconds", ",severity=\"high\"", 30.0 * 86_400.0),
    ("assay_false_positive_ratio", "", 0.2),
    ("assay_overdue_vulnerabilities", "", 0.0),
    ("assay_running_high_images", ",environment=\"production\"", 0.0),
    ("assay_running_secrets", ",environment=\"production\"", 0.0),
];

/// The indicators as they were last worked out; all clones are the same.
#[derive(Debug, Default, Clone)]
pub struct Kept {
    fleet: Arc<Mutex<Option<(Moment, Indicators)>>>,
    signed: Arc<SignedKept>,
}

impl Kept {
    /// Returns the indicators, worked out again when those that are kept are old. Of several that ask at once one works them out.
    pub(crate) async fn read(&self, store: &Store, now: Moment) -> Result<Indicators, StoreError> {
        let mut kept = self.fleet.lock().await;
        if let Some((at, indicators)) = &*kept
            && *at <= now
            && now.since(*at) < KEPT
        {
            return Ok(indicators.clone());
        }
        let indicators =
            store.indicators(&Measures { now, window: WINDOW, remediation: &REMEDIATION }).await?;
        *kept = Some((now, indicators.clone()));
        Ok(indicators)
    }

    /// Returns what is signed of what runs, which is worked out beside the requests.
    pub(crate) fn signed(&self) -> &SignedKept {
        &self.signed
    }

    /// Lets them be worked out again by who asks next: something happened that nobody should learn of a minute later.
    pub(crate) async fn forget(&self) {
        *self.fleet.lock().await = None;
    }
}

/// Writes the indicators.
pub(crate) fn render(indicators: &Indicators, shares: &SignedShares, now: Moment) -> String {
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
        "Images that were scanned, of those that were seen; without short-lived ones.",
        plain(ratio(indicators.scanned, indicators.images)),
    );
    gauge(
        "assay_critical_images_ratio",
        "Images with critical vulnerabilities, of those that were scanned; without short-lived ones.",
        plain(ratio(indicators.critical, indicators.scanned)),
    );
    gauge(
        "assay_short_lived_images",
        "Images that are left out: never deployed, and replaced under each of their tags within a day.",
        plain(Some(number(indicators.short_lived))),
    );
    let (done, failed) = indicators.scans;
    let failure = ratio(failed, done.saturating_add(failed));
    gauge(
        "assay_scan_failure_ratio",
        "Scans that were given up, of those that ended; of the jobs that are kept, seven days.",
        plain(failure),
    );
    let mean = |spans: &Spans| (spans.count > 0).then(|| spans.together.as_secs_f64() / number(spans.count));
    let slow = |spans: &Spans| (spans.count > 0).then_some(spans.slow.as_secs_f64());
    for (name, slow_name, what, spans) in [
        (
            "assay_scan_duration_seconds",
            "assay_scan_duration_slow_seconds",
            "a scan took",
            &indicators.scanning,
        ),
        (
            "assay_scan_queue_wait_seconds",
            "assay_scan_queue_wait_slow_seconds",
            "a scan waited to begin",
            &indicators.waiting,
        ),
    ] {
        let kept = "of the jobs that are kept, seven days";
        gauge(name, &format!("How long {what} on average; {kept}."), plain(mean(spans)));
        gauge(
            slow_name,
            &format!("How long {what} at most, but for the slowest twentieth; {kept}."),
            plain(slow(spans)),
        );
    }
    gauge(
        "assay_error_budget_ratio",
        "What is left of what may go wrong by the objective: 1 when all is well, 0 when it is used up, less when it is exceeded.",
        [
            (
                "assay_scan_coverage_ratio",
                ratio(indicators.scanned, indicators.images).map(|good| 1.0 - good),
                0.05,
            ),
            ("assay_critical_images_ratio", ratio(indicators.critical, indicators.scanned), 0.01),
            ("assay_scan_failure_ratio", failure, 0.02),
        ]
        .into_iter()
        .filter_map(|(name, bad, budget)| {
            Some((format!("{{indicator=\"{name}\"}}"), (1.0 - bad? / budget).max(-100.0)))
        })
        .collect(),
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
    let average = |all: &[Remediated]| {
        all.iter()
            .map(|one| (severity(&one.severity), one.together.as_secs_f64() / number(one.count).max(1.0)))
            .collect()
    };
    let counted =
        |all: &[Remediated]| all.iter().map(|one| (severity(&one.severity), number(one.count))).collect();
    gauge(
        "assay_time_to_remediate_seconds",
        "From when a vulnerability was known until the tag named an image without it, on average over 30 days.",
        average(&indicators.remediated),
    );
    gauge(
        "assay_remediated_vulnerabilities",
        "How many went away in 30 days.",
        counted(&indicators.remediated),
    );
    gauge(
        "assay_overdue_vulnerabilities",
        "Vulnerabilities of images in use that are known for longer than they should be.",
        indicators.overdue.iter().map(|one| (severity(&one.severity), number(one.findings))).collect(),
    );
    gauge(
        "assay_time_to_rotate_seconds",
        "From when a secret was found until the tag named an image without it, on average over 30 days.",
        average(&indicators.rotated),
    );
    gauge("assay_rotated_secrets", "How many secrets went away in 30 days.", counted(&indicators.rotated));
    let environment = |name: &str| format!("{{environment=\"{}\"}}", escaped(name));
    for (name, help, value) in [
        ("assay_running_images", "Images that run.", (|one| one.images) as fn(&assay_store::Running) -> i64),
        ("assay_running_unscanned_images", "Images that run and were never scanned.", |one| one.unscanned),
        (
            "assay_running_high_images",
            "Images that run with vulnerabilities of severity high or critical.",
            |one| one.high,
        ),
        ("assay_running_secrets", "Secrets in images that run.", |one| one.secrets),
    ] {
        gauge(
            name,
            help,
            indicators
                .running
                .iter()
                .map(|one| (environment(&one.environment), number(value(one))))
                .collect(),
        );
    }
    let shape = &indicators.shape;
    let each = |all: f64| plain((shape.images > 0).then(|| all / number(shape.images)));
    for (name, help, all) in [
        ("assay_image_age_seconds", "How old an image in use is, on average.", shape.age.as_secs_f64()),
        (
            "assay_image_size_bytes",
            "How large the layers of an image in use are, on average.",
            large(shape.size),
        ),
        ("assay_image_packages", "Packages of an image in use, on average.", large(shape.packages)),
        (
            "assay_vulnerable_packages_per_image",
            "Packages with vulnerabilities of an image in use, on average.",
            large(shape.vulnerable),
        ),
        (
            "assay_weighted_vulnerabilities_per_image",
            "Vulnerabilities of an image in use, critical ones counted as 10, high as 5, medium as 2, low as 1, on average.",
            large(shape.weight),
        ),
    ] {
        gauge(name, help, each(all));
    }
    gauge(
        "assay_medium_vulnerabilities_per_image",
        "Vulnerabilities of severity medium of an image in use, on average.",
        each(large(shape.medium)),
    );
    let (removable, known) = shape.removable;
    gauge(
        "assay_removable_packages_per_image",
        "Packages of an image in use that could be removed, on average, where that is known.",
        plain((known > 0).then(|| large(removable) / number(known))),
    );
    gauge(
        "assay_conditions",
        "What is wrong with the installation, by kind.",
        indicators
            .conditions
            .iter()
            .map(|(kind, count)| (format!("{{kind=\"{}\"}}", escaped(kind)), number(*count)))
            .collect(),
    );
    let exposure = &indicators.exposure;
    gauge(
        "assay_regressed_findings",
        "Vulnerabilities that a tag has again after it named an image without them; of tags that moved within 30 days.",
        exposure.regressed.iter().map(|(name, count)| (severity(name), number(*count))).collect(),
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
    delivery::render(indicators, &mut gauge);
    admitted::render(indicators, &mut gauge);
    signed::render(shares, &mut gauge);
    gauge(
        "assay_objective",
        "What is aimed at.",
        OBJECTIVES
            .iter()
            .map(|(name, labels, value)| (format!("{{indicator=\"{name}\"{labels}}}"), *value))
            .chain(
                signed::OBJECTIVES
                    .iter()
                    .chain(delivery::OBJECTIVES)
                    .map(|(labels, value)| (format!("{{{labels}}}"), *value)),
            )
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

/// Returns a sum as Prometheus has it, to some sixteen digits.
#[expect(clippy::cast_precision_loss, reason = "sums of bytes need not be exact")]
fn large(sum: i64) -> f64 {
    sum as f64
}

/// Returns the value of a label as it is written.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_store::{Exposure, OpenFindings, Overdue, Running, Shape};

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
            admitted: vec![("prod\"1".to_owned(), 5, 2)],
            scans: (3, 1),
            critical: 1,
            short_lived: 5,
            scanning: Spans { count: 3, together: Duration::from_millis(4500), slow: Duration::from_secs(3) },
            waiting: Spans { count: 2, together: Duration::from_secs(5), slow: Duration::from_secs(4) },
            rotated: vec![Remediated { severity: "critical".to_owned(), count: 4, together: Duration::from_secs(10) }],
            overdue: vec![Overdue { severity: "high".to_owned(), findings: 7 }],
            running: vec![Running { environment: "production".to_owned(), images: 9, unscanned: 2, high: 3, secrets: 1 }],
            shape: Shape { images: 4, age: Duration::from_secs(8), size: 5_000_000_000, packages: 6, vulnerable: 2, weight: 22, medium: 10, removable: (9, 3) },
            conditions: vec![("feed-error".to_owned(), 2)],
            findings: vec![finding("critical", 1), finding("high", 3)],
            remediated: vec![Remediated { severity: "high".to_owned(), count: 2, together: Duration::from_secs(50) }],
            delivery: assay_store::Delivery::default(),
            exposure: Exposure {
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
        let text = render(&indicators, &SignedShares::default(), Moment(11_000));
        for line in [
            "assay_scan_coverage_ratio 0.5",
            "assay_critical_images_ratio 0.25",
            "assay_scan_failure_ratio 0.25",
            "assay_scan_duration_seconds 1.5",
            "assay_scan_duration_slow_seconds 3",
            "assay_scan_queue_wait_seconds 2.5",
            "assay_scan_queue_wait_slow_seconds 4",
            "assay_short_lived_images 5",
            "assay_error_budget_ratio{indicator=\"assay_scan_coverage_ratio\"} -9",
            "assay_error_budget_ratio{indicator=\"assay_critical_images_ratio\"} -24",
            "assay_error_budget_ratio{indicator=\"assay_scan_failure_ratio\"} -11.5",
            "assay_time_to_rotate_seconds{severity=\"critical\"} 2.5",
            "assay_rotated_secrets{severity=\"critical\"} 4",
            "assay_overdue_vulnerabilities{severity=\"high\"} 7",
            "assay_running_images{environment=\"production\"} 9",
            "assay_running_unscanned_images{environment=\"production\"} 2",
            "assay_running_high_images{environment=\"production\"} 3",
            "assay_running_secrets{environment=\"production\"} 1",
            "assay_image_age_seconds 2",
            "assay_image_size_bytes 1250000000",
            "assay_image_packages 1.5",
            "assay_vulnerable_packages_per_image 0.5",
            "assay_weighted_vulnerabilities_per_image 5.5",
            "assay_medium_vulnerabilities_per_image 2.5",
            "assay_removable_packages_per_image 3",
            "assay_conditions{kind=\"feed-error\"} 2",
            "assay_objective{indicator=\"assay_running_secrets\",environment=\"production\"} 0",
            "assay_objective{indicator=\"assay_build_to_running_seconds\"} 86400",
            "assay_open_findings{kind=\"vulnerability\",severity=\"high\"} 6",
            "assay_recurring_findings{kind=\"vulnerability\",severity=\"high\"} 1",
            "assay_affected_images{kind=\"vulnerability\",severity=\"high\"} 3",
            "assay_time_to_remediate_seconds{severity=\"high\"} 25",
            "assay_remediated_vulnerabilities{severity=\"high\"} 2",
            "assay_regressed_findings{severity=\"high\"} 3",
            "assay_triage_decisions{state=\"accepted\"} 6",
            "assay_false_positive_ratio 0.125",
            "assay_objective{indicator=\"assay_false_positive_ratio\"} 0.2",
            "assay_reports_behind 2",
            "assay_watched 3",
            "assay_admitted_images{cluster=\"prod\\\"1\"} 5",
            "assay_admitted_stale_images{cluster=\"prod\\\"1\"} 2",
            "assay_database_age_seconds 10",
            "assay_feed_age_seconds{feed=\"a\\\"b\"} 9",
            "assay_objective{indicator=\"assay_scan_coverage_ratio\"} 0.95",
            "assay_objective{indicator=\"assay_signed_deployment_ratio\"} 1",
            "assay_objective{indicator=\"assay_time_to_remediate_seconds\",severity=\"critical\"} 604800",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
        }
        assert!(!text.contains("feed=\"never\""), "{text}");
    }

    #[test]
    fn nothing_gives_no_shares() {
        let text = render(&Indicators::default(), &SignedShares::default(), Moment(0));
        assert!(
            !text.contains("\nassay_scan_coverage_ratio ")
                && !text.contains("\nassay_false_positive_ratio ")
                && !text.contains("NaN"),
            "{text}"
        );
    }
}
