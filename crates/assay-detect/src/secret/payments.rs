//! Payments, finance and trade: Stripe, Square, Shopify, Plaid, exchanges.
//!
//! Stripe's keys say whether they move real money: `live` or `test` (<https://docs.stripe.com/keys>).

use super::rule::{Find, SecretRule, TOKEN, VALUE, Within};
use assay_model::Severity::{Critical, Low, Medium};

/// The rules, the more specific first.
pub(super) const RULES: &[SecretRule] = &[
    SecretRule {
        id: "stripe-secret-token",
        title: "Stripe secret key",
        severity: Critical,
        find: Find::Literal(&["sk_live_", "rk_live_"]),
        pattern: "[sr]k_live_[0-9A-Za-z]{16,247}",
        rotate: "roll the key in the Stripe dashboard",
        ..TOKEN
    },
    SecretRule {
        id: "stripe-test-token",
        title: "Stripe test key",
        severity: Low,
        find: Find::Literal(&["sk_test_", "rk_test_"]),
        pattern: "[sr]k_test_[0-9A-Za-z]{16,247}",
        rotate: "roll the key in the Stripe dashboard",
        ..TOKEN
    },
    SecretRule {
        id: "stripe-publishable-token",
        title: "Stripe publishable key",
        severity: Low,
        find: Find::Literal(&["pk_live_"]),
        pattern: "pk_live_[0-9A-Za-z]{16,247}",
        shown: 8,
        within: Within::Own,
        rotate: "nothing: it is made to be public",
        ..TOKEN
    },
    SecretRule {
        id: "stripe-webhook-secret",
        title: "Stripe webhook secret",
        severity: Medium,
        find: Find::Literal(&["whsec_"]),
        pattern: "whsec_[A-Za-z0-9+/]{32,64}={0,2}",
        shown: 6,
        entropy: 3.8,
        rotate: "roll the secret of the endpoint in the Stripe dashboard",
        ..TOKEN
    },
    SecretRule {
        id: "square-access-token",
        title: "Square access token",
        find: Find::Literal(&["sq0atp-", "EAAA"]),
        pattern: "(?:sq0atp-[A-Za-z0-9_-]{22}|EAAA[A-Za-z0-9+=-]{60})",
        shown: 4,
        entropy: 3.6,
        rotate: "revoke the token in the Square developer console",
        ..TOKEN
    },
    SecretRule {
        id: "squarespace-secret",
        title: "Square application secret",
        find: Find::Literal(&["sq0csp-"]),
        pattern: "sq0csp-[A-Za-z0-9_-]{43}",
        shown: 7,
        rotate: "replace the secret in the Square developer console",
        ..TOKEN
    },
    SecretRule {
        id: "squarespace-access-token",
        title: "Squarespace API key",
        find: Find::Assigned(&["squarespace"]),
        pattern: "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
        rotate: "disable the key in the Squarespace settings",
        ..VALUE
    },
    SecretRule {
        id: "shopify-access-token",
        title: "Shopify access token",
        severity: Critical,
        find: Find::Literal(&["shpat_"]),
        pattern: "shpat_[a-fA-F0-9]{32}",
        shown: 6,
        rotate: "uninstall the application, or rotate its token, in Shopify",
        ..TOKEN
    },
    SecretRule {
        id: "shopify-custom-access-token",
        title: "Shopify custom application token",
        severity: Critical,
        find: Find::Literal(&["shpca_"]),
        pattern: "shpca_[a-fA-F0-9]{32}",
        shown: 6,
        rotate: "uninstall the application, or rotate its token, in Shopify",
        ..TOKEN
    },
    SecretRule {
        id: "shopify-private-app-access-token",
        title: "Shopify private application token",
        severity: Critical,
        find: Find::Literal(&["shppa_"]),
        pattern: "shppa_[a-fA-F0-9]{32}",
        shown: 6,
        rotate: "uninstall the application, or rotate its token, in Shopify",
        ..TOKEN
    },
    SecretRule {
        id: "shopify-shared-secret",
        title: "Shopify shared secret",
        find: Find::Literal(&["shpss_"]),
        pattern: "shpss_[a-fA-F0-9]{32}",
        shown: 6,
        rotate: "rotate the client secret in the Shopify partner dashboard",
        ..TOKEN
    },
    SecretRule {
        id: "plaid-api-token",
        title: "Plaid access token",
        find: Find::Assigned(&["plaid"]),
        pattern: "access-(?:sandbox|development|production)-[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
        rotate: "invalidate the access token with the Plaid API",
        ..VALUE
    },
    SecretRule {
        id: "plaid-secret-key",
        title: "Plaid secret",
        find: Find::Assigned(&["plaid"]),
        pattern: "[a-z0-9]{30}",
        rotate: "rotate the secret in the Plaid dashboard",
        ..VALUE
    },
    SecretRule {
        id: "plaid-client-id",
        title: "Plaid client identifier",
        severity: Low,
        find: Find::Assigned(&["plaid"]),
        pattern: "[a-z0-9]{24}",
        rotate: "nothing: it is not secret by itself",
        ..VALUE
    },
    SecretRule {
        id: "gocardless-api-token",
        title: "GoCardless token",
        find: Find::Assigned(&["gocardless"]),
        pattern: "live_[A-Za-z0-9=_-]{40}",
        rotate: "delete the token in the GoCardless dashboard",
        ..VALUE
    },
    SecretRule {
        id: "flutterwave-secret-key",
        title: "Flutterwave secret key",
        find: Find::Literal(&["FLWSECK_TEST-", "FLWSECK-"]),
        pattern: "FLWSECK(?:_TEST)?-[a-h0-9]{12,32}-X",
        shown: 7,
        rotate: "regenerate the keys in the Flutterwave dashboard",
        ..TOKEN
    },
    SecretRule {
        id: "flutterwave-public-key",
        title: "Flutterwave public key",
        severity: Low,
        find: Find::Literal(&["FLWPUBK_TEST-", "FLWPUBK-"]),
        pattern: "FLWPUBK(?:_TEST)?-[a-h0-9]{12,32}-X",
        shown: 7,
        rotate: "regenerate the keys in the Flutterwave dashboard",
        ..TOKEN
    },
    SecretRule {
        id: "flutterwave-encryption-key",
        title: "Flutterwave encryption key",
        find: Find::Assigned(&["flutterwave", "flw"]),
        pattern: "(?:FLWSECK(?:_TEST)?-?)?[a-h0-9]{12,24}",
        entropy: 2.5,
        rotate: "regenerate the keys in the Flutterwave dashboard",
        ..VALUE
    },
    SecretRule {
        id: "duffel-api-token",
        title: "Duffel token",
        find: Find::Literal(&["duffel_live_", "duffel_test_"]),
        pattern: "duffel_(?:test|live)_[A-Za-z0-9_=-]{43}",
        rotate: "revoke the token in the Duffel dashboard",
        ..TOKEN
    },
    SecretRule {
        id: "easypost-api-token",
        title: "EasyPost key",
        find: Find::Literal(&["EZAK"]),
        pattern: "EZAK[A-Za-z0-9]{54}",
        shown: 4,
        rotate: "disable the key in the EasyPost account",
        ..TOKEN
    },
    SecretRule {
        id: "easypost-test-api-token",
        title: "EasyPost test key",
        severity: Low,
        find: Find::Literal(&["EZTK"]),
        pattern: "EZTK[A-Za-z0-9]{54}",
        shown: 4,
        rotate: "disable the key in the EasyPost account",
        ..TOKEN
    },
    SecretRule {
        id: "shippo-api-token",
        title: "Shippo token",
        find: Find::Literal(&["shippo_live_", "shippo_test_"]),
        pattern: "shippo_(?:live|test)_[a-fA-F0-9]{40}",
        rotate: "delete the token in the Shippo settings",
        ..TOKEN
    },
    SecretRule {
        id: "lob-api-key",
        title: "Lob API key",
        find: Find::Assigned(&["lob"]),
        pattern: "(?:live|test)_[a-f0-9]{35}",
        rotate: "rotate the key in the Lob dashboard",
        ..VALUE
    },
    SecretRule {
        id: "lob-pub-api-key",
        title: "Lob publishable key",
        severity: Low,
        find: Find::Assigned(&["lob"]),
        pattern: "(?:live|test)_pub_[a-f0-9]{31}",
        rotate: "rotate the key in the Lob dashboard",
        ..VALUE
    },
    SecretRule {
        id: "finicity-api-token",
        title: "Finicity key",
        find: Find::Assigned(&["finicity"]),
        pattern: "[a-f0-9]{32}",
        rotate: "regenerate the key in the Finicity developer portal",
        ..VALUE
    },
    SecretRule {
        id: "finicity-client-secret",
        title: "Finicity partner secret",
        find: Find::Assigned(&["finicity"]),
        pattern: "[A-Za-z0-9]{20}",
        rotate: "regenerate the secret in the Finicity developer portal",
        ..VALUE
    },
    SecretRule {
        id: "freshbooks-access-token",
        title: "FreshBooks token",
        find: Find::Assigned(&["freshbooks"]),
        pattern: "[a-f0-9]{64}",
        rotate: "revoke the application in FreshBooks",
        ..VALUE
    },
    SecretRule {
        id: "coinbase-access-token",
        title: "Coinbase key",
        find: Find::Assigned(&["coinbase"]),
        pattern: "[A-Za-z0-9_-]{64}",
        rotate: "delete the key in the Coinbase settings",
        ..VALUE
    },
    SecretRule {
        id: "kraken-access-token",
        title: "Kraken private key",
        find: Find::Assigned(&["kraken"]),
        pattern: "[A-Za-z0-9/=_+-]{80,90}",
        rotate: "delete the key in the Kraken settings",
        ..VALUE
    },
    SecretRule {
        id: "kucoin-access-token",
        title: "KuCoin key",
        find: Find::Assigned(&["kucoin"]),
        pattern: "[a-f0-9]{24}",
        rotate: "delete the key in the KuCoin settings",
        ..VALUE
    },
    SecretRule {
        id: "kucoin-secret-key",
        title: "KuCoin secret",
        find: Find::Assigned(&["kucoin"]),
        pattern: "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
        rotate: "delete the key in the KuCoin settings",
        ..VALUE
    },
    SecretRule {
        id: "bittrex-secret-key",
        title: "Bittrex key",
        severity: Medium,
        find: Find::Assigned(&["bittrex"]),
        pattern: "[a-z0-9]{32}",
        rotate: "nothing: the exchange has closed",
        ..VALUE
    },
    SecretRule {
        id: "finnhub-access-token",
        title: "Finnhub key",
        severity: Medium,
        find: Find::Assigned(&["finnhub"]),
        pattern: "[a-z0-9]{20}",
        rotate: "regenerate the key in the Finnhub dashboard",
        ..VALUE
    },
    SecretRule {
        id: "etsy-access-token",
        title: "Etsy key",
        severity: Medium,
        find: Find::Assigned(&["etsy"]),
        pattern: "[a-z0-9]{24}",
        rotate: "delete the application in the Etsy developer site",
        ..VALUE
    },
];
