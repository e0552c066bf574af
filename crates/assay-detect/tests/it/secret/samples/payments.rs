//! Samples of the rules in `secret/payments.rs`.

use super::Sample;

pub(super) const SAMPLES: &[Sample] = &[
    Sample {
        rule: "stripe-secret-token",
        hits: &["sk_live_<a:24>", "rk_live_<a:99>"],
        misses: &["sk_live_<a:8>"],
    },
    Sample { rule: "stripe-test-token", hits: &["sk_test_<a:24>"], misses: &["sk_test_<a:8>"] },
    Sample { rule: "stripe-publishable-token", hits: &["pk_live_<a:24>"], misses: &["pk_live_<a:8>"] },
    Sample { rule: "stripe-webhook-secret", hits: &["whsec_<a:32>"], misses: &["whsec_<a:12>"] },
    Sample {
        rule: "square-access-token",
        hits: &["sq0atp-<w:22>", "EAAA<a:60>"],
        misses: &["sq0atp-<w:10>"],
    },
    Sample { rule: "squarespace-secret", hits: &["sq0csp-<w:43>"], misses: &["sq0csp-<w:20>"] },
    Sample {
        rule: "squarespace-access-token",
        hits: &["SQUARESPACE_API_KEY=<uuid>"],
        misses: &["API_KEY=<uuid>"],
    },
    Sample { rule: "shopify-access-token", hits: &["shpat_<h:32>"], misses: &["shpat_<h:20>"] },
    Sample { rule: "shopify-custom-access-token", hits: &["shpca_<h:32>"], misses: &["shpca_<h:20>"] },
    Sample { rule: "shopify-private-app-access-token", hits: &["shppa_<h:32>"], misses: &["shppa_<h:20>"] },
    Sample { rule: "shopify-shared-secret", hits: &["shpss_<h:32>"], misses: &["shpss_<h:20>"] },
    Sample {
        rule: "plaid-api-token",
        hits: &["PLAID_ACCESS_TOKEN=access-production-<uuid>"],
        misses: &["PLAID_ACCESS_TOKEN=access-other-<uuid>"],
    },
    Sample { rule: "plaid-secret-key", hits: &["PLAID_SECRET=<l:30>"], misses: &["PLAID_SECRET=<l:29>"] },
    Sample {
        rule: "plaid-client-id",
        hits: &["PLAID_CLIENT_ID=<l:24>"],
        misses: &["PLAID_CLIENT_ID=<l:23>"],
    },
    Sample {
        rule: "gocardless-api-token",
        hits: &["GOCARDLESS_TOKEN=live_<w:40>"],
        misses: &["GOCARDLESS_TOKEN=live_<w:30>"],
    },
    Sample {
        rule: "flutterwave-secret-key",
        hits: &["FLWSECK_TEST-<h:32>-X"],
        misses: &["FLWSECK_TEST-<h:32>"],
    },
    Sample { rule: "flutterwave-public-key", hits: &["FLWPUBK-<h:32>-X"], misses: &["FLWPUBK-<h:32>"] },
    Sample {
        rule: "flutterwave-encryption-key",
        hits: &["FLUTTERWAVE_ENCRYPTION_KEY=<h:24>"],
        misses: &["ENCRYPTION_KEY_ID=<h:24>"],
    },
    Sample { rule: "duffel-api-token", hits: &["duffel_live_<w:43>"], misses: &["duffel_live_<w:20>"] },
    Sample { rule: "easypost-api-token", hits: &["EZAK<a:54>"], misses: &["EZAK<a:30>"] },
    Sample { rule: "easypost-test-api-token", hits: &["EZTK<a:54>"], misses: &["EZTK<a:30>"] },
    Sample { rule: "shippo-api-token", hits: &["shippo_live_<h:40>"], misses: &["shippo_live_<h:30>"] },
    Sample { rule: "lob-api-key", hits: &["LOB_API_KEY=live_<h:35>"], misses: &["LOB_API_KEY=live_<h:30>"] },
    Sample {
        rule: "lob-pub-api-key",
        hits: &["LOB_PUB_API_KEY=test_pub_<h:31>"],
        misses: &["LOB_PUB_API_KEY=test_pub_<h:30>"],
    },
    Sample {
        rule: "finicity-api-token",
        hits: &["FINICITY_APP_KEY=<h:32>"],
        misses: &["FINICITY_APP_KEY=<h:31>"],
    },
    Sample {
        rule: "finicity-client-secret",
        hits: &["FINICITY_PARTNER_SECRET=<a:20>"],
        misses: &["FINICITY_PARTNER_SECRET=<a:19>"],
    },
    Sample {
        rule: "freshbooks-access-token",
        hits: &["FRESHBOOKS_ACCESS_TOKEN=<h:64>"],
        misses: &["FRESHBOOKS_ACCESS_TOKEN=<h:60>"],
    },
    Sample {
        rule: "coinbase-access-token",
        hits: &["COINBASE_API_SECRET=<a:64>"],
        misses: &["COINBASE_API_SECRET=<a:60>"],
    },
    Sample {
        rule: "kraken-access-token",
        hits: &["KRAKEN_API_SECRET=<a:86>=="],
        misses: &["KRAKEN_API_SECRET=<a:70>"],
    },
    Sample {
        rule: "kucoin-access-token",
        hits: &["KUCOIN_API_KEY=<h:24>"],
        misses: &["KUCOIN_API_KEY=<h:23>"],
    },
    Sample { rule: "kucoin-secret-key", hits: &["KUCOIN_SECRET=<uuid>"], misses: &["SECRET=<uuid>"] },
    Sample {
        rule: "bittrex-secret-key",
        hits: &["BITTREX_SECRET_KEY=<l:32>"],
        misses: &["BITTREX_SECRET_KEY=<l:31>"],
    },
    Sample {
        rule: "finnhub-access-token",
        hits: &["FINNHUB_API_KEY=<l:20>"],
        misses: &["FINNHUB_API_KEY=<l:19>"],
    },
    Sample { rule: "etsy-access-token", hits: &["ETSY_API_KEY=<l:24>"], misses: &["ETSY_API_KEY=<l:23>"] },
];
