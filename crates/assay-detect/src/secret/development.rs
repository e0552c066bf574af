//! Development: continuous integration, quality, deployment and infrastructure tools.

use super::check::password;
use super::rule::{Find, SecretRule, TOKEN, VALUE, never};
use assay_model::Severity::{Critical, Medium};

/// The rules, the more specific first.
pub(super) const RULES: &[SecretRule] = &[
    SecretRule {
        id: "hashicorp-tf-api-token",
        title: "Terraform Cloud token",
        severity: Critical,
        find: Find::Literal(&[".atlasv1."]),
        pattern: r"[A-Za-z0-9]{14}\.atlasv1\.[A-Za-z0-9_=-]{60,70}",
        before: 14,
        rotate: "delete the token in Terraform Cloud",
        ..TOKEN
    },
    SecretRule {
        id: "hashicorp-tf-password",
        title: "administrator password in Terraform",
        find: Find::TextLiteral(&["administrator_login_password"]),
        pattern: r#"administrator_login_password\s*=\s*"([^"\s]{8,128})""#,
        entropy: 2.0,
        valid: password,
        placeholder: never,
        rotate: "change the password of the database server",
        ..TOKEN
    },
    SecretRule {
        id: "vault-service-token",
        title: "HashiCorp Vault service token",
        severity: Critical,
        find: Find::Literal(&["hvs."]),
        pattern: r"hvs\.[A-Za-z0-9_-]{24,300}",
        shown: 4,
        entropy: 3.5,
        rotate: "revoke it with `vault token revoke`",
        ..TOKEN
    },
    SecretRule {
        id: "vault-batch-token",
        title: "HashiCorp Vault batch token",
        find: Find::Literal(&["hvb."]),
        pattern: r"hvb\.[A-Za-z0-9_-]{100,300}",
        shown: 4,
        rotate: "it ends by itself; revoke the parent token",
        ..TOKEN
    },
    SecretRule {
        id: "vault-legacy-token",
        title: "HashiCorp Vault token",
        severity: Critical,
        find: Find::Assigned(&["vault"]),
        pattern: r"s\.[A-Za-z0-9]{24}",
        rotate: "revoke it with `vault token revoke`",
        ..VALUE
    },
    SecretRule {
        id: "pulumi-api-token",
        title: "Pulumi access token",
        find: Find::Literal(&["pul-"]),
        pattern: "pul-[a-f0-9]{40}",
        shown: 4,
        rotate: "delete the token in Pulumi Cloud",
        ..TOKEN
    },
    SecretRule {
        id: "doppler-api-token",
        title: "Doppler token",
        severity: Critical,
        find: Find::Literal(&["dp.pt.", "dp.st.", "dp.ct.", "dp.sa.", "dp.scim.", "dp.audit."]),
        pattern: r"dp\.(?:pt|ct|sa|scim|audit|st(?:\.[a-z0-9_-]{2,35})?)\.[A-Za-z0-9]{40,44}",
        shown: 6,
        rotate: "revoke the token in Doppler",
        ..TOKEN
    },
    SecretRule {
        id: "infracost-api-token",
        title: "Infracost API key",
        severity: Medium,
        find: Find::Literal(&["ico-"]),
        pattern: "ico-[A-Za-z0-9]{32}",
        shown: 4,
        entropy: 3.8,
        rotate: "regenerate the key in Infracost Cloud",
        ..TOKEN
    },
    SecretRule {
        id: "harness-api-key",
        title: "Harness API key",
        find: Find::Literal(&["pat.", "sat."]),
        pattern: r"[ps]at\.[A-Za-z0-9_-]{22}\.[0-9a-f]{24}\.[A-Za-z0-9]{20}",
        rotate: "delete the token in the Harness profile",
        ..TOKEN
    },
    SecretRule {
        id: "sonar-api-token",
        title: "SonarQube token",
        find: Find::Literal(&["sqp_", "squ_", "sqa_"]),
        pattern: "sq[pua]_[a-z0-9]{40}",
        rotate: "revoke the token in the SonarQube account",
        ..TOKEN
    },
    SecretRule {
        id: "sonar-token-legacy",
        title: "SonarCloud token",
        find: Find::Assigned(&["sonar"]),
        pattern: "[a-f0-9]{40}",
        rotate: "revoke the token in the SonarQube account",
        ..VALUE
    },
    SecretRule {
        id: "sourcegraph-access-token",
        title: "Sourcegraph access token",
        find: Find::Literal(&["sgp_", "slk_"]),
        pattern: "(?:sgp_(?:[a-f0-9]{16}_|local_)?[a-f0-9]{40}|slk_[a-f0-9]{64})",
        rotate: "delete the token in the Sourcegraph user settings",
        ..TOKEN
    },
    SecretRule {
        id: "codecov-access-token",
        title: "Codecov token",
        severity: Medium,
        find: Find::Assigned(&["codecov"]),
        pattern: "(?:[a-z0-9]{32}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})",
        rotate: "regenerate the upload token in Codecov",
        ..VALUE
    },
    SecretRule {
        id: "travisci-access-token",
        title: "Travis CI token",
        find: Find::Assigned(&["travis"]),
        pattern: "[A-Za-z0-9_-]{20,22}",
        rotate: "regenerate the token in the Travis CI settings",
        ..VALUE
    },
    SecretRule {
        id: "droneci-access-token",
        title: "Drone token",
        find: Find::Assigned(&["drone"]),
        pattern: "[A-Za-z0-9]{32}",
        rotate: "reset the token in the Drone account",
        ..VALUE
    },
    SecretRule {
        id: "circleci-token",
        title: "CircleCI token",
        find: Find::Literal(&["CCIPAT_", "CCIPRJ_"]),
        pattern: "CCIP(?:AT|RJ)_[A-Za-z0-9]{22}_[0-9a-f]{40}",
        rotate: "delete the token in the CircleCI settings",
        ..TOKEN
    },
    SecretRule {
        id: "buildkite-token",
        title: "Buildkite API token",
        find: Find::Literal(&["bkua_"]),
        pattern: "bkua_[0-9a-f]{40}",
        shown: 5,
        rotate: "revoke the token in the Buildkite settings",
        ..TOKEN
    },
    SecretRule {
        id: "octopus-deploy-api-key",
        title: "Octopus Deploy API key",
        find: Find::Literal(&["API-"]),
        pattern: "API-[A-Z0-9]{25,32}",
        shown: 4,
        entropy: 3.7,
        rotate: "delete the key in the Octopus Deploy profile",
        ..TOKEN
    },
    SecretRule {
        id: "launchdarkly-access-token",
        title: "LaunchDarkly token",
        find: Find::Assigned(&["launchdarkly"]),
        pattern: "(?:api-|sdk-)?[A-Za-z0-9=_-]{36,40}",
        rotate: "reset the key in LaunchDarkly",
        ..VALUE
    },
    SecretRule {
        id: "snyk-api-token",
        title: "Snyk token",
        find: Find::Assigned(&["snyk"]),
        pattern: "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
        rotate: "revoke the token in the Snyk account settings",
        ..VALUE
    },
    SecretRule {
        id: "postman-api-token",
        title: "Postman API key",
        find: Find::Literal(&["PMAK-"]),
        pattern: "PMAK-[A-Fa-f0-9]{24}-[A-Fa-f0-9]{34}",
        shown: 5,
        rotate: "delete the key in the Postman settings",
        ..TOKEN
    },
    SecretRule {
        id: "readme-api-token",
        title: "ReadMe API key",
        severity: Medium,
        find: Find::Literal(&["rdme_"]),
        pattern: "rdme_[a-z0-9]{70}",
        shown: 5,
        rotate: "delete the key in the ReadMe dashboard",
        ..TOKEN
    },
    SecretRule {
        id: "prefect-api-token",
        title: "Prefect API key",
        find: Find::Literal(&["pnu_", "pnb_"]),
        pattern: "pn[ub]_[A-Za-z0-9]{36}",
        entropy: 3.5,
        rotate: "delete the key in Prefect Cloud",
        ..TOKEN
    },
    SecretRule {
        id: "linear-api-key",
        title: "Linear API key",
        severity: Medium,
        find: Find::Literal(&["lin_api_"]),
        pattern: "lin_api_[A-Za-z0-9]{40}",
        shown: 8,
        rotate: "revoke the key in the Linear settings",
        ..TOKEN
    },
    SecretRule {
        id: "linear-client-secret",
        title: "Linear client secret",
        find: Find::Assigned(&["linear"]),
        pattern: "[a-f0-9]{32}",
        rotate: "rotate the secret of the OAuth application in Linear",
        ..VALUE
    },
    SecretRule {
        id: "ionic-api-token",
        title: "Ionic token",
        severity: Medium,
        find: Find::Literal(&["ion_"]),
        pattern: "ion_[A-Za-z0-9]{42}",
        shown: 4,
        entropy: 3.8,
        rotate: "delete the token in Ionic Appflow",
        ..TOKEN
    },
    SecretRule {
        id: "frameio-api-token",
        title: "Frame.io token",
        severity: Medium,
        find: Find::Literal(&["fio-u-"]),
        pattern: "fio-u-[A-Za-z0-9_=-]{64}",
        shown: 6,
        rotate: "delete the token in the Frame.io developer site",
        ..TOKEN
    },
    SecretRule {
        id: "sidekiq-secret",
        title: "Sidekiq Enterprise credentials",
        find: Find::TextLiteral(&["CONTRIBSYS__COM", "contribsys__com"]),
        pattern: r#"(?i)contribsys__com["']?\s*[:=]\s*["']?([a-f0-9]{8}:[a-f0-9]{8})"#,
        entropy: 2.5,
        rotate: "ask Contributed Systems for new credentials",
        ..TOKEN
    },
    SecretRule {
        id: "sidekiq-sensitive-url",
        title: "Sidekiq Enterprise address with credentials",
        find: Find::Literal(&["gems.contribsys.com", "enterprise.contribsys.com"]),
        pattern: r"https?://([a-f0-9]{8}:[a-f0-9]{8})@(?:gems|enterprise)\.contribsys\.com",
        before: 30,
        rotate: "ask Contributed Systems for new credentials",
        ..TOKEN
    },
    SecretRule {
        id: "settlemint-personal-access-token",
        title: "SettleMint personal access token",
        find: Find::Literal(&["sm_pat_"]),
        pattern: "sm_pat_[A-Za-z0-9]{16}",
        shown: 7,
        rotate: "delete the token in SettleMint",
        ..TOKEN
    },
    SecretRule {
        id: "settlemint-application-access-token",
        title: "SettleMint application token",
        find: Find::Literal(&["sm_aat_"]),
        pattern: "sm_aat_[A-Za-z0-9]{16}",
        shown: 7,
        rotate: "delete the token in SettleMint",
        ..TOKEN
    },
    SecretRule {
        id: "settlemint-service-access-token",
        title: "SettleMint service token",
        find: Find::Literal(&["sm_sat_"]),
        pattern: "sm_sat_[A-Za-z0-9]{16}",
        shown: 7,
        rotate: "delete the token in SettleMint",
        ..TOKEN
    },
    SecretRule {
        id: "symfony-default-secret",
        title: "default application secret of Symfony",
        severity: Medium,
        find: Find::TextLiteral(&["ThisTokenIsNotSoSecretChangeIt"]),
        pattern: "ThisTokenIsNotSoSecretChangeIt",
        entropy: 2.0,
        placeholder: never,
        rotate: "set `APP_SECRET` to a random value",
        ..TOKEN
    },
    SecretRule {
        id: "rails-master-key",
        title: "master key of Rails credentials",
        severity: Critical,
        find: Find::File(&[
            "config/master.key",
            "config/credentials/production.key",
            "config/credentials/staging.key",
        ]),
        pattern: r"\A[0-9a-f]{32}\s*\z",
        rotate: "make new credentials with `rails credentials:edit`",
        ..TOKEN
    },
    SecretRule {
        id: "supabase-key",
        title: "Supabase access token",
        find: Find::Literal(&["sbp_", "sb_secret_"]),
        pattern: "(?:sbp_(?:v0_|oauth_)?[a-f0-9]{40}|sb_secret_[A-Za-z0-9_-]{31})",
        rotate: "revoke the token in the Supabase account",
        ..TOKEN
    },
    SecretRule {
        id: "tailscale-key",
        title: "Tailscale key",
        find: Find::Literal(&["tskey-"]),
        pattern: "tskey-(?:auth|api|client|scim|webhook)-[A-Za-z0-9]{8,}-[A-Za-z0-9]{16,}",
        shown: 6,
        rotate: "revoke the key in the Tailscale admin console",
        ..TOKEN
    },
    SecretRule {
        id: "ngrok-token",
        title: "ngrok token",
        severity: Medium,
        find: Find::Literal(&["ngrok_"]),
        pattern: "ngrok_[A-Za-z0-9]{20,}_[A-Za-z0-9]{10,}",
        shown: 6,
        rotate: "revoke the token in the ngrok dashboard",
        ..TOKEN
    },
];
