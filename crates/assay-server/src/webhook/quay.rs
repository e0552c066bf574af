//! Notifications of Quay about pushes: <https://docs.quay.io/guides/notifications.html>.
//!
//! Surprising: neither digest nor kind of event is in them; a push is what names `updated_tags`. Older versions put a map from the tags to
//! images there. Quay takes an address and nothing else, so the secret has to be in that.

use super::{Event, InvalidPayload, Proof, Push, Webhook, place, tag};
use serde::Deserialize;
use std::collections::BTreeMap;

/// See the module.
#[derive(Debug)]
pub(super) struct Quay;

#[derive(Deserialize)]
struct Notification {
    docker_url: String,
    updated_tags: Option<Tags>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Tags {
    List(Vec<String>),
    Map(BTreeMap<String, serde::de::IgnoredAny>),
}

impl Webhook for Quay {
    fn name(&self) -> &'static str {
        "quay"
    }

    fn proof(&self) -> Proof {
        Proof::Address
    }

    fn pushes(&self, event: &Event<'_>) -> Result<Vec<Push>, InvalidPayload> {
        let notification: Notification = event.json()?;
        let (registry, repository) = place(&notification.docker_url)
            .ok_or_else(|| InvalidPayload("its `docker_url` names no repository".into()))?;
        let tags = match notification.updated_tags {
            None => Vec::new(),
            Some(Tags::List(tags)) => tags,
            Some(Tags::Map(tags)) => tags.into_keys().collect(),
        };
        let pushes = tags.into_iter().filter_map(|name| {
            let tag = Some(tag(Some(name))?);
            Some(Push { registry: registry.clone(), repository: repository.clone(), tag, digest: None })
        });
        Ok(pushes.collect())
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{self, total};
    use super::*;
    use proptest::prelude::*;

    const PUSH: &str = include_str!("../../testdata/webhook/quay.json");

    #[track_caller]
    fn check(body: &str, want: &str) {
        testing::check(&Quay, &[], body, want);
    }

    #[test]
    fn every_updated_tag_is_a_push() {
        check(PUSH, "quay.example/team/app:1.0 quay.example/team/app:latest");
        let old = r#"{"docker_url":"quay.example/team/app","updated_tags":{"b":"12","a":"34"}}"#;
        check(old, "quay.example/team/app:a quay.example/team/app:b");
        let build = r#"{"docker_url":"quay.example/team/app","docker_tags":["1.0"],"build_id":"x"}"#;
        check(build, "");
        check(r#"{"docker_url":"app","updated_tags":["1"]}"#, "refused");
        check(r#"{"docker_url":"q.example/a","updated_tags":["", "a:b"]}"#, "");
        check(r#"{"updated_tags":["1"]}"#, "refused");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(8))]
        #[test]
        fn any_body_is_read_or_refused(noise: Vec<u8>) {
            total(&Quay, PUSH, &noise);
        }
    }
}
