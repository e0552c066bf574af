//! Events of Amazon ECR, sent by EventBridge: <https://docs.aws.amazon.com/AmazonECR/latest/userguide/ecr-eventbridge.html>.
//!
//! They come by an API destination, whose connection sends the `Authorization` header. Surprising: the registry's host is not in them; it
//! is made of account and region (<https://docs.aws.amazon.com/AmazonECR/latest/userguide/Registries.html>).

use super::{Event, InvalidPayload, Push, Webhook, tag};
use serde::Deserialize;

/// See the module.
#[derive(Debug)]
pub(super) struct Ecr;

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Payload {
    detail_type: String,
    account: String,
    region: String,
    #[serde(default)]
    detail: Detail,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "kebab-case", default)]
struct Detail {
    result: String,
    repository_name: String,
    image_digest: String,
    action_type: String,
    image_tag: Option<String>,
}

impl Webhook for Ecr {
    fn name(&self) -> &'static str {
        "ecr"
    }

    fn pushes(&self, event: &Event<'_>) -> Result<Vec<Push>, InvalidPayload> {
        let Payload { detail_type, account, region, detail } = event.json()?;
        let pushed =
            detail_type == "ECR Image Action" && detail.action_type == "PUSH" && detail.result == "SUCCESS";
        if !pushed {
            return Ok(Vec::new());
        }
        // They become part of a host: nothing in them may end one.
        let region_byte = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if !account.bytes().all(|byte| byte.is_ascii_digit()) || !region.bytes().all(region_byte) {
            return Err(InvalidPayload("its account or region is none".into()));
        }
        let domain = if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" };
        Ok(vec![Push {
            registry: format!("{account}.dkr.ecr.{region}.{domain}"),
            repository: detail.repository_name,
            tag: tag(detail.image_tag),
            digest: detail.image_digest.parse().ok(),
        }])
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{self, total};
    use super::*;
    use proptest::prelude::*;

    const PUSH: &str = include_str!("../../testdata/webhook/ecr.json");

    #[track_caller]
    fn check(body: &str, want: &str) {
        testing::check(&Ecr, &[], body, want);
    }

    #[test]
    fn the_host_is_made_of_account_and_region() {
        check(PUSH, "123456789012.dkr.ecr.eu-central-1.amazonaws.com/team/app:1.0@");
        check(
            &PUSH.replace("eu-central-1", "cn-north-1"),
            "123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn/team/app:1.0@",
        );
        check(&PUSH.replace("PUSH", "DELETE"), "");
        check(&PUSH.replace("SUCCESS", "FAILURE"), "");
        check(&PUSH.replace("Image Action", "Image Scan"), "");
        check(
            &PUSH.replace("image-tag", "other"),
            "123456789012.dkr.ecr.eu-central-1.amazonaws.com/team/app:-@",
        );
        check(&PUSH.replace("eu-central-1", "evil.example/x?"), "refused");
        check(&PUSH.replace("123456789012", "evil.example#"), "refused");
        check("{}", "refused");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(8))]
        #[test]
        fn any_body_is_read_or_refused(noise: Vec<u8>) {
            total(&Ecr, PUSH, &noise);
        }
    }
}
