//! Signing in by an identity provider: there and back.
//!
//! The state that a browser brings back must also be in its cookie, so that nobody can sign somebody else in as themselves. That cookie is
//! `Lax`, as the way back comes from the provider's site; the session's is `Strict`, and so is not sent on a way that began there: the page
//! that sets it leads on from here.

use super::Pages;
use super::render::see_other;
use super::session::{COOKIE, asked, cookie_named, new_session, safe};
use crate::http::App;
use crate::login::{Login, LoginError};
use crate::problem::Problem;
use assay_store::{LOGIN_TIME, SESSION_LIFETIME, Session};
use aws_lc_rs::constant_time::verify_slices_are_equal;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use minijinja::context;
use serde::Deserialize;
use std::sync::Arc;

const STATE: &str = "assay-login";

#[derive(Deserialize)]
pub(super) struct Wanted {
    to: Option<String>,
}

/// Returns a cookie for this server. It is for TLS only, unless browsers reach it without: then it is on this machine.
fn cookie(login: &Login, text: &str) -> Option<HeaderValue> {
    let secure = if login.is_plain() { "" } else { "; Secure" };
    HeaderValue::from_str(&format!("{text}; HttpOnly{secure}")).ok()
}

/// Sends somebody to the provider.
pub(super) async fn leave(State(pages): State<Arc<Pages>>, Query(wanted): Query<Wanted>) -> Response {
    let to = safe(wanted.to.as_deref().unwrap_or("/")).to_owned();
    let Some(login) = &pages.app.login else { return see_other("/sign-in") };
    match begin(&pages.app, login, &to).await {
        Ok((address, state)) => {
            let mut response = see_other(&address);
            let text =
                format!("{STATE}={state}; Path=/login; Max-Age={}; SameSite=Lax", LOGIN_TIME.as_secs());
            if let Some(cookie) = cookie(login, &text) {
                response.headers_mut().insert(header::SET_COOKIE, cookie);
            }
            response
        }
        Err(refused) => refused.answer(&pages, &to),
    }
}

async fn begin(app: &App, login: &Login, to: &str) -> Result<(String, String), Refused> {
    let (address, state, attempt) = login.begin(to).await?;
    let mut work = app.store.begin().await.map_err(Problem::from)?;
    work.begin_login(&state, &attempt, (app.clock)()).await.map_err(Problem::from)?;
    work.commit().await.map_err(Problem::from)?;
    Ok((address, state))
}

/// What the provider sends along (RFC 6749, sections 4.1.2 and 4.1.2.1; RFC 9207).
#[derive(Deserialize)]
pub(super) struct Brought {
    code: Option<String>,
    state: Option<String>,
    error: Option<String>,
    iss: Option<String>,
}

/// Why somebody is not let in.
enum Refused {
    Login(LoginError),
    Problem(Problem),
    Said(&'static str),
}

impl From<LoginError> for Refused {
    fn from(error: LoginError) -> Self {
        Self::Login(error)
    }
}

impl From<Problem> for Refused {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

impl Refused {
    fn answer(self, pages: &Pages, to: &str) -> Response {
        let (status, text) = match &self {
            Self::Login(error @ LoginError::Nobody(_)) => (StatusCode::FORBIDDEN, error.to_string()),
            Self::Login(error @ LoginError::Token(_)) => (StatusCode::UNAUTHORIZED, error.to_string()),
            Self::Login(error) => (StatusCode::SERVICE_UNAVAILABLE, error.to_string()),
            Self::Problem(problem) => {
                let (status, detail) = problem.told();
                (status, detail.to_owned())
            }
            Self::Said(text) => (StatusCode::UNAUTHORIZED, (*text).to_owned()),
        };
        if status == StatusCode::UNAUTHORIZED {
            pages.app.metrics.unauthenticated.add(1);
        }
        asked(pages, status, to, Some(&text))
    }
}

/// Takes somebody back.
pub(super) async fn come_back(
    State(pages): State<Arc<Pages>>,
    Query(brought): Query<Brought>,
    headers: HeaderMap,
) -> Response {
    let Some(login) = &pages.app.login else { return see_other("/sign-in") };
    match end(&pages.app, login, &brought, &headers).await {
        Ok((session, wanted)) => {
            let context = context! { title => "Signed in", to => safe(&wanted) };
            let mut response = pages.templates.draw(StatusCode::OK, "signed-in.html", &context);
            let lifetime = SESSION_LIFETIME.as_secs();
            for text in [
                format!("{COOKIE}={}; Path=/; Max-Age={lifetime}; SameSite=Strict", session.reveal()),
                format!("{STATE}=; Path=/login; Max-Age=0; SameSite=Lax"),
            ] {
                if let Some(cookie) = cookie(login, &text) {
                    response.headers_mut().append(header::SET_COOKIE, cookie);
                }
            }
            response
        }
        Err(refused) => refused.answer(&pages, "/"),
    }
}

async fn end(
    app: &App,
    login: &Login,
    brought: &Brought,
    headers: &HeaderMap,
) -> Result<(Session, String), Refused> {
    const FOREIGN: Refused = Refused::Said("the login was not begun in this browser; begin again");
    let state = brought.state.as_deref().ok_or(FOREIGN)?;
    let known = cookie_named(headers, STATE).ok_or(FOREIGN)?;
    verify_slices_are_equal(known.as_bytes(), state.as_bytes()).map_err(|_| FOREIGN)?;
    let now = (app.clock)();
    let mut work = app.store.begin().await.map_err(Problem::from)?;
    // Whatever comes of it: it is used now.
    let attempt = work.take_login(state, now).await.map_err(Problem::from)?;
    work.commit().await.map_err(Problem::from)?;
    let attempt =
        attempt.ok_or(Refused::Said("the login took too long, or was used already; begin again"))?;
    if brought.error.is_some() {
        return Err(Refused::Said("the identity provider did not let you in"));
    }
    let code = brought.code.as_deref().ok_or(Refused::Said("the identity provider sent no code"))?;
    let holder = login.finish(code, state, brought.iss.as_deref(), &attempt).await?;
    let session = new_session()?;
    let detail = serde_json::json!({
        "role": holder.role.name(), "teams": holder.scope.teams(), "provider": login.provider() });
    let mut work = app.store.begin().await.map_err(Problem::from)?;
    work.add_login(&session, &holder, login.terms(), now).await.map_err(Problem::from)?;
    work.audit(&holder.name, "session.begin", "pages", &detail, now).await.map_err(Problem::from)?;
    work.commit().await.map_err(Problem::from)?;
    Ok((session, attempt.wanted))
}
