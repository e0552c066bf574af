//! Tokens: who may ask. Only administrators see and change them, and every change is in the audit log.

use super::{List, Page, full, time};
use crate::http::App;
use crate::problem::Problem;
use crate::token::random_token;
use assay_model::Timestamp;
use assay_store::{Holder, KnownToken, Moment, Revoked, Role};
use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// The longest name of a token.
const MAX_NAME: usize = 100;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewToken {
    name: String,
    role: String,
    /// RFC 3339; without it the token holds until it is revoked.
    expires: Option<String>,
}

#[derive(Serialize)]
struct TokenEntry {
    id: i64,
    name: String,
    role: String,
    created: String,
    expires: Option<String>,
    revoked: Option<String>,
}

impl From<KnownToken> for TokenEntry {
    fn from(token: KnownToken) -> Self {
        Self {
            id: token.id,
            name: token.name,
            role: token.role,
            created: time(token.created),
            expires: token.expires.map(time),
            revoked: token.revoked.map(time),
        }
    }
}

pub(crate) async fn list(
    State(app): State<Arc<App>>,
    Query(page): Query<Page>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    app.require(&headers, Role::Admin).await?;
    let limit = page.limit();
    let tokens = app.store.tokens(page.after, limit).await?;
    let next = tokens.last().map(|token| token.id).filter(|_| full(tokens.len(), limit));
    Ok(Json(List { items: tokens.into_iter().map(TokenEntry::from).collect(), next }).into_response())
}

pub(crate) async fn create(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Problem> {
    let actor = app.require(&headers, Role::Admin).await?;
    let asked: NewToken =
        serde_json::from_slice(&body).map_err(|error| Problem::invalid(error.to_string()))?;
    let is_plain = |character: char| character.is_alphanumeric() || " -_.@/:".contains(character);
    if asked.name.trim().is_empty() || asked.name.len() > MAX_NAME || !asked.name.chars().all(is_plain) {
        return Err(Problem::invalid("a token's name has up to 100 letters, digits, spaces, and `-_.@/:`"));
    }
    let role: Role =
        asked.role.parse().map_err(|error: assay_store::UnknownRole| Problem::invalid(error.to_string()))?;
    let now = (app.clock)();
    let expires = match &asked.expires {
        Some(text) => {
            Some(text.parse::<Timestamp>().map(Moment::from).ok().filter(|time| *time > now).ok_or_else(
                || Problem::invalid("`expires` is no time to come, such as `2030-01-31T00:00:00Z`"),
            )?)
        }
        None => None,
    };
    let token = random_token().map_err(|_| Problem::fault())?;
    let holder = Holder { name: asked.name, role };
    let mut work = app.store.begin().await?;
    if !work.add_named_token(&token, &holder, expires, now).await? {
        return Err(Problem::new(
            StatusCode::CONFLICT,
            "token-exists",
            format!("there is a token called `{}`; revoke it first, or take another name", holder.name),
        ));
    }
    let detail = serde_json::json!({ "role": role.name(), "expires": expires.map(time) });
    work.audit(&actor.name, "token.create", &holder.name, &detail, now).await?;
    work.commit().await?;
    let shown = serde_json::json!({
        "name": holder.name, "role": role.name(), "expires": expires.map(time), "token": token.reveal() });
    Ok((StatusCode::CREATED, Json(shown)).into_response())
}

pub(crate) async fn revoke(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let actor = app.require(&headers, Role::Admin).await?;
    let now = (app.clock)();
    let mut work = app.store.begin().await?;
    match work.revoke_named_token(&name, now).await? {
        Revoked::Done => {}
        Revoked::Unknown => return Err(Problem::not_found("there is no token of this name")),
        Revoked::LastAdministrator => {
            return Err(Problem::new(
                StatusCode::CONFLICT,
                "last-administrator",
                "nobody else could let anybody in: make another administrator's token first",
            ));
        }
    }
    work.audit(&actor.name, "token.revoke", &name, &serde_json::json!({}), now).await?;
    work.commit().await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}
