//! Blast radius: which images contain a package, in which versions, are hit by a vulnerability, hold a file, or give away a secret; where they are,
//! who answers for them, and what could take their place.

use super::finding::{TriagedName, triaged};
use super::image::versions;
use super::page::{After, Limit, Queried, Text, text};
use super::time;
use super::triage::Decision;
use crate::http::App;
use crate::problem::{Problem, Refused, Senseless};
use crate::radius::{Placed, placed};
use assay_model::{Ecosystem, FindingKind};
use assay_store::{Affected, Question, Role, Triaged, Where};
use assay_version::{InvalidRequirement, satisfies};
use axum::Json;
use axum::extract::{Query, State};
use axum::http::HeaderMap;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::sync::Arc;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::{IntoParams, ToSchema};

/// What is asked for: one of `package`, `advisory`, `file` and `rule`; all else that is given must fit as well.
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
    /// The SHA-256 of a file, as `sha256:` and 64 digits. Known are programs, libraries, scripts and archives of images that had a deep scan.
    #[param(schema_with = spelling, required = false)]
    file: Option<Text>,
    /// The rule that found a secret, such as `aws-access-key-id`. Nothing of the secret itself is known here.
    #[param(inline)]
    rule: Option<Text>,
    /// Findings about which nothing was decided, or something; takes `advisory` or `rule`.
    #[param(inline)]
    triage: Option<TriagedName>,
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
    /// The path of the file, of a question about one.
    #[schema(required)]
    pub path: Option<String>,
    /// The tags that name it now, as `registry/repository:tag`; 20 at most.
    pub tags: Vec<String>,
    /// The services that run it, as far as deployments were recorded; 20 at most.
    pub running: Vec<Running>,
    /// Who answers for it.
    #[schema(required)]
    pub owner: Option<String>,
    /// The newest image of its repository, if that is newer and known to be without it.
    #[schema(required)]
    pub fixed_in: Option<Replacement>,
    /// What people decided about the finding, as far as that is in effect.
    #[schema(required)]
    pub triage: Option<Decision>,
}

/// A service that runs an image.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Running {
    /// The environment.
    pub environment: String,
    /// The service.
    pub service: String,
    /// Since when.
    #[schema(format = DateTime)]
    pub since: String,
}

/// An image that could take the place of another.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Replacement {
    /// The image.
    pub digest: String,
    /// The tag that it was last given there.
    #[schema(required)]
    pub tag: Option<String>,
}

/// The images that contain what was asked for.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Radius {
    /// The entries.
    pub items: Vec<Hit>,
    /// What `after` is for the page that follows; `null` at the end. That page may have fewer entries than `limit`, or none, and go on.
    #[schema(required)]
    pub next: Option<i64>,
    /// Of how many images files are known, of a question about one: it may be in others.
    #[schema(required)]
    pub files: Option<FilesKnown>,
}

/// Of how many images files are known.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FilesKnown {
    /// Images whose files were looked at one by one.
    pub images: i64,
    /// Of those, images with more files than are kept.
    pub in_part: i64,
    /// All images that were scanned.
    pub scanned: i64,
}

/// How the SHA-256 of a file is written.
fn spelling() -> RefOr<Schema> {
    ObjectBuilder::new().schema_type(Type::String).pattern(Some("^(sha256:)?[0-9a-f]{64}$")).into()
}

/// Answers which images contain a package, are hit by a vulnerability, hold a file, or give away a secret.
///
/// What cannot be compared with a range of versions is not left out: it may be inside.
#[utoipa::path(get, path = "/api/v1/blast-radius", operation_id = "blastRadius", tag = "images", params(Wanted),
    security(("token" = ["viewer"])), responses((status = 200, body = Radius), Refused, Senseless))]
