//! Tokens: who may ask. Only administrators see and change them, and every change is in the audit log.

use super::page::{List, Queried, Text, paged, text};
use super::{body, time};
use crate::http::App;
use crate::login::is_team;
use crate::problem::{Missing, Problem, Refused, Senseless, Unsent};
use crate::token::random_token;
use assay_model::Timestamp;
use assay_store::{Holder, KnownToken, Moment, Revoked, Role, Scope};
use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::ToSchema;

/// The longest name of a token.
const MAX_NAME: usize = 100;
/// The most teams of one token.
const MAX_TEAMS: usize = 100;

/// A role by its name; each may do what those before it may.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = Role)]
pub enum RoleName {
    /// Read.
    Viewer,
    /// Record builds, send events of registries and ask for scans.
    Developer,
    /// Judge findings and see the audit log.
    Security,
    /// Everything.
    Admin,
}

impl RoleName {
    pub(crate) fn role(self) -> Role {
        match self {
            Self::Viewer => Role::Viewer,
            Self::Developer => Role::Developer,
            Self::Security => Role::Security,
            Self::Admin => Role::Admin,
        }
    }
}

/// A token that is to be made.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewToken {
    /// What it is called in the audit log. Plain letters only: no name may look like another.
    #[schema(min_length = 1, max_length = 100, pattern = "^[A-Za-z0-9][A-Za-z0-9 ._@/:-]*$")]
    pub name: String,
    /// What it allows.
    pub role: RoleName,
    /// Until when it lets in, which is to come; without it the token holds until it is revoked.
    #[schema(format = DateTime)]
    pub expires: Option<String>,
    /// The teams whose images it is about: owners in the server's file of owners, as they are written there. Without them it is about all
    /// images, which only who is bound to no teams can allow.
    #[schema(min_items = 1, max_items = 100)]
    pub teams: Option<Vec<String>>,
}

/// A token as it is kept: without what its holder sends.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Token {
    /// Its number.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// What it allows.
    pub role: String,
    /// The teams whose images it is about; `null` for all images.
    #[schema(required)]
    pub teams: Option<Vec<String>>,
    /// When it was made.
    #[schema(format = DateTime)]
    pub created: String,
    /// Until when it lets in, if that was said.
    #[schema(format = DateTime, required)]
    pub expires: Option<String>,
    /// Since when it lets in no more.
    #[schema(format = DateTime, required)]
    pub revoked: Option<String>,
}

impl From<KnownToken> for Token {
    fn from(token: KnownToken) -> Self {
        Self {
            id: token.id,
            name: token.name,
            role: token.role,
            teams: teams(&token.scope),
            created: time(token.created),
            expires: token.expires.map(time),
            revoked: token.revoked.map(time),
        }
    }
}

paged! {
    /// Which tokens are asked for; all that is given must fit.
    Wanted {
        /// Of this name.
        #[param(inline)]
        name: Option<Text>,
        /// With this role.
        #[param(inline)]
        role: Option<RoleName>,
    }
}

/// Lists tokens, in the order in which they were made.
#[utoipa::path(get, path = "/api/v1/tokens", operation_id = "listTokens", tag = "tokens", params(Wanted),
    security(("token" = ["admin"])), responses((status = 200, body = List<Token>), Refused))]
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    wanted: Queried<Wanted>,
    headers: HeaderMap,
) -> Result<Json<List<Token>>, Problem> {
    let holder = app.require(&headers, Role::Admin).await?;
    let Query(wanted) = wanted?;
    let (after, limit) = wanted.page();
    let role = wanted.role.map(|role| role.role().name());
    let tokens = app.seen_by(&holder).tokens_like(text(&wanted.name), role, after, limit.0).await?;
    Ok(Json(List::of(tokens, limit, |token| token.id)))
}

/// A token that was made.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct MadeToken {
    /// Its name.
    pub name: String,
    /// What it allows.
    pub role: String,
    /// The teams whose images it is about; `null` for all images.
    #[schema(required)]
    pub teams: Option<Vec<String>>,
    /// Until when it lets in, if that was said.
    #[schema(format = DateTime, required)]
    pub expires: Option<String>,
    /// What its holder sends. It is shown only here; the server keeps its hash.
    pub token: String,
}

