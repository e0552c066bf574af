//! Credentials for registries. Only administrators see what there is, nobody sees what is secret of it, and every change is in the audit log.
//!
//! They are kept for registries alone that the server may ask: a secret for another would be of no use, or an attempt to have it sent there.

use super::page::{List, Pathed, Queried, Text, number, paged, text};
use super::{body, time};
use crate::credential::{RotateError, SealError};
use crate::http::App;
use crate::problem::{Missing, Problem, ProblemDocument, Refused, Senseless, Unsent};
use crate::scanner::ScanError;
use assay_oci::Secret;
use assay_store::{
    CredentialKind, CredentialPurpose, CredentialSet, CredentialTerms, KeptCredential, MAX_CREDENTIALS, Role,
};
use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::Arc;
use utoipa::ToSchema;

/// The longest secret in bytes: service accounts of clouds have some 2,500.
const MAX_SECRET: usize = 16 << 10;
/// The longest user name in bytes.
const MAX_USER: usize = 255;

/// What a credential is used for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = CredentialPurpose)]
pub enum Purpose {
    /// Scans, crawls, and looking for what is attached to images.
    #[default]
    Read,
    /// Promotions, where they write.
    Write,
}

/// What a secret is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = CredentialKind)]
pub enum Kind {
    /// A password, which has a user.
    #[default]
    Password,
    /// A token that the registry's token server exchanges for others.
    Identity,
    /// A token that the registry takes as it is.
    Bearer,
}

impl From<Purpose> for CredentialPurpose {
    fn from(purpose: Purpose) -> Self {
        match purpose {
            Purpose::Read => Self::Read,
            Purpose::Write => Self::Write,
        }
    }
}

impl From<CredentialPurpose> for Purpose {
    fn from(purpose: CredentialPurpose) -> Self {
        match purpose {
            CredentialPurpose::Read => Self::Read,
            CredentialPurpose::Write => Self::Write,
        }
    }
}

impl From<Kind> for CredentialKind {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Password => Self::Password,
            Kind::Identity => Self::Identity,
            Kind::Bearer => Self::Bearer,
        }
    }
}

impl From<CredentialKind> for Kind {
    fn from(kind: CredentialKind) -> Self {
        match kind {
            CredentialKind::Password => Self::Password,
            CredentialKind::Identity => Self::Identity,
            CredentialKind::Bearer => Self::Bearer,
        }
    }
}

/// A credential that is to be kept.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewCredential {
    /// The registry, by its host, as the server was told that it may ask it.
    #[schema(min_length = 1, max_length = 255)]
    pub registry: String,
    /// The repository, or what the names of several begin with: `team` means `team` and `team/app`. Without it all of the registry.
    #[schema(min_length = 1, max_length = 255)]
    pub repository: Option<String>,
    /// What it is used for.
    #[serde(default)]
    pub purpose: Purpose,
    /// What the secret is.
    #[serde(default)]
    pub kind: Kind,
    /// The user, of a password.
    #[schema(min_length = 1, max_length = 255)]
    pub user: Option<String>,
    /// The password or token. No answer ever has it.
    #[schema(min_length = 1, max_length = 16384, format = Password)]
    pub secret: String,
}

impl fmt::Debug for NewCredential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = (&self.registry, &self.repository, self.purpose, self.kind, &self.user);
        f.debug_tuple("NewCredential").field(&place).finish_non_exhaustive()
    }
}

/// A credential as it is kept, without what is secret of it.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Credential {
    /// Its number.
    pub id: i64,
    /// The registry.
    pub registry: String,
    /// The repository, or what the names of several begin with; `null` for all of the registry.
    #[schema(required)]
    pub repository: Option<String>,
    /// What it is used for.
    pub purpose: Purpose,
    /// What its secret is.
    pub kind: Kind,
    /// The user, of a password.
    #[schema(required)]
    pub user: Option<String>,
    /// Who set it.
    pub set_by: String,
    /// When.
    #[schema(format = DateTime)]
    pub set: String,
    /// When it was last used, to the hour.
    #[schema(format = DateTime, required)]
    pub used: Option<String>,
    /// Which key it is encrypted by.
    pub key: String,
    /// Whether this server can open it. What wants one that cannot be opened fails.
    pub opens: bool,
}

