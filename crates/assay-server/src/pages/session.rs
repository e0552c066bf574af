//! Signing in and out. The cookie holds a session and never the token; scripts and other sites cannot read or use it.
//!
//! Whoever sends a token as `Authorization: Bearer` sees the pages as well, which is how programs fetch tables.
//!
//! Forms that change something are taken from this site only: signing out by the key of the session, which no other site knows; signing
//! in, where there is no session yet, by `Origin`, which browsers send with every form (<https://www.rfc-editor.org/rfc/rfc6454#section-7>).

use super::Pages;
use super::ask::encode;
use super::error::PageError;
use super::render::see_other;
use crate::http::App;
use crate::login::Login;
use crate::problem::Problem;
use assay_store::{Holder, Role, SESSION_LIFETIME, Session, Token};
use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::rand::{SecureRandom as _, SystemRandom};
use axum::Form;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use minijinja::context;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Teams that are told by name.
const TEAMS: usize = 3;

pub(super) const COOKIE: &str = "assay-session";

/// Somebody who looks at pages.
#[derive(Serialize)]
pub(super) struct Visitor {
    name: String,
    role_name: &'static str,
    /// The teams that they are bound to, if they are.
    teams: Option<String>,
    #[serde(skip)]
    holder: Holder,
    /// What their forms bring along; programs have none.
    form_key: Option<String>,
}

impl Visitor {
    fn new(holder: Holder, session: Option<&Session>) -> Self {
        Self {
            name: holder.name.clone(),
            role_name: holder.role.name(),
            teams: holder.scope.teams().map(told),
            holder,
            form_key: session.map(Session::form_key),
        }
    }

    pub(super) fn role(&self) -> Role {
        self.holder.role
    }

    /// Returns who they are, with what they may see.
    pub(super) fn holder(&self) -> &Holder {
        &self.holder
    }

    /// Says whether there is a form key: whether this is a person who could send a form.
    pub(super) fn has_forms(&self) -> bool {
        self.form_key.is_some()
    }
}

/// Returns how teams are told on every page.
fn told(teams: &BTreeSet<String>) -> String {
    match teams.len() {
        0 => "in no team".to_owned(),
        number if number > TEAMS => format!("in {number} teams"),
        _ => teams.iter().map(String::as_str).collect::<Vec<_>>().join(", "),
    }
}

/// Returns the terms by which people are let in by an identity provider now.
fn terms(app: &App) -> Option<&str> {
    app.login.as_ref().map(Login::terms)
}

/// Returns who asks, if they may.
pub(super) async fn visitor(app: &App, headers: &HeaderMap, role: Role) -> Result<Visitor, PageError> {
    let now = (app.clock)();
    if is_bearer(headers) {
        return Ok(Visitor::new(app.require(headers, role).await?, None));
    }
    let Some(session) = session(headers) else { return Err(PageError::SignIn) };
    let Some(holder) = app.store.session_holder(&session, terms(app), now).await? else {
        return Err(PageError::SignIn);
    };
    // As with the API: who is signed in may not ask more than a token may.
    if !app.limits.request(&holder.name, now) {
        app.metrics.rate_limited.add(1);
        return Err(Problem::too_often().into());
    }
    app.settle(&holder).await?;
    let visitor = Visitor::new(holder, Some(&session));
    if visitor.role() < role {
        return Err(Problem::forbidden(role.name()).into());
    }
    Ok(visitor)
}

/// Returns who changes something by a form, if they may: by the key of their session, which no other site knows.
pub(super) async fn changing(
    app: &App,
    headers: &HeaderMap,
    role: Role,
    key: &str,
) -> Result<Visitor, PageError> {
    // A program has an interface of its own for it, where its token is enough.
    let visitor = visitor(app, headers, role).await?;
    let known = visitor.form_key.as_deref().unwrap_or_default();
    if known.is_empty() || verify_slices_are_equal(known.as_bytes(), key.as_bytes()).is_err() {
        let why = "the form was not sent from a page of this session: open the page again";
        return Err(Problem::new(StatusCode::FORBIDDEN, "foreign-form", why).into());
    }
    Ok(visitor)
}

fn is_bearer(headers: &HeaderMap) -> bool {
    let scheme = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()?.split(' ').next());
    scheme.is_some_and(|scheme| scheme.eq_ignore_ascii_case("bearer"))
}

fn session(headers: &HeaderMap) -> Option<Session> {
    cookie_named(headers, COOKIE).map(Session::presented)
}

/// Returns a cookie that the browser sent.
pub(super) fn cookie_named<'h>(headers: &'h HeaderMap, wanted: &str) -> Option<&'h str> {
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs =
        cookies.flat_map(|cookies| cookies.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(name, _)| *name == wanted).map(|(_, value)| value)
}

/// Says whether a form was sent from a page of this server.
fn from_here(headers: &HeaderMap) -> bool {
    let text = |name: header::HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let origin = text(header::ORIGIN).and_then(|origin| origin.split_once("://"));
    let same =
        origin.zip(text(header::HOST)).is_some_and(|((_, from), host)| from.eq_ignore_ascii_case(host));
    let site = headers.get("sec-fetch-site").and_then(|value| value.to_str().ok());
    same && site.is_none_or(|site| site == "same-origin")
}

/// Returns the cookie. It is for TLS only, unless the browser itself came without: then this is the machine that the server runs on.
fn cookie(headers: &HeaderMap, value: &str, seconds: u64) -> Option<HeaderValue> {
    let plain = headers.get(header::ORIGIN).is_some_and(|origin| origin.as_bytes().starts_with(b"http://"));
    let secure = if plain { "" } else { "; Secure" };
    let text = format!("{COOKIE}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}");
    HeaderValue::from_str(&text).ok()
}

