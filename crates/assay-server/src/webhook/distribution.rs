//! Notifications of the CNCF Distribution registry: <https://distribution.github.io/distribution/about/notifications/>.
//!
//! One request carries an envelope of several events; besides pushes of manifests there are those of layers, pulls, mounts and
//! deletions. Surprising: `request.host` is what the client wrote, so it is only as good as any other hint.

use super::{InvalidPayload, Push, Webhook};
use serde::Deserialize;

/// See the module.
#[derive(Debug)]
pub(super) struct Distribution;

/// Events of one envelope that are read. The registry sends them one by one unless it had to wait.
const MAX_EVENTS: usize = 1000;

#[derive(Deserialize)]
struct Envelope {
    events: Vec<Event>,
}

#[derive(Deserialize)]
struct Event {
    #[serde(default)]
    action: String,
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
}

/// What a push of something that can be run is announced as.
const MANIFESTS: [&str; 4] = [
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
];

impl Webhook for Distribution {
    fn name(&self) -> &'static str {
        "distribution"
    }

    fn pushes(&self, body: &[u8]) -> Result<Vec<Push>, InvalidPayload> {
        let envelope: Envelope =
            serde_json::from_slice(body).map_err(|error| InvalidPayload(error.to_string()))?;
        if envelope.events.len() > MAX_EVENTS {
            return Err(InvalidPayload(format!("it has more than {MAX_EVENTS} events")));
        }
        let pushes = envelope.events.into_iter().filter_map(|event| {
            let wanted = event.action == "push" && MANIFESTS.contains(&event.target.media_type.as_str());
            Some(Push {
                registry: event.request.host,
                repository: event.target.repository,
                tag: Some(event.target.tag).filter(|tag| !tag.is_empty()),
                digest: event.target.digest.parse().ok().filter(|_| wanted)?,
            })
        });
        Ok(pushes.collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// An envelope in the shape that the documentation shows, written by hand.
    fn envelope(action: &str, media_type: &str, tag: &str) -> String {
        format!(
            r#"{{"events":[{{"id":"1","timestamp":"2026-01-01T00:00:00Z","action":"{action}","target":{{"mediaType":"{media_type}",
            "size":7,"length":7,"digest":"sha256:{}","repository":"team/app","url":"http://elsewhere.example/v2/"{tag}}},
            "request":{{"id":"2","addr":"10.0.0.1:1","host":"registry.example:5000","method":"PUT","useragent":"x"}},
            "actor":{{}},"source":{{"addr":"r:5000","instanceID":"3"}}}}]}}"#,
            "ab".repeat(32)
        )
    }

    #[track_caller]
    fn check(body: &str, want: &str) {
        let got = match Distribution.pushes(body.as_bytes()) {
            Ok(pushes) => pushes
                .iter()
                .map(|push| {
                    format!("{}/{}:{}", push.registry, push.repository, push.tag.as_deref().unwrap_or("-"))
                })
                .collect::<Vec<_>>()
                .join(" "),
            Err(_) => "refused".to_owned(),
        };
        assert_eq!(got, want);
    }

    #[test]
    fn pushes_of_manifests_are_read_and_nothing_else() {
        let image = "application/vnd.oci.image.manifest.v1+json";
        check(&envelope("push", image, r#","tag":"1.0""#), "registry.example:5000/team/app:1.0");
        check(&envelope("push", image, ""), "registry.example:5000/team/app:-");
        check(&envelope("push", "application/vnd.oci.image.layer.v1.tar+gzip", ""), "");
        check(&envelope("pull", image, ""), "");
        check(&envelope("delete", image, ""), "");
        check(r#"{"events":[]}"#, "");
        check(r#"{"events":[{"action":"push","target":{"digest":"sha256:short"}}]}"#, "");
        check(r#"{"pushes":[]}"#, "refused");
        check("", "refused");
    }

    proptest! {
        #[test]
        fn any_body_is_read_or_refused(body: Vec<u8>) {
            let _ = Distribution.pushes(&body);
        }
    }
}
