//! The list of all addresses, and the document that describes them.
//!
//! Whoever asks gets the document, also without a token: it is the same for every server of a version, as the manual is, and tells nothing of
//! what a server knows; programs that make clients of it carry no credentials.

use super::{
    audit, blast, build, channel, crawl, credential, deployment, event, evidence, finding, image, job,
    promotion, reference, retention, sbom, token, triage, verdict,
};
use crate::http::App;
use crate::problem::ProblemDocument;
use axum::Router;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use std::sync::{Arc, LazyLock};
use utoipa::PartialSchema as _;
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa::openapi::tag::TagBuilder;
use utoipa::openapi::{ComponentsBuilder, InfoBuilder, LicenseBuilder, OpenApi, OpenApiBuilder};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

const DESCRIPTION: &str = "What the server knows of every image that was pushed, and what it thinks of it.\n\n\
    Lists have `items`, and `next`, which is the parameter `after` of the page that follows. Times are RFC 3339. Parameters and members \
    of bodies that are not described are refused. Errors are problem documents (RFC 9457) with a `code` that stays the same. The role \
    that an address takes stands beside its security requirement.";

/// What the addresses are about, in the order in which the document has them.
const TAGS: [(&str, &str); 13] = [
    ("images", "Images, what is in them, and whether they may run."),
    ("triage", "What people decided about findings."),
    ("builds", "How images were built."),
    ("deployments", "What runs where, and what is kept."),
    ("promotions", "What went from incoming to release repositories."),
    ("events", "What happened."),
    ("channels", "Who is told of it."),
    ("registries", "What registries were asked."),
    ("credentials", "What registries are asked with."),
    ("jobs", "Work that is queued or done."),
    ("audit", "Who did what."),
    ("tokens", "Who may ask."),
    ("api", "This description."),
];

/// Returns what answers under `/api/v1`, and the description of it. A new address is one line here.
pub(crate) fn router() -> (Router<Arc<App>>, OpenApi) {
    OpenApiRouter::with_openapi(description())
        .routes(routes!(image::list, image::ask))
        .routes(routes!(image::detail))
        .routes(routes!(image::report))
        .routes(routes!(finding::list))
        .routes(routes!(verdict::verdict))
        .routes(routes!(evidence::list))
        .routes(routes!(sbom::read, sbom::give))
        .routes(routes!(sbom::list))
        .routes(routes!(reference::reference))
        .routes(routes!(blast::radius))
        .routes(routes!(triage::list, triage::decide))
        .routes(routes!(triage::detail, triage::withdraw))
        .routes(routes!(build::list, build::record))
        .routes(routes!(build::log))
        .routes(routes!(deployment::list))
        .routes(routes!(deployment::set, deployment::end))
        .routes(routes!(retention::dry_run))
        .routes(routes!(promotion::list, promotion::create))
        .routes(routes!(event::list))
        .routes(routes!(channel::list))
        .routes(routes!(crawl::list))
        .routes(routes!(credential::list, credential::set))
        .routes(routes!(credential::rotate))
        .routes(routes!(credential::remove))
        .routes(routes!(job::job))
        .routes(routes!(audit::list))
        .routes(routes!(audit::checkpoint))
        .routes(routes!(token::list, token::create))
        .routes(routes!(token::revoke))
        .routes(routes!(answer))
        .split_for_parts()
}

fn description() -> OpenApi {
    let token = SecurityScheme::Http(
        Http::builder()
            .scheme(HttpAuthScheme::Bearer)
            .description(Some("A token that an administrator made (the first is printed at the first start), or an ID token of the server's identity provider."))
            .build(),
    );
    let components = ComponentsBuilder::new()
        .security_scheme("token", token)
        .schema("Problem", ProblemDocument::schema())
        .build();
    let info = InfoBuilder::new()
        .title("Assay")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(DESCRIPTION))
        .license(Some(LicenseBuilder::new().name(env!("CARGO_PKG_LICENSE")).build()))
        .build();
    let tags = TAGS.map(|(name, text)| TagBuilder::new().name(name).description(Some(text)).build());
    OpenApiBuilder::new().info(info).components(Some(components)).tags(Some(tags)).build()
}

/// Returns the document.
pub fn document() -> &'static serde_json::Value {
    static DOCUMENT: LazyLock<serde_json::Value> =
        LazyLock::new(|| serde_json::to_value(router().1).unwrap_or_default());
    &DOCUMENT
}

/// Returns what the document describes: method and address of each operation.
pub fn operations() -> Vec<(String, String)> {
    let paths = document().get("paths").and_then(serde_json::Value::as_object);
    let methods = |item: &serde_json::Value| {
        item.as_object().map(|item| item.keys().cloned().collect::<Vec<_>>()).unwrap_or_default()
    };
    paths
        .into_iter()
        .flatten()
        .flat_map(|(path, item)| {
            methods(item).into_iter().map(|method| (method.to_uppercase(), path.clone())).collect::<Vec<_>>()
        })
        .collect()
}

/// The description of this API, as OpenAPI 3.1.
///
/// It takes no token: it is the same for every server of a version.
#[utoipa::path(get, path = "/api/v1/openapi.json", operation_id = "describe", tag = "api",
    responses((status = 200, description = "The document.", body = serde_json::Value)))]
async fn answer() -> Response {
    ([(header::CONTENT_TYPE, "application/json")], document().to_string()).into_response()
}
