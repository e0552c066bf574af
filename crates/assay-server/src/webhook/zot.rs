//! Events of zot, sent to an HTTP sink: <https://zotregistry.dev/latest/articles/events/>.
//!
//! CloudEvents (<https://github.com/cloudevents/spec/blob/main/cloudevents/bindings/http-protocol-binding.md>), whose kind is in the
//! header `ce-type`, or in the body where that is the whole event. The sink's credentials come as Basic authentication. Surprising: the
//! registry's host is in none of them, so it has to be in the address of the sink: `?registry=HOST`.

use super::{Event, InvalidPayload, MANIFESTS, Push, Webhook, tag};
use serde::Deserialize;

/// See the module.
#[derive(Debug)]
pub(super) struct Zot;

const UPDATED: &str = "zotregistry.image.updated";

#[derive(Deserialize)]
struct Structured {
    #[serde(rename = "type")]
    kind: String,
    data: Option<Image>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Image {
    name: String,
    reference: String,
    digest: String,
    media_type: String,
}

impl Webhook for Zot {
    fn name(&self) -> &'static str {
        "zot"
    }

    fn names_registry(&self) -> bool {
        false
    }

    fn pushes(&self, event: &Event<'_>) -> Result<Vec<Push>, InvalidPayload> {
        let (kind, image) = match event.header("ce-type") {
            Some(kind) => (kind.to_owned(), event.json::<Image>()?),
            None => {
                let Structured { kind, data } = event.json()?;
                (kind, data.unwrap_or_default())
            }
        };
        if kind != UPDATED || !MANIFESTS.contains(&image.media_type.as_str()) {
            return Ok(Vec::new());
        }
        Ok(vec![Push {
            registry: String::new(),
            repository: image.name,
            tag: tag(Some(image.reference)),
            digest: image.digest.parse().ok(),
        }])
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{self, total};
    use super::*;
    use proptest::prelude::*;

    const IMAGE: &str = include_str!("../../testdata/webhook/zot.json");

    #[test]
    fn both_modes_are_read() {
        let check = |kind, body: &str, want: &str| testing::check(&Zot, &[("ce-type", kind)], body, want);
        check(UPDATED, IMAGE, "/team/app:1.0@");
        check("zotregistry.image.deleted", IMAGE, "");
        check("zotregistry.image.lint_failed", IMAGE, "");
        check("zotregistry.repository.created", r#"{"name":"team/app"}"#, "");
        check(UPDATED, &IMAGE.replace(r#""1.0""#, r#""DIGEST""#), "/team/app:-@");
        check(UPDATED, "[", "refused");
        let whole =
            format!(r#"{{"specversion":"1.0","id":"1","source":"s","type":"{UPDATED}","data":{IMAGE}}}"#);
        testing::check(&Zot, &[], &whole, "/team/app:1.0@");
        testing::check(&Zot, &[], IMAGE, "refused");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(8))]
        #[test]
        fn any_body_is_read_or_refused(noise: Vec<u8>) {
            total(&Zot, &format!(r#"{{"type":"{UPDATED}","data":{IMAGE}}}"#), &noise);
        }
    }
}
