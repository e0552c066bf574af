//! Smaller clouds and hosting: tokens with prefixes of their own, and keys that only their names tell.

use super::rule::{Find, SecretRule, TOKEN, VALUE, never};
use assay_model::Severity::{Critical, Medium};

/// The rules, the more specific first.
pub(super) const RULES: &[SecretRule] = &[
    SecretRule {
        id: "alibaba-access-key-id",
        title: "Alibaba Cloud access key identifier",
        find: Find::Literal(&["LTAI"]),
        pattern: "LTAI[A-Za-z0-9]{12,20}",
        shown: 4,
        entropy: 3.4,
        rotate: "disable the AccessKey pair in the RAM console and make a new one",
        ..TOKEN
    },
    SecretRule {
        id: "alibaba-secret-key",
        title: "Alibaba Cloud access key secret",
        severity: Critical,
        find: Find::Assigned(&["alibaba", "aliyun", "alicloud", "oss"]),
        pattern: "[A-Za-z0-9]{30}",
        rotate: "disable the AccessKey pair in the RAM console and make a new one",
        ..VALUE
    },
    SecretRule {
        id: "digitalocean-pat",
        title: "DigitalOcean personal access token",
        severity: Critical,
        find: Find::Literal(&["dop_v1_"]),
        pattern: "dop_v1_[a-f0-9]{64}",
        shown: 7,
        rotate: "delete the token in the DigitalOcean control panel under API",
        ..TOKEN
    },
    SecretRule {
        id: "digitalocean-access-token",
        title: "DigitalOcean OAuth token",
        severity: Critical,
        find: Find::Literal(&["doo_v1_"]),
        pattern: "doo_v1_[a-f0-9]{64}",
        shown: 7,
        rotate: "revoke the access of the application in DigitalOcean",
        ..TOKEN
    },
    SecretRule {
        id: "digitalocean-refresh-token",
        title: "DigitalOcean refresh token",
        severity: Critical,
        find: Find::Literal(&["dor_v1_"]),
        pattern: "dor_v1_[a-f0-9]{64}",
        shown: 7,
        rotate: "revoke the access of the application in DigitalOcean",
        ..TOKEN
    },
    SecretRule {
        id: "heroku-api-key-v2",
        title: "Heroku API key",
        find: Find::Literal(&["HRKU-"]),
        pattern: "HRKU-(?:AA[0-9A-Za-z_-]{58}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})",
        shown: 5,
        rotate: "regenerate the API key in the Heroku account settings",
        ..TOKEN
    },
    SecretRule {
        id: "heroku-api-key",
        title: "Heroku API key",
        find: Find::Assigned(&["heroku"]),
        pattern: "[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}",
        rotate: "regenerate the API key in the Heroku account settings",
        ..VALUE
    },
    SecretRule {
        id: "flyio-access-token",
        title: "Fly.io access token",
        find: Find::Literal(&["fo1_", "fm1r_", "fm1a_", "fm2_"]),
        pattern: "(?:fo1_[A-Za-z0-9_-]{43}|fm1[ar]_[A-Za-z0-9+/]{100,}={0,3}|fm2_[A-Za-z0-9+/]{100,}={0,3})",
        reach: 2 << 10,
        shown: 4,
        placeholder: never,
        rotate: "revoke the token with `fly tokens revoke`",
        ..TOKEN
    },
    SecretRule {
        id: "netlify-access-token",
        title: "Netlify access token",
        find: Find::Assigned(&["netlify"]),
        pattern: "(?:nfp_)?[A-Za-z0-9_-]{36,46}",
        rotate: "revoke the token in the Netlify user settings under applications",
        ..VALUE
    },
    SecretRule {
        id: "vercel-token",
        title: "Vercel access token",
        find: Find::Assigned(&["vercel"]),
        pattern: "[A-Za-z0-9]{24}",
        rotate: "delete the token in the Vercel account settings",
        ..VALUE
    },
    SecretRule {
        id: "scalingo-api-token",
        title: "Scalingo API token",
        find: Find::Literal(&["tk-us-"]),
        pattern: "tk-us-[A-Za-z0-9_-]{48}",
        shown: 6,
        rotate: "revoke the token in the Scalingo dashboard",
        ..TOKEN
    },
    SecretRule {
        id: "yandex-api-key",
        title: "Yandex Cloud API key",
        find: Find::Literal(&["AQVN"]),
        pattern: "AQVN[A-Za-z0-9_-]{35,38}",
        shown: 4,
        entropy: 4.0,
        rotate: "delete the API key of the service account in Yandex Cloud",
        ..TOKEN
    },
    SecretRule {
        id: "yandex-access-token",
        title: "Yandex Cloud access token",
        find: Find::Literal(&["t1.9eu"]),
        pattern: r"t1\.9eu[A-Za-z0-9_-]{10,}={0,2}\.[A-Za-z0-9_-]{86}={0,2}",
        shown: 6,
        rotate: "it ends within 12 hours; revoke the credentials it was made from",
        ..TOKEN
    },
    SecretRule {
        id: "yandex-aws-access-token",
        title: "Yandex Object Storage key",
        find: Find::Assigned(&["yandex"]),
        pattern: "YC[A-Za-z0-9_-]{38}",
        rotate: "delete the static access key of the service account",
        ..VALUE
    },
    SecretRule {
        id: "planetscale-api-token",
        title: "PlanetScale token",
        find: Find::Literal(&["pscale_tkn_"]),
        pattern: "pscale_tkn_[A-Za-z0-9=_.-]{32,64}",
        shown: 11,
        rotate: "delete the service token in PlanetScale",
        ..TOKEN
    },
    SecretRule {
        id: "planetscale-password",
        title: "PlanetScale password",
        severity: Critical,
        find: Find::Literal(&["pscale_pw_"]),
        pattern: "pscale_pw_[A-Za-z0-9=_.-]{32,64}",
        shown: 10,
        rotate: "delete the password of the branch in PlanetScale",
        ..TOKEN
    },
    SecretRule {
        id: "planetscale-oauth-token",
        title: "PlanetScale OAuth token",
        find: Find::Literal(&["pscale_oauth_"]),
        pattern: "pscale_oauth_[A-Za-z0-9=_.-]{32,64}",
        shown: 13,
        rotate: "revoke the application in PlanetScale",
        ..TOKEN
    },
    SecretRule {
        id: "clickhouse-cloud-api-secret-key",
        title: "ClickHouse Cloud API key",
        find: Find::Literal(&["4b1d"]),
        pattern: "4b1d[A-Za-z0-9]{38}",
        shown: 4,
        entropy: 4.2,
        rotate: "delete the API key in the ClickHouse Cloud console",
        ..TOKEN
    },
    SecretRule {
        id: "databricks-api-token",
        title: "Databricks access token",
        find: Find::Literal(&["dapi"]),
        pattern: r"dapi[a-f0-9]{32}(?:-\d)?",
        shown: 4,
        entropy: 3.2,
        rotate: "revoke the token in the Databricks user settings",
        ..TOKEN
    },
    SecretRule {
        id: "confluent-secret-key",
        title: "Confluent Cloud API secret",
        find: Find::Assigned(&["confluent"]),
        pattern: "[A-Za-z0-9+/]{64}",
        rotate: "delete the API key in Confluent Cloud",
        ..VALUE
    },
    SecretRule {
        id: "confluent-access-token",
        title: "Confluent Cloud API key",
        severity: Medium,
        find: Find::Assigned(&["confluent"]),
        pattern: "[A-Z0-9]{16}",
        entropy: 2.6,
        rotate: "delete the API key in Confluent Cloud",
        ..VALUE
    },
    SecretRule {
        id: "openshift-user-token",
        title: "OpenShift user token",
        find: Find::Literal(&["sha256~"]),
        pattern: "sha256~[A-Za-z0-9_-]{43}",
        shown: 7,
        rotate: "revoke it with `oc logout`, or delete the OAuthAccessToken",
        ..TOKEN
    },
];
