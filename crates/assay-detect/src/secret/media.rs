//! Social networks, media, documents and data services.

use super::rule::{Find, SecretRule, TOKEN, VALUE, Within, never};
use assay_model::Severity::{Low, Medium};

/// The rules, the more specific first.
pub(super) const RULES: &[SecretRule] = &[
    SecretRule {
        id: "facebook-access-token",
        title: "Facebook token",
        find: Find::Literal(&["EAAM", "EAAC", "EAAB", "EAAD", "EAAG", "EAAJ"]),
        pattern: "EAA[MCBDGJ][A-Za-z0-9]{100,400}",
        shown: 4,
        entropy: 4.2,
        rotate: "invalidate the sessions of the application at developers.facebook.com",
        ..TOKEN
    },
    SecretRule {
        id: "facebook-secret",
        title: "Facebook application secret",
        find: Find::Assigned(&["facebook", "fb_"]),
        pattern: "[a-f0-9]{32}",
        rotate: "reset the secret at developers.facebook.com",
        ..VALUE
    },
    SecretRule {
        id: "facebook-app-token",
        title: "Facebook application token",
        find: Find::Assigned(&["facebook", "fb_"]),
        pattern: r"\d{15,16}[|-][A-Za-z0-9_-]{27,40}",
        rotate: "reset the secret at developers.facebook.com",
        ..VALUE
    },
    SecretRule {
        id: "twitter-bearer-token",
        title: "X bearer token",
        find: Find::Assigned(&["twitter"]),
        pattern: "A{22}[A-Za-z0-9%]{80,100}",
        entropy: 3.0,
        placeholder: never,
        rotate: "regenerate the token in the X developer portal",
        ..VALUE
    },
    SecretRule {
        id: "twitter-access-token",
        title: "X access token",
        find: Find::Assigned(&["twitter"]),
        pattern: "[0-9]{15,25}-[A-Za-z0-9]{20,40}",
        rotate: "regenerate the token in the X developer portal",
        ..VALUE
    },
    SecretRule {
        id: "twitter-api-secret",
        title: "X API secret",
        find: Find::Assigned(&["twitter"]),
        pattern: "[A-Za-z0-9]{50}",
        rotate: "regenerate the keys in the X developer portal",
        ..VALUE
    },
    SecretRule {
        id: "twitter-access-secret",
        title: "X access token secret",
        find: Find::Assigned(&["twitter"]),
        pattern: "[A-Za-z0-9]{45}",
        rotate: "regenerate the token in the X developer portal",
        ..VALUE
    },
    SecretRule {
        id: "twitter-api-key",
        title: "X API key",
        find: Find::Assigned(&["twitter"]),
        pattern: "[A-Za-z0-9]{25}",
        rotate: "regenerate the keys in the X developer portal",
        ..VALUE
    },
    SecretRule {
        id: "linkedin-client-secret",
        title: "LinkedIn client secret",
        find: Find::Assigned(&["linkedin", "linked_in", "linked-in"]),
        pattern: r"(?:WPL_AP1\.[A-Za-z0-9]{16}\.[A-Za-z0-9=]{6,8}|[A-Za-z0-9]{16})",
        rotate: "rotate the secret in the LinkedIn developer portal",
        ..VALUE
    },
    SecretRule {
        id: "linkedin-client-id",
        title: "LinkedIn client identifier",
        severity: Low,
        find: Find::Assigned(&["linkedin", "linked_in", "linked-in"]),
        pattern: "[a-z0-9]{14}",
        entropy: 2.5,
        rotate: "nothing: it is not secret by itself",
        ..VALUE
    },
    SecretRule {
        id: "twitch-api-token",
        title: "Twitch token",
        severity: Medium,
        find: Find::Assigned(&["twitch"]),
        pattern: "[a-z0-9]{30}",
        rotate: "revoke the token, or make a new client secret, in the Twitch console",
        ..VALUE
    },
    SecretRule {
        id: "flickr-access-token",
        title: "Flickr key",
        severity: Medium,
        find: Find::Assigned(&["flickr"]),
        pattern: "[a-z0-9]{32}",
        rotate: "delete the key in the Flickr app garden",
        ..VALUE
    },
    SecretRule {
        id: "nytimes-access-token",
        title: "New York Times key",
        severity: Low,
        find: Find::Assigned(&["nytimes", "new-york-times", "newyorktimes", "nyt_"]),
        pattern: "[A-Za-z0-9=_-]{32}",
        rotate: "delete the key in the New York Times developer site",
        ..VALUE
    },
    SecretRule {
        id: "mapbox-api-token",
        title: "Mapbox token",
        severity: Low,
        find: Find::Literal(&["pk.eyJ", "sk.eyJ", "tk.eyJ"]),
        pattern: r"[pst]k\.eyJ[A-Za-z0-9_-]{50,120}\.[A-Za-z0-9_-]{22}",
        shown: 3,
        within: Within::Own,
        rotate: "delete the token in the Mapbox account",
        ..TOKEN
    },
    SecretRule {
        id: "typeform-api-token",
        title: "Typeform token",
        severity: Medium,
        find: Find::Literal(&["tfp_"]),
        pattern: "tfp_[A-Za-z0-9_.=-]{59}",
        shown: 4,
        entropy: 3.8,
        rotate: "delete the token in the Typeform settings",
        ..TOKEN
    },
    SecretRule {
        id: "dropbox-api-token",
        title: "Dropbox application secret",
        find: Find::Assigned(&["dropbox"]),
        pattern: "[a-z0-9]{15}",
        rotate: "reset the secret in the Dropbox app console",
        ..VALUE
    },
    SecretRule {
        id: "dropbox-short-lived-api-token",
        title: "short-lived Dropbox token",
        severity: Medium,
        find: Find::Start(&["sl."]),
        pattern: r"sl\.(?:[Bu]\.)?[A-Za-z0-9_=-]{130,}",
        shown: 3,
        entropy: 4.5,
        rotate: "it ends within four hours; revoke the application in Dropbox",
        ..TOKEN
    },
    SecretRule {
        id: "dropbox-long-lived-api-token",
        title: "long-lived Dropbox token",
        find: Find::Assigned(&["dropbox"]),
        pattern: "[A-Za-z0-9]{11}A{10}[A-Za-z0-9=_-]{43}",
        placeholder: never,
        rotate: "revoke the application in Dropbox",
        ..VALUE
    },
    SecretRule {
        id: "contentful-delivery-api-token",
        title: "Contentful token",
        severity: Medium,
        find: Find::Assigned(&["contentful"]),
        pattern: "(?:CFPAT-)?[A-Za-z0-9=_-]{43}",
        rotate: "revoke the token in the Contentful settings",
        ..VALUE
    },
    SecretRule {
        id: "contentful-pat",
        title: "Contentful management token",
        find: Find::Literal(&["CFPAT-"]),
        pattern: "CFPAT-[A-Za-z0-9_-]{43}",
        shown: 6,
        rotate: "revoke the token in the Contentful settings",
        ..TOKEN
    },
    SecretRule {
        id: "adobe-client-secret",
        title: "Adobe client secret",
        find: Find::Literal(&["p8e-"]),
        pattern: "p8e-[A-Za-z0-9]{32}",
        shown: 4,
        entropy: 3.6,
        rotate: "replace the secret in the Adobe developer console",
        ..TOKEN
    },
    SecretRule {
        id: "adobe-client-id",
        title: "Adobe client identifier",
        severity: Low,
        find: Find::Assigned(&["adobe"]),
        pattern: "[a-f0-9]{32}",
        rotate: "nothing: it is not secret by itself",
        ..VALUE
    },
    SecretRule {
        id: "airtable-pat",
        title: "Airtable personal access token",
        find: Find::Start(&["pat"]),
        pattern: r"pat[A-Za-z0-9]{14}\.[a-f0-9]{64}",
        shown: 3,
        rotate: "delete the token in the Airtable developer hub",
        ..TOKEN
    },
    SecretRule {
        id: "airtable-api-key",
        title: "Airtable key",
        find: Find::Assigned(&["airtable"]),
        pattern: "(?:key[A-Za-z0-9]{14}|[a-z0-9]{17})",
        rotate: "delete the key in the Airtable account",
        ..VALUE
    },
    SecretRule {
        id: "notion-api-token",
        title: "Notion token",
        find: Find::Literal(&["ntn_", "secret_"]),
        pattern: "(?:ntn_[0-9]{11}[A-Za-z0-9]{35}|secret_[A-Za-z0-9]{43})",
        shown: 4,
        entropy: 3.8,
        rotate: "refresh the secret of the integration in Notion",
        ..TOKEN
    },
    SecretRule {
        id: "asana-client-secret",
        title: "Asana client secret",
        find: Find::Assigned(&["asana"]),
        pattern: "[a-z0-9]{32}",
        rotate: "reset the secret in the Asana developer console",
        ..VALUE
    },
    SecretRule {
        id: "asana-client-id",
        title: "Asana client identifier",
        severity: Low,
        find: Find::Assigned(&["asana"]),
        pattern: "[0-9]{16}",
        entropy: 2.0,
        rotate: "nothing: it is not secret by itself",
        ..VALUE
    },
    SecretRule {
        id: "hubspot-api-token",
        title: "HubSpot private application token",
        find: Find::Literal(&["pat-na1-", "pat-eu1-", "pat-na2-", "pat-ap1-"]),
        pattern: r"pat-(?:na|eu|ap)\d-[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
        rotate: "rotate the token of the private application in HubSpot",
        ..TOKEN
    },
    SecretRule {
        id: "hubspot-api-key",
        title: "HubSpot key",
        find: Find::Assigned(&["hubspot"]),
        pattern: "[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}",
        rotate: "deactivate the key in HubSpot",
        ..VALUE
    },
    SecretRule {
        id: "intra42-client-secret",
        title: "42 intranet client secret",
        severity: Medium,
        find: Find::Literal(&["s-s4t2ud-", "s-s4t2af-"]),
        pattern: "s-s4t2(?:ud|af)-[a-f0-9]{64}",
        rotate: "reset the secret in the intranet of 42",
        ..TOKEN
    },
    SecretRule {
        id: "rapidapi-access-token",
        title: "RapidAPI key",
        find: Find::Assigned(&["rapidapi"]),
        pattern: "[A-Za-z0-9_-]{50}",
        rotate: "delete the key in the RapidAPI developer dashboard",
        ..VALUE
    },
];
