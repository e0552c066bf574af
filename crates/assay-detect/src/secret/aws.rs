//! Amazon Web Services: access keys, session tokens, Bedrock and marketplace keys.
//!
//! The account's number is written into keys made since 2019: the letters behind the prefix are base32 of it
//! (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html>).

use super::check::aws_account;
use super::rule::{Find, SecretRule, TOKEN, VALUE, never};
use assay_model::Severity::{Critical, Medium};

/// The rules, the more specific first.
pub(super) const RULES: &[SecretRule] = &[
    SecretRule {
        id: "aws-access-key-id",
        title: "AWS access key identifier",
        find: Find::Literal(&["AKIA", "ASIA", "ABIA", "ACCA"]),
        pattern: "A(?:KIA|SIA|BIA|CCA)[A-Z2-7]{16}",
        shown: 4,
        valid: aws_account,
        rotate: "deactivate the access key in IAM, make a new one, and look for its use in CloudTrail",
        ..TOKEN
    },
    SecretRule {
        id: "aws-secret-access-key",
        title: "AWS secret access key",
        severity: Critical,
        find: Find::TextLiteral(&[
            "ecret_access_key",
            "ecretAccessKey",
            "ECRET_ACCESS_KEY",
            "ecretaccesskey",
        ]),
        pattern: r#"(?i)ecret_?access_?key["'\]\\]{0,3}[ \t]{0,8}(?:=>|:=|[:=,>])[ \t]{0,8}\\?["']?([A-Za-z0-9/+]{40})(?:[^A-Za-z0-9/+=]|\z)"#,
        entropy: 4.0,
        rotate: "deactivate the access key in IAM, make a new one, and look for its use in CloudTrail",
        ..TOKEN
    },
    SecretRule {
        id: "aws-secret-key",
        title: "AWS secret key",
        severity: Critical,
        find: Find::Assigned(&["aws", "amazon"]),
        pattern: "[A-Za-z0-9/+]{40}",
        entropy: 4.0,
        rotate: "deactivate the access key in IAM, make a new one, and look for its use in CloudTrail",
        ..VALUE
    },
    SecretRule {
        id: "aws-session-token",
        title: "AWS session token",
        severity: Medium,
        find: Find::Literal(&["FwoGZXIvYXdz", "IQoJb3JpZ2lu"]),
        pattern: "(?:FwoGZXIvYXdz|IQoJb3JpZ2lu)[A-Za-z0-9/+]{150,}={0,2}",
        reach: 2 << 10,
        shown: 4,
        entropy: 4.5,
        placeholder: never,
        rotate: "it ends by itself within 36 hours; revoke the sessions of its role in IAM",
        ..TOKEN
    },
    SecretRule {
        id: "aws-bedrock-key",
        title: "Amazon Bedrock key",
        severity: Critical,
        find: Find::Literal(&["ABSKQmVkcm9ja0FQSUtleS"]),
        pattern: "ABSKQmVkcm9ja0FQSUtleS[A-Za-z0-9+/]{80,}={0,2}",
        shown: 4,
        rotate: "delete the key in IAM under service-specific credentials",
        ..TOKEN
    },
    SecretRule {
        id: "aws-bedrock-session-key",
        title: "short-lived Amazon Bedrock key",
        find: Find::Literal(&["bedrock-api-key-YmVkcm9j"]),
        pattern: "bedrock-api-key-YmVkcm9j[A-Za-z0-9+/]{100,}={0,2}",
        reach: 2 << 10,
        shown: 16,
        placeholder: never,
        rotate: "it ends within 12 hours; revoke the sessions of the role that made it",
        ..TOKEN
    },
    SecretRule {
        id: "aws-mws-token",
        title: "Amazon marketplace token",
        find: Find::Literal(&["amzn.mws."]),
        pattern: r"amzn\.mws\.[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
        shown: 9,
        rotate: "revoke the authorisation in Seller Central",
        ..TOKEN
    },
];
