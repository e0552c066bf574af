//! The pages: the fleet for people, in a browser.
//!
//! Everything is rendered here and works without a script; there is none. A strict content security policy allows the style of this
//! server and nothing else. Every page is one file with a [`Page`], and stands in [`PAGES`]. A page answers with tables; each of them can
//! also be had as CSV or JSON, from the same address with `table` and `format`.

mod admitted;
mod ask;
mod download;
mod error;
mod login;
mod render;
mod session;
mod table;

mod advisory;
mod audit;
mod compare;
mod events;
mod evidence;
mod file;
mod image;
mod images;
mod overview;
mod package;
mod packages;
mod policy;
mod promotions;
mod queue;
mod radius;
mod search;
mod triage;

use crate::http::App;
use crate::problem::Problem;
use ask::Ask;
pub use ask::encode;
use assay_store::{Role, Scope};
use axum::Router;
use axum::extract::{DefaultBodyLimit, Path, Query, State};
use axum::http::{HeaderMap, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use error::PageError;
use render::{Templates, View};
use std::collections::HashMap;
use std::pin::Pin;
use std::sync::Arc;

/// The largest form that is read: a token and an address.
const MAX_FORM: usize = 16 << 10;

/// Where a token is tried.
const SIGN_IN: &str = "/sign-in";

/// Says whether somebody may be tried at an address without saying who they are.
pub(crate) fn tries(path: &str) -> bool {
    [SIGN_IN, LOGIN, crate::login::CALLBACK].contains(&path)
}

/// Where the way to the identity provider begins.
pub(crate) const LOGIN: &str = "/login";

type Viewing<'a> = Pin<Box<dyn Future<Output = Result<View, PageError>> + Send + 'a>>;

/// A page: where it is, who may see it, and what it shows.
struct Page {
    /// Its address; what stands in braces is given to it.
    path: &'static str,
    /// What the menu calls it, if it is in the menu.
    menu: Option<&'static str>,
    /// The least role that sees it.
    role: Role,
    /// Of what it tells.
    about: About,
    /// Makes what it shows.
    view: for<'a> fn(&'a Ask) -> Viewing<'a>,
}

/// Of what a page tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum About {
    /// Of images: everybody sees those that they may see.
    Images,
    /// Of the whole fleet: not of what single teams have.
    Fleet,
}

impl Page {
    /// Says whether somebody may open it.
    fn is_open_to(&self, visitor: &session::Visitor) -> bool {
        self.role <= visitor.role() && (self.about == About::Images || visitor.holder().scope == Scope::Fleet)
    }
}

/// Every page, in the order of the menu.
const PAGES: &[Page] = &[
    overview::PAGE,
    images::PAGE,
    image::PAGE,
    packages::PAGE,
    compare::PAGE,
    search::PAGE,
    advisory::PAGE,
    package::PAGE,
    file::PAGE,
    triage::PAGE,
    triage::DECISION,
    events::PAGE,
    promotions::PAGE,
    queue::PAGE,
    policy::PAGE,
    audit::PAGE,
];

/// What the pages share.
struct Pages {
    app: Arc<App>,
    templates: Templates,
    counts: overview::Counts,
}

/// Returns what answers at the addresses of the pages.
pub(crate) fn routes<S: Clone + Send + Sync + 'static>(app: Arc<App>) -> Router<S> {
    let pages = Arc::new(Pages { app, templates: Templates::new(), counts: overview::Counts::default() });
    let mut router: Router<Arc<Pages>> = Router::new();
    for page in PAGES {
        let answer = async move |State(pages): State<Arc<Pages>>,
                                 Path(names): Path<HashMap<String, String>>,
                                 query: Query<HashMap<String, String>>,
                                 uri: Uri,
                                 headers: HeaderMap| {
            answer(page, pages, (names, query.0), &uri, &headers).await
        };
        router = router.route(page.path, get(answer));
    }
    router
        .route(SIGN_IN, get(session::form).post(session::sign_in))
        .route("/sign-out", post(session::sign_out))
        .route(LOGIN, get(login::leave))
        .route(crate::login::CALLBACK, get(login::come_back))
        .route("/triage/decide", post(triage::decide))
        .route("/triage/withdraw", post(triage::withdraw))
        .route("/images/{digest}/download/{format}", get(download::download))
        .layer(DefaultBodyLimit::max(MAX_FORM))
        .route(render::STYLE_PATH, get(render::style))
        .with_state(pages)
}

async fn answer(
    page: &'static Page,
    pages: Arc<Pages>,
    (names, query): (HashMap<String, String>, HashMap<String, String>),
    uri: &Uri,
    headers: &HeaderMap,
) -> Response {
    let visitor = match session::visitor(&pages.app, headers, page.role).await {
        Ok(visitor) => visitor,
        Err(error) => return error.respond(&pages.templates, query.contains_key("format"), uri, None),
    };
    let ask = Ask::new(pages.clone(), visitor, uri.path(), names, query);
    if !page.is_open_to(&ask.visitor) {
        let error = error::PageError::from(Problem::fleet_only());
        return error.respond(&pages.templates, ask.form().is_some(), uri, Some(&ask.visitor));
    }
    let form = ask.form();
    match (page.view)(&ask).await {
        Err(error) => error.respond(&pages.templates, form.is_some(), uri, Some(&ask.visitor)),
        Ok(view) => match form {
            None => pages.templates.page(&ask, view),
            Some(form) => match view.tables.into_iter().find(|table| Some(table.name) == ask.text("table")) {
                Some(table) => table.export(form, &ask),
                None => Problem::not_found("the page has no table of this name").into_response(),
            },
        },
    }
}
