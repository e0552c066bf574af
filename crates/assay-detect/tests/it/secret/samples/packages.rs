//! Samples of the rules in `secret/packages.rs`.

use super::Sample;

pub(super) const SAMPLES: &[Sample] = &[
    Sample {
        rule: "npm-access-token",
        hits: &["npm_<a:30><crc62>", "//npm.example.com/:_authToken=npm_<a:30><crc62>"],
        misses: &["npm_<a:36>", "npm_<a:20>"],
    },
    Sample {
        rule: "npmrc-auth",
        hits: &["//registry.acme.net/:_authToken=<uuid>"],
        misses: &["//registry.acme.net/:_authToken=${NPM_TOKEN}"],
    },
    Sample {
        rule: "pypi-upload-token",
        hits: &["pypi-AgEIcHlwaS5vcmc<w:150>"],
        misses: &["pypi-AgEIcHlwaS5vcmc<w:20>"],
    },
    Sample { rule: "rubygems-api-token", hits: &["rubygems_<h:48>"], misses: &["rubygems_<h:40>"] },
    Sample { rule: "nuget-api-key", hits: &["oy2<l:43>"], misses: &["oy2<l:20>"] },
    Sample {
        rule: "nuget-config-password",
        hits: &[r#"<add key="ClearTextPassword" value="<a:12>" />"#],
        misses: &[r#"<add key="ClearTextPassword" value="%NUGET_PASSWORD%" />"#],
    },
    Sample { rule: "clojars-api-token", hits: &["CLOJARS_<l:60>"], misses: &["CLOJARS_<l:20>"] },
    Sample { rule: "crates-io-token", hits: &[r#"token = "cio<a:32>""#], misses: &["cio<a:20>"] },
    Sample {
        rule: "private-packagist-token",
        hits: &["packagist_uut_<h:72>"],
        misses: &["packagist_uut_<h:20>"],
    },
    Sample { rule: "artifactory-api-key", hits: &["AKCp<a:69>"], misses: &["AKCp<a:40>"] },
    Sample { rule: "artifactory-reference-token", hits: &["cmVmdGtu<a:56>"], misses: &["cmVmdGtu<a:40>"] },
    Sample {
        rule: "jfrog-api-key",
        hits: &["ARTIFACTORY_API_KEY=<a:73>"],
        misses: &["ARTIFACTORY_API_KEY=<a:70>"],
    },
    Sample { rule: "jfrog-identity-token", hits: &["JFROG_TOKEN=<a:64>"], misses: &["JFROG_TOKEN=<a:60>"] },
    Sample { rule: "docker-hub-token", hits: &["dckr_pat_<w:27>"], misses: &["dckr_pat_<w:12>"] },
    Sample {
        rule: "docker-config-auth",
        hits: &[r#"{"auths": {"https://index.docker.io/v1/": {"auth": "<basic>"}}}"#],
        misses: &[r#"{"auth": "<a:16>"}"#, r#"{"auth": "required"}"#],
    },
    Sample {
        rule: "maven-settings-security",
        hits: &["<settingsSecurity><master>{<b:43>=}</master></settingsSecurity>"],
        misses: &["<master>yes</master>"],
    },
    Sample {
        rule: "maven-settings-passphrase",
        hits: &["<passphrase><a:12></passphrase>"],
        misses: &["<passphrase>${env.PASS}</passphrase>"],
    },
];