fn shown(app: &App, kept: KeptCredential) -> Credential {
    let some = |text: String| Some(text).filter(|text| !text.is_empty());
    Credential {
        opens: app.vault.opens(&kept),
        id: kept.id,
        registry: kept.terms.registry,
        repository: some(kept.terms.repository),
        purpose: kept.terms.purpose.into(),
        kind: kept.terms.kind.into(),
        user: some(kept.terms.account),
        set_by: kept.set_by,
        set: time(kept.set),
        used: kept.used.map(time),
        key: kept.sealed.by,
    }
}

paged! {
    /// Which credentials are asked for.
    Wanted {
        /// Of this registry.
        #[param(inline)]
        registry: Option<Text>,
    }
}

/// Lists credentials, in the order in which they were first set, without what is secret.
#[utoipa::path(get, path = "/api/v1/credentials", operation_id = "listCredentials", tag = "credentials", params(Wanted),
    security(("token" = ["admin"])), responses((status = 200, body = List<Credential>), Refused))]
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    wanted: Queried<Wanted>,
    headers: HeaderMap,
) -> Result<Json<List<Credential>>, Problem> {
    let holder = app.require(&headers, Role::Admin).await?;
    let store = app.whole(&holder)?;
    let Query(wanted) = wanted?;
    let (after, limit) = wanted.page();
    let found = store.credentials(text(&wanted.registry), after, limit.0).await?;
    let next = found.last().map(|kept| kept.id).filter(|_| limit.is_reached(found.len()));
    Ok(Json(List { items: found.into_iter().map(|kept| shown(&app, kept)).collect(), next }))
}

/// Keeps a credential, in the place of another for the same registry, repository and purpose.
#[utoipa::path(put, path = "/api/v1/credentials", operation_id = "setCredential", tag = "credentials", request_body = NewCredential,
    security(("token" = ["admin"])),
    responses((status = 201, description = "It is the first for this.", body = Credential),
        (status = 200, description = "It took the place of another.", body = Credential), Refused, Unsent, Senseless,
        (status = 409, description = "There are too many.", body = ProblemDocument, content_type = "application/problem+json")))]
pub(crate) async fn set(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    bytes: Bytes,
) -> Result<(StatusCode, Json<Credential>), Problem> {
    let actor = app.require_whole(&headers, Role::Admin).await?;
    let asked: NewCredential = body(&headers, &bytes)?;
    let (terms, secret) = read(&app, asked)?;
    let sealed = app.vault.seal(&terms, &secret).map_err(unsealed)?;
    let now = (app.clock)();
    let mut work = app.begin().await?;
    let done = work.set_credential(&terms, &sealed, &actor.name, now).await?;
    let (id, status) = match done {
        CredentialSet::Added(id) => (id, StatusCode::CREATED),
        CredentialSet::Replaced(id) => (id, StatusCode::OK),
        CredentialSet::TooMany => {
            return Err(Problem::new(
                StatusCode::CONFLICT,
                "too-many-credentials",
                format!(
                    "there are {MAX_CREDENTIALS} credentials, which is the most: remove some, or set one for a whole registry"
                ),
            ));
        }
    };
    let detail = serde_json::json!({
        "purpose": terms.purpose.name(), "kind": terms.kind.name(), "user": terms.account, "key": sealed.by,
        "replaced": status == StatusCode::OK,
    });
    work.audit(&actor.name, "credential.set", &terms.place(), &detail, now).await?;
    work.commit().await?;
    let kept = KeptCredential { id, terms, sealed, set_by: actor.name, set: now, used: None };
    Ok((status, Json(shown(&app, kept))))
}

fn unsealed(error: SealError) -> Problem {
    match error {
        SealError::NoKey => Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "no-credential-key",
            "the server has no key to encrypt credentials by: make one with `assay credential key --out FILE`, and start the server with \
             `--credential-key FILE`",
        ),
        SealError::Failed => Problem::fault(),
    }
}

