//! Samples of the rules in `secret/monitoring.rs`.

use super::Sample;

pub(super) const SAMPLES: &[Sample] = &[
    Sample {
        rule: "datadog-access-token",
        hits: &["DATADOG_API_KEY=<h:32>", "DD_APP_KEY=<h:40>"],
        misses: &["DATADOG_API_KEY=<h:33>"],
    },
    Sample {
        rule: "dynatrace-api-token",
        hits: &["dt0c01.<u:24>.<u:64>"],
        misses: &["dt0c01.<u:24>.<u:30>"],
    },
    Sample { rule: "grafana-service-account-token", hits: &["glsa_<a:32>_<h:8>"], misses: &["glsa_<a:32>"] },
    Sample { rule: "grafana-cloud-api-token", hits: &["glc_<a:120>"], misses: &["glc_<a:20>"] },
    Sample { rule: "grafana-api-key", hits: &["eyJrIjoi<a:90>"], misses: &["eyJrIjoi<a:20>"] },
    Sample { rule: "new-relic-user-api-key", hits: &["NRAK-<u:27>"], misses: &["NRAK-<u:20>"] },
    Sample { rule: "new-relic-browser-api-token", hits: &["NRJS-<h:19>"], misses: &["NRJS-<h:12>"] },
    Sample { rule: "new-relic-insert-key", hits: &["NRII-<w:32>"], misses: &["NRII-<w:20>"] },
    Sample {
        rule: "new-relic-user-api-id",
        hits: &["NEW_RELIC_API_ID_KEY=<a:64>"],
        misses: &["NEW_RELIC_API_ID_KEY=<a:60>"],
    },
    Sample {
        rule: "new-relic-license-key",
        hits: &["NEW_RELIC_LICENSE_KEY=<h:36>NRAL"],
        misses: &["NEW_RELIC_LICENSE_KEY=<h:30>NRAL"],
    },
    Sample { rule: "sentry-org-token", hits: &["sntrys_eyJ<a:120>_<b:43>"], misses: &["sntrys_eyJ<a:20>"] },
    Sample { rule: "sentry-user-token", hits: &["sntryu_<h:64>"], misses: &["sntryu_<h:40>"] },
    Sample {
        rule: "sentry-access-token",
        hits: &["SENTRY_AUTH_TOKEN=<h:64>"],
        misses: &["SENTRY_AUTH_TOKEN=<h:60>"],
    },
    Sample {
        rule: "sumologic-access-token",
        hits: &["SUMOLOGIC_ACCESS_KEY=<a:64>"],
        misses: &["SUMOLOGIC_ACCESS_KEY=<a:60>"],
    },
    Sample {
        rule: "sumologic-access-id",
        hits: &["SUMO_ACCESS_ID=su9<a:11>"],
        misses: &["SUMO_ACCESS_ID=su9<a:6>"],
    },
    Sample {
        rule: "algolia-api-key",
        hits: &["ALGOLIA_ADMIN_KEY=<h:32>"],
        misses: &["ALGOLIA_ADMIN_KEY=<h:31>"],
    },
    Sample {
        rule: "adafruit-api-key",
        hits: &["ADAFRUIT_IO_KEY=<l:32>", "ADAFRUIT_AIO_KEY=aio_<a:28>"],
        misses: &["ADAFRUIT_IO_KEY=<l:31>"],
    },
    Sample { rule: "honeycomb-key", hits: &["hcaik_<l:58>"], misses: &["hcaik_<l:20>"] },
];
