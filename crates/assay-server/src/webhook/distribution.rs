//! Notifications of the CNCF Distribution registry: <https://distribution.github.io/distribution/about/notifications/>.
//!
//! One request carries an envelope of several events; besides pushes of manifests there are those of layers, pulls, mounts and
//! deletions. Surprising: `request.host` is what the client wrote, so it is only as good as any other hint.

use super::{Event, InvalidPayload, MANIFESTS, OWN_AGENT, Push, Webhook, tag};
use assay_model::Digest;
use serde::Deserialize;

/// See the module.
#[derive(Debug)]
pub(super) struct Distribution;

/// Events of one envelope that are read. The registry sends them one by one unless it had to wait.
const MAX_EVENTS: usize = 1000;

#[derive(Deserialize)]
struct Envelope {
    events: Vec<Notification>,
}

/// One event, as Azure's registry sends it as well.
#[derive(Deserialize)]
pub(super) struct Notification {
    #[serde(default)]
    pub(super) action: String,
    #[serde(default)]
    target: Target,
    #[serde(default)]
    request: Request,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Target {
    media_type: String,
    digest: String,
    repository: String,
    tag: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Request {
    host: String,
    #[serde(rename = "useragent")]
    user_agent: String,
}

impl Notification {
    /// Returns what was pushed, if it was a manifest.
    pub(super) fn push(self) -> Option<Push> {
        let wanted = self.action == "push" && MANIFESTS.contains(&self.target.media_type.as_str());
        Some(Push {
            registry: self.request.host,
            repository: self.target.repository,
            tag: tag(Some(self.target.tag)),
            digest: Some(self.target.digest.parse().ok().filter(|_| wanted)?),
        })
    }
}

impl Notification {
    /// Returns what was pulled, if it was a manifest, and not by this program: it reads every image that it scans.
    pub(super) fn pull(self) -> Option<Digest> {
        let is_own = self.request.user_agent.starts_with(OWN_AGENT);
        let wanted = self.action == "pull" && MANIFESTS.contains(&self.target.media_type.as_str()) && !is_own;
        self.target.digest.parse().ok().filter(|_| wanted)
    }
}

impl Webhook for Distribution {
    fn name(&self) -> &'static str {
        "distribution"
    }

    fn pushes(&self, event: &Event<'_>) -> Result<Vec<Push>, InvalidPayload> {
        let envelope: Envelope = event.json()?;
        if envelope.events.len() > MAX_EVENTS {
            return Err(InvalidPayload(format!("it has more than {MAX_EVENTS} events")));
        }
        Ok(envelope.events.into_iter().filter_map(Notification::push).collect())
    }

    fn pulls(&self, event: &Event<'_>) -> Vec<Digest> {
        let envelope = event.json::<Envelope>().map(|envelope| envelope.events).unwrap_or_default();
        envelope.into_iter().take(MAX_EVENTS).filter_map(Notification::pull).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{self, total};
    use super::*;
    use proptest::prelude::*;

    const IMAGE: &str = "application/vnd.oci.image.manifest.v1+json";

    /// An envelope in the shape that the documentation shows, written by hand.
    fn envelope(action: &str, media_type: &str, tag: &str) -> String {
        format!(
            r#"{{"events":[{{"id":"1","timestamp":"2026-01-01T00:00:00Z","action":"{action}","target":{{"mediaType":"{media_type}",
            "size":7,"length":7,"digest":"DIGEST","repository":"team/app","url":"http://elsewhere.example/v2/"{tag}}},
            "request":{{"id":"2","addr":"10.0.0.1:1","host":"registry.example:5000","method":"PUT","useragent":"x"}},
            "actor":{{}},"source":{{"addr":"r:5000","instanceID":"3"}}}}]}}"#,
        )
    }

    #[track_caller]
    fn check(body: &str, want: &str) {
        testing::check(&Distribution, &[], body, want);
    }

    #[test]
    fn pushes_of_manifests_are_read_and_nothing_else() {
        check(&envelope("push", IMAGE, r#","tag":"1.0""#), "registry.example:5000/team/app:1.0@");
        check(&envelope("push", IMAGE, ""), "registry.example:5000/team/app:-@");
        check(&envelope("push", "application/vnd.oci.image.layer.v1.tar+gzip", ""), "");
        check(&envelope("pull", IMAGE, ""), "");
        check(&envelope("delete", IMAGE, ""), "");
        check(r#"{"events":[]}"#, "");
        check(r#"{"events":[{"action":"push","target":{"digest":"sha256:short"}}]}"#, "");
        check(r#"{"pushes":[]}"#, "refused");
        check("", "refused");
        let many = vec!["{}"; MAX_EVENTS + 1].join(",");
        check(&format!(r#"{{"events":[{many}]}}"#), "refused");
    }

    #[test]
    fn pulls_of_others_are_read() {
        let pulls = |body: &str| {
            let body = testing::with_digest(body);
            let headers = axum::http::HeaderMap::new();
            Distribution.pulls(&Event { headers: &headers, body: body.as_bytes() }).len()
        };
        assert_eq!(pulls(&envelope("pull", IMAGE, "")), 1);
        assert_eq!(pulls(&envelope("push", IMAGE, "")), 0);
        assert_eq!(pulls(&envelope("pull", "application/vnd.oci.image.layer.v1.tar+gzip", "")), 0);
        assert_eq!(pulls(&envelope("pull", IMAGE, "").replace("DIGEST", "sha256:short")), 0);
        let own = envelope("pull", IMAGE, "").replace(r#""useragent":"x""#, r#""useragent":"assay/0.1.0""#);
        assert!(own.contains("assay/"));
        assert_eq!(pulls(&own), 0);
        assert_eq!(pulls(""), 0);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(8))]
        #[test]
        fn any_body_is_read_or_refused(noise: Vec<u8>) {
            total(&Distribution, &envelope("push", IMAGE, r#","tag":"1.0""#), &noise);
        }
    }
}
