//! Webhooks of Azure Container Registry: <https://learn.microsoft.com/azure/container-registry/container-registry-webhook-reference>.
//!
//! One event of the Distribution registry, without the envelope. The `Authorization` header is one of the webhook's custom headers.
//! Surprising: the test of a new webhook is an event with the action `ping`, and no target.

use super::distribution::Notification;
use super::{Event, InvalidPayload, Push, Webhook};

/// See the module.
#[derive(Debug)]
pub(super) struct Azure;

impl Webhook for Azure {
    fn name(&self) -> &'static str {
        "acr"
    }

    fn pushes(&self, event: &Event<'_>) -> Result<Vec<Push>, InvalidPayload> {
        let notification: Notification = event.json()?;
        if notification.action.is_empty() {
            return Err(InvalidPayload("it does not say what was done".into()));
        }
        Ok(notification.push().into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{self, total};
    use super::*;
    use proptest::prelude::*;

    const PUSH: &str = include_str!("../../testdata/webhook/acr.json");

    #[track_caller]
    fn check(body: &str, want: &str) {
        testing::check(&Azure, &[], body, want);
    }

    #[test]
    fn pushes_of_images_are_read() {
        check(PUSH, "team.azurecr.example/team/app:1.0@");
        check(&PUSH.replace(r#""push""#, r#""delete""#), "");
        // A chart of Helm.
        check(&PUSH.replace(r#""push""#, r#""chart_push""#), "");
        check(r#"{"id":"1","timestamp":"2026-01-01T00:00:00Z","action":"ping"}"#, "");
        check("[]", "refused");
        check("", "refused");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(8))]
        #[test]
        fn any_body_is_read_or_refused(noise: Vec<u8>) {
            total(&Azure, PUSH, &noise);
        }
    }
}
