//! Indicators of what is built and what runs.

use super::{escaped, number, ratio};
use assay_store::{Delivery, Indicators};

/// What is aimed at, by the labels that say of what.
pub(super) const OBJECTIVES: &[(&str, f64)] = &[
    ("indicator=\"assay_build_success_ratio\"", 0.99),
    ("indicator=\"assay_reproducible_build_ratio\"", 0.95),
    ("indicator=\"assay_sbom_adoption_ratio\"", 0.9),
    ("indicator=\"assay_build_to_running_seconds\"", 86_400.0),
    ("indicator=\"assay_running_vulnerabilities\",environment=\"production\",severity=\"critical\"", 0.0),
    ("indicator=\"assay_running_vulnerabilities\",environment=\"production\",severity=\"high\"", 0.0),
];

/// Writes an indicator: its name, what it is, and its values by their labels.
pub(super) type Gauge<'a> = &'a mut dyn FnMut(&str, &str, Vec<(String, f64)>);

/// Writes them.
pub(super) fn render(indicators: &Indicators, gauge: Gauge<'_>) {
    let Delivery {
        builds: (succeeded, failed),
        building,
        rebuilt,
        with_sbom,
        scored,
        services,
        arrived,
        exposed,
    } = &indicators.delivery;
    let plain =
        |value: Option<f64>| value.map(|value| (String::new(), value)).into_iter().collect::<Vec<_>>();
    gauge(
        "assay_builds",
        "Builds that were recorded, of the last 30 days.",
        vec![
            ("{outcome=\"success\"}".to_owned(), number(*succeeded)),
            ("{outcome=\"failure\"}".to_owned(), number(*failed)),
        ],
    );
    gauge(
        "assay_build_success_ratio",
        "Builds that succeeded, of those of the last 30 days.",
        plain(ratio(*succeeded, succeeded.saturating_add(*failed))),
    );
    gauge(
        "assay_build_duration_seconds",
        "How long a build that succeeded took on average over 30 days.",
        plain((*succeeded > 0).then(|| building.as_secs_f64() / number(*succeeded))),
    );
    let (again, same) = *rebuilt;
    gauge(
        "assay_rebuilt",
        "What was built more than once of the same commit and inputs, the last time within 30 days.",
        plain(Some(number(again))),
    );
    gauge(
        "assay_reproducible_build_ratio",
        "Of that, what came out with the same digest each time.",
        plain(ratio(same, again)),
    );
    gauge(
        "assay_sbom_adoption_ratio",
        "Images with a bill of materials that somebody gave, of those that were seen.",
        plain(ratio(*with_sbom, indicators.images)),
    );
    let (documents, sum) = *scored;
    gauge(
        "assay_sbom_quality_ratio",
        "How complete those are on average: versions, package URLs, licences, suppliers, hashes, relations.",
        plain(ratio(sum, documents.saturating_mul(100))),
    );
    let of = |environment: &str| format!("{{environment=\"{}\"}}", escaped(environment));
    gauge(
        "assay_running_services",
        "Services that are known to run.",
        services.iter().map(|(environment, count)| (of(environment), number(*count))).collect(),
    );
    let severity = |environment: &str, severity: &str| {
        format!("{{environment=\"{}\",severity=\"{}\"}}", escaped(environment), escaped(severity))
    };
    gauge(
        "assay_running_vulnerabilities",
        "Vulnerabilities that count in images that run, each once per image.",
        exposed.iter().map(|one| (severity(&one.environment, &one.severity), number(one.findings))).collect(),
    );
    gauge(
        "assay_vulnerable_services",
        "Services that run an image with any.",
        exposed.iter().map(|one| (severity(&one.environment, &one.severity), number(one.services))).collect(),
    );
    gauge(
        "assay_build_to_running_seconds",
        "From the end of an image's first successful build until a service first ran it, on average over 30 days.",
        arrived
            .iter()
            .map(|one| (of(&one.environment), one.together.as_secs_f64() / number(one.count).max(1.0)))
            .collect(),
    );
}

#[cfg(test)]
mod tests {
    use assay_store::{Arrived, Delivery, Exposed, Indicators, Moment};
    use std::time::Duration;

    #[test]
    fn every_indicator_is_what_its_formula_says() {
        let indicators = Indicators {
            images: 8,
            delivery: Delivery {
                builds: (3, 1),
                building: Duration::from_secs(90),
                rebuilt: (4, 3),
                with_sbom: 6,
                scored: (2, 130),
                services: vec![("production".to_owned(), 5)],
                arrived: vec![Arrived {
                    environment: "pro\"d".to_owned(),
                    count: 2,
                    together: Duration::from_secs(50),
                }],
                exposed: vec![Exposed {
                    environment: "production".to_owned(),
                    severity: "high".to_owned(),
                    findings: 7,
                    services: 2,
                }],
            },
            ..Indicators::default()
        };
        let text = super::super::render(&indicators, &crate::signed::SignedShares::default(), Moment(0));
        for line in [
            "assay_builds{outcome=\"success\"} 3",
            "assay_builds{outcome=\"failure\"} 1",
            "assay_build_success_ratio 0.75",
            "assay_build_duration_seconds 30",
            "assay_rebuilt 4",
            "assay_reproducible_build_ratio 0.75",
            "assay_sbom_adoption_ratio 0.75",
            "assay_sbom_quality_ratio 0.65",
            "assay_running_services{environment=\"production\"} 5",
            "assay_running_vulnerabilities{environment=\"production\",severity=\"high\"} 7",
            "assay_vulnerable_services{environment=\"production\",severity=\"high\"} 2",
            "assay_build_to_running_seconds{environment=\"pro\\\"d\"} 25",
            "assay_objective{indicator=\"assay_reproducible_build_ratio\"} 0.95",
            "assay_objective{indicator=\"assay_running_vulnerabilities\",environment=\"production\",severity=\"high\"} 0",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
        }
    }
}