fn is_name(name: &str) -> bool {
    let is_plain = |character: char| character.is_ascii_alphanumeric() || " ._@/:-".contains(character);
    name.starts_with(|first: char| first.is_ascii_alphanumeric())
        && name.len() <= MAX_NAME
        && name.chars().all(is_plain)
}

fn teams(scope: &Scope) -> Option<Vec<String>> {
    scope.teams().map(|teams| teams.iter().cloned().collect())
}

/// Reads which teams a token is to be bound to, which may be no more than who makes it sees.
fn scope(asked: Option<Vec<String>>, actor: &Holder) -> Result<Scope, Problem> {
    if let Some(teams) = &asked {
        if teams.is_empty() || teams.len() > MAX_TEAMS {
            return Err(Problem::senseless(format!(
                "`teams` has 1 to {MAX_TEAMS} teams; leave it out for a token that is about all images"
            )));
        }
        if !teams.iter().all(|team| is_team(team)) {
            return Err(Problem::senseless(
                "a team is an owner in the file of owners: up to 200 characters, with no space around them and no control characters",
            ));
        }
    }
    let scope = Scope::of(asked);
    if !actor.scope.covers(&scope) {
        return Err(Problem::new(
            StatusCode::FORBIDDEN,
            "other-team",
            "`teams` has some of the teams that you are bound to, and no others",
        ));
    }
    Ok(scope)
}

/// Makes a token.
///
/// Who is bound to teams makes tokens that are bound to some of them.
#[utoipa::path(post, path = "/api/v1/tokens", operation_id = "makeToken", tag = "tokens", request_body = NewToken,
    security(("token" = ["admin"])),
    responses((status = 201, body = MadeToken), Refused, Unsent, Senseless,
        (status = 409, description = "There is a token of this name.", body = crate::problem::ProblemDocument,
            content_type = "application/problem+json")))]
pub(crate) async fn create(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    bytes: Bytes,
) -> Result<(StatusCode, Json<MadeToken>), Problem> {
    let actor = app.require(&headers, Role::Admin).await?;
    let asked: NewToken = body(&headers, &bytes)?;
    if !is_name(&asked.name) {
        return Err(Problem::invalid(
            "a token's name has up to 100 of the letters a to z, digits, spaces and `-_.@/:`, and begins with a letter or digit",
        ));
    }
    let role = asked.role.role();
    let now = (app.clock)();
    let expires = match &asked.expires {
        Some(text) => {
            Some(text.parse::<Timestamp>().map(Moment::from).ok().filter(|time| *time > now).ok_or_else(
                || Problem::senseless("`expires` is no time to come, such as `2030-01-31T00:00:00Z`"),
            )?)
        }
        None => None,
    };
    let token = random_token().map_err(|_| Problem::fault())?;
    let holder = Holder { name: asked.name, role, scope: scope(asked.teams, &actor)? };
    let mut work = app.begin().await?;
    if !work.add_named_token(&token, &holder, expires, now).await? {
        return Err(Problem::new(
            StatusCode::CONFLICT,
            "token-exists",
            format!("there is a token called `{}`; revoke it first, or take another name", holder.name),
        ));
    }
    let detail = serde_json::json!({
        "role": role.name(), "expires": expires.map(time), "teams": teams(&holder.scope) });
    work.audit(&actor.name, "token.create", &holder.name, &detail, now).await?;
    work.commit().await?;
    let made = MadeToken {
        name: holder.name,
        role: role.name().to_owned(),
        teams: teams(&holder.scope),
        expires: expires.map(time),
        token: token.reveal().to_owned(),
    };
    Ok((StatusCode::CREATED, Json(made)))
}

/// Lets the token of a name in no more.
#[utoipa::path(delete, path = "/api/v1/tokens/{name}", operation_id = "revokeToken", tag = "tokens",
    params(("name" = String, Path, description = "The token's name.")),
    security(("token" = ["admin"])),
    responses((status = 204, description = "It lets in no more."), Refused, Missing,
        (status = 409, description = "Nobody could let anybody in afterwards.", body = crate::problem::ProblemDocument,
            content_type = "application/problem+json")))]
pub(crate) async fn revoke(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let actor = app.require(&headers, Role::Admin).await?;
    let now = (app.clock)();
    let mut work = app.begin().await?;
    match work.revoke_named_token(&actor.scope, &name, now).await? {
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
