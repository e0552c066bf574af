//! Webhooks of Harbor: <https://goharbor.io/docs/latest/working-with-projects/project-configuration/configure-webhooks/>.
//!
//! Both of its payload formats are read: its own, and CloudEvents, whose `data` is what the other calls `event_data`. The
//! `Authorization` header is the policy's `auth_header`. Surprising: what is pushed without a tag has its digest for a tag.

use super::{Event, InvalidPayload, Push, Webhook, place, tag};
use assay_model::Digest;
use serde::Deserialize;

/// See the module.
#[derive(Debug)]
pub(super) struct Harbor;

/// The names of a pull, likewise.
const PULLED: [&str; 3] = ["PULL_ARTIFACT", "harbor.artifact.pulled", "pullImage"];

/// The names of a push: of Harbor 2, of CloudEvents, and of Harbor 1.
const PUSHED: [&str; 3] = ["PUSH_ARTIFACT", "harbor.artifact.pushed", "pushImage"];

#[derive(Deserialize)]
struct Payload {
    #[serde(rename = "type")]
    kind: String,
    #[serde(alias = "data")]
    event_data: Option<Data>,
}

#[derive(Deserialize)]
struct Data {
    #[serde(default)]
    resources: Vec<Resource>,
}

#[derive(Deserialize)]
struct Resource {
    digest: Option<String>,
    tag: Option<String>,
    #[serde(default)]
    resource_url: String,
}

impl Webhook for Harbor {
    fn name(&self) -> &'static str {
        "harbor"
    }

    fn pushes(&self, event: &Event<'_>) -> Result<Vec<Push>, InvalidPayload> {
        let payload: Payload = event.json()?;
        if !PUSHED.contains(&payload.kind.as_str()) {
            return Ok(Vec::new());
        }
        let data =
            payload.event_data.ok_or_else(|| InvalidPayload("it does not say what was pushed".into()))?;
        let pushes = data.resources.into_iter().filter_map(|resource| {
            let (registry, repository) = place(&resource.resource_url)?;
            let digest = resource.digest.and_then(|digest| digest.parse().ok());
            Some(Push { registry, repository, tag: tag(resource.tag), digest })
        });
        Ok(pushes.collect())
    }

    fn pulls(&self, event: &Event<'_>) -> Vec<Digest> {
        let payload = event.json::<Payload>().ok().filter(|payload| PULLED.contains(&payload.kind.as_str()));
        let resources = payload.and_then(|payload| payload.event_data).map(|data| data.resources);
        resources.into_iter().flatten().filter_map(|resource| resource.digest?.parse().ok()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{self, total};
    use super::*;
    use proptest::prelude::*;

    const PUSH: &str = include_str!("../../testdata/webhook/harbor.json");
    const CLOUD_EVENT: &str = include_str!("../../testdata/webhook/harbor-cloudevents.json");

    #[track_caller]
    fn check(body: &str, want: &str) {
        testing::check(&Harbor, &[], body, want);
    }

    #[test]
    fn both_formats_are_read() {
        check(PUSH, "harbor.example/team/app:1.0@");
        check(CLOUD_EVENT, "harbor.example/team/app:-@");
        check(&PUSH.replace("PUSH_ARTIFACT", "SCANNING_COMPLETED"), "");
        check(&CLOUD_EVENT.replace("pushed", "deleted"), "");
        check(r#"{"type":"PUSH_ARTIFACT"}"#, "refused");
        check(r#"{"type":"PUSH_ARTIFACT","event_data":{"resources":[{"tag":"1"}]}}"#, "");
        check(r#"{"event_data":{}}"#, "refused");
    }

    #[test]
    fn pulls_are_read() {
        let pulls = |body: &str| {
            let body = testing::with_digest(body);
            let headers = axum::http::HeaderMap::new();
            Harbor.pulls(&Event { headers: &headers, body: body.as_bytes() }).len()
        };
        assert_eq!(pulls(&PUSH.replace("PUSH_ARTIFACT", "PULL_ARTIFACT")), 1);
        assert_eq!(pulls(&CLOUD_EVENT.replace("pushed", "pulled")), 1);
        assert_eq!(pulls(PUSH), 0);
        assert_eq!(pulls(r#"{"type":"PULL_ARTIFACT"}"#), 0);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(8))]
        #[test]
        fn any_body_is_read_or_refused(noise: Vec<u8>) {
            total(&Harbor, PUSH, &noise);
            total(&Harbor, CLOUD_EVENT, &noise);
        }
    }
}