/// Returns an address of this server to go to, whatever was asked for: never another one.
pub(super) fn safe(address: &str) -> &str {
    let plain = address.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    if plain && address.starts_with('/') && !address.starts_with("//") { address } else { "/" }
}

#[derive(Deserialize)]
pub(super) struct Wanted {
    to: Option<String>,
}

pub(super) async fn form(State(pages): State<Arc<Pages>>, Query(wanted): Query<Wanted>) -> Response {
    asked(&pages, StatusCode::OK, wanted.to.as_deref().unwrap_or("/"), None)
}

pub(super) fn asked(pages: &Pages, status: StatusCode, to: &str, wrong: Option<&str>) -> Response {
    let provider = pages.app.login.as_ref().map(Login::provider);
    let login = format!("/login?to={}", encode(safe(to)));
    let context = context! { title => "Sign in", to => safe(to), wrong, provider, login };
    pages.templates.draw(status, "sign-in.html", &context)
}

#[derive(Deserialize)]
pub(super) struct SignIn {
    token: String,
    #[serde(default)]
    to: String,
}

pub(super) async fn sign_in(
    State(pages): State<Arc<Pages>>,
    headers: HeaderMap,
    Form(form): Form<SignIn>,
) -> Response {
    if !from_here(&headers) {
        let why = "the form was not sent from a page of this server; a proxy in between must pass on the header `Host`";
        return asked(&pages, StatusCode::FORBIDDEN, &form.to, Some(why));
    }
    match begin(&pages.app, form.token.trim()).await {
        Ok(Some(session)) => {
            let mut response = see_other(safe(&form.to));
            if let Some(cookie) = cookie(&headers, session.reveal(), SESSION_LIFETIME.as_secs()) {
                response.headers_mut().insert(header::SET_COOKIE, cookie);
            }
            response
        }
        Ok(None) => {
            pages.app.metrics.unauthenticated.add(1);
            let why = "no valid token: it is unknown, expired or revoked";
            asked(&pages, StatusCode::UNAUTHORIZED, &form.to, Some(why))
        }
        Err(problem) => {
            let (status, detail) = problem.told();
            asked(&pages, status, &form.to, Some(detail))
        }
    }
}

/// Makes a session.
pub(super) fn new_session() -> Result<Session, Problem> {
    let mut random = [0; 32];
    SystemRandom::new().fill(&mut random).map_err(|_| {
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, "no-randomness", "the system gives no random bytes")
    })?;
    Ok(Session::new(random))
}

async fn begin(app: &App, token: &str) -> Result<Option<Session>, Problem> {
    let (session, now) = (new_session()?, (app.clock)());
    let mut work = app.store.begin().await?;
    let Some(holder) = work.begin_session(&Token::presented(token), &session, now).await? else {
        return Ok(None);
    };
    let detail = serde_json::json!({ "role": holder.role.name(), "teams": holder.scope.teams() });
    work.audit(&holder.name, "session.begin", "pages", &detail, now).await?;
    work.commit().await?;
    Ok(Some(session))
}

#[derive(Deserialize)]
pub(super) struct SignOut {
    key: String,
}

pub(super) async fn sign_out(
    State(pages): State<Arc<Pages>>,
    headers: HeaderMap,
    Form(form): Form<SignOut>,
) -> Response {
    let Some(session) = session(&headers) else { return see_other("/sign-in") };
    let known = session.form_key();
    if verify_slices_are_equal(known.as_bytes(), form.key.as_bytes()).is_err() {
        return Problem::forbidden("viewer").into_response();
    }
    if let Err(problem) = end(&pages.app, &session).await {
        return problem.into_response();
    }
    let mut response = see_other("/sign-in");
    if let Some(cookie) = cookie(&headers, "", 0) {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    response
}

async fn end(app: &App, session: &Session) -> Result<(), Problem> {
    let now = (app.clock)();
    let holder = app.store.session_holder(session, terms(app), now).await?;
    let mut work = app.store.begin().await?;
    if work.end_session(session).await?
        && let Some(holder) = holder
    {
        work.audit(&holder.name, "session.end", "pages", &serde_json::json!({}), now).await?;
    }
    work.commit().await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_led_elsewhere() {
        for (address, want) in [
            ("/images?text=a%20b", "/images?text=a%20b"),
            ("", "/"),
            ("//evil.example/", "/"),
            ("/\\evil.example", "/"),
            ("https://evil.example/", "/"),
            ("javascript:alert(1)", "/"),
            ("/a\r\nSet-Cookie: b", "/"),
            ("/\t/evil.example", "/"),
        ] {
            assert_eq!(safe(address), want, "{address:?}");
        }
    }

    #[test]
    fn forms_come_from_here_or_not_at_all() {
        let check = |headers: &[(&'static str, &str)], want: bool| {
            let mut map = HeaderMap::new();
            for (name, value) in headers {
                map.insert(*name, value.parse().unwrap());
            }
            assert_eq!(from_here(&map), want, "{headers:?}");
        };
        let (host, origin) = (("host", "assay.example:8443"), ("origin", "https://assay.example:8443"));
        check(&[host, origin], true);
        check(&[host, origin, ("sec-fetch-site", "same-origin")], true);
        check(&[host, origin, ("sec-fetch-site", "cross-site")], false);
        check(&[host, ("origin", "https://evil.example")], false);
        check(&[host, ("origin", "null")], false);
        check(&[host], false);
        check(&[origin], false);
    }
}
