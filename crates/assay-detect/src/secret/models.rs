//! Providers of machine-learning models: OpenAI, Anthropic, Hugging Face, Cohere and others.
//!
//! OpenAI's keys hold `T3BlbkFJ`, which is base64 of the name.

use super::rule::{Find, SecretRule, TOKEN, VALUE};
use assay_model::Severity::{Critical, Medium};

/// The rules, the more specific first.
pub(super) const RULES: &[SecretRule] = &[
    SecretRule {
        id: "openai-project-api-key",
        title: "OpenAI project key",
        find: Find::Literal(&["sk-proj-"]),
        pattern: "sk-proj-[A-Za-z0-9_-]{20,100}T3BlbkFJ[A-Za-z0-9_-]{20,100}",
        shown: 8,
        rotate: "revoke the key in the OpenAI platform",
        ..TOKEN
    },
    SecretRule {
        id: "openai-service-account-key",
        title: "OpenAI service account key",
        find: Find::Literal(&["sk-svcacct-"]),
        pattern: "sk-svcacct-[A-Za-z0-9_-]{20,100}T3BlbkFJ[A-Za-z0-9_-]{20,100}",
        shown: 11,
        rotate: "revoke the key in the OpenAI platform",
        ..TOKEN
    },
    SecretRule {
        id: "openai-admin-api-key",
        title: "OpenAI administrator key",
        severity: Critical,
        find: Find::Literal(&["sk-admin-"]),
        pattern: "sk-admin-[A-Za-z0-9_-]{20,100}T3BlbkFJ[A-Za-z0-9_-]{20,100}",
        shown: 9,
        rotate: "revoke the key in the OpenAI platform",
        ..TOKEN
    },
    SecretRule {
        id: "openai-service-api-key",
        title: "OpenAI service key",
        find: Find::Literal(&["sk-service-"]),
        pattern: "sk-service-[A-Za-z0-9_-]{10,100}T3BlbkFJ[A-Za-z0-9_-]{20,100}",
        shown: 11,
        rotate: "revoke the key in the OpenAI platform",
        ..TOKEN
    },
    SecretRule {
        id: "openai-api-key",
        title: "OpenAI key",
        find: Find::Literal(&["T3BlbkFJ"]),
        pattern: "sk-(?:[A-Za-z0-9_]{1,32}-)?[A-Za-z0-9]{20}T3BlbkFJ[A-Za-z0-9]{20}",
        before: 60,
        shown: 3,
        rotate: "revoke the key in the OpenAI platform",
        ..TOKEN
    },
    SecretRule {
        id: "openai-realtime-client-secret",
        title: "OpenAI realtime client secret",
        severity: Medium,
        find: Find::Start(&["ek_"]),
        pattern: "ek_[a-f0-9]{32}",
        shown: 3,
        entropy: 3.2,
        rotate: "it ends within minutes by itself",
        ..TOKEN
    },
    SecretRule {
        id: "anthropic-api-key",
        title: "Anthropic key",
        find: Find::Literal(&["sk-ant-api"]),
        pattern: r"sk-ant-api\d\d-[A-Za-z0-9_-]{93}AA",
        shown: 10,
        rotate: "delete the key in the Anthropic console",
        ..TOKEN
    },
    SecretRule {
        id: "anthropic-admin-api-key",
        title: "Anthropic administrator key",
        severity: Critical,
        find: Find::Literal(&["sk-ant-admin"]),
        pattern: r"sk-ant-admin\d\d-[A-Za-z0-9_-]{93}AA",
        shown: 12,
        rotate: "delete the key in the Anthropic console",
        ..TOKEN
    },
    SecretRule {
        id: "huggingface-access-token",
        title: "Hugging Face token",
        find: Find::Start(&["hf_"]),
        pattern: "hf_[A-Za-z]{34}",
        shown: 3,
        entropy: 3.8,
        rotate: "invalidate the token in the Hugging Face settings",
        ..TOKEN
    },
    SecretRule {
        id: "huggingface-organization-api-token",
        title: "Hugging Face organisation token",
        find: Find::Literal(&["api_org_"]),
        pattern: "api_org_[A-Za-z]{34}",
        shown: 8,
        entropy: 3.8,
        rotate: "invalidate the token in the Hugging Face settings",
        ..TOKEN
    },
    SecretRule {
        id: "cohere-api-token",
        title: "Cohere key",
        find: Find::Assigned(&["cohere", "co_api_key"]),
        pattern: "[A-Za-z0-9]{40}",
        rotate: "delete the key in the Cohere dashboard",
        ..VALUE
    },
    SecretRule {
        id: "perplexity-api-key",
        title: "Perplexity key",
        find: Find::Literal(&["pplx-"]),
        pattern: "pplx-[A-Za-z0-9]{48}",
        shown: 5,
        rotate: "delete the key in the Perplexity settings",
        ..TOKEN
    },
    SecretRule {
        id: "groq-api-key",
        title: "Groq key",
        find: Find::Literal(&["gsk_"]),
        pattern: "gsk_[A-Za-z0-9]{52}",
        shown: 4,
        rotate: "delete the key in the Groq console",
        ..TOKEN
    },
    SecretRule {
        id: "replicate-api-token",
        title: "Replicate token",
        find: Find::Start(&["r8_"]),
        pattern: "r8_[A-Za-z0-9]{37}",
        shown: 3,
        entropy: 4.0,
        rotate: "disable the token in the Replicate account",
        ..TOKEN
    },
    SecretRule {
        id: "xai-api-key",
        title: "xAI key",
        find: Find::Literal(&["xai-"]),
        pattern: "xai-[A-Za-z0-9]{80}",
        shown: 4,
        rotate: "delete the key in the xAI console",
        ..TOKEN
    },
];
