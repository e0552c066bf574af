//! Samples of the rules in `secret/github.rs`.

use super::Sample;

pub(super) const SAMPLES: &[Sample] = &[
    Sample {
        rule: "github-pat",
        hits: &["ghp_<a:30><crc62>", "https://x:ghp_<a:30><crc62>@github.com/a/b"],
        misses: &["ghp_<a:36>", "ghp_<a:20>"],
    },
    Sample {
        rule: "github-oauth",
        hits: &["gho_<a:30><crc62>", "https://x:gho_<a:30><crc62>@github.com/a/b"],
        misses: &["gho_<a:36>", "gho_<a:20>"],
    },
    Sample {
        rule: "github-refresh-token",
        hits: &["ghr_<a:30><crc62>", "https://x:ghr_<a:30><crc62>@github.com/a/b"],
        misses: &["ghr_<a:36>", "ghr_<a:20>"],
    },
    Sample {
        rule: "github-app-token",
        hits: &["ghs_<a:30><crc62>", "ghu_<a:30><crc62>"],
        misses: &["ghs_<a:36>"],
    },
    Sample {
        rule: "github-stateless-token",
        hits: &["ghs_<d:6>_eyJ<w:40>.eyJ<w:90>.<w:86>"],
        misses: &["ghs_eyJ<w:40>"],
    },
    Sample {
        rule: "github-fine-grained-pat",
        hits: &["github_pat_<a:22>_<a:59>"],
        misses: &["github_pat_<a:22>_<a:58>", "github_pat_<a:82>"],
    },
];
