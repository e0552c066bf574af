//! Monitoring and analytics: Datadog, New Relic, Grafana, Sentry, Dynatrace, Sumo Logic, Algolia.

use super::rule::{Find, SecretRule, TOKEN, VALUE, Within};
use assay_model::Severity::{Low, Medium};

/// The rules, the more specific first.
pub(super) const RULES: &[SecretRule] = &[
    SecretRule {
        id: "datadog-access-token",
        title: "Datadog key",
        find: Find::Assigned(&["datadog", "dd_"]),
        pattern: "(?:[a-f0-9]{40}|[a-f0-9]{32})",
        rotate: "revoke the key in the Datadog organisation settings",
        ..VALUE
    },
    SecretRule {
        id: "dynatrace-api-token",
        title: "Dynatrace token",
        find: Find::Literal(&["dt0c01."]),
        pattern: r"dt0[a-z]\d{2}\.[A-Z0-9]{24}\.[A-Z0-9]{64}",
        rotate: "delete the token in Dynatrace under access tokens",
        ..TOKEN
    },
    SecretRule {
        id: "grafana-service-account-token",
        title: "Grafana service account token",
        find: Find::Literal(&["glsa_"]),
        pattern: "glsa_[A-Za-z0-9]{32}_[A-Fa-f0-9]{8}",
        shown: 5,
        rotate: "delete the token of the service account in Grafana",
        ..TOKEN
    },
    SecretRule {
        id: "grafana-cloud-api-token",
        title: "Grafana Cloud token",
        find: Find::Literal(&["glc_"]),
        pattern: "glc_[A-Za-z0-9+/]{32,400}={0,3}",
        shown: 4,
        entropy: 3.8,
        rotate: "delete the token in the Grafana Cloud access policies",
        ..TOKEN
    },
    SecretRule {
        id: "grafana-api-key",
        title: "Grafana API key",
        find: Find::Literal(&["eyJrIjoi"]),
        pattern: "eyJrIjoi[A-Za-z0-9]{60,400}={0,3}",
        shown: 8,
        entropy: 4.0,
        rotate: "delete the key in Grafana",
        ..TOKEN
    },
    SecretRule {
        id: "new-relic-user-api-key",
        title: "New Relic user key",
        find: Find::Literal(&["NRAK-"]),
        pattern: "NRAK-[A-Z0-9]{27}",
        shown: 5,
        rotate: "delete the key in New Relic",
        ..TOKEN
    },
    SecretRule {
        id: "new-relic-browser-api-token",
        title: "New Relic browser key",
        severity: Low,
        find: Find::Literal(&["NRJS-"]),
        pattern: "NRJS-[a-f0-9]{19}",
        shown: 5,
        entropy: 2.8,
        within: Within::Own,
        rotate: "delete the key in New Relic",
        ..TOKEN
    },
    SecretRule {
        id: "new-relic-insert-key",
        title: "New Relic insert or query key",
        find: Find::Literal(&["NRII-", "NRIQ-"]),
        pattern: "NRI[IQ]-[A-Za-z0-9_-]{32}",
        rotate: "delete the key in New Relic",
        ..TOKEN
    },
    SecretRule {
        id: "new-relic-user-api-id",
        title: "New Relic key identifier",
        severity: Low,
        find: Find::Assigned(&["newrelic", "new-relic", "new_relic"]),
        pattern: "[A-Za-z0-9]{64}",
        rotate: "delete the key in New Relic",
        ..VALUE
    },
    SecretRule {
        id: "new-relic-license-key",
        title: "New Relic licence key",
        find: Find::Assigned(&["newrelic", "new-relic", "new_relic"]),
        pattern: "(?:[a-f0-9]{40}|[a-f0-9]{36}NRAL)",
        rotate: "delete the key in New Relic",
        ..VALUE
    },
    SecretRule {
        id: "sentry-org-token",
        title: "Sentry organisation token",
        find: Find::Literal(&["sntrys_eyJ"]),
        pattern: "sntrys_eyJ[A-Za-z0-9+/]{50,}={0,2}_[A-Za-z0-9+/]{43}",
        reach: 1 << 10,
        shown: 10,
        rotate: "revoke the token in the Sentry settings",
        ..TOKEN
    },
    SecretRule {
        id: "sentry-user-token",
        title: "Sentry user token",
        find: Find::Literal(&["sntryu_"]),
        pattern: "sntryu_[a-f0-9]{64}",
        shown: 7,
        rotate: "revoke the token in the Sentry settings",
        ..TOKEN
    },
    SecretRule {
        id: "sentry-access-token",
        title: "Sentry token",
        find: Find::Assigned(&["sentry"]),
        pattern: "[a-f0-9]{64}",
        rotate: "revoke the token in the Sentry settings",
        ..VALUE
    },
    SecretRule {
        id: "sumologic-access-token",
        title: "Sumo Logic access key",
        find: Find::Assigned(&["sumologic", "sumo"]),
        pattern: "[A-Za-z0-9]{64}",
        rotate: "delete the access key in Sumo Logic",
        ..VALUE
    },
    SecretRule {
        id: "sumologic-access-id",
        title: "Sumo Logic access identifier",
        severity: Low,
        find: Find::Assigned(&["sumologic", "sumo"]),
        pattern: "su[A-Za-z0-9]{12}",
        entropy: 2.5,
        rotate: "delete the access key in Sumo Logic",
        ..VALUE
    },
    SecretRule {
        id: "algolia-api-key",
        title: "Algolia API key",
        find: Find::Assigned(&["algolia"]),
        pattern: "[a-z0-9]{32}",
        rotate: "delete the key in the Algolia dashboard",
        ..VALUE
    },
    SecretRule {
        id: "adafruit-api-key",
        title: "Adafruit IO key",
        severity: Medium,
        find: Find::Assigned(&["adafruit"]),
        pattern: "(?:aio_[A-Za-z0-9]{28}|[a-z0-9_-]{32})",
        rotate: "regenerate the key at io.adafruit.com",
        ..VALUE
    },
    SecretRule {
        id: "honeycomb-key",
        title: "Honeycomb key",
        severity: Medium,
        find: Find::Literal(&["hcaik_", "hcbik_"]),
        pattern: "hc[a-z]ik_[a-z0-9]{58}",
        rotate: "delete the key in the Honeycomb settings",
        ..TOKEN
    },
];
