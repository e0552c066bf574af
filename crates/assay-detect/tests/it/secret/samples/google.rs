//! Samples of the rules in `secret/google.rs`.

use super::Sample;

pub(super) const SAMPLES: &[Sample] = &[
    Sample {
        rule: "gcp-service-account",
        hits: &[r#""private_key_id": "<h:40>",
  "private_key": "-----BEGIN PRIVATE KEY-----\nMII<b:61>\n<b:64>\n-----END PRIVATE KEY-----\n""#],
        misses: &[r#""private_key_id": "<h:40>",
  "private_key": "...""#],
    },
    Sample { rule: "gcp-api-key", hits: &["AIza<w:35>", r#"key: "AIza<w:35>""#], misses: &["AIza<w:20>"] },
    Sample { rule: "google-oauth-client-secret", hits: &["GOCSPX-<w:28>"], misses: &["GOCSPX-<w:12>"] },
    Sample { rule: "google-oauth-access-token", hits: &["ya29.<w:120>"], misses: &["ya29.<w:20>"] },
    Sample {
        rule: "google-oauth-refresh-token",
        hits: &[r#""refresh_token": "1//0<w:98>""#],
        misses: &["http://10.0.0.1//0<w:20>"],
    },
    Sample {
        rule: "looker-client-secret",
        hits: &["LOOKER_CLIENT_SECRET=<a:24>"],
        misses: &["LOOKER_CLIENT_SECRET=<a:23>"],
    },
    Sample { rule: "looker-client-id", hits: &["LOOKER_CLIENT_ID=<a:20>"], misses: &["CLIENT_ID=<a:20>"] },
];
