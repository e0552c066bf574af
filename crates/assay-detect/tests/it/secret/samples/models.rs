//! Samples of the rules in `secret/models.rs`.

use super::Sample;

pub(super) const SAMPLES: &[Sample] = &[
    Sample {
        rule: "openai-project-api-key",
        hits: &["sk-proj-<w:74>T3BlbkFJ<w:74>"],
        misses: &["sk-proj-<w:74>"],
    },
    Sample {
        rule: "openai-service-account-key",
        hits: &["sk-svcacct-<w:58>T3BlbkFJ<w:58>"],
        misses: &["sk-svcacct-<w:58>"],
    },
    Sample {
        rule: "openai-admin-api-key",
        hits: &["sk-admin-<w:58>T3BlbkFJ<w:58>"],
        misses: &["sk-admin-<w:58>"],
    },
    Sample {
        rule: "openai-service-api-key",
        hits: &["sk-service-<w:58>T3BlbkFJ<w:58>"],
        misses: &["sk-service-<w:58>"],
    },
    Sample {
        rule: "openai-api-key",
        hits: &["sk-<a:20>T3BlbkFJ<a:20>"],
        misses: &["sk-<a:10>T3BlbkFJ<a:20>"],
    },
    Sample { rule: "openai-realtime-client-secret", hits: &["ek_<h:32>"], misses: &["ek_<h:20>"] },
    Sample { rule: "anthropic-api-key", hits: &["sk-ant-api03-<w:93>AA"], misses: &["sk-ant-api03-<w:93>"] },
    Sample {
        rule: "anthropic-admin-api-key",
        hits: &["sk-ant-admin01-<w:93>AA"],
        misses: &["sk-ant-admin01-<w:30>"],
    },
    Sample { rule: "huggingface-access-token", hits: &["hf_<A:34>"], misses: &["hf_<A:20>"] },
    Sample {
        rule: "huggingface-organization-api-token",
        hits: &["api_org_<A:34>"],
        misses: &["api_org_<A:20>"],
    },
    Sample { rule: "cohere-api-token", hits: &["COHERE_API_KEY=<a:40>"], misses: &["COHERE_API_KEY=<a:39>"] },
    Sample { rule: "perplexity-api-key", hits: &["pplx-<a:48>"], misses: &["pplx-<a:30>"] },
    Sample { rule: "groq-api-key", hits: &["gsk_<a:52>"], misses: &["gsk_<a:30>"] },
    Sample { rule: "replicate-api-token", hits: &["r8_<a:37>"], misses: &["r8_<a:20>"] },
    Sample { rule: "xai-api-key", hits: &["xai-<a:80>"], misses: &["xai-<a:40>"] },
];
