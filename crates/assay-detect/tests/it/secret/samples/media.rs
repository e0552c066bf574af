//! Samples of the rules in `secret/media.rs`.

use super::Sample;

pub(super) const SAMPLES: &[Sample] = &[
    Sample { rule: "facebook-access-token", hits: &["EAAC<a:180>"], misses: &["EAAC<a:40>"] },
    Sample {
        rule: "facebook-secret",
        hits: &["FACEBOOK_APP_SECRET=<h:32>"],
        misses: &["FACEBOOK_APP_SECRET=<h:31>"],
    },
    Sample {
        rule: "facebook-app-token",
        hits: &[r#"FACEBOOK_ACCESS_TOKEN="<n:16>|<a:27>""#, "facebook_access_token: <n:15>|<a:27>"],
        misses: &[r#"FACEBOOK_ACCESS_TOKEN="<n:12>-<a:30>""#],
    },
    Sample {
        rule: "twitter-bearer-token",
        hits: &["TWITTER_BEARER_TOKEN=AAAAAAAAAAAAAAAAAAAAAA<a:90>"],
        misses: &["TWITTER_BEARER_TOKEN=<a:90>"],
    },
    Sample {
        rule: "twitter-access-token",
        hits: &["TWITTER_ACCESS_TOKEN=<n:18>-<a:30>"],
        misses: &["TWITTER_ACCESS_TOKEN=<n:8>-<a:30>"],
    },
    Sample {
        rule: "twitter-api-secret",
        hits: &["TWITTER_API_SECRET=<a:50>"],
        misses: &["TWITTER_API_SECRET=<a:46>"],
    },
    Sample {
        rule: "twitter-access-secret",
        hits: &["TWITTER_ACCESS_TOKEN_SECRET=<a:45>"],
        misses: &["TWITTER_ACCESS_TOKEN_SECRET=<a:44>"],
    },
    Sample {
        rule: "twitter-api-key",
        hits: &["TWITTER_API_KEY=<a:25>"],
        misses: &["TWITTER_API_KEY=<a:24>"],
    },
    Sample {
        rule: "linkedin-client-secret",
        hits: &["LINKEDIN_CLIENT_SECRET=<a:16>"],
        misses: &["LINKEDIN_CLIENT_SECRET=<a:18>"],
    },
    Sample {
        rule: "linkedin-client-id",
        hits: &["LINKEDIN_CLIENT_ID=<l:14>"],
        misses: &["LINKEDIN_CLIENT_ID=<l:13>"],
    },
    Sample {
        rule: "twitch-api-token",
        hits: &["TWITCH_CLIENT_SECRET=<l:30>"],
        misses: &["TWITCH_CLIENT_SECRET=<l:29>"],
    },
    Sample {
        rule: "flickr-access-token",
        hits: &["FLICKR_API_KEY=<h:32>"],
        misses: &["FLICKR_API_KEY=<h:31>"],
    },
    Sample {
        rule: "nytimes-access-token",
        hits: &["NYTIMES_API_KEY=<a:32>"],
        misses: &["NYTIMES_API_KEY=<a:31>"],
    },
    Sample { rule: "mapbox-api-token", hits: &["pk.eyJ<w:70>.<w:22>"], misses: &["pk.eyJ<w:20>.<w:22>"] },
    Sample { rule: "typeform-api-token", hits: &["tfp_<w:44>_<w:14>"], misses: &["tfp_<w:20>"] },
    Sample {
        rule: "dropbox-api-token",
        hits: &["DROPBOX_APP_SECRET=<l:15>"],
        misses: &["DROPBOX_APP_SECRET=<l:12>"],
    },
    Sample { rule: "dropbox-short-lived-api-token", hits: &["sl.<w:136>"], misses: &["sl.<w:30>"] },
    Sample {
        rule: "dropbox-long-lived-api-token",
        hits: &["DROPBOX_TOKEN=<a:11>AAAAAAAAAA<w:43>"],
        misses: &["DROPBOX_TOKEN=<a:11>BAAAAAAAAA<w:43>"],
    },
    Sample {
        rule: "contentful-delivery-api-token",
        hits: &["CONTENTFUL_ACCESS_TOKEN=<w:43>"],
        misses: &["CONTENTFUL_ACCESS_TOKEN=<w:40>"],
    },
    Sample { rule: "contentful-pat", hits: &["CFPAT-<w:43>"], misses: &["CFPAT-<w:20>"] },
    Sample { rule: "adobe-client-secret", hits: &["p8e-<a:32>"], misses: &["p8e-<a:20>"] },
    Sample {
        rule: "adobe-client-id",
        hits: &["ADOBE_CLIENT_ID=<h:32>"],
        misses: &["ADOBE_CLIENT_ID=<h:31>"],
    },
    Sample { rule: "airtable-pat", hits: &["pat<a:14>.<h:64>"], misses: &["pat<a:14>.<h:30>"] },
    Sample {
        rule: "airtable-api-key",
        hits: &["AIRTABLE_API_KEY=key9<a:13>"],
        misses: &["AIRTABLE_API_KEY=key9<a:9>"],
    },
    Sample { rule: "notion-api-token", hits: &["ntn_<d:11><a:35>"], misses: &["ntn_<d:11><a:20>"] },
    Sample {
        rule: "asana-client-secret",
        hits: &["ASANA_CLIENT_SECRET=<h:32>"],
        misses: &["ASANA_CLIENT_SECRET=<h:31>"],
    },
    Sample {
        rule: "asana-client-id",
        hits: &["ASANA_CLIENT_ID=<d:16>"],
        misses: &["ASANA_CLIENT_ID=<d:12>"],
    },
    Sample { rule: "hubspot-api-token", hits: &["pat-na1-<uuid>"], misses: &["pat-na1-<h:32>"] },
    Sample { rule: "hubspot-api-key", hits: &["HUBSPOT_API_KEY=<uuid>"], misses: &["API_KEY=<uuid>"] },
    Sample { rule: "intra42-client-secret", hits: &["s-s4t2ud-<h:64>"], misses: &["s-s4t2ud-<h:20>"] },
    Sample {
        rule: "rapidapi-access-token",
        hits: &["RAPIDAPI_KEY=<w:50>"],
        misses: &["RAPIDAPI_KEY=<w:49>"],
    },
];