/// Checks what is to be kept.
fn read(app: &App, asked: NewCredential) -> Result<(CredentialTerms, Secret), Problem> {
    let NewCredential { registry, repository, purpose, kind, user, secret } = asked;
    let secret = Secret::new(secret);
    let repository = repository.unwrap_or_default();
    let above = if repository.is_empty() { "any".to_owned() } else { repository.clone() };
    // With another name below it, as Docker Hub's names of one word stand for another.
    let reference = app.scanner.reference(&format!("{registry}/{above}/any")).map_err(|error| match error {
        ScanError::UnknownRegistry(registry) => Problem::senseless(format!(
            "the registry `{registry}` is not one of those that the server was told to ask: start it with `--registry {registry}`"
        )),
        _ => Problem::senseless("`registry` and `repository` are no name of a repository"),
    })?;
    if reference.registry() != registry || reference.repository() != format!("{above}/any") {
        return Err(Problem::senseless(
            "`registry` is a host such as `registry.example:5000`, and `repository` a name such as `team/app`, without a tag",
        ));
    }
    let account = user.unwrap_or_default();
    let has_user = !account.is_empty();
    if has_user != (kind == Kind::Password) {
        return Err(Problem::senseless("a password has a `user`, and a token has none"));
    }
    // RFC 7617: what is before the first colon is the user.
    if account.len() > MAX_USER
        || account.contains(|character: char| character == ':' || character.is_control())
    {
        return Err(Problem::senseless(format!(
            "`user` has up to {MAX_USER} bytes, no colon and no control characters"
        )));
    }
    let text = secret.reveal();
    let is_plain = kind == Kind::Password || text.bytes().all(|byte| byte.is_ascii_graphic());
    if text.is_empty() || text.len() > MAX_SECRET || text.contains('\0') || !is_plain {
        return Err(Problem::senseless(format!(
            "`secret` has 1 to {MAX_SECRET} bytes, and a token only what can be seen"
        )));
    }
    let terms = CredentialTerms { registry, repository, purpose: purpose.into(), kind: kind.into(), account };
    Ok((terms, secret))
}

/// Forgets a credential.
#[utoipa::path(delete, path = "/api/v1/credentials/{id}", operation_id = "removeCredential", tag = "credentials",
    params(("id" = i64, Path, description = "The credential's number.", minimum = 0, maximum = 9_007_199_254_740_991.0)),
    security(("token" = ["admin"])), responses((status = 204, description = "It is gone."), Refused, Missing))]
pub(crate) async fn remove(
    State(app): State<Arc<App>>,
    path: Pathed<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let actor = app.require_whole(&headers, Role::Admin).await?;
    let Path(id) = path?;
    let id = number(&id)?;
    let now = (app.clock)();
    let mut work = app.begin().await?;
    let gone = work.remove_credential(id).await?;
    let terms = gone.ok_or_else(|| Problem::not_found("there is no credential of this number"))?.terms;
    let detail = serde_json::json!({ "purpose": terms.purpose.name(), "user": terms.account });
    work.audit(&actor.name, "credential.remove", &terms.place(), &detail, now).await?;
    work.commit().await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// What encrypting everything anew came to.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Rotation {
    /// The key that everything here is encrypted by now.
    pub key: String,
    /// What another key had encrypted.
    pub encrypted: Vec<String>,
    /// What cannot be opened, as its key is missing or it was changed in the database; it stays as it is.
    pub unopened: Vec<String>,
}

/// Encrypts by the server's first key whatever another encrypted.
#[utoipa::path(post, path = "/api/v1/credentials/rotate", operation_id = "rotateCredentials", tag = "credentials",
    security(("token" = ["admin"])), responses((status = 200, body = Rotation), Refused))]
pub(crate) async fn rotate(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
) -> Result<Json<Rotation>, Problem> {
    let actor = app.require_whole(&headers, Role::Admin).await?;
    let rotated = app.vault.rotate(&actor.name).await.map_err(|error| match error {
        RotateError::Store(error) => error.into(),
        RotateError::Seal(error) => unsealed(error),
    })?;
    let key = app.vault.current().unwrap_or_default().to_owned();
    Ok(Json(Rotation { key, encrypted: rotated.done, unopened: rotated.shut }))
}
