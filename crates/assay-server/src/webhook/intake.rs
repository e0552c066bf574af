//! What all webhooks share: who may send events, and what they may say.

use super::secret::presented;
use super::{Event, Push, by_name};
use crate::http::App;
use crate::problem::Problem;
use assay_model::Digest;
use assay_store::Role;
use axum::http::{HeaderMap, HeaderValue, header};
use serde::Deserialize;
use std::collections::BTreeSet;

/// Pushes of one request that are taken.
const MAX_PUSHES: usize = 1000;

/// What is said in the address of a webhook.
#[derive(Deserialize)]
pub(crate) struct Asked {
    /// The host of the registry, where events do not say it, or not as clients write it.
    registry: Option<String>,
    /// The secret, for registries that can send no header.
    token: Option<String>,
}

/// Checks that a request comes from who may send events: it knows the secret of its webhook, or a token of a developer.
pub(crate) async fn authenticate(
    app: &App,
    name: &str,
    asked: &Asked,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<(), Problem> {
    let proven = by_name(name)
        .is_some_and(|webhook| app.webhooks.prove(webhook, headers, asked.token.as_deref(), body));
    if proven {
        return Ok(());
    }
    app.require_whole(&as_bearer(headers), Role::Developer).await.map(drop)
}

/// Returns headers with the token where the API looks for it: registries that know Basic authentication only send it as the password.
pub(crate) fn as_bearer(headers: &HeaderMap) -> HeaderMap {
    let token = presented(headers).and_then(|token| HeaderValue::from_str(&format!("Bearer {token}")).ok());
    token.map(|token| (header::AUTHORIZATION, token)).into_iter().collect()
}

/// Reads what was pushed.
pub(crate) fn read(
    name: &str,
    asked: &Asked,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<Vec<Push>, Problem> {
    let webhook =
        by_name(name).ok_or_else(|| Problem::not_found("there is no webhook for this kind of registry"))?;
    let mut pushes =
        webhook.pushes(&Event { headers, body }).map_err(|error| Problem::invalid(error.to_string()))?;
    if pushes.len() > MAX_PUSHES {
        return Err(Problem::invalid(format!("it tells of more than {MAX_PUSHES} pushes")));
    }
    if let Some(host) = &asked.registry {
        pushes.iter_mut().for_each(|push| push.registry.clone_from(host));
    } else if !webhook.names_registry() {
        let hint = "its events do not say their registry: add `?registry=HOST` to the address of the webhook";
        return Err(Problem::invalid(hint));
    }
    Ok(pushes)
}

/// Reads which images were pulled, of a request that [`read`] did not refuse.
pub(crate) fn read_pulls(name: &str, headers: &HeaderMap, body: &[u8]) -> BTreeSet<Digest> {
    let pulls = by_name(name).map(|webhook| webhook.pulls(&Event { headers, body })).unwrap_or_default();
    pulls.into_iter().take(MAX_PUSHES).collect()
}
