//! Samples of the rules in `secret/identity.rs`.

use super::Sample;

pub(super) const SAMPLES: &[Sample] = &[
    Sample {
        rule: "1password-secret-key",
        hits: &["A3-<u:6>-<u:6>-<u:5>-<u:5>-<u:5>-<u:5>"],
        misses: &["A3-<u:6>-<u:6>-<u:5>"],
    },
    Sample {
        rule: "1password-service-account-token",
        hits: &["ops_eyJ<a:300>"],
        misses: &["ops_eyJ<a:100>"],
    },
    Sample {
        rule: "age-secret-key",
        hits: &["<bech32:AGE-SECRET-KEY->"],
        misses: &["AGE-SECRET-KEY-1QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7LQPZRY9X8GF2TVDW0S3JN54KHCE"],
    },
    Sample {
        rule: "okta-access-token",
        hits: &["OKTA_API_TOKEN=00<w:40>"],
        misses: &["OKTA_API_TOKEN=01<w:40>"],
    },
    Sample {
        rule: "authress-service-client-access-key",
        hits: &["sc_<l:10>.<l:5>.acc_<l:16>.<b:60>"],
        misses: &["sc_<l:10>.<l:5>"],
    },
    Sample {
        rule: "cloudflare-api-key",
        hits: &["CLOUDFLARE_API_TOKEN=<w:40>"],
        misses: &["CLOUDFLARE_API_TOKEN=<w:39>"],
    },
    Sample {
        rule: "cloudflare-global-api-key",
        hits: &["CLOUDFLARE_API_KEY=<h:37>"],
        misses: &["CLOUDFLARE_API_KEY=<h:36>"],
    },
    Sample {
        rule: "cloudflare-origin-ca-key",
        hits: &["v1.0-<h:24>-<h:146>"],
        misses: &["v1.0-<h:24>-<h:40>"],
    },
    Sample {
        rule: "fastly-api-token",
        hits: &["FASTLY_API_TOKEN=<w:32>"],
        misses: &["FASTLY_API_TOKEN=<w:31>"],
    },
    Sample {
        rule: "cisco-meraki-api-key",
        hits: &["MERAKI_API_KEY=<h:40>"],
        misses: &["MERAKI_API_KEY=<h:39>"],
    },
    Sample {
        rule: "defined-networking-api-token",
        hits: &["dnkey-<w:26>-<w:52>"],
        misses: &["dnkey-<w:26>"],
    },
    Sample { rule: "maxmind-license-key", hits: &["<a:6>_<a:29>_mmk"], misses: &["<a:6>_<a:20>_mmk"] },
    Sample {
        rule: "freemius-secret-key",
        hits: &["'secret_key' => 'sk_<a:29>',", r#"FREEMIUS_SECRET_KEY="sk_<a:29>""#],
        misses: &[r#"FREEMIUS_SECRET_KEY="sk_<a:20>""#],
    },
    Sample {
        rule: "privateai-api-token",
        hits: &[r#""x-private-ai-key": "<l:32>""#],
        misses: &[r#""x-private-ai-key": "<l:20>""#],
    },
    Sample {
        rule: "private-ai-key-assigned",
        hits: &["PRIVATEAI_API_KEY=<l:32>"],
        misses: &["PRIVATEAI_API_KEY=<l:31>"],
    },
];