pub(crate) async fn radius(
    State(app): State<Arc<App>>,
    wanted: Queried<Wanted>,
    headers: HeaderMap,
) -> Result<Json<Radius>, Problem> {
    let holder = app.require(&headers, Role::Viewer).await?;
    let Query(wanted) = wanted?;
    let (after, limit) = (wanted.after.0, wanted.limit);
    let (package, ecosystem) = (text(&wanted.package), text(&wanted.ecosystem));
    let range = match (text(&wanted.versions), ecosystem) {
        (None, _) => None,
        (Some(range), Some(ecosystem)) if package.is_some() => {
            let ecosystem: Ecosystem = ecosystem
                .parse()
                .map_err(|_| Problem::senseless(format!("`{ecosystem}` is no ecosystem, such as `Maven`")))?;
            // A range that cannot be read is said also when no image has the package.
            in_range(&ecosystem, "1.0.0", range)?;
            Some((ecosystem, range))
        }
        _ => {
            return Err(Problem::senseless(
                "`versions` takes `package` and `ecosystem`, whose way to write ranges it is in",
            ));
        }
    };
    let place = Where {
        registry: text(&wanted.registry).map(str::to_owned),
        repository: text(&wanted.repository).map(str::to_owned),
    };
    let triage = triaged(wanted.triage);
    if triage != Triaged::Either && wanted.advisory.is_none() && wanted.rule.is_none() {
        return Err(Problem::senseless("`triage` takes `advisory` or `rule`: decisions are about findings"));
    }
    let asked = (package, text(&wanted.advisory), text(&wanted.file), text(&wanted.rule));
    let seen = app.seen_by(&holder);
    let (hits, question, files);
    let sha256: [u8; 32];
    match asked {
        (Some(name), None, None, None) => {
            hits = seen.images_containing_in(&place, ecosystem, name, after, limit.0).await?;
            (question, files) = (Question::Package(ecosystem, name), None);
        }
        (None, Some(name), None, None) => {
            let affected = Affected { kind: None, triage };
            hits = seen.images_affected_like(&place, name, affected, after, limit.0).await?;
            (question, files) = (Question::Finding(name, None), None);
        }
        (None, None, None, Some(name)) => {
            let kind = Some(FindingKind::Secret);
            let affected = Affected { kind, triage };
            hits = seen.images_affected_like(&place, name, affected, after, limit.0).await?;
            (question, files) = (Question::Finding(name, kind), None);
        }
        (None, None, Some(digest), None) => {
            sha256 = crate::files::sha256(digest).ok_or_else(|| {
                Problem::invalid("`file` is the SHA-256 of a file: `sha256:` and 64 hexadecimal digits")
            })?;
            hits = seen.images_with_file(&place, &sha256, after, limit.0).await?;
            (question, files) = (Question::File(&sha256), Some(seen.files_known().await?));
        }
        _ => {
            return Err(Problem::senseless(
                "ask for one of `package` (with `ecosystem`), `advisory`, `file` and `rule`",
            ));
        }
    }
    let images: BTreeSet<i64> = hits.iter().map(|hit| hit.id).collect();
    let next = images.last().copied().filter(|_| limit.is_reached(images.len()));
    let inside = |version: &str| match &range {
        Some((ecosystem, range)) => in_range(ecosystem, version, range),
        None => Ok(None),
    };
    let mut chosen = Vec::new();
    for hit in hits {
        if inside(hit.version.as_deref().unwrap_or_default())? != Some(false) {
            chosen.push(hit);
        }
    }
    let counts = |version: &str| inside(version).unwrap_or_default() != Some(false);
    let mut items = Vec::new();
    for one in placed(&app, seen, chosen, question, counts).await? {
        let inside = inside(one.hit.version.as_deref().unwrap_or_default())?;
        items.push(Hit::new(one, inside));
    }
    let files = files.map(|files| FilesKnown {
        images: files.images,
        in_part: files.in_part,
        scanned: files.scanned,
    });
    Ok(Json(Radius { items, next, files }))
}

impl Hit {
    fn new(placed: Placed, in_range: Option<bool>) -> Self {
        let Placed { hit, at, owner, fixed, triage } = placed;
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
            path: hit.path,
            tags: at.tags,
            running: at
                .running
                .into_iter()
                .map(|one| Running {
                    environment: one.environment,
                    service: one.service,
                    since: time(one.since),
                })
                .collect(),
            owner,
            fixed_in: fixed.map(|image| Replacement { digest: image.digest.to_string(), tag: image.tag }),
            triage: triage.map(Decision::from),
        }
    }
}

/// Says whether a version is in a range; nothing where that cannot be said.
fn in_range(ecosystem: &Ecosystem, version: &str, range: &str) -> Result<Option<bool>, Problem> {
    match satisfies(ecosystem.scheme(), version, range) {
        Ok(met) => Ok(Some(met)),
        Err(InvalidRequirement::Version(_)) => Ok(None),
        Err(error) => Err(Problem::senseless(error.to_string())),
    }
}
