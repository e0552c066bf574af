//! Samples of the rules in `secret/development.rs`.

use super::Sample;

pub(super) const SAMPLES: &[Sample] = &[
    Sample {
        rule: "hashicorp-tf-api-token",
        hits: &["<a:14>.atlasv1.<a:67>"],
        misses: &["<a:14>.atlasv1.<a:20>"],
    },
    Sample {
        rule: "hashicorp-tf-password",
        hits: &[r#"administrator_login_password = "<a:12>""#],
        misses: &[r#"administrator_login_password = "${var.p}""#],
    },
    Sample {
        rule: "vault-service-token",
        hits: &["hvs.<w:92>", "VAULT_TOKEN=hvs.<w:24>"],
        misses: &["hvs.<w:12>"],
    },
    Sample { rule: "vault-batch-token", hits: &["hvb.<w:150>"], misses: &["hvb.<w:30>"] },
    Sample { rule: "vault-legacy-token", hits: &["VAULT_TOKEN=s.<a:24>"], misses: &["VAULT_TOKEN=s.<a:20>"] },
    Sample { rule: "pulumi-api-token", hits: &["pul-<h:40>"], misses: &["pul-<h:30>"] },
    Sample {
        rule: "doppler-api-token",
        hits: &["dp.pt.<a:43>", "dp.st.prd.<a:43>"],
        misses: &["dp.pt.<a:20>"],
    },
    Sample { rule: "infracost-api-token", hits: &["ico-<a:32>"], misses: &["ico-<a:20>"] },
    Sample {
        rule: "harness-api-key",
        hits: &["pat.<w:22>.<h:24>.<a:20>"],
        misses: &["pat.<w:20>.<h:24>.<a:20>"],
    },
    Sample { rule: "sonar-api-token", hits: &["squ_<h:40>"], misses: &["squ_<h:30>"] },
    Sample { rule: "sonar-token-legacy", hits: &["SONAR_TOKEN=<h:40>"], misses: &["SONAR_TOKEN=<h:39>"] },
    Sample {
        rule: "sourcegraph-access-token",
        hits: &["sgp_<h:16>_<h:40>", "sgp_local_<h:40>"],
        misses: &["sgp_<h:30>"],
    },
    Sample {
        rule: "codecov-access-token",
        hits: &["CODECOV_TOKEN=<uuid>", r#"codecov_token: "<l:32>""#],
        misses: &["TOKEN=<uuid>"],
    },
    Sample {
        rule: "travisci-access-token",
        hits: &["TRAVIS_TOKEN=<a:22>"],
        misses: &["TRAVIS_TOKEN=<a:19>"],
    },
    Sample { rule: "droneci-access-token", hits: &["DRONE_TOKEN=<a:32>"], misses: &["DRONE_TOKEN=<a:31>"] },
    Sample { rule: "circleci-token", hits: &["CCIPAT_<a:22>_<h:40>"], misses: &["CCIPAT_<a:22>"] },
    Sample { rule: "buildkite-token", hits: &["bkua_<h:40>"], misses: &["bkua_<h:20>"] },
    Sample { rule: "octopus-deploy-api-key", hits: &["OCTOPUS_KEY=API-<u:26>"], misses: &["API-<u:12>"] },
    Sample {
        rule: "launchdarkly-access-token",
        hits: &["LAUNCHDARKLY_SDK_KEY=sdk-<uuid>", r#"launchdarkly_token = "<w:40>""#],
        misses: &["SDK_KEY=<w:40>"],
    },
    Sample { rule: "snyk-api-token", hits: &["SNYK_TOKEN=<uuid>"], misses: &["SNYK_TOKEN=<h:32>"] },
    Sample { rule: "postman-api-token", hits: &["PMAK-<h:24>-<h:34>"], misses: &["PMAK-<h:24>"] },
    Sample { rule: "readme-api-token", hits: &["rdme_<l:70>"], misses: &["rdme_<l:40>"] },
    Sample { rule: "prefect-api-token", hits: &["pnu_<a:36>"], misses: &["pnu_<a:20>"] },
    Sample { rule: "linear-api-key", hits: &["lin_api_<a:40>"], misses: &["lin_api_<a:20>"] },
    Sample {
        rule: "linear-client-secret",
        hits: &["LINEAR_CLIENT_SECRET=<h:32>"],
        misses: &["CLIENT_SECRET=<h:31>"],
    },
    Sample { rule: "ionic-api-token", hits: &["ion_<a:42>"], misses: &["ion_<a:20>"] },
    Sample { rule: "frameio-api-token", hits: &["fio-u-<w:64>"], misses: &["fio-u-<w:20>"] },
    Sample {
        rule: "sidekiq-secret",
        hits: &["BUNDLE_ENTERPRISE__CONTRIBSYS__COM=<h:8>:<h:8>"],
        misses: &["BUNDLE_ENTERPRISE__CONTRIBSYS__COM=<h:8>"],
    },
    Sample {
        rule: "sidekiq-sensitive-url",
        hits: &["https://<h:8>:<h:8>@gems.contribsys.com/"],
        misses: &["https://gems.contribsys.com/"],
    },
    Sample { rule: "settlemint-personal-access-token", hits: &["sm_pat_<a:16>"], misses: &["sm_pat_<a:8>"] },
    Sample {
        rule: "settlemint-application-access-token",
        hits: &["sm_aat_<a:16>"],
        misses: &["sm_aat_<a:8>"],
    },
    Sample { rule: "settlemint-service-access-token", hits: &["sm_sat_<a:16>"], misses: &["sm_sat_<a:8>"] },
    Sample {
        rule: "symfony-default-secret",
        hits: &["secret: ThisTokenIsNotSoSecretChangeIt"],
        misses: &["secret: ThisTokenIsNotSoSecret"],
    },
    Sample {
        rule: "rails-master-key",
        hits: &["config/master.key\n<h:32>\n"],
        misses: &["config/other.key\n<h:32>\n", "config/master.key\n<h:31>"],
    },
    Sample { rule: "supabase-key", hits: &["sbp_<h:40>"], misses: &["sbp_<h:20>"] },
    Sample {
        rule: "tailscale-key",
        hits: &["tskey-auth-<a:12>CNTRL-<a:32>"],
        misses: &["tskey-auth-<a:12>"],
    },
    Sample { rule: "ngrok-token", hits: &["ngrok_<a:24>_<a:16>"], misses: &["ngrok_<a:8>"] },
];
