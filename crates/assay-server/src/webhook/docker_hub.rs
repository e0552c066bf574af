//! Webhooks of Docker Hub: <https://docs.docker.com/docker-hub/repos/manage/webhooks/>.
//!
//! There is one kind of event, a push, and no digest in it. Surprising: the payload has a `callback_url` to report success to. It is
//! never called: whoever can send an event could have this server connect to where they please. Docker Hub takes an address and
//! nothing else, so the secret has to be in that.

use super::{Event, InvalidPayload, Proof, Push, Webhook, tag};
use serde::Deserialize;

/// See the module.
#[derive(Debug)]
pub(super) struct DockerHub;

#[derive(Deserialize)]
struct Payload {
    push_data: PushData,
    repository: Repository,
}

#[derive(Deserialize)]
struct PushData {
    tag: Option<String>,
}

#[derive(Deserialize)]
struct Repository {
    repo_name: String,
}

impl Webhook for DockerHub {
    fn name(&self) -> &'static str {
        "docker-hub"
    }

    fn proof(&self) -> Proof {
        Proof::Address
    }

    fn pushes(&self, event: &Event<'_>) -> Result<Vec<Push>, InvalidPayload> {
        let payload: Payload = event.json()?;
        let push = tag(payload.push_data.tag).map(|tag| Push {
            registry: "docker.io".to_owned(),
            repository: payload.repository.repo_name,
            tag: Some(tag),
            digest: None,
        });
        Ok(push.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{self, total};
    use super::*;
    use proptest::prelude::*;

    const PUSH: &str = include_str!("../../testdata/webhook/docker-hub.json");

    #[track_caller]
    fn check(body: &str, want: &str) {
        testing::check(&DockerHub, &[], body, want);
    }

    #[test]
    fn the_tag_is_read() {
        check(PUSH, "docker.io/team/app:1.0");
        check(r#"{"push_data":{"tag":""},"repository":{"repo_name":"team/app"}}"#, "");
        check(r#"{"push_data":{},"repository":{"repo_name":"team/app"}}"#, "");
        check(r#"{"push_data":{"tag":"1"}}"#, "refused");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(8))]
        #[test]
        fn any_body_is_read_or_refused(noise: Vec<u8>) {
            total(&DockerHub, PUSH, &noise);
        }
    }
}
