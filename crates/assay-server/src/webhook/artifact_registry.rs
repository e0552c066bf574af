//! Messages of Google's Artifact Registry, pushed by Pub/Sub: <https://cloud.google.com/artifact-registry/docs/configure-notifications>
//! and <https://cloud.google.com/pubsub/docs/push>.
//!
//! The message is Base64 in an envelope, unless the subscription unwraps it. The secret is in the address of the subscription.
//! Surprising: the token that Pub/Sub can send as well is signed by Google, and to check it Google would have to be asked for keys; it
//! is not looked at.

use super::{Event, InvalidPayload, Proof, Push, Webhook};
use assay_oci::Reference;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

/// See the module.
#[derive(Debug)]
pub(super) struct ArtifactRegistry;

#[derive(Deserialize)]
struct Envelope {
    message: Option<Message>,
    #[serde(flatten)]
    unwrapped: Change,
}

#[derive(Deserialize)]
struct Message {
    #[serde(default)]
    data: String,
}

#[derive(Deserialize)]
struct Change {
    #[serde(default)]
    action: String,
    digest: Option<String>,
    tag: Option<String>,
}

impl Webhook for ArtifactRegistry {
    fn name(&self) -> &'static str {
        "artifact-registry"
    }

    fn proof(&self) -> Proof {
        Proof::Address
    }

    fn pushes(&self, event: &Event<'_>) -> Result<Vec<Push>, InvalidPayload> {
        let envelope: Envelope = event.json()?;
        let change = match envelope.message {
            None => envelope.unwrapped,
            Some(message) => {
                let data = STANDARD.decode(message.data);
                let data = data.map_err(|error| InvalidPayload(format!("its data is no Base64: {error}")))?;
                serde_json::from_slice(&data).map_err(|error| InvalidPayload(error.to_string()))?
            }
        };
        if change.action.is_empty() {
            return Err(InvalidPayload("it does not say what was done".into()));
        }
        Ok(Some(change)
            .filter(|change| change.action == "INSERT")
            .and_then(Change::push)
            .into_iter()
            .collect())
    }
}

impl Change {
    /// Both names are whole: `HOST/PROJECT/REPOSITORY/IMAGE`, and `@DIGEST` or `:TAG`.
    fn push(self) -> Option<Push> {
        let read = |name: Option<String>| name.and_then(|name| name.parse::<Reference>().ok());
        let (digest, tag) = (read(self.digest), read(self.tag));
        let named = tag.as_ref().or(digest.as_ref())?;
        Some(Push {
            registry: named.registry().to_owned(),
            repository: named.repository().to_owned(),
            tag: tag.as_ref().and_then(|tag| tag.tag()).map(str::to_owned),
            digest: digest.as_ref().and_then(Reference::digest),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{self, total, with_digest};
    use super::*;
    use proptest::prelude::*;

    const CHANGE: &str = include_str!("../../testdata/webhook/artifact-registry.json");

    fn envelope(change: &str) -> String {
        let data = STANDARD.encode(with_digest(change));
        format!(
            r#"{{"message":{{"data":"{data}","messageId":"1","publishTime":"2026-01-01T00:00:00Z"}},"subscription":"projects/p/subscriptions/s"}}"#
        )
    }

    #[track_caller]
    fn check(body: &str, want: &str) {
        testing::check(&ArtifactRegistry, &[], body, want);
    }

    #[test]
    fn uploads_and_tags_are_read_wrapped_or_not() {
        for wrap in [envelope as fn(&str) -> String, |change| change.to_owned()] {
            check(&wrap(CHANGE), "europe-docker.pkg.example/project/team/app:1.0@");
            check(&wrap(&CHANGE.replace("INSERT", "DELETE")), "");
            let upload = r#"{"action":"INSERT","digest":"europe-docker.pkg.example/p/r/app@DIGEST"}"#;
            check(&wrap(upload), "europe-docker.pkg.example/p/r/app:-@");
            check(&wrap(r#"{"action":"INSERT","digest":"http://169.254.169.254/@DIGEST"}"#), "");
            check(&wrap(r#"{"action":"INSERT"}"#), "");
            check(&wrap("{}"), "refused");
        }
        check(r#"{"message":{"data":"?"}}"#, "refused");
        check(r#"{"message":{}}"#, "refused");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(8))]
        #[test]
        fn any_body_is_read_or_refused(noise: Vec<u8>) {
            total(&ArtifactRegistry, CHANGE, &noise);
            total(&ArtifactRegistry, &envelope(CHANGE), &noise);
        }
    }
}
