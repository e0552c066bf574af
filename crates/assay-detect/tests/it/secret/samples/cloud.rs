//! Samples of the rules in `secret/cloud.rs`.

use super::Sample;

pub(super) const SAMPLES: &[Sample] = &[
    Sample {
        rule: "alibaba-access-key-id",
        hits: &["LTAI<a:20>", "id: LTAI5t<a:18>"],
        misses: &["LTAI<a:6>"],
    },
    Sample {
        rule: "alibaba-secret-key",
        hits: &["ALIBABA_ACCESS_KEY_SECRET=<a:30>", "aliyun.secret: <a:30>"],
        misses: &["ALIBABA_ACCESS_KEY_SECRET=<a:29>"],
    },
    Sample { rule: "digitalocean-pat", hits: &["dop_v1_<h:64>"], misses: &["dop_v1_<h:63>"] },
    Sample { rule: "digitalocean-access-token", hits: &["doo_v1_<h:64>"], misses: &["doo_v1_<h:60>"] },
    Sample { rule: "digitalocean-refresh-token", hits: &["dor_v1_<h:64>"], misses: &["dor_v1_<h:60>"] },
    Sample { rule: "heroku-api-key-v2", hits: &["HRKU-AA<w:58>", "HRKU-<uuid>"], misses: &["HRKU-AA<w:20>"] },
    Sample { rule: "heroku-api-key", hits: &["HEROKU_API_KEY=<uuid>"], misses: &["API_KEY=<uuid>"] },
    Sample {
        rule: "flyio-access-token",
        hits: &["fo1_<w:43>", "FlyV1 fm2_<b:160>"],
        misses: &["fo1_<w:20>"],
    },
    Sample {
        rule: "netlify-access-token",
        hits: &["NETLIFY_AUTH_TOKEN=nfp_<a:36>", r#"netlify_token = "<w:43>""#],
        misses: &["AUTH_TOKEN=<w:43>"],
    },
    Sample { rule: "vercel-token", hits: &["VERCEL_TOKEN=<a:24>"], misses: &["VERCEL_TOKEN=<a:22>"] },
    Sample { rule: "scalingo-api-token", hits: &["tk-us-<w:48>"], misses: &["tk-us-<w:30>"] },
    Sample { rule: "yandex-api-key", hits: &["YANDEX_KEY=AQVN<w:36>"], misses: &["AQVN<w:10>"] },
    Sample { rule: "yandex-access-token", hits: &["t1.9eu<w:40>.<w:86>"], misses: &["t1.9eu<w:40>.<w:10>"] },
    Sample {
        rule: "yandex-aws-access-token",
        hits: &["YANDEX_SECRET_KEY=YC<w:38>"],
        misses: &["YANDEX_SECRET_KEY=XC<w:38>"],
    },
    Sample { rule: "planetscale-api-token", hits: &["pscale_tkn_<w:43>"], misses: &["pscale_tkn_<w:12>"] },
    Sample { rule: "planetscale-password", hits: &["pscale_pw_<w:43>"], misses: &["pscale_pw_<w:12>"] },
    Sample {
        rule: "planetscale-oauth-token",
        hits: &["pscale_oauth_<w:43>"],
        misses: &["pscale_oauth_<w:12>"],
    },
    Sample { rule: "clickhouse-cloud-api-secret-key", hits: &["key: 4b1d<a:38>"], misses: &["4b1d<a:20>"] },
    Sample { rule: "databricks-api-token", hits: &["dapi<h:32>", "dapi<h:32>-2"], misses: &["dapi<h:20>"] },
    Sample {
        rule: "confluent-secret-key",
        hits: &["CONFLUENT_API_SECRET=<a:64>"],
        misses: &["CONFLUENT_API_SECRET=<a:60>"],
    },
    Sample {
        rule: "confluent-access-token",
        hits: &["CONFLUENT_API_KEY=<u:16>"],
        misses: &["CONFLUENT_API_KEY=<u:15>"],
    },
    Sample { rule: "openshift-user-token", hits: &["--token=sha256~<w:43>"], misses: &["sha256~<w:20>"] },
];
