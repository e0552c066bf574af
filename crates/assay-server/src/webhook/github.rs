//! Webhooks of GitHub about its container registry: the events `registry_package` and `package`.
//!
//! <https://docs.github.com/webhooks/webhook-events-and-payloads#registry_package>, and on the signature
//! <https://docs.github.com/webhooks/using-webhooks/validating-webhook-deliveries>. Surprising: there is no field that says reliably
//! that a package is an image (`package_type` does not in GitHub's own example); what has `container_metadata` is one. Namespaces are
//! written as users wrote them, repositories of the registry in lower case.

use super::{Event, InvalidPayload, Proof, Push, Webhook, place, tag};
use serde::Deserialize;

/// See the module.
#[derive(Debug)]
pub(super) struct Github;

#[derive(Deserialize)]
struct Payload {
    #[serde(default)]
    action: String,
    #[serde(alias = "registry_package")]
    package: Option<Package>,
}

#[derive(Deserialize)]
struct Package {
    package_version: Option<Version>,
}

#[derive(Deserialize)]
struct Version {
    #[serde(default)]
    version: String,
    #[serde(default)]
    package_url: String,
    container_metadata: Option<Metadata>,
}

#[derive(Deserialize)]
struct Metadata {
    tag: Option<Tag>,
    manifest: Option<Manifest>,
}

#[derive(Deserialize)]
struct Tag {
    name: Option<String>,
    digest: Option<String>,
}

#[derive(Deserialize)]
struct Manifest {
    digest: Option<String>,
}

impl Webhook for Github {
    fn name(&self) -> &'static str {
        "github"
    }

    fn proof(&self) -> Proof {
        Proof::Signature("x-hub-signature-256")
    }

    fn pushes(&self, event: &Event<'_>) -> Result<Vec<Push>, InvalidPayload> {
        let payload: Payload = event.json()?;
        // Everything else that a webhook of GitHub can be told to send, the first `ping` included.
        let other = event.header("x-github-event").is_some_and(|kind| !kind.ends_with("package"));
        if other || !matches!(payload.action.as_str(), "published" | "updated") {
            return Ok(Vec::new());
        }
        Ok(payload.package.and_then(Package::push).into_iter().collect())
    }
}

impl Package {
    fn push(self) -> Option<Push> {
        let version = self.package_version?;
        let metadata = version.container_metadata?;
        let (registry, repository) = place(&version.package_url)?;
        let (name, tagged) = metadata.tag.map(|tag| (tag.name, tag.digest)).unwrap_or_default();
        let manifest = metadata.manifest.and_then(|manifest| manifest.digest);
        let digest = [tagged, manifest, Some(version.version)].into_iter().flatten();
        Some(Push {
            registry,
            repository: repository.to_ascii_lowercase(),
            tag: tag(name),
            digest: digest.into_iter().find_map(|digest| digest.parse().ok()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{self, total};
    use super::*;
    use proptest::prelude::*;

    const PUSH: &str = include_str!("../../testdata/webhook/github.json");

    #[track_caller]
    fn check(body: &str, want: &str) {
        testing::check(&Github, &[("x-github-event", "registry_package")], body, want);
    }

    #[test]
    fn published_images_are_read() {
        check(PUSH, "ghcr.example/team/app:1.0@");
        check(&PUSH.replace("registry_package", "package"), "ghcr.example/team/app:1.0@");
        testing::check(&Github, &[], PUSH, "ghcr.example/team/app:1.0@");
        check(&PUSH.replace("published", "updated"), "ghcr.example/team/app:1.0@");
        check(&PUSH.replace("published", "deleted"), "");
        // A package of npm.
        check(&PUSH.replace("container_metadata", "npm_metadata"), "");
        // Pushed by its digest.
        check(&PUSH.replace(r#""name": "1.0""#, r#""name": """#), "ghcr.example/team/app:-@");
        // Digests that are none, as in GitHub's own example.
        let short = PUSH.replace(r#""digest": "DIGEST""#, r#""digest": "sha256:6c62fb45""#);
        check(&short, "ghcr.example/team/app:1.0@");
        testing::check(&Github, &[("x-github-event", "ping")], r#"{"zen":"…","hook_id":1}"#, "");
        testing::check(&Github, &[("x-github-event", "push")], PUSH, "");
        check("[]", "refused");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(8))]
        #[test]
        fn any_body_is_read_or_refused(noise: Vec<u8>) {
            total(&Github, PUSH, &noise);
        }
    }
}
