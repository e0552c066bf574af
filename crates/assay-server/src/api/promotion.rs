//! Promotions: what was promoted, and asking for one.

use super::page::{List, Paged, Queried};
use super::{body, time};
use crate::http::App;
use crate::problem::{Missing, Problem, Refused, Senseless, Unsent};
use crate::promote::Order;
use crate::worker::{MAX_QUEUED, RETRY_AFTER};
use assay_oci::Reference;
use assay_policy::pattern;
use assay_store::{Enqueued, Place, Role};
use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::ToSchema;

/// A promotion.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Promotion {
    /// Its number.
    pub id: i64,
    /// The image in its incoming repository, by digest.
    pub source: String,
    /// The tag that it got in the release repository.
    pub target: String,
    /// The image.
    pub digest: String,
    /// Who asked for it.
    pub actor: String,
    /// What the policy said.
    pub verdict: String,
    /// The digest of the policy's text.
    pub policy: String,
    /// When it began.
    #[schema(format = DateTime)]
    pub started: String,
    /// When it was done, if it is.
    #[schema(format = DateTime, required)]
    pub finished: Option<String>,
    /// What the tag names now without a promotion.
    #[schema(required)]
    pub moved_to: Option<String>,
}

impl From<assay_store::Promotion> for Promotion {
    fn from(promotion: assay_store::Promotion) -> Self {
        let assay_store::Promotion { from, to, digest, .. } = &promotion;
        Self {
            id: promotion.id,
            source: format!("{}/{}@{digest}", from.registry, from.repository),
            target: format!("{}/{}:{}", to.registry, to.repository, to.tag.as_deref().unwrap_or_default()),
            digest: digest.to_string(),
            started: time(promotion.started),
            finished: promotion.finished.map(time),
            actor: promotion.actor,
            verdict: promotion.verdict,
            policy: promotion.policy,
            moved_to: promotion.moved_to,
        }
    }
}

/// Lists promotions, in the order in which they began.
#[utoipa::path(get, path = "/api/v1/promotions", operation_id = "listPromotions", tag = "promotions", params(Paged),
    security(("token" = ["viewer"])), responses((status = 200, body = List<Promotion>), Refused))]
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    wanted: Queried<Paged>,
    headers: HeaderMap,
) -> Result<Json<List<Promotion>>, Problem> {
    let holder = app.require(&headers, Role::Viewer).await?;
    let (after, limit) = wanted?.page();
    let promotions = app.seen_by(&holder).promotions(after, limit.0).await?;
    Ok(Json(List::of(promotions, limit, |one| one.id)))
}

/// A promotion that is asked for.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewPromotion {
    /// The image in its incoming repository, by tag or digest.
    #[schema(min_length = 1, example = "registry.example/incoming/app:1.4")]
    pub source: String,
    /// The release repository, where there are several.
    pub target: Option<String>,
    /// The tag that it gets, if not that of the source.
    pub tag: Option<String>,
    /// Whether a tag that names another image may be moved.
    #[serde(default, rename = "move")]
    pub moves: bool,
}

/// A promotion that is due.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct DuePromotion {
    /// The image in its incoming repository, by tag and digest, or by digest alone.
    pub source: String,
    /// The release repository, with the tag.
    pub target: String,
    /// The image.
    pub digest: String,
    /// `queued`, or `known` where it was asked for already.
    pub state: String,
}

/// Asks for a promotion, which is judged and carried out like any other.
#[utoipa::path(post, path = "/api/v1/promotions", operation_id = "promote", tag = "promotions", request_body = NewPromotion,
    security(("token" = ["security"])),
    responses((status = 202, description = "It will be judged, and carried out if it is admitted.", body = DuePromotion), Refused, Unsent,
        Missing, Senseless))]
pub(crate) async fn create(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    bytes: Bytes,
) -> Result<(StatusCode, Json<DuePromotion>), Problem> {
    let actor = app.require(&headers, Role::Security).await?;
    let asked: NewPromotion = body(&headers, &bytes)?;
    let Some(promoter) = &app.promoter else {
        let hint =
            "the server promotes nothing: start it with `--promote INCOMING=RELEASE` and `--policy FILE`";
        return Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, "no-promotion", hint));
    };
    let source: Reference = asked
        .source
        .parse()
        .map_err(|_| Problem::senseless("`source` is no image, such as `HOST/REPOSITORY:TAG`"))?;
    app.may_use(&actor, source.registry(), source.repository())?;
    let Some((pair, registry, repository)) = promoter.pair_of(&source, asked.target.as_deref()) else {
        let hint = "`source` is in no repository from which is promoted, or not to `target`: start the server with `--promote \
                    INCOMING=RELEASE`";
        return Err(Problem::senseless(hint));
    };
    app.may_use(&actor, &registry, &repository)?;
    // `latest` is filled in where neither is named; nobody means that here.
    let own =
        source.tag().filter(|tag| source.digest().is_none() || asked.source.contains(&format!(":{tag}@")));
    let place = Place {
        registry: source.registry().to_owned(),
        repository: source.repository().to_owned(),
        tag: own.map(str::to_owned),
    };
    let digest = match source.digest() {
        Some(digest) => digest,
        None => {
            let known = app.seen_by(&actor).tagged(&place).await?;
            known
                .ok_or_else(|| Problem::not_found("no push of `source` was seen; name it by its digest"))?
                .digest
        }
    };
    if app.seen_by(&actor).generation(&digest).await?.is_none() {
        return Err(Problem::not_found(
            "no image of this digest was seen; push it, or wait for the next crawl",
        ));
    }
    let tag =
        asked.tag.as_deref().or(own).ok_or_else(|| {
            Problem::senseless("`source` has no tag: say with `tag` which one the image gets")
        })?;
    let target = format!("{registry}/{repository}:{tag}");
    if target.parse::<Reference>().ok().and_then(|target| target.tag().map(|own| own == tag)) != Some(true) {
        return Err(Problem::senseless(format!("`{tag}` is no tag")));
    }
    let named = own.map(|tag| format!(":{tag}")).unwrap_or_default();
    let order = Order {
        source: format!("{}/{}{named}@{digest}", place.registry, place.repository),
        target,
        pair: pair.release(),
        actor: actor.name.clone(),
        moves: asked.moves || pattern::any(&promoter.moving, tag),
        follows: false,
        asked: (app.clock)().0,
    };
    let job = order.job().map_err(|error| Problem::senseless(error.to_string()))?;
    let now = (app.clock)();
    let mut work = app.begin().await?;
    let enqueued = work.enqueue_below(&job, MAX_QUEUED, now).await?;
    if enqueued == Enqueued::Full {
        return Err(Problem::busy(RETRY_AFTER));
    }
    let detail = serde_json::json!({ "source": order.source, "move": order.moves });
    work.audit(&actor.name, "promotion.ask", &order.target, &detail, now).await?;
    work.commit().await?;
    let state = if enqueued == Enqueued::New { "queued" } else { "known" };
    Ok((
        StatusCode::ACCEPTED,
        Json(DuePromotion {
            source: order.source,
            target: order.target,
            digest: digest.to_string(),
            state: state.to_owned(),
        }),
    ))
}
