//! Blast radius: which images contain a package, in which versions, or are hit by a vulnerability.

use super::image::versions;
use super::page::{After, Limit, List, Text, text};
use super::time;
use crate::http::App;
use crate::problem::{Problem, Refused};
use assay_model::Ecosystem;
use assay_store::{Hit as StoredHit, Role, Where};
use assay_version::{InvalidRequirement, satisfies};
use axum::Json;
use axum::extract::{Query, State};
use axum::http::HeaderMap;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};

/// What is asked for: either `package`, or `advisory`; all else that is given must fit as well.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Wanted {
    /// The name of a package, as advisories name it, such as `org.apache.logging.log4j:log4j-core`.
    #[param(inline)]
    package: Option<Text>,
    /// The package's ecosystem, such as `Maven`.
    #[param(inline)]
    ecosystem: Option<Text>,
    /// A range of the package's versions, in the ecosystem's own way to write it, such as `>=2.0,<2.17.1`; takes `ecosystem`.
    #[param(inline)]
    versions: Option<Text>,
    /// An identifier of a vulnerability, any of those it is known by, such as `CVE-2021-44228`.
    #[param(inline)]
    advisory: Option<Text>,
    /// Seen in this registry.
    #[param(inline)]
    registry: Option<Text>,
    /// Seen in this repository.
    #[param(inline)]
    repository: Option<Text>,
    /// After this number: the `next` of the page before.
    #[serde(default)]
    #[param(inline)]
    after: After,
    /// How many images at most; of each there is an entry for every version or finding.
    #[serde(default)]
    #[param(inline)]
    limit: Limit,
}

/// An image that contains what was asked for.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Hit {
    /// The image.
    pub digest: String,
    /// The registry it was first seen in.
    pub registry: String,
    /// The repository it was first seen in.
    pub repository: String,
    /// The ecosystem of a package, or the identifier by which a vulnerability is known there.
    #[serde(rename = "match")]
    pub of: String,
    /// The package, if it is about one.
    #[schema(required)]
    pub package: Option<String>,
    /// Its version.
    #[schema(required)]
    pub version: Option<String>,
    /// The versions that fix it, where they are known and a vulnerability was asked for.
    pub fixed_versions: Vec<String>,
    /// Since when it is known to be there.
    #[schema(format = DateTime)]
    pub since: String,
    /// Whether a service runs it, as far as deployments were recorded.
    pub deployed: bool,
    /// Of a question about versions: whether it is inside, or `null` where its version cannot be compared.
    #[schema(required)]
    pub in_range: Option<bool>,
}

/// Answers which images contain a package or are hit by a vulnerability.
///
/// What cannot be compared with a range of versions is not left out: it may be inside.
#[utoipa::path(get, path = "/api/v1/blast-radius", operation_id = "blastRadius", tag = "images", params(Wanted),
    security(("token" = ["viewer"])), responses((status = 200, body = List<Hit>), Refused))]
pub(crate) async fn radius(
    State(app): State<Arc<App>>,
    Query(wanted): Query<Wanted>,
    headers: HeaderMap,
) -> Result<Json<List<Hit>>, Problem> {
    app.require(&headers, Role::Viewer).await?;
    let (after, limit) = (wanted.after.0, wanted.limit);
    let (package, ecosystem) = (text(&wanted.package), text(&wanted.ecosystem));
    let range = match (text(&wanted.versions), ecosystem) {
        (None, _) => None,
        (Some(range), Some(ecosystem)) if package.is_some() => {
            let ecosystem: Ecosystem = ecosystem
                .parse()
                .map_err(|_| Problem::invalid(format!("`{ecosystem}` is no ecosystem, such as `Maven`")))?;
            // A range that cannot be read is said also when no image has the package.
            in_range(&ecosystem, "1.0.0", range)?;
            Some((ecosystem, range))
        }
        _ => {
            return Err(Problem::invalid(
                "`versions` takes `package` and `ecosystem`, whose way to write ranges it is in",
            ));
        }
    };
    let place = Where {
        registry: text(&wanted.registry).map(str::to_owned),
        repository: text(&wanted.repository).map(str::to_owned),
    };
    let hits: Vec<StoredHit> = match (package, text(&wanted.advisory)) {
        (Some(name), None) => app.store.images_containing_in(&place, ecosystem, name, after, limit.0).await?,
        (None, Some(advisory)) => app.store.images_affected_in(&place, advisory, after, limit.0).await?,
        _ => return Err(Problem::invalid("ask for either `package` (with `ecosystem`) or `advisory`")),
    };
    let images: BTreeSet<i64> = hits.iter().map(|hit| hit.id).collect();
    let next = images.last().copied().filter(|_| limit.is_reached(images.len()));
    let mut items = Vec::new();
    for hit in hits {
        let inside = match &range {
            Some((ecosystem, range)) => {
                in_range(ecosystem, hit.version.as_deref().unwrap_or_default(), range)?
            }
            None => None,
        };
        if inside != Some(false) {
            items.push(Hit::new(hit, inside));
        }
    }
    Ok(Json(List { items, next }))
}

impl Hit {
    fn new(hit: StoredHit, in_range: Option<bool>) -> Self {
        Self {
            in_range,
            digest: hit.digest.to_string(),
            registry: hit.registry,
            repository: hit.repository,
            of: hit.of,
            package: hit.package,
            version: hit.version,
            fixed_versions: versions(&hit.fixed_versions),
            since: time(hit.since),
            deployed: hit.deployed,
        }
    }
}

/// Says whether a version is in a range; nothing where that cannot be said.
fn in_range(ecosystem: &Ecosystem, version: &str, range: &str) -> Result<Option<bool>, Problem> {
    match satisfies(ecosystem.scheme(), version, range) {
        Ok(met) => Ok(Some(met)),
        Err(InvalidRequirement::Version(_)) => Ok(None),
        Err(error) => Err(Problem::invalid(error.to_string())),
    }
}
