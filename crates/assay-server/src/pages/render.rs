//! Templates, and the headers that every page is sent with.

use super::ask::Ask;
use super::session::Visitor;
use super::table::Table;
use super::{PAGES, error};
use assay_report::escape::visible;
use assay_report::page::{STYLE, environment};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use minijinja::value::Serde;
use minijinja::{Environment, context};
use serde::Serialize;

/// Where the style is.
pub(super) const STYLE_PATH: &str = "/style.css";

/// What the pages add to the style of the report.
const MORE_STYLE: &str = include_str!("../../templates/pages.css");

/// The style of this server, forms that lead back to it, and nothing else: no script, no picture, no frame. A name that broke out of
/// its place could still do nothing.
const POLICY: &str =
    "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

const TEMPLATES: &[(&str, &str)] = &[
    ("layout.html", include_str!("../../templates/layout.html")),
    ("tables.html", include_str!("../../templates/tables.html")),
    ("plain.html", include_str!("../../templates/plain.html")),
    ("overview.html", include_str!("../../templates/overview.html")),
    ("images.html", include_str!("../../templates/images.html")),
    ("image.html", include_str!("../../templates/image.html")),
    ("search.html", include_str!("../../templates/search.html")),
    ("advisory.html", include_str!("../../templates/advisory.html")),
    ("triage.html", include_str!("../../templates/triage.html")),
    ("decision.html", include_str!("../../templates/decision.html")),
    ("decide.html", include_str!("../../templates/decide.html")),
    ("sign-in.html", include_str!("../../templates/sign-in.html")),
    ("signed-in.html", include_str!("../../templates/signed-in.html")),
    ("message.html", include_str!("../../templates/message.html")),
];

/// What a page shows.
pub(super) struct View {
    /// Its title.
    pub(super) title: String,
    /// The template it is drawn by.
    pub(super) template: &'static str,
    /// What that needs besides the tables.
    pub(super) context: minijinja::Value,
    /// Its tables.
    pub(super) tables: Vec<Table>,
}

impl View {
    /// A page of a heading, some sentences and tables.
    pub(super) fn plain(title: impl Into<String>, sentences: Vec<String>, tables: Vec<Table>) -> Self {
        Self { title: title.into(), template: "plain.html", context: context! { sentences }, tables }
    }
}

#[derive(Serialize)]
struct Link {
    to: &'static str,
    label: &'static str,
    here: bool,
}

/// A table with the addresses of its forms for programs.
#[derive(Serialize)]
struct Shown {
    #[serde(flatten)]
    table: Table,
    csv: String,
    json: String,
}

/// The templates, read once.
pub(super) struct Templates(Environment<'static>);

impl Templates {
    pub(super) fn new() -> Self {
        let mut read = environment().unwrap_or_default();
        for (name, text) in TEMPLATES {
            // A mistake in one is found by the test below; at run time the page says that it cannot be drawn.
            let _ = read.add_template(name, text);
        }
        Self(read)
    }

    /// Draws a page.
    pub(super) fn page(&self, ask: &Ask, view: View) -> Response {
        let tables: Vec<Shown> = view
            .tables
            .into_iter()
            .map(|table| Shown {
                csv: ask.address(&[("table", Some(table.name)), ("format", Some("csv"))]),
                json: ask.address(&[("table", Some(table.name)), ("format", Some("json"))]),
                table,
            })
            .collect();
        let context = context! {
            title => view.title,
            tables => Serde(tables),
            menu => menu(&ask.visitor, Some(ask)),
            visitor => Serde(&ask.visitor),
            ..view.context
        };
        self.draw(StatusCode::OK, view.template, &context)
    }

    /// Draws a page that says one thing.
    pub(super) fn message(
        &self,
        status: StatusCode,
        title: &str,
        detail: &str,
        visitor: Option<&Visitor>,
    ) -> Response {
        let menu = visitor.map(|visitor| menu(visitor, None));
        let visitor = visitor.map(Serde);
        self.draw(status, "message.html", &context! { title, detail, menu, visitor })
    }

    pub(super) fn draw(&self, status: StatusCode, template: &str, context: &minijinja::Value) -> Response {
        match self.0.get_template(template).and_then(|template| template.render(context)) {
            Ok(html) => (status, headers(), visible(&html)).into_response(),
            Err(_) => error::unwritable(),
        }
    }
}

fn menu(visitor: &Visitor, ask: Option<&Ask>) -> minijinja::Value {
    let here = ask.map(|ask| ask.address(&[])).unwrap_or_default();
    let here = here.split('?').next().unwrap_or_default();
    let links = PAGES
        .iter()
        .filter(|page| page.is_open_to(visitor))
        .filter_map(|page| Some(Link { to: page.path, label: page.menu?, here: page.path == here }));
    minijinja::Value::from(Serde(links.collect::<Vec<_>>()))
}

fn headers() -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        // With `no-referrer` browsers would not say where a form comes from, which signing in goes by.
        (header::REFERRER_POLICY, "same-origin"),
        (header::CACHE_CONTROL, "no-store"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.insert("cross-origin-opener-policy", HeaderValue::from_static("same-origin"));
    headers
}

pub(super) fn see_other(address: &str) -> Response {
    let mut response = (StatusCode::SEE_OTHER, headers()).into_response();
    if let Ok(address) = HeaderValue::from_str(address) {
        response.headers_mut().insert(header::LOCATION, address);
    }
    response
}

pub(super) async fn style() -> Response {
    let headers = [
        (header::CONTENT_TYPE, "text/css; charset=utf-8"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        // Long enough for going from page to page; a new version of the program is there within minutes.
        (header::CACHE_CONTROL, "max-age=300"),
    ];
    (headers, format!("{STYLE}{MORE_STYLE}")).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_template_can_be_read() {
        let templates = Templates::new();
        for (name, _) in TEMPLATES {
            templates.0.get_template(name).unwrap();
        }
    }
}
