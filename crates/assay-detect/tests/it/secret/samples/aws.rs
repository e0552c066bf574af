//! Samples of the rules in `secret/aws.rs`.

use super::Sample;

pub(super) const SAMPLES: &[Sample] = &[
    Sample {
        rule: "aws-access-key-id",
        hits: &["AKIA<k:16>", "aws_access_key_id = ASIA<k:16>", "url?key%3DAKIA<k:16>"],
        misses: &["AKIA<k:15>", "XAKIA<k:16>", "AKIA<k:8>EXAMPLE", "AKIA<k:15>1"],
    },
    Sample {
        rule: "aws-secret-access-key",
        hits: &[
            "aws_secret_access_key = <b:40>",
            r#""SecretAccessKey": "<b:40>""#,
            "export AWS_SECRET_ACCESS_KEY='<b:40>'",
            "<SecretAccessKey><b:40></SecretAccessKey>",
        ],
        misses: &["aws_secret_access_key = <b:39>", "aws_secret_access_key = ${<a:37>}", "secret = <b:40>"],
    },
    Sample {
        rule: "aws-secret-key",
        hits: &[r#"aws_secret = "<a:40>""#, "amazonSecretKey: <a:40>"],
        misses: &[r#"aws_secret = "<a:39>""#, r#"colour = "<a:40>""#],
    },
    Sample {
        rule: "aws-session-token",
        hits: &["FwoGZXIvYXdz<b:300>", "AWS_SESSION_TOKEN=IQoJb3JpZ2lu<b:400>=="],
        misses: &["FwoGZXIvYXdz<b:80>"],
    },
    Sample {
        rule: "aws-bedrock-key",
        hits: &["ABSKQmVkcm9ja0FQSUtleS<b:109>="],
        misses: &["ABSKQmVkcm9ja0FQSUtleS<b:40>"],
    },
    Sample {
        rule: "aws-bedrock-session-key",
        hits: &["bedrock-api-key-YmVkcm9jay5hbWF6b25hd3MuY29t<b:300>"],
        misses: &["bedrock-api-key-<b:300>"],
    },
    Sample { rule: "aws-mws-token", hits: &["amzn.mws.<uuid>"], misses: &["amzn.mws.<h:32>"] },
];
