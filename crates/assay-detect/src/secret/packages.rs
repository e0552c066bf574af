//! Package registries: npm, PyPI, RubyGems, NuGet, Clojars, crates.io, Packagist, Artifactory, Docker Hub, Maven.
//!
//! PyPI's tokens are macaroons whose first part names the index (<https://pypi.org/help/#apitoken>); npm's end with GitHub's checksum.

use super::check::{basic, password};
use super::rule::{Find, SecretRule, TOKEN, VALUE, Within, never};
use super::scan::checksum::crc32_base62;
use assay_model::Severity::{Critical, Medium};

/// The rules, the more specific first.
pub(super) const RULES: &[SecretRule] = &[
    SecretRule {
        id: "npm-access-token",
        title: "npm access token",
        severity: Critical,
        find: Find::Literal(&["npm_"]),
        pattern: "npm_[A-Za-z0-9]{36}",
        shown: 4,
        valid: crc32_base62,
        placeholder: never,
        rotate: "revoke the token with `npm token revoke`",
        ..TOKEN
    },
    SecretRule {
        id: "npmrc-auth",
        title: "credentials in an `.npmrc` file",
        find: Find::TextLiteral(&[":_authToken", ":_auth", ":_password", "\n_auth"]),
        pattern: r#"[:\n]_(?:authToken|auth|password)[ ]?=[ ]?"?([A-Za-z0-9+/=_.-]{10,400})"#,
        valid: password,
        placeholder: never,
        within: Within::Own,
        rotate: "revoke the token at the registry",
        ..TOKEN
    },
    SecretRule {
        id: "pypi-upload-token",
        title: "PyPI upload token",
        severity: Critical,
        find: Find::Literal(&["pypi-AgEIcHlwaS5vcmc", "pypi-AgENdGVzdC5weXBpLm9yZw"]),
        pattern: "pypi-(?:AgEIcHlwaS5vcmc|AgENdGVzdC5weXBpLm9yZw)[A-Za-z0-9_-]{50,1000}",
        reach: 2 << 10,
        shown: 5,
        placeholder: never,
        rotate: "remove the token in the PyPI account settings",
        ..TOKEN
    },
    SecretRule {
        id: "rubygems-api-token",
        title: "RubyGems API key",
        find: Find::Literal(&["rubygems_"]),
        pattern: "rubygems_[a-f0-9]{48}",
        shown: 9,
        rotate: "delete the API key in the RubyGems profile",
        ..TOKEN
    },
    SecretRule {
        id: "nuget-api-key",
        title: "NuGet API key",
        find: Find::Start(&["oy2"]),
        pattern: "oy2[a-z0-9]{43}",
        shown: 3,
        entropy: 3.8,
        rotate: "revoke the key at nuget.org under API keys",
        ..TOKEN
    },
    SecretRule {
        id: "nuget-config-password",
        title: "password in a NuGet configuration",
        find: Find::TextLiteral(&["learTextPassword"]),
        pattern: r#"learTextPassword"\s+value="([^"]{4,128})""#,
        entropy: 2.0,
        valid: password,
        placeholder: never,
        within: Within::Own,
        rotate: "change the password at the package source",
        ..TOKEN
    },
    SecretRule {
        id: "clojars-api-token",
        title: "Clojars deploy token",
        find: Find::Literal(&["CLOJARS_"]),
        pattern: "CLOJARS_[a-z0-9]{60}",
        shown: 8,
        rotate: "disable the token in the Clojars profile",
        ..TOKEN
    },
    SecretRule {
        id: "crates-io-token",
        title: "crates.io token",
        find: Find::Start(&["cio"]),
        pattern: "cio[A-Za-z0-9]{32}",
        shown: 3,
        entropy: 4.3,
        rotate: "revoke the token in the crates.io account settings",
        ..TOKEN
    },
    SecretRule {
        id: "private-packagist-token",
        title: "Private Packagist token",
        find: Find::Literal(&[
            "packagist_ack_",
            "packagist_org_ack_",
            "packagist_out_",
            "packagist_uut_",
            "packagist_ort_",
        ]),
        pattern: "packagist_(?:ack|org_ack|org_(?:update|read)|out|ort|uut)_[a-f0-9]{64,78}",
        shown: 10,
        rotate: "delete the token in Private Packagist",
        ..TOKEN
    },
    SecretRule {
        id: "artifactory-api-key",
        title: "Artifactory API key",
        severity: Critical,
        find: Find::Literal(&["AKCp"]),
        pattern: "AKCp[A-Za-z0-9]{69}",
        shown: 4,
        rotate: "revoke the API key in the Artifactory user profile",
        ..TOKEN
    },
    SecretRule {
        id: "artifactory-reference-token",
        title: "Artifactory reference token",
        severity: Critical,
        find: Find::Literal(&["cmVmd"]),
        pattern: "cmVmdGtu[A-Za-z0-9]{56}",
        rotate: "revoke the token in Artifactory",
        ..TOKEN
    },
    SecretRule {
        id: "jfrog-api-key",
        title: "JFrog API key",
        severity: Critical,
        find: Find::Assigned(&["jfrog", "artifactory", "bintray", "xray"]),
        pattern: "[A-Za-z0-9]{73}",
        rotate: "revoke the API key in the JFrog user profile",
        ..VALUE
    },
    SecretRule {
        id: "jfrog-identity-token",
        title: "JFrog identity token",
        severity: Critical,
        find: Find::Assigned(&["jfrog", "artifactory", "bintray", "xray"]),
        pattern: "[A-Za-z0-9]{64}",
        rotate: "revoke the token in the JFrog user profile",
        ..VALUE
    },
    SecretRule {
        id: "docker-hub-token",
        title: "Docker Hub access token",
        severity: Critical,
        find: Find::Literal(&["dckr_pat_", "dckr_oat_"]),
        pattern: "dckr_[po]at_[A-Za-z0-9_-]{27,32}",
        rotate: "delete the token in the Docker Hub account settings",
        ..TOKEN
    },
    SecretRule {
        id: "docker-config-auth",
        title: "registry credentials in a Docker configuration",
        severity: Critical,
        find: Find::TextLiteral(&[r#""auth""#]),
        pattern: r#""auth"\s*:\s*"([A-Za-z0-9+/]{8,800}={0,2})""#,
        reach: 1 << 10,
        valid: basic,
        within: Within::Own,
        rotate: "change the password or token at the registry, and log in with a credential helper",
        ..TOKEN
    },
    SecretRule {
        id: "maven-settings-security",
        title: "master password of Maven",
        severity: Medium,
        find: Find::TextLiteral(&["<master>"]),
        pattern: r"<master>\s*(\{[A-Za-z0-9+/=]{20,}\})\s*</master>",
        rotate: "change the master password with `mvn --encrypt-master-password`, and every password it protects",
        ..TOKEN
    },
    SecretRule {
        id: "maven-settings-passphrase",
        title: "passphrase in the settings of Maven",
        find: Find::TextLiteral(&["<passphrase>"]),
        pattern: "<passphrase>([^<]{4,128})</passphrase>",
        entropy: 2.0,
        valid: password,
        placeholder: never,
        within: Within::Own,
        rotate: "change the passphrase of the key",
        ..TOKEN
    },
];
