//! Samples of the rules in `secret/gitlab.rs`.

use super::Sample;

pub(super) const SAMPLES: &[Sample] = &[
    Sample {
        rule: "gitlab-pat-routable",
        hits: &["glpat-<w:44>.01.18<crc36>", "glpat-<w:27>.0r<crc36>"],
        misses: &["glpat-<w:44>.01.18<l:7>"],
    },
    Sample {
        rule: "gitlab-runner-authentication-token-routable",
        hits: &["glrt-t3_<w:44>.01.18<crc36>"],
        misses: &["glrt-t3_<w:44>.01.18<l:7>"],
    },
    Sample {
        rule: "gitlab-pat",
        hits: &["glpat-<w:20>", "GITLAB_TOKEN=glpat-<w:20>\n"],
        misses: &["glpat-<w:12>", "glpat-<w:12>EXAMPLE"],
    },
    Sample {
        rule: "gitlab-ptt",
        hits: &["glptt-<w:20>", "GITLAB_TOKEN=glptt-<w:20>\n"],
        misses: &["glptt-<w:12>", "glptt-<w:12>EXAMPLE"],
    },
    Sample {
        rule: "gitlab-runner-registration-token",
        hits: &["GR1348941<w:20>", "GITLAB_TOKEN=GR1348941<w:20>\n"],
        misses: &["GR1348941<w:12>", "GR1348941<w:12>EXAMPLE"],
    },
    Sample {
        rule: "gitlab-runner-authentication-token",
        hits: &["glrt-<w:20>", "GITLAB_TOKEN=glrt-<w:20>\n"],
        misses: &["glrt-<w:12>", "glrt-<w:12>EXAMPLE"],
    },
    Sample {
        rule: "gitlab-deploy-token",
        hits: &["gldt-<w:20>", "GITLAB_TOKEN=gldt-<w:20>\n"],
        misses: &["gldt-<w:12>", "gldt-<w:12>EXAMPLE"],
    },
    Sample {
        rule: "gitlab-feed-token",
        hits: &["glft-<w:20>", "GITLAB_TOKEN=glft-<w:20>\n"],
        misses: &["glft-<w:12>", "glft-<w:12>EXAMPLE"],
    },
    Sample {
        rule: "gitlab-incoming-mail-token",
        hits: &["glimt-<w:20>", "GITLAB_TOKEN=glimt-<w:20>\n"],
        misses: &["glimt-<w:12>", "glimt-<w:12>EXAMPLE"],
    },
    Sample {
        rule: "gitlab-kubernetes-agent-token",
        hits: &["glagent-<w:20>", "GITLAB_TOKEN=glagent-<w:20>\n"],
        misses: &["glagent-<w:12>", "glagent-<w:12>EXAMPLE"],
    },
    Sample {
        rule: "gitlab-oauth-app-secret",
        hits: &["gloas-<w:20>", "GITLAB_TOKEN=gloas-<w:20>\n"],
        misses: &["gloas-<w:12>", "gloas-<w:12>EXAMPLE"],
    },
    Sample {
        rule: "gitlab-feature-flag-client-token",
        hits: &["glffct-<w:20>", "GITLAB_TOKEN=glffct-<w:20>\n"],
        misses: &["glffct-<w:12>", "glffct-<w:12>EXAMPLE"],
    },
    Sample {
        rule: "gitlab-scim-token",
        hits: &["glsoat-<w:20>", "GITLAB_TOKEN=glsoat-<w:20>\n"],
        misses: &["glsoat-<w:12>", "glsoat-<w:12>EXAMPLE"],
    },
    Sample { rule: "gitlab-cicd-job-token", hits: &["glcbt-64_<w:20>"], misses: &["glcbt-64_<w:10>"] },
    Sample {
        rule: "gitlab-session-cookie",
        hits: &["Cookie: _gitlab_session=<h:32>"],
        misses: &["_gitlab_session=<h:20>"],
    },
];
